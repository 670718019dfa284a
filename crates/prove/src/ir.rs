//! Reads the compiler's textual output into typed instructions; text it does not know is an error, never skipped.
//!
//! Only the functions asked for are read: integers, pairs of integers, and pointers
//! to the input and to constant tables.

use std::collections::HashMap;

use crate::lex::{Cursor, ReadError, lex};
use crate::term::Op;

/// A function of the compiler's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// The name of its one parameter, a pointer to the input.
    pub parameter: String,
    /// Its blocks; the first is where it starts.
    pub blocks: Vec<Block>,
}

/// Instructions without a branch among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its name.
    pub label: String,
    /// What it computes, each under a name.
    pub steps: Vec<(Option<String>, Step)>,
    /// Where it goes.
    pub end: End,
}

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// An integer of this many bits.
    Int(u32),
    /// A pointer.
    Pointer,
    /// Integers of these widths side by side.
    Pair(u32, u32),
    /// Bytes of a table.
    Bytes(u64),
    /// Nothing.
    Void,
}

/// A value that an instruction uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// What another instruction computed, or the parameter.
    Local(String),
    /// A table.
    Global(String),
    /// A number.
    Number(u128),
    /// A value that must not decide anything, and spoils whatever is computed from it.
    Poison,
    /// Any bits, and others at each use.
    Undef,
}

/// What an operation promises, and is poison where that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, clippy::struct_excessive_bools, reason = "LLVM's flags, by their names")]
pub struct Flags {
    pub nuw: bool,
    pub nsw: bool,
    pub exact: bool,
    pub disjoint: bool,
    pub nneg: bool,
    pub samesign: bool,
}

/// A comparison: how, and whether its answer is turned round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Test {
    /// Equal or less.
    pub op: Op,
    /// Whether the operands are exchanged.
    pub swaps: bool,
    /// Whether the answer is negated.
    pub negates: bool,
}

/// How an integer changes its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "LLVM's casts, by their names")]
pub enum Cast {
    Zext,
    Sext,
    Trunc,
}

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "LLVM's instructions, by their names")]
pub enum Step {
    Two(Op, Flags, u32, Operand, Operand),
    Compare(Test, Flags, u32, Operand, Operand),
    Cast(Cast, Flags, u32, Operand, u32),
    Freeze(u32, Operand),
    Select(Operand, Type, Operand, Operand),
    Phi(Type, Vec<(Operand, String)>),
    /// The address `stride_bytes * index` past a base.
    Offset {
        base: Operand,
        stride_bytes: u64,
        index: Operand,
    },
    Load(u32, Operand),
    Call {
        callee: String,
        result: Type,
        arguments: Vec<(Type, Operand)>,
    },
    Extract(Operand, usize),
    Insert(Type, Operand, Operand, usize),
}

/// The last instruction of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "LLVM's terminators, by their names")]
pub enum End {
    Jump(String),
    Branch(Operand, String, String),
    Switch(u32, Operand, String, Vec<(u128, String)>),
    Return(u32, Operand),
    Unreachable,
}

/// The text of functions and tables of a module, by their symbols.
#[derive(Debug)]
pub struct Module<'a> {
    functions: HashMap<String, &'a str>,
    aliases: HashMap<String, String>,
    tables: HashMap<String, &'a str>,
}

