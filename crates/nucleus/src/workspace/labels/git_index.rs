//! Reads the names a git index tracks (versions 2 to 4, SHA-1 or SHA-256), without git.
//!
//! The bytes may be hostile: every length is checked, and any doubt is an error, after which nothing counts as tracked.

/// Largest index read: about ten million entries.
pub(crate) const MAX_INDEX_BYTES: u64 = 1 << 30;

/// Longest name: what the kernel opens.
const MAX_NAME_BYTES: usize = 4096;
/// All names together. Version 4 compresses them, so that a small file could name more than memory holds.
const MAX_NAMES_BYTES: usize = 256 << 20;

const HEADER_BYTES: usize = 12;
/// Times, device, inode, mode, owner and size, before the object id.
const FIXED_BYTES: usize = 40;
const MODE_AT: usize = 24;
const GITLINK: u32 = 0o160_000;
const DIRECTORY: u32 = 0o040_000;

/// The tracked names, in the order of their bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct GitIndex {
    names: Vec<u8>,
    ends: Vec<u32>,
    submodules: Vec<Box<[u8]>>,
}

/// Why an index could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) &'static str);

impl GitIndex {
    /// Parses a whole index file.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        // The index does not say which hash it uses; only the right length makes all entries and extensions meet the end.
        parse_with(bytes, 20).or_else(|_| parse_with(bytes, 32))
    }

    /// How many names it tracks.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    fn name(&self, at: usize) -> &[u8] {
        let start = if at == 0 {
            0
        } else {
            self.ends[at - 1] as usize
        };
        &self.names[start..self.ends[at] as usize]
    }

    /// Whether the file is tracked by the repository itself.
    pub(crate) fn tracks(&self, path: &[u8]) -> bool {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.name(middle).cmp(path) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return true,
            }
        }
        false
    }

    /// The tracked names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|at| self.name(at))
    }

    /// Whether the path is a submodule or in one.
    pub(crate) fn is_in_submodule(&self, path: &[u8]) -> bool {
        self.submodules.iter().any(|module| {
            path.strip_prefix(&**module)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        })
    }

    fn push(&mut self, name: &[u8]) -> Result<(), Unreadable> {
        if self.len() > 0 && self.name(self.len() - 1) > name {
            return Err(Unreadable("names are not in order"));
        }
        let end = append(&mut self.names, name)?;
        self.ends.push(end);
        Ok(())
    }
}

/// Where the entries of an index are in its bytes.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Length of an object id.
    pub(crate) hash_bytes: usize,
    /// The entries in order.
    pub(crate) entries: Vec<Place>,
    /// Where the last of them ends, and extensions begin.
    pub(crate) end: usize,
    names: Vec<u8>,
}

/// One entry.
#[derive(Debug)]
pub(crate) struct Place {
    /// Where its times, device and so on begin.
    pub(crate) start: usize,
    /// Where its flags are.
    pub(crate) flags_at: usize,
    /// Whether it has further flags behind those.
    pub(crate) is_extended: bool,
    name: core::ops::Range<u32>,
}

impl Layout {
    /// Times, device and inode; the mode is between them and the rest.
    pub(crate) const BEFORE_MODE: core::ops::Range<usize> = 0..MODE_AT;
    /// Owner and size.
    pub(crate) const AFTER_MODE: core::ops::Range<usize> = MODE_AT + 4..FIXED_BYTES;
    /// The mode.
    pub(crate) const MODE: core::ops::Range<usize> = MODE_AT..MODE_AT + 4;

    /// The layout of a whole index file.
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, Unreadable> {
        laid_out(bytes, 20).or_else(|_| laid_out(bytes, 32))
    }

    /// The name of an entry.
    pub(crate) fn name(&self, place: &Place) -> &[u8] {
        &self.names[place.name.start as usize..place.name.end as usize]
    }

