//! What the agent is told of a request that did not run: operation, rule, evidence and a way out.
//!
//! Absent: secrets, paths of the host, and any text of the policy beyond the rule that fired.

use core::fmt;

use portcullis::decide::Refusal;
use portcullis::request::{Request, Subject};
use portcullis::{Amount, Operation, OperationSet, Outcome, Posture, Reason, Reasons};
use serde_json::{Value, json};

use super::describe::{cut, describe};

/// The four ways in which a request does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusedKind {
    /// The policy does not grant it, and nobody can approve it.
    PolicyDenied,
    /// A human may allow it.
    ApprovalRequired,
    /// The budget does not cover it.
    BudgetExceeded,
    /// The session does not run anything now: ended, paused, out of time, or broken.
    StateBlocked,
}

impl RefusedKind {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::PolicyDenied => "policy_denied",
            Self::ApprovalRequired => "approval_required",
            Self::BudgetExceeded => "budget_exceeded",
            Self::StateBlocked => "state_blocked",
        }
    }
}

/// A doubt of the monitor itself; each denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Doubt {
    /// The record could not be written.
    RecordFailed,
    /// A handler panicked earlier; the session is over.
    Panicked,
    /// The boot-time clock went backwards.
    ClockWentBack,
    /// The request names another session or principal.
    ForeignRequest,
    /// The request names held content that is not held, or without its labels.
    UnknownContent,
    /// The live exposure could not be read or raised.
    ExposureUnknown,
    /// The request was recognised as no operation.
    UnknownOperation,
    /// A person's yes was given before a reason that holds now was shown.
    NotShown,
    /// A person's yes was used already or has expired.
    ApprovalSpent,
    /// The host's address is private, local, a metadata service or the like, and no rule names it.
    ForbiddenAddress,
}

impl Doubt {
    /// The name used in records and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RecordFailed => "record_failed",
            Self::Panicked => "panicked",
            Self::ClockWentBack => "clock_went_back",
            Self::ForeignRequest => "foreign_request",
            Self::UnknownContent => "unknown_content",
            Self::ExposureUnknown => "exposure_unknown",
            Self::UnknownOperation => "unknown_operation",
            Self::NotShown => "not_shown",
            Self::ApprovalSpent => "approval_spent",
            Self::ForbiddenAddress => "forbidden_address",
        }
    }

    /// What a refusal for it is.
    const fn kind(self) -> RefusedKind {
        match self {
            Self::ForbiddenAddress => RefusedKind::PolicyDenied,
            Self::NotShown | Self::ApprovalSpent => RefusedKind::ApprovalRequired,
            _ => RefusedKind::StateBlocked,
        }
    }

    /// One sentence for a person.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::RecordFailed => "the record could not be written, so the session is over",
            Self::Panicked => "an internal error ended the session",
            Self::ClockWentBack => "the boot-time clock went backwards",
            Self::ForeignRequest => "the request belongs to another session",
            Self::UnknownContent => "the request names content that is not held here",
            Self::ExposureUnknown => "what the session has seen could not be determined",
            Self::UnknownOperation => "the request is of no known operation",
            Self::NotShown => "a reason holds now that was not shown when it was approved",
            Self::ApprovalSpent => "the approval was used already or has expired",
            Self::ForbiddenAddress => {
                "the host has an address that is not public, and no rule names that address"
            }
        }
    }
}

/// The way out of a change that was kept.
const KEPT: &str = "go on without it: the change is kept, and the user decides with \
    `nucleus diff` and `nucleus apply`";

/// A request that did not run, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    kind: RefusedKind,
    operation: &'static str,
    subject: String,
    reasons: Reasons,
    doubt: Option<Doubt>,
    evidence: Vec<String>,
    refusal: Option<Box<Refusal>>,
    /// What `nucleus explain` would take, where it can say it.
    explained: Option<String>,
    /// What the budget lacked, in words.
    shortage: Option<Box<str>>,
}

impl Refused {
    /// A refusal by the rules.
    pub(crate) fn by_rules(
        request: &Request,
        refusal: Refusal,
        outcome: Outcome,
        posture: Posture,
        evidence: Vec<String>,
    ) -> Self {
        let reasons = refusal.reasons();
        Self {
            kind: kind(outcome, reasons),
            operation: culprit(request.operations(), &refusal, posture),
            subject: describe(request.subject()),
            reasons,
            doubt: None,
            evidence: if reasons.iter().any(|reason| reason.rule() == 8) {
                evidence
            } else {
                Vec::new()
            },
            refusal: Some(Box::new(refusal)),
            explained: explained(request.subject()),
            shortage: None,
        }
    }

    /// The same with the numbers, where the budget did not cover it.
    pub(crate) fn short_of(self, cost: Amount, left: Amount) -> Self {
        if !self.reasons.contains(Reason::BudgetNotReserved) {
            return self;
        }
        Self {
            shortage: Some(shortage(cost, left).into()),
            ..self
        }
    }

