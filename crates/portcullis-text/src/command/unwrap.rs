//! Sees through wrappers, interpreters and launchers to the programs a command starts.

use super::options::scan;
use super::script;
use super::tables::{self, Assignment, Row, assignment, has_name, is_listed, rows};
use super::{CommandFacts, Link, Role, base_name};

/// Deepest chain of wrappers and scripts that is followed; nobody writes more by hand.
const MAX_DEPTH: usize = 12;
/// Most programs recorded of one command, against scripts that nest to explode.
const MAX_LINKS: usize = 4_096;

pub(super) fn facts(words: &[String]) -> CommandFacts {
    let mut walk = Walk::default();
    walk.visit(words, false);
    walk.facts
}

#[derive(Default)]
struct Walk {
    facts: CommandFacts,
    depth: usize,
    /// Within code rather than in the argv itself.
    is_inside: bool,
}

impl Walk {
    /// Records the program and whatever it starts. `is_open`: more words follow that are not known yet.
    fn visit(&mut self, words: &[String], is_open: bool) {
        let Some((program, args)) = words.split_first() else {
            return self.give_up();
        };
        if self.depth >= MAX_DEPTH || self.facts.links.len() >= MAX_LINKS {
            // FAIL-CLOSED: not followed further, so it could be anything.
            return self.give_up();
        }
        self.depth += 1;
        let base = base_name(program);
        let at = self.facts.links.len();
        self.facts.links.push(Link {
            program: program.clone(),
            base: base.to_owned(),
            family: tables::family(base).to_owned(),
            args: args.to_vec(),
            is_open,
            is_inside: self.is_inside,
            role: Role::Leaf,
        });
        let role = self.look_into(base, args, is_open);
        self.facts.links[at].role = role;
        if role == Role::Wrapper && !self.facts.links[at].is_of_system() {
            // FAIL-CLOSED: `./env` is whatever the workspace says it is.
            self.close();
        }
        self.depth -= 1;
    }

    fn look_into(&mut self, base: &str, args: &[String], is_open: bool) -> Role {
        let (known, family) = (tables::known_name(base), tables::family(base));
        let row = |section| rows(section, known).next();
        let launcher = rows("launchers", known)
            .find(|row| row[1].is_empty() || args.first().is_some_and(|first| has_name(row[1], first)));
        if is_listed("starts unseen", known) || (self.is_inside && is_listed("changes meaning", base)) {
            self.facts.is_opaque = true;
        }
        match (family, row("options")) {
            ("find" | "gfind", _) => self.find(args),
            ("git", _) => self.git(args),
            ("sed" | "gsed", Some(row)) => self.sed(row, args),
            ("watch", Some(row)) => self.watch(row, args),
            _ => {
                if let Some(at) = make_variable(args).filter(|_| matches!(family, "make" | "gmake")) {
                    self.code(at)
                } else if let Some(row) = row("wrappers") {
                    self.wrapper(row, family, args, is_open)
                } else if let Some(row) = row("shells").or_else(|| row("interpreters")) {
                    self.interpreter(row, base, args)
                } else if let Some(row) = launcher {
                    self.launcher(row, args, is_open)
                } else {
                    tables::code_option(known, args).map_or(Role::Leaf, |at| self.code(at))
                }
            }
        }
    }

