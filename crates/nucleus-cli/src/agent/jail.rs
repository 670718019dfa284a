//! The jail of the agent itself: its program, a fresh home, two ports, and the workspace only where granted.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use nucleus::executor::{Jails, ShownFor};
use nucleus_jail::{Access, JailSpec, Overlay, Owner, View};
use portcullis::Envelope;

use super::{Found, HOME, Launch, MCP_PORT_VARIABLE, PLACEHOLDER_KEY};
use crate::report::Failure;

/// Where the session's tools listen inside the jail.
pub(crate) const MCP_PORT: u16 = 7070;
/// Where the model listens inside the jail.
pub(crate) const MODEL_PORT: u16 = 7071;

/// Where `nucleus` itself appears inside.
const OWN_DIR: &str = "/opt/nucleus/bin";

/// All that the agent's jail is made of.
#[derive(Debug)]
pub(crate) struct AgentJail<'a> {
    /// Where jails come from.
    pub(crate) jails: &'a Jails,
    /// The envelope in force.
    pub(crate) envelope: &'a Envelope,
    /// The agent's program.
    pub(crate) found: &'a Found,
    /// Its arguments, environment and files.
    pub(crate) launch: &'a Launch,
    /// Where the workspace is; the same path inside.
    pub(crate) workspace: &'a Path,
    /// A read-only, filtered view of the workspace, where granted.
    pub(crate) view: Option<Overlay>,
    /// Further host directories to show read-only.
    pub(crate) view_dirs: &'a [PathBuf],
    /// Whether a model listens.
    pub(crate) has_model: bool,
}

impl AgentJail<'_> {
    /// The jail, without stdio.
    pub(crate) fn spec(self) -> Result<JailSpec, Failure> {
        let program = self.found.start.to_string_lossy().into_owned();
        let argv: Vec<String> = std::iter::once(program)
            .chain(self.launch.args.iter().cloned())
            .collect();
        let mut spec = self
            .jails
            .spec(self.envelope, &argv)
            .map_err(Failure::not_started)?;
        spec.env = self.environment();
        spec.views.extend(self.views()?);
        spec.cwd = self.workspace.to_owned();
        spec.ports = vec![MCP_PORT];
        if self.has_model {
            spec.ports.push(MODEL_PORT);
        }
        match self.view {
            Some(overlay) => spec.workspace = Some(overlay),
            None => spec.views.push(View::Dir {
                inside: self.workspace.to_owned(),
            }),
        }
        Ok(spec)
    }

    /// The whole environment.
    fn environment(&self) -> Vec<(OsString, OsString)> {
        let base = format!("http://127.0.0.1:{MODEL_PORT}");
        let mut extra = vec![(MCP_PORT_VARIABLE.to_owned(), MCP_PORT.to_string())];
        if self.has_model {
            extra.extend([
                ("OPENAI_BASE_URL".to_owned(), format!("{base}/v1")),
                ("ANTHROPIC_BASE_URL".to_owned(), base),
                ("OPENAI_API_KEY".to_owned(), PLACEHOLDER_KEY.to_owned()),
                ("ANTHROPIC_API_KEY".to_owned(), PLACEHOLDER_KEY.to_owned()),
            ]);
        }
        Surroundings {
            jails: self.jails,
            envelope: self.envelope,
            found: self.found,
            launch: self.launch,
            workspace: self.workspace,
            view_dirs: self.view_dirs,
            own_dir: OWN_DIR,
            home: HOME,
            extra,
        }
        .environment()
    }

    /// The agent's program and files, and `nucleus` for its MCP server.
    fn views(&self) -> Result<Vec<View>, Failure> {
        let own = std::env::current_exe()?.canonicalize()?;
        let mut views = vec![read_only(&own, &Path::new(OWN_DIR).join("nucleus"))];
        for dir in self.found.views.iter().chain(self.view_dirs) {
            let host = dir.canonicalize().map_err(|error| {
                Failure::not_started(format!("cannot show `{}`: {error}", dir.display()))
            })?;
            if host.starts_with(self.workspace) || self.workspace.starts_with(&host) {
                let why = format!("`{}` overlaps the workspace", dir.display());
                return Err(Failure::usage(why)
                    .help("what the agent may see of the workspace is set by `--view`"));
            }
            let shown_for = match self.view_dirs.contains(dir) {
                true => ShownFor::Data,
                false => ShownFor::Program,
            };
            let paths = (host.as_path(), dir.as_path());
            let purpose = (Owner::Jail, shown_for);
            let view = self.jails.view_of(self.envelope, paths, purpose);
            views.push(view.map_err(Failure::not_started)?);
        }
        views.extend(self.launch.files.iter().map(|(name, text)| View::File {
            inside: Path::new(HOME).join(name),
            bytes: text.as_bytes().into(),
            mode: 0o600,
        }));
        Ok(views)
    }
}

/// What an agent's environment is made of.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    pub(super) jails: &'a Jails,
    pub(super) envelope: &'a Envelope,
    pub(super) found: &'a Found,
    pub(super) launch: &'a Launch,
    pub(super) workspace: &'a Path,
    pub(super) view_dirs: &'a [PathBuf],
    /// Where `nucleus` is, for its MCP server.
    pub(super) own_dir: &'a str,
    pub(super) home: &'a str,
    /// How it reaches what the session offers.
    pub(super) extra: Vec<(String, String)>,
}

impl Surroundings<'_> {
    /// The whole environment; nothing of the host's but what the policy declares.
    pub(super) fn environment(self) -> Vec<(OsString, OsString)> {
        let dirs = self.found.views.iter().chain(self.view_dirs);
        let bins = dirs
            .flat_map(|dir| [dir.clone(), dir.join("bin")])
            .filter(|dir| dir.is_dir());
        let path: Vec<String> = std::iter::once(self.own_dir.to_owned())
            .chain(bins.filter_map(|dir| dir.to_str().map(str::to_owned)))
            .chain(["/usr/local/bin:/usr/bin:/bin".to_owned()])
            .collect();
        let mut pairs = vec![
            ("PATH".to_owned(), path.join(":")),
            ("HOME".to_owned(), self.home.to_owned()),
            ("USER".to_owned(), "agent".to_owned()),
            ("LOGNAME".to_owned(), "agent".to_owned()),
            ("SHELL".to_owned(), "/bin/sh".to_owned()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            (
                "TERM".to_owned(),
                std::env::var("TERM").unwrap_or_else(|_| "dumb".to_owned()),
            ),
            (
                "NUCLEUS_WORKSPACE".to_owned(),
                self.workspace.display().to_string(),
            ),
        ];
        pairs.extend(self.extra);
        for (name, value) in &self.jails.options().host_environment {
            let declared = &self.envelope.declarations().environment;
            if declared.holds(|pattern| pattern.matches(name)) {
                pairs.push((name.clone(), value.clone()));
            }
        }
        pairs.extend(self.launch.env.iter().cloned());
        pairs
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }
}

fn read_only(host: &Path, inside: &Path) -> View {
    View::Bind {
        host: host.to_owned(),
        inside: inside.to_owned(),
        access: Access::ReadOnly,
    }
}
