//! Versions that no lock file knows: what is asked for, and the rewrite an answer comes to.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::pin::{inner, name, pinned};
use crate::launch::Registry;
use crate::model::{ByteSpan, Edit, Evidence, FileName, Finding, Place, Scan};
use crate::secret;

/// How a version is written behind a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    /// `name@1.2.3` or `name==1.2.3`.
    Package(Registry),
    /// `name:1.2.3` or `name@sha256:…`.
    Image,
    /// `owner/action@` and forty hexadecimal digits.
    Commit,
}

/// Something that is fetched without a version, and where.
#[derive(Clone)]
pub struct Question {
    name: String,
    spelling: Spelling,
    evidence: Evidence,
    /// The bytes of the text that is replaced, quotes left out.
    edit: Edit,
}

impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:?} {} {:?}",
            self.spelling,
            self.shown(),
            self.evidence
        )
    }
}

/// Everything the scan found without a version that no lock file knows, each place once.
#[must_use]
pub fn questions(scan: &Scan) -> Vec<Question> {
    let mut asked = Asked::default();
    let mut found = Vec::new();
    for finding in scan
        .findings
        .iter()
        .filter(|finding| finding.suppressed.is_none())
    {
        let edits = finding.fix.iter().flat_map(|fix| &fix.edits);
        asked
            .settled
            .extend(edits.map(|edit| (Arc::clone(&edit.file), edit.span)));
        for (place, spelling) in missing(finding) {
            found.extend(asked.question(finding, place, spelling));
        }
    }
    found
}

/// Where a finding misses a version, and of what.
fn missing(finding: &Finding) -> Vec<(&Place, Spelling)> {
    let spelling = match finding.rule.0 {
        "unpinned-image" => Spelling::Image,
        "unpinned-agent-action" => Spelling::Commit,
        _ => {
            let all = finding.fix.iter().flat_map(|fix| &fix.unpinned);
            return all
                .map(|one| (&one.place, Spelling::Package(one.registry)))
                .collect();
        }
    };
    let places = finding.evidence.iter().map(|evidence| &evidence.place);
    places.map(|place| (place, spelling)).collect()
}

/// What was read and asked for so far.
#[derive(Default)]
struct Asked<'a> {
    texts: HashMap<&'a Path, Option<String>>,
    settled: HashSet<(Arc<FileName>, ByteSpan)>,
}

impl<'a> Asked<'a> {
    /// The question about one place, unless it is settled, was asked before, or a version cannot be written there.
    fn question(
        &mut self,
        finding: &Finding,
        place: &'a Place,
        spelling: Spelling,
    ) -> Option<Question> {
        let path = place.file.path.as_path();
        let text = self
            .texts
            .entry(path)
            .or_insert_with(|| std::fs::read_to_string(path).ok())
            .as_ref()?;
        let span = inner(text, place.span.into())?;
        let name = named(text.get(span.clone())?, spelling)?;
        let file = Arc::clone(&place.file);
        if !self
            .settled
            .insert((Arc::clone(&file), span.clone().into()))
        {
            return None;
        }
        let evidence = finding.evidence.iter().find(|one| one.place == *place)?;
        Some(Question {
            name,
            spelling,
            evidence: evidence.clone(),
            edit: Edit {
                file,
                span: span.into(),
                replacement: String::new(),
            },
        })
    }
}

/// The name without its version; none where nothing can be written behind it.
fn named(text: &str, spelling: Spelling) -> Option<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"@/:._-+".contains(&b);
    match spelling {
        Spelling::Package(registry) => name(text, registry),
        Spelling::Commit => text.split('@').next().map(str::to_owned),
        Spelling::Image => Some(text.strip_suffix(":latest").unwrap_or(text).to_owned()),
    }
    .filter(|name| !name.is_empty() && text.bytes().all(|b| plain(b) || b"=<>~!^*".contains(&b)))
}

impl Question {
    /// The package, image or action.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same as it may be shown: whoever took a secret for a name did so in the file.
    #[must_use]
    pub fn shown(&self) -> String {
        secret::mask("", &self.name)
    }

    /// What stands there, and where.
    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// What an answer looks like.
    #[must_use]
    pub fn wanted(&self) -> &'static str {
        match self.spelling {
            Spelling::Package(_) => "an exact version, such as 1.2.3",
            Spelling::Image => "a tag, such as 1.2.3, or better a digest, sha256:...",
            Spelling::Commit => "the full commit id, forty hexadecimal digits",
        }
    }

    /// The rewrite for one version.
    ///
    /// # Errors
    /// Says what a version must look like: a range, a tag of an action and `latest` pin nothing.
    pub fn answered(&self, version: &str) -> Result<Edit, String> {
        let name = &self.name;
        let replacement = match self.spelling {
            Spelling::Package(registry) if is_exact(version) => pinned(name, version, registry),
            Spelling::Image if is_digest(version) => format!("{name}@{version}"),
            Spelling::Image if version != "latest" && is_tag(version) => {
                format!("{name}:{version}")
            }
            Spelling::Commit if is_hex(version, 40) => format!("{name}@{version}"),
            _ => {
                return Err(format!(
                    "`{}` does not pin `{}`: write {}",
                    secret::mask("", version),
                    self.shown(),
                    self.wanted()
                ));
            }
        };
        Ok(Edit {
            replacement,
            ..self.edit.clone()
        })
    }
}

/// One version, and no range.
pub(super) fn is_exact(version: &str) -> bool {
    version.starts_with(|c: char| c.is_ascii_digit())
        && version.contains('.')
        && is_tag(version)
        && !version.ends_with('.')
        && !version.split('.').any(|part| part == "x")
}

fn is_tag(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+' | b'_');
    !text.is_empty() && text.len() <= 128 && text.bytes().all(plain)
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| is_hex(hex, 64))
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit())
}
