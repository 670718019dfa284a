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
    let plan = Plan::of(&configured().scan());
    let after = plan.rewrites()[0].after();
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

const OTHER: &str = "9x7w5v3u1t0s2r4q6p8o1n3m5l7k9jHgF";

/// Shapes in which a new line would stand within a key, an inline table or another table.
#[test]
fn toml_whose_table_is_not_on_lines_of_its_own_stays_as_it_is_and_says_so() {
    for text in [
        format!("[mcp_servers.a]\ncommand = \"a\"\nenv.A_TOKEN = \"{TOKEN}\"\n"),
        format!(
            "[mcp_servers]\na = {{ command = \"npx\", env = {{ A_TOKEN = \"{TOKEN}\", LOG = \"info\" }} }}\n"
        ),
        format!(
            "[mcp_servers]\na = {{ url = \"https://h.example.com\", http_headers = {{ Authorization = \"Bearer {TOKEN}\", LOG = \"info\" }} }}\n"
        ),
        format!(
            "[mcp_servers]\na = {{ command = \"npx\",\n  env = {{ A_TOKEN = \"{TOKEN}\" }},\n}}\n"
        ),
        format!(
            "mcp_servers.a.command = \"a\"\nmcp_servers.a.env = {{ A_TOKEN = \"{TOKEN}\", LOG = \"i\" }}\n"
        ),
        format!(
            "[mcp_servers.a]\ncommand = \"a\"\nenv = {{ A_TOKEN = \"{TOKEN}\", B.c = \"i\" }}\n"
        ),
        format!(
            "[mcp_servers.a]\ncommand = \"a\"\nenv_vars = \"B\"\nenv = {{ A_TOKEN = \"{TOKEN}\", LOG = \"i\" }}\n"
        ),
        format!("[mcp_servers.a]\ncommand = \"a\"\nenv = {{ a-token = \"{TOKEN}\" }}\n"),
    ] {
        let tree = Tree::with(".codex/config.toml", &text);
        let found = tree.of_rule("plaintext-credential");
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.edits, [], "{text}");
        assert!(fix.summary.contains("`--fix` leaves it"), "{fix:?}");
        assert_eq!(Plan::of(&tree.scan()).write(), Ok(0));
    }
}

#[test]
fn a_variable_is_added_to_the_list_that_is_there() {
    let (_, table) = rewritten(&format!(
        "[mcp_servers.a]\ncommand = \"a\"\nenv_vars = [\"B\"] # kept\n  env = {{ A_TOKEN = \"{TOKEN}\", LOG = \"i\" }}\n"
    ));
    let server = &table["mcp_servers"]["a"];
    assert_eq!(server["env_vars"].as_array().unwrap().len(), 2);
    assert_eq!(server["env"]["LOG"].as_str(), Some("i"));
}

#[test]
fn an_edit_after_which_the_file_reads_worse_is_not_made() {
    let text = "[mcp_servers.a]\ncommand = \"npx\"\nargs = [\"-y\", \"@scope/a@latest\"]\n";
    let tree = Tree::with(".codex/config.toml", text);
    let scan = tree.scan();
    let asked = questions(&scan);
    let mut edit = asked[0].answered("1.2.3").unwrap();
    assert_eq!(Plan::with(&scan, vec![edit.clone()]).rewrites().len(), 1);
    edit.replacement = "a\nb".to_owned();
    let plan = Plan::with(&scan, vec![edit]);
    assert_eq!(plan.rewrites().len(), 0);
    assert_eq!(plan.left_alone()[0].file.shown, ".codex/config.toml");
}

#[test]
fn each_secret_of_a_table_is_edited_once() {
    let lines: String = (0..400)
        .map(|nth| format!("A{nth}_TOKEN = \"{TOKEN}{nth}\"\n"))
        .collect();
    let tree = Tree::with(
        ".codex/config.toml",
        &format!("[mcp_servers.a]\ncommand = \"a\"\n[mcp_servers.a.env]\n{lines}"),
    );
    let edits: usize = tree
        .of_rule("plaintext-credential")
        .iter()
        .map(|finding| finding.fix.as_ref().unwrap().edits.len())
        .sum();
    assert_eq!(edits, 401);
}

