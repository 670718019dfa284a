//! What each kind of subject brings in, where its data can go, and which operations list or block it.

use Operation::{CreatePr, GitCommit, GitPush, ManagePods, ReadFiles, RunBash, WebFetch, WebSearch, WriteFiles};
use portcullis::command::CommandPattern;
use portcullis::facts::facts;
use portcullis::glob::PathPattern;
use portcullis::host::{Host, HostPattern, HostRule, UrlPath, UrlPathPattern};
use portcullis::path::RelPath;
use portcullis::{
    Argv, Capabilities, CommandSubject, Conjunction, ContentDigest, Envelope, EnvelopeDigest, EnvelopeParts, Exposure,
    GitPattern, Level, Operation, OperationSet, Provenance, Request, Section, SessionId, Sinks, Subject, SubjectFacts,
    TextPattern, ToolClass, Union, UrlSubject,
};

const NONE: Sinks = Sinks { exfil: false, effect: false };
const EXFIL: Sinks = Sinks { exfil: true, effect: false };
const BOTH: Sinks = Sinks { exfil: true, effect: true };

fn paths(text: &str) -> PathPattern {
    PathPattern::parse(text).unwrap()
}

fn host(text: &str) -> HostRule {
    HostRule::new(HostPattern::parse(text).unwrap())
}

fn quiet(text: &str) -> HostRule {
    let route = UrlPathPattern::parse("/docs/**").unwrap();
    host(text).with_methods(["GET"]).unwrap().with_paths([route]).unwrap().with_sink(false).unwrap()
}

fn section<P: PartialEq + Clone>(listed: P, blocked: P) -> Section<P> {
    Section { listed: Conjunction::of([listed]), blocked: Union::of([blocked]) }
}

fn commits(branch: &str) -> GitPattern {
    GitPattern::Commit { repository: TextPattern::new("r*"), branch: TextPattern::new(branch) }
}

/// Everything at `low_risk`; one thing of each kind is listed, one is blocked, one is public, trusted or quiet.
fn envelope() -> Envelope {
    let mut parts = EnvelopeParts {
        capabilities: Operation::ALL.into_iter().map(|op| (op, Level::LowRisk)).collect::<Capabilities>(),
        paths: section(paths("/src"), paths(".env")),
        commands: section(CommandPattern::exact("cargo", &[]), CommandPattern::exact("curl", &[])),
        hosts: section(host("*.test.example"), host("evil.test.example")),
        git: Section {
            listed: Conjunction::of([
                commits("main"),
                GitPattern::Remote { url: TextPattern::new("https://forge/*"), reference: TextPattern::new("main") },
            ]),
            blocked: Union::of([commits("x")]),
        },
        tools: section(TextPattern::new("s/*"), TextPattern::new("s/rm")),
        ..EnvelopeParts::nothing()
    };
    parts.declarations.public_paths = Conjunction::of([paths("*.md")]);
    parts.declarations.trusted_hosts = Conjunction::of([host("docs.test.example")]);
    parts.declarations.quiet_hosts = Conjunction::of([quiet("docs.test.example")]);
    parts.declarations.trusted_workspace = false;
    Envelope::new(parts)
}

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

fn of(operations: impl Into<OperationSet>, subject: Subject) -> SubjectFacts {
    facts(&envelope(), &Request::builder("u", SessionId::from_bytes([1; 16]), operations, subject).build())
}

fn set<const N: usize>(operations: [Operation; N]) -> OperationSet {
    operations.into_iter().collect()
}

/// Listed, blocked, sources, sinks and activation.
type Seen = (OperationSet, OperationSet, Exposure, Sinks, bool);

fn seen(facts: SubjectFacts) -> Seen {
    (facts.listed, facts.blocked, facts.sources, facts.sinks, facts.activation)
}

const NOTHING: OperationSet = OperationSet::EMPTY;
const PRIVATE: Exposure = Exposure::PRIVATE;
const UNTRUSTED: Exposure = Exposure::UNTRUSTED;
const OWN: Exposure = PRIVATE.join(UNTRUSTED);

#[test]
fn files() {
    let read = |text| seen(of(ReadFiles, Subject::Path(path(text))));
    let write = |text| seen(of(WriteFiles, Subject::Path(path(text))));
    assert_eq!(read("src/a"), (set([ReadFiles]), NOTHING, OWN, NONE, false));
    assert_eq!(read("src/a.md"), (set([ReadFiles]), NOTHING, UNTRUSTED, NONE, false));
    assert_eq!(read("a.md"), (NOTHING, NOTHING, UNTRUSTED, NONE, false));
    assert_eq!(read(".ENV"), (NOTHING, set([ReadFiles]), OWN, NONE, false));
    assert_eq!(read(".envrc"), (NOTHING, NOTHING, OWN, NONE, false));
    assert_eq!(write("src/a"), (set([WriteFiles]), NOTHING, Exposure::NONE, NONE, false));
    assert_eq!(write(".envrc"), (NOTHING, NOTHING, Exposure::NONE, NONE, true));
    let both = set([ReadFiles, WriteFiles]);
    let moved = |from, to| seen(of(ReadFiles, Subject::Move { from: path(from), to: path(to) }));
    assert_eq!(moved("src/a.md", "src/b.md"), (both, NOTHING, UNTRUSTED, NONE, false));
    assert_eq!(moved("src/a", "b"), (NOTHING, NOTHING, OWN, NONE, false));
    assert_eq!(moved("a.md", "src/b"), (NOTHING, NOTHING, OWN, NONE, false));
    assert_eq!(moved("src/a", ".env"), (NOTHING, both, OWN, NONE, false));
    assert_eq!(moved("src/.envrc", "src/a"), (both, NOTHING, OWN, NONE, true));
}

