//! What one landing does, and what it refuses.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use nucleus::workspace::{Change, ChangeKind, HeldContent, Landed, WorkspaceError, WorkspaceView};
use portcullis::{Exposure, Subject};

use super::doors::Door;
use super::fixture::{Place, entry, rel};

fn text(bytes: &str) -> HeldContent {
    HeldContent::from_bytes(bytes.as_bytes())
}

fn write(view: &dyn WorkspaceView, path: &str, bytes: &str) -> Change {
    view.change_to_write(&rel(path), text(bytes), None).unwrap()
}

#[test]
fn files_directories_and_removals_land() {
    let place = Place::new();
    place.write("old/f.txt", "one");
    std::fs::set_permissions(place.ws("old/f.txt"), PermissionsExt::from_mode(0o750)).unwrap();
    let view = place.open();
    let door = &place.door;
    assert_eq!(
        door.land(&view, write(&view, "new.txt", "new")).unwrap(),
        Landed::Done
    );
    assert_eq!(
        door.land(&view, write(&view, "old/f.txt", "two")).unwrap(),
        Landed::Done
    );
    assert_eq!(
        door.land(&view, view.change_to_make_dir(&rel("d")).unwrap())
            .unwrap(),
        Landed::Done
    );
    assert_eq!(
        (place.read("new.txt"), place.read("old/f.txt")),
        ("new".into(), "two".into())
    );
    let mode = |path: &str| place.ws(path).metadata().unwrap().mode() & 0o7777;
    assert_eq!(
        (mode("new.txt"), mode("old/f.txt"), mode("d")),
        (0o644, 0o750, 0o755)
    );
    door.land_whole(&view, view.changes_to_remove(&rel("old")).unwrap());
    assert!(!place.exists("old") && place.exists("d"));
    assert_eq!(
        std::fs::read_dir(place.ws("")).unwrap().count(),
        2,
        "no temporary name is left"
    );
}

#[test]
fn a_directory_takes_the_place_of_a_link() {
    let place = Place::new();
    std::fs::create_dir(place.ws("a")).unwrap();
    symlink("a", place.ws("b")).unwrap();
    let view = place.open();
    place.run_and_land(&view, "rm b; mkdir -p b/c; echo x > b/c/f");
    assert!(place.ws("b").symlink_metadata().unwrap().is_dir());
    assert_eq!(place.read("b/c/f"), "x\n");
    assert!(!place.exists("a/c"), "nothing landed through the link");
}

#[test]
fn a_rename_moves_a_whole_directory() {
    let place = Place::new();
    place.write("a/b/f", "text");
    place.write("a/big", &"x".repeat(3 << 20));
    symlink("b/f", place.ws("a/l")).unwrap();
    let view = place.open();
    let before = place.dump();
    place
        .door
        .land_whole(&view, view.changes_to_rename(&rel("a"), &rel("z")).unwrap());
    let moved: Vec<_> = place.dump().into_iter().collect();
    let expected: Vec<_> = before
        .into_iter()
        .map(|(p, t)| ([b"z", &p[1..]].concat(), t))
        .collect();
    assert_eq!(moved, expected);
    assert!(view.changes_to_rename(&rel("z"), &rel("z/in")).is_err());
}

#[test]
fn a_permit_for_another_change_lands_nothing() {
    let place = Place::new();
    place.write("f", "old");
    let view = place.open();
    let door = &place.door;
    let (asked, other) = (write(&view, "f", "asked"), write(&view, "f", "other"));
    let request = door.request(&asked);
    let refused = view.land(door.permit(&request).unwrap(), &request, other.clone());
    assert!(
        matches!(refused, Err(WorkspaceError::NotCovered(_))),
        "{refused:?}"
    );
    // A request of the right shape whose permit is another's.
    let refused = view.land(door.permit(&request).unwrap(), &door.request(&other), other);
    assert!(
        matches!(refused, Err(WorkspaceError::NotCovered(_))),
        "{refused:?}"
    );
    let elsewhere = Change {
        path: entry("g"),
        ..asked.clone()
    };
    let refused = view.land(door.permit(&request).unwrap(), &request, elsewhere);
    assert!(
        matches!(refused, Err(WorkspaceError::NotCovered(_))),
        "{refused:?}"
    );
    assert_eq!((place.read("f"), place.exists("g")), ("old".into(), false));
    assert_eq!(door.land(&view, asked).unwrap(), Landed::Done);
    assert_eq!(place.read("f"), "asked");
}

