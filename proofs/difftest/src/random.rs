//! Makes random traces; each is made again from the seed and its number.

use portcullis::{
    Amount, Capabilities, Event, Level, Operation, OperationSet, Reasons, Sinks, SubjectFacts,
};

use crate::wire::{RawPosture, Start, Trace, labels};

/// The most events of a trace.
const EVENTS: u64 = 12;

/// A splitmix64 generator.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The generator of that number.
    pub(crate) fn of(seed: u64, number: u64) -> Self {
        let mut random = Self(
            seed.wrapping_mul(0xD134_2543_DE82_EF95)
                .wrapping_add(number),
        );
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// A number below the bound.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True once in so many times.
    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// A set in which each operation stands once in so many times.
    fn set(&mut self, times: u64) -> OperationSet {
        Operation::ALL
            .into_iter()
            .filter(|_| self.once_in(times))
            .collect()
    }

    /// Levels of which most are granted, so that traces get somewhere.
    fn capabilities(&mut self) -> Capabilities {
        let levels = [Level::Never, Level::LowRisk, Level::Always, Level::Always];
        Operation::ALL
            .into_iter()
            .map(|op| (op, levels[self.below(4) as usize]))
            .collect()
    }

    /// An amount around what budgets hold, often zero.
    fn amount(&mut self, most: u64) -> Amount {
        let mut part = |rare: u64| {
            if self.once_in(rare) {
                0
            } else {
                self.below(most)
            }
        };
        Amount {
            micro_usd: part(4),
            input_tokens: part(2),
            output_tokens: part(2),
        }
    }

    fn posture(&mut self) -> RawPosture {
        let capabilities = self.capabilities();
        RawPosture {
            capabilities,
            asks: self.set(6),
            strict: self.once_in(4),
            capability_trifecta: self.once_in(2),
        }
    }

    fn reasons(&mut self) -> Reasons {
        let bits = match self.below(4) {
            0 | 1 => 0,
            2 => 0x0fff,
            _ => self.next() as u16 & 0x0fff,
        };
        Reasons::from_bits(bits).unwrap_or(Reasons::NONE)
    }

    fn facts(&mut self) -> SubjectFacts {
        let operations = match self.below(16) {
            0 => OperationSet::EMPTY,
            1..=11 => OperationSet::of(Operation::ALL[self.below(12) as usize]),
            _ => self.set(4),
        };
        let chance = self.next();
        SubjectFacts {
            operations,
            listed: if self.once_in(3) {
                self.set(3)
            } else {
                OperationSet::ALL
            },
            blocked: if self.once_in(8) {
                self.set(3)
            } else {
                OperationSet::EMPTY
            },
            sources: labels(chance & chance >> 3 & 7),
            sinks: Sinks {
                exfil: self.once_in(3),
                effect: self.once_in(4),
            },
            activation: self.once_in(12),
            sourced: self.once_in(3),
            unclassified: self.once_in(16),
        }
    }

    fn event(&mut self) -> Event {
        match self.below(32) {
            0 => Event::Tighten {
                posture: self.posture().normal(),
                maximum: self.amount(40_000),
                deadline_ms: self.below(40_000),
            },
            1..=4 => Event::Settle {
                reserved: self.amount(2_000),
                used: self.amount(1_000),
            },
            5 | 6 => Event::Clock(self.below(12_000)),
            7 | 8 => Event::Expose(labels(self.next() & self.next() & 7)),
            9 => Event::Lockdown,
            10 | 11 => Event::Lift,
            12 if self.once_in(3) => Event::End,
            _ => Event::Request {
                facts: self.facts(),
                cost: self.amount(3_000),
                shown: self.reasons(),
            },
        }
    }
}

/// The trace of that number.
pub(crate) fn trace(seed: u64, number: u64) -> Trace {
    let mut random = Random::of(seed, number);
    let start = Start {
        posture: random.posture(),
        maximum: random.amount(20_000),
        now_ms: random.below(1_000) as u32,
        window_ms: random.below(20_000) as u32,
    };
    let count = 1 + random.below(EVENTS);
    Trace {
        start,
        events: (0..count).map(|_| random.event()).collect(),
    }
}