#[test]
fn lines_that_are_added_end_as_the_files_own() {
    for text in [
        format!(
            "[mcp_servers.a]\r\ncommand = \"a\"\r\nenv = {{ A_TOKEN = \"{TOKEN}\", MODE = \"x\" }}\r\n"
        ),
        format!(
            "[mcp_servers.a]\r\ncommand = \"a\"\r\n[mcp_servers.a.env]\r\nA_TOKEN = \"{TOKEN}\""
        ),
    ] {
        let (after, _) = rewritten(&text);
        assert_eq!(
            after.matches('\n').count(),
            after.matches("\r\n").count(),
            "{after:?}"
        );
    }
}

#[test]
fn the_diff_shows_no_secret_beside_an_edit_and_no_mark_of_its_encoding() {
    let lock =
        r#"{"lockfileVersion": 3, "packages": {"node_modules/@scope/a": {"version": "1.4.2"}}}"#;
    let github = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
    let text = format!(
        "\u{feff}// old: {github}\n{{\"mcpServers\": {{\"a\": {{\n  \"command\": \"npx\",\n  \"args\": [\"@scope/a\"], // DB_PASSWORD=hunter2hunter2\n  \"note\": {{ \"OPENAI_API_KEY\": \"abcd1234efgh5678ijkl\" }}\n}}}}}}\n"
    );
    let tree = Tree::with(".mcp.json", &text).put("repo/package-lock.json", lock);
    let plan = Plan::of(&tree.scan());
    let diff = plan.diff();
    assert!(diff.contains("+  \"args\": [\"@scope/a@1.4.2\"]"), "{diff}");
    for secret in [github, "hunter2hunter2", "abcd1234efgh5678ijkl", "\u{feff}"] {
        assert!(!diff.contains(secret), "{diff}");
        assert!(plan.rewrites()[0].after().contains(secret), "{secret}");
    }
}

#[test]
fn the_diff_of_a_dockerfile_or_a_workflow_shows_no_secret() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let commit = "0123456789012345678901234567890123456789";
    let github = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
    for (path, text, answer) in [
        (
            "Dockerfile",
            "ENV DB_PASSWORD=hunter2hunter2\nFROM node\nENV DB_PASSWORD hunter2hunter2\nRUN npm i -g @anthropic-ai/claude-code@1.0.0\nCMD [\"claude\"]\n".to_owned(),
            digest.as_str(),
        ),
        (
            ".github/workflows/a.yml",
            format!("on: workflow_dispatch\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      # token {github}\n      - uses: anthropics/claude-code-action@v1\n"),
            commit,
        ),
    ] {
        let tree = Tree::with(path, &text);
        let scan = tree.scan();
        let edits: Vec<_> = questions(&scan)
            .iter()
            .filter_map(|asked| asked.answered(answer).ok())
            .collect();
        let diff = Plan::with(&scan, edits).diff();
        assert!(diff.contains(&answer[..9]), "{path}: {diff}");
        assert!(!diff.contains("hunter2") && !diff.contains(github), "{diff}");
    }
}

