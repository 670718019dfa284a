//! The upper bound of a task's authority: private fields, ν in every constructor, narrowed by meet alone.

use crate::budget::Amount;
use crate::codec;
use crate::command::CommandPattern;
use crate::digest::EnvelopeDigest;
use crate::glob::PathPattern;
use crate::host::HostRule;
use crate::level::{Capabilities, Level};
use crate::operation::{Operation, OperationSet};
use crate::posture::Posture;
use crate::scope::{Conjunction, Scope, Union};
use crate::text::{GitPattern, TextPattern};

/// What a policy lists and blocks of one kind of subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section<P> {
    /// What is listed.
    pub listed: Conjunction<P>,
    /// What is blocked.
    pub blocked: Union<P>,
}

impl<P: PartialEq + Clone> Section<P> {
    /// Lists everything and blocks nothing.
    #[must_use]
    pub fn everything() -> Self {
        Self { listed: Conjunction::everything(), blocked: Union::default() }
    }

    /// Lists nothing and blocks nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self { listed: Conjunction::nothing(), blocked: Union::default() }
    }
}

/// Whether and how far the envelope declares things beside operations; more declared is wider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declarations {
    /// Paths whose content is not private.
    pub public_paths: Conjunction<PathPattern>,
    /// Hosts whose content is not untrusted.
    pub trusted_hosts: Conjunction<HostRule>,
    /// Routes through which no data can leave.
    pub quiet_hosts: Conjunction<HostRule>,
    /// The model providers (and accounts, as `provider/account`) that may be called.
    pub models: Conjunction<TextPattern>,
    /// API URLs of the forges where pull requests are opened.
    pub forges: Conjunction<TextPattern>,
    /// Names of host environment variables that commands may see.
    pub environment: Conjunction<TextPattern>,
    /// Host directories that a jail may see, read-only.
    pub host_views: Conjunction<TextPattern>,
    /// Names of credentials that may be used.
    pub credentials: Conjunction<TextPattern>,
    /// Whether jailed programs may make Unix sockets of their own.
    pub unix_sockets: bool,
    /// Whether the files of the workspace are taken as the user's own content.
    pub trusted_workspace: bool,
}

impl Declarations {
    /// Declares nothing but the workspace's files as the user's own.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            public_paths: Conjunction::nothing(),
            trusted_hosts: Conjunction::nothing(),
            quiet_hosts: Conjunction::nothing(),
            models: Conjunction::nothing(),
            forges: Conjunction::nothing(),
            environment: Conjunction::nothing(),
            host_views: Conjunction::nothing(),
            credentials: Conjunction::nothing(),
            unix_sockets: false,
            trusted_workspace: true,
        }
    }

    /// Declares everything: the neutral element of meet.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            public_paths: Conjunction::everything(),
            trusted_hosts: Conjunction::everything(),
            quiet_hosts: Conjunction::everything(),
            models: Conjunction::everything(),
            forges: Conjunction::everything(),
            environment: Conjunction::everything(),
            host_views: Conjunction::everything(),
            credentials: Conjunction::everything(),
            unix_sockets: true,
            trusted_workspace: true,
        }
    }

    fn meet(&self, other: &Self) -> Self {
        Self {
            public_paths: self.public_paths.meet(&other.public_paths),
            trusted_hosts: self.trusted_hosts.meet(&other.trusted_hosts),
            quiet_hosts: self.quiet_hosts.meet(&other.quiet_hosts),
            models: self.models.meet(&other.models),
            forges: self.forges.meet(&other.forges),
            environment: self.environment.meet(&other.environment),
            host_views: self.host_views.meet(&other.host_views),
            credentials: self.credentials.meet(&other.credentials),
            unix_sockets: self.unix_sockets && other.unix_sockets,
            trusted_workspace: self.trusted_workspace && other.trusted_workspace,
        }
    }

    fn leq(&self, other: &Self) -> bool {
        self.public_paths.leq(&other.public_paths)
            && self.trusted_hosts.leq(&other.trusted_hosts)
            && self.quiet_hosts.leq(&other.quiet_hosts)
            && self.models.leq(&other.models)
            && self.forges.leq(&other.forges)
            && self.environment.leq(&other.environment)
            && self.host_views.leq(&other.host_views)
            && self.credentials.leq(&other.credentials)
            && (!self.unix_sockets || other.unix_sockets)
            && (!self.trusted_workspace || other.trusted_workspace)
    }
}

