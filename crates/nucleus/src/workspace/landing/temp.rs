//! Temporary names that say what they were for, so that a crash leaves nothing unexplained.
//!
//! A name holds the purpose and fingerprints of the destination's name, of what was to land and of what was to be replaced.
//! After a crash [`recover`] compares the content with these: ours or the replaced one is deleted, anything else is the user's
//! and goes back to its name.

use rustix::fs::Dir;
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::{Site, swap};
use crate::workspace::tree::{Tree, shown};
use crate::workspace::{Before, WorkspaceError};

const PREFIX: &str = ".nucleus-";
const SUFFIX: &str = ".tmp";
/// `r` or `d`, then three fingerprints of 16 digits with a dash between each two.
const BODY_BYTES: usize = 1 + 3 * 16 + 2;

/// What a temporary name is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The new file before the exchange, the old one after it.
    Replace,
    /// The old file before it is deleted.
    Delete,
}

/// Whether a name is one of ours, which nothing else may have.
pub(crate) fn is_reserved(name: &[u8]) -> bool {
    parse(name).is_some()
}

/// The temporary name for one landing.
pub(super) fn name(purpose: Purpose, site: &Site, after: &Before, before: &Before) -> Vec<u8> {
    let letter = match purpose {
        Purpose::Replace => 'r',
        Purpose::Delete => 'd',
    };
    format!(
        "{PREFIX}{letter}{}-{}-{}{SUFFIX}",
        hex(&Sha256::digest(site.name())),
        fingerprint(after),
        fingerprint(before)
    )
    .into_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// 64 bits of what a name holds, without its mode.
fn fingerprint(held: &Before) -> String {
    match held {
        Before::Absent => "0".repeat(16),
        Before::File { digest, .. } => hex(digest.as_bytes()),
        Before::Symlink { target } => hex(&Sha256::digest(
            [b"link ", crate::workspace::change::path_bytes(target)].concat(),
        )),
        Before::Directory { .. } => "d".repeat(16),
        Before::Other => "f".repeat(16),
    }
}

struct Parts<'a> {
    purpose: Purpose,
    name: &'a str,
    after: &'a str,
    before: &'a str,
}

fn parse(name: &[u8]) -> Option<Parts<'_>> {
    let body = std::str::from_utf8(name)
        .ok()?
        .strip_prefix(PREFIX)?
        .strip_suffix(SUFFIX)?;
    if body.len() != BODY_BYTES || !body.is_ascii() {
        return None;
    }
    let purpose = match body.as_bytes()[0] {
        b'r' => Purpose::Replace,
        b'd' => Purpose::Delete,
        _ => return None,
    };
    let mut parts = body[1..].split('-');
    let parsed = Parts {
        purpose,
        name: parts.next()?,
        after: parts.next()?,
        before: parts.next()?,
    };
    let is_whole = [parsed.name, parsed.after, parsed.before]
        .iter()
        .all(|part| part.len() == 16 && part.bytes().all(|b| b.is_ascii_hexdigit()));
    (is_whole && parts.next().is_none()).then_some(parsed)
}

/// Settles the temporary name a crash left at this path of the workspace. The caller holds the landing lock.
pub(crate) fn recover(root: &Tree, path: &[u8]) -> Result<(), WorkspaceError> {
    let site = Site::of(root, path)?;
    recover_one(&site, site.name())
}

/// Settles a temporary name in the directory of a site.
pub(super) fn recover_one(site: &Site, temp: &[u8]) -> Result<(), WorkspaceError> {
    let Some(parts) = parse(temp) else {
        return Ok(());
    };
    let held = site.holds(temp)?;
    let print = fingerprint(&held);
    if held == Before::Absent {
        return Ok(());
    }
    let is_known =
        print == parts.before || (parts.purpose == Purpose::Replace && print == parts.after);
    if is_known && !matches!(held, Before::Directory { .. } | Before::Other) {
        return site.unlink(temp);
    }
    restore(site, temp, &parts)
}

/// Gives the user's file its name back, unless a newer one of theirs has it.
fn restore(site: &Site, temp: &[u8], parts: &Parts<'_>) -> Result<(), WorkspaceError> {
    let occupant = named(site, parts.name)?;
    let Some(name) = occupant else {
        // Nothing has the name any more, and only its fingerprint is known: the file stays where it is, for the user to see.
        return Ok(());
    };
    let occupant = swap::Known::at(site, &name)?;
    if fingerprint(occupant.content()) != parts.after {
        return Ok(());
    }
    swap::put_back(site, &name, temp, occupant)
}

/// The name of the directory that has this fingerprint.
fn named(site: &Site, print: &str) -> Result<Option<Vec<u8>>, WorkspaceError> {
    let io = |errno: Errno| WorkspaceError::io("list", shown(site.path()))(errno);
    for entry in Dir::read_from(site.dir()).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name().to_bytes();
        if hex(&Sha256::digest(name)) == print {
            return Ok(Some(name.to_vec()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::is_reserved;

    #[test]
    fn only_whole_temporary_names_are_reserved() {
        let whole = format!(".nucleus-r{0}-{0}-{0}.tmp", "0123456789abcdef");
        assert!(is_reserved(whole.as_bytes()));
        for other in [
            ".nucleus-x.tmp",
            ".nucleus",
            "nucleus.tmp",
            &whole[1..],
            &whole.replace('-', "_"),
        ] {
            assert!(!is_reserved(other.as_bytes()), "{other}");
        }
    }
}
