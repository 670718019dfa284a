//! The lines of the label file.

use portcullis::{ContentDigest, Exposure};
use serde::{Deserialize, Serialize};

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Record {
    /// A session lands this; no label means that it was not untrusted.
    Write {
        path: PathText,
        digest: Option<String>,
        before: Option<String>,
        labels: u8,
    },
    /// The user trusts this.
    Endorse {
        path: PathText,
        digest: Option<String>,
    },
    /// Content that was labelled under some path before.
    Content { digest: String },
}

/// A path as text, or as hex where it is none.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum PathText {
    /// UTF-8.
    Text(String),
    /// Any bytes.
    Hex(String),
}

impl PathText {
    /// The text for these bytes.
    pub(super) fn of(path: &[u8]) -> Self {
        match std::str::from_utf8(path) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Hex(path.iter().map(|byte| format!("{byte:02x}")).collect()),
        }
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(text.as_bytes().to_vec()),
            Self::Hex(hex) if hex.is_ascii() && hex.len().is_multiple_of(2) => (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok())
                .collect(),
            Self::Hex(_) => None,
        }
    }
}

/// A digest, `None` where there is none; an error where it is no digest.
pub(super) fn digest(text: Option<&str>) -> Result<Option<ContentDigest>, &'static str> {
    text.map(|hex| ContentDigest::from_hex(hex).ok_or("`digest` is not 64 hex digits"))
        .transpose()
}

/// The labels of these bits.
pub(super) fn labels(bits: u8) -> Result<Exposure, &'static str> {
    Exposure::from_bits(bits).ok_or("`labels` has an unknown bit")
}
