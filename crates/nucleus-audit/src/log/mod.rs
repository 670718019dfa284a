//! Appends records: one lock gives each its place and its link in the chain.
//!
//! A buffered record was handed to the kernel before its value is given out, so
//! it survives the death of the process. A durable one was also flushed to the
//! device, with all before it; writers that wait at the same time share one
//! flush. After any failure to write, nothing is appended any more.

mod flusher;
mod notes;
mod pending;
mod recover;
mod tail;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use portcullis::request::SessionId;

use crate::chain::{ChainHash, SpelledBody};
use crate::checkpoint::Occasion;
use crate::draft::Draft;
use crate::error::LogError;
use crate::files;
use crate::key::SigningKey;
use crate::record::Kind;
use crate::redact::{self, Redactor};

use notes::NoteFiles;
pub use pending::{Payload, Pending, Recorded};
pub use recover::{Recovery, TornLine};
use tail::Tail;

/// How a log is kept.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// A second file for checkpoints, best on another machine's disk. **Without one, a tail cut off together
    /// with its checkpoints is not detectable.** Default: none.
    pub mirror: Option<PathBuf>,
    /// A checkpoint is signed after this many records. Default: 4,096, so that signing costs under 1 % of an append.
    pub checkpoint_records: u64,
    /// A checkpoint is signed this long after the last one when there are new records. Default: 30 s.
    pub checkpoint_interval: Duration,
    /// A file of this size is followed by a new one. Default: 256 MiB.
    pub rotate_bytes: u64,
    /// A file of this age is followed by a new one. Default: 24 h.
    pub rotate_age: Duration,
    /// Leaves secrets out of every record.
    pub redactor: Arc<Redactor>,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            mirror: None,
            checkpoint_records: 4096,
            checkpoint_interval: Duration::from_secs(30),
            rotate_bytes: 256 << 20,
            rotate_age: Duration::from_secs(24 * 3600),
            redactor: Arc::default(),
        }
    }
}

/// What a record must survive before its value is given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Durability {
    /// The death of the process: for reads whose result stays in the session.
    Buffered,
    /// The loss of power, with all records before it: for every effect.
    Durable,
}

/// Where a log stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// How many records it has.
    pub records: u64,
    /// How many of them are known to be on the device.
    pub durable: u64,
    /// The hash of the last one, or zeros.
    pub head: ChainHash,
}

/// An open log.
///
/// Dropping it flushes and signs a last checkpoint as [`Log::close`] does, but
/// keeps quiet about failures.
#[derive(Debug)]
pub struct Log {
    shared: Arc<Shared>,
    flusher: Option<JoinHandle<()>>,
}

/// How long a waiter sleeps before it looks by itself, in case the one who flushes died.
const WATCH: Duration = Duration::from_millis(500);

/// What appenders, waiters and the flusher share.
#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    session: SessionId,
    options: LogOptions,
    key: SigningKey,
    tail: Mutex<Tail>,
    /// How many records are on the device, for waiters to see without the lock.
    durable: AtomicU64,
    /// Wakes the flusher.
    due: Condvar,
    notes: Mutex<NoteFiles>,
    /// Holds the lock of the directory.
    _lock: File,
}

impl Log {
    /// Makes a log in this directory, which is made (0700) if it is not there.
    ///
    /// # Errors
    /// [`LogError::AlreadyExists`], [`LogError::InUse`], [`LogError::Io`].
    pub fn create(
        dir: &Path,
        session: SessionId,
        options: LogOptions,
        key: SigningKey,
    ) -> Result<Self, LogError> {
        files::make_private_dir(dir).map_err(LogError::io("make the directory", dir))?;
        let lock = lock(dir)?;
        let numbers = files::record_numbers(dir).map_err(LogError::io("read", dir))?;
        if !numbers.is_empty() || dir.join(files::CHECKPOINT_FILE).exists() {
            return Err(LogError::AlreadyExists {
                path: dir.to_owned(),
            });
        }
        let path = files::record_file(dir, 0);
        let file = files::create_new(&path).map_err(LogError::io("make", &path))?;
        let tail = Tail::new(0, file, 0, 0, ChainHash::ZERO);
        let notes = NoteFiles::open(dir, options.mirror.as_deref())?;
        let log = Self::run(dir, session, options, key, lock, tail, notes)?;
        log.shared.checkpoint(Occasion::Start)?;
        sync_names(dir)?;
        Ok(log)
    }

    /// Starts the flusher of an open log.
    fn run(
        dir: &Path,
        session: SessionId,
        options: LogOptions,
        key: SigningKey,
        lock: File,
        tail: Tail,
        notes: NoteFiles,
    ) -> Result<Self, LogError> {
        let durable = AtomicU64::new(tail.durable);
        let shared = Arc::new(Shared {
            dir: dir.to_owned(),
            session,
            options,
            key,
            tail: Mutex::new(tail),
            durable,
            due: Condvar::new(),
            notes: Mutex::new(notes),
            _lock: lock,
        });
        let flusher = flusher::spawn(Arc::clone(&shared))
            .map_err(LogError::io("start the flusher of", dir))?;
        Ok(Self {
            shared,
            flusher: Some(flusher),
        })
    }

