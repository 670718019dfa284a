//! Holds bit-vector terms of 1 to 128 bits, each built once; building one folds constants.
//!
//! A truth value is a term of one bit. A term only ever refers to terms made before
//! it, so the order of their numbers is an order in which they can be evaluated.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

/// The widest term, in bits.
pub const WIDEST: u32 = 128;

/// A term of its arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(u32);

impl Term {
    /// The number it was given when it was made.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// What a term is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// A number.
    Number(u128),
    /// An unknown: word `n` of the input, or past them a value the compiler may choose.
    Unknown(u32),
    /// Two terms of one width under an operator.
    Two(Op, Term, Term),
    /// Every bit of a term negated.
    Not(Term),
    /// The second where the first holds, else the third.
    Choose(Term, Term, Term),
    /// The bits of a term from this one on, as many as the width says.
    Cut(Term, u32),
    /// A term with zeros above it.
    Pad(Term),
    /// A term with copies of its highest bit above it.
    SignPad(Term),
}

/// An operator on two terms of one width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the operators of SMT-LIB's bit vectors, by their names")]
pub enum Op {
    And,
    Or,
    Xor,
    Add,
    Sub,
    Mul,
    Udiv,
    Urem,
    Shl,
    Lshr,
    Ashr,
    /// One bit: equal.
    Eq,
    /// One bit: less, unsigned.
    Ult,
    /// One bit: less, signed.
    Slt,
}

impl Op {
    /// Whether the result is a truth value.
    const fn is_test(self) -> bool {
        matches!(self, Self::Eq | Self::Ult | Self::Slt)
    }

    const fn commutes(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Xor | Self::Add | Self::Mul | Self::Eq)
    }
}

/// All ones of a width.
#[must_use]
pub const fn ones(width: u32) -> u128 {
    if width >= WIDEST { u128::MAX } else { (1 << width) - 1 }
}

/// The number of this width as a signed one.
const fn signed(number: u128, width: u32) -> i128 {
    let spare = WIDEST - width;
    ((number << spare) as i128) >> spare
}

/// Terms, each held once.
#[derive(Debug, Default)]
pub struct Arena {
    nodes: Vec<(Node, u32)>,
    known: HashMap<(Node, u32), Term>,
}

impl Arena {
    /// The node of a term.
    #[must_use]
    pub fn node(&self, term: Term) -> Node {
        self.nodes[term.0 as usize].0
    }

    /// The width of a term in bits.
    #[must_use]
    pub fn width(&self, term: Term) -> u32 {
        self.nodes[term.0 as usize].1
    }

    /// The terms that these are made of and they themselves, each after what it is made of.
    #[must_use]
    pub fn cone(&self, roots: &[Term]) -> Vec<Term> {
        let mut is_in = vec![false; self.nodes.len()];
        let mut open = roots.to_vec();
        while let Some(term) = open.pop() {
            if !std::mem::replace(&mut is_in[term.0 as usize], true) {
                open.extend(self.parts(term));
            }
        }
        (0..).zip(is_in).filter(|(_, is_in)| *is_in).map(|(at, _)| Term(at)).collect()
    }

    /// The terms that a term is made of.
    fn parts(&self, term: Term) -> Vec<Term> {
        match self.node(term) {
            Node::Number(_) | Node::Unknown(_) => vec![],
            Node::Two(_, a, b) => vec![a, b],
            Node::Choose(c, a, b) => vec![c, a, b],
            Node::Not(a) | Node::Cut(a, _) | Node::Pad(a) | Node::SignPad(a) => vec![a],
        }
    }

