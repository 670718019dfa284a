//! The ports: what the monitor needs from the outside, as traits that callers wire.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nucleus_audit::Recorded;
use portcullis::decide::{Approval, Permit, Refusal};
use portcullis::digest::EnvelopeDigest;
use portcullis::request::{Request, UrlSubject};

use crate::monitor::Refused;

/// Reads the clocks; tests pass one of their own.
pub trait Clock: Send + Sync + Debug {
    /// Milliseconds since the machine started, suspend included; cannot be set.
    fn boot_ms(&self) -> u64;
    /// Milliseconds since 1970 by the wall clock; for people, never for decisions.
    fn wall_unix_ms(&self) -> u64;
    /// Names this start of the machine.
    fn boot_id(&self) -> String;
}

/// The clocks of this machine: `CLOCK_BOOTTIME` and `CLOCK_REALTIME`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn boot_ms(&self) -> u64 {
        millis(rustix::time::clock_gettime(rustix::time::ClockId::Boottime))
    }

    fn wall_unix_ms(&self) -> u64 {
        millis(rustix::time::clock_gettime(rustix::time::ClockId::Realtime))
    }

    /// FAIL-CLOSED: an unreadable id is a new one, so that no kept window is taken for this boot's.
    fn boot_id(&self) -> String {
        std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .map(|text| text.trim().to_owned())
            .unwrap_or_else(|_| format!("unknown {}", self.boot_ms()))
    }
}

fn millis(time: rustix::time::Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let rest = u64::try_from(time.tv_nsec / 1_000_000).unwrap_or(0);
    seconds.saturating_mul(1000).saturating_add(rest)
}

/// One request that waits for a human's answer.
#[derive(Debug)]
pub struct Question<'a> {
    /// The request, complete.
    pub request: &'a Request,
    /// What the monitor answered; an approval is made from it.
    pub refusal: &'a Refusal,
    /// The envelope in force.
    pub envelope: EnvelopeDigest,
    /// The same for people: operation, rule, evidence, way out.
    pub refused: &'a Refused,
}

/// A human's yes to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The approval, bound to the request and the reasons shown.
    pub approval: Approval,
    /// Spent with the approval; a second use is refused.
    pub nonce: [u8; 16],
    /// The reading of the boot-time clock from which it is worth nothing.
    pub expires_boot_ms: u64,
}

/// Asks a human. The caller waits.
pub trait Approver: Send + Sync + Debug {
    /// The grant, or `None` for no, for no answer and for no human.
    fn ask(&self, question: &Question<'_>) -> Option<Grant>;

    /// Ends every pending question with no; called on lockdown and at the end.
    fn end_pending(&self) {}
}

/// Approval-free mode: what needs approval is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoApprover;

impl Approver for NoApprover {
    fn ask(&self, _question: &Question<'_>) -> Option<Grant> {
        None
    }
}

/// One HTTP exchange with an address already checked; redirects are returned, not followed.
#[derive(Debug)]
pub struct Hop<'a> {
    /// The final URL and method.
    pub url: &'a UrlSubject,
    /// The only addresses that may be dialled.
    pub addresses: &'a [SocketAddr],
    /// The body, empty for none.
    pub body: &'a [u8],
    /// The most bytes of the answer's body that are kept.
    pub body_bytes: u64,
    /// The most time the exchange may take.
    pub limit: Duration,
}

/// The answer to one hop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HopReply {
    /// The HTTP status.
    pub status: u16,
    /// The `Location` of a redirect as sent.
    pub location: Option<String>,
    /// The media type as sent.
    pub content_type: Option<String>,
    /// The body, up to the limit.
    pub body: Vec<u8>,
    /// Whether the body was longer than the limit.
    pub is_cut: bool,
}

/// Reaches the web, one permitted hop at a time.
pub trait Fetch: Send + Sync + Debug {
    /// The addresses of a host. Called only for a host whose request was permitted.
    ///
    /// # Errors
    /// When the name has no address or no resolver answers.
    fn resolve(&self, permit: &Recorded<Permit>, host: &str) -> io::Result<Vec<IpAddr>>;

