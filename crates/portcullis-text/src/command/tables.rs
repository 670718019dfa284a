//! Holds what is known of programs: which only start others, which take code, which carry out operations.

use crate::table;
use std::collections::HashMap;
use std::sync::LazyLock;

/// One row of `data/commands.txt`, which says of each section what its columns mean; a missing column is empty.
pub(super) type Row = [&'static str; 6];

/// The rows with their section by each name of their first column.
static ROWS: LazyLock<HashMap<&'static str, Vec<(&'static str, Row)>>> = LazyLock::new(|| {
    let mut index: HashMap<_, Vec<_>> = HashMap::new();
    for (section, line) in table::rows(include_str!("../data/commands.txt")) {
        let mut row = [""; 6];
        row.iter_mut().zip(line.split('|')).for_each(|(column, text)| *column = text.trim());
        row[0].split_whitespace().for_each(|name| index.entry(name).or_default().push((section, row)));
    }
    index
});

/// The rows of a section that name this word.
pub(super) fn rows(section: &'static str, name: &str) -> impl Iterator<Item = &'static Row> {
    ROWS.get(name).into_iter().flatten().filter(move |(own, _)| *own == section).map(|(_, row)| row)
}

/// Whether a section names this word.
pub(super) fn is_listed(section: &'static str, name: &str) -> bool {
    rows(section, name).next().is_some()
}

/// The name under which a program is known: its base name or else that of its family.
pub(super) fn known_name(base: &str) -> &str {
    if ROWS.contains_key(base) { base } else { family(base) }
}

pub(super) fn has_name(names: &str, name: &str) -> bool {
    names.split_ascii_whitespace().any(|own| own == name)
}

/// A base name without version and `.exe`: `python3.11` is `python`, `ld-linux-x86-64.so.2` is `ld-linux`.
pub(super) fn family(base: &str) -> &str {
    if ["ld-linux", "ld-musl", "ld.so"].iter().any(|loader| base.starts_with(loader)) {
        return "ld-linux";
    }
    let stem = base.strip_suffix(".exe").unwrap_or(base);
    let bare = stem.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '_'));
    // FAIL-CLOSED: a name that is all version keeps it.
    if bare.is_empty() { stem } else { bare }
}

/// Whether only root writes the directory on an ordinary system; a bare name is looked up in `PATH`.
pub(super) fn is_system_directory(directory: &str) -> bool {
    directory.is_empty() || is_listed("system directories", directory)
}

/// The first argument by which a program that is no interpreter runs code.
pub(super) fn code_option(program: &str, args: &[String]) -> Option<usize> {
    let [_, subcommands, _, short, long, _] = rows("code options", program).next()?;
    let before = args.iter().take_while(|arg| *arg != "--");
    let is_code = |(at, arg): (usize, &String)| {
        let name = arg.split('=').next().unwrap_or(arg);
        // `getopt` accepts any beginning of a long option.
        let begins = |own: &str| name.len() > 3 && name.starts_with("--") && own.starts_with(name);
        let letters = match arg.strip_prefix('-') {
            Some(letters) if !letters.starts_with('-') => letters,
            None if program.ends_with("tar") && at == 0 => arg,
            _ => "",
        };
        long.split(' ').any(|own| own == name || begins(own)) || letters.contains(|c| short.contains(c))
    };
    let is_eval = args.first().is_some_and(|first| has_name(subcommands, first));
    before.enumerate().position(is_code).or(is_eval.then_some(0))
}

/// The arguments without those options before the subcommand that change nothing a rule speaks of.
pub(super) fn without_harmless_globals<'a>(base: &str, args: &'a [String]) -> &'a [String] {
    let Some([_, flags, valued, ..]) = rows("harmless globals", base).next() else {
        return args;
    };
    let mut rest = args;
    loop {
        rest = match rest {
            [flag, tail @ ..] if has_name(flags, flag) => tail,
            [flag, _, tail @ ..] if has_name(valued, flag) => tail,
            _ => return rest,
        };
    }
}

/// What setting a variable does to a command.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Assignment {
    /// Changes messages, colours and the like.
    Harmless,
    /// May change what the command does: never listed.
    Unknown,
    /// Is known to name programs or code.
    Code,
}

pub(super) fn assignment(name: &str) -> Assignment {
    let heads = ["LD_", "DYLD_", "GIT_", "BASH_FUNC_"];
    let tails = ["_COMMAND", "_WRAPPER", "_RUNNER", "_LINKER", "PAGER", "EDITOR", "_OPTIONS", "_ASKPASS"];
    if is_listed("harmless variables", name) || name.starts_with("LC_") {
        Assignment::Harmless
    } else if is_listed("code variables", name)
        || heads.iter().any(|head| name.starts_with(head))
        || tails.iter().any(|tail| name.ends_with(tail))
    {
        Assignment::Code
    } else {
        Assignment::Unknown
    }
}

/// Every operation that the table names.
#[inline]
pub fn known_operations() -> impl Iterator<Item = &'static str> {
    ROWS.values().flatten().filter(|(section, _)| *section == "operations").map(|(_, row)| row[5])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(name: &str) -> Vec<Row> {
        ROWS.values().flatten().filter(|(own, _)| *own == name).map(|(_, row)| *row).collect()
    }

    #[test]
    fn every_column_of_the_shipped_table_means_something() {
        let habits = ["assigns", "opens-shell", "always-shell", "shell-options"];
        for row in section("wrappers").iter().chain(&section("launchers")) {
            assert!(row[2].is_empty() || row[2].parse::<usize>().is_ok(), "{row:?}");
            assert!(row[5].split_whitespace().all(|habit| habits.contains(&habit)), "{row:?}");
        }
        assert!(section("operations").iter().all(|row| !row[5].is_empty()));
    }

    #[test]
    fn every_section_that_is_asked_for_is_shipped() {
        let lists = "wrappers shells interpreters launchers options operations";
        let words = [
            "code options",
            "starts unseen",
            "harmless globals",
            "git code options",
            "harmless variables",
            "code variables",
            "system directories",
            "shell keywords",
            "changes meaning",
            "find runs",
            "find changes",
            "python runners",
            "make variables",
        ];
        let asked: std::collections::BTreeSet<_> = lists.split(' ').chain(words).collect();
        let shipped: std::collections::BTreeSet<_> = ROWS.values().flatten().map(|(own, _)| *own).collect();
        assert_eq!(shipped, asked);
    }
}
