//! The time window: neither a restart nor a suspended machine nor a changed wall clock renews it.

use std::sync::atomic::{AtomicU64, Ordering};

use nucleus::ports::Clock;
use nucleus::{MonotonicGuard, WindowFault};

#[derive(Debug, Default)]
struct Hands {
    boot_ms: AtomicU64,
    wall_ms: AtomicU64,
    boot: AtomicU64,
}

impl Hands {
    fn at(boot_ms: u64) -> Self {
        let hands = Self::default();
        hands.boot_ms.store(boot_ms, Ordering::SeqCst);
        hands
    }
}

impl Clock for Hands {
    fn boot_ms(&self) -> u64 {
        self.boot_ms.load(Ordering::SeqCst)
    }
    fn wall_unix_ms(&self) -> u64 {
        self.wall_ms.load(Ordering::SeqCst)
    }
    fn boot_id(&self) -> String {
        self.boot.load(Ordering::SeqCst).to_string()
    }
}

#[test]
fn a_window_is_open_until_its_end_and_not_after() {
    let mut guard = MonotonicGuard::start(&Hands::at(1_000), 500);
    assert_eq!(guard.check(1_000), Ok(()));
    assert_eq!(guard.check(1_499), Ok(()));
    assert_eq!(guard.check(1_500), Err(WindowFault::Over));
    assert_eq!(
        guard.check(1_499),
        Err(WindowFault::ClockWentBack),
        "going back does not reopen it"
    );
}

#[test]
fn a_restart_finds_the_same_window() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("window.json");
    let clock = Hands::at(1_000);
    assert_eq!(
        MonotonicGuard::open(&clock, 500, &file)
            .unwrap()
            .deadline_ms(),
        1_500
    );
    clock.boot_ms.store(1_400, Ordering::SeqCst);
    let mut again = MonotonicGuard::open(&clock, 500, &file).unwrap();
    assert_eq!(again.deadline_ms(), 1_500);
    assert_eq!(again.check(1_500), Err(WindowFault::Over));
    let mut shorter = MonotonicGuard::open(&clock, 50, &file).unwrap();
    assert_eq!(
        shorter.check(1_450),
        Err(WindowFault::Over),
        "a shorter window wins"
    );
}

#[test]
fn another_boot_finds_the_window_over() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("window.json");
    let clock = Hands::at(1_000);
    assert!(MonotonicGuard::open(&clock, 500, &file).is_ok());
    clock.boot.store(7, Ordering::SeqCst);
    clock.boot_ms.store(3, Ordering::SeqCst);
    let mut guard = MonotonicGuard::open(&clock, 500, &file).unwrap();
    assert_eq!(guard.check(3), Err(WindowFault::Over));
}

#[test]
fn the_wall_clock_changes_nothing() {
    let clock = Hands::at(1_000);
    let mut guard = MonotonicGuard::start(&clock, 500);
    clock.wall_ms.store(u64::MAX, Ordering::SeqCst);
    assert_eq!(guard.check(clock.boot_ms()), Ok(()));
    clock.wall_ms.store(0, Ordering::SeqCst);
    clock.boot_ms.store(1_501, Ordering::SeqCst);
    assert_eq!(guard.check(clock.boot_ms()), Err(WindowFault::Over));
}

#[test]
fn tightening_only_shortens_also_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("window.json");
    let clock = Hands::at(1_000);
    let mut guard = MonotonicGuard::open(&clock, 500, &file).unwrap();
    guard.tighten(1_000, 9_999).unwrap();
    assert_eq!(guard.deadline_ms(), 1_500);
    guard.tighten(1_100, 100).unwrap();
    assert_eq!(
        MonotonicGuard::open(&clock, 500, &file)
            .unwrap()
            .deadline_ms(),
        1_200
    );
}

#[test]
fn a_window_that_cannot_be_read_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("window.json");
    for text in [
        "",
        "{}",
        r#"{"version":9,"boot_id":"0","deadline_boot_ms":1,"latest_boot_ms":0}"#,
    ] {
        std::fs::write(&file, text).unwrap();
        assert!(
            MonotonicGuard::open(&Hands::at(1), 500, &file).is_err(),
            "{text:?}"
        );
    }
}
