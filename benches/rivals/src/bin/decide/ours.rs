//! Our side: one envelope, and requests made as the monitor makes them.

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;

use portcullis::command::{Argv, CommandPattern};
use portcullis::glob::PathPattern;
use portcullis::host::{Host, HostPattern, HostRule as OurHostRule, UrlPath, UrlPathPattern};
use portcullis::path::RelPath;
use portcullis::{
    CommandSubject, Conjunction, Decision, Envelope, EnvelopeParts, Exposure, Level, Operation,
    Outcome, Phase, Request, Section, SessionId, SessionWord, Subject, Union, UrlSubject, decide,
};

use crate::answer::Answer;
use crate::mix::Case;
use crate::rules::{self, CommandRule, HostRule, PathRule};

const SESSION: SessionWord = SessionWord {
    phase: Phase::Active,
    in_window: true,
    exposure: Exposure::NONE,
};

/// The rules as an envelope, and who asks.
#[derive(Debug)]
pub(crate) struct Ours {
    envelope: Envelope,
    principal: Arc<str>,
}

impl Ours {
    /// The envelope of all rules, every operation at `low_risk`.
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        let levels = Operation::ALL.into_iter().map(|op| (op, Level::LowRisk));
        let parts = EnvelopeParts {
            capabilities: levels.collect(),
            paths: Section {
                listed: Conjunction::of(paths(&rules::LISTED_PATHS)?),
                blocked: Union::of(paths(&rules::BLOCKED_PATHS)?),
            },
            commands: Section {
                listed: Conjunction::of(commands(&rules::LISTED_COMMANDS)),
                blocked: Union::of(commands(&rules::BLOCKED_COMMANDS)),
            },
            hosts: Section {
                listed: Conjunction::of(hosts(&rules::LISTED_HOSTS)?),
                blocked: Union::of(hosts(&rules::BLOCKED_HOSTS)?),
            },
            ..EnvelopeParts::nothing()
        };
        Ok(Self {
            envelope: Envelope::new(parts),
            principal: Arc::from("uid:1000"),
        })
    }

    /// The digested request of a case, from its texts.
    pub(crate) fn request(&self, case: &Case) -> Result<Request, Box<dyn Error>> {
        let (operation, subject) = match *case {
            Case::Read(path) => (Operation::ReadFiles, Subject::Path(RelPath::parse(path)?)),
            Case::Write(path) => (Operation::WriteFiles, Subject::Path(RelPath::parse(path)?)),
            Case::Run(words) => {
                let command = CommandSubject::new(Argv::new(words.iter().copied())?);
                (Operation::RunBash, Subject::Command(command))
            }
            Case::Fetch(method, host, port, path) => {
                (Operation::WebFetch, url(method, host, port, path)?)
            }
        };
        let session = SessionId::from_bytes([7; 16]);
        Ok(Request::builder(Arc::clone(&self.principal), session, operation, subject).build())
    }

    /// The decision.
    pub(crate) fn decide(&self, request: &Request) -> Decision {
        decide(
            black_box(&self.envelope),
            SESSION,
            black_box(request),
            true,
            None,
        )
    }

    /// The decision in the words of both.
    pub(crate) fn answer(&self, request: &Request) -> Answer {
        match self.decide(request).outcome() {
            Outcome::Permit => Answer::Permit,
            Outcome::NeedsApproval => Answer::Ask,
            Outcome::Deny => Answer::Deny,
        }
    }
}

fn url(method: &str, host: &str, port: u16, path: &str) -> Result<Subject, Box<dyn Error>> {
    Ok(Subject::Url(UrlSubject {
        method: method.to_owned(),
        scheme: "https".to_owned(),
        host: Host::parse(host)?,
        port,
        path: Some(UrlPath::parse(path)?),
        query: String::new(),
        upgrade: false,
        credential: None,
    }))
}

fn paths(rules: &[PathRule]) -> Result<Vec<PathPattern>, Box<dyn Error>> {
    let text = |rule: &PathRule| match rule {
        PathRule::Beneath(name) => format!("/{name}/**"),
        PathRule::File(name) => format!("/{name}"),
        PathRule::Ending(ending) => format!("*{ending}"),
        PathRule::Name(name) => (*name).to_owned(),
    };
    let parsed = rules.iter().map(|rule| PathPattern::parse(&text(rule)));
    Ok(parsed.collect::<Result<_, _>>()?)
}

fn commands(rules: &[CommandRule]) -> Vec<CommandPattern> {
    let pattern = |CommandRule(program, args): &CommandRule| CommandPattern::exact(program, args);
    rules.iter().map(pattern).collect()
}

fn hosts(rules: &[HostRule]) -> Result<Vec<OurHostRule>, Box<dyn Error>> {
    rules.iter().map(host).collect()
}

fn host(rule: &HostRule) -> Result<OurHostRule, Box<dyn Error>> {
    let open = |text: &str| Ok(OurHostRule::new(HostPattern::parse(text)?));
    match rule {
        HostRule::Host(host) => open(host),
        HostRule::Below(host) => open(&format!("*.{host}")),
        HostRule::Port(host, port) => open(&format!("{host}:{port}")),
        HostRule::Route(host, directory) => {
            let below = UrlPathPattern::parse(&format!("{directory}/**"))?;
            let rule: OurHostRule = open(host).map_err(|error: Box<dyn Error>| error)?;
            Ok(rule.with_methods(["GET"])?.with_paths([below])?)
        }
    }
}
