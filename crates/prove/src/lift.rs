//! Lifts a law from the compiler's instructions to terms: when it fails, and when it holds.
//!
//! Every block has the condition under which it is reached, and every value a truth
//! value beside it that says whether it is poison. A law fails where a panic, an
//! `unreachable` or undefined behaviour is reached, or where it answers so. Loops,
//! memory other than the input and constant tables, and calls that are not known
//! are errors.

use std::collections::HashMap;

use crate::ir::{Block, Cast, End, Flags, Function, Module, Operand, Step, Test, Type};
use crate::lex::ReadError;
use crate::term::{Arena, Op, Term, WIDEST, ones};

/// What is to be decided of a law.
#[derive(Debug)]
pub struct Lifted {
    /// The terms.
    pub arena: Arena,
    /// The inputs for which it fails: none, if it is a law.
    pub fails: Term,
    /// The inputs for which it holds: some, or it says nothing.
    pub holds: Term,
}

/// An integer, whether it is poison, and which of its bits are undefined.
///
/// The compiler packs values of which a part is undefined into wider integers, so
/// that moving bits about must not spread what is undefined; all else does.
#[derive(Clone, Copy, Debug)]
struct Value {
    bits: Term,
    poison: Term,
    undef: Term,
}

/// What an instruction computed.
#[derive(Clone, Debug)]
enum Known {
    Int(Value),
    Pair(Value, Value),
    /// A place in the input (no symbol) or a table: `stride_bytes * index`.
    Place {
        table: Option<String>,
        stride_bytes: u64,
        index: Option<Value>,
    },
}

/// Words of the input; a larger number is a value that the compiler may choose.
const INPUT_WORDS: u32 = portcullis_laws::WORDS as u32;

/// Lifts one law.
///
/// # Errors
/// [`ReadError`] for whatever is not known.
pub fn lift(module: &Module<'_>, symbol: &str) -> Result<Lifted, ReadError> {
    let function = module.function(symbol)?;
    let order = topological(&function)?;
    let mut arena = Arena::default();
    let (fails, holds) = (arena.truth(false), arena.truth(false));
    let mut lifter = Lifter {
        module,
        lifted: Lifted { arena, fails, holds },
        known: HashMap::new(),
        edges: HashMap::new(),
        chosen: INPUT_WORDS,
    };
    let input = Known::Place { table: None, stride_bytes: 1, index: None };
    lifter.known.insert(function.parameter.clone(), input);
    for (nth, block) in order.iter().enumerate() {
        let reached = if nth == 0 { lifter.lifted.arena.truth(true) } else { lifter.reached(&block.label) };
        lifter.block(block, reached)?;
    }
    Ok(lifter.lifted)
}

/// The blocks in an order in which each comes after all that lead to it.
fn topological(function: &Function) -> Result<Vec<&Block>, ReadError> {
    let by_label: HashMap<&str, &Block> = function.blocks.iter().map(|block| (block.label.as_str(), block)).collect();
    let first = function.blocks.first().ok_or_else(|| ReadError::unknown("no block"))?;
    let mut order = Vec::new();
    let mut is_done: HashMap<&str, bool> = HashMap::new();
    let mut open = vec![(first, false)];
    while let Some((block, is_left)) = open.pop() {
        if is_left {
            is_done.insert(&block.label, true);
            order.push(block);
            continue;
        }
        if is_done.contains_key(block.label.as_str()) {
            continue;
        }
        is_done.insert(&block.label, false);
        open.push((block, true));
        for next in successors(&block.end) {
            match is_done.get(next.as_str()) {
                Some(true) => {}
                Some(false) => return Err(ReadError::unknown(&format!("a loop through {next}"))),
                None => {
                    let next = by_label.get(next.as_str());
                    open.push((next.ok_or_else(|| ReadError::unknown(&block.label))?, false));
                }
            }
        }
    }
    order.reverse();
    Ok(order)
}

