//! The digest of a request: every part of it decides, and what it was it stays.

use portcullis::host::{Host, UrlPath};
use portcullis::path::RelPath;
use portcullis::{
    Argv, CommandSubject, Content, ContentDigest, ContentId, EnvelopeDigest, Exposure, Operation, OperationSet,
    Provenance, Request, SessionId, Sinks, Subject, ToolClass, UrlSubject,
};

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

fn of(subject: Subject) -> Request {
    Request::builder("u", SessionId::from_bytes([1; 16]), OperationSet::EMPTY, subject).build()
}

fn command(change: impl FnOnce(&mut CommandSubject)) -> Subject {
    let mut subject = CommandSubject::new(Argv::new(["a", "b"]).unwrap());
    change(&mut subject);
    Subject::Command(subject)
}

fn url(change: impl FnOnce(&mut UrlSubject)) -> Subject {
    let mut subject = UrlSubject {
        method: "GET".into(),
        scheme: "https".into(),
        host: Host::parse("a.test").unwrap(),
        port: 443,
        path: Some(UrlPath::parse("/p").unwrap()),
        query: "q".into(),
        upgrade: false,
        credential: None,
    };
    change(&mut subject);
    Subject::Url(subject)
}

fn commit(repository: &str, branch: &str, message: &str, paths: &[&str]) -> Subject {
    let paths = paths.iter().map(|text| path(text)).collect();
    Subject::Commit { repository: path(repository), branch: branch.into(), message: message.into(), paths }
}

fn push([url, reference, old, new]: [&str; 4], paths: &[&str]) -> Subject {
    let paths = paths.iter().map(|text| path(text)).collect();
    Subject::Push { url: url.into(), reference: reference.into(), old: old.into(), new: new.into(), paths }
}

fn pull_request([url, base, head, text]: [&str; 4]) -> Subject {
    Subject::PullRequest { url: url.into(), base: base.into(), head: head.into(), text: text.into() }
}

fn query(backend: &str, text: &str) -> Subject {
    Subject::Query { backend: Host::parse(backend).unwrap(), text: text.into() }
}

fn tool(names: [&str; 3], pin: u8, class: ToolClass, is_classified: bool) -> Subject {
    let [server, tool, arguments] = names.map(str::to_owned);
    Subject::Tool { server, tool, pin: ContentDigest::from_bytes([pin; 32]), arguments, class, is_classified }
}

fn class(sources: Exposure, exfil: bool, effect: bool) -> ToolClass {
    ToolClass { sources, sinks: Sinks { exfil, effect } }
}

/// Subjects each of which differs from another in one part alone.
fn subjects() -> Vec<Subject> {
    let digest = |byte| Some(ContentDigest::from_bytes([byte; 32]));
    let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    let plain = class(Exposure::NONE, false, false);
    vec![
        Subject::Path(path("a")),
        Subject::Path(path("b")),
        Subject::Move { from: path("a"), to: path("b") },
        Subject::Move { from: path("b"), to: path("a") },
        command(|_| {}),
        command(|own| own.argv = Argv::new(["a b"]).unwrap()),
        command(|own| own.argv = Argv::new(["a", "c"]).unwrap()),
        command(|own| own.cwd = path("d")),
        command(|own| own.environment = pair("N", "V")),
        command(|own| own.environment = pair("V", "N")),
        command(|own| own.environment = [pair("N", "V"), pair("N", "V")].concat()),
        command(|own| own.stdin = digest(1)),
        command(|own| own.stdin = digest(2)),
        command(|own| own.executable = digest(1)),
        query("a.test", "t"),
        query("b.test", "t"),
        query("a.test", "u"),
        url(|_| {}),
        url(|own| own.method = "POST".into()),
        url(|own| own.scheme = "http".into()),
        url(|own| own.host = Host::parse("b.test").unwrap()),
        url(|own| own.port = 80),
        url(|own| own.path = None),
        url(|own| own.path = Some(UrlPath::parse("/q").unwrap())),
        url(|own| own.query = "r".into()),
        url(|own| own.upgrade = true),
        url(|own| own.credential = Some("c".into())),
        commit("", "b", "m", &[]),
        commit("r", "b", "m", &[]),
        commit("", "c", "m", &[]),
        commit("", "b", "n", &[]),
        commit("", "b", "m", &["x"]),
        commit("", "b", "m", &["x", "y"]),
        push(["u", "r", "o", "n"], &[]),
        push(["v", "r", "o", "n"], &[]),
        push(["u", "s", "o", "n"], &[]),
        push(["u", "r", "p", "n"], &[]),
        push(["u", "r", "o", "m"], &[]),
        push(["u", "r", "o", "n"], &["x"]),
        push(["u", "r", "o", "n"], &["y"]),
        pull_request(["u", "b", "h", "t"]),
        pull_request(["v", "b", "h", "t"]),
        pull_request(["u", "c", "h", "t"]),
        pull_request(["u", "b", "i", "t"]),
        pull_request(["u", "b", "h", "s"]),
        Subject::Child { envelope: EnvelopeDigest::from_bytes([1; 32]) },
        Subject::Child { envelope: EnvelopeDigest::from_bytes([2; 32]) },
        tool(["s", "t", "{}"], 1, plain, true),
        tool(["r", "t", "{}"], 1, plain, true),
        tool(["s", "u", "{}"], 1, plain, true),
        tool(["s", "t", "[]"], 1, plain, true),
        tool(["s", "t", "{}"], 2, plain, true),
        tool(["s", "t", "{}"], 1, class(Exposure::PRIVATE, false, false), true),
        tool(["s", "t", "{}"], 1, class(Exposure::NONE, true, false), true),
        tool(["s", "t", "{}"], 1, class(Exposure::NONE, false, true), true),
        tool(["s", "t", "{}"], 1, plain, false),
    ]
}

