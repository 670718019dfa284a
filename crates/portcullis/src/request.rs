//! Holds one request and the digest of everything that decides its effect.

use std::sync::Arc;

use crate::command::{self, CommandFacts};
use crate::digest::{FieldHasher, hex_type};
use crate::host::{Host, UrlPath};
use crate::named::readers;
use crate::path::RelPath;
use crate::{Argv, ContentDigest, EnvelopeDigest, Exposure, Operation, OperationSet, RequestDigest, Sinks};

hex_type! {
    /// Names one session; 16 random bytes.
    SessionId(16)
}

/// Names content that stays in the monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentId(pub u64);

/// The bytes that a request brings along.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Content {
    /// None.
    #[default]
    None,
    /// Bytes that the caller sent.
    Inline(Arc<[u8]>),
    /// Bytes that stay in the monitor, with their digest.
    Held(ContentId, ContentDigest),
    /// Bytes that the monitor holds in a file of its own, with their digest.
    Staged(ContentDigest),
}

impl Content {
    /// The digest of the bytes, or `None` when there are none.
    #[inline]
    pub fn digest(&self) -> Option<ContentDigest> {
        match self {
            Self::None => None,
            Self::Inline(bytes) => Some(ContentDigest::of(bytes)),
            Self::Held(_, digest) | Self::Staged(digest) => Some(*digest),
        }
    }
}

/// A command: all that decides what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandSubject {
    /// The program and its arguments.
    pub argv: Argv,
    /// Where it runs, in the workspace.
    pub cwd: RelPath,
    /// The names and values of its environment.
    pub environment: Vec<(String, String)>,
    /// The digest of its standard input.
    pub stdin: Option<ContentDigest>,
    /// The digest of the file that is executed, where the host could read it.
    pub executable: Option<ContentDigest>,
}

impl CommandSubject {
    /// The command in the root of the workspace with an empty environment and no input.
    #[inline]
    pub fn new(argv: Argv) -> Self {
        Self { argv, cwd: RelPath::root(), environment: Vec::new(), stdin: None, executable: None }
    }
}

/// A dial, or one HTTP request where the monitor sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlSubject {
    /// The method in capitals; `CONNECT` for an opaque dial.
    pub method: String,
    /// `http`, `https` or, for an opaque dial, `tcp`.
    pub scheme: String,
    /// The canonical host.
    pub host: Host,
    /// The port.
    pub port: u16,
    /// The canonical path; `None` for an opaque dial, which nobody can inspect.
    pub path: Option<UrlPath>,
    /// The query without its question mark; empty when there is none.
    pub query: String,
    /// Whether it asks for an upgrade or is gRPC.
    pub upgrade: bool,
    /// The name of the credential put in, if any.
    pub credential: Option<String>,
}

/// What the tool catalog says of one call to another server's tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToolClass {
    /// The labels its result brings in.
    pub sources: Exposure,
    /// Where its arguments go.
    pub sinks: Sinks,
}

impl ToolClass {
    /// An unclassified tool: a source of both labels and both sinks.
    pub const UNKNOWN: Self =
        Self { sources: Exposure::PRIVATE.join(Exposure::UNTRUSTED), sinks: Sinks { exfil: true, effect: true } };
}

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// A path in the workspace.
    Path(RelPath),
    /// A file that changes its name; judged for both.
    Move {
        /// The old name.
        from: RelPath,
        /// The new name.
        to: RelPath,
    },
    /// A command.
    Command(CommandSubject),
    /// A query to a search backend.
    Query {
        /// The backend's host.
        backend: Host,
        /// The text.
        text: String,
    },
    /// A dial or an HTTP request.
    Url(UrlSubject),
    /// A commit.
    Commit {
        /// Where the repository is in the workspace.
        repository: RelPath,
        /// The branch.
        branch: String,
        /// The message.
        message: String,
        /// The files it changes.
        paths: Vec<RelPath>,
    },
    /// A push of one reference.
    Push {
        /// The remote URL, from the policy.
        url: String,
        /// The remote reference.
        reference: String,
        /// The old object id, or zeros.
        old: String,
        /// The new object id.
        new: String,
        /// The files that its commits change, as paths of the workspace.
        paths: Vec<RelPath>,
    },
    /// A pull request.
    PullRequest {
        /// The URL of the repository at the forge, from the policy.
        url: String,
        /// The branch to merge into.
        base: String,
        /// The branch to merge.
        head: String,
        /// Title and text.
        text: String,
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
        /// What the catalog says of this call.
        class: ToolClass,
        /// Whether the catalog knows the tool; one it does not know asks on every call.
        is_classified: bool,
    },
}

