//! Any bytes, as an envelope: refused, or exactly the bytes that the envelope writes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::Envelope;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(envelope) = Envelope::from_bytes(bytes) {
        assert_eq!(envelope.to_bytes(), bytes, "a second spelling of one envelope");
        assert!(envelope.leq(&envelope));
    }
});
