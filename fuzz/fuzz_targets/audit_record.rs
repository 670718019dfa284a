//! Any bytes, as a line of the log: refused, or exactly the bytes that the record writes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nucleus_audit::{Record, timeline};

fuzz_target!(|line: &[u8]| {
    match Record::from_line(line) {
        Ok(record) => {
            assert_eq!(record.to_line(), line, "a second spelling of one record");
            let _ = timeline(&record);
        }
        Err(error) => _ = error.to_string(),
    }
});
