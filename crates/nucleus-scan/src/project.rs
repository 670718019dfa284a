//! What an agent configured like this could do: powers, the legs of the trifecta they reach, and the path between them.
//!
//! Each client's files are merged by that client's own precedence, every tool they give the agent becomes a [`Power`]
//! on an envelope, and the law itself says which legs a session under it can touch when nobody is asked. A server that
//! the tool catalog does not know counts as the worst case in [`Projection::worst`] and is named, whatever name it was
//! given; it never completes a path by itself, since a path is what is known to be there. What it is named after
//! counts as the least that is there.

mod builtin;
mod finding;
mod index;
mod legs;
mod merge;
mod path;
mod permission;
mod power;
mod roots;
mod servers;
mod suggest;
mod words;

pub use legs::Gate;
pub use path::{Path, Step};
pub use power::{Origin, Power};
pub(crate) use servers::launch_of;
pub use suggest::{Suggestion, suggest};

use std::collections::BTreeSet;

use portcullis::{Envelope, Exposure};

use crate::client::Client;
use crate::model::{Agent, Finding};
use crate::rules::TRIFECTA_COMPLETE;

/// One configured agent, all its files together.
#[derive(Clone, Debug)]
pub struct Projection {
    /// The program.
    pub client: Client,
    /// The repository or home it is configured for.
    pub root: String,
    /// The files that configure it, as shown.
    pub files: Vec<String>,
    /// What its tools can do, in the order of the files.
    pub powers: Vec<Power>,
    /// The legs that are known to be in reach.
    pub legs: Exposure,
    /// The legs in reach if every unknown server is what it could be.
    pub worst: Exposure,
    /// The way from a stranger's words to the user's data to the outside, when all three legs are known.
    pub path: Option<Path>,
    /// The envelope it comes down to: what would have to be granted to run it as configured.
    pub envelope: Envelope,
}

/// Projects every configured agent, one per client and root.
#[must_use]
pub fn project(agents: &[Agent]) -> Vec<Projection> {
    merge::families(agents).iter().map(projection).collect()
}

/// The findings of the combination analysis: per file, and per merged agent where only several files complete it.
pub(crate) fn findings(agents: &[Agent]) -> Vec<Finding> {
    let mut findings = of_files(agents);
    findings.extend(across(agents, &findings));
    findings
}

fn of_files(agents: &[Agent]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for agent in agents
        .iter()
        .filter(|agent| merge::is_interactive(agent.client))
    {
        let alone = projection(&merge::Family::of_one(agent));
        findings.extend(finding::complete(&alone, agent.scope));
        findings.extend(finding::unknown_servers(&alone, agent.scope));
    }
    findings
}

/// The findings for agents that only several files together complete.
fn across(agents: &[Agent], of_files: &[Finding]) -> Vec<Finding> {
    let complete: BTreeSet<&str> = of_files
        .iter()
        .filter(|one| one.rule == TRIFECTA_COMPLETE)
        .flat_map(|one| &one.evidence)
        .map(|one| one.place.file.shown.as_str())
        .collect();
    let merged = project(agents);
    let is_new = |whole: &&Projection| {
        !whole
            .files
            .iter()
            .any(|file| complete.contains(file.as_str()))
    };
    merged
        .iter()
        .filter(is_new)
        .filter_map(|whole| finding::complete(whole, finding::scope_of(whole, agents)))
        .collect()
}

fn projection(family: &merge::Family<'_>) -> Projection {
    let mut powers = builtin::powers(family);
    powers.extend(servers::powers(family));
    let envelope = legs::envelope(&powers);
    let known: Vec<&Power> = powers
        .iter()
        .filter(|power| power.origin != Origin::Unknown)
        .collect();
    let known_legs = legs::reached(&envelope, &known);
    let unknown: Vec<Power> = powers
        .iter()
        .filter(|power| !power.is_known())
        .map(Power::at_worst)
        .collect();
    let worst = known_legs.join(legs::reached(
        &envelope,
        &unknown.iter().collect::<Vec<_>>(),
    ));
    let path = path::find(family.client, &envelope, &known, known_legs);
    Projection {
        client: family.client,
        root: family.root.clone(),
        files: family.files(),
        legs: known_legs,
        worst,
        path,
        envelope,
        powers,
    }
}
