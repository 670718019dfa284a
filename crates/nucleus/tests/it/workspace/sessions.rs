//! Several sessions on one workspace, and what dead ones leave.

use nucleus::workspace::{Direct, HeldContent, Landed, StageReason, WorkspaceView};
use portcullis::SessionId;

use super::fixture::{Place, entry, rel};

/// Stages a file of this name and content.
fn stage(view: &dyn WorkspaceView, session: SessionId, path: &str, text: &str) {
    let content = HeldContent::from_bytes(text.as_bytes());
    let change = view.change_to_write(&rel(path), content, None).unwrap();
    view.stage(change, StageReason::Conflict, session).unwrap();
}

#[test]
fn a_session_sees_what_it_staged_and_nothing_that_another_did() {
    let place = Place::new();
    place.write("f", "old");
    let other = SessionId::from_bytes([9; 16]);
    let (one, two) = (place.open(), place.open().seen_by(other));
    stage(&one, place.door.session, "a", "of one");
    stage(&one, place.door.session, ".envrc", "export EVIL=1");
    stage(&two, other, "b", "of two");
    stage(&two, other, "f", "new");
    let (seen, outcome) = place.sh(&one, "ls -A; cat a f");
    assert_eq!(
        (seen.as_str(), outcome.changes.len()),
        (".envrc\na\nf\nof oneold", 0)
    );
    let (seen, outcome) = place.sh(&two, "ls -A; cat b f");
    assert_eq!(
        (seen.as_str(), outcome.changes.len()),
        ("b\nf\nof twonew", 0)
    );
    // The tools of the host show each the same.
    assert!(two.open_read(&rel(".envrc")).is_err() && two.metadata(&rel("a")).is_err());
    assert!(one.metadata(&rel(".envrc")).unwrap().is_staged);
    assert!(!one.metadata(&rel("f")).unwrap().is_staged);
    let of = |view: &dyn WorkspaceView| view.staged().unwrap().len();
    assert_eq!((of(&one), of(&two)), (2, 2));
    // The user sees all of it in the list, and none of it over the tree.
    let user = Direct::open(&place.ws(""), &place.options()).unwrap();
    assert_eq!(of(&user), 4);
    assert!(user.metadata(&rel("a")).is_err());
}

#[test]
fn two_sessions_that_stage_one_path_keep_both() {
    let place = Place::new();
    let other = SessionId::from_bytes([9; 16]);
    let (one, two) = (place.open(), place.open().seen_by(other));
    stage(&one, place.door.session, "a", "of one");
    stage(&two, other, "a", "of two");
    assert_eq!(place.sh(&one, "cat a").0, "of one");
    assert_eq!(place.sh(&two, "cat a").0, "of two");
    // A session takes back its own alone.
    assert_eq!(two.discard(&[entry("a")]).unwrap(), [entry("a")]);
    assert_eq!(place.sh(&one, "cat a").0, "of one");
    stage(&two, other, "a", "of two");
    // What the user applies is off the list of the session that made it, and of no other.
    let user = Direct::open(&place.ws(""), &place.options()).unwrap();
    let taken = user.take_up(other, &entry("a")).unwrap();
    assert_eq!(place.door.land(&user, taken).unwrap(), Landed::Done);
    assert_eq!(place.read("a"), "of two");
    let left = user.staged().unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].session, place.door.session);
    assert_eq!(user.discard(&[entry("a")]).unwrap(), [entry("a")]);
}

#[test]
fn sessions_leave_nothing_of_their_own_behind() {
    let place = Place::new();
    let (one, two) = (place.open(), place.open());
    stage(&one, place.door.session, "b", "x");
    let before = std::fs::read_dir(place.ws("")).unwrap().count();
    drop(one);
    place.run_and_land(&two, "cat b; echo x > g");
    assert_eq!(
        std::fs::read_dir(place.ws("")).unwrap().count(),
        before + 1,
        "no litter in the tree"
    );
    let third = Direct::open(&place.ws(""), &place.options()).unwrap();
    assert_eq!(third.staged().unwrap().len(), 1);
    drop((two, third));
    let runs = std::fs::read_dir(place.beside("state").join("runs"))
        .unwrap()
        .count();
    assert_eq!(runs, 0, "nothing of ended sessions is left");
}

#[test]
fn two_sessions_landing_on_one_file_conflict() {
    let place = Place::new();
    place.write("f", "old");
    let (one, two) = (place.open(), place.open());
    let change = |view: &dyn WorkspaceView, text: &str| {
        view.change_to_write(&rel("f"), HeldContent::from_bytes(text.as_bytes()), None)
            .unwrap()
    };
    let (first, second) = (change(&one, "first"), change(&two, "second"));
    assert_eq!(place.door.land(&one, first).unwrap(), Landed::Done);
    assert!(matches!(
        place.door.land(&two, second).unwrap(),
        Landed::Staged(_)
    ));
    assert_eq!(place.read("f"), "first");
}

#[test]
fn what_a_dead_session_left_is_cleared_and_a_living_one_is_spared() {
    let place = Place::new();
    let living = place.open();
    let layers = living.begin_command(place.envelope()).unwrap();
    let dead = place.beside("state").join("runs/0123456789abcdef");
    std::fs::create_dir_all(dead.join("mask-1/x")).unwrap();
    let mut perms = std::fs::metadata(dead.join("mask-1"))
        .unwrap()
        .permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut perms, 0o000);
    std::fs::set_permissions(dead.join("mask-1"), perms).unwrap();
    let second = place.open();
    assert!(!dead.exists());
    assert!(layers.overlay().mask.unwrap().exists());
    drop((second, layers));
    place.run_and_land(&living, "echo x > f");
}
