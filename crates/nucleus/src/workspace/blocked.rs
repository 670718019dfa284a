//! Tells quickly which names of a walk the envelope blocks.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use portcullis::glob::PathPattern;
use portcullis::path::{RelPath, fold};
use portcullis::{Envelope, EnvelopeDigest, Union};

use super::EntryPath;
use super::labels::Repository;
use super::tree::split;

/// The blocked paths of one envelope.
#[derive(Debug)]
pub(crate) struct Blocked {
    of: EnvelopeDigest,
    patterns: Union<PathPattern>,
    quick: Quick,
    fixed: Vec<PathBuf>,
}

/// What the last name of a blocked path looks like; a name that looks like none of these is not blocked.
#[derive(Debug, Default)]
struct Quick {
    literal: HashSet<String>,
    /// Prefix and suffix around wildcards.
    wild: Vec<(String, String)>,
    is_anything: bool,
}

impl Blocked {
    /// The blocked paths of the envelope.
    pub(crate) fn of(envelope: &Envelope) -> Self {
        let patterns = envelope.paths().blocked().clone();
        let mut quick = Quick::default();
        let mut fixed = Vec::new();
        for pattern in patterns.patterns() {
            quick.add(pattern.as_str());
            fixed.extend(fixed_path(pattern.as_str()));
        }
        Self {
            of: envelope.digest(),
            patterns,
            quick,
            fixed,
        }
    }

    /// Whether it is of this envelope.
    pub(crate) fn is_of(&self, envelope: &Envelope) -> bool {
        self.of == envelope.digest()
    }

    /// Whether nothing is.
    pub(crate) fn is_nothing(&self) -> bool {
        self.patterns.patterns().is_empty()
    }

    /// Paths that are hidden whether they exist or not: names at the root and anchored names without wildcards.
    pub(crate) fn fixed(&self) -> &[PathBuf] {
        &self.fixed
    }

    /// Whether the path is blocked; whoever asks knows that no directory above it is.
    pub(crate) fn holds(&self, path: &[u8]) -> bool {
        let (_, name) = split(path);
        if !self.quick.may_hold(name) {
            return false;
        }
        match RelPath::parse_bytes(path) {
            Ok(path) => self.holds_rel(&path),
            // FAIL-CLOSED: a name without a canonical spelling is blocked when its nearest spelling is.
            Err(_) => RelPath::parse(&nearest(path)).map_or(true, |path| self.holds_rel(&path)),
        }
    }

    /// Whether the path, or a directory above it, is blocked.
    pub(crate) fn holds_rel(&self, path: &RelPath) -> bool {
        self.patterns.any(|pattern| pattern.matches_folded(path))
    }
}

/// The blocked files below `root` that its repository tracks.
pub(crate) fn tracked_names(root: &Path, envelope: &Envelope) -> Vec<EntryPath> {
    let Some(mut repository) = Repository::find(root) else {
        return Vec::new();
    };
    repository.refresh();
    let blocked = Blocked::of(envelope);
    let names = repository.names_that(|name| {
        let mut ends = name.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        blocked.holds(name) || ends.any(|(end, _)| blocked.holds(&name[..end]))
    });
    names
        .iter()
        .map(|name| EntryPath::from_bytes(name))
        .collect()
}

impl Quick {
    fn add(&mut self, pattern: &str) {
        let Some(last) = pattern
            .split('/')
            .rfind(|name| !name.is_empty() && *name != "**")
        else {
            self.is_anything = true;
            return;
        };
        let last = fold(last);
        let except = last.find("!(");
        let wild = last.find(['*', '?']);
        match (except, wild) {
            (None, None) => {
                self.literal.insert(last);
            }
            (Some(at), None) => self.wild.push((last[..at].to_owned(), String::new())),
            (None, Some(first)) => {
                let after = last.rfind(['*', '?']).map_or("", |at| &last[at + 1..]);
                self.wild.push((last[..first].to_owned(), after.to_owned()));
            }
            (Some(a), Some(b)) => self.wild.push((last[..a.min(b)].to_owned(), String::new())),
        }
    }

