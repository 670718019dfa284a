//! What the reports say, that they are well-formed, and that no scanned text leaves its place in them.

use nucleus_scan::output::{Report, badge, html, json, markdown, sarif, terminal};
use nucleus_scan::{RULES, Scan, Severity};

use crate::tree::{Tree, servers};

/// The repository of the README: three servers that are harmless one by one.
fn example() -> Tree {
    Tree::with(
        ".cursor/mcp.json",
        &servers(&[
            ("fetch", "uvx mcp-server-fetch"),
            (
                "filesystem",
                "npx -y @modelcontextprotocol/server-filesystem /home/me",
            ),
            (
                "github",
                "docker run -i --rm ghcr.io/github/github-mcp-server",
            ),
            ("house", "node ./tools/house.js"),
        ]),
    )
}

/// Names that try to leave every format.
fn hostile() -> Tree {
    let name = "a`|</code><script>alert(1)</script>\u{1b}[2J\u{202e}\"]\n## @team";
    Tree::with(
        ".cursor/mcp.json",
        &servers(&[
            (name, "uvx mcp-server-fetch"),
            ("db", "npx @modelcontextprotocol/server-postgres"),
        ]),
    )
}

/// A document as what it says.
fn value(document: &impl serde::Serialize) -> serde_json::Value {
    serde_json::to_value(document).unwrap()
}

fn all(scan: &Scan) -> [String; 6] {
    let report = Report::of(scan);
    [
        terminal(&report, &|_, text| text.to_owned()),
        json(&report).to_string(),
        sarif(&report).to_string(),
        markdown(&report),
        html(&report),
        badge(&report),
    ]
}

macro_rules! snapshot {
    ($name:literal, $text:expr) => {
        insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "../snapshots", omit_expression => true }, {
            insta::assert_snapshot!($name, $text);
        })
    };
}

/// What the README shows is what is printed, but for what it says it leaves out.
#[test]
fn the_readme_shows_the_real_report() {
    let readme = include_str!("../../../../README.md");
    let from = readme.find("```text\nnucleus audit 1 file").unwrap() + "```text\n".len();
    let shown = &readme[from..from + readme[from..].find("```").unwrap()];
    let real = terminal(&Report::of(&example().scan()), &|_, text| text.to_owned());
    let (first, last) = shown.split_once("  …\n").unwrap();
    assert!(real.starts_with(first), "{real}");
    assert!(real.ends_with(last), "{real}");
    assert!(first.contains("fix: ") && last.contains("what each agent can reach"));
}

#[test]
fn the_terminal_report_reads_well() {
    let scan = example().scan();
    snapshot!(
        "terminal",
        terminal(&Report::of(&scan), &|_, text| text.to_owned())
    );
}

#[test]
fn the_markdown_report_reads_well() {
    let scan = example().scan();
    snapshot!("markdown", markdown(&Report::of(&scan)));
}

#[test]
fn a_clean_repository_says_so() {
    let scan = Tree::with("README.md", "nothing here").scan();
    let report = Report::of(&scan);
    assert!(terminal(&report, &|_, text| text.to_owned()).contains("nothing found"));
    assert!(badge(&report).contains(">clean<") && html(&report).contains("Nothing found."));
    assert!(!report.fails_at(Severity::Note));
}

#[test]
fn sarif_has_the_shape_of_the_standard() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("sarif-subset.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for scan in [example().scan(), hostile().scan(), Tree::new().scan()] {
        let log = value(&sarif(&Report::of(&scan)));
        let errors: Vec<String> = validator
            .iter_errors(&log)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
    // The shape refuses what the standard refuses.
    let mut log = value(&sarif(&Report::of(&example().scan())));
    log["runs"][0]["results"][0]["level"] = serde_json::json!("critical");
    assert!(!validator.is_valid(&log));
    // The official schema, where somebody has it: its licence does not say that it may be kept here.
    if let Some(file) = std::env::var_os("NUCLEUS_SARIF_SCHEMA") {
        let schema: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let official = jsonschema::validator_for(&schema).unwrap();
        for scan in [example().scan(), hostile().scan(), Tree::new().scan()] {
            let log = value(&sarif(&Report::of(&scan)));
            let errors: Vec<String> = official
                .iter_errors(&log)
                .map(|error| error.to_string())
                .collect();
            assert!(errors.is_empty(), "{errors:#?}");
        }
    }
}

#[test]
fn sarif_results_refer_to_rules_and_keep_their_fingerprints() {
    let log = value(&sarif(&Report::of(&example().scan())));
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), RULES.len());
    let results = run["results"].as_array().unwrap();
    assert!(results.len() > 2);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let score: f64 = rules[index]["properties"]["security-severity"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((0.0..=10.0).contains(&score));
    }
    let prints = |tree: &Tree| -> Vec<String> {
        let log = value(&sarif(&Report::of(&tree.scan())));
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        let mut prints: Vec<String> = results
            .iter()
            .map(|one| one["partialFingerprints"].to_string())
            .collect();
        prints.sort();
        prints
    };
    let first = example();
    let text = std::fs::read_to_string(first.at("repo/.cursor/mcp.json")).unwrap();
    let moved = Tree::with(".cursor/mcp.json", &format!("\n\n{text}"));
    assert_eq!(prints(&first), prints(&moved));
}

