//! Checks names before they become arguments.

use crate::error::Error;
use crate::monitor::cut;

/// The longest name: what file systems hold in one segment.
const MAX_NAME_BYTES: usize = 250;

/// Checks a branch name by the rules of `git check-ref-format --branch`, and more strictly.
pub(super) fn check_branch(name: &str) -> Result<(), Error> {
    let is_plain =
        |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '#' | '@');
    let is_segment = |segment: &str| {
        !segment.is_empty()
            && !segment.starts_with(['.', '-'])
            && !segment.ends_with('.')
            && !segment.ends_with(".lock")
    };
    let is_name = name.len() <= MAX_NAME_BYTES
        && name != "@"
        && name != "HEAD"
        && name.chars().all(is_plain)
        && name.split('/').all(is_segment)
        && !name.contains("..")
        && !name.contains("@{");
    if is_name {
        Ok(())
    } else {
        Err(invalid(name, "branch"))
    }
}

/// Checks a revision: a branch, a tag, an object id or `HEAD`, with `~N` and `^N` after it.
pub(super) fn check_revision(name: &str) -> Result<(), Error> {
    let end = name.find(['~', '^']).unwrap_or(name.len());
    let (base, steps) = name.split_at(end);
    let are_steps = steps
        .chars()
        .all(|c| matches!(c, '~' | '^') || c.is_ascii_digit());
    if are_steps && steps.len() <= 32 && (base == "HEAD" || check_branch(base).is_ok()) {
        Ok(())
    } else {
        Err(invalid(name, "revision"))
    }
}

/// Whether the text is a whole object id, SHA-1 or SHA-256.
pub(super) fn is_object_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn invalid(name: &str, kind: &str) -> Error {
    Error::Malformed(format!(
        "`{}` is no {kind} name that can be used here",
        cut(name)
    ))
}

#[cfg(test)]
mod tests {
    use super::{check_branch, check_revision};

    #[test]
    fn names_that_git_or_a_shell_reads_otherwise_are_refused() {
        for name in [
            "",
            "-x",
            "--upload-pack=x",
            "a/-x",
            "a b",
            "a..b",
            "a/",
            "/a",
            "a//b",
            "a.lock",
            ".a",
            "a/.b",
            "a:b",
            "a~1",
            "a^",
            "a@{1}",
            "@",
            "HEAD",
            "a\nb",
            "a\\b",
            "a*",
            "a?",
            "a[",
            "+a:b c",
            "refs/heads/a.",
        ] {
            assert!(check_branch(name).is_err(), "{name:?}");
        }
        for name in ["main", "feature/x-1", "v1.2", "fix#7", "ü", "a@b"] {
            assert!(check_branch(name).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn revisions_may_step_back_and_nothing_else() {
        for name in ["HEAD", "HEAD~3", "main^2~1", "v1.0", "0123abcd"] {
            assert!(check_revision(name).is_ok(), "{name:?}");
        }
        for name in [
            "",
            "~1",
            "--output=x",
            "HEAD:file",
            "main..x",
            "HEAD^{tree}",
            ":/text",
        ] {
            assert!(check_revision(name).is_err(), "{name:?}");
        }
    }
}
