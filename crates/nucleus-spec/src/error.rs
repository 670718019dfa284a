//! Names what is wrong with a policy file: file, line, column, the text itself and the way out.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

/// A policy text and the name by which a user knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    name: String,
    text: Arc<str>,
}

impl Source {
    /// The text of this name; reading the file is the caller's work.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }

    /// The name shown in diagnostics, usually a path.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Refuses a policy text: what is wrong, where, and what to write instead.
///
/// Rendering is the caller's: it implements [`miette::Diagnostic`].
#[derive(Clone)]
pub struct SpecError(Box<Inner>);

#[derive(Clone)]
struct Inner {
    source: NamedSource<Arc<str>>,
    text: Arc<str>,
    fault: Fault,
}

/// What is wrong, before it is known in which file.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
    pub(crate) label: String,
    pub(crate) help: String,
}

impl Fault {
    /// A fault at these bytes.
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            label: "here".to_owned(),
            help: String::new(),
        }
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// The error for users, in this source.
    pub(crate) fn within(self, source: &Source) -> SpecError {
        let text = Arc::clone(&source.text);
        SpecError(Box::new(Inner {
            source: NamedSource::new(&source.name, Arc::clone(&text)),
            text,
            fault: self.clamped(source.text()),
        }))
    }

    /// The same fault with a span that lies in the text, on character boundaries.
    fn clamped(mut self, text: &str) -> Self {
        let snap = |mut at: usize| {
            at = at.min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = snap(self.span.start);
        self.span = start..snap(self.span.end).max(start);
        self
    }
}

impl SpecError {
    /// The name of the file.
    #[must_use]
    pub fn source_name(&self) -> &str {
        self.0.source.name()
    }

    /// The line, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.before().matches('\n').count() + 1
    }

    /// The column in characters, from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        let before = self.before();
        before.rsplit('\n').next().unwrap_or(before).chars().count() + 1
    }

    /// The bytes of the text it speaks of.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.0.fault.span.clone()
    }

    /// The way out.
    #[must_use]
    pub fn help(&self) -> &str {
        &self.0.fault.help
    }

    fn before(&self) -> &str {
        self.0
            .text
            .get(..self.0.fault.span.start)
            .unwrap_or_default()
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.fault.message)
    }
}

impl fmt::Debug for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = (self.line(), self.column());
        write!(
            f,
            "{}:{line}:{column}: {self}; {}",
            self.source_name(),
            self.help()
        )
    }
}

impl std::error::Error for SpecError {}

impl Diagnostic for SpecError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.0.fault.help.as_str();
        (!help.is_empty()).then(|| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.0.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let fault = &self.0.fault;
        let label = LabeledSpan::at(fault.span.clone(), fault.label.clone());
        Some(Box::new(std::iter::once(label)))
    }
}
