//! Makes random envelopes, requests and events that are well formed.

use portcullis::command::{ArgPattern, CommandPattern};
use portcullis::glob::PathPattern;
use portcullis::host::{Host, HostPattern, HostRule, UrlPath, UrlPathPattern};
use portcullis::path::RelPath;
use portcullis::{
    Amount, Capabilities, CommandSubject, Conjunction, Declarations, Envelope, EnvelopeParts, Event, Exposure,
    GitPattern, Level, Operation, OperationSet, Posture, Reasons, Request, Section, SessionId, SessionWord, Sinks,
    Subject, SubjectFacts, TextPattern, Union, UrlSubject,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

pub(crate) fn level() -> impl Strategy<Value = Level> {
    select(&Level::ALL[..])
}

pub(crate) fn operation() -> impl Strategy<Value = Operation> {
    select(&Operation::ALL[..])
}

pub(crate) fn operations() -> impl Strategy<Value = OperationSet> {
    (0..=OperationSet::ALL.bits()).prop_filter_map("bits", OperationSet::from_bits)
}

pub(crate) fn capabilities() -> impl Strategy<Value = Capabilities> {
    vec(level(), 12).prop_map(|levels| Operation::ALL.into_iter().zip(levels).collect())
}

pub(crate) fn exposure() -> impl Strategy<Value = Exposure> {
    (0..8u8).prop_filter_map("bits", Exposure::from_bits)
}

pub(crate) fn reasons() -> impl Strategy<Value = Reasons> {
    (0..1u16 << 12).prop_filter_map("bits", Reasons::from_bits)
}

pub(crate) fn posture() -> impl Strategy<Value = Posture> {
    (capabilities(), operations(), any::<bool>(), any::<bool>())
        .prop_map(|(caps, asks, strict, trifecta)| Posture::new(caps, asks, strict, trifecta))
}

pub(crate) fn amount() -> impl Strategy<Value = Amount> {
    let number = || prop_oneof![0..20u64, Just(u64::MAX), any::<u64>()];
    (number(), number(), number()).prop_map(|(micro_usd, input_tokens, output_tokens)| Amount {
        micro_usd,
        input_tokens,
        output_tokens,
    })
}

pub(crate) fn session_word() -> impl Strategy<Value = SessionWord> {
    let phases = [portcullis::Phase::Active, portcullis::Phase::LockedDown, portcullis::Phase::Ended];
    (select(phases.to_vec()), any::<bool>(), exposure()).prop_map(|(phase, in_window, exposure)| SessionWord {
        phase,
        in_window,
        exposure,
    })
}

pub(crate) fn facts() -> impl Strategy<Value = SubjectFacts> {
    let sets = (operations(), operations(), operations());
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (sets, exposure(), flags).prop_map(
        |((operations, listed, blocked), sources, (exfil, effect, activation, sourced, unclassified))| SubjectFacts {
            operations,
            listed,
            blocked,
            sources,
            sinks: Sinks { exfil, effect },
            activation,
            sourced,
            unclassified,
        },
    )
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (facts(), amount(), reasons())
            .prop_map(|(facts, cost, shown)| Event::Request { facts, cost, shown }),
        1 => (amount(), amount()).prop_map(|(reserved, used)| Event::Settle { reserved, used }),
        1 => (posture(), amount(), any::<u64>()).prop_map(|(posture, maximum, deadline_ms)| {
            Event::Tighten { posture, maximum, deadline_ms }
        }),
        1 => any::<u64>().prop_map(Event::Clock),
        1 => exposure().prop_map(Event::Expose),
        1 => Just(Event::Lockdown),
        1 => Just(Event::Lift),
        1 => Just(Event::End),
    ]
}

/// A section: everything, nothing, or one to three clauses, and perhaps something blocked.
fn section<P: PartialEq + Clone + std::fmt::Debug + 'static>(
    patterns: &'static [fn() -> P],
) -> impl Strategy<Value = Section<P>> {
    let pick = move || select(patterns).prop_map(|make| make());
    let clauses = vec(vec(pick(), 0..4), 0..3);
    (clauses, vec(pick(), 0..2)).prop_map(|(clauses, blocked)| Section {
        listed: Conjunction::from_clauses(clauses.into_iter().map(Union::of)),
        blocked: Union::of(blocked),
    })
}

macro_rules! patterns {
    ($name:ident: $type:ty = $($pattern:expr),+ $(,)?) => {
        const $name: &[fn() -> $type] = &[$(|| $pattern),+];
    };
}

fn path_pattern(text: &str) -> PathPattern {
    PathPattern::parse(text).unwrap()
}

fn rule(text: &str) -> HostRule {
    HostRule::new(HostPattern::parse(text).unwrap())
}

fn quiet(text: &str) -> HostRule {
    rule(text)
        .with_methods(["GET"])
        .and_then(|rule| rule.with_paths([UrlPathPattern::parse("/docs/**").unwrap()]))
        .and_then(|rule| rule.with_sink(false))
        .unwrap()
}

fn commit(branch: &str) -> GitPattern {
    GitPattern::Commit { repository: TextPattern::new(""), branch: TextPattern::new(branch) }
}

