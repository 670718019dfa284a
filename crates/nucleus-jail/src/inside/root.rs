//! The jail's file system: a root of its own in which only the plan's views exist.

use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, UnmountFlags,
    fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, mount_change,
    move_mount, unmount,
};

use crate::error::Step;
use crate::failure::{At, Done};
use crate::plan::{Plan, PlanView};
use crate::spec::Access;
use crate::sys::fs::{ATTR_NODEV, ATTR_NOSUID, ATTR_RDONLY, Reach, set_mount_attr};
use crate::trees::clone_tree;

const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// Parts of `/proc` that reach beyond the jail.
const READ_ONLY_PROC: [&str; 7] = ["sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi"];
/// Beside the content of placed files: directories and links of the root itself.
const ROOT_BYTES: u64 = 4 << 20;
/// `/tmp` and `/dev/shm` hold one file for so many bytes of theirs.
const SCRATCH_BYTES_OF_A_FILE: u64 = 4096;
const FILES: &str = "/.files";

pub(crate) const NOSUID_NODEV: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);

/// An option of a new file system.
pub(crate) enum FsOption<'a> {
    Flag(&'a str),
    Text(&'a str, &'a str),
}

/// A new file system as a detached mount; an error carries the kernel's own message.
pub(crate) fn new_fs(
    kind: &str,
    options: &[FsOption<'_>],
    attr: MountAttrFlags,
    step: Step,
) -> Done<OwnedFd> {
    let fs = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC).at(step, kind)?;
    let configure = || {
        for option in options {
            match option {
                FsOption::Flag(key) => fsconfig_set_flag(fs.as_fd(), *key)?,
                FsOption::Text(key, value) => fsconfig_set_string(fs.as_fd(), *key, *value)?,
            }
        }
        fsconfig_create(fs.as_fd())?;
        fsmount(fs.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attr)
    };
    let made: Result<OwnedFd, Errno> = configure();
    made.map_err(|error| {
        let mut text = [0u8; 256];
        let len = rustix::io::read(&fs, &mut text).unwrap_or(0);
        let said = String::from_utf8_lossy(&text[..len]);
        crate::failure::Failure {
            step,
            detail: format!("{kind} {}", said.trim_end()),
            errno: error.raw_os_error(),
        }
    })
}

/// A new file system in memory with these bounds.
pub(crate) fn tmpfs(bytes: u64, inodes: Option<u64>, mode: &str, step: Step) -> Done<OwnedFd> {
    let (bytes, inodes) = (bytes.to_string(), inodes.map(|n| n.to_string()));
    let mut options = vec![FsOption::Text("size", &bytes), FsOption::Text("mode", mode)];
    if let Some(inodes) = &inodes {
        options.push(FsOption::Text("nr_inodes", inodes));
    }
    new_fs("tmpfs", &options, NOSUID_NODEV, step)
}

/// Attaches a detached mount at an existing path.
pub(crate) fn attach(mount: BorrowedFd<'_>, at: &Path, step: Step) -> Done<()> {
    move_mount(mount, c"", CWD, at, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
        .at(step, at.to_string_lossy())
}

/// Creates a directory and its missing parents.
pub(crate) fn make_dirs(path: &Path, step: Step) -> Done<()> {
    let mut prefix = PathBuf::from("/");
    for part in path.components().skip(1) {
        prefix.push(part);
        match rustix::fs::mkdir(&prefix, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error).at(step, prefix.to_string_lossy()),
        }
    }
    Ok(())
}

