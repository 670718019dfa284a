//! Every case of one request on one operation, and ν on every vector of levels.

use portcullis::{
    Amount, Capabilities, Event, Exposure, Level, Operation, OperationSet, Reasons, Sinks,
    SubjectFacts,
};

use crate::wire::{RawPosture, Start, Trace, labels};

/// What a request costs in the cases.
const COST: Amount = Amount {
    micro_usd: 5,
    input_tokens: 1,
    output_tokens: 0,
};

/// All cases; well over two million.
pub(crate) fn all() -> impl Iterator<Item = Trace> {
    requests().chain(normal_forms())
}

/// A number taken apart into digits of mixed bases.
struct Digits(u64);

impl Digits {
    fn next(&mut self, base: u64) -> u64 {
        let digit = self.0 % base;
        self.0 /= base;
        digit
    }

    fn flag(&mut self) -> bool {
        self.next(2) == 1
    }
}

/// The operation, its level, the subject's facts, what was touched, what was shown, and the session's standing.
fn requests() -> impl Iterator<Item = Trace> {
    let bases = [12, 3, 2, 2, 3, 8, 2, 2, 2, 2, 2, 2, 2, 4];
    (0..bases.into_iter().product::<u64>()).map(request)
}

fn request(number: u64) -> Trace {
    let mut digits = Digits(number);
    let op = Operation::ALL[digits.next(12) as usize];
    let level = Level::ALL[digits.next(3) as usize];
    let set = OperationSet::of(op);
    let (listed, blocked) = (digits.flag(), digits.flag());
    let obliged = digits.next(3);
    let touched = labels(digits.next(8));
    let facts = SubjectFacts {
        operations: set,
        listed: if listed { set } else { OperationSet::EMPTY },
        blocked: if blocked { set } else { OperationSet::EMPTY },
        sources: if digits.flag() {
            Exposure::UNTRUSTED
        } else {
            Exposure::NONE
        },
        sinks: Sinks {
            exfil: digits.flag(),
            effect: digits.flag(),
        },
        activation: digits.flag(),
        sourced: digits.flag(),
        unclassified: obliged == 2,
    };
    let strict = digits.flag();
    let shown = if digits.flag() {
        Reasons::ASKING
    } else {
        Reasons::NONE
    };
    let standing = digits.next(4);
    let request = Event::Request {
        facts,
        cost: COST,
        shown,
    };
    let mut events = vec![Event::Expose(touched)];
    events.extend(match standing {
        2 => Some(Event::Lockdown),
        3 => Some(Event::End),
        _ => None,
    });
    events.push(request);
    let posture = RawPosture {
        capabilities: Capabilities::NONE.with(op, level),
        asks: if obliged == 1 {
            set
        } else {
            OperationSet::EMPTY
        },
        strict,
        capability_trifecta: false,
    };
    Trace {
        start: start(posture, u64::from(standing != 1)),
        events,
    }
}

/// Every vector of twelve levels, with either setting of the trifecta.
fn normal_forms() -> impl Iterator<Item = Trace> {
    (0..2 * 3_u64.pow(12)).map(|number| {
        let mut digits = Digits(number);
        let capability_trifecta = digits.flag();
        let capabilities = Operation::ALL
            .into_iter()
            .map(|op| (op, Level::ALL[digits.next(3) as usize]))
            .collect();
        let posture = RawPosture {
            capabilities,
            asks: OperationSet::EMPTY,
            strict: false,
            capability_trifecta,
        };
        Trace {
            start: start(posture, 1),
            events: Vec::new(),
        }
    })
}

/// A session whose budget covers the cost exactly so many times.
fn start(posture: RawPosture, times: u64) -> Start {
    let maximum = Amount {
        micro_usd: COST.micro_usd * times,
        input_tokens: COST.input_tokens * times,
        output_tokens: 0,
    };
    Start {
        posture,
        maximum,
        now_ms: 0,
        window_ms: 1,
    }
}
