//! One control group for all jails of a helper, one after another; the helper is in it, so a jail is born inside.
//!
//! Moving a process in costs about 8 ms (the kernel waits for a grace period); being born inside costs nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::session::SessionPlace;
use crate::error::Step;
use crate::failure::{At, Done};
use crate::probe::is_writable;

const PREFIX: &str = "nucleus-jail-";
/// The helper, the first process and the next first process are counted too.
const OWN_PROCESSES: u64 = 3;
/// What control groups bound here.
const BOUNDED: &str = "memory and pids, of each command and of a session as a whole";

/// Limits on the number of processes and on memory, by control group.
#[derive(Debug)]
pub(crate) struct Cgroup {
    groups: Vec<Group>,
    kind: Kind,
    set: Option<(u32, u64)>,
}

/// Which interface the groups are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    V1,
    V2,
}

impl Kind {
    /// How the report names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V1 => "cgroup v1",
            Self::V2 => "cgroup v2",
        }
    }
}

/// A group made here and the one the helper came from.
#[derive(Debug)]
struct Group {
    dir: PathBuf,
    from: PathBuf,
}

impl Cgroup {
    /// Makes the groups and moves this process in, below the session's where there is one, or says why that cannot be.
    pub(crate) fn enter(session: Option<&SessionPlace>) -> Result<Self, String> {
        let places = Places::of_this_process()
            .map_err(|error| format!("reading /proc/self/cgroup: {error}"))?;
        if let Some(SessionPlace { kind, dirs, tree }) = session {
            if let Some(tree) = tree {
                let _dies_with_its_caller_anyway = fs::write(tree.join("cgroup.procs"), "0");
            }
            let own = match kind {
                Kind::V1 => places.v1()?,
                Kind::V2 => vec![places.v2_parent()?.1],
            };
            return Self::below(*kind, dirs.iter().map(PathBuf::as_path).zip(own));
        }
        let v2 = places.v2_parent();
        v2.and_then(|pair| Self::below(Kind::V2, [pair]))
            .or_else(|v2| {
                let own = places.v1()?.into_iter().map(|own| (own, own));
                Self::below(Kind::V1, own).map_err(|v1| format!("{v2}; {v1}"))
            })
    }

    /// Makes one group for each pair of where to make it and where this process is now.
    fn below<'a>(
        kind: Kind,
        pairs: impl IntoIterator<Item = (&'a Path, &'a Path)>,
    ) -> Result<Self, String> {
        let mut groups = Vec::new();
        for (parent, own) in pairs {
            match Group::make(parent, own) {
                Ok(group) => groups.push(group),
                Err(error) => {
                    groups.iter().for_each(Group::remove);
                    return Err(format!("{} `{}`: {error}", kind.name(), parent.display()));
                }
            }
        }
        Self::filled(groups, kind)
    }

    fn filled(groups: Vec<Group>, kind: Kind) -> Result<Self, String> {
        let cgroup = Self {
            groups,
            kind,
            set: None,
        };
        let entered = cgroup
            .groups
            .iter()
            .try_for_each(|group| fs::write(group.dir.join("cgroup.procs"), "0"));
        if let Err(error) = entered {
            cgroup.leave();
            return Err(format!("cgroup: {error}"));
        }
        Ok(cgroup)
    }

    /// How the report names it.
    pub(crate) fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// Sets the limits for the next jail.
    pub(crate) fn limit(&mut self, processes: u32, memory_bytes: u64) -> Done<()> {
        if self.set == Some((processes, memory_bytes)) {
            return Ok(());
        }
        let pids = (u64::from(processes) + OWN_PROCESSES).to_string();
        let memory = memory_bytes.to_string();
        let write = |group: Option<&Group>, name: &str, value: &str| {
            let path = group.map(|group| group.dir.join(name)).unwrap_or_default();
            fs::write(&path, value).at(Step::Cgroup, name)
        };
        match self.kind {
            Kind::V1 => {
                let (memory_group, pids_group) = (self.groups.first(), self.groups.get(1));
                // The bound on memory and swap together may not be below the one on memory. It does not exist without swap accounting.
                let _no_swap_accounting = write(memory_group, "memory.memsw.limit_in_bytes", "-1");
                write(memory_group, "memory.limit_in_bytes", &memory)?;
                let _no_swap_accounting =
                    write(memory_group, "memory.memsw.limit_in_bytes", &memory);
                write(pids_group, "pids.max", &pids)?;
            }
            Kind::V2 => {
                let group = self.groups.first();
                write(group, "memory.max", &memory)?;
                let _no_swap_accounting = write(group, "memory.swap.max", "0");
                write(group, "pids.max", &pids)?;
            }
        }
        self.set = Some((processes, memory_bytes));
        Ok(())
    }

    /// Moves this process back and removes the groups. What cannot be removed now the next helper removes.
    pub(crate) fn leave(&self) {
        for group in &self.groups {
            let _stays = fs::write(group.from.join("cgroup.procs"), "0");
            group.remove();
        }
    }
}

impl Group {
    fn make(parent: &Path, from: &Path) -> io::Result<Self> {
        remove_stale(parent, PREFIX);
        let dir = parent.join(format!("{PREFIX}{}", std::process::id()));
        fs::create_dir(&dir)?;
        Ok(Self {
            dir,
            from: from.to_owned(),
        })
    }

    fn remove(&self) {
        let _left_for_the_next_helper = fs::remove_dir(&self.dir);
    }
}

