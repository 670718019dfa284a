//! Asks the user before something is changed, and asks harder where a single `y` would wave a lot through.

use std::io::{self, IsTerminal as _};

use crate::plain::{changes, plain};
use crate::report::{FAILED, Failure};

/// More changes than this are not read as one screen: a `y` no longer shows that they were.
const MANY: usize = 10;

/// What is asked, and the answers that go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    text: String,
    yes: Vec<String>,
}

impl Ask {
    /// A plain question.
    pub(crate) fn plain(text: &str) -> Self {
        Self {
            text: format!("{text} [y/N] "),
            yes: ["y", "Y", "yes"].map(str::to_owned).into(),
        }
    }

    /// Before `count` changes are made, of which the host runs or obeys those in `dangerous`.
    ///
    /// These are named again right above the question, wherever they scrolled to, and for
    /// more than ten changes the answer is their number.
    pub(crate) fn before(verb: &str, count: usize, dangerous: &[String]) -> Self {
        let mut text = String::new();
        if !dangerous.is_empty() && count > 1 {
            text.push_str("this machine would run or obey:\n");
            dangerous
                .iter()
                .for_each(|path| text.push_str(&format!("  {}\n", plain(path))));
        }
        let what = changes(count as u64);
        if count <= MANY {
            let question = Self::plain(&format!("{verb} {what}?"));
            return Self {
                text: format!("{text}{}", question.text),
                ..question
            };
        }
        text.push_str(&format!("{verb} {what}? type {count} to go on: "));
        Self {
            text,
            yes: vec![count.to_string()],
        }
    }

    /// Asks on the terminal.
    ///
    /// FAIL-CLOSED: without a terminal only an explicit `--yes` goes on.
    pub(crate) fn confirm(&self, is_sure: bool) -> Result<(), Failure> {
        if is_sure {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            return Err(Failure::usage("nobody can be asked here").help("say `--yes` to go on"));
        }
        anstream::eprint!("{}", self.text);
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        if self.is_yes(&answer) {
            Ok(())
        } else {
            Err(Failure::new(FAILED, "nothing was changed"))
        }
    }

    fn is_yes(&self, answer: &str) -> bool {
        self.yes.iter().any(|yes| yes == answer.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::Ask;

    #[test]
    fn a_few_changes_need_a_yes() {
        let ask = Ask::before("land", 1, &[".envrc".to_owned()]);
        assert_eq!(ask.text, "land 1 change? [y/N] ");
        assert!(ask.is_yes("y\n") && ask.is_yes("yes") && !ask.is_yes("") && !ask.is_yes("1"));
    }

    #[test]
    fn e9_the_bad_one_among_many_is_named_last_and_a_yes_is_not_enough() {
        let ask = Ask::before("land", 101, &[".git/hooks/\u{1b}[2Jpre-commit".to_owned()]);
        assert_eq!(
            ask.text,
            "this machine would run or obey:\n  .git/hooks/\\u{1b}[2Jpre-commit\nland 101 changes? type 101 to go on: "
        );
        for answer in ["y", "yes", "", "1", "100", "all"] {
            assert!(!ask.is_yes(answer), "{answer}");
        }
        assert!(ask.is_yes(" 101\n"), "the twin");
    }
}
