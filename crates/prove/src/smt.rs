//! Writes a law as an SMT-LIB script, so that solvers of others can be asked the same question.

use std::fmt::Write;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::emit::Failure;
use crate::lift::Lifted;
use crate::term::{Node, Op, Term};

/// A solver that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Other {
    /// Microsoft's.
    Z3,
    /// Of Stanford and Iowa.
    Cvc5,
}

impl Other {
    /// The name of its program.
    #[must_use]
    pub const fn program(self) -> &'static str {
        match self {
            Self::Z3 => "z3",
            Self::Cvc5 => "cvc5",
        }
    }

    /// How it is called to read a script; 8 seconds a law, which few need.
    const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Z3 => &["-smt2", "-in", "-T:8"],
            Self::Cvc5 => &["--quiet", "--lang=smt2", "--tlimit=8000"],
        }
    }
}

/// What another solver says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// No input breaks it.
    Agrees,
    /// It ran out of time, or does not know.
    Silent,
    /// It found an input, or did not understand the question.
    Differs(String),
}

/// The question whether some input breaks the law.
#[must_use]
pub fn script(lifted: &Lifted) -> String {
    let mut text = "(set-logic QF_BV)\n".to_owned();
    for term in lifted.arena.cone(&[lifted.fails]) {
        let width = lifted.arena.width(term);
        let (name, is_new) = match lifted.arena.node(term) {
            Node::Unknown(_) => ("declare-const", true),
            _ => ("define-fun", false),
        };
        let parameters = if is_new { "" } else { " ()" };
        let body = body(lifted, term);
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "({name} t{}{parameters} (_ BitVec {width}) {body})", term.number());
    }
    let _ = write!(text, "(assert (= t{} #b1))\n(check-sat)\n", lifted.fails.number());
    text.replace(") )\n", "))\n")
}

/// What a term is, in SMT-LIB.
fn body(lifted: &Lifted, term: Term) -> String {
    let arena = &lifted.arena;
    let width = arena.width(term);
    let name = |part: Term| format!("t{}", part.number());
    match arena.node(term) {
        Node::Unknown(_) => String::new(),
        Node::Number(number) => format!("(_ bv{number} {width})"),
        Node::Not(a) => format!("(bvnot {})", name(a)),
        Node::Choose(c, a, b) => format!("(ite (= {} #b1) {} {})", name(c), name(a), name(b)),
        Node::Cut(a, low) => format!("((_ extract {} {low}) {})", low + width - 1, name(a)),
        Node::Pad(a) => format!("((_ zero_extend {}) {})", width - arena.width(a), name(a)),
        Node::SignPad(a) => format!("((_ sign_extend {}) {})", width - arena.width(a), name(a)),
        Node::Two(op, a, b) => match op {
            Op::Eq | Op::Ult | Op::Slt => format!("(ite ({} {} {}) #b1 #b0)", operator(op), name(a), name(b)),
            _ => format!("({} {} {})", operator(op), name(a), name(b)),
        },
    }
}

const fn operator(op: Op) -> &'static str {
    match op {
        Op::And => "bvand",
        Op::Or => "bvor",
        Op::Xor => "bvxor",
        Op::Add => "bvadd",
        Op::Sub => "bvsub",
        Op::Mul => "bvmul",
        Op::Udiv => "bvudiv",
        Op::Urem => "bvurem",
        Op::Shl => "bvshl",
        Op::Lshr => "bvlshr",
        Op::Ashr => "bvashr",
        Op::Eq => "=",
        Op::Ult => "bvult",
        Op::Slt => "bvslt",
    }
}

/// What another solver says to a script.
///
/// # Errors
/// When it cannot be run.
pub fn ask(other: Other, script: &str) -> Result<Opinion, Failure> {
    let mut command = Command::new(other.program());
    let mut child = command.args(other.arguments()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().ok_or("no input")?;
    // A solver that stopped reading says why in its answer.
    let _ = input.write_all(script.as_bytes());
    drop(input);
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(match text.lines().next().unwrap_or_default().trim() {
        "unsat" => Opinion::Agrees,
        "" | "unknown" | "timeout" => Opinion::Silent,
        answer if answer.contains("timeout") => Opinion::Silent,
        answer => Opinion::Differs(answer.to_owned()),
    })
}