    /// The truth values of which any makes this one true: it itself, unless it is made of several.
    #[must_use]
    pub fn disjuncts(&self, truth: Term) -> Vec<Term> {
        let mut open = vec![truth];
        let mut found = Vec::new();
        while let Some(term) = open.pop() {
            match self.node(term) {
                Node::Two(Op::Or, a, b) => open.extend([a, b]),
                _ => found.push(term),
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn make(&mut self, node: Node, width: u32) -> Term {
        let next = Term(u32::try_from(self.nodes.len()).expect("fewer than 2^32 terms"));
        *self.known.entry((node, width)).or_insert_with(|| {
            self.nodes.push((node, width));
            next
        })
    }

    /// A number, its bits above the width dropped.
    pub fn number(&mut self, number: u128, width: u32) -> Term {
        self.make(Node::Number(number & ones(width)), width)
    }

    /// A truth value.
    pub fn truth(&mut self, truth: bool) -> Term {
        self.number(u128::from(truth), 1)
    }

    /// An unknown.
    pub fn unknown(&mut self, number: u32, width: u32) -> Term {
        self.make(Node::Unknown(number), width)
    }

    /// The number that a term is, if it is one.
    #[must_use]
    pub fn as_number(&self, term: Term) -> Option<u128> {
        match self.node(term) {
            Node::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Two terms under an operator.
    pub fn two(&mut self, op: Op, a: Term, b: Term) -> Term {
        let width = self.width(a);
        assert_eq!(width, self.width(b), "{op:?} of two widths");
        let (a, b) = if op.commutes() && a > b { (b, a) } else { (a, b) };
        let result = if op.is_test() { 1 } else { width };
        if let Some(simpler) = self.simplify_sum(op, a, b) {
            return simpler;
        }
        match (self.as_number(a), self.as_number(b)) {
            (Some(x), Some(y)) => self.number(fold(op, x, y, width), result),
            (Some(x), None) if op.commutes() => self.with_number(op, b, x, width),
            (None, Some(y)) => self.with_number(op, a, y, width),
            _ if a == b => self.with_itself(op, a, width),
            _ if self.are_opposites(a, b) => match op {
                Op::And => self.number(0, width),
                Op::Or | Op::Xor => self.number(u128::MAX, width),
                _ => self.make(Node::Two(op, a, b), result),
            },
            _ => self.make(Node::Two(op, a, b), result),
        }
    }

    /// A term under an operator with a number on its right.
    fn with_number(&mut self, op: Op, a: Term, number: u128, width: u32) -> Term {
        let (none, all) = (number == 0, number == ones(width));
        let right = self.number(number, width);
        match op {
            Op::And if none => right,
            Op::And if all => a,
            Op::Or if none => a,
            Op::Or if all => right,
            Op::Xor if all => self.not(a),
            Op::Xor | Op::Add | Op::Sub | Op::Shl | Op::Lshr | Op::Ashr if none => a,
            Op::Ult if none => self.truth(false),
            Op::Ult if all => {
                let is_all = self.two(Op::Eq, a, right);
                self.not(is_all)
            }
            Op::Eq if width == 1 => {
                if none {
                    self.not(a)
                } else {
                    a
                }
            }
            Op::Eq => self.equals_number(a, number, width),
            _ => self.plain(op, a, right, width),
        }
    }

    fn plain(&mut self, op: Op, a: Term, b: Term, width: u32) -> Term {
        let (a, b) = if op.commutes() && a > b { (b, a) } else { (a, b) };
        self.make(Node::Two(op, a, b), if op.is_test() { 1 } else { width })
    }

    /// Whether a term is a number, decided through choices between numbers and through padding.
    fn equals_number(&mut self, a: Term, number: u128, width: u32) -> Term {
        match self.node(a) {
            Node::Choose(c, x, y) => {
                let known = |arena: &Self, t| arena.as_number(t).is_some();
                if known(self, x) || known(self, y) {
                    let right = self.number(number, width);
                    let (x, y) = (self.two(Op::Eq, x, right), self.two(Op::Eq, y, right));
                    return self.choose(c, x, y);
                }
            }
            Node::Pad(inner) => {
                let narrow = self.width(inner);
                if number & !ones(narrow) != 0 {
                    return self.truth(false);
                }
                let right = self.number(number, narrow);
                return self.two(Op::Eq, inner, right);
            }
            _ => {}
        }
        let right = self.number(number, width);
        self.plain(Op::Eq, a, right, width)
    }

    /// Sums in one order, what cancels gone; equality and carries of sums on their differences.
    fn simplify_sum(&mut self, op: Op, a: Term, b: Term) -> Option<Term> {
        let width = self.width(a);
        if width == 1 {
            return None;
        }
        let is_sum = |arena: &Self, t| matches!(arena.node(t), Node::Two(Op::Add | Op::Sub, ..));
        let has_sum = is_sum(self, a) || is_sum(self, b);
        match op {
            Op::Add | Op::Sub if has_sum || op == Op::Sub => {
                let sum = self.sum_of(a).plus(&self.sum_of(b), op == Op::Sub, width)?;
                self.rebuilt(&sum, width)
            }
            Op::Eq if has_sum => {
                let difference = self.sum_of(a).plus(&self.sum_of(b), true, width)?;
                let (plus, minus) = difference.oriented(width).sides(width)?;
                let (plus, minus) = (self.rebuilt(&plus, width)?, self.rebuilt(&minus, width)?);
                if (plus, minus) == (a, b) || (plus, minus) == (b, a) {
                    return None;
                }
                Some(self.two(Op::Eq, plus, minus))
            }
            Op::Ult if has_sum => self.simplify_less(a, b, width),
            _ => None,
        }
    }

    /// `a < b` as a carry, so that one carry has one form however it is asked for.
    ///
    /// `y + d < y` exactly when `y + d` carries, and `x < x + e` exactly when `e` is
    /// not zero and `x + e` does not carry. The difference that takes less away is used.
    fn simplify_less(&mut self, a: Term, b: Term, width: u32) -> Option<Term> {
        let down = self.sum_of(a).plus(&self.sum_of(b), true, width)?;
        let up = self.sum_of(b).plus(&self.sum_of(a), true, width)?;
        let taken = |sum: &Sum| sum.parts.values().filter(|count| **count != 1).count();
        let is_atom = |arena: &Self, t| !matches!(arena.node(t), Node::Two(Op::Add | Op::Sub, ..));
        let is_down = match taken(&down).cmp(&taken(&up)) {
            Ordering::Less => true,
            Ordering::Greater => false,
            Ordering::Equal if is_atom(self, b) => true,
            Ordering::Equal if is_atom(self, a) => false,
            Ordering::Equal => return None,
        };
        if is_down {
            let step = self.rebuilt(&down, width)?;
            return self.carry(b, step, a, width);
        }
        let step = self.rebuilt(&up, width)?;
        let carry = self.carry(a, step, b, width)?;
        let none = self.number(0, width);
        let (is_none, fits) = (self.two(Op::Eq, step, none), self.not(carry));
        let is_some = self.not(is_none);
        Some(self.and(is_some, fits))
    }

    /// Whether `a + b`, which is `sum`, carries: it is then below either, and is compared
    /// with the one that is no sum itself, or was made first.
    fn carry(&mut self, a: Term, b: Term, sum: Term, width: u32) -> Option<Term> {
        let rank = |t| (matches!(self.node(t), Node::Two(Op::Add | Op::Sub, ..)), t);
        let least = if rank(a) < rank(b) { a } else { b };
        if sum == least || self.as_number(sum).is_some() || self.as_number(least).is_some() {
            return None;
        }
        Some(self.plain(Op::Ult, sum, least, width))
    }

    /// A term as a sum of others.
    fn sum_of(&self, term: Term) -> Sum {
        match self.node(term) {
            Node::Number(number) => Sum { parts: BTreeMap::new(), number },
            Node::Two(op @ (Op::Add | Op::Sub), a, b) => {
                let sum = self.sum_of(a).plus(&self.sum_of(b), op == Op::Sub, self.width(term));
                sum.unwrap_or_else(|| Sum::of(term))
            }
            _ => Sum::of(term),
        }
    }

    /// The term of a sum in which each other term stands once, added or taken away.
    fn rebuilt(&mut self, sum: &Sum, width: u32) -> Option<Term> {
        let (plus, minus): (Vec<_>, Vec<_>) = sum.parts.iter().partition(|(_, count)| **count == 1);
        if minus.iter().any(|(_, count)| **count != ones(width)) {
            return None;
        }
        let mut plus = plus.into_iter().map(|(term, _)| *term);
        let number = self.make(Node::Number(sum.number), width);
        let first = if sum.number == 0 { plus.next() } else { None };
        let mut total = first.unwrap_or(number);
        for term in plus {
            total = self.plain(Op::Add, total, term, width);
        }
        for (term, _) in minus {
            total = self.plain(Op::Sub, total, *term, width);
        }
        Some(total)
    }

    /// A term under an operator with itself.
    fn with_itself(&mut self, op: Op, a: Term, width: u32) -> Term {
        match op {
            Op::And | Op::Or => a,
            Op::Xor | Op::Sub => self.number(0, width),
            Op::Eq => self.truth(true),
            Op::Ult | Op::Slt => self.truth(false),
            _ => self.plain(op, a, a, width),
        }
    }

    /// Every bit negated.
    pub fn not(&mut self, a: Term) -> Term {
        let width = self.width(a);
        match self.node(a) {
            Node::Number(number) => self.number(!number, width),
            Node::Not(inner) => inner,
            _ => self.make(Node::Not(a), width),
        }
    }

    /// Both hold.
    pub fn and(&mut self, a: Term, b: Term) -> Term {
        self.two(Op::And, a, b)
    }

    /// Either holds.
    pub fn or(&mut self, a: Term, b: Term) -> Term {
        self.two(Op::Or, a, b)
    }

    /// Any of these holds.
    pub fn any(&mut self, truths: &[Term]) -> Term {
        let none = self.truth(false);
        truths.iter().fold(none, |any, truth| self.or(any, *truth))
    }

    /// Two terms differ.
    pub fn differ(&mut self, a: Term, b: Term) -> Term {
        let same = self.two(Op::Eq, a, b);
        self.not(same)
    }

    /// `a` where `condition` holds, else `b`.
    pub fn choose(&mut self, condition: Term, a: Term, b: Term) -> Term {
        assert_eq!(self.width(a), self.width(b), "a choice of two widths");
        if a == b || self.is_equality(condition, a, b) {
            return b;
        }
        match (self.node(condition), self.as_number(a), self.as_number(b)) {
            (Node::Number(truth), ..) => {
                if truth == 0 {
                    b
                } else {
                    a
                }
            }
            (Node::Not(inner), ..) => self.choose(inner, b, a),
            (_, Some(1), Some(0)) if self.width(a) == 1 => condition,
            (_, Some(0), Some(1)) if self.width(a) == 1 => self.not(condition),
            (_, Some(0), None) if self.width(a) == 1 => {
                let other = self.not(condition);
                self.and(other, b)
            }
            (_, None, Some(0)) if self.width(a) == 1 => self.and(condition, a),
            (_, Some(1), None) if self.width(a) == 1 => self.or(condition, b),
            (_, None, Some(1)) if self.width(a) == 1 => {
                let other = self.not(condition);
                self.or(other, a)
            }
            _ => self.make(Node::Choose(condition, a, b), self.width(a)),
        }
    }

    /// Whether one term is the other negated.
    fn are_opposites(&self, a: Term, b: Term) -> bool {
        self.node(a) == Node::Not(b) || self.node(b) == Node::Not(a)
    }

    /// Whether the condition says that two terms are equal.
    fn is_equality(&self, condition: Term, a: Term, b: Term) -> bool {
        let (low, high) = (a.min(b), a.max(b));
        matches!(self.node(condition), Node::Two(Op::Eq, x, y) if (x.min(y), x.max(y)) == (low, high))
    }

    /// `width` bits of a term from bit `low` on.
    pub fn cut(&mut self, a: Term, low: u32, width: u32) -> Term {
        assert!(low + width <= self.width(a), "a cut past the end");
        match self.node(a) {
            _ if width == self.width(a) => a,
            Node::Number(number) => self.number(number >> low, width),
            Node::Cut(inner, below) => self.cut(inner, low + below, width),
            Node::Pad(inner) if low + width <= self.width(inner) => self.cut(inner, low, width),
            Node::Pad(inner) if low >= self.width(inner) => self.number(0, width),
            _ => self.make(Node::Cut(a, low), width),
        }
    }

    /// A term widened by zeros.
    pub fn pad(&mut self, a: Term, width: u32) -> Term {
        assert!(width >= self.width(a), "padding to fewer bits");
        match self.node(a) {
            _ if width == self.width(a) => a,
            Node::Number(number) => self.number(number, width),
            Node::Pad(inner) => self.pad(inner, width),
            _ => self.make(Node::Pad(a), width),
        }
    }

    /// A term widened by its highest bit.
    pub fn sign_pad(&mut self, a: Term, width: u32) -> Term {
        assert!(width >= self.width(a), "padding to fewer bits");
        match self.node(a) {
            _ if width == self.width(a) => a,
            Node::Number(number) => self.number(signed(number, self.width(a)) as u128, width),
            _ => self.make(Node::SignPad(a), width),
        }
    }
}

/// A number and how often each of some terms is added to it, modulo the width.
struct Sum {
    parts: BTreeMap<Term, u128>,
    number: u128,
}

/// Most terms of a sum that is put in order: longer ones are left as they stand.
const MOST_SUMMANDS: usize = 8;

impl Sum {
    fn of(term: Term) -> Self {
        Self { parts: BTreeMap::from([(term, 1)]), number: 0 }
    }

    /// The sum with another added or taken away; `None` when it gets too long.
    fn plus(mut self, other: &Self, takes_away: bool, width: u32) -> Option<Self> {
        let sign = |count: u128| if takes_away { count.wrapping_neg() } else { count };
        for (term, count) in &other.parts {
            let total = self.parts.entry(*term).or_insert(0);
            *total = total.wrapping_add(sign(*count)) & ones(width);
        }
        self.parts.retain(|_, count| *count != 0);
        self.number = self.number.wrapping_add(sign(other.number)) & ones(width);
        (self.parts.len() <= MOST_SUMMANDS).then_some(self)
    }

    /// The sum or its opposite: the one to which the earliest term is added.
    fn oriented(self, width: u32) -> Self {
        let is_added = self.parts.first_key_value().is_none_or(|(_, count)| *count == 1);
        let none = Self { parts: BTreeMap::new(), number: 0 };
        if is_added { self } else { none.plus(&self, true, width).unwrap_or(self) }
    }

    /// The sum as a difference of two in which nothing is taken away.
    fn sides(self, width: u32) -> Option<(Self, Self)> {
        let (plus, minus): (BTreeMap<_, _>, BTreeMap<_, _>) =
            self.parts.into_iter().partition(|(_, count)| *count == 1);
        let minus: Option<BTreeMap<_, _>> =
            minus.into_iter().map(|(term, count)| (count == ones(width)).then_some((term, 1))).collect();
        Some((Self { parts: plus, number: self.number }, Self { parts: minus?, number: 0 }))
    }
}

/// What an operator makes of two numbers, as SMT-LIB defines it.
fn fold(op: Op, x: u128, y: u128, width: u32) -> u128 {
    let bits = u32::try_from(y).ok().filter(|bits| *bits < width);
    match op {
        Op::And => x & y,
        Op::Or => x | y,
        Op::Xor => x ^ y,
        Op::Add => x.wrapping_add(y),
        Op::Sub => x.wrapping_sub(y),
        Op::Mul => x.wrapping_mul(y),
        Op::Udiv => x.checked_div(y).unwrap_or(u128::MAX),
        Op::Urem => x.checked_rem(y).unwrap_or(x),
        Op::Shl => bits.map_or(0, |bits| x << bits),
        Op::Lshr => bits.map_or(0, |bits| x >> bits),
        Op::Ashr => (signed(x, width) >> bits.unwrap_or(width - 1)) as u128,
        Op::Eq => u128::from(x == y),
        Op::Ult => u128::from(x < y),
        Op::Slt => u128::from(signed(x, width) < signed(y, width)),
    }
}