/// What must be taken while the host's root is still there.
pub(crate) struct FromHost {
    proc: OwnedFd,
    devices: Vec<(&'static str, OwnedFd)>,
}

impl FromHost {
    /// Detaches this namespace from the host's mount events and takes `/proc` and the devices.
    pub(crate) fn take() -> Done<Self> {
        mount_change(
            c"/",
            MountPropagationFlags::REC | MountPropagationFlags::PRIVATE,
        )
        .at(Step::Root, "private mounts")?;
        let attr = NOSUID_NODEV.union(MountAttrFlags::MOUNT_ATTR_NOEXEC);
        let proc = new_fs("proc", &[], attr, Step::Proc)?;
        let devices = DEVICES
            .iter()
            .map(|name| {
                Ok((
                    *name,
                    clone_tree(&PathBuf::from(format!("/dev/{name}")), Reach::This)?,
                ))
            })
            .collect::<Done<_>>()?;
        Ok(Self { proc, devices })
    }
}

/// Leaves the host's root for an empty one of the jail's own. From here on every path is the jail's.
pub(crate) fn enter_empty_root(plan: &Plan<'_>) -> Done<()> {
    let files: u64 = plan
        .views
        .iter()
        .map(|view| {
            if let PlanView::File { bytes, .. } = view {
                bytes.len() as u64 + 4096
            } else {
                0
            }
        })
        .sum();
    let root = tmpfs(ROOT_BYTES + files, None, "755", Step::Root)?;
    let spot = Path::new("/proc"); // exists on every host; what it covers was taken before
    attach(root.as_fd(), spot, Step::Root)?;
    rustix::process::fchdir(&root).at(Step::Pivot, "new root")?;
    rustix::process::pivot_root(c".", c".").at(Step::Pivot, "pivot_root")?;
    unmount(c".", UnmountFlags::DETACH).at(Step::Pivot, "old root")?;
    rustix::process::chdir(c"/").at(Step::Pivot, "/")
}

/// Builds everything but the workspace. Returns the paths that are writable.
pub(crate) fn build(plan: &Plan<'_>, host: &FromHost, trees: &[OwnedFd]) -> Done<Vec<PathBuf>> {
    let mut writable = vec![
        PathBuf::from("/tmp"),
        PathBuf::from("/dev/shm"),
        PathBuf::from("/dev/pts"),
    ];
    writable.extend(
        DEVICES
            .iter()
            .map(|name| PathBuf::from(format!("/dev/{name}"))),
    );
    for path in ["/tmp", "/dev/shm"] {
        make_dirs(Path::new(path), Step::Root)?;
        // An empty file takes no page, but memory of the kernel: without a bound there would be as many as half of all pages.
        let files = (plan.scratch_bytes / SCRATCH_BYTES_OF_A_FILE).max(64);
        let scratch = tmpfs(plan.scratch_bytes, Some(files), "1777", Step::Root)?;
        attach(scratch.as_fd(), Path::new(path), Step::Root)?;
    }
    build_devices(host)?;
    build_proc(host)?;
    for (number, view) in plan.views.iter().enumerate() {
        place_view(number, view, trees, &mut writable)?;
    }
    Ok(writable)
}

/// Makes the root itself read-only; what is mounted on it keeps its own state.
pub(crate) fn seal() -> Done<()> {
    let root = rustix::fs::openat(
        CWD,
        c"/",
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .at(Step::Root, "/")?;
    set_mount_attr(
        root.as_fd(),
        ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV,
        None,
        Reach::This,
    )
    .at(Step::Root, "read-only")
}

fn build_devices(host: &FromHost) -> Done<()> {
    for (name, device) in &host.devices {
        let path = PathBuf::from(format!("/dev/{name}"));
        touch(&path, Step::Devices)?;
        attach(device.as_fd(), &path, Step::Devices)?;
    }
    make_dirs(Path::new("/dev/pts"), Step::Devices)?;
    let options = [
        FsOption::Flag("newinstance"),
        FsOption::Text("ptmxmode", "0666"),
        FsOption::Text("mode", "620"),
    ];
    let attr = MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NOEXEC);
    let pts = new_fs("devpts", &options, attr, Step::Devices)?;
    attach(pts.as_fd(), Path::new("/dev/pts"), Step::Devices)?;
    for (name, target) in [
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        rustix::fs::symlink(target, format!("/dev/{name}")).at(Step::Devices, name)?;
    }
    Ok(())
}

fn build_proc(host: &FromHost) -> Done<()> {
    make_dirs(Path::new("/proc"), Step::Proc)?;
    attach(host.proc.as_fd(), Path::new("/proc"), Step::Proc)?;
    for name in READ_ONLY_PROC {
        let path = PathBuf::from(format!("/proc/{name}"));
        if rustix::fs::access(&path, rustix::fs::Access::EXISTS).is_err() {
            continue; // this kernel has no such part
        }
        let part = clone_tree(&path, Reach::This)?;
        set_mount_attr(part.as_fd(), ATTR_RDONLY, None, Reach::This).at(Step::Proc, name)?;
        attach(part.as_fd(), &path, Step::Proc)?;
    }
    Ok(())
}

fn place_view(
    number: usize,
    view: &PlanView<'_>,
    trees: &[OwnedFd],
    writable: &mut Vec<PathBuf>,
) -> Done<()> {
    match view {
        PlanView::Tree {
            index,
            inside,
            access,
        } => {
            let tree = trees
                .get(*index)
                .ok_or(Errno::BADF)
                .at(Step::View, inside.to_string_lossy())?;
            place_tree(tree.as_fd(), inside)?;
            if *access == Access::ReadWrite {
                writable.push(inside.to_path_buf());
            }
            Ok(())
        }
        PlanView::Masked { layers, inside } => super::overlay::mount_masked(layers, inside, trees),
        PlanView::File {
            inside,
            bytes,
            mode,
        } => place_file(number, inside, bytes, *mode),
        PlanView::Link { inside, target } => {
            make_parents(inside)?;
            rustix::fs::symlink(*target, *inside).at(Step::View, inside.to_string_lossy())
        }
        PlanView::Dir { inside } => make_dirs(inside, Step::View),
        PlanView::Tmpfs {
            inside,
            bytes,
            inodes,
        } => {
            make_dirs(inside, Step::View)?;
            let fresh = tmpfs(*bytes, Some(*inodes), "755", Step::View)?;
            attach(fresh.as_fd(), inside, Step::View)?;
            writable.push(inside.to_path_buf());
            Ok(())
        }
    }
}

/// Attaches a tree, making its mount point where it does not exist.
pub(crate) fn place_tree(tree: BorrowedFd<'_>, inside: &Path) -> Done<()> {
    let stat = rustix::fs::fstat(tree).at(Step::View, inside.to_string_lossy())?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        make_dirs(inside, Step::View)?;
    } else {
        make_parents(inside)?;
        touch(inside, Step::View)?;
    }
    attach(tree, inside, Step::View)
}

