//! The agent's own jail where there are no namespaces: Landlock and seccomp alone. Commands are refused there.

use std::path::{Path, PathBuf};

use nucleus_jail::{Access, Form, JailSpec, Layer, Owner, View, system_views};
use portcullis::envelope::Envelope;

use super::hidden::ShownFor;
use super::jails::Jails;
use crate::error::Error;

/// What a caller is told of a command in a session without namespaces.
pub const COMMANDS_NEED_NAMESPACES: &str =
    "commands need namespaces, and this session was started without them";

impl Jails {
    /// Whether the user gave up namespaces for the session.
    #[must_use]
    pub fn is_without_namespaces(&self) -> bool {
        self.options().is_without_namespaces
    }

    /// FAIL-CLOSED: a command has an overlay and a network of its own, or does not run.
    pub(super) fn check_has_namespaces(&self) -> Result<(), Error> {
        if self.is_without_namespaces() {
            return Err(Error::Invalid(COMMANDS_NEED_NAMESPACES.to_owned()));
        }
        Ok(())
    }

    /// A jail without namespaces for this program: the system and these host directories, read-only at their own paths, no
    /// network, no stdio.
    ///
    /// # Errors
    /// As [`Jails::spec`]; and where the policy asks for what only namespaces give, or a directory holds what it blocks.
    pub fn bare_spec(
        &self,
        envelope: &Envelope,
        argv: &[String],
        shown: &[(PathBuf, ShownFor)],
    ) -> Result<JailSpec, Error> {
        if envelope.declarations().unix_sockets {
            let why = "[jail] `unix_sockets = \"private\"` needs namespaces";
            return Err(Error::Invalid(why.to_owned()));
        }
        let mut spec = JailSpec::new(argv);
        spec.form = Form::WithoutNamespaces;
        spec.waived.clone_from(&self.options().waived);
        spec.waived.extend(Layer::NAMESPACED);
        spec.limits = self.options().limits.clone();
        spec.views = system_views()
            .into_iter()
            .filter_map(|view| match view {
                View::Bind { host, .. } => Some(at_its_path(host.canonicalize().ok()?)),
                _ => None,
            })
            .collect();
        let declared = self.declared(envelope);
        let declared = declared.iter().map(|dir| (dir, ShownFor::Data));
        for (inside, shown_for) in declared.chain(shown.iter().map(|(dir, what)| (dir, *what))) {
            if let Ok(host) = inside.canonicalize() {
                spec.views
                    .push(self.whole_view(envelope, (&host, inside), shown_for)?);
            }
        }
        Ok(spec)
    }

    /// FAIL-CLOSED: without a mount namespace nothing can be hidden in a directory.
    fn whole_view(
        &self,
        envelope: &Envelope,
        (host, inside): (&Path, &Path),
        shown_for: ShownFor,
    ) -> Result<View, Error> {
        match self.view_of(envelope, (host, inside), (Owner::Host, shown_for))? {
            View::Bind { host, .. } => Ok(at_its_path(host)),
            _ => Err(Error::Invalid(format!(
                "`{}` holds names that the policy blocks, and nothing can be hidden in it without namespaces\nhelp: show a narrower directory",
                inside.display()
            ))),
        }
    }
}

fn at_its_path(path: PathBuf) -> View {
    View::Bind {
        host: path.clone(),
        inside: path,
        access: Access::ReadOnly,
    }
}