/// The parts of an envelope as a policy states them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeParts {
    /// The level of each operation.
    pub capabilities: Capabilities,
    /// The operations that oblige an approval.
    pub approvals: OperationSet,
    /// Whether every exfil sink asks once a source was read.
    pub strict: bool,
    /// Whether ν adds obligations once the trifecta is reachable.
    pub capability_trifecta: bool,
    /// Paths of the workspace.
    pub paths: Section<PathPattern>,
    /// Commands.
    pub commands: Section<CommandPattern>,
    /// Hosts and routes.
    pub hosts: Section<HostRule>,
    /// Commits, remotes and pull requests.
    pub git: Section<GitPattern>,
    /// Tools of other servers, as `server/tool`.
    pub tools: Section<TextPattern>,
    /// All else that widens.
    pub declarations: Declarations,
    /// The budget.
    pub maximum: Amount,
    /// The length of the time window in milliseconds.
    pub window_ms: u64,
}

impl EnvelopeParts {
    /// Grants everything: the neutral element of meet, and the start of an overlay.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            capabilities: Capabilities::ALL,
            approvals: OperationSet::EMPTY,
            strict: false,
            capability_trifecta: false,
            paths: Section::everything(),
            commands: Section::everything(),
            hosts: Section::everything(),
            git: Section::everything(),
            tools: Section::everything(),
            declarations: Declarations::everything(),
            maximum: Amount { micro_usd: u64::MAX, input_tokens: u64::MAX, output_tokens: u64::MAX },
            window_ms: u64::MAX,
        }
    }

    /// Grants nothing; what a policy states is put into it.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            capabilities: Capabilities::NONE,
            approvals: OperationSet::EMPTY,
            strict: false,
            capability_trifecta: false,
            paths: Section::nothing(),
            commands: Section::nothing(),
            hosts: Section::nothing(),
            git: Section::nothing(),
            tools: Section::nothing(),
            declarations: Declarations::nothing(),
            maximum: Amount::ZERO,
            window_ms: 0,
        }
    }
}

/// The operations whose subject is a command.
const COMMANDS: OperationSet = OperationSet::of(Operation::RunBash);
/// The operations whose subject is a host.
const HOSTS: OperationSet = OperationSet::of(Operation::WebSearch).with(Operation::WebFetch);
/// The operations whose subject is a repository or a remote.
const GIT: OperationSet = OperationSet::of(Operation::GitCommit).with(Operation::GitPush).with(Operation::CreatePr);

/// The upper bound of a task's authority.
///
/// Ordered by [`Envelope::leq`]; [`Envelope::meet`] grants exactly what both
/// grant. There is no way to widen one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    posture: Posture,
    paths: Scope<PathPattern>,
    commands: Scope<CommandPattern>,
    hosts: Scope<HostRule>,
    git: Scope<GitPattern>,
    tools: Scope<TextPattern>,
    declarations: Declarations,
    maximum: Amount,
    window_ms: u64,
    digest: EnvelopeDigest,
}

/// What a narrowing would have widened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Widened;

impl core::fmt::Display for Widened {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the narrowed envelope is not below the one it came from")
    }
}

impl core::error::Error for Widened {}

impl Envelope {
    /// The envelope of these parts, with ν applied.
    ///
    /// What is listed is kept for operations at `low_risk` only, where it matters.
    #[must_use]
    pub fn new(parts: EnvelopeParts) -> Self {
        let caps = parts.capabilities;
        let scoped = |operations: OperationSet| operations.difference(caps.unconditional());
        Self {
            posture: Posture::new(caps, parts.approvals, parts.strict, parts.capability_trifecta),
            paths: scope(scoped(OperationSet::PATHS), parts.paths),
            commands: scope(scoped(COMMANDS), parts.commands),
            hosts: scope(scoped(HOSTS), parts.hosts),
            git: scope(scoped(GIT), parts.git),
            tools: scope(scoped(OperationSet::ALL), parts.tools),
            declarations: parts.declarations,
            maximum: parts.maximum,
            window_ms: parts.window_ms,
            digest: EnvelopeDigest::from_bytes([0; 32]),
        }
        .sealed()
    }

