//! Writes what was measured into `SPECIFICATION.md`, between two marks.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::Failure;
use crate::root::{read, root};

const FILE: &str = "SPECIFICATION.md";
const BEGIN: &str = "<!-- figures: begin -->";
const END: &str = "<!-- figures: end -->";

/// Replaces the table of figures by those of a kept result.
pub(super) fn fill(result: &Path) -> Result<(), Failure> {
    let kept: Value = serde_json::from_str(&read(result)?)?;
    let page = root().join(FILE);
    let filled = between_marks(&read(&page)?, &table(&kept, result)?)?;
    Ok(std::fs::write(page, filled)?)
}

/// The text with everything between the marks replaced.
fn between_marks(text: &str, table: &str) -> Result<String, Failure> {
    let parts = text
        .split_once(BEGIN)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) =
        parts.ok_or_else(|| format!("`{FILE}` has no `{BEGIN}` before a `{END}`"))?;
    Ok(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

fn table(kept: &Value, result: &Path) -> Result<String, Failure> {
    let machine = &kept["machine"];
    let mut text = format!(
        "Measured by `cargo xtask bench` at commit `{}` ({}; {}, {} cores, {}); whole in\n`benches/results/{}`.\n\n\
         | figure | ours | rival | ratio | target | |\n|---|---:|---:|---:|---|---|\n",
        word(&kept["commit"]),
        word(&kept["date_utc"]),
        word(&machine["processor"]),
        machine["cores"],
        word(&machine["kernel"]),
        result.file_name().unwrap_or_default().display(),
    );
    for row in kept["results"].as_array().ok_or("the result has no rows")? {
        let measured = &row["measured"];
        let rival = match measured["rival"].as_f64() {
            Some(figure) => format!("{} ({})", number(figure), word(&measured["rival_name"])),
            None => String::new(),
        };
        writeln!(
            text,
            "| `bench:{}` | {} {} | {rival} | {} | {} | {} |",
            word(&row["id"]),
            measured["ours"].as_f64().map_or_else(String::new, number),
            word(&measured["unit"]),
            row["ratio"].as_f64().map_or_else(String::new, number),
            word(&row["target"]),
            word(&row["verdict"]),
        )?;
    }
    Ok(text)
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Three significant digits; whole numbers from a thousand on.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_replaces_what_stands_between_the_marks_and_nothing_else() {
        let kept = json!({"commit": "abc", "machine": {"cores": 2}, "results": [
            {"id": "x", "measured": {"ours": 1234.5, "unit": "ns"}, "target": "ours at most 5", "verdict": "missed"}
        ]});
        let table = table(&kept, Path::new("abc.json")).unwrap();
        let page = format!("before {BEGIN} old {END} after");
        let filled = between_marks(&page, &table).unwrap();
        assert!(filled.starts_with("before ") && filled.ends_with(" after"));
        assert!(
            filled.contains("| `bench:x` | 1234 ns |")
                || filled.contains("| `bench:x` | 1235 ns |")
        );
        assert!(filled.contains("missed") && !filled.contains("old"));
    }

    #[test]
    fn a_page_without_marks_is_refused() {
        assert!(between_marks("nothing here", "table").is_err());
        assert!(between_marks(&format!("{END} {BEGIN}"), "table").is_err());
    }
}