/// Why arguments of a request count as the user's own.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Provenance {
    /// A rule of the user's own configuration accepts every argument it names
    /// as the user's own: the rule's name.
    pub accepted_by: Option<String>,
    /// The request is the next step of a plan frozen before anything untrusted was read.
    pub planned_step: Option<u32>,
}

impl Provenance {
    /// Whether either fact holds.
    #[inline]
    pub fn is_sourced(&self) -> bool {
        self.accepted_by.is_some() || self.planned_step.is_some()
    }
}

/// One request, complete and digested.
///
/// Made by [`Request::builder`]; its fields do not change afterwards, so its
/// digest speaks for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    parts: RequestBuilder,
    command: Option<CommandFacts>,
    digest: RequestDigest,
}

/// The parts of a request before it is digested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestBuilder {
    principal: Arc<str>,
    session: SessionId,
    parent: Option<SessionId>,
    operations: OperationSet,
    subject: Subject,
    content: Content,
    carried: Exposure,
    provenance: Provenance,
}

impl RequestBuilder {
    /// Sets the session that this one is a child of.
    #[inline]
    pub fn parent(self, parent: Option<SessionId>) -> Self {
        Self { parent, ..self }
    }

    /// Sets the bytes it brings along.
    #[inline]
    pub fn content(self, content: Content) -> Self {
        Self { content, ..self }
    }

    /// Adds source labels that the subject or the content is known to carry.
    #[inline]
    pub fn carrying(self, labels: Exposure) -> Self {
        Self { carried: self.carried.join(labels.sources()), ..self }
    }

    /// Sets why its arguments count as the user's own.
    #[inline]
    pub fn provenance(self, provenance: Provenance) -> Self {
        Self { provenance, ..self }
    }

    /// The finished request, recognised as every operation its subject shows.
    #[inline]
    pub fn build(mut self) -> Request {
        let command = match &self.subject {
            Subject::Command(command) => Some(CommandFacts::of(&command.argv)),
            _ => None,
        };
        let hinted = command.as_ref().map_or(OperationSet::EMPTY, command::hinted);
        self.operations = self.operations.union(recognised(&self.subject)).union(hinted);
        let digest = digest(&self);
        Request { parts: self, command, digest }
    }
}

impl Request {
    /// Starts a request of this principal in this session.
    #[inline]
    pub fn builder(
        principal: impl Into<Arc<str>>,
        session: SessionId,
        operations: impl Into<OperationSet>,
        subject: Subject,
    ) -> RequestBuilder {
        RequestBuilder {
            principal: principal.into(),
            session,
            parent: None,
            operations: operations.into(),
            subject,
            content: Content::None,
            carried: Exposure::NONE,
            provenance: Provenance::default(),
        }
    }
}

readers! {
    Request in parts {
        /// Who asks: the authenticated user or key.
        borrow principal: Arc<str>,
        /// The session it belongs to.
        value session: SessionId,
        /// The session that this one is a child of.
        value parent: Option<SessionId>,
        /// Every operation it was recognised as.
        value operations: OperationSet,
        /// What it is about.
        borrow subject: Subject,
        /// The bytes it brings along.
        borrow content: Content,
        /// The source labels that its subject or content carries.
        value carried: Exposure,
        /// Why its arguments count as the user's own.
        borrow provenance: Provenance,
    }
}

readers! {
    Request {
        /// The digest of everything that decides its effect.
        value digest: RequestDigest,
    }
}

impl Request {
    /// What is known of the command before it runs; `None` for any other subject.
    #[inline]
    pub fn command_facts(&self) -> Option<&CommandFacts> {
        self.command.as_ref()
    }
}

