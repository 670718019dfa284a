//! `nucleus explain`: what the policy in force says of one request, and which rules speak.

use nucleus_spec::Credential;
use portcullis::command::parse_command;
use portcullis::host::{Host, UrlPath};
use portcullis::path::RelPath;
use portcullis::{
    CommandSubject, Envelope, Exposure, Operation, Outcome, Reasons, Request, SessionId,
    SessionWord, Subject, UrlSubject, decide,
};
use serde_json::json;

use super::bound;

use crate::policy::{PolicyArgs, effective};
use crate::report::Failure;
use crate::style::{BAD, BOLD, DIM, GOOD, WARN, paint};

/// Arguments of `nucleus explain`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Operation, such as `read_files`, `run_bash` or `git_push`
    operation: String,
    /// Path, command line, URL, host of a search, branch of a commit, or `URL#branch`
    subject: String,
    #[command(flatten)]
    policy: PolicyArgs,
    /// Directory whose project policy counts
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: std::path::PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One exposure that a session can have when it asks.
const STATES: [(&str, Exposure); 4] = [
    ("at the start", Exposure::NONE),
    ("after private data", Exposure::PRIVATE),
    ("after untrusted content", Exposure::UNTRUSTED),
    ("after both", Exposure::PRIVATE.join(Exposure::UNTRUSTED)),
];

/// Runs the command; exit code 0 when the request is permitted at the start, 1 otherwise.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    let op = Operation::from_name(&args.operation.replace('-', "_")).ok_or_else(|| {
        let names: Vec<_> = Operation::ALL.iter().map(|op| op.name()).collect();
        Failure::usage(format!("there is no operation `{}`", args.operation))
            .help(format!("one of {}", names.join(", ")))
    })?;
    let resolved = effective(&args.policy, Some(&args.dir))?;
    for warning in &resolved.warnings {
        anstream::eprintln!("{} {warning}", paint(WARN, "note:"));
    }
    let envelope = resolved.envelope;
    let session = SessionId::from_bytes([0; 16]);
    let request = Request::builder("you", session, op, subject(op, &args.subject)?).build();
    let answers: Vec<Answer> = STATES
        .iter()
        .map(|state| answer(&envelope, &request, *state))
        .collect();
    let put_in = put_in(&resolved.bindings, &request);
    if args.json {
        print_json(&envelope, &request, &answers, &put_in);
    } else {
        print_text(&envelope, op, &request, &answers);
        for line in bound::lines(&put_in) {
            anstream::println!("credential put in by the proxy, for programs: {line}");
        }
    }
    Ok(u8::from(answers[0].outcome != Outcome::Permit))
}

/// The secrets that are put into the request where a program asks for it.
fn put_in(bindings: &[Credential], request: &Request) -> Vec<Credential> {
    let Subject::Url(url) = request.subject() else {
        return Vec::new();
    };
    let Some(path) = &url.path else {
        return Vec::new();
    };
    let covers = |own: &&Credential| own.covers(&url.host, url.port, &url.method, path);
    bindings.iter().filter(covers).cloned().collect()
}

/// What the request comes to in one state.
struct Answer {
    state: &'static str,
    outcome: Outcome,
    reasons: Reasons,
}

