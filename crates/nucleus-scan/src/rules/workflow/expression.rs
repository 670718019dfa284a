//! Conditions of a workflow, read far enough to say whether a stranger can make them true.

/// What a stranger can make of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Possible {
    pub(super) truth: bool,
    pub(super) falsehood: bool,
}

/// Either way.
pub(super) const OPEN: Possible = Possible {
    truth: true,
    falsehood: true,
};
/// Always.
pub(super) const TRUE: Possible = Possible {
    truth: true,
    falsehood: false,
};
/// Never.
pub(super) const FALSE: Possible = Possible {
    truth: false,
    falsehood: true,
};

/// A condition as a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expr {
    Or(Vec<Expr>),
    And(Vec<Expr>),
    Not(Box<Expr>),
    /// Left, right, and whether it asks for equality.
    Compare(Box<Expr>, Box<Expr>, bool),
    Call(String, Vec<Expr>),
    Text(String),
    /// A path into a context, or a bare word.
    Path(String),
}

/// The deepest nesting of brackets that is followed; what is deeper counts as open.
const MAX_DEPTH: usize = 64;

/// Reads a condition. What cannot be read is a path of its own, which is open.
pub(super) fn parse(text: &str) -> Expr {
    let plain = text.replace("${{", " ").replace("}}", " ");
    let tokens = tokens(&plain);
    let mut reader = Reader {
        tokens: &tokens,
        at: 0,
        depth: 0,
    };
    let read = reader.or();
    if reader.at < reader.tokens.len() {
        Expr::And(vec![read, Expr::Path("unread".to_owned())])
    } else {
        read
    }
}

/// Judges a tree; `leaf` says what a comparison, a call or a path can be.
pub(super) fn possible(expr: &Expr, leaf: &dyn Fn(&Expr) -> Possible) -> Possible {
    match expr {
        Expr::Or(parts) => {
            let all: Vec<Possible> = parts.iter().map(|part| possible(part, leaf)).collect();
            Possible {
                truth: all.iter().any(|part| part.truth),
                falsehood: all.iter().all(|part| part.falsehood),
            }
        }
        Expr::And(parts) => {
            let all: Vec<Possible> = parts.iter().map(|part| possible(part, leaf)).collect();
            Possible {
                truth: all.iter().all(|part| part.truth),
                falsehood: all.iter().any(|part| part.falsehood),
            }
        }
        Expr::Not(inner) => {
            let inner = possible(inner, leaf);
            Possible {
                truth: inner.falsehood,
                falsehood: inner.truth,
            }
        }
        other => leaf(other),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Text(String),
    Word(String),
    Sign(&'static str),
}

fn tokens(text: &str) -> Vec<Token> {
    const SIGNS: &[&str] = &[
        "&&", "||", "==", "!=", ">=", "<=", "!", "(", ")", ",", ">", "<",
    ];
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c.is_whitespace() {
            rest = &rest[c.len_utf8()..];
        } else if c == '\'' {
            let (value, after) = quoted(&rest[1..]);
            out.push(Token::Text(value));
            rest = after;
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            out.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else {
            let end = rest
                .find(|c: char| c.is_whitespace() || "&|=!<>(),'".contains(c))
                .unwrap_or(rest.len())
                .max(c.len_utf8());
            out.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
    }
    out
}

/// Up to the closing quote; a doubled quote is one.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\'') {
        value.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => {
                value.push('\'');
                rest = after;
            }
            None => return (value, rest),
        }
    }
    value.push_str(rest);
    (value, "")
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Sign(next)) if *next == sign);
        self.at += usize::from(found);
        found
    }

    fn or(&mut self) -> Expr {
        let mut parts = vec![self.and()];
        while self.take("||") {
            parts.push(self.and());
        }
        single(parts, Expr::Or)
    }

    fn and(&mut self) -> Expr {
        let mut parts = vec![self.compare()];
        while self.take("&&") {
            parts.push(self.compare());
        }
        single(parts, Expr::And)
    }

    fn compare(&mut self) -> Expr {
        let left = self.unary();
        for (sign, equal) in [("==", true), ("!=", false)] {
            if self.take(sign) {
                let right = self.unary();
                return Expr::Compare(Box::new(left), Box::new(right), equal);
            }
        }
        if [">=", "<=", ">", "<"].iter().any(|sign| self.take(sign)) {
            self.unary();
            return Expr::Path("unread".to_owned());
        }
        left
    }

    fn unary(&mut self) -> Expr {
        if self.depth >= MAX_DEPTH {
            self.at = self.tokens.len();
            return Expr::Path("unread".to_owned());
        }
        self.depth += 1;
        let read = if self.take("!") {
            Expr::Not(Box::new(self.unary()))
        } else {
            self.primary()
        };
        self.depth -= 1;
        read
    }

    fn primary(&mut self) -> Expr {
        if self.take("(") {
            let inner = self.or();
            self.take(")");
            return inner;
        }
        match self.tokens.get(self.at).cloned() {
            Some(Token::Text(text)) => {
                self.at += 1;
                Expr::Text(text)
            }
            Some(Token::Word(word)) => {
                self.at += 1;
                if self.take("(") {
                    Expr::Call(word.to_ascii_lowercase(), self.arguments())
                } else {
                    Expr::Path(word)
                }
            }
            Some(Token::Sign(_)) | None => {
                self.at += 1;
                Expr::Path("unread".to_owned())
            }
        }
    }

    fn arguments(&mut self) -> Vec<Expr> {
        let mut arguments = Vec::new();
        while self.at < self.tokens.len() && !self.take(")") {
            arguments.push(self.or());
            self.take(",");
        }
        arguments
    }
}

fn single(mut parts: Vec<Expr>, many: impl Fn(Vec<Expr>) -> Expr) -> Expr {
    if parts.len() == 1 {
        parts.remove(0)
    } else {
        many(parts)
    }
}
