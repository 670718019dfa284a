//! Knows where the test binaries are, without building anything the tests step did not.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::{Failure, root};

/// The built binaries of the workspace.
#[derive(Debug)]
pub(super) struct Artifacts {
    binaries: Vec<Binary>,
}

/// One binary: a program, or the tests of a target.
#[derive(Debug)]
pub(super) struct Binary {
    package: String,
    target: String,
    is_test: bool,
    pub(super) executable: PathBuf,
    /// The package's own directory, which cargo makes the working directory of its tests.
    pub(super) directory: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
    executable: Option<PathBuf>,
    profile: Option<Profile>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Profile {
    test: bool,
}

impl Artifacts {
    /// Builds what is not built yet, of some packages or of all, and asks where everything is.
    pub(super) fn build(packages: &[String]) -> Result<Self, Failure> {
        let mut command = Command::new("cargo");
        command.args([
            "test",
            "--release",
            "--locked",
            "--lib",
            "--bins",
            "--tests",
        ]);
        if packages.is_empty() {
            command.arg("--workspace");
        }
        let output = command
            .args(packages.iter().flat_map(|name| ["--package", name]))
            .args(["--no-run", "--message-format=json"])
            .current_dir(root::root())
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(format!("the tests do not build: {}", output.status).into());
        }
        let lines = output.stdout.split(|byte| *byte == b'\n');
        Ok(Self {
            binaries: lines.filter_map(binary).collect(),
        })
    }

    /// The test binary of that name; none when the workspace has no such target.
    pub(super) fn test(&self, package: &str, target: &str) -> Option<&Binary> {
        let mut tests = self.binaries.iter().filter(|binary| binary.is_test);
        tests.find(|test| test.package == package && test.target == target)
    }

    /// Every binary the user's copy needs: tests start programs of their own package.
    pub(super) fn executables(&self) -> Vec<&Path> {
        self.binaries
            .iter()
            .map(|binary| binary.executable.as_path())
            .collect()
    }
}

fn binary(line: &[u8]) -> Option<Binary> {
    let message: Message = serde_json::from_slice(line).ok()?;
    if message.reason != "compiler-artifact" {
        return None;
    }
    let directory = message.manifest_path?.parent()?.to_path_buf();
    Some(Binary {
        package: directory.file_name()?.to_str()?.to_owned(),
        target: message.target?.name,
        is_test: message.profile?.test,
        executable: message.executable?,
        directory,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(is_test: bool, executable: &str) -> String {
        format!(
            r#"{{"reason":"compiler-artifact","manifest_path":"/r/crates/nucleus/Cargo.toml",
            "target":{{"name":"it"}},"executable":{executable},"profile":{{"test":{is_test}}}}}"#
        )
    }

    #[test]
    fn tests_and_programs_are_told_apart_and_libraries_left_out() {
        let test = binary(message(true, "\"/r/target/release/deps/it-1\"").as_bytes()).unwrap();
        let program = binary(message(false, "\"/r/target/release/it\"").as_bytes()).unwrap();
        let artifacts = Artifacts {
            binaries: vec![program, test],
        };
        let found = artifacts.test("nucleus", "it").unwrap();
        assert_eq!(found.executable, Path::new("/r/target/release/deps/it-1"));
        assert_eq!(artifacts.executables().len(), 2);
        assert!(binary(message(false, "null").as_bytes()).is_none());
    }
}
