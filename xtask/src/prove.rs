//! Runs everything that stands behind the verified claims, and keeps what it was run on.
//!
//! Each law must be named as proved by the prover itself: one that is declared and that nobody proves is a finding.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::process::{Limit, stream};
use crate::root::root;
use crate::{Failure, claims, report, rocq};

/// The longest that one part may take.
const LIMIT: Limit = Limit(Duration::from_secs(900));

/// What of the evidence to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    rocq: rocq::Args,
}

/// A part that is a program: it succeeds exactly when the part holds.
struct Part {
    name: &'static str,
    engine: &'static str,
    command: &'static str,
}

/// Prints one line for each law: its name, the verdict, the time of one core and the engine.
const PROVER: Part = Part {
    name: "laws and non-laws, every input",
    engine: "prover, sweeps, native replay",
    command: "cargo run --release --locked --quiet -p prove",
};

const PROGRAMS: [Part; 2] = [
    Part {
        name: "laws and tests, drawn inputs",
        engine: "the compiled functions",
        command: "cargo test --release --locked --quiet -p portcullis-laws -p portcullis -p portcullis-text --lib --tests",
    },
    Part {
        name: "interleavings",
        engine: "loom",
        command: "cargo test --release --locked --quiet --manifest-path models/loom/Cargo.toml",
    },
];

/// One line of the table at the end.
struct Row {
    name: String,
    holds: bool,
    took: Spent,
    engine: &'static str,
}

/// Runs all of it; true when all of it holds. Only then is `claims.lock` written.
pub(crate) fn run(args: &Args) -> Result<bool, Failure> {
    let began = Clock::now();
    let sources = claims::Lock::of_sources()?;
    let mut rows = Vec::new();
    let mut proved = BTreeSet::new();
    rows.push(row(&PROVER, |line| proved.extend(proved_law(line))));
    rows.push(every_law_is_proved(&proved)?);
    rows.extend(PROGRAMS.iter().map(|part| row(part, |_| {})));
    let one = Clock::now();
    let holds = rocq::run(&args.rocq)?;
    rows.push(Row {
        name: "model: proved, joined, compared".to_owned(),
        holds,
        took: one.spent(),
        engine: "Rocq, and its extraction beside the engine",
    });
    if rows.iter().all(|row| row.holds) {
        claims::record(&sources)?;
    }
    let one = Clock::now();
    let holds = claims::run(&claims::Args::check())?;
    rows.push(Row {
        name: "claims and their evidence".to_owned(),
        holds,
        took: one.spent(),
        engine: "hashes and names",
    });
    println!(
        "\n{:<34} {:<8} {:>8} {:>8}  engine",
        "part", "verdict", "wall", "cores"
    );
    for row in &rows {
        row.print();
    }
    let is_green = rows.iter().all(|row| row.holds);
    Row {
        name: "all".to_owned(),
        holds: is_green,
        took: began.spent(),
        engine: "",
    }
    .print();
    Ok(is_green)
}

/// Runs one part and shows what it prints.
fn row(part: &Part, mut each_line: impl FnMut(&str)) -> Row {
    let began = Clock::now();
    let mut words = part.command.split(' ');
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).current_dir(root());
    let ending = stream(&mut command, LIMIT, |line| {
        println!("{line}");
        each_line(line);
    });
    if !ending.is_success() {
        println!("{}: {ending}", part.name);
    }
    Row {
        name: part.name.to_owned(),
        holds: ending.is_success(),
        took: began.spent(),
        engine: part.engine,
    }
}

/// The law that a line of the prover's table names as proved.
fn proved_law(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let (name, verdict) = (words.next()?, words.next()?);
    (name.starts_with("law_") && verdict == "proved").then(|| name.to_owned())
}

/// FAIL-CLOSED: a law in the sources that the prover did not name is not proved.
fn every_law_is_proved(proved: &BTreeSet<String>) -> Result<Row, Failure> {
    let declared = rocq::law_sentences(&root().join("crates/portcullis-laws/src"))?;
    let findings = unproved(declared.keys(), proved);
    Ok(Row {
        name: format!("{} laws, each of them proved", declared.len()),
        holds: report("laws", &format!("{} declared", declared.len()), &findings),
        took: Spent::default(),
        engine: "names",
    })
}

fn unproved<'a>(
    declared: impl Iterator<Item = &'a String>,
    proved: &BTreeSet<String>,
) -> Vec<String> {
    declared
        .filter(|law| !proved.contains(*law))
        .map(|law| format!("{law} is declared and was not proved"))
        .collect()
}

impl Row {
    fn print(&self) {
        println!(
            "{:<34} {:<8} {:>6.1} s {:>6.1} s  {}",
            self.name,
            if self.holds { "holds" } else { "RED" },
            self.took.wall.as_secs_f64(),
            self.took.cores.as_secs_f64(),
            self.engine
        );
    }
}

/// Time on the wall, and time that cores spent on programs that were started and have ended.
#[derive(Clone, Copy, Default)]
struct Spent {
    wall: Duration,
    cores: Duration,
}

struct Clock {
    wall: Instant,
    cores: Duration,
}

impl Clock {
    fn now() -> Self {
        Self {
            wall: Instant::now(),
            cores: cores(),
        }
    }

    fn spent(&self) -> Spent {
        Spent {
            wall: self.wall.elapsed(),
            cores: cores().saturating_sub(self.cores),
        }
    }
}

/// What all ended children of this process used; nothing where the kernel does not say.
fn cores() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    // proc_pid_stat(5): `cutime` and `cstime` are fields 16 and 17, and the state is field 3.
    let ticks = after_name.split_whitespace().skip(13).take(2);
    let ticks: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
    // `USER_HZ` is 100 on every machine Linux runs on today.
    Duration::from_millis(ticks * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proved_law_is_read_as_one() {
        let law = |line| proved_law(line);
        assert_eq!(
            law("law_a   proved   1.0 ms  rewriting"),
            Some("law_a".to_owned())
        );
        assert_eq!(law("law_a   REFUTED  1.0 ms  a = 1"), None);
        assert_eq!(law("law_a   holds    1.0 ms  every input"), None);
        assert_eq!(law("nonlaw_a proved"), None);
    }

    #[test]
    fn a_declared_law_that_nobody_proved_is_found() {
        let declared = ["law_a".to_owned(), "law_b".to_owned()];
        let proved = BTreeSet::from(["law_a".to_owned()]);
        assert_eq!(
            unproved(declared[..1].iter(), &proved),
            Vec::<String>::new()
        );
        let findings = unproved(declared.iter(), &proved);
        assert!(
            findings[0].contains("law_b is declared and was not proved"),
            "{findings:?}"
        );
    }

    #[test]
    fn the_time_of_children_is_counted() {
        let before = cores();
        let spin = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        assert!(
            Command::new("sh")
                .args(["-c", spin])
                .status()
                .unwrap()
                .success()
        );
        assert!(cores() > before);
    }
}
