//! Escapes through links, names and races (attacks A1 to A5, A7, A10, A12, A14, A16), each with its allow twin.

use std::os::unix::fs::{MetadataExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};

use nucleus::workspace::{
    Change, ChangeKind, EntryType, HeldContent, Landed, Origin, StageReason, WorkspaceError,
    WorkspaceView,
};
use portcullis::Exposure;

use super::fixture::{Place, change_of, entry, rel};

fn text(bytes: &str) -> HeldContent {
    HeldContent::from_bytes(bytes.as_bytes())
}

/// A directory beside the workspace with a secret in it.
fn outside(place: &Place) -> std::path::PathBuf {
    let out = place.beside("out");
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("c"), "canary").unwrap();
    out
}

#[test]
fn a1_links_out_of_the_workspace_are_staged_and_never_followed() {
    let place = Place::new();
    let out = outside(&place);
    let view = place.open();
    let script = format!(
        "ln -s {0}/c abs; ln -s ../out/c rel; ln -s rel chain; mkdir d; ln -s ../../out d/up; ln -s d in; cat abs rel chain 2>&1 || true",
        out.display()
    );
    let (seen, outcome) = place.sh(&view, &script);
    assert!(!seen.contains("canary"), "{seen}");
    let paths: Vec<String> = outcome.changes.iter().map(|c| c.path.to_string()).collect();
    let landed = place.door.land_all(&view, outcome.changes);
    for (path, landed) in paths.iter().zip(landed) {
        let expected = match path.as_str() {
            "abs" | "rel" | "d/up" => Landed::Staged(StageReason::LeavingLink),
            _ => Landed::Done,
        };
        assert_eq!(landed.unwrap(), expected, "{path}");
    }
    assert!(
        !place.exists("abs") && !place.exists("rel") && place.exists("in") && place.exists("chain")
    );
    // A later command still sees what it made, and the user can apply it.
    assert_eq!(
        place.sh(&view, "readlink abs").0.trim(),
        format!("{}/c", out.display())
    );
    let taken = view.take_up(place.door.session, &entry("abs")).unwrap();
    assert_eq!(place.door.land(&view, taken).unwrap(), Landed::Done);
    // Whoever put it there, the tools of the host neither read nor write through it.
    symlink(&out, place.ws("o")).unwrap();
    assert!(matches!(
        view.open_read(&rel("abs")),
        Err(WorkspaceError::WrongType { .. })
    ));
    assert!(matches!(
        view.open_read(&rel("o/c")),
        Err(WorkspaceError::ThroughLink(_))
    ));
    assert!(view.change_to_write(&rel("o/c"), text("x"), None).is_err());
    assert!(view.change_to_write(&rel("abs"), text("x"), None).is_err());
    assert_eq!(std::fs::read_to_string(out.join("c")).unwrap(), "canary");
}

#[test]
fn a2_a_directory_flipped_to_a_link_never_leads_a_landing_out() {
    let place = Place::new();
    let out = outside(&place);
    place.write("p/x", "old");
    let view = place.open();
    let over = AtomicBool::new(false);
    let landed = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut flips = 0_u32;
            while !over.load(Ordering::SeqCst) {
                std::fs::rename(place.ws("p"), place.ws("q")).unwrap();
                symlink(&out, place.ws("p")).unwrap();
                std::fs::remove_file(place.ws("p")).unwrap();
                std::fs::rename(place.ws("q"), place.ws("p")).unwrap();
                flips += 1;
                // Now and then the directory stays long enough for a landing.
                std::thread::sleep(std::time::Duration::from_millis(u64::from(
                    flips.is_multiple_of(8),
                )));
            }
        });
        let mut landed = 0;
        for round in 0..20_000 {
            if round >= 400 && landed > 0 {
                break;
            }
            if let Ok(change) = view.change_to_write(&rel("p/x"), text(&format!("{round}")), None) {
                landed += u32::from(matches!(place.door.land(&view, change), Ok(Landed::Done)));
            }
            let _ = view.discard(&[entry("p/x")]);
        }
        over.store(true, Ordering::SeqCst);
        landed
    });
    let held: Vec<_> = std::fs::read_dir(&out)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(held, ["c"], "nothing came out of the workspace");
    assert_eq!(std::fs::read_to_string(out.join("c")).unwrap(), "canary");
    assert!(landed > 0, "the allow twin");
}

