//! Pushes: to the policy's remotes only, of checked objects only, and never over what somebody else pushed.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use nucleus::git::{PushOptions, PushRequest, Pushed};
use nucleus::{Error, Exposure};
use portcullis::path::RelPath;

use super::repository::{commit, head, host, policy, remote, session, with_commit};
use crate::session::Session;

fn listing(url: &str) -> String {
    policy(&format!(
        "[{{ url = \"{url}\", refs = [\"main\", \"topic/*\"] }}]"
    ))
}

fn push(session: &Session, branch: &str, url: Option<&str>) -> Result<Pushed, Error> {
    let request = PushRequest {
        repository: RelPath::root(),
        branch: branch.to_owned(),
        url: url.map(str::to_owned),
    };
    session.git().push(&request)
}

#[test]
fn a_push_reaches_the_remote_of_the_policy_and_the_next_one_follows_it() {
    let dir = with_commit();
    let (bare, url) = remote(&dir, "remote.git");
    let session = session(&dir, &listing(&url));
    let first = head(&session.ws(""));
    let pushed = push(&session, "main", None).unwrap();
    let reference = "refs/heads/main".to_owned();
    assert_eq!(
        pushed,
        Pushed {
            url: url.clone(),
            reference,
            old: None,
            new: first.clone()
        }
    );
    assert_eq!(host(&bare, &["rev-parse", "main"]), first);
    session.write("readme.txt", "second\n");
    let second = commit(&session, "second", &["readme.txt"]).unwrap();
    let pushed = push(&session, "main", Some(&url)).unwrap();
    assert_eq!(
        (pushed.old, pushed.new),
        (Some(first.clone()), second.id.clone())
    );
    assert_eq!(host(&bare, &["rev-parse", "main"]), second.id);
    host(&bare, &["fsck", "--strict"]);
    let text = session.log_text();
    assert!(
        text.contains(&first) && text.contains(&second.id),
        "old and new ids are on record"
    );
    session.end();
}

#[test]
fn a_push_follows_what_the_user_fetched_meanwhile() {
    let dir = with_commit();
    let (bare, url) = remote(&dir, "remote.git");
    let ws = dir.path().join("ws");
    host(&ws, &["remote", "add", "origin", &url]);
    let session = session(&dir, &listing(&url));
    push(&session, "main", None).unwrap();
    let clone = dir.path().join("clone");
    host(
        dir.path(),
        &["clone", "--quiet", "-b", "main", &url, "clone"],
    );
    std::fs::write(clone.join("theirs.txt"), "theirs\n").unwrap();
    host(&clone, &["add", "."]);
    host(&clone, &["commit", "--quiet", "-m", "theirs"]);
    host(&clone, &["push", "--quiet", "origin", "main"]);
    let theirs = head(&clone);
    session.write("readme.txt", "second\n");
    commit(&session, "mine", &["readme.txt"]).unwrap();
    push(&session, "main", None).unwrap_err();
    assert_eq!(host(&bare, &["rev-parse", "main"]), theirs);
    host(&ws, &["fetch", "--quiet", "origin"]);
    push(&session, "main", None).unwrap_err();
    assert_eq!(host(&bare, &["rev-parse", "main"]), theirs);
    host(&ws, &["rebase", "--quiet", "origin/main"]);
    let pushed = push(&session, "main", None).unwrap();
    assert_eq!(host(&bare, &["rev-parse", "main"]), pushed.new);
    assert_eq!(pushed.old, Some(theirs));
}

