//! The tamper-evident log: append, chain, checkpoint, verify, replay.
//!
//! One log is one directory: `audit-0000.jsonl` and the files that follow it,
//! `audit.checkpoints`, and `audit-torn-N` for lines set aside after a crash.
//! A line is one record in one spelling. Its hash covers every byte of the line
//! before it, and through the hash of the record before, all lines before.
//!
//! - [`Log::append`] is the only maker of [`Recorded`]: an effect that takes a
//!   `Recorded<Permit>` by value has a record before it happens.
//! - [`verify`] names the first bad record and what was done to it.
//! - **A tail cut off together with its checkpoints is detectable only against a
//!   mirror of the checkpoints**, and records after the last checkpoint are
//!   chained but not signed.
//! - Texts are redacted by rule ([`Redactor`]); values of environments, input and
//!   content are never in a record.

mod canon;
mod chain;
mod checkpoint;
mod draft;
mod error;
mod export;
mod files;
mod follow;
mod key;
mod log;
mod read;
mod record;
mod redact;
mod replay;
mod subject;
mod timeline;
mod verify;

pub use chain::{ChainHash, RECORD_VERSION};
pub use checkpoint::{Checkpoint, Occasion};
pub use draft::{ApprovalGiven, Context, Draft, Effect, Judged, Start, Times};
pub use error::{LogError, ReadError};
pub use export::{Format, export};
pub use files::CHECKPOINT_FILE;
pub use follow::Follow;
pub use key::{KEY_NAME, KeyError, SigningKey, VerifyingKey, load_or_create_key, public_key_path};
pub use log::{
    Durability, Log, LogOptions, Payload, Pending, Recorded, Recovery, Status, TornLine,
};
pub use read::{Records, read};
pub use record::{
    Body, Boundary, BudgetPart, DecisionPart, Detail, EffectWord, ExposurePart, HexBytes, Kind,
    Layer, Probe, Record, RequestPart,
};
pub use redact::{MARK, MIN_SECRET_BYTES, Redactor, SecretTooShort};
pub use replay::{Difference, ReplayReport, replay};
pub use subject::RecordedSubject;
pub use timeline::{Weight, timeline};
pub use verify::{
    Fault, Finding, Place, Report, Torn, Truncation, VerifyError, VerifyOptions, verify,
};
