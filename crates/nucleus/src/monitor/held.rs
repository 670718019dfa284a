//! Content that stays in the monitor: bytes with their labels, which join whatever uses them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use nucleus_audit::{Draft, Durability, Recorded};
use portcullis::Exposure;
use portcullis::decide::Permit;
use portcullis::digest::ContentDigest;
use portcullis::request::{Content, ContentId, Request, RequestBuilder};

use super::Monitor;
use crate::error::MonitorError;

/// The most bytes held for one session: what a few large fetches need.
const MAX_HELD_BYTES: usize = 256 << 20;

#[derive(Debug, Default)]
pub(super) struct HeldStore(Mutex<Store>);

#[derive(Debug, Default)]
struct Store {
    next: u64,
    bytes: usize,
    entries: HashMap<ContentId, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    bytes: Arc<[u8]>,
    digest: ContentDigest,
    labels: Exposure,
}

impl HeldStore {
    fn insert(&self, bytes: Arc<[u8]>, labels: Exposure) -> Option<ContentId> {
        let mut store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let total = store
            .bytes
            .checked_add(bytes.len())
            .filter(|sum| *sum <= MAX_HELD_BYTES)?;
        let id = ContentId(store.next);
        let digest = ContentDigest::of(&bytes);
        store.next += 1;
        store.bytes = total;
        store.entries.insert(
            id,
            Entry {
                bytes,
                digest,
                labels,
            },
        );
        Some(id)
    }

    fn entry(&self, id: ContentId) -> Option<Entry> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entries
            .get(&id)
            .cloned()
    }

    /// Whether the request's held content is held here, with its digest, and carries its labels.
    pub(super) fn knows(&self, request: &Request) -> bool {
        let Content::Held(id, digest) = request.content() else {
            return true;
        };
        self.entry(*id).is_some_and(|entry| {
            entry.digest == *digest && entry.labels.sources().leq(request.carried())
        })
    }
}

impl Monitor {
    /// Keeps bytes with the labels of the permit they came by; the session is not exposed to them yet.
    ///
    /// `None` when more would be held than one session may.
    #[must_use]
    pub fn hold(&self, bytes: Arc<[u8]>, labels: Exposure) -> Option<ContentId> {
        self.held.insert(bytes, labels)
    }

    /// The request with held content and its labels, or `None` for content that is not held.
    #[must_use]
    pub fn with_held(&self, builder: RequestBuilder, id: ContentId) -> Option<RequestBuilder> {
        let entry = self.held.entry(id)?;
        Some(
            builder
                .content(Content::Held(id, entry.digest))
                .carrying(entry.labels),
        )
    }

    /// The content of a permitted request, for its effect.
    ///
    /// `None` when the permit is another request's, or the content is not held
    /// or lies in a file.
    #[must_use]
    pub fn content_for(&self, permit: &Recorded<Permit>, request: &Request) -> Option<Arc<[u8]>> {
        if !permit.get().covers(request) {
            return None;
        }
        match request.content() {
            Content::None => Some(Arc::from([])),
            Content::Inline(bytes) => Some(bytes.clone()),
            Content::Held(id, _) => self.held.entry(*id).map(|entry| entry.bytes),
            Content::Staged(_) => None,
        }
    }

    /// Hands held bytes out: the session is exposed to their labels from before the return.
    ///
    /// # Errors
    /// When the session is over, or the exposure cannot be raised and recorded; nothing is handed out then.
    pub fn reveal(&self, id: ContentId) -> Result<Option<Arc<[u8]>>, MonitorError> {
        let Some(entry) = self.held.entry(id) else {
            return Ok(None);
        };
        self.expose_with(entry.labels, "looked at held content", Durability::Buffered)?;
        Ok(Some(entry.bytes))
    }

    /// Joins labels to the live exposure and records why.
    ///
    /// # Errors
    /// When the session is over, or the exposure cannot be raised and recorded.
    pub fn expose(&self, labels: Exposure, why: &str) -> Result<(), MonitorError> {
        self.expose_with(labels, why, Durability::Durable)
    }

    /// As [`Monitor::expose`], for what a read brought: the record is covered by the next durable one.
    pub(crate) fn expose_buffered(&self, labels: Exposure, why: &str) -> Result<(), MonitorError> {
        self.expose_with(labels, why, Durability::Buffered)
    }

    fn expose_with(
        &self,
        labels: Exposure,
        why: &str,
        durability: Durability,
    ) -> Result<(), MonitorError> {
        let mut inner = self.lock();
        if inner.session.phase() != portcullis::verdict::Phase::Active {
            return Err(MonitorError::Over);
        }
        let before = inner.session.exposure();
        if labels.leq(before) {
            return Ok(());
        }
        self.exposure
            .raise(labels)
            .map_err(MonitorError::state("cannot raise the live exposure"))?;
        inner.expose(labels, why, self.clock.boot_ms());
        let draft = Draft::expose(self.context(&inner), before, why);
        let appended = self.log.append(&draft, (), durability);
        drop(inner);
        appended
            .and_then(nucleus_audit::Pending::wait)
            .map(drop)
            .inspect_err(|_| self.fail())?;
        Ok(())
    }
}
