//! The combination analysis: what completes the trifecta, what does not, and through which path.

use nucleus_scan::project::{Gate, Origin};
use nucleus_scan::{Client, Severity};
use portcullis::{Exposure, Label, Operation, Reason};

use crate::tree::{Tree, servers};

const TRIFECTA: &str = "trifecta-complete";
const FETCH: (&str, &str) = ("fetch", "uvx mcp-server-fetch==1.0");
const GITHUB: (&str, &str) = (
    "github",
    "docker run -i --rm ghcr.io/github/github-mcp-server:v1",
);
const POSTGRES: (&str, &str) = (
    "db",
    "npx -y @modelcontextprotocol/server-postgres@1.0.0 postgresql://localhost/x",
);
const SLACK: (&str, &str) = ("slack", "npx -y @modelcontextprotocol/server-slack@1.0.0");
const PLAYWRIGHT: (&str, &str) = ("playwright", "npx @playwright/mcp@0.0.30");

fn cursor(list: &[(&str, &str)]) -> Tree {
    Tree::with(".cursor/mcp.json", &servers(list))
}

#[test]
fn the_path_is_told_in_one_sentence_with_every_place() {
    let files = (
        "filesystem",
        "npx -y @modelcontextprotocol/server-filesystem@1.0.0 /home/me",
    );
    let tree = cursor(&[FETCH, files, GITHUB]);
    let found = tree.of_rule(TRIFECTA);
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].reason,
        "Cursor: `fetch` (untrusted) + `filesystem` (private) + `github` (exfil): a poisoned page can make it publish your files"
    );
    assert_eq!(
        (found[0].severity, found[0].client),
        (Severity::Critical, Client::Cursor)
    );
    assert_eq!(found[0].evidence.len(), 3);
    assert!(
        found[0]
            .evidence
            .iter()
            .all(|one| one.place.file.shown == ".cursor/mcp.json" && one.place.line > 1)
    );
}

#[test]
fn a_path_needs_all_three_legs() {
    for (list, is_complete) in [
        (&[FETCH, POSTGRES][..], true),
        (&[PLAYWRIGHT, POSTGRES], true),
        (&[SLACK], true),
        (&[GITHUB], true),
        (&[FETCH], false),
        (&[POSTGRES], false),
        (&[PLAYWRIGHT, FETCH], false),
        (
            &[
                ("context7", "https://mcp.context7.com/mcp"),
                POSTGRES,
                ("notion", "https://mcp.notion.com/mcp"),
            ],
            false,
        ),
        (
            &[
                ("brave-search", "npx @brave/brave-search-mcp-server@1.0.0"),
                POSTGRES,
            ],
            false,
        ),
        (
            &[
                ("memory", "npx @modelcontextprotocol/server-memory@1"),
                ("time", "uvx mcp-server-time"),
                FETCH,
            ],
            false,
        ),
    ] {
        assert_eq!(
            cursor(list).of_rule(TRIFECTA).len(),
            usize::from(is_complete),
            "{list:?}"
        );
    }
}

#[test]
fn the_workspace_itself_is_not_private() {
    let with = |root: &str| {
        let files = format!("npx -y @modelcontextprotocol/server-filesystem@1 {root}");
        cursor(&[FETCH, ("filesystem", &files)])
            .of_rule(TRIFECTA)
            .len()
    };
    assert_eq!(
        (with("."), with("/srv/app"), with("${workspaceFolder}")),
        (0, 0, 0)
    );
    assert_eq!(
        (with("/"), with("/Users/me"), with("~/Documents")),
        (1, 1, 1)
    );
}

#[test]
fn a_server_that_is_off_does_not_count() {
    let text = |off: bool| {
        serde_json::json!({ "mcpServers": {
            "fetch": { "command": "uvx", "args": ["mcp-server-fetch"], "disabled": off },
            "db": { "command": "npx", "args": ["@modelcontextprotocol/server-postgres"] },
        } })
        .to_string()
    };
    assert_eq!(
        Tree::with(".kiro/settings/mcp.json", &text(true))
            .of_rule(TRIFECTA)
            .len(),
        0
    );
    assert_eq!(
        Tree::with(".kiro/settings/mcp.json", &text(false))
            .of_rule(TRIFECTA)
            .len(),
        1
    );
}

