//! What a server is about, for the sentences of reports.

/// What a server is about. **Decides nothing.**
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Files of this machine.
    Files,
    /// Commands on this machine.
    Shell,
    /// Notes to itself, clocks, tests.
    Memory,
    /// Documentation.
    Docs,
    /// Repositories, issues and pull requests.
    Forge,
    /// Pages and search results.
    Web,
    /// Chats.
    Messages,
    /// Mail and calendars.
    Mail,
    /// Documents and notes.
    Documents,
    /// Issues and tasks.
    Tracker,
    /// Customers and payments.
    Customers,
    /// Databases.
    Database,
    /// Clouds and their telemetry.
    Cloud,
    /// Many services behind one address.
    Gateway,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::Files,
        Self::Shell,
        Self::Memory,
        Self::Docs,
        Self::Forge,
        Self::Web,
        Self::Messages,
        Self::Mail,
        Self::Documents,
        Self::Tracker,
        Self::Customers,
        Self::Database,
        Self::Cloud,
        Self::Gateway,
    ];

    /// The word of the catalog.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Shell => "shell",
            Self::Memory => "memory",
            Self::Docs => "docs",
            Self::Forge => "forge",
            Self::Web => "web",
            Self::Messages => "messages",
            Self::Mail => "mail",
            Self::Documents => "documents",
            Self::Tracker => "tracker",
            Self::Customers => "customers",
            Self::Database => "database",
            Self::Cloud => "cloud",
            Self::Gateway => "gateway",
        }
    }

    /// The kind of that word, or `None`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
