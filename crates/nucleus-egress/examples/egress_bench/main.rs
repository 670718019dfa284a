//! Measures the proxy beside others and prints one JSON object a figure; the targets are the caller's.
//!
//! `--tinyproxy PROGRAM` and `--mitmdump PROGRAM` name the rivals, `--dir DIR` says on which disk the log lies, `--smoke`
//! measures little and quickly, `--part idle|plain|inspected|added` one part alone. Both sides run in turn in one run; servers and clients are of this program, on loopback.
#![expect(clippy::unwrap_used, reason = "a bench stops at the first error")]
#![expect(clippy::cast_precision_loss, reason = "figures are rounded anyway")]

mod idle;
mod inspected;
mod origin;
mod peer;
mod plain;
mod rivals;
mod site;

use std::path::PathBuf;
use std::time::Duration;

/// How much is measured, and against what.
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) round: Duration,
    pub(crate) asked: usize,
    pub(crate) plain_tunnels: usize,
    pub(crate) inspected_tunnels: usize,
    pub(crate) tinyproxy: Option<PathBuf>,
    pub(crate) mitmdump: Option<PathBuf>,
    pub(crate) dir: PathBuf,
    /// The one part to measure; all of them by default.
    part: Option<String>,
}

/// Measures one part and prints its figures.
type Measure = fn(&Plan);

/// What is measured, in this order.
const PARTS: [(&str, Measure); 4] = [
    ("idle", idle::measure),
    ("plain", plain::measure),
    ("inspected", inspected::rates),
    ("added", inspected::latencies),
];

fn main() {
    let mut words = std::env::args().skip(1);
    let mut plan = Plan {
        rounds: 5,
        round: Duration::from_secs(2),
        asked: 4000,
        plain_tunnels: 2000,
        inspected_tunnels: 1000,
        tinyproxy: None,
        mitmdump: None,
        dir: std::env::temp_dir(),
        part: None,
    };
    while let Some(word) = words.next() {
        let mut path = || PathBuf::from(words.next().unwrap());
        match word.as_str() {
            "--peer" => return peer::main(),
            "--tinyproxy" => plan.tinyproxy = Some(path()),
            "--mitmdump" => plan.mitmdump = Some(path()),
            "--dir" => plan.dir = path(),
            "--part" => plan.part = Some(words.next().unwrap()),
            "--smoke" => {
                plan.rounds = 1;
                plan.round = Duration::from_millis(300);
                plan.asked = 100;
                plan.plain_tunnels = 50;
                plan.inspected_tunnels = 50;
            }
            other => panic!("unknown argument `{other}`"),
        }
    }
    for (part, measure) in PARTS {
        if plan.part.as_deref().is_none_or(|wanted| wanted == part) {
            measure(&plan);
        }
    }
}

/// Prints the figures of one claim.
pub(crate) fn emit(
    id: &str,
    unit: &str,
    ours: f64,
    rival: Option<(f64, &str)>,
    more: serde_json::Value,
) {
    let mut line = serde_json::json!({ "id": id, "unit": unit, "ours": ours });
    if let Some((figure, name)) = rival {
        line["rival"] = figure.into();
        line["rival_name"] = name.into();
    }
    for (name, value) in more.as_object().into_iter().flatten() {
        line[name] = value.clone();
    }
    println!("{line}");
}

/// The median.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