#[test]
fn a4_a_hard_link_lands_as_a_file_of_its_own_and_breaks_one_of_the_host() {
    let place = Place::new();
    let out = outside(&place);
    std::fs::hard_link(out.join("c"), place.ws("f")).unwrap();
    let view = place.open();
    place.run_and_land(&view, "echo agent > f; echo x > a; ln a b");
    assert_eq!(std::fs::read_to_string(out.join("c")).unwrap(), "canary");
    assert_eq!(
        (place.read("f"), place.read("b")),
        ("agent\n".into(), "x\n".into())
    );
    let inode = |path: &str| place.ws(path).metadata().unwrap().ino();
    assert_ne!(inode("a"), inode("b"));
}

#[test]
fn a5_renaming_the_parent_of_a_blocked_file_uncovers_nothing() {
    let place = Place::blocking(&["certs/key.pem", "*.secret"]);
    place.write("certs/key.pem", "canary");
    place.write("certs/readme", "text");
    place.write("d/x.secret", "canary");
    let view = place.open();
    let script = "mv certs old 2>&1; mv d e 2>&1; find . -type f -exec cat {} +; cat old/key.pem certs/key.pem e/x.secret d/x.secret 2>&1; true";
    let (seen, outcome) = place.sh(&view, script);
    assert!(!seen.contains("canary") && seen.contains("text"), "{seen}");
    for landed in place.door.land_all(&view, outcome.changes) {
        landed.unwrap();
    }
    assert_eq!(
        (place.read("certs/key.pem"), place.read("d/x.secret")),
        ("canary".into(), "canary".into())
    );
    assert_eq!(place.read("old/readme"), "text");
}

#[test]
fn a7_other_spellings_of_a_blocked_name_are_hidden_as_well() {
    let place = Place::blocking(&[".env", "*.pem", "**/.config/gh"]);
    let blocked: [&[u8]; 9] = [
        b".env",
        b".ENV",
        b"sub/.Env",
        b"K.PEM",
        b"re\xcc\x81sume\xcc\x81.pem",
        b"\xff.pem",
        b".env ",
        b"SECRET~1.PEM",
        b"h/.config/gh/hosts.yml",
    ];
    for name in blocked {
        place.write(std::str::from_utf8(name).unwrap_or("unused"), "canary");
        let path = place
            .ws("")
            .join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name));
        std::fs::write(path, "canary").unwrap();
    }
    std::fs::remove_file(place.ws("unused")).unwrap();
    for name in ["env", "pem", "a:b", "h/.config/other"] {
        place.write(name, "open\n");
    }
    let view = place.open();
    let (seen, _) = place.sh(&view, "find . -type f -exec cat {} +");
    assert_eq!(seen, "open\n".repeat(4));
}

#[test]
fn a10_nothing_of_a_file_outside_changes() {
    let place = Place::new();
    let out = outside(&place);
    symlink(out.join("c"), place.ws("l")).unwrap();
    let before = out.join("c").metadata().unwrap();
    let view = place.open();
    let mode = Change {
        path: entry("l"),
        kind: ChangeKind::Mode { mode: 0o777 },
        before: nucleus::workspace::Before::Other,
        labels: Exposure::NONE,
        origin: Origin::Tool,
    };
    assert!(matches!(
        place.door.land(&view, mode).unwrap(),
        Landed::Staged(_)
    ));
    let (_, outcome) = place.sh(&view, "chmod 777 l; touch l; echo x > l; true");
    drop(place.door.land_all(&view, outcome.changes));
    let after = out.join("c").metadata().unwrap();
    let all = |m: &std::fs::Metadata| (m.mode(), m.mtime_nsec(), m.ctime_nsec(), m.size(), m.ino());
    assert_eq!(all(&before), all(&after));
}