    /// A refusal by the monitor's own doubt.
    pub(crate) fn by_doubt(request: &Request, doubt: Doubt) -> Self {
        Self {
            kind: doubt.kind(),
            operation: first_name(request.operations()),
            subject: describe(request.subject()),
            reasons: Reasons::NONE,
            doubt: Some(doubt),
            evidence: Vec::new(),
            refusal: None,
            explained: None,
            shortage: None,
        }
    }

    /// The refusal of whatever a handler did when it panicked.
    pub(crate) fn after_panic() -> Self {
        Self {
            kind: RefusedKind::StateBlocked,
            operation: "unknown",
            subject: "request".to_owned(),
            reasons: Reasons::NONE,
            doubt: Some(Doubt::Panicked),
            evidence: Vec::new(),
            refusal: None,
            explained: None,
            shortage: None,
        }
    }

    /// The same refusal with a doubt of the monitor's own beside the rules.
    pub(crate) fn doubted(self, doubt: Doubt) -> Self {
        Self {
            doubt: Some(doubt),
            ..self
        }
    }

    /// Which of the four ways.
    #[must_use]
    pub fn kind(&self) -> RefusedKind {
        self.kind
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// The operation that the rule is about.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// What was asked for, cut and escaped.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Every rule that fired.
    #[must_use]
    pub fn reasons(&self) -> Reasons {
        self.reasons
    }

    /// The monitor's own doubt, when no rule was reached.
    #[must_use]
    pub fn doubt(&self) -> Option<Doubt> {
        self.doubt
    }

    /// What the law answered; an approval is made from it.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_deref()
    }

    /// The names of the rules, as in records.
    #[must_use]
    pub fn rules(&self) -> Vec<&'static str> {
        let doubt = self.doubt.map(Doubt::name);
        self.reasons.iter().map(Reason::name).chain(doubt).collect()
    }

    /// The rules as sentences.
    #[must_use]
    pub fn sentences(&self) -> Vec<&'static str> {
        let doubt = self.doubt.map(Doubt::sentence);
        self.reasons
            .iter()
            .map(Reason::sentence)
            .chain(doubt)
            .collect()
    }

    /// What the session has done that the rules refer to.
    #[must_use]
    pub fn evidence(&self) -> &[String] {
        &self.evidence
    }

    /// What can be done about it, naming only commands that exist.
    #[must_use]
    pub fn way_out(&self) -> String {
        if self.doubt == Some(Doubt::ForbiddenAddress) {
            return "work without it; the user can list the address itself in the host rules"
                .to_owned();
        }
        if matches!(self.doubt, Some(Doubt::NotShown | Doubt::ApprovalSpent)) {
            return "look again with `nucleus diff`, then `nucleus apply`".to_owned();
        }
        if self.doubt.is_some() {
            return "start a new session; `nucleus doctor` checks this machine".to_owned();
        }
        self.reasons
            .iter()
            .next()
            .map_or_else(String::new, |reason| self.way_out_of(reason))
    }

    fn way_out_of(&self, reason: Reason) -> String {
        match reason {
            Reason::SessionEnded | Reason::OutsideWindow => "start a new session".to_owned(),
            Reason::LockedDown => "wait until the user lifts the lockdown on the host".to_owned(),
            Reason::BudgetNotReserved if self.operation == "run_bash" => {
                "ask for less: a shorter time limit reserves less; or start a session with a larger \
                 `max_cost_usd` in `[budget]`"
                    .to_owned()
            }
            Reason::BudgetNotReserved => {
                "ask for less, or start a session with a larger `[budget]`".to_owned()
            }
            Reason::LevelNever => "work without it, or choose a profile that grants it: \
                `nucleus profiles` lists them"
                .to_owned(),
            Reason::NotListed | Reason::Obliged if self.is_kept() => KEPT.to_owned(),
            Reason::ActivationPath if self.is_kept() => KEPT.to_owned(),
            Reason::ActivationPath => "leave out the file that the host would run or obey, \
                or let the user do this step"
                .to_owned(),
            Reason::SubjectBlocked | Reason::NotListed | Reason::Obliged => match &self.explained {
                Some(subject) => format!(
                    "work without it; the user can see why with `nucleus explain {} {subject}`",
                    self.operation
                ),
                None => "work without it; the user can see the policy with `nucleus profiles show`"
                    .to_owned(),
            },
            Reason::FlowExfil | Reason::FlowEffect | Reason::FlowStrict => {
                "finish without it and let the user do this step, or start a new session that \
                 does not read that content"
                    .to_owned()
            }
        }
    }

    /// Whether it was a change of a file, which is kept for the user instead of lost.
    fn is_kept(&self) -> bool {
        self.kind == RefusedKind::ApprovalRequired
            && matches!(self.operation, "write_files" | "edit_files")
    }

    /// The refusal as structured content.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut told = json!({
            "code": self.code(),
            "operation": self.operation,
            "subject": self.subject,
            "rules": self.rules(),
            "rule": self.sentences(),
            "evidence": self.evidence,
            "way_out": self.way_out(),
        });
        if let Some(shortage) = &self.shortage {
            told["budget"] = json!(shortage);
        }
        told
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            RefusedKind::ApprovalRequired => write!(f, "`{}` needs approval", self.subject)?,
            RefusedKind::PolicyDenied => write!(f, "`{}` is denied", self.subject)?,
            RefusedKind::BudgetExceeded => write!(f, "`{}` is over budget", self.subject)?,
            RefusedKind::StateBlocked => write!(f, "`{}` cannot run now", self.subject)?,
        }
        write!(f, " ({})", self.operation)?;
        for sentence in self.sentences() {
            write!(f, "\n  {sentence}")?;
        }
        if let Some(shortage) = &self.shortage {
            write!(f, "\n  {shortage}")?;
        }
        if !self.evidence.is_empty() {
            write!(f, "\n  session has {}", self.evidence.join(" and "))?;
        }
        write!(f, "\nhelp: {}", self.way_out())
    }
}

