//! Configuration that others on the machine may write, by real modes.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use crate::tree::Tree;

const RULE: &str = "writable-agent-config";

fn chmod(tree: &Tree, path: &str, mode: u32) {
    fs::set_permissions(tree.at(path), fs::Permissions::from_mode(mode)).unwrap();
}

/// A repository whose modes are those of an ordinary checkout, whatever mask the tests run under.
fn plain() -> Tree {
    let tree = Tree::with(
        ".claude/settings.json",
        r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "$CLAUDE_PROJECT_DIR/tools/stop.sh"}]}]}}"#,
    )
    .put("repo/tools/stop.sh", "#!/bin/sh\n");
    for directory in ["repo", "repo/.claude", "repo/tools"] {
        chmod(&tree, directory, 0o755);
    }
    chmod(&tree, "repo/.claude/settings.json", 0o644);
    chmod(&tree, "repo/tools/stop.sh", 0o755);
    tree
}

fn said(tree: &Tree) -> Vec<String> {
    let found = tree.of_rule(RULE);
    found
        .iter()
        .flat_map(|one| &one.evidence)
        .map(|one| one.shown.clone())
        .collect()
}

#[test]
fn ordinary_modes_are_no_finding() {
    assert_eq!(said(&plain()), Vec::<String>::new());
}

#[test]
fn a_file_a_directory_or_a_hook_script_that_everybody_may_write_is_found() {
    for (path, mode, name) in [
        ("repo/.claude/settings.json", 0o646, "settings.json"),
        ("repo/.claude", 0o757, ".claude"),
        ("repo/tools/stop.sh", 0o757, "stop.sh"),
    ] {
        let tree = plain();
        chmod(&tree, path, mode);
        assert_eq!(
            said(&tree),
            [format!("{name}: writable by everybody on this machine")],
            "{path}"
        );
    }
}

#[test]
fn a_directory_in_which_only_owners_replace_files_is_no_finding() {
    let tree = plain();
    chmod(&tree, "repo/.claude", 0o1777);
    assert_eq!(said(&tree), Vec::<String>::new());
}

/// The group that is the owner's own is how many systems make every file; another group is other people.
#[test]
fn a_group_counts_unless_it_is_the_owners_own() {
    let tree = plain();
    let path = tree.at("repo/.claude/settings.json");
    chmod(&tree, "repo/.claude/settings.json", 0o664);
    let data = fs::metadata(&path).unwrap();
    let expected = if data.uid() == data.gid() { 0 } else { 1 };
    assert_eq!(said(&tree).len(), expected);
    if std::os::unix::fs::chown(&path, None, Some(data.uid() + 4_242)).is_ok() {
        assert_eq!(
            said(&tree),
            ["settings.json: writable by everybody in its group"]
        );
    }
}

#[test]
fn a_script_outside_the_repository_is_not_looked_at() {
    let tree = plain().put("elsewhere/x.sh", "");
    chmod(&tree, "elsewhere/x.sh", 0o777);
    let text = format!(
        r#"{{"hooks": {{"Stop": [{{"hooks": [{{"type": "command", "command": "{}"}}]}}]}}}}"#,
        tree.at("elsewhere/x.sh").display()
    );
    let tree = tree.put("repo/.claude/settings.json", &text);
    chmod(&tree, "repo/.claude/settings.json", 0o644);
    assert_eq!(said(&tree), Vec::<String>::new());
}