    fn wrapper(&mut self, row: &Row, family: &str, args: &[String], is_open: bool) -> Role {
        let scan = scan(args, row);
        if let Some((at, text)) = scan.code {
            // `env -S` splits like a shell without operators, `su -c` and its like are shells.
            return self.shell(text.as_deref(), at);
        }
        let has = |habit| has_name(row[5], habit);
        let options = &args[..scan.operand];
        let is_shell = has("always-shell") || (has("shell-options") && options.iter().any(|arg| is_shell_flag(arg)));
        if scan.is_unknown || is_shell {
            return self.unclear(args);
        }
        let operand = if has("assigns") { self.skip_assignments(args, scan.operand) } else { scan.operand };
        let start = operand + operands(row);
        match (family, args.get(start..).unwrap_or_default()) {
            ("flock", [flag, text, ..]) if matches!(flag.as_str(), "-c" | "--command") => self.shell(Some(text), start),
            // `chroot DIR` alone opens a shell; most others do nothing without a program.
            (_, []) if is_open || has("opens-shell") => self.unclear(args),
            (_, []) => Role::Leaf,
            // FAIL-CLOSED: an option after the operands, which some programs accept (`script out -c CODE`).
            (_, [first, ..]) if first.starts_with('-') => self.unclear(args),
            ("xargs" | "gxargs", inner) => self.xargs(args, inner),
            ("command", _) if options.iter().any(|arg| arg.contains(['v', 'V'])) => Role::Leaf,
            (_, inner) => {
                self.visit(inner, is_open);
                Role::Wrapper
            }
        }
    }

    /// Skips `NAME=value` words.
    fn skip_assignments(&mut self, args: &[String], start: usize) -> usize {
        // `env -` is `env -i`.
        let start = start + usize::from(args.get(start).is_some_and(|arg| arg == "-"));
        let assigned = args[start..].iter().map_while(|arg| arg.split_once('='));
        assigned.map(|(name, _)| self.assign(name)).count() + start
    }

    fn assign(&mut self, name: &str) {
        match assignment(name) {
            Assignment::Harmless => {}
            Assignment::Unknown => self.close(),
            Assignment::Code => self.give_up(),
        }
    }

    /// The words standard input adds stand at the end, or where the replacement string is.
    fn xargs(&mut self, args: &[String], inner: &[String]) -> Role {
        let mark = replacement(&args[..args.len() - inner.len()]);
        let is_known = |word: &&String| mark.as_ref().is_none_or(|mark| !word.contains(mark.as_str()));
        let known: Vec<String> = inner.iter().take_while(is_known).cloned().collect();
        if known.is_empty() {
            return self.unclear(args);
        }
        self.visit(&known, true);
        Role::Wrapper
    }

    fn find(&mut self, args: &[String]) -> Role {
        let mut rest = args;
        let mut role = Role::Leaf;
        while let Some(at) = rest.iter().position(|arg| is_listed("find runs", arg)) {
            let inner = &rest[at + 1..];
            let end = inner.iter().position(|arg| arg == ";" || arg == "+").unwrap_or(inner.len());
            let known: Vec<String> = inner[..end].iter().take_while(|word| !word.contains("{}")).cloned().collect();
            if known.is_empty() {
                return self.unclear(args);
            }
            self.visit(&known, known.len() < end);
            role = Role::Wrapper;
            rest = &inner[end..];
        }
        if role == Role::Wrapper && args.iter().any(|arg| is_listed("find changes", arg)) {
            self.close();
        }
        role
    }

    fn git(&mut self, args: &[String]) -> Role {
        let word = |at: usize| args.get(at).map_or("", String::as_str);
        let is_value = |at: usize| at > 0 && matches!(word(at - 1), "-C" | "--namespace");
        let end = args.len();
        let sub = (0..end).find(|at| !args[*at].starts_with('-') && !is_value(*at)).unwrap_or(end);
        let is_code = |at: &usize| {
            let arg = word(*at);
            let head = arg.split('=').next().unwrap_or(arg);
            let begins = |own: &&str| head.len() > 4 && own.starts_with(head);
            (*at < sub && matches!(arg, "-c" | "--git-dir" | "--work-tree"))
                || is_listed("git code options", head)
                || ["--upload-pack", "--receive-pack", "--open-files-in-pager", "--extcmd"].iter().any(begins)
                || arg.starts_with("ext::")
                || arg.starts_with("fd::")
        };
        if let Some(at) = (0..end).find(is_code) {
            return self.code(at);
        }
        let letters = match (word(sub), word(sub + 1)) {
            ("submodule", "foreach") => return self.shell(Some(&args[sub + 2..].join(" ")), sub + 1),
            ("bisect", "run") => {
                self.visit(&args[sub + 2..], false);
                return Role::Code(sub + 1);
            }
            ("filter-branch", _) => return self.code(sub),
            ("grep", _) => "O",
            ("rebase" | "difftool", _) => "x",
            ("clone", _) => "uc",
            _ => "",
        };
        (sub..end).find(|at| is_cluster_with(&args[*at], letters)).map_or(Role::Leaf, |at| self.code(at))
    }

