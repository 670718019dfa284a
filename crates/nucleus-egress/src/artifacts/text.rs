//! Tells an index or a description of a package, which is text, from an artifact.

/// The size of a tar header (POSIX.1-2017, pax), which holds a checksum of itself.
const TAR_HEADER_BYTES: usize = 512;

/// How much of a body is needed to tell what it is.
pub(super) const SNIFFED_BYTES: usize = TAR_HEADER_BYTES;

/// Endings of what package managers unpack.
const ARTIFACTS: [&str; 14] = [
    ".tgz", ".tar.gz", ".tar", ".whl", ".zip", ".crate", ".egg", ".tar.bz2", ".tar.xz", ".bz2",
    ".xz", ".gz", ".deb", ".jar",
];

/// Whether the path names an artifact.
pub(super) fn is_artifact_path(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    path.ends_with("/download") || ARTIFACTS.iter().any(|end| path.ends_with(end))
}

/// Whether every byte can stand in a text: no compressed or packed file is made of these alone.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    let is_odd = |byte: &u8| *byte < 0x20 && !matches!(*byte, b'\t' | b'\n' | b'\r' | 0x0c);
    !bytes.iter().any(|byte| is_odd(byte) || *byte == 0x7f)
}

/// A text as it passes, which must not become an archive.
///
/// Programs that unpack skip blocks that are no header, so every block of a tar archive could be its first.
#[derive(Debug)]
pub(super) struct Text {
    /// The beginning of the block that has not come whole.
    block: Vec<u8>,
}

impl Text {
    /// A text that begins so; `None` where it is none, or holds the header of an archive.
    pub(super) fn of(start: &[u8]) -> Option<Self> {
        let mut text = Self { block: Vec::new() };
        text.goes_on(start).then_some(text)
    }

    /// A text that begins as indexes and descriptions begin, and not as an archive could.
    pub(super) fn of_description(start: &[u8]) -> Option<Self> {
        let start_of_text = start.trim_ascii_start();
        let is_known = match start_of_text.first() {
            // FAIL-CLOSED: after so much white space anything could follow.
            None => start.len() < SNIFFED_BYTES,
            Some(first) => {
                b"{[<".contains(first) || start_of_text.starts_with(b"Metadata-Version:")
            }
        };
        is_known.then(|| Self::of(start)).flatten()
    }

    /// Whether it is still a text with these bytes, and no archive.
    pub(super) fn goes_on(&mut self, bytes: &[u8]) -> bool {
        if !is_text(bytes) {
            return false;
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = TAR_HEADER_BYTES - self.block.len();
            let (more, after) = rest.split_at(room.min(rest.len()));
            self.block.extend_from_slice(more);
            rest = after;
            if self.block.len() == TAR_HEADER_BYTES {
                if is_tar_header(&self.block) {
                    return false;
                }
                self.block.clear();
            }
        }
        true
    }
}

/// Whether a block is the header of a tar archive to any reader; its other fields can all be text.
///
/// The field is eight bytes long (POSIX.1-2017, pax); node-tar reads twelve. Old archives sum signed bytes.
fn is_tar_header(block: &[u8]) -> bool {
    let around = || block[..148].iter().chain(&block[156..]);
    let blanks = 8 * i64::from(b' ');
    let unsigned = blanks + around().map(|byte| i64::from(*byte)).sum::<i64>();
    let signed = blanks
        + around()
            .map(|byte| i64::from(byte.cast_signed()))
            .sum::<i64>();
    [&block[148..156], &block[148..160]]
        .into_iter()
        .filter_map(checksum)
        .any(|stated| stated == unsigned || stated == signed)
}