#[test]
fn a_pin_comes_from_the_registry_the_package_is_fetched_from() {
    let npm = r#"{"packages": {"node_modules/playwright": {"version": "1.55.1"}}}"#;
    let uv = "[[package]]\nname = \"playwright\"\nversion = \"1.40.0\"\n\n[[package]]\nname = \"markitdown-mcp\"\nversion = \"0.1.2\"\n";
    for (command, package, after) in [
        ("uvx", "playwright", Some("\"playwright==1.40.0\"")),
        ("npx", "playwright", Some("\"playwright@1.55.1\"")),
        ("uvx", "playwright>=1.0", Some("\"playwright==1.40.0\"")),
        ("uvx", "markitdown-mcp", Some("\"markitdown-mcp==0.1.2\"")),
        ("uvx", "markitdown-mcp[all]", None),
        ("npx", "markitdown-mcp", None),
    ] {
        let text = format!(
            r#"{{"mcpServers": {{"a": {{"args": ["{package}"], "command": "{command}"}}}}}}"#
        );
        let tree = Tree::with(".mcp.json", &text)
            .put("repo/package-lock.json", npm)
            .put("repo/uv.lock", uv);
        let plan = Plan::of(&tree.scan());
        let made = plan.rewrites().first().map(|one| one.after().to_owned());
        match after {
            Some(after) => assert!(made.as_deref().unwrap().contains(after), "{made:?}"),
            None => assert_eq!(made, None, "{command} {package}"),
        }
    }
}

#[test]
fn a_lock_file_whose_version_is_none_pins_nothing() {
    let lock = r#"{"packages": {"node_modules/@scope/a": {"version": "1.0\", \"evil"}}}"#;
    let tree = configured().put("repo/package-lock.json", lock);
    let plan = Plan::of(&tree.scan());
    assert!(plan.rewrites()[0].after().contains("@scope/a@latest"));
}

/// The keys are sorted, so that each runner stands behind the packages of its server.
#[test]
fn an_answer_is_spelled_for_the_registry_of_its_own_server() {
    let text = r#"{"mcpServers": {
  "a": { "args": ["some-tool"], "command": "uvx" },
  "b": { "args": ["some-server"], "command": "npx" },
  "c": { "args": ["github:user/repo"], "command": "npx" }
}}
"#;
    let tree = Tree::with(".mcp.json", text);
    let scan = tree.scan();
    let answers: Vec<String> = questions(&scan)
        .iter()
        .map(|asked| asked.answered("1.2.3").unwrap().replacement)
        .collect();
    assert_eq!(answers, ["some-tool==1.2.3", "some-server@1.2.3"]);
}

/// The references of a file after every rewrite, in order.
fn references(path: &str, text: &str) -> (Tree, String) {
    let tree = Tree::with(path, text);
    let plan = Plan::of(&tree.scan());
    let after = plan
        .rewrites()
        .first()
        .map_or(text.to_owned(), |one| one.after().to_owned());
    (tree, after)
}

#[test]
fn two_secrets_never_share_a_variable() {
    let password = |nth: u8| format!("Xk9vQ2mTz7LpR4{nth}");
    let address = |nth: u8| format!("postgres://app:{}@h{nth}.example.com/x", password(nth));
    let text = format!(
        "{{\"mcpServers\": {{\n  \"db\": {{ \"command\": \"a\", \"args\": [\"{}\", \"{}\"] }}\n}}}}\n",
        address(1),
        address(2)
    );
    let (tree, after) = references(".mcp.json", &text);
    assert_eq!(after.matches("${DB_TOKEN}").count(), 1, "{after}");
    assert!(after.contains("${DB_TOKEN}@h1.") && after.contains(&address(2)));
    let found = tree.of_rule("plaintext-credential");
    let summary = &found[0].fix.as_ref().unwrap().summary;
    assert!(
        summary.contains("`DB_TOKEN` stands for something else"),
        "{summary}"
    );
    let same = text.replace(&password(2), &password(1));
    let (_, after) = references(".mcp.json", &same);
    assert_eq!(after.matches("${DB_TOKEN}").count(), 2, "{after}");
}

