//! Variables a shell sets on entering a directory (`.envrc`), where they concern an agent.

use crate::read::SourceFile;

use super::container::concerns_agents;
use super::report::Report;
use super::{command, endpoint};

/// Judges what the file does on every entry, and where it says the model is.
pub(super) fn judge(file: &SourceFile, report: &mut Report<'_>) {
    if !concerns_agents(file) {
        return;
    }
    let whole = file.place(0..file.text.len(), "");
    command::remote_script(file, &file.text, &whole, None, report);
    let mut at = 0;
    for line in file.text.split_inclusive('\n') {
        let assigned = line.trim_start().strip_prefix("export ").unwrap_or(line);
        if let Some((name, value)) = assigned.trim_start().split_once('=') {
            let place = file.place(at..at + line.trim_end().len(), "");
            endpoint::assigned(name, value, place, report);
        }
        at += line.len();
    }
}
