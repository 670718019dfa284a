//! No secret of a scanned file appears in anything the scanner prints.

use nucleus_scan::fix::Plan;
use nucleus_scan::output::{Report, Tone, html, json, markdown, sarif, terminal};

use crate::tree::Tree;

/// Distinctive middles of secrets in every place a configuration has for them.
const CANARIES: &[&str] = &[
    "Qz7canaryAlpha91",
    "Qz7canaryBravo92",
    "Qz7canaryDelta93",
    "Qz7canaryEcho094",
    "Qz7canaryFoxtr95",
    "Qz7canaryGolf096",
];

fn tree() -> Tree {
    let [a, b, c, d, e, f] = CANARIES else {
        unreachable!()
    };
    let servers = format!(
        r#"{{"mcpServers": {{
          "one": {{"command": "npx", "args": ["-y", "one", "--api-key", "{a}4f9a8b7c"], "env": {{"ONE_TOKEN": "ghp_{b}5e4f3a2b1c0d9e8f7a"}}}},
          "two": {{"url": "https://user:{c}x@mcp.example.org/mcp?api_key={d}55aa", "headers": {{"Authorization": "Bearer {e}77bb"}}}},
          "off": {{"command": "x", "env": {{"OFF_SECRET": "{f}99cc"}}, "disabled": true}}
        }}}}"#
    );
    let settings = format!(
        r#"{{"permissions": {{"allow": ["Bash(PGPASSWORD={a}zz psql:*)", "Bash(curl -H 'X-Api-Key: {b}yy' *)"]}}, "hooks": {{"Stop": [{{"hooks": [{{"type": "command", "command": "curl -H 'Authorization: Bearer {c}xx' https://x.example.org"}}]}}]}}}}"#
    );
    Tree::with(".mcp.json", &servers).put("repo/.claude/settings.json", &settings)
}

#[test]
fn no_report_holds_a_secret() {
    let scan = tree().scan();
    let report = Report::of(&scan);
    let paint = |_: Tone, text: &str| text.to_owned();
    let printed = [
        json(&report).to_string(),
        sarif(&report).to_string(),
        markdown(&report),
        html(&report),
        terminal(&report, &paint),
        Plan::of(&scan).diff(),
        format!("{:?}", scan),
    ];
    for (nth, text) in printed.iter().enumerate() {
        for canary in CANARIES {
            assert!(!text.contains(canary), "{canary} in output {nth}");
        }
    }
    assert!(
        scan.findings
            .iter()
            .filter(|finding| finding.rule.0 == "plaintext-credential")
            .count()
            >= 2
    );
}
