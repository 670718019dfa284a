//! Commits: what lands, what is judged, and what is refused without a trace.

use nucleus::Error;
use nucleus::git::{Compare, DiffRequest, Identity, LogRequest};
use portcullis::path::RelPath;

use super::repository::{commit, empty, head, host, policy, rel, session, snapshot, with_commit};

#[test]
fn a_commit_lands_and_the_host_sees_it_whole() {
    let dir = with_commit();
    let session = session(&dir, &policy("[]"));
    let first = head(&session.ws(""));
    session.write("src/a b.txt", "text\n");
    session.write("readme.txt", "second\n");
    session.write("other.txt", "stays out\n");
    let git = session
        .git()
        .with_identity(Identity::new("A. User", "a@example.com").unwrap());
    let request = nucleus::git::CommitRequest {
        repository: RelPath::root(),
        message: "add a\n\n# and a body".to_owned(),
        paths: vec![rel("src"), rel("readme.txt")],
    };
    let committed = git.commit(&request).unwrap();
    assert_eq!(committed.branch, "main");
    assert_eq!(committed.paths, ["readme.txt", "src/a b.txt"]);
    let ws = session.ws("");
    assert_eq!(head(&ws), committed.id);
    assert_eq!(host(&ws, &["rev-parse", "HEAD^"]), first);
    let shown = host(&ws, &["log", "-1", "--format=%an <%ae> %cn <%ce>%n%B"]);
    assert_eq!(
        shown,
        "A. User <a@example.com> A. User <a@example.com>\nadd a\n\n# and a body"
    );
    assert_eq!(host(&ws, &["show", "HEAD:src/a b.txt"]), "text");
    assert_eq!(host(&ws, &["status", "--porcelain"]), "?? other.txt");
    host(&ws, &["fsck", "--strict"]);
    assert!(session.log_text().contains("git_commit"));
    session.end();
}

#[test]
fn the_first_commit_of_a_repository_lands() {
    let dir = empty();
    let session = session(&dir, &policy("[]"));
    session.write("a.txt", "a\n");
    let committed = commit(&session, "first", &["a.txt"]).unwrap();
    assert_eq!(head(&session.ws("")), committed.id);
    let status = session.git().status(&RelPath::root()).unwrap();
    assert_eq!(
        (status.branch.as_deref(), status.entries.len()),
        (Some("main"), 0)
    );
}

#[test]
fn status_diff_and_log_show_and_change_nothing() {
    let dir = with_commit();
    let session = session(&dir, &policy("[]"));
    session.write("readme.txt", "second\n");
    let before = snapshot(&session.ws(""));
    let git = session.git();
    let status = git.status(&RelPath::root()).unwrap();
    assert_eq!(status.entries.len(), 1);
    assert_eq!(
        (status.entries[0].tree, status.entries[0].path.as_str()),
        ('M', "readme.txt")
    );
    let diff = git.diff(&DiffRequest::default()).unwrap();
    assert!(diff.text.contains("-first\n+second\n"), "{}", diff.text);
    let log = git.log(&LogRequest::default()).unwrap();
    assert!(
        log.text.contains("User <user@example.com>") && log.text.contains("first"),
        "{}",
        log.text
    );
    assert_eq!(snapshot(&session.ws("")), before);
}

#[test]
fn a_commit_needs_no_right_to_write_files() {
    let dir = with_commit();
    let narrow = policy("[]").replace(
        "write_files = \"always\"\nedit_files = \"always\"",
        "write_files = \"never\"\nedit_files = \"never\"",
    );
    let session = session(&dir, &narrow);
    session.write("readme.txt", "second\n");
    let committed = commit(&session, "second", &["readme.txt"]).unwrap();
    assert_eq!(head(&session.ws("")), committed.id);
    session
        .sandbox
        .write(".git/refs/heads/other", committed.id.as_bytes())
        .unwrap_err();
}

#[test]
fn a_commit_that_the_policy_denies_leaves_no_trace() {
    let dir = with_commit();
    for denied in ["git_commit = \"never\"", "git_commit = \"low_risk\""] {
        let text =
            policy("[]\nblocked_branches = [\"main\"]").replace("git_commit = \"always\"", denied);
        let session = session(&dir, &text);
        session.write("readme.txt", "second\n");
        let before = snapshot(&session.ws(""));
        let error = commit(&session, "second", &["readme.txt"]).unwrap_err();
        assert!(
            matches!(
                error,
                Error::PolicyDenied {
                    operation: "git_commit",
                    ..
                }
            ),
            "{error}"
        );
        assert_eq!(snapshot(&session.ws("")), before);
    }
}

