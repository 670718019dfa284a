//! The end of a log in memory: what is spelled, written and durable.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::thread::Thread;
use std::time::Instant;

use portcullis::request::SessionId;

use super::LogOptions;
use crate::chain::{ChainHash, SpelledBody, put_line};
use crate::error::LogError;

/// Spelled records beyond this are written without waiting for a flush, to bound memory.
const HEAVY_BYTES: usize = 1 << 20;

/// The state under the lock.
#[derive(Debug)]
pub(super) struct Tail {
    /// The number of the file.
    pub(super) number: u32,
    pub(super) file: Arc<File>,
    /// How many bytes the file has.
    file_bytes: u64,
    file_since: Instant,
    /// Records that have a place and are not yet written.
    spelled: Vec<u8>,
    /// How many records have a place.
    pub(super) records: u64,
    /// How many of them were handed to the kernel.
    pub(super) written: u64,
    /// The hash of the last.
    pub(super) head: ChainHash,
    /// How many records are on the device.
    pub(super) durable: u64,
    /// Whether somebody flushes.
    pub(super) is_syncing: bool,
    /// Who sleeps until so many records are on the device.
    pub(super) waiters: Vec<(u64, Thread)>,
    /// How many records the last checkpoint covers.
    pub(super) signed: u64,
    pub(super) signed_at: Instant,
    /// Whether the flusher shall stop.
    pub(super) is_closing: bool,
    pub(super) is_closed: bool,
    poisoned: Option<Arc<str>>,
}

impl Tail {
    pub(super) fn new(
        number: u32,
        file: File,
        file_bytes: u64,
        records: u64,
        head: ChainHash,
    ) -> Self {
        Self {
            number,
            file: Arc::new(file),
            file_bytes,
            file_since: Instant::now(),
            spelled: Vec::new(),
            records,
            written: records,
            head,
            durable: records,
            is_syncing: false,
            waiters: Vec::new(),
            signed: records,
            signed_at: Instant::now(),
            is_closing: false,
            is_closed: false,
            poisoned: None,
        }
    }

    /// Says that no write has failed.
    pub(super) fn check_sound(&self) -> Result<(), LogError> {
        match &self.poisoned {
            Some(cause) => Err(LogError::Poisoned {
                cause: Arc::clone(cause),
            }),
            None => Ok(()),
        }
    }

    /// Says that records are taken.
    pub(super) fn check_open(&self) -> Result<(), LogError> {
        self.check_sound()?;
        if self.is_closed {
            Err(LogError::Closed)
        } else {
            Ok(())
        }
    }

    /// Ends the log and wakes everybody; the first cause stays.
    pub(super) fn poison(&mut self, error: &LogError) {
        self.poisoned
            .get_or_insert_with(|| Arc::from(error.to_string()));
        self.waiters
            .drain(..)
            .for_each(|(_, waiter)| waiter.unpark());
    }

    /// Takes out those whose records are on the device, and one more, who flushes next.
    pub(super) fn take_woken(&mut self) -> Vec<Thread> {
        let durable = self.durable;
        let mut woken = Vec::with_capacity(self.waiters.len());
        let mut next = None;
        self.waiters.retain(|(records, waiter)| {
            let is_served = *records <= durable;
            if is_served {
                woken.push(waiter.clone());
            } else if next.is_none() {
                next = Some(waiter.clone());
                return false;
            }
            !is_served
        });
        // First, so that the device is not idle while the others wake.
        next.into_iter().chain(woken).collect()
    }

    /// Whether the next record belongs into a new file.
    pub(super) fn is_full(&self, options: &LogOptions) -> bool {
        let bytes = self.file_bytes + self.spelled.len() as u64;
        let is_old = self.file_since.elapsed() >= options.rotate_age;
        bytes > 0 && (bytes >= options.rotate_bytes || is_old)
    }

    /// Whether so much is spelled that it should be written.
    pub(super) fn is_heavy(&self) -> bool {
        self.spelled.len() >= HEAVY_BYTES
    }

    /// Spells a record at the next place.
    pub(super) fn put(&mut self, session: SessionId, body: &SpelledBody) {
        self.head = put_line(&mut self.spelled, self.records, session, body, self.head);
        self.records += 1;
    }

    /// Hands the spelled records to the kernel.
    pub(super) fn write_out(&mut self) -> io::Result<()> {
        if !self.spelled.is_empty() {
            (&*self.file).write_all(&self.spelled)?;
            self.file_bytes += self.spelled.len() as u64;
            self.spelled.clear();
        }
        self.written = self.records;
        Ok(())
    }

    /// Goes on in a new, empty file.
    pub(super) fn continue_in(&mut self, number: u32, file: File) {
        self.number = number;
        self.file = Arc::new(file);
        self.file_bytes = 0;
        self.file_since = Instant::now();
    }
}
