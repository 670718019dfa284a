//! Names the twelve operations of a request and holds sets of them in one machine word.

/// One of the twelve things an agent can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Operation {
    /// Read the content of a file.
    ReadFiles = 0,
    /// Find files by name.
    GlobSearch = 1,
    /// Find files by content.
    GrepSearch = 2,
    /// Create, replace, rename or remove a file.
    WriteFiles = 3,
    /// Change part of an existing file.
    EditFiles = 4,
    /// Run a command.
    RunBash = 5,
    /// Send a query to a search backend.
    WebSearch = 6,
    /// Fetch a URL, or dial a host from a jailed process.
    WebFetch = 7,
    /// Commit to a repository of the workspace.
    GitCommit = 8,
    /// Push to a remote.
    GitPush = 9,
    /// Open a pull request at a forge.
    CreatePr = 10,
    /// Start, stop or delegate to a child session.
    ManagePods = 11,
}

impl Operation {
    /// Every operation, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::ReadFiles,
        Self::GlobSearch,
        Self::GrepSearch,
        Self::WriteFiles,
        Self::EditFiles,
        Self::RunBash,
        Self::WebSearch,
        Self::WebFetch,
        Self::GitCommit,
        Self::GitPush,
        Self::CreatePr,
        Self::ManagePods,
    ];

    /// The name used in policies, records and messages.
    #[inline]
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadFiles => "read_files",
            Self::GlobSearch => "glob_search",
            Self::GrepSearch => "grep_search",
            Self::WriteFiles => "write_files",
            Self::EditFiles => "edit_files",
            Self::RunBash => "run_bash",
            Self::WebSearch => "web_search",
            Self::WebFetch => "web_fetch",
            Self::GitCommit => "git_commit",
            Self::GitPush => "git_push",
            Self::CreatePr => "create_pr",
            Self::ManagePods => "manage_pods",
        }
    }

    /// The operation of that name, or `None`: an unknown name is never guessed.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.name() == name)
    }

    /// The operation of that number, or `None`.
    #[inline]
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::ReadFiles),
            1 => Some(Self::GlobSearch),
            2 => Some(Self::GrepSearch),
            3 => Some(Self::WriteFiles),
            4 => Some(Self::EditFiles),
            5 => Some(Self::RunBash),
            6 => Some(Self::WebSearch),
            7 => Some(Self::WebFetch),
            8 => Some(Self::GitCommit),
            9 => Some(Self::GitPush),
            10 => Some(Self::CreatePr),
            11 => Some(Self::ManagePods),
            _ => None,
        }
    }
}

impl core::fmt::Display for Operation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of operations; bit `n` is the operation with number `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct OperationSet(u16);

impl OperationSet {
    /// No operation.
    pub const EMPTY: Self = Self(0);
    /// All twelve.
    pub const ALL: Self = Self(0x0fff);
    /// Those that read from the workspace: `read_files`, `glob_search`, `grep_search`.
    pub const READS: Self = Self(0b0000_0000_0111);
    /// Those whose subject is a path: the reads, `write_files`, `edit_files`.
    pub const PATHS: Self = Self(0b0000_0001_1111);
    /// Those that change a tree: `write_files`, `edit_files`, `git_commit`.
    pub const CHANGES: Self = Self(0b0001_0001_1000);
    /// Those through which data can leave: `web_search`, `web_fetch`, `git_push`, `create_pr`.
    pub const EXFIL: Self = Self(0b0110_1100_0000);
    /// Those that always change somebody's system: `git_push`, `create_pr`.
    pub const EFFECT: Self = Self(0b0110_0000_0000);

    /// The set of one operation.
    #[inline]
    #[must_use]
    pub const fn of(op: Operation) -> Self {
        Self(1 << op as u16)
    }

    /// The set with these bits, or `None` when a bit names no operation.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u16) -> Option<Self> {
        if bits & !Self::ALL.0 == 0 { Some(Self(bits)) } else { None }
    }

    /// The bits; bit `n` is the operation with number `n`.
    #[inline]
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// This set and one more operation.
    #[inline]
    #[must_use]
    pub const fn with(self, op: Operation) -> Self {
        Self(self.0 | Self::of(op).0)
    }

    /// This set less one operation.
    #[inline]
    #[must_use]
    pub const fn without(self, op: Operation) -> Self {
        Self(self.0 & !Self::of(op).0)
    }

    /// What is in either set.
    #[inline]
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both sets.
    #[inline]
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in this set and not in the other.
    #[inline]
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether the operation is in the set.
    #[inline]
    #[must_use]
    pub const fn contains(self, op: Operation) -> bool {
        self.0 & Self::of(op).0 != 0
    }

    /// Whether all of the other set is in this one.
    #[inline]
    #[must_use]
    pub const fn is_superset(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// Whether the sets share an operation.
    #[inline]
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether the set has no operation.
    #[inline]
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The operations in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = Operation> {
        Operation::ALL.into_iter().filter(move |op| self.contains(*op))
    }
}

impl FromIterator<Operation> for OperationSet {
    fn from_iter<I: IntoIterator<Item = Operation>>(ops: I) -> Self {
        ops.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl From<Operation> for OperationSet {
    fn from(op: Operation) -> Self {
        Self::of(op)
    }
}

impl core::fmt::Display for OperationSet {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (index, op) in self.iter().enumerate() {
            if index > 0 {
                f.write_str("+")?;
            }
            f.write_str(op.name())?;
        }
        Ok(())
    }
}
