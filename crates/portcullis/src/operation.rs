//! Names the twelve operations of a request and holds sets of them in one machine word.

use crate::named::{named_enum, word_set, write_names};

named_enum! {
    /// One of the twelve things an agent can ask for.
    Operation {
        /// Read the content of a file.
        ReadFiles = "read_files",
        /// Find files by name.
        GlobSearch = "glob_search",
        /// Find files by content.
        GrepSearch = "grep_search",
        /// Create, replace, rename or remove a file.
        WriteFiles = "write_files",
        /// Change part of an existing file.
        EditFiles = "edit_files",
        /// Run a command.
        RunBash = "run_bash",
        /// Send a query to a search backend.
        WebSearch = "web_search",
        /// Fetch a URL, or dial a host from a jailed process.
        WebFetch = "web_fetch",
        /// Commit to a repository of the workspace.
        GitCommit = "git_commit",
        /// Push to a remote.
        GitPush = "git_push",
        /// Open a pull request at a forge.
        CreatePr = "create_pr",
        /// Start, stop or delegate to a child session.
        ManagePods = "manage_pods",
    }
}

word_set! {
    /// A set of operations; bit `n` is the operation with number `n`.
    OperationSet(u16) of Operation, union, intersection, none EMPTY
}

impl OperationSet {
    /// All twelve.
    pub const ALL: Self = Self(0x0fff);
    /// Those that read from the workspace: `read_files`, `glob_search`, `grep_search`.
    pub const READS: Self = Self(0b0000_0000_0111);
    /// Those whose subject is a path: the reads, `write_files`, `edit_files`.
    pub const PATHS: Self = Self(0b0000_0001_1111);
    /// Those that change a tree: `write_files`, `edit_files`, `git_commit`.
    pub const CHANGES: Self = Self(0b0001_0001_1000);
    /// Those whose subject is a command: `run_bash`.
    pub(crate) const COMMANDS: Self = Self(0b0000_0010_0000);
    /// Those whose subject is a host: `web_search`, `web_fetch`.
    pub(crate) const HOSTS: Self = Self(0b0000_1100_0000);
    /// Those whose subject is a repository or a remote: `git_commit`, `git_push`, `create_pr`.
    pub(crate) const GIT: Self = Self(0b0111_0000_0000);
    /// Those through which data can leave: `web_search`, `web_fetch`, `git_push`, `create_pr`.
    pub const EXFIL: Self = Self(0b0110_1100_0000);
    /// Those that always change somebody's system: `git_push`, `create_pr`.
    pub const EFFECT: Self = Self(0b0110_0000_0000);

    /// This set and one more operation.
    #[inline]
    pub const fn with(self, op: Operation) -> Self {
        Self(self.0 | Self::of(op).0)
    }

    /// This set less one operation.
    #[inline]
    pub const fn without(self, op: Operation) -> Self {
        Self(self.0 & !Self::of(op).0)
    }

    /// What is in this set and not in the other.
    #[inline]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of the other set is in this one.
    #[inline]
    pub const fn is_superset(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// Whether the sets share an operation.
    #[inline]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl From<Operation> for OperationSet {
    fn from(op: Operation) -> Self {
        Self::of(op)
    }
}

impl core::fmt::Display for OperationSet {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write_names(f, &self.iter().map(Operation::name).collect::<Vec<_>>(), "+", "")
    }
}
