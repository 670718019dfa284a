//! The front matter of a command, a skill or a sub-agent: what it may use unasked. Read line by line, since much of it is no sound YAML.

use super::{claude_rule, tool_list};
use crate::model::{Agent, Literal, Verdict};
use crate::read::SourceFile;

/// Fills an agent.
pub(super) fn fill(file: &SourceFile, agent: &mut Agent) {
    let mut is_list = false;
    for (at, line) in front(&file.text) {
        if is_list && (line.starts_with(char::is_whitespace) || line.starts_with('-')) {
            if let Some((bullet, _)) = line
                .split_once('-')
                .filter(|(before, _)| before.trim().is_empty())
            {
                let from = bullet.len() + 1;
                allow(file, at + from, &line[from..], agent);
            }
            continue;
        }
        is_list = false;
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let from = at + key.len() + 1;
        match key.trim_matches(['"', '\'']) {
            "allowed-tools" | "allowed_tools" => {
                is_list = true;
                allow(file, from, value, agent);
            }
            "permissionMode" => mode(file, from, value, agent),
            _ => {}
        }
    }
}

/// The lines between the two marks, each with where it begins; none where the second is missing.
fn front(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    let mut lines = text.split_inclusive('\n').map(|line| {
        at += line.len();
        (at - line.len(), line.trim_end())
    });
    let opens = |line: &str| line.trim_start_matches('\u{feff}') == "---";
    if !lines.next().is_some_and(|(_, line)| opens(line)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (at, line) in lines {
        if line == "---" {
            return found;
        }
        found.push((at, line));
    }
    Vec::new()
}

fn allow(file: &SourceFile, from: usize, list: &str, agent: &mut Agent) {
    for (range, entry) in tool_list(without_comment(list)) {
        let place = file.place(from + range.start..from + range.end, "");
        let source = Literal::new("", &entry, place);
        agent
            .permissions
            .rules
            .push(claude_rule(Verdict::Allow, source));
    }
}

/// The mode a sub-agent runs in.
fn mode(file: &SourceFile, from: usize, value: &str, agent: &mut Agent) {
    let text = without_comment(value).trim().trim_matches(['"', '\'']);
    let start = from + value.find(text).unwrap_or_default();
    let place = file.place(start..start + text.len(), "");
    let source = Literal::new("permissionMode", text, place);
    match text {
        "bypassPermissions" => agent.permissions.bypass.push(source),
        "acceptEdits" | "auto" => agent.permissions.auto_accept.push(source),
        _ => {}
    }
}

fn without_comment(text: &str) -> &str {
    text.find(" #").map_or(text, |at| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::front;

    #[test]
    fn front_matter_stands_between_two_marks_at_the_beginning() {
        for text in [
            "---\na: b\n---\nc",
            "---\r\na: b\r\n---\r\n",
            "\u{feff}---\na: b\n---",
        ] {
            let lines: Vec<&str> = front(text).into_iter().map(|(_, line)| line).collect();
            assert_eq!(lines, ["a: b"], "{text:?}");
        }
        for text in [
            "a: b\n---\n",
            "---\na: b\n",
            " ---\na: b\n---\n",
            "----\na: b\n---\n",
        ] {
            assert_eq!(front(text), [], "{text:?}");
        }
    }
}
