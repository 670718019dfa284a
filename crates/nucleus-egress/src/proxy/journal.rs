//! Writes each connection down for people: who, where to, how much, and what came of it. **The audit log decides; this only shows.**

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// The most bytes of a session's journal; what comes later is in the audit log alone.
const MAX_BYTES: u64 = 64 << 20;
/// So many bytes are written at once, sooner than they would be by time.
const MAX_WAITING: usize = 64 << 10;

/// What came of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Not judged yet.
    Waiting,
    /// Permitted.
    Permitted,
    /// Refused.
    Refused,
    /// Permitted, and did not work.
    Failed,
    /// Permitted, and cut when the session changed.
    Cut,
}

/// One connection or request of a jailed program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The version of this format.
    pub version: u32,
    /// The program that the jail was started for.
    pub program: String,
    /// The process that made it, by the name that it has itself; none where it was gone before it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// The host and port; empty where none was named.
    pub target: String,
    /// How it came: `connect`, `socks`, `http`, `https` or `redirected`.
    pub via: String,
    /// What came of it.
    pub verdict: Verdict,
    /// Why, where it was refused or cut.
    pub why: String,
    /// When it began, in milliseconds since 1970.
    pub began_unix_ms: u64,
    /// How long it lasted, or has lasted.
    pub lasted_ms: u64,
    /// Bytes that left.
    pub sent_bytes: u64,
    /// Bytes that came.
    pub received_bytes: u64,
}

/// The files of a session: what has ended, line by line, and what is open.
#[derive(Debug)]
pub(super) struct Journal {
    ended: Mutex<Ended>,
    open: PathBuf,
}

/// The file of what has ended.
#[derive(Debug)]
struct Ended {
    file: File,
    /// How long the file is, with what waits.
    length: u64,
    /// Lines that are not written yet.
    waiting: Vec<u8>,
    /// Whether nobody will flush any more.
    is_prompt: bool,
}

impl Journal {
    /// `net.jsonl` and `net-open.json` of the directory.
    pub(super) fn new(dir: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(dir.join("net.jsonl"))?;
        let length = file.metadata()?.len();
        Ok(Self {
            ended: Mutex::new(Ended {
                file,
                length,
                waiting: Vec::new(),
                is_prompt: false,
            }),
            open: dir.join("net-open.json"),
        })
    }

    /// Adds a line, which [`flush`](Self::flush) writes with others.
    pub(super) fn ended(&self, connection: &Connection) {
        let Ok(mut line) = serde_json::to_vec(connection) else {
            return;
        };
        line.push(b'\n');
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.length + line.len() as u64 <= MAX_BYTES {
            ended.length += line.len() as u64;
            ended.waiting.extend(line);
        }
        if ended.is_prompt || ended.waiting.len() >= MAX_WAITING {
            ended.write();
        }
    }

    /// Writes the lines that wait, and from now on each one at once.
    pub(super) fn end(&self) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.is_prompt = true;
        ended.write();
    }

    /// Writes the lines that wait.
    pub(super) fn flush(&self) {
        self.ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write();
    }

    /// Replaces the list of what is open.
    pub(super) fn open(&self, connections: &[Connection]) {
        if let Ok(text) = serde_json::to_vec(connections) {
            let fresh = self.open.with_extension("tmp");
            let written = std::fs::write(&fresh, text);
            let _ = written.and_then(|()| std::fs::rename(&fresh, &self.open));
        }
    }
}

impl Ended {
    /// A full disk loses lines, and nothing else: what was permitted stands in the audit log.
    fn write(&mut self) {
        if !self.waiting.is_empty() {
            let _ = self.file.write_all(&self.waiting);
            self.waiting.clear();
        }
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.write();
    }
}
