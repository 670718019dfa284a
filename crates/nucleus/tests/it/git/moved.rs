//! Commits and references that a command makes by itself: judged as commits, whatever made them.

use nucleus::{CommandOutput, Error};

use super::repository::{commit, head, host, policy, session, with_commit};
use crate::session::Session;

/// Git in the jail, with an author and nothing else.
const GIT: &str = "git -c user.name=a -c user.email=a@localhost";
/// Where everything of a workflow is.
const WORKFLOW: &str = ".github/workflows/x.yml";

fn run(session: &Session, script: &str) -> CommandOutput {
    session.sh(&format!("set -e; g() {{ {GIT} \"$@\"; }}; {script}"))
}

fn staged(output: &CommandOutput) -> Vec<&str> {
    let staged = output.staged.iter().map(|change| change.path.as_str());
    staged.collect()
}

fn refused(output: &CommandOutput) -> Vec<&str> {
    let refused = output.refused.iter().map(|change| change.path.as_str());
    refused.collect()
}

/// A commit object beside every branch, of a tree that holds one more file; its id is in `$c`.
fn commit_with(path: &str) -> String {
    format!(
        "export GIT_INDEX_FILE=/tmp/index; g read-tree HEAD; b=$(echo text | g hash-object -w --stdin); \
         g update-index --add --cacheinfo 100644,$b,{path}; t=$(g write-tree); \
         c=$(echo made | g commit-tree -p HEAD $t); unset GIT_INDEX_FILE; "
    )
}

#[test]
fn a_commit_of_a_command_lands_and_is_on_record_as_one() {
    let dir = with_commit();
    let session = session(&dir, &policy("[]"));
    let first = head(&session.ws(""));
    let output = run(&session, "echo a > a.txt; g add a.txt; g commit -qm a");
    assert_eq!((staged(&output), refused(&output)), (vec![], vec![]));
    let ws = session.ws("");
    assert_eq!(host(&ws, &["rev-parse", "HEAD^"]), first);
    assert_eq!(host(&ws, &["status", "--porcelain"]), "");
    host(&ws, &["fsck", "--strict"]);
    let text = session.log_text();
    assert!(text.contains("git_commit") && text.contains("a.txt"));
    assert_eq!(commits_counted(&session), Some((1, 0, 0)));
    session.end();
}

/// What the summary says of commits: permitted, asked about, denied.
fn commits_counted(session: &Session) -> Option<(u64, u64, u64)> {
    let summary = session.monitor().summary();
    let mut counts = summary.operations.iter();
    counts
        .find(|count| count.operation == "git_commit")
        .map(|count| (count.permitted, count.needs_approval, count.denied))
}

#[test]
fn references_that_wait_are_counted_and_a_command_that_moves_none_is_not() {
    let dir = with_commit();
    let session = session(&dir, &policy("[]"));
    run(&session, "echo a > a.txt; g status");
    assert_eq!(commits_counted(&session), None);
    run(
        &session,
        &format!("{}g update-ref refs/heads/main $c", commit_with(WORKFLOW)),
    );
    assert_eq!(commits_counted(&session), Some((0, 1, 0)));
    session.end();
}

#[test]
fn a_commit_of_a_command_that_holds_a_workflow_waits_however_the_branch_moves() {
    for moves in [
        "g update-ref refs/heads/main $c",
        "echo $c > .git/refs/heads/main",
        "echo $c > .git/refs/heads/other",
        "echo $c > .git/refs/remotes/origin/main || { mkdir -p .git/refs/remotes/origin; echo $c > .git/refs/remotes/origin/main; }",
        "g tag v1 $c",
        "g tag -a -m v1 v1 $c",
        "echo \"$c refs/heads/packed\" >> .git/packed-refs",
        "echo $c > .git/HEAD",
        "g reset -q --soft $c",
        "g branch topic/deep/x $c; g symbolic-ref HEAD refs/heads/topic/deep/x",
    ] {
        let dir = with_commit();
        let session = session(&dir, &policy("[]"));
        let ws = session.ws("");
        let before = (head(&ws), host(&ws, &["for-each-ref"]));
        let output = run(&session, &format!("{}{moves}", commit_with(WORKFLOW)));
        assert!(
            staged(&output).iter().any(|path| path.starts_with(".git/")),
            "{moves}: {output:?}"
        );
        assert_eq!((head(&ws), host(&ws, &["for-each-ref"])), before, "{moves}");
    }
}

