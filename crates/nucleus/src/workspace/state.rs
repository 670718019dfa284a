//! The directory of one workspace's state: readable by its user only, shared by all their sessions on it under one lock.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::WorkspaceError;

/// The state directory, with a part of its own for this process.
#[derive(Debug)]
pub(crate) struct State {
    dir: PathBuf,
    run: PathBuf,
    lock: Mutex<File>,
    _alive: File,
}

/// Held by whoever changes the real tree or the state; other sessions wait.
#[derive(Debug)]
pub(crate) struct Locked<'a> {
    file: MutexGuard<'a, File>,
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // The lock ends with the descriptor at the latest.
        let _ = self.file.unlock();
    }
}

impl State {
    /// Makes what is missing and clears what dead sessions left.
    pub(crate) fn open(dir: &Path) -> Result<Self, WorkspaceError> {
        make_dir(dir)?;
        let dir = dir
            .canonicalize()
            .map_err(WorkspaceError::io("open", dir.display()))?;
        for name in ["blobs", "runs"] {
            make_dir(&dir.join(name))?;
        }
        let lock = open_lock(&dir.join("lock"))?;
        // Before there is a directory of this process without its own lock: another one that starts clears such.
        lock.lock()
            .map_err(WorkspaceError::io("lock", dir.display()))?;
        let run = dir.join("runs").join(random_name()?);
        let state = Self {
            lock: Mutex::new(lock),
            _alive: {
                make_dir(&run)?;
                let alive = open_lock(&run.join("alive"))?;
                alive
                    .lock()
                    .map_err(WorkspaceError::io("lock", run.display()))?;
                alive
            },
            dir,
            run,
        };
        let guard = state.lock()?;
        state.clear_dead_runs()?;
        drop(guard);
        Ok(state)
    }

    /// The directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where blobs are.
    pub(crate) fn blobs(&self) -> PathBuf {
        self.dir.join("blobs")
    }

    /// A fresh directory for one layer of this process.
    pub(crate) fn fresh_dir(&self, kind: &str) -> Result<RunDir, WorkspaceError> {
        let path = self.run.join(format!("{kind}-{}", random_name()?));
        make_dir(&path)?;
        Ok(RunDir { path })
    }

    /// Waits until no other session changes anything.
    pub(crate) fn lock(&self) -> Result<Locked<'_>, WorkspaceError> {
        let file = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        file.lock()
            .map_err(WorkspaceError::io("lock", self.dir.display()))?;
        Ok(Locked { file })
    }

    /// Removes the directories of processes that are gone. A process that is alive holds the lock of its own.
    fn clear_dead_runs(&self) -> Result<(), WorkspaceError> {
        let runs = self.dir.join("runs");
        let io = WorkspaceError::io("list", runs.display());
        for entry in std::fs::read_dir(&runs).map_err(io)? {
            let path = entry
                .map_err(WorkspaceError::io("list", runs.display()))?
                .path();
            if path == self.run {
                continue;
            }
            match open_lock(&path.join("alive")).map(|file| file.try_lock()) {
                Ok(Ok(())) | Err(_) => remove_tree(&path),
                Ok(Err(TryLockError::WouldBlock | TryLockError::Error(_))) => {}
            }
        }
        Ok(())
    }
}

impl Drop for State {
    fn drop(&mut self) {
        remove_tree(&self.run);
    }
}

/// A directory that is removed with its last user.
#[derive(Debug)]
pub(crate) struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps the directory until the process ends.
    pub(crate) fn keep(mut self) -> PathBuf {
        std::mem::take(&mut self.path)
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            remove_tree(&self.path);
        }
    }
}

/// 16 random hex digits.
pub(crate) fn random_name() -> Result<String, WorkspaceError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| {
        WorkspaceError::io("name", "state")(std::io::Error::other(error.to_string()))
    })?;
    Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
}

fn make_dir(path: &Path) -> Result<(), WorkspaceError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(WorkspaceError::io("make directory", path.display()))
}

fn open_lock(path: &Path) -> Result<File, WorkspaceError> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(WorkspaceError::io("open", path.display()))
}

/// Removes a tree of ours as far as it can, directories without permissions included.
pub(crate) fn remove_tree(path: &Path) {
    if std::fs::remove_dir_all(path).is_ok() || !path.exists() {
        return;
    }
    open_up(path);
    // What is left is removed at the next start.
    let _ = std::fs::remove_dir_all(path);
}

fn open_up(dir: &Path) {
    let _ = std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700));
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}
