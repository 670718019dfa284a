//! Draws inputs of laws: mostly well formed, related to each other, and near the edges.

use crate::args::{WORDS, Words};
use crate::law::Shape;

/// Draws inputs from a seed; the same seed draws the same inputs.
#[derive(Clone, Debug)]
pub struct Sampler(u64);

impl Sampler {
    /// A sampler that starts from this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number (splitmix64).
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// An input for words of these shapes; words past them are zero.
    pub fn words(&mut self, shapes: &[Shape]) -> Words {
        let mut words = [0; WORDS];
        let is_calm = self.number().is_multiple_of(3);
        for (at, shape) in shapes.iter().enumerate() {
            let fresh = self.word(*shape);
            if is_calm && !self.number().is_multiple_of(8) {
                words[at] = self.calm(*shape, fresh);
                continue;
            }
            let earlier = self.earlier(&words, &shapes[..at], *shape);
            words[at] = match (self.number() % 8, earlier) {
                (0, Some(same)) => same,
                (1, Some(other)) => self.below(*shape, other, fresh),
                _ => fresh,
            };
        }
        words
    }

    /// A word of a session in which most is granted and little stands in the way.
    fn calm(&mut self, shape: Shape, fresh: u64) -> u64 {
        match shape {
            Shape::Below(_) => 0,
            Shape::Set(members) => match self.number() % 3 {
                0 => 1 << (self.number() % u64::from(members)),
                _ => 0,
            },
            Shape::Levels => 0x00ff_ffff,
            Shape::Number => match self.number() % 3 {
                0 => fresh,
                _ => 0,
            },
        }
    }

    /// One of the words before that has this shape.
    fn earlier(&mut self, words: &Words, before: &[Shape], shape: Shape) -> Option<u64> {
        let same: Vec<u64> =
            before.iter().zip(words).filter(|(other, _)| **other == shape).map(|(_, word)| *word).collect();
        let count = u64::try_from(same.len()).ok().filter(|n| *n > 0)?;
        same.get(usize::try_from(self.number() % count).ok()?).copied()
    }

    /// A word below another in its order, so that premises are met often.
    fn below(&mut self, shape: Shape, other: u64, fresh: u64) -> u64 {
        match shape {
            Shape::Levels | Shape::Set(_) => other & fresh,
            Shape::Below(_) | Shape::Number if other == 0 => 0,
            Shape::Below(_) => self.number() % other,
            Shape::Number => other - self.number() % 3 % other.min(3),
        }
    }

    /// A word of this shape; one in 512 is of no shape.
    fn word(&mut self, shape: Shape) -> u64 {
        let raw = self.number();
        if raw.is_multiple_of(512) {
            return self.number();
        }
        match shape {
            Shape::Below(bound) => self.number() % bound,
            Shape::Set(members) => {
                let bits = self.number();
                let thin = if raw.is_multiple_of(3) { self.number() } else { u64::MAX };
                let full = if raw.is_multiple_of(7) { u64::MAX } else { 0 };
                (bits & thin | full) & ((1 << members) - 1)
            }
            Shape::Levels => {
                let never = if raw.is_multiple_of(4) { 0 } else { u64::MAX };
                let full = if raw.is_multiple_of(5) { u64::MAX } else { 0 };
                let low = (self.number() & (self.number() | never) | full) & 0x0055_5555;
                low | (low & (self.number() | full)) << 1
            }
            Shape::Number => match raw >> 32 & 7 {
                0 => 0,
                1 => u64::MAX,
                2 => u64::MAX - self.number() % 9,
                3 => 1 << (self.number() % 64),
                4 | 5 => self.number() % 30,
                _ => self.number() >> (self.number() % 64),
            },
        }
    }
}

/// How many inputs a law is checked on, unless `PROPTEST_CASES` says otherwise.
#[cfg(test)]
const DRAWN: u32 = 2_000;
/// The library's own number of cases.
#[cfg(test)]
const UNASKED: u32 = 256;
/// Among how many inputs, the same in every run, a law must speak of one.
#[cfg(test)]
const SEARCHED: u64 = 400_000;

/// Checks a law as a property of drawn inputs, of which a failing one is shrunk, and that it speaks of some input.
#[cfg(test)]
pub(crate) fn check(laws: &[crate::Law], name: &str) {
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};

    let law = laws.iter().find(|law| law.name == name).unwrap();
    let shapes = (law.shapes)();
    let words = |seed| Sampler::new(seed).words(&shapes);
    // The library reads the variable itself; where it says nothing, it has a default of its own.
    let cases = match Config::default().cases {
        UNASKED => DRAWN,
        asked => asked,
    };
    let config = Config { failure_persistence: None, ..Config::with_cases(cases) };
    TestRunner::new(config)
        .run(&any::<u64>().prop_map(words), |words| {
            prop_assert!((law.judge)(&words) != crate::Answer::Fails, "{}", (law.show)(&words));
            Ok(())
        })
        .unwrap();
    let speaks = (0..SEARCHED).any(|seed| (law.judge)(&words(seed)) == crate::Answer::Holds);
    assert!(speaks, "no searched input was inside {name}");
}
