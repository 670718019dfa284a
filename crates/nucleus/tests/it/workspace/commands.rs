//! What a command sees: blocked names hidden, also while the host works beside it.

use std::time::{Duration, Instant};

use nucleus::workspace::{StopReason, UpperKind, WorkspaceOptions, WorkspaceView};
use nucleus_jail::Exit;

use super::doors::envelope;
use super::fixture::{PATIENCE, Place, Started, entry};

const WAIT: &str = "read go; ";

fn secrets() -> Place {
    let place = Place::blocking(&[".env", ".env.!(example)", "*.pem"]);
    place.write(".env", "canary");
    place.write("src/.env", "canary");
    place.write("certs/a.pem", "canary");
    place.write(".env.example", "open\n");
    place
}

#[test]
fn blocked_names_are_hidden_and_others_are_not() {
    let place = secrets();
    let view = place.open();
    let (seen, outcome) = place.sh(
        &view,
        "find . -type f; cat .env src/.env certs/a.pem 2>&1; true",
    );
    assert!(
        seen.starts_with("./.env.example\n") && !seen.contains("canary"),
        "{seen}"
    );
    assert_eq!(outcome.changes, []);
}

#[test]
fn saving_a_blocked_file_by_rename_uncovers_nothing() {
    let place = secrets();
    let view = place.open();
    let script = format!("{WAIT} cat .env src/.env 2>&1; true");
    let mut started = Started::new(&view, place.envelope(), &["/bin/sh", "-c", &script]);
    for name in [".env", "src/.env"] {
        std::fs::write(place.beside("saved"), "canary 2").unwrap();
        std::fs::rename(place.beside("saved"), place.ws(name)).unwrap();
    }
    started.go();
    let exit = started
        .jail
        .wait_timeout(PATIENCE)
        .unwrap()
        .expect("it ends");
    let seen = started.output();
    assert_eq!(exit, Exit::Code(0), "{seen}");
    assert!(!seen.contains("canary"), "{seen}");
    assert_eq!(
        started.layers.stopped(),
        None,
        "a name that is hidden already stops nothing"
    );
}

fn stops(place: &Place, act: impl FnOnce()) -> Option<StopReason> {
    let view = place.open();
    let started = Started::new(
        &view,
        place.envelope(),
        &["/bin/sh", "-c", "while :; do sleep 0.05; done"],
    );
    act();
    let exit = started
        .jail
        .wait_timeout(PATIENCE)
        .unwrap()
        .expect("it is stopped");
    assert_eq!(exit, Exit::Killed);
    started.layers.stopped()
}

#[test]
fn a_blocked_name_that_appears_stops_the_command() {
    let place = secrets();
    let reason = stops(&place, || place.write("src/.env.local", "canary"));
    assert_eq!(
        reason,
        Some(StopReason::BlockedNameAppeared("src/.env.local".into()))
    );
}

#[test]
fn a_blocked_name_that_moves_with_its_directory_stops_the_command() {
    let place = secrets();
    let reason = stops(&place, || {
        std::fs::rename(place.ws("src"), place.ws("moved")).unwrap()
    });
    assert_eq!(
        reason,
        Some(StopReason::BlockedNameAppeared("moved/.env".into()))
    );
}

#[test]
fn a_blocked_name_in_a_new_directory_stops_the_command() {
    let place = secrets();
    let reason = stops(&place, || place.write("fresh/deep/key.pem", "canary"));
    assert_eq!(
        reason,
        Some(StopReason::BlockedNameAppeared("fresh/deep/key.pem".into()))
    );
}

#[test]
fn a_fixed_name_whose_directory_appears_later_stops_the_command() {
    let place = Place::blocking(&["/deploy/token"]);
    let reason = stops(&place, || place.write("deploy/token", "canary"));
    assert_eq!(
        reason,
        Some(StopReason::BlockedNameAppeared("deploy/token".into()))
    );
}

#[test]
fn ordinary_work_of_the_host_stops_nothing() {
    let place = secrets();
    let view = place.open();
    let script = format!("{WAIT} cat made/file");
    let mut started = Started::new(&view, place.envelope(), &["/bin/sh", "-c", &script]);
    place.write("made/file", "seen");
    started.go();
    assert_eq!(
        started.jail.wait_timeout(PATIENCE).unwrap(),
        Some(Exit::Code(0))
    );
    assert_eq!(
        (started.output().as_str(), started.layers.stopped()),
        ("seen", None)
    );
}

