//! A workspace that is a git repository, and git as the user runs it on the host.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use nucleus::Error;
use nucleus::git::{CommitRequest, Committed};
use portcullis::path::RelPath;
use tempfile::TempDir;

use crate::session::Session;

/// Reads, writes and commits; pushes and pull requests where `remotes` says so.
pub(crate) fn policy(remotes: &str) -> String {
    format!(
        "[capabilities]\nread_files = \"always\"\nwrite_files = \"always\"\nedit_files = \"always\"\n\
         run_bash = \"always\"\ngit_commit = \"always\"\ngit_push = \"low_risk\"\ncreate_pr = \"low_risk\"\n\
         [git]\nremotes = {remotes}\n[budget]\nmax_cost_usd = 5.0\n"
    )
}

/// Git as the user runs it, without the user's own configuration.
pub(crate) fn command(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .current_dir(dir)
        .args(words)
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .envs([
            ("GIT_AUTHOR_NAME", "User"),
            ("GIT_AUTHOR_EMAIL", "user@example.com"),
        ])
        .envs([
            ("GIT_COMMITTER_NAME", "User"),
            ("GIT_COMMITTER_EMAIL", "user@example.com"),
        ]);
    command
}

/// What git on the host says, without the last line's end.
pub(crate) fn host(dir: &Path, words: &[&str]) -> String {
    let output = command(dir, words).output().unwrap();
    assert!(
        output.status.success(),
        "git {words:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

/// A directory with an empty repository at `ws`.
pub(crate) fn empty() -> Arc<TempDir> {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let ws = dir.path().join("ws");
    std::fs::create_dir(&ws).unwrap();
    host(&ws, &["init", "--quiet", "--initial-branch=main"]);
    dir
}

/// A directory with a repository of one commit at `ws`.
pub(crate) fn with_commit() -> Arc<TempDir> {
    let dir = empty();
    let ws = dir.path().join("ws");
    std::fs::write(ws.join("readme.txt"), "first\n").unwrap();
    host(&ws, &["add", "."]);
    host(&ws, &["commit", "--quiet", "-m", "first"]);
    dir
}

/// An empty bare repository beside the workspace, and its URL.
pub(crate) fn remote(dir: &TempDir, name: &str) -> (PathBuf, String) {
    let path = std::fs::canonicalize(dir.path()).unwrap().join(name);
    std::fs::create_dir(&path).unwrap();
    host(&path, &["init", "--quiet", "--bare"]);
    let url = format!("file://{}", path.display());
    (path, url)
}

pub(crate) fn session(dir: &Arc<TempDir>, policy: &str) -> Session {
    Session::beside(dir, policy, |_| {}).unwrap()
}

pub(crate) fn rel(path: &str) -> RelPath {
    RelPath::parse(path).unwrap()
}

/// Commits these files of the repository at the root.
pub(crate) fn commit(session: &Session, message: &str, paths: &[&str]) -> Result<Committed, Error> {
    let paths = paths.iter().map(|path| rel(path)).collect();
    let request = CommitRequest {
        repository: RelPath::root(),
        message: message.to_owned(),
        paths,
    };
    session.git().commit(&request)
}

pub(crate) fn head(dir: &Path) -> String {
    host(dir, &["rev-parse", "HEAD"])
}

/// Every file below a directory with its bytes.
pub(crate) fn snapshot(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(snapshot(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}
