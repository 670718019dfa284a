//! Decodes arguments of laws from arbitrary words; a word that decodes to nothing is outside the law.

use portcullis::{
    Amount, Capabilities, Event, Exposure, Label, Ledger, Level, Operation, OperationSet, Phase, Posture, Reason,
    Reasons, SessionState, SessionWord, Sinks, SubjectFacts, step,
};

use crate::law::Shape;

/// The most words a law reads.
pub const WORDS: usize = 64;

/// The input of a law.
pub type Words = [u64; WORDS];

/// A value that laws speak of.
pub trait Arg: Sized + Copy + core::fmt::Debug {
    /// How many words it takes.
    const LENGTH: usize;
    /// The value of the words from `at` on, or `None` when they are not well formed.
    fn decode(words: &Words, at: usize) -> Option<Self>;
    /// The shape of each word that `decode` reads, in order.
    fn shapes(out: &mut Vec<Shape>);
}

/// Reads one argument after another.
///
/// It advances by a constant whatever was read, so that the compiler sees each
/// word at a fixed place.
#[derive(Debug)]
pub struct Reader<'a> {
    words: &'a Words,
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader of the words from `at` on.
    #[inline]
    #[must_use]
    pub const fn new(words: &'a Words, at: usize) -> Self {
        Self { words, at }
    }

    /// The next argument.
    #[inline]
    pub fn arg<T: Arg>(&mut self) -> Option<T> {
        let at = self.at;
        self.at += T::LENGTH;
        T::decode(self.words, at)
    }
}

/// A value of one word with a shape.
macro_rules! one_word {
    ($($type:ty, $shape:expr, |$word:ident| $decode:expr;)+) => {$(
        impl Arg for $type {
            const LENGTH: usize = 1;

            #[inline]
            fn decode(words: &Words, at: usize) -> Option<Self> {
                let $word = *words.get(at)?;
                $decode
            }

            fn shapes(out: &mut Vec<Shape>) {
                out.push($shape);
            }
        }
    )+};
}

/// A value made of others, in order.
macro_rules! many_words {
    ($($type:ty = ($($part:ident: $part_type:ty),+) $make:expr;)+) => {$(
        impl Arg for $type {
            const LENGTH: usize = 0 $(+ <$part_type as Arg>::LENGTH)+;

            #[inline]
            fn decode(words: &Words, at: usize) -> Option<Self> {
                let mut reader = Reader::new(words, at);
                $(let $part: $part_type = reader.arg()?;)+
                $make
            }

            fn shapes(out: &mut Vec<Shape>) {
                $(<$part_type as Arg>::shapes(out);)+
            }
        }
    )+};
}

/// The word as a narrower number, or `None`.
#[inline]
fn narrow<T: TryFrom<u64>>(word: u64) -> Option<T> {
    T::try_from(word).ok()
}

one_word! {
    u64, Shape::Number, |word| Some(word);
    bool, Shape::Below(2), |word| match word {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    };
    Level, Shape::Below(3), |word| match word {
        0 => Some(Level::Never),
        1 => Some(Level::LowRisk),
        2 => Some(Level::Always),
        _ => None,
    };
    Label, Shape::Below(3), |word| match word {
        0 => Some(Label::PrivateData),
        1 => Some(Label::UntrustedContent),
        2 => Some(Label::ExfilVector),
        _ => None,
    };
    Phase, Shape::Below(3), |word| match word {
        0 => Some(Phase::Active),
        1 => Some(Phase::LockedDown),
        2 => Some(Phase::Ended),
        _ => None,
    };
    Reason, Shape::Below(12), |word| match word {
        0 => Some(Reason::SessionEnded),
        1 => Some(Reason::LockedDown),
        2 => Some(Reason::OutsideWindow),
        3 => Some(Reason::BudgetNotReserved),
        4 => Some(Reason::LevelNever),
        5 => Some(Reason::SubjectBlocked),
        6 => Some(Reason::NotListed),
        7 => Some(Reason::Obliged),
        8 => Some(Reason::ActivationPath),
        9 => Some(Reason::FlowExfil),
        10 => Some(Reason::FlowEffect),
        11 => Some(Reason::FlowStrict),
        _ => None,
    };
    Operation, Shape::Below(12), |word| Operation::from_number(narrow(word)?);
    Capabilities, Shape::Levels, |word| Capabilities::from_bits(narrow(word)?);
    OperationSet, Shape::Set(12), |word| OperationSet::from_bits(narrow(word)?);
    Exposure, Shape::Set(3), |word| Exposure::from_bits(narrow(word)?);
    Reasons, Shape::Set(12), |word| Reasons::from_bits(narrow(word)?);
}