impl<'a> Module<'a> {
    /// Finds where each function and table stands; their text is read when asked for.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        let mut module = Self { functions: HashMap::new(), aliases: HashMap::new(), tables: HashMap::new() };
        let mut from = 0;
        for line in text.split_inclusive('\n') {
            if line.starts_with("define ") {
                let length = text[from..].find("\n}").map_or(text.len() - from, |end| end + 2);
                if let Some(symbol) = symbol_in(line) {
                    module.functions.insert(symbol, &text[from..from + length]);
                }
            } else if line.starts_with('@') {
                module.global(line);
            }
            from += line.len();
        }
        module
    }

    fn global(&mut self, line: &'a str) {
        let Some((symbol, value)) = symbol_in(line).zip(line.split_once(" = ")) else {
            return;
        };
        // An alias has only attributes before that word, and no constant or quoted text.
        let is_word = |word: &str| word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        let alias = value.1.split_once("alias ").filter(|(before, _)| before.split(' ').all(is_word));
        match alias {
            Some((_, target)) => {
                if let Some(target) = symbol_in(target) {
                    self.aliases.insert(symbol, target);
                }
            }
            None => {
                self.tables.insert(symbol, value.1);
            }
        }
    }

    /// The symbols of functions and of their other names.
    pub fn symbols(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().chain(self.aliases.keys()).map(String::as_str)
    }

    /// The function with this symbol.
    ///
    /// # Errors
    /// [`ReadError`] for text that is not known.
    pub fn function(&self, symbol: &str) -> Result<Function, ReadError> {
        let symbol = self.aliases.get(symbol).map_or(symbol, String::as_str);
        match self.functions.get(symbol) {
            Some(text) => function(text),
            None => Err(ReadError::missing(symbol)),
        }
    }

    /// The bytes of the constant table with this symbol.
    ///
    /// # Errors
    /// [`ReadError`] where it is no table of constant bytes.
    pub fn table(&self, symbol: &str) -> Result<Vec<u8>, ReadError> {
        let text = self.tables.get(symbol).ok_or_else(|| ReadError::missing(symbol))?;
        let is_constant = text.contains(" constant ");
        let bytes = text.split_once("c\"").and_then(|(_, rest)| rest.split_once('"'));
        match bytes {
            Some((bytes, _)) if is_constant => unescaped(bytes),
            _ => Err(ReadError::unknown(text)),
        }
    }
}

/// The symbol after the first `@` of a line.
fn symbol_in(line: &str) -> Option<String> {
    let rest = &line[line.find('@')? + 1..];
    if let Some(quoted) = rest.strip_prefix('"') {
        return quoted.split_once('"').map(|(symbol, _)| symbol.to_owned());
    }
    let length = rest.find(|c: char| !(c.is_alphanumeric() || "_.$-".contains(c)))?;
    Some(rest[..length].to_owned())
}

/// The bytes of a string constant: two hexadecimal digits after each backslash.
fn unescaped(text: &str) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes().iter();
    while let Some(byte) = rest.next() {
        if *byte != b'\\' {
            bytes.push(*byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|d| char::from(*d).to_digit(16));
        match digit().zip(digit()) {
            Some((high, low)) => bytes.push((high * 16 + low) as u8),
            None => return Err(ReadError::unknown(text)),
        }
    }
    Ok(bytes)
}

/// Reads the text of one function.
fn function(text: &str) -> Result<Function, ReadError> {
    let (head, body) = text.split_once("{\n").ok_or_else(|| ReadError::unknown(text))?;
    let mut blocks: Vec<Block> = Vec::new();
    let mut steps = Vec::new();
    let mut label = "start".to_owned();
    let mut lines = body.lines();
    while let Some(line) = lines.next() {
        let mut line = line.to_owned();
        if line.ends_with('[') {
            for more in lines.by_ref() {
                line.push_str(more);
                if more.trim() == "]" {
                    break;
                }
            }
        }
        let tokens = lex(&line)?;
        let mut cursor = Cursor::new(&tokens, &line);
        if cursor.is_at_end() || line == "}" {
            continue;
        }
        if !line.starts_with(' ') {
            label = cursor.label()?;
            continue;
        }
        match instruction(&mut cursor)? {
            Either::Step(name, step) => steps.push((name, step)),
            Either::End(end) => blocks.push(Block { label: label.clone(), steps: std::mem::take(&mut steps), end }),
            Either::Nothing => {}
        }
        cursor.finish()?;
    }
    Ok(Function { parameter: parameter(head)?, blocks })
}

/// The name of the one parameter.
fn parameter(head: &str) -> Result<String, ReadError> {
    let from = head.find("(ptr ").ok_or_else(|| ReadError::unknown(head))?;
    let names: Vec<&str> = head[from..].split('%').skip(1).collect();
    match names[..] {
        [name] => Ok(name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()),
        _ => Err(ReadError::unknown(head)),
    }
}

