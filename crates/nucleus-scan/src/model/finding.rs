//! What the scan says: findings with their evidence, and the whole result.

use std::fmt;
use std::sync::Arc;

use super::agent::{Agent, Scope};
use super::place::{ByteSpan, FileName, Place};
use crate::client::Client;
use crate::launch::Registry;

/// How bad it is, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; never fails a run by default and is not counted as a finding against a clean file.
    Note,
    /// Hygiene.
    Low,
    /// A way in or out that needs one more mistake to be used.
    Medium,
    /// One injected instruction away from damage.
    High,
    /// Open now, or a secret already out.
    Critical,
}

impl Severity {
    /// The word used on the command line and in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The severity a word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::Note,
            Self::Low,
            Self::Medium,
            Self::High,
            Self::Critical,
        ]
        .into_iter()
        .find(|severity| severity.word() == word)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The stable word id of a rule, as reports, baselines and suppressions spell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub &'static str);

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// One place a finding relies on, with the text there, masked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    /// Where.
    pub place: Place,
    /// What stands there, masked.
    pub shown: String,
}

/// One replacement of bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Edit {
    /// The file.
    pub file: Arc<FileName>,
    /// The bytes that go.
    pub span: ByteSpan,
    /// What comes in their place; never a secret.
    pub replacement: String,
}

impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}..{} -> {:?}",
            self.file.shown, self.span.start, self.span.end, self.replacement
        )
    }
}

/// The way out of a finding: always a sentence, and edits where the rewrite is safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What to do, one sentence.
    pub summary: String,
    /// The rewrite; empty when a person has to choose.
    pub edits: Vec<Edit>,
    /// Packages that are fetched without an exact version.
    pub(crate) unpinned: Vec<Unpinned>,
    /// Variables the rewrite refers to.
    pub(crate) variables: Vec<Variable>,
}

/// A variable that takes the place of a secret, which its digest tells from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) digest: String,
}

/// Where a package stands that has no exact version, and who would know one. Its name may hold a secret and is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unpinned {
    pub(crate) place: Place,
    pub(crate) registry: Registry,
}

/// Why a finding does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The reason given.
    pub reason: String,
    /// `baseline` or the place of the comment.
    pub by: String,
}

/// One rule that fires on one file: every place in one finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: RuleId,
    /// Its severity.
    pub severity: Severity,
    /// One sentence about this case; masked.
    pub reason: String,
    /// Every place it relies on, at least one, in the order of the file.
    pub evidence: Vec<Evidence>,
    /// The way out.
    pub fix: Option<Fix>,
    /// Whose configuration it is.
    pub client: Client,
    /// Agent, server or job it concerns.
    pub agent: Option<String>,
    /// Where that configuration counts.
    pub scope: Scope,
    /// Set when a baseline or a comment takes it out of the count.
    pub suppressed: Option<Suppression>,
    /// The path it speaks of, where it is one of the combination analysis.
    pub path: Option<Box<crate::project::Path>>,
    /// Twelve hex digits over rule, file name and what is at fault; the same while the file is only moved around it.
    pub fingerprint: String,
}

/// A file that could not be read or understood, in part or wholly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The file.
    pub file: Arc<FileName>,
    /// What was wrong, masked.
    pub why: String,
}

/// Everything one scan saw.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// One agent per configuration file that configures one, ordered by file.
    pub agents: Vec<Agent>,
    /// Ordered worst first, then by file and line.
    pub findings: Vec<Finding>,
    /// Files that were opened.
    pub files_seen: Vec<Arc<FileName>>,
    /// Directory entries that were walked past.
    pub entries_walked: usize,
    /// Files that could not be understood; each one is a finding as well.
    pub broken: Vec<Broken>,
}