impl core::error::Error for Refused {}

/// The words that `nucleus explain` takes for the subject, as a shell would need them.
///
/// `None` where it cannot name it, or where it is too long or too odd to be typed.
fn explained(subject: &Subject) -> Option<String> {
    /// About one line of a terminal.
    const MAX_BYTES: usize = 96;
    let text = match subject {
        Subject::Path(path) => path.to_string(),
        Subject::Command(command) => shell_words::join(command.argv.words()),
        Subject::Url(url) => format!("{}://{}:{}", url.scheme, url.host, url.port),
        Subject::Query { backend, .. } => backend.to_string(),
        Subject::Commit { branch, .. } => branch.clone(),
        Subject::Push { url, reference, .. } => {
            format!("{url}#{}", reference.strip_prefix("refs/heads/")?)
        }
        Subject::PullRequest { url, base, .. } => format!("{url}#{base}"),
        _ => return None,
    };
    let is_typed =
        (1..=MAX_BYTES).contains(&text.len()) && cut(&text) == text && !text.contains('@');
    is_typed.then(|| shell_words::quote(&text).into_owned())
}

/// What was to be reserved and what is left, for each part that was not covered.
fn shortage(cost: Amount, left: Amount) -> String {
    let dollars = |micro: u64| format!("{}.{:06} USD", micro / 1_000_000, micro % 1_000_000);
    let mut parts = Vec::new();
    if cost.micro_usd > left.micro_usd {
        parts.push((dollars(cost.micro_usd), dollars(left.micro_usd)));
    }
    for (name, asked, rest) in [
        ("input tokens", cost.input_tokens, left.input_tokens),
        ("output tokens", cost.output_tokens, left.output_tokens),
    ] {
        if asked > rest {
            parts.push((format!("{asked} {name}"), format!("{rest}")));
        }
    }
    if parts.is_empty() {
        // A second budget or one of zero: this one alone would have covered it.
        return "a budget of nothing covers nothing".to_owned();
    }
    let parts: Vec<_> = parts
        .into_iter()
        .map(|(asked, rest)| format!("it reserves {asked} before it starts, and {rest} is left"))
        .collect();
    parts.join("; ")
}

/// The state of the session goes before its budget, and both before the policy.
fn kind(outcome: Outcome, reasons: Reasons) -> RefusedKind {
    let fired = |reason| reasons.contains(reason);
    if outcome == Outcome::NeedsApproval {
        RefusedKind::ApprovalRequired
    } else if fired(Reason::SessionEnded)
        || fired(Reason::LockedDown)
        || fired(Reason::OutsideWindow)
    {
        RefusedKind::StateBlocked
    } else if fired(Reason::LevelNever) || fired(Reason::SubjectBlocked) {
        RefusedKind::PolicyDenied
    } else {
        RefusedKind::BudgetExceeded
    }
}

/// The operation that the first rule is about.
fn culprit(operations: OperationSet, refusal: &Refusal, posture: Posture) -> &'static str {
    let facts = refusal.facts();
    let capabilities = posture.capabilities();
    let free = capabilities.unconditional().union(facts.listed);
    let candidates = match refusal.reasons().iter().next() {
        Some(Reason::LevelNever) => operations.difference(capabilities.granted()),
        Some(Reason::SubjectBlocked) => operations.intersection(facts.blocked),
        Some(Reason::NotListed) => operations.difference(free),
        Some(Reason::Obliged) => operations.intersection(posture.asks()),
        _ => OperationSet::EMPTY,
    };
    let sinks = |set: OperationSet| set.intersection(operations);
    [
        candidates,
        sinks(OperationSet::EFFECT),
        sinks(OperationSet::EXFIL),
        operations,
    ]
    .into_iter()
    .find(|set| !set.is_empty())
    .map_or("unknown", outermost_name)
}

/// The operation of the set that reaches furthest.
fn outermost_name(set: OperationSet) -> &'static str {
    set.intersection(OperationSet::EFFECT)
        .iter()
        .next()
        .or_else(|| set.iter().next())
        .map_or("unknown", Operation::name)
}

fn first_name(set: OperationSet) -> &'static str {
    set.iter().next().map_or("unknown", Operation::name)
}
