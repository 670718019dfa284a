//! Runs the built tests and the demo as an ordinary user that exists for this run only.
//!
//! The user sees a copy of the tracked files and of the built binaries, at the path of this
//! repository, in a mount namespace of its own: paths compiled into tests hold, and root's
//! files are neither readable nor writable. User, copy and home are removed at the end.

mod artifacts;
mod place;

use std::process::Command;
use std::time::Duration;

use serde::Deserialize;

use crate::process::{Limit, stream};
use crate::{Failure, root};
use artifacts::Artifacts;
use place::Place;

/// What to run of `xtask/lane.toml`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run only the tests of these packages, and no command
    #[arg(long, value_name = "PACKAGE")]
    package: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    elsewhere: Vec<String>,
    #[serde(default)]
    test: Vec<TestEntry>,
    #[serde(default)]
    command: Vec<CommandEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestEntry {
    package: String,
    target: String,
    #[serde(default)]
    filters: Vec<String>,
    /// Test names to leave out, as libtest's `--skip` takes them.
    #[serde(default)]
    skip: Vec<String>,
    limit_s: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandEntry {
    name: String,
    /// `{user}` stands for the user's name.
    argv: Vec<String>,
    limit_s: u64,
    #[serde(default)]
    by: By,
}

/// Who starts a command of the lane.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum By {
    #[default]
    User,
    /// Root, for a program that becomes the user by itself.
    Root,
}

/// Runs the lane; true when everything in it held.
pub(crate) fn run(args: &Args) -> Result<bool, Failure> {
    if !rustix::process::geteuid().is_root() {
        return Err("only root can make a user; as an ordinary user, `cargo xtask test` itself is this lane".into());
    }
    let table: Table = root::table("lane.toml")?;
    let artifacts = Artifacts::build(&args.package)?;
    let place = Place::make(&root::root(), &artifacts.executables())?;
    let mut is_green = true;
    let is_wanted =
        |entry: &&TestEntry| args.package.is_empty() || args.package.contains(&entry.package);
    for entry in table.test.iter().filter(is_wanted) {
        is_green &= entry.run(&artifacts, &place, &table.elsewhere);
    }
    for entry in table.command.iter().filter(|_| args.package.is_empty()) {
        is_green &= entry.run(&place);
    }
    Ok(is_green)
}

impl TestEntry {
    fn run(&self, artifacts: &Artifacts, place: &Place, elsewhere: &[String]) -> bool {
        let name = format!("{} {}", self.package, self.target);
        let Some(test) = artifacts.test(&self.package, &self.target) else {
            println!("FAILED: {name} is no test binary of this workspace");
            return false;
        };
        let mut argv = vec![
            test.executable.display().to_string(),
            "--show-output".to_owned(),
        ];
        argv.extend(
            self.skip
                .iter()
                .flat_map(|name| ["--skip".to_owned(), name.clone()]),
        );
        argv.extend(self.filters.iter().cloned());
        let mut command = place.command(&test.directory, &argv);
        let ending = stream(&mut command, limit(self.limit_s), |line| {
            relay(line, elsewhere)
        });
        report(&name, ending.is_success(), &ending.to_string())
    }
}

impl CommandEntry {
    fn run(&self, place: &Place) -> bool {
        let argv: Vec<String> = self
            .argv
            .iter()
            .map(|word| word.replace("{user}", place.user()))
            .collect();
        let mut command = match self.by {
            By::User => place.command(&root::root(), &argv),
            By::Root => own_command(&argv),
        };
        let ending = stream(&mut command, limit(self.limit_s), |line| println!("{line}"));
        if ending.is_success() {
            println!("PASSED: {} as an ordinary user", self.name);
        }
        report(&self.name, ending.is_success(), &ending.to_string())
    }
}

fn own_command(argv: &[String]) -> Command {
    let mut command = Command::new(argv.first().map_or("", String::as_str));
    command.args(argv.iter().skip(1)).current_dir(root::root());
    command
}

fn limit(seconds: u64) -> Limit {
    Limit(Duration::from_secs(seconds))
}

fn report(name: &str, is_success: bool, ending: &str) -> bool {
    if !is_success {
        println!("FAILED: {name} as an ordinary user ({ending})");
    }
    is_success
}

/// Passes a line on; a skip for want of what only root has here is named, not counted.
fn relay(line: &str, elsewhere: &[String]) {
    println!("{}", relayed(line, elsewhere));
}

fn relayed(line: &str, elsewhere: &[String]) -> String {
    let missing = line
        .strip_prefix("SKIPPED: ")
        .and_then(|rest| rest.split_once("(missing: "));
    let is_elsewhere =
        missing.is_some_and(|(_, what)| elsewhere.iter().any(|known| what.starts_with(known)));
    if is_elsewhere {
        format!("ran as root only: {line}")
    } else {
        line.to_owned()
    }
}

/// Runs a tool of the system and names it when it fails.
fn tool(command: &mut Command) -> Result<(), Failure> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}: {}", output.status, said.trim()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_an_ordinary_user_cannot_have_is_left_uncounted() {
        let elsewhere = ["a Rust toolchain".to_owned()];
        let known = "SKIPPED: t (missing: a Rust toolchain)";
        let other = "SKIPPED: t (missing: user namespaces)";
        assert!(!relayed(known, &elsewhere).starts_with("SKIPPED: "));
        assert_eq!(relayed(other, &elsewhere), other);
    }

    #[test]
    fn the_table_parses() {
        let table: Table = root::table("lane.toml").unwrap();
        assert!(!table.command.is_empty());
    }
}
