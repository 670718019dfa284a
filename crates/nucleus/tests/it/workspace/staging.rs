//! What did not land stays, is seen by later commands, and waits for the user.

use nucleus::workspace::{
    DiffBody, EntryType, HeldContent, Landed, StageLimits, StageReason, WorkspaceError,
    WorkspaceView,
};
use portcullis::{Exposure, Reason, Reasons};

use super::fixture::{Place, change_of, entry, rel};

const ASKS: StageReason = StageReason::Approval(Reasons::of(Reason::ActivationPath));

/// Stages everything a script does.
fn stage_all(place: &Place, script: &str) {
    let view = place.open();
    let (_, outcome) = place.sh(&view, script);
    for change in outcome.changes {
        view.stage(change, ASKS, place.door.session).unwrap();
    }
}

#[test]
fn later_commands_see_what_is_staged_and_the_real_tree_is_untouched() {
    let place = Place::new();
    for (path, text) in [("f", "old"), ("gone", "x"), ("d/in", "x"), ("m", "x")] {
        place.write(path, text);
    }
    let before = place.dump();
    stage_all(
        &place,
        "echo new > f; rm gone; rm -r d; mkdir -p n/e; echo deep > n/e/g; ln -s f l; chmod 711 m; printf '' > empty",
    );
    assert_eq!(place.dump(), before);
    let view = place.open();
    let (seen, outcome) = place.sh(&view, "cat f n/e/g; readlink l; stat -c %a m; ls");
    assert_eq!(seen, "new\ndeep\nf\n711\nempty\nf\nl\nm\nn\n");
    assert_eq!(
        outcome.changes,
        [],
        "what is staged is no change of the next command"
    );
    // So do the tools of the host.
    assert!(matches!(
        view.open_read(&rel("gone")),
        Err(WorkspaceError::NotFound(_))
    ));
    assert!(matches!(
        view.metadata(&rel("d/in")),
        Err(WorkspaceError::NotFound(_))
    ));
    let mut text = String::new();
    std::io::Read::read_to_string(&mut view.open_read(&rel("n/e/g")).unwrap().file, &mut text)
        .unwrap();
    assert_eq!(text, "deep\n");
    let names: Vec<String> = view
        .list(&rel(""), place.envelope())
        .unwrap()
        .iter()
        .map(|e| e.path.to_string())
        .collect();
    assert_eq!(names, ["empty", "f", "l", "m", "n"]);
    let found = view.metadata(&rel("n/e")).unwrap();
    assert!(found.kind == EntryType::Directory && found.is_staged);
    assert_eq!(view.metadata(&rel("m")).unwrap().mode, 0o711);
}

#[test]
fn staged_changes_outlive_the_session_and_can_be_applied_and_discarded() {
    let place = Place::new();
    place.write("f", "old");
    stage_all(&place, "echo new > f; echo two > g; mkdir d; echo in > d/h");
    let view = place.open();
    let staged = view.staged().unwrap();
    assert_eq!(staged.len(), 4);
    assert!(
        staged
            .iter()
            .all(|s| s.reason == ASKS && s.session == place.door.session)
    );
    assert_eq!(
        view.discard(&[entry("d")]).unwrap(),
        [entry("d"), entry("d/h")]
    );
    let change = view.take_up(place.door.session, &entry("f")).unwrap();
    assert_eq!(place.door.land(&view, change).unwrap(), Landed::Done);
    assert_eq!(place.read("f"), "new\n");
    assert!(matches!(
        view.take_up(place.door.session, &entry("f")),
        Err(WorkspaceError::NotFound(_))
    ));
    drop(view);
    let left: Vec<_> = place
        .open()
        .staged()
        .unwrap()
        .into_iter()
        .map(|s| s.change.path)
        .collect();
    assert_eq!(left, [entry("g")]);
}