/// The operations that a subject shows by itself, beside those the caller named.
fn recognised(subject: &Subject) -> OperationSet {
    match subject {
        Subject::Path(_) => OperationSet::EMPTY,
        Subject::Move { .. } => OperationSet::of(Operation::WriteFiles),
        Subject::Command(_) => OperationSet::of(Operation::RunBash),
        Subject::Query { .. } => OperationSet::of(Operation::WebSearch),
        Subject::Url(url) => OperationSet::of(Operation::WebFetch).union(recognised_route(url)),
        Subject::Commit { .. } => OperationSet::of(Operation::GitCommit),
        Subject::Push { .. } => OperationSet::of(Operation::GitPush),
        Subject::PullRequest { .. } => OperationSet::of(Operation::CreatePr),
        Subject::Child { .. } => OperationSet::of(Operation::ManagePods),
        // FAIL-CLOSED: the caller's set stands; an empty one is denied as level `never`.
        Subject::Tool { .. } => OperationSet::EMPTY,
    }
}

/// A push over HTTP and a pull-request route are also those operations.
fn recognised_route(url: &UrlSubject) -> OperationSet {
    let path = url.path.as_ref().map_or("", UrlPath::as_str);
    let segments = || path.split('/').filter(|segment| !segment.is_empty());
    let receives = segments().any(|segment| segment == "git-receive-pack")
        || url.query.split('&').any(|pair| pair == "service=git-receive-pack");
    let writes = !matches!(url.method.as_str(), "GET" | "HEAD");
    let opens = writes && segments().any(|segment| matches!(segment, "pulls" | "merge_requests"));
    OperationSet::of(Operation::GitPush).when(receives).union(OperationSet::of(Operation::CreatePr).when(opens))
}

/// The digest over every part.
fn digest(parts: &RequestBuilder) -> RequestDigest {
    let provenance = &parts.provenance;
    let head = FieldHasher::new("nucleus request v1")
        .text(&parts.principal)
        .field(parts.session.as_bytes())
        .field(parts.parent.as_ref().map_or(&[], |id| id.as_bytes()))
        .number(parts.operations.bits())
        .number(parts.carried.bits())
        .digest(parts.content.digest())
        .text(provenance.accepted_by.as_deref().unwrap_or(""))
        .number(provenance.planned_step.map_or(0, |step| u64::from(step) + 1));
    RequestDigest::from_bytes(subject_fields(head, &parts.subject).finish())
}

/// Adds the fields of the subject, headed by its kind.
fn subject_fields(hasher: FieldHasher, subject: &Subject) -> FieldHasher {
    match subject {
        Subject::Path(path) => hasher.text("path").text(path),
        Subject::Move { from, to } => hasher.text("move").text(from).text(to),
        Subject::Command(command) => command_fields(hasher.text("command"), command),
        Subject::Query { backend, text } => hasher.text("query").text(backend.to_string()).text(text),
        Subject::Url(url) => hasher
            .text("url")
            .text(&url.method)
            .text(&url.scheme)
            .text(url.host.to_string())
            .number(url.port)
            .text(url.path.as_ref().map_or("", UrlPath::as_str))
            .text(&url.query)
            .number(url.upgrade)
            .text(url.credential.as_deref().unwrap_or("")),
        Subject::Commit { repository, branch, message, paths } => {
            hasher.text("commit").text(repository).text(branch).text(message).texts(paths)
        }
        Subject::Push { url, reference, old, new, paths } => {
            let pushed = hasher.text("push").text(url).text(reference).text(old).text(new);
            if paths.is_empty() { pushed } else { pushed.texts(paths) }
        }
        Subject::PullRequest { url, base, head, text } => {
            hasher.text("pull request").text(url).text(base).text(head).text(text)
        }
        Subject::Child { envelope } => hasher.text("child").field(envelope.as_bytes()),
        Subject::Tool { server, tool, pin, arguments, class, is_classified } => hasher
            .text("tool")
            .text(server)
            .text(tool)
            .field(pin.as_bytes())
            .text(arguments)
            .number(class.sources.bits())
            .number(u64::from(class.sinks.exfil) | u64::from(class.sinks.effect) << 1)
            .number(*is_classified),
    }
}

/// Adds the fields of a command.
fn command_fields(hasher: FieldHasher, command: &CommandSubject) -> FieldHasher {
    let counted = hasher.texts(command.argv.words()).text(&command.cwd).number(command.environment.len() as u64);
    let environment = command.environment.iter();
    let filled = environment.fold(counted, |hasher, (name, value)| hasher.text(name).text(value));
    filled.digest(command.stdin).digest(command.executable)
}
