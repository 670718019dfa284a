//! Policies of this project: whether they parse, and what they come to.

use crate::read::SourceFile;

use super::report::Report;

/// Judges a policy.
pub(super) fn judge(_file: &SourceFile, _report: &mut Report<'_>) {}
