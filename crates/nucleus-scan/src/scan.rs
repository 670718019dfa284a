//! One scan: walk, read, understand, judge.

use std::path::PathBuf;

use crate::model::Scan;

/// Where to look. Each root is optional; nothing outside them is opened, whatever a link says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// Repositories, or single files that are named outright.
    pub projects: Vec<PathBuf>,
    /// The user's home.
    pub home: Option<PathBuf>,
    /// The root of the system, `/` in life and a directory in tests.
    pub system: Option<PathBuf>,
}

/// How to look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Today as `YYYY-MM-DD`: a suppression that ran out before does not count. Empty: none has run out.
    pub today: String,
}

/// Scans the roots. Never fails: what cannot be read is a finding.
#[must_use]
pub fn scan(_roots: &Roots, _options: &Options) -> Scan {
    Scan::default()
}
