//! What lies in a git directory: inert where an ordinary commit, fetch or checkout writes it, obeyed otherwise.

use portcullis::activation::is_activation;
use portcullis::path::RelPath;

use super::{Case, one_of};
use crate::random::Random;

/// Shapes of inert entries: `*` is one name, `+` one or more names, `f` a file that git rewrites itself.
const INERT: [&str; 18] = [
    "f",
    "objects",
    "objects/+",
    "refs",
    "refs/heads",
    "refs/heads/+",
    "refs/tags",
    "refs/tags/+",
    "refs/remotes",
    "refs/remotes/+",
    "logs",
    "logs/head",
    "logs/refs",
    "logs/refs/heads/+",
    "logs/refs/tags/+",
    "logs/refs/remotes/+",
    "worktrees/*/f",
    "worktrees/*/logs/+",
];
/// Shapes that need no more than a directory of that name.
const BARE: [&str; 4] = [
    "logs/refs/heads",
    "logs/refs/tags",
    "logs/refs/remotes",
    "worktrees/*/refs/+",
];
/// Files that git rewrites itself, and whose locks it renames over them.
const REWRITTEN: [&str; 18] = [
    "index",
    "head",
    "packed-refs",
    "shallow",
    "orig_head",
    "fetch_head",
    "merge_head",
    "merge_msg",
    "merge_mode",
    "auto_merge",
    "squash_msg",
    "cherry_pick_head",
    "revert_head",
    "bisect_log",
    "commit_editmsg",
    "tag_editmsg",
    "gc.log",
    "gc.pid",
];
/// Entries that are asked of as they stand and with one thing changed.
const ENTRIES: [&str; 28] = [
    "",
    "objects",
    "objects/info",
    "objects/info/alternates",
    "objects/info/http-alternates",
    "objects/info/packs",
    "objects/ab/cdef",
    "refs",
    "refs/heads",
    "refs/heads/main",
    "refs/tags/v1/x",
    "refs/remotes/origin/HEAD",
    "refs/replace/0123",
    "refs/stash",
    "logs",
    "logs/HEAD",
    "logs/refs",
    "logs/refs/heads/main",
    "logs/refs/stash",
    "worktrees",
    "worktrees/w",
    "worktrees/w/index",
    "worktrees/w/logs/HEAD",
    "worktrees/w/refs/bisect",
    "worktrees/w/config.worktree",
    "hooks/pre-commit",
    "config",
    "modules/m/config",
];
const NAMES: [&str; 16] = [
    "objects",
    "refs",
    "logs",
    "worktrees",
    "info",
    "alternates",
    "http-alternates",
    "heads",
    "tags",
    "remotes",
    "stash",
    "HEAD",
    "index",
    "config",
    ".git",
    "w",
];

/// Whether the host obeys a path in a git directory.
pub(super) fn obeying(random: &mut Random) -> Case {
    let mut names: Vec<String> = match random.below(3) {
        0 => vec![REWRITTEN[random.below(18) as usize].to_owned()],
        _ => one_of(random, &ENTRIES)
            .split('/')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
    };
    change(random, &mut names);
    let above = one_of(random, &["", "", "src/", "a/b/"]);
    let git = one_of(random, &[".git", ".git", ".GIT", ".Git"]);
    let text = format!("{above}{git}/{}", names.join("/"));
    let engine = RelPath::parse(&text)
        .ok()
        .map(|path| is_activation(&path).is_some());
    let below: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let below: Vec<&str> = below.iter().map(String::as_str).collect();
    Case::new(
        format!("git path {text:?}"),
        engine,
        Some(!is_inert(&below)),
    )
}

/// Changes one thing of a path, or nothing.
fn change(random: &mut Random, names: &mut Vec<String>) {
    let at = random.below(names.len().max(1) as u64) as usize;
    let kind = random.below(8);
    match (kind, names.get_mut(at)) {
        (0, Some(name)) => name.push_str(".lock"),
        (1, Some(name)) => name.push('x'),
        (2, Some(name)) => name.insert(0, 'x'),
        (3, Some(name)) => *name = one_of(random, &NAMES).to_owned(),
        (4, Some(name)) => *name = name.to_uppercase(),
        (5, _) => names.push(one_of(random, &NAMES).to_owned()),
        (6, _) => _ = names.pop(),
        _ => {}
    }
}

fn is_inert(below: &[&str]) -> bool {
    let is_alternate = match below {
        ["objects", "info", "http-alternates"] => true,
        // Whatever is renamed over it starts with its name.
        ["objects", "info", name, ..] => name.starts_with("alternates"),
        _ => false,
    };
    let shapes = || INERT.iter().chain(&BARE);
    !is_alternate && shapes().any(|shape| fits(&shape.split('/').collect::<Vec<_>>(), below))
}

fn fits(shape: &[&str], names: &[&str]) -> bool {
    match (shape, names) {
        ([], _) => names.is_empty(),
        (["+"], _) => !names.is_empty(),
        (["f"], [name]) => REWRITTEN.contains(&name.strip_suffix(".lock").unwrap_or(name)),
        (["*", rest @ ..], [_, tail @ ..]) => fits(rest, tail),
        ([first, rest @ ..], [name, tail @ ..]) => first == name && fits(rest, tail),
        _ => false,
    }
}
