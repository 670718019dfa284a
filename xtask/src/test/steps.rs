//! Runs one step under a wall limit and turns what it printed into counts.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::Lane;
use super::counts::{Counter, Skip, Tally};
use super::needs::Needs;
use crate::process::{Ending, Limit, stream};
use crate::{Failure, root};

/// How many lines a failing step shows where no failing test printed any.
const TAIL_LINES: usize = 120;
/// How many lines of failing tests a step shows at most.
const EVIDENCE_LINES: usize = 400;
/// How often a long step says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(60);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    step: Vec<Step>,
}

/// One step as data.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) lane: Lane,
    /// An argv, run at the repository's root; the program `xtask` is this one.
    command: Vec<String>,
    counts: Counts,
    limit_s: u64,
    /// Names of `needs.toml`; without one of them the step is skipped.
    #[serde(default)]
    needs: Vec<String>,
    /// Who can run it.
    #[serde(default)]
    by: By,
}

/// What a step counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Counts {
    /// One check: its exit status.
    Step,
    /// The tests it prints; none at all is a failure.
    Tests,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum By {
    #[default]
    Anyone,
    /// Only root has to run it: for everybody else the other steps already say as much.
    Root,
}

/// What came of a step.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) tally: Tally,
    pub(super) elapsed: Duration,
}

impl Outcome {
    /// One line for the person who waits.
    pub(super) fn line(&self, step: &Step) -> String {
        let tally = &self.tally;
        let word = match (
            tally.failures.is_empty(),
            tally.skips.is_empty(),
            tally.passed,
        ) {
            (false, _, _) => "FAILED",
            (true, false, 0) => "skipped",
            (true, true, 0) => "n/a",
            (true, _, _) => "ok",
        };
        let seconds = self.elapsed.as_secs_f64();
        format!(
            "{word:<7} {:<14} {} ({seconds:.1} s)",
            step.name,
            self.tally.counts()
        )
    }
}

/// The steps of a lane in order; a name in `only` that no step has is an error.
pub(super) fn of_lane(lane: Lane, only: &[String]) -> Result<Vec<Step>, Failure> {
    let table: Table = root::table("steps.toml")?;
    if let Some(name) = only
        .iter()
        .find(|name| table.step.iter().all(|s| s.name != **name))
    {
        return Err(format!("no step is called `{name}`").into());
    }
    let is_wanted = |step: &Step| {
        if only.is_empty() {
            step.lane <= lane
        } else {
            only.contains(&step.name)
        }
    };
    Ok(table.step.into_iter().filter(is_wanted).collect())
}

impl Step {
    /// Runs the step, never longer than `left`.
    pub(super) fn run(&self, needs: &Needs, left: Duration, verbose: bool) -> Outcome {
        let started = Instant::now();
        let tally = if self.by == By::Root && !rustix::process::geteuid().is_root() {
            println!("{}: only root has to run this", self.name);
            Tally::default()
        } else if let Some(missing) = needs.first_missing(&self.needs) {
            let skip = Skip {
                test: self.name.clone(),
                missing: missing.to_owned(),
            };
            Tally {
                skips: vec![skip],
                ..Tally::default()
            }
        } else if left.is_zero() {
            failed(format!("{}: no time was left to run it", self.name))
        } else {
            self.run_now(Limit(left.min(Duration::from_secs(self.limit_s))), verbose)
        };
        Outcome {
            tally,
            elapsed: started.elapsed(),
        }
    }

    fn run_now(&self, limit: Limit, verbose: bool) -> Tally {
        println!("run     {:<14} {}", self.name, self.command.join(" "));
        let Some(mut command) = self.argv() else {
            return failed(format!("{}: has no command", self.name));
        };
        let mut screen = Screen::open(&self.name, verbose);
        let mut counter = Counter::default();
        let ending = stream(&mut command, limit, |line| {
            counter.line(line);
            screen.line(line);
        });
        let (tally, evidence) = counter.finish();
        let tally = self.judge(tally, &ending);
        if !tally.failures.is_empty() && !verbose {
            screen.show(&evidence);
        }
        tally
    }

    fn argv(&self) -> Option<Command> {
        let (program, args) = self.command.split_first()?;
        let mut command = if program == "xtask" {
            Command::new(std::env::current_exe().ok()?)
        } else {
            Command::new(program)
        };
        command.args(args).current_dir(root::root());
        Some(command)
    }

