//! Several sessions on one workspace, and what dead ones leave.

use nucleus::workspace::{Direct, HeldContent, Landed, WorkspaceView};

use super::fixture::{Place, entry, rel};

#[test]
fn two_sessions_see_each_others_staged_changes_and_collide_nowhere() {
    let place = Place::new();
    place.write("f", "old");
    let (one, two) = (place.open(), place.open());
    let staged = |view: &dyn WorkspaceView, path: &str| {
        let change = view
            .change_to_write(&rel(path), HeldContent::from_bytes(path.as_bytes()), None)
            .unwrap();
        view.stage(
            change,
            nucleus::workspace::StageReason::Conflict,
            place.door.session,
        )
        .unwrap();
    };
    staged(&one, "a");
    staged(&two, "b");
    staged(&one, "c");
    for view in [&one, &two] {
        let (seen, outcome) = place.sh(view, "ls");
        assert_eq!((seen.as_str(), outcome.changes.len()), ("a\nb\nc\nf\n", 0));
    }
    two.discard(&[entry("a")]).unwrap();
    assert_eq!(one.staged().unwrap().len(), 2);
    let before = std::fs::read_dir(place.ws("")).unwrap().count();
    drop(one);
    place.run_and_land(&two, "echo x > g");
    assert_eq!(
        std::fs::read_dir(place.ws("")).unwrap().count(),
        before + 1,
        "no litter in the tree"
    );
    let third = Direct::open(&place.ws(""), &place.options()).unwrap();
    assert_eq!(third.staged().unwrap().len(), 2);
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
