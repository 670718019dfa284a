//! The canonical bytes of an envelope: version 1, fixed order, every list framed by its count.
//!
//! Decoding accepts exactly what encoding produces: bytes that decode are the
//! bytes their envelope encodes to.

use crate::budget::Amount;
use crate::command::{ArgPattern, CommandPattern};
use crate::digest::{EnvelopeDigest, FieldHasher};
use crate::envelope::{Declarations, Envelope};
use crate::glob::PathPattern;
use crate::host::{HostPattern, HostRule, UrlPathPattern};
use crate::level::Capabilities;
use crate::operation::OperationSet;
use crate::scope::{Conjunction, Scope, Union};
use crate::text::{GitPattern, TextPattern};

/// The version that this code writes and the only one it reads.
pub const VERSION: u16 = 1;

/// The most entries of one list, so that a forged count cannot exhaust memory.
const MAX_ENTRIES: u32 = 1 << 20;

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

/// The values as they stand in the bytes, before ν.
#[derive(Debug)]
pub(crate) struct Coded {
    pub(crate) capabilities: Capabilities,
    pub(crate) asks: OperationSet,
    pub(crate) strict: bool,
    pub(crate) capability_trifecta: bool,
    pub(crate) paths: Scope<PathPattern>,
    pub(crate) commands: Scope<CommandPattern>,
    pub(crate) hosts: Scope<HostRule>,
    pub(crate) git: Scope<GitPattern>,
    pub(crate) tools: Scope<TextPattern>,
    pub(crate) declarations: Declarations,
    pub(crate) maximum: Amount,
    pub(crate) window_ms: u64,
}

/// The canonical bytes of an envelope.
pub(crate) fn encode(envelope: &Envelope) -> Vec<u8> {
    let mut out = Writer::default();
    let posture = envelope.posture();
    out.bytes.extend(VERSION.to_le_bytes());
    out.number(u64::from(posture.capabilities().bits()));
    posture.asks().put(&mut out);
    posture.is_strict().put(&mut out);
    posture.is_capability_trifecta().put(&mut out);
    envelope.paths().put(&mut out);
    envelope.commands().put(&mut out);
    envelope.hosts().put(&mut out);
    envelope.git().put(&mut out);
    envelope.tools().put(&mut out);
    envelope.declarations().put(&mut out);
    envelope.maximum().put(&mut out);
    out.number(envelope.window_ms());
    out.bytes
}

/// The digest of the canonical bytes.
pub(crate) fn digest(envelope: &Envelope) -> EnvelopeDigest {
    let hasher = FieldHasher::new("nucleus envelope v1").field(&encode(envelope));
    EnvelopeDigest::from_bytes(hasher.finish())
}

/// The envelope with these canonical bytes.
pub(crate) fn decode(bytes: &[u8]) -> Result<Envelope, CodecError> {
    let mut input = Reader { rest: bytes };
    let version = u16::from_le_bytes(input.array()?);
    if version != VERSION {
        return Err(CodecError::UnknownVersion(version));
    }
    let coded = coded(&mut input)?;
    if !input.rest.is_empty() {
        return Err(CodecError::TrailingBytes);
    }
    let envelope = Envelope::from_coded(coded);
    if encode(&envelope) == bytes { Ok(envelope) } else { Err(CodecError::NotCanonical) }
}

/// Reads the values in their order.
fn coded(input: &mut Reader<'_>) -> Result<Coded, CodecError> {
    let levels = u32::try_from(input.number()?).ok().and_then(Capabilities::from_bits);
    Ok(Coded {
        capabilities: levels.ok_or(CodecError::InvalidValue("levels"))?,
        asks: Coding::take(input)?,
        strict: Coding::take(input)?,
        capability_trifecta: Coding::take(input)?,
        paths: Coding::take(input)?,
        commands: Coding::take(input)?,
        hosts: Coding::take(input)?,
        git: Coding::take(input)?,
        tools: Coding::take(input)?,
        declarations: Coding::take(input)?,
        maximum: Coding::take(input)?,
        window_ms: input.number()?,
    })
}

/// Collects bytes.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn number(&mut self, number: u64) {
        self.bytes.extend(number.to_le_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes.extend(text.as_bytes());
    }
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

    pub(crate) fn number(&mut self) -> Result<u64, CodecError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, CodecError> {
        let length = usize::try_from(self.number()?).map_err(|_| CodecError::Truncated)?;
        core::str::from_utf8(self.slice(length)?).map_err(|_| CodecError::InvalidValue("text"))
    }

    fn count(&mut self) -> Result<u32, CodecError> {
        u32::try_from(self.number()?)
            .ok()
            .filter(|count| *count <= MAX_ENTRIES)
            .ok_or(CodecError::InvalidValue("count"))
    }
}

/// A value with canonical bytes.
pub(crate) trait Coding: Sized {
    fn put(&self, out: &mut Writer);
    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError>;
}

impl Coding for bool {
    fn put(&self, out: &mut Writer) {
        out.number(u64::from(*self));
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        match input.number()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(CodecError::InvalidValue("flag")),
        }
    }
}

impl Coding for String {
    fn put(&self, out: &mut Writer) {
        out.text(self);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        input.text().map(str::to_owned)
    }
}

impl Coding for OperationSet {
    fn put(&self, out: &mut Writer) {
        out.number(u64::from(self.bits()));
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        u16::try_from(input.number()?).ok().and_then(Self::from_bits).ok_or(CodecError::InvalidValue("operations"))
    }
}

