//! Text chosen by a stranger that the runner pastes into a script or a prompt.

use crate::read::At;
use crate::rules::report::{Report, shown_at};
use crate::rules::table::CI_UNTRUSTED_INTERPOLATION;

use super::job::Job;

/// Inputs that become part of a prompt or a script.
const PROMPTS: &[&str] = &[
    "prompt",
    "direct_prompt",
    "override_prompt",
    "custom_instructions",
    "system_prompt",
    "append_system_prompt",
    "claude_args",
    "instructions",
    "query",
    "message",
    "script",
    "system-prompt",
    "user_prompt",
    "codex-args",
    "args",
    "task",
    "input",
    "text",
];

/// Judges every step of a job. `is_open` says whether strangers reach it.
pub(super) fn judge(job: &Job<'_>, is_open: bool, report: &mut Report<'_>) {
    for step in &job.steps {
        let script = step
            .uses
            .as_ref()
            .and_then(At::text)
            .is_some_and(|uses| uses.starts_with("actions/github-script"));
        let inputs = step.inputs().into_iter().filter(|input| {
            if step.is_agent {
                PROMPTS.contains(&input.key())
            } else {
                script && input.key() == "script"
            }
        });
        for at in inputs.chain(step.run.clone()) {
            expressions(&at, is_open, job.id, report);
        }
    }
}

fn expressions(at: &At<'_>, is_open: bool, job: &str, report: &mut Report<'_>) {
    let text = at.text().unwrap_or_default();
    let outer = at.place();
    let mut finder = at.file.finder(&outer);
    let mut from = 0;
    while let Some(start) = text[from..].find("${{").map(|start| from + start) {
        let end = text[start..]
            .find("}}")
            .map_or(text.len(), |end| start + end + 2);
        let expression = &text[start..end];
        if chosen_by_strangers(expression, is_open) {
            report.add(
                CI_UNTRUSTED_INTERPOLATION,
                Some(job),
                "what a stranger wrote is expanded before anything can quote it",
                vec![shown_at(finder.next(expression), expression)],
            );
        }
        from = end;
    }
}

/// Ends of paths whose text anybody may choose.
const CHOSEN: &[&str] = &[
    ".title",
    ".body",
    "head_ref",
    ".head.ref",
    ".head.label",
    ".message",
    ".page_name",
    ".head.repo.default_branch",
    ".head_branch",
    "author.name",
    "author.email",
    "committer.name",
    "committer.email",
    ".head.repo.description",
    ".head.repo.homepage",
    ".head_commit.message",
];

/// Whether an expression yields text a stranger chose. Where insiders alone start the job, what they wrote themselves is not that.
fn chosen_by_strangers(expression: &str, is_open: bool) -> bool {
    let inner = expression.trim_start_matches("${{").trim_end_matches("}}");
    let (mut at, mut is_called) = (0, false);
    for path in
        inner.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '*')))
    {
        let here = at;
        let separator = inner[here + path.len()..].chars().next();
        at += path.len() + separator.map_or(0, char::len_utf8);
        let is_context =
            path == "github.event" || path == "github" || path.starts_with("github.event.");
        let whole = is_context && ends_with(&inner[..here], "tojson(");
        let named = (path.starts_with("github.event.") || path == "github.head_ref")
            && CHOSEN.iter().any(|end| path.ends_with(end));
        let own = !is_open && (path.ends_with("comment.body") || path.ends_with("review.body"));
        let is_tested = || is_called || is_compared(&inner[..here], &inner[here + path.len()..]);
        if (named || whole) && !own && !is_tested() {
            return true;
        }
        is_called = match separator {
            Some('(') => is_called || is_search(path),
            Some(')') => false,
            _ => is_called,
        };
    }
    false
}

/// Whether a text ends with a call in small letters, looking no further back than that.
fn ends_with(text: &str, call: &str) -> bool {
    let text = text.trim_end().as_bytes();
    text.len() >= call.len()
        && text[text.len() - call.len()..].eq_ignore_ascii_case(call.as_bytes())
}

/// Whether a function only searches its argument, which yields a truth value.
fn is_search(name: &str) -> bool {
    ["contains", "startswith", "endswith"]
        .iter()
        .any(|call| ends_with(name, call))
}

/// Whether what stands between these two is only compared, which yields a truth value.
fn is_compared(before: &str, after: &str) -> bool {
    let (before, after) = (before.trim_end(), after.trim_start());
    after.starts_with("==")
        || after.starts_with("!=")
        || before.ends_with("==")
        || before.ends_with("!=")
}

#[cfg(test)]
mod tests {
    use super::chosen_by_strangers;

    #[test]
    fn texts_of_strangers_are_told_from_numbers_and_names() {
        for text in [
            "${{ github.event.issue.title }}",
            "${{ github.event.issue.body || '' }}",
            "${{ github.head_ref }}",
            "${{ github.event.pull_request.head.ref }}",
            "${{ toJSON(github.event) }}",
            "${{ github.event.comment.body }}",
        ] {
            assert!(chosen_by_strangers(text, true), "{text}");
        }
        for text in [
            "${{ github.event.issue.number }}",
            "${{ github.repository }}",
            "${{ github.event.comment.user.login }}",
            "${{ contains(github.event.comment.body, '@x') }}",
            "${{ github.event.pull_request.base.ref }}",
            "${{ github.event.issue.title == 'x' }}",
        ] {
            assert!(!chosen_by_strangers(text, true), "{text}");
        }
        assert!(!chosen_by_strangers(
            "${{ github.event.comment.body }}",
            false
        ));
        // Letters of more than one byte before a name.
        assert!(!chosen_by_strangers(
            "${{ é\u{fffd}é secrets.\u{fffd}\u{fffd}d }}",
            true
        ));
        assert!(chosen_by_strangers(
            "${{ format('ééé', github.head_ref) }}",
            true
        ));
        assert!(chosen_by_strangers(
            "${{ github.event.pull_request.head.ref }}",
            false
        ));
    }
}
