//! Compares the readers of paths, hosts, commands and scripts with references that are written without any care for speed.
//!
//! The references share no code with the engine and say what the documents say in the plainest way.

mod commands;
mod gitdirs;
mod hosts;
mod paths;
mod scripts;

use crate::random::Random;

/// One comparison: the question as text, and the two answers.
pub(crate) struct Case {
    pub(crate) question: String,
    pub(crate) engine: String,
    pub(crate) reference: String,
}

impl Case {
    fn new(
        question: String,
        engine: impl std::fmt::Debug,
        reference: impl std::fmt::Debug,
    ) -> Self {
        Self {
            question,
            engine: format!("{engine:?}"),
            reference: format!("{reference:?}"),
        }
    }

    /// Whether the two agree.
    pub(crate) fn agrees(&self) -> bool {
        self.engine == self.reference
    }
}

/// The case of that number; the kinds take turns.
pub(crate) fn case(seed: u64, number: u64) -> Case {
    let mut random = Random::of(seed, number);
    match number % 8 {
        0 => paths::matching(&mut random),
        1 => paths::reading(&mut random),
        2 => hosts::matching(&mut random),
        3 => hosts::routes(&mut random),
        4 => commands::listing(&mut random),
        5 => commands::blocking(&mut random),
        6 => scripts::reading(&mut random),
        _ => gitdirs::obeying(&mut random),
    }
}

/// One of these.
fn one_of<'a>(random: &mut Random, choices: &[&'a str]) -> &'a str {
    choices[random.below(choices.len() as u64) as usize]
}

/// Up to so many of these, joined.
fn some_of(random: &mut Random, most: u64, choices: &[&str], joint: &str) -> String {
    let count = random.below(most + 1);
    let words: Vec<&str> = (0..count).map(|_| one_of(random, choices)).collect();
    words.join(joint)
}