#[test]
fn an_unknown_server_is_the_worst_case_and_said_so() {
    let one = cursor(&[
        ("minhome", "http://localhost:3111/mcp"),
        ("time", "uvx mcp-server-time"),
    ]);
    let agent = one.one();
    assert_eq!(
        (agent.legs, agent.worst),
        (Exposure::NONE, Exposure::TRIFECTA)
    );
    assert!(agent.path.is_none() && one.of_rule(TRIFECTA).is_empty());
    let notes = one.of_rule("unknown-server");
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0].severity, Severity::Note);
    assert!(
        notes[0]
            .reason
            .contains("`minhome` is not in the tool catalog"),
        "{}",
        notes[0].reason
    );
    assert!(
        cursor(&[("time", "uvx mcp-server-time")])
            .of_rule("unknown-server")
            .is_empty()
    );
}

/// Whoever writes the configuration chooses the name; only the package, image, installed program or address is known.
#[test]
fn a_name_does_not_make_a_server_known() {
    let named = |name: &str, line: &str| cursor(&[(name, line)]);
    for (name, line) in [
        ("time", "npx -y totally-evil@1.0.0"),
        ("memory", "https://evil.example.com/mcp"),
        (
            "time",
            "uvx --from git+https://github.com/evil/x@0123456789012345678901234567890123456789 mcp-server-time",
        ),
        ("time", "./mcp-server-time"),
        ("time", "npx -y @evil/mcp-server-time@1.0.0"),
        (
            "context7",
            "npx totally-evil@1 mcp-remote https://mcp.context7.com/mcp",
        ),
    ] {
        let tree = named(name, line);
        assert_eq!(tree.one().worst, Exposure::TRIFECTA, "{line}");
        let notes = tree.of_rule("unknown-server");
        assert_eq!(notes.len(), 1, "{line}");
        let why = "in the tool catalog by its name alone, which proves nothing";
        assert!(notes[0].reason.contains(why), "{}", notes[0].reason);
    }
    for (name, line) in [
        ("time", "uvx mcp-server-time==1.0"),
        ("anything", "npx -y @modelcontextprotocol/server-memory@1"),
        ("context7", "https://mcp.context7.com/mcp"),
        ("time", "mcp-server-time"),
    ] {
        let tree = named(name, line);
        assert!(tree.of_rule("unknown-server").is_empty(), "{line}");
        assert_ne!(tree.one().worst, Exposure::TRIFECTA, "{line}");
    }
}

#[test]
fn a_package_named_after_a_product_is_no_less_than_the_product() {
    let list = [
        ("web", "npx -y @modelcontextprotocol/server-perplexity"),
        POSTGRES,
        GITHUB,
    ];
    let agent = cursor(&list).one();
    let web = agent
        .powers
        .iter()
        .find(|power| power.name == "web")
        .unwrap();
    assert_eq!(web.origin, Origin::Named("perplexity".to_owned()));
    assert!(agent.legs.is_trifecta());
}

#[test]
fn a_flag_that_takes_writing_away_takes_the_way_out_away() {
    let with = |flag: &str| {
        let line = format!("docker run -i --rm {flag} ghcr.io/github/github-mcp-server:v1");
        cursor(&[("github", &line)]).of_rule(TRIFECTA).len()
    };
    assert_eq!(
        (with("-e GITHUB_READ_ONLY=1"), with("-e GITHUB_TOKEN")),
        (0, 1)
    );
}

fn claude(settings: &serde_json::Value, list: &[(&str, &str)]) -> Tree {
    Tree::with(".claude/settings.json", &settings.to_string()).put("repo/.mcp.json", &servers(list))
}