/// The parts of a posture before ν.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The level of each operation.
    pub capabilities: Capabilities,
    /// The operations that oblige an approval.
    pub asks: OperationSet,
    /// `[flow] mode = "strict"`.
    pub strict: bool,
    /// `[flow] trifecta = "capability"`.
    pub capability_trifecta: bool,
}

impl Parts {
    /// The posture of these parts.
    #[inline]
    #[must_use]
    pub const fn posture(self) -> Posture {
        Posture::new(self.capabilities, self.asks, self.strict, self.capability_trifecta)
    }
}

many_words! {
    Parts = (capabilities: Capabilities, asks: OperationSet, strict: bool, capability_trifecta: bool)
        Some(Parts { capabilities, asks, strict, capability_trifecta });
    Posture = (parts: Parts) Some(parts.posture());
    Amount = (micro_usd: u64, input_tokens: u64, output_tokens: u64)
        Some(Amount { micro_usd, input_tokens, output_tokens });
    Ledger = (left: Amount, held: Amount) ledger(left, held);
    SessionWord = (phase: Phase, in_window: bool, exposure: Exposure)
        Some(SessionWord { phase, in_window, exposure });
    Sinks = (exfil: bool, effect: bool) Some(Sinks { exfil, effect });
    SubjectFacts = (
        operations: OperationSet, listed: OperationSet, blocked: OperationSet, sources: Exposure,
        sinks: Sinks, activation: bool, sourced: bool, unclassified: bool
    ) Some(SubjectFacts {
        operations, listed, blocked, sources, sinks, activation, sourced, unclassified,
    });
    SessionState = (
        posture: Posture, phase: Phase, exposure: Exposure, left: Amount, held: Amount,
        now_ms: u64, deadline_ms: u64
    ) session(posture, phase, exposure, (left, held), (now_ms, deadline_ms));
}

/// The ledger with this much left and held, reached by its own operations.
#[inline]
fn ledger(left: Amount, held: Amount) -> Option<Ledger> {
    Ledger::open(left.checked_add(held)?).reserve(held)
}

/// More than any amount.
const UNBOUNDED: Amount = Amount { micro_usd: u64::MAX, input_tokens: u64::MAX, output_tokens: u64::MAX };

/// The session in this state, reached from the start by its own events alone.
///
/// An open session reads a file at the cost of what is to be held; then the clock
/// advances, authority is narrowed, labels arrive and the phase changes.
#[inline]
fn session(
    posture: Posture,
    phase: Phase,
    exposure: Exposure,
    (left, held): (Amount, Amount),
    (now_ms, deadline_ms): (u64, u64),
) -> Option<SessionState> {
    // Asked first, so that the compiler knows below that the read is covered.
    ledger(left, held)?;
    let open = Posture::new(Capabilities::ALL, OperationSet::EMPTY, false, false);
    let start = SessionState::start(open, left.checked_add(held)?, 0, u64::MAX);
    let read = Event::Request {
        facts: SubjectFacts { operations: OperationSet::of(Operation::ReadFiles), ..SubjectFacts::default() },
        cost: held,
        shown: Reasons::NONE,
    };
    let state = step(start, read).0;
    let state = step(state, Event::Clock(now_ms)).0;
    let state = step(state, Event::Tighten { posture, maximum: UNBOUNDED, deadline_ms }).0;
    let state = step(state, Event::Expose(exposure)).0;
    let state = match phase {
        Phase::Active => state,
        Phase::LockedDown => step(state, Event::Lockdown).0,
        Phase::Ended => step(state, Event::End).0,
    };
    let is_reached = state.posture() == posture
        && state.phase() == phase
        && state.exposure() == exposure
        && state.ledger().left() == left
        && state.ledger().held() == held
        && state.now_ms() == now_ms
        && state.deadline_ms() == deadline_ms;
    is_reached.then_some(state)
}

/// Which event the other words are read for.
#[derive(Clone, Copy, Debug)]
struct Which(u8);

one_word! {
    Which, Shape::Below(8), |word| if word < 8 { narrow(word).map(Which) } else { None };
}

many_words! {
    Event = (
        which: Which, facts: SubjectFacts, cost: Amount, shown: Reasons, posture: Posture,
        number: u64, used: Amount, exposure: Exposure
    ) Some(match which.0 {
        0 => Event::Request { facts, cost, shown },
        1 => Event::Settle { reserved: cost, used },
        2 => Event::Tighten { posture, maximum: cost, deadline_ms: number },
        3 => Event::Clock(number),
        4 => Event::Expose(exposure),
        5 => Event::Lockdown,
        6 => Event::Lift,
        _ => Event::End,
    });
}