#[test]
fn changes_of_what_is_staged_keep_its_base() {
    let place = Place::new();
    place.write("f", "base");
    stage_all(&place, "echo one >> f; echo x > n");
    let view = place.open();
    let (_, outcome) = place.sh(&view, "echo two >> f; rm n");
    let base = change_of(&outcome, "f").before.clone();
    let expected = view
        .staged()
        .unwrap()
        .iter()
        .find(|s| s.change.path == entry("f"))
        .unwrap()
        .change
        .before
        .clone();
    assert_eq!(base, expected);
    place.door.land_whole(&view, outcome.changes);
    assert_eq!(place.read("f"), "baseone\ntwo\n");
    assert_eq!(view.staged().unwrap(), [], "both were superseded");
    assert!(!place.exists("n"));
}

#[test]
fn labels_stay_with_a_staged_change() {
    let place = Place::new();
    let view = place.open();
    let change = view
        .change_to_write(&rel("f"), HeldContent::from_bytes(&b"x"[..]), None)
        .unwrap();
    view.stage(
        change.carrying(Exposure::UNTRUSTED),
        ASKS,
        place.door.session,
    )
    .unwrap();
    assert!(
        view.carried(&rel("f"))
            .contains(portcullis::Label::UntrustedContent)
    );
    let taken = view.take_up(place.door.session, &entry("f")).unwrap();
    assert_eq!(place.door.land(&view, taken).unwrap(), Landed::Done);
    assert!(
        view.carried(&rel("f"))
            .contains(portcullis::Label::UntrustedContent),
        "also once applied by a clean session"
    );
}

#[test]
fn diffs_show_text_sizes_and_what_the_host_runs() {
    let place = Place::new();
    place.write("src/a.rs", "one\ntwo\n");
    stage_all(
        &place,
        "echo three >> src/a.rs; printf 'a\\000b' > bin; printf 'all:\\n' > Makefile; mkdir .vscode; echo {} > .vscode/tasks.json; rm src/a.rs; printf 'one\\nthree\\n' > src/a.rs",
    );
    let view = place.open();
    let staged = view.staged().unwrap();
    let diff = |path: &str| {
        view.diff(
            staged
                .iter()
                .find(|s| s.change.path == entry(path))
                .unwrap(),
        )
        .unwrap()
    };
    let DiffBody::Text(text) = diff("src/a.rs").body else {
        panic!("no text")
    };
    assert_eq!(
        text,
        "--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1,2 +1,2 @@\n one\n-two\n+three\n"
    );
    assert!(matches!(diff("bin").body, DiffBody::Summary { .. }));
    assert!(diff("Makefile").is_build_input && diff("Makefile").rank() == 0);
    assert!(
        diff(".vscode/tasks.json").activation.is_some() && diff(".vscode/tasks.json").rank() == 1
    );
    assert_eq!(
        (diff("src/a.rs").rank(), diff("src/a.rs").is_conflict),
        (2, false)
    );
    place.write("src/a.rs", "user\n");
    assert!(diff("src/a.rs").is_conflict);
}

#[test]
fn a_torn_manifest_is_repaired_and_a_damaged_one_is_named() {
    let place = Place::new();
    stage_all(&place, "echo one > a; echo two > b");
    let manifest = place.beside("state").join("staged.jsonl");
    let whole = std::fs::read(&manifest).unwrap();
    std::fs::write(&manifest, &whole[..whole.len() - 7]).unwrap();
    assert_eq!(
        place.open().staged().unwrap().len(),
        1,
        "the whole line is there, the torn one is not"
    );
    std::fs::write(&manifest, [&whole[..], b"{\"op\":\"drop\"}\n"].concat()).unwrap();
    let error = place.try_open().unwrap_err().to_string();
    assert!(
        error.contains("staged.jsonl") && error.contains("line"),
        "{error}"
    );
    std::fs::write(
        &manifest,
        &b"{\"version\":99,\"kind\":\"nucleus-staged\"}\n"[..],
    )
    .unwrap();
    assert!(
        place
            .try_open()
            .unwrap_err()
            .to_string()
            .contains("version 99")
    );
}

