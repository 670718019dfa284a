//! Lets the law itself say what is in reach: an envelope of the powers, and a session under it that nobody guards.

use portcullis::{
    Amount, Capabilities, Envelope, EnvelopeParts, Event, Exposure, Level, Outcome, Reasons,
    Section, SessionState, SubjectFacts, step, verdict,
};

use super::power::Power;

/// A session of a day: long enough for every power to be used once.
const WINDOW_MS: u64 = 24 * 60 * 60 * 1000;

/// What this product's monitor would say to the last step of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It would ask a person, for these reasons.
    Asks(Reasons),
    /// It would refuse.
    Denies(Reasons),
    /// It would let it happen.
    Permits,
}

/// The least envelope under which every power can be used: its operations at `always`, nothing else.
pub(crate) fn envelope(powers: &[Power]) -> Envelope {
    let operations = powers
        .iter()
        .fold(portcullis::OperationSet::EMPTY, |all, power| {
            all.union(power.effects.operations)
        });
    let capabilities = operations
        .iter()
        .fold(Capabilities::NONE, |all, op| all.with(op, Level::Always));
    Envelope::new(EnvelopeParts {
        capabilities,
        tools: Section::everything(),
        maximum: Amount::default(),
        window_ms: WINDOW_MS,
        ..EnvelopeParts::nothing()
    })
}

/// The exposure of a session in which every power was used and every question answered with yes.
pub(crate) fn reached(envelope: &Envelope, powers: &[&Power]) -> Exposure {
    let start = SessionState::start(envelope.posture(), Amount::default(), 0, WINDOW_MS);
    let used = |state: SessionState, power: &&Power| {
        let event = Event::Request {
            facts: facts(power),
            cost: Amount::default(),
            shown: Reasons::ASKING,
        };
        step(state, event).0
    };
    powers.iter().fold(start, used).exposure()
}

/// What the monitor would say to this power once the other two legs were touched.
pub(crate) fn gate(envelope: &Envelope, power: &Power) -> Gate {
    let start = SessionState::start(envelope.posture(), Amount::default(), 0, WINDOW_MS);
    let sources = Exposure::PRIVATE.join(Exposure::UNTRUSTED);
    let (seen, _) = step(start, Event::Expose(sources));
    let answer = verdict(envelope.posture(), seen.word(), facts(power), true);
    match answer.outcome() {
        Outcome::Permit => Gate::Permits,
        Outcome::NeedsApproval => Gate::Asks(answer.reasons()),
        Outcome::Deny => Gate::Denies(answer.reasons()),
    }
}

fn facts(power: &Power) -> SubjectFacts {
    let effects = power.effects;
    SubjectFacts {
        operations: effects.operations,
        listed: effects.operations,
        sources: power.legs.sources(),
        sinks: portcullis::Sinks {
            exfil: Exposure::EXFIL.leq(power.legs),
            effect: effects.sinks.effect,
        },
        ..SubjectFacts::default()
    }
}