#[test]
fn a_stop_between_the_layers_and_the_jail_is_not_lost() {
    let place = secrets();
    let view = place.open();
    let layers = view.begin_command(place.envelope()).unwrap();
    place.write("late.pem", "canary");
    let since = Instant::now();
    while layers.stopped().is_none() && since.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(5));
    }
    let (sender, stops) = std::sync::mpsc::channel();
    layers.on_stop(move |reason| sender.send(reason).unwrap());
    assert_eq!(
        stops.try_recv(),
        Ok(StopReason::BlockedNameAppeared("late.pem".into()))
    );
}

#[test]
fn names_that_appear_between_commands_are_hidden_from_the_next() {
    let place = secrets();
    let view = place.open();
    assert_eq!(place.sh(&view, "ls -A certs").0, "");
    place.write("certs/b.pem", "canary");
    place.write("new/dir/c.pem", "canary");
    std::fs::rename(place.ws("src"), place.ws("source")).unwrap();
    let (seen, _) = place.sh(&view, "find . -type f");
    assert_eq!(seen, "./.env.example\n");
}

#[test]
fn a_tightened_envelope_hides_more() {
    let place = secrets();
    place.write("notes.md", "text");
    let view = place.open();
    let started = |patterns: &[&str]| {
        let tight = envelope(patterns);
        let mut started = Started::new(&view, &tight, &["/bin/sh", "-c", "ls -A"]);
        started.jail.wait_timeout(PATIENCE).unwrap();
        started.output()
    };
    assert!(started(&[".env"]).contains("notes.md"));
    assert!(!started(&[".env", "notes.md"]).contains("notes.md"));
}

#[test]
fn a_blocked_name_made_inside_is_a_change_to_be_judged() {
    let place = secrets();
    let view = place.open();
    let (_, outcome) = place.sh(&view, "echo mine > .env");
    let change = &outcome.changes[0];
    assert_eq!(change.path, entry(".env"));
    assert!(
        place.door.permit(&place.door.request(change)).is_err(),
        "the law refuses it"
    );
    assert_eq!(place.read(".env"), "canary");
}

#[test]
fn the_layer_of_changes_is_bounded_and_nothing_is_lost() {
    let place = Place::new();
    place.write("f", "old");
    let options = WorkspaceOptions {
        upper: UpperKind::Memory {
            bytes: 1 << 20,
            inodes: 100,
        },
        ..place.options()
    };
    let view = place.open_with(&options).unwrap();
    let script = "echo small > s; dd if=/dev/zero of=big bs=1M count=4 2>&1; i=0; while [ $i -lt 200 ]; do touch n$i 2>/dev/null || break; i=$((i+1)); done; true";
    let (seen, outcome) = place.sh(&view, script);
    assert!(seen.contains("No space left on device"), "{seen}");
    assert!(outcome.changes.len() < 120);
    place.door.land_whole(&view, outcome.changes);
    assert_eq!(
        (place.read("s"), place.read("f")),
        ("small\n".into(), "old".into())
    );
}

#[test]
fn the_layer_of_changes_may_be_on_disk() {
    let place = Place::new();
    let options = WorkspaceOptions {
        upper: UpperKind::Disk,
        ..place.options()
    };
    let view = place.open_with(&options).unwrap();
    place.run_and_land(&view, "mkdir d; echo x > d/f");
    assert_eq!(place.read("d/f"), "x\n");
    let runs = place.beside("state").join("runs");
    let run = std::fs::read_dir(runs)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let left: Vec<_> = std::fs::read_dir(run)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert!(
        left.iter()
            .all(|name| !name.to_string_lossy().starts_with("upper")),
        "{left:?}"
    );
}

#[test]
fn unreadable_directories_are_hidden_whole() {
    if super::fixture::is_root() {
        eprintln!("covered by the run as an ordinary user: root reads every directory");
        return;
    }
    use std::os::unix::fs::PermissionsExt;
    let place = Place::blocking(&["*.pem"]);
    place.write("closed/a.pem", "canary");
    std::fs::set_permissions(place.ws("closed"), PermissionsExt::from_mode(0o000)).unwrap();
    let view = place.open();
    let (seen, _) = place.sh(&view, "chmod 755 closed 2>&1; cat closed/a.pem 2>&1; true");
    std::fs::set_permissions(place.ws("closed"), PermissionsExt::from_mode(0o755)).unwrap();
    assert!(!seen.contains("canary"), "{seen}");
}