#[test]
fn staged_content_that_was_tampered_with_does_not_land() {
    let place = Place::new();
    stage_all(&place, "echo good > f");
    for blob in std::fs::read_dir(place.beside("state").join("blobs")).unwrap() {
        std::fs::write(blob.unwrap().path(), "evil\n").unwrap();
    }
    let view = place.open();
    let change = view.take_up(place.door.session, &entry("f")).unwrap();
    assert!(matches!(
        place.door.land(&view, change),
        Err(WorkspaceError::Digest(_))
    ));
    assert!(!place.exists("f"));
}

/// Stages this text at a path.
fn stage_text(
    place: &Place,
    view: &dyn WorkspaceView,
    path: &str,
    text: &str,
) -> Result<(), WorkspaceError> {
    let content = HeldContent::from_bytes(text.as_bytes());
    let change = view.change_to_write(&rel(path), content, None).unwrap();
    view.stage(change, ASKS, place.door.session)
}

/// How many files of content lie in the state directory.
fn blobs(place: &Place) -> usize {
    std::fs::read_dir(place.beside("state").join("blobs"))
        .unwrap()
        .count()
}

#[test]
fn a_session_holds_back_so_many_changes_and_bytes_and_no_more() {
    let place = Place::new();
    let options = nucleus::workspace::WorkspaceOptions {
        stage_limits: StageLimits {
            changes: 3,
            bytes: 100,
        },
        ..place.options()
    };
    let view = place.open_with(&options).unwrap();
    let full = |result: Result<(), WorkspaceError>| {
        assert!(
            matches!(result, Err(WorkspaceError::StageFull { .. })),
            "{result:?}"
        );
    };
    stage_text(&place, &view, "a", &"a".repeat(60)).unwrap();
    full(stage_text(&place, &view, "b", &"b".repeat(41)));
    stage_text(&place, &view, "b", &"b".repeat(40)).unwrap();
    // What takes the place of something else counts for itself alone.
    stage_text(&place, &view, "a", &"c".repeat(60)).unwrap();
    full(stage_text(&place, &view, "a", &"c".repeat(61)));
    stage_text(&place, &view, "empty", "").unwrap();
    full(stage_text(&place, &view, "fourth", ""));
    assert_eq!(view.staged().unwrap().len(), 3);
    assert_eq!(
        blobs(&place),
        3,
        "what was refused left nothing on the disk"
    );
    // Another session has room of its own, and what is discarded gives room back.
    let other = view.seen_by(portcullis::SessionId::from_bytes([9; 16]));
    let change = other
        .change_to_write(&rel("x"), HeldContent::from_bytes(&b"x"[..]), None)
        .unwrap();
    other
        .stage(change, ASKS, portcullis::SessionId::from_bytes([9; 16]))
        .unwrap();
    view.discard(&[entry("a")]).unwrap();
    stage_text(&place, &view, "fourth", &"d".repeat(60)).unwrap();
}

#[test]
fn content_that_nothing_names_any_more_is_off_the_disk_at_once() {
    let place = Place::new();
    let view = place.open();
    for round in 0..50 {
        stage_text(&place, &view, "f", &format!("round {round}")).unwrap();
        assert_eq!(blobs(&place), 1);
    }
    stage_text(&place, &view, "g", "round 49").unwrap();
    assert_eq!(blobs(&place), 1, "one content under two names is kept once");
    view.discard(&[entry("f")]).unwrap();
    assert_eq!(
        place.sh(&view, "cat g").0,
        "round 49",
        "the twin: what is named stays"
    );
    view.discard(&[entry("g")]).unwrap();
    assert_eq!(blobs(&place), 0);
}

#[test]
fn a_manifest_line_without_a_session_drops_every_sessions_change() {
    let place = Place::new();
    stage_all(&place, "echo one > a; echo two > b");
    let manifest = place.beside("state").join("staged.jsonl");
    let whole = std::fs::read(&manifest).unwrap();
    std::fs::write(
        &manifest,
        [&whole[..], b"{\"op\":\"drop\",\"path\":\"a\"}\n"].concat(),
    )
    .unwrap();
    let left = place.open().staged().unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].change.path, entry("b"));
}