    /// The parts as the codec reads them, with ν applied.
    pub(crate) fn from_coded(coded: codec::Coded) -> Self {
        Self {
            posture: Posture::new(coded.capabilities, coded.asks, coded.strict, coded.capability_trifecta),
            paths: coded.paths,
            commands: coded.commands,
            hosts: coded.hosts,
            git: coded.git,
            tools: coded.tools,
            declarations: coded.declarations,
            maximum: coded.maximum,
            window_ms: coded.window_ms,
            digest: EnvelopeDigest::from_bytes([0; 32]),
        }
        .sealed()
    }

    /// The same envelope with its digest taken.
    fn sealed(mut self) -> Self {
        self.digest = codec::digest(&self);
        self
    }

    /// Grants exactly what both grant.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Self {
        Self {
            posture: self.posture.meet(other.posture),
            paths: self.paths.meet(&other.paths),
            commands: self.commands.meet(&other.commands),
            hosts: self.hosts.meet(&other.hosts),
            git: self.git.meet(&other.git),
            tools: self.tools.meet(&other.tools),
            declarations: self.declarations.meet(&other.declarations),
            maximum: self.maximum.meet(other.maximum),
            window_ms: self.window_ms.min(other.window_ms),
            digest: self.digest,
        }
        .sealed()
    }

    /// Whether it is known to grant no more than the other.
    ///
    /// Sound, not complete: it may say no where yes is true.
    #[must_use]
    pub fn leq(&self, other: &Self) -> bool {
        let granted = self.posture.capabilities().granted();
        self.posture.leq(other.posture)
            && self.paths.leq(&other.paths, granted)
            && self.commands.leq(&other.commands, granted)
            && self.hosts.leq(&other.hosts, granted)
            && self.git.leq(&other.git, granted)
            && self.tools.leq(&other.tools, granted)
            && self.declarations.leq(&other.declarations)
            && self.maximum.leq(other.maximum)
            && self.window_ms <= other.window_ms
    }

    /// The meet with what is asked for, checked to lie below this envelope.
    ///
    /// # Errors
    /// [`Widened`] when the check fails; the caller keeps this envelope.
    pub fn attenuate(&self, asked: &Self) -> Result<Self, Widened> {
        let narrowed = self.meet(asked);
        if narrowed.leq(self) { Ok(narrowed) } else { Err(Widened) }
    }

    /// The part that `verdict` sees.
    #[inline]
    #[must_use]
    pub fn posture(&self) -> Posture {
        self.posture
    }

    /// The level of one operation.
    #[must_use]
    pub fn level(&self, op: Operation) -> Level {
        self.posture.capabilities().level(op)
    }

    /// Paths of the workspace.
    #[inline]
    #[must_use]
    pub fn paths(&self) -> &Scope<PathPattern> {
        &self.paths
    }

    /// Commands.
    #[inline]
    #[must_use]
    pub fn commands(&self) -> &Scope<CommandPattern> {
        &self.commands
    }

    /// Hosts and routes.
    #[inline]
    #[must_use]
    pub fn hosts(&self) -> &Scope<HostRule> {
        &self.hosts
    }

    /// Commits, remotes and pull requests.
    #[inline]
    #[must_use]
    pub fn git(&self) -> &Scope<GitPattern> {
        &self.git
    }

    /// Tools of other servers.
    #[inline]
    #[must_use]
    pub fn tools(&self) -> &Scope<TextPattern> {
        &self.tools
    }

    /// All else that widens.
    #[inline]
    #[must_use]
    pub fn declarations(&self) -> &Declarations {
        &self.declarations
    }

    /// The budget.
    #[must_use]
    pub fn maximum(&self) -> Amount {
        self.maximum
    }

    /// The length of the time window in milliseconds.
    #[must_use]
    pub fn window_ms(&self) -> u64 {
        self.window_ms
    }

    /// The digest of its canonical bytes.
    #[inline]
    #[must_use]
    pub fn digest(&self) -> EnvelopeDigest {
        self.digest
    }

    /// Its canonical bytes, version first.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// The envelope with these canonical bytes.
    ///
    /// # Errors
    /// [`codec::CodecError`] for another version, for bytes that are cut,
    /// longer than their content or not canonical, and for values out of range.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, codec::CodecError> {
        codec::decode(bytes)
    }
}

/// The scope of a section, for the operations that its listing can matter to.
fn scope<P: PartialEq + Clone>(operations: OperationSet, section: Section<P>) -> Scope<P> {
    Scope::from_clauses(section.listed.clauses().iter().map(|clause| (operations, clause.clone())), section.blocked)
}
