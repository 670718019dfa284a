//! The one spelling of a record: what is read is exactly what would be written.
//!
//! Members stand in a fixed order, none is left out, nothing is put between
//! them. The reader expects those very bytes, so a line that it accepts is
//! canonical by construction: there is no second spelling to compare with.

mod text;
mod words;

pub(crate) use text::is_escaped;
pub use words::HexBytes;

/// The most elements of one list, so that a forged line cannot exhaust memory.
const MAX_ELEMENTS: usize = 1 << 20;

/// Bytes that are not the canonical spelling of a value, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Syntax {
    /// The offset in the line.
    pub(crate) at: usize,
    /// What was expected there.
    pub(crate) expected: &'static str,
}

/// A value with one spelling.
pub(crate) trait Canon: Sized {
    /// Appends the spelling.
    fn put(&self, out: &mut Vec<u8>);
    /// Reads the spelling and nothing else.
    fn take(input: &mut Cursor<'_>) -> Result<Self, Syntax>;
}

/// Reads a line from front to back.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The bytes not yet read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn fail<T>(&self, expected: &'static str) -> Result<T, Syntax> {
        Err(Syntax {
            at: self.at,
            expected,
        })
    }

    /// Goes on by this many bytes, which were looked at before.
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Reads these bytes, or says that they were expected.
    pub(crate) fn expect(&mut self, literal: &'static str) -> Result<(), Syntax> {
        if self.accept(literal) {
            Ok(())
        } else {
            self.fail(literal)
        }
    }

    /// Reads these bytes if they stand here.
    pub(crate) fn accept(&mut self, literal: &str) -> bool {
        let stands = self.rest().starts_with(literal.as_bytes());
        if stands {
            self.at += literal.len();
        }
        stands
    }

    /// Reads a quoted word without escapes.
    pub(crate) fn word(&mut self) -> Result<&'a str, Syntax> {
        self.expect("\"")?;
        let rest = self.rest();
        let Some(end) = memchr::memchr(b'"', rest) else {
            return self.fail("\"");
        };
        let Some(Ok(word)) = rest.get(..end).map(core::str::from_utf8) else {
            return self.fail("a word");
        };
        self.at += end + 1;
        Ok(word)
    }

    /// Says that nothing is left.
    pub(crate) fn finish(&self) -> Result<(), Syntax> {
        if self.rest().is_empty() {
            Ok(())
        } else {
            self.fail("the end of the line")
        }
    }
}

impl Canon for u64 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(itoa::Buffer::new().format(*self).as_bytes());
    }

    fn take(input: &mut Cursor<'_>) -> Result<Self, Syntax> {
        let digits = input
            .rest()
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let text = &input.rest()[..digits];
        if digits == 0 || (digits > 1 && text[0] == b'0') {
            return input.fail("a number");
        }
        let number = text.iter().try_fold(0_u64, |number, digit| {
            number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        });
        match number {
            Some(number) => {
                input.advance(digits);
                Ok(number)
            }
            None => input.fail("a number below 2^64"),
        }
    }
}

impl Canon for u32 {
    fn put(&self, out: &mut Vec<u8>) {
        u64::from(*self).put(out);
    }

    fn take(input: &mut Cursor<'_>) -> Result<Self, Syntax> {
        let number = u64::take(input)?;
        Self::try_from(number).or_else(|_| input.fail("a number below 2^32"))
    }
}

impl Canon for u16 {
    fn put(&self, out: &mut Vec<u8>) {
        u64::from(*self).put(out);
    }

    fn take(input: &mut Cursor<'_>) -> Result<Self, Syntax> {
        let number = u64::take(input)?;
        Self::try_from(number).or_else(|_| input.fail("a number below 2^16"))
    }
}

impl Canon for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }

    fn take(input: &mut Cursor<'_>) -> Result<Self, Syntax> {
        if input.accept("true") {
            return Ok(true);
        }
        input.expect("false").map(|()| false)
    }
}

impl<T: Canon> Canon for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.put(out),
            None => out.extend_from_slice(b"null"),
        }
    }

    fn take(input: &mut Cursor<'_>) -> Result<Self, Syntax> {
        if input.accept("null") {
            Ok(None)
        } else {
            T::take(input).map(Some)
        }
    }
}

