//! Policies of this project: whether they parse, and what they come to.

use nucleus_spec::{Policy, Source, parse_policy};
use portcullis::{Envelope, Level, Operation};

use crate::model::{Evidence, Place};
use crate::read::SourceFile;

use super::report::{Report, shown_at};
use super::table::{POLICY_CANNOT_BE_MET, POLICY_COMPLETES_TRIFECTA, POLICY_UNREADABLE};

/// Operations that read what is private.
const PRIVATE: &[Operation] = &[
    Operation::ReadFiles,
    Operation::GlobSearch,
    Operation::GrepSearch,
    Operation::RunBash,
];
/// Operations that bring in what a stranger wrote.
const UNTRUSTED: &[Operation] = &[Operation::WebFetch, Operation::WebSearch];
/// Operations that send.
const OUT: &[Operation] = &[
    Operation::WebFetch,
    Operation::WebSearch,
    Operation::GitPush,
    Operation::CreatePr,
];

/// Judges a policy by the parser that a session would use.
pub(super) fn judge(file: &SourceFile, report: &mut Report<'_>) {
    let source = Source::new(file.name.shown.clone(), file.text.as_str());
    match parse_policy(&source) {
        Err(error) => {
            let shown = crate::secret::mask("", &error.to_string());
            report.add(
                POLICY_UNREADABLE,
                None,
                format!("a session with this policy would not start: {shown}"),
                vec![Evidence {
                    place: file.place(error.span(), ""),
                    shown,
                }],
            );
        }
        Ok(policy) => {
            report.add(
                POLICY_CANNOT_BE_MET,
                None,
                "a rule of the policy has no effect",
                idle(&policy)
                    .map(|warning| shown_at(whole(file), warning))
                    .collect(),
            );
            if let Some(found) = trifecta(policy.envelope()) {
                let found = found
                    .iter()
                    .map(|operation| key(file, operation.name()))
                    .collect();
                report.add(POLICY_COMPLETES_TRIFECTA, None, REACHES_ALL, found);
            }
        }
    }
}

/// What a policy that permits all three is told.
pub(super) const REACHES_ALL: &str = "the policy reaches private data, untrusted content and a way out; only an approval stands between";

/// Warnings of the parser that say a rule has no effect.
pub(super) fn idle(policy: &Policy) -> impl Iterator<Item = &String> {
    policy
        .warnings()
        .iter()
        .filter(|warning| warning.contains("limits nothing") || warning.contains("can do nothing"))
}

/// One operation that reads what is private, one that brings in a stranger's words and one that sends, where all are granted.
pub(super) fn trifecta(envelope: &Envelope) -> Option<[Operation; 3]> {
    let granted = |operations: &[Operation]| {
        operations
            .iter()
            .copied()
            .find(|operation| envelope.level(*operation) != Level::Never)
    };
    Some([granted(PRIVATE)?, granted(UNTRUSTED)?, granted(OUT)?])
}

/// Where an operation is granted; the whole file where a profile grants it.
fn key(file: &SourceFile, name: &str) -> Evidence {
    let stated = file.top().and_then(|top| top.path(&["capabilities", name]));
    shown_at(
        stated.map_or_else(|| whole(file), |at| at.entry_place()),
        name,
    )
}

/// The start of the file, for what stands nowhere in it.
pub(super) fn whole(file: &SourceFile) -> Place {
    file.place(0..0, "")
}
