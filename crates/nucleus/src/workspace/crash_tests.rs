//! Kills a landing and a staging at every step: each path then holds its old or its new state, whole, and nothing of the user's
//! or of what was staged is lost.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering;

use portcullis::path::RelPath;
use portcullis::{Envelope, EnvelopeParts, SessionId};

use super::base::Base;
use super::{
    Change, ChangeKind, EntryPath, HeldContent, Landed, Origin, Overlayed, StageReason,
    WorkspaceOptions, WorkspaceView, fault,
};

/// Where the child of a crash test works; absent in every other run.
const DIR: &str = "NUCLEUS_CRASH_DIR";
/// The step at which it is killed.
const STEP: &str = "NUCLEUS_CRASH_STEP";

fn base(dir: &Path) -> Base {
    Base::open(
        &dir.join("ws"),
        &super::WorkspaceOptions::new(dir.join("state")),
    )
    .unwrap()
}

const SEEN: super::base::Viewer = super::base::Viewer::Session(SessionId::from_bytes([1; 16]));

fn session() -> SessionId {
    SessionId::from_bytes([1; 16])
}

fn rel(path: &str) -> RelPath {
    RelPath::parse(path).unwrap()
}

fn entry(path: &str) -> EntryPath {
    EntryPath::from(&rel(path))
}

fn text(bytes: &str) -> HeldContent {
    HeldContent::from_bytes(bytes.as_bytes())
}

/// A workspace in which every kind of change has something to do.
fn prepare(dir: &Path) {
    let ws = dir.join("ws");
    std::fs::create_dir_all(ws.join("d")).unwrap();
    for name in ["mod", "gone", "chmod", "user", "d/gone"] {
        std::fs::write(ws.join(name), format!("old {name}")).unwrap();
    }
    std::fs::set_permissions(ws.join("chmod"), PermissionsExt::from_mode(0o644)).unwrap();
    std::os::unix::fs::symlink("old", ws.join("link")).unwrap();
}

/// What a session lands: all kinds, a conflict, and something to stage.
fn changes(base: &Base) -> Vec<Change> {
    let change = |path: &str, kind| Change {
        path: entry(path),
        kind,
        before: base.seen_by(SEEN).base_of(&entry(path)).unwrap(),
        labels: portcullis::Exposure::UNTRUSTED,
        origin: Origin::Command,
    };
    let write = |path: &str, bytes: &str| {
        change(
            path,
            ChangeKind::Write {
                content: text(bytes),
                mode: 0o644,
            },
        )
    };
    let mut conflict = write("user", "new user");
    conflict.before = super::Before::Absent;
    vec![
        change("d/gone", ChangeKind::Delete),
        change("d", ChangeKind::Delete),
        change("gone", ChangeKind::Delete),
        write("mod", "new mod"),
        write("made", "new made"),
        change("dir", ChangeKind::Directory { mode: 0o755 }),
        write("dir/in", "new in"),
        change(
            "link",
            ChangeKind::Symlink {
                target: "new".into(),
            },
        ),
        change("chmod", ChangeKind::Mode { mode: 0o600 }),
        conflict,
    ]
}

/// Lands everything and stages one change more; returns what did not land.
fn work(dir: &Path) -> Vec<EntryPath> {
    let base = base(dir);
    let all = changes(&base);
    let paths: Vec<EntryPath> = all.iter().map(|change| change.path.clone()).collect();
    let landed = base.land_unpermitted(all, session());
    let asks = Change {
        path: entry("asks"),
        kind: ChangeKind::Write {
            content: text("asks"),
            mode: 0o600,
        },
        before: super::Before::Absent,
        labels: portcullis::Exposure::NONE,
        origin: Origin::Tool,
    };
    base.seen_by(SEEN)
        .stage(asks, StageReason::Failed, session())
        .unwrap();
    let kept = paths
        .into_iter()
        .zip(landed)
        .filter(|(_, landed)| !matches!(landed, Ok(Landed::Done)));
    kept.map(|(path, _)| path).collect()
}

/// The child: does nothing in an ordinary run of the tests.
#[test]
fn crash_child() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let step: u32 = std::env::var(STEP).unwrap().parse().unwrap();
    fault::STEPS_LEFT.store(step, Ordering::SeqCst);
    work(&PathBuf::from(dir));
}

