//! Follows the chain from the first record to the last.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use super::scan::{FileEnd, Line, Link, scan_file};
use super::signed::Signed;
use super::{Continuation, Fault, Place, Report, Torn, Truncation, VerifyError, diagnose};
use crate::chain::ChainHash;
use crate::files;
use crate::record::Kind;

/// Where the chain stands.
#[derive(Debug)]
pub(super) struct Fold {
    pub(super) records: u64,
    pub(super) head: ChainHash,
    confirmed: u64,
    checkpoints: usize,
    open: BTreeSet<u64>,
    stray: Vec<u64>,
    is_ended: bool,
    file: String,
    line: u64,
    files: usize,
    last_file: u32,
    end: FileEnd,
}

/// Why the chain was left.
enum Stop {
    Io(io::Error),
    /// The line at this place does not continue it.
    Break(Place),
    Fault(Fault, Place),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Follows the chain over all files.
pub(super) fn fold(
    dir: &Path,
    numbers: &[u32],
    signed: &Signed,
    threads: usize,
) -> Result<Fold, VerifyError> {
    let mut fold = Fold {
        records: 0,
        head: ChainHash::ZERO,
        confirmed: 0,
        checkpoints: 0,
        open: BTreeSet::new(),
        stray: Vec::new(),
        is_ended: false,
        file: String::new(),
        line: 0,
        files: numbers.len(),
        last_file: numbers.last().copied().unwrap_or_default(),
        end: FileEnd {
            whole_bytes: 0,
            torn_bytes: 0,
        },
    };
    let stopped = fold.follow(dir, numbers, signed, threads);
    let path = dir.join(&fold.file);
    match stopped {
        Ok(()) => Ok(fold),
        Err(Stop::Io(source)) => Err(VerifyError::io(&path)(source)),
        Err(Stop::Fault(fault, place)) => Err(VerifyError::bad(fault, Some(place))),
        Err(Stop::Break(place)) => Err(diagnose::diagnose(dir, numbers, signed, threads, &place)),
    }
}

impl Fold {
    fn follow(
        &mut self,
        dir: &Path,
        numbers: &[u32],
        signed: &Signed,
        threads: usize,
    ) -> Result<(), Stop> {
        self.check_signed(signed)?;
        for number in numbers {
            self.file = files::name_of(&files::record_file(dir, *number));
            self.line = 0;
            self.end = scan_file(dir, *number, threads, |line| self.line(&line, signed))?;
            // Only the last file can end in a torn line: a file is whole before the next is made.
            if self.end.torn_bytes > 0 && *number != self.last_file {
                self.line += 1;
                return Err(Stop::Fault(Fault::Edited, self.place()));
            }
        }
        Ok(())
    }

    /// Where the next record stands.
    fn place(&self) -> Place {
        Place {
            file: self.file.clone(),
            line: self.line,
            sequence: self.records,
        }
    }

    /// Goes over one line.
    fn line(&mut self, line: &Line, signed: &Signed) -> Result<(), Stop> {
        self.line += 1;
        let link = match line {
            Ok(link) if self.continues(link, signed) => link,
            _ => return Err(Stop::Break(self.place())),
        };
        self.head = link.hash;
        self.note(link);
        self.records += 1;
        self.check_signed(signed)
    }

    /// Whether the record is the next of the chain.
    fn continues(&self, link: &Link, signed: &Signed) -> bool {
        link.seq == self.records
            && link.previous == self.head
            && link.session == signed.session
            && (link.kind == Kind::Start) == (self.records == 0)
    }

    /// Compares the head with what was signed for so many records.
    fn check_signed(&mut self, signed: &Signed) -> Result<(), Stop> {
        let at = signed
            .heads
            .partition_point(|head| head.records < self.records);
        let here = signed
            .heads
            .iter()
            .skip(at)
            .take_while(|head| head.records == self.records);
        for head in here {
            if head.head != self.head {
                let place = Place {
                    sequence: self.records.saturating_sub(1),
                    ..self.place()
                };
                let fault = Fault::Rehashed {
                    confirmed: self.confirmed,
                    signed: head.records,
                };
                return Err(Stop::Fault(fault, place));
            }
            self.checkpoints += 1;
            self.confirmed = self.records;
        }
        Ok(())
    }

    /// Remembers intents and outcomes.
    fn note(&mut self, link: &Link) {
        if link.kind.is_intent() {
            self.open.insert(link.seq);
        }
        if link.of.is_some_and(|of| !self.open.remove(&of)) {
            self.stray.push(link.seq);
        }
        self.is_ended = self.is_ended || link.kind == Kind::End;
    }

    /// Compares the end with what was signed.
    pub(super) fn finish(self, signed: &Signed) -> Result<(Report, Continuation), VerifyError> {
        if let Some(last) = signed.last().filter(|last| last.records > self.records) {
            let fault = Fault::Truncated {
                records: self.records,
                signed: last.records,
                file: last.file.clone(),
            };
            let place = Place {
                sequence: self.records,
                line: self.line + 1,
                file: self.file,
            };
            return Err(VerifyError::bad(fault, Some(place)));
        }
        let torn = (self.end.torn_bytes > 0).then(|| Torn {
            file: self.file.clone(),
            bytes: self.end.torn_bytes,
        });
        let continuation = Continuation {
            last_file: self.last_file,
            last_file_bytes: self.end.whole_bytes,
            head: self.head,
            session: signed.session,
        };
        let report = Report {
            session: signed.session,
            records: self.records,
            files: self.files,
            head: self.head,
            checkpoints: self.checkpoints,
            signed: self.confirmed,
            unknown_outcomes: self.open.into_iter().collect(),
            stray_outcomes: self.stray,
            torn,
            is_ended: self.is_ended,
            truncation: signed
                .mirrored
                .map_or(Truncation::NotDetectable, |records| Truncation::Excluded {
                    records,
                }),
        };
        Ok((report, continuation))
    }
}