#[test]
fn a_secret_is_in_no_report() {
    let secret = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
    let text = format!(
        r#"{{ "mcpServers": {{ "github": {{ "command": "npx", "args": ["-y", "@modelcontextprotocol/server-github", "--token", "{secret}"],
            "env": {{ "GITHUB_PERSONAL_ACCESS_TOKEN": "{secret}" }} }}, "odd": {{ "url": "https://example.com/mcp?api_key={secret}" }} }} }}"#
    );
    let scan = Tree::with(".cursor/mcp.json", &text).scan();
    assert!(
        scan.findings
            .iter()
            .any(|one| one.rule.0 == "plaintext-credential")
    );
    for report in all(&scan) {
        assert!(
            !report.contains(secret) && !report.contains(&secret[8..30]),
            "{report}"
        );
    }
    assert!(!format!("{scan:?}").contains(&secret[8..30]));
}

#[test]
fn a_secret_in_a_name_is_in_no_report() {
    let secret = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
    let name = format!("https://x.example.com/?token={secret}");
    let tree = |name: &str| {
        Tree::with(
            ".cursor/mcp.json",
            &servers(&[
                (name, "npx -y some-server-of-mine"),
                ("fetch", "uvx mcp-server-fetch"),
            ]),
        )
    };
    let named = tree(&name);
    let suggestion = nucleus_scan::project::suggest(&named.one());
    let scan = named.scan();
    let mut printed = all(&scan).to_vec();
    printed.extend([suggestion.policy, suggestion.snippet, format!("{scan:?}")]);
    for text in printed {
        assert!(!text.contains(&secret[4..]), "{text}");
    }
    // A name without one is shown as it stands.
    let plain = "https://x.example.com/?page=2";
    let [_, json, ..] = all(&tree(plain).scan());
    assert!(json.contains(plain));
    assert!(json.contains("https:~1~1x.example.com~1?page=2"));
}

fn codex_fixes(cookie: &str) -> Vec<serde_json::Value> {
    let text = format!(
        "[mcp_servers.x]\nurl = \"https://x.example.com/mcp\"\nhttp_headers = {{ Authorization = \"Bearer ghp_16C7e42F292c6912E7710c838347Ae178B4a\", Accept = \"{cookie}\" }}\n"
    );
    let log = value(&sarif(&Report::of(
        &Tree::with(".codex/config.toml", &text).scan(),
    )));
    let results = log["runs"][0]["results"].as_array().unwrap().clone();
    let is_secret = |one: &&serde_json::Value| one["ruleId"] == "plaintext-credential";
    let found: Vec<_> = results.iter().filter(is_secret).collect();
    assert_eq!(found.len(), 1);
    found
        .iter()
        .filter_map(|one| one.get("fixes").cloned())
        .collect()
}

#[test]
fn a_rewrite_that_holds_a_secret_is_not_in_the_log() {
    let secret = "session=ghp_26D8f53A383d7023F8821d949458Bf289C5b; region=eu";
    assert_eq!(codex_fixes(secret), Vec::<serde_json::Value>::new());
    let fixes = codex_fixes("application/json");
    let replacements = fixes[0][0]["artifactChanges"][0]["replacements"]
        .as_array()
        .unwrap();
    assert_eq!(replacements.len(), 1, "{fixes:?}");
    assert!(replacements[0].to_string().contains("application/json"));
}

#[test]
fn a_hostile_name_stays_in_its_place() {
    let [terminal, json, sarif, markdown, html, badge] = all(&hostile().scan());
    for report in [&terminal, &markdown, &html, &badge] {
        assert!(!report.contains(['\u{1b}', '\u{202e}']), "{report}");
        assert!(!report.contains("\n## @team"));
    }
    assert!(
        !html.contains("<script") && !markdown.contains("<script>")
            || markdown.matches("<script>").count() == markdown.matches("`a'").count()
    );
    assert!(!json.contains('\u{1b}') && !sarif.contains('\u{1b}'));
}

#[test]
fn the_page_loads_nothing() {
    let page = html(&Report::of(&example().scan()));
    assert!(
        page.contains("default-src 'none'")
            && !page.contains("<script")
            && !page.contains("src=")
            && !page.contains("url(")
    );
}

#[test]
fn json_names_agents_powers_and_paths() {
    let value = value(&json(&Report::of(&example().scan())));
    assert_eq!(value["version"], 1);
    let agent = &value["agents"][0];
    assert_eq!(agent["client"], "Cursor");
    assert_eq!(agent["path"]["steps"][2]["through"], "github");
    assert_eq!(agent["worst_case"].as_array().unwrap().len(), 3);
    let house = agent["powers"]
        .as_array()
        .unwrap()
        .iter()
        .find(|power| power["name"] == "house")
        .unwrap();
    assert_eq!(house["known_by"], "unknown");
}

/// Two repositories of one scan may have files of one name; one repository's files are named from its own top.
#[test]
fn files_of_several_repositories_have_names_of_their_own() {
    let tree = Tree::with("a/.mcp.json", &crate::tree::servers(&[("x", "npx x")]))
        .put("repo/b/.mcp.json", &crate::tree::servers(&[("x", "npx x")]));
    let named = |projects: &[&str]| {
        let roots = nucleus_scan::Roots {
            projects: projects.iter().map(|one| tree.at(one)).collect(),
            ..nucleus_scan::Roots::default()
        };
        let scan = nucleus_scan::scan(&roots, &nucleus_scan::Options::default());
        let mut names: Vec<String> = scan
            .files_seen
            .iter()
            .map(|one| one.shown.clone())
            .collect();
        names.sort();
        names
    };
    assert_eq!(named(&["repo/a", "repo/b"]), ["a/.mcp.json", "b/.mcp.json"]);
    assert_eq!(
        named(&["repo/a/.mcp.json", "repo/b"]),
        ["a/.mcp.json", "b/.mcp.json"]
    );
    assert_eq!(named(&["repo/a"]), [".mcp.json"]);
    assert_eq!(named(&["repo"]), ["a/.mcp.json", "b/.mcp.json"]);
}
