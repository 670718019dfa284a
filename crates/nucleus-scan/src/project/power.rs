//! One thing an agent can do, and which legs of the trifecta it stands for.

use nucleus_spec::catalog::{Effects, Kind};
use portcullis::Exposure;

use crate::model::Place;

/// Where the knowledge of a power comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A tool of the client itself that its permissions let run unasked.
    Builtin,
    /// A server of the tool catalog, by its id.
    Catalog(String),
    /// A server that is not in the catalog but is named after one that is: the worst case, and no less than its namesake.
    Named(String),
    /// A tool of the client itself of which no file says whether it asks: the worst case, by the client's default.
    Default,
    /// This product's own server: every way out asks.
    Monitor,
    /// A server nobody knows: the worst case.
    Unknown,
}

/// A tool of a server, and what a call can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedTool {
    /// The tool's name.
    pub name: String,
    /// What a call can do.
    pub effects: Effects,
}

/// One thing an agent can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Power {
    /// The server's name, or the rule as written, masked.
    pub name: String,
    /// Where it is configured.
    pub place: Place,
    /// What stands there, masked.
    pub shown: String,
    /// Where the knowledge comes from.
    pub origin: Origin,
    /// What it is about.
    pub kind: Kind,
    /// The legs it reaches, as a reader of the report counts them.
    pub legs: Exposure,
    /// What its calls can do, all together.
    pub effects: Effects,
    /// The server's tools that are offered and known; empty for a built-in tool.
    pub tools: Vec<OfferedTool>,
    /// Whether paths its tools take lead beyond the workspace.
    pub leads_beyond_workspace: bool,
}

impl Power {
    /// Whether it is a server.
    #[must_use]
    pub fn is_server(&self) -> bool {
        !matches!(self.origin, Origin::Builtin | Origin::Default)
    }

    /// Whether what it can do is known. A name proves nothing: it says what is there at least.
    #[must_use]
    pub fn is_known(&self) -> bool {
        matches!(
            self.origin,
            Origin::Builtin | Origin::Catalog(_) | Origin::Monitor
        )
    }

    /// Whether its legs count as there: all but a server of which nothing is known.
    pub(crate) fn counts(&self) -> bool {
        self.origin != Origin::Unknown
    }

    /// The same, if it is the worst it could be.
    pub(crate) fn at_worst(&self) -> Self {
        Self {
            legs: Exposure::TRIFECTA,
            ..self.clone()
        }
    }
}
