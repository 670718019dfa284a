//! Rewrites: what changes, what stays, and what is never shown.

use std::fs;

use nucleus_scan::fix::Plan;

use crate::tree::Tree;

const TOKEN: &str = "0u46cKC9s8d7f6g5h4j3k2l1m0n9ztfkQ";

fn configured() -> Tree {
    let text = format!(
        "{{\n  // kept\n  \"mcpServers\": {{\n    \"a\": {{ \"command\": \"npx\", \"args\": [\"-y\", \"@scope/a@latest\"],\n      \"env\": {{ \"A_API_KEY\": \"{TOKEN}\" }} }},\n  }},\n}}\n"
    );
    Tree::with(".mcp.json", &text)
}

fn lock() -> &'static str {
    r#"{"lockfileVersion": 3, "packages": {"": {}, "node_modules/@scope/a": {"version": "1.4.2"}}}"#
}

#[test]
fn versions_of_the_lock_file_and_references_replace_what_stood_there() {
    let tree = configured().put("repo/package-lock.json", lock());
    let plan = Plan::of(&tree.scan());
    assert_eq!(plan.write(), Ok(1));
    let after = fs::read_to_string(tree.at("repo/.mcp.json")).unwrap();
    assert!(
        after.contains("\"@scope/a@1.4.2\"") && after.contains("\"${A_API_KEY}\""),
        "{after}"
    );
    assert!(
        after.contains("// kept") && after.ends_with("  },\n}\n"),
        "{after}"
    );
    assert_eq!(
        Plan::of(&tree.scan()).rewrites().len(),
        0,
        "nothing is left to rewrite"
    );
}

#[test]
fn without_a_lock_file_no_version_is_invented() {
    let after = Plan::of(&configured().scan()).rewrites()[0].after();
    assert!(
        after.contains("@scope/a@latest") && !after.contains(TOKEN),
        "{after}"
    );
}

#[test]
fn the_diff_shows_both_sides_and_no_secret() {
    let tree = configured().put("repo/package-lock.json", lock());
    let diff = Plan::of(&tree.scan()).diff();
    assert!(
        diff.contains("+    \"a\"")
            && diff.contains("@scope/a@1.4.2")
            && diff.contains("${A_API_KEY}"),
        "{diff}"
    );
    assert!(!diff.contains(TOKEN), "{diff}");
}

#[test]
fn a_file_that_changed_since_the_scan_is_left_alone() {
    let tree = configured();
    let plan = Plan::of(&tree.scan());
    let path = tree.at("repo/.mcp.json");
    let changed = fs::read_to_string(&path).unwrap() + "\n";
    fs::write(&path, &changed).unwrap();
    assert!(plan.write().unwrap_err().contains("changed"));
    assert_eq!(fs::read_to_string(&path).unwrap(), changed);
}

#[test]
fn each_client_gets_the_reference_it_understands() {
    for (path, reference) in [
        (".cursor/mcp.json", "${env:A_TOKEN}"),
        (".mcp.json", "${A_TOKEN}"),
        (".windsurf/mcp_config.json", "${env:A_TOKEN}"),
    ] {
        let tree = Tree::with(
            path,
            &format!(
                r#"{{"mcpServers": {{"a": {{"command": "a", "env": {{"A_TOKEN": "{TOKEN}"}}}}}}}}"#
            ),
        );
        let plan = Plan::of(&tree.scan());
        assert!(plan.rewrites()[0].after().contains(reference), "{path}");
    }
}
