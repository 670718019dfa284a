//! Where the jails of a session come from.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use nucleus_jail::{
    Form, HelperCommand, JailSpec, Launcher, Layer, Limits, Owner, SessionLimits, UnixSockets,
};
use portcullis::envelope::Envelope;

use super::hidden::{Hiding, ShownFor};
use super::program::Programs;
use super::views::{declared_views, views};
use crate::error::Error;
use crate::ports::Network;
use crate::sandbox::UserFiles;

/// How the jails of a session are built.
#[derive(Clone, Debug, Default)]
pub struct JailOptions {
    /// The program that builds jails; without one, no command runs.
    pub helper: Option<HelperCommand>,
    /// The host's environment, from which the policy may declare names.
    pub host_environment: Vec<(String, String)>,
    /// The user's home on the host, for `~/` in declared views.
    pub host_home: Option<PathBuf>,
    /// Host directories that the user shows on the command line, beside those the policy declares.
    pub extra_views: Vec<PathBuf>,
    /// Where masks over what jails are shown are kept; without it, no directory with blocked names in it is shown.
    pub masks_dir: Option<PathBuf>,
    /// Bounds of each jail.
    pub limits: Limits,
    /// Bounds of all jails of the session together, where the kernel gives control groups.
    pub session_limits: SessionLimits,
    /// Layers whose absence the user accepted by an explicit flag.
    pub waived: BTreeSet<Layer>,
    /// Whether the user gave up namespaces by an explicit flag: the agent has a jail of that form, and commands are refused.
    pub is_without_namespaces: bool,
}

impl JailOptions {
    /// Where the user's own settings are on the host.
    pub(crate) fn user_files(&self) -> UserFiles<'_> {
        let mut variables = self.host_environment.iter();
        let config_home = variables.find(|(name, _)| name == "XDG_CONFIG_HOME");
        UserFiles {
            home: self.host_home.as_deref(),
            config_home: config_home
                .map(|(_, value)| Path::new(value))
                .filter(|home| home.is_absolute()),
        }
    }
}

/// Starts jails. Shared by everything of a session.
#[derive(Debug)]
pub struct Jails {
    options: JailOptions,
    launcher: Mutex<Option<Arc<Launcher>>>,
    network: OnceLock<Arc<dyn Network>>,
    pub(crate) programs: Programs,
    pub(super) hiding: Mutex<Hiding>,
}

impl Jails {
    /// Jails built this way; the helper starts with the first one.
    #[must_use]
    pub fn new(options: JailOptions) -> Self {
        Self {
            options,
            launcher: Mutex::new(None),
            network: OnceLock::new(),
            programs: Programs::default(),
            hiding: Mutex::default(),
        }
    }

    /// Jails of a launcher that runs already.
    #[must_use]
    pub fn with_launcher(options: JailOptions, launcher: Arc<Launcher>) -> Self {
        Self {
            launcher: Mutex::new(Some(launcher)),
            ..Self::new(options)
        }
    }

    /// How they are built.
    #[must_use]
    pub fn options(&self) -> &JailOptions {
        &self.options
    }

    /// Gives all further jails a network; the first one set stays.
    pub fn set_network(&self, network: Arc<dyn Network>) {
        let _ = self.network.set(network);
    }

    /// The network of the session's jails, where one was set.
    #[must_use]
    pub fn network(&self) -> Option<&Arc<dyn Network>> {
        self.network.get()
    }

    /// Whether a jail could be started at all.
    pub(super) fn can_run(&self) -> bool {
        let slot = self.launcher.lock().unwrap_or_else(PoisonError::into_inner);
        slot.is_some() || self.options.helper.is_some()
    }

    /// The launcher, started when there is none yet.
    ///
    /// # Errors
    /// When no helper was named or it cannot be started.
    pub fn launcher(&self) -> Result<Arc<Launcher>, Error> {
        let mut slot = self.launcher.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(launcher) = &*slot {
            return Ok(launcher.clone());
        }
        let helper = self.options.helper.as_ref().ok_or_else(|| {
            Error::Invalid(
                "no jail helper was named, so no command can run\nhelp: set `SandboxOptions::helper` to \
                 a program whose `main` calls `nucleus_jail::helper_main` first"
                    .to_owned(),
            )
        })?;
        let launcher = Arc::new(Launcher::start_bounded(
            helper,
            self.options.session_limits,
        )?);
        *slot = Some(launcher.clone());
        Ok(launcher)
    }

    /// The host directories that jails under this envelope see.
    #[must_use]
    pub fn declared(&self, envelope: &Envelope) -> Vec<PathBuf> {
        let mut views = declared_views(envelope, self.options.host_home.as_deref());
        views.extend(self.options.extra_views.iter().cloned());
        views
    }

    /// A jail for this command with the usual views and bounds, no workspace, no port and no stdio.
    ///
    /// # Errors
    /// As [`Jails::launcher`] and [`Jails::view_of`], and in a session without namespaces.
    pub fn spec(&self, envelope: &Envelope, argv: &[String]) -> Result<JailSpec, Error> {
        self.check_has_namespaces()?;
        let ids = self.launcher()?.ids();
        let mut spec = JailSpec::new(argv);
        spec.views = views(ids);
        let purpose = (Owner::Host, ShownFor::Data);
        for inside in self.declared(envelope) {
            if let Ok(host) = inside.canonicalize() {
                let view = self.view_of(envelope, (&host, &inside), purpose)?;
                spec.views.push(view);
            }
        }
        spec.limits = self.options.limits.clone();
        spec.waived = self.options.waived.clone();
        spec.form = Form::Namespaces;
        if envelope.declarations().unix_sockets {
            spec.unix_sockets = UnixSockets::Private;
        }
        Ok(spec)
    }
}
