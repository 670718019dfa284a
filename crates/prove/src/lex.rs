//! Splits a line of the compiler's output into words, and reads types, operands and flags off them.

use crate::ir::{Flags, Operand, Type};
use crate::term::ones;

/// Text that is not known: the verdict on it is an error, never a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError(String);

impl ReadError {
    /// Text that is not known.
    #[must_use]
    pub fn unknown(text: &str) -> Self {
        let short: String = text.trim().chars().take(160).collect();
        Self(format!("unknown text `{short}`"))
    }

    /// A symbol that the output does not define.
    #[must_use]
    pub fn missing(symbol: &str) -> Self {
        Self(format!("nothing is defined as `{symbol}`"))
    }
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ReadError {}

/// One word of a line: a name with its sign, a number, or one other character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token(String);

/// The words of a line, without its comment.
///
/// # Errors
/// [`ReadError`] for a quote that does not end.
pub fn lex(line: &str) -> Result<Vec<Token>, ReadError> {
    let mut tokens = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next().filter(|c| *c != ';') {
        let sign = usize::from("%@!#-".contains(first));
        let length = match rest[sign..].strip_prefix('"') {
            Some(quoted) => {
                let end = quoted.find('"').ok_or_else(|| ReadError::unknown(line))?;
                sign + end + 2
            }
            None => {
                let is_name = |c: char| c.is_alphanumeric() || "_.$-".contains(c);
                let name = rest[sign..].find(|c| !is_name(c)).unwrap_or(rest.len() - sign);
                (sign + name).max(first.len_utf8())
            }
        };
        tokens.push(Token(rest[..length].replace('"', "")));
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// Reads a line word by word.
#[derive(Debug)]
pub struct Cursor<'a> {
    tokens: &'a [Token],
    line: &'a str,
}

impl<'a> Cursor<'a> {
    /// A cursor at the first word.
    #[must_use]
    pub const fn new(tokens: &'a [Token], line: &'a str) -> Self {
        Self { tokens, line }
    }

    fn peek(&self, ahead: usize) -> &'a str {
        self.tokens.get(ahead).map_or("", |token| token.0.as_str())
    }

    /// Whether no word is left.
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The error for this line.
    #[must_use]
    pub fn unknown(&self) -> ReadError {
        ReadError::unknown(self.line)
    }

    /// The next word.
    ///
    /// # Errors
    /// [`ReadError`] when none is left.
    pub fn word(&mut self) -> Result<String, ReadError> {
        let (first, rest) = self.tokens.split_first().ok_or_else(|| self.unknown())?;
        self.tokens = rest;
        Ok(first.0.clone())
    }

    /// Takes the word if it is the next.
    pub fn eat(&mut self, word: &str) -> bool {
        let is_next = !self.is_at_end() && self.peek(0) == word;
        if is_next {
            self.tokens = &self.tokens[1..];
        }
        is_next
    }

    /// Takes the word if it is the next and the other follows it.
    pub fn eat_before(&mut self, word: &str, after: &str) -> bool {
        self.peek(1) == after && self.eat(word)
    }

    /// Takes the word.
    ///
    /// # Errors
    /// [`ReadError`] when another is next.
    pub fn expect(&mut self, word: &str) -> Result<(), ReadError> {
        if self.eat(word) { Ok(()) } else { Err(self.unknown()) }
    }

    /// Takes all that is left.
    pub const fn skip(&mut self) {
        self.tokens = &[];
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// [`ReadError`] when something is.
    pub fn finish(&self) -> Result<(), ReadError> {
        if self.is_at_end() { Ok(()) } else { Err(self.unknown()) }
    }

    /// The label that a line names.
    ///
    /// # Errors
    /// [`ReadError`] when it names none.
    pub fn label(&mut self) -> Result<String, ReadError> {
        let label = self.word()?;
        self.expect(":")?;
        Ok(label)
    }

    /// The name that the line assigns to, if it does.
    pub fn assigned(&mut self) -> Option<String> {
        let name = self.peek(0).strip_prefix('%').filter(|_| self.peek(1) == "=")?;
        self.tokens = &self.tokens[2..];
        Some(name.to_owned())
    }

    /// A type.
    ///
    /// # Errors
    /// [`ReadError`] for one that is not known.
    pub fn ty(&mut self) -> Result<Type, ReadError> {
        match self.word()?.as_str() {
            "ptr" => Ok(Type::Pointer),
            "void" => Ok(Type::Void),
            "{" => {
                let first = self.int()?;
                self.expect(",")?;
                let second = self.int()?;
                self.expect("}")?;
                Ok(Type::Pair(first, second))
            }
            "[" => {
                let count = self.word()?.parse().map_err(|_| self.unknown())?;
                self.expect("x")?;
                self.expect("i8")?;
                self.expect("]")?;
                Ok(Type::Bytes(count))
            }
            word => match word.strip_prefix('i').and_then(|bits| bits.parse().ok()) {
                Some(bits @ 1..=128) => Ok(Type::Int(bits)),
                _ => Err(self.unknown()),
            },
        }
    }

    /// The width of an integer type.
    ///
    /// # Errors
    /// [`ReadError`] for any other type.
    pub fn int(&mut self) -> Result<u32, ReadError> {
        match self.ty()? {
            Type::Int(width) => Ok(width),
            _ => Err(self.unknown()),
        }
    }

    /// A value of an integer type.
    ///
    /// # Errors
    /// [`ReadError`] for one that is not known.
    pub fn operand(&mut self, width: u32) -> Result<Operand, ReadError> {
        let word = self.word()?;
        if let Some(name) = word.strip_prefix('%') {
            return Ok(Operand::Local(name.to_owned()));
        }
        if let Some(name) = word.strip_prefix('@') {
            return Ok(Operand::Global(name.to_owned()));
        }
        match word.as_str() {
            "true" => Ok(Operand::Number(1)),
            "false" => Ok(Operand::Number(0)),
            "poison" => Ok(Operand::Poison),
            "undef" => Ok(Operand::Undef),
            number => {
                let unsigned = number.parse::<u128>().ok();
                let number = unsigned.or_else(|| Some(number.parse::<i128>().ok()? as u128));
                number.map(|n| Operand::Number(n & ones(width))).ok_or_else(|| self.unknown())
            }
        }
    }

    /// A value of this type.
    ///
    /// # Errors
    /// [`ReadError`] for one that is not known.
    pub fn operand_of(&mut self, ty: &Type) -> Result<Operand, ReadError> {
        self.operand(if let Type::Int(width) = ty { *width } else { 0 })
    }

    /// A type and a value of it.
    ///
    /// # Errors
    /// [`ReadError`] for what is not known.
    pub fn typed(&mut self) -> Result<(Type, Operand), ReadError> {
        let ty = self.ty()?;
        let value = self.operand_of(&ty)?;
        Ok((ty, value))
    }

    /// An integer type and two values of it.
    ///
    /// # Errors
    /// [`ReadError`] for what is not known.
    pub fn two_operands(&mut self) -> Result<(u32, Operand, Operand), ReadError> {
        let width = self.int()?;
        let a = self.operand(width)?;
        self.expect(",")?;
        Ok((width, a, self.operand(width)?))
    }

    /// A name of this function.
    ///
    /// # Errors
    /// [`ReadError`] for anything else.
    pub fn local(&mut self) -> Result<String, ReadError> {
        let word = self.word()?;
        word.strip_prefix('%').map(str::to_owned).ok_or_else(|| self.unknown())
    }

    /// A name of the module.
    ///
    /// # Errors
    /// [`ReadError`] for anything else.
    pub fn global(&mut self) -> Result<String, ReadError> {
        let word = self.word()?;
        word.strip_prefix('@').map(str::to_owned).ok_or_else(|| self.unknown())
    }

    /// A small number.
    ///
    /// # Errors
    /// [`ReadError`] for anything else.
    pub fn place(&mut self) -> Result<usize, ReadError> {
        self.word()?.parse().map_err(|_| self.unknown())
    }

    /// The flags of an operation.
    pub fn flags(&mut self) -> Flags {
        let mut flags = Flags::default();
        loop {
            let flag = match self.peek(0) {
                "nuw" => &mut flags.nuw,
                "nsw" => &mut flags.nsw,
                "exact" => &mut flags.exact,
                "disjoint" => &mut flags.disjoint,
                "nneg" => &mut flags.nneg,
                "samesign" => &mut flags.samesign,
                _ => return flags,
            };
            *flag = true;
            self.tokens = &self.tokens[1..];
        }
    }

    /// Takes attributes of calls and arguments that promise nothing about integers.
    pub fn attributes(&mut self) {
        const PLAIN: [&str; 6] = ["noundef", "noalias", "readonly", "zeroext", "nonnull", "noreturn"];
        const WITH_PARENTHESES: [&str; 2] = ["captures", "dereferenceable"];
        loop {
            if PLAIN.contains(&self.peek(0)) || self.peek(0).starts_with('#') {
                self.tokens = &self.tokens[1..];
            } else if WITH_PARENTHESES.contains(&self.peek(0)) {
                let end = self.tokens.iter().position(|token| token.0 == ")");
                self.tokens = &self.tokens[end.map_or(self.tokens.len(), |end| end + 1)..];
            } else if self.peek(0) == "align" {
                self.tokens = &self.tokens[self.tokens.len().min(2)..];
            } else {
                return;
            }
        }
    }

    /// Takes metadata that promises nothing about the value.
    ///
    /// # Errors
    /// [`ReadError`] for any other, `!range` among them.
    pub fn metadata(&mut self) -> Result<(), ReadError> {
        const KNOWN: [&str; 7] = ["!noalias", "!alias.scope", "!noundef", "!prof", "!unpredictable", "!dbg", "!tbaa"];
        while self.peek(0) == "," && KNOWN.contains(&self.peek(1)) {
            self.tokens = &self.tokens[self.tokens.len().min(3)..];
        }
        Ok(())
    }
}
