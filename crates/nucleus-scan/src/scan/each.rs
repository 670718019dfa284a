//! Judges every file of every root, side by side; what comes of it stands in the order of the roots and their files.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::file::{self, Outcome};
use super::{Job, Options, Root, guard, load};
use crate::discover::Candidate;
use crate::rules::Surroundings;
use crate::threads::{self, MAX_THREADS};

/// Files for which one thread more pays: fewer are judged sooner than it is there.
const FILES_OF_A_THREAD: usize = 8;

/// A file that is to be judged.
struct Task<'a> {
    job: &'a Job<'a>,
    file: &'a Candidate,
    real: PathBuf,
}

/// What each file of the roots comes to; a file that is reached twice counts where it is reached first.
pub(super) fn outcomes(roots: &[(Root, Vec<Candidate>)], options: &Options) -> Vec<Outcome> {
    let jobs: Vec<Job<'_>> = roots
        .iter()
        .map(|(root, _)| Job {
            root,
            surroundings: Surroundings::of(&root.path),
            options,
        })
        .collect();
    let mut seen = HashSet::new();
    let mut tasks = Vec::new();
    for (job, (root, files)) in jobs.iter().zip(roots) {
        for file in files {
            let real = load::real(root, file, &mut seen);
            tasks.extend(real.map(|real| Task { job, file, real }));
        }
    }
    in_order(&tasks)
}

fn in_order(tasks: &[Task<'_>]) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let most = (tasks.len() / FILES_OF_A_THREAD).clamp(1, MAX_THREADS);
    let parts = threads::side_by_side(most, || {
        let mut done = Vec::new();
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = tasks.get(nth) else {
                return done;
            };
            done.push((nth, outcome(task)));
        }
    });
    let mut outcomes: Vec<_> = parts.into_iter().flatten().collect();
    outcomes.sort_unstable_by_key(|(nth, _)| *nth);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

fn outcome(task: &Task<'_>) -> Outcome {
    let Candidate {
        relative, known, ..
    } = task.file;
    guard::guarded(task.job.root, relative, *known, || {
        file::outcome(task.job, relative, *known, &task.real)
    })
}
