//! Command lines cut into simple commands, as far as reading needs it. Comments are dropped.

use std::ops::Range;

/// One simple command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Command {
    /// Words without their quotes.
    pub(crate) words: Vec<String>,
    /// Where each word stands in the text.
    pub(crate) spans: Vec<Range<usize>>,
    /// Whether it reads what the command before it writes.
    pub(crate) is_piped: bool,
}

impl Command {
    /// The words.
    pub(crate) fn argv(&self) -> Vec<&str> {
        self.words.iter().map(String::as_str).collect()
    }
}

/// The longest script that is cut, in bytes.
const MAX_SCRIPT_BYTES: usize = 1 << 20;

/// The simple commands of a script. Substitutions are commands of their own.
pub(crate) fn commands(text: &str) -> Vec<Command> {
    let mut cutter = Cutter {
        out: Vec::new(),
        command: Command::default(),
        word: None,
    };
    let mut quote: Option<char> = None;
    let mut outer: Vec<Option<char>> = Vec::new();
    let mut chars = text
        .char_indices()
        .take_while(|(at, _)| *at < MAX_SCRIPT_BYTES)
        .peekable();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (_, '$') if quote != Some('\'') && chars.peek().map(|(_, c)| *c) == Some('(') => {
                chars.next();
                cutter.end_command(at, false);
                outer.push(quote.take());
            }
            (None, ')') if !outer.is_empty() => {
                cutter.end_command(at, false);
                quote = outer.pop().flatten();
            }
            (Some(_), '\\') if quote == Some('"') => cutter.push_next(chars.next(), at),
            (Some(_), _) => cutter.push(at, c),
            (None, '\'' | '"') => {
                quote = Some(c);
                cutter.begin(at);
            }
            (None, '\\') => match chars.next() {
                Some((_, '\n')) => cutter.end_word(at),
                next => cutter.push_next(next, at),
            },
            (None, '#') if cutter.word.is_none() => {
                while chars.next_if(|(_, c)| *c != '\n').is_some() {}
            }
            (None, '\n' | ';' | '(' | ')' | '`') => cutter.end_command(at, false),
            (None, '&') if chars.peek().map(|(_, c)| *c) == Some('>') || cutter.ends_with('>') => {
                cutter.push(at, c)
            }
            (None, '&') => cutter.end_command(at, false),
            (None, '|') => {
                let or = chars.next_if(|(_, c)| *c == '|').is_some();
                let _ = chars.next_if(|(_, c)| *c == '&');
                cutter.end_command(at, !or);
            }
            (None, c) if c.is_whitespace() => cutter.end_word(at),
            (None, c) => cutter.push(at, c),
        }
    }
    cutter.end_command(text.len(), false);
    cutter.out
}

struct Cutter {
    out: Vec<Command>,
    command: Command,
    word: Option<(usize, String)>,
}

impl Cutter {
    fn begin(&mut self, at: usize) {
        self.word.get_or_insert_with(|| (at, String::new()));
    }

    fn push(&mut self, at: usize, c: char) {
        self.word
            .get_or_insert_with(|| (at, String::new()))
            .1
            .push(c);
    }

    fn push_next(&mut self, next: Option<(usize, char)>, at: usize) {
        if let Some((_, c)) = next {
            self.push(at, c);
        }
    }

    fn ends_with(&self, c: char) -> bool {
        self.word
            .as_ref()
            .is_some_and(|(_, word)| word.ends_with(c))
    }

    fn end_word(&mut self, at: usize) {
        if let Some((start, word)) = self.word.take() {
            self.command.words.push(word);
            self.command.spans.push(start..at);
        }
    }

    fn end_command(&mut self, at: usize, next_is_piped: bool) {
        self.end_word(at);
        if !self.command.words.is_empty() {
            self.out.push(std::mem::take(&mut self.command));
        }
        self.command.is_piped = next_is_piped;
    }
}

/// How deep scripts within scripts are followed.
pub(crate) const MAX_INNER: usize = 4;

