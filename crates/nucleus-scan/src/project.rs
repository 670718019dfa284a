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
mod settle;
mod suggest;
mod words;

pub use legs::Gate;
pub use path::{Path, Step};
pub use power::{Origin, Power};
pub(crate) use servers::launch_of;
pub use suggest::{Suggestion, suggest};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use portcullis::{Envelope, Exposure};

use crate::client::Client;
use crate::model::{Agent, FileName, Finding};

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

/// Judges what the files of each agent come to together: takes back findings about rules that another of its files takes back, and
/// adds those of the combination analysis.
pub(crate) fn judge(agents: &[Agent], findings: &mut Vec<Finding>) {
    let families = merge::families(agents);
    settle::settle(&families, findings);
    let mut seen = BTreeSet::new();
    for family in &families {
        let found = of_family(family);
        findings.extend(
            found
                .into_iter()
                .filter(|one| seen.insert((one.rule, one.evidence.clone()))),
        );
    }
}

/// Each file that completes the trifecta by itself, as far as the others leave it; else the files together.
fn of_family(family: &merge::Family<'_>) -> Vec<Finding> {
    let whole = projection(family);
    let mut by_file: BTreeMap<&Arc<FileName>, Vec<&Power>> = BTreeMap::new();
    for power in &whole.powers {
        by_file.entry(&power.place.file).or_default().push(power);
    }
    let alone = |(file, powers): (_, &Vec<&Power>)| {
        let known: Vec<&Power> = powers
            .iter()
            .copied()
            .filter(|power| power.counts())
            .collect();
        let legs = legs::reached(&whole.envelope, &known);
        let path = path::find(family.client, &whole.envelope, &known, legs)?;
        Some(finding::complete(
            &whole,
            &known,
            path,
            family.scope_of(file),
        ))
    };
    let mut found: Vec<Finding> = by_file
        .iter()
        .filter_map(|(file, powers)| alone((file, powers)))
        .collect();
    if let Some(path) = whole.path.clone().filter(|_| found.is_empty()) {
        let known: Vec<&Power> = whole.powers.iter().filter(|power| power.counts()).collect();
        found.push(finding::complete(&whole, &known, path, family.narrowest()));
    }
    found.extend(finding::unknown_servers(&whole, |file| {
        family.scope_of(file)
    }));
    found
}

fn projection(family: &merge::Family<'_>) -> Projection {
    let mut powers = builtin::powers(family);
    powers.extend(servers::powers(family));
    let envelope = legs::envelope(&powers);
    let known: Vec<&Power> = powers.iter().filter(|power| power.counts()).collect();
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
