//! Judges what a command did to the references of a repository as the commit that it amounts to.
//!
//! The new commits are read in a jail, known by what they hold in a repository
//! of the monitor's own, and their files are judged as those of any commit.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use portcullis::path::RelPath;
use portcullis::request::{Content, Subject};
use portcullis::{Level, Operation, Reason, Reasons};

use super::Git;
use super::changed::{Changed, Range};
use super::host::PushOptions;
use super::incoming::Incoming;
use super::jail::{GitRun, Look};
use super::refs::{Move, Refs, Target};
use crate::error::Error;
use crate::executor::Executor;
use crate::monitor::{Need, Purpose, RefusedKind, Terms, Ticket};
use crate::workspace::Change;

/// Most branches that one command moves.
const MAX_BRANCHES: usize = 64;
/// The largest pack of commits and directories: what the monitor holds in memory at most.
const MAX_PACK_BYTES: u64 = 512 << 20;
/// Packs the new commits, their directories and those that they are compared with; no file.
///
/// It runs over the objects alone: no setting of the repository counts. Arguments are the format of the ids, the new
/// commits, and those that are compared; standard input names what is known, each with `^` before it.
const SCRIPT: &str = r#"unset GIT_DIR GIT_WORK_TREE
git -c init.defaultBranch=x init --bare --quiet --object-format="$1" /tmp/g || exit
rm -r /tmp/g/objects && ln -s "$PWD/.git/objects" /tmp/g/objects || exit
if [ -f .git/shallow ]; then cp .git/shallow /tmp/g/ || exit; fi
cd /tmp/g && cat >known || exit
: >edge; : >list
if [ -n "$2" ]; then
  git rev-list --objects --filter=blob:none --ignore-missing --stdin $2 <known >>list || exit
  git rev-list --boundary --ignore-missing --stdin $2 <known >new || exit
  sed -n 's/^-//p' new >edge
fi
if [ -n "$3" ] || [ -s edge ]; then
  git rev-list --objects --no-walk --filter=blob:none --stdin $3 <edge >>list || exit
fi
sed 's/^^//' known | git rev-list --max-count=20000 --ignore-missing --stdin >>list || exit
git pack-objects --stdout --quiet --window=0 <list"#;

/// What becomes of the changes of references.
#[derive(Debug)]
pub(crate) enum Ruling {
    /// No reference moved.
    Free,
    /// They may land; each ticket waits for how that went.
    Permitted(Vec<Ticket>),
    /// They need an approval for these reasons.
    Asks(Reasons),
    /// They stay out of the tree.
    Refused(String),
}

impl Executor {
    /// Judges the moves of references among the changes of one repository, which has its objects already.
    ///
    /// FAIL-CLOSED: what cannot be read is refused.
    pub(crate) fn judge_references(&self, repository: &RelPath, changes: &[Change]) -> Ruling {
        let judged = Moved::of(self, repository, changes).and_then(|moved| match moved {
            None => Ok(Ruling::Free),
            Some(moved) => moved.judge(self),
        });
        judged.unwrap_or_else(|error| Ruling::Refused(error.to_string()))
    }
}

/// The moved references of one repository.
struct Moved<'a> {
    repository: &'a RelPath,
    was: Refs,
    after: Refs,
    moves: Vec<Move>,
}

impl<'a> Moved<'a> {
    fn of(
        executor: &Executor,
        repository: &'a RelPath,
        changes: &[Change],
    ) -> Result<Option<Self>, Error> {
        let own = repository.join(".git")?;
        let root = executor.sandbox().view().root();
        let was = Refs::read(&root.join(own.as_str()))?;
        let prefix = format!("{own}/");
        let inside = changes.iter().filter_map(|change| {
            let path = change.path.rel()?;
            Some((path.as_str().get(prefix.len()..)?, change))
        });
        let after = was.after(inside)?;
        let moves = was.moves_to(&after)?;
        Ok((!moves.is_empty()).then_some(Self {
            repository,
            was,
            after,
            moves,
        }))
    }

    /// Asks the law about each branch; the strictest answer counts for all.
    fn judge(&self, executor: &Executor) -> Result<Ruling, Error> {
        let monitor = executor.sandbox().monitor();
        let changed = if monitor.envelope().level(Operation::GitCommit) == Level::Never {
            Changed::default()
        } else {
            self.changed(executor)?
        };
        let paths = changed.in_workspace(self.repository)?;
        let mut tickets = Vec::new();
        let mut asks = Reasons::NONE;
        for (branch, text) in self.branches()? {
            let subject = Subject::Commit {
                repository: self.repository.clone(),
                branch,
                message: "moved by a command".to_owned(),
                paths: paths.clone(),
            };
            let request = monitor
                .request(Operation::GitCommit, subject)
                .content(Content::Inline(text.into_bytes().into()))
                .build();
            let terms = Terms {
                need: Need::Buffered,
                purpose: Purpose::References,
                ..Terms::default()
            };
            match monitor.admit_on(&request, &terms) {
                Ok(admitted) => tickets.push(admitted.ticket),
                Err(refused) if refused.kind() == RefusedKind::ApprovalRequired => {
                    asks = asks.union(refused.reasons());
                }
                Err(refused) => {
                    fail_all(tickets)?;
                    return Ok(Ruling::Refused(refused.sentences().join("; ")));
                }
            }
        }
        // A link that would lead the host to what an agent wrote is no part of a commit that nobody approved.
        if changed.activation_link(self.repository)?.is_some() {
            asks = asks.union(Reasons::of(Reason::ActivationPath));
        }
        if asks.is_empty() {
            return Ok(Ruling::Permitted(tickets));
        }
        fail_all(tickets)?;
        Ok(Ruling::Asks(asks))
    }

