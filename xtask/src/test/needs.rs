//! Says what the lane needs, installs it where it may, and remembers what is missing.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;

use super::Lane;
use crate::process::{Limit, quiet};
use crate::{Failure, root};

/// Longest wait for the package manager.
const INSTALL_LIMIT: Limit = Limit(Duration::from_secs(420));
/// Longest wait for a program that only says whether it is there.
const PROBE_LIMIT: Limit = Limit(Duration::from_secs(60));

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    need: Vec<Need>,
}

/// One thing that steps need.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Need {
    name: String,
    /// The Debian package that has it.
    package: Option<String>,
    /// A command that succeeds exactly when it is there.
    probe: Vec<String>,
    lane: Lane,
    /// What it is for.
    #[serde(rename = "for")]
    purpose: String,
    /// What a person does where no package has it.
    hint: Option<String>,
}

impl Need {
    fn is_met(&self) -> bool {
        let Some((program, args)) = self.probe.split_first() else {
            return false;
        };
        quiet(
            Command::new(program).args(args).current_dir(root::root()),
            PROBE_LIMIT,
        )
    }
}

/// What the lane needs and this machine does not have.
#[derive(Debug)]
pub(super) struct Needs {
    missing: BTreeSet<String>,
}

impl Needs {
    /// Prints the needs of a lane; as root installs the missing packages, otherwise prints
    /// the one line that does.
    pub(super) fn provide(lane: Lane) -> Result<Self, Failure> {
        let table: Table = root::table("needs.toml")?;
        let needs: Vec<Need> = table
            .need
            .into_iter()
            .filter(|need| need.lane <= lane)
            .collect();
        println!("this lane needs:");
        for need in &needs {
            println!("  {:<16} {}", need.name, need.purpose);
        }
        let missing: Vec<&Need> = needs.iter().filter(|need| !need.is_met()).collect();
        install(&missing);
        let still: Vec<&Need> = missing.into_iter().filter(|need| !need.is_met()).collect();
        for need in &still {
            println!("missing: {}{}", need.name, advice(need));
        }
        Ok(Self {
            missing: still.into_iter().map(|need| need.name.clone()).collect(),
        })
    }

    /// The first of `wanted` that is missing.
    pub(super) fn first_missing<'a>(&self, wanted: &'a [String]) -> Option<&'a str> {
        wanted
            .iter()
            .map(String::as_str)
            .find(|name| self.missing.contains(*name))
    }
}

fn advice(need: &Need) -> String {
    need.hint
        .as_ref()
        .map_or_else(String::new, |hint| format!(" ({hint})"))
}

fn install(missing: &[&Need]) {
    let packages: Vec<&str> = missing
        .iter()
        .filter_map(|need| need.package.as_deref())
        .collect();
    if packages.is_empty() {
        return;
    }
    if !rustix::process::geteuid().is_root() {
        println!(
            "to run everything: sudo apt-get install --yes {}",
            packages.join(" ")
        );
        return;
    }
    println!("installing {}", packages.join(" "));
    let is_done = apt_get(&["update"])
        && apt_get(
            &[
                &["install", "--yes", "--no-install-recommends"],
                &packages[..],
            ]
            .concat(),
        );
    if !is_done {
        println!(
            "could not install: apt-get install --yes {}",
            packages.join(" ")
        );
    }
}

fn apt_get(args: &[&str]) -> bool {
    let mut command = Command::new("apt-get");
    command
        .args(["-qq", "-o", "DPkg::Lock::Timeout=120"])
        .args(args);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    quiet(&mut command, INSTALL_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_need_is_named() {
        let needs = Needs {
            missing: BTreeSet::from(["bubblewrap".to_owned()]),
        };
        let wanted = ["git".to_owned(), "bubblewrap".to_owned()];
        assert_eq!(needs.first_missing(&wanted), Some("bubblewrap"));
        assert_eq!(needs.first_missing(&wanted[..1]), None);
    }

    #[test]
    fn a_probe_that_cannot_run_is_not_met() {
        let need: Need = toml::from_str(
            "name = 'x'\nprobe = ['no-such-program-here']\nlane = 'fast'\nfor = 'nothing'",
        )
        .unwrap();
        assert!(!need.is_met());
    }
}