/// The word that holds the script, for `bash -c SCRIPT` and its like.
pub(crate) fn shell_script(words: &[&str]) -> Option<usize> {
    let is_script = |word: &&str| -> bool {
        let flags = word
            .strip_prefix('-')
            .and_then(|flags| flags.strip_suffix('c'));
        flags.is_some_and(|flags| flags.len() < 6 && flags.bytes().all(|b| b.is_ascii_lowercase()))
    };
    let at = match super::program(words.first()?).as_str() {
        "sh" | "bash" | "zsh" | "dash" | "ash" | "ksh" | "fish" | "su" => {
            words.iter().position(is_script)?
        }
        "powershell" | "pwsh" => words
            .iter()
            .position(|word| matches!(word.to_ascii_lowercase().as_str(), "-c" | "-command"))?,
        _ => return None,
    };
    (at + 1 < words.len()).then_some(at + 1)
}

/// Whether a script, or one within it, hands what it fetches straight to an interpreter; the range of the command that fetches.
pub(crate) fn is_remote_script(text: &str) -> Option<Range<usize>> {
    remote_within(text, 0)
}

fn remote_within(text: &str, depth: usize) -> Option<Range<usize>> {
    let commands = commands(text);
    for (nth, command) in commands.iter().enumerate() {
        let argv = command.argv();
        let at = super::unwrapped(&argv);
        let Some(program) = argv.get(at).map(|word| super::program(word)) else {
            continue;
        };
        if let Some(inner) = shell_script(&argv[at..]).filter(|_| depth < MAX_INNER)
            && remote_within(argv[at + inner], depth + 1).is_some()
        {
            return command.spans.get(at + inner).cloned();
        }
        if !fetches(&program, &argv) {
            continue;
        }
        let span = command.spans.first()?.start..command.spans.last()?.end;
        let piped_on = commands[nth + 1..]
            .iter()
            .take_while(|next| next.is_piped)
            .any(is_interpreter);
        let into = nth > 0 && interprets(&commands[nth - 1], &text[..span.start]);
        if piped_on || into {
            return Some(span);
        }
    }
    None
}

fn fetches(program: &str, argv: &[&str]) -> bool {
    match program {
        "curl" | "wget" | "iwr" | "irm" | "invoke-webrequest" | "invoke-restmethod" | "fetch" => {
            argv.iter()
                .any(|word| word.contains("://") || word.contains('$') || word.contains('.'))
        }
        "new-object" => argv
            .iter()
            .any(|word| word.to_ascii_lowercase().contains("webclient")),
        _ => false,
    }
}

/// A command that runs what it reads.
fn is_interpreter(command: &Command) -> bool {
    let argv = command.argv();
    let argv = &argv[super::unwrapped(&argv)..];
    let Some(first) = argv.first() else {
        return false;
    };
    let fixed = argv[1..]
        .iter()
        .any(|word| matches!(*word, "-c" | "-e" | "-m"));
    matches!(
        super::program(first).as_str(),
        "sh" | "bash"
            | "zsh"
            | "dash"
            | "ksh"
            | "fish"
            | "python"
            | "python3"
            | "node"
            | "perl"
            | "ruby"
            | "php"
            | "iex"
            | "invoke-expression"
            | "source"
            | "pwsh"
            | "powershell"
    ) && !fixed
}

/// `bash <(curl …)`, `sh -c "$(curl …)"`, `eval "$(curl …)"`, `. <(curl …)`.
fn interprets(before: &Command, text: &str) -> bool {
    let substituted = text.trim_end().ends_with(['(', '`']) || text.trim_end().ends_with("$(");
    let Some(first) = before.words.first() else {
        return false;
    };
    substituted
        && matches!(
            super::program(first).as_str(),
            "sh" | "bash"
                | "zsh"
                | "dash"
                | "eval"
                | "source"
                | "."
                | "python"
                | "python3"
                | "iex"
                | "sudo"
                | "su"
        )
}

#[cfg(test)]
mod tests {
    use super::{commands, is_remote_script};
    use crate::launch::{fetched, image_is_pinned, run, unwrapped};

    fn words(text: &str) -> Vec<Vec<String>> {
        commands(text)
            .into_iter()
            .map(|command| command.words)
            .collect()
    }

    #[test]
    fn scripts_are_cut_at_operators_and_not_in_quotes() {
        assert_eq!(
            words("a 'b; c' && d \"e|f\" # g\nh"),
            [vec!["a", "b; c"], vec!["d", "e|f"], vec!["h"]]
        );
        assert_eq!(words("x >&2 || y"), [vec!["x", ">&2"], vec!["y"]]);
    }

