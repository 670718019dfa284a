//! Knows the paths the host runs or obeys by itself, and those it runs when somebody builds.
//!
//! Both lists are shipped data, compared at any depth and without regard to case or invisible characters, so
//! nested repositories and worktrees are covered. Two things one path alone cannot show, and the monitor adds:
//! **directories named by `core.hooksPath` or `include.path`**, and **a bare repository** (`HEAD`, `config`,
//! `objects` and `refs` side by side in a directory not called `.git`).

use crate::glob::PathPattern;
use crate::path::RelPath;
use portcullis_text::table;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Version of the shipped lists; raised with every change to them.
pub const LIST_VERSION: u32 = 1;

/// Why the host runs or obeys this path without anyone building, if it does.
#[inline]
pub fn is_activation(path: &RelPath) -> Option<&'static str> {
    git_activation(path.folded()).or_else(|| ACTIVATION_INDEX.find(path))
}

/// Why the host could run or obey what a symbolic link at this path leads to: the path is one of activation, a
/// directory above one, or anything in a git directory.
#[inline]
pub fn is_activation_link(path: &RelPath) -> Option<&'static str> {
    let folded = path.folded();
    if folded.split('/').any(|name| name == ".git") {
        return Some(GIT_WHY);
    }
    let leads =
        |above: &str| folded.strip_suffix(above).is_some_and(|before| before.is_empty() || before.ends_with('/'));
    is_activation(path).or_else(|| ABOVE_ACTIVATION.iter().find(|(above, _)| leads(above)).map(|(_, why)| *why))
}

/// Whether a build, test or install on the host runs this path. Not gated: marked first in every diff.
#[inline]
pub fn is_build_input(path: &RelPath) -> bool {
    BUILD_INDEX.find(path).is_some()
}

/// The shipped activation patterns with the reason for each group; git directories are judged by rule instead.
#[inline]
pub fn activation_list() -> &'static [(&'static str, &'static [&'static str])] {
    &ACTIVATION
}

/// The shipped build-input patterns.
#[inline]
pub fn build_input_list() -> &'static [&'static str] {
    BUILD_INPUTS.first().map_or(&[], |(_, patterns)| patterns)
}

/// Patterns in groups, each with the reason shown.
type Groups = Vec<(&'static str, &'static [&'static str])>;

static ACTIVATION: LazyLock<Groups> = LazyLock::new(|| groups(include_str!("data/activation.txt")));
static BUILD_INPUTS: LazyLock<Groups> = LazyLock::new(|| groups(include_str!("data/build-inputs.txt")));
static ACTIVATION_INDEX: LazyLock<Index> = LazyLock::new(|| Index::new(&ACTIVATION));
static BUILD_INDEX: LazyLock<Index> = LazyLock::new(|| Index::new(&BUILD_INPUTS));

/// The sections of a table; what is read lives as long as the program.
fn groups(text: &'static str) -> Groups {
    let words: Vec<_> = table::words(text).collect();
    let group = |own: &[(&'static str, &'static str)]| {
        let patterns: Vec<_> = own.iter().map(|(_, pattern)| *pattern).collect();
        (own[0].0, &*patterns.leak())
    };
    words.chunk_by(|one, next| one.0 == next.0).map(group).collect()
}

/// All patterns of all groups, each with its reason.
fn patterns(groups: &Groups) -> impl Iterator<Item = (&'static str, &'static str)> {
    groups.iter().flat_map(|(why, list)| list.iter().map(|text| (*text, *why)))
}

/// Finds patterns by a literal name every match has; the few without one are a single name with a wildcard.
#[derive(Default)]
struct Index {
    named: HashMap<String, Vec<(PathPattern, &'static str)>>,
    unnamed: Vec<(PathPattern, &'static str)>,
}

impl Index {
    fn new(groups: &Groups) -> Self {
        let mut index = Self::default();
        for (text, why) in patterns(groups) {
            let pattern = PathPattern::parse(text).expect("shipped patterns parse: tested");
            let bucket = match pattern.folded_literal() {
                Some(name) => index.named.entry(name.clone()).or_default(),
                None => &mut index.unnamed,
            };
            bucket.push((pattern, why));
        }
        index
    }

    fn find(&self, path: &RelPath) -> Option<&'static str> {
        let find = |name: &str| {
            let mut named = self.named.get(name).into_iter().flatten();
            let mut lone = self.unnamed.iter();
            let found = named.find(|(pattern, _)| pattern.matches_folded(path));
            found.or_else(|| lone.find(|(pattern, _)| pattern.matches_folded_name(name)))
        };
        path.folded().split('/').filter(|name| !name.is_empty()).find_map(find).map(|(_, why)| *why)
    }
}

/// The directories above the activation paths of more than one name, in folded spelling.
static ABOVE_ACTIVATION: LazyLock<Vec<(String, &'static str)>> = LazyLock::new(|| {
    let above = |(pattern, why): (&'static str, &'static str)| {
        let names = pattern.strip_prefix("**/").unwrap_or(pattern);
        names.match_indices('/').map(move |(end, _)| (names[..end].to_ascii_lowercase(), why))
    };
    patterns(&ACTIVATION).flat_map(above).collect()
});

const GIT_WHY: &str = "git obeys it";

/// Judges what lies in a git directory: only what an ordinary commit, fetch or checkout writes is inert.
fn git_activation(folded: &str) -> Option<&'static str> {
    let mut names = folded.split_inclusive('/');
    // FAIL-CLOSED: the first `.git` decides; what is not known to be inert is obeyed.
    names.by_ref().find(|name| name.trim_end_matches('/') == ".git")?;
    let below: String = names.collect();
    (!is_inert_git_entry(&below)).then_some(GIT_WHY)
}

/// What follows `.git/`. Nothing follows for the directory itself, or for the file that points elsewhere.
fn is_inert_git_entry(rest: &str) -> bool {
    let (first, below) = rest.split_once('/').unwrap_or((rest, ""));
    match first {
        "objects" => !below.starts_with("info/alternates") && below != "info/http-alternates",
        "refs" => is_inert_ref(below),
        "logs" => matches!(below, "" | "head" | "refs") || below.strip_prefix("refs/").is_some_and(is_inert_ref),
        "worktrees" => below.split_once('/').is_some_and(|(_, entry)| is_inert_worktree_entry(entry)),
        _ => below.is_empty() && is_inert_git_file(first),
    }
}

/// Branches, tags and what remotes had. Replacements and stashes change what git shows or does later.
fn is_inert_ref(below: &str) -> bool {
    let kind = below.split('/').next().unwrap_or_default();
    matches!(kind, "" | "heads" | "tags" | "remotes")
}

fn is_inert_worktree_entry(entry: &str) -> bool {
    entry.starts_with("logs/") || entry.starts_with("refs/") || is_inert_git_file(entry)
}

fn is_inert_git_file(name: &str) -> bool {
    INERT_GIT_FILES.contains(&name.strip_suffix(".lock").unwrap_or(name))
}

#[rustfmt::skip]
static INERT_GIT_FILES: &[&str] = &[
    "index", "head", "packed-refs", "shallow", "orig_head", "fetch_head", "merge_head", "merge_msg", "merge_mode",
    "auto_merge", "squash_msg", "cherry_pick_head", "revert_head", "bisect_log", "commit_editmsg", "tag_editmsg",
    "gc.log", "gc.pid",
];