#[test]
fn the_digest_of_a_request_covers_every_part_of_a_change() {
    let place = Place::new();
    let view = place.open();
    let change = write(&view, "f", "text");
    let same_bytes_other_mode = view
        .change_to_write(&rel("f"), text("text"), Some(0o755))
        .unwrap();
    let other_bytes = write(&view, "f", "texT");
    place.write("f", "old");
    let other_base = write(&view, "f", "text");
    let delete = Change {
        kind: ChangeKind::Delete,
        ..change.clone()
    };
    let all = [
        &change,
        &same_bytes_other_mode,
        &other_bytes,
        &other_base,
        &delete,
    ];
    let digests: std::collections::BTreeSet<_> = all.iter().map(|c| c.digest()).collect();
    assert_eq!(digests.len(), all.len());
    assert_eq!(
        change.clone().carrying(Exposure::UNTRUSTED).digest(),
        change.digest()
    );
}

#[test]
fn privileged_bits_never_land() {
    let place = Place::new();
    place.write("f", "old");
    std::fs::set_permissions(place.ws("f"), PermissionsExt::from_mode(0o4755)).unwrap();
    let view = place.open();
    let (_, outcome) = place.sh(
        &view,
        "echo new > s; chmod 6755 s; echo changed > f; mkdir d; chmod 1777 d",
    );
    place.door.land_whole(&view, outcome.changes);
    let mode = |path: &str| place.ws(path).metadata().unwrap().mode() & 0o7777;
    assert_eq!((mode("s"), mode("d")), (0o755, 0o777));
    assert_eq!(mode("f") & 0o7000, 0, "a replaced file keeps none");
}

#[test]
fn a_new_file_takes_the_time_of_the_programs_file() {
    let place = Place::new();
    let view = place.open();
    place.run_and_land(&view, "echo x > f; touch -d @1000000000 f");
    assert_eq!(place.ws("f").metadata().unwrap().mtime(), 1_000_000_000);
}

#[test]
fn a_sparse_file_stays_sparse_and_one_too_large_is_refused_by_name() {
    let place = Place::new();
    let view = place.open();
    let (_, outcome) = place.sh(&view, "truncate -s 64M s; truncate -s 5G huge; echo ok > f");
    assert_eq!(outcome.refused.len(), 1, "{:?}", outcome.refused);
    assert!(
        outcome.refused[0].path == entry("huge") && outcome.refused[0].why.contains("too large")
    );
    place.door.land_whole(&view, outcome.changes);
    let landed = place.ws("s").metadata().unwrap();
    assert_eq!(landed.len(), 64 << 20);
    assert!(
        landed.blocks() * 512 < 1 << 20,
        "{} blocks",
        landed.blocks()
    );
    assert!(place.exists("f") && !place.exists("huge"));
}

#[test]
fn the_files_of_a_closed_directory_land() {
    let place = Place::new();
    let view = place.open();
    place.run_and_land(&view, "mkdir -p d/e; echo x > d/e/f; chmod 555 d/e d");
    assert_eq!(place.read("d/e/f"), "x\n");
    assert_eq!(place.ws("d").metadata().unwrap().mode() & 0o777, 0o555);
    for dir in ["d", "d/e"] {
        std::fs::set_permissions(place.ws(dir), PermissionsExt::from_mode(0o755)).unwrap();
    }
}

