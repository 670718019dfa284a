//! What the user changed meanwhile is never overwritten.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use nucleus::workspace::{Before, HeldContent, Landed, StageReason, WorkspaceView};

use portcullis::ContentDigest;

use super::fixture::{PATIENCE, Place, Started, entry, rel};

const CONFLICT: Landed = Landed::Staged(StageReason::Conflict);

#[test]
fn each_kind_of_change_yields_to_the_user() {
    let place = Place::new();
    for name in ["mod", "del", "chmod", "dir/x"] {
        place.write(name, "old");
    }
    symlink("old", place.ws("link")).unwrap();
    let view = place.open();
    let script = "echo agent > mod; rm del; chmod 700 chmod; ln -sfn agent link; echo agent > new; rm -r dir; echo ok > free";
    let (_, outcome) = place.sh(&view, script);
    // The user is at work before anything lands.
    for name in ["mod", "del", "chmod", "new", "dir/mine"] {
        place.write(name, "user");
    }
    std::fs::remove_file(place.ws("link")).unwrap();
    symlink("user", place.ws("link")).unwrap();
    let paths: Vec<String> = outcome.changes.iter().map(|c| c.path.to_string()).collect();
    let landed = place.door.land_all(&view, outcome.changes);
    let staged: Vec<&str> = paths
        .iter()
        .zip(&landed)
        .filter(|(_, landed)| *landed.as_ref().unwrap() == CONFLICT)
        .map(|(path, _)| path.as_str())
        .collect();
    let mut expected = ["mod", "del", "chmod", "link", "new", "dir"];
    expected.sort_unstable();
    let mut sorted = staged.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    for name in ["mod", "del", "chmod", "new", "dir/mine"] {
        assert_eq!(place.read(name), "user", "{name}");
    }
    assert_eq!(
        std::fs::read_link(place.ws("link")).unwrap().to_str(),
        Some("user")
    );
    assert_eq!(place.read("free"), "ok\n", "the allow twin");
    assert_eq!(view.staged().unwrap().len(), expected.len());
}

#[test]
fn a_change_made_while_the_command_runs_is_a_conflict() {
    let place = Place::new();
    place.write("f", "old");
    place.write("g", "old");
    let view = place.open();
    let script = "echo agent > f; echo agent > g; echo ready; read go";
    let mut started = Started::new(&view, place.envelope(), &["/bin/sh", "-c", script]);
    started.hear("ready");
    place.write("f", "user");
    started.go();
    started
        .jail
        .wait_timeout(PATIENCE)
        .unwrap()
        .expect("it ends");
    started.output();
    let outcome = view.end_command(started.command()).unwrap();
    let landed = place.door.land_all(&view, outcome.changes);
    assert_eq!(place.read("f"), "user");
    assert_eq!(place.read("g"), "agent\n");
    assert_eq!(
        landed
            .iter()
            .filter(|l| *l.as_ref().unwrap() == CONFLICT)
            .count(),
        1
    );
}

#[test]
fn a_file_that_the_tool_landed_just_before_a_command_is_no_conflict() {
    let place = Place::new();
    let view = place.open();
    for round in 0..10 {
        let text = HeldContent::from_bytes(format!("tool {round}").into_bytes());
        place.door.land_whole(
            &view,
            vec![view.change_to_write(&rel("f"), text, None).unwrap()],
        );
        place.run_and_land(&view, "echo more >> f");
    }
    assert!(place.read("f").starts_with("tool 9"));
}

#[test]
fn the_same_change_by_the_user_is_no_conflict() {
    let place = Place::new();
    place.write("f", "old");
    let view = place.open();
    let change = view
        .change_to_write(&rel("f"), HeldContent::from_bytes(&b"new"[..]), None)
        .unwrap();
    place.write("f", "new");
    assert_eq!(place.door.land(&view, change).unwrap(), Landed::Done);
    assert_eq!(view.staged().unwrap(), []);
}

#[test]
fn applying_a_conflict_takes_what_the_user_now_sees_as_its_base() {
    let place = Place::new();
    place.write("f", "old");
    let view = place.open();
    let change = view
        .change_to_write(&rel("f"), HeldContent::from_bytes(&b"agent"[..]), None)
        .unwrap();
    place.write("f", "user");
    assert_eq!(place.door.land(&view, change).unwrap(), CONFLICT);
    let seen = view.take_up(place.door.session, &entry("f")).unwrap();
    place.write("f", "user again");
    assert_eq!(
        place.door.land(&view, seen).unwrap(),
        CONFLICT,
        "changed after the user looked"
    );
    let seen = view.take_up(place.door.session, &entry("f")).unwrap();
    assert_eq!(place.door.land(&view, seen).unwrap(), Landed::Done);
    assert_eq!(
        (place.read("f").as_str(), view.staged().unwrap().len()),
        ("agent", 0)
    );
}