#[test]
fn a_variable_the_file_refers_to_already_is_not_given_a_secret() {
    let entry = |value: &str| format!(r#"{{ "command": "a", "env": {{ "A_TOKEN": "{value}" }} }}"#);
    let text = |first: &str| {
        format!(
            "{{\"mcpServers\": {{ \"a\": {}, \"b\": {} }}}}\n",
            entry(first),
            entry(TOKEN)
        )
    };
    let (_, after) = references(".mcp.json", &text("${A_TOKEN:-x}"));
    assert!(after.contains(TOKEN), "{after}");
    let (_, after) = references(".mcp.json", &text("${B_TOKEN}"));
    assert!(!after.contains(TOKEN), "{after}");
    for (first, is_left) in [("A_TOKEN", true), ("B_TOKEN", false)] {
        let text = format!(
            "[mcp_servers.a]\ncommand = \"a\"\nenv_vars = [\"{first}\"]\n[mcp_servers.b]\ncommand = \"b\"\nenv = {{ A_TOKEN = \"{TOKEN}\" }}\n"
        );
        let (_, after) = references(".codex/config.toml", &text);
        assert_eq!(after.contains(TOKEN), is_left, "{after}");
    }
}

#[test]
fn two_servers_of_codex_pass_on_one_variable_only_where_it_has_one_value() {
    for (second, left) in [(TOKEN, false), (OTHER, true)] {
        let text = format!(
            "[mcp_servers.a]\ncommand = \"a\"\nenv = {{ A_TOKEN = \"{TOKEN}\" }}\n[mcp_servers.b]\ncommand = \"b\"\nenv = {{ A_TOKEN = \"{second}\" }}\n"
        );
        let (_, after) = references(".codex/config.toml", &text);
        assert_eq!(after.contains(second), left, "{after}");
        assert_eq!(after.matches("env_vars").count(), if left { 1 } else { 2 });
    }
}

#[test]
fn two_files_never_give_one_variable_two_secrets() {
    let text = |value: &str| {
        format!(r#"{{"mcpServers": {{"a": {{"command": "a", "env": {{"A_TOKEN": "{value}"}}}}}}}}"#)
    };
    for (second, files) in [(TOKEN, 2), (OTHER, 1)] {
        let tree =
            Tree::with(".mcp.json", &text(TOKEN)).put("repo/.cursor/mcp.json", &text(second));
        let plan = Plan::of(&tree.scan());
        assert_eq!(plan.rewrites().len(), files, "{plan:?}");
        assert_eq!(plan.left_alone().len(), 2 - files, "{plan:?}");
    }
}

#[test]
fn a_variable_has_a_name_that_a_shell_exports_and_no_directory_in_it() {
    let header = format!(
        r#"{{ "url": "https://h.example.com", "headers": {{ "Authorization": "Bearer {TOKEN}" }} }}"#
    );
    let (_, after) = references(
        ".mcp.json",
        &format!("{{\"mcpServers\": {{ \"21st-dev\": {header} }}}}\n"),
    );
    assert!(after.contains("Bearer ${_21ST_DEV_TOKEN}"), "{after}");
    let state = format!(
        "{{\"projects\": {{ \"/home/me/p\": {{ \"mcpServers\": {{ \"gh\": {header} }} }} }} }}\n"
    );
    let tree = Tree::new().put("home/.claude.json", &state);
    let plan = Plan::of(&tree.scan_with_home());
    let after = plan.rewrites()[0].after();
    assert!(after.contains("Bearer ${GH_TOKEN}"), "{after}");
}

#[test]
fn nothing_is_written_where_one_of_the_files_is_a_link() {
    let tree = configured();
    let text = fs::read_to_string(tree.at("repo/.mcp.json")).unwrap();
    fs::create_dir_all(tree.at("repo/.vscode")).unwrap();
    let target = tree.at("repo/.vscode/real.json");
    fs::write(&target, text.replace("mcpServers", "servers")).unwrap();
    std::os::unix::fs::symlink("real.json", tree.at("repo/.vscode/mcp.json")).unwrap();
    let plan = Plan::of(&tree.scan());
    assert_eq!(plan.rewrites().len(), 2);
    assert!(plan.write().unwrap_err().contains("link"));
    assert_eq!(fs::read_to_string(tree.at("repo/.mcp.json")).unwrap(), text);
    fs::remove_file(tree.at("repo/.vscode/mcp.json")).unwrap();
    assert_eq!(Plan::of(&tree.scan()).write(), Ok(1));
}
