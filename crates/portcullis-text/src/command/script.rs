//! Reads shell text as far as its meaning is certain, and says so where it is not.

use super::tables::is_listed;

/// One simple command of a script.
pub(super) struct SimpleCommand {
    /// Names assigned before the program.
    pub(super) assigned: Vec<String>,
    /// Words up to the first one that is known only when it runs.
    pub(super) words: Vec<String>,
    /// Whether such a word exists.
    pub(super) is_open: bool,
}

/// Whether a shell would do more with the text than split it into words.
pub(super) fn needs_shell(text: &str) -> bool {
    let mut chars = text.chars().peekable();
    let mut at_start = true;
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                chars.by_ref().find(|c| *c == '\'');
            }
            '"' => {
                while let Some(c) = chars.next().filter(|c| *c != '"') {
                    match c {
                        '$' | '`' => return true,
                        '\\' => drop(chars.next()),
                        _ => {}
                    }
                }
            }
            '\\' if chars.next_if(|c| *c != '\n').is_some() => {}
            '{' if at_start && chars.peek() == Some(&'}') => drop(chars.next()),
            '|' | '&' | ';' | '<' | '>' | '$' | '`' | '(' | ')' | '{' | '}' | '*' | '?' | '[' | ']' | '\\' => {
                return true;
            }
            '~' | '#' | '!' if at_start => return true,
            c if c.is_control() && c != '\t' => return true,
            _ => {}
        }
        at_start = matches!(c, ' ' | '\t');
    }
    // An assignment in front would be a program name without a shell.
    text.split_whitespace().next().is_some_and(|first| first.contains('='))
}

/// Splits a script into its simple commands; `None` where one could run that is not in the list.
pub(super) fn read(text: &str) -> Option<Vec<SimpleCommand>> {
    let mut reader = Reader { rest: text, commands: Vec::new(), words: Vec::new(), skip_next: false };
    while reader.step()? {}
    Some(reader.commands)
}

/// A word of the script: its text, and from where on it is known only when the script runs.
struct Word {
    text: String,
    unknown_from: Option<usize>,
    is_quoted: bool,
}

impl Word {
    fn mark_unknown(&mut self) {
        self.unknown_from.get_or_insert(self.text.len());
    }

    fn is_plain(&self) -> bool {
        !self.is_quoted && self.unknown_from.is_none()
    }
}

struct Reader<'a> {
    rest: &'a str,
    commands: Vec<SimpleCommand>,
    words: Vec<Word>,
    /// The next word is the file of a redirection.
    skip_next: bool,
}

impl Reader<'_> {
    /// Takes one operator or word; `Some(false)` at the end, `None` for what it cannot read.
    fn step(&mut self) -> Option<bool> {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        let Some(c) = self.rest.chars().next() else {
            self.end_command()?;
            return Some(false);
        };
        match c {
            '\n' | ';' | '|' | ')' => self.end_command_at(1)?,
            '&' if self.rest.starts_with("&>") => self.redirect(2),
            '&' => self.end_command_at(1)?,
            // A subshell starts a command; after a word it would define a function.
            '(' if self.words.is_empty() && !self.rest.starts_with("((") => self.end_command_at(1)?,
            '(' => return None,
            '#' => self.rest = self.rest.find('\n').map_or("", |at| &self.rest[at..]),
            '<' | '>' => self.read_redirection()?,
            _ => self.take_word()?,
        }
        Some(true)
    }

    fn read_redirection(&mut self) -> Option<()> {
        let known = ["<<<", "<>", "<&", ">>", ">&", ">|", "<", ">"];
        let operator = known.into_iter().find(|op| self.rest.starts_with(op))?;
        let after = &self.rest[operator.len()..];
        // FAIL-CLOSED: here-documents and process substitution are not read.
        if after.starts_with(['<', '(']) {
            return None;
        }
        self.redirect(operator.len());
        Some(())
    }

    fn redirect(&mut self, len: usize) {
        self.rest = &self.rest[len..];
        self.skip_next = true;
    }

    fn end_command_at(&mut self, len: usize) -> Option<()> {
        self.rest = &self.rest[len..];
        self.end_command()
    }

    fn end_command(&mut self) -> Option<()> {
        self.skip_next = false;
        let mut words = std::mem::take(&mut self.words).into_iter().peekable();
        while words.next_if(|word| word.is_plain() && is_listed("shell keywords", &word.text)).is_some() {}
        let mut command = SimpleCommand { assigned: Vec::new(), words: Vec::new(), is_open: false };
        while let Some(word) = words.next_if(|word| assigned_name(word).is_some()) {
            command.assigned.extend(assigned_name(&word).map(str::to_owned));
        }
        for word in words {
            if word.unknown_from.is_some() {
                command.is_open = true;
                break;
            }
            command.words.push(word.text);
        }
        match command.words.first() {
            // FAIL-CLOSED: the program is known only when it runs.
            None if command.is_open => return None,
            None if command.assigned.is_empty() => return Some(()),
            Some(first) if is_listed("changes meaning", first) => return None,
            _ => {}
        }
        self.commands.push(command);
        Some(())
    }

    fn take_word(&mut self) -> Option<()> {
        let (word, rest) = read_word(self.rest)?;
        self.rest = rest;
        let is_descriptor =
            rest.starts_with(['<', '>']) && word.is_plain() && word.text.bytes().all(|b| b.is_ascii_digit());
        if !std::mem::take(&mut self.skip_next) && !is_descriptor {
            self.words.push(word);
        }
        Some(())
    }
}

