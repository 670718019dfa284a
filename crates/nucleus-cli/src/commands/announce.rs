//! What the user is told when a session starts: what asks and that nobody answers, and what has no means.

use nucleus::monitor::cut;
use portcullis::{ContentDigest, Envelope, Level, Operation};

use crate::report::Failure;
use crate::session::Opened;
use crate::style::{DIM, paint};

/// Says what a newcomer would otherwise learn from refusals, and records the task.
///
/// # Errors
/// When the record cannot be written: the session does not start then.
pub(crate) fn announce(opened: &Opened, task: Option<&str>) -> Result<(), Failure> {
    let monitor = opened.sandbox.monitor();
    if let Some(task) = task {
        let digest = ContentDigest::of(task.as_bytes());
        let note = format!(
            "task of {} bytes from the user, digest {digest}",
            task.len()
        );
        monitor.note(&note).map_err(Failure::not_started)?;
    }
    if opened.jails.is_without_namespaces() {
        super::weaker::record(monitor)?;
    }
    let tracked = opened.sandbox.tracked_blocked();
    if tracked.count > 0 {
        let line = format!("git tracks files that this policy blocks: {tracked}");
        monitor.note(&line).map_err(Failure::not_started)?;
        anstream::eprintln!(
            "warning: {line}\n  they are hidden, but git's objects hold them: a command can read them there"
        );
    }
    if let Some(line) = hidden(&opened.hidden) {
        monitor.note(&line).map_err(Failure::not_started)?;
        anstream::eprintln!("{}", paint(DIM, line));
    }
    if let Some(line) = asking(&monitor.envelope()) {
        anstream::eprintln!("{}", paint(DIM, line));
    }
    Ok(())
}

/// What is hidden of the directories that jails are shown, with the first of it by name.
fn hidden(paths: &[std::path::PathBuf]) -> Option<String> {
    let first = cut(&paths.first()?.to_string_lossy());
    Some(match paths.len() - 1 {
        0 => format!("hidden in what the jails are shown, since the policy blocks it: `{first}`"),
        more => format!(
            "hidden in what the jails are shown, since the policy blocks it: `{first}` and {more} more"
        ),
    })
}

/// What asks under this policy, and what becomes of it.
fn asking(envelope: &Envelope) -> Option<String> {
    let granted = |op: &Operation| envelope.level(*op) != Level::Never;
    let asks = envelope.posture().asks();
    // Files of the workspace are listed by default, and a change that is not waits without being lost.
    let is_change = |op: &Operation| matches!(op, Operation::WriteFiles | Operation::EditFiles);
    let is_partly = |op: &Operation| {
        envelope.level(*op) == Level::LowRisk && !asks.contains(*op) && !is_change(op)
    };
    let always = names(
        Operation::ALL
            .into_iter()
            .filter(granted)
            .filter(|op| asks.contains(*op)),
    );
    let partly = names(Operation::ALL.into_iter().filter(is_partly));
    let what = match (always.is_empty(), partly.is_empty()) {
        (true, true) => return None,
        (false, true) => format!("each {always}"),
        (true, false) => format!("{partly} beyond what the policy lists"),
        (false, false) => format!("each {always}, and {partly} beyond what the policy lists"),
    };
    Some(format!(
        "this policy asks before {what}. Nobody can be asked while a session runs: \
         such a request is refused, and a change of a file waits for `nucleus apply`"
    ))
}

fn names(operations: impl Iterator<Item = Operation>) -> String {
    operations
        .map(Operation::name)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::asking;

    fn said(capabilities: &str) -> Option<String> {
        let source = nucleus_spec::Source::new("p", format!("version = 1\n{capabilities}"));
        asking(nucleus_spec::parse_policy(&source).unwrap().envelope())
    }

    #[test]
    fn what_asks_is_named_and_what_never_runs_is_not() {
        let obliged = "[capabilities]\nread_files = \"always\"\nrun_bash = \"always\"\n[commands]\nlisted = \"everything\"\n[obligations]\napprovals = [\"run_bash\", \"git_push\"]\n";
        let text = said(obliged).unwrap();
        assert!(
            text.starts_with("this policy asks before each run_bash. Nobody"),
            "{text}"
        );
        let text = said("[capabilities]\nrun_bash = \"low_risk\"\n").unwrap();
        assert!(
            text.starts_with("this policy asks before run_bash beyond what the policy lists."),
            "{text}"
        );
        assert_eq!(said("[capabilities]\nread_files = \"always\"\n"), None);
    }
}
