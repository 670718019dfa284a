//! Judges the recorded requests again: under the recorded envelopes, or under another one.
//!
//! Facts are recomputed where the subject was not redacted in a member that
//! decides; else the recorded facts stand in under the recorded envelope, and
//! are counted. Under another envelope a redacted subject reads *unknown*, never
//! *unchanged*. What of the session decided (phase, window, reservation,
//! exposure) is taken from the record: a replay says what another policy would
//! have answered at each step as it came, not where the agent would have gone.

use std::path::Path;

use portcullis::envelope::Envelope;
use portcullis::facts::facts;
use portcullis::request::{Content, Provenance, Request};
use portcullis::verdict::{SubjectFacts, Verdict, verdict};
use portcullis::{Outcome, Reasons, SessionWord};

use crate::error::ReadError;
use crate::read::read;
use crate::record::{DecisionPart, Detail, Kind, Record};
use crate::subject::{RecordedSubject, read_back};

/// One decision that would be another, or was not what its record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The record.
    pub sequence: u64,
    /// The outcome recorded.
    pub recorded: Outcome,
    /// The outcome recomputed, with the recorded approval.
    pub recomputed: Outcome,
    /// Every rule that fired, as recorded.
    pub recorded_reasons: Reasons,
    /// Every rule that fires now.
    pub recomputed_reasons: Reasons,
    /// Whether the facts of the subject differ from those recorded.
    pub facts_differ: bool,
    /// What it was about.
    pub subject: RecordedSubject,
}

/// What a replay found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayReport {
    /// How many decisions there are.
    pub decisions: u64,
    /// Decisions that come out the same, rule for rule.
    pub unchanged: u64,
    /// Decisions that do not. Under the recorded envelopes there must be none.
    pub changed: Vec<Difference>,
    /// Decisions whose redacted subject nobody can judge under another envelope.
    pub unknown: Vec<u64>,
    /// Decisions judged by their recorded facts, because the subject was redacted.
    pub by_recorded_facts: u64,
    /// Records whose exposure does not follow from the record before.
    pub exposure_breaks: Vec<u64>,
}

/// Judges every recorded request again, under `policy` or the recorded envelopes.
///
/// The chain is not checked: verify first.
///
/// # Errors
/// [`ReadError`] when the log or an envelope in it cannot be read.
pub fn replay(dir: &Path, policy: Option<&Envelope>) -> Result<ReplayReport, ReadError> {
    let mut replay = Replay {
        policy,
        recorded: None,
        report: ReplayReport::default(),
        last: None,
    };
    for record in read(dir)? {
        replay.record(&record?)?;
    }
    Ok(replay.report)
}

struct Replay<'a> {
    policy: Option<&'a Envelope>,
    /// The envelope in force.
    recorded: Option<Envelope>,
    report: ReplayReport,
    /// The exposure after the record before.
    last: Option<portcullis::Exposure>,
}

impl Replay<'_> {
    fn record(&mut self, record: &Record) -> Result<(), ReadError> {
        if let Some(Detail::Start { envelope, .. } | Detail::Tighten { envelope }) =
            &record.body.detail
        {
            let read = Envelope::from_bytes(&envelope.0);
            let sequence = record.seq;
            self.recorded = Some(read.map_err(|source| ReadError::Envelope { sequence, source })?);
        }
        self.follow_exposure(record);
        if record.body.kind.is_decision() {
            self.decision(record)
        } else {
            Ok(())
        }
    }

    /// Exposure only grows, and a refusal does not change it.
    fn follow_exposure(&mut self, record: &Record) {
        let exposure = record.body.exposure;
        let is_lost = self.last.is_some_and(|last| !last.leq(exposure.after));
        let is_lowered = !exposure.before.leq(exposure.after);
        let is_refusal = matches!(record.body.kind, Kind::Refusal | Kind::Stage);
        if is_lost || is_lowered || is_refusal && exposure.before != exposure.after {
            self.report.exposure_breaks.push(record.seq);
        }
        self.last = Some(
            self.last
                .map_or(exposure.after, |last| last.join(exposure.after)),
        );
    }

    fn decision(&mut self, record: &Record) -> Result<(), ReadError> {
        let body = &record.body;
        let (Some(recorded_facts), Some(part), Some(subject)) =
            (body.facts, body.decision, body.subject.clone())
        else {
            // Decision records have all three: the reader refuses others.
            return Ok(());
        };
        let recorded = self.recorded.as_ref().ok_or(ReadError::NoStart)?;
        let envelope = self.policy.unwrap_or(recorded);
        self.report.decisions += 1;
        let recomputed = rebuild(record).map(|request| facts(envelope, &request));
        let facts = match (recomputed, self.policy) {
            (Some(facts), _) => facts,
            (None, None) => {
                self.report.by_recorded_facts += 1;
                recorded_facts
            }
            (None, Some(_)) => {
                self.report.unknown.push(record.seq);
                return Ok(());
            }
        };
        let now = judge(envelope, record, part, facts);
        let recorded_reasons = part.reasons.union(part.discharged);
        let outcome = now.outcome_with(part.discharged);
        let facts_differ = facts != recorded_facts;
        let is_same = outcome == part.outcome && now.reasons() == recorded_reasons;
        if is_same && (self.policy.is_some() || !facts_differ) {
            self.report.unchanged += 1;
        } else {
            self.report.changed.push(Difference {
                sequence: record.seq,
                recorded: part.outcome,
                recomputed: outcome,
                recorded_reasons,
                recomputed_reasons: now.reasons(),
                facts_differ,
                subject,
            });
        }
        Ok(())
    }
}

/// The verdict on these facts in the recorded session.
fn judge(envelope: &Envelope, record: &Record, part: DecisionPart, facts: SubjectFacts) -> Verdict {
    let session = SessionWord {
        phase: part.phase,
        in_window: part.in_window,
        exposure: record.body.exposure.before,
    };
    verdict(envelope.posture(), session, facts, part.reserved)
}

/// The request as far as its facts depend on it; `None` where that was redacted.
fn rebuild(record: &Record) -> Option<Request> {
    let body = &record.body;
    let part = body.request.as_ref()?;
    let subject = read_back(body.subject.as_ref()?, &body.redacted)?;
    let provenance = Provenance {
        accepted_by: part.accepted_by.clone(),
        planned_step: part.planned_step,
    };
    let builder = Request::builder(
        body.principal.as_str(),
        record.session,
        body.operations,
        subject,
    );
    let content = part.content.map_or(Content::None, Content::Staged);
    Some(
        builder
            .parent(body.parent)
            .content(content)
            .carrying(part.carried)
            .provenance(provenance)
            .build(),
    )
}
