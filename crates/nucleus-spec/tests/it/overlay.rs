//! A project file only tightens, for every policy above it.

use nucleus_spec::{Source, parse_overlay, parse_policy, profiles};
use portcullis::{Operation, Outcome};
use proptest::prelude::*;

use crate::corpus::texts;
use crate::requests::{envelope, fetch, judge, on_path, one_of};

fn over(base: &str, text: &str) -> Result<portcullis::envelope::Envelope, nucleus_spec::SpecError> {
    parse_overlay(&Source::new("project.toml", text), &envelope(base))
}

#[test]
fn an_empty_project_file_changes_nothing() {
    for profile in profiles() {
        let base = parse_policy(&profile.source()).unwrap();
        let met = parse_overlay(&Source::new("p.toml", ""), base.envelope()).unwrap();
        assert_eq!(&met, base.envelope(), "{}", profile.name);
    }
}

#[test]
fn the_same_declaration_is_accepted_where_the_policy_has_it() {
    let base = "[capabilities]\nweb_fetch = \"low_risk\"\nread_files = \"always\"\n[obligations]\napprovals = []\n\
                [network]\nhosts = [{ host = \"docs.rs\", methods = [\"GET\"], paths = [\"/**\"], trust = true, sink = false }]\n\
                [paths]\npublic = [\"docs/**\"]\n[jail]\nunix_sockets = \"private\"\nenvironment = [\"CI\"]\nviews = [\"/opt/x\"]\n\
                [git]\nforge = \"https://api.github.com\"\ncredential = \"github\"\n[model]\nprovider = \"anthropic\"";
    let same = "[network]\nhosts = [{ host = \"docs.rs\", methods = [\"GET\"], paths = [\"/**\"], trust = true, sink = false }]\n\
                [paths]\npublic = [\"docs/guide/**\"]\n[jail]\nunix_sockets = \"private\"\nenvironment = [\"CI\"]\nviews = [\"/opt/x\"]\n\
                [git]\nforge = \"https://api.github.com\"\ncredential = \"github\"\n[model]\nprovider = \"anthropic\"\naccount = \"a\"";
    let met = over(base, same).unwrap();
    assert_eq!(
        judge(&met, &fetch("GET", "docs.rs", 443, "/serde")),
        Outcome::Permit
    );
    assert!(met.declarations().unix_sockets);
}

#[test]
fn narrow_words_of_the_policy_cannot_be_widened() {
    let base = "[flow]\nmode = \"strict\"\ntrifecta = \"capability\"\nworkspace = \"untrusted\"\n[obligations]\napprovals = [\"run_bash\"]\n\
                [model]\nprovider = \"anthropic\"\naccount = \"team\"\n[commands]\nblocked = [\"curl\"]\n\
                [network]\nblocked = [\"a.example\"]\n[git]\nblocked_branches = [\"main\"]";
    let wider = [
        "[flow]\nmode = \"default\"",
        "[flow]\ntrifecta = \"exposure\"",
        "[flow]\nworkspace = \"trusted\"",
        "[obligations]\napprovals = []",
        "[model]\nprovider = \"openai\"",
        "[model]\nprovider = \"anthropic\"\naccount = \"other\"",
        "[commands]\nblocked = []",
        "[network]\nblocked = []",
        "[git]\nblocked_branches = []",
    ];
    for text in wider {
        let error = over(base, text).map(drop).expect_err(text);
        assert!(error.line() > 1, "{text}: {error:?}");
    }
    assert!(over(base, "[flow]\nmode = \"strict\"\nworkspace = \"untrusted\"").is_ok());
}

#[test]
fn a_wider_trust_than_the_policys_is_refused() {
    let base = "[network]\nhosts = [{ host = \"docs.rs\", methods = [\"GET\"], trust = true }]";
    assert!(
        over(
            base,
            "[network]\nhosts = [{ host = \"docs.rs\", trust = true }]"
        )
        .is_err()
    );
    assert!(over(base, "[network]\nhosts = [{ host = \"docs.rs\", methods = [\"GET\", \"POST\"], trust = true }]").is_err());
    let elsewhere = ["docs.rs:8443", "crates.io", "*.docs.rs"];
    for host in elsewhere {
        let text = format!(
            "[network]\nhosts = [{{ host = \"{host}\", methods = [\"GET\"], trust = true }}]"
        );
        assert!(over(base, &text).is_err(), "{host}");
    }
    let narrower = "[network]\nhosts = [{ host = \"docs.rs\", methods = [\"GET\"], paths = [\"/serde/**\"], trust = true }]";
    assert!(over(base, narrower).is_ok());
}

#[test]
fn a_listing_narrows_only_what_is_not_always() {
    let base = "[capabilities]\nread_files = \"always\"\nwrite_files = \"low_risk\"";
    let met = over(base, "[paths]\nlisted = [\"src/**\"]").unwrap();
    let outcome = |op, path| judge(&met, &on_path(op, path));
    assert_eq!(outcome(Operation::ReadFiles, "docs/a.md"), Outcome::Permit);
    assert_eq!(
        outcome(Operation::WriteFiles, "docs/a.md"),
        Outcome::NeedsApproval
    );
    assert_eq!(outcome(Operation::WriteFiles, "src/a.rs"), Outcome::Permit);
}

fn project() -> impl Strategy<Value = String> {
    let level = prop_oneof![Just("never"), Just("low_risk"), Just("always")];
    let levels = proptest::collection::btree_map(0_usize..12, level, 0..6);
    let section = prop_oneof![
        Just(""),
        Just("[paths]\nlisted = [\"src/**\"]\nblocked = [\"vendor/**\"]"),
        Just("[commands]\nlisted = [\"cargo test\"]"),
        Just("[network]\nhosts = [\"docs.rs\"]"),
        Just("[git]\nbranches = [\"topic/*\"]"),
        Just("[budget]\nmax_cost_usd = 0.5"),
        Just("[flow]\nmode = \"strict\""),
        Just("[jail]\nenvironment = []"),
    ];
    (levels, section).prop_map(|(levels, section)| {
        let lines: String = levels
            .iter()
            .map(|(op, level)| format!("{} = \"{level}\"\n", Operation::ALL[*op].name()))
            .collect();
        format!("[capabilities]\n{lines}{section}")
    })
}

proptest! {
    #[test]
    fn a_project_file_never_widens(text in project(), at in 0_usize..13) {
        let base = parse_policy(&profiles()[at].source()).unwrap();
        if let Ok(met) = parse_overlay(&Source::new("p.toml", text.clone()), base.envelope()) {
            prop_assert!(met.leq(base.envelope()), "{}", text);
            for op in Operation::ALL {
                let request = one_of(op, base.envelope());
                prop_assert!(judge(&met, &request) <= judge(base.envelope(), &request), "{} {}", op, text);
            }
        }
    }
}

#[test]
fn good_policies_as_project_files_are_refused_or_narrower() {
    for profile in profiles() {
        let base = parse_policy(&profile.source()).unwrap();
        for (name, text) in texts("good") {
            if let Ok(met) = parse_overlay(&Source::new(&name, text), base.envelope()) {
                assert!(met.leq(base.envelope()), "{name} over {}", profile.name);
            }
        }
    }
}
