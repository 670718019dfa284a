//! Decides one request under one envelope and session state; pure.
//!
//! [`decide`] is the one door. It reads the facts of the request's subject
//! ([`facts::facts`], strings and loops) and judges them in words
//! ([`verdict::verdict`], total and without heap). An [`Envelope`] bounds what
//! could ever be permitted and can only be narrowed; a session's exposure can
//! only grow ([`session::step`]).
//!
//! Subjects are read from text by `portcullis_text`, whose types are named here by the paths they always had.
//!
//! No I/O, no clock, no randomness, no `unsafe`: whoever calls it brings those.

mod named;

pub mod activation;
pub mod command;
pub mod glob;
pub mod heyting;
pub mod host;
pub use portcullis_text::path;

pub mod budget;
pub mod codec;
pub mod decide;
pub mod digest;
pub mod envelope;
pub mod exposure;
pub mod facts;
pub mod level;
pub mod operation;
pub mod posture;
pub mod request;
pub mod scope;
pub mod session;
pub mod text;
pub mod verdict;

pub use budget::{Amount, Ledger};
pub use command::{ArgPattern, Argv, CommandLattice, CommandPattern};
pub use decide::{Approval, Decision, Permit, Refusal, decide};
pub use digest::{ContentDigest, EnvelopeDigest, RequestDigest};
pub use envelope::{Declarations, Envelope, EnvelopeParts, Section, Widened};
pub use exposure::{Exposure, Label};
pub use heyting::Observed;
pub use level::{Capabilities, Level};
pub use operation::{Operation, OperationSet};
pub use posture::Posture;
pub use request::{CommandSubject, Content, ContentId, Provenance, Request, SessionId, Subject, ToolClass, UrlSubject};
pub use scope::{Conjunction, Scope, Union};
pub use session::{Answer, Event, SessionState, step};
pub use text::{GitPattern, TextPattern};
pub use verdict::{Outcome, Phase, Reason, Reasons, SessionWord, Sinks, SubjectFacts, Verdict, verdict};
