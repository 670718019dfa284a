//! The file tools: each is judged, and nothing outside the workspace is reached.

use std::os::unix::fs::symlink;

use nucleus::sandbox::{Depth, EditPair, LineRange, Occurrences};
use nucleus::search::{Case, GlobQuery, GrepQuery, Ignored};
use nucleus::workspace::ChangeKind;
use nucleus::{Error, Exposure};
use portcullis::path::RelPath;
use portcullis::{Operation, Reason, Reasons};
use proptest::prelude::*;

use super::session::{OPEN, Session};

fn rel(path: &str) -> RelPath {
    RelPath::parse(path).unwrap()
}

fn glob(pattern: &str) -> GlobQuery {
    GlobQuery {
        pattern: pattern.to_owned(),
        dir: RelPath::root(),
        ignored: Ignored::Skip,
    }
}

fn grep(pattern: &str) -> GrepQuery {
    GrepQuery {
        pattern: pattern.to_owned(),
        path: RelPath::root(),
        glob: None,
        case: Case::Sensitive,
        ignored: Ignored::Skip,
    }
}

fn found(session: &Session, pattern: &str) -> Vec<String> {
    let found = session.sandbox.glob(&glob(pattern)).unwrap();
    found.paths.iter().map(ToString::to_string).collect()
}

fn edit(
    session: &Session,
    path: &str,
    old: &str,
    new: &str,
    which: Occurrences,
) -> Result<(), Error> {
    session
        .sandbox
        .edit(path, EditPair { old, new }, which)
        .map(drop)
}

#[test]
fn files_are_written_read_edited_listed_renamed_and_removed() {
    let session = Session::open();
    let sandbox = &session.sandbox;
    sandbox.make_dir("src").unwrap();
    assert!(
        sandbox
            .create("src/a.rs", b"one\ntwo\nthree\n")
            .unwrap()
            .is_landed()
    );
    edit(&session, "src/a.rs", "two", "2", Occurrences::One).unwrap();
    assert_eq!(
        session.on_disk("src/a.rs").as_deref(),
        Some("one\n2\nthree\n")
    );
    let part = sandbox
        .read("src/a.rs", LineRange { first: 2, count: 1 })
        .unwrap();
    assert_eq!(
        (
            part.text.as_str(),
            part.lines,
            part.total_lines,
            part.is_cut
        ),
        ("2\n", 1, 3, true)
    );
    let whole = sandbox
        .read(
            session.ws("src/a.rs").to_str().unwrap(),
            LineRange::default(),
        )
        .unwrap();
    assert_eq!(
        (whole.text.as_str(), whole.is_cut),
        ("one\n2\nthree\n", false)
    );
    sandbox.rename("src/a.rs", "src/b.rs").unwrap();
    assert_eq!(found(&session, "*.rs"), ["src/b.rs"]);
    assert_eq!(sandbox.grep(&grep("^t.*e$")).unwrap().matches[0].line, 3);
    let listed = sandbox.list("src").unwrap();
    assert_eq!(
        listed
            .entries
            .iter()
            .map(|e| e.path.to_string())
            .collect::<Vec<_>>(),
        ["src/b.rs"]
    );
    assert!(matches!(
        sandbox.remove("src", Depth::Entry),
        Err(Error::Invalid(_))
    ));
    sandbox.remove("src", Depth::Tree).unwrap();
    assert_eq!(session.on_disk("src/b.rs"), None);
    assert_eq!(session.monitor().exposure(), Exposure::PRIVATE);
    session.end();
}

#[test]
fn writing_over_a_file_replaces_it_and_creating_one_does_not() {
    let session = Session::open();
    session.write("a", "old");
    assert!(matches!(
        session.sandbox.create("a", b"new"),
        Err(Error::Invalid(_))
    ));
    assert_eq!(session.on_disk("a").as_deref(), Some("old"));
    session.sandbox.write("a", b"new").unwrap();
    assert_eq!(session.on_disk("a").as_deref(), Some("new"));
}