    /// Gives the record its place and hands the value back once the record is safe.
    ///
    /// Every text of the draft is redacted here; no other way leads into the log.
    ///
    /// # Errors
    /// [`LogError`]; the value is dropped with it.
    pub fn append<T: Payload>(
        &self,
        draft: &Draft<'_>,
        payload: T,
        durability: Durability,
    ) -> Result<Pending<T>, LogError> {
        let pending = self.place(draft, payload, durability)?;
        if durability == Durability::Buffered {
            self.shared.write_to(pending.sequence() + 1)?;
        }
        Ok(pending)
    }

    /// [`Log::append`] for a value that is waited for: until then, a buffered record may be in memory alone.
    ///
    /// So a caller that orders its records by a lock need not hold it while they are written. A record that nobody
    /// waits for goes to the kernel with the next one that somebody does, or by [`Log::write`].
    ///
    /// # Errors
    /// [`LogError`]; the value is dropped with it.
    pub fn place<T: Payload>(
        &self,
        draft: &Draft<'_>,
        payload: T,
        durability: Durability,
    ) -> Result<Pending<T>, LogError> {
        if !payload.is_described_by(draft) {
            return Err(LogError::PayloadMismatch);
        }
        if draft
            .session()
            .is_some_and(|session| session != self.shared.session)
        {
            return Err(LogError::ForeignSession);
        }
        let body = redact::redact(&self.shared.options.redactor, draft);
        if !body.is_coherent() {
            return Err(LogError::Incoherent { kind: draft.kind() });
        }
        let sequence = self.shared.add(draft.kind(), &SpelledBody::of(&body))?;
        Ok(Pending::new(
            payload,
            sequence,
            durability,
            Arc::clone(&self.shared),
        ))
    }

    /// [`Log::append`], then [`Pending::wait`].
    ///
    /// # Errors
    /// [`LogError`].
    pub fn record<T: Payload>(
        &self,
        draft: &Draft<'_>,
        payload: T,
        durability: Durability,
    ) -> Result<Recorded<T>, LogError> {
        self.append(draft, payload, durability)?.wait()
    }

    /// Hands every record that was placed to the kernel, also those that nobody waits for.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn write(&self) -> Result<(), LogError> {
        self.shared.write_all()
    }

    /// Flushes all records and signs the head.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn checkpoint(&self) -> Result<(), LogError> {
        self.shared.checkpoint(Occasion::Request)
    }

    /// Flushes all records, signs the head for the last time and takes no more records.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn close(mut self) -> Result<(), LogError> {
        self.finish()
    }

    fn finish(&mut self) -> Result<(), LogError> {
        let Some(flusher) = self.flusher.take() else {
            return Ok(());
        };
        // A poisoned lock must not keep the flusher alive.
        let stopped = self.shared.tail().map(|mut tail| tail.is_closing = true);
        self.shared.due.notify_all();
        let joined = match stopped {
            Ok(()) => flusher.join().is_ok(),
            Err(_) => true,
        };
        stopped?;
        let last = self.shared.checkpoint(Occasion::End);
        self.shared.tail()?.is_closed = true;
        if joined {
            last
        } else {
            last.and(Err(poisoned_by_panic()))
        }
    }

    /// Where the log stands.
    ///
    /// # Errors
    /// [`LogError::Poisoned`].
    pub fn status(&self) -> Result<Status, LogError> {
        let tail = self.shared.tail()?;
        Ok(Status {
            records: tail.records,
            durable: tail.durable,
            head: tail.head,
        })
    }

    /// Leaves secrets out of every record.
    #[must_use]
    pub fn redactor(&self) -> &Redactor {
        &self.shared.options.redactor
    }

    /// Where its files are.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// The session it belongs to.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.shared.session
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // Nobody is left to hear of a failure; verify tells of what is missing.
        let _ = self.finish();
    }
}

