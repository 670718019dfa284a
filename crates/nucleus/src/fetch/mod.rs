//! The monitor's side of the web: every hop is a request, every address is checked after its permit and pinned.
//!
//! No name is resolved before its request was permitted. Redirects come back
//! as answers and are judged like any other URL.

pub(crate) mod address;
mod hop;
mod redirect;
mod search;
mod target;
mod text;

use std::sync::Arc;
use std::time::Duration;

use portcullis::request::ContentId;

use crate::dial::Dials;
use crate::error::Error;
use crate::monitor::{Handing, Monitor};
use crate::ports::Fetch;

pub use search::SearchBackend;
pub use target::Method;

/// The most hops of one fetch: one request and five redirects.
pub const MAX_HOPS: usize = 6;

/// What to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchRequest {
    /// An `http` or `https` URL.
    pub url: String,
    /// `GET` by default.
    pub method: Method,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// The most bytes of the answer that are kept.
    pub body_bytes: u64,
    /// The most time for all hops.
    pub limit: Duration,
}

impl FetchRequest {
    /// A `GET` of at most 5 MiB in 30 seconds.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            method: Method::Get,
            body: Vec::new(),
            body_bytes: 5 << 20,
            limit: Duration::from_secs(30),
        }
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The URL after all redirects.
    pub url: String,
    /// The HTTP status.
    pub status: u16,
    /// The media type as sent.
    pub content_type: Option<String>,
    /// The body, or the name of what the monitor holds.
    pub body: FetchedBody,
    /// Whether the body was longer than the limit.
    pub is_cut: bool,
    /// The URLs on the way, without the last.
    pub redirects: Vec<String>,
}

/// The body of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchedBody {
    /// Handed to the agent: the session is exposed to it.
    Bytes(Vec<u8>),
    /// Kept in the monitor with its labels.
    Held(ContentId),
}

/// Fetches for one session. Clones share it.
#[derive(Clone, Debug)]
pub struct Fetcher {
    monitor: Arc<Monitor>,
    port: Arc<dyn Fetch>,
    dials: Dials,
    search: Option<SearchBackend>,
}

impl Fetcher {
    /// Fetches of this session over a port, without a search backend.
    ///
    /// One is made for each session: it keeps the addresses of every name it has dialled.
    #[must_use]
    pub fn new(monitor: Arc<Monitor>, port: Arc<dyn Fetch>) -> Self {
        Self {
            dials: Dials::new(Arc::clone(&monitor)),
            monitor,
            port,
            search: None,
        }
    }

    /// The dials of the session, which share the addresses kept: what its jailed programs dial goes by them.
    #[must_use]
    pub fn dials(&self) -> &Dials {
        &self.dials
    }

    /// The same fetches with a search backend.
    #[must_use]
    pub fn with_search(self, backend: SearchBackend) -> Self {
        Self {
            search: Some(backend),
            ..self
        }
    }

    /// Whether [`Fetcher::search`] has a backend to ask.
    #[must_use]
    pub fn has_search(&self) -> bool {
        self.search.is_some()
    }

    /// Fetches a URL and hands its content to the agent.
    ///
    /// # Errors
    /// A refusal of any hop, [`Error::Invalid`] for what is no URL, and [`Error::Failed`].
    pub fn fetch(&self, request: &FetchRequest) -> Result<Fetched, Error> {
        self.follow(request, Handing::Agent)
    }

    /// Fetches a URL and keeps its content in the monitor, with its labels.
    ///
    /// # Errors
    /// As [`Fetcher::fetch`].
    pub fn fetch_held(&self, request: &FetchRequest) -> Result<Fetched, Error> {
        self.follow(request, Handing::Held)
    }
}
