//! Rewrites: what changes, what stays, and what is never shown.

use std::fs;

use nucleus_scan::fix::{Plan, questions};

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

/// The file after every rewrite, as TOML.
fn rewritten(text: &str) -> (String, toml::Table) {
    let tree = Tree::with(".codex/config.toml", text);
    let plan = Plan::of(&tree.scan());
    assert_eq!(plan.write(), Ok(1));
    let after = fs::read_to_string(tree.at("repo/.codex/config.toml")).unwrap();
    assert!(!after.contains(TOKEN), "{after}");
    assert_eq!(tree.of_rule("plaintext-credential"), []);
    let table = after.parse().unwrap();
    (after, table)
}

#[test]
fn a_secret_in_toml_becomes_the_name_of_a_variable_and_comments_stay() {
    let (after, table) = rewritten(&format!(
        "# kept\n[mcp_servers.a]\ncommand = \"a\" # kept too\nenv = {{ A_TOKEN = \"{TOKEN}\", MODE = \"x\" }}\n"
    ));
    assert!(
        after.starts_with("# kept\n") && after.contains("# kept too"),
        "{after}"
    );
    let server = &table["mcp_servers"]["a"];
    assert_eq!(
        server["env_vars"].as_array().unwrap()[0].as_str(),
        Some("A_TOKEN")
    );
    assert_eq!(server["env"]["MODE"].as_str(), Some("x"));
    assert!(server["env"].get("A_TOKEN").is_none());
}

#[test]
fn secrets_in_a_table_of_their_own_become_names_in_the_servers_table() {
    let (after, table) = rewritten(&format!(
        "[mcp_servers.a]\ncommand = \"a\"\n\n[mcp_servers.a.env]\nA_TOKEN = \"{TOKEN}\" # rotated in May\nB_API_KEY = \"{TOKEN}\"\nMODE = \"x\"\n"
    ));
    assert!(after.contains("# rotated in May"), "{after}");
    let server = &table["mcp_servers"]["a"];
    let names: Vec<_> = server["env_vars"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(toml::Value::as_str)
        .collect();
    assert_eq!(names, ["A_TOKEN", "B_API_KEY"]);
    assert_eq!(server["env"].as_table().unwrap().len(), 1);
}

#[test]
fn an_address_with_a_password_in_toml_is_passed_on_whole_and_never_shown() {
    let password = "Xk9vQ2mTz7LpR4";
    let tree = Tree::with(
        ".codex/config.toml",
        &format!(
            "[mcp_servers.a]\ncommand = \"a\"\nenv = {{ DATABASE_URL = \"postgres://app:{password}@db.example.com/app\", PGMODE = \"x\" }}\n"
        ),
    );
    let plan = Plan::of(&tree.scan());
    assert!(!plan.diff().contains(password), "{}", plan.diff());
    let after = plan.rewrites()[0].after();
    assert!(!after.contains(password), "{after}");
    assert!(after.contains("env_vars = [\"DATABASE_URL\"]") && after.contains("PGMODE"));
}

/// The secret in the address of one entry stays where only the other entry has a way out; the diff shows neither.
#[test]
fn a_secret_that_a_rewrite_keeps_is_masked_in_the_diff() {
    let tree = Tree::with(
        ".codex/config.toml",
        &format!(
            "[mcp_servers.a]\nurl = \"https://mcp.example.com\"\nhttp_headers = {{ Authorization = \"Bearer {TOKEN}\", X-Link = \"https://u:Xk9vQ2mTz7LpR4@h.example.com/\" }}\n"
        ),
    );
    let plan = Plan::of(&tree.scan());
    let diff = plan.diff();
    assert!(diff.contains("bearer_token_env_var"), "{diff}");
    assert!(
        !diff.contains(TOKEN) && !diff.contains("Xk9vQ2mTz7LpR4"),
        "{diff}"
    );
}

#[test]
fn headers_in_toml_become_variables_of_their_own() {
    let (_, table) = rewritten(&format!(
        "[mcp_servers.a]\nurl = \"https://mcp.example.com\"\nhttp_headers = {{ Authorization = \"Bearer {TOKEN}\", X-Api-Key = \"{TOKEN}\", X-Mode = \"x\" }}\n"
    ));
    let server = &table["mcp_servers"]["a"];
    assert_eq!(server["bearer_token_env_var"].as_str(), Some("A_TOKEN"));
    assert_eq!(
        server["env_http_headers"]["X-Api-Key"].as_str(),
        Some("A_X_API_KEY")
    );
    assert_eq!(server["http_headers"]["X-Mode"].as_str(), Some("x"));
}

#[test]
fn what_no_lock_file_knows_is_asked_for_and_only_an_exact_version_answers() {
    let commit = "0123456789012345678901234567890123456789";
    let digest = format!("sha256:{}", "0".repeat(64));
    let workflow = "on: workflow_dispatch\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: anthropics/claude-code-action@v1 # agent\n";
    let server = |command: &str, args: &str| {
        format!(r#"{{"mcpServers": {{"a": {{"command": "{command}", "args": [{args}]}}}}}}"#)
    };
    for (path, text, name, answers, refused, after) in [
        (
            ".mcp.json",
            server("npx", r#""-y", "@scope/a@latest""#),
            "@scope/a",
            "1.4.2",
            "^1.4",
            "\"@scope/a@1.4.2\"",
        ),
        (
            ".mcp.json",
            server("uvx", r#""a-server""#),
            "a-server",
            "1.4",
            "latest",
            "\"a-server==1.4\"",
        ),
        (
            ".mcp.json",
            server("docker", r#""run", "-i", "acme/a:latest""#),
            "acme/a",
            digest.as_str(),
            "latest",
            "acme/a@sha256:0",
        ),
        (
            ".github/workflows/a.yml",
            workflow.to_owned(),
            "anthropics/claude-code-action",
            commit,
            "v2",
            "action@0123456789012345678901234567890123456789 # agent",
        ),
    ] {
        let tree = Tree::with(path, &text);
        let scan = tree.scan();
        let asked = questions(&scan);
        assert_eq!(asked.len(), 1, "{name}: {asked:?}");
        assert_eq!(asked[0].name(), name);
        let why = asked[0].answered(refused).unwrap_err();
        assert!(why.contains(asked[0].wanted()), "{why}");
        let edit = asked[0].answered(answers).unwrap();
        assert_eq!(Plan::with(&scan, vec![edit]).write(), Ok(1));
        let text = fs::read_to_string(tree.at(&format!("repo/{path}"))).unwrap();
        assert!(text.contains(after), "{text}");
        assert!(questions(&tree.scan()).is_empty());
    }
}

#[test]
fn what_a_lock_file_knows_is_not_asked_for() {
    let tree = configured();
    assert_eq!(questions(&tree.scan()).len(), 1);
    let tree = configured().put("repo/package-lock.json", lock());
    assert_eq!(questions(&tree.scan()).len(), 0);
}