#[test]
fn a_deny_rule_that_removes_a_leg_is_honoured() {
    let with = |deny: &[&str]| {
        let settings = serde_json::json!({ "permissions": { "deny": deny } });
        let agents = claude(&settings, &[SLACK]).projections();
        agents.iter().any(|agent| agent.path.is_some())
    };
    assert!(with(&[]));
    assert!(with(&["mcp__slack__slack_add_reaction", "Bash(rm *)"]));
    assert!(!with(&["mcp__slack"]));
    assert!(!with(&[
        "mcp__slack__slack_post_message",
        "mcp__slack__slack_reply_to_thread",
        "mcp__slack__slack_send_message",
        "mcp__slack__slack_schedule_message",
        "mcp__slack__slack_create_canvas",
        "mcp__slack__slack_update_canvas",
        "mcp__slack__slack_send_message_draft",
    ]));
}

/// Claude Code spells a server in a rule with `_` for what no name of a tool may hold.
#[test]
fn a_deny_rule_fits_the_server_it_spells_and_no_other() {
    let denied = |name: &str, rule: &str| {
        let settings = serde_json::json!({ "permissions": { "deny": [rule] } });
        let agents = claude(&settings, &[(name, SLACK.1)]).projections();
        agents.iter().all(|agent| agent.path.is_none())
    };
    // A server somebody named after the token it needs; reports mask it, rules still mean it.
    let token = "ghp_x7Qm2vR9kLw4Tz8YbN3cJf6HsD1gPaE5uVoX";
    for (name, rule) in [
        ("slack", "mcp__slack"),
        ("slack", "mcp__*"),
        ("my slack", "mcp__my_slack"),
        ("acme.com/slack", "mcp__acme_com_slack"),
        (token, &format!("mcp__{token}")),
    ] {
        assert!(denied(name, rule), "{name} {rule}");
    }
    for (name, rule) in [
        ("slack", "mcp__slack2"),
        ("my slack", "mcp__my-slack"),
        ("my_slack", "mcp__my slack"),
        (token, "mcp__ghp_x7Qm2vR9kLw4Tz8YbN3cJf6HsD1gPaE5uVoY"),
    ] {
        assert!(!denied(name, rule), "{name} {rule}");
    }
}

/// Of rules that say the same the last one speaks, and a name with `*` settles what it fits.
#[test]
fn rules_for_tools_count_however_often_they_stand() {
    let with = |rules: &[&str]| {
        let settings = serde_json::json!({ "permissions": { "deny": rules } });
        let agents = claude(&settings, &[SLACK]).projections();
        agents.iter().any(|agent| agent.path.is_some())
    };
    assert!(!with(&[
        "mcp__slack__*_message*",
        "mcp__slack__slack_*_canvas",
        "mcp__slack__slack_reply_to_thread"
    ]));
    assert!(!with(&[
        "mcp__slack",
        "mcp__slack",
        "mcp__other",
        "mcp__slack"
    ]));
    assert!(with(&["mcp__slack__*_reaction", "mcp__slack__*_reaction"]));
}

#[test]
fn an_unrestricted_shell_is_all_three_unless_it_is_denied() {
    let with = |rules: serde_json::Value| {
        Tree::with(
            ".claude/settings.json",
            &serde_json::json!({ "permissions": rules }).to_string(),
        )
    };
    let open = with(serde_json::json!({ "allow": ["Bash(*)"], "deny": ["Bash(rm *)"] }));
    let path = open.one().path.unwrap();
    assert!(path.steps().iter().all(|step| step.power.name == "Bash(*)"));
    assert!(
        path.sentence.contains("alone is all three legs"),
        "{}",
        path.sentence
    );
    for closed in [
        serde_json::json!({ "allow": ["Bash(*)"], "deny": ["Bash"] }),
        serde_json::json!({ "allow": ["Bash(*)"], "ask": ["Bash"] }),
        serde_json::json!({ "allow": ["Bash(git status)", "WebFetch"] }),
    ] {
        assert!(
            with(closed.clone()).of_rule(TRIFECTA).is_empty(),
            "{closed}"
        );
    }
}

/// A repository whose settings deny commands, and another file that allows them.
fn denied_elsewhere(file: &str, deny: &serde_json::Value) -> Tree {
    let allow = serde_json::json!({ "permissions": { "allow": ["Bash(*)", "Read"] } });
    Tree::with(
        ".claude/settings.json",
        &serde_json::json!({ "permissions": deny }).to_string(),
    )
    .put(file, &allow.to_string())
}

