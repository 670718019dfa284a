//! What jails are shown beside the workspace is read by whoever is in them: the session has touched it from its start.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use portcullis::Exposure;
use portcullis::envelope::Envelope;

use super::Jails;
use crate::monitor::cut;
use crate::workspace::is_foreign_tree;

/// Host directories and variables that jails of a session are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The labels they bring in.
    pub(crate) labels: Exposure,
    /// What they are, for the record; names of variables without values.
    pub(crate) what: String,
}

impl Jails {
    /// What jails under this envelope are shown of the host; `None` for nothing, and where no jail can be had.
    ///
    /// All of it is private: nobody declared it public. A directory in a tree of
    /// dependencies, or in a repository that does not track it, is untrusted too,
    /// as it would be in a workspace.
    pub(crate) fn shown(&self, envelope: &Envelope) -> Option<Shown> {
        if !self.can_run() {
            return None;
        }
        let views = self.declared(envelope);
        let declared = &envelope.declarations().environment;
        let variables = self.options().host_environment.iter();
        let variables = variables
            .map(|(name, _)| name)
            .filter(|name| declared.holds(|pattern| pattern.matches(name)));
        let names: Vec<String> = views
            .iter()
            .map(|view| format!("`{}`", cut(&view.to_string_lossy())))
            .chain(variables.map(|name| format!("${}", cut(name))))
            .collect();
        if names.is_empty() {
            return None;
        }
        let is_foreign = views.iter().any(|view| is_third_party(view));
        Some(Shown {
            labels: Exposure::PRIVATE.join(Exposure::UNTRUSTED.when(is_foreign)),
            what: format!("seen {}", names.join(", ")),
        })
    }
}

/// FAIL-CLOSED: a directory that cannot be found by its canonical name is somebody else's.
fn is_third_party(view: &Path) -> bool {
    let Ok(view) = view.canonicalize() else {
        return true;
    };
    is_foreign_tree(&view, view.as_os_str().as_bytes())
}
