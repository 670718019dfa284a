//! The budget: never over the maximum, by any sequence and from any thread.

use std::sync::atomic::{AtomicU64, Ordering};

use nucleus::{AtomicBudget, Overspent, Reservation};
use portcullis::{Amount, Ledger};
use proptest::prelude::*;

fn amount(micro_usd: u64, input_tokens: u64, output_tokens: u64) -> Amount {
    Amount {
        micro_usd,
        input_tokens,
        output_tokens,
    }
}

fn any_amount() -> impl Strategy<Value = Amount> {
    (0u64..40, 0u64..40, 0u64..40).prop_map(|(a, b, c)| amount(a, b, c))
}

#[derive(Clone, Debug)]
enum Act {
    Reserve(Amount),
    Settle(usize, Amount),
    Release(usize),
    Tighten(Amount),
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => any_amount().prop_map(Act::Reserve),
        2 => (any::<usize>(), any_amount()).prop_map(|(at, used)| Act::Settle(at, used)),
        2 => any::<usize>().prop_map(Act::Release),
        1 => any_amount().prop_map(Act::Tighten),
    ]
}

proptest! {
    /// Reserve, settle and release agree with the ledger of the law wherever the law has an answer.
    #[test]
    fn any_sequence_agrees_with_the_ledger(maximum in any_amount(), acts in prop::collection::vec(any_act(), 0..40)) {
        let budget = AtomicBudget::new(maximum);
        let mut ledger = Ledger::open(maximum);
        let mut open: Vec<Reservation> = Vec::new();
        for act in acts {
            match act {
                Act::Reserve(cost) => {
                    let expected = ledger.reserve(cost).filter(|_| ledger.left().micro_usd > 0);
                    match (budget.reserve(cost), expected) {
                        (Some(held), Some(next)) => { open.push(held); ledger = next; }
                        (None, None) => {}
                        (got, _) => prop_assert!(false, "{got:?} of {cost:?} at {ledger:?}"),
                    }
                }
                Act::Settle(at, used) if !open.is_empty() => {
                    let held = open.swap_remove(at % open.len());
                    let used = used.meet(held.held());
                    ledger = ledger.settle(held.held(), used).unwrap();
                    held.settle(used).unwrap();
                }
                Act::Release(at) if !open.is_empty() => {
                    let held = open.swap_remove(at % open.len());
                    ledger = ledger.release(held.held()).unwrap();
                }
                Act::Tighten(most) => { budget.tighten(most); ledger = ledger.tighten(most); }
                Act::Settle(..) | Act::Release(_) => {}
            }
            prop_assert_eq!(budget.remaining(), ledger.left());
        }
    }

    /// Whatever is spent, by whomever, the maximum bounds the sum on every dimension.
    #[test]
    fn children_debit_their_parent_on_every_dimension(
        maximum in any_amount(), own in any_amount(), costs in prop::collection::vec(any_amount(), 0..12),
    ) {
        let parent = AtomicBudget::new(maximum);
        let child = AtomicBudget::child(&parent, own);
        let grandchild = AtomicBudget::child(&child, amount(99, 99, 99));
        let mut spent = Amount::ZERO;
        for (index, cost) in costs.into_iter().enumerate() {
            let from = if index % 2 == 0 { &child } else { &grandchild };
            if let Some(held) = from.reserve(cost) {
                held.spend();
                spent = spent.checked_add(cost).unwrap();
            }
            prop_assert!(spent.leq(maximum.meet(own)));
            prop_assert_eq!(parent.remaining(), maximum.checked_sub(spent).unwrap());
        }
    }
}

#[test]
fn zero_always_refuses() {
    let nothing = AtomicBudget::new(Amount::ZERO);
    assert!(nothing.reserve(Amount::ZERO).is_none());
    assert!(
        AtomicBudget::child(&nothing, amount(9, 9, 9))
            .reserve(Amount::ZERO)
            .is_none()
    );
    let no_money = AtomicBudget::new(amount(0, 9, 9));
    assert!(no_money.reserve(amount(0, 1, 1)).is_none());
    assert!(
        AtomicBudget::new(amount(1, 0, 0))
            .reserve(Amount::ZERO)
            .is_some()
    );
}

#[test]
fn a_refused_reservation_holds_nothing_on_any_dimension() {
    let parent = AtomicBudget::new(amount(10, 10, 1));
    let child = AtomicBudget::child(&parent, amount(10, 10, 10));
    assert!(
        child.reserve(amount(5, 5, 2)).is_none(),
        "the parent has one output token"
    );
    assert_eq!(child.remaining(), amount(10, 10, 1));
    assert!(child.reserve(amount(5, 5, 1)).is_some());
}

#[test]
fn what_is_overspent_is_taken_from_what_is_left() {
    let budget = AtomicBudget::new(amount(10, 10, 10));
    let held = budget.reserve(amount(4, 4, 4)).unwrap();
    let (reserved, used) = (amount(4, 4, 4), amount(6, 1, 99));
    assert_eq!(held.settle(used), Err(Overspent { reserved, used }));
    assert_eq!(budget.remaining(), amount(4, 9, 0));
}

#[test]
fn threads_never_spend_more_than_there_is() {
    let budget = AtomicBudget::new(amount(10_000, 10_000, 10_000));
    let spent = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..8u64 {
            let (budget, spent) = (&budget, &spent);
            scope.spawn(move || {
                for round in 0..2_000 {
                    let cost = 1 + (round * 7 + thread) % 13;
                    let Some(held) = budget.reserve(amount(cost, cost, cost)) else {
                        continue;
                    };
                    let used = cost.min(round % 5);
                    spent.fetch_add(used, Ordering::SeqCst);
                    held.settle(amount(used, used, used)).unwrap();
                }
            });
        }
    });
    let used = spent.load(Ordering::SeqCst);
    assert!(used <= 10_000);
    assert_eq!(
        budget.remaining(),
        amount(10_000 - used, 10_000 - used, 10_000 - used)
    );
}