fn fired(tree: &Tree) -> Vec<&'static str> {
    let of = ["trifecta-complete", "unrestricted-shell", "no-deny-rules"];
    let found = tree.scan_with_home().findings;
    let fired = |rule: &&str| found.iter().any(|one| one.rule.0 == *rule);
    of.into_iter().filter(|rule| fired(rule)).collect()
}

/// Claude Code lets a refusal of any of its files count, wherever the same is allowed.
#[test]
fn a_deny_rule_of_another_file_of_the_client_is_honoured() {
    for file in [
        "home/.claude/settings.json",
        "repo/.claude/settings.local.json",
    ] {
        let denied = denied_elsewhere(file, &serde_json::json!({ "deny": ["Bash"] }));
        assert_eq!(fired(&denied), [""; 0], "{file}");
        let other = denied_elsewhere(file, &serde_json::json!({ "deny": ["Bash(rm *)"] }));
        assert_eq!(
            fired(&other),
            ["trifecta-complete", "unrestricted-shell"],
            "{file}"
        );
        let none = denied_elsewhere(file, &serde_json::json!({ "allow": ["Bash(git status)"] }));
        assert_eq!(
            fired(&none),
            ["trifecta-complete", "unrestricted-shell", "no-deny-rules"],
            "{file}"
        );
    }
}

/// What a file of one directory refuses says nothing of another one.
#[test]
fn a_deny_rule_counts_where_its_file_does() {
    let deny = serde_json::json!({ "permissions": { "deny": ["Bash"] } }).to_string();
    let allow = serde_json::json!({ "permissions": { "allow": ["Bash(*)"] } }).to_string();
    let beside =
        Tree::with("a/.claude/settings.json", &deny).put("repo/b/.claude/settings.json", &allow);
    assert!(fired(&beside).contains(&"trifecta-complete"));
    // The user's own file counts in both directories: one of them refuses, one does not.
    let user = Tree::with("a/.claude/settings.json", &deny)
        .put(
            "repo/b/.claude/settings.json",
            "{\"permissions\": {\"allow\": [\"Read\"]}}",
        )
        .put("home/.claude/settings.json", &allow);
    assert!(fired(&user).contains(&"unrestricted-shell"));
    let both = Tree::with("a/.claude/settings.json", &deny)
        .put("repo/b/.claude/settings.json", &deny)
        .put("home/.claude/settings.json", &allow);
    assert_eq!(fired(&both), [""; 0]);
}

/// opencode takes the last rule that matches, the repository's after the user's.
#[test]
fn in_opencode_the_repository_has_the_last_word() {
    let with = |user: &str, repository: &str| {
        let text = |verdict: &str| {
            serde_json::json!({ "permission": { "bash": { "*": verdict } } }).to_string()
        };
        let tree = Tree::with("opencode.json", &text(repository))
            .put("home/.config/opencode/opencode.json", &text(user));
        fired(&tree)
    };
    assert_eq!(with("allow", "ask"), [""; 0]);
    let open = ["trifecta-complete", "unrestricted-shell"];
    assert_eq!(
        (with("ask", "allow"), with("allow", "allow")),
        (open.to_vec(), open.to_vec())
    );
}

/// The path is drawn wherever it is told, also where the merged agent has a clearer one.
#[test]
fn every_trifecta_finding_has_its_path() {
    let tree = Tree::with(".cursor/mcp.json", &servers(&[SLACK, POSTGRES])).put(
        "home/.cursor/mcp.json",
        &servers(&[FETCH, PLAYWRIGHT, GITHUB]),
    );
    let scan = tree.scan_with_home();
    let found: Vec<_> = scan
        .findings
        .iter()
        .filter(|one| one.rule.0 == TRIFECTA)
        .collect();
    assert!(!found.is_empty());
    assert!(found.iter().all(|one| {
        one.path
            .as_ref()
            .is_some_and(|path| path.sentence == one.reason)
    }));
}

