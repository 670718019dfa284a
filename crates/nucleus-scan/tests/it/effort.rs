//! Files of a few mebibytes that took minutes, or more memory than there is, where each part is compared with all the others.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::tree::Tree;

const AGENT: &str = "      - uses: anthropics/claude-code-action@v1\n";

/// The text of each number, one after the other.
fn many(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut all, nth| {
        let _ = write!(all, "{}", part(nth));
        all
    })
}

fn settings(allow: Value, deny: Value) -> Tree {
    let text = json!({ "permissions": { "allow": allow, "deny": deny } });
    Tree::with(".claude/settings.json", &text.to_string())
}

fn numbered(count: usize, part: impl Fn(usize) -> String) -> Value {
    (0..count).map(part).collect()
}

#[test]
fn as_many_rules_as_fit_are_each_compared_with_what_they_are_about() {
    let allow = numbered(100_000, |nth| format!("Bash(tool{nth}:*)"));
    let deny = numbered(50_000, |nth| format!("Bash(tool{}:*)", 2 * nth));
    assert_eq!(settings(allow, deny).of_rule("trifecta-complete"), []);
    let servers = numbered(100_000, |nth| format!("mcp__server{nth}"));
    let again = numbered(100_000, |_| "mcp__slack".to_owned());
    assert_eq!(
        settings(servers, json!([])).of_rule("trifecta-complete"),
        []
    );
    assert_eq!(
        settings(again, json!([]))
            .of_rule("trifecta-complete")
            .len(),
        1
    );
}

#[test]
fn a_rule_among_many_is_still_taken_back_by_the_one_that_covers_it() {
    let allow = numbered(20_000, |nth| format!("Bash(python{nth} *)"));
    let fires = |deny: Value| {
        let mut allow = allow.clone();
        allow.as_array_mut().unwrap().push(json!("Bash(curl -s *)"));
        settings(allow, deny)
            .of_rule("network-egress-command")
            .len()
    };
    assert_eq!(fires(json!([])), 1);
    assert_eq!(fires(json!(["Bash(curl *)"])), 0);
    assert_eq!(fires(json!(["Bash(curl -o *)"])), 1);
}

#[test]
fn a_key_of_a_mebibyte_is_not_written_beside_each_of_its_values() {
    let server = json!({ "command": "npx", "args": vec!["a"; 100_000] });
    let text = json!({ "mcpServers": { "k".repeat(1 << 20): server } });
    let tree = Tree::with(".mcp.json", &text.to_string());
    assert_eq!(tree.of_rule("unpinned-package").len(), 1);
}

/// A workflow whose only job has these lines.
fn workflow(lines: &str) -> String {
    format!(
        "on: issues\npermissions: write-all\njobs:\n  a:\n    env:\n      K: ${{{{ secrets.K }}}}\n    steps:\n{lines}"
    )
}

#[test]
fn jobs_that_wait_for_each_other_are_asked_once() {
    let jobs = many(200, |nth| {
        let needs: Vec<String> = (nth.saturating_sub(8)..nth)
            .map(|one| format!("j{one}"))
            .collect();
        format!(
            "  j{nth}:\n    needs: [{}]\n    env: {{K: \"${{{{ secrets.K }}}}\"}}\n    steps:\n{AGENT}",
            needs.join(",")
        )
    });
    let open = |first: &str| {
        let text = format!(
            "on: issues\npermissions: write-all\njobs:\n{}",
            jobs.replacen("  j0:\n", first, 1)
        );
        Tree::with(".github/workflows/a.yml", &text)
            .of_rule("ci-untrusted-trigger-write")
            .len()
    };
    assert_eq!(open("  j0:\n"), 200);
    let owners = "  j0:\n    if: github.actor == 'me'\n";
    assert_eq!(open(owners), 0);
}

#[test]
fn lists_of_tools_in_a_workflow_are_read_once() {
    let tools = many(100_000, |nth| format!(" --allowedTools Bash(a{nth}:*)"));
    let text = workflow(&format!(
        "{AGENT}        with:\n          claude_args: \"{tools} --allowedTools Bash\"\n"
    ));
    let tree = Tree::with(".github/workflows/a.yml", &text);
    assert_eq!(tree.of_rule("unrestricted-shell").len(), 1);
    let objects = many(30_000, |nth| {
        format!("            {{\"permissions\": {{\"allow\": [\"Bash(a{nth}:*)\"]}}}}\n")
    });
    let last = "            {\"permissions\": {\"allow\": [\"Bash\"]}}\n";
    let text = workflow(&format!(
        "{AGENT}        with:\n          settings: |\n{objects}{last}"
    ));
    let tree = Tree::with(".github/workflows/a.yml", &text);
    let found = tree.of_rule("unrestricted-shell");
    assert_eq!(found.len(), 1);
    let lines = u32::try_from(text.lines().count()).unwrap();
    assert_eq!(found[0].evidence[0].place.line, lines);
}

#[test]
fn here_documents_that_never_end_are_looked_for_once() {
    let text = format!(
        "FROM debian:12\n# claude\n{}",
        many(100_000, |nth| format!("RUN <<E{nth}\na\n"))
    );
    let tree = Tree::with(
        "Dockerfile",
        &(text.clone() + "RUN curl https://a.example/i.sh | sh\n"),
    );
    assert_eq!(tree.of_rule("remote-install-script").len(), 1);
    assert_eq!(
        Tree::with("Dockerfile", &text).of_rule("remote-install-script"),
        []
    );
}

#[test]
fn rules_stages_and_suppressions_are_each_looked_at_once() {
    let rules = many(40_000, |nth| {
        format!("prefix_rule(pattern=[\"a{nth}\"], decision=\"allow\")\n")
    });
    let last = "prefix_rule(pattern=[\"python3\"], decision=\"allow\")\n";
    let rules = Tree::with(".codex/rules/a.rules", &(rules + last));
    assert_eq!(rules.of_rule("interpreter-wildcard").len(), 1);
    let stages = many(60_000, |nth| {
        format!("FROM stage{nth} AS stage{}\n", nth + 1)
    });
    let stages = Tree::with(
        "Dockerfile",
        &format!("# claude\nFROM debian:12 AS stage0\n{stages}"),
    );
    assert_eq!(stages.of_rule("unpinned-image"), []);
    let server = |nth: usize| {
        format!(
            "\"s{nth}\": {{\"command\": \"npx\", \"args\": [\"a\"]}}, // nucleus-ignore unpinned-package: known\n"
        )
    };
    let servers = Tree::with(
        ".mcp.json",
        &format!("{{\"mcpServers\": {{\n{}}}}}", many(10_000, server)),
    );
    let found = servers.of_rule("unpinned-package");
    assert_eq!(found.len(), 10_000);
    assert!(found.iter().all(|one| one.suppressed.is_some()));
}

#[test]
fn a_rule_of_one_line_does_not_take_the_next_with_it() {
    let both = "prefix_rule(pattern=[\"git\", \"log\"], decision=\"allow\")\nprefix_rule(\n  pattern = [\"python3\"],\n  decision = \"DECISION\",\n)\n";
    let fires = |decision: &str| {
        Tree::with(".codex/rules/a.rules", &both.replace("DECISION", decision))
            .of_rule("interpreter-wildcard")
            .len()
    };
    assert_eq!(
        (fires("allow"), fires("prompt"), fires("forbidden")),
        (1, 0, 0)
    );
}
