//! Makes a git index of a command's plain: the user's own git finds every difference that there is.
//!
//! An index can say that a file need not be looked at (`assume-unchanged`, `skip-worktree`), or that a file with just these
//! times, inode and size holds that blob, or bring lists of what did not change (`TREE`, `UNTR`, `FSMN`). A program that
//! writes such an index hides what it did to the files. What only repeats the index that is there stays.

use core::ops::Range;

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::labels::{Layout, Place, Unreadable};

/// `assume-unchanged`, among the first flags.
const ASSUME_UNCHANGED: u8 = 0x80;
/// `skip-worktree`, among the further flags.
const SKIP_WORKTREE: u8 = 0x40;
/// Seconds of the file's last change, among its times.
const MODIFIED: Range<usize> = 8..12;
/// The stage of a merge, among the first flags.
const STAGE: u8 = 0x30;

/// The index that is in the tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IndexBefore<'b> {
    pub(crate) bytes: &'b [u8],
    /// When it was written, in seconds.
    pub(crate) written: i64,
}

/// The index with the names, modes, ids and stages that it has, and nothing else that `before` does not say.
///
/// # Errors
/// FAIL-CLOSED: an index that cannot be read, or in which a directory stands for files that it does not name.
pub(crate) fn plain(index: &[u8], before: Option<IndexBefore<'_>>) -> Result<Vec<u8>, Unreadable> {
    let layout = Layout::of(index)?;
    let mut plain = index[..layout.end].to_vec();
    let known = before.and_then(|before| Known::of(before, layout.hash_bytes));
    for place in &layout.entries {
        let same_name = known
            .as_ref()
            .and_then(|known| known.find(layout.name(place), stage(place, index)));
        let same = same_name
            .as_ref()
            .filter(|entry| entry.id() == layout.id(place, index))
            .filter(|entry| entry.bytes()[entry.mode()] == index[mode_of(place)]);
        if Layout::is_directory(place, index) && same.is_none() {
            return Err(Unreadable("a directory of files that it does not name"));
        }
        let vouched = same.filter(|entry| !entry.is_racy() && !has_no_size(place, index));
        for part in [Layout::BEFORE_MODE, Layout::AFTER_MODE] {
            let to = &mut plain[place.start + part.start..place.start + part.end];
            match vouched {
                Some(entry) => to.copy_from_slice(entry.part(part)),
                None => to.fill(0),
            }
        }
        let hides = same_name.as_ref().map_or((0, 0), Entry::hides);
        plain[place.flags_at] &= !ASSUME_UNCHANGED | hides.0;
        if place.is_extended {
            plain[place.flags_at + 2] &= !SKIP_WORKTREE | hides.1;
        }
    }
    let mut names_directory = layout.entries.iter();
    if names_directory.any(|place| Layout::is_directory(place, index)) {
        plain.extend(b"sdir\0\0\0\0");
    }
    let end: Vec<u8> = match layout.hash_bytes {
        20 => Sha1::digest(&plain).to_vec(),
        _ => Sha256::digest(&plain).to_vec(),
    };
    plain.extend(end);
    Ok(plain)
}

fn mode_of(place: &Place) -> Range<usize> {
    place.start + Layout::MODE.start..place.start + Layout::MODE.end
}

fn stage(place: &Place, bytes: &[u8]) -> u8 {
    bytes[place.flags_at] & STAGE
}

/// Git's own mark on an entry whose file it must look at again.
fn has_no_size(place: &Place, bytes: &[u8]) -> bool {
    let end = place.start + Layout::AFTER_MODE.end;
    bytes[end - 4..end] == [0; 4]
}

/// The entries of the index that is there, to be found by name and stage.
struct Known<'b> {
    before: IndexBefore<'b>,
    layout: Layout,
    order: Vec<usize>,
}

/// One of them.
struct Entry<'k> {
    known: &'k Known<'k>,
    place: &'k Place,
}

impl<'b> Known<'b> {
    /// `None` for one that cannot be read or is of another repository format: it vouches for nothing.
    fn of(before: IndexBefore<'b>, hash_bytes: usize) -> Option<Self> {
        let layout = Layout::of(before.bytes).ok()?;
        let mut known = Self {
            before,
            order: (0..layout.entries.len()).collect(),
            layout,
        };
        let mut order = std::mem::take(&mut known.order);
        order.sort_by(|a, b| known.key(*a).cmp(&known.key(*b)));
        known.order = order;
        (known.layout.hash_bytes == hash_bytes).then_some(known)
    }

    fn key(&self, at: usize) -> (&[u8], u8) {
        let place = &self.layout.entries[at];
        (self.layout.name(place), stage(place, self.before.bytes))
    }

    fn find(&self, name: &[u8], stage: u8) -> Option<Entry<'_>> {
        let found = self
            .order
            .binary_search_by(|at| self.key(*at).cmp(&(name, stage)))
            .ok()?;
        Some(Entry {
            known: self,
            place: &self.layout.entries[self.order[found]],
        })
    }
}