    /// The object id of an entry.
    pub(crate) fn id<'b>(&self, place: &Place, bytes: &'b [u8]) -> &'b [u8] {
        &bytes[place.start + FIXED_BYTES..place.start + FIXED_BYTES + self.hash_bytes]
    }

    /// Whether the entry stands for a directory of files that are not named.
    pub(crate) fn is_directory(place: &Place, bytes: &[u8]) -> bool {
        number(bytes, place.start + MODE_AT).is_ok_and(|mode| mode & 0o170_000 == DIRECTORY)
    }
}

fn laid_out(bytes: &[u8], hash_bytes: usize) -> Result<Layout, Unreadable> {
    let (mut reader, count) = begun(bytes, hash_bytes)?;
    let (mut entries, mut names, mut name_start) = (Vec::new(), Vec::new(), 0);
    for _ in 0..count {
        let (start, flags_at, is_extended) = reader.pass()?;
        let name_end = append(&mut names, &reader.last)?;
        entries.push(Place {
            start,
            flags_at,
            is_extended,
            name: name_start..name_end,
        });
        name_start = name_end;
    }
    let end = reader.at;
    reader.extensions()?;
    Ok(Layout {
        hash_bytes,
        entries,
        end,
        names,
    })
}

/// Adds a name to the others; where it ends.
fn append(names: &mut Vec<u8>, name: &[u8]) -> Result<u32, Unreadable> {
    if names.len() + name.len() > MAX_NAMES_BYTES {
        return Err(Unreadable("names are over 256 MiB"));
    }
    names.extend_from_slice(name);
    u32::try_from(names.len()).map_err(|_| Unreadable("names are over 4 GiB"))
}

fn parse_with(bytes: &[u8], hash_bytes: usize) -> Result<GitIndex, Unreadable> {
    let (mut reader, count) = begun(bytes, hash_bytes)?;
    let mut index = GitIndex::default();
    for _ in 0..count {
        reader.entry(&mut index)?;
    }
    reader.extensions()?;
    Ok(index)
}

/// A reader at the first entry, and how many there are.
fn begun(bytes: &[u8], hash_bytes: usize) -> Result<(Reader<'_>, u32), Unreadable> {
    if bytes.get(..4) != Some(b"DIRC") {
        return Err(Unreadable("no index signature"));
    }
    let version = number(bytes, 4)?;
    if !(2..=4).contains(&version) {
        return Err(Unreadable("unknown version"));
    }
    let count = number(bytes, 8)?;
    let end = bytes
        .len()
        .checked_sub(hash_bytes)
        .ok_or(Unreadable("it is cut"))?;
    let reader = Reader {
        bytes: &bytes[..end],
        at: HEADER_BYTES,
        hash_bytes,
        version,
        last: Vec::new(),
    };
    Ok((reader, count))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    hash_bytes: usize,
    version: u32,
    last: Vec<u8>,
}

