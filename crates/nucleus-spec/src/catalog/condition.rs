//! Conditions on one argument of a call, under which its effects are narrower.

use super::sql::is_read;

/// What an argument must be. An argument that is there but is no text satisfies none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It is not given.
    Absent,
    /// It is one of these words, compared without regard to case.
    OneOf(Vec<String>),
    /// It is one SQL statement that only reads, by an allow list of words and functions.
    SqlRead,
}

/// An argument as a call gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given<'a> {
    Nothing,
    Text(&'a str),
    Other,
}

impl Condition {
    pub(crate) fn holds(&self, given: Given<'_>) -> bool {
        match (self, given) {
            (Self::Absent, Given::Nothing) => true,
            (Self::OneOf(words), Given::Text(text)) => {
                words.iter().any(|word| word.eq_ignore_ascii_case(text))
            }
            (Self::SqlRead, Given::Text(text)) => is_read(text),
            // FAIL-CLOSED: a number, a list or an object is not understood here.
            _ => false,
        }
    }
}
