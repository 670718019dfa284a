//! The git tools.

use std::sync::Arc;

use nucleus::Error;
use nucleus::git::{CommitRequest, Compare, DiffRequest, Git, PullRequestRequest, PushRequest};
use nucleus::ports::Forge;
use portcullis::Level;
use portcullis::path::RelPath;
use serde_json::json;

use crate::arguments::{CommitArgs, CreatePrArgs, DiffArgs, PushArgs};
use crate::hands::Reply;

fn done(text: String, data: serde_json::Value) -> Reply {
    Reply {
        text,
        data,
        is_error: false,
    }
}

fn paths(given: &[String]) -> Result<Vec<RelPath>, Error> {
    given.iter().map(|path| Ok(RelPath::parse(path)?)).collect()
}

/// `git_status`
pub(super) fn status(git: &Git) -> Result<Reply, Error> {
    let status = git.status(&RelPath::root())?;
    let branch = status.branch.as_deref().unwrap_or("(no branch)");
    let mut text = format!("on branch {branch}\n");
    for entry in &status.entries {
        text.push_str(&format!("{}{} {}\n", entry.index, entry.tree, entry.path));
    }
    if status.entries.is_empty() {
        text.push_str("nothing changed\n");
    }
    let entries: Vec<_> = status
        .entries
        .iter()
        .map(|entry| {
            json!({
                "index": entry.index.to_string(), "tree": entry.tree.to_string(),
                "path": entry.path, "from": entry.from,
            })
        })
        .collect();
    let data = json!({ "branch": status.branch, "entries": entries, "is_cut": status.is_cut });
    Ok(done(text, data))
}

/// `git_diff`
pub(super) fn diff(git: &Git, args: &DiffArgs) -> Result<Reply, Error> {
    let compare = if args.cached == Some(true) {
        Compare::Index
    } else {
        Compare::Tree
    };
    let found = git.diff(&DiffRequest {
        repository: RelPath::root(),
        compare,
        paths: paths(args.path.as_slice())?,
    })?;
    let text = if found.text.is_empty() {
        "no difference".to_owned()
    } else {
        found.text
    };
    Ok(done(text, json!({ "is_cut": found.is_cut })))
}

/// `git_commit`
pub(super) fn commit(git: &Git, args: &CommitArgs) -> Result<Reply, Error> {
    let root = RelPath::root();
    let changed = match &args.paths {
        Some(given) => paths(given)?,
        None => paths(
            &git.status(&root)?
                .entries
                .into_iter()
                .map(|entry| entry.path)
                .collect::<Vec<_>>(),
        )?,
    };
    let made = git.commit(&CommitRequest {
        repository: root,
        message: args.message.clone(),
        paths: changed,
    })?;
    let text = format!(
        "committed {} on {} ({} files)",
        made.id,
        made.branch,
        made.paths.len()
    );
    Ok(done(
        text,
        json!({ "id": made.id, "branch": made.branch, "paths": made.paths }),
    ))
}

/// The branch named, or the current one.
fn branch(git: &Git, named: Option<&String>) -> Result<String, Error> {
    match named {
        Some(branch) => Ok(branch.clone()),
        None => git
            .status(&RelPath::root())?
            .branch
            .ok_or_else(|| Error::Malformed("the repository is on no branch; name one".to_owned())),
    }
}

/// The branch named, or the current one; of what the policy never grants, without a look at the repository.
fn branch_for(git: &Git, named: Option<&String>, level: Level) -> Result<String, Error> {
    let unseen = "HEAD".to_owned();
    branch(git, named.or((level == Level::Never).then_some(&unseen)))
}

/// `git_push`
pub(super) fn push(git: &Git, args: &PushArgs, level: Level) -> Result<Reply, Error> {
    let pushed = git.push(&PushRequest {
        repository: RelPath::root(),
        branch: branch_for(git, args.branch.as_ref(), level)?,
        url: args.url.clone(),
    })?;
    let text = format!(
        "pushed {} to {} of {}",
        pushed.new, pushed.reference, pushed.url
    );
    let data = json!({
        "url": pushed.url, "reference": pushed.reference, "old": pushed.old, "new": pushed.new,
    });
    Ok(done(text, data))
}

/// `create_pr`
pub(super) fn create_pr(
    git: &Git,
    forge: Option<&Arc<dyn Forge>>,
    args: &CreatePrArgs,
    level: Level,
) -> Result<Reply, Error> {
    let url = git.create_pr(
        forge.map(|forge| &**forge),
        &PullRequestRequest {
            url: args.url.clone(),
            base: args.base.clone().unwrap_or_else(|| "main".to_owned()),
            head: branch_for(git, args.head.as_ref(), level)?,
            title: args.title.clone(),
            text: args.body.clone().unwrap_or_default(),
        },
    )?;
    Ok(done(format!("opened {url}"), json!({ "url": url })))
}