/// A report names the rule that lets a power in: its key beside its value, and an expression as it is written.
#[test]
fn every_power_and_every_evidence_has_a_name() {
    let named = |path: &str, text: &str| -> (Vec<String>, Vec<String>) {
        let tree = Tree::with(path, text);
        let powers = tree.one().powers.into_iter().map(|power| power.name);
        let shown = tree.of_rule("unrestricted-shell");
        let shown = shown.into_iter().flat_map(|one| one.evidence);
        (powers.collect(), shown.map(|one| one.shown).collect())
    };
    let vscode = r#"{"chat.tools.terminal.autoApprove": {"/.*/": true}}"#;
    let (powers, shown) = named(".vscode/settings.json", vscode);
    assert_eq!((powers[0].as_str(), shown[0].as_str()), ("/.*/", "/.*/"));
    let q = r#"{"name": "a", "toolsSettings": {"execute_bash": {"allowedCommands": [".*"]}}}"#;
    let (powers, shown) = named(".amazonq/cli-agents/a.json", q);
    assert_eq!((powers[0].as_str(), shown[0].as_str()), (".*", ".*"));
    let opencode = r#"{"permission": {"*": "allow", "bash": {"*": "allow"}, "webfetch": "allow"}}"#;
    let (powers, _) = named("opencode.json", opencode);
    assert_eq!(
        powers,
        ["*=allow", "bash.*: allow", "*=allow", "webfetch=allow"]
    );
    let fix = Tree::with("opencode.json", opencode)
        .of_rule(TRIFECTA)
        .remove(0)
        .fix
        .unwrap();
    let all = "in `*=allow` and `bash.*: allow`, or";
    assert!(fix.summary.contains(all), "{}", fix.summary);
}

/// What a profile of Codex says counts where it is selected; what it states over the rest takes the rest's place.
#[test]
fn a_profile_that_nothing_selects_reaches_nothing() {
    let of = |head: &str| {
        let text = format!(
            "{head}[profiles.yolo]\napproval_policy = \"never\"\nsandbox_mode = \"danger-full-access\"\n"
        );
        let all = Tree::with(".codex/config.toml", &text).projections();
        all.iter().any(|one| one.legs.is_trifecta())
    };
    assert!(of("profile = \"yolo\"\n"));
    assert!(!of("") && !of("profile = \"other\"\n"));
    assert!(of(
        "approval_policy = \"never\"\nsandbox_mode = \"danger-full-access\"\n"
    ));
}

