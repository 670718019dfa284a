//! The canonical bytes of an envelope: version 1, fixed order, every list framed by its count.
//!
//! Decoding accepts exactly what encoding produces: bytes that decode are the
//! bytes their envelope encodes to.

use crate::envelope::Bounds;
use crate::glob::PathPattern;
use crate::host::{HostPattern, HostRule, UrlPathPattern};
use crate::{
    Amount, ArgPattern, Capabilities, CommandPattern, Conjunction, GitPattern, OperationSet, Posture, Scope,
    TextPattern, Union,
};

/// The version that this code writes and the only one it reads.
pub const VERSION: u16 = 1;

/// The most entries of one list, so that a forged count cannot exhaust memory.
const MAX_ENTRIES: u64 = 1 << 20;

/// Why bytes are not an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodecError {
    /// The version is another one.
    UnknownVersion(u16),
    /// The bytes end inside a value.
    Truncated,
    /// Bytes follow the last value.
    TrailingBytes,
    /// A value is out of its range; the name says which.
    InvalidValue(&'static str),
    /// The same envelope has other canonical bytes.
    NotCanonical,
}

impl core::fmt::Display for CodecError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::UnknownVersion(version) => write!(f, "unknown envelope version {version}"),
            Self::Truncated => f.write_str("envelope bytes end inside a value"),
            Self::TrailingBytes => f.write_str("envelope bytes go on after the last value"),
            Self::InvalidValue(what) => write!(f, "invalid {what} in envelope bytes"),
            Self::NotCanonical => f.write_str("envelope bytes are not canonical"),
        }
    }
}

impl core::error::Error for CodecError {}

/// The canonical bytes of an envelope.
pub(crate) fn encode(bounds: &Bounds) -> Vec<u8> {
    let mut out = VERSION.to_le_bytes().to_vec();
    bounds.put(&mut out);
    out
}

/// The bounds with these canonical bytes.
pub(crate) fn decode(bytes: &[u8]) -> Result<Bounds, CodecError> {
    let mut input = Reader { rest: bytes };
    let version = u16::from_le_bytes(input.array()?);
    if version != VERSION {
        return Err(CodecError::UnknownVersion(version));
    }
    let bounds = Bounds::take(&mut input)?;
    if !input.rest.is_empty() {
        return Err(CodecError::TrailingBytes);
    }
    if encode(&bounds) == bytes { Ok(bounds) } else { Err(CodecError::NotCanonical) }
}

/// Walks over bytes.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn slice(&mut self, length: usize) -> Result<&'a [u8], CodecError> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or(CodecError::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let mut array = [0; N];
        array.copy_from_slice(self.slice(N)?);
        Ok(array)
    }

    fn text(&mut self) -> Result<&'a str, CodecError> {
        let length = usize::try_from(u64::take(self)?).map_err(|_| CodecError::Truncated)?;
        core::str::from_utf8(self.slice(length)?).map_err(|_| CodecError::InvalidValue("text"))
    }

    /// A number that `read` makes something of.
    fn number<T>(&mut self, what: &'static str, read: impl FnOnce(u64) -> Option<T>) -> Result<T, CodecError> {
        read(u64::take(self)?).ok_or(CodecError::InvalidValue(what))
    }
}

/// A value with canonical bytes.
pub(crate) trait Coding: Sized {
    fn put(&self, out: &mut Vec<u8>);
    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError>;
}

/// Writes a list framed by its count.
fn put_all<T: Coding>(items: &[T], out: &mut Vec<u8>) {
    (items.len() as u64).put(out);
    items.iter().for_each(|item| item.put(out));
}

/// Writes a text framed by its length.
fn put_text(text: &str, out: &mut Vec<u8>) {
    (text.len() as u64).put(out);
    out.extend(text.as_bytes());
}

/// Codes the fields of a struct in this order.
macro_rules! coded_fields {
    ($type:ty { $($field:ident,)+ }) => {
        impl $crate::codec::Coding for $type {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$field.put(out);)+
            }

            fn take(input: &mut $crate::codec::Reader<'_>) -> Result<Self, $crate::codec::CodecError> {
                Ok(Self { $($field: $crate::codec::Coding::take(input)?,)+ })
            }
        }
    };
}
pub(crate) use coded_fields;

/// Codes types by how one is written and read.
macro_rules! coded {
    ($($type:ty $(where $($p:ident),+)? = |$value:ident, $out:ident| $put:expr, |$input:ident| $take:expr;)+) => {
        $(impl $(<$($p: Coding + PartialEq + Clone),+>)? Coding for $type {
            fn put(&self, $out: &mut Vec<u8>) {
                let $value = self;
                $put
            }

            fn take($input: &mut Reader<'_>) -> Result<Self, CodecError> {
                $take
            }
        })+
    };
}