/// What landings were based on and whether they were done, by their round.
#[derive(Default)]
struct Rounds(Mutex<Vec<(ContentDigest, Option<bool>)>>);

impl Rounds {
    fn text(round: usize) -> String {
        format!("agent {round}")
    }

    /// What the landing whose text this is was based on, directly or over other landings; `None` while it is not done.
    fn base_of(&self, seen: &str) -> Option<ContentDigest> {
        let rounds = self.0.lock().unwrap();
        let round: usize = seen.strip_prefix("agent ")?.parse().unwrap();
        let (mut base, Some(true)) = rounds[round] else {
            return None;
        };
        while let Some(at) =
            (0..rounds.len()).find(|n| ContentDigest::of(Self::text(*n).as_bytes()) == base)
        {
            base = rounds[at].0;
        }
        Some(base)
    }
}

/// An editor saves by rename while changes land. Whatever replaces a save for good was based on that very save, directly or over
/// other landings. For the moment of the comparison a reader may see what is put back again.
#[test]
fn saves_racing_with_landings_are_never_lost() {
    let place = Place::new();
    place.write("f", "user 0");
    let view = place.open();
    let over = AtomicBool::new(false);
    let rounds = Rounds::default();
    let editor = || {
        for save in 1.. {
            if over.load(Ordering::SeqCst) {
                return;
            }
            let text = format!("user {save}");
            std::fs::write(place.ws("f.swp"), &text).unwrap();
            std::fs::rename(place.ws("f.swp"), place.ws("f")).unwrap();
            std::thread::sleep(std::time::Duration::from_micros(save % 7 * 300));
            let since = std::time::Instant::now();
            loop {
                let seen = place.read("f");
                if seen == text {
                    break;
                }
                let base = rounds.base_of(&seen);
                if base == Some(ContentDigest::of(text.as_bytes())) {
                    break;
                }
                // What is lost stays lost: no landing that is based on something else brings it back.
                assert!(
                    since.elapsed() < PATIENCE,
                    "{text} was lost, {seen} is there"
                );
            }
        }
    };
    let (landed, staged) = std::thread::scope(|scope| {
        let editor = scope.spawn(editor);
        let (mut landed, mut staged) = (0, 0);
        for round in 0..400 {
            let text = HeldContent::from_bytes(Rounds::text(round).into_bytes());
            let change = view.change_to_write(&rel("f"), text, None).unwrap();
            let Before::File { digest, .. } = change.before else {
                panic!("{:?}", change.before)
            };
            rounds.0.lock().unwrap().push((digest, None));
            let is_done = place.door.land(&view, change).unwrap() == Landed::Done;
            rounds.0.lock().unwrap()[round].1 = Some(is_done);
            if is_done {
                landed += 1;
            } else {
                staged += 1;
                view.discard(&[entry("f")]).unwrap();
            }
        }
        over.store(true, Ordering::SeqCst);
        editor.join().unwrap();
        (landed, staged)
    });
    assert!(
        landed > 0 && staged > 0,
        "both happened: {landed} landed, {staged} staged"
    );
    let left: Vec<_> = std::fs::read_dir(place.ws(""))
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert!(
        left.iter().all(|name| name == "f" || name == "f.swp"),
        "{left:?}"
    );
}

#[test]
fn a_directory_of_the_user_is_kept_with_its_bits() {
    let place = Place::new();
    let view = place.open();
    let (_, outcome) = place.sh(&view, "mkdir -m 700 d; echo x > d/f");
    std::fs::create_dir(place.ws("d")).unwrap();
    std::fs::set_permissions(place.ws("d"), PermissionsExt::from_mode(0o751)).unwrap();
    place.door.land_whole(&view, outcome.changes);
    let mode = std::os::unix::fs::MetadataExt::mode(&place.ws("d").metadata().unwrap());
    assert_eq!((mode & 0o777, place.read("d/f")), (0o751, "x\n".into()));
}
