//! Golden answers: what the readers of text and the decision say of fixed inputs, so that no change of either goes unseen.
//!
//! A line of `tests/golden/*.txt` is a kept answer, a tab and the input (`␤` for a line break). After a change that is meant,
//! `BLESS=1 cargo test -p portcullis golden` writes the new answers, and the difference is reviewed like code.

use std::fmt::Debug;
use std::path::Path;

use portcullis::activation::{is_activation, is_activation_link, is_build_input};
use portcullis::command::{ArgPattern, CommandFacts, CommandLattice, CommandPattern, parse_command, recognise};
use portcullis::glob::{PathPattern, default_credentials};
use portcullis::host::{Host, HostPattern, HostRule, IpClass, UrlPath, UrlPathPattern};
use portcullis::path::RelPath;
use portcullis::{Approval, CommandSubject, Decision, Envelope, Event, Operation, SessionState, Subject, decide, step};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sha2::{Digest, Sha256};

use super::generate;

/// The beginning of the digest of everything there is to see.
fn mark(seen: &impl Debug) -> String {
    Sha256::digest(format!("{seen:?}")).iter().take(5).map(|byte| format!("{byte:02x}")).collect()
}

/// Compares the answer to each input with the kept one, or keeps the new ones.
fn compare(name: &str, answer: impl Fn(&str) -> String) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let kept = std::fs::read_to_string(&file).unwrap();
    let now: String = kept
        .lines()
        .map(|line| {
            let (_, input) = line.split_once('\t').unwrap();
            format!("{}\t{input}\n", answer(&input.replace('␤', "\n")))
        })
        .collect();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, &now).unwrap();
    }
    let changed: Vec<_> = kept.lines().zip(now.lines()).filter(|(kept, now)| kept != now).take(5).collect();
    assert!(changed.is_empty() && kept.lines().count() > 50, "{name}: kept and now: {changed:#?}");
}

/// Rules that tell links, arguments and their places apart.
fn rules() -> Vec<CommandPattern> {
    let mut rules: Vec<_> =
        ["cargo test", "cargo", "bash -c", "sh", "git push", "git", "python3 -m", "make", "curl", "a b", "x"]
            .iter()
            .map(|text| {
                let words: Vec<&str> = text.split(' ').collect();
                CommandPattern::exact(words[0], &words[1..])
            })
            .collect();
    rules.push(CommandPattern { program: "git".into(), args: vec![ArgPattern::Any, ArgPattern::Exact("x".into())] });
    rules.push(CommandPattern { program: "ls".into(), args: vec![ArgPattern::AnyRemaining] });
    rules
}

#[test]
fn commands_are_read_as_ever() {
    let (rules, default) = (rules(), CommandLattice::default());
    compare("commands.txt", |text| match parse_command(text) {
        Err(error) => format!("refused {}", mark(&error.to_string())),
        Ok(argv) => {
            let facts = CommandFacts::of(&argv);
            let judged: Vec<_> = rules.iter().map(|rule| (rule.matches(&facts), rule.blocks(&facts))).collect();
            let operations = recognise(&argv);
            let flags = [
                (facts.is_opaque(), "opaque"),
                (facts.has_inline_code(), "code"),
                (default.can_execute(text), "listed"),
                (!operations.is_empty(), "more"),
            ];
            let said: Vec<&str> = flags.iter().filter(|(holds, _)| *holds).map(|(_, word)| *word).collect();
            format!("{} {}", mark(&(argv, facts, judged, operations)), said.join(","))
        }
    });
}

