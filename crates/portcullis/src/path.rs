//! Gives every workspace file one spelling: relative, NFC, without `.`, `..` or empty segments.
//!
//! What has no single spelling is refused with a [`PathError`] that says why and what to do instead.
//! Windows forms are refused on every platform, although Linux allows such names, so that one policy
//! means one set of files wherever the workspace is checked out. A backslash is refused for the same
//! reason: it is a separator in one place and a letter in the other.
//!
//! `..` is resolved in the text, never through the file system: whoever opens a [`RelPath`] resolves it
//! beneath a directory handle, without following links.

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

/// Says which rule a path breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PathFault {
    /// Longer than [`MAX_PATH_BYTES`].
    TooLong,
    /// A segment longer than [`MAX_SEGMENT_BYTES`].
    SegmentTooLong,
    /// Bytes that are not UTF-8.
    NotUtf8,
    /// A NUL, newline or other control character.
    ControlCharacter,
    /// Starts with `/` where a relative path is needed.
    Absolute,
    /// An absolute path that is not beneath the workspace.
    OutsideRoot,
    /// `..` leads above the workspace.
    Escapes,
    /// The name on disk is not NFC, so its NFC spelling would be another file.
    NotNormalised,
    /// A backslash: drive paths, UNC, `\\?\`.
    Backslash,
    /// A colon: drive letters and alternate data streams.
    Colon,
    /// A DOS device name such as `NUL` or `COM1`, with or without extension.
    ReservedName,
    /// An 8.3 short name such as `PROGRA~1`.
    ShortName,
    /// A segment that ends in a dot or a space, which Windows drops.
    TrailingDotOrSpace,
}

/// Refuses a path: the rule it breaks and the offending part, escaped and cut to 64 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    fault: PathFault,
    evidence: String,
}

impl PathError {
    fn new(fault: PathFault, evidence: &str) -> Self {
        let evidence = evidence.chars().take(64).flat_map(char::escape_debug).collect();
        Self { fault, evidence }
    }

    /// The rule broken.
    #[inline]
    #[must_use]
    pub const fn fault(&self) -> PathFault {
        self.fault
    }

    /// The way out, for a help line.
    #[must_use]
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
        let why = match self.fault {
            PathFault::TooLong => "is longer than 4095 bytes",
            PathFault::SegmentTooLong => "has a segment longer than 255 bytes",
            PathFault::NotUtf8 => "is not UTF-8",
            PathFault::ControlCharacter => "has a control character",
            PathFault::Absolute => "is absolute",
            PathFault::OutsideRoot => "is outside the workspace",
            PathFault::Escapes => "leads above the workspace",
            PathFault::NotNormalised => "is not in Unicode NFC",
            PathFault::Backslash => "has a backslash",
            PathFault::Colon => "has a colon (drive letter or alternate stream)",
            PathFault::ReservedName => "is a reserved device name",
            PathFault::ShortName => "has the form of an 8.3 short name",
            PathFault::TrailingDotOrSpace => "has a segment ending in a dot or space",
        };
        write!(f, "path `{}` {why}", self.evidence)
    }
}

impl std::error::Error for PathError {}

impl RelPath {
    /// The workspace itself.
    #[inline]
    #[must_use]
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
    pub fn parse(path: &str) -> Result<Self, PathError> {
        check_characters(path)?;
        let composed: String = path.nfc().collect();
        if composed.starts_with('/') {
            return Err(PathError::new(PathFault::Absolute, path));
        }
        let mut kept: Vec<&str> = Vec::new();
        for segment in composed.split('/') {
            match segment {
                "" | "." => {}
                ".." => {
                    kept.pop().ok_or_else(|| PathError::new(PathFault::Escapes, path))?;
                }
                name => {
                    check_segment(name)?;
                    kept.push(name);
                }
            }
        }
        let text = kept.join("/");
        // NFC may grow a text; the bound holds for what is kept as well.
        check_length(&text)?;
        let folded = fold(&text);
        let folded = (folded != text).then(|| folded.into_boxed_str());
        Ok(Self { text, folded })
    }

