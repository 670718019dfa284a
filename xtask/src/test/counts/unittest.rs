//! Counts what Python's `unittest -v` prints: its summary is the truth, its lines give names.

use super::{Skip, Tally};

/// Reads one run of unittest line by line.
#[derive(Debug, Default)]
pub(super) struct Counter {
    failures: Vec<String>,
    skips: Vec<Skip>,
    /// Tests run, once the summary has begun.
    ran: Option<u64>,
}

impl Counter {
    /// Takes in one line; gives the run's counts with the summary's last line.
    pub(super) fn line(&mut self, line: &str) -> Option<Tally> {
        if let Some(skip) = skip(line) {
            self.skips.push(skip);
        } else if let Some(name) = failure(line) {
            self.failures.push(name.to_owned());
        } else if let Some(count) = line.strip_prefix("Ran ").and_then(ran) {
            self.ran = Some(count);
        } else if line == "OK" || line.starts_with("OK (") || line.starts_with("FAILED (") {
            return self.close(line);
        }
        None
    }

    fn close(&mut self, summary: &str) -> Option<Tally> {
        let ran = self.ran.take()?;
        let mut failures = std::mem::take(&mut self.failures);
        let mut skips = std::mem::take(&mut self.skips);
        let failed = ["failures", "errors", "unexpected successes"].map(|k| number(summary, k));
        pad(&mut failures, failed.iter().sum(), || {
            "a test that gave no name".to_owned()
        });
        pad(&mut skips, number(summary, "skipped"), || Skip {
            test: "a test that gave no name".to_owned(),
            missing: "no reason given".to_owned(),
        });
        let passed = ran.saturating_sub((failures.len() + skips.len()) as u64);
        Some(Tally {
            passed,
            failures,
            skips,
        })
    }
}

/// Adds what the summary counted but no line named.
fn pad<T>(named: &mut Vec<T>, counted: usize, unnamed: impl Fn() -> T) {
    while named.len() < counted {
        named.push(unnamed());
    }
}

/// `NAME (CLASS) ... skipped 'REASON'`
fn skip(line: &str) -> Option<Skip> {
    let (name, reason) = line.split_once(" ... skipped ")?;
    let test = name.split(' ').next()?.to_owned();
    Some(Skip {
        test,
        missing: reason.trim_matches(['\'', '"']).to_owned(),
    })
}

/// `FAIL: NAME (CLASS)` or `ERROR: NAME (CLASS)`
fn failure(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("FAIL: ")
        .or_else(|| line.strip_prefix("ERROR: "))?;
    rest.split(' ').next()
}

/// `N tests in T`, after `Ran `.
fn ran(rest: &str) -> Option<u64> {
    let (count, word) = rest.split_once(' ')?;
    if word.starts_with("test") {
        count.parse().ok()
    } else {
        None
    }
}

/// The number of `KEY=N` in a summary; 0 where it has none.
fn number(summary: &str, key: &str) -> usize {
    let inner = summary
        .split_once('(')
        .map_or("", |(_, rest)| rest.trim_end_matches(')'));
    let pairs = inner.split(", ").filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(name, _)| *name == key)
        .filter_map(|(_, count)| count.parse::<usize>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Tally> {
        let mut counter = Counter::default();
        text.lines().filter_map(|line| counter.line(line)).last()
    }

    #[test]
    fn a_green_run_is_counted() {
        let text = "test_a (m.C.test_a) ... ok\n\nRan 3 tests in 0.1s\n\nOK\n";
        assert_eq!(
            read(text).unwrap().counts(),
            "3 passed, 0 failed, 0 skipped"
        );
    }

    #[test]
    fn failures_errors_and_skips_are_named() {
        let text = "\
test_b (m.C.test_b) ... skipped 'node'
FAIL: test_c (m.C.test_c)
ERROR: test_d (m.C.test_d)
Ran 5 tests in 0.1s
FAILED (failures=1, errors=1, skipped=1)
";
        let tally = read(text).unwrap();
        assert_eq!(tally.counts(), "2 passed, 2 failed, 1 skipped");
        assert_eq!(tally.failures, ["test_c", "test_d"]);
        assert_eq!(tally.missing(), "node");
    }

    #[test]
    fn what_the_summary_counts_counts_without_a_name() {
        let text = "Ran 5 tests in 0.1s\nFAILED (failures=2, skipped=1)\n";
        assert_eq!(
            read(text).unwrap().counts(),
            "2 passed, 2 failed, 1 skipped"
        );
    }

    #[test]
    fn a_run_without_a_summary_counts_nothing() {
        assert_eq!(read("test_a (m.C.test_a) ... ok\n"), None);
    }
}