/// Whether the child came to its end.
fn run_child(dir: &Path, step: u32) -> bool {
    let status = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "workspace::crash_tests::crash_child",
            "--test-threads=1",
            "--quiet",
        ])
        .env(DIR, dir)
        .env(STEP, step.to_string())
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(
        status.code().is_none_or(|code| code == 0),
        "the child failed by itself at step {step}"
    );
    status.success()
}

fn read(ws: &Path, path: &str) -> Option<String> {
    std::fs::read_to_string(ws.join(path)).ok()
}

/// Every path is in one state or the other, and nothing of ours is beside it.
fn check_tree(ws: &Path, step: u32) {
    let one_of = |path: &str, states: &[Option<&str>]| {
        let held = read(ws, path);
        assert!(
            states.contains(&held.as_deref()),
            "{path} holds {held:?} after step {step}"
        );
    };
    one_of("mod", &[Some("old mod"), Some("new mod")]);
    one_of("gone", &[Some("old gone"), None]);
    one_of("made", &[None, Some("new made")]);
    one_of("dir/in", &[None, Some("new in")]);
    one_of("chmod", &[Some("old chmod")]);
    one_of("user", &[Some("old user")]);
    let link = std::fs::read_link(ws.join("link")).unwrap();
    assert!(
        ["old", "new"].contains(&link.to_str().unwrap()),
        "{link:?} after step {step}"
    );
    let known = ["mod", "gone", "made", "dir", "d", "chmod", "user", "link"];
    for found in std::fs::read_dir(ws).unwrap() {
        let name = found.unwrap().file_name();
        assert!(
            known.contains(&name.to_str().unwrap()),
            "{name:?} is left after step {step}"
        );
    }
}

#[test]
fn a_kill_at_any_step_loses_nothing_and_leaves_nothing() {
    let envelope = Envelope::new(EnvelopeParts::everything());
    for step in 0.. {
        assert!(step < 200, "the work has an end");
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path());
        let ws = dir.path().join("ws");
        let is_over = run_child(dir.path(), step);
        let view = Overlayed::open(
            &ws,
            &WorkspaceOptions::new(dir.path().join("state")),
            &envelope,
        )
        .unwrap();
        check_tree(&ws, step);
        for path in ["mod", "made", "dir/in"] {
            if read(&ws, path).is_some_and(|held| held.starts_with("new")) {
                assert_eq!(
                    view.carried(&rel(path)),
                    portcullis::Exposure::UNTRUSTED,
                    "{path} landed before its label at step {step}"
                );
            }
        }
        for staged in view.staged().unwrap() {
            if let ChangeKind::Write { content, .. } = &staged.change.kind {
                assert!(
                    content.read(1 << 20).is_ok(),
                    "{} is staged without content at step {step}",
                    staged.change.path
                );
            }
        }
        drop(view);
        // The work can be done again, to the same end.
        assert_eq!(work(dir.path()), [entry("user")], "after step {step}");
        assert_eq!(read(&ws, "mod").as_deref(), Some("new mod"));
        assert_eq!(
            base(dir.path())
                .seen_by(SEEN)
                .staged_changes()
                .unwrap()
                .len(),
            2
        );
        if is_over {
            assert!(step > 20, "only {step} steps were tried");
            return;
        }
    }
}

/// The user's file that a crash caught between exchange and comparison goes back to its name.
#[test]
fn recovery_never_deletes_what_the_user_saved() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path());
    let ws = dir.path().join("ws");
    let base = base(dir.path());
    let change = changes(&base)
        .into_iter()
        .find(|c| c.path == entry("mod"))
        .unwrap();
    // The state right after the exchange, had the user saved just before it.
    let temp = super::landing::replace_name(&base.tree, &change);
    std::fs::write(ws.join(&temp), "saved by the user").unwrap();
    std::fs::write(ws.join("mod"), "new mod").unwrap();
    super::landing::recover(&base.tree, temp.as_bytes()).unwrap();
    assert_eq!(read(&ws, "mod").as_deref(), Some("saved by the user"));
    assert!(!ws.join(&temp).exists());
    // The twin: what was replaced as expected is deleted.
    std::fs::write(ws.join(&temp), "old mod").unwrap();
    super::landing::recover(&base.tree, temp.as_bytes()).unwrap();
    assert!(!ws.join(&temp).exists());
    assert_eq!(read(&ws, "mod").as_deref(), Some("saved by the user"));
}