fn successors(end: &End) -> Vec<&String> {
    match end {
        End::Jump(to) => vec![to],
        End::Branch(_, yes, no) => vec![yes, no],
        End::Switch(_, _, other, arms) => std::iter::once(other).chain(arms.iter().map(|(_, to)| to)).collect(),
        End::Return(..) | End::Unreachable => vec![],
    }
}

struct Lifter<'a> {
    module: &'a Module<'a>,
    lifted: Lifted,
    known: HashMap<String, Known>,
    /// The condition under which one block leads to another.
    edges: HashMap<(String, String), Term>,
    chosen: u32,
}

impl Lifter<'_> {
    fn arena(&mut self) -> &mut Arena {
        &mut self.lifted.arena
    }

    /// The condition under which a block is reached.
    fn reached(&mut self, label: &str) -> Term {
        let mut ways: Vec<Term> = self.edges.iter().filter(|((_, to), _)| to == label).map(|(_, way)| *way).collect();
        ways.sort_unstable();
        self.arena().any(&ways)
    }

    /// The law fails where the block is reached and this holds.
    fn fails_if(&mut self, reached: Term, condition: Term) {
        let here = self.arena().and(reached, condition);
        let so_far = self.lifted.fails;
        self.lifted.fails = self.arena().or(so_far, here);
    }

    fn block(&mut self, block: &Block, reached: Term) -> Result<(), ReadError> {
        for (name, step) in &block.steps {
            if let Step::Call { callee, .. } = step
                && callee.contains("panicking")
            {
                self.fails_if(reached, reached);
                continue;
            }
            let known = self.step(step, &block.label, reached)?;
            if let Some((name, known)) = name.as_ref().zip(known) {
                self.known.insert(name.clone(), known);
            }
        }
        self.end(block, reached)
    }

    fn end(&mut self, block: &Block, reached: Term) -> Result<(), ReadError> {
        match &block.end {
            End::Jump(to) => self.edge(block, to, reached),
            End::Branch(condition, yes, no) => {
                let value = self.int(condition, 1)?;
                self.fails_if(reached, value.poison);
                let otherwise = self.arena().not(value.bits);
                let (to_yes, to_no) = (self.arena().and(reached, value.bits), self.arena().and(reached, otherwise));
                self.edge(block, yes, to_yes);
                self.edge(block, no, to_no);
            }
            End::Switch(width, value, other, arms) => {
                let value = self.int(value, *width)?;
                self.fails_if(reached, value.poison);
                let mut left = reached;
                for (number, to) in arms {
                    let number = self.arena().number(*number, *width);
                    let is_it = self.arena().two(Op::Eq, value.bits, number);
                    let taken = self.arena().and(reached, is_it);
                    self.edge(block, to, taken);
                    let is_not = self.arena().not(is_it);
                    left = self.arena().and(left, is_not);
                }
                self.edge(block, other, left);
            }
            End::Return(width, answer) => {
                let value = self.int(answer, *width)?;
                self.answer(value, *width, reached);
            }
            End::Unreachable => self.fails_if(reached, reached),
        }
        Ok(())
    }

    /// Holds at 1, is outside at 2, and fails at any other answer.
    fn answer(&mut self, value: Value, width: u32, reached: Term) {
        self.fails_if(reached, value.poison);
        let is = |lifter: &mut Self, answer: portcullis_laws::Answer| {
            let number = lifter.arena().number(answer as u128, width);
            lifter.arena().two(Op::Eq, value.bits, number)
        };
        let holds = is(self, portcullis_laws::Answer::Holds);
        let outside = is(self, portcullis_laws::Answer::Outside);
        let good = self.arena().or(holds, outside);
        let bad = self.arena().not(good);
        self.fails_if(reached, bad);
        let here = self.arena().and(reached, holds);
        let so_far = self.lifted.holds;
        self.lifted.holds = self.arena().or(so_far, here);
    }

    fn edge(&mut self, from: &Block, to: &str, condition: Term) {
        let key = (from.label.clone(), to.to_owned());
        let either = match self.edges.get(&key).copied() {
            Some(other) => self.arena().or(other, condition),
            None => condition,
        };
        self.edges.insert(key, either);
    }

    /// A value that is poison, or all of whose bits are undefined.
    fn nothing(&mut self, width: u32, is_poison: bool) -> Value {
        let arena = self.arena();
        let undef = if is_poison { 0 } else { u128::MAX };
        Value { bits: arena.number(0, width), poison: arena.truth(is_poison), undef: arena.number(undef, width) }
    }

    /// A value without an undefined bit that is poison where one of these holds.
    fn value(&mut self, bits: Term, poison: &[Term]) -> Value {
        let arena = self.arena();
        let width = arena.width(bits);
        Value { bits, poison: arena.any(poison), undef: arena.number(0, width) }
    }

    /// An integer operand that must be defined: poison where a bit of it is not.
    fn int(&mut self, operand: &Operand, width: u32) -> Result<Value, ReadError> {
        let value = self.part(operand, width)?;
        let none = self.arena().number(0, width);
        let is_undef = self.arena().differ(value.undef, none);
        Ok(self.value(value.bits, &[value.poison, is_undef]))
    }

    /// An integer operand, of which bits may be undefined.
    fn part(&mut self, operand: &Operand, width: u32) -> Result<Value, ReadError> {
        match operand {
            Operand::Number(number) => {
                let bits = self.arena().number(*number, width);
                Ok(self.value(bits, &[]))
            }
            Operand::Poison => Ok(self.nothing(width, true)),
            Operand::Undef => Ok(self.nothing(width, false)),
            Operand::Local(name) => match self.known.get(name) {
                Some(Known::Int(value)) if self.lifted.arena.width(value.bits) == width => Ok(*value),
                _ => Err(ReadError::unknown(&format!("%{name} as an integer of {width} bits"))),
            },
            Operand::Global(name) => Err(ReadError::unknown(&format!("@{name} as an integer"))),
        }
    }

    /// An operand of any type.
    fn any(&mut self, operand: &Operand, ty: &Type) -> Result<Known, ReadError> {
        match (operand, ty) {
            (_, Type::Int(width)) => Ok(Known::Int(self.part(operand, *width)?)),
            (Operand::Poison, Type::Pair(a, b)) => Ok(Known::Pair(self.nothing(*a, true), self.nothing(*b, true))),
            (Operand::Local(name), _) => self.known.get(name).cloned().ok_or_else(|| ReadError::missing(name)),
            (Operand::Global(name), Type::Pointer) => {
                Ok(Known::Place { table: Some(name.clone()), stride_bytes: 1, index: None })
            }
            _ => Err(ReadError::unknown(&format!("{operand:?} as {ty:?}"))),
        }
    }

    /// What an instruction computes; `None` for one that computes nothing.
    fn step(&mut self, step: &Step, label: &str, reached: Term) -> Result<Option<Known>, ReadError> {
        let value = match step {
            Step::Two(op, flags, width, a, b) if moves_bits(*op) => {
                let shifts = matches!(op, Op::Shl | Op::Lshr);
                let a = self.part(a, *width)?;
                let b = if shifts { self.int(b, *width)? } else { self.part(b, *width)? };
                Known::Int(self.moved(*op, *flags, (a, b), reached)?)
            }
            Step::Two(op, flags, width, a, b) => {
                let (a, b) = (self.int(a, *width)?, self.int(b, *width)?);
                Known::Int(self.two(*op, *flags, (a, b), reached)?)
            }
            Step::Compare(test, flags, width, a, b) => {
                let (a, b) = (self.int(a, *width)?, self.int(b, *width)?);
                Known::Int(self.compare(*test, *flags, a, b))
            }
            Step::Cast(cast, flags, width, a, to) => {
                let is_sext = *cast == Cast::Sext;
                let a = if is_sext { self.int(a, *width)? } else { self.part(a, *width)? };
                Known::Int(self.cast(*cast, *flags, a, *to)?)
            }
            Step::Freeze(width, a) => {
                let a = self.int(a, *width)?;
                self.chosen += 1;
                let chosen = self.chosen;
                let free = self.arena().unknown(chosen, *width);
                let bits = self.arena().choose(a.poison, free, a.bits);
                Known::Int(self.value(bits, &[]))
            }
            Step::Select(condition, ty, a, b) => {
                let condition = self.int(condition, 1)?;
                let (a, b) = (self.any(a, ty)?, self.any(b, ty)?);
                self.choose(condition, &a, &b)?
            }
            Step::Phi(ty, arms) => self.phi(ty, arms, label)?,
            Step::Offset { base, stride_bytes, index } => self.offset(base, *stride_bytes, index)?,
            Step::Load(width, from) => Known::Int(self.load(*width, from, reached)?),
            Step::Call { callee, result, arguments } => {
                return self.call(callee, result, arguments, reached);
            }
            Step::Extract(pair, place) => {
                let Operand::Local(name) = pair else {
                    return Err(ReadError::unknown("extractvalue"));
                };
                match (self.known.get(name), place) {
                    (Some(Known::Pair(first, _)), 0) => Known::Int(*first),
                    (Some(Known::Pair(_, second)), 1) => Known::Int(*second),
                    _ => return Err(ReadError::missing(name)),
                }
            }
            Step::Insert(ty, pair, value, place) => {
                let Type::Pair(first, second) = *ty else {
                    return Err(ReadError::unknown("insertvalue"));
                };
                let width = if *place == 0 { first } else { second };
                let value = self.int(value, width)?;
                match (self.any(pair, ty)?, place) {
                    (Known::Pair(_, second), 0) => Known::Pair(value, second),
                    (Known::Pair(first, _), 1) => Known::Pair(first, value),
                    _ => return Err(ReadError::unknown("insertvalue")),
                }
            }
        };
        Ok(Some(value))
    }

    fn two(&mut self, op: Op, flags: Flags, (a, b): (Value, Value), reached: Term) -> Result<Value, ReadError> {
        let width = self.lifted.arena.width(a.bits);
        let arena = &mut self.lifted.arena;
        let bits = arena.two(op, a.bits, b.bits);
        let mut poison = vec![a.poison, b.poison];
        match op {
            Op::Shl | Op::Lshr | Op::Ashr => {
                let limit = arena.number(u128::from(width), width);
                let fits = arena.two(Op::Ult, b.bits, limit);
                // A width that does not fit its own type cannot be exceeded by it.
                if u128::from(width) <= ones(width) {
                    poison.push(arena.not(fits));
                }
            }
            Op::Udiv | Op::Urem => {
                let none = arena.number(0, width);
                let is_zero = arena.two(Op::Eq, b.bits, none);
                let undefined = arena.or(is_zero, b.poison);
                self.fails_if(reached, undefined);
            }
            _ => {}
        }
        poison.extend(self.broken(op, flags, bits, (a.bits, b.bits))?);
        Ok(self.value(bits, &poison))
    }

    /// An operation that moves bits or masks them, and moves or masks what is undefined with them.
    ///
    /// A flag's promise on an operand of which a bit is undefined counts as broken.
    fn moved(&mut self, op: Op, flags: Flags, (a, b): (Value, Value), reached: Term) -> Result<Value, ReadError> {
        let mut value = self.two(op, flags, (a, b), reached)?;
        let arena = &mut self.lifted.arena;
        let either = arena.two(Op::Or, a.undef, b.undef);
        value.undef = match op {
            Op::Shl | Op::Lshr => arena.two(op, a.undef, b.bits),
            Op::Xor => either,
            _ => {
                // A bit that is surely 0 decides `and`, one that is surely 1 `or`.
                let mut open = |value: Value| {
                    let bits = if op == Op::And { value.bits } else { arena.not(value.bits) };
                    arena.two(Op::Or, bits, value.undef)
                };
                let (open_a, open_b) = (open(a), open(b));
                let (by_a, by_b) = (arena.two(Op::And, a.undef, open_b), arena.two(Op::And, b.undef, open_a));
                arena.two(Op::Or, by_a, by_b)
            }
        };
        let undef_broken = self.broken_by_undef(op, flags, (a, b))?;
        value.poison = self.arena().or(value.poison, undef_broken);
        Ok(value)
    }

    /// Whether a flag's promise fails for some value of the undefined bits.
    ///
    /// All promises but `nsw` fail the more the more bits are set, so it is enough
    /// to look at every undefined bit set; `nsw` fails on any undefined bit it reads.
    fn broken_by_undef(&mut self, op: Op, flags: Flags, (a, b): (Value, Value)) -> Result<Term, ReadError> {
        let arena = &mut self.lifted.arena;
        let (most_a, most_b) = (arena.two(Op::Or, a.bits, a.undef), arena.two(Op::Or, b.bits, b.undef));
        let most = arena.two(op, most_a, most_b);
        let unsigned = Flags { nsw: false, ..flags };
        let mut broken = self.broken(op, unsigned, most, (most_a, most_b))?;
        if flags.nsw {
            let arena = &mut self.lifted.arena;
            let moved = arena.two(op, a.undef, b.bits);
            broken.extend(undone(arena, Op::Lshr, moved, b.bits, a.undef));
            broken.push(sign(arena, moved));
        }
        Ok(self.arena().any(&broken))
    }

    /// The conditions under which a flag's promise fails.
    fn broken(&mut self, op: Op, flags: Flags, result: Term, (a, b): (Term, Term)) -> Result<Vec<Term>, ReadError> {
        let arena = &mut self.lifted.arena;
        let mut broken = Vec::new();
        if flags.disjoint {
            let (shared, none) = (arena.two(Op::And, a, b), arena.number(0, arena.width(a)));
            broken.push(arena.differ(shared, none));
        }
        let back = match op {
            Op::Add if flags.nuw => vec![arena.two(Op::Ult, result, a)],
            Op::Sub if flags.nuw => vec![arena.two(Op::Ult, a, b)],
            Op::Mul if flags.nuw => vec![wide_differs(arena, (a, b), result, false)?],
            Op::Shl if flags.nuw => undone(arena, Op::Lshr, result, b, a),
            Op::Udiv | Op::Lshr | Op::Ashr if flags.exact => {
                let undo = if op == Op::Udiv { Op::Mul } else { Op::Shl };
                undone(arena, undo, result, b, a)
            }
            _ => vec![],
        };
        broken.extend(back);
        let signed = match op {
            Op::Add if flags.nsw => vec![sign_lost(arena, (a, b), result, false)],
            Op::Sub if flags.nsw => vec![sign_lost(arena, (a, b), result, true)],
            Op::Mul if flags.nsw => vec![wide_differs(arena, (a, b), result, true)?],
            Op::Shl if flags.nsw => undone(arena, Op::Ashr, result, b, a),
            _ => vec![],
        };
        broken.extend(signed);
        Ok(broken)
    }

    fn compare(&mut self, test: Test, flags: Flags, a: Value, b: Value) -> Value {
        let arena = &mut self.lifted.arena;
        let (left, right) = if test.swaps { (b.bits, a.bits) } else { (a.bits, b.bits) };
        let plain = arena.two(test.op, left, right);
        let bits = if test.negates { arena.not(plain) } else { plain };
        let mut poison = vec![a.poison, b.poison];
        if flags.samesign {
            let (x, y) = (sign(arena, a.bits), sign(arena, b.bits));
            poison.push(arena.differ(x, y));
        }
        self.value(bits, &poison)
    }

    fn cast(&mut self, cast: Cast, flags: Flags, a: Value, to: u32) -> Result<Value, ReadError> {
        let arena = &mut self.lifted.arena;
        let from = arena.width(a.bits);
        let is_wider = to > from;
        if (cast == Cast::Trunc) == is_wider || to == from {
            return Err(ReadError::unknown("a cast to the same or the wrong side"));
        }
        let mut poison = vec![a.poison];
        let undef = if is_wider { arena.pad(a.undef, to) } else { arena.cut(a.undef, 0, to) };
        let most = arena.two(Op::Or, a.bits, a.undef);
        let bits = match cast {
            Cast::Zext => {
                if flags.nneg {
                    poison.push(sign(arena, most));
                }
                arena.pad(a.bits, to)
            }
            Cast::Sext => arena.sign_pad(a.bits, to),
            Cast::Trunc => {
                let cut = arena.cut(a.bits, 0, to);
                if flags.nuw {
                    poison.push(any_bit(arena, most, to));
                }
                if flags.nsw {
                    let back = arena.sign_pad(cut, from);
                    poison.push(arena.differ(back, a.bits));
                    poison.push(any_bit(arena, a.undef, to - 1));
                }
                cut
            }
        };
        Ok(Value { bits, poison: arena.any(&poison), undef })
    }

    /// One of two values; poison where the condition is or the chosen one is.
    fn choose(&mut self, condition: Value, a: &Known, b: &Known) -> Result<Known, ReadError> {
        let mut of = |a: Value, b: Value| {
            let arena = &mut self.lifted.arena;
            let chosen = arena.choose(condition.bits, a.poison, b.poison);
            // Bits that mean nothing may as well be those of the other side.
            let bits = if means_nothing(arena, a) {
                b.bits
            } else if means_nothing(arena, b) {
                a.bits
            } else {
                arena.choose(condition.bits, a.bits, b.bits)
            };
            Value {
                bits,
                poison: arena.or(condition.poison, chosen),
                undef: arena.choose(condition.bits, a.undef, b.undef),
            }
        };
        match (a, b) {
            (Known::Int(a), Known::Int(b)) => Ok(Known::Int(of(*a, *b))),
            (Known::Pair(a, c), Known::Pair(b, d)) => Ok(Known::Pair(of(*a, *b), of(*c, *d))),
            _ => Err(ReadError::unknown("a choice between pointers")),
        }
    }

    /// The value that came with the edge over which the block was reached.
    fn phi(&mut self, ty: &Type, arms: &[(Operand, String)], label: &str) -> Result<Known, ReadError> {
        let mut chosen: Option<Known> = None;
        for (value, from) in arms {
            let Some(way) = self.edges.get(&(from.clone(), label.to_owned())).copied() else {
                continue;
            };
            let value = self.any(value, ty)?;
            let way = self.value(way, &[]);
            chosen = Some(match chosen {
                Some(other) => self.choose(way, &value, &other)?,
                None => value,
            });
        }
        chosen.ok_or_else(|| ReadError::unknown(&format!("a phi of {label} without an edge")))
    }

    fn offset(&mut self, base: &Operand, stride_bytes: u64, index: &Operand) -> Result<Known, ReadError> {
        let index = self.int(index, 64)?;
        match self.any(base, &Type::Pointer)? {
            Known::Place { table, index: None, .. } => Ok(Known::Place { table, stride_bytes, index: Some(index) }),
            _ => Err(ReadError::unknown("an offset from an offset")),
        }
    }

    /// Reads the input at a fixed place, or a constant table at any.
    fn load(&mut self, width: u32, from: &Operand, reached: Term) -> Result<Value, ReadError> {
        let Known::Place { table, stride_bytes, index } = self.any(from, &Type::Pointer)? else {
            return Err(ReadError::unknown("a load from no place"));
        };
        let start = self.arena().number(0, 64);
        let index = index.unwrap_or(self.value(start, &[]));
        self.fails_if(reached, index.poison);
        let bits = match table {
            Some(table) => self.table(&table, width, stride_bytes, index.bits, reached)?,
            None => {
                let at = self.lifted.arena.as_number(index.bits);
                let at = at.and_then(|at| u64::try_from(at).ok()?.checked_mul(stride_bytes));
                let word = at.filter(|at| at % 8 == 0 && width == 64).map(|at| at / 8);
                match word.and_then(|word| u32::try_from(word).ok()).filter(|w| *w < INPUT_WORDS) {
                    Some(word) => self.arena().unknown(word, 64),
                    None => return Err(ReadError::unknown("a load from the input")),
                }
            }
        };
        Ok(self.value(bits, &[]))
    }

    /// Reads a constant table; past its end is undefined.
    fn table(
        &mut self,
        symbol: &str,
        width: u32,
        stride_bytes: u64,
        index: Term,
        reached: Term,
    ) -> Result<Term, ReadError> {
        let bytes = self.module.table(symbol)?;
        let size = usize::try_from(width / 8).unwrap_or(0);
        let stride = usize::try_from(stride_bytes).unwrap_or(0);
        if size == 0 || !width.is_multiple_of(8) || stride == 0 {
            return Err(ReadError::unknown(&format!("a load of {width} bits from {symbol}")));
        }
        let mut value = self.arena().number(0, width);
        let mut past_the_end = self.arena().truth(true);
        for (at, from) in (0..bytes.len()).step_by(stride).enumerate() {
            let Some(entry) = bytes.get(from..from + size) else {
                break;
            };
            let number = entry.iter().rev().fold(0, |number, byte| number << 8 | u128::from(*byte));
            let (number, at) = (self.arena().number(number, width), self.arena().number(at as u128, 64));
            let is_it = self.arena().two(Op::Eq, index, at);
            value = self.arena().choose(is_it, number, value);
            let is_not = self.arena().not(is_it);
            past_the_end = self.arena().and(past_the_end, is_not);
        }
        self.fails_if(reached, past_the_end);
        Ok(value)
    }

    fn call(
        &mut self,
        callee: &str,
        result: &Type,
        arguments: &[(Type, Operand)],
        reached: Term,
    ) -> Result<Option<Known>, ReadError> {
        let mut values = Vec::new();
        for (ty, operand) in arguments {
            match ty {
                Type::Int(width) => values.push(self.int(operand, *width)?),
                _ => return Err(ReadError::unknown(&format!("a call of {callee}"))),
            }
        }
        let family = callee.rsplit_once(".i").map_or(callee, |(family, _)| family);
        let arena = &mut self.lifted.arena;
        match (family, &values[..], result) {
            ("llvm.expect", [value, _], _) => Ok(Some(Known::Int(*value))),
            ("llvm.assume", [value], _) => {
                let not = arena.not(value.bits);
                let broken = arena.or(value.poison, not);
                self.fails_if(reached, broken);
                Ok(None)
            }
            (_, [a, b], Type::Pair(_, 1)) => {
                let (bits, overflows) = with_overflow(arena, family, a.bits, b.bits)?;
                let poison = [a.poison, b.poison];
                Ok(Some(Known::Pair(self.value(bits, &poison), self.value(overflows, &poison))))
            }
            (_, [a, b], Type::Int(width)) => {
                let bits = of_two(arena, family, a.bits, b.bits, *width)?;
                Ok(Some(Known::Int(self.value(bits, &[a.poison, b.poison]))))
            }
            _ => Err(ReadError::unknown(&format!("a call of {callee}"))),
        }
    }
}

