//! The bytes that both sides read: a head and events of 32 bytes each; answers of 3 bytes and a state of 80.
//!
//! All numbers are little-endian and below 2^32, so that the model's 63-bit integers never overflow; the extremes of
//! 64 bits are the prover's work.

use portcullis::{
    Amount, Answer, Capabilities, Event, Exposure, OperationSet, Outcome, Phase, Posture, Reasons,
    SessionState, Sinks, SubjectFacts,
};

/// Bytes of a head and of an event.
pub(crate) const BLOCK: usize = 32;
/// Bytes of an answer.
pub(crate) const ANSWER: usize = 3;
/// Bytes of the last state.
pub(crate) const STATE: usize = 80;

/// How a session starts and what happens to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) start: Start,
    pub(crate) events: Vec<Event>,
}

/// How a session starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) posture: RawPosture,
    pub(crate) maximum: Amount,
    pub(crate) now_ms: u32,
    pub(crate) window_ms: u32,
}

/// A posture before ν, so that both sides apply their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RawPosture {
    pub(crate) capabilities: Capabilities,
    pub(crate) asks: OperationSet,
    pub(crate) strict: bool,
    pub(crate) capability_trifecta: bool,
}

impl RawPosture {
    /// The engine's posture: ν applied.
    pub(crate) fn normal(self) -> Posture {
        Posture::new(
            self.capabilities,
            self.asks,
            self.strict,
            self.capability_trifecta,
        )
    }
}

impl Trace {
    /// How many bytes the model answers.
    pub(crate) fn answer_bytes(&self) -> usize {
        self.events.len() * ANSWER + STATE
    }

    /// Appends the trace as the model reads it.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let mut head = [0; BLOCK];
        head[0] = u8::try_from(self.events.len()).unwrap_or(u8::MAX);
        let raw = self.start.posture;
        put_posture(
            &mut head[4..],
            raw.capabilities,
            raw.asks,
            raw.strict,
            raw.capability_trifecta,
        );
        put_amount(&mut head[12..], self.start.maximum);
        head[24..28].copy_from_slice(&self.start.now_ms.to_le_bytes());
        head[28..32].copy_from_slice(&self.start.window_ms.to_le_bytes());
        out.extend(head);
        for event in &self.events {
            out.extend(event_block(*event));
        }
    }
}

fn event_block(event: Event) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    match event {
        Event::Request { facts, cost, shown } => {
            block[2..4].copy_from_slice(&shown.bits().to_le_bytes());
            put_facts(&mut block[4..], facts);
            put_amount(&mut block[12..], cost);
        }
        Event::Settle { reserved, used } => {
            block[0] = 1;
            put_amount(&mut block[4..], reserved);
            put_amount(&mut block[16..], used);
        }
        Event::Tighten {
            posture,
            maximum,
            deadline_ms,
        } => {
            block[0] = 2;
            let (caps, asks) = (posture.capabilities(), posture.asks());
            put_posture(
                &mut block[4..],
                caps,
                asks,
                posture.is_strict(),
                posture.is_capability_trifecta(),
            );
            put_amount(&mut block[12..], maximum);
            put_u32(&mut block[24..], deadline_ms);
        }
        Event::Clock(now_ms) => {
            block[0] = 3;
            put_u32(&mut block[4..], now_ms);
        }
        Event::Expose(labels) => {
            block[0] = 4;
            block[4] = labels.bits();
        }
        Event::Lockdown => block[0] = 5,
        Event::Lift => block[0] = 6,
        Event::End => block[0] = 7,
    }
    block
}

fn put_facts(block: &mut [u8], facts: SubjectFacts) {
    block[0..2].copy_from_slice(&facts.operations.bits().to_le_bytes());
    block[2..4].copy_from_slice(&facts.listed.bits().to_le_bytes());
    block[4..6].copy_from_slice(&facts.blocked.bits().to_le_bytes());
    block[6] = facts.sources.bits();
    let Sinks { exfil, effect } = facts.sinks;
    block[7] = flags([
        exfil,
        effect,
        facts.activation,
        facts.sourced,
        facts.unclassified,
    ]);
}

fn put_posture(
    block: &mut [u8],
    caps: Capabilities,
    asks: OperationSet,
    strict: bool,
    capability_trifecta: bool,
) {
    block[0..4].copy_from_slice(&caps.bits().to_le_bytes());
    block[4..6].copy_from_slice(&asks.bits().to_le_bytes());
    block[6] = flags([strict, capability_trifecta]);
}

fn put_amount(block: &mut [u8], amount: Amount) {
    put_u32(block, amount.micro_usd);
    put_u32(&mut block[4..], amount.input_tokens);
    put_u32(&mut block[8..], amount.output_tokens);
}

/// A number that does not fit is the generator's mistake, and shows as a disagreement.
fn put_u32(block: &mut [u8], number: u64) {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    block[0..4].copy_from_slice(&number.to_le_bytes());
}

fn flags<const N: usize>(bits: [bool; N]) -> u8 {
    bits.iter()
        .rev()
        .fold(0, |flags, bit| flags << 1 | u8::from(*bit))
}

/// Appends an answer as the model writes it.
pub(crate) fn put_answer(answer: Answer, out: &mut Vec<u8>) {
    let (kind, fired) = match answer {
        Answer::Ignored => (0, Reasons::NONE),
        Answer::Applied => (1, Reasons::NONE),
        Answer::Judged { verdict, outcome } => {
            let kind = match outcome {
                Outcome::Deny => 2,
                Outcome::NeedsApproval => 3,
                Outcome::Permit => 4,
            };
            (kind, verdict.reasons())
        }
    };
    out.push(kind);
    out.extend(fired.bits().to_le_bytes());
}

/// Appends the last state as the model writes it.
pub(crate) fn put_state(state: SessionState, out: &mut Vec<u8>) {
    let posture = state.posture();
    out.extend(posture.capabilities().bits().to_le_bytes());
    out.extend(posture.asks().bits().to_le_bytes());
    out.push(flags([
        posture.is_strict(),
        posture.is_capability_trifecta(),
    ]));
    out.push(match state.phase() {
        Phase::Active => 0,
        Phase::LockedDown => 1,
        Phase::Ended => 2,
    });
    out.push(state.exposure().bits());
    out.extend([0; 7]);
    for amount in [state.ledger().left(), state.ledger().held()] {
        for number in [amount.micro_usd, amount.input_tokens, amount.output_tokens] {
            out.extend(number.to_le_bytes());
        }
    }
    out.extend(state.now_ms().to_le_bytes());
    out.extend(state.deadline_ms().to_le_bytes());
}

/// The set with these bits; bits that name no label are left out.
pub(crate) fn labels(bits: u64) -> Exposure {
    let all = [Exposure::PRIVATE, Exposure::UNTRUSTED, Exposure::EXFIL];
    let chosen = all
        .into_iter()
        .filter(|label| bits & u64::from(label.bits()) != 0);
    chosen.fold(Exposure::NONE, Exposure::join)
}