    /// Parses a name met on disk: like [`RelPath::parse`], but a text that is not already NFC is refused,
    /// because its NFC spelling would silently name another file.
    ///
    /// # Errors
    /// [`PathError`], with [`PathFault::NotNormalised`] for a name that is not NFC.
    pub fn parse_exact(path: &str) -> Result<Self, PathError> {
        check_length(path)?;
        if !is_nfc(path) {
            return Err(PathError::new(PathFault::NotNormalised, path));
        }
        Self::parse(path)
    }

    /// Parses the bytes of a name met on disk, as [`RelPath::parse_exact`].
    ///
    /// # Errors
    /// [`PathError`], with [`PathFault::NotUtf8`] for bytes that are not UTF-8.
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
    pub fn beneath(root: &str, path: &str) -> Result<Self, PathError> {
        if !path.starts_with('/') {
            return Self::parse(path);
        }
        check_characters(path)?;
        let outside = || PathError::new(PathFault::OutsideRoot, path);
        if !root.starts_with('/') {
            // FAIL-CLOSED: nothing absolute is beneath a root that is not.
            return Err(outside());
        }
        let (root, full) = (absolute_segments(root), absolute_segments(path));
        let rest = full.strip_prefix(root.as_slice()).ok_or_else(outside)?;
        Self::parse(&rest.join("/"))
    }

    /// The canonical text; empty for the root.
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text as protected names are compared: see [`fold`].
    #[inline]
    #[must_use]
    pub fn folded(&self) -> &str {
        self.folded.as_deref().unwrap_or(&self.text)
    }

    /// Whether folding changes the text.
    #[inline]
    pub(crate) fn is_unfolded(&self) -> bool {
        self.folded.is_some()
    }

    /// Whether this is the workspace itself.
    #[inline]
    #[must_use]
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
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        self.segments().next_back()
    }

    /// The directory that holds this entry; none for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let cut = |text: &str| text.rfind('/').map_or(String::new(), |at| text[..at].to_owned());
        let text = cut(&self.text);
        let folded = fold(&text);
        let folded = (folded != text).then(|| folded.into_boxed_str());
        Some(Self { text, folded })
    }

    /// This path followed by a relative one, which may hold `..` but not leave the workspace.
    ///
    /// # Errors
    /// [`PathError`] as [`RelPath::parse`].
    pub fn join(&self, path: &str) -> Result<Self, PathError> {
        if path.starts_with('/') {
            return Err(PathError::new(PathFault::Absolute, path));
        }
        Self::parse(&format!("{}/{path}", if self.is_root() { "." } else { &self.text }))
    }

    /// Whether `ancestor` is this path or a directory above it; whole segments only.
    #[inline]
    #[must_use]
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
#[must_use]
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

fn check_length(text: &str) -> Result<(), PathError> {
    if text.len() > MAX_PATH_BYTES {
        return Err(PathError::new(PathFault::TooLong, text));
    }
    Ok(())
}

fn check_characters(path: &str) -> Result<(), PathError> {
    check_length(path)?;
    let fault = path.chars().find_map(|c| match c {
        '\\' => Some(PathFault::Backslash),
        ':' => Some(PathFault::Colon),
        c if c.is_control() => Some(PathFault::ControlCharacter),
        _ => None,
    });
    fault.map_or(Ok(()), |fault| Err(PathError::new(fault, path)))
}

fn check_segment(name: &str) -> Result<(), PathError> {
    let fault = if name.len() > MAX_SEGMENT_BYTES {
        PathFault::SegmentTooLong
    } else if name.ends_with(['.', ' ']) {
        PathFault::TrailingDotOrSpace
    } else if is_reserved(name) {
        PathFault::ReservedName
    } else if is_short_name(name) {
        PathFault::ShortName
    } else {
        return Ok(());
    };
    Err(PathError::new(fault, name))
}

/// `NUL`, `nul.txt`, `COM1 .log`: Windows opens the device whatever the extension.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_ascii_uppercase();
    match stem.as_str() {
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$" => true,
        other => other.strip_prefix("COM").or_else(|| other.strip_prefix("LPT")).is_some_and(|port| {
            matches!(port, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "\u{b9}" | "\u{b2}" | "\u{b3}")
        }),
    }
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
