//! Turns terms into gates of one bit, each gate made once; the gates make both the clauses and a simulator.
//!
//! A literal is a gate's number, negative where negated; gate 1 is always true.

use std::collections::HashMap;

use crate::term::{Arena, Node, Op, Term};

/// A gate's number, negative where negated.
pub type Literal = i32;

/// What a gate does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gate {
    /// Always true.
    True,
    /// One bit of an unknown.
    Bit {
        /// Which unknown.
        unknown: u32,
        /// Which bit of it, the lowest being 0.
        bit: u32,
    },
    /// Both hold.
    And(Literal, Literal),
    /// Exactly one holds.
    Xor(Literal, Literal),
    /// At least two hold: the carry of a sum.
    Most(Literal, Literal, Literal),
}

/// The literal that always holds.
pub const TRUE: Literal = 1;

/// Gates and the terms they stand for.
#[derive(Debug)]
pub struct Circuit {
    gates: Vec<Gate>,
    known: HashMap<Gate, Literal>,
    terms: HashMap<Term, Vec<Literal>>,
}

impl Default for Circuit {
    fn default() -> Self {
        Self { gates: vec![Gate::True], known: HashMap::new(), terms: HashMap::new() }
    }
}

impl Circuit {
    /// The gates; the one with number `n` at `n - 1`.
    #[must_use]
    pub fn gates(&self) -> &[Gate] {
        &self.gates
    }

    /// The literal of a truth value.
    pub fn truth(&mut self, arena: &Arena, term: Term) -> Literal {
        for part in arena.cone(&[term]) {
            if !self.terms.contains_key(&part) {
                let bits = self.bits(arena, part);
                self.terms.insert(part, bits);
            }
        }
        self.terms[&term][0]
    }

    fn gate(&mut self, gate: Gate) -> Literal {
        let next = Literal::try_from(self.gates.len() + 1).expect("fewer than 2^31 gates");
        *self.known.entry(gate).or_insert_with(|| {
            self.gates.push(gate);
            next
        })
    }

    fn and(&mut self, a: Literal, b: Literal) -> Literal {
        match (a, b) {
            _ if a == -TRUE || b == -TRUE || a == -b => -TRUE,
            (TRUE, other) | (other, TRUE) => other,
            _ if a == b => a,
            _ => self.gate(Gate::And(a.min(b), a.max(b))),
        }
    }

    fn or(&mut self, a: Literal, b: Literal) -> Literal {
        -self.and(-a, -b)
    }

    fn xor(&mut self, a: Literal, b: Literal) -> Literal {
        let (low, high) = (a.abs().min(b.abs()), a.abs().max(b.abs()));
        let is_negated = (a < 0) != (b < 0);
        let plain = match low {
            _ if low == high => -TRUE,
            TRUE => -high,
            _ => self.gate(Gate::Xor(low, high)),
        };
        if is_negated { -plain } else { plain }
    }

    /// Whether at least two of three hold; of a gate and its negation only one is made.
    fn most(&mut self, a: Literal, b: Literal, c: Literal) -> Literal {
        let mut three = [a, b, c];
        three.sort_by_key(|literal| (literal.abs(), *literal));
        match three {
            [TRUE, x, y] => self.or(x, y),
            [x, y, z] if x == -TRUE => self.and(y, z),
            [x, y, z] if x == -y => z,
            [x, y, z] if y == -z => x,
            [x, y, _] if x == y => x,
            [_, y, z] if y == z => y,
            [x, y, z] if x < 0 => -self.gate(Gate::Most(-x, -y, -z)),
            [x, y, z] => self.gate(Gate::Most(x, y, z)),
        }
    }

    fn choose(&mut self, condition: Literal, a: Literal, b: Literal) -> Literal {
        if a == b {
            return a;
        }
        let (yes, no) = (self.and(condition, a), self.and(-condition, b));
        self.or(yes, no)
    }

