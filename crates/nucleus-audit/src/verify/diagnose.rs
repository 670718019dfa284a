//! Tells apart what was done to a log at the place where its chain breaks.

use std::io;
use std::path::Path;

use super::scan::{Line, Link, scan_file};
use super::signed::Signed;
use super::{Fault, Place, VerifyError};
use crate::files;
use crate::record::Kind;

/// A line with its place.
struct Entry {
    place: Place,
    line: Line,
}

/// The fault at the place where the chain breaks.
pub(super) fn diagnose(
    dir: &Path,
    numbers: &[u32],
    signed: &Signed,
    threads: usize,
    place: &Place,
) -> VerifyError {
    let entries = match collect(dir, numbers, threads) {
        Ok(entries) => entries,
        Err(source) => return VerifyError::io(dir)(source),
    };
    let at = entries
        .iter()
        .position(|entry| entry.place.file == place.file && entry.place.line == place.line)
        .unwrap_or_default();
    let (fault, at) = judge(&entries, at, signed);
    let place = entries
        .get(at)
        .map_or_else(|| place.clone(), |entry| entry.place.clone());
    VerifyError::bad(fault, Some(place))
}

/// Every line of the log.
fn collect(dir: &Path, numbers: &[u32], threads: usize) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for number in numbers {
        let file = files::name_of(&files::record_file(dir, *number));
        let mut in_file = 0;
        scan_file::<io::Error>(dir, *number, threads, |line| {
            in_file += 1;
            let sequence = entries.len() as u64;
            let place = Place {
                file: file.clone(),
                line: in_file,
                sequence,
            };
            entries.push(Entry { place, line });
            Ok(())
        })?;
    }
    Ok(entries)
}

/// The fault of the entry at which the chain breaks, and the entry it is to be named at.
fn judge(entries: &[Entry], at: usize, signed: &Signed) -> (Fault, usize) {
    let Some(Ok(link)) = entries.get(at).map(|entry| &entry.line) else {
        return (Fault::Edited, at);
    };
    let expected = at as u64;
    if link.session != signed.session {
        return (
            Fault::Spliced {
                session: link.session,
            },
            at,
        );
    }
    let is_elsewhere = || {
        let later = entries.iter().skip(at + 1);
        later
            .filter_map(|entry| entry.line.as_ref().ok())
            .any(|other| other.seq == expected && other.session == signed.session)
    };
    if link.seq > expected && !is_elsewhere() {
        return (
            Fault::Deleted {
                first: expected,
                last: link.seq - 1,
            },
            at,
        );
    }
    if link.seq != expected {
        return (
            Fault::Reordered {
                written_at: link.seq,
            },
            at,
        );
    }
    (Fault::Edited, rewritten(entries, at, link, signed))
}

/// Of two neighbours that do not fit, the one that was rewritten with a hash of its own.
///
/// A checkpoint tells; else the record that its successor vouches for is the true one.
fn rewritten(entries: &[Entry], at: usize, link: &Link, signed: &Signed) -> usize {
    let (Some(before), false) = (at.checked_sub(1), link.kind == Kind::Start) else {
        return at;
    };
    if let Some(head) = signed.head_of(at as u64) {
        let is_true = matches!(&entries[before].line, Ok(other) if other.hash == head);
        return if is_true { at } else { before };
    }
    let is_vouched = entries.get(at + 1).is_some_and(|next| {
        matches!(&next.line, Ok(next) if next.previous == link.hash && next.seq == link.seq + 1)
    });
    let is_signed = signed.head_of(at as u64 + 1) == Some(link.hash);
    if is_vouched || is_signed { before } else { at }
}