enum Either {
    Step(Option<String>, Step),
    End(End),
    Nothing,
}

/// Reads one instruction.
fn instruction(cursor: &mut Cursor<'_>) -> Result<Either, ReadError> {
    let name = cursor.assigned();
    while cursor.eat("tail") || cursor.eat("notail") {}
    let word = cursor.word()?;
    if let Some(end) = terminator(&word, cursor)? {
        return Ok(Either::End(end));
    }
    if word == "call" {
        return call(name, cursor);
    }
    let step = match word.as_str() {
        "icmp" => compare(cursor)?,
        "zext" | "sext" | "trunc" => cast(&word, cursor)?,
        "freeze" => {
            let width = cursor.int()?;
            Step::Freeze(width, cursor.operand(width)?)
        }
        "select" => select(cursor)?,
        "phi" => phi(cursor)?,
        "getelementptr" => offset(cursor)?,
        "load" => load(cursor)?,
        "extractvalue" => {
            let (_, pair) = cursor.typed()?;
            cursor.expect(",")?;
            Step::Extract(pair, cursor.place()?)
        }
        "insertvalue" => {
            let (ty, pair) = cursor.typed()?;
            cursor.expect(",")?;
            let (_, value) = cursor.typed()?;
            cursor.expect(",")?;
            Step::Insert(ty, pair, value, cursor.place()?)
        }
        _ => two(&word, cursor)?,
    };
    cursor.metadata()?;
    Ok(Either::Step(name, step))
}

fn two(word: &str, cursor: &mut Cursor<'_>) -> Result<Step, ReadError> {
    let op = match word {
        "and" => Op::And,
        "or" => Op::Or,
        "xor" => Op::Xor,
        "add" => Op::Add,
        "sub" => Op::Sub,
        "mul" => Op::Mul,
        "udiv" => Op::Udiv,
        "urem" => Op::Urem,
        "shl" => Op::Shl,
        "lshr" => Op::Lshr,
        "ashr" => Op::Ashr,
        _ => return Err(cursor.unknown()),
    };
    let flags = cursor.flags();
    let (width, a, b) = cursor.two_operands()?;
    Ok(Step::Two(op, flags, width, a, b))
}

fn compare(cursor: &mut Cursor<'_>) -> Result<Step, ReadError> {
    let flags = cursor.flags();
    let (op, swaps, negates) = match cursor.word()?.as_str() {
        "eq" => (Op::Eq, false, false),
        "ne" => (Op::Eq, false, true),
        "ult" => (Op::Ult, false, false),
        "ugt" => (Op::Ult, true, false),
        "uge" => (Op::Ult, false, true),
        "ule" => (Op::Ult, true, true),
        "slt" => (Op::Slt, false, false),
        "sgt" => (Op::Slt, true, false),
        "sge" => (Op::Slt, false, true),
        "sle" => (Op::Slt, true, true),
        _ => return Err(cursor.unknown()),
    };
    let (width, a, b) = cursor.two_operands()?;
    Ok(Step::Compare(Test { op, swaps, negates }, flags, width, a, b))
}

fn cast(word: &str, cursor: &mut Cursor<'_>) -> Result<Step, ReadError> {
    let flags = cursor.flags();
    let cast = match word {
        "zext" => Cast::Zext,
        "sext" => Cast::Sext,
        _ => Cast::Trunc,
    };
    let from = cursor.int()?;
    let a = cursor.operand(from)?;
    cursor.expect("to")?;
    Ok(Step::Cast(cast, flags, from, a, cursor.int()?))
}

fn select(cursor: &mut Cursor<'_>) -> Result<Step, ReadError> {
    let width = cursor.int()?;
    let condition = cursor.operand(width)?;
    cursor.expect(",")?;
    let (ty, a) = cursor.typed()?;
    cursor.expect(",")?;
    let (_, b) = cursor.typed()?;
    Ok(Step::Select(condition, ty, a, b))
}