#[test]
fn a_commit_beside_a_workflow_lands_however_the_branch_moves() {
    for moves in [
        "g update-ref refs/heads/main $c",
        "echo $c > .git/refs/heads/other",
        "g tag -a -m v1 v1 $c",
        "echo \"$c refs/heads/packed\" >> .git/packed-refs",
        "echo $c > .git/HEAD",
        "g branch topic/deep/x $c; g symbolic-ref HEAD refs/heads/topic/deep/x",
    ] {
        let dir = with_commit();
        let session = session(&dir, &policy("[]"));
        let ws = session.ws("");
        let output = run(&session, &format!("{}{moves}", commit_with("docs/x.txt")));
        assert_eq!(
            (staged(&output), refused(&output)),
            (vec![], vec![]),
            "{moves}"
        );
        let shown = host(&ws, &["log", "--all", "--format=%s", "HEAD"]);
        assert!(shown.contains("made"), "{moves}: {shown}");
    }
}

#[test]
fn where_no_commit_is_permitted_references_stay_and_objects_may_land() {
    let dir = with_commit();
    let never = policy("[]").replace("git_commit = \"always\"", "git_commit = \"never\"");
    let session = session(&dir, &never);
    let ws = session.ws("");
    let first = head(&ws);
    let output = run(
        &session,
        "echo a > a.txt; g add a.txt; g commit -qm a; g rev-parse HEAD",
    );
    let paths = refused(&output);
    for path in [".git/refs/heads/main", ".git/index", ".git/logs/HEAD"] {
        assert!(paths.contains(&path), "{path}: {paths:?}");
    }
    assert_eq!(head(&ws), first);
    assert_eq!(session.on_disk("a.txt").as_deref(), Some("a\n"));
    let made = String::from_utf8(output.stdout).unwrap();
    host(&ws, &["cat-file", "-e", made.trim()]);
    // What moves no reference is an ordinary write.
    let output = run(&session, "g add a.txt; g pack-refs --all");
    assert_eq!(refused(&output), [""; 0]);
    assert_eq!(host(&ws, &["status", "--porcelain"]), "A  a.txt");
}

#[test]
fn a_blocked_branch_is_not_moved_by_a_command_and_another_is() {
    let dir = with_commit();
    let session = session(&dir, &policy("[]\nblocked_branches = [\"main\"]"));
    let ws = session.ws("");
    let first = head(&ws);
    let output = run(&session, "g commit -q --allow-empty -m a");
    assert!(
        refused(&output).contains(&".git/refs/heads/main"),
        "{output:?}"
    );
    assert_eq!(head(&ws), first);
    run(
        &session,
        "g checkout -q -b topic/x; g commit -q --allow-empty -m b",
    );
    assert_eq!(host(&ws, &["log", "-1", "--format=%s", "topic/x"]), "b");
}

#[test]
fn a_commit_of_a_command_that_holds_a_blocked_name_stays_out() {
    let dir = with_commit();
    let session = session(&dir, &policy("[]"));
    let ws = session.ws("");
    let first = head(&ws);
    let script = format!(
        "{}g update-ref refs/heads/main $c",
        commit_with("deep/.env")
    );
    let output = run(&session, &script);
    assert!(
        refused(&output).contains(&".git/refs/heads/main"),
        "{output:?}"
    );
    assert_eq!(head(&ws), first);
    let script = format!(
        "{}g update-ref refs/heads/main $c",
        commit_with("deep/env.txt")
    );
    run(&session, &script);
    assert_ne!(head(&ws), first);
}

#[test]
fn objects_are_known_by_what_they_hold() {
    let dir = with_commit();
    let session = session(&dir, &policy("[]"));
    let ws = session.ws("");
    let first = head(&ws);
    // The tree with the workflow is made to read as the harmless one.
    let lie = "f() { echo .git/objects/$(echo $1 | cut -c1-2)/$(echo $1 | cut -c3-); }; \
        h=$(g rev-parse HEAD^{tree}); rm -f $(f $t); cp $(f $h) $(f $t); g update-ref refs/heads/main $c";
    let output = run(&session, &format!("{}{lie}", commit_with(WORKFLOW)));
    assert!(
        refused(&output).contains(&".git/refs/heads/main"),
        "{output:?}"
    );
    assert_eq!(head(&ws), first);
}