#[test]
fn paths_are_read_as_ever() {
    let battery: Vec<_> =
        ["**", "*", "src/**", "/src", "*.md", ".env", "a*b", "a?c", "**/b", "[a-c]x", "id_*!(.pub)", "a/**/b"]
            .iter()
            .chain(default_credentials())
            .filter_map(|text| PathPattern::parse(text).ok())
            .collect();
    let root = RelPath::parse("src").unwrap();
    compare("paths.txt", |text| {
        let path = RelPath::parse(text);
        let (pattern, exact) = (PathPattern::parse(text), RelPath::parse_exact(text));
        let covers: Vec<_> =
            pattern.iter().flat_map(|own| battery.iter().map(|other| (own.covers(other), other.covers(own)))).collect();
        let beneath = (RelPath::beneath("/work/x", text), root.join(text), RelPath::parse_bytes(text.as_bytes()));
        let of_path = path.as_ref().map(|path| {
            let matched: Vec<_> = battery.iter().map(|p| (p.matches(path), p.matches_folded(path))).collect();
            let own = pattern.as_ref().map(|own| own.matches(path));
            let parts: Vec<_> = path.segments().collect();
            (
                (format!("{path:?}"), path.folded().to_owned(), parts.join("|"), path.parent(), path.is_root()),
                (is_activation(path), is_activation_link(path), is_build_input(path), matched, own.ok()),
                (path.starts_with(&root), root.starts_with(path), path.file_name().map(str::to_owned)),
            )
        });
        let flags = match &path {
            Err(_) => "refused".to_owned(),
            Ok(path) => format!(
                "{}{}",
                is_activation(path).map_or("", |_| "activation "),
                if is_build_input(path) { "build" } else { "" }
            ),
        };
        format!("{} {}", mark(&(of_path, format!("{pattern:?}"), exact, covers, beneath)), flags.trim())
    });
}

#[test]
fn hosts_are_read_as_ever() {
    let texts =
        ["example.com", "*.example.com", "a.example.com:8443", "192.0.2.1:80", "[::1]:80", "*.com.test", "xn--a.test"];
    let battery: Vec<_> = texts.iter().filter_map(|text| HostPattern::parse(text).ok()).collect();
    let routes: Vec<_> =
        ["/", "/docs/**", "/a/*", "/a", "/%41"].iter().filter_map(|text| UrlPathPattern::parse(text).ok()).collect();
    compare("hosts.txt", |text| {
        let host = Host::parse(text);
        let class = match &host {
            Ok(Host::Address(address)) => format!("{:?}", IpClass::of(*address)),
            Ok(Host::Name(name)) => if name.is_local_or_metadata() { "local name" } else { "name" }.to_owned(),
            Err(_) => "refused".to_owned(),
        };
        let pattern = HostPattern::parse(text);
        let covers: Vec<_> =
            pattern.iter().flat_map(|own| battery.iter().map(|o| (own.covers(o), o.covers(own)))).collect();
        let ports = [80, 443, 8443, 0];
        let matched: Vec<_> =
            host.iter().flat_map(|host| battery.iter().map(|p| ports.map(|port| p.matches(host, port)))).collect();
        let path = UrlPath::parse(text);
        let routed: Vec<_> = path.iter().flat_map(|path| routes.iter().map(|route| route.matches(path))).collect();
        let rule = pattern.as_ref().ok().map(|own| {
            let quiet = HostRule::new(own.clone()).with_methods(["GET"]).and_then(|rule| rule.with_sink(false));
            (own.is_wildcard(), own.address(), format!("{quiet:?}"))
        });
        let seen = (
            format!("{host:?} {pattern:?} {path:?}"),
            covers,
            matched,
            routed,
            rule,
            format!("{:?}", UrlPathPattern::parse(text)),
        );
        format!("{} {class}", mark(&seen))
    });
}

/// Values of a strategy, the same ones in every run.
fn drawn<T: Debug>(runner: &mut TestRunner, strategy: &impl Strategy<Value = T>) -> T {
    strategy.new_tree(runner).unwrap().current()
}

