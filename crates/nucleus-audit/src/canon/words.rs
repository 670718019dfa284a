//! The spelling of the words of the law: names as words, sets as lists in the order of their numbers, digests as hex.

use portcullis::digest::{ContentDigest, EnvelopeDigest, RequestDigest};
use portcullis::request::SessionId;
use portcullis::verdict::{Phase, SubjectFacts};
use portcullis::{
    Amount, Exposure, Label, Ledger, Operation, OperationSet, Outcome, Reason, Reasons,
};

use super::text::HEX;
use super::{Canon, Cursor, Syntax};

/// Appends bytes as quoted lower-case hex.
pub(crate) fn put_hex(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for chunk in bytes.chunks(32) {
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(chunk) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 0xf)];
        }
        out.extend_from_slice(&digits[..2 * chunk.len()]);
    }
    out.push(b'"');
}

/// The values of the digits of lower-case hex; 255 for every other byte.
static DIGITS: [u8; 256] = digits();

const fn digits() -> [u8; 256] {
    let mut digits = [255; 256];
    let mut value = 0;
    while value < 16 {
        digits[HEX[value as usize] as usize] = value;
        value += 1;
    }
    digits
}

/// The value of one digit of lower-case hex.
fn digit(byte: u8) -> Option<u8> {
    Some(DIGITS[usize::from(byte)]).filter(|value| *value < 16)
}

/// The bytes of lower-case hex digits.
pub(crate) fn parse_hex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?))
        .collect()
}

/// Reads exactly this many bytes of quoted hex.
fn take_hex<const N: usize>(input: &mut Cursor<'_>) -> Result<[u8; N], Syntax> {
    input.expect("\"")?;
    let mut bytes = [0; N];
    let digits = input.rest().get(..2 * N).unwrap_or_default();
    if digits.len() != 2 * N {
        return input.fail("hex digits");
    }
    let mut seen = 0;
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let (high, low) = (DIGITS[usize::from(pair[0])], DIGITS[usize::from(pair[1])]);
        seen |= high | low;
        *byte = high << 4 | low & 0xf;
    }
    if seen > 0xf {
        return input.fail("lower-case hex digits");
    }
    input.advance(2 * N);
    input.expect("\"").map(|()| bytes)
}

/// Spells a fixed number of bytes as hex.
macro_rules! canon_hex {
    ($($name:ty),+) => { $(
        impl Canon for $name {
            fn put(&self, out: &mut Vec<u8>) {
                put_hex(self.as_bytes(), out);
            }

            fn take(input: &mut Cursor<'_>) -> Result<Self, Syntax> {
                take_hex(input).map(Self::from_bytes)
            }
        }
    )+ };
}

canon_hex!(
    RequestDigest,
    EnvelopeDigest,
    ContentDigest,
    SessionId,
    crate::chain::ChainHash
);

/// Bytes of any length, spelled as hex.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct HexBytes(pub Vec<u8>);

impl Canon for HexBytes {
    fn put(&self, out: &mut Vec<u8>) {
        put_hex(&self.0, out);
    }

    fn take(input: &mut Cursor<'_>) -> Result<Self, Syntax> {
        match parse_hex(input.word()?) {
            Some(bytes) => Ok(Self(bytes)),
            None => input.fail("lower-case hex digits"),
        }
    }
}

