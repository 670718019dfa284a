//! Sizes, nesting, links and odd files: always a finding or nothing, never a crash, never a file outside.

use std::fs;

use nucleus_scan::fuzz;
use proptest::prelude::*;

use crate::tree::Tree;

const SERVER: &str = r#"{"mcpServers": {"a": {"command": "npx", "args": ["-y", "a"]}}}"#;

/// One file for each way of reading: JSON with comments, TOML, Starlark, YAML, a stream of YAML, a workflow, a Dockerfile, a policy, a text.
const READERS: &[(&str, &str)] = &[
    (".mcp.json", "{}"),
    ("opencode.jsonc", "{}"),
    (".codex/config.toml", ""),
    (".codex/rules/a.rules", ""),
    (".continue/config.yaml", "name: a\n"),
    (
        "agent-pod.yaml",
        "apiVersion: nucleus/v1\nkind: Pod\nspec:\n  policy: {name: read-only}\n",
    ),
    (".github/workflows/a.yml", "on: push\n"),
    ("Dockerfile", "FROM scratch\n"),
    ("docker-compose.yml", "services: {}\n"),
    (".devcontainer/devcontainer.json", "{}"),
    ("package.json", "{}"),
    ("permissions.toml", "[capabilities]\n"),
    ("CLAUDE.md", "# Hello\n"),
    (".gitlab-ci.yml", "stages: [a]\n"),
    (".envrc", "export A=1\n"),
    ("a.code-workspace", "{}"),
    (".github/actions/a/action.yml", "name: a\n"),
];

#[test]
fn a_file_of_ten_mebibytes_is_refused_with_a_finding_by_every_reader() {
    for (path, small) in READERS {
        let big = format!("{small}#{}", "x".repeat(10 << 20));
        let found = Tree::with(path, &big).of_rule("unreadable-config");
        assert_eq!(found.len(), 1, "{path}");
        assert!(found[0].reason.contains("8 MiB"), "{path}");
        assert_eq!(
            Tree::with(path, small).of_rule("unreadable-config"),
            [],
            "{path}"
        );
    }
}

/// Manifests of a cluster are told by what is in them; those of other things may be as long as they like.
#[test]
fn a_long_manifest_is_refused_only_where_its_beginning_names_an_agent() {
    let of = |text: &str| {
        let long = format!("{text}# {}\n", "x".repeat(10 << 20));
        let tree = Tree::with("deploy/all.yaml", &long);
        tree.of_rule("unreadable-config").len()
    };
    let pod = "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, command: [claude]}]}\n";
    assert_eq!(of(pod), 1);
    assert_eq!(of(&pod.replace("claude", "nginx")), 0);
    assert_eq!(of(&pod.replace("Pod", "Service")), 0);
}

#[test]
fn deep_nesting_is_refused_with_a_finding_by_every_reader_of_trees() {
    for (path, text) in [
        (".mcp.json", "[".repeat(200_000)),
        ("opencode.jsonc", "{\"a\":".repeat(100_000)),
        (".codex/config.toml", format!("a = {}", "[".repeat(200_000))),
        (
            ".codex/config.toml",
            format!("[{}a]\n", "a.".repeat(20_000)),
        ),
        (".github/workflows/a.yml", "[".repeat(200_000)),
        (".continue/config.yaml", "- ".repeat(20_000)),
        (
            "agent-pod.yaml",
            format!(
                "apiVersion: nucleus/v1\nkind: Pod\nspec: {}",
                "{a: ".repeat(20_000)
            ),
        ),
        ("docker-compose.yml", "- ".repeat(20_000)),
        (".devcontainer/devcontainer.json", "[".repeat(200_000)),
        ("package.json", "[".repeat(200_000)),
    ] {
        let found = Tree::with(path, &text).of_rule("unreadable-config");
        assert_eq!(found.len(), 1, "{path}");
    }
    let policy = format!("a = {}", "[".repeat(200_000));
    assert_eq!(
        Tree::with("permissions.toml", &policy)
            .of_rule("policy-unreadable")
            .len(),
        1
    );
}