/// Reads one word; `None` for command substitution and other nested code.
fn read_word(text: &str) -> Option<(Word, &str)> {
    let mut word = Word { text: String::new(), unknown_from: None, is_quoted: false };
    let mut chars = text.chars();
    loop {
        let before = chars.as_str();
        let Some(c) = chars.next() else {
            return Some((word, ""));
        };
        match c {
            ' ' | '\t' | '\n' | ';' | '|' | '&' | '<' | '>' | '(' | ')' => {
                return Some((word, before));
            }
            '\'' => {
                let (quoted, rest) = chars.as_str().split_once('\'')?;
                word.text.push_str(quoted);
                word.is_quoted = true;
                chars = rest.chars();
            }
            '"' => {
                chars = read_double_quoted(chars.as_str(), &mut word)?.chars();
                word.is_quoted = true;
            }
            '\\' => match chars.next()? {
                '\n' => {}
                escaped => {
                    word.text.push(escaped);
                    word.is_quoted = true;
                }
            },
            '`' => return None,
            '$' => {
                chars = skip_expansion(chars.as_str())?.chars();
                word.mark_unknown();
            }
            // `{}` alone is itself; every other brace, and every glob, may become other words.
            '{' if word.text.is_empty() && is_lone_braces(chars.as_str()) => word.text.push('{'),
            '}' if word.text == "{" => word.text.push('}'),
            '{' if word.text.is_empty() && chars.as_str().starts_with([' ', '\t', '\n']) => word.text.push('{'),
            '}' if word.text.is_empty() => word.text.push('}'),
            '*' | '?' | '[' | '{' | '}' => word.mark_unknown(),
            '~' if word.text.is_empty() => word.mark_unknown(),
            c => word.text.push(c),
        }
    }
}

fn is_lone_braces(rest: &str) -> bool {
    rest.strip_prefix('}').is_some_and(|after| after.is_empty() || after.starts_with([' ', '\t', '\n', ';', '|', '&']))
}

fn read_double_quoted<'a>(text: &'a str, word: &mut Word) -> Option<&'a str> {
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return Some(chars.as_str()),
            '`' => return None,
            '$' => {
                chars = skip_expansion(chars.as_str())?.chars();
                word.mark_unknown();
            }
            '\\' => match chars.next()? {
                '\n' => {}
                c @ ('"' | '\\' | '$' | '`') => word.text.push(c),
                c => word.text.extend(['\\', c]),
            },
            c => word.text.push(c),
        }
    }
}

/// What follows a plain parameter; `None` for everything that may run code or be read in more than one way.
fn skip_expansion(text: &str) -> Option<&str> {
    if let Some(inner) = text.strip_prefix('{') {
        let (name, rest) = inner.split_once('}')?;
        return is_name(name).then_some(rest);
    }
    let first = text.chars().next()?;
    if first.is_ascii_alphabetic() || first == '_' {
        return Some(text.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_'));
    }
    (first.is_ascii_digit() || matches!(first, '@' | '*' | '#' | '?' | '-' | '!' | '$')).then(|| &text[1..])
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The name an assignment word sets.
fn assigned_name(word: &Word) -> Option<&str> {
    let (name, _) = word.text.split_once('=')?;
    if word.unknown_from.is_some_and(|from| from <= name.len()) {
        return None;
    }
    let name = name.strip_suffix('+').unwrap_or(name);
    (is_name(name) && !name.starts_with(|c: char| c.is_ascii_digit())).then_some(name)
}
