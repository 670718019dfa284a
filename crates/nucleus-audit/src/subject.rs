//! A subject as it stands in a record, and back.
//!
//! Left out by rule: values of the environment, standard input and content (only
//! their digests are kept), the text of a pull request (only its length).

use portcullis::Exposure;
use portcullis::command::Argv;
use portcullis::digest::{ContentDigest, EnvelopeDigest};
use portcullis::host::{Host, UrlPath};
use portcullis::path::RelPath;
use portcullis::request::{CommandSubject, Subject, ToolClass, UrlSubject};
use portcullis::verdict::Sinks;

use crate::canon::canon_enum;

/// What a request is about, as it stands in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordedSubject {
    /// A path in the workspace.
    Path {
        /// The path.
        path: String,
    },
    /// A file that changes its name.
    Move {
        /// The old name.
        from: String,
        /// The new name.
        to: String,
    },
    /// A command.
    Command {
        /// The program and its arguments.
        argv: Vec<String>,
        /// Where it runs.
        cwd: String,
        /// The names of its environment.
        environment: Vec<String>,
        /// The digest of its standard input.
        stdin: Option<ContentDigest>,
        /// The digest of the file executed.
        executable: Option<ContentDigest>,
    },
    /// A query to a search backend.
    Query {
        /// The backend's host.
        backend: String,
        /// The text.
        text: String,
    },
    /// A dial or an HTTP request.
    Url {
        /// The method.
        method: String,
        /// The scheme.
        scheme: String,
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// The path; none for an opaque dial.
        path: Option<String>,
        /// The query.
        query: String,
        /// Whether it asks for an upgrade or is gRPC.
        upgrade: bool,
        /// The name of the credential put in.
        credential: Option<String>,
    },
    /// A commit.
    Commit {
        /// The repository.
        repository: String,
        /// The branch.
        branch: String,
        /// The message.
        message: String,
        /// The files it changes.
        paths: Vec<String>,
    },
    /// A push of one reference.
    Push {
        /// The remote URL.
        url: String,
        /// The remote reference.
        reference: String,
        /// The old object id.
        old: String,
        /// The new object id.
        new: String,
        /// The files that its commits change.
        paths: Vec<String>,
    },
    /// A pull request.
    PullRequest {
        /// The repository's URL at the forge.
        url: String,
        /// The branch to merge into.
        base: String,
        /// The branch to merge.
        head: String,
        /// The length of title and text.
        text_bytes: u64,
    },
    /// A child session.
    Child {
        /// The envelope it would run under.
        envelope: EnvelopeDigest,
    },
    /// A tool of another server.
    Tool {
        /// The server.
        server: String,
        /// The tool.
        tool: String,
        /// The digest of its pinned definition.
        pin: ContentDigest,
        /// The arguments in canonical JSON.
        arguments: String,
        /// The labels its result brings in.
        sources: Exposure,
        /// Whether data leaves.
        exfil: bool,
        /// Whether a change outlives the session.
        effect: bool,
        /// Whether the catalog knows the tool.
        classified: bool,
    },
    /// A kind of subject that this version of the log has no members for.
    Other {
        /// Its name.
        name: String,
    },
}

canon_enum!(RecordedSubject by "form" {
    "path" => Path { path }
    "move" => Move { from, to }
    "command" => Command { argv, cwd, environment, stdin, executable }
    "query" => Query { backend, text }
    "url" => Url { method, scheme, host, port, path, query, upgrade, credential }
    "commit" => Commit { repository, branch, message, paths }
    "push" => Push { url, reference, old, new, paths }
    "pull_request" => PullRequest { url, base, head, text_bytes }
    "child" => Child { envelope }
    "tool" => Tool { server, tool, pin, arguments, sources, exfil, effect, classified }
    "other" => Other { name }
});

/// The members that the facts of a subject never depend on.
///
/// Where only these were redacted, a replay recomputes the facts. Tested
/// against [`portcullis::facts::facts`].
pub(crate) static INDIFFERENT: &[&str] = &["environment", "text", "message", "arguments", "query"];

/// Reads the subject back, where all that its facts depend on is there.
///
/// Members that facts never depend on come back empty; so does the digest of a
/// request made with it differ.
pub(crate) fn read_back(subject: &RecordedSubject, redacted: &[String]) -> Option<Subject> {
    if !redacted
        .iter()
        .all(|member| INDIFFERENT.contains(&member.as_str()))
    {
        return None;
    }
    match subject {
        RecordedSubject::Path { path } => Some(Subject::Path(rel(path)?)),
        RecordedSubject::Move { from, to } => Some(Subject::Move {
            from: rel(from)?,
            to: rel(to)?,
        }),
        RecordedSubject::Command {
            argv,
            cwd,
            stdin,
            executable,
            ..
        } => Some(Subject::Command(CommandSubject {
            argv: Argv::new(argv.iter().cloned()).ok()?,
            cwd: rel(cwd)?,
            environment: Vec::new(),
            stdin: *stdin,
            executable: *executable,
        })),
        RecordedSubject::Query { backend, text } => Some(Subject::Query {
            backend: Host::parse(backend).ok()?,
            text: text.clone(),
        }),
        RecordedSubject::Url { .. } => url(subject),
        RecordedSubject::Commit {
            repository,
            branch,
            message,
            paths,
        } => Some(Subject::Commit {
            repository: rel(repository)?,
            branch: branch.clone(),
            message: message.clone(),
            paths: paths.iter().map(|path| rel(path)).collect::<Option<_>>()?,
        }),
        RecordedSubject::Push {
            url,
            reference,
            old,
            new,
            paths,
        } => Some(Subject::Push {
            url: url.clone(),
            reference: reference.clone(),
            old: old.clone(),
            new: new.clone(),
            paths: paths.iter().map(|path| rel(path)).collect::<Option<_>>()?,
        }),
        RecordedSubject::PullRequest {
            url, base, head, ..
        } => Some(Subject::PullRequest {
            url: url.clone(),
            base: base.clone(),
            head: head.clone(),
            text: String::new(),
        }),
        RecordedSubject::Child { envelope } => Some(Subject::Child {
            envelope: *envelope,
        }),
        RecordedSubject::Tool { .. } => tool(subject),
        RecordedSubject::Other { .. } => None,
    }
}

fn rel(path: &str) -> Option<RelPath> {
    RelPath::parse_exact(path).ok()
}

fn url(subject: &RecordedSubject) -> Option<Subject> {
    let RecordedSubject::Url {
        method,
        scheme,
        host,
        port,
        path,
        query,
        upgrade,
        credential,
    } = subject
    else {
        return None;
    };
    Some(Subject::Url(UrlSubject {
        method: method.clone(),
        scheme: scheme.clone(),
        host: Host::parse(host).ok()?,
        port: *port,
        path: path.as_deref().map(UrlPath::parse).transpose().ok()?,
        query: query.clone(),
        upgrade: *upgrade,
        credential: credential.clone(),
    }))
}

fn tool(subject: &RecordedSubject) -> Option<Subject> {
    let RecordedSubject::Tool {
        server,
        tool,
        pin,
        arguments,
        sources,
        exfil,
        effect,
        classified,
    } = subject
    else {
        return None;
    };
    Some(Subject::Tool {
        server: server.clone(),
        tool: tool.clone(),
        pin: *pin,
        arguments: arguments.clone(),
        class: ToolClass {
            sources: *sources,
            sinks: Sinks {
                exfil: *exfil,
                effect: *effect,
            },
        },
        is_classified: *classified,
    })
}