#[test]
fn commands() {
    let run = |line: &str, cwd: &str| {
        let mut subject = CommandSubject::new(Argv::new(line.split(' ')).unwrap());
        subject.cwd = path(cwd);
        seen(of(NOTHING, Subject::Command(subject)))
    };
    assert_eq!(run("cargo test", ""), (set([RunBash]), NOTHING, OWN, NONE, false));
    assert_eq!(run("make", ""), (NOTHING, NOTHING, OWN, NONE, false));
    assert_eq!(run("env curl x", ""), (NOTHING, set([RunBash]), OWN, NONE, false));
    assert_eq!(run("git push", "r"), (NOTHING, NOTHING, OWN, BOTH, false));
    assert_eq!(run("git commit", "q"), (NOTHING, NOTHING, OWN, NONE, false));
}

fn url(method: &str, host: &str, path: Option<&str>, upgrade: bool) -> Subject {
    Subject::Url(UrlSubject {
        method: method.to_owned(),
        scheme: "https".to_owned(),
        host: Host::parse(host).unwrap(),
        port: 443,
        path: path.map(|text| UrlPath::parse(text).unwrap()),
        query: String::new(),
        upgrade,
        credential: None,
    })
}

#[test]
fn hosts() {
    let fetch = |method, host, path| seen(of(NOTHING, url(method, host, path, false)));
    let (docs, other) = ("docs.test.example", "a.test.example");
    let listed = set([WebFetch]);
    assert_eq!(fetch("GET", docs, Some("/docs/a")), (listed, NOTHING, Exposure::NONE, NONE, false));
    assert_eq!(fetch("GET", docs, Some("/other")), (listed, NOTHING, Exposure::NONE, EXFIL, false));
    assert_eq!(fetch("POST", docs, Some("/docs/a")), (listed, NOTHING, Exposure::NONE, BOTH, false));
    assert_eq!(fetch("GET", other, Some("/docs/a")), (listed, NOTHING, UNTRUSTED, EXFIL, false));
    assert_eq!(fetch("HEAD", other, Some("/")), (listed, NOTHING, UNTRUSTED, EXFIL, false));
    assert_eq!(fetch("PUT", "else.test", Some("/")), (NOTHING, NOTHING, UNTRUSTED, BOTH, false));
    assert_eq!(fetch("CONNECT", docs, None), (listed, NOTHING, Exposure::NONE, EXFIL, false));
    assert_eq!(fetch("GET", "evil.test.example", Some("/")), (listed, listed, UNTRUSTED, EXFIL, false));
    assert_eq!(
        seen(of(NOTHING, url("GET", docs, Some("/docs/a"), true))),
        (listed, NOTHING, Exposure::NONE, BOTH, false)
    );
    let query =
        |backend| seen(of(NOTHING, Subject::Query { backend: Host::parse(backend).unwrap(), text: "t".into() }));
    assert_eq!(query(docs), (set([WebSearch]), NOTHING, Exposure::NONE, EXFIL, false));
    assert_eq!(query("else.test"), (NOTHING, NOTHING, UNTRUSTED, EXFIL, false));
    assert_eq!(query("evil.test.example").1, set([WebSearch]));
}

#[test]
fn repositories() {
    let commit = |repository: &str, branch: &str, file: &str| {
        let (message, paths) = ("m".to_owned(), vec![path(file)]);
        seen(of(NOTHING, Subject::Commit { repository: path(repository), branch: branch.to_owned(), message, paths }))
    };
    assert_eq!(commit("r", "main", "a"), (set([GitCommit]), NOTHING, Exposure::NONE, NONE, false));
    assert_eq!(commit("r", "b", "a"), (NOTHING, NOTHING, Exposure::NONE, NONE, false));
    assert_eq!(commit("q", "main", "a"), (NOTHING, NOTHING, Exposure::NONE, NONE, false));
    assert_eq!(commit("r", "x", "a").1, set([GitCommit]));
    assert_eq!(commit("r", "main", ".env").1, set([GitCommit]));
    assert!(commit("r", "main", ".envrc").4);
    let push = |url: &str, reference: &str, file: &str| {
        let (old, new) = ("0".to_owned(), "1".to_owned());
        let paths = vec![path(file)];
        seen(of(NOTHING, Subject::Push { url: url.to_owned(), reference: reference.to_owned(), old, new, paths }))
    };
    assert_eq!(push("https://forge/x", "main", "a"), (set([GitPush]), NOTHING, Exposure::NONE, BOTH, false));
    assert_eq!(push("https://forge/x", "b", "a"), (NOTHING, NOTHING, Exposure::NONE, BOTH, false));
    assert_eq!(push("https://else/x", "main", "a"), (NOTHING, NOTHING, Exposure::NONE, BOTH, false));
    assert_eq!(push("https://forge/x", "main", ".env").1, set([GitPush]));
    assert!(push("https://forge/x", "main", ".envrc").4);
    let open = |url: &str, base: &str| {
        let (head, text) = ("h".to_owned(), String::new());
        seen(of(NOTHING, Subject::PullRequest { url: url.to_owned(), base: base.to_owned(), head, text }))
    };
    assert_eq!(open("https://forge/x", "main"), (set([CreatePr]), NOTHING, Exposure::NONE, BOTH, false));
    assert_eq!(open("https://forge/x", "h"), (NOTHING, NOTHING, Exposure::NONE, BOTH, false));
}