fn phi(cursor: &mut Cursor<'_>) -> Result<Step, ReadError> {
    let ty = cursor.ty()?;
    let mut arms = Vec::new();
    loop {
        cursor.expect("[")?;
        let value = cursor.operand_of(&ty)?;
        cursor.expect(",")?;
        arms.push((value, cursor.local()?));
        cursor.expect("]")?;
        if !cursor.eat_before(",", "[") {
            return Ok(Step::Phi(ty, arms));
        }
    }
}

fn offset(cursor: &mut Cursor<'_>) -> Result<Step, ReadError> {
    while ["inbounds", "nuw", "nusw"].iter().any(|flag| cursor.eat(flag)) {}
    let stride_bytes = match cursor.ty()? {
        Type::Int(bits) if bits % 8 == 0 => u64::from(bits / 8),
        Type::Bytes(bytes) => bytes,
        _ => return Err(cursor.unknown()),
    };
    cursor.expect(",")?;
    let (_, base) = cursor.typed()?;
    cursor.expect(",")?;
    match cursor.typed()? {
        (Type::Int(64), index) => Ok(Step::Offset { base, stride_bytes, index }),
        _ => Err(cursor.unknown()),
    }
}

fn load(cursor: &mut Cursor<'_>) -> Result<Step, ReadError> {
    let width = cursor.int()?;
    cursor.expect(",")?;
    let (_, from) = cursor.typed()?;
    cursor.expect(",")?;
    cursor.expect("align")?;
    cursor.place()?;
    Ok(Step::Load(width, from))
}

/// Calls that only inform the optimiser are nothing; all others are kept.
fn call(name: Option<String>, cursor: &mut Cursor<'_>) -> Result<Either, ReadError> {
    cursor.attributes();
    let result = cursor.ty()?;
    let callee = cursor.global()?;
    let informs = ["llvm.experimental.noalias.scope.decl", "llvm.lifetime.start.p0", "llvm.lifetime.end.p0"];
    if informs.contains(&callee.as_str()) {
        cursor.skip();
        return Ok(Either::Nothing);
    }
    let mut arguments = Vec::new();
    cursor.expect("(")?;
    while !cursor.eat(")") {
        let ty = cursor.ty()?;
        cursor.attributes();
        let value = cursor.operand_of(&ty)?;
        arguments.push((ty, value));
        cursor.eat(",");
    }
    cursor.attributes();
    cursor.metadata()?;
    Ok(Either::Step(name, Step::Call { callee, result, arguments }))
}

fn terminator(word: &str, cursor: &mut Cursor<'_>) -> Result<Option<End>, ReadError> {
    let end = match word {
        "unreachable" => End::Unreachable,
        "ret" => {
            let width = cursor.int()?;
            End::Return(width, cursor.operand(width)?)
        }
        "br" if cursor.eat("label") => End::Jump(cursor.local()?),
        "br" => {
            let width = cursor.int()?;
            let condition = cursor.operand(width)?;
            cursor.expect(",")?;
            cursor.expect("label")?;
            let yes = cursor.local()?;
            cursor.expect(",")?;
            cursor.expect("label")?;
            End::Branch(condition, yes, cursor.local()?)
        }
        "switch" => switch(cursor)?,
        _ => return Ok(None),
    };
    cursor.metadata()?;
    Ok(Some(end))
}

fn switch(cursor: &mut Cursor<'_>) -> Result<End, ReadError> {
    let width = cursor.int()?;
    let value = cursor.operand(width)?;
    cursor.expect(",")?;
    cursor.expect("label")?;
    let other = cursor.local()?;
    cursor.expect("[")?;
    let mut arms = Vec::new();
    while !cursor.eat("]") {
        let width = cursor.int()?;
        let Operand::Number(number) = cursor.operand(width)? else {
            return Err(cursor.unknown());
        };
        cursor.expect(",")?;
        cursor.expect("label")?;
        arms.push((number, cursor.local()?));
    }
    Ok(End::Switch(width, value, other, arms))
}
