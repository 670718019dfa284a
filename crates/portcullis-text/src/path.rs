//! Gives every workspace file one spelling: relative, NFC, without `.`, `..` or empty segments.
//!
//! What has no single spelling is refused with a [`PathError`] that says why and what to do instead.
//! Windows forms are refused on every platform, although Linux allows such names, so that one policy
//! means one set of files wherever the workspace is checked out. A backslash is refused for the same
//! reason: it is a separator in one place and a letter in the other.
//!
//! `..` is resolved in the text, never through the file system: whoever opens a [`RelPath`] resolves it
//! beneath a directory handle, without following links.

use crate::named::excerpt;
use crate::named_enum;
use std::fmt;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Longest path in bytes, as given: `PATH_MAX` of Linux less its terminator.
pub const MAX_PATH_BYTES: usize = 4095;
/// Longest segment in bytes: `NAME_MAX` of Linux.
pub const MAX_SEGMENT_BYTES: usize = 255;

/// Names one file or directory of the workspace; the empty path is the workspace itself.
///
/// Ordered by bytes of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelPath {
    text: String,
    /// The case-folded text where it differs: most paths are already folded and cost nothing here.
    folded: Option<Box<str>>,
}

named_enum! {
    /// Says which rule a path breaks.
    PathFault {
        /// Longer than [`MAX_PATH_BYTES`].
        TooLong = "is longer than 4095 bytes",
        /// A segment longer than [`MAX_SEGMENT_BYTES`].
        SegmentTooLong = "has a segment longer than 255 bytes",
        /// Bytes that are not UTF-8.
        NotUtf8 = "is not UTF-8",
        /// A NUL, newline or other control character.
        ControlCharacter = "has a control character",
        /// Starts with `/` where a relative path is needed.
        Absolute = "is absolute",
        /// An absolute path that is not beneath the workspace.
        OutsideRoot = "is outside the workspace",
        /// `..` leads above the workspace.
        Escapes = "leads above the workspace",
        /// The name on disk is not NFC, so its NFC spelling would be another file.
        NotNormalised = "is not in Unicode NFC",
        /// A backslash: drive paths, UNC, `\\?\`.
        Backslash = "has a backslash",
        /// A colon: drive letters and alternate data streams.
        Colon = "has a colon (drive letter or alternate stream)",
        /// A DOS device name such as `NUL` or `COM1`, with or without extension.
        ReservedName = "is a reserved device name",
        /// An 8.3 short name such as `PROGRA~1`.
        ShortName = "has the form of an 8.3 short name",
        /// A segment that ends in a dot or a space, which Windows drops.
        TrailingDotOrSpace = "has a segment ending in a dot or space",
    }
}

/// Refuses a path: the rule it breaks and the offending part, escaped and cut to 64 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    fault: PathFault,
    evidence: String,
}

impl PathError {
    /// The rule broken.
    #[inline]
    #[must_use]
    pub const fn fault(&self) -> PathFault {
        self.fault
    }

    fn new(fault: PathFault, evidence: &str) -> Self {
        Self { fault, evidence: excerpt(evidence) }
    }

    /// The way out, for a help line.
    #[inline]
    pub const fn help(&self) -> &'static str {
        match self.fault {
            PathFault::Absolute | PathFault::OutsideRoot | PathFault::Escapes => {
                "name a file beneath the workspace, relative to its root"
            }
            PathFault::NotNormalised => "rename the file to its NFC spelling",
            PathFault::Backslash => "separate directories with `/`",
            PathFault::TooLong | PathFault::SegmentTooLong => "use a shorter name",
            _ => "rename the file: this name means different files on different systems",
        }
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "path `{}` {}", self.evidence, self.fault)
    }
}

impl std::error::Error for PathError {}

impl RelPath {
    /// The workspace itself.
    #[inline]
    pub const fn root() -> Self {
        Self { text: String::new(), folded: None }
    }

