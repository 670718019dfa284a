//! The product's own `permissions.toml` means what the product says of it.

use nucleus_spec::{Source, parse_policy};
use portcullis::{Amount, Operation, Outcome};

use crate::requests::{commit, fetch, judge, on_path, push, run};

const README: &str = include_str!("../../../../corpus/permissions/good/01-product-readme.toml");

#[test]
fn the_product_example_reads_writes_edits_and_commits_in_the_workspace() {
    let policy = parse_policy(&Source::new("permissions.toml", README)).unwrap();
    let permitted = [
        on_path(Operation::ReadFiles, "src/main.rs"),
        on_path(Operation::WriteFiles, "src/main.rs"),
        on_path(Operation::EditFiles, "README.md"),
        commit("", "main"),
    ];
    for request in permitted {
        assert_eq!(
            judge(policy.envelope(), &request),
            Outcome::Permit,
            "{:?}",
            request.subject()
        );
    }
}

#[test]
fn the_product_example_asks_before_a_command() {
    let policy = parse_policy(&Source::new("permissions.toml", README)).unwrap();
    assert_eq!(
        judge(policy.envelope(), &run(&["cargo", "test"])),
        Outcome::NeedsApproval
    );
}

#[test]
fn the_product_example_denies_push_fetch_and_credentials() {
    let policy = parse_policy(&Source::new("permissions.toml", README)).unwrap();
    let denied = [
        push("https://example.com/a.git", "refs/heads/main"),
        run(&["git", "push", "origin", "main"]),
        fetch("GET", "docs.rs", 443, "/"),
        on_path(Operation::ReadFiles, ".env"),
        on_path(Operation::ReadFiles, "certs/server.pem"),
        on_path(Operation::GlobSearch, "src/main.rs"),
    ];
    for request in denied {
        assert_eq!(
            judge(policy.envelope(), &request),
            Outcome::Deny,
            "{:?}",
            request.subject()
        );
    }
}

#[test]
fn the_product_example_has_its_budget_and_hour() {
    let policy = parse_policy(&Source::new("permissions.toml", README)).unwrap();
    let budget = Amount {
        micro_usd: 2_000_000,
        input_tokens: 50_000,
        output_tokens: 5_000,
    };
    assert_eq!(
        (policy.envelope().maximum(), policy.envelope().window_ms()),
        (budget, 3_600_000)
    );
    assert_eq!(policy.warnings(), &[] as &[String]);
}
