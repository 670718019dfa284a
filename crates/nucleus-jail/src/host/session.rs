//! One control group above all jails of a session, so that together they have a bound of their own.
//!
//! The caller makes it and is not in it; each helper makes its own group below it. Without controllers there is none, and then
//! only each jail is bounded.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::cgroup::{Kind, Places, remove_stale};
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
            Self::below(Kind::V1, &parents, limits).map_err(|v1| format!("{v2}; {v1}"))
        })
    }

    fn below(kind: Kind, parents: &[&Path], limits: &SessionLimits) -> Result<Self, String> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}", std::process::id());
        let mut group = Self {
            place: SessionPlace {
                kind,
                dirs: Vec::new(),
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
        for dir in &self.place.dirs {
            super::cgroup::remove_tree(dir);
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
        let dirs = input.list(|input| Some(PathBuf::from(OsStr::from_bytes(input.bytes()?))))?;
        Some(kind.map(|kind| Self { kind, dirs }))
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, SessionPlace};

    #[test]
    fn a_helper_is_told_the_place_or_that_there_is_none() {
        let place = SessionPlace {
            kind: Kind::V1,
            dirs: vec!["/m/s".into(), "/p/s".into()],
        };
        for place in [None, Some(place)] {
            let bytes = SessionPlace::encode(place.as_ref());
            assert_eq!(SessionPlace::decode(&bytes), Some(place));
        }
        for bytes in [&[][..], &[3, 0, 0, 0, 0, 0, 0, 0, 0], &[1, 9]] {
            assert_eq!(SessionPlace::decode(bytes), None);
        }
    }
}
