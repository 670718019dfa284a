//! A search of a jail for a secret of the host, from within, by a program that holds the secret in no piece.

use serde_json::{Value, json};

use crate::fixture::{Told, skip};

/// Looks for the secret of the word `HALVES` wherever a program of the jail can look.
pub(crate) const HUNT: &str = include_str!("hunt.py");

/// What the hunt is told of a secret: its halves, which it never joins.
pub(crate) fn halves(secret: &str) -> Value {
    let (first, second) = secret.split_at(secret.len() / 2);
    json!([first, second])
}

/// The secret is nowhere, and the hunt found each string that it had planted itself.
pub(crate) fn assert_nowhere(test: &str, told: &Told) {
    let got = told.got();
    assert_eq!(
        got["secret"],
        json!([]),
        "the secret is in the jail: {}",
        told.0
    );
    assert_eq!(got["ended early"], json!([]), "{}", told.0);
    let mut missed = got["missed"]
        .as_array()
        .unwrap_or_else(|| panic!("{}", told.0))
        .clone();
    if !may_read_another() {
        skip(
            &format!("{test} in the memory of other processes"),
            "kernel.yama.ptrace_scope below 2",
        );
        missed.retain(|kind| kind != "another's memory");
    }
    assert_eq!(
        missed,
        Vec::<Value>::new(),
        "the hunt misses what is there: {}",
        told.0
    );
}

/// Whether this kernel lets a program read the memory of one that it started.
fn may_read_another() -> bool {
    let scope = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope");
    scope.map_or(true, |scope| {
        scope.trim().parse().is_ok_and(|scope: u8| scope < 2)
    })
}
