//! Remembers the project's policy file by digest, so that a change is seen before it counts.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;

use nucleus::state::replace_file;
use portcullis::ContentDigest;

use crate::plain::plain;
use crate::report::Failure;
use crate::style::{BAD, DIM, GOOD, WARN, paint};

/// Checks the file against what was pinned for this workspace, and pins it.
///
/// The first sight pins it. A change is shown and confirmed on the terminal.
///
/// # Errors
/// FAIL-CLOSED: without a terminal, or without a yes, a changed file is an error.
pub(crate) fn check_project_file(text: &str, state: &Path) -> Result<(), Failure> {
    let pin = state.join("policy.pinned");
    let kept = match std::fs::read_to_string(&pin) {
        Ok(kept) => Some(kept),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            return Err(Failure::not_started(format!(
                "cannot read the pin: {error}"
            )));
        }
    };
    match kept {
        Some(kept) if kept == text => return Ok(()),
        Some(kept) => confirm(&kept, text)?,
        None => {
            let digest = ContentDigest::of(text.as_bytes()).to_string();
            let line = format!("pinned the project's permissions.toml ({})", &digest[..12]);
            anstream::eprintln!("{}", paint(DIM, line));
        }
    }
    replace_file(&pin, text.as_bytes())
        .map_err(|error| Failure::not_started(format!("cannot pin the project's policy: {error}")))
}

/// One line of the change; what the file holds never reaches the terminal unescaped.
fn shown(tag: similar::ChangeTag, line: &str) -> String {
    let line = plain(line.strip_suffix('\n').unwrap_or(line));
    match tag {
        similar::ChangeTag::Delete => paint(BAD, format!("-{line}")),
        similar::ChangeTag::Insert => paint(GOOD, format!("+{line}")),
        similar::ChangeTag::Equal => format!(" {line}"),
    }
}

/// Shows the change and asks.
fn confirm(kept: &str, text: &str) -> Result<(), Failure> {
    anstream::eprintln!(
        "{}",
        paint(WARN, "the project's permissions.toml has changed:")
    );
    let diff = similar::TextDiff::from_lines(kept, text);
    for change in diff.iter_all_changes() {
        anstream::eprintln!("{}", shown(change.tag(), change.value()));
    }
    let refused = || {
        Failure::not_started("the project's policy has changed and was not confirmed")
            .help("run `nucleus run` once in a terminal and confirm the change, or undo it")
    };
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(refused());
    }
    anstream::eprint!("use it? it can only tighten your own policy [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(refused())
    }
}

#[cfg(test)]
mod tests {
    use super::shown;
    use similar::ChangeTag;

    #[test]
    fn a_changed_line_cannot_hide_itself_or_move_the_cursor() {
        let line = "web_fetch = \"always\" # \u{1b}[1A\u{1b}[2K\u{202e}\r\n";
        let text = shown(ChangeTag::Equal, line);
        assert_eq!(
            text,
            " web_fetch = \"always\" # \\u{1b}[1A\\u{1b}[2K\\u{202e}\\u{d}"
        );
        assert_eq!(
            shown(ChangeTag::Equal, "run_bash = \"never\"\n"),
            " run_bash = \"never\""
        );
    }
}