#[test]
fn only_the_urls_and_references_of_the_policy_are_pushed_to() {
    let dir = with_commit();
    let (bare, url) = remote(&dir, "remote.git");
    let (other, other_url) = remote(&dir, "other.git");
    let session = session(&dir, &listing(&url));
    host(&session.ws(""), &["branch", "release"]);
    host(&session.ws(""), &["branch", "topic/x"]);
    for (branch, to) in [
        ("main", &other_url),
        ("release", &url),
        ("main", &format!("{url}/")),
        ("main", &format!("{url}/../other.git")),
    ] {
        let error = push(&session, branch, Some(to)).unwrap_err();
        assert!(
            matches!(
                error,
                Error::ApprovalRequired {
                    operation: "git_push",
                    ..
                }
            ),
            "{error}"
        );
    }
    assert_eq!(host(&bare, &["for-each-ref"]), "");
    assert_eq!(host(&other, &["for-each-ref"]), "");
    push(&session, "topic/x", None).unwrap();
    assert_eq!(
        host(&bare, &["for-each-ref", "--format=%(refname)"]),
        "refs/heads/topic/x"
    );
}

#[test]
fn arguments_of_a_push_never_become_options() {
    let dir = with_commit();
    let (bare, url) = remote(&dir, "remote.git");
    let session = session(&dir, &listing(&url));
    for branch in [
        "--upload-pack=touch owned",
        "-x",
        "--mirror",
        "+main",
        "main:refs/heads/topic/x",
        ":main",
        "main refs",
        "../main",
        "HEAD",
        "",
    ] {
        let error = push(&session, branch, None).unwrap_err();
        // A name that git takes for none is looked up in vain.
        assert!(
            matches!(error, Error::Malformed(_) | Error::Invalid(_)),
            "{branch}: {error}"
        );
    }
    for to in [
        "--receive-pack=touch owned",
        "ext::sh -c touch% owned",
        "-x",
        "/etc",
        "host:path",
        "http://evil.example/a",
        "https:// x",
    ] {
        let error = push(&session, "main", Some(to)).unwrap_err();
        assert!(matches!(error, Error::Malformed(_)), "{to}: {error}");
    }
    assert!(session.on_disk("owned").is_none());
    assert_eq!(host(&bare, &["for-each-ref"]), "");
    push(&session, "main", None).unwrap();
}

#[test]
fn a_remote_in_the_workspace_is_never_pushed_to() {
    let dir = with_commit();
    let ws = std::fs::canonicalize(dir.path()).unwrap().join("ws");
    let inside = ws.join("evil.git");
    std::fs::create_dir(&inside).unwrap();
    host(&inside, &["init", "--quiet", "--bare"]);
    let marker = dir.path().join("marker");
    let hook = inside.join("hooks/post-receive");
    std::fs::write(&hook, format!("#!/bin/sh\ntouch '{}'\n", marker.display())).unwrap();
    std::fs::set_permissions(&hook, PermissionsExt::from_mode(0o755)).unwrap();
    let link = dir.path().join("link.git");
    std::os::unix::fs::symlink(&inside, &link).unwrap();
    for path in [&inside, &link] {
        let url = format!("file://{}", path.display());
        let session = session(&dir, &listing(&url));
        let error = push(&session, "main", Some(&url)).unwrap_err().to_string();
        assert!(error.contains("lies in the workspace"), "{error}");
    }
    assert!(!marker.exists());
}

#[test]
fn a_policy_of_every_remote_names_none_on_this_machine() {
    let dir = with_commit();
    let (bare, url) = remote(&dir, "remote.git");
    let session = session(&dir, &policy("\"everything\""));
    let error = push(&session, "main", Some(&url)).unwrap_err().to_string();
    assert!(error.contains("exactly"), "{error}");
    assert_eq!(host(&bare, &["for-each-ref"]), "");
}

