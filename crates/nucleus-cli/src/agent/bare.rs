//! The jail of the agent where there are no namespaces: its program, and two directories of its own on the host.

use std::path::{Path, PathBuf};

use nucleus::executor::{Jails, ShownFor};
use nucleus_jail::{Access, JailSpec, View};
use portcullis::Envelope;

use super::jail::Surroundings;
use super::{Found, Launch, MCP_PIPES_VARIABLE};
use crate::home;
use crate::report::Failure;

/// All that the agent's jail is made of.
#[derive(Debug)]
pub(crate) struct BareJail<'a> {
    /// Where jails come from.
    pub(crate) jails: &'a Jails,
    /// The envelope in force.
    pub(crate) envelope: &'a Envelope,
    /// The agent's program.
    pub(crate) found: &'a Found,
    /// Its arguments and environment.
    pub(crate) launch: &'a Launch,
    /// Where the workspace is, which it does not see.
    pub(crate) workspace: &'a Path,
    /// Further host directories to show read-only.
    pub(crate) view_dirs: &'a [PathBuf],
    /// Its fresh home.
    pub(crate) home: &'a Path,
    /// Where the pipes to the session's tools are.
    pub(crate) pipes: &'a Path,
}

impl BareJail<'_> {
    /// The jail, without stdio.
    pub(crate) fn spec(self) -> Result<JailSpec, Failure> {
        let program = self.found.start.to_string_lossy().into_owned();
        let argv: Vec<String> = std::iter::once(program)
            .chain(self.launch.args.iter().cloned())
            .collect();
        let mut spec = self
            .jails
            .bare_spec(self.envelope, &argv, &self.shown())
            .map_err(Failure::not_started)?;
        check_apart(&spec, self.workspace)?;
        let own = std::env::current_exe()?.canonicalize()?;
        let own_dir = own.parent().unwrap_or(Path::new("/"));
        spec.env = self.environment(own_dir);
        spec.views.push(at_its_path(&own, Access::ReadOnly));
        for dir in [self.home, self.pipes] {
            spec.views.push(at_its_path(dir, Access::ReadWrite));
        }
        spec.cwd = self.home.to_owned();
        Ok(spec)
    }

    fn shown(&self) -> Vec<(PathBuf, ShownFor)> {
        let programs = self.found.views.iter().map(|dir| (dir, ShownFor::Program));
        let data = self.view_dirs.iter().map(|dir| (dir, ShownFor::Data));
        programs
            .chain(data)
            .map(|(dir, what)| (dir.clone(), what))
            .collect()
    }

    fn environment(&self, own_dir: &Path) -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
        let home = self.home.display().to_string();
        Surroundings {
            jails: self.jails,
            envelope: self.envelope,
            found: self.found,
            launch: self.launch,
            workspace: self.workspace,
            view_dirs: self.view_dirs,
            own_dir: &own_dir.display().to_string(),
            home: &home,
            extra: vec![
                ("TMPDIR".to_owned(), home.clone()),
                (
                    MCP_PIPES_VARIABLE.to_owned(),
                    self.pipes.display().to_string(),
                ),
            ],
        }
        .environment()
    }
}

/// FAIL-CLOSED: what is shown is shown whole, so neither the workspace nor our own state may lie in it.
fn check_apart(spec: &JailSpec, workspace: &Path) -> Result<(), Failure> {
    let own = home::own_dirs();
    for view in &spec.views {
        let View::Bind { host, .. } = view else {
            continue;
        };
        let overlaps = |other: &Path| other.starts_with(host) || host.starts_with(other);
        if overlaps(workspace) || own.iter().any(|own| overlaps(own)) {
            let why = format!(
                "`{}` is shown to the agent and overlaps the workspace or nucleus's own state",
                host.display()
            );
            return Err(Failure::not_started(why)
                .help("without namespaces nothing can be hidden in a directory: use another one"));
        }
    }
    Ok(())
}

fn at_its_path(path: &Path, access: Access) -> View {
    View::Bind {
        host: path.to_owned(),
        inside: path.to_owned(),
        access,
    }
}

#[cfg(test)]
mod tests {
    use super::{at_its_path, check_apart};
    use nucleus_jail::{Access, JailSpec};
    use std::path::Path;

    #[test]
    fn what_is_shown_lies_apart_from_the_workspace_and_our_state() {
        let state = crate::home::own_dirs().pop().unwrap();
        let apart = |shown: &Path, workspace: &str| {
            let mut spec = JailSpec::new(["true"]);
            spec.views = vec![at_its_path(shown, Access::ReadOnly)];
            check_apart(&spec, Path::new(workspace)).is_ok()
        };
        assert!(!apart(Path::new("/usr"), "/usr/src/project"));
        assert!(!apart(Path::new("/work/tools"), "/work"));
        assert!(!apart(&state, "/work"));
        assert!(!apart(&state.join("below"), "/work"));
        assert!(apart(Path::new("/usr"), "/work"), "the twin");
    }
}
