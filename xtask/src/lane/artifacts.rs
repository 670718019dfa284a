//! Knows where the test binaries are, without building anything the tests step did not.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::{Failure, root};

/// The built test binaries of the workspace.
#[derive(Debug)]
pub(super) struct Artifacts {
    tests: Vec<TestBinary>,
}

/// One test binary.
#[derive(Debug)]
pub(super) struct TestBinary {
    package: String,
    target: String,
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
    /// Builds what is not built yet and asks cargo where everything is.
    pub(super) fn build() -> Result<Self, Failure> {
        let output = Command::new("cargo")
            .args([
                "test",
                "--release",
                "--locked",
                "--workspace",
                "--lib",
                "--bins",
                "--tests",
            ])
            .args(["--no-run", "--message-format=json"])
            .current_dir(root::root())
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(format!("the tests do not build: {}", output.status).into());
        }
        let lines = output.stdout.split(|byte| *byte == b'\n');
        Ok(Self {
            tests: lines.filter_map(test_binary).collect(),
        })
    }

    /// The test binary of that name; none when the workspace has no such target.
    pub(super) fn test(&self, package: &str, target: &str) -> Option<&TestBinary> {
        self.tests
            .iter()
            .find(|test| test.package == package && test.target == target)
    }

    /// Every binary the user's copy needs.
    pub(super) fn executables(&self) -> Vec<&Path> {
        self.tests
            .iter()
            .map(|test| test.executable.as_path())
            .collect()
    }
}

fn test_binary(line: &[u8]) -> Option<TestBinary> {
    let message: Message = serde_json::from_slice(line).ok()?;
    if message.reason != "compiler-artifact" || !message.profile?.test {
        return None;
    }
    let directory = message.manifest_path?.parent()?.to_path_buf();
    Some(TestBinary {
        package: directory.file_name()?.to_str()?.to_owned(),
        target: message.target?.name,
        executable: message.executable?,
        directory,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_artifact_is_recognised_and_a_library_is_not() {
        let line = |test: bool| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/r/crates/nucleus/Cargo.toml",
                "target":{{"name":"it"}},"executable":"/r/target/release/deps/it-1",
                "profile":{{"test":{test}}}}}"#
            )
        };
        let found = test_binary(line(true).as_bytes()).unwrap();
        assert_eq!(
            (found.package.as_str(), found.target.as_str()),
            ("nucleus", "it")
        );
        assert!(test_binary(line(false).as_bytes()).is_none());
    }
}
