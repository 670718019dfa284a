//! Each shipped profile grants what its sentences say and nothing else.

use nucleus_spec::{Source, parse_policy, print_policy, profile, profiles};
use portcullis::envelope::Envelope;
use portcullis::{Exposure, Operation, Outcome};

use crate::requests::{commit, fetch, judge, judge_in, on_path, one_of, push, run};

fn shipped(name: &str) -> Envelope {
    parse_policy(&profile(name).unwrap().source())
        .unwrap()
        .envelope()
        .clone()
}

#[test]
fn every_profile_of_the_product_is_shipped_under_both_spellings() {
    let names = [
        "read-only",
        "fix-issue",
        "restrictive",
        "code-review",
        "web-research",
        "full",
        "safe_pr_fixer",
        "doc_editor",
        "test_runner",
        "triage_bot",
        "codegen",
        "release",
        "research_web",
        "local_dev",
        "code_review",
        "read_only",
    ];
    for name in names {
        let (hyphen, underscore) = (name.replace('_', "-"), name.replace('-', "_"));
        let found = profile(name).unwrap();
        assert_eq!(profile(&hyphen).unwrap().name, found.name);
        assert_eq!(profile(&underscore).unwrap().name, found.name);
        assert!(names.contains(&found.name));
    }
    assert!(profile("fix issue").is_none());
}

#[test]
fn every_profile_stands_by_itself_and_says_whom_it_is_for() {
    for profile in profiles() {
        let policy = parse_policy(&profile.source()).unwrap();
        assert_eq!(policy.extends(), None);
        assert_eq!(policy.warnings(), &[] as &[String], "{}", profile.name);
        assert!(
            profile.sentence.ends_with('.') && profile.never.ends_with('.'),
            "{}",
            profile.name
        );
    }
}