/// Spells a set as the list of its names in the order of their numbers.
macro_rules! canon_set {
    ($set:ty, $all:expr, $empty:expr, $contains:expr, $with:expr) => {
        impl Canon for $set {
            fn put(&self, out: &mut Vec<u8>) {
                let contains: fn($set, usize) -> bool = $contains;
                out.push(b'[');
                let mut is_first = true;
                for (number, member) in $all.into_iter().enumerate() {
                    if contains(*self, number) {
                        out.extend_from_slice(if is_first { b"\"" } else { b",\"" });
                        out.extend_from_slice(member.name().as_bytes());
                        out.push(b'"');
                        is_first = false;
                    }
                }
                out.push(b']');
            }

            fn take(input: &mut Cursor<'_>) -> Result<Self, Syntax> {
                let with: fn($set, usize) -> $set = $with;
                let mut set = $empty;
                let mut next = 0;
                input.expect("[")?;
                if input.accept("]") {
                    return Ok(set);
                }
                loop {
                    let word = input.word()?;
                    let rest = $all.into_iter().enumerate().skip(next);
                    let found = rest.into_iter().find(|(_, member)| member.name() == word);
                    let Some((number, _)) = found else {
                        return input.fail("a name in the order of the set");
                    };
                    set = with(set, number);
                    next = number + 1;
                    if !input.accept(",") {
                        break;
                    }
                }
                input.expect("]").map(|()| set)
            }
        }
    };
}

canon_set!(
    OperationSet,
    Operation::ALL,
    OperationSet::EMPTY,
    |set, number| set.bits() >> number & 1 == 1,
    |set, number| set.with(Operation::ALL[number])
);
canon_set!(
    Exposure,
    Label::ALL,
    Exposure::NONE,
    |set, number| set.bits() >> number & 1 == 1,
    |set, number| set.join(Exposure::of(Label::ALL[number]))
);
canon_set!(
    Reasons,
    Reason::ALL,
    Reasons::NONE,
    |set, number| set.bits() >> number & 1 == 1,
    |set, number| set.union(Reasons::of(Reason::ALL[number]))
);

/// Spells an enum of the law by the names it has in records.
macro_rules! canon_names {
    ($name:ty, $expected:literal { $($variant:path = $word:literal),+ $(,)? }) => {
        impl Canon for $name {
            fn put(&self, out: &mut Vec<u8>) {
                out.push(b'"');
                out.extend_from_slice(match self { $( $variant => $word, )+ }.as_bytes());
                out.push(b'"');
            }

            fn take(input: &mut Cursor<'_>) -> Result<Self, Syntax> {
                match input.word()? {
                    $( $word => Ok($variant), )+
                    _ => input.fail($expected),
                }
            }
        }
    };
}

canon_names!(Outcome, "an outcome" {
    Outcome::Deny = "deny",
    Outcome::NeedsApproval = "needs_approval",
    Outcome::Permit = "permit",
});
canon_names!(Phase, "a phase" {
    Phase::Active = "active",
    Phase::LockedDown = "locked_down",
    Phase::Ended = "ended",
});

impl Canon for Amount {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"micro_usd\":");
        self.micro_usd.put(out);
        out.extend_from_slice(b",\"input_tokens\":");
        self.input_tokens.put(out);
        out.extend_from_slice(b",\"output_tokens\":");
        self.output_tokens.put(out);
        out.push(b'}');
    }

    fn take(input: &mut Cursor<'_>) -> Result<Self, Syntax> {
        input.expect("{\"micro_usd\":")?;
        let micro_usd = u64::take(input)?;
        input.expect(",\"input_tokens\":")?;
        let input_tokens = u64::take(input)?;
        input.expect(",\"output_tokens\":")?;
        let output_tokens = u64::take(input)?;
        input.expect("}")?;
        Ok(Self {
            micro_usd,
            input_tokens,
            output_tokens,
        })
    }
}

impl Canon for SubjectFacts {
    fn put(&self, out: &mut Vec<u8>) {
        crate::record::FactsPart::from(*self).put(out);
    }

    fn take(input: &mut Cursor<'_>) -> Result<Self, Syntax> {
        crate::record::FactsPart::take(input).map(Self::from)
    }
}

/// What is left and held, as it stands in a record.
impl From<Ledger> for crate::record::BudgetPart {
    fn from(ledger: Ledger) -> Self {
        Self {
            left: ledger.left(),
            held: ledger.held(),
        }
    }
}