#[test]
fn a_commit_of_an_activation_path_needs_approval_and_one_beside_it_does_not() {
    let dir = with_commit();
    let session = session(&dir, &policy("[]"));
    session.write(".github/workflows/ci.yml", "on: push\n");
    session.write("a.txt", "a\n");
    let first = head(&session.ws(""));
    let error = commit(&session, "both", &[".github", "a.txt"]).unwrap_err();
    assert!(
        matches!(
            error,
            Error::ApprovalRequired {
                operation: "git_commit",
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(head(&session.ws("")), first);
    commit(&session, "one", &["a.txt"]).unwrap();
}

#[test]
fn a_commit_of_a_link_that_leads_to_activation_does_not_land_and_another_link_does() {
    let dir = with_commit();
    let session = session(&dir, &policy("[]"));
    session.write("made/config.toml", "x\n");
    std::os::unix::fs::symlink("made", session.ws(".cargo")).unwrap();
    std::os::unix::fs::symlink("made", session.ws("latest")).unwrap();
    let first = head(&session.ws(""));
    let error = commit(&session, "both", &[".cargo", "latest"]).unwrap_err();
    assert!(error.to_string().contains("`.cargo`"), "{error}");
    assert_eq!(head(&session.ws("")), first);
    let made = commit(&session, "one", &["latest", "made"]).unwrap();
    assert_eq!(made.paths, ["latest", "made/config.toml"]);
}

#[test]
fn a_blocked_file_is_neither_committed_nor_committed_away() {
    let dir = with_commit();
    std::fs::write(dir.path().join("ws/secret.txt"), "s3cret").unwrap();
    host(&dir.path().join("ws"), &["add", "."]);
    host(
        &dir.path().join("ws"),
        &["commit", "--quiet", "-m", "secret"],
    );
    let text = policy("[]").replace("[budget]", "[paths]\nblocked = [\"secret.txt\"]\n[budget]");
    let session = session(&dir, &text);
    let first = head(&session.ws(""));
    session.write("readme.txt", "second\n");
    let error = commit(&session, "all", &["secret.txt", "readme.txt"]).unwrap_err();
    assert!(error.refused().is_some(), "{error}");
    assert_eq!(head(&session.ws("")), first);
    commit(&session, "one", &["readme.txt"]).unwrap();
    assert_eq!(
        host(&session.ws(""), &["show", "HEAD:secret.txt"]),
        "s3cret"
    );
}

#[test]
fn what_is_no_commit_is_refused_with_a_reason() {
    let dir = with_commit();
    let session = session(&dir, &policy("[]"));
    let reason =
        |message: &str, paths: &[&str]| commit(&session, message, paths).unwrap_err().to_string();
    assert!(reason("nothing", &[]).contains("nothing to commit"));
    session.write("a.txt", "a\n");
    assert!(reason("nothing", &[]).contains("nothing to commit"));
    assert!(reason(" \n", &["a.txt"]).contains("commit message"));
    host(&session.ws(""), &["checkout", "--quiet", "--detach"]);
    assert!(reason("detached", &["a.txt"]).contains("on no branch"));
    host(&session.ws(""), &["checkout", "--quiet", "main"]);
    commit(&session, "fine", &["a.txt"]).unwrap();
}

#[test]
fn a_directory_without_repository_is_a_clear_error() {
    let session = crate::session::Session::under(&policy("[]"));
    let error = session
        .git()
        .status(&RelPath::root())
        .unwrap_err()
        .to_string();
    assert!(error.contains("not a git repository"), "{error}");
}

#[test]
fn names_that_look_like_options_stay_names() {
    let dir = with_commit();
    let session = session(&dir, &policy("[]"));
    let first = head(&session.ws(""));
    for name in ["--amend", "-x", "(top)a", "*.txt"] {
        session.write(name, "data\n");
        let committed = commit(&session, "--amend --author=x", &[name]).unwrap();
        assert_eq!(committed.paths, [name]);
    }
    assert_eq!(
        host(
            &session.ws(""),
            &["rev-list", "--count", &format!("{first}..HEAD")]
        ),
        "4"
    );
    for revision in ["--output=owned", "-O/etc/passwd", "main..x", ""] {
        let compare = Compare::Revision(revision.to_owned());
        session
            .git()
            .diff(&DiffRequest {
                compare,
                ..DiffRequest::default()
            })
            .unwrap_err();
        session
            .git()
            .log(&LogRequest {
                revision: revision.to_owned(),
                ..LogRequest::default()
            })
            .unwrap_err();
    }
    let compare = Compare::Revisions("HEAD~1".to_owned(), "HEAD".to_owned());
    let diff = session
        .git()
        .diff(&DiffRequest {
            compare,
            ..DiffRequest::default()
        })
        .unwrap();
    assert!(diff.text.contains("+data"), "{}", diff.text);
    assert!(session.on_disk("owned").is_none());
}
