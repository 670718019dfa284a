//! Errors of the workspace: the operation, the path, what was found and the way out.

use std::io;
use std::path::PathBuf;

use portcullis::path::PathError;

/// Why the workspace could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkspaceError {
    /// The directory cannot be a workspace.
    #[error("`{}` cannot be a workspace: {why}\nhelp: {help}", root.display())]
    Unsuitable {
        /// The directory.
        root: PathBuf,
        /// What is wrong with it.
        why: String,
        /// What to do.
        help: &'static str,
    },
    /// A name without a canonical spelling.
    #[error("{0}\nhelp: {help}", help = .0.help())]
    Path(#[from] PathError),
    /// Nothing is there.
    #[error("`{0}` does not exist")]
    NotFound(String),
    /// A link, FIFO, socket, device or a directory where a file is needed, or the reverse.
    #[error("`{path}` is {found}, not {wanted}")]
    WrongType {
        /// The path.
        path: String,
        /// What it is.
        found: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// A path that leads through a symbolic link.
    #[error(
        "`{0}` leads through a symbolic link, which is never followed\nhelp: name the file itself"
    )]
    ThroughLink(String),
    /// More than a bound allows.
    #[error("{what} is over the bound of {bound}")]
    TooLarge {
        /// What.
        what: String,
        /// The bound with its unit.
        bound: String,
    },
    /// A session holds back as much as it may.
    #[error(
        "this session holds back as much as it may ({bound})\nhelp: the user can `nucleus apply` or `nucleus discard` some of it"
    )]
    StageFull {
        /// The bound with its unit.
        bound: String,
    },
    /// What was to be endorsed is not what was shown.
    #[error(
        "`{0}` has changed since it was shown, so nothing was endorsed\nhelp: look at it again"
    )]
    NotAsShown(String),
    /// The permit is for another request, or the request for another change.
    #[error("the permit does not cover the change of `{0}`")]
    NotCovered(String),
    /// The content is not what was digested.
    #[error("the content for `{0}` is not what was digested")]
    Digest(String),
    /// A record of the state directory that cannot be read.
    #[error("`{}` line {line}: {why}\nhelp: move the file away to start afresh; what it held is lost", file.display())]
    State {
        /// The file.
        file: PathBuf,
        /// Counted from 1; 0 for the whole file.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// Part of the view is not offered by this kind of workspace.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The jail's own checks.
    #[cfg(target_os = "linux")]
    #[error(transparent)]
    Jail(#[from] nucleus_jail::Error),
    /// The kernel refused.
    #[error("{operation} `{path}`: {source}")]
    Io {
        /// What was being done.
        operation: &'static str,
        /// On what.
        path: String,
        /// The kernel's answer.
        source: io::Error,
    },
}

impl WorkspaceError {
    /// An error of the kernel on a path, for `map_err`.
    pub(crate) fn io<E: Into<io::Error>>(
        operation: &'static str,
        path: impl std::fmt::Display,
    ) -> impl FnOnce(E) -> Self {
        let path = path.to_string();
        move |source| Self::Io {
            operation,
            path,
            source: source.into(),
        }
    }
}
