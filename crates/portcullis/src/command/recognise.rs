//! Recognises operations beside `run_bash` in a command, as a hint: the network judges what is really sent.

use super::tables::{has_name, rows};
use super::{Argv, CommandFacts, Link};
use crate::{Operation, OperationSet};

/// Operations the command would carry out besides `run_bash`, from a fixed table over every program it starts.
///
/// A missing entry opens nothing: every dial and every write is a request of its own.
pub fn recognise(argv: &Argv) -> OperationSet {
    CommandFacts::of(argv).operations()
}

impl CommandFacts {
    /// As [`recognise`], from facts already at hand.
    pub fn operations(&self) -> OperationSet {
        self.links.iter().filter_map(operation_of).collect()
    }
}

fn operation_of(link: &Link) -> Option<Operation> {
    rows("operations", &link.base).find_map(|[_, first, second, later, valued, operation]| {
        let words = words_after_options(&link.args, valued);
        let fits = |names: &str, at: usize| names.is_empty() || words.get(at).is_some_and(|word| has_name(names, word));
        let follows = later.is_empty() || words.iter().skip(1).any(|word| has_name(later, word));
        Operation::from_name(operation).filter(|_| fits(first, 0) && fits(second, 1) && follows)
    })
}

/// The words without options; `valued` options take the next word with them.
fn words_after_options<'a>(args: &'a [String], valued: &str) -> Vec<&'a str> {
    let mut words = Vec::new();
    let mut args = args.iter().map(String::as_str);
    while let Some(arg) = args.next() {
        if has_name(valued, arg) {
            args.next();
        } else if !arg.starts_with('-') {
            words.push(arg);
        }
    }
    words
}