    fn may_hold(&self, name: &[u8]) -> bool {
        if self.is_anything {
            return true;
        }
        // Rare names take the slow path: other scripts, and those without a canonical spelling.
        let is_plain =
            |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b':' | b'\\' | b'~');
        if !name.iter().all(is_plain) || name.ends_with(b".") || name.ends_with(b" ") {
            return true;
        }
        let mut folded = [0; 256];
        let Some(folded) = folded.get_mut(..name.len()) else {
            return true;
        };
        folded.copy_from_slice(name);
        folded.make_ascii_lowercase();
        let Ok(folded) = std::str::from_utf8(folded) else {
            return true;
        };
        self.literal.contains(folded)
            || self.wild.iter().any(|(prefix, suffix)| {
                folded.starts_with(prefix.as_str()) && folded.ends_with(suffix.as_str())
            })
    }
}

/// A path without wildcards that the pattern names: at the root where it holds at any depth.
fn fixed_path(pattern: &str) -> Option<PathBuf> {
    let names: Vec<&str> = pattern.split('/').filter(|name| !name.is_empty()).collect();
    let names = match names.as_slice() {
        ["**", rest @ .., "**"] | ["**", rest @ ..] | [rest @ .., "**"] | rest => rest,
    };
    let is_literal = |name: &&str| !name.contains(['*', '?']) && !name.contains("!(");
    (!names.is_empty() && names.iter().all(is_literal)).then(|| names.iter().collect())
}

/// The text a name without canonical spelling comes nearest to.
fn nearest(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    let names = text.split('/').map(|name| {
        let plain: String = name
            .chars()
            .map(|c| {
                if c.is_control() || matches!(c, ':' | '\\' | '~') {
                    '_'
                } else {
                    c
                }
            })
            .collect();
        plain.trim_end_matches(['.', ' ']).to_owned()
    });
    names.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::Blocked;
    use portcullis::glob::PathPattern;
    use portcullis::{Conjunction, Envelope, EnvelopeParts, Section, Union};
    use std::path::PathBuf;

    fn blocked(patterns: &[&str]) -> Blocked {
        let mut parts = EnvelopeParts::everything();
        parts.paths = Section {
            listed: Conjunction::everything(),
            blocked: Union::of(patterns.iter().map(|p| PathPattern::parse(p).unwrap())),
        };
        Blocked::of(&Envelope::new(parts))
    }

    #[test]
    fn the_quick_test_never_loses_a_match() {
        let patterns = [
            ".env",
            ".env.!(example)",
            "*.pem",
            "id_?sa*",
            "certs/private",
            "/top",
            "a/**/secret",
            "**/.config/gh",
        ];
        let blocked = blocked(&patterns);
        let exact: Vec<PathPattern> = patterns
            .iter()
            .map(|p| PathPattern::parse(p).unwrap())
            .collect();
        let names = [
            ".env",
            ".ENV",
            ".env.local",
            ".env.example",
            "x.PEM",
            "a/x.pem",
            "id_rsa",
            "id_dsa.pub",
            "certs/private",
            "certs/PRIVATE",
            "x/certs/private",
            "top",
            "x/top",
            "a/secret",
            "a/b/secret",
            ".config/gh",
            "x/.config/gh",
            "src/main.rs",
            "env",
            "caf\u{e9}.pem",
            ".e\u{200b}nv",
            "secret",
        ];
        for name in names {
            let path = portcullis::path::RelPath::parse(name).unwrap();
            let expected = exact.iter().any(|p| p.matches_folded(&path));
            assert_eq!(blocked.holds(name.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn odd_spellings_of_a_blocked_name_are_blocked_and_others_are_not() {
        let blocked = blocked(&[".env", "*.pem"]);
        for name in [
            &b".env "[..],
            b".env.",
            b"a:b.pem",
            b"x\xff.pem",
            b"re\xcc\x81.pem",
            b"SECRET~1.PEM",
            b"a\nb.pem",
        ] {
            assert!(blocked.holds(name), "{}", name.escape_ascii());
        }
        for name in [&b"a:b"[..], b"x\xff.rs", b"a\nb"] {
            assert!(!blocked.holds(name), "{}", name.escape_ascii());
        }
    }

    #[test]
    fn names_of_the_root_are_fixed() {
        let blocked = blocked(&[".env", "*.pem", "/a/b", "**/.config/gh"]);
        let expected: Vec<PathBuf> = [".env", "a/b", ".config/gh"]
            .iter()
            .map(PathBuf::from)
            .collect();
        assert_eq!(blocked.fixed(), expected);
    }
}
