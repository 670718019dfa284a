//! Sums are rewritten and compared as carries; each must mean what it meant before.

use prove::blast::{Circuit, lane};
use prove::term::{Arena, Op, Term};

/// Every pair of values of two unknowns of three bits, as 64 columns.
fn column(unknown: u32, bit: u32) -> u64 {
    (0..64_u64).fold(0, |column, at| column | (at >> (3 * unknown + bit) & 1) << at)
}

/// The value of a term for each pair of values.
fn values(arena: &Arena, term: Term) -> Vec<u64> {
    let mut circuit = Circuit::default();
    let mut totals = vec![0; 64];
    for bit in 0..arena.width(term) {
        let mut copy = Arena::default();
        let one = copied(arena, &mut copy, term);
        let one = copy.cut(one, bit, 1);
        circuit = Circuit::default();
        let literal = circuit.truth(&copy, one);
        let column = lane(&circuit.simulate(column), literal);
        for (at, total) in totals.iter_mut().enumerate() {
            *total |= (column >> at & 1) << bit;
        }
    }
    assert!(!circuit.gates().is_empty());
    totals
}

/// The same term in another arena.
fn copied(from: &Arena, to: &mut Arena, term: Term) -> Term {
    use prove::term::Node;
    let width = from.width(term);
    match from.node(term) {
        Node::Number(number) => to.number(number, width),
        Node::Unknown(unknown) => to.unknown(unknown, width),
        Node::Two(op, a, b) => {
            let (a, b) = (copied(from, to, a), copied(from, to, b));
            to.two(op, a, b)
        }
        Node::Not(a) => {
            let a = copied(from, to, a);
            to.not(a)
        }
        Node::Choose(c, a, b) => {
            let (c, a, b) = (copied(from, to, c), copied(from, to, a), copied(from, to, b));
            to.choose(c, a, b)
        }
        Node::Cut(a, low) => {
            let a = copied(from, to, a);
            to.cut(a, low, width)
        }
        Node::Pad(a) => {
            let a = copied(from, to, a);
            to.pad(a, width)
        }
        Node::SignPad(a) => {
            let a = copied(from, to, a);
            to.sign_pad(a, width)
        }
    }
}

/// What an operator makes of two numbers of three bits, written apart.
fn expected(op: Op, x: u64, y: u64) -> u64 {
    let signed = |n: u64| if n & 4 == 0 { n.cast_signed() } else { n.cast_signed() - 8 };
    let wide = match op {
        Op::And => x & y,
        Op::Or => x | y,
        Op::Xor => x ^ y,
        Op::Add => x + y,
        Op::Sub => x + 8 - y,
        Op::Mul => x * y,
        Op::Udiv => x.checked_div(y).unwrap_or(7),
        Op::Urem => x.checked_rem(y).unwrap_or(x),
        Op::Shl => x << y,
        Op::Lshr => x >> y,
        Op::Ashr => (signed(x) >> y).cast_unsigned(),
        Op::Eq => u64::from(x == y),
        Op::Ult => u64::from(x < y),
        Op::Slt => u64::from(signed(x) < signed(y)),
    };
    wide & if matches!(op, Op::Eq | Op::Ult | Op::Slt) { 1 } else { 7 }
}

const ALL: [Op; 14] = [
    Op::And,
    Op::Or,
    Op::Xor,
    Op::Add,
    Op::Sub,
    Op::Mul,
    Op::Udiv,
    Op::Urem,
    Op::Shl,
    Op::Lshr,
    Op::Ashr,
    Op::Eq,
    Op::Ult,
    Op::Slt,
];

#[test]
fn every_operator_is_right_on_every_pair_of_three_bits() {
    for op in ALL {
        let mut arena = Arena::default();
        let (x, y) = (arena.unknown(0, 3), arena.unknown(1, 3));
        let term = arena.two(op, x, y);
        for (at, value) in (0..64).zip(values(&arena, term)) {
            assert_eq!(value, expected(op, at & 7, at >> 3), "{op:?} of {} and {}", at & 7, at >> 3);
        }
    }
}

#[test]
fn folding_numbers_agrees_with_the_gates() {
    for op in ALL {
        for at in 0..64 {
            let mut arena = Arena::default();
            let (x, y) = (arena.number(u128::from(at & 7_u64), 3), arena.number(u128::from(at >> 3), 3));
            let term = arena.two(op, x, y);
            assert_eq!(arena.as_number(term), Some(u128::from(expected(op, at & 7, at >> 3))), "{op:?} {at}");
        }
    }
}

/// Makes a term of two unknowns.
type Make = fn(&mut Arena, Term, Term) -> Term;

/// A sum's name, how it is made, and what it comes to.
type Sum = (&'static str, Make, fn(u64, u64) -> u64);

/// Sums of two unknowns and a number, each built in order and as a plain number.
fn sums() -> Vec<Sum> {
    vec![
        ("x", |_, x, _| x, |x, _| x),
        ("y", |_, _, y| y, |_, y| y),
        ("x+y", |a, x, y| a.two(Op::Add, x, y), |x, y| x + y),
        ("x-y", |a, x, y| a.two(Op::Sub, x, y), |x, y| x + 8 - y),
        ("y-x", |a, x, y| a.two(Op::Sub, y, x), |x, y| y + 8 - x),
        (
            "x+3",
            |a, x, _| {
                let n = a.number(3, 3);
                a.two(Op::Add, x, n)
            },
            |x, _| x + 3,
        ),
        (
            "(x-y)+y",
            |a, x, y| {
                let d = a.two(Op::Sub, x, y);
                a.two(Op::Add, d, y)
            },
            |x, _| x,
        ),
        (
            "(x+y)-3",
            |a, x, y| {
                let s = a.two(Op::Add, x, y);
                let n = a.number(3, 3);
                a.two(Op::Sub, s, n)
            },
            |x, y| x + y + 5,
        ),
        ("x+x", |a, x, _| a.two(Op::Add, x, x), |x, _| 2 * x),
        (
            "3-x",
            |a, x, _| {
                let n = a.number(3, 3);
                a.two(Op::Sub, n, x)
            },
            |x, _| 11 - x,
        ),
        ("0", |a, _, _| a.number(0, 3), |_, _| 0),
        ("7", |a, _, _| a.number(7, 3), |_, _| 7),
    ]
}

#[test]
fn comparing_sums_is_right_on_every_pair() {
    for op in [Op::Eq, Op::Ult, Op::Add, Op::Sub] {
        for (left, make_left, is_left) in sums() {
            for (right, make_right, is_right) in sums() {
                let mut arena = Arena::default();
                let (x, y) = (arena.unknown(0, 3), arena.unknown(1, 3));
                let (a, b) = (make_left(&mut arena, x, y), make_right(&mut arena, x, y));
                let term = arena.two(op, a, b);
                for (at, value) in (0..64).zip(values(&arena, term)) {
                    let (p, q) = (is_left(at & 7, at >> 3) & 7, is_right(at & 7, at >> 3) & 7);
                    assert_eq!(value, expected(op, p, q), "{left} {op:?} {right} at {} and {}", at & 7, at >> 3);
                }
            }
        }
    }
}

#[test]
fn what_cancels_is_gone() {
    let mut arena = Arena::default();
    let (left, held, cost) = (arena.unknown(0, 64), arena.unknown(1, 64), arena.unknown(2, 64));
    let (less, more) = (arena.two(Op::Sub, left, cost), arena.two(Op::Add, held, cost));
    let (after, before) = (arena.two(Op::Add, less, more), arena.two(Op::Add, left, held));
    assert_eq!(after, before);
}
