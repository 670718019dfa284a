//! Runs `cargo-mutants` on a copy of the workspace, and reads what it noticed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::kept::Measured;
use crate::process::{Limit, stream};
use crate::root::{read, root};
use crate::{Failure, rocq};

/// The tool, with the version whose output is read here.
const TOOL: &str = "cargo-mutants";
const VERSION: &str = "27.1.0";
/// Where programs of others are installed, below the root.
const TOOLS: &str = "target/xtask/tools";
/// Where the tool writes and builds, below the root.
const WORK: &str = "target/xtask/mutants";
/// The named laws.
const LAWS: &[&str] = &["portcullis-laws"];
/// Who judges a mutant, by which tests: the laws, and then, of what they let pass, the tests and the model.
const JUDGES: [(&[&str], &[&str]); 2] = [
    (LAWS, &["--lib"]),
    (
        &["portcullis", "portcullis-text", "difftest"],
        &["--lib", "--bins", "--tests"],
    ),
];
/// A mutant whose tests take longer than this, in seconds, never ends.
const TIMEOUT_S: &str = "300";
/// What is built once may take long to build; what draws inputs is then three times as fast.
const DEPENDENCIES: &str = "profile.dev.package.'*'.opt-level=3";
/// Drawn inputs for each property: enough for a bug of one line, several times over.
const DRAWN: &str = "200";

/// Measures files; those that were not done in time are left out.
pub(super) fn measure(
    files: &[String],
    hashes: &BTreeMap<String, String>,
    limit: Limit,
) -> Result<BTreeMap<String, Measured>, Failure> {
    if files.is_empty() {
        return Ok(BTreeMap::new());
    }
    let tool = installed()?;
    let work = root().join(WORK);
    let out = work.join("mutants.out");
    for old in [&out, &work.join("mutants.out.old")] {
        let _ = fs::remove_dir_all(old);
    }
    fs::create_dir_all(&work)?;
    let began = Instant::now();
    let mut tally = Tally::default();
    for (judges, tests) in JUDGES {
        let mut command = Command::new(&tool);
        command.args([
            "mutants",
            "--package",
            "portcullis",
            "--package",
            "portcullis-text",
            "--no-shuffle",
            "--iterate",
        ]);
        command
            .args(["--timeout", TIMEOUT_S, "--colors", "never", "--output"])
            .arg(&work);
        command.args(["--cargo-arg=--config", "--cargo-arg", DEPENDENCIES]);
        command.args(files.iter().flat_map(|file| ["--file", file]));
        command.args(judges.iter().flat_map(|judge| ["--test-package", judge]));
        command.args(tests.iter().map(|flag| format!("--cargo-test-arg={flag}")));
        if judges == LAWS {
            // All of them, so that every law is heard.
            command.arg("--cargo-test-arg=--no-fail-fast");
        }
        command
            .env("CARGO_TARGET_DIR", work.join("target"))
            .env("PROPTEST_CASES", DRAWN);
        command.envs([
            ("CARGO_PROFILE_DEV_OPT_LEVEL", "0"),
            ("CARGO_PROFILE_DEV_DEBUG", "0"),
        ]);
        if judges.contains(&"difftest") {
            command.env("DIFFTEST_MODEL", rocq::extracted()?);
        }
        let left = limit.0.saturating_sub(began.elapsed());
        if left.is_zero() {
            tally.reopen();
            break;
        }
        let ending = stream(command.current_dir(root()), Limit(left), |line| {
            println!("{line}")
        });
        println!(
            "mutants: {TOOL} {ending}, judged by {}",
            judges.join(" and ")
        );
        tally.add(
            &json(&out, "mutants.json")?,
            &json(&out, "outcomes.json")?,
            |log| Ok(names_a_law(&read(&out.join(log))?)),
        )?;
    }
    Ok(tally.of_files(files, hashes))
}

fn json(directory: &Path, name: &str) -> Result<Value, Failure> {
    Ok(serde_json::from_str(&read(&directory.join(name))?)?)
}