    #[test]
    fn what_is_fetched_and_run_at_once_is_found() {
        for text in [
            "curl -fsSL https://x.example/i.sh | bash",
            "wget -qO- https://x.example/i.sh | sudo -E bash -",
            "bash <(curl -s https://x.example/i.sh)",
            "sh -c \"$(curl -fsSL https://x.example/i.sh)\"",
            "cd /tmp && curl https://x.example/i.py | tee log | python3",
            "irm https://x.example/i.ps1 | iex",
            "bash -c 'curl -fsSL https://x.example/i.sh | sh'",
            "sudo bash -euxc \"set -e; sh -c 'curl https://x.example/i.sh | sh'\"",
        ] {
            assert!(is_remote_script(text).is_some(), "{text}");
        }
        for text in [
            "curl -o f https://x.example/f.sh",
            "curl -s https://x.example/a.json | jq .",
            "curl https://x.example/a | python3 -m json.tool",
            "bash i.sh",
            "# curl https://x | sh",
            "echo 'curl https://x.example/i.sh | sh'",
            "bash -c 'curl -o f https://x.example/i.sh'",
            "bash --norc 'curl https://x.example/i.sh | sh'",
        ] {
            assert_eq!(is_remote_script(text), None, "{text}");
        }
    }

    fn unpinned(line: &str) -> Vec<String> {
        let words: Vec<&str> = line.split(' ').collect();
        let from = unwrapped(&words);
        fetched(&words[from..])
            .into_iter()
            .filter(|package| !package.is_pinned)
            .map(|package| package.name)
            .collect()
    }

    #[test]
    fn packages_without_an_exact_version_are_found() {
        for (line, name) in [
            ("npx -y @scope/a@latest", "@scope/a"),
            ("npx a", "a"),
            ("npx a@^1.2.3", "a"),
            ("npx --package=a@1 b", "a"),
            ("cmd /c npx -y a", "a"),
            ("pnpm dlx a", "a"),
            ("yarn dlx a", "a"),
            ("bun x a", "a"),
            ("/opt/bin/uvx a", "a"),
            (
                "uvx --from git+https://github.com/a/b a",
                "git+https://github.com/a/b",
            ),
            ("uv tool run a>=1", "a"),
            ("uv run --with a b.py", "a"),
            ("uv --directory x run --with a b", "a"),
            ("pipx run a", "a"),
            ("npm i -g a", "a"),
            ("deno run -A npm:a", "a"),
            ("go run example.com/a@latest", "example.com/a"),
            ("env X=1 npx a", "a"),
        ] {
            assert_eq!(unpinned(line), [name], "{line}");
        }
        for line in [
            "npx a@1.2.3",
            "npx @s/a@0.0.1-seed",
            "npx --no-install a",
            "npx ./a",
            "uvx a==1.2",
            "uvx a@0.0.1a4",
            "uvx --from git+https://github.com/a/b@0123abcd a",
            "uv run a.py",
            "pnpm exec a",
            "npm install a",
            "npm run a",
            "node a.js",
            "npx -y a@${VERSION}",
            "uvx --python 3.12 a==1.0.0",
        ] {
            assert_eq!(unpinned(line), Vec::<String>::new(), "{line}");
        }
    }

    #[test]
    fn images_are_found_behind_the_options() {
        let line: Vec<&str> = "docker run -i --rm -e KEY --network host -v /a:/b --mount=type=bind,src=/x ghcr.io/a/b:latest serve".split(' ').collect();
        let found = run(&line).unwrap();
        assert_eq!(found.image.map(|at| line[at]), Some("ghcr.io/a/b:latest"));
        assert!(
            found
                .options
                .iter()
                .any(|(_, name, value)| name == "--network" && value == "host")
        );
        for (image, pinned) in [
            ("a", false),
            ("a:latest", false),
            ("a:1", true),
            ("localhost:5000/a", false),
            ("a@sha256:00", true),
            ("${IMAGE}", true),
        ] {
            assert_eq!(image_is_pinned(image), pinned, "{image}");
        }
        assert_eq!(run(&["docker", "compose", "run", "x"]), None);
    }
}