/// What each operation meets in a fresh session: `+` permit, `?` approval, `-` deny; in the order of operations.
#[test]
fn outcomes_of_every_profile() {
    let table: String = profiles()
        .iter()
        .map(|profile| {
            let envelope = shipped(profile.name);
            let sign = |op| match judge(&envelope, &one_of(op, &envelope)) {
                Outcome::Permit => '+',
                Outcome::NeedsApproval => '?',
                Outcome::Deny => '-',
            };
            let signs: String = Operation::ALL.into_iter().map(sign).collect();
            format!("{signs} {}\n", profile.name)
        })
        .collect();
    insta::assert_snapshot!(table, @r"
    +++--------- read-only
    ++++++--+--- fix-issue
    +++??------- restrictive
    +++---?----- code-review
    +++---??---- web-research
    ++++++++++++ full
    ++++++-?+--- safe_pr_fixer
    +++??---+--- doc_editor
    +++--+------ test_runner
    +++----?---- triage_bot
    ++++++------ codegen
    ++++++--+??- release
    ++++++?++--- local_dev
    ");
}

#[test]
fn fix_issue_works_without_prompts_and_neither_pushes_nor_dials() {
    let envelope = shipped("fix-issue");
    let permitted = [
        on_path(Operation::ReadFiles, "tokenizer.rs"),
        on_path(Operation::WriteFiles, "src/new.rs"),
        on_path(Operation::EditFiles, "src/main.rs"),
        run(&["bash", "-lc", "cargo test 2>&1 | tail -50"]),
        run(&["python3", "-m", "pytest"]),
        commit("", "fix/issue-7"),
        run(&["git", "commit", "-m", "fix"]),
    ];
    for request in permitted {
        assert_eq!(
            judge_in(&envelope, &request, Exposure::TRIFECTA),
            Outcome::Permit,
            "{:?}",
            request.subject()
        );
    }
    let denied = [
        push("https://example.com/a.git", "refs/heads/main"),
        run(&["git", "push"]),
        run(&["gh", "pr", "create"]),
        fetch("GET", "docs.rs", 443, "/"),
        on_path(Operation::ReadFiles, ".env"),
        on_path(Operation::WriteFiles, "deploy/server.key"),
    ];
    for request in denied {
        assert_eq!(
            judge(&envelope, &request),
            Outcome::Deny,
            "{:?}",
            request.subject()
        );
    }
    assert_eq!(
        judge(
            &envelope,
            &on_path(Operation::WriteFiles, ".git/hooks/pre-commit")
        ),
        Outcome::NeedsApproval
    );
}

#[test]
fn full_is_still_held_by_the_flow_rules() {
    let envelope = shipped("full");
    let request = push("https://example.com/a.git", "refs/heads/main");
    assert_eq!(judge(&envelope, &request), Outcome::Permit);
    let both = Exposure::PRIVATE.join(Exposure::UNTRUSTED);
    assert_eq!(judge_in(&envelope, &request, both), Outcome::NeedsApproval);
    assert_eq!(
        judge(&envelope, &on_path(Operation::ReadFiles, "id_rsa")),
        Outcome::Deny
    );
}

#[test]
fn a_policy_that_only_extends_is_the_profile() {
    for profile in profiles() {
        let text = format!("extends = \"{}\"", profile.name);
        let policy = parse_policy(&Source::new("p.toml", text)).unwrap();
        assert_eq!(policy.extends(), Some(profile.name));
        assert_eq!(
            print_policy(policy.envelope()),
            print_policy(&shipped(profile.name))
        );
    }
}

#[test]
fn a_stated_key_replaces_the_profiles_and_the_rest_stays() {
    let text = "extends = \"doc_editor\"\n[capabilities]\ngit_commit = \"never\"\n[paths]\nlisted = [\"wiki/**\"]";
    let envelope = parse_policy(&Source::new("p.toml", text))
        .unwrap()
        .envelope()
        .clone();
    assert_eq!(
        judge(&envelope, &on_path(Operation::WriteFiles, "wiki/a.txt")),
        Outcome::Permit
    );
    assert_eq!(
        judge(&envelope, &on_path(Operation::WriteFiles, "docs/a.md")),
        Outcome::NeedsApproval
    );
    assert_eq!(judge(&envelope, &commit("", "main")), Outcome::Deny);
    assert_eq!(
        judge(&envelope, &on_path(Operation::ReadFiles, "src/main.rs")),
        Outcome::Permit
    );
}

/// What the `never` sentences promise: the phrase and the operations it speaks of.
static PROMISES: &[(&str, &[Operation])] = &[
    (
        "change a file",
        &[Operation::WriteFiles, Operation::EditFiles],
    ),
    ("run a command", &[Operation::RunBash]),
    ("reach", &[Operation::WebSearch, Operation::WebFetch]),
    ("fetch", &[Operation::WebFetch]),
    ("search the web", &[Operation::WebSearch]),
    ("commit", &[Operation::GitCommit]),
    ("push", &[Operation::GitPush]),
    ("open a pull request", &[Operation::CreatePr]),
];

#[test]
fn each_profile_keeps_what_it_promises_never_to_do() {
    let mut kept = 0;
    for profile in profiles().iter().filter(|profile| profile.name != "full") {
        let envelope = shipped(profile.name);
        for part in profile
            .never
            .to_lowercase()
            .trim_end_matches('.')
            .split(", ")
        {
            let promised = PROMISES.iter().filter(|(phrase, _)| part.contains(phrase));
            let expected = if part.contains("without an approval") {
                Outcome::NeedsApproval
            } else {
                Outcome::Deny
            };
            for op in promised.flat_map(|(_, operations)| *operations) {
                assert_eq!(
                    judge(&envelope, &one_of(*op, &envelope)),
                    expected,
                    "{}: {part}",
                    profile.name
                );
                kept += 1;
            }
            if part.contains("credential files") {
                assert_eq!(
                    judge(
                        &envelope,
                        &on_path(Operation::ReadFiles, "certs/server.pem")
                    ),
                    Outcome::Deny
                );
                kept += 1;
            }
        }
    }
    assert!(
        kept > 50,
        "the phrases no longer match the sentences: {kept}"
    );
}

/// Daily reading asks nobody, whatever was read before; anything else there asks.
#[test]
fn local_dev_reads_packages_forges_and_documentation_without_prompts() {
    let mirror = nucleus_spec::Registry::new("mirror.example").unwrap();
    let groups = nucleus_spec::Groups::with_registries(vec![mirror]);
    let source = profile("local_dev").unwrap().source();
    let policy = nucleus_spec::parse_policy_with(&source, &groups).unwrap();
    let judged = |request| judge_in(policy.envelope(), &request, Exposure::TRIFECTA);
    for request in [
        fetch("GET", "mirror.example", 443, "/index/se/rd/serde"),
        fetch("GET", "docs.rs", 443, "/serde/latest/serde/"),
        fetch("GET", "github.com", 443, "/a/b/info/refs"),
        fetch("POST", "github.com", 443, "/a/b.git/git-upload-pack"),
        fetch("POST", "gitlab.com", 443, "/a/b/c.git/git-upload-pack"),
    ] {
        assert_eq!(
            judged(request.clone()),
            Outcome::Permit,
            "{:?}",
            request.subject()
        );
    }
    for request in [
        fetch("PUT", "mirror.example", 443, "/index"),
        fetch("POST", "mirror.example", 443, "/index"),
        fetch("POST", "docs.rs", 443, "/serde"),
        fetch("POST", "github.com", 443, "/a/b/issues"),
        fetch("GET", "elsewhere.example", 443, "/"),
    ] {
        assert_eq!(
            judged(request.clone()),
            Outcome::NeedsApproval,
            "{:?}",
            request.subject()
        );
    }
    let push = judged(fetch(
        "POST",
        "github.com",
        443,
        "/a/b.git/git-receive-pack",
    ));
    assert_eq!(push, Outcome::Deny);
}
