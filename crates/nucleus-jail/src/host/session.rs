//! One control group above all jails of a session, so that together they have a bound of their own.
//!
//! The caller makes it and is not in it; each helper makes its own group below it. Without controllers there is none, and then
//! only each jail is bounded. When the session ends, the kernel kills what is left in its group (`cgroup.kill`, v2 only); where the
//! controllers are of v1, a group of v2 beside them is there for that alone.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::cgroup::{Kind, Places, kill_all, remove_stale, remove_tree};
use crate::spec::SessionLimits;
use crate::wire::{Reader, Writer};

const PREFIX: &str = "nucleus-session-";

/// Tells the groups of several launchers of one process apart.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// The groups of one session; removed when dropped, or by the next session when this process was killed.
#[derive(Debug)]
pub(crate) struct SessionGroup {
    place: SessionPlace,
}

/// Where helpers make their groups: one directory, or those of the memory and pids controllers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionPlace {
    pub(super) kind: Kind,
    pub(super) dirs: Vec<PathBuf>,
    /// A group of v2 without controllers beside those of v1.
    pub(super) tree: Option<PathBuf>,
}

impl SessionGroup {
    /// Makes the groups and sets their bounds, or says why that cannot be.
    pub(crate) fn make(limits: &SessionLimits) -> Result<Self, String> {
        let places = Places::of_this_process()
            .map_err(|error| format!("reading /proc/self/cgroup: {error}"))?;
        let v2 = places
            .v2_parent()
            .and_then(|(parent, _)| Self::below(Kind::V2, &[parent], limits));
        v2.or_else(|v2| {
            let parents = places.v1()?;
            let mut group =
                Self::below(Kind::V1, &parents, limits).map_err(|v1| format!("{v2}; {v1}"))?;
            group.place.tree = places.v2.as_deref().and_then(tree_below);
            Ok(group)
        })
    }

    fn below(kind: Kind, parents: &[&Path], limits: &SessionLimits) -> Result<Self, String> {
        let name = fresh_name();
        let mut group = Self {
            place: SessionPlace {
                kind,
                dirs: Vec::new(),
                tree: None,
            },
        };
        for parent in parents {
            remove_stale(parent, PREFIX);
            let dir = parent.join(&name);
            let made = fs::create_dir(&dir);
            made.map_err(|error| format!("{} `{}`: {error}", kind.name(), parent.display()))?;
            group.place.dirs.push(dir);
        }
        let bounded = group.bound(limits);
        bounded.map_err(|error| format!("{}: {error}", kind.name()))?;
        Ok(group)
    }

    fn bound(&self, limits: &SessionLimits) -> std::io::Result<()> {
        let (memory, pids) = (
            limits.memory_bytes.to_string(),
            limits.processes.to_string(),
        );
        let dirs = &self.place.dirs;
        let (Some(first), Some(last)) = (dirs.first(), dirs.last()) else {
            return Err(std::io::ErrorKind::NotFound.into());
        };
        let write = |dir: &Path, name: &str, value: &str| fs::write(dir.join(name), value);
        match self.place.kind {
            Kind::V1 => {
                inherit_memory(first)?;
                write(first, "memory.limit_in_bytes", &memory)?;
                let _no_swap_accounting = write(first, "memory.memsw.limit_in_bytes", &memory);
                write(last, "pids.max", &pids)
            }
            Kind::V2 => {
                write(first, "memory.max", &memory)?;
                let _no_swap_accounting = write(first, "memory.swap.max", "0");
                write(first, "pids.max", &pids)?;
                write(first, "cgroup.subtree_control", "+memory +pids")
            }
        }
    }

    /// Where helpers make their groups.
    pub(crate) fn place(&self) -> &SessionPlace {
        &self.place
    }
}

fn fresh_name() -> String {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{PREFIX}{}-{number}", std::process::id())
}

/// A group that can be killed as a whole, where this process may make one.
fn tree_below(parent: &Path) -> Option<PathBuf> {
    remove_stale(parent, PREFIX);
    let dir = parent.join(fresh_name());
    fs::create_dir(&dir).ok()?;
    Some(dir)
}

