//! The kept record of bugs that were planted without a law in mind: what is said of it is what it holds.

use std::path::Path;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    bug: Vec<Bug>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bug {
    file: String,
    what: String,
    /// `drawn` from the mutants of a tool, or `written` by hand.
    kind: String,
    /// 1 for those by which evidence was added, 2 for those held out until it was there, 3 for those drawn after that.
    round: u8,
    /// Which part noticed it when it was first planted; empty where none did.
    first: String,
    /// Which part notices it now; empty where none does.
    now: String,
    /// Why nobody can notice it: it changes nothing that can be seen.
    #[serde(default)]
    same: String,
}

impl Bug {
    fn is_noticed_at_first(&self) -> bool {
        !self.first.is_empty()
    }
}

#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
fn record() -> Vec<Bug> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proofs/sabotage/measured.toml");
    toml::from_str::<Record>(&std::fs::read_to_string(file).unwrap()).unwrap().bug
}

/// Those of a round that could be noticed, and how many of them were when first planted.
fn counted(round: u8) -> (usize, usize) {
    let bugs = record();
    let all: Vec<_> = bugs.iter().filter(|bug| bug.round == round && bug.same.is_empty()).collect();
    (all.len(), all.iter().filter(|bug| bug.is_noticed_at_first()).count())
}

#[test]
fn of_bugs_held_out_or_drawn_later_at_least_95_in_100_are_noticed() {
    let (held_out, later) = (counted(2), counted(3));
    let (all, noticed) = (held_out.0 + later.0, held_out.1 + later.1);
    assert!(all >= 40 && noticed * 100 >= all * 95, "{noticed} of {all}");
}

#[test]
fn the_page_says_what_the_record_holds() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/assurance/formal-methods.md");
    let page = std::fs::read_to_string(page).unwrap();
    for round in [1, 2, 3] {
        let (all, noticed) = counted(round);
        assert!(page.contains(&format!("{noticed} of {all}")), "round {round}: {noticed} of {all}");
    }
}

#[test]
fn every_bug_is_noticed_now_or_changes_nothing() {
    let parts = ["laws", "tests", "difftest", "prover"];
    for bug in record() {
        let known = |part: &str| part.is_empty() || parts.contains(&part);
        assert!(known(&bug.first) && known(&bug.now) && matches!(&*bug.kind, "drawn" | "written"), "{}", bug.what);
        assert!(!bug.is_noticed_at_first() || bug.now == bug.first, "{}: {}", bug.file, bug.what);
        assert_eq!(bug.now.is_empty(), !bug.same.is_empty(), "{}: {}", bug.file, bug.what);
    }
}
