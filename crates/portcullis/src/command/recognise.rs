//! Recognises operations beside `run_bash` in a command, as a hint: the network judges what is really sent.

use super::{Argv, CommandFacts, Link};
use crate::operation::{Operation, OperationSet};

/// Operations the command would carry out besides `run_bash`, from a fixed table over every program it starts.
///
/// A missing entry opens nothing: every dial and every write is a request of its own.
#[must_use]
pub fn recognise(argv: &Argv) -> OperationSet {
    CommandFacts::of(argv).operations()
}

impl CommandFacts {
    /// As [`recognise`], from facts already at hand.
    #[must_use]
    pub fn operations(&self) -> OperationSet {
        self.links.iter().filter_map(operation_of).fold(OperationSet::EMPTY, OperationSet::with)
    }
}

fn operation_of(link: &Link) -> Option<Operation> {
    let valued = |options: &[&str]| words_after_options(&link.args, options);
    match link.base.as_str() {
        "git" => {
            of_git(&valued(&["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--super-prefix"]))
        }
        "git-push" | "git-send-pack" | "git-http-push" | "git-send-email" => Some(Operation::GitPush),
        "git-commit" => Some(Operation::GitCommit),
        "gh" => of_forge(&valued(&["-R", "--repo", "--hostname"]), "pr"),
        "glab" => of_forge(&valued(&["-R", "--repo"]), "mr"),
        "tea" => of_forge(&valued(&["--repo", "-r", "--login"]), "pulls"),
        "hub" => match valued(&["-C", "-c"]).first() {
            Some(&"pull-request") => Some(Operation::CreatePr),
            _ => of_git(&valued(&["-C", "-c"])),
        },
        _ => None,
    }
}

fn of_git(words: &[&str]) -> Option<Operation> {
    match words {
        ["push" | "send-pack" | "http-push" | "send-email", ..] => Some(Operation::GitPush),
        ["subtree" | "lfs" | "svn" | "p4" | "annex", rest @ ..] => {
            rest.iter().any(|word| matches!(*word, "push" | "dcommit" | "submit")).then_some(Operation::GitPush)
        }
        ["remote-http" | "remote-https" | "remote-ext" | "remote-fd", ..] => Some(Operation::GitPush),
        ["commit" | "commit-tree" | "merge" | "cherry-pick" | "revert" | "am" | "rebase", ..] => {
            Some(Operation::GitCommit)
        }
        _ => None,
    }
}

fn of_forge(words: &[&str], requests: &str) -> Option<Operation> {
    match words {
        [group, "create" | "new" | "for", ..] if *group == requests => Some(Operation::CreatePr),
        _ => None,
    }
}

/// The words without options; `valued` options before the first word take the next word with them.
fn words_after_options<'a>(args: &'a [String], valued: &[&str]) -> Vec<&'a str> {
    let mut words = Vec::new();
    let mut args = args.iter().map(String::as_str);
    while let Some(arg) = args.next() {
        if valued.contains(&arg) {
            args.next();
        } else if !arg.starts_with('-') {
            words.push(arg);
        }
    }
    words
}