    /// Parses a relative path and puts it in its one spelling; `""`, `.` and `./` are the root.
    ///
    /// For text people and models write. **A name composed here may differ from the one on disk**: whoever
    /// walks the file system uses [`RelPath::parse_exact`] or [`RelPath::parse_bytes`].
    ///
    /// # Errors
    /// [`PathError`] when the path has no single spelling beneath the workspace.
    #[inline]
    pub fn parse(path: &str) -> Result<Self, PathError> {
        check_characters(path)?;
        let composed: String = path.nfc().collect();
        refuse_if(composed.starts_with('/'), PathFault::Absolute, path)?;
        let mut kept: Vec<&str> = Vec::new();
        for segment in composed.split('/') {
            match segment {
                "" | "." => {}
                ".." => refuse_if(kept.pop().is_none(), PathFault::Escapes, path)?,
                name => {
                    check_segment(name)?;
                    kept.push(name);
                }
            }
        }
        let text = kept.join("/");
        // NFC may grow a text; the bound holds for what is kept as well.
        check_length(&text)?;
        Ok(Self::spelled(text))
    }

    fn spelled(text: String) -> Self {
        let folded = Some(fold(&text)).filter(|folded| *folded != text);
        Self { folded: folded.map(String::into_boxed_str), text }
    }

    /// Parses a name met on disk: like [`RelPath::parse`], but a text that is not already NFC is refused,
    /// because its NFC spelling would silently name another file.
    ///
    /// # Errors
    /// [`PathError`], with [`PathFault::NotNormalised`] for a name that is not NFC.
    #[inline]
    pub fn parse_exact(path: &str) -> Result<Self, PathError> {
        check_length(path)?;
        refuse_if(!is_nfc(path), PathFault::NotNormalised, path)?;
        Self::parse(path)
    }

    /// Parses the bytes of a name met on disk, as [`RelPath::parse_exact`].
    ///
    /// # Errors
    /// [`PathError`], with [`PathFault::NotUtf8`] for bytes that are not UTF-8.
    #[inline]
    pub fn parse_bytes(path: &[u8]) -> Result<Self, PathError> {
        let text = std::str::from_utf8(path)
            .map_err(|_| PathError::new(PathFault::NotUtf8, &String::from_utf8_lossy(path)))?;
        Self::parse_exact(text)
    }

    /// Parses a path that may be absolute, as seen from the workspace at the absolute path `root`.
    ///
    /// The root is compared byte for byte after `.`, `..` and `//` are resolved in both texts.
    ///
    /// # Errors
    /// [`PathError`], with [`PathFault::OutsideRoot`] for an absolute path elsewhere.
    #[inline]
    pub fn beneath(root: &str, path: &str) -> Result<Self, PathError> {
        if !path.starts_with('/') {
            return Self::parse(path);
        }
        check_characters(path)?;
        // FAIL-CLOSED: nothing absolute is beneath a root that is not.
        refuse_if(!root.starts_with('/'), PathFault::OutsideRoot, path)?;
        let (root, full) = (absolute_segments(root), absolute_segments(path));
        let rest = full.strip_prefix(root.as_slice()).ok_or_else(|| PathError::new(PathFault::OutsideRoot, path))?;
        Self::parse(&rest.join("/"))
    }

    /// The canonical text; empty for the root.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text as protected names are compared: see [`fold`].
    #[inline]
    pub fn folded(&self) -> &str {
        self.folded.as_deref().unwrap_or(&self.text)
    }

    /// Whether folding changes the text.
    #[inline]
    pub fn is_unfolded(&self) -> bool {
        self.folded.is_some()
    }

    /// Whether this is the workspace itself.
    #[inline]
    pub fn is_root(&self) -> bool {
        self.text.is_empty()
    }