impl Coding for Amount {
    fn put(&self, out: &mut Writer) {
        out.number(self.micro_usd);
        out.number(self.input_tokens);
        out.number(self.output_tokens);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self { micro_usd: input.number()?, input_tokens: input.number()?, output_tokens: input.number()? })
    }
}

impl<T: Coding> Coding for Vec<T> {
    fn put(&self, out: &mut Writer) {
        put_all(self, out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        (0..input.count()?).map(|_| T::take(input)).collect()
    }
}

impl<A: Coding, B: Coding> Coding for (A, B) {
    fn put(&self, out: &mut Writer) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok((A::take(input)?, B::take(input)?))
    }
}

/// Writes a list framed by its count.
fn put_all<T: Coding>(items: &[T], out: &mut Writer) {
    out.number(items.len() as u64);
    items.iter().for_each(|item| item.put(out));
}

impl<P: Coding + PartialEq> Coding for Union<P> {
    fn put(&self, out: &mut Writer) {
        put_all(self.patterns(), out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Vec::take(input).map(Self::of)
    }
}

impl<P: Coding + PartialEq + Clone> Coding for Conjunction<P> {
    fn put(&self, out: &mut Writer) {
        put_all(self.clauses(), out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Vec::take(input).map(Self::from_clauses)
    }
}

impl<P: Coding + PartialEq + Clone> Coding for Scope<P> {
    fn put(&self, out: &mut Writer) {
        put_all(self.listed(), out);
        self.blocked().put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let listed: Vec<(OperationSet, Union<P>)> = Vec::take(input)?;
        Ok(Self::from_clauses(listed, Union::take(input)?))
    }
}

impl Coding for TextPattern {
    fn put(&self, out: &mut Writer) {
        out.text(self.as_str());
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        input.text().map(Self::new)
    }
}

impl Coding for PathPattern {
    fn put(&self, out: &mut Writer) {
        out.text(self.as_str());
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Self::parse(input.text()?).map_err(|_| CodecError::InvalidValue("path pattern"))
    }
}

impl Coding for ArgPattern {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Exact(text) => {
                out.number(0);
                out.text(text);
            }
            Self::Any => out.number(1),
            Self::AnyRemaining => out.number(2),
        }
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        match input.number()? {
            0 => String::take(input).map(Self::Exact),
            1 => Ok(Self::Any),
            2 => Ok(Self::AnyRemaining),
            _ => Err(CodecError::InvalidValue("argument pattern")),
        }
    }
}

impl Coding for CommandPattern {
    fn put(&self, out: &mut Writer) {
        out.text(&self.program);
        put_all(&self.args, out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self { program: String::take(input)?, args: Vec::take(input)? })
    }
}

impl Coding for UrlPathPattern {
    fn put(&self, out: &mut Writer) {
        out.text(self.as_str());
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Self::parse(input.text()?).map_err(|_| CodecError::InvalidValue("URL path pattern"))
    }
}

impl Coding for HostRule {
    fn put(&self, out: &mut Writer) {
        out.text(&self.pattern().to_string());
        put_all(self.methods(), out);
        put_all(self.paths(), out);
        self.trust().put(out);
        self.sink().put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let invalid = |_| CodecError::InvalidValue("host rule");
        let pattern = HostPattern::parse(input.text()?).map_err(|_| CodecError::InvalidValue("host pattern"))?;
        let methods: Vec<String> = Vec::take(input)?;
        let paths: Vec<UrlPathPattern> = Vec::take(input)?;
        let (trust, sink) = (bool::take(input)?, bool::take(input)?);
        Self::new(pattern)
            .with_methods(methods)
            .and_then(|rule| rule.with_paths(paths))
            .and_then(|rule| rule.with_trust(trust).with_sink(sink))
            .map_err(invalid)
    }
}

impl Coding for GitPattern {
    fn put(&self, out: &mut Writer) {
        let (kind, first, second) = match self {
            Self::Commit { repository, branch } => (0, repository, branch),
            Self::Remote { url, reference } => (1, url, reference),
        };
        out.number(kind);
        first.put(out);
        second.put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let kind = input.number()?;
        let (first, second) = Coding::take(input)?;
        match kind {
            0 => Ok(Self::Commit { repository: first, branch: second }),
            1 => Ok(Self::Remote { url: first, reference: second }),
            _ => Err(CodecError::InvalidValue("git pattern")),
        }
    }
}

impl Coding for Declarations {
    fn put(&self, out: &mut Writer) {
        self.public_paths.put(out);
        self.trusted_hosts.put(out);
        self.quiet_hosts.put(out);
        self.models.put(out);
        self.forges.put(out);
        self.environment.put(out);
        self.host_views.put(out);
        self.credentials.put(out);
        self.unix_sockets.put(out);
        self.trusted_workspace.put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            public_paths: Coding::take(input)?,
            trusted_hosts: Coding::take(input)?,
            quiet_hosts: Coding::take(input)?,
            models: Coding::take(input)?,
            forges: Coding::take(input)?,
            environment: Coding::take(input)?,
            host_views: Coding::take(input)?,
            credentials: Coding::take(input)?,
            unix_sockets: Coding::take(input)?,
            trusted_workspace: Coding::take(input)?,
        })
    }
}
