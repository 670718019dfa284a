//! The upper bound of a task's authority: private fields, ν in every constructor, narrowed by meet alone.

use crate::codec;
use crate::digest::FieldHasher;
use crate::glob::PathPattern;
use crate::host::HostRule;
use crate::named::readers;
use crate::{
    Amount, Capabilities, CommandPattern, Conjunction, EnvelopeDigest, GitPattern, Level, Operation, OperationSet,
    Posture, Scope, TextPattern, Union,
};

/// What a policy lists and blocks of one kind of subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section<P> {
    /// What is listed.
    pub listed: Conjunction<P>,
    /// What is blocked.
    pub blocked: Union<P>,
}

impl<P> Default for Section<P> {
    fn default() -> Self {
        Self { listed: Conjunction::default(), blocked: Union::default() }
    }
}

impl<P: PartialEq + Clone> Section<P> {
    /// Lists everything and blocks nothing.
    #[inline]
    pub fn everything() -> Self {
        Self { listed: Conjunction::everything(), ..Self::default() }
    }

    /// Lists nothing and blocks nothing; also the default.
    #[inline]
    pub fn nothing() -> Self {
        Self::default()
    }
}

/// Makes the record of declarations and the functions that go over all of its fields.
macro_rules! declarations {
    (lists { $($(#[$doc:meta])* $list:ident: $pattern:ty,)+ } flags { $($(#[$why:meta])* $flag:ident,)+ }) => {
        /// Whether and how far the envelope declares things beside operations; more declared is wider.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Declarations {
            $($(#[$doc])* pub $list: Conjunction<$pattern>,)+
            $($(#[$why])* pub $flag: bool,)+
        }

        impl Declarations {
            /// Declares everything: the neutral element of meet.
            #[inline]
            pub fn everything() -> Self {
                Self { $($list: Conjunction::everything(),)+ $($flag: true,)+ }
            }

            fn meet(&self, other: &Self) -> Self {
                Self {
                    $($list: self.$list.meet(&other.$list),)+
                    $($flag: self.$flag && other.$flag,)+
                }
            }

            fn leq(&self, other: &Self) -> bool {
                $(self.$list.leq(&other.$list) &&)+ $((!self.$flag || other.$flag) &&)+ true
            }
        }

        codec::coded_fields! { Declarations { $($list,)+ $($flag,)+ } }

        impl Default for Declarations {
            fn default() -> Self {
                Self { $($list: Conjunction::nothing(),)+ $($flag: false,)+ }
            }
        }
    };
}

declarations! {
    lists {
        /// Paths whose content is not private.
        public_paths: PathPattern,
        /// Hosts whose content is not untrusted.
        trusted_hosts: HostRule,
        /// Routes through which no data can leave.
        quiet_hosts: HostRule,
        /// The model providers (and accounts, as `provider/account`) that may be called.
        models: TextPattern,
        /// API URLs of the forges where pull requests are opened.
        forges: TextPattern,
        /// Names of host environment variables that commands may see.
        environment: TextPattern,
        /// Host directories that a jail may see, read-only.
        host_views: TextPattern,
        /// Names of credentials that may be used.
        credentials: TextPattern,
    }
    flags {
        /// Whether jailed programs may make Unix sockets of their own.
        unix_sockets,
        /// Whether the files of the workspace are taken as the user's own content.
        trusted_workspace,
    }
}

impl Declarations {
    /// Declares nothing but the workspace's files as the user's own.
    #[inline]
    pub fn nothing() -> Self {
        Self { trusted_workspace: true, ..Self::default() }
    }
}

/// The parts of an envelope as a policy states them; by default nothing is granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    #[inline]
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
    #[inline]
    pub fn nothing() -> Self {
        Self { declarations: Declarations::nothing(), ..Self::default() }
    }
}

/// The upper bound of a task's authority.
///
/// Ordered by [`Envelope::leq`]; [`Envelope::meet`] grants exactly what both
/// grant. There is no way to widen one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    bounds: Bounds,
    digest: EnvelopeDigest,
}

/// All that an envelope holds, in the order of its canonical bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    posture: Posture,
    paths: Scope<PathPattern>,
    commands: Scope<CommandPattern>,
    hosts: Scope<HostRule>,
    git: Scope<GitPattern>,
    tools: Scope<TextPattern>,
    declarations: Declarations,
    maximum: Amount,
    window_ms: u64,
}

codec::coded_fields! {
    Bounds { posture, paths, commands, hosts, git, tools, declarations, maximum, window_ms, }
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

readers! {
    Envelope in bounds {
        /// The part that `verdict` sees.
        value posture: Posture,
        /// Paths of the workspace.
        borrow paths: Scope<PathPattern>,
        /// Commands.
        borrow commands: Scope<CommandPattern>,
        /// Hosts and routes.
        borrow hosts: Scope<HostRule>,
        /// Commits, remotes and pull requests.
        borrow git: Scope<GitPattern>,
        /// Tools of other servers.
        borrow tools: Scope<TextPattern>,
        /// All else that widens.
        borrow declarations: Declarations,
        /// The budget.
        value maximum: Amount,
        /// The length of the time window in milliseconds.
        value window_ms: u64,
    }
}

readers! {
    Envelope {
        /// The digest of its canonical bytes.
        value digest: EnvelopeDigest,
    }
}

impl Envelope {
    /// The envelope of these parts, with ν applied.
    ///
    /// What is listed is kept for operations at `low_risk` only, where it matters.
    #[inline]
    pub fn new(parts: EnvelopeParts) -> Self {
        let caps = parts.capabilities;
        let conditional = OperationSet::ALL.difference(caps.unconditional());
        Self::sealed(Bounds {
            posture: Posture::new(caps, parts.approvals, parts.strict, parts.capability_trifecta),
            paths: parts.paths.scope(conditional.intersection(OperationSet::PATHS)),
            commands: parts.commands.scope(conditional.intersection(OperationSet::COMMANDS)),
            hosts: parts.hosts.scope(conditional.intersection(OperationSet::HOSTS)),
            git: parts.git.scope(conditional.intersection(OperationSet::GIT)),
            tools: parts.tools.scope(conditional),
            declarations: parts.declarations,
            maximum: parts.maximum,
            window_ms: parts.window_ms,
        })
    }

    /// The envelope of these bounds with its digest taken.
    fn sealed(bounds: Bounds) -> Self {
        let hasher = FieldHasher::new("nucleus envelope v1").field(&codec::encode(&bounds));
        Self { digest: EnvelopeDigest::from_bytes(hasher.finish()), bounds }
    }

    /// Grants exactly what both grant.
    #[inline]
    pub fn meet(&self, other: &Self) -> Self {
        let (ours, theirs) = (&self.bounds, &other.bounds);
        Self::sealed(Bounds {
            posture: ours.posture.meet(theirs.posture),
            paths: ours.paths.meet(&theirs.paths),
            commands: ours.commands.meet(&theirs.commands),
            hosts: ours.hosts.meet(&theirs.hosts),
            git: ours.git.meet(&theirs.git),
            tools: ours.tools.meet(&theirs.tools),
            declarations: ours.declarations.meet(&theirs.declarations),
            maximum: ours.maximum.meet(theirs.maximum),
            window_ms: ours.window_ms.min(theirs.window_ms),
        })
    }

    /// Whether it is known to grant no more than the other.
    ///
    /// Sound, not complete: it may say no where yes is true.
    #[inline]
    pub fn leq(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.bounds, &other.bounds);
        let granted = ours.posture.capabilities().granted();
        ours.posture.leq(theirs.posture)
            && ours.paths.leq(&theirs.paths, granted)
            && ours.commands.leq(&theirs.commands, granted)
            && ours.hosts.leq(&theirs.hosts, granted)
            && ours.git.leq(&theirs.git, granted)
            && ours.tools.leq(&theirs.tools, granted)
            && ours.declarations.leq(&theirs.declarations)
            && ours.maximum.leq(theirs.maximum)
            && ours.window_ms <= theirs.window_ms
    }

    /// The meet with what is asked for, checked to lie below this envelope.
    ///
    /// # Errors
    /// [`Widened`] when the check fails; the caller keeps this envelope.
    #[inline]
    pub fn attenuate(&self, asked: &Self) -> Result<Self, Widened> {
        Some(self.meet(asked)).filter(|narrowed| narrowed.leq(self)).ok_or(Widened)
    }

    /// The level of one operation.
    #[inline]
    pub fn level(&self, op: Operation) -> Level {
        self.posture().capabilities().level(op)
    }

    /// Its canonical bytes, version first.
    #[inline]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(&self.bounds)
    }

    /// The envelope with these canonical bytes.
    ///
    /// # Errors
    /// [`codec::CodecError`] for another version, for bytes that are cut,
    /// longer than their content or not canonical, and for values out of range.
    #[inline]
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, codec::CodecError> {
        codec::decode(bytes).map(Self::sealed)
    }
}

impl<P: PartialEq + Clone> Section<P> {
    /// The scope of a section, for the operations that its listing can matter to.
    fn scope(self, operations: OperationSet) -> Scope<P> {
        Scope::new(operations, &self.listed, self.blocked)
    }
}