/// Whether the log of a mutant says that a named law failed.
fn names_a_law(log: &str) -> bool {
    log.lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
        .any(|test| {
            test.rsplit("::")
                .next()
                .is_some_and(|name| name.starts_with("law_"))
        })
}

/// The tool's program; installed by cargo where it is not there.
fn installed() -> Result<PathBuf, Failure> {
    let program = root().join(TOOLS).join("bin").join(TOOL);
    if version_of(&program).as_deref() != Some(&*format!("{TOOL} {VERSION}")) {
        let mut install = Command::new("cargo");
        install.args([
            "install",
            TOOL,
            "--version",
            VERSION,
            "--locked",
            "--root",
            TOOLS,
        ]);
        let ending = stream(
            install.current_dir(root()),
            Limit(Duration::from_secs(1800)),
            |line| println!("{line}"),
        );
        if !ending.is_success() {
            return Err(format!("{TOOL} {VERSION} cannot be installed: {ending}").into());
        }
    }
    Ok(program)
}

fn version_of(program: &Path) -> Option<String> {
    let said = Command::new(program)
        .args(["mutants", "--version"])
        .output()
        .ok()?;
    Some(String::from_utf8(said.stdout).ok()?.trim().to_owned())
}

/// What came of a mutant, by the tool's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Not judged, or let pass by judges that are not the last.
    Open,
    Caught {
        by_law: bool,
    },
    TimedOut,
    Unviable,
    Missed,
}

/// What came of each mutant, pass by pass.
#[derive(Debug, Default)]
struct Tally {
    /// By file and name.
    fates: BTreeMap<(String, String), Fate>,
}

impl Tally {
    /// Adds a pass: what it lists is judged anew, and open where it did not come to it.
    fn add(
        &mut self,
        all: &Value,
        outcomes: &Value,
        by_law: impl Fn(&str) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        for mutant in all.as_array().ok_or("the tool's mutants are no list")? {
            self.fates.insert(key(mutant)?, Fate::Open);
        }
        for outcome in outcomes["outcomes"]
            .as_array()
            .ok_or("the tool's outcomes are no list")?
        {
            let said = outcome["summary"].as_str().unwrap_or_default();
            let mutant = &outcome["scenario"]["Mutant"];
            if mutant.is_null() {
                // The run without a mutant: the judges must be content with it.
                if said != "Success" {
                    return Err("the tests fail without any mutant: nothing can be measured".into());
                }
                continue;
            }
            let fate = match said {
                "CaughtMutant" => Fate::Caught {
                    by_law: by_law(outcome["log_path"].as_str().unwrap_or_default())?,
                },
                "Timeout" => Fate::TimedOut,
                "Unviable" => Fate::Unviable,
                "MissedMutant" => Fate::Missed,
                _ => return Err(format!("the tool says `{said}` of {mutant}").into()),
            };
            self.fates.insert(key(mutant)?, fate);
        }
        Ok(())
    }

    /// Takes back what judges that were not the last let pass.
    fn reopen(&mut self) {
        for fate in self
            .fates
            .values_mut()
            .filter(|fate| **fate == Fate::Missed)
        {
            *fate = Fate::Open;
        }
    }

    /// The counts of the files all of whose mutants were judged.
    fn of_files(
        &self,
        files: &[String],
        hashes: &BTreeMap<String, String>,
    ) -> BTreeMap<String, Measured> {
        let mut measured = BTreeMap::new();
        for file in files {
            let mut counts = Measured {
                hash: hashes.get(file).cloned().unwrap_or_default(),
                ..Measured::default()
            };
            let fates = self.fates.iter().filter(|((of, _), _)| of == file);
            if fates.clone().all(|(_, fate)| *fate != Fate::Open) {
                fates.for_each(|((_, name), fate)| counts.count(name, *fate));
                measured.insert(file.clone(), counts);
            }
        }
        measured
    }
}

