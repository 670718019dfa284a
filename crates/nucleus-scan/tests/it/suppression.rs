//! What takes a finding out of the count, and what does not.

use nucleus_scan::suppress::Baseline;
use nucleus_scan::{Finding, Options, Roots, Scan, scan};

use crate::tree::Tree;

fn with_comment(comment: &str) -> Tree {
    Tree::with(
        ".mcp.json",
        &format!(
            "{{\n  \"mcpServers\": {{\n    \"a\": {{\n      \"command\": \"npx\",\n      // {comment}\n      \"args\": [\"-y\", \"a@latest\"]\n    }}\n  }}\n}}\n"
        ),
    )
}

fn on(tree: &Tree, today: &str) -> Scan {
    scan(
        &Roots {
            projects: vec![tree.at("repo")],
            ..Roots::default()
        },
        &Options {
            today: today.to_owned(),
        },
    )
}

fn of<'a>(scan: &'a Scan, rule: &str) -> &'a Finding {
    scan.findings
        .iter()
        .find(|finding| finding.rule.0 == rule)
        .unwrap()
}

#[test]
fn a_comment_with_a_reason_suppresses_the_next_line() {
    let scan = on(
        &with_comment("nucleus-ignore unpinned-package: vendored by hand"),
        "2026-01-01",
    );
    assert_eq!(
        of(&scan, "unpinned-package")
            .suppressed
            .as_ref()
            .map(|by| by.reason.as_str()),
        Some("vendored by hand")
    );
}

#[test]
fn a_comment_without_a_reason_or_for_another_rule_suppresses_nothing() {
    for comment in [
        "nucleus-ignore unpinned-package",
        "nucleus-ignore unpinned-package:  ",
        "nucleus-ignore unpinned-image: reason",
    ] {
        assert_eq!(
            of(
                &on(&with_comment(comment), "2026-01-01"),
                "unpinned-package"
            )
            .suppressed,
            None,
            "{comment}"
        );
    }
}

#[test]
fn a_comment_counts_until_its_day_and_not_after() {
    let tree = with_comment("nucleus-ignore unpinned-package: for now until=2026-03-01");
    assert!(
        of(&on(&tree, "2026-03-01"), "unpinned-package")
            .suppressed
            .is_some()
    );
    let late = on(&tree, "2026-03-02");
    assert_eq!(of(&late, "unpinned-package").suppressed, None);
    assert_eq!(
        of(&late, "suppression-without-reason").severity.word(),
        "low"
    );
}

#[test]
fn a_baseline_suppresses_what_it_names_and_survives_a_move_within_the_file() {
    let tree = with_comment("plain");
    let baseline = Baseline::from_json(&Baseline::of(&on(&tree, ""), "known").to_json()).unwrap();
    let moved = Tree::with(
        ".mcp.json",
        "{\n\n\n  \"mcpServers\": { \"a\": { \"command\": \"npx\", \"args\": [\"-y\", \"a@latest\"] }, \"b\": { \"command\": \"npx\", \"args\": [\"b\"] } }\n}\n",
    );
    let mut scan = on(&moved, "");
    baseline.apply(&mut scan, "");
    let open: Vec<&str> = scan
        .findings
        .iter()
        .filter(|one| one.rule.0 == "unpinned-package" && one.suppressed.is_none())
        .filter_map(|one| one.agent.as_deref())
        .collect();
    assert_eq!(open, ["b"]);
}

#[test]
fn a_baseline_entry_needs_a_fingerprint_a_reason_and_a_real_date() {
    let entry = |fields: &str| format!(r#"{{"version": 1, "findings": [{{{fields}}}]}}"#);
    for bad in [
        r#""reason": "x""#,
        r#""fingerprint": "00", "rule": "r""#,
        r#""fingerprint": "00", "rule": "r", "reason": "x", "until": "soon""#,
    ] {
        assert!(Baseline::from_json(&entry(bad)).is_err(), "{bad}");
    }
    assert!(
        Baseline::from_json(&entry(
            r#""fingerprint": "00", "rule": "r", "reason": "x", "until": "2026-01-01""#
        ))
        .is_ok()
    );
    assert!(Baseline::from_json(r#"{"version": 2, "findings": []}"#).is_err());
    assert!(Baseline::from_json("[").is_err());
}

#[test]
fn an_entry_of_a_baseline_that_ran_out_suppresses_nothing() {
    let tree = with_comment("plain");
    let mut scan = on(&tree, "");
    let print = of(&scan, "unpinned-package").fingerprint.clone();
    let text = format!(
        r#"{{"version": 1, "findings": [{{"fingerprint": "{print}", "rule": "unpinned-package", "reason": "x", "until": "2026-01-01"}}]}}"#
    );
    let baseline = Baseline::from_json(&text).unwrap();
    baseline.apply(&mut scan, "2026-01-02");
    assert_eq!(of(&scan, "unpinned-package").suppressed, None);
    baseline.apply(&mut scan, "2026-01-01");
    assert!(of(&scan, "unpinned-package").suppressed.is_some());
}
