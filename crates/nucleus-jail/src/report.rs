//! What was enforced, as a value.

use std::fmt;

/// One independent wall of the jail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Layer {
    /// Own user namespace.
    UserNamespace,
    /// Own mount namespace with a root of its own.
    MountNamespace,
    /// Own process numbers; all die with the first.
    PidNamespace,
    /// Own network with loopback only.
    NetNamespace,
    /// Own System V and POSIX IPC.
    IpcNamespace,
    /// Own host name.
    UtsNamespace,
    /// Own cgroup root.
    CgroupNamespace,
    /// No process has host uid 0.
    NoHostRoot,
    /// No supplementary group of the caller is kept.
    NoExtraGroups,
    /// All capability sets are empty.
    NoCapabilities,
    /// `execve` grants nothing.
    NoNewPrivileges,
    /// System calls by allow list.
    Seccomp,
    /// File access by allow list of hierarchies.
    Landlock,
    /// Signals and abstract sockets do not leave the jail (Landlock ABI 6).
    LandlockScopes,
    /// `/proc/sys` and its like are read-only.
    ReadOnlyProc,
    /// The workspace is an overlay, its real tree unchanged.
    WorkspaceOverlay,
    /// The number of processes is bounded.
    ProcessLimit,
    /// The memory of the tree is bounded.
    MemoryLimit,
}

impl Layer {
    /// Every layer, in the order of reports.
    pub const ALL: [Layer; 18] = [
        Layer::UserNamespace,
        Layer::MountNamespace,
        Layer::PidNamespace,
        Layer::NetNamespace,
        Layer::IpcNamespace,
        Layer::UtsNamespace,
        Layer::CgroupNamespace,
        Layer::NoHostRoot,
        Layer::NoExtraGroups,
        Layer::NoCapabilities,
        Layer::NoNewPrivileges,
        Layer::Seccomp,
        Layer::Landlock,
        Layer::LandlockScopes,
        Layer::ReadOnlyProc,
        Layer::WorkspaceOverlay,
        Layer::ProcessLimit,
        Layer::MemoryLimit,
    ];

    /// The layers that [`crate::Form::WithoutNamespaces`] lacks.
    pub const NAMESPACED: [Layer; 9] = [
        Layer::UserNamespace,
        Layer::MountNamespace,
        Layer::PidNamespace,
        Layer::NetNamespace,
        Layer::IpcNamespace,
        Layer::UtsNamespace,
        Layer::CgroupNamespace,
        Layer::ReadOnlyProc,
        Layer::WorkspaceOverlay,
    ];

    /// A stable short name, as in logs and flags.
    pub fn name(self) -> &'static str {
        match self {
            Layer::UserNamespace => "user-namespace",
            Layer::MountNamespace => "mount-namespace",
            Layer::PidNamespace => "pid-namespace",
            Layer::NetNamespace => "net-namespace",
            Layer::IpcNamespace => "ipc-namespace",
            Layer::UtsNamespace => "uts-namespace",
            Layer::CgroupNamespace => "cgroup-namespace",
            Layer::NoHostRoot => "no-host-root",
            Layer::NoExtraGroups => "no-extra-groups",
            Layer::NoCapabilities => "no-capabilities",
            Layer::NoNewPrivileges => "no-new-privileges",
            Layer::Seccomp => "seccomp",
            Layer::Landlock => "landlock",
            Layer::LandlockScopes => "landlock-scopes",
            Layer::ReadOnlyProc => "read-only-proc",
            Layer::WorkspaceOverlay => "workspace-overlay",
            Layer::ProcessLimit => "process-limit",
            Layer::MemoryLimit => "memory-limit",
        }
    }

    /// The layer with this [`Self::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.name() == name)
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a layer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayerState {
    /// It holds; the text says how.
    Present(String),
    /// It does not.
    Missing {
        /// Why.
        reason: String,
        /// What to change on the host to have it.
        fix: String,
    },
    /// It was not asked for (no workspace was given).
    NotNeeded,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerReport {
    /// Which layer.
    pub layer: Layer,
    /// Whether it holds.
    pub state: LayerState,
}

/// The jail's user and group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ids {
    /// Seen inside.
    pub inside_uid: u32,
    /// Seen inside.
    pub inside_gid: u32,
    /// The same user on the host: never 0.
    pub host_uid: u32,
    /// The same group on the host.
    pub host_gid: u32,
}

/// Every layer of a running jail and whether it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enforced {
    /// One line for each of [`Layer::ALL`], in that order.
    pub layers: Vec<LayerReport>,
    /// Who the jail runs as.
    pub ids: Ids,
}

impl Enforced {
    /// The state of one layer.
    pub fn state(&self, layer: Layer) -> Option<&LayerState> {
        self.layers
            .iter()
            .find(|line| line.layer == layer)
            .map(|line| &line.state)
    }

    /// Whether one layer holds.
    pub fn holds(&self, layer: Layer) -> bool {
        matches!(self.state(layer), Some(LayerState::Present(_)))
    }

    /// Layers that are missing (and were waived, or the jail would not run).
    pub fn missing(&self) -> impl Iterator<Item = &LayerReport> {
        self.layers
            .iter()
            .filter(|line| matches!(line.state, LayerState::Missing { .. }))
    }
}
