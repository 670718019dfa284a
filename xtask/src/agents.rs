//! Runs the large agents against the built binary and keeps the result with the commit's name.
//!
//! Registration is data (`xtask/agents.toml`). A scenario that was not reported is a failure.

use std::process::Command;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::process::{Limit, stream};
use crate::{Failure, results, root};

/// Which agents to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run only the agents of these names; the result is then shown, not kept
    #[arg(long, value_name = "AGENT")]
    only: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    agent: Vec<Agent>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Agent {
    name: String,
    command: Vec<String>,
    scenarios: Vec<String>,
    limit_s: u64,
}

/// Runs the agents; true when every scenario was reported as passed.
pub(crate) fn run(args: &Args) -> Result<bool, Failure> {
    let table: Table = root::table("agents.toml")?;
    if let Some(name) = args
        .only
        .iter()
        .find(|n| table.agent.iter().all(|a| a.name != **n))
    {
        return Err(format!("no agent is called `{name}`").into());
    }
    let wanted = |agent: &&Agent| args.only.is_empty() || args.only.contains(&agent.name);
    build()?;
    let mut kept = Vec::new();
    let mut is_green = true;
    for agent in table.agent.iter().filter(wanted) {
        for (scenario, report) in agent.run() {
            let is_passed = report["passed"] == Value::Bool(true);
            let word = if is_passed { "passed" } else { "FAILED" };
            println!("{word}  {:<12} {scenario}", agent.name);
            is_green &= is_passed;
            kept.push(report);
        }
    }
    if args.only.is_empty() {
        println!(
            "kept in {}",
            results::keep("tests/agents/results", &kept)?.display()
        );
    }
    Ok(is_green)
}

/// Builds the binaries that the agents run under, so that no result is about older ones.
fn build() -> Result<(), Failure> {
    let built = Command::new("cargo")
        .args(["build", "--release", "--locked", "-p", "nucleus-cli"])
        .current_dir(root::root())
        .status()?;
    if built.success() {
        Ok(())
    } else {
        Err("`nucleus-cli` does not build".into())
    }
}

impl Agent {
    /// Runs the command; each listed scenario comes back once, with what was said of it.
    fn run(&self) -> Vec<(String, Value)> {
        let Some((program, args)) = self.command.split_first() else {
            return Vec::new();
        };
        let mut command = Command::new(program);
        command.args(args).current_dir(root::root());
        let mut reports = Vec::new();
        let ending = stream(
            &mut command,
            Limit(Duration::from_secs(self.limit_s)),
            |line| match results::object(line) {
                Some(report) => reports.push(report),
                None => eprintln!("{line}"),
            },
        );
        let scenarios = self.scenarios.iter();
        scenarios
            .map(|scenario| {
                (
                    scenario.clone(),
                    self.settle(scenario, &reports, &ending.to_string()),
                )
            })
            .collect()
    }

    /// FAIL-CLOSED: of several reports on one scenario a failed one counts; none is a failure.
    fn settle(&self, scenario: &str, reports: &[Value], ending: &str) -> Value {
        let mut told: Vec<&Value> = reports
            .iter()
            .filter(|r| r["scenario"] == *scenario)
            .collect();
        told.sort_by_key(|report| report["passed"] == Value::Bool(true));
        match told.first() {
            Some(report) => (*report).clone(),
            None => json!({
                "agent": self.name,
                "scenario": scenario,
                "passed": false,
                "detail": format!("not reported ({ending})"),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(script: &str) -> Agent {
        let command = ["sh", "-c", script].map(str::to_owned).to_vec();
        let scenarios = ["benign", "compromised"].map(str::to_owned).to_vec();
        Agent {
            name: "fixture".to_owned(),
            command,
            scenarios,
            limit_s: 60,
        }
    }

    #[test]
    fn a_scenario_that_was_not_reported_failed() {
        let agent = agent(r#"echo '{"agent":"fixture","scenario":"benign","passed":true}'"#);
        let passed: Vec<bool> = agent
            .run()
            .iter()
            .map(|(_, report)| report["passed"] == Value::Bool(true))
            .collect();
        assert_eq!(passed, [true, false]);
    }

    #[test]
    fn one_failed_report_outweighs_a_passed_one() {
        let reports = [
            json!({"scenario": "benign", "passed": true}),
            json!({"scenario": "benign", "passed": false}),
        ];
        assert_eq!(
            agent("").settle("benign", &reports, "")["passed"],
            Value::Bool(false)
        );
    }

    #[test]
    fn the_table_of_agents_parses() {
        assert!(root::table::<Table>("agents.toml").is_ok());
    }
}
