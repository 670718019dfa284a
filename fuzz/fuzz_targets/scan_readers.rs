//! One reader of the scanner at a time, picked by the first byte: never a crash, and never more steps than the text is long.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nucleus_scan::fuzz::{READERS, read_one};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(rest);
    let read = read_one(usize::from(*first) % READERS.len(), &text);
    // What aliases of YAML may come to in a short text.
    let most = text.len().saturating_add(1 << 18);
    assert!(read.values <= most, "{} values of {} bytes", read.values, text.len());
    assert!(read.bytes_held <= 4 * most, "{} bytes held of {}", read.bytes_held, text.len());
});
