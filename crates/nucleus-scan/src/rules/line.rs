//! Command lines with the place of each word, wherever a configuration has them.

use crate::launch::{MAX_INNER, commands, program, shell_script, unwrapped};
use crate::model::{Evidence, Literal, Place};
use crate::read::SourceFile;

use super::report::shown_at;

/// One simple command.
#[derive(Clone, Debug)]
pub(super) struct Line {
    words: Vec<String>,
    places: Vec<Place>,
}

impl Line {
    /// The words from the real program on, wrappers left out.
    pub(super) fn argv(&self) -> Vec<&str> {
        let all: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let from = unwrapped(&all);
        all[from..].to_vec()
    }

    /// The line that begins at a word of `argv`.
    fn from(&self, at: usize) -> Line {
        let start = at + self.offset();
        Line {
            words: self.words[start..].to_vec(),
            places: self.places[start..].to_vec(),
        }
    }

    fn offset(&self) -> usize {
        self.words.len() - self.argv().len()
    }

    /// The program, without path and extension.
    pub(super) fn program(&self) -> String {
        self.argv()
            .first()
            .map(|word| program(word))
            .unwrap_or_default()
    }

    /// Some words of `argv` as evidence; the place is that of the first.
    pub(super) fn evidence(&self, from: usize, count: usize) -> Evidence {
        let start = (from + self.offset()).min(self.words.len().saturating_sub(1));
        let end = (start + count).min(self.words.len());
        shown_at(
            self.places[start].clone(),
            &self.words[start..end].join(" "),
        )
    }

    /// The place of one word of `argv`.
    pub(super) fn place(&self, at: usize) -> &Place {
        &self.places[(at + self.offset()).min(self.places.len() - 1)]
    }
}

/// The simple commands of a script that stands in a literal.
pub(super) fn script(file: &SourceFile, literal: &Literal) -> Vec<Line> {
    script_at(file, literal.raw_unmasked(), literal.place())
}

/// The simple commands of a script that stands at a place, with those of scripts within it and of servers it registers.
pub(super) fn script_at(file: &SourceFile, text: &str, place: &Place) -> Vec<Line> {
    let mut lines = Vec::new();
    gather(file, text, place, 0, &mut lines);
    lines
}

fn gather(file: &SourceFile, text: &str, place: &Place, depth: usize, lines: &mut Vec<Line>) {
    let mut finder = file.finder(place);
    let commands = commands(text).into_iter();
    for command in commands.filter(|command| !command.words.is_empty()) {
        let line = Line {
            places: command.words.iter().map(|word| finder.next(word)).collect(),
            words: command.words,
        };
        let inner = shell_script(&line.argv()).filter(|_| depth < MAX_INNER);
        let registered = registered(&line.argv()).map(|at| line.from(at));
        lines.push(line.clone());
        lines.extend(registered);
        if let Some(at) = inner {
            gather(file, line.argv()[at], line.place(at), depth + 1, lines);
        }
    }
}

/// Where the command line of a server begins in `claude mcp add NAME -- npx PACKAGE`.
fn registered(words: &[&str]) -> Option<usize> {
    let [agent, "mcp", "add", rest @ ..] = words else {
        return None;
    };
    let is_agent = matches!(
        program(agent).as_str(),
        "claude" | "codex" | "gemini" | "qwen" | "droid" | "copilot" | "kimi"
    );
    let starts = |word: &&str| {
        matches!(
            program(word).as_str(),
            "npx"
                | "pnpx"
                | "bunx"
                | "pnpm"
                | "uvx"
                | "uv"
                | "pipx"
                | "docker"
                | "podman"
                | "bun"
                | "deno"
        )
    };
    let at = rest.iter().position(starts).filter(|_| is_agent)?;
    Some(at + 3)
}

/// The simple commands a server's argv comes down to: itself, or the script it hands to a shell.
pub(super) fn argv(file: &SourceFile, argv: &[&Literal]) -> Vec<Line> {
    let words: Vec<&str> = argv.iter().map(|literal| literal.raw_unmasked()).collect();
    let from = unwrapped(&words);
    let real = &words[from..];
    if let [one] = words.as_slice()
        && is_whole_line(one)
    {
        return script(file, argv[0]);
    }
    if let Some(at) = shell_script(real) {
        return script(file, argv[from + at]);
    }
    if words.is_empty() {
        return Vec::new();
    }
    vec![Line {
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        places: argv.iter().map(|literal| literal.place().clone()).collect(),
    }]
}

/// A command line that stands in the place of a program.
fn is_whole_line(word: &str) -> bool {
    (word.contains(' ') && !word.contains(['/', '\\']))
        || word.starts_with("npx ")
        || word.starts_with("uvx ")
}
