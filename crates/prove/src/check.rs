//! Checks one law: proved, refuted by an input, or in doubt; and never about nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use portcullis_laws::{Answer, Law, WORDS, Words};

use crate::blast::{Circuit, Literal, TRUE};
use crate::ir::Module;
use crate::lift::{Lifted, lift};
use crate::solve::{Decided, decide};

/// What settled a law.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// No way to break it was left once the terms were built.
    Rewriting,
    /// The solver's refutation of every way, checked.
    Solver {
        /// Lemmas of the refutation.
        lemmas: usize,
    },
}

/// What was found out about a law.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds of every input, and of some input it says something.
    Proved(Engine),
    /// This input breaks it.
    Refuted(Box<Words>),
    /// Something was not known, did not replay, or the law says nothing: not proved.
    Doubt(String),
}

/// A law and what was found out about it.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The law.
    pub law: &'static Law,
    /// What was found out.
    pub verdict: Verdict,
    /// How long it took, in time of one core.
    pub took: Duration,
}

/// Which functions an input is replayed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// Those compiled into this program: they are the ones being checked.
    Native,
    /// None: the ones being checked are of another source tree.
    Never,
}

/// The symbol of a law in the compiler's output.
///
/// # Errors
/// A message when there is none, or more than one.
pub fn symbol<'a>(module: &'a Module<'_>, name: &str) -> Result<&'a str, String> {
    let end = format!("{}{name}", name.len());
    let mut found = module.symbols().filter(|symbol| symbol.starts_with("_RNv") && symbol.ends_with(&end));
    match (found.next(), found.next()) {
        (Some(symbol), None) => Ok(symbol),
        (None, _) => Err(format!("the compiler's output has no `{name}`")),
        (Some(_), Some(_)) => Err(format!("the compiler's output has more than one `{name}`")),
    }
}

/// Lifts a law by its name.
///
/// # Errors
/// A message for whatever is not known.
pub fn lifted(module: &Module<'_>, law: &Law) -> Result<Lifted, String> {
    lift(module, symbol(module, law.name)?).map_err(|error| error.to_string())
}

/// The literals of which any makes the law fail, and the one that makes it hold.
pub fn roots(circuit: &mut Circuit, lifted: &Lifted) -> (Vec<Literal>, Literal) {
    let ways = lifted.arena.disjuncts(lifted.fails);
    let fails = ways.into_iter().map(|way| circuit.truth(&lifted.arena, way)).filter(|way| *way != -TRUE).collect();
    (fails, circuit.truth(&lifted.arena, lifted.holds))
}

/// Checks one law.
#[must_use]
pub fn check(module: &Module<'_>, law: &'static Law, replay: Replay) -> Checked {
    let started = core_time();
    let verdict = verdict(module, law, replay).unwrap_or_else(Verdict::Doubt);
    Checked { law, verdict, took: core_time().saturating_sub(started) }
}

/// The time that a core spent on this thread, which a busy machine does not lengthen.
fn core_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(now).unwrap_or_default()
}

fn verdict(module: &Module<'_>, law: &'static Law, replay: Replay) -> Result<Verdict, String> {
    let lifted = lifted(module, law)?;
    let mut circuit = Circuit::default();
    let (fails, holds) = roots(&mut circuit, &lifted);
    let engine = if fails.is_empty() {
        Engine::Rewriting
    } else {
        match decide(&circuit, &fails).map_err(|doubt| format!("{doubt:?}"))? {
            Decided::Never { lemmas, .. } => Engine::Solver { lemmas },
            Decided::By(bits) => {
                let words = words(&bits);
                return match replay {
                    Replay::Native if native(law, &words) != Answer::Fails => {
                        Err(format!("the input found does not break it when run: {}", (law.show)(&words)))
                    }
                    _ => Ok(Verdict::Refuted(Box::new(words))),
                };
            }
        }
    };
    match decide(&circuit, &[holds]).map_err(|doubt| format!("{doubt:?}"))? {
        Decided::Never { .. } => Err("it speaks of no input".to_owned()),
        Decided::By(bits) if replay == Replay::Native && native(law, &words(&bits)) != Answer::Holds => {
            Err(format!("the input found is outside it when run: {}", (law.show)(&words(&bits))))
        }
        Decided::By(_) => Ok(Verdict::Proved(engine)),
    }
}

/// The input with these bits of its words set.
fn words(bits: &[(u32, u32)]) -> Words {
    let mut words = [0; WORDS];
    for (word, bit) in bits {
        if let Some(word) = words.get_mut(*word as usize) {
            *word |= 1 << bit;
        }
    }
    words
}

/// What the law's own function answers; a panic breaks it.
#[must_use]
pub fn native(law: &Law, words: &Words) -> Answer {
    catch_unwind(AssertUnwindSafe(|| (law.judge)(words))).unwrap_or(Answer::Fails)
}
