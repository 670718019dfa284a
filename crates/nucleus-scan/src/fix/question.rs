//! Versions that no lock file knows: what is asked for, and the rewrite an answer comes to.

use std::sync::Arc;

use crate::launch::npm_spec;
use crate::model::{Edit, Evidence, Scan};

/// How a version is written behind a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    /// `name@1.2.3`.
    Npm,
    /// `name==1.2.3`.
    Python,
    /// `name:1.2.3` or `name@sha256:…`.
    Image,
    /// `owner/action@` and forty hexadecimal digits.
    Commit,
}

/// Something that is fetched without a version, and where.
#[derive(Clone, Debug)]
pub struct Question {
    name: String,
    spelling: Spelling,
    evidence: Evidence,
    /// The bytes of the text that is replaced, quotes left out.
    edit: Edit,
}

/// Everything the scan found without a version that no lock file knows, each place once.
#[must_use]
pub fn questions(scan: &Scan) -> Vec<Question> {
    let mut found: Vec<Question> = Vec::new();
    for finding in scan
        .findings
        .iter()
        .filter(|finding| finding.suppressed.is_none())
    {
        let known = finding.fix.as_ref().map_or(&[][..], |fix| &fix.edits);
        for evidence in &finding.evidence {
            let span = evidence.place.span;
            let is_known = |edit: &Edit| span.start <= edit.span.start && edit.span.end <= span.end;
            if known.iter().any(is_known) {
                continue;
            }
            let new = question(finding.rule.0, evidence);
            found.extend(new.filter(|new| !found.iter().any(|old| old.edit == new.edit)));
        }
    }
    found
}

fn question(rule: &str, evidence: &Evidence) -> Option<Question> {
    if !matches!(
        rule,
        "unpinned-package" | "unpinned-image" | "unpinned-agent-action"
    ) {
        return None;
    }
    let text = std::fs::read_to_string(&evidence.place.file.path).ok()?;
    let span = evidence.place.span;
    let raw = text.get(span.start..span.end)?;
    let quotes =
        usize::from(raw.len() >= 2 && raw.starts_with(['"', '\'']) && raw.ends_with(['"', '\'']));
    let (start, end) = (span.start + quotes, span.end - quotes);
    let (name, spelling) = named(rule, text.get(start..end)?, &text[..start])?;
    Some(Question {
        name,
        spelling,
        evidence: evidence.clone(),
        edit: Edit {
            file: Arc::clone(&evidence.place.file),
            span: (start..end).into(),
            replacement: String::new(),
        },
    })
}

/// The name without its version, and how one is written behind it.
fn named(rule: &str, text: &str, before: &str) -> Option<(String, Spelling)> {
    if text.contains(char::is_whitespace) {
        return None;
    }
    match rule {
        "unpinned-agent-action" => Some((text.split('@').next()?.to_owned(), Spelling::Commit)),
        "unpinned-image" => Some((
            text.strip_suffix(":latest").unwrap_or(text).to_owned(),
            Spelling::Image,
        )),
        _ if is_python(before) => {
            let end = text
                .find(['=', '<', '>', '~', '!', '@', '[', ';'])
                .unwrap_or(text.len());
            let plain = !text.contains("://") && !text.contains('[');
            (plain && end > 0).then(|| (text[..end].to_owned(), Spelling::Python))
        }
        _ => npm_spec(text).map(|package| (package.name, Spelling::Npm)),
    }
}

/// Whether the runner named last before the package is one of Python's.
fn is_python(before: &str) -> bool {
    let runner = |word: &&str| {
        matches!(
            *word,
            "npx"
                | "pnpx"
                | "bunx"
                | "npm"
                | "pnpm"
                | "yarn"
                | "bun"
                | "uvx"
                | "uv"
                | "pipx"
                | "pip"
        )
    };
    before
        .rsplit(|c: char| !c.is_ascii_alphanumeric())
        .find(runner)
        .is_some_and(|word| matches!(word, "uvx" | "uv" | "pipx" | "pip"))
}

impl Question {
    /// The package, image or action.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
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
            Spelling::Npm | Spelling::Python => "an exact version, such as 1.2.3",
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
            Spelling::Npm if is_exact(version) => format!("{name}@{version}"),
            Spelling::Python if is_exact(version) => format!("{name}=={version}"),
            Spelling::Image if is_digest(version) => format!("{name}@{version}"),
            Spelling::Image if version != "latest" && is_tag(version) => {
                format!("{name}:{version}")
            }
            Spelling::Commit if is_hex(version, 40) => format!("{name}@{version}"),
            _ => {
                return Err(format!(
                    "`{version}` does not pin `{name}`: write {}",
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

fn is_exact(version: &str) -> bool {
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
