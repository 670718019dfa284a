//! `nucleus claims`: what is claimed of the decisions this binary makes, and what is not.

use portcullis::ContentDigest;
use serde::{Deserialize, Serialize};

use crate::report::Failure;
use crate::style::{BOLD, DIM, paint};

/// The claims of the sources that this binary was built from.
const CLAIMS: &str = include_str!("../../../../claims.toml");

/// Arguments of `nucleus claims`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The claims, as `claims.toml` has them; `cargo xtask claims` checks what they name.
#[derive(Debug, Deserialize, Serialize)]
struct Claims {
    version: u32,
    trusted: Vec<Named>,
    not_proved: Vec<Named>,
    claim: Vec<Claim>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Named {
    name: String,
    why: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct Claim {
    id: String,
    says: String,
    not: String,
    #[serde(default)]
    laws: Vec<String>,
    #[serde(default)]
    theorems: Vec<String>,
    #[serde(default)]
    tests: Vec<String>,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    let claims: Claims = toml::from_str(CLAIMS).map_err(|error| Failure::new(1, error))?;
    let binary = std::fs::read(std::env::current_exe()?)?;
    let digest = ContentDigest::of(&binary).to_string();
    if args.json {
        let all = serde_json::json!({ "binary_sha256": digest, "claims": claims });
        anstream::println!("{all:#}");
        return Ok(0);
    }
    for claim in &claims.claim {
        anstream::println!("{}", paint(BOLD, &claim.says));
        anstream::println!("    {} {}", paint(DIM, "not:"), claim.not);
        let counts = [
            (&claim.laws, "law"),
            (&claim.theorems, "theorem"),
            (&claim.tests, "test"),
        ]
        .into_iter()
        .filter(|(names, _)| !names.is_empty())
        .map(|(names, kind)| {
            format!(
                "{} {kind}{}",
                names.len(),
                if names.len() == 1 { "" } else { "s" }
            )
        });
        anstream::println!(
            "    {} {}",
            paint(DIM, "by:"),
            counts.collect::<Vec<_>>().join(", ")
        );
    }
    anstream::println!("\n{}", paint(BOLD, "Trusted"));
    list(&claims.trusted);
    anstream::println!("{}", paint(BOLD, "Not proved"));
    list(&claims.not_proved);
    anstream::println!("\nthis binary: sha256 {digest}");
    anstream::eprintln!(
        "{}",
        paint(
            DIM,
            "the evidence by name: docs/verified-claims.md; to run it again: cargo xtask prove"
        )
    );
    Ok(0)
}

fn list(entries: &[Named]) {
    for entry in entries {
        anstream::println!(
            "    {} {}",
            paint(DIM, format!("{}:", entry.name)),
            entry.why
        );
    }
}
