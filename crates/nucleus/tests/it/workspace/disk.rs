//! Full and read-only disks: a clear error, nothing half written, nothing lost.

use std::path::{Path, PathBuf};

use nucleus::workspace::{
    HeldContent, Landed, Overlayed, StageReason, WorkspaceOptions, WorkspaceView,
};
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};

use super::fixture::{Place, entry, is_root, rel, skip};

const FAILED: Landed = Landed::Staged(StageReason::Failed);

/// A small file system in memory, unmounted with its owner.
struct Disk {
    at: PathBuf,
}

impl Disk {
    /// `None` where this user cannot mount; the run as root has these tests.
    fn new(test: &str, at: PathBuf) -> Option<Self> {
        if !is_root() {
            skip(test, "root, who can mount");
            return None;
        }
        std::fs::create_dir_all(&at).unwrap();
        mount("tmpfs", &at, "tmpfs", MountFlags::empty(), Some(c"size=1m")).unwrap();
        Some(Self { at })
    }

    fn fill(&self) {
        let mut file = std::fs::File::create(self.at.join("filler")).unwrap();
        while std::io::Write::write_all(&mut file, &[1; 4096]).is_ok() {}
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        unmount(&self.at, UnmountFlags::DETACH).unwrap();
    }
}

fn open(place: &Place, root: &Path, state: &Path) -> Overlayed {
    Overlayed::open(root, &WorkspaceOptions::new(state), place.envelope())
        .unwrap()
        .seen_by(place.door.session)
}

fn content() -> HeldContent {
    HeldContent::from_bytes(vec![b'x'; 100_000])
}

#[test]
fn a_full_disk_under_the_workspace_stages_what_does_not_fit() {
    let place = Place::new();
    let Some(disk) = Disk::new(
        "workspace::disk::a_full_disk_under_the_workspace_stages_what_does_not_fit",
        place.beside("disk"),
    ) else {
        return;
    };
    let root = disk.at.join("ws");
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("f"), "old").unwrap();
    let view = open(&place, &root, &place.beside("state"));
    let change = || view.change_to_write(&rel("f"), content(), None).unwrap();
    disk.fill();
    assert_eq!(place.door.land(&view, change()).unwrap(), FAILED);
    assert_eq!(std::fs::read_to_string(root.join("f")).unwrap(), "old");
    assert_eq!(
        std::fs::read_dir(&root).unwrap().count(),
        1,
        "nothing half written is left"
    );
    std::fs::remove_file(disk.at.join("filler")).unwrap();
    let kept = view.take_up(place.door.session, &entry("f")).unwrap();
    assert_eq!(place.door.land(&view, kept).unwrap(), Landed::Done);
    assert_eq!(std::fs::metadata(root.join("f")).unwrap().len(), 100_000);
}

#[test]
fn a_full_disk_under_the_state_lands_nothing_that_could_not_be_put_on_record() {
    let mut place = Place::new();
    let Some(disk) = Disk::new(
        "workspace::disk::a_full_disk_under_the_state_lands_nothing_that_could_not_be_put_on_record",
        place.beside("disk"),
    ) else {
        return;
    };
    place.write("f", "old");
    let view = open(&place, &place.ws(""), &disk.at.join("state"));
    place.door.exposure = portcullis::Exposure::UNTRUSTED;
    let change = || view.change_to_write(&rel("f"), content(), None).unwrap();
    disk.fill();
    // The journal has no block left either, once its first is taken.
    let results: Vec<_> = (0..40).map(|_| place.door.land(&view, change())).collect();
    if let Some(Err(error)) = results.iter().find(|result| result.is_err()) {
        assert!(error.to_string().contains("label"), "{error}");
    }
    let error = view
        .stage(change(), StageReason::Conflict, place.door.session)
        .unwrap_err();
    assert!(error.to_string().contains("No space left"), "{error}");
    assert_eq!(view.staged().unwrap(), []);
    std::fs::remove_file(disk.at.join("filler")).unwrap();
    assert_eq!(place.door.land(&view, change()).unwrap(), Landed::Done);
}

#[test]
fn a_read_only_disk_stages_everything() {
    let place = Place::new();
    let Some(disk) = Disk::new(
        "workspace::disk::a_read_only_disk_stages_everything",
        place.beside("disk"),
    ) else {
        return;
    };
    std::fs::write(disk.at.join("f"), "old").unwrap();
    mount_remount(&disk.at, MountFlags::RDONLY, c"").unwrap();
    let view = open(&place, &disk.at, &place.beside("state"));
    for change in [
        view.change_to_write(&rel("f"), content(), None).unwrap(),
        view.change_to_write(&rel("g"), content(), None).unwrap(),
        view.change_to_make_dir(&rel("d")).unwrap(),
    ] {
        assert_eq!(place.door.land(&view, change).unwrap(), FAILED);
    }
    assert_eq!(view.staged().unwrap().len(), 3);
    assert_eq!(std::fs::read_to_string(disk.at.join("f")).unwrap(), "old");
    let removal = view.changes_to_remove(&rel("f"));
    assert!(removal.is_ok());
}
