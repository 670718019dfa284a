//! Dockerfiles in which an agent lives: images, and what is run while they are built or started.

use std::collections::{HashMap, HashSet};

use crate::launch::{image_is_pinned, program, shell_script};
use crate::model::Place;
use crate::read::{Kind, SourceFile, Syntax, read_text};

use super::command;
use super::container::each;
use super::line::script_at;
use super::report::{Report, shown_at};
use super::table::UNPINNED_IMAGE;

/// Judges every instruction.
pub(super) fn judge(file: &SourceFile, report: &mut Report<'_>) {
    let mut stages: HashSet<String> = HashSet::new();
    for (start, instruction) in instructions(&file.text) {
        let (word, rest) = instruction
            .split_once(char::is_whitespace)
            .unwrap_or((instruction, ""));
        let rest_at = start + (instruction.len() - rest.len());
        let place = file.place(rest_at..rest_at + rest.len(), "");
        match word.to_ascii_uppercase().as_str() {
            "FROM" => from(rest, &place, &mut stages, report),
            "RUN" | "CMD" | "ENTRYPOINT" => {
                runs(file, rest, &place, &word.to_ascii_uppercase(), report)
            }
            _ => {}
        }
    }
}

fn from(rest: &str, place: &Place, stages: &mut HashSet<String>, report: &mut Report<'_>) {
    let words: Vec<&str> = rest
        .split_whitespace()
        .filter(|word| !word.starts_with("--"))
        .collect();
    let Some(image) = words.first() else { return };
    let local = *image == "scratch" || stages.contains(&image.to_ascii_lowercase());
    if !local && !image_is_pinned(image) {
        report.add(
            UNPINNED_IMAGE,
            None,
            "the image has no version",
            vec![shown_at(place.clone(), image)],
        );
    }
    if let [_, keyword, name, ..] = words.as_slice()
        && keyword.eq_ignore_ascii_case("as")
    {
        stages.insert(name.to_ascii_lowercase());
    }
}

/// What an instruction runs: a line for the shell, the words of a program, or a script that stands below it.
fn runs(file: &SourceFile, rest: &str, place: &Place, word: &str, report: &mut Report<'_>) {
    let script = match exec_form(rest) {
        Some(words) => in_words(&words),
        None => with_here_document(rest),
    };
    command::remote_script(file, &script, place, Some(word), report);
    for line in script_at(file, &script, place) {
        each(&line, Some(word), report);
    }
}

/// The words of `["program", "argument"]`, behind options of the instruction.
fn exec_form(rest: &str) -> Option<Vec<String>> {
    let mut rest = rest.trim_start();
    while rest.starts_with("--") {
        rest = rest.split_once(char::is_whitespace)?.1.trim_start();
    }
    if !rest.starts_with('[') {
        return None;
    }
    let Kind::List(items) = read_text(rest, Syntax::Json).root.kind else {
        return None;
    };
    let text = |kind| match kind {
        Kind::Text(text) => Some(text),
        _ => None,
    };
    items.into_iter().map(|item| text(item.kind)).collect()
}