#[test]
fn an_object_is_never_changed_by_a_command() {
    let dir = with_commit();
    let session = session(&dir, &policy("[]"));
    let blob = host(&session.ws(""), &["rev-parse", "HEAD:readme.txt"]);
    let object = format!(".git/objects/{}/{}", &blob[..2], &blob[2..]);
    let output = session.sh(&format!("chmod u+w {object}; echo x > {object}"));
    assert_eq!(refused(&output), [object]);
    host(&session.ws(""), &["fsck", "--strict"]);
}

#[test]
fn what_a_branch_that_stays_leads_to_is_not_removed() {
    let dir = with_commit();
    let ws = dir.path().join("ws");
    std::fs::create_dir_all(ws.join(".github/workflows")).unwrap();
    std::fs::write(ws.join(WORKFLOW), "on: push\n").unwrap();
    host(&ws, &["add", "."]);
    host(&ws, &["commit", "--quiet", "-m", "workflow"]);
    let session = session(&dir, &policy("[]"));
    let before = head(&ws);
    let drop = "g reset -q --hard HEAD~1; g reflog expire --expire=now --all; g gc -q --prune=now";
    let output = run(&session, drop);
    assert!(
        staged(&output).contains(&".git/refs/heads/main"),
        "{output:?}"
    );
    assert_eq!(head(&ws), before);
    host(&ws, &["fsck", "--strict"]);
    // The allow twin: nothing that the host obeys lies between.
    host(&ws, &["commit", "--quiet", "--allow-empty", "-m", "empty"]);
    session
        .sandbox
        .view()
        .discard(
            &session
                .sandbox
                .view()
                .staged()
                .unwrap()
                .into_iter()
                .map(|staged| staged.change.path)
                .collect::<Vec<_>>(),
        )
        .unwrap();
    run(&session, drop);
    assert_eq!(head(&ws), before);
    host(&ws, &["fsck", "--strict"]);
}

#[test]
fn a_repository_below_is_judged_by_its_place_in_the_workspace() {
    let dir = with_commit();
    let sub = dir.path().join("ws/sub");
    std::fs::create_dir(&sub).unwrap();
    host(&sub, &["init", "--quiet", "--initial-branch=main"]);
    let text = policy("[]").replace(
        "[budget]",
        "[paths]\nblocked = [\"sub/secret.txt\"]\n[budget]",
    );
    let session = session(&dir, &text);
    let made = |name: &str| {
        format!(
            "cd sub; b=$(echo x | g hash-object -w --stdin); g update-index --add --cacheinfo 100644,$b,{name}; g commit -qm {name}"
        )
    };
    let output = run(&session, &made("secret.txt"));
    assert!(
        refused(&output).contains(&"sub/.git/refs/heads/main"),
        "{output:?}"
    );
    run(&session, &made("open.txt"));
    assert_eq!(
        host(&sub, &["show", "--format=", "--name-only"]),
        "open.txt"
    );
}

#[test]
fn a_link_to_activation_in_a_commit_of_a_command_waits_and_another_link_does_not() {
    let dir = with_commit();
    let session = session(&dir, &policy("[]"));
    let ws = session.ws("");
    let first = head(&ws);
    let link = |name: &str| {
        format!(
            "b=$(printf docs | g hash-object -w --stdin); g update-index --add --cacheinfo 120000,$b,{name}; g commit -qm {name}"
        )
    };
    let output = run(&session, &link(".github"));
    assert!(
        staged(&output).contains(&".git/refs/heads/main"),
        "{output:?}"
    );
    assert_eq!(head(&ws), first);
    let view = session.sandbox.view();
    let waiting = view
        .staged()
        .unwrap()
        .into_iter()
        .map(|staged| staged.change.path);
    view.discard(&waiting.collect::<Vec<_>>()).unwrap();
    run(&session, &link("latest"));
    assert_eq!(host(&ws, &["show", "--format=", "--name-only"]), "latest");
}

#[test]
fn what_waits_is_not_what_a_push_or_a_commit_sees() {
    let dir = with_commit();
    let session = session(&dir, &policy("[]"));
    let ws = session.ws("");
    let first = head(&ws);
    let script = format!("{}g update-ref refs/heads/main $c", commit_with(WORKFLOW));
    run(&session, &script);
    session.write("a.txt", "a\n");
    let made = commit(&session, "a", &["a.txt"]);
    let made = made.unwrap_or_else(|error: Error| panic!("{error}"));
    assert_eq!(host(&ws, &["rev-parse", &format!("{}^", made.id)]), first);
}