#[test]
fn fifos_and_sockets_are_refused_by_name_and_never_opened() {
    let place = Place::new();
    let view = place.open();
    let (_, outcome) = place.sh(&view, "mkfifo p; echo x > f");
    assert_eq!(outcome.refused.len(), 1);
    assert!(outcome.refused[0].path == entry("p") && outcome.refused[0].why.contains("FIFO"));
    place.door.land_whole(&view, outcome.changes);
    // One that the host made: seen, not opened, not replaced.
    rustix::fs::mknodat(
        rustix::fs::CWD,
        place.ws("h"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    assert_eq!(view.metadata(&rel("h")).unwrap().kind, EntryType::Other);
    assert!(matches!(
        view.open_read(&rel("h")),
        Err(WorkspaceError::WrongType { .. })
    ));
    assert!(view.change_to_write(&rel("h"), text("x"), None).is_err());
    let (_, outcome) = place.sh(&view, "rm h; echo x > h");
    let landed = place.door.land_all(&view, outcome.changes);
    assert!(
        landed
            .iter()
            .all(|l| matches!(l, Ok(Landed::Staged(StageReason::Conflict)))),
        "{landed:?}"
    );
}

#[test]
fn a12_a_link_at_a_temporary_name_is_not_written_through() {
    let place = Place::new();
    let out = outside(&place);
    place.write("f", "old");
    let view = place.open();
    let change = view.change_to_write(&rel("f"), text("new"), None).unwrap();
    // Every temporary name is predictable on purpose; links are put at the one of this very landing.
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .take(8)
            .map(|b| format!("{b:02x}"))
            .collect::<String>()
    };
    let of = |bytes: &[u8]| hex(portcullis::ContentDigest::of(bytes).as_bytes());
    let temp = format!(".nucleus-r{}-{}-{}.tmp", of(b"f"), of(b"new"), of(b"old"));
    symlink(out.join("c"), place.ws(&temp)).unwrap();
    let landed = place.door.land(&view, change).unwrap();
    assert_eq!(std::fs::read_to_string(out.join("c")).unwrap(), "canary");
    assert!(
        landed == Landed::Done || matches!(landed, Landed::Staged(_)),
        "{landed:?}"
    );
    assert!(["old", "new"].contains(&place.read("f").as_str()));
}

#[test]
fn a16_deep_and_wide_trees_fail_closed_or_work() {
    let place = Place::blocking(&["*.key"]);
    for n in 0..3000 {
        place.write(&format!("many/{n}.key"), "canary");
    }
    place.write("many/open", "open");
    let view = place.open();
    let (seen, _) = place.sh(&view, "ls many | wc -l; cat many/*");
    assert_eq!(seen, "1\nopen");
    let deep = vec!["d"; 140].join("/");
    std::fs::create_dir_all(place.ws(&deep)).unwrap();
    let refused = view.begin_command(place.envelope()).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("over the bound of 128 directories"),
        "{refused}"
    );
}

#[test]
fn names_without_a_canonical_spelling_are_seen_and_never_changed() {
    let place = Place::new();
    place.write("a:b", "old");
    let view = place.open();
    let (seen, outcome) = place.sh(
        &view,
        "cat a:b; echo new > a:b; printf x > $(printf '\\377'); echo ok > fine; rm -f a:b",
    );
    assert!(seen.starts_with("old"));
    assert_eq!(outcome.refused.len(), 2, "{:?}", outcome.refused);
    assert!(
        outcome.refused.iter().any(|r| r.why.contains("colon"))
            && outcome.refused.iter().any(|r| r.why.contains("UTF-8"))
    );
    assert_eq!(change_of(&outcome, "fine").verb(), "create");
    place.door.land_whole(&view, outcome.changes);
    assert_eq!(place.read("a:b"), "old");
}
