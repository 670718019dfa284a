//! Refuses a workspace in which an import points up or sideways, or a crate holds what it must not.
//!
//! The house is data (`xtask/arrows.toml`): a crate that it does not list is a finding.

mod files;
mod imports;
mod lints;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::metadata::Metadata;
use crate::{Failure, report, root};

/// The house as data.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct House {
    crates: BTreeMap<String, Room>,
}

/// What one crate may be and hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Room {
    level: i8,
    #[serde(default)]
    dev_only: bool,
    /// The only crates that may import it; without a list, any above it.
    imported_by: Option<BTreeSet<String>>,
    #[serde(default)]
    unsafe_code: bool,
    #[serde(default)]
    not_linked: BTreeSet<String>,
    #[serde(default)]
    not_in_source: BTreeSet<String>,
    /// Most lines of code it may have: what is to be proved must stay readable.
    max_code_lines: Option<usize>,
    #[serde(default)]
    why: String,
}

/// Checks this workspace; true when it holds.
pub(crate) fn run() -> Result<bool, Failure> {
    let house: House = root::table("arrows.toml")?;
    let metadata = Metadata::of(&root::root())?;
    let mut findings = imports::check(&house, &metadata);
    findings.extend(lints::check(&house, &metadata, &root::root())?);
    findings.extend(words::check(&house, &metadata)?);
    findings.extend(files::check(&metadata)?);
    let members = metadata.members().count();
    Ok(report(
        "arrows",
        &format!("{members} crates, {} rooms", house.crates.len()),
        &findings,
    ))
}
