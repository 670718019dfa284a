//! Ships the profiles, each once, as the text of a policy.

use std::sync::LazyLock;

use crate::document::Document;
use crate::error::Source;
use crate::read::read_document;

/// The profile that holds when none is named.
pub const DEFAULT_PROFILE: &str = "restrictive";

/// A shipped profile.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its name; a hyphen and an underscore are the same.
    pub name: &'static str,
    /// Other names of the same profile.
    pub aliases: &'static [&'static str],
    /// Whom it is for.
    pub sentence: String,
    /// What a session under it can never do.
    pub never: String,
    /// Its text, a policy that stands by itself.
    pub text: &'static str,
}

impl Profile {
    /// Its text under its name.
    #[must_use]
    pub fn source(&self) -> Source {
        Source::new(format!("profile {}", self.name), self.text)
    }
}

/// Name, further names, text.
type Shipped = (&'static str, &'static [&'static str], &'static str);

static SHIPPED: &[Shipped] = &[
    ("read-only", &[], include_str!("../profiles/read-only.toml")),
    ("fix-issue", &[], include_str!("../profiles/fix-issue.toml")),
    (
        "restrictive",
        &[],
        include_str!("../profiles/restrictive.toml"),
    ),
    (
        "code-review",
        &[],
        include_str!("../profiles/code-review.toml"),
    ),
    (
        "web-research",
        &["research_web"],
        include_str!("../profiles/web-research.toml"),
    ),
    ("full", &[], include_str!("../profiles/full.toml")),
    (
        "safe_pr_fixer",
        &[],
        include_str!("../profiles/safe_pr_fixer.toml"),
    ),
    (
        "doc_editor",
        &[],
        include_str!("../profiles/doc_editor.toml"),
    ),
    (
        "test_runner",
        &[],
        include_str!("../profiles/test_runner.toml"),
    ),
    (
        "triage_bot",
        &[],
        include_str!("../profiles/triage_bot.toml"),
    ),
    ("codegen", &[], include_str!("../profiles/codegen.toml")),
    ("release", &[], include_str!("../profiles/release.toml")),
    ("local_dev", &[], include_str!("../profiles/local_dev.toml")),
];

static PROFILES: LazyLock<Vec<Profile>> = LazyLock::new(|| SHIPPED.iter().map(describe).collect());

fn describe(&(name, aliases, text): &Shipped) -> Profile {
    let document = read_document(text)
        .unwrap_or_else(|fault| panic!("profile {name} parses, as tested: {}", fault.message));
    let sentence = |key| sentence(&document, key).unwrap_or_default();
    Profile {
        name,
        aliases,
        sentence: sentence("sentence"),
        never: sentence("never"),
        text,
    }
}

fn sentence(document: &Document, key: &'static str) -> Option<String> {
    Some(document.entry("profile", key)?.text()?.value.to_owned())
}

/// Every shipped profile, in the order in which they are listed to users.
#[must_use]
pub fn profiles() -> &'static [Profile] {
    &PROFILES
}

/// Every name of every profile.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    SHIPPED
        .iter()
        .flat_map(|(name, aliases, _)| std::iter::once(*name).chain(aliases.iter().copied()))
}

/// The profile of this name or alias; a hyphen and an underscore are the same, letters count.
#[must_use]
pub fn profile(name: &str) -> Option<&'static Profile> {
    let hyphened = |name: &str| name.replace('_', "-");
    let wanted = hyphened(name);
    let is_meant = |own: &&str| hyphened(own) == wanted;
    profiles()
        .iter()
        .find(|profile| is_meant(&profile.name) || profile.aliases.iter().any(is_meant))
}