/// Makes a v1 memory group count what its children use; kernels since 5.11 always do.
fn inherit_memory(dir: &Path) -> std::io::Result<()> {
    let switch = dir.join("memory.use_hierarchy");
    match fs::read_to_string(&switch) {
        Ok(text) if text.trim() != "1" => fs::write(switch, "1"),
        _ => Ok(()),
    }
}

impl Drop for SessionGroup {
    fn drop(&mut self) {
        for dir in self.place.dirs.iter().chain(&self.place.tree) {
            kill_all(dir);
            // What was killed takes a moment to end; a group in use after that is left for the next session.
            for _ in 0..100 {
                if remove_tree(dir) {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
    }
}

impl SessionPlace {
    /// As a helper is told; `None` for no group.
    pub(crate) fn encode(place: Option<&Self>) -> Vec<u8> {
        let mut out = Writer::default();
        out.u8(match place.map(|place| place.kind) {
            None => 0,
            Some(Kind::V1) => 1,
            Some(Kind::V2) => 2,
        });
        let dirs = place.map(|place| &*place.dirs).unwrap_or_default();
        out.u64(dirs.len() as u64);
        dirs.iter().for_each(|dir| out.text(dir));
        let tree = place.and_then(|place| place.tree.as_deref());
        out.u64(u64::from(tree.is_some()));
        tree.iter().for_each(|dir| out.text(dir));
        out.0
    }

    /// What a helper was told; the outer `None` when the bytes do not fit.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Option<Self>> {
        let mut input = Reader(bytes);
        let kind = match input.u8()? {
            0 => None,
            1 => Some(Kind::V1),
            2 => Some(Kind::V2),
            _ => return None,
        };
        let mut paths =
            || input.list(|input| Some(PathBuf::from(OsStr::from_bytes(input.bytes()?))));
        let (dirs, tree) = (paths()?, paths()?.pop());
        Some(kind.map(|kind| Self { kind, dirs, tree }))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Child, Command};

    use super::{Kind, SessionGroup, SessionLimits, SessionPlace};

    #[test]
    fn a_helper_is_told_the_place_or_that_there_is_none() {
        let place = SessionPlace {
            kind: Kind::V1,
            dirs: vec!["/m/s".into(), "/p/s".into()],
            tree: Some("/u/s".into()),
        };
        let bare = SessionPlace {
            tree: None,
            ..place.clone()
        };
        for place in [None, Some(place), Some(bare)] {
            let bytes = SessionPlace::encode(place.as_ref());
            assert_eq!(SessionPlace::decode(&bytes), Some(place));
        }
        for bytes in [&[][..], &[3, 0, 0, 0, 0, 0, 0, 0, 0], &[1, 9]] {
            assert_eq!(SessionPlace::decode(bytes), None);
        }
    }

    fn sleeper() -> Child {
        Command::new("sleep").arg("1000").spawn().unwrap()
    }

    #[test]
    fn what_is_left_in_a_sessions_group_dies_with_the_session_and_nothing_else() {
        let Ok(group) = SessionGroup::make(&SessionLimits::default()) else {
            // The controllers belong to somebody else; the report and `doctor` say so.
            return;
        };
        let place = group.place().clone();
        let kill = |dir: &&std::path::PathBuf| dir.join("cgroup.kill").exists();
        let mut groups = place.dirs.iter().chain(&place.tree);
        let Some(dir) = groups.find(kill) else {
            // Linux 5.14 is the first to have it; older kernels rely on the pid namespaces alone.
            return;
        };
        let (mut inside, mut outside) = (sleeper(), sleeper());
        std::fs::write(dir.join("cgroup.procs"), inside.id().to_string()).unwrap();
        drop(group);
        assert_eq!(inside.wait().unwrap().signal(), Some(libc::SIGKILL));
        assert!(outside.try_wait().unwrap().is_none(), "the twin");
        outside.kill().unwrap();
        outside.wait().unwrap();
        assert!(!dir.exists() || std::fs::remove_dir(dir).is_ok());
    }
}