/// Whether an operation only moves bits or masks them.
const fn moves_bits(op: Op) -> bool {
    matches!(op, Op::And | Op::Or | Op::Xor | Op::Shl | Op::Lshr)
}

/// Whether no bit of a value is one.
fn means_nothing(arena: &Arena, value: Value) -> bool {
    let all = ones(arena.width(value.bits));
    arena.as_number(value.poison) == Some(1) || arena.as_number(value.undef) == Some(all)
}

/// Whether a bit from this one on is set.
fn any_bit(arena: &mut Arena, a: Term, from: u32) -> Term {
    let width = arena.width(a) - from;
    let (high, none) = (arena.cut(a, from, width), arena.number(0, width));
    arena.differ(high, none)
}

/// The highest bit.
fn sign(arena: &mut Arena, a: Term) -> Term {
    let width = arena.width(a);
    arena.cut(a, width - 1, 1)
}

/// Whether undoing an operation does not lead back.
fn undone(arena: &mut Arena, undo: Op, result: Term, b: Term, a: Term) -> Vec<Term> {
    let back = arena.two(undo, result, b);
    vec![arena.differ(back, a)]
}

/// Whether a signed sum or difference has left its width: the operands' signs say it must be
/// on one side and the result's that it is on the other.
fn sign_lost(arena: &mut Arena, (a, b): (Term, Term), result: Term, subtracts: bool) -> Term {
    let (x, y, r) = (sign(arena, a), sign(arena, b), sign(arena, result));
    let y = if subtracts { arena.not(y) } else { y };
    let same = arena.two(Op::Eq, x, y);
    let turned = arena.differ(x, r);
    arena.and(same, turned)
}

