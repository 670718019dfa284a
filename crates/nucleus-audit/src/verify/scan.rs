//! Reads the lines of a log in order and checks each by itself, on several threads.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::thread;

use portcullis::request::SessionId;

use crate::chain::{BadLine, ChainHash, parse_line};
use crate::files;
use crate::record::{Detail, Kind, Record};

/// How much each thread is given at a time.
const CHUNK_BYTES: usize = 2 << 20;

/// What of a line matters for the chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) seq: u64,
    pub(super) session: SessionId,
    pub(super) previous: ChainHash,
    pub(super) hash: ChainHash,
    pub(super) kind: Kind,
    /// The intent that an outcome names.
    pub(super) of: Option<u64>,
}

impl From<&Record> for Link {
    fn from(record: &Record) -> Self {
        let of = match record.body.detail {
            Some(Detail::Outcome { of, .. }) => Some(of),
            _ => None,
        };
        Self {
            seq: record.seq,
            session: record.session,
            previous: record.previous,
            hash: record.hash,
            kind: record.body.kind,
            of,
        }
    }
}

/// One line: what it says, or that it is no whole record.
pub(super) type Line = Result<Link, BadLine>;

/// What a file held.
#[derive(Clone, Debug)]
pub(super) struct FileEnd {
    /// How many bytes of whole lines.
    pub(super) whole_bytes: u64,
    /// How many bytes follow the last newline.
    pub(super) torn_bytes: u64,
}

/// Hands every line of a file to `each`, in order, until it says stop.
pub(super) fn scan_file<E: From<io::Error>>(
    dir: &Path,
    number: u32,
    threads: usize,
    mut each: impl FnMut(Line) -> Result<(), E>,
) -> Result<FileEnd, E> {
    let mut file = File::open(files::record_file(dir, number))?;
    let mut held = Vec::new();
    let mut whole_bytes = 0;
    loop {
        let before = held.len();
        let wanted = (CHUNK_BYTES * threads) as u64;
        file.by_ref().take(wanted).read_to_end(&mut held)?;
        let is_end = held.len() == before;
        let Some(last) = memchr::memrchr(b'\n', &held) else {
            if is_end {
                break;
            }
            continue;
        };
        for line in check_lines(&held[..=last], threads).into_iter().flatten() {
            each(line)?;
        }
        whole_bytes += last as u64 + 1;
        held.drain(..=last);
        if is_end {
            break;
        }
    }
    Ok(FileEnd {
        whole_bytes,
        torn_bytes: held.len() as u64,
    })
}

/// Checks whole lines, each thread its share.
fn check_lines(bytes: &[u8], threads: usize) -> Vec<Vec<Line>> {
    let shares = split(bytes, threads);
    thread::scope(|scope| {
        let mut shares = shares.into_iter();
        let first = shares.next().unwrap_or_default();
        let helpers: Vec<_> = shares
            .map(|share| scope.spawn(move || check_share(share)))
            .collect();
        let mut checked = vec![check_share(first)];
        for helper in helpers {
            // FAIL-CLOSED: a share whose thread died reads as one bad line.
            checked.push(helper.join().unwrap_or_else(|_| vec![Err(BadLine::Hash)]));
        }
        checked
    })
}

/// Cuts whole lines into about equal shares of whole lines.
fn split(mut bytes: &[u8], threads: usize) -> Vec<&[u8]> {
    let share = (bytes.len() / threads.max(1)).max(1);
    let mut shares = Vec::with_capacity(threads);
    while bytes.len() > share {
        let end = memchr::memchr(b'\n', &bytes[share - 1..]).map_or(bytes.len(), |at| share + at);
        let (head, tail) = bytes.split_at(end);
        shares.push(head);
        bytes = tail;
    }
    if !bytes.is_empty() {
        shares.push(bytes);
    }
    shares
}

fn check_share(share: &[u8]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', share) {
        lines.push(parse_line(&share[start..end]).map(|record| Link::from(&record)));
        start = end + 1;
    }
    lines
}