/// How jails started here would be bounded, without making anything.
pub(crate) fn available() -> Result<String, String> {
    let places =
        Places::of_this_process().map_err(|error| format!("reading /proc/self/cgroup: {error}"))?;
    match places.v2_parent() {
        Ok((parent, _)) if is_writable(parent) => {
            return Ok(format!("cgroup v2 {BOUNDED}"));
        }
        Ok((parent, _)) => return Err(format!("`{}` is not writable", parent.display())),
        Err(_) => {}
    }
    match (&places.memory, &places.pids) {
        (Some(memory), Some(pids)) if is_writable(memory) && is_writable(pids) => {
            Ok(format!("cgroup v1 {BOUNDED}"))
        }
        (Some(_), Some(_)) => Err("the cgroup v1 controllers belong to root".to_owned()),
        _ => Err("no memory and pids controllers".to_owned()),
    }
}

/// Removes groups of processes that were killed: those whose name is the prefix and the number of a process that is gone.
pub(super) fn remove_stale(parent: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(prefix)) else {
            continue;
        };
        let pid = rest.split('-').next().unwrap_or_default();
        if !Path::new("/proc").join(pid).exists() {
            let _in_use = remove_tree(&entry.path());
        }
    }
}

/// Removes a group and the groups of helpers in it, unless something runs there; whether it is gone.
pub(super) fn remove_tree(dir: &Path) -> bool {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let is_of_helper = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(PREFIX));
        if is_of_helper {
            let _in_use = fs::remove_dir(entry.path());
        }
    }
    fs::remove_dir(dir).is_ok() || !dir.exists()
}

/// Kills every process of a group and of those below it, where the kernel can.
pub(super) fn kill_all(dir: &Path) {
    let file = fs::OpenOptions::new()
        .write(true)
        .open(dir.join("cgroup.kill"));
    let _no_such_file_in_v1 = file.and_then(|mut file| io::Write::write_all(&mut file, b"1"));
}

/// The directories of the groups this process is in.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) v2: Option<PathBuf>,
    memory: Option<PathBuf>,
    pids: Option<PathBuf>,
}

impl Places {
    /// Where a group with both controllers can be made, and the group this process is in. Beside it first: v2 wants no processes in a parent.
    pub(super) fn v2_parent(&self) -> Result<(&Path, &Path), String> {
        let own = self.v2.as_deref().ok_or("no cgroup v2 mount")?;
        let has_controllers = |dir: &&Path| {
            let enabled =
                fs::read_to_string(dir.join("cgroup.subtree_control")).unwrap_or_default();
            ["memory", "pids"]
                .iter()
                .all(|name| enabled.split_whitespace().any(|word| word == *name))
        };
        let parent = own.parent().into_iter().chain([own]).find(has_controllers);
        Ok((
            parent.ok_or("cgroup v2 has no memory and pids controllers here")?,
            own,
        ))
    }

    /// The groups of the memory and pids controllers this process is in.
    pub(super) fn v1(&self) -> Result<Vec<&Path>, String> {
        match (&self.memory, &self.pids) {
            (Some(memory), Some(pids)) => Ok(vec![memory, pids]),
            _ => Err("no cgroup v1 memory and pids controllers".to_owned()),
        }
    }

    pub(super) fn of_this_process() -> io::Result<Self> {
        Ok(Self::parse(
            &fs::read_to_string("/proc/self/cgroup")?,
            &fs::read_to_string("/proc/self/mountinfo")?,
        ))
    }

    fn parse(cgroup: &str, mountinfo: &str) -> Self {
        let own = |controller: &str| {
            cgroup.lines().find_map(|line| {
                let mut parts = line.splitn(3, ':').skip(1);
                let (names, path) = (parts.next()?, parts.next()?);
                (names.split(',').any(|name| name == controller)).then(|| path.to_owned())
            })
        };
        let place = |kind: &str, controller: &str| {
            let path = own(controller)?;
            mountinfo.lines().find_map(|line| {
                let (mount, source) = line.split_once(" - ")?;
                let mut source = source.split(' ');
                let is_kind = source.next()? == kind
                    && (controller.is_empty()
                        || source
                            .next_back()?
                            .split(',')
                            .any(|option| option == controller));
                let mut mount = mount.split(' ').skip(3);
                let (root, at) = (mount.next()?, mount.next()?);
                let below = Path::new(&path).strip_prefix(root).ok()?;
                is_kind.then(|| {
                    if below.as_os_str().is_empty() {
                        PathBuf::from(at)
                    } else {
                        Path::new(at).join(below)
                    }
                })
            })
        };
        Self {
            v2: place("cgroup2", ""),
            memory: place("cgroup", "memory"),
            pids: place("cgroup", "pids"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_in_a_hybrid_layout() {
        let cgroup = "8:pids:/\n4:memory:/a/b\n0::/x\n";
        let mounts = "30 20 0:25 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                      31 20 0:26 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n\
                      32 20 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let expected = Places {
            v2: Some(PathBuf::from("/sys/fs/cgroup/unified/x")),
            memory: Some(PathBuf::from("/sys/fs/cgroup/memory/a/b")),
            pids: Some(PathBuf::from("/sys/fs/cgroup/pids")),
        };
        assert_eq!(Places::parse(cgroup, mounts), expected);
    }

    #[test]
    fn a_mount_of_a_part_counts_only_for_what_is_below_it() {
        let mounts = "30 20 0:25 /docker/1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
        assert_eq!(
            Places::parse("0::/docker/1/x\n", mounts).v2,
            Some(PathBuf::from("/sys/fs/cgroup/x"))
        );
        assert_eq!(Places::parse("0::/elsewhere\n", mounts).v2, None);
    }
}
