//! Runs every registered bench and judges what it measured by the targets written down here.
//!
//! Registration is data (`xtask/bench.toml`). A claim that its bench did not measure is a
//! miss, so a bench cannot pass by keeping silent.

mod claim;
mod figures;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::process::{Limit, stream};
use crate::{Failure, results, root};
use claim::{Claim, Verdict};

/// Which benches to run, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run quickly, to see that the benches work; targets are shown but not judged
    #[arg(long)]
    smoke: bool,
    /// Run only the benches of these names
    #[arg(long, value_name = "BENCH")]
    only: Vec<String>,
    /// Measure nothing: write the figures of this kept result into SPECIFICATION.md
    #[arg(long, value_name = "RESULT", conflicts_with_all = ["smoke", "only"])]
    fill: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    #[serde(default)]
    bench: Vec<Bench>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bench {
    name: String,
    command: Vec<String>,
    limit_s: u64,
    claim: Vec<Claim>,
}

impl Table {
    /// The names of all claims.
    pub(crate) fn claims(&self) -> impl Iterator<Item = &str> {
        self.bench
            .iter()
            .flat_map(|bench| &bench.claim)
            .map(|claim| claim.id.as_str())
    }
}

/// Runs the benches; true when every claim was measured and, without `--smoke`, met.
pub(crate) fn run(args: &Args) -> Result<bool, Failure> {
    if let Some(result) = &args.fill {
        figures::fill(result)?;
        return Ok(true);
    }
    let table: Table = root::table("bench.toml")?;
    if let Some(name) = args
        .only
        .iter()
        .find(|n| table.bench.iter().all(|b| b.name != **n))
    {
        return Err(format!("no bench is called `{name}`").into());
    }
    let wanted = |bench: &&Bench| args.only.is_empty() || args.only.contains(&bench.name);
    let mut kept = Vec::new();
    let mut is_green = true;
    for bench in table.bench.iter().filter(wanted) {
        let measured = bench.measure(args.smoke);
        for claim in &bench.claim {
            let verdict = claim.judge(measured.get(&claim.id));
            println!("{}", claim.line(measured.get(&claim.id), &verdict));
            is_green &= if args.smoke {
                verdict.is_measured()
            } else {
                verdict == Verdict::Met
            };
            kept.push(claim.record(&bench.name, measured.get(&claim.id), &verdict));
        }
    }
    if !args.smoke && args.only.is_empty() {
        let result = results::keep("benches/results", &kept)?;
        figures::fill(&result)?;
        println!("kept in {} and SPECIFICATION.md", result.display());
    }
    Ok(is_green)
}

impl Bench {
    /// Runs the command and returns the last object it printed for each claim.
    fn measure(&self, smoke: bool) -> BTreeMap<String, Value> {
        let mut measured = BTreeMap::new();
        let Some((program, args)) = self.command.split_first() else {
            return measured;
        };
        let mut command = Command::new(program);
        command
            .args(args)
            .args(smoke.then_some("--smoke"))
            .current_dir(root::root());
        let ending = stream(
            &mut command,
            Limit(Duration::from_secs(self.limit_s)),
            |line| {
                let object = results::object(line);
                let id = object
                    .as_ref()
                    .and_then(|o| o.get("id")?.as_str().map(str::to_owned));
                match (id, object) {
                    (Some(id), Some(object)) => _ = measured.insert(id, object),
                    _ => eprintln!("{line}"),
                }
            },
        );
        if !ending.is_success() {
            println!("{}: {ending}", self.name);
            // A bench that failed measured nothing, whatever it printed before.
            measured.clear();
        }
        measured
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bench(script: &str) -> Bench {
        let text = format!(
            "name = 'b'\ncommand = ['sh', '-c', '''{script}''']\nlimit_s = 60\n\
             [[claim]]\nid = 'x'\nwhat = 'x'\njudge = 'ratio'\nat_most = 0.5\n"
        );
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn a_bench_that_fails_after_printing_measured_nothing() {
        let line = r#"echo "{\"id\":\"x\",\"ours\":1,\"rival\":9,\"unit\":\"ns\"}""#;
        assert_eq!(bench(line).measure(false).len(), 1);
        assert_eq!(bench(&format!("{line}; exit 1")).measure(false).len(), 0);
    }

    #[test]
    fn the_table_of_benches_parses() {
        let table: Table = root::table("bench.toml").unwrap();
        let ids: Vec<&str> = table.claims().collect();
        let distinct: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(
            ids.len(),
            distinct.len(),
            "a claim is listed twice: {ids:?}"
        );
    }
}
