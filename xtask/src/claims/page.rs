//! The page that a security engineer reads.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Claims, Evidence, Named};

const HEAD: &str = "# Verified claims

What Nucleus claims about its decisions, and what stands behind each claim. This page is rendered from `claims.toml` by
`cargo xtask claims`; `cargo xtask prove` runs the evidence again.

A **law** is a statement about the Rust function that the compiler really made: a prover shows it for every input, panics and
overflow included, and the same statement is a property test and, where the inputs are few, an exhaustive check. A **theorem**
is proved in Rocq of a model, for traces of any length; it rests on the laws of one step, by name, and the model is compared
with the Rust engine on millions of traces. A **test** runs the real program. Each claim says what it does *not* say.
";

/// The whole page.
pub(super) fn render(claims: &Claims, evidence: &Evidence) -> String {
    let mut page = HEAD.to_owned();
    for claim in &claims.claim {
        let _ = write!(
            page,
            "\n## {}\n\n**{}**\n\n*It does not say:* {}\n",
            heading(&claim.id),
            claim.says.trim(),
            claim.not.trim()
        );
        list(&mut page, "Laws", &claim.laws, &evidence.laws);
        list(&mut page, "Theorems", &claim.theorems, &evidence.theorems);
        list(&mut page, "Tests", &claim.tests, &BTreeMap::new());
    }
    named(&mut page, "What is trusted", &claims.trusted);
    named(&mut page, "What is not proved", &claims.not_proved);
    let _ = write!(
        page,
        "\n## In numbers\n\n{} laws and {} theorems are checked in every run; neither number may fall unnoticed.\n",
        evidence.laws.len(),
        evidence.theorems.len()
    );
    page
}

/// `no-exfil` as a heading: `No exfil`.
fn heading(id: &str) -> String {
    let text = id.replace('-', " ");
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn list(page: &mut String, title: &str, names: &[String], sentences: &BTreeMap<String, String>) {
    if names.is_empty() {
        return;
    }
    let _ = write!(page, "\n{title}:\n\n");
    for name in names {
        match sentences.get(name).filter(|sentence| !sentence.is_empty()) {
            Some(sentence) => _ = writeln!(page, "- `{name}`: {sentence}"),
            None => _ = writeln!(page, "- `{name}`"),
        }
    }
}

fn named(page: &mut String, title: &str, entries: &[Named]) {
    let _ = write!(page, "\n## {title}\n\n");
    for entry in entries {
        let _ = writeln!(page, "- **{}.** {}", entry.name, entry.why);
    }
}