/// What is decided of one request, and of it again with the approval that it asks for.
fn decided(runner: &mut TestRunner) -> impl Debug {
    let (one, other) = (drawn(runner, &generate::envelope()), drawn(runner, &generate::envelope()));
    let (asked, word) = (drawn(runner, &generate::request()), drawn(runner, &generate::session_word()));
    let decision = decide(&one, word, &asked, true, None);
    let again = match &decision {
        Decision::NeedsApproval(refusal) => {
            let approval = Approval::vouched_by_host(refusal, one.digest(), "a");
            format!("{:?}", decide(&one, word, &asked, true, Some(&approval)))
        }
        _ => String::new(),
    };
    let both = one.meet(&other);
    let orders = (one.leq(&other), both.leq(&one), one.leq(&both), one.attenuate(&both).is_ok());
    let bytes = (one.to_bytes(), Envelope::from_bytes(&one.to_bytes()).is_ok());
    (format!("{decision:?} {again}"), asked.digest(), asked.operations(), both.digest(), orders, bytes, one.posture())
}

/// A session that lives through some events.
fn lived(runner: &mut TestRunner) -> impl Debug {
    let (posture, maximum) = (drawn(runner, &generate::posture()), drawn(runner, &generate::amount()));
    let mut state = SessionState::start(posture, maximum, 5, 100);
    let mut answers = Vec::new();
    for _ in 0..12 {
        let event: Event = drawn(runner, &generate::event());
        let answer;
        (state, answer) = step(state, event);
        answers.push(format!("{answer:?}"));
    }
    (answers, format!("{state:?}"))
}

#[test]
fn decisions_are_as_ever() {
    let runner = std::cell::RefCell::new(TestRunner::deterministic());
    compare("decisions.txt", |what| match what.split(' ').next() {
        Some("requests") => {
            mark(&(0..12).map(|_| format!("{:?}", decided(&mut runner.borrow_mut()))).collect::<Vec<_>>())
        }
        _ => mark(&(0..12).map(|_| format!("{:?}", lived(&mut runner.borrow_mut()))).collect::<Vec<_>>()),
    });
}

#[test]
fn a_commit_is_no_push() {
    use portcullis::{GitPattern, TextPattern};
    let any = || TextPattern::new("*");
    let (commit, remote) =
        (GitPattern::Commit { repository: any(), branch: any() }, GitPattern::Remote { url: any(), reference: any() });
    assert!(commit.matches_commit("", "main") && !commit.matches_remote("https://forge.test/x", "main"));
    assert!(remote.matches_remote("https://forge.test/x", "main") && !remote.matches_commit("", "main"));
}

#[test]
fn variables_that_name_code_are_known_by_their_beginning_and_end() {
    let of = |name: &str| CommandFacts::of(&parse_command(&format!("env {name}=1 cargo test")).unwrap());
    let rule = CommandPattern::exact("cargo", &["test"]);
    for name in [
        "LD_X",
        "DYLD_X",
        "GIT_X",
        "BASH_FUNC_X",
        "X_COMMAND",
        "X_WRAPPER",
        "X_RUNNER",
        "X_LINKER",
        "XPAGER",
        "XEDITOR",
        "X_OPTIONS",
        "X_ASKPASS",
        "PATH",
    ] {
        assert!(of(name).is_opaque() && !rule.matches(&of(name)), "{name}");
    }
    for name in ["LC_ALL", "CI"] {
        assert!(!of(name).is_opaque() && rule.matches(&of(name)), "{name}");
    }
    for name in ["X", "X_LD_", "COMMAND", "PAGER_X"] {
        assert!(!of(name).is_opaque() && !rule.matches(&of(name)), "{name}");
    }
}

#[test]
fn a_request_of_a_command_carries_its_facts() {
    let argv = parse_command("git push").unwrap();
    let session = portcullis::SessionId::from_bytes([1; 16]);
    let asked =
        portcullis::Request::builder("u", session, Operation::RunBash, Subject::Command(CommandSubject::new(argv)))
            .build();
    assert!(asked.operations().contains(Operation::GitPush) && asked.command_facts().is_some());
}
