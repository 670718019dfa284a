//! How a command fails: a message, a way out, and the exit code it stands for.

use std::fmt::Display;

use crate::style::{BAD, BOLD, paint};

/// The session could not be started, or a layer is missing.
pub(crate) const NOT_STARTED: u8 = 125;
/// The words of the command line make no sense.
pub(crate) const USAGE: u8 = 2;
/// Something else went wrong.
pub(crate) const FAILED: u8 = 1;

/// Why a command stopped.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    body: Body,
    help: Option<String>,
}

#[derive(Debug)]
enum Body {
    Message(String),
    Diagnostic(Box<miette::Report>),
}

impl Failure {
    /// A failure with this exit code.
    pub(crate) fn new(code: u8, message: impl Display) -> Self {
        Self {
            code,
            body: Body::Message(message.to_string()),
            help: None,
        }
    }

    /// Words that make no sense.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(USAGE, message)
    }

    /// A session that could not be started.
    pub(crate) fn not_started(message: impl Display) -> Self {
        Self::new(NOT_STARTED, message)
    }

    /// A failure with a source span.
    pub(crate) fn diagnostic(
        code: u8,
        error: impl miette::Diagnostic + Send + Sync + 'static,
    ) -> Self {
        Self {
            code,
            body: Body::Diagnostic(Box::new(miette::Report::new(error))),
            help: None,
        }
    }

    /// The same with a way out.
    pub(crate) fn help(mut self, help: impl Display) -> Self {
        self.help = Some(help.to_string());
        self
    }

    /// Its exit code.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }

    /// What went wrong, as one text.
    #[cfg(target_os = "linux")]
    pub(crate) fn message(&self) -> String {
        match &self.body {
            Body::Message(message) => message.clone(),
            Body::Diagnostic(report) => report.to_string(),
        }
    }

    /// Tells it on standard error.
    pub(crate) fn print(&self) {
        match &self.body {
            Body::Message(message) => anstream::eprintln!("{}: {message}", paint(BAD, "error")),
            Body::Diagnostic(report) => anstream::eprintln!("{report:?}"),
        }
        if let Some(help) = &self.help {
            anstream::eprintln!("{}: {help}", paint(BOLD, "help"));
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(FAILED, error)
    }
}
