//! Each word of the policy language alone changes an outcome; the table has every key that the parser knows.

use nucleus_spec::{Source, declared_keys, parse_policy};
use portcullis::envelope::Envelope;
use portcullis::session::{Answer, Event, SessionState, step};
use portcullis::verdict::{Reasons, SubjectFacts};
use portcullis::{Amount, Exposure, Operation, OperationSet, Outcome};

use crate::requests::{
    commit, dial, envelope, fetch, judge, judge_in, on_path, one_of, pull_request, push, run,
    search, tool,
};

/// Two policies that differ in one word, and what they answer to the same question.
struct Case {
    /// The key, as the parser declares it.
    key: &'static str,
    without: &'static str,
    with: &'static str,
    ask: fn(&Envelope) -> String,
    answers: [&'static str; 2],
}

const fn case(
    key: &'static str,
    without: &'static str,
    with: &'static str,
    ask: fn(&Envelope) -> String,
    answers: [&'static str; 2],
) -> Case {
    Case {
        key,
        without,
        with,
        ask,
        answers,
    }
}

fn say(outcome: Outcome) -> String {
    outcome.name().to_owned()
}

fn read(envelope: &Envelope, path: &str) -> String {
    say(judge(envelope, &on_path(Operation::ReadFiles, path)))
}

/// Whether a request of this cost is permitted in a session that is this old.
fn spend(envelope: &Envelope, cost: Amount, age_ms: u64) -> String {
    let state = SessionState::start(
        envelope.posture(),
        envelope.maximum(),
        1_000,
        envelope.window_ms(),
    );
    let (state, _) = step(state, Event::Clock(1_000 + age_ms));
    let read = OperationSet::of(Operation::ReadFiles);
    let facts = SubjectFacts {
        operations: read,
        listed: read,
        ..SubjectFacts::default()
    };
    match step(
        state,
        Event::Request {
            facts,
            cost,
            shown: Reasons::NONE,
        },
    )
    .1
    {
        Answer::Judged { outcome, .. } => say(outcome),
        other => format!("{other:?}"),
    }
}

fn input(tokens: u64) -> Amount {
    Amount {
        input_tokens: tokens,
        ..Amount::ZERO
    }
}

fn output(tokens: u64) -> Amount {
    Amount {
        output_tokens: tokens,
        ..Amount::ZERO
    }
}

/// The labels that a permitted fetch leaves in the session, and whether it may follow a private read.
fn fetch_after_private(envelope: &Envelope, path: &str) -> String {
    say(judge_in(
        envelope,
        &fetch("GET", "docs.rs", 443, path),
        Exposure::PRIVATE,
    ))
}

const URL: &str = "https://example.com/a.git";
const PUSH: &str = "[capabilities]\ngit_push = \"low_risk\"\n[git]\nremotes = [{ url = \"https://example.com/a.git\", refs = [\"topic\"] }]";

#[rustfmt::skip]
static CASES: &[Case] = &[
    case("extends", "version = 1", "extends = \"read-only\"", |e| read(e, "a.rs"), ["deny", "permit"]),
    case("obligations.approvals", "[capabilities]\nread_files = \"always\"",
        "[capabilities]\nread_files = \"always\"\n[obligations]\napprovals = [\"read_files\"]", |e| read(e, "a.rs"), ["permit", "needs_approval"]),
    case("budget.max_cost_usd", "[capabilities]\nread_files = \"always\"", "[capabilities]\nread_files = \"always\"\n[budget]\nmax_cost_usd = 0.000001",
        |e| spend(e, Amount::of_micro_usd(2), 0), ["permit", "deny"]),
    case("budget.max_input_tokens", "[capabilities]\nread_files = \"always\"", "[capabilities]\nread_files = \"always\"\n[budget]\nmax_input_tokens = 9",
        |e| spend(e, input(10), 0), ["permit", "deny"]),
    case("budget.max_output_tokens", "[capabilities]\nread_files = \"always\"", "[capabilities]\nread_files = \"always\"\n[budget]\nmax_output_tokens = 9",
        |e| spend(e, output(10), 0), ["permit", "deny"]),
    case("time.valid_hours", "[capabilities]\nread_files = \"always\"", "[capabilities]\nread_files = \"always\"\n[time]\nvalid_hours = 0.5",
        |e| spend(e, Amount::ZERO, 1_800_001), ["permit", "deny"]),
    case("paths.listed", "[capabilities]\nread_files = \"low_risk\"", "[capabilities]\nread_files = \"low_risk\"\n[paths]\nlisted = [\"src/**\"]",
        |e| read(e, "docs/a.md"), ["permit", "needs_approval"]),
    case("paths.blocked", "[capabilities]\nread_files = \"always\"", "[capabilities]\nread_files = \"always\"\n[paths]\nblocked = [\"docs/**\"]",
        |e| read(e, "docs/a.md"), ["permit", "deny"]),
    case("paths.credential_files", "[capabilities]\nread_files = \"always\"", "[capabilities]\nread_files = \"always\"\n[paths]\ncredential_files = []",
        |e| read(e, ".env"), ["deny", "permit"]),
    case("paths.public", "[capabilities]\nread_files = \"always\"", "[capabilities]\nread_files = \"always\"\n[paths]\npublic = [\"docs/**\"]",
        |e| format!("{}", portcullis::facts::facts(e, &on_path(Operation::ReadFiles, "docs/a.md")).sources), ["private_data", "none"]),
    case("commands.listed", "[capabilities]\nrun_bash = \"low_risk\"", "[capabilities]\nrun_bash = \"low_risk\"\n[commands]\nlisted = [\"terraform plan\"]",
        |e| say(judge(e, &run(&["terraform", "plan"]))), ["needs_approval", "permit"]),
    case("commands.blocked", "[capabilities]\nrun_bash = \"always\"", "[capabilities]\nrun_bash = \"always\"\n[commands]\nblocked = [\"terraform apply\"]",
        |e| say(judge(e, &run(&["terraform", "apply"]))), ["permit", "deny"]),
    case("network.hosts", "[capabilities]\nweb_fetch = \"low_risk\"", "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\nhosts = [\"docs.rs\"]",
        |e| say(judge(e, &fetch("GET", "docs.rs", 443, "/"))), ["needs_approval", "permit"]),
    case("network.blocked", "[capabilities]\nweb_fetch = \"low_risk\"", "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\nblocked = [\"docs.rs\"]",
        |e| say(judge(e, &fetch("GET", "docs.rs", 443, "/"))), ["needs_approval", "deny"]),
    case("network.groups", "[capabilities]\nweb_fetch = \"low_risk\"", "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\ngroups = [\"documentation\"]",
        |e| fetch_after_private(e, "/serde"), ["needs_approval", "permit"]),
    case("network.hosts.inspect", "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\nhosts = [{ host = \"docs.rs\" }]",
        "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\nhosts = [{ host = \"docs.rs\", inspect = true }]",
        |e| say(judge(e, &dial("docs.rs", 443))), ["permit", "needs_approval"]),
    case("network.hosts.host", "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\nhosts = [{ host = \"crates.io\" }]",
        "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\nhosts = [{ host = \"docs.rs\" }]",
        |e| say(judge(e, &fetch("GET", "docs.rs", 443, "/"))), ["needs_approval", "permit"]),
    case("network.hosts.port", "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\nhosts = [{ host = \"docs.rs\" }]",
        "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\nhosts = [{ host = \"docs.rs\", port = 8443 }]",
        |e| say(judge(e, &fetch("GET", "docs.rs", 8443, "/"))), ["needs_approval", "permit"]),
    case("network.hosts.methods", "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\nhosts = [{ host = \"docs.rs\", trust = true }]",
        "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\nhosts = [{ host = \"docs.rs\", trust = true, methods = [\"GET\"] }]",
        |e| say(judge(e, &fetch("OPTIONS", "docs.rs", 443, "/"))), ["permit", "needs_approval"]),
    case("network.hosts.paths", "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\nhosts = [{ host = \"docs.rs\" }]",
        "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\nhosts = [{ host = \"docs.rs\", paths = [\"/serde/**\"] }]",
        |e| say(judge(e, &fetch("GET", "docs.rs", 443, "/tokio"))), ["permit", "needs_approval"]),
    case("network.hosts.trust", "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\nhosts = [{ host = \"docs.rs\" }]",
        "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\nhosts = [{ host = \"docs.rs\", trust = true }]",
        |e| fetch_after_private(e, "/"), ["needs_approval", "permit"]),
    case("network.hosts.sink", "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\nhosts = [{ host = \"docs.rs\", methods = [\"GET\"], paths = [\"/**\"] }]",
        "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\nhosts = [{ host = \"docs.rs\", methods = [\"GET\"], paths = [\"/**\"], sink = false }]",
        |e| fetch_after_private(e, "/serde"), ["needs_approval", "permit"]),
    case("git.repositories", "[capabilities]\ngit_commit = \"low_risk\"", "[capabilities]\ngit_commit = \"low_risk\"\n[git]\nrepositories = [\"vendor/lib\"]",
        |e| say(judge(e, &commit("vendor/lib", "main"))), ["needs_approval", "permit"]),
    case("git.branches", "[capabilities]\ngit_commit = \"low_risk\"", "[capabilities]\ngit_commit = \"low_risk\"\n[git]\nbranches = [\"topic/*\"]",
        |e| say(judge(e, &commit("", "main"))), ["permit", "needs_approval"]),
    case("git.blocked_branches", "[capabilities]\ngit_commit = \"low_risk\"", "[capabilities]\ngit_commit = \"low_risk\"\n[git]\nblocked_branches = [\"main\"]",
        |e| say(judge(e, &commit("", "main"))), ["permit", "deny"]),
    case("git.remotes", "[capabilities]\ngit_push = \"low_risk\"", PUSH,
        |e| say(judge(e, &push(URL, "refs/heads/topic"))), ["needs_approval", "permit"]),
    case("git.remotes.url", PUSH, "[capabilities]\ngit_push = \"low_risk\"\n[git]\nremotes = [{ url = \"https://example.com/b.git\", refs = [\"topic\"] }]",
        |e| say(judge(e, &push(URL, "refs/heads/topic"))), ["permit", "needs_approval"]),
    case("git.remotes.refs", PUSH, "[capabilities]\ngit_push = \"low_risk\"\n[git]\nremotes = [{ url = \"https://example.com/a.git\", refs = [\"main\"] }]",
        |e| say(judge(e, &push(URL, "refs/heads/topic"))), ["permit", "needs_approval"]),
    case("git.forge", "version = 1", "[git]\nforge = \"https://api.github.com\"",
        |e| e.declarations().forges.holds(|own| own.matches("https://api.github.com")).to_string(), ["false", "true"]),
    case("git.credential", "version = 1", "[git]\ncredential = \"github\"",
        |e| e.declarations().credentials.holds(|own| own.matches("github")).to_string(), ["false", "true"]),
    case("model.provider", "version = 1", "[model]\nprovider = \"anthropic\"",
        |e| e.declarations().models.holds(|own| own.matches("openai/any")).to_string(), ["true", "false"]),
    case("model.account", "[model]\nprovider = \"anthropic\"", "[model]\nprovider = \"anthropic\"\naccount = \"team\"",
        |e| e.declarations().models.holds(|own| own.matches("anthropic/other")).to_string(), ["true", "false"]),
    case("tools.listed", "[capabilities]\nread_files = \"low_risk\"\n[tools]\nblocked = []", "[capabilities]\nread_files = \"low_risk\"\n[tools]\nblocked = []\nlisted = [\"files/read\"]",
        |e| say(judge(e, &tool("files", "read"))), ["needs_approval", "permit"]),
    case("tools.blocked", "[capabilities]\nread_files = \"low_risk\"\n[tools]\nlisted = \"everything\"", "[capabilities]\nread_files = \"low_risk\"\n[tools]\nlisted = \"everything\"\nblocked = [\"files/*\"]",
        |e| say(judge(e, &tool("files", "read"))), ["permit", "deny"]),
    case("tools.listed", "[capabilities]\nread_files = \"always\"", "[capabilities]\nread_files = \"always\"\n[tools]\nlisted = [\"files/read\"]",
        |e| say(judge(e, &tool("files", "read"))), ["deny", "permit"]),
    case("flow.mode", "[capabilities]\nweb_search = \"low_risk\"\n[network]\nhosts = [\"search.example.com\"]",
        "[capabilities]\nweb_search = \"low_risk\"\n[network]\nhosts = [\"search.example.com\"]\n[flow]\nmode = \"strict\"",
        |e| say(judge(e, &search())), ["permit", "needs_approval"]),
    case("flow.trifecta", "[capabilities]\nread_files = \"always\"\nweb_search = \"low_risk\"\n[network]\nhosts = [\"search.example.com\"]",
        "[capabilities]\nread_files = \"always\"\nweb_search = \"low_risk\"\n[network]\nhosts = [\"search.example.com\"]\n[flow]\ntrifecta = \"capability\"",
        |e| say(judge(e, &search())), ["permit", "needs_approval"]),
    case("flow.workspace", "[capabilities]\nread_files = \"always\"", "[capabilities]\nread_files = \"always\"\n[flow]\nworkspace = \"untrusted\"",
        |e| format!("{}", portcullis::facts::facts(e, &on_path(Operation::ReadFiles, "a.rs")).sources), ["private_data", "private_data + untrusted_content"]),
    case("jail.unix_sockets", "version = 1", "[jail]\nunix_sockets = \"private\"", |e| e.declarations().unix_sockets.to_string(), ["false", "true"]),
    case("jail.environment", "version = 1", "[jail]\nenvironment = [\"RUST_LOG\"]",
        |e| e.declarations().environment.holds(|own| own.matches("RUST_LOG")).to_string(), ["false", "true"]),
    case("jail.views", "version = 1", "[jail]\nviews = [\"/opt/tools\"]",
        |e| e.declarations().host_views.holds(|own| own.matches("/opt/tools")).to_string(), ["false", "true"]),
];

/// Keys that decide nothing, each with its reason.
static IDLE: &[(&str, &str)] = &[
    ("version", "only `1` parses"),
    ("profile.sentence", "says whom the policy is for"),
    ("profile.never", "says what it never does"),
    (
        "flow.landing",
        "`direct` is the default and `review` is refused",
    ),
    ("network.hosts.max_request_bytes", "refused"),
    ("network.hosts.max_response_bytes", "refused"),
    ("network.limits", "counted by the proxy beside the envelope"),
    ("network.limits.host", "as `network.limits`"),
    ("network.limits.max_requests", "as `network.limits`"),
    ("network.limits.max_request_bytes", "as `network.limits`"),
    ("network.limits.max_response_bytes", "as `network.limits`"),
    ("network.limits.max_url_bytes", "as `network.limits`"),
    (
        "credentials.bindings",
        "kept beside the envelope: `bound_secrets_are_kept_beside_the_envelope`",
    ),
    ("credentials.use", "as `credentials.bindings`"),
    ("credentials.bindings.name", "as `credentials.bindings`"),
    ("credentials.bindings.env", "as `credentials.bindings`"),
    ("credentials.bindings.file", "as `credentials.bindings`"),
    ("credentials.bindings.keyring", "as `credentials.bindings`"),
    ("credentials.bindings.command", "as `credentials.bindings`"),
    ("credentials.bindings.hosts", "as `credentials.bindings`"),
    ("credentials.bindings.methods", "as `credentials.bindings`"),
    ("credentials.bindings.paths", "as `credentials.bindings`"),
    ("credentials.bindings.header", "as `credentials.bindings`"),
    ("credentials.bindings.scheme", "as `credentials.bindings`"),
    ("credentials.bindings.user", "as `credentials.bindings`"),
    ("credentials.bindings.query", "refused"),
    (
        "registries.pinned",
        "kept beside the envelope: `pinned_holds_when_any_policy_says_so`",
    ),
];

#[test]
fn each_word_alone_changes_an_outcome() {
    for case in CASES {
        let answers = [
            (case.ask)(&envelope(case.without)),
            (case.ask)(&envelope(case.with)),
        ];
        assert_eq!(answers, case.answers, "{}", case.key);
        assert_ne!(case.answers[0], case.answers[1], "{}", case.key);
    }
}

#[test]
fn each_level_of_each_operation_changes_its_outcome() {
    for op in Operation::ALL {
        let outcome = |level: &str| {
            let nothing = "[paths]\nlisted = [\"none\"]\n[commands]\nlisted = [\"none\"]\n[network]\nhosts = [\"none.example.com\"]\n\
                           [git]\nbranches = [\"none\"]\nremotes = [{ url = \"https://example.com/none\", refs = [\"none\"] }]";
            let envelope = envelope(&format!("[capabilities]\n{op} = \"{level}\"\n{nothing}"));
            judge(&envelope, &one_of(op, &envelope))
        };
        assert_eq!(outcome("never"), Outcome::Deny, "{op}");
        assert_eq!(outcome("low_risk"), Outcome::NeedsApproval, "{op}");
        assert_eq!(outcome("always"), Outcome::Permit, "{op}");
    }
}

#[test]
fn the_table_has_every_key_that_the_parser_knows() {
    let is_tested = |key: &str| CASES.iter().any(|case| case.key == key);
    let is_idle = |key: &str| IDLE.iter().any(|(idle, _)| *idle == key);
    let is_level = |key: &str| {
        key.strip_prefix("capabilities.")
            .is_some_and(|name| Operation::from_name(name).is_some())
    };
    for key in declared_keys() {
        assert!(
            is_tested(&key) ^ is_idle(&key) ^ is_level(&key),
            "`{key}` is in no table, or in two"
        );
    }
}

#[test]
fn blocked_branches_bind_pushes_and_pull_requests_too() {
    let policy = |blocked: &str| {
        envelope(&format!(
            "[capabilities]\ngit_push = \"always\"\ncreate_pr = \"always\"\n[git]\nremotes = \"everything\"\nblocked_branches = [{blocked}]"
        ))
    };
    for request in [
        push(URL, "refs/heads/main"),
        pull_request(URL, "refs/heads/main"),
    ] {
        assert_eq!(judge(&policy(""), &request), Outcome::Permit);
        assert_eq!(judge(&policy("\"main\""), &request), Outcome::Deny);
    }
}

#[test]
fn a_blocked_route_blocks_what_cannot_be_inspected() {
    let listed = "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\nhosts = [\"docs.rs\"]\n";
    let blocked = "blocked = [{ host = \"docs.rs\", paths = [\"/private/**\"] }]";
    let (open, narrowed) = (envelope(listed), envelope(&format!("{listed}{blocked}")));
    let route = |path| fetch("GET", "docs.rs", 443, path);
    assert_eq!(judge(&open, &dial("docs.rs", 443)), Outcome::Permit);
    assert_eq!(judge(&narrowed, &dial("docs.rs", 443)), Outcome::Deny);
    assert_eq!(judge(&narrowed, &route("/private/a")), Outcome::Deny);
    assert_eq!(judge(&narrowed, &route("/serde")), Outcome::Permit);
}

#[test]
fn a_listing_that_limits_nothing_is_warned_of() {
    let warnings = |text: &str| {
        parse_policy(&Source::new("p.toml", text))
            .unwrap()
            .warnings()
            .to_vec()
    };
    let idle =
        warnings("[capabilities]\nrun_bash = \"always\"\n[commands]\nlisted = [\"cargo test\"]");
    assert_eq!(
        idle,
        ["[commands] `listed` limits nothing: no operation of it is `low_risk`"]
    );
    let used =
        warnings("[capabilities]\nrun_bash = \"low_risk\"\n[commands]\nlisted = [\"cargo test\"]");
    assert_eq!(used, [] as [String; 0]);
}

#[test]
fn reserved_words_are_refused() {
    let reserved = ["[flow]\nlanding = \"review\""];
    for text in reserved {
        let error = parse_policy(&Source::new("p.toml", text))
            .map(drop)
            .expect_err(text);
        assert!(error.help().contains("not built yet"), "{text}: {error:?}");
    }
    assert!(parse_policy(&Source::new("p.toml", "[flow]\nlanding = \"direct\"")).is_ok());
    for field in ["max_request_bytes", "max_response_bytes"] {
        let text = format!("[network]\nhosts = [{{ host = \"a.example\", {field} = 1 }}]");
        let error = parse_policy(&Source::new("p.toml", text.as_str()))
            .map(drop)
            .expect_err(&text);
        assert!(error.help().contains("`limits`"), "{error:?}");
    }
}