/// The checksum as the loosest readers take it: blanks and other marks before it, `0o`, `_` within, anything behind.
fn checksum(field: &[u8]) -> Option<i64> {
    let is_blank = |byte: &u8| *byte <= b' ' || !byte.is_ascii();
    let blanks = field.iter().take_while(|byte| is_blank(byte)).count();
    let text = &field[blanks..];
    let text = text.strip_prefix(b"+").unwrap_or(text);
    let text = text
        .strip_prefix(b"0o")
        .or_else(|| text.strip_prefix(b"0O"))
        .unwrap_or(text);
    let digits = text.iter().filter(|byte| **byte != b'_');
    let digits = digits.map_while(|byte| char::from(*byte).to_digit(8));
    digits.fold(None, |number, digit| {
        Some(number.unwrap_or(0) * 8 + i64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::{Text, is_artifact_path, is_text};

    fn begins_as_description(start: &[u8]) -> bool {
        Text::of_description(start).is_some()
    }

    #[test]
    fn descriptions_are_text_and_archives_are_not() {
        for text in [
            "{\"name\":\"a\"}\n",
            "<!DOCTYPE html>",
            "  [1]",
            "",
            "Metadata-Version: 2.1\n",
        ] {
            assert!(begins_as_description(text.as_bytes()), "{text}");
        }
        for archive in [
            &b"\x1f\x8b\x08\0\0"[..],
            b"PK\x03\x04",
            b"BZh91AY",
            b"\xfd7zXZ\0",
            b"package/index.js",
        ] {
            assert!(!begins_as_description(archive), "{archive:?}");
        }
        assert!(!is_text(b"{\"a\":\0}"));
    }

    #[test]
    fn a_tar_made_of_letters_is_told_by_its_checksum() {
        let mut header = vec![b' '; 512];
        header[..14].copy_from_slice(b"{/package.json");
        assert!(begins_as_description(&header), "the allow twin");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:07o} ").as_bytes());
        assert!(!begins_as_description(&header));
    }

    /// A block that is a tar header to one reader at least, with its checksum written so.
    fn header(fill: u8, write: impl Fn(i64) -> String) -> Vec<u8> {
        let sum_of = |header: &[u8]| {
            let rest = header[..148].iter().chain(&header[156..]);
            256 + rest.map(|byte| i64::from(*byte)).sum::<i64>()
        };
        let mut header = vec![fill; 512];
        header[..5].copy_from_slice(b"{/a/b");
        header[148..156].fill(b' ');
        // A digit that stands behind the field is summed too.
        for nudge in 0..20 {
            header[20] = fill + nudge;
            let near = sum_of(&header);
            for sum in near - 400..near + 400 {
                let text = write(sum);
                header[148..148 + text.len()].copy_from_slice(text.as_bytes());
                if sum_of(&header) == sum {
                    return header;
                }
            }
        }
        panic!("no sum fits");
    }

    #[test]
    fn a_checksum_is_read_as_the_loosest_reader_reads_it() {
        for write in [
            |sum: i64| format!("{sum:06o} 9"),
            |sum: i64| format!("0o{sum:o}"),
            |sum: i64| format!(" {:o}_{:03o}", sum >> 9, sum & 0o777),
            |sum: i64| format!("\u{a0}{sum:o}"),
            |sum: i64| format!("+{sum:o}"),
            |sum: i64| format!("      {sum:06o}"),
        ] {
            let archive = header(b'a', write);
            assert!(!begins_as_description(&archive), "{}", write(0o123_456));
            let other = header(b'a', |sum| write(sum + 1));
            assert!(begins_as_description(&other), "{}", write(0o123_456));
        }
        let mut signed = vec![b'a'; 512];
        signed[..2].copy_from_slice("{\u{e9}".as_bytes().get(..2).unwrap());
        signed[148..156].fill(b' ');
        let sum: i64 = signed
            .iter()
            .map(|byte| i64::from(byte.cast_signed()))
            .sum();
        signed[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
        assert!(!begins_as_description(&signed));
    }

    #[test]
    fn an_archive_behind_a_description_is_told_wherever_it_is_cut() {
        let start = format!("{{\"_id\":\"{}", "a".repeat(512 - 8));
        let text = [start.as_bytes(), &header(b'a', |sum| format!("{sum:06o} "))].concat();
        let plain = [
            start.as_bytes(),
            &header(b'a', |sum| format!("{:06o} ", sum + 1)),
        ]
        .concat();
        for step in [1, 100, 511, 512, 513, 2000] {
            let passes = |bytes: &[u8]| {
                let mut text = Text::of_description(b"").unwrap();
                bytes.chunks(step).all(|piece| text.goes_on(piece))
            };
            assert!(!passes(&text), "{step}");
            assert!(passes(&plain), "{step}, the allow twin");
        }
    }

    #[test]
    fn white_space_alone_is_no_description_of_what_follows() {
        assert!(!begins_as_description(&[b' '; 512]));
        assert!(begins_as_description(&[b' '; 511]), "an empty answer");
    }

    #[test]
    fn artifacts_are_known_by_their_paths() {
        for path in [
            "/a/-/a-1.0.0.tgz",
            "/api/v1/crates/a/1.0.0/download",
            "/p/a-1-py3-none-any.WHL",
        ] {
            assert!(is_artifact_path(path), "{path}");
        }
        for path in [
            "/a",
            "/simple/a/",
            "/se/rd/serde",
            "/config.json",
            "/a-1.whl.metadata",
        ] {
            assert!(!is_artifact_path(path), "{path}");
        }
    }
}
