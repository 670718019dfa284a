//! A fault of the scanner itself on one file is a finding about that file, and never the end of the scan.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::Root;
use super::file::Outcome;
use super::load;
use crate::client::Client;
use crate::discover::{FileKind, Known};
use crate::model::Severity;

/// What the finding says; the message of the panic stays out of it, since it may quote the file.
const WHY: &str = "internal error of the scanner";

/// Runs the work on one file.
///
/// FAIL-CLOSED: where it panics, nothing of the file was judged, and that is a finding as severe as the worst the file may hide.
pub(super) fn guarded(
    root: &Root,
    relative: &Path,
    known: Option<Known>,
    work: impl FnOnce() -> Outcome,
) -> Outcome {
    // What the work shares with other files is a set of names and caches that are filled whole or not at all.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| unjudged(root, relative, known))
}

fn unjudged(root: &Root, relative: &Path, known: Option<Known>) -> Outcome {
    let known = known.unwrap_or(Known::new(FileKind::Unknown, Client::Shared, None));
    match load::broken(root, load::file_name(root, relative), known, WHY.to_owned()) {
        load::Loaded::Broken(broken, mut finding) => {
            finding.severity = Severity::Critical;
            Outcome::broken(broken, *finding)
        }
        _ => Outcome::default(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::guarded;
    use crate::model::{Scan, Scope, Severity};
    use crate::scan::file::Outcome;
    use crate::scan::{Options, Root, Roots};

    fn root() -> Root {
        Root {
            path: PathBuf::from("/nowhere"),
            scope: Scope::Project,
            prefix: String::new(),
            part_of: None,
        }
    }

    /// One scan of three files, of which the reader fails on the second.
    fn scanned() -> Scan {
        let (mut scan, mut comments) = (Scan::default(), Vec::new());
        for name in ["a.json", "b.json", "c.json"] {
            let read = || -> Outcome {
                assert!(name != "b.json", "TOKEN=hunter2");
                Outcome::default()
            };
            guarded(&root(), Path::new(name), None, read).join(&mut scan, &mut comments);
        }
        scan
    }

    #[test]
    fn a_reader_that_fails_on_one_file_is_a_critical_finding_about_that_file() {
        let scan = scanned();
        let [finding] = scan.findings.as_slice() else {
            panic!("one finding: {:?}", scan.findings)
        };
        assert_eq!(finding.rule.0, "unreadable-config");
        assert_eq!(finding.severity, Severity::Critical);
        assert_eq!(finding.evidence[0].place.file.shown, "b.json");
        assert!(finding.reason.contains("internal error"), "{finding:?}");
        assert_eq!(scan.broken.len(), 1);
        assert!(!format!("{scan:?}").contains("hunter2"));
    }

    #[test]
    fn the_whole_scan_goes_through_the_guard() {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in [
            (".mcp.json", "{}"),
            ("CLAUDE.md", crate::scan::file::PANICS),
            ("package.json", "{"),
        ] {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        let roots = Roots {
            projects: vec![directory.path().to_owned()],
            ..Roots::default()
        };
        let scan = crate::scan(&roots, &Options::default());
        let found: Vec<_> = scan
            .findings
            .iter()
            .map(|one| (one.evidence[0].place.file.shown.as_str(), one.severity))
            .collect();
        assert_eq!(
            found,
            [
                ("CLAUDE.md", Severity::Critical),
                ("package.json", Severity::Medium)
            ]
        );
        assert_eq!(scan.files_seen.len(), 3);
    }
}