    /// Runs the exchange.
    ///
    /// # Errors
    /// When no address answers in time or the answer is not HTTP.
    fn fetch(&self, permit: Recorded<Permit>, hop: &Hop<'_>) -> io::Result<HopReply>;
}

/// Opens a stream to an address that was permitted and checked.
pub trait Dialer: Send + Sync + Debug {
    /// Dials the first of the addresses that answers.
    ///
    /// # Errors
    /// When none answers in time.
    fn dial(
        &self,
        permit: Recorded<Permit>,
        addresses: &[SocketAddr],
        limit: Duration,
    ) -> io::Result<TcpStream>;
}

/// A pull request to open at a forge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// The URL of the repository, from the policy.
    pub url: String,
    /// The branch to merge into.
    pub base: String,
    /// The branch to merge.
    pub head: String,
    /// The title.
    pub title: String,
    /// The text.
    pub text: String,
}

/// Speaks to a forge with a credential that no jail sees.
pub trait Forge: Send + Sync + Debug {
    /// Opens the pull request and returns its URL.
    ///
    /// # Errors
    /// When the forge refuses or does not answer; the text holds no credential.
    fn open_pull_request(
        &self,
        permit: Recorded<Permit>,
        pull_request: &PullRequest,
    ) -> io::Result<String>;
}

/// A step of an effect at which a crash test can stop the monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultStep {
    /// The budget was reserved; nothing is decided.
    Reserved,
    /// The exposure was raised; nothing is recorded.
    Raised,
    /// The record was appended; it may not be durable.
    Appended,
    /// The record is durable; the effect has not begun.
    Durable,
    /// A command was started.
    CommandStarted,
    /// A command has ended; nothing of it has landed.
    CommandEnded,
    /// One change of a command is about to land.
    BeforeLanding,
    /// One change of a command has landed; its outcome is not recorded.
    AfterLanding,
    /// One change of a command was staged.
    Staged,
    /// The effect has ended; its outcome is not recorded.
    EffectEnded,
    /// The outcome was recorded; the budget is not settled.
    OutcomeRecorded,
}

impl FaultStep {
    /// Every step, in the order in which a command passes them.
    pub const ALL: [Self; 11] = [
        Self::Reserved,
        Self::Raised,
        Self::Appended,
        Self::Durable,
        Self::CommandStarted,
        Self::CommandEnded,
        Self::BeforeLanding,
        Self::AfterLanding,
        Self::Staged,
        Self::EffectEnded,
        Self::OutcomeRecorded,
    ];
}

/// Is told of every step reached; crash tests end the process there.
pub trait FaultPoint: Send + Sync + Debug {
    /// The monitor has reached this step.
    fn reached(&self, step: FaultStep);
}

/// Does nothing at any step.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFaults;

impl FaultPoint for NoFaults {
    fn reached(&self, _step: FaultStep) {}
}

/// What a jail is given so that its programs reach the session's proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outfit {
    /// Ports to listen on at the jail's own loopback.
    pub ports: Vec<u16>,
    /// Whether every other connection and every name look-up of the jail is led to the proxy too.
    pub is_redirected: bool,
    /// Variables that tell programs where the proxy is and whom to trust.
    pub environment: Vec<(String, String)>,
    /// Files, by absolute path inside; all jails of a session share their content.
    pub files: Vec<(PathBuf, Arc<[u8]>)>,
}

/// The listening sockets of one jail.
#[derive(Debug, Default)]
pub struct JailSockets {
    /// Those of [`Outfit::ports`].
    pub ports: Vec<(u16, TcpListener)>,
    /// Those that every other connection of the jail comes to.
    pub redirected: Vec<TcpListener>,
    /// Those that its name look-ups come to.
    pub names: Vec<UdpSocket>,
    /// The number of the jail's first process on this machine, by which its processes are named for people.
    pub first: Option<u32>,
}

/// Serves the network of jails: each dial and each request it sees is one of the monitor's.
pub trait Network: Send + Sync + Debug {
    /// What each jail is given.
    fn outfit(&self) -> Outfit;

    /// Serves one jail, named by its program for people, until what it returns is dropped.
    ///
    /// # Errors
    /// When its sockets cannot be taken over.
    fn serve(&self, program: &str, sockets: JailSockets) -> io::Result<Box<dyn Send + Sync>>;
}
