//! Writes the records of a log for other tools.

use std::io::{self, Write};
use std::path::Path;

use crate::canon::Canon as _;
use crate::error::ReadError;
use crate::read::read;
use crate::record::{Detail, Record};
use crate::timeline::describe;

/// A form of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// One JSON object a line: the record without its chain.
    Jsonl,
    /// Comma-separated values (RFC 4180) with a header line.
    Csv,
}

/// The columns of the CSV form.
static COLUMNS: &[&str] = &[
    "seq",
    "session",
    "parent",
    "wall_unix_ms",
    "boot_ms",
    "principal",
    "kind",
    "operations",
    "subject",
    "outcome",
    "reasons",
    "discharged",
    "exposure_before",
    "exposure_after",
    "micro_usd_left",
    "detail",
    "redacted",
];

/// Writes every record in this form and returns how many there were.
///
/// **An export proves nothing**: it has no chain. Verify the log itself.
///
/// # Errors
/// [`ReadError`], also when the output cannot be written.
pub fn export(dir: &Path, format: Format, out: &mut dyn Write) -> Result<u64, ReadError> {
    let mut count = 0;
    if format == Format::Csv {
        write_row(out, COLUMNS.iter().copied()).map_err(ReadError::Output)?;
    }
    for record in read(dir)? {
        let record = record?;
        let written = match format {
            Format::Jsonl => write_json(out, &record),
            Format::Csv => write_row(out, columns(&record).iter().map(String::as_str)),
        };
        written.map_err(ReadError::Output)?;
        count += 1;
    }
    out.flush().map_err(ReadError::Output)?;
    Ok(count)
}

fn write_json(out: &mut dyn Write, record: &Record) -> io::Result<()> {
    let mut line = b"{\"seq\":".to_vec();
    record.seq.put(&mut line);
    line.extend_from_slice(b",\"session\":");
    record.session.put(&mut line);
    line.push(b',');
    record.body.put_members(&mut line);
    line.extend_from_slice(b"}\n");
    out.write_all(&line)
}

fn columns(record: &Record) -> [String; 17] {
    let body = &record.body;
    let names = |reasons: portcullis::Reasons| {
        reasons
            .iter()
            .map(|reason| reason.name())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let decision = body.decision;
    [
        record.seq.to_string(),
        record.session.to_string(),
        body.parent
            .map(|parent| parent.to_string())
            .unwrap_or_default(),
        body.wall_unix_ms.to_string(),
        body.boot_ms.to_string(),
        body.principal.clone(),
        body.kind.name().to_owned(),
        body.operations.to_string(),
        body.subject.as_ref().map(describe).unwrap_or_default(),
        decision
            .map(|decision| decision.outcome.name().to_owned())
            .unwrap_or_default(),
        decision
            .map(|decision| names(decision.reasons))
            .unwrap_or_default(),
        decision
            .map(|decision| names(decision.discharged))
            .unwrap_or_default(),
        body.exposure.before.to_string(),
        body.exposure.after.to_string(),
        body.budget.left.micro_usd.to_string(),
        body.detail.as_ref().map(detail_json).unwrap_or_default(),
        body.redacted.join(" "),
    ]
}

fn detail_json(detail: &Detail) -> String {
    let mut bytes = Vec::new();
    detail.put(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn write_row<'t>(out: &mut dyn Write, fields: impl Iterator<Item = &'t str>) -> io::Result<()> {
    let mut row = String::new();
    for (index, field) in fields.enumerate() {
        if index > 0 {
            row.push(',');
        }
        push_field(&mut row, field);
    }
    row.push_str("\r\n");
    out.write_all(row.as_bytes())
}

/// Quotes a field where it must be; a field that a spreadsheet would run as a formula gets an apostrophe.
fn push_field(row: &mut String, field: &str) {
    let is_formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if !is_formula && !field.contains(['"', ',', '\n', '\r']) {
        row.push_str(field);
        return;
    }
    row.push('"');
    if is_formula {
        row.push('\'');
    }
    row.push_str(&field.replace('"', "\"\""));
    row.push('"');
}
