//! Whatever a jailed program does to its files, landing gives the tree it saw, less what was staged or refused.

use std::collections::BTreeSet;

use nucleus::workspace::{Landed, WorkspaceView};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::fixture::{Dump, Place};
use super::program::{PROGRAM, hex, parse};

/// Paths whose names all land.
fn plain_path() -> BoxedStrategy<Vec<u8>> {
    let name = prop::sample::select(vec![
        "a", "b", "c", "d e", "\u{fc}", ".x", "-f", "'q\"", "z.txt",
    ]);
    prop::collection::vec(name, 1..4)
        .prop_map(|names| names.join("/").into_bytes())
        .boxed()
}

/// Paths among which are some without a canonical spelling.
fn odd_path() -> BoxedStrategy<Vec<u8>> {
    let names: Vec<&[u8]> = vec![
        b"a",
        b"b",
        b"\xff\xfe",
        b"a:b",
        b"n\nl",
        b"e\xcc\x81",
        b"t.",
        b"c",
    ];
    prop::collection::vec(prop::sample::select(names), 1..3)
        .prop_map(|names| names.join(&b'/'))
        .boxed()
}

fn target() -> impl Strategy<Value = &'static [u8]> {
    prop::sample::select(vec![&b"a"[..], b"b/c", b"nowhere", b"./a"])
}

fn data() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!("")),
        prop::collection::vec(any::<u8>(), 1..40).prop_map(|bytes| json!(hex(&bytes))),
        (0..5_u8).prop_map(|fill| json!([fill, 70_000])),
    ]
}

fn operation(path: BoxedStrategy<Vec<u8>>) -> impl Strategy<Value = Value> {
    let p = || path.clone().prop_map(|path| hex(&path));
    let file_modes = prop::sample::select(vec![0o600, 0o644, 0o755, 0o444, 0o4755, 0o640]);
    let dir_modes = prop::sample::select(vec![0o700, 0o755, 0o750]);
    prop_oneof![
        4 => (p(), data()).prop_map(|(p, d)| json!(["create", p, d])),
        2 => (p(), data()).prop_map(|(p, d)| json!(["append", p, d])),
        1 => (p(), 0..90_000_u32).prop_map(|(p, n)| json!(["truncate", p, n])),
        3 => p().prop_map(|p| json!(["mkdir", p])),
        4 => (p(), p()).prop_map(|(p, q)| json!(["rename", p, q])),
        2 => (p(), p()).prop_map(|(p, q)| json!(["link", p, q])),
        2 => (target(), p()).prop_map(|(t, p)| json!(["symlink", hex(t), p])),
        2 => p().prop_map(|p| json!(["unlink", p])),
        1 => p().prop_map(|p| json!(["rmtree", p])),
        1 => (p(), file_modes).prop_map(|(p, m)| json!(["chmod", p, m | 0o200 | 0o400])),
        1 => (p(), dir_modes).prop_map(|(p, m)| json!(["chmod_dir", p, m])),
        1 => (p(), 100_000..3_000_000_u32).prop_map(|(p, n)| json!(["sparse", p, n])),
        1 => p().prop_map(|p| json!(["touch", p])),
        2 => (p(), data()).prop_map(|(p, d)| json!(["recreate", p, d])),
    ]
}

/// What was staged or refused, by path.
fn run(place: &Place, operations: &[Value]) -> (Dump, BTreeSet<Vec<u8>>) {
    let view = place.open();
    let text = serde_json::to_string(operations).unwrap();
    let (out, outcome) = place.python(&view, PROGRAM, &[&text]);
    let mut kept: BTreeSet<Vec<u8>> = outcome
        .refused
        .iter()
        .map(|r| r.path.as_bytes().to_vec())
        .collect();
    let paths: Vec<Vec<u8>> = outcome
        .changes
        .iter()
        .map(|c| c.path.as_bytes().to_vec())
        .collect();
    for (landed, path) in place
        .door
        .land_all(&view, outcome.changes)
        .into_iter()
        .zip(paths)
    {
        if landed.unwrap() != Landed::Done {
            kept.insert(path);
        }
    }
    assert_eq!(
        view.staged().unwrap().len(),
        kept.iter().filter(|p| is_canonical(p)).count()
    );
    (parse(&out), kept)
}

fn is_canonical(path: &[u8]) -> bool {
    portcullis::path::RelPath::parse_bytes(path).is_ok()
}

/// Runs the cases with few shrinking steps: each one starts a jail.
fn check(
    cases: u32,
    lists: impl Strategy<Value = Vec<Vec<Value>>>,
    test: impl Fn(Vec<Vec<Value>>),
) {
    let config = Config {
        cases,
        max_shrink_iters: 60,
        failure_persistence: None,
        ..Config::default()
    };
    let tried = TestRunner::new(config).run(&lists, |lists| {
        test(lists);
        Ok(())
    });
    tried.unwrap();
}

fn commands(path: BoxedStrategy<Vec<u8>>) -> impl Strategy<Value = Vec<Vec<Value>>> {
    prop::collection::vec(prop::collection::vec(operation(path), 1..25), 1..4)
}

#[test]
fn landing_gives_exactly_the_tree_the_program_saw() {
    check(40, commands(plain_path()), |lists| {
        let place = Place::new();
        place.write("a/b/old.txt", "old");
        place.write("c", "file");
        for operations in &lists {
            let (seen, kept) = run(&place, operations);
            assert_eq!(kept, BTreeSet::new(), "all of it lands");
            assert_eq!(place.dump(), seen);
        }
    });
}

#[test]
fn what_has_no_canonical_name_never_lands_and_the_rest_does() {
    check(25, commands(odd_path()), |lists| {
        let place = Place::new();
        place.write("a/b", "old");
        let before = place.dump();
        let (seen, kept) = run(&place, &lists[0]);
        let landed = place.dump();
        let is_kept = |path: &[u8]| {
            kept.iter()
                .any(|k| path == k.as_slice() || path.starts_with(&[k.as_slice(), b"/"].concat()))
        };
        for path in seen
            .keys()
            .chain(landed.keys())
            .filter(|path| !is_kept(path))
        {
            assert_eq!(landed.get(path), seen.get(path), "{}", path.escape_ascii());
        }
        for path in landed.keys().filter(|path| !is_canonical(path)) {
            assert_eq!(
                landed.get(path),
                before.get(path),
                "{} landed",
                path.escape_ascii()
            );
        }
    });
}
