//! Pushes one branch: judged with old and new object ids and the files of its commits, from the monitor's own
//! repository, to a URL of the policy.

use nucleus_audit::{Effect, Recorded};
use portcullis::activation::is_activation;
use portcullis::decide::Permit;
use portcullis::path::RelPath;
use portcullis::request::{Request, Subject};
use portcullis::{Amount, Exposure, GitPattern, Level, Operation};

use super::Git;
use super::changed::{Changed, Range};
use super::incoming::Incoming;
use super::names::check_branch;
use crate::error::Error;
use crate::monitor::{Need, Terms, cut};
use crate::workspace::WorkspaceError;

/// What one push costs, in micro-USD.
const PUSH_MICRO_USD: u64 = 100;
/// Up to so many files are all named in the request; of more, those that the policy speaks of by their names.
const MAX_NAMED: usize = 4096;

/// A branch to push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushRequest {
    /// Where the repository is in the workspace.
    pub repository: RelPath,
    /// The branch; it has the same name at the remote.
    pub branch: String,
    /// The remote; the policy's only one when none is given.
    pub url: Option<String>,
}

/// A push that the remote accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The remote.
    pub url: String,
    /// The reference there.
    pub reference: String,
    /// What it was; `None` for a new one.
    pub old: Option<String>,
    /// What it is now.
    pub new: String,
}

impl Git {
    /// Pushes a branch, without force: the remote must hold what was judged, and lose nothing.
    ///
    /// # Errors
    /// A refusal, and [`Error::Invalid`] when the objects are not whole or the remote refuses.
    pub fn push(&self, request: &PushRequest) -> Result<Pushed, Error> {
        self.check_granted(Operation::GitPush, || Subject::Push {
            url: request.url.clone().unwrap_or_default(),
            reference: format!("refs/heads/{}", request.branch),
            old: String::new(),
            new: String::new(),
            paths: Vec::new(),
        })?;
        check_branch(&request.branch)?;
        let url = self.remote_url(request.url.as_deref())?;
        let reference = format!("refs/heads/{}", request.branch);
        let (new, labels) = self.branch_commit(&request.repository, &request.branch)?;
        self.open_bare()?;
        let old = self.old_commit(request, &url, &reference)?;
        let pushed = Pushed {
            url,
            reference,
            old,
            new,
        };
        let imported = self.import(&request.repository, &pushed)?;
        let paths = self.judged_files(&imported.changed.in_workspace(&request.repository)?);
        let asked = self.push_request(&pushed, paths, labels);
        let cost = Amount::of_micro_usd(PUSH_MICRO_USD);
        let terms = Terms {
            cost,
            need: Need::Durable,
            ..Terms::default()
        };
        let monitor = self.executor.sandbox().monitor();
        let admitted = monitor.admit_on(&asked, &terms)?;
        let effect = self.push_effect(admitted.permit, (&asked, request), &pushed, &imported);
        let why = effect.as_ref().err().map(ToString::to_string);
        admitted
            .ticket
            .finish(why.as_deref().map_or(Effect::Done, Effect::Failed), cost)?;
        effect.map(|()| pushed)
    }

    /// Refuses, on record, what the policy never grants, before anything is looked at for it.
    pub(super) fn check_granted(
        &self,
        operation: Operation,
        subject: impl FnOnce() -> Subject,
    ) -> Result<(), Error> {
        let monitor = self.executor.sandbox().monitor();
        if monitor.envelope().level(operation) != Level::Never {
            return Ok(());
        }
        let asked = monitor.request(operation, subject()).build();
        // FAIL-CLOSED: a permit for it would be an error of the law, and is not used.
        drop(monitor.admit_on(&asked, &Terms::default())?);
        Err(Error::Invalid("the policy never grants it".to_owned()))
    }

    /// What the remote's branch is believed to be: the later of what was pushed from here and what was seen of it.
    fn old_commit(
        &self,
        request: &PushRequest,
        url: &str,
        reference: &str,
    ) -> Result<Option<String>, Error> {
        let pushed = self.last_pushed(url, reference)?;
        let seen = self.tracked_commit(&request.repository, &request.branch)?;
        Ok(match (pushed, seen) {
            (Some(pushed), Some(seen)) if self.is_ancestor(&seen, &pushed)? => Some(pushed),
            (pushed, seen) => seen.or(pushed),
        })
    }