/// Requests of one subject, each with another part changed.
fn parts() -> Vec<Request> {
    let digest = ContentDigest::from_bytes([1; 32]);
    let base = || Request::builder("u", SessionId::from_bytes([1; 16]), OperationSet::EMPTY, Subject::Path(path("a")));
    let by = |step, rule: Option<&str>| Provenance { accepted_by: rule.map(str::to_owned), planned_step: step };
    vec![
        Request::builder("v", SessionId::from_bytes([1; 16]), OperationSet::EMPTY, Subject::Path(path("a"))).build(),
        Request::builder("u", SessionId::from_bytes([2; 16]), OperationSet::EMPTY, Subject::Path(path("a"))).build(),
        Request::builder("u", SessionId::from_bytes([1; 16]), Operation::ReadFiles, Subject::Path(path("a"))).build(),
        Request::builder("u", SessionId::from_bytes([1; 16]), Operation::GlobSearch, Subject::Path(path("a"))).build(),
        base().parent(Some(SessionId::from_bytes([1; 16]))).build(),
        base().parent(Some(SessionId::from_bytes([2; 16]))).build(),
        base().carrying(Exposure::PRIVATE).build(),
        base().carrying(Exposure::UNTRUSTED).build(),
        base().content(Content::Inline(b"x".as_slice().into())).build(),
        base().content(Content::Inline(b"".as_slice().into())).build(),
        base().content(Content::Held(ContentId(1), digest)).build(),
        base().provenance(by(Some(0), None)).build(),
        base().provenance(by(Some(1), None)).build(),
        base().provenance(by(None, Some("rule"))).build(),
        base().provenance(by(None, Some("rule2"))).build(),
    ]
}

#[test]
fn every_part_of_a_request_decides_its_digest() {
    let all: Vec<Request> = subjects().into_iter().map(of).chain(parts()).collect();
    for (at, one) in all.iter().enumerate() {
        for other in &all[at + 1..] {
            assert_ne!(one.digest(), other.digest(), "{one:?}\n{other:?}");
        }
    }
}

/// The beginnings of the digests, in the order of the requests; approvals and records name requests by them.
#[test]
fn the_digest_of_a_request_is_what_it_was() {
    let all = subjects().into_iter().map(of).chain(parts());
    let now: Vec<String> = all.map(|one| one.digest().to_string()[..6].to_owned()).collect();
    let kept: Vec<&str> = include_str!("../golden/digests.txt").split_whitespace().collect();
    assert_eq!(now, kept);
}

#[test]
fn content_is_known_by_its_bytes() {
    let inline = Content::Inline(b"x".as_slice().into());
    assert_eq!(inline.digest(), Some(ContentDigest::of(b"x")));
    let digest = ContentDigest::of(b"y");
    assert_eq!(Content::Held(ContentId(1), digest).digest(), Some(digest));
    assert_eq!(Content::Staged(digest).digest(), Some(digest));
    assert_eq!(Content::None.digest(), None);
}

#[test]
fn hex_is_lower_case_and_whole() {
    let digest = ContentDigest::from_bytes(std::array::from_fn(|at| (at as u8).wrapping_mul(0x1f)));
    let text = digest.to_string();
    assert_eq!(ContentDigest::from_hex(&text), Some(digest));
    let wrong = [
        text.to_uppercase(),
        text[2..].to_owned(),
        format!("{text}00"),
        text.replace('f', "g"),
        format!("0x{}", &text[2..]),
    ];
    for text in wrong {
        assert_eq!(ContentDigest::from_hex(&text), None, "{text}");
    }
}
