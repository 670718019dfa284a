//! Makes a git index of a command's plain: the user's own git finds every difference that there is.
//!
//! An index can say that a file need not be looked at (`assume-unchanged`, `skip-worktree`), or that a file with just these
//! times, inode and size holds that blob, or bring lists of what did not change (`TREE`, `UNTR`, `FSMN`). A program that
//! writes such an index hides what it did to the files. What only repeats the index that is there stays.

use std::collections::HashMap;

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::labels::{Layout, Place, Unreadable};

/// `assume-unchanged`, among the first flags.
const ASSUME_UNCHANGED: u8 = 0x80;
/// `skip-worktree`, among the further flags.
const SKIP_WORKTREE: u8 = 0x40;
/// The stage of a merge, among the first flags.
const STAGE: u8 = 0x30;

/// The index with the names, modes, ids and stages that it has, and nothing else that `before` does not say.
///
/// # Errors
/// FAIL-CLOSED: an index that cannot be read, or in which a directory stands for files that it does not name.
pub(crate) fn plain(index: &[u8], before: Option<&[u8]>) -> Result<Vec<u8>, Unreadable> {
    let layout = Layout::of(index)?;
    let mut plain = index[..layout.end].to_vec();
    let known = before.and_then(|bytes| Known::of(bytes, layout.hash_bytes));
    for place in &layout.entries {
        let before = known.as_ref().and_then(|known| known.find(place, index));
        let is_same = before.as_ref().is_some_and(|before| {
            before.bytes[before.mode()] == index[mode_of(place)]
                && before.id() == layout.id(place, index)
        });
        if Layout::is_directory(place, index) && !is_same {
            return Err(Unreadable("a directory of files that it does not name"));
        }
        let kept = before.as_ref().filter(|_| is_same);
        for part in [Layout::BEFORE_MODE, Layout::AFTER_MODE] {
            let to = &mut plain[place.start + part.start..place.start + part.end];
            match kept {
                Some(before) => to.copy_from_slice(
                    &before.bytes[before.place.start + part.start..before.place.start + part.end],
                ),
                None => to.fill(0),
            }
        }
        let hides = before.as_ref().map_or((0, 0), Entry::hides);
        plain[place.flags_at] &= !ASSUME_UNCHANGED | hides.0;
        if place.is_extended {
            plain[place.flags_at + 2] &= !SKIP_WORKTREE | hides.1;
        }
    }
    if layout
        .entries
        .iter()
        .any(|place| Layout::is_directory(place, index))
    {
        plain.extend(b"sdir\0\0\0\0");
    }
    let end: Vec<u8> = match layout.hash_bytes {
        20 => Sha1::digest(&plain).to_vec(),
        _ => Sha256::digest(&plain).to_vec(),
    };
    plain.extend(end);
    Ok(plain)
}

fn mode_of(place: &Place) -> core::ops::Range<usize> {
    place.start + Layout::MODE.start..place.start + Layout::MODE.end
}

/// The entries of the index that is there, by name and stage.
struct Known<'b> {
    bytes: &'b [u8],
    layout: Layout,
    by_name: HashMap<(Vec<u8>, u8), usize>,
}

/// One of them.
struct Entry<'k> {
    bytes: &'k [u8],
    layout: &'k Layout,
    place: &'k Place,
}

impl<'b> Known<'b> {
    /// `None` for one that cannot be read or is of another repository format: it vouches for nothing.
    fn of(bytes: &'b [u8], hash_bytes: usize) -> Option<Self> {
        let layout = Layout::of(bytes).ok()?;
        let named = |(at, place): (usize, &Place)| {
            let stage = bytes[place.flags_at] & STAGE;
            ((place.name.clone(), stage), at)
        };
        let by_name = layout.entries.iter().enumerate().map(named).collect();
        (layout.hash_bytes == hash_bytes).then_some(Self {
            bytes,
            layout,
            by_name,
        })
    }

    fn find(&self, place: &Place, index: &[u8]) -> Option<Entry<'_>> {
        let stage = index[place.flags_at] & STAGE;
        let at = *self.by_name.get(&(place.name.clone(), stage))?;
        Some(Entry {
            bytes: self.bytes,
            layout: &self.layout,
            place: self.layout.entries.get(at)?,
        })
    }
}

impl Entry<'_> {
    fn mode(&self) -> core::ops::Range<usize> {
        mode_of(self.place)
    }

    fn id(&self) -> &[u8] {
        self.layout.id(self.place, self.bytes)
    }

    /// The flags by which the user hid it, in their two bytes.
    fn hides(&self) -> (u8, u8) {
        let first = self.bytes[self.place.flags_at] & ASSUME_UNCHANGED;
        let further = if self.place.is_extended {
            self.bytes[self.place.flags_at + 2] & SKIP_WORKTREE
        } else {
            0
        };
        (first, further)
    }
}

#[cfg(test)]
mod tests {
    use super::{Layout, plain};

    /// An index of version 3 with one entry: the byte that its stat is made of, its id, its two flags.
    fn index(stat: u8, id: u8, (first, further): (u8, u8), extensions: &[u8]) -> Vec<u8> {
        let mut out = b"DIRC\0\0\0\x03\0\0\0\x01".to_vec();
        out.extend([stat; 24]);
        out.extend(0o100_644_u32.to_be_bytes());
        out.extend([stat; 12]);
        out.extend([id; 20]);
        out.extend([0x40 | first, 4, further, 0]);
        out.extend(b"a.rs\0\0\0\0");
        out.extend([0; 0]);
        let length = out.len() - 12;
        out.extend(vec![0; length.next_multiple_of(8) - length]);
        out.extend(extensions);
        out.extend([0; 20]);
        out
    }

    const NONE: (u8, u8) = (0, 0);

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
        for before in [
            None,
            Some(&index(9, 2, NONE, b"")[..]),
            Some(&b"no index"[..]),
        ] {
            let plain = plain(&forged, before).unwrap();
            assert_eq!(entries(&plain), entries(&expected));
            assert_eq!(plain.len(), expected.len(), "no extension is left");
        }
    }

    #[test]
    fn what_the_index_that_is_there_says_stays() {
        let user = index(9, 1, (0x80, 0x40), b"");
        let same = index(7, 1, (0x80, 0x40), b"");
        assert_eq!(entries(&plain(&same, Some(&user)).unwrap()), entries(&user));
        // Another content under the same name: the times are not that file's, what the user hid stays hidden.
        let moved = index(7, 2, (0x80, 0x40), b"");
        let expected = index(0, 2, (0x80, 0x40), b"");
        assert_eq!(
            entries(&plain(&moved, Some(&user)).unwrap()),
            entries(&expected)
        );
        // A flag that the program took away stays away.
        let shown = index(7, 1, NONE, b"");
        assert_eq!(
            entries(&plain(&shown, Some(&user)).unwrap()),
            entries(&index(9, 1, NONE, b""))
        );
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
            plain(&directory, Some(&directory)).is_ok(),
            "the user's own"
        );
    }
}
