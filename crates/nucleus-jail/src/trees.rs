//! Opening host trees as detached mounts, read-only and translated as their role says.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, FileType};
use rustix::mount::{OpenTreeFlags, open_tree};

use crate::error::Step;
use crate::failure::{At, Done, Failure};
use crate::plan::{Role, TreeRequest};
use crate::spec::TreeId;
use crate::sys::fs::{ATTR_NODEV, ATTR_NOSUID, ATTR_RDONLY, Reach, set_mount_attr};

/// First of the 65,536 host ids a jail started by root is mapped to. No account or subordinate range uses them.
pub(crate) const BASE: u32 = 1_900_000_000;
/// The user and group inside a jail started by root.
pub(crate) const INSIDE: u32 = 1000;
/// Length of the mapped range.
pub(crate) const RANGE: u32 = 65_536;

/// User namespaces that translate the owner of a tree to the jail's user, by (uid, gid).
#[derive(Default)]
pub(crate) struct IdMaps(HashMap<(u32, u32), OwnedFd>);

impl IdMaps {
    fn of(&mut self, owner: (u32, u32)) -> Done<BorrowedFd<'_>> {
        use std::collections::hash_map::Entry;
        let fd: &OwnedFd = match self.0.entry(owner) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(free) => free.insert(crate::host::clone::user_namespace(
                &disk_map(owner.0),
                &disk_map(owner.1),
            )?),
        };
        Ok(fd.as_fd())
    }
}

/// Disk id to host id: identity plus [`BASE`], with the owner and [`INSIDE`] swapped; an owner beyond the range takes [`INSIDE`]'s place.
pub(crate) fn disk_map(owner: u32) -> String {
    if owner >= RANGE {
        let (after, rest) = (INSIDE + 1, RANGE - INSIDE - 1);
        return format!(
            "0 {BASE} {INSIDE}\n{after} {} {rest}\n{owner} {} 1\n",
            BASE + after,
            BASE + INSIDE
        );
    }
    let swap = |id: u32| match id {
        id if id == owner => INSIDE,
        INSIDE => owner,
        id => id,
    };
    let mut cuts = vec![0, owner, owner + 1, INSIDE, INSIDE + 1, RANGE];
    cuts.sort_unstable();
    cuts.dedup();
    cuts.windows(2)
        .map(|w| format!("{} {} {}\n", w[0], BASE + swap(w[0]), w[1] - w[0]))
        .collect()
}

/// Opens every tree in order. With `maps` (started by root) layers and owned views are translated.
pub(crate) fn open_all(
    requests: &[TreeRequest],
    mut maps: Option<&mut IdMaps>,
) -> Done<Vec<OwnedFd>> {
    requests
        .iter()
        .map(|request| open_one(request, maps.as_deref_mut()))
        .collect()
}

fn open_one(request: &TreeRequest, maps: Option<&mut IdMaps>) -> Done<OwnedFd> {
    let (reach, attr) = match request.role {
        Role::View => (Reach::Below, ATTR_RDONLY | ATTR_NOSUID),
        Role::OwnedView => (Reach::This, ATTR_RDONLY | ATTR_NOSUID),
        Role::Writable | Role::Upper => (Reach::This, ATTR_NOSUID | ATTR_NODEV),
        Role::Layer | Role::KeptLayer => (Reach::This, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV),
    };
    let path = request.path.to_string_lossy();
    let tree = clone_tree(&request.path, reach)?;
    let stat = rustix::fs::fstat(&tree).at(Step::OpenTree, &path)?;
    if let Some(id) = request.id
        && id
            != (TreeId {
                dev: stat.st_dev,
                ino: stat.st_ino,
            })
    {
        return Err(Failure {
            step: Step::OpenTree,
            detail: format!("`{path}` is not the directory it was"),
            errno: libc::ESTALE,
        });
    }
    if matches!(request.role, Role::Layer | Role::KeptLayer | Role::Upper)
        && FileType::from_raw_mode(stat.st_mode) != FileType::Directory
    {
        return Err(Failure {
            step: Step::OpenTree,
            detail: path.into_owned(),
            errno: libc::ENOTDIR,
        });
    }
    let map = match (request.role, maps) {
        (Role::Layer | Role::OwnedView, Some(maps)) => Some(maps.of((stat.st_uid, stat.st_gid))?),
        _ => None,
    };
    let step = if map.is_some() {
        Step::IdMap
    } else {
        Step::OpenTree
    };
    set_mount_attr(tree.as_fd(), attr, map, reach).at(step, &path)?;
    Ok(tree)
}

/// A detached copy of the mount at `path`.
pub(crate) fn clone_tree(path: &Path, reach: Reach) -> Done<OwnedFd> {
    let below = if reach == Reach::Below {
        OpenTreeFlags::AT_RECURSIVE
    } else {
        OpenTreeFlags::empty()
    };
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | below;
    open_tree(CWD, path, flags).at(Step::OpenTree, path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Translates a disk id by a map text.
    fn host(map: &str, id: u32) -> Option<u32> {
        map.lines().find_map(|line| {
            let n: Vec<u32> = line.split(' ').map(|n| n.parse().unwrap()).collect();
            (n[0] <= id && id - n[0] < n[2]).then(|| n[1] + (id - n[0]))
        })
    }

    #[test]
    fn the_owner_becomes_the_jails_user_and_nobody_becomes_host_root() {
        for owner in [0, 1, 999, 1000, 1001, 65_535, 65_536, 4_000_000] {
            let map = disk_map(owner);
            assert_eq!(host(&map, owner), Some(BASE + INSIDE), "{owner}");
            for id in [0, 1, 999, 1000, 1001, 2000, 65_535] {
                assert!(
                    host(&map, id).is_none_or(|h| (BASE..BASE + RANGE).contains(&h)),
                    "{owner} {id}"
                );
            }
        }
    }

    #[test]
    fn a_map_is_one_to_one() {
        for owner in [0, 1000, 1234, 65_535] {
            let map = disk_map(owner);
            let mut all: Vec<u32> = (0..RANGE).filter_map(|id| host(&map, id)).collect();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), RANGE as usize, "{owner}");
        }
    }
}
