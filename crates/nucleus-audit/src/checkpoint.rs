//! Signed heads of the chain, in the form of C2SP signed notes.
//!
//! ```text
//! nucleus-audit/<session>
//! <number of records>
//! <hash of the last record, base64>
//! reason <word>
//!
//! — nucleus-audit <base64 of key hash and Ed25519 signature>
//! ```
//!
//! The first three lines are those of a C2SP checkpoint, so other tools can
//! witness it. A sidecar file holds one note after the other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis::request::SessionId;

use crate::chain::ChainHash;
use crate::key::{KEY_NAME, SigningKey, VerifyingKey};

/// What a signature line starts with: an em dash and a space.
const SIGNATURE_START: &str = "\u{2014} ";

/// Why a checkpoint was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Occasion {
    /// The log was made.
    Start,
    /// Enough records were added since the last one.
    Records,
    /// Enough time passed since the last one.
    Interval,
    /// The caller asked.
    Request,
    /// A crashed log was continued.
    Recovered,
    /// The log was closed.
    End,
}

crate::canon::canon_words!(Occasion {
    Start = "start",
    Records = "records",
    Interval = "interval",
    Request = "request",
    Recovered = "recovered",
    End = "end",
});

/// The head of the chain at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The session that the log belongs to.
    pub session: SessionId,
    /// How many records there were.
    pub records: u64,
    /// The hash of the last of them, or zeros.
    pub head: ChainHash,
    /// Why it was made.
    pub occasion: Occasion,
}

impl Checkpoint {
    /// The signed text, newline included.
    fn text(&self) -> String {
        format!(
            "{KEY_NAME}/{}\n{}\n{}\nreason {}\n",
            self.session,
            self.records,
            STANDARD.encode(self.head.as_bytes()),
            self.occasion
        )
    }

    /// The signed note.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> String {
        let text = self.text();
        let mut signature = key.verifying().hash().to_vec();
        signature.extend_from_slice(&key.sign(text.as_bytes()));
        format!(
            "{text}\n{SIGNATURE_START}{KEY_NAME} {}\n",
            STANDARD.encode(signature)
        )
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let session = lines.next()?.strip_prefix(KEY_NAME)?.strip_prefix('/')?;
        let records = lines.next()?;
        let head = STANDARD.decode(lines.next()?).ok()?;
        let reason = lines.next()?.strip_prefix("reason ")?;
        let occasion = [
            Occasion::Start,
            Occasion::Records,
            Occasion::Interval,
            Occasion::Request,
            Occasion::Recovered,
            Occasion::End,
        ]
        .into_iter()
        .find(|occasion| occasion.name() == reason)?;
        let checkpoint = Self {
            session: SessionId::from_hex(session)?,
            records: records.parse().ok()?,
            head: ChainHash::from_bytes(head.try_into().ok()?),
            occasion,
        };
        // One spelling only: what is read is what would be signed.
        (checkpoint.text() == text).then_some(checkpoint)
    }
}

/// Why a note is not a checkpoint of this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadNote {
    /// It does not have the form of one.
    Malformed,
    /// Another key signed it.
    WrongKey,
    /// The signature does not fit the text.
    BadSignature,
}

/// The notes of a sidecar file, and whether it ends inside one.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Each note's number of bytes from the front of the file to its end, and what it says.
    pub(crate) notes: Vec<Result<Checkpoint, BadNote>>,
    /// How many bytes from the front are whole notes.
    pub(crate) whole_bytes: usize,
    /// Whether bytes follow the last whole note.
    pub(crate) is_torn: bool,
}

/// Reads the notes of a sidecar file and checks each signature.
pub(crate) fn parse_notes(file: &[u8], key: &VerifyingKey) -> Notes {
    let mut notes = Notes::default();
    let mut rest = file;
    while let Some(length) = note_length(rest) {
        let (note, tail) = rest.split_at(length);
        notes.notes.push(parse_note(note, key));
        notes.whole_bytes += length;
        rest = tail;
    }
    notes.is_torn = !rest.is_empty();
    notes
}

/// The length of the note at the front, which ends with its signature line.
fn note_length(bytes: &[u8]) -> Option<usize> {
    let start = memchr::memmem::find(bytes, "\n\n\u{2014} ".as_bytes())? + 2;
    let end = memchr::memchr(b'\n', bytes.get(start..)?)?;
    Some(start + end + 1)
}

fn parse_note(note: &[u8], key: &VerifyingKey) -> Result<Checkpoint, BadNote> {
    let note = core::str::from_utf8(note).map_err(|_| BadNote::Malformed)?;
    let (text, signatures) = note.split_once("\n\n").ok_or(BadNote::Malformed)?;
    let text = format!("{text}\n");
    let line = signatures.strip_suffix('\n').ok_or(BadNote::Malformed)?;
    let signature = line
        .strip_prefix(SIGNATURE_START)
        .and_then(|line| line.strip_prefix(KEY_NAME))
        .and_then(|line| line.strip_prefix(' '))
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .ok_or(BadNote::Malformed)?;
    let (hash, signature) = signature.split_at_checked(4).ok_or(BadNote::Malformed)?;
    let signature: &[u8; 64] = signature.try_into().map_err(|_| BadNote::Malformed)?;
    if hash != key.hash() {
        return Err(BadNote::WrongKey);
    }
    if !key.is_signature(text.as_bytes(), signature) {
        return Err(BadNote::BadSignature);
    }
    Checkpoint::parse(&text).ok_or(BadNote::Malformed)
}