/// The script that words hand to a shell, or the words as a line of one.
fn in_words(words: &[String]) -> String {
    let plain: Vec<&str> = words.iter().map(String::as_str).collect();
    if let Some(at) = shell_script(&plain) {
        return plain[at].to_owned();
    }
    let quoted = |word: &&str| match word
        .contains(|c: char| c.is_whitespace() || "'\"|&;()<>#`$\\".contains(c))
    {
        true => format!("'{}'", word.replace('\'', "'\\''")),
        false => (*word).to_owned(),
    };
    plain.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// The line itself, with a script below it where a shell reads that; what other programs read is theirs.
fn with_here_document(rest: &str) -> String {
    let Some((head, body)) = rest.split_once('\n') else {
        return rest.to_owned();
    };
    if marks(head).next().is_none() {
        return rest.to_owned();
    }
    let line: Vec<&str> = head
        .split_whitespace()
        .filter(|word| !word.starts_with("--") && mark(word).is_none())
        .collect();
    let reads_script = line.first().is_none_or(|first| {
        matches!(
            program(first).as_str(),
            "sh" | "bash" | "zsh" | "dash" | "ash" | "ksh"
        )
    });
    if reads_script {
        body.to_owned()
    } else {
        line.join(" ")
    }
}

/// The lines that end the here-documents a line announces. Tabs before such a line never count, so that none reaches too far.
fn marks(line: &str) -> impl Iterator<Item = &str> {
    line.split_whitespace().filter_map(mark)
}

/// `<<EOF`, `<<-EOF`, `<<"EOF"`, `3<<EOF`.
fn mark(word: &str) -> Option<&str> {
    let rest = word
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .strip_prefix("<<")?;
    let name = rest.strip_prefix('-').unwrap_or(rest);
    let end = name.trim_matches(['"', '\'']);
    (!end.is_empty() && !end.contains('<')).then_some(end)
}

/// Where each line of a text ends, by what the line says; empty for a text without here-documents.
struct Ends<'a>(HashMap<&'a str, Vec<usize>>);

impl<'a> Ends<'a> {
    fn of(text: &'a str) -> Self {
        let mut ends: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut at = 0;
        if !text.contains("<<") {
            return Self(ends);
        }
        for line in text.split_inclusive('\n') {
            at += line.len();
            let plain = line.trim_end().trim_start_matches('\t');
            ends.entry(plain).or_default().push(at);
        }
        Self(ends)
    }

    /// The end of the here-documents that a line announces, which begin at a byte; `None` where one is not ended.
    fn behind(&self, line: &str, from: usize) -> Option<usize> {
        marks(line).try_fold(from, |from, mark| {
            let ends = self.0.get(mark)?;
            let next = ends.partition_point(|end| *end <= from);
            ends.get(next).copied()
        })
    }
}

/// Instructions with their offset; continued lines and here-documents are part of theirs, comments of none.
pub(crate) fn instructions(text: &str) -> Vec<(usize, &str)> {
    let ends = Ends::of(text);
    let mut out = Vec::new();
    let (mut at, mut start, mut inside) = (0, None, 0);
    for line in text.split_inclusive('\n') {
        let plain = line.trim_end();
        let comment = plain.trim_start().starts_with('#');
        if at < inside {
            at += line.len();
            continue;
        }
        if start.is_none() && !comment && !plain.trim().is_empty() {
            start = Some(at + (line.len() - line.trim_start().len()));
        }
        at += line.len();
        if let Some(from) = start.filter(|_| !plain.ends_with('\\') && !comment) {
            inside = ends.behind(&text[from..at], at).unwrap_or(at);
            out.push((from, text[from..inside].trim_end()));
            start = None;
        }
    }
    out.extend(start.map(|from| (from, text[from..].trim_end())));
    out
}

#[cfg(test)]
mod tests {
    use super::{instructions, mark};

    fn all(text: &str) -> Vec<&str> {
        instructions(text).into_iter().map(|(_, one)| one).collect()
    }

    #[test]
    fn a_here_document_is_part_of_its_instruction() {
        assert_eq!(
            all("RUN <<EOF\na\nEOF\nCMD b\n"),
            ["RUN <<EOF\na\nEOF", "CMD b"]
        );
        assert_eq!(
            all("RUN <<-'A' <<B\n\tx\n\tA\ny\nB\nCMD b"),
            ["RUN <<-'A' <<B\n\tx\n\tA\ny\nB", "CMD b"]
        );
    }

    #[test]
    fn what_is_not_ended_or_no_here_document_swallows_nothing() {
        for text in [
            "RUN <<EOF\nCMD b",
            "RUN echo $((1<<2))\nCMD b",
            "RUN x << 2\nCMD b",
            "RUN x <<<\"2\"\nCMD b",
        ] {
            assert_eq!(all(text).last(), Some(&"CMD b"), "{text}");
            assert_eq!(all(text).len(), 2, "{text}");
        }
        assert_eq!(mark("<<<x"), None);
    }
}