    fn sed(&mut self, row: &Row, args: &[String]) -> Role {
        let scan = scan(args, row);
        if scan.is_unknown {
            return self.unclear(args);
        }
        let operand = args.get(scan.operand).filter(|_| !scan.names_file);
        let scripts = args.iter().filter(|arg| is_cluster_with(arg, "e") || arg.starts_with("--e")).count();
        match (scan.code, operand) {
            (Some((_, Some(text))), _) if scripts == 1 && is_plain_sed(&text) => Role::Leaf,
            (Some((at, _)), _) => self.code(at),
            (None, Some(text)) if scripts > 0 || !is_plain_sed(text) => self.code(scan.operand),
            (None, _) => Role::Leaf,
        }
    }

    fn watch(&mut self, row: &Row, args: &[String]) -> Role {
        let scan = scan(args, row);
        match args.get(scan.operand..) {
            Some(inner @ [_, ..]) if !scan.is_unknown => self.shell(Some(&inner.join(" ")), scan.operand),
            _ => self.unclear(args),
        }
    }

    fn interpreter(&mut self, row: &Row, base: &str, args: &[String]) -> Role {
        if matches!(args, [only] if matches!(only.as_str(), "--version" | "--help" | "-V" | "-version")) {
            return Role::Leaf;
        }
        let scan = scan(args, row);
        let operand = args.get(scan.operand);
        match (scan.code, scan.code_operand) {
            (Some((at, text)), _) if is_listed("shells", tables::known_name(base)) => self.shell(text.as_deref(), at),
            (Some((at, _)), _) => self.code(at),
            (None, Some(at)) => self.shell(operand.map(String::as_str).filter(|_| !scan.is_unknown), at),
            // Code comes from options or standard input, or from words not known yet.
            _ if scan.is_unknown || operand.is_none_or(|file| is_standard_input(file)) => self.unclear(args),
            _ if scan.names_file && is_listed("python runners", &args[scan.operand]) => self.code(scan.operand),
            _ if !scan.names_file && tables::family(base).ends_with("awk") => {
                // The first operand of awk is its program: ordinary ones cannot start others.
                let program = &args[scan.operand];
                self.facts.is_opaque |= program.contains(['|', '@']) || program.contains("system");
                Role::Code(scan.operand)
            }
            _ => Role::Leaf,
        }
    }

    fn launcher(&mut self, row: &Row, args: &[String], is_open: bool) -> Role {
        let head = usize::from(!row[1].is_empty());
        let scan = scan(&args[head..], row);
        if let Some((at, text)) = scan.code {
            return self.shell(text.as_deref(), head + at);
        }
        let start = head + scan.operand + operands(row);
        match args.get(start..) {
            _ if scan.is_unknown => self.unclear(args),
            Some(inner @ [_, ..]) if !scan.names_file => self.launched(inner, start, is_open),
            _ if is_open => self.unclear(args),
            _ => Role::Leaf,
        }
    }

    /// Follows what a launcher starts; where that runs code, so does the launcher.
    fn launched(&mut self, inner: &[String], start: usize, is_open: bool) -> Role {
        let at = self.facts.links.len();
        let was_inside = std::mem::replace(&mut self.is_inside, true);
        self.visit(inner, is_open);
        self.is_inside = was_inside;
        match self.facts.links.get(at).map(|link| link.role) {
            Some(Role::Leaf) => Role::Leaf,
            Some(Role::Code(inner_at)) => Role::Code(start + 1 + inner_at),
            Some(Role::Wrapper) | None => Role::Code(usize::MAX),
        }
    }

