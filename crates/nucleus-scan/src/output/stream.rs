//! JSON that is made while it is written: what a report takes in memory is one finding, not all of them.

use std::fmt;
use std::io;

use serde::ser::{Serialize, Serializer};
use serde_json::Value;

/// A list whose items are made one by one.
pub(super) struct Each<F>(pub(super) F);

impl<F, I> Serialize for Each<F>
where
    F: Fn() -> I,
    I: Iterator<Item = Value>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// Writes a document in one line, or with `{:#}` over several.
pub(super) fn show(document: &impl Serialize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let is_pretty = f.alternate();
    let out = Text(f);
    let written = if is_pretty {
        serde_json::to_writer_pretty(out, document)
    } else {
        serde_json::to_writer(out, document)
    };
    written.map_err(|_| fmt::Error)
}

struct Text<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl io::Write for Text<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        self.0.write_str(text).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