    /// The bits of a term, lowest first; those of its parts are known.
    fn bits(&mut self, arena: &Arena, term: Term) -> Vec<Literal> {
        let width = arena.width(term);
        let of = |circuit: &Self, part: Term| circuit.terms[&part].clone();
        match arena.node(term) {
            Node::Number(number) => (0..width).map(|bit| if number >> bit & 1 == 1 { TRUE } else { -TRUE }).collect(),
            Node::Unknown(unknown) => (0..width).map(|bit| self.gate(Gate::Bit { unknown, bit })).collect(),
            Node::Not(a) => of(self, a).into_iter().map(|bit| -bit).collect(),
            Node::Choose(c, a, b) => {
                let condition = of(self, c)[0];
                let (a, b) = (of(self, a), of(self, b));
                a.iter().zip(&b).map(|(a, b)| self.choose(condition, *a, *b)).collect()
            }
            Node::Cut(a, low) => {
                let bits = of(self, a);
                bits[low as usize..(low + width) as usize].to_vec()
            }
            Node::Pad(a) => extended(of(self, a), width, -TRUE),
            Node::SignPad(a) => {
                let bits = of(self, a);
                let sign = bits[bits.len() - 1];
                extended(bits, width, sign)
            }
            Node::Two(op, a, b) => {
                let (a, b) = (of(self, a), of(self, b));
                self.two(op, &a, &b)
            }
        }
    }

    fn two(&mut self, op: Op, a: &[Literal], b: &[Literal]) -> Vec<Literal> {
        let mut each = |gate: fn(&mut Self, Literal, Literal) -> Literal| -> Vec<Literal> {
            a.iter().zip(b).map(|(a, b)| gate(self, *a, *b)).collect()
        };
        match op {
            Op::And => each(Self::and),
            Op::Or => each(Self::or),
            Op::Xor => each(Self::xor),
            Op::Add => self.sum(a, b, -TRUE).0,
            Op::Sub => self.sum(a, &negated(b), TRUE).0,
            Op::Mul => self.product(a, b),
            Op::Udiv => self.quotient(a, b).0,
            Op::Urem => self.quotient(a, b).1,
            Op::Shl => self.shifted(a, b, -TRUE, |bits, by| {
                let kept = bits.len().saturating_sub(by);
                extended_below(&bits[..kept], bits.len(), -TRUE)
            }),
            Op::Lshr => self.shifted(a, b, -TRUE, |bits, by| {
                extended(bits[by.min(bits.len())..].to_vec(), bits.len() as u32, -TRUE)
            }),
            Op::Ashr => self.shifted(a, b, a[a.len() - 1], |bits, by| {
                let sign = bits[bits.len() - 1];
                extended(bits[by.min(bits.len())..].to_vec(), bits.len() as u32, sign)
            }),
            Op::Eq => vec![self.equal(a, b)],
            Op::Ult => vec![-self.at_least(a, b)],
            Op::Slt => vec![-self.at_least(&sign_flipped(a), &sign_flipped(b))],
        }
    }

    /// The sum with a carry in, and the carry out.
    fn sum(&mut self, a: &[Literal], b: &[Literal], carry: Literal) -> (Vec<Literal>, Literal) {
        let mut carry = carry;
        let bits = a
            .iter()
            .zip(b)
            .map(|(a, b)| {
                let half = self.xor(*a, *b);
                let bit = self.xor(half, carry);
                carry = self.most(*a, *b, carry);
                bit
            })
            .collect();
        (bits, carry)
    }

    /// `a ≥ b`, unsigned: subtracting borrows nothing.
    fn at_least(&mut self, a: &[Literal], b: &[Literal]) -> Literal {
        self.sum(a, &negated(b), TRUE).1
    }

    fn equal(&mut self, a: &[Literal], b: &[Literal]) -> Literal {
        a.iter().zip(b).fold(TRUE, |all, (a, b)| {
            let differs = self.xor(*a, *b);
            self.and(all, -differs)
        })
    }

    fn product(&mut self, a: &[Literal], b: &[Literal]) -> Vec<Literal> {
        let mut total = vec![-TRUE; a.len()];
        for (by, bit) in b.iter().enumerate() {
            let row: Vec<Literal> = a[..a.len() - by].iter().map(|a| self.and(*a, *bit)).collect();
            total = self.sum(&total, &extended_below(&row, a.len(), -TRUE), -TRUE).0;
        }
        total
    }

    /// Quotient and remainder, bit by bit from the highest; division by zero is all ones and `a`.
    fn quotient(&mut self, a: &[Literal], b: &[Literal]) -> (Vec<Literal>, Vec<Literal>) {
        let divisor = extended(b.to_vec(), b.len() as u32 + 1, -TRUE);
        let mut rest = vec![-TRUE; divisor.len()];
        let mut quotient = vec![-TRUE; a.len()];
        for at in (0..a.len()).rev() {
            rest.pop();
            rest.insert(0, a[at]);
            let (less, fits) = self.sum(&rest, &negated(&divisor), TRUE);
            rest = rest.iter().zip(&less).map(|(r, l)| self.choose(fits, *l, *r)).collect();
            quotient[at] = fits;
        }
        rest.truncate(a.len());
        (quotient, rest)
    }

