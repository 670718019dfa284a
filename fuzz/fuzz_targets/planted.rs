//! Fails on one text that only coverage leads to: a fuzzer that does not find it guides nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if bytes.first() == Some(&b'p')
        && bytes.get(1) == Some(&b'l')
        && bytes.get(2) == Some(&b'a')
        && bytes.get(3) == Some(&b'n')
        && bytes.get(4) == Some(&b't')
    {
        panic!("planted");
    }
});
