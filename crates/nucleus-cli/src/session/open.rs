//! Opens a session over a workspace: probes first, then the monitor, then the hands.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nucleus::executor::{Executor, JailOptions, Jails};
use nucleus::sandbox::{Sandbox, SandboxOptions};
use nucleus::state::StateDir;
use nucleus::workspace::WorkspaceView;
use nucleus_audit::{Boundary, LogOptions};
use nucleus_egress::artifacts::Pinned;
use nucleus_egress::credentials::Credentials;
use nucleus_jail::HelperCommand;
use nucleus_spec::SecretSource;
use portcullis::{Envelope, Label, Level, Operation};

use super::{HostPrograms, Registries, boundary, lockfiles, pins, secrets};
use crate::commands::JAIL_HELPER;
use crate::home;
use crate::policy::{PROJECT_FILE, PolicyArgs, effective_here};
use crate::report::Failure;

/// What the user says of the session.
#[derive(Clone, Debug)]
pub(crate) struct OpenOptions {
    /// The policy.
    pub(crate) policy: PolicyArgs,
    /// The workspace.
    pub(crate) dir: PathBuf,
    /// The task text, kept as trusted input.
    pub(crate) task: Option<String>,
    /// The provider that the agent's model calls go to.
    pub(crate) provider: Option<String>,
    /// A second place for signed checkpoints.
    pub(crate) mirror: Option<PathBuf>,
    /// Host directories that jails see, beside those of the policy.
    pub(crate) view_dirs: Vec<PathBuf>,
    /// Host directories that the agent's jail sees for the agent's program.
    pub(crate) program_dirs: Vec<PathBuf>,
    /// Whether the user gave up namespaces by the flag.
    pub(crate) without_namespaces: bool,
}

/// A running session.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The file tools and the monitor.
    pub(crate) sandbox: Sandbox,
    /// Commands.
    pub(crate) executor: Executor,
    /// Where jails come from.
    pub(crate) jails: Arc<Jails>,
    /// The workspace, canonical.
    pub(crate) workspace: PathBuf,
    /// Where state is kept.
    pub(crate) state: StateDir,
    /// Where the log is.
    pub(crate) log_dir: PathBuf,
    /// The policies that counted.
    pub(crate) sources: Vec<String>,
    /// What they allow hosts in bytes and requests.
    pub(crate) limits: Vec<nucleus_spec::HostLimit>,
    /// What this machine's package managers say, where a policy asks for it.
    pub(crate) registries: Registries,
    /// The secrets that programs use without having them.
    pub(crate) credentials: Credentials,
    /// The layers that the user gave up.
    pub(crate) waived: Vec<String>,
    /// What jails are not shown of the directories that they are shown.
    pub(crate) hidden: Vec<PathBuf>,
    /// The lockfiles that registries are held to, where the policy wants it.
    pub(crate) pinned: Option<Pinned>,
}

impl Opened {
    /// Ends a session whose agent could not be started.
    pub(crate) fn abandon(&self) {
        if let Err(error) = self.sandbox.monitor().end("the agent could not be started") {
            tracing::warn!(%error, "the end of the session could not be recorded");
        }
    }
}