    /// The names from the root down; none for the root.
    #[inline]
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.text.split('/').filter(|segment| !segment.is_empty())
    }

    /// The last name; none for the root.
    #[inline]
    pub fn file_name(&self) -> Option<&str> {
        self.segments().next_back()
    }

    /// The directory that holds this entry; none for the root.
    #[inline]
    pub fn parent(&self) -> Option<Self> {
        let above = self.text.rsplit_once('/').map_or("", |(above, _)| above);
        (!self.is_root()).then(|| Self::spelled(above.to_owned()))
    }

    /// This path followed by a relative one, which may hold `..` but not leave the workspace.
    ///
    /// # Errors
    /// [`PathError`] as [`RelPath::parse`].
    #[inline]
    pub fn join(&self, path: &str) -> Result<Self, PathError> {
        refuse_if(path.starts_with('/'), PathFault::Absolute, path)?;
        Self::parse(&format!("{}/{path}", if self.is_root() { "." } else { &self.text }))
    }

    /// Whether `ancestor` is this path or a directory above it; whole segments only.
    #[inline]
    pub fn starts_with(&self, ancestor: &Self) -> bool {
        ancestor.is_root()
            || self.text.strip_prefix(ancestor.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_root() { "." } else { &self.text })
    }
}

impl AsRef<str> for RelPath {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

/// Folds a text so that names a case-insensitive file system takes for one compare equal.
///
/// Full case folding by upper and lower case, default-ignorable characters dropped, NFC: at least as coarse
/// as the folding of ext4 (`casefold`), APFS and NTFS. Coarser only ever protects more.
#[inline]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfd().filter(|c| !is_ignorable(*c)).flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfc().collect()
}

/// Characters file systems that fold drop when they compare (Unicode `Default_Ignorable_Code_Point`).
const fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

fn refuse_if(is_broken: bool, fault: PathFault, evidence: &str) -> Result<(), PathError> {
    if is_broken { Err(PathError::new(fault, evidence)) } else { Ok(()) }
}

fn check_length(text: &str) -> Result<(), PathError> {
    refuse_if(text.len() > MAX_PATH_BYTES, PathFault::TooLong, text)
}

fn check_characters(path: &str) -> Result<(), PathError> {
    check_length(path)?;
    let fault = match path.chars().find(|c| matches!(c, '\\' | ':') || c.is_control()) {
        Some('\\') => PathFault::Backslash,
        Some(':') => PathFault::Colon,
        found => return refuse_if(found.is_some(), PathFault::ControlCharacter, path),
    };
    Err(PathError::new(fault, path))
}

fn check_segment(name: &str) -> Result<(), PathError> {
    refuse_if(name.len() > MAX_SEGMENT_BYTES, PathFault::SegmentTooLong, name)?;
    refuse_if(name.ends_with(['.', ' ']), PathFault::TrailingDotOrSpace, name)?;
    refuse_if(is_reserved(name), PathFault::ReservedName, name)?;
    refuse_if(is_short_name(name), PathFault::ShortName, name)
}

/// `NUL`, `nul.txt`, `COM1 .log`: Windows opens the device whatever the extension.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_ascii_uppercase();
    let is_digit = |c: char| c.is_ascii_digit() || matches!(c, '\u{b9}' | '\u{b2}' | '\u{b3}');
    let port = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    let is_port = |port: &str| port.chars().count() == 1 && port.contains(is_digit);
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$")
        || port.is_some_and(is_port)
}

/// One to six characters, `~`, digits, at most eight in all; then at most a three-character extension.
fn is_short_name(name: &str) -> bool {
    let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
    let Some((head, digits)) = stem.rsplit_once('~') else {
        return false;
    };
    !head.is_empty()
        && stem.chars().count() <= 8
        && !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && extension.chars().count() <= 3
        && !extension.contains('.')
}

/// Segments of an absolute path; `..` at the top stays at the top, as in the kernel.
fn absolute_segments(path: &str) -> Vec<&str> {
    let mut kept = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            name => kept.push(name),
        }
    }
    kept
}
