//! Reads off a request what decides of its subject; strings and loops live here and nowhere in the verdict.

use crate::activation::is_activation;
use crate::command::CommandFacts;
use crate::envelope::{Declarations, Envelope};
use crate::exposure::Exposure;
use crate::host::{Host, HostRule, UrlPath};
use crate::operation::{Operation, OperationSet};
use crate::path::RelPath;
use crate::request::{CommandSubject, Request, Subject, UrlSubject};
use crate::verdict::{Sinks, SubjectFacts};

/// What decides of the request's subject under the envelope.
///
/// FAIL-CLOSED: an operation that the subject has no rule for is not listed.
#[must_use]
pub fn facts(envelope: &Envelope, request: &Request) -> SubjectFacts {
    let asked = request.operations();
    let base = SubjectFacts {
        operations: asked,
        sourced: request.provenance().is_sourced(),
        ..subject_facts(envelope, request)
    };
    SubjectFacts { sources: base.sources.join(request.carried()), ..base }
}

/// The facts of the subject alone.
fn subject_facts(envelope: &Envelope, request: &Request) -> SubjectFacts {
    let asked = request.operations();
    match request.subject() {
        Subject::Path(path) => path_facts(envelope, asked, &[path]),
        Subject::Move { from, to } => path_facts(envelope, asked, &[from, to]),
        Subject::Command(command) => command_facts(envelope, asked, command, request.command_facts()),
        Subject::Query { backend, .. } => {
            host_facts(envelope, asked, &Route { host: backend, port: 443, seen: None }, false)
        }
        Subject::Url(url) => url_facts(envelope, asked, url),
        Subject::Commit { repository, branch, paths, .. } => commit_facts(envelope, asked, repository, branch, paths),
        Subject::Push { url, reference, paths, .. } => push_facts(envelope, asked, (url, reference), paths),
        Subject::PullRequest { url, base, .. } => remote_facts(envelope, asked, url, base),
        Subject::Child { .. } => SubjectFacts::default(),
        Subject::Tool { server, tool, class, is_classified, .. } => SubjectFacts {
            listed: tool_listed(envelope, asked, server, tool),
            blocked: tool_blocked(envelope, asked, server, tool),
            sources: class.sources,
            sinks: class.sinks,
            unclassified: !is_classified,
            ..SubjectFacts::default()
        },
    }
}

/// Paths: all must be listed, one suffices to block, to carry a label or to activate.
fn path_facts(envelope: &Envelope, asked: OperationSet, paths: &[&RelPath]) -> SubjectFacts {
    let scope = envelope.paths();
    let listed = paths.iter().fold(asked.intersection(OperationSet::PATHS), |left, path| {
        scope.listed_for(left, |pattern| pattern.matches(path))
    });
    let is_blocked = paths.iter().any(|path| scope.blocked().any(|p| p.matches_folded(path)));
    let reads = asked.intersects(OperationSet::READS);
    let changes = asked.intersects(OperationSet::CHANGES);
    let declared = envelope.declarations();
    let is_private = !paths.iter().all(|path| is_public(declared, path));
    SubjectFacts {
        listed,
        blocked: if is_blocked { asked } else { OperationSet::EMPTY },
        sources: workspace_sources(declared, is_private).when(reads),
        activation: changes && paths.iter().any(|path| is_activation(path).is_some()),
        ..SubjectFacts::default()
    }
}

/// Whether the path is declared public.
fn is_public(declared: &Declarations, path: &RelPath) -> bool {
    declared.public_paths.holds(|pattern| pattern.matches(path))
}

/// The labels of content of the workspace.
fn workspace_sources(declared: &Declarations, is_private: bool) -> Exposure {
    Exposure::PRIVATE.when(is_private).join(Exposure::UNTRUSTED.when(!declared.trusted_workspace))
}