/// Opens the session.
///
/// # Errors
/// Exit code 125 with the missing layer or setting; nothing runs then.
pub(crate) fn open(options: &OpenOptions) -> Result<Opened, Failure> {
    let workspace = workspace(&options.dir)?;
    let state = StateDir::open(&home::state_dir().map_err(Failure::not_started)?)
        .map_err(Failure::not_started)?;
    let programs = HostPrograms::outside(&workspace, &state);
    let (resolved, registries) = effective_here(&options.policy, &workspace, &programs)?;
    for warning in &resolved.warnings {
        anstream::eprintln!(
            "{}: {warning}",
            crate::style::paint(crate::style::WARN, "warning")
        );
    }
    pin(&workspace, &state, &options.policy)?;
    let credentials = secrets::read(&resolved.bindings, &programs)?;
    check_pinned(&resolved)?;
    let envelope = match &options.provider {
        Some(provider) => nucleus_spec::with_model(&resolved.envelope, provider, None),
        None => resolved.envelope,
    };
    let jails = Jails::new(JailOptions {
        is_without_namespaces: options.without_namespaces,
        ..jail_options(options.view_dirs.clone(), Some(&state))
    });
    let jails = Arc::new(jails);
    let views = jails.declared(&envelope);
    check_views(&views, &workspace)?;
    let hidden = jails
        .hidden_in_views(&envelope, &options.program_dirs)
        .map_err(Failure::not_started)?;
    check_bindings(&resolved.bindings, &envelope, &views)?;
    let layers = boundary::layers(&jails, &envelope)?;
    let probes = boundary::probes(&jails, &envelope, &state)?;
    let waived = layers.iter().filter(|layer| layer.state == "waived");
    let waived = waived.map(|layer| layer.name.clone()).collect();
    let mut log = LogOptions::default();
    log.mirror.clone_from(&options.mirror);
    let sandbox_options = SandboxOptions {
        shared_jails: Some(Arc::clone(&jails)),
        task: options.task.as_deref().map(Arc::from),
        boundary: match options.without_namespaces {
            true => Boundary::None,
            false => Boundary::Jail,
        },
        layers,
        probes,
        log,
        ..SandboxOptions::new(state.clone())
    };
    let sandbox =
        Sandbox::open_with(&envelope, &workspace, sandbox_options).map_err(Failure::not_started)?;
    let monitor = sandbox.monitor();
    let pinned = resolved
        .is_pinned
        .then(|| pinned(&workspace, sandbox.view(), &registries))
        .transpose();
    let pinned = pinned.inspect_err(|_| {
        if let Err(error) = monitor.end("a lockfile cannot be read") {
            tracing::warn!(%error, "the end of the session could not be recorded");
        }
    })?;
    let executor = Executor::new(&*monitor.envelope(), &sandbox, monitor.budget());
    let log_dir = Sandbox::log_dir(&state, monitor.session());
    let sources = resolved
        .sources
        .into_iter()
        .map(|source| source.name)
        .collect();
    Ok(Opened {
        executor,
        jails,
        workspace,
        state,
        log_dir,
        sources,
        limits: resolved.limits,
        registries,
        credentials,
        waived,
        hidden,
        pinned,
        sandbox,
    })
}

/// The machine's registries, held to the workspace's lockfiles as they are now.
fn pinned(
    workspace: &Path,
    view: &Arc<dyn WorkspaceView>,
    registries: &Registries,
) -> Result<Pinned, Failure> {
    let artifacts = lockfiles::artifacts(workspace, &|path| {
        view.carried(path).contains(Label::UntrustedContent)
    })?;
    let hosts = registries.rules();
    Ok(Pinned::new(
        hosts.iter().map(|own| own.pattern().clone()),
        artifacts,
    ))
}

/// FAIL-CLOSED: what is pinned are the sources of the group; hosts listed by themselves would stay open.
fn check_pinned(resolved: &nucleus_spec::Resolved) -> Result<(), Failure> {
    let fetches = resolved.envelope.level(Operation::WebFetch) != Level::Never;
    if resolved.is_pinned && fetches && !resolved.groups.contains(&"registries") {
        let why = "`[registries] pinned` holds the hosts of the group `registries` to lockfiles, and no policy here names that group";
        return Err(Failure::not_started(why)
            .help("write `groups = [\"registries\"]` under [network], or leave `pinned` out"));
    }
    Ok(())
}

