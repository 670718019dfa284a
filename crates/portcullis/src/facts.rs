//! Reads off a request what decides of its subject; strings and loops live here and nowhere in the verdict.

use crate::activation::is_activation;
use crate::command::CommandFacts;
use crate::host::{Host, HostRule, UrlPath};
use crate::path::RelPath;
use crate::{
    CommandPattern, CommandSubject, Envelope, Exposure, GitPattern, Operation, OperationSet, Request, Scope, Sinks,
    Subject, SubjectFacts, UrlSubject,
};

/// What decides of the request's subject under the envelope.
///
/// FAIL-CLOSED: an operation that the subject has no rule for is not listed.
#[inline]
pub fn facts(envelope: &Envelope, request: &Request) -> SubjectFacts {
    let judge = Judge { envelope, asked: request.operations() };
    let of_subject = judge.subject(request);
    SubjectFacts {
        operations: judge.asked,
        sourced: request.provenance().is_sourced(),
        sources: of_subject.sources.join(request.carried()),
        ..of_subject
    }
}

/// What a request is judged by: the envelope and the operations it was recognised as.
#[derive(Clone, Copy)]
struct Judge<'a> {
    envelope: &'a Envelope,
    asked: OperationSet,
}

impl Judge<'_> {
    /// The facts of the subject alone.
    fn subject(self, request: &Request) -> SubjectFacts {
        match request.subject() {
            Subject::Path(path) => self.paths(&[path]),
            Subject::Move { from, to } => self.paths(&[from, to]),
            Subject::Command(command) => self.command(command, request.command_facts()),
            Subject::Query { backend, .. } => self.route(&Route { host: backend, port: 443, seen: None }, false),
            Subject::Url(url) => self.url(url),
            Subject::Commit { repository, branch, paths, .. } => {
                let is_named = |pattern: &GitPattern| pattern.matches_commit(repository.as_str(), branch);
                let commit = self.scoped(self.envelope.git(), OperationSet::of(Operation::GitCommit), is_named);
                self.with_files(commit, paths)
            }
            Subject::Push { url, reference, paths, .. } => self.with_files(self.remote(url, reference), paths),
            Subject::PullRequest { url, base, .. } => self.remote(url, base),
            Subject::Child { .. } => SubjectFacts::default(),
            Subject::Tool { server, tool, class, is_classified, .. } => {
                let name = format!("{server}/{tool}");
                SubjectFacts {
                    sources: class.sources,
                    sinks: class.sinks,
                    unclassified: !is_classified,
                    ..self.scoped(self.envelope.tools(), OperationSet::ALL, |pattern| pattern.matches(&name))
                }
            }
        }
    }

    /// What a scope lists, for these operations, and blocks.
    fn scoped<P>(self, scope: &Scope<P>, operations: OperationSet, is_named: impl Fn(&P) -> bool) -> SubjectFacts
    where
        P: PartialEq + Clone,
    {
        SubjectFacts {
            listed: scope.listed_for(self.asked.intersection(operations), &is_named),
            blocked: self.asked.when(scope.blocked().any(&is_named)),
            ..SubjectFacts::default()
        }
    }

    /// Paths: all must be listed, one suffices to block, to carry a label or to activate.
    fn paths(self, paths: &[&RelPath]) -> SubjectFacts {
        let scope = self.envelope.paths();
        let listed = paths.iter().fold(self.asked.intersection(OperationSet::PATHS), |left, path| {
            scope.listed_for(left, |pattern| pattern.matches(path))
        });
        let is_blocked = paths.iter().any(|path| scope.blocked().any(|pattern| pattern.matches_folded(path)));
        let public = &self.envelope.declarations().public_paths;
        let is_private = !paths.iter().all(|path| public.holds(|pattern| pattern.matches(path)));
        let changes = self.asked.intersects(OperationSet::CHANGES);
        SubjectFacts {
            listed,
            blocked: self.asked.when(is_blocked),
            sources: self.workspace_sources(is_private).when(self.asked.intersects(OperationSet::READS)),
            activation: changes && paths.iter().any(|path| is_activation(path).is_some()),
            ..SubjectFacts::default()
        }
    }

    /// The labels of content of the workspace.
    fn workspace_sources(self, is_private: bool) -> Exposure {
        let is_untrusted = !self.envelope.declarations().trusted_workspace;
        Exposure::PRIVATE.when(is_private).join(Exposure::UNTRUSTED.when(is_untrusted))
    }

    /// Commands: private, and untrusted where the workspace is; a sink only by what its argv is recognised as.
    fn command(self, command: &CommandSubject, seen: Option<&CommandFacts>) -> SubjectFacts {
        let (scope, asked) = (self.envelope.commands(), self.asked);
        let is_listed = |pattern: &CommandPattern| seen.is_some_and(|seen| pattern.matches(seen));
        let is_blocked = scope.blocked().any(|pattern| seen.is_none_or(|seen| pattern.blocks(seen)));
        let commits = asked.intersection(OperationSet::of(Operation::GitCommit));
        let in_cwd = |pattern: &GitPattern| pattern.matches_commit(command.cwd.as_str(), "*");
        let runs = scope.listed_for(asked.intersection(OperationSet::COMMANDS), is_listed);
        let (exfil, effect) = (asked.intersects(OperationSet::EXFIL), asked.intersects(OperationSet::EFFECT));
        SubjectFacts {
            listed: runs.union(self.envelope.git().listed_for(commits, in_cwd)),
            blocked: asked.when(is_blocked),
            sources: self.workspace_sources(true),
            // A command that is known to push is a sink as the push itself is.
            sinks: Sinks { exfil, effect },
            ..SubjectFacts::default()
        }
    }

    /// URLs: an exfil sink unless the route is declared quiet, and an effect sink
    /// too by any method but GET and HEAD; an upgrade is always both.
    fn url(self, url: &UrlSubject) -> SubjectFacts {
        let seen = url.path.as_ref().map(|path| (url.method.as_str(), path));
        let reads = seen.is_none() || matches!(url.method.as_str(), "GET" | "HEAD");
        let facts = self.route(&Route { host: &url.host, port: url.port, seen }, !reads);
        let is_open = url.upgrade || self.asked.intersects(OperationSet::EFFECT);
        let sinks = Sinks { exfil: facts.sinks.exfil || is_open, effect: facts.sinks.effect || is_open };
        SubjectFacts { sinks, ..facts }
    }

    /// What the host rules say of a route.
    fn route(self, route: &Route<'_>, changes: bool) -> SubjectFacts {
        let scope = self.envelope.hosts();
        let declared = self.envelope.declarations();
        let is_quiet = declared.quiet_hosts.holds(|rule| route.matches(rule));
        let is_trusted = declared.trusted_hosts.holds(|rule| route.matches(rule));
        SubjectFacts {
            listed: scope.listed_for(self.asked.intersection(OperationSet::HOSTS), |rule| route.matches(rule)),
            blocked: self.asked.when(scope.blocked().any(|rule| route.may_match(rule))),
            sources: Exposure::UNTRUSTED.when(!is_trusted),
            sinks: Sinks { exfil: !is_quiet, effect: changes && !is_quiet },
            ..SubjectFacts::default()
        }
    }

    /// Pushes and pull requests: both sinks, always.
    fn remote(self, url: &str, reference: &str) -> SubjectFacts {
        let is_named = |pattern: &GitPattern| pattern.matches_remote(url, reference);
        let facts = self.scoped(self.envelope.git(), OperationSet::EFFECT, is_named);
        SubjectFacts { sinks: Sinks { exfil: true, effect: true }, ..facts }
    }

    /// Commits and pushes: their files, which change the repository's tree or the remote's, block and activate.
    fn with_files(self, facts: SubjectFacts, files: &[RelPath]) -> SubjectFacts {
        let commit = Self { asked: OperationSet::of(Operation::GitCommit), ..self };
        let files = commit.paths(&files.iter().collect::<Vec<_>>());
        let blocked = facts.blocked.union(self.asked.when(!files.blocked.is_empty()));
        SubjectFacts { blocked, activation: files.activation, ..facts }
    }
}

/// A host with what is known of the route.
struct Route<'a> {
    host: &'a Host,
    port: u16,
    /// Method and path; `None` where nobody can inspect them.
    seen: Option<(&'a str, &'a UrlPath)>,
}

impl Route<'_> {
    fn matches(&self, rule: &HostRule) -> bool {
        rule.matches(self.host, self.port, self.seen)
    }

    /// FAIL-CLOSED: a dial that nobody can inspect could be any route of the host.
    fn may_match(&self, rule: &HostRule) -> bool {
        self.matches(rule) || (self.seen.is_none() && rule.matches_host(self.host, self.port))
    }
}