    /// FAIL-CLOSED: a bad ending without a failed test, and a test step without tests, fail.
    fn judge(&self, mut tally: Tally, ending: &Ending) -> Tally {
        let is_bad = !ending.is_success();
        match self.counts {
            Counts::Step if is_bad => return failed(format!("{}: {ending}", self.name)),
            Counts::Step => {
                return Tally {
                    passed: 1,
                    ..Tally::default()
                };
            }
            Counts::Tests => {}
        }
        let prefixed = tally
            .failures
            .iter()
            .map(|name| format!("{}: {name}", self.name));
        tally.failures = prefixed.collect();
        let is_silent = is_bad && tally.failures.is_empty();
        if is_silent || matches!(ending, Ending::TimedOut(_)) {
            tally.failures.push(format!("{}: {ending}", self.name));
        } else if tally.is_empty() {
            tally.failures.push(format!("{}: ran no test", self.name));
        }
        tally
    }
}

fn failed(what: String) -> Tally {
    Tally {
        failures: vec![what],
        ..Tally::default()
    }
}

/// Keeps a step's output in `target/xtask/NAME.log` and shows what a person needs of it.
struct Screen {
    name: String,
    verbose: bool,
    log: Option<File>,
    path: PathBuf,
    tail: VecDeque<String>,
    started: Instant,
    beats: u32,
}

impl Screen {
    fn open(name: &str, verbose: bool) -> Self {
        let directory = root::root().join("target/xtask");
        let path = directory.join(format!("{name}.log"));
        // Without a log the tail still shows; the counts do not depend on it.
        let log = fs::create_dir_all(&directory)
            .and_then(|()| File::create(&path))
            .ok();
        let (tail, started) = (VecDeque::new(), Instant::now());
        Self {
            name: name.to_owned(),
            verbose,
            log,
            path,
            tail,
            started,
            beats: 0,
        }
    }

    fn line(&mut self, line: &str) {
        if let Some(log) = &mut self.log {
            let _ = writeln!(log, "{line}");
        }
        if self.verbose {
            println!("{line}");
            return;
        }
        if self.tail.len() == TAIL_LINES {
            self.tail.pop_front();
        }
        self.tail.push_back(line.to_owned());
        self.beat();
    }

    fn beat(&mut self) {
        if self.started.elapsed() > HEARTBEAT * (self.beats + 1) {
            self.beats += 1;
            println!(
                "...     {:<14} {} s",
                self.name,
                self.started.elapsed().as_secs()
            );
        }
    }

    fn show(&self, evidence: &[String]) {
        if evidence.is_empty() {
            self.tail.iter().for_each(|line| println!("    {line}"));
        }
        evidence
            .iter()
            .take(EVIDENCE_LINES)
            .for_each(|line| println!("    {line}"));
        println!("    (everything it printed: {})", self.path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(script: &str, counts: Counts) -> Step {
        Step {
            name: "fixture".to_owned(),
            lane: Lane::Fast,
            command: ["sh", "-c", script].map(str::to_owned).to_vec(),
            counts,
            limit_s: 60,
            needs: Vec::new(),
            by: By::Anyone,
        }
    }

    fn tally(script: &str, counts: Counts) -> Tally {
        step(script, counts).run_now(Limit(Duration::from_secs(60)), false)
    }

    #[test]
    fn a_check_counts_once() {
        assert_eq!(
            tally("exit 0", Counts::Step).counts(),
            "1 passed, 0 failed, 0 skipped"
        );
        assert_eq!(
            tally("exit 1", Counts::Step).counts(),
            "0 passed, 1 failed, 0 skipped"
        );
    }

    #[test]
    fn a_test_step_that_runs_no_test_fails() {
        assert_eq!(
            tally("exit 0", Counts::Tests).failures,
            ["fixture: ran no test"]
        );
    }

    #[test]
    fn a_bad_exit_without_a_failed_test_fails() {
        let tally = tally("echo 'PASSED: a'; exit 101", Counts::Tests);
        assert_eq!(tally.counts(), "1 passed, 1 failed, 0 skipped");
    }

    #[test]
    fn a_step_over_its_limit_fails() {
        let slow = step("echo 'PASSED: a'; exec sleep 600", Counts::Tests);
        let tally = slow.run_now(Limit(Duration::from_millis(400)), false);
        assert_eq!(tally.failures, ["fixture: killed after 0 s"]);
    }

    #[test]
    fn the_table_of_steps_parses_and_names_only_known_needs() {
        let steps = of_lane(Lane::Full, &[]).unwrap();
        let needs = root::read(&root::root().join("xtask/needs.toml")).unwrap();
        for need in steps.iter().flat_map(|step| &step.needs) {
            assert!(needs.contains(&format!("name = \"{need}\"")), "{need}");
        }
    }

    #[test]
    fn a_step_nobody_knows_is_an_error() {
        assert!(of_lane(Lane::Full, &["nothing".to_owned()]).is_err());
    }
}
