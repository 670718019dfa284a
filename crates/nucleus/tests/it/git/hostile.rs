//! Repositories whose configuration, hooks, attributes and modules run programs: none of it runs on the host.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nucleus::Error;
use nucleus::git::{DiffRequest, LogRequest, PushRequest};
use portcullis::path::RelPath;

use super::repository::{
    command, commit, head, host, policy, remote, session, snapshot, with_commit,
};
use crate::session::Session;

/// A program that says it ran: in the workspace, and at a place of the host.
fn trap(dir: &Path, marker: &Path) -> PathBuf {
    let file = dir.join("trap.sh");
    let text = format!(
        "#!/bin/sh\ntouch '{}'\ntouch \"$PWD/trapped\"\ncat 2>/dev/null || true\n",
        marker.display()
    );
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
    file
}

/// Settings that make git run the trap, less filters.
fn set_traps(ws: &Path, trap: &Path) {
    let trap = trap.to_str().unwrap();
    for (key, value) in [
        ("core.fsmonitor", trap),
        ("core.pager", trap),
        ("core.editor", trap),
        ("core.sshCommand", trap),
        ("core.askPass", trap),
        ("core.alternateRefsCommand", trap),
        ("core.gitProxy", trap),
        ("sequence.editor", trap),
        ("gpg.program", trap),
        ("gpg.ssh.program", trap),
        ("commit.gpgSign", "true"),
        ("log.showSignature", "true"),
        ("diff.external", trap),
        ("diff.x.textconv", trap),
        ("diff.x.command", trap),
        ("pager.status", trap),
        ("pager.log", trap),
        ("credential.helper", trap),
        ("alias.status", "!false"),
        ("alias.commit", "!false"),
        ("protocol.ext.allow", "always"),
        ("url.ext::sh -c touch% x.insteadOf", "file://"),
        ("remote.origin.url", "ext::sh -c touch% x"),
        ("uploadpack.packObjectsHook", trap),
        ("merge.x.driver", trap),
        ("interactive.diffFilter", trap),
        ("include.path", "more.settings"),
    ] {
        host(ws, &["config", key, value]);
    }
    let more =
        format!("[core]\n\tfsmonitor = {trap}\n\thooksPath = hooks\n[diff]\n\texternal = {trap}\n");
    std::fs::write(ws.join(".git/more.settings"), more).unwrap();
    for hook in [
        "pre-commit",
        "prepare-commit-msg",
        "commit-msg",
        "post-commit",
        "reference-transaction",
        "post-index-change",
        "pre-push",
        "post-checkout",
        "fsmonitor-watchman",
    ] {
        std::fs::copy(trap, ws.join(".git/hooks").join(hook)).unwrap();
    }
    std::fs::write(ws.join(".gitattributes"), "*.txt diff=x\n").unwrap();
    let module =
        "[submodule \"m\"]\n\tpath = -x\n\turl = ext::sh -c touch% x\n\tupdate = !touch x\n";
    std::fs::write(ws.join(".gitmodules"), module).unwrap();
}

#[test]
fn nothing_that_the_repository_names_runs_for_any_tool() {
    let dir = with_commit();
    let marker = dir.path().join("marker");
    let ws = dir.path().join("ws");
    let (bare, url) = remote(&dir, "remote.git");
    let first = head(&ws);
    let trap = trap(&ws.join(".git"), &marker);
    set_traps(&ws, &trap);
    // The traps are live: git as the user runs it falls into them.
    command(&ws, &["status"]).output().unwrap();
    assert!(marker.exists());
    std::fs::remove_file(&marker).unwrap();
    let _ = std::fs::remove_file(ws.join("trapped"));
    let session = session(
        &dir,
        &policy(&format!("[{{ url = \"{url}\", refs = [\"*\"] }}]")),
    );
    session.write("readme.txt", "second\n");
    let git = session.git();
    git.push(&PushRequest {
        repository: RelPath::root(),
        branch: "main".to_owned(),
        url: Some(url),
    })
    .unwrap();
    assert_eq!(host(&bare, &["rev-parse", "main"]), first);
    git.status(&RelPath::root()).unwrap();
    let diff = git.diff(&DiffRequest::default()).unwrap();
    assert!(diff.text.contains("-first\n+second\n"), "{}", diff.text);
    git.log(&LogRequest::default()).unwrap();
    let committed = commit(&session, "second", &["readme.txt"]).unwrap();
    assert!(!marker.exists());
    assert!(session.on_disk("trapped").is_none());
    let tip = std::fs::read_to_string(session.ws(".git/refs/heads/main")).unwrap();
    assert_eq!(tip.trim(), committed.id);
}

/// Makes every added file pass a program of the repository.
fn set_filter(session: &Session, script: &str) {
    session.write("filter.sh", script);
    let ws = session.ws("");
    std::fs::set_permissions(ws.join("filter.sh"), PermissionsExt::from_mode(0o755)).unwrap();
    host(&ws, &["config", "filter.x.clean", "sh ./filter.sh"]);
    std::fs::write(ws.join(".git/info/attributes"), "*.data filter=x\n").unwrap();
}