/// FAIL-CLOSED: a jail that is shown the source of a bound secret would have the secret.
fn check_bindings(
    bindings: &[nucleus_spec::Credential],
    envelope: &Envelope,
    views: &[PathBuf],
) -> Result<(), Failure> {
    let declared = &envelope.declarations().environment;
    for binding in bindings {
        let variable = match &binding.source {
            SecretSource::Variable(name) => Some(name.as_str()),
            _ => None,
        };
        let names = variable.into_iter().chain([binding.name.as_str()]);
        for name in names {
            if declared.holds(|own| own.matches(name)) && std::env::var_os(name).is_some() {
                let why = format!(
                    "`{name}` would be in jails with its value: [jail] `environment` has it, and [credentials] binds `{}`",
                    binding.name
                );
                return Err(Failure::not_started(why).help("leave one of the two out"));
            }
        }
        let file = secrets::file_of(&binding.source);
        let shows = |view: &PathBuf| {
            let view = view.canonicalize().unwrap_or_else(|_| view.clone());
            file.as_ref().is_some_and(|file| file.starts_with(&view))
        };
        if views.iter().any(shows) {
            let why = format!(
                "the file of the bound secret `{}` lies in a directory that jails are shown",
                binding.name
            );
            return Err(
                Failure::not_started(why).help("show a narrower directory, or move the file")
            );
        }
    }
    Ok(())
}

/// FAIL-CLOSED: a view that shows our own state or settings would show the log's key, and one that overlaps the workspace would
/// show it without what is hidden in it.
fn check_views(views: &[PathBuf], workspace: &Path) -> Result<(), Failure> {
    for view in views {
        let shown = view.canonicalize().unwrap_or_else(|_| view.clone());
        let overlaps = |own: &Path| own.starts_with(&shown) || shown.starts_with(own);
        if overlaps(workspace) {
            let why = format!("`{}` overlaps the workspace", view.display());
            return Err(Failure::usage(why)
                .help("what the agent may see of the workspace is set by `--view`"));
        }
        if home::own_dirs().iter().any(|own| overlaps(own)) {
            let why = format!(
                "`{}` would show nucleus's own state or settings",
                view.display()
            );
            return Err(Failure::usage(why).help("show a narrower directory"));
        }
    }
    Ok(())
}

/// The workspace with links followed; refused where it would be all of the home.
pub(super) fn workspace(dir: &Path) -> Result<PathBuf, Failure> {
    let found = dir
        .canonicalize()
        .map_err(|error| Failure::usage(format!("`{}` is no workspace: {error}", dir.display())))?;
    if !found.is_dir() {
        return Err(Failure::usage(format!(
            "`{}` is not a directory",
            dir.display()
        )));
    }
    let home = home::home().ok().and_then(|home| home.canonicalize().ok());
    if home.is_some_and(|home| home.starts_with(&found)) {
        let why = format!("`{}` holds your home directory", found.display());
        return Err(Failure::usage(why).help("name a project directory with `--dir`"));
    }
    Ok(found)
}

/// Pins the project's own policy file, where there is one that counts.
fn pin(workspace: &Path, state: &StateDir, policy: &PolicyArgs) -> Result<(), Failure> {
    let file = workspace.join(PROJECT_FILE);
    let is_named = policy
        .config
        .as_ref()
        .and_then(|path| path.canonicalize().ok())
        == file.canonicalize().ok();
    match std::fs::read_to_string(&file) {
        Ok(text) if !is_named => {
            let dir = state
                .make_workspace(workspace)
                .map_err(Failure::not_started)?;
            pins::check_project_file(&text, &dir)
        }
        _ => Ok(()),
    }
}

/// Jails built by this very program.
pub(super) fn jails(extra_views: Vec<PathBuf>, state: Option<&StateDir>) -> Jails {
    Jails::new(jail_options(extra_views, state))
}

fn jail_options(extra_views: Vec<PathBuf>, state: Option<&StateDir>) -> JailOptions {
    JailOptions {
        helper: Some(HelperCommand::this_program(JAIL_HELPER)),
        host_environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        host_home: home::home().ok(),
        extra_views,
        masks_dir: state.map(StateDir::views),
        ..JailOptions::default()
    }
}

/// What the envelope grants, for callers that need it by value.
pub(crate) fn envelope_of(opened: &Opened) -> Envelope {
    (*opened.sandbox.monitor().envelope()).clone()
}