#[test]
fn a_file_that_cannot_be_written_is_kept_and_a_full_disk_loses_nothing() {
    let place = Place::new();
    place.write("d/f", "old");
    let view = place.open();
    // A name longer than any file system takes: the kernel refuses, the change stays.
    let long = "n".repeat(250);
    let change = write(&view, &format!("{long}/x"), "x");
    let landed = place.door.land(&view, change).unwrap();
    assert!(
        matches!(
            landed,
            Landed::Staged(nucleus::workspace::StageReason::Failed)
        ),
        "{landed:?}"
    );
    assert_eq!(view.staged().unwrap().len(), 1);
    assert_eq!(place.read("d/f"), "old");
}

#[test]
fn a_request_for_another_path_or_content_is_not_for_the_change() {
    let place = Place::new();
    let view = place.open();
    let door: &Door = &place.door;
    let change = write(&view, "f", "text");
    let request = portcullis::Request::builder(
        "tests",
        door.session,
        change.operations(),
        Subject::Path(rel("f")),
    )
    .build();
    let refused = view.land(door.permit(&request).unwrap(), &request, change);
    assert!(
        matches!(refused, Err(WorkspaceError::NotCovered(_))),
        "no content in the request"
    );
}

#[test]
fn reserved_names_cannot_be_written() {
    let place = Place::new();
    let view = place.open();
    let name = format!(".nucleus-r{0}-{0}-{0}.tmp", "0123456789abcdef");
    let (_, outcome) = place.sh(&view, &format!("echo x > {name}; echo y > f"));
    assert_eq!(outcome.refused.len(), 1);
    assert_eq!(outcome.changes.len(), 1);
    assert!(place.door.land(&view, write(&view, &name, "x")).is_err());
    assert!(!place.exists(&name));
}

#[test]
fn more_changes_than_one_group_land_in_order() {
    let place = Place::new();
    let view = place.open();
    let script = "for d in $(seq 40); do mkdir -p a/$d; for f in $(seq 25); do echo $d.$f > a/$d/$f; done; done";
    let begun = std::time::Instant::now();
    place.run_and_land(&view, script);
    eprintln!("1,000 files ran and landed in {:?}", begun.elapsed());
    assert_eq!(place.dump().len(), 1 + 40 + 1000);
    assert_eq!(place.read("a/40/25"), "40.25\n");
    place.run_and_land(&view, "rm -r a; echo file > a");
    assert_eq!(place.dump().len(), 1);
}

#[test]
fn a_commit_request_lands_the_state_of_its_repository_and_nothing_git_obeys() {
    let place = Place::new();
    place.write(".git/HEAD", "ref: refs/heads/main\n");
    let view = place.open();
    let door = &place.door;
    let commit = |change: &Change, repository: &str| {
        let subject = Subject::Commit {
            repository: rel(repository),
            branch: "main".into(),
            message: "m".into(),
            paths: Vec::new(),
        };
        portcullis::Request::builder(
            "tests",
            door.session,
            portcullis::Operation::GitCommit,
            subject,
        )
        .content(change.content())
        .build()
    };
    for (path, repository, is_allowed) in [
        (".git/refs/heads", ".", true),
        (".git/config", ".", false),
        (".git/hooks", ".", false),
        ("src", ".", false),
        (".git/refs", "other", false),
    ] {
        let change = Change {
            path: entry(path),
            ..view.change_to_make_dir(&rel("free")).unwrap()
        };
        let request = commit(&change, repository);
        let Ok(permit) = door.permit(&request) else {
            assert!(!is_allowed, "{path}");
            continue;
        };
        std::fs::create_dir_all(place.ws(path).parent().unwrap()).unwrap();
        let landed = view.land(permit, &request, change);
        assert_eq!(
            landed.is_ok(),
            is_allowed,
            "{path} of {repository}: {landed:?}"
        );
    }
}
