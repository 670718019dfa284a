//! The way from a stranger's words over the user's data to the outside, and the sentence that tells it.

use portcullis::{Envelope, Exposure, Label};

use super::legs::{Gate, gate};
use super::power::Power;
use super::words;
use crate::client::Client;

/// One step of a path: a power, for the leg it supplies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which leg.
    pub leg: Label,
    /// The power.
    pub power: Power,
}

/// Three steps that complete the trifecta; one power may supply several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Where a stranger's words come in.
    pub untrusted: Step,
    /// Where the user's data comes in.
    pub private: Step,
    /// Where it leaves.
    pub way_out: Step,
    /// The whole in one sentence.
    pub sentence: String,
    /// What this product's monitor would say to the last step.
    pub gate: Gate,
}

impl Path {
    /// Its steps in the order of an attack.
    #[must_use]
    pub fn steps(&self) -> [&Step; 3] {
        [&self.untrusted, &self.private, &self.way_out]
    }
}

/// The clearest path among these powers; `None` unless the law says that all three legs are reached.
pub(crate) fn find(
    client: Client,
    envelope: &Envelope,
    powers: &[&Power],
    reached: Exposure,
) -> Option<Path> {
    if !reached.is_trifecta() {
        return None;
    }
    let untrusted = supplier(powers, Label::UntrustedContent, &[])?;
    let private = supplier(powers, Label::PrivateData, &[untrusted])?;
    let way_out = supplier(powers, Label::ExfilVector, &[untrusted, private])?;
    let step = |leg: Label, power: &Power| Step {
        leg,
        power: power.clone(),
    };
    Some(Path {
        sentence: words::sentence(client, untrusted, private, way_out),
        gate: gate(envelope, way_out),
        untrusted: step(Label::UntrustedContent, untrusted),
        private: step(Label::PrivateData, private),
        way_out: step(Label::ExfilVector, way_out),
    })
}

/// The power that says most clearly where a leg comes from: one that supplies little else, and is not in use yet.
fn supplier<'a>(powers: &[&'a Power], leg: Label, taken: &[&Power]) -> Option<&'a Power> {
    let legs = |power: &Power| power.legs.iter().count();
    powers
        .iter()
        .copied()
        .filter(|power| power.legs.contains(leg))
        .min_by_key(|power| (taken.contains(power), legs(power)))
}
