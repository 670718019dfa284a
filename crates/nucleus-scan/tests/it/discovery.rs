//! What is looked at: every file of every client, in trees of any size.

use nucleus_scan::project::project;
use nucleus_scan::{Client, MOVING_VARIABLES, Moved, Options, Roots, Scan, scan};

use crate::tree::Tree;

const SERVER: &str = r#"{"mcpServers": {"a": {"command": "npx", "args": ["a-mcp"]}}}"#;

/// Files of the user by client, with a server in each client's own shape.
const OF_THE_USER: &[(&str, Client, &str)] = &[
    (".claude.json", Client::ClaudeCode, SERVER),
    (
        ".claude/plugins/cache/market/plugin/1.0/.mcp.json",
        Client::Shared,
        SERVER,
    ),
    (
        ".config/Claude/claude_desktop_config.json",
        Client::ClaudeDesktop,
        SERVER,
    ),
    (
        ".codex/config.toml",
        Client::Codex,
        "[mcp_servers.a]\ncommand = \"npx\"\nargs = [\"a-mcp\"]\n",
    ),
    (".cursor/mcp.json", Client::Cursor, SERVER),
    (
        ".config/Code/User/mcp.json",
        Client::VsCode,
        r#"{"servers": {"a": {"command": "npx", "args": ["a-mcp"]}}}"#,
    ),
    (
        ".config/Code/User/profiles/-5f/mcp.json",
        Client::VsCode,
        r#"{"servers": {"a": {"command": "npx", "args": ["a-mcp"]}}}"#,
    ),
    (
        ".vscode-server/data/User/mcp.json",
        Client::VsCode,
        r#"{"servers": {"a": {"command": "npx", "args": ["a-mcp"]}}}"#,
    ),
    (".copilot/mcp-config.json", Client::CopilotCli, SERVER),
    (".gemini/settings.json", Client::GeminiCli, SERVER),
    (
        ".config/opencode/opencode.json",
        Client::OpenCode,
        r#"{"mcp": {"a": {"type": "local", "command": ["npx", "a-mcp"]}}}"#,
    ),
    (
        ".codeium/windsurf/mcp_config.json",
        Client::Windsurf,
        SERVER,
    ),
    (".kiro/settings/mcp.json", Client::Kiro, SERVER),
    (
        ".gemini/antigravity/mcp_config.json",
        Client::Antigravity,
        SERVER,
    ),
    (".aws/amazonq/mcp.json", Client::AmazonQ, SERVER),
    (".aws/amazonq/agents/dev.json", Client::AmazonQ, SERVER),
    (
        ".config/amp/settings.json",
        Client::Amp,
        r#"{"amp.mcpServers": {"a": {"command": "npx", "args": ["a-mcp"]}}}"#,
    ),
    (
        ".config/Cursor/User/settings.json",
        Client::Cursor,
        r#"{"amp.mcpServers": {"a": {"command": "npx", "args": ["a-mcp"]}}}"#,
    ),
    (
        ".config/zed/settings.json",
        Client::Zed,
        r#"{"context_servers": {"a": {"command": "npx", "args": ["a-mcp"]}}}"#,
    ),
    (
        ".config/goose/config.yaml",
        Client::Goose,
        "extensions:\n  a: {type: stdio, cmd: npx, args: [a-mcp]}\n",
    ),
    (".lmstudio/mcp.json", Client::LmStudio, SERVER),
    (".config/Trae/User/mcp.json", Client::Trae, SERVER),
    (
        ".config/Qoder/SharedClientCache/mcp.json",
        Client::Qoder,
        SERVER,
    ),
    (".factory/mcp.json", Client::Factory, SERVER),
    (".kimi/mcp.json", Client::Kimi, SERVER),
    (
        ".vibe/config.toml",
        Client::Vibe,
        "[mcp_servers.a]\ncommand = \"npx\"\nargs = [\"a-mcp\"]\n",
    ),
    (
        ".continue/config.yaml",
        Client::Continue,
        "mcpServers:\n  - name: a\n    command: npx\n    args: [a-mcp]\n",
    ),
    (
        ".continue/agents/dev.yaml",
        Client::Continue,
        "mcpServers:\n  - name: a\n    command: npx\n    args: [a-mcp]\n",
    ),
    (
        ".cline/data/settings/cline_mcp_settings.json",
        Client::Cline,
        SERVER,
    ),
    (
        ".config/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json",
        Client::Roo,
        SERVER,
    ),
];

