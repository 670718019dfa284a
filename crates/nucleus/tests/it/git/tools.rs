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
