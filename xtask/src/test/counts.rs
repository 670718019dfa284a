//! Counts tests from what test programs print, so that nothing is passed that did not run.
//!
//! Read are libtest's own lines, Python's `unittest -v`, and three lines any script may print:
//! `PASSED: NAME`, `FAILED: NAME` and `SKIPPED: NAME (missing: WHAT)`. A test that libtest
//! calls passed but which printed the skip line is counted as skipped.

mod unittest;

use std::collections::BTreeSet;

/// A test that did not run, and what it lacked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Skip {
    pub(super) test: String,
    pub(super) missing: String,
}

impl Skip {
    /// Whether CI accepts the skip: what lies outside the clone, which are data beside it and the network of the machine.
    pub(super) fn is_allowed(&self) -> bool {
        let is_network = matches!(&*self.missing, "the internet" | "a network address");
        is_network || self.missing.starts_with("../shared")
    }

    /// Parses `SKIPPED: NAME (missing: WHAT)`.
    fn parse(line: &str) -> Option<Self> {
        let rest = line.trim().strip_prefix("SKIPPED: ")?.strip_suffix(')')?;
        let (test, missing) = rest.split_once(" (missing: ")?;
        Some(Self {
            test: test.to_owned(),
            missing: missing.to_owned(),
        })
    }
}

/// What came of a step.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u64,
    /// Names of what failed.
    pub(super) failures: Vec<String>,
    pub(super) skips: Vec<Skip>,
}

impl Tally {
    /// Adds another step's counts.
    pub(super) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failures.extend(other.failures);
        self.skips.extend(other.skips);
    }

    /// Whether nothing was seen to run or to be skipped.
    pub(super) fn is_empty(&self) -> bool {
        self.passed == 0 && self.failures.is_empty() && self.skips.is_empty()
    }

    /// The counts as the closing line has them.
    pub(super) fn counts(&self) -> String {
        format!(
            "{} passed, {} failed, {} skipped",
            self.passed,
            self.failures.len(),
            self.skips.len()
        )
    }

    /// Everything that skips lacked, each once.
    pub(super) fn missing(&self) -> String {
        let missing: BTreeSet<&str> = self.skips.iter().map(|s| s.missing.as_str()).collect();
        if missing.is_empty() {
            return "nothing".to_owned();
        }
        missing.into_iter().collect::<Vec<_>>().join("; ")
    }
}

/// Where in libtest's output a line stands.
#[derive(Debug, Default, PartialEq, Eq)]
enum Section {
    #[default]
    Outside,
    Running,
    Successes,
    Failures,
}

/// Reads a test program's output line by line.
#[derive(Debug, Default)]
pub(super) struct Counter {
    tally: Tally,
    section: Section,
    /// Skips seen while one test binary ran: they are taken off its passed tests.
    claimed: BTreeSet<Skip>,
    /// What failing tests printed, for the person who reads the end of the log.
    evidence: Vec<String>,
    in_evidence: bool,
    unittest: unittest::Counter,
}

impl Counter {
    /// Takes in one line.
    pub(super) fn line(&mut self, line: &str) {
        match line.trim_end() {
            "successes:" => self.enter(Section::Successes),
            "failures:" => self.enter(Section::Failures),
            running if is_running(running) => self.enter(Section::Running),
            result if result.starts_with("test result: ") => self.result(result),
            other => self.other(other),
        }
    }

    /// The counts and what failing tests printed.
    pub(super) fn finish(self) -> (Tally, Vec<String>) {
        let mut tally = self.tally;
        // A binary that died before its result line: its skips still happened.
        tally.skips.extend(self.claimed);
        (tally, self.evidence)
    }

    fn enter(&mut self, section: Section) {
        self.in_evidence = false;
        self.section = section;
    }

    fn other(&mut self, line: &str) {
        if self.section == Section::Failures {
            self.failure_text(line);
            return;
        }
        if let Some(skip) = Skip::parse(line) {
            self.skip(skip);
        } else if let Some(name) = line.strip_prefix("FAILED: ") {
            self.tally.failures.push(name.to_owned());
        } else if line.starts_with("PASSED: ") {
            self.tally.passed += 1;
        } else if let Some(rest) = line.strip_prefix("test ") {
            self.single(rest);
        } else if let Some(tally) = self.unittest.line(line) {
            self.tally.add(tally);
        }
    }

