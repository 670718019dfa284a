//! What the tools show and do beside commits and pushes of one branch.

use nucleus::Error;
use nucleus::git::{DiffRequest, PushRequest};
use portcullis::path::RelPath;

use super::repository::{commit, head, host, policy, rel, remote, session, with_commit};

#[test]
fn a_difference_is_limited_to_the_paths_asked_for() {
    let dir = with_commit();
    let session = session(&dir, &policy("[]"));
    session.write("readme.txt", "second\n");
    let git = session.git();
    let of = |path: &str| DiffRequest {
        paths: vec![rel(path)],
        ..DiffRequest::default()
    };
    assert_eq!(git.diff(&of("other.txt")).unwrap().text, "");
    assert!(
        git.diff(&of("readme.txt"))
            .unwrap()
            .text
            .contains("+second")
    );
}

#[test]
fn what_was_added_is_committed_without_naming_it_again() {
    let dir = with_commit();
    let session = session(&dir, &policy("[]"));
    session.write("a.txt", "a\n");
    session.write("b.txt", "b\n");
    session
        .git()
        .add(&RelPath::root(), &[rel("a.txt")])
        .unwrap();
    assert_eq!(commit(&session, "added", &[]).unwrap().paths, ["a.txt"]);
    assert_eq!(
        host(&session.ws(""), &["status", "--porcelain"]),
        "?? b.txt"
    );
    session.end();
}

#[test]
fn a_push_never_drops_commits_of_the_remote() {
    let dir = with_commit();
    let (bare, url) = remote(&dir, "remote.git");
    let listed = policy(&format!("[{{ url = \"{url}\", refs = [\"main\"] }}]"));
    let session = session(&dir, &listed);
    let push = PushRequest {
        repository: RelPath::root(),
        branch: "main".to_owned(),
        url: None,
    };
    session.git().push(&push).unwrap();
    let before = head(&session.ws(""));
    host(
        &session.ws(""),
        &["commit", "--quiet", "--amend", "-m", "rewritten"],
    );
    let error = session.git().push(&push).unwrap_err();
    assert!(
        matches!(&error, Error::Invalid(text) if text.contains("would drop commits")),
        "{error}"
    );
    assert_eq!(host(&bare, &["rev-parse", "main"]), before);
}

/// A repository whose last commit tracks a file that the shipped policy blocks.
fn tracking_a_secret() -> std::sync::Arc<tempfile::TempDir> {
    let dir = with_commit();
    let ws = dir.path().join("ws");
    std::fs::create_dir(ws.join("deep")).unwrap();
    std::fs::write(ws.join("deep/.env"), "KEY=s3cret\n").unwrap();
    std::fs::write(ws.join("open.txt"), "open\n").unwrap();
    host(&ws, &["add", "--force", "."]);
    host(&ws, &["commit", "--quiet", "-m", "track"]);
    dir
}

#[test]
fn what_the_policy_blocks_is_in_no_difference_and_no_state() {
    use nucleus::git::Compare;
    let dir = tracking_a_secret();
    let ws = dir.path().join("ws");
    std::fs::write(ws.join("deep/.env"), "KEY=newer\n").unwrap();
    host(&ws, &["add", "--force", "."]);
    let session = session(&dir, &policy("[]"));
    session.write("open.txt", "opener\n");
    let git = session.git();
    for (compare, sees_open) in [
        (Compare::Tree, true),
        (Compare::Index, false),
        (Compare::Revision("HEAD".to_owned()), true),
        (Compare::Revision("HEAD~1".to_owned()), true),
        (
            Compare::Revisions("HEAD~1".to_owned(), "HEAD".to_owned()),
            true,
        ),
    ] {
        let request = DiffRequest {
            compare: compare.clone(),
            ..DiffRequest::default()
        };
        let text = git.diff(&request).unwrap().text;
        assert!(!text.contains("KEY") && !text.contains(".env"), "{text}");
        assert_eq!(text.contains("+open"), sees_open, "{compare:?}: {text}");
    }
    let named = DiffRequest {
        paths: vec![rel("deep/.env")],
        ..DiffRequest::default()
    };
    assert_eq!(git.diff(&named).unwrap().text, "");
    let status = git.status(&RelPath::root()).unwrap();
    let paths: Vec<&str> = status.entries.iter().map(|entry| &*entry.path).collect();
    assert_eq!(paths, ["open.txt"]);
    // The diff of the host shows what there was to hide.
    assert!(host(&ws, &["diff", "--cached"]).contains("KEY=newer"));
}

#[test]
fn the_history_of_a_blocked_file_is_refused_as_its_content_is() {
    use nucleus::git::LogRequest;
    let dir = tracking_a_secret();
    let session = session(&dir, &policy("[]"));
    let of = |path: &str| LogRequest {
        paths: vec![rel(path)],
        ..LogRequest::default()
    };
    let error = session.git().log(&of("deep/.env")).unwrap_err();
    assert!(
        matches!(
            error,
            Error::PolicyDenied {
                operation: "read_files",
                ..
            }
        ),
        "{error}"
    );
    let shown = session.git().log(&of("open.txt")).unwrap().text;
    assert!(shown.contains("track"), "{shown}");
}

#[test]
fn a_directory_in_a_repository_is_no_repository_of_its_own() {
    let dir = with_commit();
    let session = session(&dir, &policy("[]"));
    session.write("sub/a.txt", "a\n");
    let error = session.git().status(&rel("sub")).unwrap_err().to_string();
    assert!(error.contains("not a git repository"), "{error}");
    host(&session.ws("sub"), &["init", "--quiet"]);
    let status = session.git().status(&rel("sub")).unwrap();
    assert_eq!(status.entries[0].path, "a.txt");
}

#[test]
fn blocked_files_that_git_tracks_are_named_and_others_are_not() {
    let dir = tracking_a_secret();
    let session = session(&dir, &policy("[]"));
    let found = session.sandbox.tracked_blocked();
    assert_eq!((found.count, found.to_string()), (1, "`deep/.env`".into()));
    let ws = session.ws("");
    for name in 0..6 {
        std::fs::write(ws.join(format!("{name}.pem")), "key\n").unwrap();
    }
    host(&ws, &["add", "--force", "."]);
    let found = session.sandbox.tracked_blocked();
    assert_eq!(found.count, 7);
    assert!(found.to_string().ends_with(" and 2 more"), "{found}");
    host(&ws, &["rm", "-q", "-r", "--cached", "."]);
    assert_eq!(session.sandbox.tracked_blocked().count, 0);
}
