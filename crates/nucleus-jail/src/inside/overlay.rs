//! The workspace: layers merged read-only, changes into a bounded upper directory.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Timestamps};
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount};

use super::root::{FsOption, NOSUID_NODEV, attach, make_dirs, new_fs, place_tree, tmpfs};
use crate::error::Step;
use crate::failure::{At, Done};
use crate::plan::{PlanOverlay, PlanUpper};

const UPPER: &str = "/.u";

/// Mounts a read-only view: the mask, which is the first of the layers, over what it hides names of.
pub(crate) fn mount_masked(layers: &[usize; 2], inside: &Path, trees: &[OwnedFd]) -> Done<()> {
    let layers = layers_of(layers, trees)?;
    make_dirs(inside, Step::View)?;
    let lower = attach_layers(&layers)?;
    let merged = merge(&lower, false)?;
    attach(merged.as_fd(), inside, Step::View)?;
    detach(lower.iter().map(PathBuf::as_path))
}

fn layers_of<'t>(indices: &[usize], trees: &'t [OwnedFd]) -> Done<Vec<BorrowedFd<'t>>> {
    let tree = |index: &usize| {
        let tree = trees.get(*index).map(AsFd::as_fd);
        tree.ok_or(Errno::BADF).at(Step::Overlay, "tree")
    };
    indices.iter().map(tree).collect()
}

/// Mounts the workspace. Returns the directory of changes where it is in memory.
pub(crate) fn mount(overlay: &PlanOverlay<'_>, trees: &[OwnedFd]) -> Done<Option<OwnedFd>> {
    let layers = layers_of(&overlay.layers, trees)?;
    make_dirs(overlay.inside, Step::Overlay)?;
    if let (PlanUpper::None, [only]) = (&overlay.upper, layers.as_slice()) {
        place_tree(*only, overlay.inside)?;
        return Ok(None);
    }
    let upper = match overlay.upper {
        PlanUpper::None => None,
        PlanUpper::Tmpfs { bytes, inodes } => {
            Some(tmpfs(bytes, Some(inodes), "700", Step::Overlay)?)
        }
        PlanUpper::Disk { index } => {
            let tree = trees.get(index).ok_or(Errno::BADF);
            let tree = tree.at(Step::Overlay, "tree")?.as_fd();
            Some(tree.try_clone_to_owned().at(Step::Overlay, "upper")?)
        }
    };
    let lower = attach_layers(&layers)?;
    let in_memory = matches!(overlay.upper, PlanUpper::Tmpfs { .. });
    if let Some(upper) = &upper {
        make_dirs(Path::new(UPPER), Step::Overlay)?;
        attach(upper.as_fd(), Path::new(UPPER), Step::Overlay)?;
        if in_memory {
            make_upper_dirs(layers.first().copied())?;
        }
    }
    let merged = merge(&lower, upper.is_some())?;
    attach(merged.as_fd(), overlay.inside, Step::Overlay)?;
    let changes = if in_memory {
        Some(open_dir(&upper_dir("up"))?)
    } else {
        None
    };
    detach(
        lower
            .iter()
            .map(PathBuf::as_path)
            .chain(upper.is_some().then_some(Path::new(UPPER))),
    )?;
    Ok(changes)
}

fn upper_dir(name: &str) -> PathBuf {
    PathBuf::from(format!("{UPPER}/{name}"))
}

/// Overlay takes layers that are mounted in this namespace; their names are what the jail's mount table shows.
fn attach_layers(layers: &[BorrowedFd<'_>]) -> Done<Vec<PathBuf>> {
    let place = |(number, layer): (usize, &BorrowedFd<'_>)| {
        let path = PathBuf::from(format!("/.l{number}"));
        make_dirs(&path, Step::Overlay)?;
        attach(*layer, &path, Step::Overlay)?;
        Ok(path)
    };
    layers.iter().enumerate().map(place).collect()
}

/// The upper directory stands for the workspace's own: same mode and times.
fn make_upper_dirs(top: Option<BorrowedFd<'_>>) -> Done<()> {
    for name in ["up", "wk"] {
        rustix::fs::mkdir(upper_dir(name), Mode::from_raw_mode(0o700)).at(Step::Overlay, name)?;
    }
    let Some(top) = top else { return Ok(()) };
    copy_attributes(top, &upper_dir("up"))
}

/// Gives the directory at `to` the mode and times of `from`.
fn copy_attributes(from: BorrowedFd<'_>, to: &Path) -> Done<()> {
    let stat = rustix::fs::fstat(from).at(Step::Overlay, "workspace")?;
    rustix::fs::chmod(to, Mode::from_raw_mode(stat.st_mode & 0o777)).at(Step::Overlay, "mode")?;
    let times = Timestamps {
        last_access: rustix::fs::Timespec {
            tv_sec: stat.st_atime as i64,
            tv_nsec: stat.st_atime_nsec as _,
        },
        last_modification: rustix::fs::Timespec {
            tv_sec: stat.st_mtime as i64,
            tv_nsec: stat.st_mtime_nsec as _,
        },
    };
    rustix::fs::utimensat(CWD, to, &times, AtFlags::empty()).at(Step::Overlay, "times")
}

fn merge(lower: &[PathBuf], has_upper: bool) -> Done<OwnedFd> {
    let lower: Vec<_> = lower.iter().map(|path| path.to_string_lossy()).collect();
    let lower = lower.join(":");
    let (up, work) = (upper_dir("up"), upper_dir("wk"));
    let (up, work) = (up.to_string_lossy(), work.to_string_lossy());
    let mut options = vec![
        FsOption::Flag("userxattr"),
        FsOption::Text("lowerdir", &lower),
    ];
    if has_upper {
        options.extend([
            FsOption::Flag("volatile"),
            FsOption::Text("upperdir", &up),
            FsOption::Text("workdir", &work),
        ]);
    }
    new_fs("overlay", &options, NOSUID_NODEV, Step::Overlay)
}

fn open_dir(path: &Path) -> Done<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    rustix::fs::open(path, flags, Mode::empty()).at(Step::Overlay, path.to_string_lossy())
}

/// The overlay keeps its own clones; the names it was made by go.
fn detach<'a>(paths: impl Iterator<Item = &'a Path>) -> Done<()> {
    for path in paths {
        unmount(path, UnmountFlags::DETACH).at(Step::Overlay, path.to_string_lossy())?;
        rustix::fs::rmdir(path).at(Step::Overlay, path.to_string_lossy())?;
    }
    Ok(())
}