impl Shared {
    /// The state under the lock.
    fn tail(&self) -> Result<MutexGuard<'_, Tail>, LogError> {
        // FAIL-CLOSED: after a panic under the lock nobody knows what was written.
        self.tail.lock().map_err(|_| poisoned_by_panic())
    }

    /// Gives a record its place.
    fn add(&self, kind: Kind, body: &SpelledBody) -> Result<u64, LogError> {
        let mut tail = self.tail()?;
        tail.check_open()?;
        let sequence = tail.records;
        if (kind == Kind::Start) != (sequence == 0) {
            return Err(LogError::OutOfPlace { kind, sequence });
        }
        if tail.is_full(&self.options) {
            self.rotate(&mut tail)?;
        }
        tail.put(self.session, body);
        if tail.is_heavy() {
            self.write_out(&mut tail)?;
        }
        if tail.records - tail.signed >= self.options.checkpoint_records {
            self.due.notify_one();
        }
        Ok(sequence)
    }

    /// Returns once so many records are with the kernel.
    fn write_to(&self, records: u64) -> Result<(), LogError> {
        let mut tail = self.tail()?;
        tail.check_sound()?;
        if tail.written < records {
            self.write_out(&mut tail)?;
        }
        Ok(())
    }

    /// Returns once all records so far are with the kernel.
    fn write_all(&self) -> Result<(), LogError> {
        let mut tail = self.tail()?;
        tail.check_sound()?;
        self.write_out(&mut tail)
    }

    /// Hands all records to the kernel.
    fn write_out(&self, tail: &mut Tail) -> Result<(), LogError> {
        tail.write_out()
            .map_err(|source| self.poison(tail, "append to", tail.number, source))
    }

    /// Starts the next file once all of this one is durable.
    fn rotate(&self, tail: &mut Tail) -> Result<(), LogError> {
        self.write_out(tail)?;
        let number = tail.number;
        tail.file
            .sync_data()
            .map_err(|source| self.poison(tail, "flush", number, source))?;
        tail.durable = tail.records;
        self.durable.store(tail.durable, Ordering::Release);
        let next = number + 1;
        let path = files::record_file(&self.dir, next);
        let made = files::create_new(&path)
            .and_then(|file| files::sync_dir(&self.dir).map(|()| file))
            .map_err(|source| self.poison(tail, "make", next, source))?;
        tail.continue_in(next, made);
        Ok(())
    }

    /// Returns once so many records are on the device.
    ///
    /// One of those who wait flushes for all; the others sleep, and wake without
    /// the lock, so that many writers do not queue for it.
    fn sync_to(&self, records: u64) -> Result<(), LogError> {
        while self.durable.load(Ordering::Acquire) < records {
            let mut tail = self.tail()?;
            tail.check_sound()?;
            if tail.durable >= records {
                break;
            }
            if tail.is_syncing {
                tail.waiters.push((records, thread::current()));
                drop(tail);
                thread::park_timeout(WATCH);
            } else {
                self.lead(tail)?;
            }
        }
        Ok(())
    }

    /// Flushes for everybody who waits.
    fn lead(&self, mut tail: MutexGuard<'_, Tail>) -> Result<(), LogError> {
        self.write_out(&mut tail)?;
        let (records, number, file) = (tail.records, tail.number, Arc::clone(&tail.file));
        tail.is_syncing = true;
        drop(tail);
        let flushed = file.sync_data();
        let mut tail = self.tail()?;
        tail.is_syncing = false;
        if let Err(source) = flushed {
            return Err(self.poison(&mut tail, "flush", number, source));
        }
        tail.durable = tail.durable.max(records);
        self.durable.store(tail.durable, Ordering::Release);
        let woken = tail.take_woken();
        drop(tail);
        woken.iter().for_each(Thread::unpark);
        Ok(())
    }

    /// Flushes, then signs the head.
    fn checkpoint(&self, occasion: Occasion) -> Result<(), LogError> {
        // Held from reading the head to writing the note, so that notes stand in order.
        let mut notes = self.notes.lock().map_err(|_| poisoned_by_panic())?;
        let (records, head) = {
            let tail = self.tail()?;
            tail.check_open()?;
            (tail.records, tail.head)
        };
        self.sync_to(records)?;
        let checkpoint = crate::checkpoint::Checkpoint {
            session: self.session,
            records,
            head,
            occasion,
        };
        let written = notes.write(&checkpoint.sign(&self.key));
        let mut tail = self.tail()?;
        if let Err(error) = written {
            tail.poison(&error);
            return Err(error);
        }
        tail.signed = records;
        tail.signed_at = Instant::now();
        Ok(())
    }

    /// Ends the log for good and says why.
    fn poison(
        &self,
        tail: &mut Tail,
        action: &'static str,
        number: u32,
        source: std::io::Error,
    ) -> LogError {
        let error = LogError::io(action, &files::record_file(&self.dir, number))(source);
        tail.poison(&error);
        error
    }
}

fn poisoned_by_panic() -> LogError {
    LogError::Poisoned {
        cause: Arc::from("a thread panicked while it wrote"),
    }
}

/// Takes the lock of the directory, which ends with the process.
fn lock(dir: &Path) -> Result<File, LogError> {
    let handle = File::open(dir).map_err(LogError::io("open", dir))?;
    match handle.try_lock() {
        Ok(()) => Ok(handle),
        Err(std::fs::TryLockError::WouldBlock) => Err(LogError::InUse {
            path: dir.to_owned(),
        }),
        Err(std::fs::TryLockError::Error(source)) => Err(LogError::io("lock", dir)(source)),
    }
}

/// Makes the names of a new log durable: its files and the directory itself.
fn sync_names(dir: &Path) -> Result<(), LogError> {
    files::sync_dir(dir).map_err(LogError::io("flush", dir))?;
    match dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => files::sync_dir(parent).map_err(LogError::io("flush", parent)),
        None => Ok(()),
    }
}
