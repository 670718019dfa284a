//! The bytes of an envelope: one spelling, read whole or refused by name.

use portcullis::codec::{CodecError, VERSION};
use portcullis::{Envelope, EnvelopeParts};
use proptest::prelude::*;

use super::generate;

/// Where the fixed part stands: version, levels, obligations, two flags.
const LEVELS: usize = 2;
const ASKS: usize = 10;
const STRICT: usize = 18;
const TRIFECTA: usize = 26;

fn everything() -> Vec<u8> {
    Envelope::new(EnvelopeParts::everything()).to_bytes()
}

/// What the bytes of everything are read as, with one number of the fixed part replaced.
fn edited(at: usize, number: u64) -> Result<Envelope, CodecError> {
    let mut bytes = everything();
    bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
    Envelope::from_bytes(&bytes)
}

#[test]
fn a_value_out_of_its_range_is_named() {
    assert_eq!(edited(LEVELS, 1 << 24), Err(CodecError::InvalidValue("levels")));
    assert_eq!(edited(LEVELS, 0b10), Err(CodecError::InvalidValue("levels")));
    assert_eq!(edited(LEVELS, 1 << 32), Err(CodecError::InvalidValue("levels")));
    assert_eq!(edited(ASKS, 1 << 12), Err(CodecError::InvalidValue("operations")));
    assert_eq!(edited(ASKS, 1 << 16), Err(CodecError::InvalidValue("operations")));
    assert_eq!(edited(STRICT, 2), Err(CodecError::InvalidValue("flag")));
    assert!(edited(LEVELS, 0b01).is_ok() && edited(ASKS, 1).is_ok() && edited(STRICT, 1).is_ok());
}

#[test]
fn an_envelope_has_one_spelling() {
    // Everything reaches the trifecta, so that ν would add obligations.
    assert_eq!(edited(TRIFECTA, 1), Err(CodecError::NotCanonical));
    let mut bytes = everything();
    bytes[..2].copy_from_slice(&(VERSION + 1).to_le_bytes());
    assert_eq!(Envelope::from_bytes(&bytes), Err(CodecError::UnknownVersion(VERSION + 1)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn bytes_are_read_whole(envelope in generate::envelope(), cut in any::<prop::sample::Index>()) {
        let bytes = envelope.to_bytes();
        let read = Envelope::from_bytes(&bytes);
        prop_assert_eq!(read.as_ref().map(Envelope::digest), Ok(envelope.digest()));
        prop_assert_eq!(read, Ok(envelope));
        prop_assert_eq!(Envelope::from_bytes(&bytes[..cut.index(bytes.len())]), Err(CodecError::Truncated));
        let longer = [&*bytes, &[0]].concat();
        prop_assert_eq!(Envelope::from_bytes(&longer), Err(CodecError::TrailingBytes));
    }

    #[test]
    fn what_is_read_is_written_alike(
        envelope in generate::envelope(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8, any::<bool>()), 1..4),
    ) {
        let mut bytes = envelope.to_bytes();
        for (at, number, is_near) in edits {
            // Most numbers stand in the low byte of eight; the fixed part is what most often stays well formed.
            let at = if is_near { 2 + at.index(4) * 8 } else { at.index(bytes.len()) };
            bytes[at] = number;
        }
        if let Ok(read) = Envelope::from_bytes(&bytes) {
            prop_assert_eq!(read.to_bytes(), bytes);
        }
    }
}
