//! The solver's answers: an input that is one, and refutations that are checked.

use prove::blast::{Circuit, Literal, TRUE, lane};
use prove::solve::{Decided, decide};
use prove::term::{Arena, Op, Term};

fn literal(circuit: &mut Circuit, arena: &Arena, term: Term) -> Literal {
    circuit.truth(arena, term)
}

#[test]
fn an_input_that_is_found_satisfies_the_question() {
    let mut arena = Arena::default();
    let (x, y) = (arena.unknown(0, 16), arena.unknown(1, 16));
    let (product, number) = (arena.two(Op::Mul, x, y), arena.number(12_319, 16));
    let is_it = arena.two(Op::Eq, product, number);
    let mut circuit = Circuit::default();
    let root = literal(&mut circuit, &arena, is_it);
    let Ok(Decided::By(bits)) = decide(&circuit, &[root]) else {
        panic!("12319 is a product");
    };
    let found = |unknown| bits.iter().filter(|b| b.0 == unknown).fold(0_u16, |word, b| word | 1 << b.1);
    assert_eq!(found(0).wrapping_mul(found(1)), 12_319);
    let bit_of = |unknown, bit| if bits.contains(&(unknown, bit)) { u64::MAX } else { 0 };
    assert_eq!(lane(&circuit.simulate(bit_of), root), u64::MAX);
}

#[test]
fn a_question_without_an_answer_leaves_a_checked_refutation() {
    let mut arena = Arena::default();
    let (x, y) = (arena.unknown(0, 4), arena.unknown(1, 4));
    let (xy, yx) = (arena.two(Op::Mul, x, y), {
        let n = arena.not(y);
        let p = arena.two(Op::Mul, x, n);
        arena.not(p)
    });
    let (sum, one) = (arena.two(Op::Sub, yx, x), arena.number(u128::MAX, 4));
    let shifted = arena.two(Op::Sub, sum, one);
    // x * !y = -x*y - x, so !(x * !y) = x*y + x - 1, and less x - 1 it is x*y again.
    let differs = arena.differ(xy, shifted);
    let mut circuit = Circuit::default();
    let root = literal(&mut circuit, &arena, differs);
    assert!(matches!(decide(&circuit, &[root]), Ok(Decided::Never { lemmas, .. }) if lemmas > 0));
}

#[test]
fn the_one_of_many_that_can_hold_is_found() {
    let mut arena = Arena::default();
    let x = arena.unknown(0, 8);
    let (low, high, seven) = (arena.number(3, 8), arena.number(200, 8), arena.number(7, 8));
    let (below, above) = (arena.two(Op::Ult, x, low), arena.two(Op::Ult, high, x));
    let never = arena.and(below, above);
    let is_seven = arena.two(Op::Eq, x, seven);
    let mut circuit = Circuit::default();
    let roots = [literal(&mut circuit, &arena, never), literal(&mut circuit, &arena, is_seven)];
    assert!(matches!(decide(&circuit, &roots[..1]), Ok(Decided::Never { .. })));
    assert_eq!(decide(&circuit, &roots), Ok(Decided::By(vec![(0, 0), (0, 1), (0, 2)])));
}

#[test]
fn the_true_literal_always_holds() {
    assert!(matches!(decide(&Circuit::default(), &[TRUE]), Ok(Decided::By(_))));
    assert!(matches!(decide(&Circuit::default(), &[-TRUE]), Ok(Decided::Never { .. })));
}