/// Whether a product taken at twice the width differs from the result.
fn wide_differs(arena: &mut Arena, (a, b): (Term, Term), result: Term, is_signed: bool) -> Result<Term, ReadError> {
    let wide = arena.width(a) * 2;
    if wide > WIDEST {
        return Err(ReadError::unknown("a checked product of more than 64 bits"));
    }
    let mut widen = |term| if is_signed { arena.sign_pad(term, wide) } else { arena.pad(term, wide) };
    let (a, b, result) = (widen(a), widen(b), widen(result));
    let product = arena.two(Op::Mul, a, b);
    Ok(arena.differ(product, result))
}

/// An operation beside whether it overflows.
fn with_overflow(arena: &mut Arena, family: &str, a: Term, b: Term) -> Result<(Term, Term), ReadError> {
    let op = match family {
        "llvm.uadd.with.overflow" => Op::Add,
        "llvm.usub.with.overflow" => Op::Sub,
        "llvm.umul.with.overflow" => Op::Mul,
        _ => return Err(ReadError::unknown(&format!("a call of {family}"))),
    };
    let bits = arena.two(op, a, b);
    let overflows = match op {
        Op::Add => arena.two(Op::Ult, bits, a),
        Op::Sub => arena.two(Op::Ult, a, b),
        _ => wide_differs(arena, (a, b), bits, false)?,
    };
    Ok((bits, overflows))
}

/// A function of two integers.
fn of_two(arena: &mut Arena, family: &str, a: Term, b: Term, width: u32) -> Result<Term, ReadError> {
    let less = arena.two(Op::Ult, a, b);
    Ok(match family {
        "llvm.umin" => arena.choose(less, a, b),
        "llvm.umax" => arena.choose(less, b, a),
        "llvm.usub.sat" => {
            let (rest, none) = (arena.two(Op::Sub, a, b), arena.number(0, width));
            arena.choose(less, none, rest)
        }
        "llvm.uadd.sat" => {
            let (sum, most) = (arena.two(Op::Add, a, b), arena.number(u128::MAX, width));
            let wraps = arena.two(Op::Ult, sum, a);
            arena.choose(wraps, most, sum)
        }
        "llvm.ucmp" => {
            let same = arena.two(Op::Eq, a, b);
            let (lower, equal, higher) =
                (arena.number(u128::MAX, width), arena.number(0, width), arena.number(1, width));
            let not_less = arena.choose(same, equal, higher);
            arena.choose(less, lower, not_less)
        }
        _ => return Err(ReadError::unknown(&format!("a call of {family}"))),
    })
}