impl Reader<'_> {
    fn entry(&mut self, index: &mut GitIndex) -> Result<(), Unreadable> {
        let (start, ..) = self.pass()?;
        match number(self.bytes, start + MODE_AT)? & 0o170_000 {
            GITLINK => {
                index.submodules.push(self.last.as_slice().into());
                Ok(())
            }
            // A directory stands for files that a sparse index does not name: none of them counts as tracked.
            DIRECTORY => Ok(()),
            _ => index.push(&self.last),
        }
    }

    /// Passes one entry, whose name is then the last; where it starts, where its flags are, and whether it has more of them.
    fn pass(&mut self) -> Result<(usize, usize, bool), Unreadable> {
        let start = self.at;
        let flags_at = start + FIXED_BYTES + self.hash_bytes;
        let flags = short(self.bytes, flags_at)?;
        let is_extended = flags & 0x4000 != 0;
        if is_extended && self.version < 3 {
            return Err(Unreadable("an extended entry in version 2"));
        }
        self.at = flags_at + if is_extended { 4 } else { 2 };
        if self.version == 4 {
            self.compressed_name()?;
        } else {
            self.plain_name(start)?;
        }
        if self.last.is_empty() {
            return Err(Unreadable("an empty name"));
        }
        if self.last.len() > MAX_NAME_BYTES {
            return Err(Unreadable("a name over 4,096 bytes"));
        }
        if flags & 0xfff != 0xfff && usize::from(flags & 0xfff) != self.last.len() {
            return Err(Unreadable("a name of another length"));
        }
        Ok((start, flags_at, is_extended))
    }

    fn plain_name(&mut self, start: usize) -> Result<(), Unreadable> {
        let name = self.until_nul()?.to_vec();
        self.last = name;
        // One to eight NULs end an entry at a multiple of eight bytes.
        let length = self.at - start;
        self.at = start + length.next_multiple_of(8);
        if self.at > self.bytes.len() {
            return Err(Unreadable("it is cut"));
        }
        Ok(())
    }

    fn compressed_name(&mut self) -> Result<(), Unreadable> {
        let strip = self.offset()?;
        let kept = self
            .last
            .len()
            .checked_sub(strip)
            .ok_or(Unreadable("a name strips more than there is"))?;
        let rest = self.until_nul()?.to_vec();
        self.last.truncate(kept);
        self.last.extend_from_slice(&rest);
        Ok(())
    }

    /// The bytes up to a NUL, which is passed.
    fn until_nul(&mut self) -> Result<&[u8], Unreadable> {
        let rest = self.bytes.get(self.at..).ok_or(Unreadable("it is cut"))?;
        let length = rest
            .iter()
            .take(MAX_NAME_BYTES + 1)
            .position(|byte| *byte == 0)
            .ok_or(Unreadable("a name without end"))?;
        let start = self.at;
        self.at += length + 1;
        Ok(&self.bytes[start..start + length])
    }

    /// The variable-length number of pack offsets.
    fn offset(&mut self) -> Result<usize, Unreadable> {
        let mut value = 0_usize;
        for position in 0..5 {
            let byte = *self.bytes.get(self.at).ok_or(Unreadable("it is cut"))?;
            self.at += 1;
            if position > 0 {
                value += 1;
            }
            value = (value << 7) | usize::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Unreadable("a number over its bound"))
    }

    /// All that follows must be whole extensions, none of them one that changes what the entries mean.
    fn extensions(&mut self) -> Result<(), Unreadable> {
        while self.at < self.bytes.len() {
            let name = self
                .bytes
                .get(self.at..self.at + 4)
                .ok_or(Unreadable("it is cut"))?;
            let is_optional = name[0].is_ascii_uppercase() || name == b"sdir";
            if !is_optional {
                return Err(Unreadable("an extension that changes its meaning"));
            }
            let length = number(self.bytes, self.at + 4)? as usize;
            self.at = self
                .at
                .checked_add(8 + length)
                .filter(|at| *at <= self.bytes.len())
                .ok_or(Unreadable("it is cut"))?;
        }
        Ok(())
    }
}

fn number(bytes: &[u8], at: usize) -> Result<u32, Unreadable> {
    bytes
        .get(at..at + 4)
        .and_then(|four| four.try_into().ok())
        .map(u32::from_be_bytes)
        .ok_or(Unreadable("it is cut"))
}

fn short(bytes: &[u8], at: usize) -> Result<u16, Unreadable> {
    bytes
        .get(at..at + 2)
        .and_then(|two| two.try_into().ok())
        .map(u16::from_be_bytes)
        .ok_or(Unreadable("it is cut"))
}

#[cfg(test)]
mod tests {
    use super::{GitIndex, Layout};

