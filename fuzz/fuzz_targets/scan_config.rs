//! Any text as any file the configuration scanner knows, picked by the first byte: judged or refused, never a crash; what is read is read within the limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nucleus_scan::fuzz::{NAMES, judge_as, read_all};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(rest);
    let _ = read_all(&text);
    let _ = judge_as(NAMES[usize::from(*first) % NAMES.len()], &text);
});
