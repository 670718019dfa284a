//! Any text, as a policy: an envelope whose bytes and printed form mean the same, or an error with a place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nucleus_spec::{Source, parse_policy, print_policy};
use portcullis::Envelope;

fuzz_target!(|text: &str| {
    let policy = match parse_policy(&Source::new("fuzzed.toml", text)) {
        Ok(policy) => policy,
        Err(error) => {
            let _ = error.to_string();
            assert!(error.line() >= 1);
            return;
        }
    };
    let envelope = policy.envelope();
    let back = Envelope::from_bytes(&envelope.to_bytes()).expect("an envelope's own bytes");
    assert_eq!(back.digest(), envelope.digest());
    assert!(back.leq(envelope) && envelope.leq(&back));
    let printed = print_policy(envelope);
    if let Ok(again) = parse_policy(&Source::new("printed.toml", printed)) {
        assert_eq!(again.envelope().posture(), envelope.posture());
    }
});
