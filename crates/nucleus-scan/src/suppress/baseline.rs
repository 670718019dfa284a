//! Baselines: the findings of a day, each with the reason why it may stay.

use serde_json::{Value, json};

use crate::model::{Finding, Scan, Severity, Suppression};

/// The version of the format.
const VERSION: u64 = 1;

/// Findings that do not count any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    fingerprint: String,
    rule: String,
    file: String,
    reason: String,
    until: Option<String>,
}

impl Baseline {
    /// Every finding of a scan that counts, all for one reason.
    #[must_use]
    pub fn of(scan: &Scan, reason: &str) -> Self {
        let counts =
            |finding: &&Finding| finding.suppressed.is_none() && finding.severity > Severity::Note;
        Self {
            entries: scan
                .findings
                .iter()
                .filter(counts)
                .map(|finding| entry(finding, reason))
                .collect(),
        }
    }

    /// Reads a baseline.
    ///
    /// # Errors
    /// Says what is wrong: no JSON, another version, an entry without a fingerprint or without a reason, a date that is none.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            format!(
                "the baseline is not JSON: line {}, column {}",
                error.line(),
                error.column()
            )
        })?;
        if value["version"].as_u64() != Some(VERSION) {
            return Err(format!("the baseline is not of version {VERSION}"));
        }
        let entries = value["findings"]
            .as_array()
            .ok_or("the baseline has no `findings`")?;
        Ok(Self {
            entries: entries.iter().map(read).collect::<Result<_, _>>()?,
        })
    }

    /// Writes a baseline, in the order of the findings.
    #[must_use]
    pub fn to_json(&self) -> String {
        let entries: Vec<Value> = self.entries.iter().map(write).collect();
        let mut text =
            serde_json::to_string_pretty(&json!({"version": VERSION, "findings": entries}))
                .unwrap_or_default();
        text.push('\n');
        text
    }

    /// Takes what the baseline names out of the count. An entry that ran out before `today` (`YYYY-MM-DD`) names nothing.
    pub fn apply(&self, scan: &mut Scan, today: &str) {
        for finding in scan
            .findings
            .iter_mut()
            .filter(|finding| finding.suppressed.is_none())
        {
            let lasts = |entry: &&Entry| {
                entry
                    .until
                    .as_deref()
                    .is_none_or(|until| today.is_empty() || until >= today)
            };
            if let Some(entry) = self.entries.iter().filter(lasts).find(|entry| {
                entry.fingerprint == finding.fingerprint && entry.rule == finding.rule.0
            }) {
                finding.suppressed = Some(Suppression {
                    reason: entry.reason.clone(),
                    by: "baseline".to_owned(),
                });
            }
        }
    }
}

fn entry(finding: &Finding, reason: &str) -> Entry {
    let file = finding
        .evidence
        .first()
        .map(|evidence| evidence.place.file.shown.clone())
        .unwrap_or_default();
    Entry {
        fingerprint: finding.fingerprint.clone(),
        rule: finding.rule.0.to_owned(),
        file,
        reason: reason.to_owned(),
        until: None,
    }
}

fn read(value: &Value) -> Result<Entry, String> {
    let text = |key: &str| value[key].as_str().unwrap_or_default().trim().to_owned();
    let (fingerprint, reason) = (text("fingerprint"), text("reason"));
    if fingerprint.is_empty() {
        return Err("an entry of the baseline has no fingerprint".to_owned());
    }
    if reason.is_empty() {
        return Err(format!("entry {fingerprint} of the baseline has no reason"));
    }
    let until = value["until"].as_str().map(str::to_owned);
    if until.as_deref().is_some_and(|until| !super::is_date(until)) {
        return Err(format!("`until` of entry {fingerprint} is not YYYY-MM-DD"));
    }
    Ok(Entry {
        fingerprint,
        rule: text("rule"),
        file: text("file"),
        reason,
        until,
    })
}

fn write(entry: &Entry) -> Value {
    let mut value = json!({"fingerprint": entry.fingerprint, "rule": entry.rule, "file": entry.file, "reason": entry.reason});
    if let Some(until) = &entry.until {
        value["until"] = json!(until);
    }
    value
}