/// Writes an object without checks and returns its id.
fn forge_object(ws: &std::path::Path, kind: &str, bytes: &[u8]) -> String {
    let mut child = super::repository::command(
        ws,
        &["hash-object", "-w", "-t", kind, "--stdin", "--literally"],
    )
    .stdin(std::process::Stdio::piped())
    .stdout(std::process::Stdio::piped())
    .spawn()
    .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn bytes_of(id: &str) -> Vec<u8> {
    (0..id.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&id[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn objects_that_fsck_refuses_are_not_pushed() {
    let dir = with_commit();
    let (bare, url) = remote(&dir, "remote.git");
    let session = session(&dir, &listing(&url));
    let ws = session.ws("");
    let good = head(&ws);
    let tree = host(&ws, &["rev-parse", "HEAD^{tree}"]);
    let blob = host(&ws, &["rev-parse", "HEAD:readme.txt"]);
    let author = "A <a@b> 1700000000 +0000";
    let commit_of = |tree: &str, author: &str| {
        format!("tree {tree}\nparent {good}\nauthor {author}\ncommitter {author}\n\nx\n")
    };
    let tree_of = |mode: &str, name: &str, id: &str| {
        [format!("{mode} {name}\0").as_bytes(), &bytes_of(id)].concat()
    };
    let module = forge_object(
        &ws,
        "blob",
        b"[submodule \"m\"]\n\tpath = m\n\turl = -u./payload\n",
    );
    let trees = [
        forge_object(&ws, "tree", &tree_of("100644", ".git", &blob)),
        forge_object(&ws, "tree", &tree_of("40000", ".GIT", &tree)),
        forge_object(&ws, "tree", &tree_of("100644", "..", &blob)),
        forge_object(&ws, "tree", &tree_of("100644", ".gitmodules", &module)),
    ];
    let bad_author = forge_object(&ws, "commit", commit_of(&tree, "A a@b 1 +0000").as_bytes());
    let bad = trees
        .iter()
        .map(|bad| forge_object(&ws, "commit", commit_of(bad, author).as_bytes()))
        .chain([bad_author]);
    for id in bad {
        std::fs::write(ws.join(".git/refs/heads/main"), format!("{id}\n")).unwrap();
        let error = push(&session, "main", None).unwrap_err().to_string();
        assert!(
            error.contains("checking the objects to push failed"),
            "{error}"
        );
    }
    assert_eq!(host(&bare, &["for-each-ref"]), "");
    std::fs::write(ws.join(".git/refs/heads/main"), format!("{good}\n")).unwrap();
    push(&session, "main", None).unwrap();
    assert_eq!(host(&bare, &["rev-parse", "main"]), good);
}

#[test]
fn a_push_after_untrusted_content_needs_approval() {
    let dir = with_commit();
    let (bare, url) = remote(&dir, "remote.git");
    let session = session(&dir, &listing(&url));
    session
        .monitor()
        .expose(Exposure::UNTRUSTED, "fetched `example.com`")
        .unwrap();
    let error = push(&session, "main", None).unwrap_err();
    assert!(
        matches!(
            error,
            Error::ApprovalRequired {
                operation: "git_push",
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(host(&bare, &["for-each-ref"]), "");
}

#[test]
fn a_credential_travels_in_one_header_and_is_in_no_text() {
    const TOKEN: &str = "tok_0123456789abcdef";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let head: Vec<String> = BufReader::new(&stream)
            .lines()
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty())
            .collect();
        let body = format!("denied for {TOKEN}");
        write!(stream, "HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).unwrap();
        head
    });
    let dir = with_commit();
    let url = format!("http://127.0.0.1:{port}/owner/name.git");
    let session = session(&dir, &listing(&url));
    let headers = vec![(
        format!("http://127.0.0.1:{port}/"),
        format!("Authorization: Bearer {TOKEN}"),
    )];
    let options = PushOptions {
        headers,
        ..PushOptions::default()
    };
    let request = PushRequest {
        repository: RelPath::root(),
        branch: "main".to_owned(),
        url: None,
    };
    let error = session
        .git()
        .with_push_options(options.clone())
        .push(&request)
        .unwrap_err();
    let head = server.join().unwrap();
    assert_eq!(
        head[0],
        "GET /owner/name.git/info/refs?service=git-receive-pack HTTP/1.1"
    );
    assert!(
        head.contains(&format!("Authorization: Bearer {TOKEN}")),
        "{head:?}"
    );
    assert!(
        !format!("{error} {error:?} {options:?}").contains(TOKEN),
        "{error}"
    );
    assert!(!session.log_text().contains(TOKEN));
}

#[test]
fn a_host_without_git_is_a_clear_error() {
    let dir = with_commit();
    let (_, url) = remote(&dir, "remote.git");
    let session = session(&dir, &listing(&url));
    let options = PushOptions {
        program: "/nonexistent/git".into(),
        ..PushOptions::default()
    };
    let request = PushRequest {
        repository: RelPath::root(),
        branch: "main".to_owned(),
        url: None,
    };
    let error = session
        .git()
        .with_push_options(options)
        .push(&request)
        .unwrap_err()
        .to_string();
    assert!(error.contains("is it installed?"), "{error}");
}

#[test]
fn what_was_committed_while_untrusted_needs_approval_in_a_later_session_too() {
    let dir = with_commit();
    let (bare, url) = remote(&dir, "remote.git");
    let first = session(&dir, &listing(&url));
    first
        .monitor()
        .expose(Exposure::UNTRUSTED, "fetched `example.com`")
        .unwrap();
    first.write("readme.txt", "second\n");
    commit(&first, "second", &["readme.txt"]).unwrap();
    first.end();
    let later = session(&dir, &listing(&url));
    let before = later.monitor().exposure();
    let error = push(&later, "main", None).unwrap_err();
    assert!(
        matches!(
            error,
            Error::ApprovalRequired {
                operation: "git_push",
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(later.monitor().exposure(), before);
    assert_eq!(host(&bare, &["for-each-ref"]), "");
}

/// Commits these files as the user does, past every judgement.
fn commit_by_hand(ws: &std::path::Path, files: &[(&str, &str)]) -> String {
    for (path, text) in files {
        let path = ws.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    host(ws, &["add", "--all"]);
    host(ws, &["commit", "--quiet", "-m", "by hand"]);
    head(ws)
}

fn assert_needs_approval(error: &Error) {
    let Error::ApprovalRequired { operation, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(*operation, "git_push");
    let text = error.to_string();
    assert!(text.contains("run or obey"), "{text}");
}

#[test]
fn a_push_whose_commits_hold_a_workflow_needs_approval_and_one_beside_it_does_not() {
    let dir = with_commit();
    let (bare, url) = remote(&dir, "remote.git");
    let session = session(&dir, &listing(&url));
    let ws = session.ws("");
    push(&session, "main", None).unwrap();
    let before = head(&ws);
    commit_by_hand(&ws, &[(".github/workflows/x.yml", "on: push\n")]);
    // That a later commit takes it away again does not take it out of what is pushed.
    std::fs::remove_file(ws.join(".github/workflows/x.yml")).unwrap();
    commit_by_hand(&ws, &[("a.txt", "a\n")]);
    assert_needs_approval(&push(&session, "main", None).unwrap_err());
    assert_eq!(host(&bare, &["rev-parse", "main"]), before);
    host(&ws, &["reset", "--quiet", "--hard", &before]);
    let plain = commit_by_hand(&ws, &[("a.txt", "a\n")]);
    push(&session, "main", None).unwrap();
    assert_eq!(host(&bare, &["rev-parse", "main"]), plain);
    assert!(session.log_text().contains(".github/workflows/x.yml"));
    session.end();
}

#[test]
fn a_push_whose_commits_hold_a_blocked_file_is_denied_and_one_beside_it_is_not() {
    let dir = with_commit();
    let (bare, url) = remote(&dir, "remote.git");
    let session = session(&dir, &listing(&url));
    let ws = session.ws("");
    let before = head(&ws);
    commit_by_hand(&ws, &[("deep/.env", "KEY=1\n")]);
    let error = push(&session, "main", None).unwrap_err();
    assert!(
        matches!(
            error,
            Error::PolicyDenied {
                operation: "git_push",
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(host(&bare, &["for-each-ref"]), "");
    host(&ws, &["reset", "--quiet", "--hard", &before]);
    commit_by_hand(&ws, &[("deep/env.txt", "no key\n")]);
    push(&session, "main", None).unwrap();
}

#[test]
fn a_new_branch_is_judged_by_what_the_remote_does_not_have() {
    let dir = with_commit();
    let (bare, url) = remote(&dir, "remote.git");
    let ws = dir.path().join("ws");
    commit_by_hand(&ws, &[(".github/workflows/ci.yml", "on: push\n")]);
    host(&ws, &["remote", "add", "origin", &url]);
    host(&ws, &["push", "--quiet", "origin", "main"]);
    host(&ws, &["checkout", "--quiet", "-b", "topic/x"]);
    let plain = commit_by_hand(&ws, &[("a.txt", "a\n")]);
    let session = session(&dir, &listing(&url));
    push(&session, "topic/x", None).unwrap();
    assert_eq!(host(&bare, &["rev-parse", "topic/x"]), plain);
    host(&ws, &["checkout", "--quiet", "-b", "topic/y"]);
    commit_by_hand(&ws, &[(".github/workflows/ci.yml", "on: [push]\n")]);
    assert_needs_approval(&push(&session, "topic/y", None).unwrap_err());
    // A merge counts with what it has from neither side.
    host(&ws, &["checkout", "--quiet", "-b", "topic/z", "topic/x"]);
    host(
        &ws,
        &["merge", "--quiet", "--no-ff", "--no-commit", "main~1"],
    );
    host(&ws, &["checkout", "--quiet", "-b", "side", "main"]);
    commit_by_hand(&ws, &[("side.txt", "side\n")]);
    host(&ws, &["checkout", "--quiet", "topic/z"]);
    host(&ws, &["merge", "--quiet", "--no-ff", "--no-commit", "side"]);
    commit_by_hand(&ws, &[(".envrc", "touch owned\n")]);
    assert_eq!(host(&ws, &["rev-list", "--count", "--merges", "HEAD"]), "1");
    assert_needs_approval(&push(&session, "topic/z", None).unwrap_err());
}

#[test]
fn a_push_with_a_link_to_activation_is_refused_and_another_link_is_not() {
    let dir = with_commit();
    let (bare, url) = remote(&dir, "remote.git");
    let session = session(&dir, &listing(&url));
    let ws = session.ws("");
    let before = head(&ws);
    std::os::unix::fs::symlink("docs", ws.join(".github")).unwrap();
    commit_by_hand(&ws, &[("docs/workflows/x.txt", "x\n")]);
    let error = push(&session, "main", None).unwrap_err().to_string();
    assert!(error.contains("the link `.github`"), "{error}");
    assert_eq!(host(&bare, &["for-each-ref"]), "");
    host(&ws, &["reset", "--quiet", "--hard", &before]);
    std::os::unix::fs::symlink("docs", ws.join("latest")).unwrap();
    commit_by_hand(&ws, &[("docs/x.txt", "x\n")]);
    push(&session, "main", None).unwrap();
}

#[test]
fn a_refused_push_leaves_no_object_with_the_monitor() {
    let dir = with_commit();
    let (_, url) = remote(&dir, "remote.git");
    let session = session(&dir, &listing(&url));
    let ws = session.ws("");
    commit_by_hand(&ws, &[("deep/.env", "KEY=1\n")]);
    push(&session, "main", None).unwrap_err();
    let state = session.state.make_workspace(&ws).unwrap();
    let left = |dir: &std::path::Path| {
        let files = super::repository::snapshot(dir);
        files
            .iter()
            .filter(|(path, _)| path.extension().is_some_and(|suffix| suffix == "pack"))
            .count()
    };
    assert_eq!(left(&state.join("push.git")), 0);
    host(&ws, &["reset", "--quiet", "--hard", "HEAD~1"]);
    push(&session, "main", None).unwrap();
    assert_eq!(left(&state.join("push.git")), 1, "the allow twin");
}
