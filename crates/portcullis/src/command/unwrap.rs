//! Sees through wrappers, interpreters and launchers to the programs a command starts.

use super::script;
use super::tables::{
    self, Assignment, Interpreter, Known, Launcher, Options, Wrapper, assignment, is_system_directory,
};
use super::{CommandFacts, Link, Role, base_name};

/// Deepest chain of wrappers and scripts that is followed; nobody writes more by hand.
const MAX_DEPTH: usize = 12;
/// Most programs recorded of one command, against scripts that nest to explode.
const MAX_LINKS: usize = 4_096;

pub(super) fn facts(words: &[String]) -> CommandFacts {
    let facts = CommandFacts { links: Vec::new(), is_opaque: false, is_closed: false };
    let mut walk = Walk { facts, depth: 0, is_inside: false };
    walk.visit(words, false);
    walk.facts
}

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
        let (args_kept, is_inside) = (args.to_vec(), self.is_inside);
        self.facts.links.push(Link {
            program: program.clone(),
            base: base.to_owned(),
            family: tables::family(base).to_owned(),
            args: args_kept,
            is_open,
            is_inside,
            role: Role::Leaf,
        });
        let role = self.look_into(base, args, is_open);
        self.facts.links[at].role = role;
        if role == Role::Wrapper && !is_system_directory(&program[..program.len() - base.len()]) {
            // FAIL-CLOSED: `./env` is whatever the workspace says it is.
            self.close();
        }
        self.depth -= 1;
    }

    fn look_into(&mut self, base: &str, args: &[String], is_open: bool) -> Role {
        let known = tables::known(base);
        if known.starts_unseen || (self.is_inside && script::changes_meaning(base)) {
            self.facts.is_opaque = true;
        }
        match tables::family(base) {
            "find" | "gfind" => self.find(args),
            "git" => self.git(args),
            "sed" | "gsed" => self.sed(args),
            "watch" => self.watch(args),
            "make" | "gmake" if make_variable(args).is_some() => self.code(make_variable(args).unwrap_or(0)),
            family => match (known.wrapper, known.interpreter, known.launcher(args)) {
                (Some(wrapper), ..) => self.wrapper(wrapper, family, args, is_open),
                (_, Some(interpreter), _) => self.interpreter(interpreter, base, args, is_open),
                (_, _, Some(launcher)) => self.launcher(launcher, args, is_open),
                _ => self.leaf(known, base, args),
            },
        }
    }

    fn leaf(&mut self, known: &Known, base: &str, args: &[String]) -> Role {
        let is_eval = matches!(base, "deno" | "bun") && args.first().is_some_and(|arg| arg == "eval" || arg == "exec");
        match known.code_option(args).or(is_eval.then_some(0)) {
            Some(at) => self.code(at),
            None => Role::Leaf,
        }
    }

    fn wrapper(&mut self, known: &Wrapper, family: &str, args: &[String], is_open: bool) -> Role {
        let scan = scan(args, known.options);
        if let Some((at, text)) = scan.code {
            // `env -S` splits like a shell without operators, `su -c` and its like are shells.
            self.script(text.as_deref());
            return Role::Code(at);
        }
        if scan.is_unknown {
            return self.unclear(args.len());
        }
        if matches!(family, "sudo" | "doas") && args[..scan.operand].iter().any(|arg| is_shell_flag(arg)) {
            return self.unclear(args.len());
        }
        let start = self.skip_assignments(args, scan.operand, family) + known.operands;
        let rest = args.get(start..).unwrap_or_default();
        match (family, rest) {
            ("flock", [flag, text, ..]) if flag == "-c" || flag == "--command" => {
                self.script(Some(text));
                Role::Code(start)
            }
            // `su user` and `sudo -u user` alone open a shell; the others do nothing without a program.
            ("su" | "runuser" | "chroot" | "unshare" | "nsenter" | "script", []) => self.unclear(args.len()),
            ("su", _) => self.unclear(args.len()),
            // FAIL-CLOSED: an option after the operands, which some programs accept (`script out -c CODE`).
            (_, [first, ..]) if first.starts_with('-') => self.unclear(args.len()),
            (_, []) if is_open => self.unclear(args.len()),
            (_, []) => Role::Leaf,
            ("xargs" | "gxargs", inner) => self.xargs(args, inner),
            ("command", _) if args[..scan.operand].iter().any(|arg| arg.contains(['v', 'V'])) => Role::Leaf,
            (_, inner) => {
                self.visit(inner, is_open);
                Role::Wrapper
            }
        }
    }

    /// Skips `NAME=value` words where the wrapper takes them.
    fn skip_assignments(&mut self, args: &[String], start: usize, family: &str) -> usize {
        if !matches!(family, "env" | "genv" | "sudo" | "doas" | "cross-env") {
            return start;
        }
        // `env -` is `env -i`.
        let start = start + usize::from(args.get(start).is_some_and(|arg| arg == "-"));
        let names = args[start..].iter().map_while(|arg| arg.split_once('=').map(|(name, _)| name));
        let mut skipped = 0;
        for name in names {
            self.assign(name);
            skipped += 1;
        }
        start + skipped
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
        let before = &args[..args.len() - inner.len()];
        let mark = replacement(before);
        let known = inner.iter().take_while(|word| mark.as_ref().is_none_or(|mark| !word.contains(mark.as_str())));
        let known: Vec<String> = known.cloned().collect();
        if known.is_empty() {
            return self.unclear(args.len());
        }
        self.visit(&known, true);
        Role::Wrapper
    }

    fn find(&mut self, args: &[String]) -> Role {
        let mut rest = args;
        let mut role = Role::Leaf;
        while let Some(at) = rest.iter().position(|arg| matches!(arg.as_str(), "-exec" | "-execdir" | "-ok" | "-okdir"))
        {
            let inner = &rest[at + 1..];
            let end = inner.iter().position(|arg| arg == ";" || arg == "+").unwrap_or(inner.len());
            let known: Vec<String> = inner[..end].iter().take_while(|word| !word.contains("{}")).cloned().collect();
            if known.is_empty() {
                return self.unclear(args.len());
            }
            self.visit(&known, known.len() < end);
            role = Role::Wrapper;
            rest = &inner[end..];
        }
        let has_effect =
            args.iter().any(|arg| matches!(arg.as_str(), "-delete" | "-fprint" | "-fprint0" | "-fprintf" | "-fls"));
        if role == Role::Wrapper && has_effect {
            self.close();
        }
        role
    }

    fn git(&mut self, args: &[String]) -> Role {
        let code = |at: usize, arg: &String| {
            let is_global = matches!(arg.as_str(), "-c" | "--git-dir" | "--work-tree");
            let head = arg.split('=').next().unwrap_or(arg);
            (is_global && args[..at].iter().all(|earlier| earlier.starts_with('-') || is_git_value(args, earlier)))
                || matches!(
                    head,
                    "--config-env"
                        | "--exec-path"
                        | "--upload-pack"
                        | "--receive-pack"
                        | "--exec"
                        | "--extcmd"
                        | "--open-files-in-pager"
                        | "--sendmail-cmd"
                        | "--smtp-server"
                        | "--template"
                        | "--config"
                )
                || (head.len() > 4
                    && ["--upload-pack", "--receive-pack", "--open-files-in-pager", "--extcmd"]
                        .iter()
                        .any(|own| own.starts_with(head)))
                || arg.starts_with("ext::")
                || arg.starts_with("fd::")
        };
        if let Some(at) = args.iter().enumerate().position(|(at, arg)| code(at, arg)) {
            return self.code(at);
        }
        let word = |at: usize| args.get(at).map(String::as_str);
        let sub = args.iter().position(|arg| !arg.starts_with('-') && !is_git_value(args, arg)).unwrap_or(args.len());
        let short =
            |letters: &[char]| args.iter().skip(sub).position(|arg| is_cluster_with(arg, letters)).map(|at| sub + at);
        let flagged = match (word(sub), word(sub + 1)) {
            (Some("grep"), _) => short(&['O']),
            (Some("rebase" | "difftool"), _) => short(&['x']),
            (Some("clone"), _) => short(&['u', 'c']),
            (Some("fetch" | "pull" | "ls-remote" | "archive"), _) => None,
            (Some("submodule"), Some("foreach")) => {
                self.script(Some(&args[sub + 2..].join(" ")));
                return Role::Code(sub + 1);
            }
            (Some("bisect"), Some("run")) => {
                self.visit(&args[sub + 2..], false);
                return Role::Code(sub + 1);
            }
            (Some("filter-branch"), _) => Some(sub),
            _ => None,
        };
        flagged.map_or(Role::Leaf, |at| self.code(at))
    }

    fn sed(&mut self, args: &[String]) -> Role {
        let options = Options {
            short: "nrEsuzi?b l:e!f>",
            long: "expression! file> in-place? quiet silent regexp-extended separate null-data line-length: posix sandbox follow-symlinks debug",
        };
        let scan = scan(args, options);
        if scan.is_unknown {
            return self.unclear(args.len());
        }
        let operand = args.get(scan.operand).filter(|_| !scan.names_file);
        let scripts =
            || args.iter().enumerate().filter(|(_, arg)| is_cluster_with(arg, &['e']) || arg.starts_with("--e"));
        match (scan.code, operand) {
            (Some((_, Some(text))), _) if scripts().count() == 1 && is_plain_sed(&text) => Role::Leaf,
            (Some((at, _)), _) => self.code(at),
            (None, Some(text)) if scripts().next().is_some() || !is_plain_sed(text) => self.code(scan.operand),
            (None, _) => Role::Leaf,
        }
    }

    fn watch(&mut self, args: &[String]) -> Role {
        let options = Options {
            short: "bcCd?eghn:pq:rs:tvwx",
            long: "beep color no-color differences? errexit chgexit interval: precise equexit: no-rerun no-title no-wrap exec",
        };
        let scan = scan(args, options);
        match args.get(scan.operand..) {
            Some(inner) if !scan.is_unknown && !inner.is_empty() => {
                self.script(Some(&inner.join(" ")));
                Role::Code(scan.operand)
            }
            _ => self.unclear(args.len()),
        }
    }

    fn interpreter(&mut self, known: &Interpreter, base: &str, args: &[String], is_open: bool) -> Role {
        if let [only] = args
            && matches!(only.as_str(), "--version" | "--help" | "-V" | "-version")
        {
            return Role::Leaf;
        }
        let scan = scan(args, known.options);
        let operand = args.get(scan.operand);
        match (scan.code, scan.code_operand) {
            (Some((at, text)), _) if tables::known(base).is_shell => {
                self.script(text.as_deref());
                Role::Code(at)
            }
            (Some((at, _)), _) => self.code(at),
            (None, Some(at)) => {
                self.script(operand.map(String::as_str).filter(|_| !scan.is_unknown));
                Role::Code(at)
            }
            _ if scan.is_unknown => self.unclear(args.len()),
            _ if scan.names_file => self.named_file(args, scan.operand),
            // Code comes from standard input, or from words not known yet.
            (None, None) if operand.is_none_or(|file| is_standard_input(file)) => self.unclear(args.len()),
            (None, None) if is_open && scan.operand >= args.len() => self.unclear(args.len()),
            (None, None) => self.operand(base, args, scan.operand),
        }
    }

    /// `python -m`, `awk -f`: what runs is named, unless it is standard input or a module that takes code.
    fn named_file(&mut self, args: &[String], at: usize) -> Role {
        match args.get(at).map(String::as_str) {
            None => self.unclear(args.len()),
            Some("timeit" | "code" | "pdb" | "IPython" | "trace" | "cProfile" | "profile" | "runpy") => self.code(at),
            Some(file) if is_standard_input(file) => self.unclear(args.len()),
            Some(_) => Role::Leaf,
        }
    }

    fn operand(&mut self, base: &str, args: &[String], at: usize) -> Role {
        if !tables::family(base).ends_with("awk") {
            return Role::Leaf;
        }
        // The first operand of awk is its program: ordinary ones cannot start others.
        if args[at].contains(['|', '@']) || args[at].contains("system") {
            self.facts.is_opaque = true;
        }
        Role::Code(at)
    }

    fn launcher(&mut self, known: &Launcher, args: &[String], is_open: bool) -> Role {
        let head = usize::from(!known.subcommands.is_empty());
        let scan = scan(&args[head..], known.options);
        if let Some((at, text)) = scan.code {
            self.script(text.as_deref());
            return Role::Code(head + at);
        }
        let start = head + scan.operand + known.operands;
        match args.get(start..) {
            _ if scan.is_unknown => self.unclear(args.len()),
            Some(inner) if !inner.is_empty() && !scan.names_file => self.launched(inner, start, is_open),
            _ if is_open => self.unclear(args.len()),
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
    fn unclear(&mut self, args: usize) -> Role {
        self.give_up();
        Role::Code(args)
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

/// What the options of a program come to.
struct Scan {
    /// Index of the first word that is no option.
    operand: usize,
    /// The first option that takes code, and the code.
    code: Option<(usize, Option<String>)>,
    /// The first option that makes the first operand code.
    code_operand: Option<usize>,
    /// The first operand is named by an option as what runs.
    names_file: bool,
    /// Some option is not in the table.
    is_unknown: bool,
}

fn scan(args: &[String], options: Options) -> Scan {
    let mut scan = Scan { operand: 0, code: None, code_operand: None, names_file: false, is_unknown: false };
    while let Some(arg) = args.get(scan.operand) {
        if arg == "--" {
            scan.operand += 1;
            break;
        }
        let next = args.get(scan.operand + 1);
        let step = match arg.strip_prefix("--") {
            Some(long) => scan_long(long, next, options.long),
            None if arg.len() > 1 && arg.starts_with(['-', '+']) => scan_short(&arg[1..], next, options.short),
            None => break,
        };
        let at = scan.operand;
        scan.operand += step.words;
        scan.is_unknown |= step.is_unknown;
        if step.code.is_some() {
            scan.code = scan.code.or(step.code.map(|text| (at, text)));
            break;
        }
        if step.is_code_operand {
            scan.code_operand.get_or_insert(at);
        }
        if step.names_file {
            scan.names_file = true;
            break;
        }
    }
    scan.operand = scan.operand.min(args.len());
    scan
}

/// What one option word does: how many words it takes, and the marks it carries.
#[derive(Default)]
struct Step {
    words: usize,
    code: Option<Option<String>>,
    is_code_operand: bool,
    names_file: bool,
    is_unknown: bool,
}

fn scan_long(arg: &str, next: Option<&String>, table: &str) -> Step {
    let (name, attached) = arg.split_once('=').map_or((arg, None), |(name, value)| (name, Some(value)));
    let bare = |entry: &str| entry.trim_end_matches([':', '?', '!', '>']).to_owned();
    let exact = table.split(' ').find(|entry| bare(entry) == name);
    let beginning =
        || table.split(' ').filter(|entry| bare(entry).starts_with(name)).max_by_key(|entry| mark_rank(entry));
    let Some(entry) = exact.or_else(beginning).filter(|entry| !entry.is_empty()) else {
        return Step { words: 1, is_unknown: true, ..Step::default() };
    };
    let takes_next = attached.is_none();
    match entry.chars().next_back() {
        Some('!') => Step {
            words: 1 + usize::from(takes_next),
            code: Some(attached.map(str::to_owned).or_else(|| next.cloned())),
            ..Step::default()
        },
        Some(':') => Step { words: 1 + usize::from(takes_next), ..Step::default() },
        Some('>') => Step { words: usize::from(takes_next), names_file: true, ..Step::default() },
        _ => Step { words: 1, ..Step::default() },
    }
}

/// Of several options an abbreviation could mean, the most dangerous counts.
fn mark_rank(entry: &str) -> u8 {
    match entry.chars().next_back() {
        Some('!') => 3,
        Some('>') => 2,
        Some(':') => 1,
        _ => 0,
    }
}

fn scan_short(cluster: &str, next: Option<&String>, table: &str) -> Step {
    let mut step = Step { words: 1, ..Step::default() };
    for (at, letter) in cluster.char_indices() {
        let rest = &cluster[at + letter.len_utf8()..];
        let Some(found) = table.find(letter).filter(|_| letter.is_ascii_alphanumeric()) else {
            step.is_unknown = true;
            return step;
        };
        let attached = (!rest.is_empty()).then(|| rest.to_owned());
        match table[found + 1..].chars().next() {
            Some('@') => step.is_code_operand = true,
            Some('!') => {
                step.words += usize::from(attached.is_none());
                step.code = Some(attached.or_else(|| next.cloned()));
                return step;
            }
            Some(':') => {
                step.words += usize::from(attached.is_none());
                return step;
            }
            Some('>') => {
                step.words = usize::from(attached.is_none());
                step.names_file = true;
                return step;
            }
            Some('?') => return step,
            _ => {}
        }
    }
    step
}

fn is_cluster_with(arg: &str, letters: &[char]) -> bool {
    arg.strip_prefix('-').is_some_and(|cluster| !cluster.starts_with('-') && cluster.contains(letters))
}

fn is_shell_flag(arg: &str) -> bool {
    matches!(arg, "--shell" | "--login" | "--edit") || is_cluster_with(arg, &['s', 'i', 'e'])
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

/// Whether the word is the value of the option before it.
fn is_git_value(args: &[String], word: &String) -> bool {
    let at = args.iter().position(|arg| std::ptr::eq(arg, word));
    at.and_then(|at| at.checked_sub(1)).is_some_and(|before| matches!(args[before].as_str(), "-C" | "--namespace"))
}

/// An assignment by which `make` would run something else: its shell, or a value with more than a plain word.
fn make_variable(args: &[String]) -> Option<usize> {
    args.iter().position(|arg| {
        let Some((name, value)) = arg.split_once('=').filter(|_| !arg.starts_with('-')) else {
            return false;
        };
        let name = name.trim_end_matches([':', '?', '+', '!']);
        let is_plain = value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        !is_plain || matches!(name, "SHELL" | ".SHELLFLAGS" | "MAKEFLAGS" | "MAKEFILES" | "GNUMAKEFLAGS" | "PATH")
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