impl<T: Canon> Canon for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (index, value) in self.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            value.put(out);
        }
        out.push(b']');
    }

    fn take(input: &mut Cursor<'_>) -> Result<Self, Syntax> {
        let mut values = Self::new();
        input.expect("[")?;
        if input.accept("]") {
            return Ok(values);
        }
        loop {
            if values.len() == MAX_ELEMENTS {
                return input.fail("a shorter list");
            }
            values.push(T::take(input)?);
            if !input.accept(",") {
                break;
            }
        }
        input.expect("]").map(|()| values)
    }
}

/// Gives a struct its spelling: an object of these members in this order.
macro_rules! canon_struct {
    ($name:ident { $first:ident $(, $rest:ident)* }) => {
        impl $name {
            /// Appends the members without braces.
            pub(crate) fn put_members(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(concat!("\"", stringify!($first), "\":").as_bytes());
                $crate::canon::Canon::put(&self.$first, out);
                $(
                    out.extend_from_slice(concat!(",\"", stringify!($rest), "\":").as_bytes());
                    $crate::canon::Canon::put(&self.$rest, out);
                )*
            }

            /// Reads the members without braces.
            pub(crate) fn take_members(
                input: &mut $crate::canon::Cursor<'_>,
            ) -> Result<Self, $crate::canon::Syntax> {
                input.expect(concat!("\"", stringify!($first), "\":"))?;
                let $first = $crate::canon::Canon::take(input)?;
                $(
                    input.expect(concat!(",\"", stringify!($rest), "\":"))?;
                    let $rest = $crate::canon::Canon::take(input)?;
                )*
                Ok(Self { $first $(, $rest)* })
            }
        }

        impl $crate::canon::Canon for $name {
            fn put(&self, out: &mut Vec<u8>) {
                out.push(b'{');
                self.put_members(out);
                out.push(b'}');
            }

            fn take(
                input: &mut $crate::canon::Cursor<'_>,
            ) -> Result<Self, $crate::canon::Syntax> {
                input.expect("{")?;
                let value = Self::take_members(input)?;
                input.expect("}")?;
                Ok(value)
            }
        }
    };
}

/// Gives an enum of struct variants its spelling: an object headed by a tag.
macro_rules! canon_enum {
    ($name:ident by $tag:literal { $( $word:literal => $variant:ident { $($member:ident),* } )+ }) => {
        impl $crate::canon::Canon for $name {
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(
                        Self::$variant { $($member),* } => {
                            out.extend_from_slice(
                                concat!("{\"", $tag, "\":\"", $word, "\"").as_bytes(),
                            );
                            $(
                                out.extend_from_slice(
                                    concat!(",\"", stringify!($member), "\":").as_bytes(),
                                );
                                $crate::canon::Canon::put($member, out);
                            )*
                        }
                    )+
                }
                out.push(b'}');
            }

            fn take(
                input: &mut $crate::canon::Cursor<'_>,
            ) -> Result<Self, $crate::canon::Syntax> {
                input.expect(concat!("{\"", $tag, "\":"))?;
                let value = match input.word()? {
                    $(
                        $word => {
                            $(
                                input.expect(concat!(",\"", stringify!($member), "\":"))?;
                                let $member = $crate::canon::Canon::take(input)?;
                            )*
                            Self::$variant { $($member),* }
                        }
                    )+
                    _ => return input.fail(concat!("a known ", $tag)),
                };
                input.expect("}")?;
                Ok(value)
            }
        }
    };
}

/// Gives an enum of plain variants its spelling, and each variant its name.
macro_rules! canon_words {
    ($name:ident { $( $variant:ident = $word:literal ),+ $(,)? }) => {
        impl $name {
            /// The word used in records.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$variant => $word, )+
                }
            }
        }

        impl $crate::canon::Canon for $name {
            fn put(&self, out: &mut Vec<u8>) {
                out.push(b'"');
                out.extend_from_slice(self.name().as_bytes());
                out.push(b'"');
            }

            fn take(
                input: &mut $crate::canon::Cursor<'_>,
            ) -> Result<Self, $crate::canon::Syntax> {
                match input.word()? {
                    $( $word => Ok(Self::$variant), )+
                    _ => input.fail(concat!("a word of ", stringify!($name))),
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

pub(crate) use {canon_enum, canon_struct, canon_words};