fn answer(envelope: &Envelope, request: &Request, state: (&'static str, Exposure)) -> Answer {
    let word = SessionWord {
        in_window: true,
        exposure: state.1,
        ..SessionWord::default()
    };
    let decision = decide(envelope, word, request, true, None);
    Answer {
        state: state.0,
        outcome: decision.outcome(),
        reasons: decision.reasons(),
    }
}

/// The subject that the text means for the operation.
fn subject(op: Operation, text: &str) -> Result<Subject, Failure> {
    let bad = |error: &dyn std::fmt::Display| Failure::usage(format!("`{text}`: {error}"));
    match op {
        Operation::ReadFiles
        | Operation::GlobSearch
        | Operation::GrepSearch
        | Operation::WriteFiles
        | Operation::EditFiles => RelPath::parse(text)
            .map(Subject::Path)
            .map_err(|error| bad(&error).help(error.help())),
        Operation::RunBash => parse_command(text)
            .map(|argv| Subject::Command(CommandSubject::new(argv)))
            .map_err(|error| bad(&error)),
        Operation::WebFetch => url(text).map_err(|error| bad(&error)),
        Operation::WebSearch => Host::parse(text)
            .map(|backend| Subject::Query {
                backend,
                text: String::new(),
            })
            .map_err(|error| bad(&error)),
        Operation::GitCommit => Ok(Subject::Commit {
            repository: RelPath::root(),
            branch: text.to_owned(),
            message: String::new(),
            paths: Vec::new(),
        }),
        Operation::GitPush => {
            let (url, branch) = text.split_once('#').unwrap_or((text, "main"));
            Ok(Subject::Push {
                url: url.to_owned(),
                reference: format!("refs/heads/{branch}"),
                old: String::new(),
                new: String::new(),
                paths: Vec::new(),
            })
        }
        Operation::CreatePr => {
            let (url, base) = text.split_once('#').unwrap_or((text, "main"));
            Ok(Subject::PullRequest {
                url: url.to_owned(),
                base: base.to_owned(),
                head: String::new(),
                text: String::new(),
            })
        }
        Operation::ManagePods => Err(Failure::usage(
            "`manage_pods` has no subject to explain yet",
        )),
    }
}

/// A GET of the URL.
fn url(text: &str) -> Result<Subject, String> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("https", text));
    let usual = match scheme {
        "https" => 443,
        "http" => 80,
        other => return Err(format!("scheme `{other}` is not http or https")),
    };
    let (authority, tail) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (
            host,
            port.parse()
                .map_err(|_| format!("`{port}` is not a port"))?,
        ),
        _ => (authority, usual),
    };
    let path = if path.is_empty() { "/" } else { path };
    Ok(Subject::Url(UrlSubject {
        method: "GET".to_owned(),
        scheme: scheme.to_owned(),
        host: Host::parse(host).map_err(|error| error.to_string())?,
        port,
        path: Some(UrlPath::parse(path).map_err(|error| error.to_string())?),
        query: query.to_owned(),
        upgrade: false,
        credential: None,
    }))
}

fn print_text(envelope: &Envelope, op: Operation, request: &Request, answers: &[Answer]) {
    let level = envelope.level(op);
    anstream::println!("{} is at level {}", paint(BOLD, op), paint(BOLD, level));
    let beside = request.operations().without(op);
    if !beside.is_empty() {
        anstream::println!("judged as {beside} too");
    }
    for answer in answers {
        let (style, word) = match answer.outcome {
            Outcome::Permit => (GOOD, "permitted"),
            Outcome::NeedsApproval => (WARN, "needs approval"),
            Outcome::Deny => (BAD, "denied"),
        };
        anstream::println!("  {:<24} {}", answer.state, paint(style, word));
        for reason in answer.reasons.iter() {
            let line = format!("rule {}: {}", reason.rule(), reason.sentence());
            anstream::println!("  {:<24}   {}", "", paint(DIM, line));
        }
    }
    for line in legend(envelope, answers) {
        anstream::println!("{}", paint(DIM, line));
    }
}

/// What the numbers and the words above mean, as far as they were used.
fn legend(envelope: &Envelope, answers: &[Answer]) -> Vec<&'static str> {
    let fired = |rules: std::ops::RangeInclusive<u8>| {
        let mut reasons = answers.iter().flat_map(|answer| answer.reasons.iter());
        reasons.any(|reason| rules.contains(&reason.rule()))
    };
    let mut lines = Vec::new();
    if fired(1..=5) {
        lines.push("rules 1 to 5 deny, and nobody can lift them while the session runs");
    }
    if fired(6..=8) {
        lines.push("rules 6 to 8 ask: while a session runs nobody can be asked yet, so the request is refused;");
        lines.push("a change of a file is kept, and `nucleus apply` is the approval");
    }
    if fired(8..=8) {
        lines.push(
            "rule 8 is about flow: what the session has read so far decides what may leave it",
        );
    }
    if envelope.posture().is_strict() {
        lines.push(
            "this policy is strict (`[flow] mode = \"strict\"`): anything that could carry data out asks as soon as",
        );
        lines.push("private data or untrusted content was read; by default only once both were");
    }
    lines
}

fn print_json(envelope: &Envelope, request: &Request, answers: &[Answer], put_in: &[Credential]) {
    let states: Vec<_> = answers
        .iter()
        .map(|answer| {
            let reasons: Vec<_> = answer.reasons.iter().map(|reason| reason.name()).collect();
            json!({
                "state": answer.state, "outcome": answer.outcome.name(), "reasons": reasons,
            })
        })
        .collect();
    let operations: Vec<_> = request.operations().iter().map(Operation::name).collect();
    anstream::println!(
        "{:#}",
        json!({
            "version": 1, "operations": operations,
            "envelope": envelope.digest().to_string(), "states": states,
            "credentials": bound::as_json(put_in),
        })
    );
}
