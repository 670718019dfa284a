//! The shipped tables are those of their version: a row that comes, goes or changes raises it.

use portcullis::activation::LIST_VERSION;
use sha2::{Digest, Sha256};

/// Each table with the digest of its rows, of the version that is shipped.
const TABLES: [(&str, &str, &str); 6] = [
    ("activation", include_str!("../../src/data/activation.txt"), "209bb9a0d5960291"),
    ("addresses", include_str!("../../../portcullis-text/src/data/addresses.txt"), "f1e61bcf2ba3b11c"),
    ("build-inputs", include_str!("../../src/data/build-inputs.txt"), "47e2ff8ffd56c2a7"),
    ("commands", include_str!("../../../portcullis-text/src/data/commands.txt"), "0dbdc677e9f2b5e5"),
    ("credentials", include_str!("../../src/data/credentials.txt"), "49f9be96b14346f8"),
    ("listed-commands", include_str!("../../src/data/listed-commands.txt"), "62f855f205fa2b2f"),
];

/// The words of all rows, whatever the lines; comments are left out.
fn digest(text: &str) -> String {
    let rows = text.lines().filter(|line| !line.starts_with("# ") && *line != "#");
    let words: Vec<&str> = rows.flat_map(str::split_whitespace).collect();
    Sha256::digest(words.join(" ")).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_table_changes_with_its_version_alone() {
    let now: Vec<_> = TABLES.iter().map(|(name, text, _)| (*name, digest(text))).collect();
    let kept: Vec<_> = TABLES.iter().map(|(name, _, kept)| (*name, (*kept).to_owned())).collect();
    assert_eq!((LIST_VERSION, now), (1, kept), "raise `LIST_VERSION` and keep the new digests here");
}

#[test]
fn a_row_more_or_less_is_another_table() {
    let (_, text, _) = TABLES[4];
    assert_ne!(digest(text), digest(&text.replacen("*.pem", "", 1)));
    assert_ne!(digest(text), digest(&format!("{text}\n*.more\n")));
    assert_eq!(digest(text), digest(&format!("# a comment\n{text}")));
}
