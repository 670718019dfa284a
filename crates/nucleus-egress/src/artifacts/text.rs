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

/// Whether a text begins as indexes and descriptions begin, and not as an archive could.
pub(super) fn begins_as_description(start: &[u8]) -> bool {
    let start_of_text = start.trim_ascii_start();
    let is_known = matches!(start_of_text.first(), None | Some(b'{' | b'[' | b'<'))
        || start_of_text.starts_with(b"Metadata-Version:");
    is_known && is_text(start) && !is_tar(start)
}

/// Whether it begins with the header of a tar archive, whose other fields can all be text.
fn is_tar(start: &[u8]) -> bool {
    let Some(header) = start.get(..TAR_HEADER_BYTES) else {
        return false;
    };
    let stated = std::str::from_utf8(&header[148..156]).unwrap_or_default();
    let stated = stated.trim_matches([' ', '\0']);
    let Ok(stated) = u32::from_str_radix(stated, 8) else {
        return false;
    };
    let sum =
        |range: std::ops::Range<usize>| header[range].iter().map(|b| u32::from(*b)).sum::<u32>();
    stated == sum(0..148) + 8 * u32::from(b' ') + sum(156..TAR_HEADER_BYTES)
}

#[cfg(test)]
mod tests {
    use super::{begins_as_description, is_artifact_path, is_text};

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
