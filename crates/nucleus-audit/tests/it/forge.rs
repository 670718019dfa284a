//! What somebody without the key can do: compute hashes anew.

use sha2::{Digest as _, Sha256};

const HASH_MEMBER: usize = 9 + 64 + 2;

/// The line with a hash that fits its bytes.
pub(crate) fn reseal(line: &str) -> String {
    let line = line.strip_suffix('\n').unwrap();
    let covered = &line[..line.len() - HASH_MEMBER];
    let mut hasher = Sha256::new();
    hasher.update(b"nucleus audit record v1\0");
    hasher.update(covered);
    let hash: String = hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{covered},\"hash\":\"{hash}\"}}\n")
}

/// The hash of a line.
pub(crate) fn hash_of(line: &str) -> &str {
    let end = line.rfind("\"}").unwrap();
    &line[end - 64..end]
}

/// The line after another one.
pub(crate) fn with_previous(line: &str, previous: &str) -> String {
    let at = line.rfind("\"previous\":\"").unwrap() + 12;
    format!("{}{previous}{}", &line[..at], &line[at + 64..])
}

/// Computes the whole chain anew.
pub(crate) fn rechain(lines: &mut [String]) {
    let mut previous = "0".repeat(64);
    for line in lines {
        *line = reseal(&with_previous(line, &previous));
        previous = hash_of(line).to_owned();
    }
}
