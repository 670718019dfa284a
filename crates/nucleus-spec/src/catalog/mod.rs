//! The tool catalog: what the tools of widely used MCP servers can do, as data.
//!
//! A server or tool that the catalog does not know is the worst case, never the harmless one:
//! [`Catalog::server_for`] returns `None` rather than guess, and a caller then uses [`Effects::UNKNOWN`].

mod condition;
mod effects;
mod kind;
mod launch;
mod lookup;
mod official;
mod read;
mod server;
mod sql;

use std::sync::LazyLock;

use crate::error::{Source, SpecError};

pub use condition::Condition;
pub use effects::{Effects, Party};
pub use kind::Kind;
pub use launch::{Identity, Launch};
pub use official::Imitation;
pub use server::{Roots, ServerEntry, Tool, ToolGroup};

/// The text of the shipped catalog.
static SHIPPED: &str = include_str!("../../data/tools.toml");

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    Catalog::parse(&Source::new("tools.toml", SHIPPED))
        .unwrap_or_else(|error| panic!("the shipped catalog parses, as tested: {error:?}"))
});

/// Every server that is known, each under one id.
#[derive(Clone, Debug)]
pub struct Catalog {
    version: u64,
    servers: Vec<ServerEntry>,
}

impl Catalog {
    /// The one shipped with this program.
    #[must_use]
    pub fn shipped() -> &'static Self {
        &CATALOG
    }

    /// Reads a catalog text.
    ///
    /// # Errors
    ///
    /// Names file, line and column of the first unknown key, unknown word or impossible value.
    pub fn parse(source: &Source) -> Result<Self, SpecError> {
        read::read_catalog(source.text()).map_err(|fault| fault.within(source))
    }

    /// The version of its format.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Its servers, in the order of the file.
    #[must_use]
    pub fn servers(&self) -> &[ServerEntry] {
        &self.servers
    }

    /// The server of this id.
    #[must_use]
    pub fn server(&self, id: &str) -> Option<&ServerEntry> {
        self.servers.iter().find(|server| server.id() == id)
    }
}