impl Measured {
    fn count(&mut self, name: &str, fate: Fate) {
        match fate {
            Fate::Open => {}
            Fate::Caught { by_law } => {
                self.caught += 1;
                self.by_law += u32::from(by_law);
            }
            Fate::TimedOut => self.timed_out += 1,
            Fate::Unviable => self.unviable += 1,
            Fate::Missed => _ = self.missed.insert(name.to_owned()),
        }
    }
}

fn key(mutant: &Value) -> Result<(String, String), Failure> {
    match (mutant["file"].as_str(), mutant["name"].as_str()) {
        (Some(file), Some(name)) => Ok((file.to_owned(), name.to_owned())),
        _ => Err(format!("the tool's mutant has no file or name: {mutant}").into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outcome(name: &str, summary: &str) -> Value {
        json!({"scenario": {"Mutant": {"file": "a.rs", "name": name}}, "summary": summary, "log_path": name})
    }

    /// What two passes say of the mutants `m` and `n`; the second is asked of `m` alone.
    fn counts(first: &[Value], second: &[Value]) -> Result<BTreeMap<String, Measured>, Failure> {
        let mut tally = Tally::default();
        let all = json!([{"file": "a.rs", "name": "m"}, {"file": "a.rs", "name": "n"}]);
        tally.add(&all, &json!({"outcomes": first}), |log| Ok(log == "n"))?;
        let open = json!([{"file": "a.rs", "name": "m"}]);
        tally.add(&open, &json!({"outcomes": second}), |_| Ok(false))?;
        let hashes = BTreeMap::from([("a.rs".to_owned(), "1".to_owned())]);
        Ok(tally.of_files(&["a.rs".to_owned()], &hashes))
    }

    #[test]
    fn each_mutant_is_counted_as_what_its_last_judge_says() {
        let baseline = json!({"scenario": "Baseline", "summary": "Success"});
        let first = [
            baseline,
            outcome("m", "MissedMutant"),
            outcome("n", "CaughtMutant"),
        ];
        let file = |last| {
            counts(&first, &[outcome("m", last)])
                .unwrap()
                .remove("a.rs")
                .unwrap()
        };
        let (caught, missed) = (file("CaughtMutant"), file("MissedMutant"));
        assert_eq!(
            (
                caught.caught,
                caught.by_law,
                caught.missed.len(),
                &*caught.hash
            ),
            (2, 1, 0, "1")
        );
        assert_eq!(
            (missed.caught, missed.by_law, missed.missed.len()),
            (1, 1, 1)
        );
    }

    #[test]
    fn a_file_that_was_not_done_is_not_measured() {
        let both = [outcome("m", "MissedMutant"), outcome("n", "CaughtMutant")];
        assert!(counts(&both, &[]).unwrap().is_empty());
        assert!(
            counts(&both[..1], &[outcome("m", "CaughtMutant")])
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn what_the_laws_let_pass_is_open_until_the_tests_have_judged() {
        let mut tally = Tally::default();
        let outcomes = json!({"outcomes": [outcome("m", "MissedMutant")]});
        tally
            .add(&json!([{"file": "a.rs", "name": "m"}]), &outcomes, |_| {
                Ok(false)
            })
            .unwrap();
        tally.reopen();
        assert!(
            tally
                .of_files(&["a.rs".to_owned()], &BTreeMap::new())
                .is_empty()
        );
    }

    #[test]
    fn tests_that_fail_without_a_mutant_measure_nothing() {
        assert!(
            counts(
                &[json!({"scenario": "Baseline", "summary": "Failure"})],
                &[]
            )
            .is_err()
        );
        assert!(counts(&[outcome("m", "Weather")], &[]).is_err());
    }

    #[test]
    fn a_law_is_heard_and_another_test_is_no_law() {
        assert!(names_a_law(
            "test session::law_ended_is_forever ... FAILED\n"
        ));
        assert!(!names_a_law(
            "test session::law_ended_is_forever ... ok\ntest it::a_test ... FAILED\n"
        ));
        assert!(!names_a_law("test result: FAILED. 1 passed"));
    }
}