    /// Each branch that moved, with what moved.
    fn branches(&self) -> Result<BTreeMap<String, String>, Error> {
        let mut branches: BTreeMap<String, String> = BTreeMap::new();
        for moved in &self.moves {
            let new = match &moved.new {
                None => "nothing",
                Some(Target::Object(to) | Target::Reference(to)) => to,
            };
            let old = moved.old.as_deref().unwrap_or("nothing");
            let text = branches.entry(branch_of(moved)).or_default();
            text.push_str(&format!("{} {old} {new}\n", moved.name));
        }
        if branches.len() > MAX_BRANCHES {
            return Err(Error::Invalid(format!(
                "more than {MAX_BRANCHES} branches moved at once\nhelp: do that by hand"
            )));
        }
        Ok(branches)
    }

    /// The files of the commits that are new, and those that differ where a branch moved.
    fn changed(&self, executor: &Executor) -> Result<Changed, Error> {
        let range = self.range();
        let Some(any) = range
            .new
            .first()
            .or(range.pairs.first().map(|pair| &pair.0))
        else {
            return Ok(Changed::default());
        };
        // Only the jail is used of it; nothing is pushed.
        let git = Git::new(executor, Path::new(""));
        let incoming = Incoming::alone(&Arc::new(PushOptions::default()), any)?;
        incoming.import_part(&git.pack_commits(self.repository, &range)?)?;
        Changed::of(&incoming, &range)
    }

    fn range(&self) -> Range {
        let mut range = Range {
            known: self.was.objects(),
            ..Range::default()
        };
        for moved in &self.moves {
            let new = match &moved.new {
                Some(Target::Object(id)) => Some(id.clone()),
                // Another branch is checked out: what it holds is not changed by that.
                Some(Target::Reference(_)) if is_head(&moved.name) => None,
                Some(Target::Reference(_)) => self.after.resolve(&moved.name),
                None => None,
            };
            let Some(new) = new else { continue };
            if let Some(old) = moved.old.clone().filter(|old| *old != new)
                && (is_head(&moved.name) || moved.name.starts_with("refs/heads/"))
            {
                range.pairs.push((old, new.clone()));
            }
            if !range.known.contains(&new) {
                range.new.push(new);
            }
        }
        range.new.sort();
        range.new.dedup();
        range
    }
}

impl Git {
    /// The commits of a range with their directories, as a pack.
    fn pack_commits(&self, repository: &RelPath, range: &Range) -> Result<Vec<u8>, Error> {
        let ids = || {
            range
                .new
                .iter()
                .chain(range.pairs.iter().map(|pair| &pair.1))
        };
        let format = if ids().any(|id| id.len() == 64) {
            "sha256"
        } else {
            "sha1"
        };
        let compared: Vec<&str> = range
            .pairs
            .iter()
            .flat_map(|(old, new)| [old.as_str(), new.as_str()])
            .collect();
        let words = [
            "sh",
            "-c",
            SCRIPT,
            "commits",
            format,
            &range.new.join(" "),
            &compared.join(" "),
        ];
        let known: String = range.known.iter().map(|id| format!("^{id}\n")).collect();
        let run = GitRun {
            repository,
            argv: words.map(str::to_owned).to_vec(),
            stdin: known.into_bytes(),
            bytes: MAX_PACK_BYTES,
        };
        let done = self.look(&run, Look::Kept)?;
        if done.is_cut {
            return Err(Error::Invalid(
                "the commits are larger than 512 MiB".to_owned(),
            ));
        }
        Ok(done.stdout)
    }
}

/// Whether the reference says what is checked out, in the repository or one of its work trees.
fn is_head(name: &str) -> bool {
    name == "HEAD" || (name.starts_with("worktrees/") && name.ends_with("/HEAD"))
}

/// The branch under which a move is judged: its own, the one checked out, or the kind of reference.
fn branch_of(moved: &Move) -> String {
    if let Some(branch) = moved.name.strip_prefix("refs/heads/") {
        return branch.to_owned();
    }
    if is_head(&moved.name) {
        let target = match &moved.new {
            Some(Target::Reference(name)) => name.strip_prefix("refs/heads/"),
            _ => None,
        };
        return target.unwrap_or("HEAD").to_owned();
    }
    let mut names = moved.name.splitn(3, '/');
    match (names.next(), names.next()) {
        (Some(first), Some(second)) => format!("{first}/{second}"),
        _ => moved.name.clone(),
    }
}

/// Ends permits of which nothing came.
fn fail_all(tickets: Vec<Ticket>) -> Result<(), Error> {
    for ticket in tickets {
        ticket.finish(
            nucleus_audit::Effect::Failed("the references did not move"),
            portcullis::Amount::ZERO,
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Move, Target, branch_of};

    #[test]
    fn a_move_is_judged_under_the_branch_that_a_policy_would_name() {
        let under = |name: &str, new: Option<Target>| {
            branch_of(&Move {
                name: name.to_owned(),
                old: None,
                new,
            })
        };
        let main = || Some(Target::Reference("refs/heads/main".to_owned()));
        assert_eq!(under("refs/heads/topic/x", None), "topic/x");
        assert_eq!(under("HEAD", main()), "main");
        assert_eq!(under("worktrees/w/HEAD", main()), "main");
        let detached = Some(Target::Object("0".repeat(40)));
        assert_eq!(under("HEAD", detached), "HEAD");
        assert_eq!(under("refs/tags/v1", None), "refs/tags");
        assert_eq!(under("refs/remotes/origin/main", None), "refs/remotes");
    }
}
