//! What a command leaves in a repository hides nothing of what it did from the user's own git.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::repository::{empty, host, policy, session};
use crate::session::Session;

const FILES: [&str; 3] = ["assumed", "forged", "skipped"];

/// A session over a repository that tracks three files.
fn tracking() -> Session {
    let dir = empty();
    let ws = dir.path().join("ws");
    for name in FILES {
        std::fs::write(ws.join(name), "first\n").unwrap();
    }
    host(&ws, &["add", "."]);
    host(&ws, &["commit", "--quiet", "-m", "first"]);
    session(&dir, &policy("[]"))
}

/// What git on the host says changed.
fn changed(ws: &Path) -> Vec<String> {
    let said = host(ws, &["diff", "--name-only"]);
    said.lines().map(str::to_owned).collect()
}

/// The index with the times, inode and size of the file as it is now beside the id of what it was.
fn forged(ws: &Path, name: &str) -> Vec<u8> {
    let mut index = std::fs::read(ws.join(".git/index")).unwrap();
    let named = [name.as_bytes(), b"\0"].concat();
    let at = index.windows(named.len()).position(|part| part == named);
    let start = at.unwrap() - 62;
    let meta = ws.join(name).metadata().unwrap();
    let stat = [
        meta.ctime() as u32,
        meta.ctime_nsec() as u32,
        meta.mtime() as u32,
        meta.mtime_nsec() as u32,
        meta.dev() as u32,
        meta.ino() as u32,
        0o100_644,
        meta.uid(),
        meta.gid(),
        meta.size() as u32,
    ];
    let stat: Vec<u8> = stat.into_iter().flat_map(u32::to_be_bytes).collect();
    index[start..start + 40].copy_from_slice(&stat);
    index
}

#[test]
fn an_index_hides_no_difference_from_the_users_own_git() {
    let session = tracking();
    let ws = session.ws("");
    let hide = "for f in assumed forged skipped; do echo evil >> $f; done; \
        git update-index --assume-unchanged assumed; git update-index --skip-worktree skipped";
    let output = session.sh(hide);
    assert!(
        output.staged.is_empty() && output.refused.is_empty(),
        "{output:?}"
    );
    assert_eq!(changed(&ws), FILES);

    // An index that says of a changed file that it is what it was, as only another program than git writes it.
    host(&ws, &["reset", "--quiet"]);
    let file = std::fs::File::options()
        .append(true)
        .open(ws.join("forged"))
        .unwrap();
    let past = SystemTime::now() - Duration::from_secs(3600);
    file.set_modified(past).unwrap();
    let index = forged(&ws, "forged");
    std::fs::write(ws.join(".git/index"), &index).unwrap();
    assert_eq!(changed(&ws), ["assumed", "skipped"], "it would work");
    host(&ws, &["read-tree", "HEAD"]);
    assert_eq!(changed(&ws), FILES);
    let octal: String = index.iter().map(|byte| format!("\\{byte:03o}")).collect();
    let output = session.sh(&format!("printf '{octal}' > .git/index"));
    assert_eq!(output.landed.len(), 1, "{output:?}");
    assert_eq!(changed(&ws), FILES);
    host(&ws, &["fsck", "--strict"]);

    // The allow twin: what a command adds is added, and a flag of the user's own stays.
    host(&ws, &["update-index", "--assume-unchanged", "assumed"]);
    let output = session.sh("echo new > new; git add new");
    assert!(
        output.staged.is_empty() && output.refused.is_empty(),
        "{output:?}"
    );
    assert_eq!(host(&ws, &["diff", "--cached", "--name-only"]), "new");
    assert_eq!(changed(&ws), ["forged", "skipped"]);
}

/// The paths that wait for the user after a command of a session of its own.
fn waits(script: &str) -> Vec<String> {
    let output = tracking().sh(script);
    let staged = output.staged.into_iter();
    staged.map(|change| change.path).collect()
}

#[test]
fn summaries_of_objects_and_an_index_in_parts_wait_for_the_user() {
    assert_eq!(
        waits("git commit-graph write --reachable"),
        [".git/objects/info/commit-graph"]
    );
    assert!(waits("git update-index --split-index").contains(&".git/index".to_owned()));
    // The twin.
    assert!(waits("echo more > more; git add more; git status").is_empty());
}