    /// Shell text, which the argument with this index makes code.
    fn shell(&mut self, text: Option<&str>, at: usize) -> Role {
        self.script(text);
        Role::Code(at)
    }

    /// Follows shell text; what cannot be read makes the command opaque.
    fn script(&mut self, text: Option<&str>) {
        let Some(commands) = text.and_then(script::read) else {
            self.facts.is_opaque = true;
            return;
        };
        let was_inside = std::mem::replace(&mut self.is_inside, true);
        for command in commands {
            command.assigned.iter().for_each(|name| self.assign(name));
            if !command.words.is_empty() {
                self.visit(&command.words, command.is_open);
            }
        }
        self.is_inside = was_inside;
    }

    /// Code in some other language than shell.
    fn code(&mut self, at: usize) -> Role {
        self.facts.is_opaque = true;
        Role::Code(at)
    }

    /// FAIL-CLOSED: options or operands that are not understood; no rule can spell its way past them.
    fn unclear(&mut self, args: &[String]) -> Role {
        self.give_up();
        Role::Code(args.len())
    }

    fn give_up(&mut self) {
        self.facts.is_opaque = true;
        self.close();
    }

    /// No rule lists the command, unless this is within code that a rule has spelled.
    fn close(&mut self) {
        self.facts.is_closed |= !self.is_inside;
    }
}

/// How many words of its own a program takes before the one it starts.
fn operands(row: &Row) -> usize {
    row[2].parse().unwrap_or_default()
}

fn is_cluster_with(arg: &str, letters: &str) -> bool {
    arg.strip_prefix('-').is_some_and(|cluster| !cluster.starts_with('-') && cluster.contains(|c| letters.contains(c)))
}

fn is_shell_flag(arg: &str) -> bool {
    matches!(arg, "--shell" | "--login" | "--edit") || is_cluster_with(arg, "sie")
}

fn is_standard_input(file: &str) -> bool {
    file == "-" || file.starts_with("/dev/") || file.starts_with("/proc/")
}

/// The text `xargs` replaces by its input.
fn replacement(options: &[String]) -> Option<String> {
    options.iter().enumerate().find_map(|(at, arg)| {
        let next = || options.get(at + 1).cloned();
        match arg.as_str() {
            "-I" | "-J" => next(),
            "-i" | "--replace" => Some("{}".to_owned()),
            _ => ["-I", "-J", "-i", "--replace="].iter().find_map(|head| arg.strip_prefix(head)).map(str::to_owned),
        }
    })
}

/// An assignment by which `make` would run something else: its shell, or a value with more than a plain word.
fn make_variable(args: &[String]) -> Option<usize> {
    args.iter().position(|arg| {
        let Some((name, value)) = arg.split_once('=').filter(|_| !arg.starts_with('-')) else {
            return false;
        };
        let name = name.trim_end_matches([':', '?', '+', '!']);
        let is_plain = value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        !is_plain || is_listed("make variables", name)
    })
}

/// One `p`, `d`, `q` or `=` with a numeric address, or one `s` without `e` and `w` flags: runs and writes nothing.
fn is_plain_sed(text: &str) -> bool {
    let command = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ',' | '$' | ' '));
    if matches!(command, "p" | "d" | "q" | "=") {
        return true;
    }
    let mut chars = command.chars();
    let (Some('s'), Some(delimiter)) = (chars.next(), chars.next()) else {
        return false;
    };
    let mut parts = 0;
    while parts < 2 {
        match chars.next() {
            Some('\\') => drop(chars.next()),
            Some('\n') | None => return false,
            Some(c) => parts += usize::from(c == delimiter),
        }
    }
    !matches!(delimiter, '\\' | '\n') && chars.all(|c| c.is_ascii_digit() || matches!(c, 'g' | 'p' | 'i' | 'I'))
}