impl Entry<'_> {
    fn bytes(&self) -> &[u8] {
        self.known.before.bytes
    }

    fn mode(&self) -> Range<usize> {
        mode_of(self.place)
    }

    fn id(&self) -> &[u8] {
        self.known.layout.id(self.place, self.bytes())
    }

    fn part(&self, part: Range<usize>) -> &[u8] {
        &self.bytes()[self.place.start + part.start..self.place.start + part.end]
    }

    /// Whether the file may have changed in the second in which the index was written: git looks again as long as the index is
    /// not newer, so in a newer one these times must not stand.
    fn is_racy(&self) -> bool {
        let seconds = self.part(MODIFIED);
        let modified = seconds
            .iter()
            .fold(0, |all, byte| all << 8 | i64::from(*byte));
        // The index holds 32 bits of them.
        modified >= self.known.before.written & 0xffff_ffff
    }

    /// The flags by which the user hid it, in their two bytes.
    fn hides(&self) -> (u8, u8) {
        let bytes = self.bytes();
        let first = bytes[self.place.flags_at] & ASSUME_UNCHANGED;
        let further = match self.place.is_extended {
            true => bytes[self.place.flags_at + 2] & SKIP_WORKTREE,
            false => 0,
        };
        (first, further)
    }
}

#[cfg(test)]
mod tests {
    use super::{IndexBefore, Layout, plain};

    /// An index of version 3 with one entry: the byte that its stat is made of, its id, its two flags.
    fn index(stat: u8, id: u8, (first, further): (u8, u8), extensions: &[u8]) -> Vec<u8> {
        let mut out = b"DIRC\0\0\0\x03\0\0\0\x01".to_vec();
        out.extend([stat; 24]);
        out.extend(0o100_644_u32.to_be_bytes());
        out.extend([stat; 12]);
        out.extend([id; 20]);
        out.extend([0x40 | first, 4, further, 0]);
        out.extend(b"a.rs\0\0\0\0");
        let length = out.len() - 12;
        out.extend(vec![0; length.next_multiple_of(8) - length]);
        out.extend(extensions);
        out.extend([0; 20]);
        out
    }

    const NONE: (u8, u8) = (0, 0);

    /// An index in the tree, newer than the times of its entries.
    fn before(bytes: &[u8]) -> Option<IndexBefore<'_>> {
        let written = 0x7000_0000;
        Some(IndexBefore { bytes, written })
    }

    fn entries(bytes: &[u8]) -> &[u8] {
        &bytes[..Layout::of(bytes).unwrap().end]
    }

    #[test]
    fn what_hides_a_difference_goes_and_names_and_ids_stay() {
        let forged = index(
            7,
            1,
            (0x80, 0x40),
            b"TREE\0\0\0\x01xUNTR\0\0\0\x01xFSMN\0\0\0\x01x",
        );
        let expected = index(0, 1, NONE, b"");
        for known in [None, before(&index(9, 2, NONE, b"")), before(b"no index")] {
            let plain = plain(&forged, known).unwrap();
            assert_eq!(entries(&plain), entries(&expected));
            assert_eq!(plain.len(), expected.len(), "no extension is left");
        }
    }

    #[test]
    fn what_the_index_that_is_there_says_stays() {
        let user = index(9, 1, (0x80, 0x40), b"");
        let same = index(7, 1, (0x80, 0x40), b"");
        assert_eq!(
            entries(&plain(&same, before(&user)).unwrap()),
            entries(&user)
        );
        // Another content under the same name: the times are not that file's, what the user hid stays hidden.
        let moved = index(7, 2, (0x80, 0x40), b"");
        let expected = index(0, 2, (0x80, 0x40), b"");
        assert_eq!(
            entries(&plain(&moved, before(&user)).unwrap()),
            entries(&expected)
        );
        // A flag that the program took away stays away.
        let shown = index(7, 1, NONE, b"");
        assert_eq!(
            entries(&plain(&shown, before(&user)).unwrap()),
            entries(&index(9, 1, NONE, b""))
        );
    }

    #[test]
    fn times_that_git_itself_would_not_believe_do_not_stand_in_a_newer_index() {
        let user = index(9, 1, NONE, b"");
        let plain_of = |written: i64| {
            let known = IndexBefore {
                bytes: &user,
                written,
            };
            plain(&index(7, 1, NONE, b""), Some(known)).unwrap()
        };
        let modified = 0x0909_0909;
        for written in [modified - 1, modified] {
            assert_eq!(
                entries(&plain_of(written)),
                entries(&index(0, 1, NONE, b""))
            );
        }
        assert_eq!(entries(&plain_of(modified + 1)), entries(&user), "the twin");
        // Git says that a file must be looked at by a size of nothing.
        let smudged = plain(&index(0, 1, NONE, b""), before(&user)).unwrap();
        assert_eq!(entries(&smudged), entries(&index(0, 1, NONE, b"")));
    }

    #[test]
    fn an_index_that_cannot_be_read_is_an_error() {
        let whole = index(7, 1, NONE, b"");
        for length in 0..whole.len() {
            assert!(plain(&whole[..length], None).is_err(), "{length}");
        }
        assert!(plain(&index(7, 1, NONE, b"link\0\0\0\0"), None).is_err());
        let mut directory = whole;
        directory[12 + 24..12 + 28].copy_from_slice(&0o040_000_u32.to_be_bytes());
        assert!(plain(&directory, None).is_err());
        assert!(
            plain(&directory, before(&directory)).is_ok(),
            "the user's own"
        );
    }
}