/// What the home configures beside a repository with nothing in it.
fn home_with(path: &str, text: &str) -> Scan {
    Tree::new()
        .put(&format!("home/{path}"), text)
        .scan_with_home()
}

#[test]
fn the_file_of_every_client_in_a_home_is_read() {
    for (path, client, text) in OF_THE_USER {
        let scan = home_with(path, text);
        let found: Vec<_> = scan
            .agents
            .iter()
            .map(|agent| (agent.client, agent.servers.len()))
            .collect();
        assert_eq!(found, [(*client, 1)], "{path}");
        let elsewhere = home_with(&format!("elsewhere/{path}"), text);
        assert_eq!(elsewhere.agents, [], "a home is not walked: {path}");
    }
}

#[test]
fn skills_of_openclaw_are_instructions() {
    let scan = home_with(".openclaw/skills/mail/SKILL.md", "Read the mail.\u{202e}\n");
    assert_eq!(scan.files_seen.len(), 1);
    assert!(
        scan.findings
            .iter()
            .any(|one| one.rule.0 == "hidden-unicode")
    );
}

/// The system alone.
fn system(tree: &Tree) -> Scan {
    let roots = Roots {
        system: Some(tree.at("repo")),
        ..Roots::default()
    };
    scan(&roots, &Options::default())
}