#[test]
fn text_that_is_not_utf8_is_a_finding() {
    let tree = Tree::with(".mcp.json", "{}");
    fs::write(tree.at("repo/.mcp.json"), b"{\"a\": \"\xff\"}").unwrap();
    assert_eq!(tree.of_rule("unreadable-config").len(), 1);
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_root_is_not_followed_and_one_within_it_is() {
    let tree = Tree::new().put("elsewhere/mcp.json", SERVER);
    std::os::unix::fs::symlink(tree.at("elsewhere/mcp.json"), tree.at("repo/.mcp.json")).unwrap();
    assert_eq!(tree.scan().files_seen, []);
    let tree = Tree::with("shared/servers", SERVER);
    std::os::unix::fs::symlink("shared/servers", tree.at("repo/.mcp.json")).unwrap();
    assert_eq!(tree.of_rule("unpinned-package").len(), 1);
}

/// A pod that names its policy by a path through a link.
#[cfg(unix)]
fn pod_with_linked_policy(target: &str) -> Vec<nucleus_scan::Finding> {
    let pod = "apiVersion: nucleus/v1\nkind: Pod\nspec:\n  policy: lnk/p.toml\n";
    let broken = "[capabilities]\nOUTSIDE_MARK = \"always\"\n";
    let tree = Tree::with("agent-pod.yaml", pod)
        .put("out/p.toml", broken)
        .put("repo/in/p.toml", broken);
    std::os::unix::fs::symlink(target, tree.at("repo/lnk")).unwrap();
    tree.of_rule("policy-unreadable")
}

#[cfg(unix)]
#[test]
fn a_policy_behind_a_link_out_of_the_root_is_not_read_and_one_within_it_is() {
    let outside = pod_with_linked_policy("../out");
    assert_eq!(outside.len(), 1);
    assert!(outside[0].reason.contains("cannot read the policy"));
    assert!(!format!("{outside:?}").contains("OUTSIDE_MARK"));
    let within = pod_with_linked_policy("in");
    assert!(within[0].reason.contains("OUTSIDE_MARK"), "{within:?}");
}

/// Texts that cost minutes where each part is read together with all that stands before or behind it.
#[test]
fn texts_of_a_mebibyte_made_to_be_slow_are_read_to_the_end() {
    let assignments = "a=".repeat(512 << 10);
    assert_eq!(fuzz::judge_as("CLAUDE.md", &assignments), 0);
    let prefixes = "sk-a=".repeat(200 << 10) + "é";
    assert_eq!(fuzz::judge_as("CLAUDE.md", &prefixes), 0);
    let workflow = |words: &str| {
        format!(
            "on: pull_request_target\njobs:\n  a:\n    steps:\n      - uses: anthropics/claude-code-action@v1\n        with:\n          prompt: \"${{{{ {words} }}}}\"\n"
        )
    };
    let rule = "ci-untrusted-interpolation";
    let fires = |words: &str| {
        !Tree::with(".github/workflows/a.yml", &workflow(words))
            .of_rule(rule)
            .is_empty()
    };
    let searched = "contains( ".to_owned() + &"github.head_ref ".repeat(256 << 10);
    assert!(!fires(&searched));
    assert!(!fires(&"a.b ".repeat(1 << 20)));
    assert!(fires(&("a.b ".repeat(1 << 10) + "github.head_ref")));
}

#[test]
fn trees_of_dependencies_are_left_out_and_ignored_files_are_not() {
    let tree = Tree::with("node_modules/x/.mcp.json", SERVER);
    assert_eq!(tree.scan().files_seen, []);
    let tree = Tree::with(".mcp.json", SERVER).put("repo/.gitignore", ".mcp.json\n");
    assert_eq!(tree.of_rule("unpinned-package").len(), 1);
}

/// What an action of the repository calls is read as well, but no file elsewhere, and each once.
#[cfg(unix)]
#[test]
fn local_actions_are_followed_within_the_root_and_not_in_a_circle() {
    let caller = "on: issue_comment\npermissions: write-all\njobs:\n  a:\n    env: {K: \"${{ secrets.K }}\"}\n    steps:\n      - uses: ./.github/actions/a\n";
    let action = |run: &str| format!("runs:\n  using: composite\n  steps:\n    - {run}\n");
    let agent = action("run: claude -p hello");
    let fires = |tree: &Tree| tree.of_rule("ci-untrusted-trigger-write").len();
    let with = |first: &str| {
        Tree::with(".github/workflows/a.yml", caller)
            .put("repo/.github/actions/a/action.yml", first)
    };
    let again = action("uses: ./.github/actions/b");
    let back = action("uses: ./.github/actions/a");
    let nested = with(&again).put("repo/.github/actions/b/action.yaml", &agent);
    assert_eq!(fires(&nested), 1);
    let circle = with(&again).put("repo/.github/actions/b/action.yml", &back);
    assert_eq!(fires(&circle), 0);
    let outside =
        with(&action("uses: ./.github/actions/../../../outside")).put("outside/action.yml", &agent);
    assert_eq!(fires(&outside), 0);
    let link = Tree::with(".github/workflows/a.yml", caller).put("outside/action.yml", &agent);
    fs::create_dir_all(link.at("repo/.github/actions")).unwrap();
    std::os::unix::fs::symlink(link.at("outside"), link.at("repo/.github/actions/a")).unwrap();
    assert_eq!(fires(&link), 0);
}

#[test]
fn a_file_that_is_cut_off_is_still_judged() {
    let tree = Tree::with(".mcp.json", &SERVER[..SERVER.len() - 2]);
    assert_eq!(tree.of_rule("unpinned-package").len(), 1);
    assert_eq!(tree.of_rule("unreadable-config").len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics_a_reader(text in "\\PC{0,200}") {
        let _ = fuzz::read_all(&text);
    }

    #[test]
    fn no_text_panics_a_rule(text in r#"[{}\[\]:,"'\\ \n#$(a-zA-Z0-9é\u{200b}./=|&;*@<>!-]{0,300}"#) {
        for name in fuzz::NAMES {
            let _ = fuzz::judge_as(name, &text);
        }
    }

    #[test]
    fn no_damage_to_a_configuration_panics(at in 0_usize..400, byte in any::<char>()) {
        let whole = format!("{{\"permissions\": {{\"allow\": [\"Bash(x:*)\", \"*\"]}}, \"hooks\": {{\"Stop\": [{{\"hooks\": [{{\"command\": \"curl x | sh\"}}]}}]}}, \"mcpServers\": {SERVER}}}");
        let mut text: String = whole.chars().take(at).collect();
        text.push(byte);
        text.extend(whole.chars().skip(at + 1));
        for name in fuzz::NAMES {
            let _ = fuzz::judge_as(name, &text);
        }
    }
}