coded_fields! { Amount { micro_usd, input_tokens, output_tokens, } }
coded_fields! { CommandPattern { program, args, } }

coded! {
    u64 = |n, out| out.extend(n.to_le_bytes()), |input| input.array().map(u64::from_le_bytes);
    bool = |flag, out| u64::from(*flag).put(out), |input| input.number("flag", |n| (n < 2).then_some(n == 1));
    OperationSet = |set, out| u64::from(set.bits()).put(out),
        |input| input.number("operations", |n| u16::try_from(n).ok().and_then(OperationSet::from_bits));
    Capabilities = |levels, out| u64::from(levels.bits()).put(out),
        |input| input.number("levels", |n| u32::try_from(n).ok().and_then(Capabilities::from_bits));
    String = |text, out| put_text(text, out), |input| input.text().map(str::to_owned);
    TextPattern = |pattern, out| put_text(pattern.as_str(), out), |input| input.text().map(TextPattern::new);
    PathPattern = |pattern, out| put_text(pattern.as_str(), out),
        |input| PathPattern::parse(input.text()?).map_err(|_| CodecError::InvalidValue("path pattern"));
    UrlPathPattern = |pattern, out| put_text(pattern.as_str(), out),
        |input| UrlPathPattern::parse(input.text()?).map_err(|_| CodecError::InvalidValue("URL path pattern"));
    HostPattern = |pattern, out| put_text(&pattern.to_string(), out),
        |input| HostPattern::parse(input.text()?).map_err(|_| CodecError::InvalidValue("host pattern"));
    Vec<T> where T = |items, out| put_all(items, out), |input| {
        let count = input.number("count", |n| (n <= MAX_ENTRIES).then_some(n))?;
        (0..count).map(|_| T::take(input)).collect()
    };
    (A, B) where A, B = |pair, out| {
        pair.0.put(out);
        pair.1.put(out);
    }, |input| Ok((A::take(input)?, B::take(input)?));
    Union<P> where P = |union, out| put_all(union.patterns(), out), |input| Vec::take(input).map(Union::of);
    Conjunction<P> where P = |all, out| put_all(all.clauses(), out), |input| Vec::take(input).map(Conjunction::from_clauses);
    Scope<P> where P = |scope, out| {
        put_all(scope.listed(), out);
        scope.blocked().put(out);
    }, |input| {
        let listed: Vec<(OperationSet, Union<P>)> = Vec::take(input)?;
        Ok(Scope::from_clauses(listed, Union::take(input)?))
    };
}

impl Coding for Posture {
    fn put(&self, out: &mut Vec<u8>) {
        self.capabilities().put(out);
        self.asks().put(out);
        self.is_strict().put(out);
        self.is_capability_trifecta().put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let (capabilities, asks) = Coding::take(input)?;
        Ok(Self::new(capabilities, asks, Coding::take(input)?, Coding::take(input)?))
    }
}

impl Coding for ArgPattern {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Exact(text) => {
                0_u64.put(out);
                text.put(out);
            }
            Self::Any => 1_u64.put(out),
            Self::AnyRemaining => 2_u64.put(out),
        }
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        match u64::take(input)? {
            0 => String::take(input).map(Self::Exact),
            1 => Ok(Self::Any),
            2 => Ok(Self::AnyRemaining),
            _ => Err(CodecError::InvalidValue("argument pattern")),
        }
    }
}

impl Coding for HostRule {
    fn put(&self, out: &mut Vec<u8>) {
        self.pattern().put(out);
        put_all(self.methods(), out);
        put_all(self.paths(), out);
        self.trust().put(out);
        self.sink().put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let (pattern, lists, flags) = (Coding::take(input)?, Coding::take(input)?, Coding::take(input)?);
        Self::from_parts(pattern, lists, flags).map_err(|_| CodecError::InvalidValue("host rule"))
    }
}

impl Coding for GitPattern {
    fn put(&self, out: &mut Vec<u8>) {
        let (kind, first, second) = match self {
            Self::Commit { repository, branch } => (0_u64, repository, branch),
            Self::Remote { url, reference } => (1, url, reference),
        };
        kind.put(out);
        first.put(out);
        second.put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let kind = u64::take(input)?;
        let (first, second) = Coding::take(input)?;
        match kind {
            0 => Ok(Self::Commit { repository: first, branch: second }),
            1 => Ok(Self::Remote { url: first, reference: second }),
            _ => Err(CodecError::InvalidValue("git pattern")),
        }
    }
}