#[test]
fn parts_of_the_managed_settings_come_after_the_whole_in_the_order_of_their_names() {
    const BASE: &str = "repo/etc/claude-code/managed-settings";
    let tree = Tree::new()
        .put(
            &format!("{BASE}.d/20-open.json"),
            r#"{"sandbox": {"enabled": false}}"#,
        )
        .put(
            &format!("{BASE}.d/10-deny.json"),
            r#"{"permissions": {"deny": ["WebFetch"]}}"#,
        )
        .put(&format!("{BASE}.d/README.md"), "no settings")
        .put(&format!("{BASE}.json"), r#"{"sandbox": {"enabled": true}}"#);
    let scan = system(&tree);
    let projections = project(&scan.agents);
    assert_eq!(
        projections[0].files,
        [
            "/etc/claude-code/managed-settings.json",
            "/etc/claude-code/managed-settings.d/10-deny.json",
            "/etc/claude-code/managed-settings.d/20-open.json",
        ]
    );
    let is_off = |one: &nucleus_scan::Finding| one.rule.0 == "sandbox-weakened";
    assert!(scan.findings.iter().any(is_off), "{:?}", scan.findings);
}

#[test]
fn settings_within_a_workspace_count_and_those_of_other_files_do_not() {
    let text = r#"{"folders": [{"path": "."}], "settings": {"chat.tools.autoApprove": true}}"#;
    let is_open = |path: &str| {
        let scan = Tree::with(path, text).scan();
        scan.findings
            .iter()
            .any(|one| one.rule.0 == "approvals-disabled")
    };
    assert!(is_open("dev.code-workspace"));
    assert!(!is_open("dev.json"));
}

#[test]
fn a_tree_for_several_threads_is_read_whole_and_in_order() {
    let mut tree = Tree::new();
    for number in 0..600 {
        let directory = format!("repo/team_{}/package_{number}", number % 7);
        tree = tree.put(&format!("{directory}/src/inner/lib.rs"), "");
        if number % 3 == 0 {
            tree = tree.put(&format!("{directory}/.mcp.json"), SERVER);
        }
    }
    let tree = tree.put("repo/node_modules/x/.mcp.json", SERVER);
    let scan = tree.scan();
    assert_eq!(scan.files_seen.len(), 200);
    // The root, teams, packages with two directories and one file each, configuration, and the directory that is passed over.
    assert_eq!(scan.entries_walked, 1 + 7 + 600 * 4 + 200 + 1);
    assert!(scan.files_seen.is_sorted_by_key(|file| file.path.clone()));
    assert_eq!(scan.agents.len(), 200);
    assert!(
        scan.agents
            .is_sorted_by_key(|agent| agent.place.file.path.clone())
    );
}

#[test]
fn a_directory_that_lies_too_deep_is_named() {
    let deep = |levels: usize| {
        let path = format!("{}.mcp.json", "d/".repeat(levels));
        Tree::with(&path, SERVER).scan()
    };
    let reached = deep(64);
    assert_eq!((reached.files_seen.len(), reached.broken.len()), (1, 0));
    let missed = deep(65);
    assert_eq!(missed.files_seen.len(), 0);
    let [broken] = missed.broken.as_slice() else {
        panic!("one directory: {:?}", missed.broken)
    };
    assert!(
        broken.why.contains("too many directories"),
        "{}",
        broken.why
    );
}

#[test]
fn a_file_that_two_roots_reach_counts_where_it_is_reached_first() {
    let tree = Tree::with("inner/.mcp.json", SERVER);
    let roots = Roots {
        projects: vec![tree.at("repo/inner"), tree.at("repo")],
        ..Roots::default()
    };
    let scan = scan(&roots, &Options::default());
    let roots: Vec<_> = scan.agents.iter().map(|agent| agent.root.clone()).collect();
    let inner = tree.at("repo/inner").canonicalize().unwrap();
    assert_eq!(roots, [inner.to_string_lossy()]);
}

/// What of the user's files is found where one variable moves a directory.
fn of_user(tree: &Tree, variable: &str, directory: &str) -> Vec<String> {
    let roots = Roots {
        home: Some(tree.at("home")),
        moved: vec![Moved {
            variable: variable.to_owned(),
            directory: tree.at(directory),
        }],
        ..Roots::default()
    };
    let seen = scan(&roots, &Options::default()).files_seen;
    seen.iter().map(|file| file.shown.clone()).collect()
}

#[test]
fn a_directory_of_the_home_that_was_moved_is_read_where_it_is() {
    for (variable, usual, name) in [
        ("CLAUDE_CONFIG_DIR", ".claude", "settings.json"),
        ("CLAUDE_CONFIG_DIR", ".claude", "agents/a.md"),
        ("CODEX_HOME", ".codex", "config.toml"),
        ("COPILOT_HOME", ".copilot", "mcp-config.json"),
        ("XDG_CONFIG_HOME", ".config", "opencode/opencode.json"),
    ] {
        assert!(MOVING_VARIABLES.contains(&variable));
        let old = format!("home/{usual}/{name}");
        let tree = Tree::new()
            .put(&old, "{}")
            .put(&format!("moved/{name}"), "{}")
            .put("home/.gemini/settings.json", "{}");
        let shown = format!("${variable}/{name}");
        let gemini = "~/.gemini/settings.json".to_owned();
        assert_eq!(of_user(&tree, variable, "moved"), [gemini.clone(), shown]);
        // The usual place, named outright, and a variable that moves nothing.
        let usual_name = format!("~/{usual}/{name}");
        let both = [usual_name.clone(), gemini.clone()];
        let mut found = of_user(&tree, variable, &format!("home/{usual}"));
        found.sort();
        let mut expected = both.to_vec();
        expected.sort();
        assert_eq!(found, expected);
        let mut found = of_user(&tree, "OTHER_HOME", "moved");
        found.sort();
        assert_eq!(found, expected);
    }
}

/// The state file moves into the directory, and the user's refusals still count for the repository.
#[test]
fn a_moved_directory_is_part_of_the_home() {
    let deny = r#"{"permissions": {"deny": ["Bash"]}}"#;
    let allow = r#"{"permissions": {"allow": ["Bash(*)"]}}"#;
    let tree = Tree::with(".claude/settings.json", allow)
        .put("moved/settings.json", deny)
        .put("moved/.claude.json", "{}")
        .put("home/.claude.json", "{}");
    let with = |moved: Vec<Moved>| {
        let roots = Roots {
            projects: vec![tree.at("repo")],
            home: Some(tree.at("home")),
            moved,
            ..Roots::default()
        };
        scan(&roots, &Options::default())
    };
    let moved = Moved {
        variable: "CLAUDE_CONFIG_DIR".to_owned(),
        directory: tree.at("moved"),
    };
    let found = with(vec![moved]);
    let names: Vec<&str> = found
        .files_seen
        .iter()
        .map(|file| file.shown.as_str())
        .collect();
    assert!(
        names.contains(&"$CLAUDE_CONFIG_DIR/.claude.json") && !names.contains(&"~/.claude.json"),
        "{names:?}"
    );
    let is_shell = |one: &nucleus_scan::Finding| one.rule.0 == "unrestricted-shell";
    assert!(!found.findings.iter().any(is_shell));
    assert!(with(Vec::new()).findings.iter().any(is_shell));
}