#[test]
fn edits_say_clearly_what_did_not_match() {
    let session = Session::open();
    session.write("a", "x = 1\ny = 1\n  z = 3\n");
    let error = |old: &str, new: &str| {
        edit(&session, "a", old, new, Occurrences::One)
            .unwrap_err()
            .to_string()
    };
    insta::assert_snapshot!(error("q", "r"), @r"
    the text to replace is not in `a`
    help: read the file again and copy the text exactly
    ");
    insta::assert_snapshot!(error("y = 1 z = 3", "r"), @r"
    the text to replace is not in `a`
    help: it matches but for blanks or line ends: copy them exactly
    ");
    insta::assert_snapshot!(error("= 1", "= 2"), @r"
    the text to replace is 2 times in `a` (lines 1, 2)
    help: add surrounding lines until it matches once, or replace all
    ");
    assert!(error("", "r").contains("empty"));
    assert!(error("x", "x").contains("nothing would change"));
    assert_eq!(
        session.on_disk("a").as_deref(),
        Some("x = 1\ny = 1\n  z = 3\n")
    );
    edit(&session, "a", "= 1", "= 2", Occurrences::All).unwrap();
    assert_eq!(
        session.on_disk("a").as_deref(),
        Some("x = 2\ny = 2\n  z = 3\n")
    );
}

#[test]
fn binary_and_odd_files_are_not_text() {
    let session = Session::open();
    std::fs::write(session.ws("bin"), b"a\0b").unwrap();
    std::fs::write(session.ws("latin"), b"caf\xe9").unwrap();
    session.write("text", "a\nb");
    let error = |path: &str| {
        session
            .sandbox
            .read(path, LineRange::default())
            .unwrap_err()
            .to_string()
    };
    assert!(error("bin").contains("binary"));
    assert!(error("latin").contains("UTF-8"));
    assert!(matches!(
        session
            .sandbox
            .read("text", LineRange { first: 9, count: 1 }),
        Err(Error::Invalid(_))
    ));
    assert!(matches!(
        session
            .sandbox
            .read("text", LineRange { first: 0, count: 1 }),
        Err(Error::Invalid(_))
    ));
    assert_eq!(session.sandbox.read_bytes("bin").unwrap(), b"a\0b");
}

#[test]
fn nothing_outside_is_reached_by_any_spelling_or_link() {
    let session = Session::open();
    let out = session.dir.path().join("out");
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("canary"), "SECRET").unwrap();
    session.write("inside", "ok");
    symlink(out.join("canary"), session.ws("link")).unwrap();
    symlink(&out, session.ws("dir")).unwrap();
    symlink("dir", session.ws("chain")).unwrap();
    symlink("/proc/self/root", session.ws("proc")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, session.ws("fifo"), rustix::fs::Mode::RWXU).unwrap();
    let canary = out.join("canary");
    let spellings = [
        "link",
        "dir/canary",
        "chain/canary",
        "../out/canary",
        "inside/../../out/canary",
        "./../out/canary",
        "dir//canary",
        canary.to_str().unwrap(),
        "/proc/self/environ",
        "/etc/passwd",
        "proc/etc/passwd",
        "fifo",
        "proc/self/fd/0",
        "link/",
        "INSIDE/../../out/canary",
    ];
    for path in spellings {
        let read = session.sandbox.read_bytes(path);
        assert!(read.is_err(), "{path} read {read:?}");
        assert!(
            session.sandbox.write(path, b"owned").is_err(),
            "{path} written"
        );
        let edited = edit(&session, path, "SECRET", "owned", Occurrences::One);
        assert!(edited.is_err(), "{path} edited");
        assert!(session.sandbox.list(path).is_err(), "{path} listed");
    }
    assert!(session.sandbox.rename("inside", "dir/moved").is_err());
    assert!(session.sandbox.create("dir/new", b"x").is_err());
    assert!(session.sandbox.make_dir("dir/new").is_err());
    assert_eq!(
        std::fs::read_to_string(out.join("canary")).unwrap(),
        "SECRET"
    );
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 1);
    assert_eq!(
        session.sandbox.read_bytes("./inside").unwrap(),
        b"ok",
        "the allow twin"
    );
    session.sandbox.remove("link", Depth::Entry).unwrap();
    assert!(out.join("canary").exists(), "the link went, not its target");
}

#[test]
fn writing_through_a_hard_link_leaves_the_other_name_alone() {
    let session = Session::open();
    let outside = session.dir.path().join("outside");
    std::fs::write(&outside, "old").unwrap();
    std::fs::hard_link(&outside, session.ws("inside")).unwrap();
    session.sandbox.write("inside", b"new").unwrap();
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "old");
    assert_eq!(session.on_disk("inside").as_deref(), Some("new"));
}

