//! Holds what a law is, and the one macro that makes a predicate into a law.

use crate::args::Words;

/// What a law says of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Answer {
    /// The law is broken.
    Fails = 0,
    /// The law holds of this input.
    Holds = 1,
    /// The words are not well formed, or the premise is not met.
    Outside = 2,
}

impl Answer {
    /// `Holds` exactly when the predicate is true.
    #[inline]
    #[must_use]
    pub const fn of(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Fails }
    }
}

/// Which numbers are well formed in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Less than this.
    Below(u64),
    /// Any set of this many members.
    Set(u32),
    /// Twelve levels, two bits each.
    Levels,
    /// Any number.
    Number,
}

impl Shape {
    /// How many numbers are well formed; `None` for all of them.
    #[must_use]
    pub const fn size(self) -> Option<u64> {
        match self {
            Self::Below(bound) => Some(bound),
            Self::Set(members) => Some(1 << members),
            Self::Levels => Some(3u64.pow(12)),
            Self::Number => None,
        }
    }
}

/// One law: its name, its public claim and the predicate itself.
#[derive(Clone, Copy, Debug)]
pub struct Law {
    /// `law_…`, the name everywhere.
    pub name: &'static str,
    /// The sentences of its documentation.
    pub claim: &'static str,
    /// The module it is written in.
    pub topic: &'static str,
    /// What it says of these words.
    pub judge: fn(&Words) -> Answer,
    /// The shape of each word it reads, in order.
    pub shapes: fn() -> Vec<Shape>,
    /// The words as the values they stand for, for a person.
    pub show: fn(&Words) -> String,
}

/// Declares statements: `name(a: A, b: B) when (premise) { predicate }`, the premise optional.
///
/// Each becomes a function over [`Words`] that is kept out of line, so that the
/// compiler's output holds it under its name, and an entry of the module's `LAWS`.
macro_rules! statements {
    ($(
        $(#[doc = $claim:literal])+
        $name:ident($($arg:ident: $type:ty),+ $(,)?) $(when ($premise:expr))? $body:block
    )+) => {
        $(
            $(#[doc = $claim])+
            #[inline(never)]
            #[must_use]
            pub fn $name(words: &$crate::Words) -> $crate::Answer {
                let mut reader = $crate::Reader::new(words, 0);
                $(let Some($arg) = reader.arg::<$type>() else {
                    return $crate::Answer::Outside;
                };)+
                $(if !$premise {
                    return $crate::Answer::Outside;
                })?
                let holds = move || -> bool { $body };
                $crate::Answer::of(holds())
            }
        )+

        /// The statements of this module.
        pub const LAWS: &[$crate::Law] = &[$($crate::Law {
            name: stringify!($name),
            claim: concat!($($claim),+),
            topic: module_path!(),
            judge: $name,
            shapes: || {
                let mut shapes = Vec::new();
                $(<$type as $crate::Arg>::shapes(&mut shapes);)+
                shapes
            },
            show: |words| {
                let mut reader = $crate::Reader::new(words, 0);
                let mut shown = Vec::new();
                $(match reader.arg::<$type>() {
                    Some(value) => shown.push(format!("{} = {value:?}", stringify!($arg))),
                    None => shown.push(format!("{} is ill-formed", stringify!($arg))),
                })+
                shown.join(", ")
            },
        }),+];
    };
}
pub(crate) use statements;

/// Declares laws: statements that are also property tests and, under Kani, harnesses.
macro_rules! laws {
    ($(
        $(#[doc = $claim:literal])+
        $name:ident($($arg:ident: $type:ty),+ $(,)?) $(when ($premise:expr))? $body:block
    )+) => {
        $crate::law::statements! {$(
            $(#[doc = $claim])+
            $name($($arg: $type),+) $(when ($premise))? $body
        )+}

        #[cfg(test)]
        mod tests {
            $(#[test]
            fn $name() {
                $crate::sample::check(super::LAWS, stringify!($name));
            })+
        }

        #[cfg(kani)]
        mod harness {
            $(#[kani::proof]
            fn $name() {
                let words: $crate::Words = kani::any();
                assert!(super::$name(&words) != $crate::Answer::Fails);
            })+
        }
    };
}
pub(crate) use laws;