#[test]
fn a_filter_sees_only_the_jail_and_changes_only_its_file() {
    let dir = with_commit();
    let marker = dir.path().join("marker");
    let session = session(&dir, &policy("[]"));
    set_filter(
        &session,
        &format!("touch '{}' 2>/dev/null; tr a-z A-Z", marker.display()),
    );
    session.write("x.data", "text\n");
    commit(&session, "filtered", &["x.data"]).unwrap();
    assert_eq!(
        host(&session.ws(""), &["cat-file", "-p", "HEAD:x.data"]),
        "TEXT"
    );
    assert!(!marker.exists());
}

#[test]
fn a_filter_that_changes_more_than_the_commit_lands_nothing() {
    for (name, script) in [
        (
            "configuration",
            "git config alias.status '!touch owned'; cat",
        ),
        (
            "hook",
            "printf '#!/bin/sh\\n' > .git/hooks/post-checkout; cat",
        ),
        (
            "alternates",
            "mkdir -p .git/objects/info; echo /tmp > .git/objects/info/alternates; cat",
        ),
        (
            "another branch",
            "cp .git/refs/heads/main .git/refs/heads/other; cat",
        ),
        (
            "the head",
            "printf 'ref: refs/heads/other\\n' > .git/HEAD; cat",
        ),
        ("a file of the tree", "echo x > planted.txt; cat"),
        (
            "an object",
            "for f in .git/objects/??/*; do chmod u+w $f; echo x > $f; break; done; cat",
        ),
    ] {
        let dir = with_commit();
        let session = session(&dir, &policy("[]"));
        set_filter(&session, script);
        session.write("x.data", "text\n");
        let before = snapshot(&session.ws(""));
        let error = commit(&session, "filtered", &["x.data"]).unwrap_err();
        assert!(matches!(error, Error::Invalid(_)), "{name}: {error}");
        assert_eq!(snapshot(&session.ws("")), before, "{name}");
        let staged = session.sandbox.view().staged().unwrap();
        assert_eq!(staged.len(), 0, "{name}");
    }
}

#[test]
fn what_a_command_plants_in_the_repository_waits_and_the_users_git_runs_nothing() {
    let dir = with_commit();
    let session = session(&dir, &policy("[]"));
    let plant = "git config core.fsmonitor './trap.sh'; printf '#!/bin/sh\\ntouch owned\\n' > trap.sh; chmod +x trap.sh; \
        cp trap.sh .git/hooks/pre-commit; cp trap.sh .git/hooks/post-commit; echo '* filter=x' > .gitattributes; echo new > readme.txt";
    let output = session.sh(plant);
    let staged: Vec<&str> = output
        .staged
        .iter()
        .map(|change| change.path.as_str())
        .collect();
    for path in [
        ".git/config",
        ".git/hooks/pre-commit",
        ".git/hooks/post-commit",
        ".gitattributes",
    ] {
        assert!(staged.contains(&path), "{path}: {staged:?}");
    }
    let committed = commit(&session, "benign", &["readme.txt"]).unwrap();
    let ws = session.ws("");
    host(&ws, &["status"]);
    host(&ws, &["diff"]);
    assert_eq!(head(&ws), committed.id);
    std::fs::write(ws.join("mine.txt"), "mine\n").unwrap();
    host(&ws, &["add", "mine.txt"]);
    host(&ws, &["commit", "--quiet", "-m", "mine"]);
    assert!(session.on_disk("owned").is_none());
    host(&ws, &["fsck", "--strict"]);
}

#[test]
fn a_filter_that_replaces_an_object_lands_nothing() {
    let dir = with_commit();
    let ws = dir.path().join("ws");
    std::fs::write(ws.join("dangling"), "dangling\n").unwrap();
    let id = host(&ws, &["hash-object", "-w", "dangling"]);
    let session = session(&dir, &policy("[]"));
    let object = format!(".git/objects/{}/{}", &id[..2], &id[2..]);
    set_filter(&session, &format!("rm -f {object}; echo x > {object}; cat"));
    session.write("x.data", "text\n");
    let before = snapshot(&session.ws(""));
    let error = commit(&session, "filtered", &["x.data"])
        .unwrap_err()
        .to_string();
    assert!(error.contains("no part of a commit"), "{error}");
    assert_eq!(snapshot(&session.ws("")), before);
}

#[test]
fn settings_that_wait_for_the_user_are_obeyed_by_no_git_of_the_session() {
    let dir = with_commit();
    let session = session(&dir, &policy("[]"));
    let plant = "git config filter.x.clean 'tr a-z A-Z'; echo '*.data filter=x' > .gitattributes; \
        mkdir -p .git/info; echo '*.data filter=x' > .git/info/attributes; echo text > x.data";
    let output = session.sh(plant);
    for path in [".git/config", ".gitattributes", ".git/info/attributes"] {
        assert!(
            output.staged.iter().any(|change| change.path == path),
            "{path}: {output:?}"
        );
    }
    commit(&session, "plain", &["x.data"]).unwrap();
    let ws = session.ws("");
    assert_eq!(host(&ws, &["cat-file", "-p", "HEAD:x.data"]), "text");
    // The allow twin: the user's own settings, in the jail.
    host(&ws, &["config", "filter.x.clean", "tr a-z A-Z"]);
    std::fs::write(ws.join(".git/info/attributes"), "*.data filter=x\n").unwrap();
    session.write("x.data", "other\n");
    commit(&session, "filtered", &["x.data"]).unwrap();
    assert_eq!(host(&ws, &["cat-file", "-p", "HEAD:x.data"]), "OTHER");
}