#[test]
fn a_link_swapped_in_while_writing_never_leads_out() {
    let session = Session::open();
    let out = session.dir.path().join("out");
    std::fs::create_dir(&out).unwrap();
    std::fs::create_dir(session.ws("p")).unwrap();
    let (dir, link, aside) = (session.ws("p"), session.ws("q"), session.ws("r"));
    symlink(&out, &link).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Rests of many lengths, so that swaps fall before, into and after a write on
            // machines of every speed.
            for rest in (0_u64..8).cycle() {
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
                let _ = std::fs::rename(&dir, &aside).and_then(|()| std::fs::rename(&link, &dir));
                let _ = std::fs::rename(&dir, &link).and_then(|()| std::fs::rename(&aside, &dir));
                std::thread::sleep(std::time::Duration::from_micros(rest * rest * 400));
            }
        });
        let mut landed = 0;
        let mut round = 0;
        let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while round < 400 || (landed == 0 && std::time::Instant::now() < patience) {
            landed += u32::from(
                session
                    .sandbox
                    .write("p/x", round.to_string().as_bytes())
                    .is_ok_and(|w| w.is_landed()),
            );
            round += 1;
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(landed > 0, "some writes met the directory");
    });
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 0);
}

const BLOCKING: &str = r#"
[capabilities]
read_files = "always"
glob_search = "always"
grep_search = "always"
write_files = "always"
edit_files = "always"
[paths]
blocked = ["secret", "a/deep/**"]
[budget]
max_cost_usd = 1.0
[time]
valid_hours = 1
"#;

#[test]
fn blocked_names_and_contents_never_show() {
    let session = Session::under(BLOCKING);
    session.write("secret/key.txt", "CANARY");
    session.write("a/deep/key.txt", "CANARY");
    session.write("a/open.txt", "CANARY here is fine");
    assert_eq!(found(&session, "*.txt"), ["a/open.txt"]);
    assert_eq!(
        session.sandbox.grep(&grep("CANARY")).unwrap().matches.len(),
        1
    );
    let names: Vec<_> = session
        .sandbox
        .list("")
        .unwrap()
        .entries
        .iter()
        .map(|e| e.path.to_string())
        .collect();
    assert_eq!(names, ["a"]);
    for path in [
        "secret/key.txt",
        "SECRET/key.txt",
        "a/deep/key.txt",
        "a/deep/missing",
    ] {
        let error = session.sandbox.read_bytes(path).unwrap_err();
        assert!(
            matches!(
                error,
                Error::PolicyDenied {
                    operation: "read_files",
                    ..
                }
            ),
            "{path}: {error}"
        );
        let write = session.sandbox.write(path, b"x").unwrap_err();
        assert!(
            matches!(write, Error::PolicyDenied { .. }),
            "{path}: {write}"
        );
        let edited = edit(&session, path, "CANARY", "x", Occurrences::One).unwrap_err();
        assert!(
            matches!(edited, Error::PolicyDenied { .. }),
            "an edit tells nothing of {path}: {edited}"
        );
    }
    assert!(
        session.sandbox.rename("a", "b").is_err(),
        "a rename would bring blocked bytes to another name"
    );
    assert!(session.sandbox.rename("secret", "open").is_err());
    assert!(session.sandbox.remove("secret", Depth::Tree).is_err());
    assert_eq!(session.on_disk("a/deep/key.txt").as_deref(), Some("CANARY"));
    assert_eq!(
        session.sandbox.read_bytes("a/open.txt").unwrap(),
        b"CANARY here is fine"
    );
}

#[test]
fn credentials_are_blocked_without_being_named() {
    let session = Session::open();
    for path in [
        ".env",
        "certs/server.pem",
        "home/.ssh/id_rsa",
        ".aws/credentials",
    ] {
        session.write(path, "CANARY");
        assert!(
            matches!(
                session.sandbox.read_bytes(path),
                Err(Error::PolicyDenied { .. })
            ),
            "{path}"
        );
    }
    session.write("src/tokenizer.rs", "fn x() {}");
    assert!(session.sandbox.read_bytes("src/tokenizer.rs").is_ok());
    assert!(
        session
            .sandbox
            .grep(&grep("CANARY"))
            .unwrap()
            .matches
            .is_empty()
    );
}