    fn skip(&mut self, skip: Skip) {
        if self.section == Section::Outside {
            self.tally.skips.push(skip);
        } else {
            self.claimed.insert(skip);
        }
    }

    fn failure_text(&mut self, line: &str) {
        if line.starts_with("---- ") {
            self.in_evidence = true;
        }
        if self.in_evidence {
            self.evidence.push(line.to_owned());
        }
    }

    /// One test's line: `NAME ... FAILED` or `NAME ... ignored, REASON`.
    fn single(&mut self, rest: &str) {
        let Some((name, outcome)) = rest.split_once(" ... ") else {
            return;
        };
        if outcome == "FAILED" || outcome.starts_with("FAILED ") {
            self.tally.failures.push(name.to_owned());
        } else if let Some(reason) = outcome.strip_prefix("ignored") {
            let reason = reason.trim_start_matches(',').trim();
            let missing = if reason.is_empty() {
                "marked ignored"
            } else {
                reason
            };
            self.tally.skips.push(Skip {
                test: name.to_owned(),
                missing: missing.to_owned(),
            });
        }
    }

    /// The result line of one test binary.
    fn result(&mut self, line: &str) {
        let claimed = std::mem::take(&mut self.claimed);
        let passed = count_before(line, " passed");
        self.tally.passed += passed.saturating_sub(claimed.len() as u64);
        self.tally.skips.extend(claimed);
        self.enter(Section::Outside);
    }
}

fn is_running(line: &str) -> bool {
    let count = line.strip_prefix("running ").and_then(|rest| {
        rest.strip_suffix(" tests")
            .or_else(|| rest.strip_suffix(" test"))
    });
    count.is_some_and(|count| count.parse::<u64>().is_ok())
}

/// The number in front of `word`; 0 where the line has none.
fn count_before(line: &str, word: &str) -> u64 {
    let before = line.split_once(word).map_or("", |(before, _)| before);
    before
        .rsplit(' ')
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Tally, Vec<String>) {
        let mut counter = Counter::default();
        text.lines().for_each(|line| counter.line(line));
        counter.finish()
    }

    const LIBTEST: &str = "\
running 4 tests
test a::passes ... ok
test a::needs_bwrap ... ok
test b::breaks ... FAILED
test c::later ... ignored, needs a second machine

successes:

---- a::needs_bwrap stdout ----
SKIPPED: a::needs_bwrap (missing: bubblewrap)

successes:
    a::needs_bwrap
    a::passes

failures:

---- b::breaks stdout ----
thread panicked: left is not right
SKIPPED: b::breaks (missing: an excuse)

failures:
    b::breaks

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
";

    #[test]
    fn libtest_output_is_counted_with_its_skips() {
        let (tally, evidence) = read(LIBTEST);
        let skip = |test: &str, missing: &str| Skip {
            test: test.to_owned(),
            missing: missing.to_owned(),
        };
        let expected = Tally {
            passed: 1,
            failures: vec!["b::breaks".to_owned()],
            skips: vec![
                skip("c::later", "needs a second machine"),
                skip("a::needs_bwrap", "bubblewrap"),
            ],
        };
        assert_eq!(tally, expected);
        assert!(
            evidence
                .iter()
                .any(|line| line.contains("left is not right")),
            "{evidence:?}"
        );
    }

    #[test]
    fn a_failing_test_cannot_call_itself_skipped() {
        let (tally, _) = read(LIBTEST);
        assert!(tally.skips.iter().all(|skip| skip.test != "b::breaks"));
    }

    #[test]
    fn script_lines_are_counted() {
        let (tally, _) = read("PASSED: x\nnoise\nFAILED: y\nSKIPPED: z (missing: node)\n");
        assert_eq!(tally.counts(), "1 passed, 1 failed, 1 skipped");
        assert_eq!(tally.missing(), "node");
    }

    #[test]
    fn output_without_tests_counts_nothing() {
        assert!(read("Compiling x\nFinished\n").0.is_empty());
    }
}