/// Commands: private, and untrusted where the workspace is; a sink only by what its argv is recognised as.
fn command_facts(
    envelope: &Envelope,
    asked: OperationSet,
    command: &CommandSubject,
    seen: Option<&CommandFacts>,
) -> SubjectFacts {
    let scope = envelope.commands();
    let runs = asked.intersection(OperationSet::of(Operation::RunBash));
    let listed = scope.listed_for(runs, |pattern| seen.is_some_and(|seen| pattern.matches(seen)));
    let is_blocked = scope.blocked().any(|pattern| seen.is_none_or(|seen| pattern.blocks(seen)));
    let commits = asked.intersection(OperationSet::of(Operation::GitCommit));
    let root_commits = envelope.git().listed_for(commits, |pattern| pattern.matches_commit(command.cwd.as_str(), "*"));
    SubjectFacts {
        listed: listed.union(root_commits),
        blocked: if is_blocked { asked } else { OperationSet::EMPTY },
        sources: workspace_sources(envelope.declarations(), true),
        // A command that is known to push is a sink as the push itself is.
        sinks: Sinks { exfil: asked.intersects(OperationSet::EXFIL), effect: asked.intersects(OperationSet::EFFECT) },
        ..SubjectFacts::default()
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

/// URLs: an exfil sink unless the route is declared quiet, and an effect sink
/// too by any method but GET and HEAD; an upgrade is always both.
fn url_facts(envelope: &Envelope, asked: OperationSet, url: &UrlSubject) -> SubjectFacts {
    let seen = url.path.as_ref().map(|path| (url.method.as_str(), path));
    let route = Route { host: &url.host, port: url.port, seen };
    let reads = seen.is_none() || matches!(url.method.as_str(), "GET" | "HEAD");
    let facts = host_facts(envelope, asked, &route, !reads);
    let is_open = url.upgrade || asked.intersects(OperationSet::EFFECT);
    let sinks = Sinks { exfil: facts.sinks.exfil || is_open, effect: facts.sinks.effect || is_open };
    SubjectFacts { sinks, ..facts }
}

/// What the host rules say of a route.
fn host_facts(envelope: &Envelope, asked: OperationSet, route: &Route<'_>, changes: bool) -> SubjectFacts {
    let scope = envelope.hosts();
    let declared = envelope.declarations();
    let web = OperationSet::of(Operation::WebSearch).with(Operation::WebFetch);
    let is_blocked = scope.blocked().any(|rule| route.may_match(rule));
    let is_quiet = declared.quiet_hosts.holds(|rule| route.matches(rule));
    let is_trusted = declared.trusted_hosts.holds(|rule| route.matches(rule));
    SubjectFacts {
        listed: scope.listed_for(asked.intersection(web), |rule| route.matches(rule)),
        blocked: if is_blocked { asked } else { OperationSet::EMPTY },
        sources: Exposure::UNTRUSTED.when(!is_trusted),
        sinks: Sinks { exfil: !is_quiet, effect: changes && !is_quiet },
        ..SubjectFacts::default()
    }
}

/// Commits: the repository and branch are listed; its files block and activate.
fn commit_facts(
    envelope: &Envelope,
    asked: OperationSet,
    repository: &RelPath,
    branch: &str,
    paths: &[RelPath],
) -> SubjectFacts {
    let scope = envelope.git();
    let matches = |pattern: &crate::text::GitPattern| pattern.matches_commit(repository.as_str(), branch);
    let touched: Vec<&RelPath> = paths.iter().collect();
    let files = path_facts(envelope, OperationSet::of(Operation::GitCommit), &touched);
    let is_blocked = scope.blocked().any(matches) || !files.blocked.is_empty();
    SubjectFacts {
        listed: scope.listed_for(asked.intersection(OperationSet::of(Operation::GitCommit)), matches),
        blocked: if is_blocked { asked } else { OperationSet::EMPTY },
        activation: files.activation,
        ..SubjectFacts::default()
    }
}

/// Pushes: a remote, whose listing and block decide, and the files of the commits, which block and activate.
fn push_facts(
    envelope: &Envelope,
    asked: OperationSet,
    (url, reference): (&str, &str),
    paths: &[RelPath],
) -> SubjectFacts {
    let remote = remote_facts(envelope, asked, url, reference);
    let touched: Vec<&RelPath> = paths.iter().collect();
    // The files change the remote's tree as a commit's change the repository.
    let files = path_facts(envelope, OperationSet::of(Operation::GitCommit), &touched);
    let is_blocked = !remote.blocked.is_empty() || !files.blocked.is_empty();
    SubjectFacts {
        blocked: if is_blocked { asked } else { OperationSet::EMPTY },
        activation: files.activation,
        ..remote
    }
}

/// Pushes and pull requests: both sinks, always.
fn remote_facts(envelope: &Envelope, asked: OperationSet, url: &str, reference: &str) -> SubjectFacts {
    let scope = envelope.git();
    let matches = |pattern: &crate::text::GitPattern| pattern.matches_remote(url, reference);
    SubjectFacts {
        listed: scope.listed_for(asked.intersection(OperationSet::EFFECT), matches),
        blocked: if scope.blocked().any(matches) { asked } else { OperationSet::EMPTY },
        sinks: Sinks { exfil: true, effect: true },
        ..SubjectFacts::default()
    }
}

/// Whether the tool is listed, for the operations asked.
fn tool_listed(envelope: &Envelope, asked: OperationSet, server: &str, tool: &str) -> OperationSet {
    let name = format!("{server}/{tool}");
    envelope.tools().listed_for(asked, |pattern| pattern.matches(&name))
}

/// The operations asked, when the tool is blocked.
fn tool_blocked(envelope: &Envelope, asked: OperationSet, server: &str, tool: &str) -> OperationSet {
    let name = format!("{server}/{tool}");
    if envelope.tools().blocked().any(|pattern| pattern.matches(&name)) { asked } else { OperationSet::EMPTY }
}