    fn index(version: u32, entries: &[(&str, u32)], hash_bytes: usize, tail: &[u8]) -> Vec<u8> {
        let mut out = b"DIRC".to_vec();
        out.extend(version.to_be_bytes());
        out.extend((entries.len() as u32).to_be_bytes());
        let mut last = String::new();
        for (name, mode) in entries {
            let start = out.len();
            out.extend([0; 24]);
            out.extend(mode.to_be_bytes());
            out.extend([0; 12]);
            out.extend(vec![7; hash_bytes]);
            out.extend((name.len().min(0xfff) as u16).to_be_bytes());
            if version == 4 {
                let common = last
                    .bytes()
                    .zip(name.bytes())
                    .take_while(|(a, b)| a == b)
                    .count();
                out.push((last.len() - common) as u8);
                out.extend(&name.as_bytes()[common..]);
                out.push(0);
            } else {
                out.extend(name.as_bytes());
                out.push(0);
                while !(out.len() - start).is_multiple_of(8) {
                    out.push(0);
                }
            }
            last = (*name).to_owned();
        }
        out.extend(tail);
        out.extend(vec![9; hash_bytes]);
        out
    }

    const ENTRIES: &[(&str, u32)] = &[
        ("README", 0o100_644),
        ("lib/sub", 0o160_000),
        ("src/a.rs", 0o100_644),
        ("src/ab.rs", 0o100_755),
    ];

    #[test]
    fn every_version_and_hash_gives_the_same_names() {
        for version in [2, 3, 4] {
            for hash in [20, 32] {
                let read =
                    GitIndex::parse(&index(version, ENTRIES, hash, b"TREE\0\0\0\x02xx")).unwrap();
                assert_eq!(
                    read.names().collect::<Vec<_>>(),
                    [&b"README"[..], b"src/a.rs", b"src/ab.rs"]
                );
                assert!(
                    read.tracks(b"src/a.rs") && !read.tracks(b"src/a") && !read.tracks(b"lib/sub")
                );
                assert!(read.is_in_submodule(b"lib/sub/x") && !read.is_in_submodule(b"lib/sub2"));
            }
        }
    }

    #[test]
    fn a_cut_index_tracks_nothing() {
        for version in [2, 4] {
            let whole = index(version, ENTRIES, 20, b"");
            for length in 0..whole.len() {
                assert!(
                    GitIndex::parse(&whole[..length]).is_err(),
                    "version {version} cut to {length}"
                );
            }
        }
    }

    /// Version 4: each name strips nothing from the one before it and adds `part` to it.
    fn growing(count: u32, part: usize) -> Vec<u8> {
        let mut out = b"DIRC\0\0\0\x04".to_vec();
        out.extend(count.to_be_bytes());
        for _ in 0..count {
            out.extend([0; 24]);
            out.extend(0o100_644_u32.to_be_bytes());
            out.extend([0; 12 + 20]);
            out.extend([0x0f, 0xff, 0]);
            out.extend(vec![b'a'; part]);
            out.push(0);
        }
        out.extend([9; 20]);
        out
    }

    #[test]
    fn compressed_names_take_no_more_memory_than_plain_ones_could() {
        assert!(Layout::of(&growing(2, 2048)).is_ok());
        for bytes in [growing(3, 2048), growing(5000, 4000)] {
            assert!(Layout::of(&bytes).is_err());
            assert!(GitIndex::parse(&bytes).is_err());
        }
        let name = vec![b'a'; 4096];
        let mut names = Vec::new();
        let fits = (0..).take_while(|_| super::append(&mut names, &name).is_ok());
        assert_eq!(fits.count(), (256 << 20) / 4096);
    }

    #[test]
    fn what_changes_the_meaning_of_entries_is_refused() {
        assert!(GitIndex::parse(&index(2, ENTRIES, 20, b"link\0\0\0\0")).is_err());
        assert!(GitIndex::parse(&index(5, ENTRIES, 20, b"")).is_err());
        assert!(
            GitIndex::parse(&index(2, &[("b", 0o100_644), ("a", 0o100_644)], 20, b"")).is_err()
        );
    }

    #[test]
    fn hostile_bytes_never_panic() {
        let whole = index(4, ENTRIES, 20, b"TREE\0\0\0\x02xx");
        for at in 0..whole.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                let _ = GitIndex::parse(&bytes);
            }
        }
    }
}