    fn push_request(&self, pushed: &Pushed, paths: Vec<RelPath>, labels: Exposure) -> Request {
        let none = || "0".repeat(pushed.new.len());
        let subject = Subject::Push {
            url: pushed.url.clone(),
            reference: pushed.reference.clone(),
            old: pushed.old.clone().unwrap_or_else(none),
            new: pushed.new.clone(),
            paths,
        };
        let monitor = self.executor.sandbox().monitor();
        monitor
            .request(Operation::GitPush, subject)
            .carrying(labels)
            .build()
    }

    /// Imports the commits, with checks, and lists the files that they change.
    ///
    /// A push that the policy never permits brings nothing in.
    fn import(&self, repository: &RelPath, pushed: &Pushed) -> Result<Imported, Error> {
        let envelope = self.executor.sandbox().monitor().envelope();
        if envelope.level(Operation::GitPush) == Level::Never {
            return Ok(Imported::default());
        }
        let incoming = Incoming::beside(&self.push, &self.bare)?;
        let known = match &pushed.old {
            Some(old) if self.bare_has(old)? => Some(old.as_str()),
            _ => None,
        };
        let pack = incoming.import(&self.pack(repository, &pushed.new, known)?)?;
        if !incoming.has(&pushed.new)? {
            return Err(Error::Invalid(
                "the pack does not hold the commit to push".to_owned(),
            ));
        }
        let range = self.pushed_range(repository, pushed, &incoming)?;
        let changed = Changed::of(&incoming, &range)?;
        Ok(Imported {
            changed,
            objects: Some((incoming, pack)),
        })
    }

    /// The commits that the remote does not have: past its branch, or for a new one past all that is known to be there.
    fn pushed_range(
        &self,
        repository: &RelPath,
        pushed: &Pushed,
        incoming: &Incoming,
    ) -> Result<Range, Error> {
        let new = vec![pushed.new.clone()];
        if let Some(old) = &pushed.old {
            let is_there = incoming.has(old)?;
            let pairs = is_there.then(|| (old.clone(), pushed.new.clone()));
            return Ok(Range {
                new,
                known: vec![old.clone()],
                pairs: pairs.into_iter().collect(),
            });
        }
        let mut known = self.all_pushed(&pushed.url)?;
        let tracked = self.tracked_commits(repository)?;
        if !tracked.is_empty() {
            incoming.import_part(&self.pack_history(repository, &tracked)?)?;
        }
        known.extend(tracked);
        Ok(Range {
            new,
            known,
            pairs: Vec::new(),
        })
    }

    /// The files that the request names.
    fn judged_files(&self, files: &[RelPath]) -> Vec<RelPath> {
        if files.len() <= MAX_NAMED {
            return files.to_vec();
        }
        let envelope = self.executor.sandbox().monitor().envelope();
        let blocked = envelope.paths().blocked();
        let is_blocked = |path: &RelPath| blocked.any(|pattern| pattern.matches_folded(path));
        let named = files
            .iter()
            .filter(|path| is_activation(path).is_some() || is_blocked(path));
        named.cloned().collect()
    }

    /// Pushes what the permit is for.
    fn push_effect(
        &self,
        permit: Recorded<Permit>,
        (asked, request): (&Request, &PushRequest),
        pushed: &Pushed,
        imported: &Imported,
    ) -> Result<(), Error> {
        if !permit.get().covers(asked) {
            return Err(WorkspaceError::NotCovered("the push".to_owned()).into());
        }
        self.check_remote(&pushed.url)?;
        let is_approved = !permit.get().discharged().is_empty();
        let link = imported.changed.activation_link(&request.repository)?;
        if let Some(link) = link.filter(|_| !is_approved) {
            return Err(Error::Invalid(format!(
                "the push would hold the link `{link}`, through which others would run or obey other files\n                 help: push without it; the user can push it by hand"
            )));
        }
        let Some((incoming, pack)) = &imported.objects else {
            return Err(Error::Invalid("nothing was imported to push".to_owned()));
        };
        incoming.keep(pack)?;
        if let Some(old) = &pushed.old {
            self.check_follows(old, &pushed.new)?;
        }
        self.send(pushed)?;
        self.keep_pushed(&pushed.url, &pushed.reference, &pushed.new)
    }