    /// `a` shifted by `b` in steps of powers of two; `fill` everywhere once nothing is left.
    fn shifted(
        &mut self,
        a: &[Literal],
        b: &[Literal],
        fill: Literal,
        shift: fn(&[Literal], usize) -> Vec<Literal>,
    ) -> Vec<Literal> {
        let mut bits = a.to_vec();
        for (power, by) in b.iter().enumerate() {
            let moved = match 1_usize.checked_shl(power as u32).filter(|by| *by < a.len()) {
                Some(by) => shift(&bits, by),
                None => vec![fill; a.len()],
            };
            bits = bits.iter().zip(&moved).map(|(s, m)| self.choose(*by, *m, *s)).collect();
        }
        bits
    }

    /// The clauses that hold exactly when each gate below these literals does what it says.
    #[must_use]
    pub fn clauses(&self, roots: &[Literal]) -> Vec<Vec<Literal>> {
        let mut is_in = vec![false; self.gates.len()];
        let mut open: Vec<Literal> = roots.to_vec();
        let mut clauses = vec![vec![TRUE]];
        while let Some(literal) = open.pop() {
            let at = literal.unsigned_abs() as usize - 1;
            if std::mem::replace(&mut is_in[at], true) {
                continue;
            }
            let out = literal.abs();
            match self.gates[at] {
                Gate::True | Gate::Bit { .. } => {}
                Gate::And(a, b) => {
                    clauses.extend([vec![-out, a], vec![-out, b], vec![out, -a, -b]]);
                    open.extend([a, b]);
                }
                Gate::Xor(a, b) => {
                    clauses.extend([vec![-out, a, b], vec![-out, -a, -b]]);
                    clauses.extend([vec![out, -a, b], vec![out, a, -b]]);
                    open.extend([a, b]);
                }
                Gate::Most(a, b, c) => {
                    for (x, y) in [(a, b), (a, c), (b, c)] {
                        clauses.extend([vec![out, -x, -y], vec![-out, x, y]]);
                    }
                    open.extend([a, b, c]);
                }
            }
        }
        clauses
    }

    /// The value of every gate for 64 inputs at once, one in each bit.
    #[must_use]
    pub fn simulate(&self, mut bit_of: impl FnMut(u32, u32) -> u64) -> Vec<u64> {
        let mut values = Vec::with_capacity(self.gates.len());
        for gate in &self.gates {
            let value = match *gate {
                Gate::True => u64::MAX,
                Gate::Bit { unknown, bit } => bit_of(unknown, bit),
                Gate::And(a, b) => lane(&values, a) & lane(&values, b),
                Gate::Xor(a, b) => lane(&values, a) ^ lane(&values, b),
                Gate::Most(a, b, c) => {
                    let (a, b, c) = (lane(&values, a), lane(&values, b), lane(&values, c));
                    a & b | a & c | b & c
                }
            };
            values.push(value);
        }
        values
    }
}

/// The value of a literal among those of the gates.
#[must_use]
pub fn lane(values: &[u64], literal: Literal) -> u64 {
    let value = values[literal.unsigned_abs() as usize - 1];
    if literal < 0 { !value } else { value }
}

fn negated(bits: &[Literal]) -> Vec<Literal> {
    bits.iter().map(|bit| -bit).collect()
}

/// Bits with more above them.
fn extended(mut bits: Vec<Literal>, width: u32, fill: Literal) -> Vec<Literal> {
    bits.resize(width as usize, fill);
    bits
}

/// Bits with more below them.
fn extended_below(bits: &[Literal], width: usize, fill: Literal) -> Vec<Literal> {
    let mut all = vec![fill; width - bits.len()];
    all.extend_from_slice(bits);
    all
}

/// Bits whose unsigned order is the signed order of these.
fn sign_flipped(bits: &[Literal]) -> Vec<Literal> {
    let mut flipped = bits.to_vec();
    if let Some(sign) = flipped.last_mut() {
        *sign = -*sign;
    }
    flipped
}