fn make_parents(path: &Path) -> Done<()> {
    path.parent()
        .map_or(Ok(()), |parent| make_dirs(parent, Step::View))
}

fn touch(path: &Path, step: Step) -> Done<()> {
    if let Some(parent) = path.parent() {
        make_dirs(parent, step)?;
    }
    let flags = OFlags::RDONLY | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    rustix::fs::open(path, flags, Mode::from_raw_mode(0o644))
        .at(step, path.to_string_lossy())
        .map(drop)
}

/// Writes the file where it belongs, or binds it there where an earlier view is in the way.
fn place_file(number: usize, inside: &Path, bytes: &[u8], mode: u32) -> Done<()> {
    let name = inside.to_string_lossy();
    make_parents(inside)?;
    match write_new(inside, bytes, mode) {
        Err(Errno::EXIST | Errno::ROFS | Errno::ACCESS | Errno::PERM) => {}
        other => return other.at(Step::View, &name),
    }
    make_dirs(Path::new(FILES), Step::View)?;
    let stored = PathBuf::from(format!("{FILES}/{number}"));
    write_new(&stored, bytes, mode).at(Step::View, &name)?;
    let tree = clone_tree(&stored, Reach::This)?;
    set_mount_attr(tree.as_fd(), ATTR_RDONLY, None, Reach::This).at(Step::View, &name)?;
    attach(tree.as_fd(), inside, Step::View)
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(mode);
    let fd = rustix::fs::open(path, flags, mode)?;
    let mut file = std::fs::File::from(fd);
    file.write_all(bytes)
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    rustix::fs::fchmod(&file, mode)
}