fn remote(url: &str, reference: &str) -> GitPattern {
    GitPattern::Remote { url: TextPattern::new(url), reference: TextPattern::new(reference) }
}

patterns!(PATHS: PathPattern =
    path_pattern("**"), path_pattern("src/**"), path_pattern("*.md"), path_pattern(".env"),
    path_pattern("/docs"), path_pattern("secret*"));
patterns!(COMMANDS: CommandPattern =
    CommandPattern::exact("cargo", &["test"]), CommandPattern::exact("cargo", &[]),
    CommandPattern::exact("git", &["status"]),
    CommandPattern { program: "bash".into(), args: vec![ArgPattern::AnyRemaining] },
    CommandPattern { program: "ls".into(), args: vec![ArgPattern::Any] });
patterns!(HOSTS: HostRule =
    rule("example.com"), rule("*.example.com"), rule("api.example.com:443"),
    quiet("docs.example.com"), rule("other.test").with_trust(true));
patterns!(GIT: GitPattern =
    commit("*"), commit("main"), remote("https://forge.test/*", "refs/heads/*"),
    remote("https://forge.test/us/it", "refs/heads/main"));
patterns!(TOOLS: TextPattern =
    TextPattern::new("*"), TextPattern::new("files/*"), TextPattern::new("files/read"));

fn declarations() -> impl Strategy<Value = Declarations> {
    let conj = (section(PATHS), section(HOSTS), section(HOSTS), section(TOOLS));
    (conj, any::<bool>(), any::<bool>()).prop_map(
        |((paths, trusted, silent, names), unix_sockets, trusted_workspace)| Declarations {
            public_paths: paths.listed,
            trusted_hosts: trusted.listed,
            quiet_hosts: silent.listed,
            models: names.listed,
            unix_sockets,
            trusted_workspace,
            ..Declarations::nothing()
        },
    )
}

pub(crate) fn envelope() -> impl Strategy<Value = Envelope> {
    let fixed = (capabilities(), operations(), any::<bool>(), any::<bool>());
    let sections = (section(PATHS), section(COMMANDS), section(HOSTS), section(GIT), section(TOOLS));
    let rest = (declarations(), amount(), any::<u64>());
    (fixed, sections, rest).prop_map(
        |(
            (capabilities, approvals, strict, capability_trifecta),
            (paths, commands, hosts, git, tools),
            (declarations, maximum, window_ms),
        )| {
            Envelope::new(EnvelopeParts {
                capabilities,
                approvals,
                strict,
                capability_trifecta,
                paths,
                commands,
                hosts,
                git,
                tools,
                declarations,
                maximum,
                window_ms,
            })
        },
    )
}

fn path() -> impl Strategy<Value = RelPath> {
    select(&["src/main.rs", "README.md", ".env", "docs/a/b", "secret.txt", ".git/config", "x"][..])
        .prop_map(|text| RelPath::parse(text).unwrap())
}

fn command() -> impl Strategy<Value = CommandSubject> {
    let lines = ["cargo test", "cargo build --release", "git status", "bash -c ls", "ls -l", "git push"];
    select(lines.to_vec())
        .prop_map(|line| CommandSubject::new(portcullis::command::Argv::new(line.split(' ')).unwrap()))
}

fn url() -> impl Strategy<Value = UrlSubject> {
    let hosts = ["example.com", "api.example.com", "docs.example.com", "other.test", "evil.test"];
    let paths = [None, Some("/docs/a"), Some("/us/it/git-receive-pack"), Some("/repos/us/it/pulls")];
    (select(hosts.to_vec()), select(paths.to_vec()), select(&["GET", "POST"][..]), any::<bool>()).prop_map(
        |(host, path, method, upgrade)| UrlSubject {
            method: method.to_owned(),
            scheme: "https".to_owned(),
            host: Host::parse(host).unwrap(),
            port: 443,
            path: path.map(|text| UrlPath::parse(text).unwrap()),
            query: String::new(),
            upgrade,
            credential: None,
        },
    )
}

fn subject() -> impl Strategy<Value = Subject> {
    prop_oneof![
        path().prop_map(Subject::Path),
        (path(), path()).prop_map(|(from, to)| Subject::Move { from, to }),
        command().prop_map(Subject::Command),
        url().prop_map(Subject::Url),
        vec(path(), 0..3).prop_map(|paths| Subject::Commit {
            repository: RelPath::root(),
            branch: "main".to_owned(),
            message: "m".to_owned(),
            paths,
        }),
        (select(&["https://forge.test/us/it", "https://evil.test/x"][..]), vec(path(), 0..3),).prop_map(
            |(url, paths)| Subject::Push {
                url: url.to_owned(),
                reference: "refs/heads/main".to_owned(),
                old: "0".to_owned(),
                new: "1".to_owned(),
                paths,
            }
        ),
    ]
}

pub(crate) fn request() -> impl Strategy<Value = Request> {
    (operation(), subject(), exposure()).prop_map(|(op, subject, carried)| {
        let session = SessionId::from_bytes([7; 16]);
        Request::builder("uid:1000", session, op, subject).carrying(carried).build()
    })
}