#[test]
fn tools_and_children() {
    let call = |tool: &str, is_classified| {
        let class = ToolClass { sources: PRIVATE, sinks: EXFIL };
        let (server, tool, arguments) = ("s".to_owned(), tool.to_owned(), String::new());
        let pin = ContentDigest::from_bytes([0; 32]);
        of(ManagePods, Subject::Tool { server, tool, pin, arguments, class, is_classified })
    };
    assert_eq!(seen(call("read", true)), (set([ManagePods]), NOTHING, PRIVATE, EXFIL, false));
    assert_eq!(seen(call("rm", true)).1, set([ManagePods]));
    assert!(call("read", false).unclassified && !call("read", true).unclassified);
    let child = of(NOTHING, Subject::Child { envelope: EnvelopeDigest::from_bytes([0; 32]) });
    assert_eq!((seen(child), child.operations), ((NOTHING, NOTHING, Exposure::NONE, NONE, false), set([ManagePods])));
    assert_eq!((ToolClass::UNKNOWN.sources, ToolClass::UNKNOWN.sinks), (OWN, BOTH));
}

#[test]
fn what_a_request_adds() {
    let base = || Request::builder("u", SessionId::from_bytes([1; 16]), WriteFiles, Subject::Path(path("src/a")));
    let of = |request: Request| facts(&envelope(), &request);
    assert_eq!(of(base().carrying(Exposure::TRIFECTA).build()).sources, OWN);
    assert_eq!(of(base().carrying(PRIVATE).carrying(UNTRUSTED).build()).sources, OWN);
    let by = |accepted_by: Option<&str>, planned_step| Provenance {
        accepted_by: accepted_by.map(str::to_owned),
        planned_step,
    };
    for (provenance, is_sourced) in [(by(None, None), false), (by(Some("r"), None), true), (by(None, Some(0)), true)] {
        assert_eq!(of(base().provenance(provenance).build()).sourced, is_sourced);
    }
}

/// The operations that a route is recognised as, beside the fetch.
fn recognised(method: &str, route: &str, query: &str) -> OperationSet {
    let Subject::Url(mut subject) = url(method, "a.test", Some(route), false) else { unreachable!() };
    subject.query = query.to_owned();
    of(NOTHING, Subject::Url(subject)).operations.without(WebFetch)
}

#[test]
fn routes_that_push_or_open_wherever_their_mark_stands() {
    let (before, after) = (["", "a=1&", "service=x&"], ["", "&b=2", "&service=y"]);
    for query in before.iter().flat_map(|head| after.map(|tail| format!("{head}service=git-receive-pack{tail}"))) {
        assert_eq!(recognised("GET", "/r/info/refs", &query), set([GitPush]), "{query}");
    }
    for query in
        ["service=git-receive-packs", "xservice=git-receive-pack", "service=git-upload-pack", "git-receive-pack"]
    {
        assert_eq!(recognised("GET", "/r/info/refs", query), NOTHING, "{query}");
    }
    let (before, after) = (["", "/a", "/a/b.git"], ["", "/", "/c"]);
    for (mark, method, expected) in [
        ("git-receive-pack", "GET", set([GitPush])),
        ("git-receive-pack", "POST", set([GitPush])),
        ("git-receive-packs", "POST", NOTHING),
        ("git-upload-pack", "POST", NOTHING),
        ("pulls", "POST", set([CreatePr])),
        ("merge_requests", "PUT", set([CreatePr])),
        ("pulls", "PATCH", set([CreatePr])),
        ("pulls", "GET", NOTHING),
        ("merge_requests", "HEAD", NOTHING),
        ("pullsx", "POST", NOTHING),
        ("pull", "POST", NOTHING),
    ] {
        for route in before.iter().flat_map(|head| after.map(|tail| format!("{head}/{mark}{tail}"))) {
            assert_eq!(recognised(method, &route, ""), expected, "{method} {route}");
        }
    }
}
