//! The budget under every interleaving of two or three threads.

use loom::sync::Arc;
use loom::thread;
use nucleus_loom::budget::AtomicBudget;
use nucleus_loom::racy::RacyBudget;
use portcullis::Amount;

fn amount(micro_usd: u64, input_tokens: u64) -> Amount {
    Amount { micro_usd, input_tokens, output_tokens: 0 }
}

#[test]
fn two_reservations_never_exceed_the_maximum() {
    loom::model(|| {
        let budget = AtomicBudget::new(amount(3, 0));
        let other = budget.clone();
        let thread = thread::spawn(move || other.reserve(amount(2, 0)).map(|held| held.spend()).is_some());
        let here = budget.reserve(amount(2, 0)).map(|held| held.spend()).is_some();
        let there = thread.join().unwrap();
        assert!(here ^ there, "exactly one of them fits");
        assert_eq!(budget.remaining(), amount(1, 0));
    });
}

#[test]
fn a_refusal_on_a_later_dimension_gives_the_earlier_back() {
    loom::model(|| {
        let budget = AtomicBudget::new(amount(4, 1));
        let other = budget.clone();
        let thread = thread::spawn(move || drop(other.reserve(amount(2, 2))));
        let here = budget.reserve(amount(2, 1)).map(|held| held.spend()).is_some();
        thread.join().unwrap();
        assert!(here, "the other never holds more than fits beside this one");
        assert_eq!(budget.remaining(), amount(2, 0));
    });
}

#[test]
fn children_never_exceed_their_parent() {
    loom::model(|| {
        let parent = AtomicBudget::new(amount(3, 0));
        let (left, right) =
            (AtomicBudget::child(&parent, amount(9, 0)), AtomicBudget::child(&parent, amount(9, 0)));
        let thread = thread::spawn(move || right.reserve(amount(2, 0)).map(|held| held.spend()).is_some());
        let here = left.reserve(amount(2, 0)).map(|held| held.spend()).is_some();
        let there = thread.join().unwrap();
        assert!(here ^ there);
        assert_eq!(parent.remaining(), amount(1, 0));
    });
}

#[test]
fn settling_gives_back_exactly_the_rest() {
    loom::model(|| {
        let budget = AtomicBudget::new(amount(5, 0));
        let other = budget.clone();
        let thread = thread::spawn(move || {
            let Some(held) = other.reserve(amount(3, 0)) else { return 0 };
            held.settle(amount(1, 0)).unwrap();
            1
        });
        let here = match budget.reserve(amount(3, 0)) {
            Some(held) => {
                held.settle(amount(2, 0)).unwrap();
                2
            }
            None => 0,
        };
        let there = thread.join().unwrap();
        assert_eq!(budget.remaining().micro_usd, 5 - here - there);
    });
}

#[test]
fn an_overspent_reservation_never_goes_below_nothing() {
    loom::model(|| {
        let budget = AtomicBudget::new(amount(4, 0));
        let other = budget.clone();
        let thread = thread::spawn(move || {
            other.reserve(amount(2, 0)).is_some_and(|held| held.settle(amount(9, 0)).is_err())
        });
        let here = budget.reserve(amount(1, 0)).map(|held| held.spend()).is_some();
        let over = thread.join().unwrap();
        assert!(over, "its own reservation fits beside the other");
        let _ = here;
        assert_eq!(budget.remaining(), Amount::ZERO);
    });
}

#[test]
fn tightening_races_with_a_reservation() {
    loom::model(|| {
        let budget = AtomicBudget::new(amount(4, 0));
        let other = budget.clone();
        let thread = thread::spawn(move || other.tighten(amount(1, 0)));
        let held = budget.reserve(amount(2, 0)).map(|held| held.spend()).is_some();
        thread.join().unwrap();
        assert_eq!(budget.remaining().micro_usd, 1, "held: {held}");
    });
}

#[test]
#[should_panic(expected = "overspent")]
fn the_checker_finds_the_planted_race() {
    loom::model(|| {
        let budget = Arc::new(RacyBudget::new(3));
        let other = budget.clone();
        let thread = thread::spawn(move || other.reserve(2));
        let here = budget.reserve(2);
        let there = thread.join().unwrap();
        assert!(!(here && there), "overspent");
    });
}
