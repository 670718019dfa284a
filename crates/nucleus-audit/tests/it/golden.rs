//! The golden vectors in `corpus/audit` mean what their `expected` files say, and are what the writer writes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::vectors::{self, said, vector_dirs};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/audit")
}

/// Every file below a directory, by its path in it.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![root.to_owned()];
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_owned();
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

#[test]
fn each_vector_verifies_as_expected() {
    let root = corpus();
    for (kind, count) in [("good", 6), ("bad", 16)] {
        let dirs = vector_dirs(&root, kind);
        assert_eq!(dirs.len(), count);
        for dir in dirs {
            let expected = fs::read_to_string(dir.join("expected")).unwrap();
            assert_eq!(said(&root, &dir), expected, "{}", dir.display());
            assert_eq!(
                expected.starts_with("ok: "),
                kind == "good",
                "{}",
                dir.display()
            );
        }
    }
}

#[test]
fn the_writer_writes_the_vectors_byte_for_byte() {
    let fresh = tempfile::tempdir().unwrap();
    vectors::write(fresh.path());
    vectors::write_expected(fresh.path());
    let mut committed = files(&corpus());
    committed.retain(|path, _| !path.ends_with("README.md"));
    let fresh = files(fresh.path());
    assert_eq!(
        fresh.keys().collect::<Vec<_>>(),
        committed.keys().collect::<Vec<_>>(),
        "run `cargo run --release -p nucleus-audit --example golden`"
    );
    for (path, bytes) in fresh {
        assert!(bytes == committed[&path], "{} differs", path.display());
    }
}
