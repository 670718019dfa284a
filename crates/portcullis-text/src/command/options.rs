//! Reads the options of a known program: how many words they take, and where code stands among them.

use super::tables::Row;

/// What the options of a program come to.
#[derive(Default)]
pub(super) struct Scan {
    /// Index of the first word that is no option.
    pub(super) operand: usize,
    /// The first option that takes code, and the code.
    pub(super) code: Option<(usize, Option<String>)>,
    /// The first option that makes the first operand code.
    pub(super) code_operand: Option<usize>,
    /// The first operand is named by an option as what runs.
    pub(super) names_file: bool,
    /// Some option is not in the table.
    pub(super) is_unknown: bool,
}

/// Reads the options in front, by the columns of the program's row.
pub(super) fn scan(args: &[String], [_, _, _, short, long, _]: &Row) -> Scan {
    let mut scan = Scan::default();
    while let Some(arg) = args.get(scan.operand) {
        let at = scan.operand;
        if arg == "--" {
            scan.operand += 1;
            break;
        }
        let next = args.get(at + 1);
        let step = match arg.strip_prefix("--") {
            Some(name) => scan_long(name, next, long),
            None if arg.len() > 1 && arg.starts_with(['-', '+']) => scan_short(&arg[1..], next, short),
            None => break,
        };
        scan.operand += step.words;
        scan.is_unknown |= step.is_unknown;
        scan.names_file |= step.names_file;
        scan.code = step.code.map(|text| (at, text));
        if scan.code.is_some() {
            break;
        }
        if step.is_code_operand {
            scan.code_operand.get_or_insert(at);
        }
        if step.names_file {
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

impl Step {
    /// An option with this mark and with a value that is attached or follows.
    fn of(mark: Option<char>, attached: Option<&str>, next: Option<&String>) -> Self {
        let apart = usize::from(attached.is_none());
        let step = Self { words: 1, ..Self::default() };
        match mark {
            Some('!') => {
                let code = attached.map(str::to_owned).or_else(|| next.cloned());
                Self { words: 1 + apart, code: Some(code), ..step }
            }
            Some(':') => Self { words: 1 + apart, ..step },
            Some('>') => Self { words: apart, names_file: true, ..step },
            _ => step,
        }
    }
}

fn scan_long(arg: &str, next: Option<&String>, table: &str) -> Step {
    let (name, attached) = arg.split_once('=').map_or((arg, None), |(name, value)| (name, Some(value)));
    let bare = |entry: &str| entry.trim_end_matches([':', '?', '!', '>']).to_owned();
    // Of several options an abbreviation could mean, the most dangerous counts.
    let danger = |entry: &&str| [':', '>', '!'].iter().position(|mark| entry.ends_with(*mark));
    let beginning = || table.split(' ').filter(|entry| bare(entry).starts_with(name)).max_by_key(danger);
    let exact = table.split(' ').find(|entry| bare(entry) == name);
    match exact.or_else(beginning).filter(|entry| !entry.is_empty()) {
        Some(entry) => Step::of(entry.chars().next_back(), attached, next),
        None => Step { words: 1, is_unknown: true, ..Step::default() },
    }
}

fn scan_short(cluster: &str, next: Option<&String>, table: &str) -> Step {
    let mut step = Step { words: 1, ..Step::default() };
    for (at, letter) in cluster.char_indices() {
        let Some((_, after)) = table.split_once(letter).filter(|_| letter.is_ascii_alphanumeric()) else {
            return Step { is_unknown: true, ..step };
        };
        let rest = &cluster[at + letter.len_utf8()..];
        match after.chars().next() {
            Some('@') => step.is_code_operand = true,
            mark @ Some('!' | ':' | '>' | '?') => {
                let attached = Some(rest).filter(|rest| !rest.is_empty());
                return Step { is_code_operand: step.is_code_operand, ..Step::of(mark, attached, next) };
            }
            _ => {}
        }
    }
    step
}
