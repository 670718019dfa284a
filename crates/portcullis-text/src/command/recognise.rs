//! Recognises operations beside `run_bash` in a command, as a hint: the network judges what is really sent.

use super::tables::{has_name, rows};
use super::{CommandFacts, Link};

impl CommandFacts {
    /// Names of the operations the command would carry out besides `run_bash`, one for each program that the table
    /// knows.
    #[inline]
    pub fn operations(&self) -> impl Iterator<Item = &'static str> {
        self.links.iter().filter_map(operation_of)
    }
}

fn operation_of(link: &Link) -> Option<&'static str> {
    rows("operations", &link.base).find_map(|[_, first, second, later, valued, operation]| {
        let words = words_after_options(&link.args, valued);
        let fits = |names: &str, at: usize| names.is_empty() || words.get(at).is_some_and(|word| has_name(names, word));
        let follows = later.is_empty() || words.iter().skip(1).any(|word| has_name(later, word));
        (fits(first, 0) && fits(second, 1) && follows).then_some(*operation)
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
