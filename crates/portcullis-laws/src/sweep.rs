//! Checks a law of every input, or of every capability vector beside representatives of the rest.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::args::{WORDS, Words};
use crate::law::{Answer, Law, Shape};

/// What a sweep looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// The inputs that were judged.
    pub inputs: u64,
    /// Those inside the law.
    pub inside: u64,
    /// Whether these were all well-formed inputs.
    pub is_complete: bool,
    /// An input that breaks the law, if any.
    pub broken_by: Option<Words>,
}

/// Most inputs of one sweep: some seconds on one core.
const MOST: u64 = 1 << 26;

/// Judges every input of a law whose domain is small enough.
///
/// A law of one capability vector and more is swept over all 3^12 vectors with
/// representatives of its sets and numbers; `None` where even that is too much.
#[must_use]
pub fn sweep(law: &Law) -> Option<Sweep> {
    let shapes = (law.shapes)();
    let whole: Option<Vec<Vec<u64>>> = shapes.iter().map(|shape| every(*shape)).collect();
    let vectors = shapes.iter().filter(|s| **s == Shape::Levels).count();
    match whole.filter(|domain| size(domain) <= MOST) {
        Some(domain) => Some(run(law, &domain, true)),
        None if vectors == 1 => {
            let domain: Vec<Vec<u64>> = shapes.iter().map(|s| some(*s)).collect();
            (size(&domain) <= MOST).then(|| run(law, &domain, false))
        }
        None => None,
    }
}

/// How many inputs a domain has.
fn size(domain: &[Vec<u64>]) -> u64 {
    domain.iter().map(|column| u64::try_from(column.len()).unwrap_or(u64::MAX)).fold(1, u64::saturating_mul)
}

/// Every well-formed number of a shape.
fn every(shape: Shape) -> Option<Vec<u64>> {
    match shape {
        Shape::Levels => Some(vectors()),
        _ => Some((0..shape.size()?).collect()),
    }
}

/// All capability vectors; for a set of operations none, all, the exfil ones and
/// two that cut across; for a number both ends.
fn some(shape: Shape) -> Vec<u64> {
    match shape {
        Shape::Set(12) => vec![0, 0xfff, 0x6c0, 0x525],
        Shape::Number => vec![0, 1, u64::MAX],
        _ => every(shape).unwrap_or_default(),
    }
}

/// All 3^12 capability vectors.
fn vectors() -> Vec<u64> {
    (0..12).fold(vec![0], |vectors, place| {
        let with = |code: u64| move |bits: &u64| bits | code << (2 * place);
        let one = |code| vectors.iter().map(with(code)).collect::<Vec<_>>();
        [one(0b00), one(0b01), one(0b11)].concat()
    })
}

/// Judges every input of a domain, its longest column split over the cores.
fn run(law: &Law, domain: &[Vec<u64>], is_complete: bool) -> Sweep {
    let longest = (0..domain.len()).max_by_key(|at| domain[*at].len()).unwrap_or(0);
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let is_broken = AtomicBool::new(false);
    let length = domain.get(longest).map_or(0, Vec::len).div_ceil(cores).max(1);
    let parts: Vec<Part> = thread::scope(|scope| {
        let chunks = domain.get(longest).map_or(&[][..], Vec::as_slice).chunks(length);
        let workers: Vec<_> = chunks
            .map(|chunk| {
                let mut own = domain.to_vec();
                own[longest] = chunk.to_vec();
                let is_broken = &is_broken;
                scope.spawn(move || part(law, &own, is_broken))
            })
            .collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
    });
    let inputs = parts.iter().map(|part| part.inputs).sum();
    let broken_by = parts.iter().find_map(|part| part.broken_by);
    Sweep {
        inputs,
        inside: parts.iter().map(|part| part.inside).sum(),
        // A worker that panicked looked at too few inputs: not complete, and broken.
        is_complete: is_complete && inputs == size(domain),
        broken_by: broken_by.or((inputs != size(domain)).then_some([u64::MAX; WORDS])),
    }
}

/// What one worker saw.
#[derive(Default)]
struct Part {
    inputs: u64,
    inside: u64,
    broken_by: Option<Words>,
}

/// Judges the inputs of one part, the last column running fastest.
fn part(law: &Law, domain: &[Vec<u64>], is_broken: &AtomicBool) -> Part {
    let mut seen = Part::default();
    let mut at = vec![0; domain.len()];
    let mut words = [0; WORDS];
    for (word, column) in words.iter_mut().zip(domain) {
        *word = column[0];
    }
    loop {
        let answer = (law.judge)(&words);
        seen.inputs += 1;
        seen.inside += u64::from(answer == Answer::Holds);
        if answer == Answer::Fails {
            seen.broken_by = Some(words);
            is_broken.store(true, Ordering::Relaxed);
        }
        let has_next = advance(&mut at, &mut words, domain);
        if !has_next || is_broken.load(Ordering::Relaxed) {
            return seen;
        }
    }
}

/// Steps to the next input; false after the last.
fn advance(at: &mut [usize], words: &mut Words, domain: &[Vec<u64>]) -> bool {
    for place in (0..domain.len()).rev() {
        at[place] += 1;
        if let Some(next) = domain[place].get(at[place]) {
            words[place] = *next;
            return true;
        }
        at[place] = 0;
        words[place] = domain[place][0];
    }
    false
}