    /// The remote takes it only where it holds exactly the old commit.
    fn send(&self, pushed: &Pushed) -> Result<(), Error> {
        let lease = format!(
            "--force-with-lease={}:{}",
            pushed.reference,
            pushed.old.as_deref().unwrap_or("")
        );
        let refspec = format!("{}:{}", pushed.new, pushed.reference);
        let words = [
            "push",
            "--porcelain",
            "--no-verify",
            "--no-signed",
            &lease,
            "--",
            &pushed.url,
            &refspec,
        ];
        self.bare_git(&words, b"")?
            .checked(&format!("pushing to `{}`", cut(&pushed.url)))
            .map(drop)
    }

    /// The URL asked for, or the policy's only one.
    pub(super) fn remote_url(&self, asked: Option<&str>) -> Result<String, Error> {
        let url = match asked {
            Some(url) => url.to_owned(),
            None => self.only_remote()?,
        };
        if is_remote(&url) {
            return Ok(url);
        }
        Err(Error::Malformed(format!(
            "`{}` is no remote URL: write https, ssh or file",
            cut(&url)
        )))
    }

    /// The exact URLs of remotes that the policy lists.
    fn listed_remotes(&self) -> Vec<String> {
        let envelope = self.executor.sandbox().monitor().envelope();
        let patterns = envelope.git().listed().iter();
        patterns
            .flat_map(|(_, clause)| clause.patterns())
            .filter_map(|pattern| match pattern {
                GitPattern::Remote { url, .. } if !url.as_str().contains('*') => {
                    Some(url.as_str().to_owned())
                }
                _ => None,
            })
            .collect()
    }

    fn only_remote(&self) -> Result<String, Error> {
        let mut urls = self.listed_remotes();
        urls.sort();
        urls.dedup();
        match urls.as_slice() {
            [url] => Ok(url.clone()),
            [] => Err(Error::Malformed(
                "the policy lists no remote\nhelp: name the URL; `nucleus profiles show` prints what is listed"
                    .to_owned(),
            )),
            several => Err(Error::Malformed(format!("name the URL: the policy lists {} remotes", several.len()))),
        }
    }
}

/// The commits of a push, not yet in the monitor's repository.
#[derive(Debug, Default)]
struct Imported {
    changed: Changed,
    /// Where they are, and the name of their pack; nothing where the policy never permits a push.
    objects: Option<(Incoming, String)>,
}

/// Whether git reads the text as a URL of a known transport, and as nothing else; `http` only to this machine.
fn is_remote(url: &str) -> bool {
    let is_plain = !url.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\');
    let has_host = ["https://", "ssh://", "file:///"].iter().any(|scheme| {
        url.strip_prefix(scheme)
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('-'))
    });
    let is_loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
        .iter()
        .any(|local| {
            url.strip_prefix(local)
                .is_some_and(|rest| rest.starts_with([':', '/']))
        });
    is_plain && (has_host || is_loopback)
}

impl Git {
    /// Checks that a remote on this machine's disk is the policy's very own and out of the agent's reach.
    ///
    /// Its hooks run on the host, as the user's own push would run them; so a
    /// repository below the workspace is never pushed to.
    fn check_remote(&self, url: &str) -> Result<(), Error> {
        let Some(path) = url.strip_prefix("file://") else {
            return Ok(());
        };
        let refused = |why: &str| {
            Err(Error::Invalid(format!(
                "cannot push to `{}`: {why}",
                cut(url)
            )))
        };
        if !self.listed_remotes().iter().any(|listed| listed == url) {
            return refused("the policy must name a remote on this machine exactly");
        }
        if path.contains('%') {
            return refused("write its path without `%`");
        }
        let (Ok(remote), Ok(root)) = (
            std::fs::canonicalize(path),
            std::fs::canonicalize(self.executor.sandbox().view().root()),
        ) else {
            return refused("it does not exist");
        };
        if remote.starts_with(&root) {
            return refused("it lies in the workspace, where its hooks would be the agent's");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::is_remote;

    #[test]
    fn urls_that_run_programs_are_no_remotes() {
        for url in [
            "",
            "-x",
            "ext::sh -c x",
            "https://",
            "file:///a b",
            "ssh://-oProxyCommand=x",
            "/path",
            "https://h/\nx",
            "http://example.com/a.git",
            "http://127.0.0.1.evil.example/",
            "file://host/a",
        ] {
            assert!(!is_remote(url), "{url:?}");
        }
        for url in [
            "https://example.com/a.git",
            "ssh://git@example.com/a",
            "file:///srv/a.git",
            "http://127.0.0.1:8080/a.git",
        ] {
            assert!(is_remote(url), "{url:?}");
        }
    }
}