/// A value alone tells nobody which setting is meant, nor that a profile has to be chosen.
#[test]
fn a_setting_is_shown_with_its_key() {
    let of = |path: &str, text: &str| {
        let one = Tree::with(path, text)
            .of_rule("approvals-disabled")
            .remove(0);
        (one.evidence[0].shown.clone(), one.reason)
    };
    let never = "approval_policy = \"never\"\n";
    let (shown, reason) = of(".codex/config.toml", never);
    assert_eq!(shown, "approval_policy=never");
    assert_eq!(reason, "nothing is asked before it runs");
    let (_, reason) = of(".codex/config.toml", &format!("[profiles.yolo]\n{never}"));
    assert!(
        reason.ends_with("once this is chosen: Codex, profile yolo"),
        "{reason}"
    );
    let (shown, _) = of("opencode.json", r#"{"permission": {"*": "allow"}}"#);
    assert_eq!(shown, "*=allow");
}

/// Goose runs its own tools unasked unless a mode says otherwise: what no file says counts as the worst case.
#[test]
fn extensions_of_goose_itself_are_its_own_tools() {
    let of = |mode: &str, name: &str| {
        let text = format!(
            "{mode}extensions:\n  {name}:\n    type: builtin\n    name: {name}\n    enabled: true\n"
        );
        let tree = Tree::with(".goose/config.yaml", &text);
        let agent = tree.one();
        (
            agent.legs,
            agent.worst,
            tree.of_rule("unknown-server").len(),
        )
    };
    let (all, none) = (Exposure::TRIFECTA, Exposure::NONE);
    assert_eq!(of("GOOSE_MODE: auto\n", "developer"), (all, all, 0));
    assert_eq!(of("GOOSE_MODE: approve\n", "developer"), (none, none, 0));
    assert_eq!(of("", "developer"), (none, all, 0));
    assert_eq!(of("", "memory"), (none, none, 0));
    assert_eq!(of("", "something-new"), (none, all, 1));
}

/// This product's own server asks before every way out.
#[test]
fn the_monitor_itself_is_no_unknown_server() {
    let of = |line: &str| {
        let tree = cursor(&[("nucleus", line)]);
        (tree.one().worst, tree.of_rule("unknown-server").len())
    };
    assert_eq!(of("nucleus mcp"), (Exposure::NONE, 0));
    assert_eq!(of("/usr/local/bin/nucleus mcp"), (Exposure::NONE, 0));
    for line in ["./nucleus mcp", "nucleus run", "npx nucleus mcp"] {
        assert_eq!(of(line), (Exposure::TRIFECTA, 1), "{line}");
    }
}

#[test]
fn paths_that_amazon_q_may_read_are_private_data() {
    let of = |path: &str| {
        let text = format!(
            r#"{{"name": "a", "allowedTools": ["fs_read"], "toolsSettings": {{"fs_read": {{"allowedPaths": ["{path}"]}}}}}}"#
        );
        Tree::with(".amazonq/cli-agents/a.json", &text).one().legs
    };
    assert_eq!(of("/"), Exposure::PRIVATE);
    assert_eq!(of("/home/me/.ssh"), Exposure::PRIVATE);
    assert_eq!(of("./src"), Exposure::NONE);
}

/// The mode of the more special file counts; a sub-agent's own is its own.
#[test]
fn a_mode_that_asks_takes_the_place_of_one_that_does_not() {
    let mode =
        |mode: &str| serde_json::json!({ "permissions": { "defaultMode": mode } }).to_string();
    let with = |user: &str, repository: &str| {
        let tree = Tree::with(".claude/settings.json", &mode(repository))
            .put("home/.claude/settings.json", &mode(user));
        fired(&tree).contains(&"trifecta-complete")
    };
    assert!(with("default", "bypassPermissions") && with("bypassPermissions", "bypassPermissions"));
    assert!(!with("bypassPermissions", "plan"));
    let sub_agent = Tree::with(".claude/settings.local.json", &mode("plan")).put(
        "repo/.claude/agents/a.md",
        "---\nname: a\npermissionMode: bypassPermissions\n---\n",
    );
    assert!(fired(&sub_agent).contains(&"trifecta-complete"));
}

#[test]
fn any_file_any_page_and_curl_are_a_path_of_built_in_tools() {
    let with = |allow: &[&str]| {
        let settings = serde_json::json!({ "permissions": { "allow": allow } });
        Tree::with(".claude/settings.json", &settings.to_string())
            .of_rule(TRIFECTA)
            .len()
    };
    assert_eq!(with(&["Read(~/**)", "WebFetch", "Bash(curl:*)"]), 1);
    assert_eq!(with(&["Read(./**)", "WebFetch", "Bash(curl:*)"]), 0);
    assert_eq!(
        with(&[
            "Read(~/**)",
            "WebFetch(domain:docs.rs)",
            "Bash(curl -s http://localhost:3000/*)"
        ]),
        0
    );
}

#[test]
fn in_opencode_the_last_rule_wins() {
    let with = |bash: serde_json::Value| {
        let text =
            serde_json::json!({ "permission": { "webfetch": "allow", "bash": bash } }).to_string();
        Tree::with("opencode.json", &text).of_rule(TRIFECTA).len()
    };
    assert_eq!(with(serde_json::json!({ "*": "allow", "rm *": "deny" })), 1);
    assert_eq!(with(serde_json::json!({ "*": "ask", "git *": "allow" })), 0);
    assert_eq!(with(serde_json::json!("ask")), 0);
}

#[test]
fn without_questions_a_sandbox_without_network_is_no_way_out() {
    let with = |mode: &str| {
        let text = format!("approval_policy = \"never\"\nsandbox_mode = \"{mode}\"\n");
        Tree::with(".codex/config.toml", &text)
            .of_rule(TRIFECTA)
            .len()
    };
    assert_eq!(
        (with("danger-full-access"), with("workspace-write")),
        (1, 0)
    );
}

#[test]
fn files_of_several_scopes_add_up() {
    let tree = Tree::with(".cursor/mcp.json", &servers(&[FETCH]))
        .put("home/.cursor/mcp.json", &servers(&[POSTGRES]));
    let of = |scan: nucleus_scan::Scan| {
        scan.findings
            .into_iter()
            .filter(|one| one.rule.0 == TRIFECTA)
            .count()
    };
    assert_eq!((of(tree.scan()), of(tree.scan_with_home())), (0, 1));
}

#[test]
fn a_server_of_the_repository_replaces_one_of_the_same_name() {
    let tree = Tree::with(
        ".cursor/mcp.json",
        &servers(&[FETCH, ("db", "uvx mcp-server-time")]),
    )
    .put("home/.cursor/mcp.json", &servers(&[POSTGRES]));
    assert!(
        tree.scan_with_home()
            .findings
            .iter()
            .all(|one| one.rule.0 != TRIFECTA)
    );
}

#[test]
fn a_shell_that_is_asked_for_each_time_is_not_unrestricted() {
    let with = |approved: &[&str]| {
        let text = serde_json::json!({ "mcpServers": { "serena": {
            "command": "uvx", "args": ["--from", "git+https://github.com/oraios/serena", "serena", "start-mcp-server"], "autoApprove": approved,
        } } });
        Tree::with(".kiro/settings/mcp.json", &text.to_string())
            .of_rule(TRIFECTA)
            .len()
    };
    assert_eq!(
        (
            with(&["find_symbol"]),
            with(&["find_symbol", "execute_shell_command"])
        ),
        (0, 1)
    );
}

#[test]
fn the_law_itself_is_asked_for_the_last_step() {
    let agent = cursor(&[FETCH, POSTGRES]).one();
    let path = agent.path.unwrap();
    assert_eq!(path.way_out.leg, Label::ExfilVector);
    let Gate::Asks(reasons) = path.gate else {
        panic!("{:?}", path.gate)
    };
    assert!(reasons.contains(Reason::FlowExfil));
    assert_ne!(
        agent.envelope.level(Operation::WebFetch),
        portcullis::Level::Never
    );
    assert_eq!(
        agent.envelope.level(Operation::GitPush),
        portcullis::Level::Never
    );
}

#[test]
fn the_fix_names_what_really_cuts_the_path() {
    let files = (
        "filesystem",
        "npx -y @modelcontextprotocol/server-filesystem@1.0.0 /home/me",
    );
    for list in [
        &[FETCH, files, GITHUB][..],
        &[FETCH, POSTGRES],
        &[PLAYWRIGHT, FETCH, POSTGRES],
        &[SLACK, POSTGRES],
    ] {
        let fix = cursor(list)
            .of_rule(TRIFECTA)
            .remove(0)
            .fix
            .unwrap()
            .summary;
        let rest: Vec<(&str, &str)> = list
            .iter()
            .copied()
            .filter(|(name, _)| !fix.contains(&format!("`{name}`")))
            .collect();
        assert!(rest.len() < list.len(), "{fix}");
        assert!(cursor(&rest).of_rule(TRIFECTA).is_empty(), "{fix}");
    }
}

#[test]
fn a_rule_for_a_whole_server_counts_and_one_for_a_tool_does_not() {
    let with = |rule: &str| {
        let settings = serde_json::json!({ "permissions": { "allow": [rule, "Bash(curl:*)"] } });
        Tree::with(".claude/settings.json", &settings.to_string())
            .of_rule(TRIFECTA)
            .len()
    };
    assert_eq!(
        (
            with("mcp__supabase"),
            with("mcp__github__list_branches"),
            with("mcp__acd")
        ),
        (1, 0, 0)
    );
}

#[test]
fn tools_of_the_workspace_are_not_private() {
    for line in [
        "npx next-devtools-mcp@0.3.6",
        "uvx markitdown-mcp==0.0.1",
        "npx repomix@1 --mcp",
        "bash -lc 'exec ./launch.sh'",
    ] {
        assert!(
            cursor(&[PLAYWRIGHT, ("x", line)])
                .of_rule(TRIFECTA)
                .is_empty(),
            "{line}"
        );
    }
}
