//! Chains the lines of a log: each hash covers every byte of its line and, through `previous`, of all lines before.

use portcullis::request::SessionId;
use sha2::{Digest as _, Sha256};

use crate::canon::{Canon, Cursor, Syntax};
use crate::record::{Body, Record};

/// Keeps these hashes apart from every other use of SHA-256.
const DOMAIN: &[u8] = b"nucleus audit record v1\0";

/// The version of the record format that this code writes and the only one it reads.
pub const RECORD_VERSION: u16 = 1;

/// The bytes of `,"hash":"…"}` at the end of a line.
const HASH_MEMBER_BYTES: usize = 9 + 64 + 2;

/// The hash of one line.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// What the first record names as the one before.
    pub const ZERO: Self = Self([0; 32]);

    /// The hash with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl core::fmt::Display for ChainHash {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl core::fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "ChainHash({self})")
    }
}

/// The hash of a line from its bytes before the hash member.
fn hash(covered: &[u8]) -> ChainHash {
    let mut hasher = Sha256::new_with_prefix(DOMAIN);
    hasher.update(covered);
    ChainHash(hasher.finalize().into())
}

/// The members of a record that do not depend on its place in the log, already spelled.
#[derive(Debug, Default)]
pub(crate) struct SpelledBody(Vec<u8>);

impl SpelledBody {
    pub(crate) fn of(body: &Body) -> Self {
        let mut bytes = Vec::with_capacity(1024);
        body.put_members(&mut bytes);
        Self(bytes)
    }
}

/// Appends the line of this body at this place, newline included, and returns its hash.
pub(crate) fn put_line(
    out: &mut Vec<u8>,
    seq: u64,
    session: SessionId,
    body: &SpelledBody,
    previous: ChainHash,
) -> ChainHash {
    let start = out.len();
    out.extend_from_slice(b"{\"version\":");
    RECORD_VERSION.put(out);
    out.extend_from_slice(b",\"seq\":");
    seq.put(out);
    out.extend_from_slice(b",\"session\":");
    session.put(out);
    out.push(b',');
    out.extend_from_slice(&body.0);
    out.extend_from_slice(b",\"previous\":");
    previous.put(out);
    let hash = hash(&out[start..]);
    out.extend_from_slice(b",\"hash\":");
    hash.put(out);
    out.extend_from_slice(b"}\n");
    hash
}

/// What is wrong with one line by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadLine {
    /// It is no canonical record.
    Syntax(Syntax),
    /// Its hash is not the hash of its bytes.
    Hash,
}

/// Reads one line without its newline and checks its hash.
pub(crate) fn parse_line(line: &[u8]) -> Result<Record, BadLine> {
    let record = parse_members(line).map_err(BadLine::Syntax)?;
    let covered = line
        .get(..line.len().saturating_sub(HASH_MEMBER_BYTES))
        .unwrap_or_default();
    if hash(covered) == record.hash {
        Ok(record)
    } else {
        Err(BadLine::Hash)
    }
}

/// Reads one line without checking its hash.
pub(crate) fn parse_members(line: &[u8]) -> Result<Record, Syntax> {
    let mut input = Cursor::new(line);
    input.expect("{\"version\":")?;
    if u16::take(&mut input)? != RECORD_VERSION {
        return input.fail("version 1");
    }
    input.expect(",\"seq\":")?;
    let seq = u64::take(&mut input)?;
    input.expect(",\"session\":")?;
    let session = SessionId::take(&mut input)?;
    input.expect(",")?;
    let body = Body::take_members(&mut input)?;
    if !body.is_coherent() {
        return input.fail("the members that belong to the kind");
    }
    input.expect(",\"previous\":")?;
    let previous = ChainHash::take(&mut input)?;
    input.expect(",\"hash\":")?;
    let hash = ChainHash::take(&mut input)?;
    input.expect("}")?;
    input.finish()?;
    Ok(Record {
        seq,
        session,
        body,
        previous,
        hash,
    })
}