#[test]
fn activation_paths_need_approval_and_ordinary_ones_do_not() {
    let session = Session::open();
    for path in [
        ".git/hooks/pre-commit",
        ".vscode/tasks.json",
        "AGENTS.md",
        ".envrc",
        "permissions.toml",
    ] {
        let error = session.sandbox.write(path, b"x").unwrap_err();
        let reasons = error.refused().map(nucleus::Refused::reasons);
        assert_eq!(
            reasons,
            Some(Reasons::of(Reason::ActivationPath)),
            "{path}: {error}"
        );
        assert_eq!(session.on_disk(path), None);
    }
    assert!(session.sandbox.write("notes.md", b"x").unwrap().is_landed());
    let staged = session.sandbox.view().staged().unwrap();
    let is_dir = |kind: &ChangeKind| matches!(kind, ChangeKind::Directory { .. });
    let files = staged.iter().filter(|held| !is_dir(&held.change.kind));
    assert_eq!(files.count(), 5, "the user can apply them");
    let held_back = session
        .sandbox
        .write("docs/HEAD", b"ref: refs/heads/main\n")
        .unwrap();
    assert!(!held_back.is_landed() && session.on_disk("docs/HEAD").is_none());
}

#[test]
fn ignored_files_are_searched_only_when_asked() {
    let session = Session::open();
    session.write(".gitignore", "target/\n*.log\n!keep.log\n");
    session.write("target/out.txt", "needle");
    session.write("a.log", "needle");
    session.write("keep.log", "needle");
    session.write("sub/.gitignore", "here.txt\n");
    session.write("sub/here.txt", "needle");
    session.write("here.txt", "needle");
    let paths = |ignored| {
        let query = GrepQuery {
            ignored,
            ..grep("needle")
        };
        let found = session.sandbox.grep(&query).unwrap();
        found
            .matches
            .iter()
            .map(|found| found.path.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(paths(Ignored::Skip), ["here.txt", "keep.log"]);
    assert_eq!(paths(Ignored::Search).len(), 5);
    let one = GrepQuery {
        path: rel("sub/here.txt"),
        ..grep("needle")
    };
    assert_eq!(session.sandbox.grep(&one).unwrap().matches.len(), 1);
    assert!(matches!(
        session.sandbox.grep(&grep("(")),
        Err(Error::Invalid(_))
    ));
    assert!(matches!(
        session.sandbox.glob(&glob("[")),
        Err(Error::Invalid(_))
    ));
}

#[test]
fn what_carries_a_label_labels_the_session_that_sees_it() {
    let session = Session::under(&format!("{OPEN}\n[flow]\nworkspace = \"untrusted\"\n"));
    session.write("a", "x");
    session.sandbox.read_bytes("a").unwrap();
    assert_eq!(
        session.monitor().exposure(),
        Exposure::PRIVATE.join(Exposure::UNTRUSTED)
    );
    let summary = session.monitor().summary();
    assert_eq!(summary.exposure[0].deed, "read `a`");
}

/// One attempt to change the tree.
fn attempt(session: &Session, act: u8, path: &str) -> Result<(), Error> {
    let sandbox = &session.sandbox;
    match act {
        0 => sandbox.write(path, b"x").map(drop),
        1 => sandbox.create(path, b"x").map(drop),
        2 => sandbox.make_dir(path).map(drop),
        3 => sandbox.remove(path, Depth::Tree).map(drop),
        _ => sandbox.rename(path, "elsewhere").map(drop),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Whatever else is granted, without `write_files` no write or removal succeeds, and the tree stays as it is.
    #[test]
    fn without_write_files_every_write_and_removal_fails(
        levels in prop::collection::vec(0usize..3, 4),
        acts in prop::collection::vec((0u8..5, prop::sample::select(vec!["a", "d/b", "new", "d"])), 1..6),
    ) {
        let names = ["read_files", "edit_files", "run_bash", "glob_search"];
        let mut text = String::from("[capabilities]\nwrite_files = \"never\"\n");
        for (name, level) in names.iter().zip(levels) {
            text.push_str(&format!("{name} = \"{}\"\n", ["never", "low_risk", "always"][level]));
        }
        text.push_str("[budget]\nmax_cost_usd = 1.0\n[time]\nvalid_hours = 1\n");
        let session = Session::under(&text);
        session.write("a", "1");
        session.write("d/b", "2");
        for (act, path) in acts {
            let error = attempt(&session, act, path).unwrap_err();
            let refused = error.refused().map(nucleus::Refused::operation);
            prop_assert_eq!(refused, Some(Operation::WriteFiles.name()), "{}", error);
        }
        prop_assert_eq!(session.on_disk("a"), Some("1".to_owned()));
        prop_assert_eq!(session.on_disk("d/b"), Some("2".to_owned()));
        prop_assert_eq!(session.on_disk("new"), None);
    }
}
