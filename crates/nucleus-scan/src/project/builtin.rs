//! Powers of a client's own tools, as far as its permissions let them run unasked.

use nucleus_spec::catalog::{Effects, Kind, Party};
use portcullis::{Exposure, Operation, OperationSet, Sinks};

use super::merge::Family;
use super::permission::{allowed_patterns, allows_all, denies_all, is_bare};
use super::power::{Origin, Power};
use super::roots::is_broad;
use crate::client::Client;
use crate::model::{Literal, SandboxState, ToolKind, Verdict};

/// Everything the client's own tools may do unasked that counts as a leg.
pub(crate) fn powers(family: &Family<'_>) -> Vec<Power> {
    let mut powers: Vec<Power> = bypass(family).into_iter().collect();
    powers.extend(shell(family));
    powers.extend(network_commands(family));
    powers.extend(reads(family));
    powers.extend(outside_directories(family));
    powers.extend(web(family));
    powers
}

/// A setting that switches prompts off, unless a sandbox without network is what is left.
fn bypass(family: &Family<'_>) -> Option<Power> {
    let setting = family.bypass()?;
    let confined = match family.client {
        Client::Codex => family.sandbox() != SandboxState::Off,
        _ => false,
    };
    (!confined && !denies_all(family, &ToolKind::Shell) && !is_shell_off(family))
        .then(|| everything(setting))
}

fn is_shell_off(family: &Family<'_>) -> bool {
    family.is_builtin_off(crate::model::SHELL_TOOLS)
}

/// Any command unasked. A list of denied commands does not take a leg away: `rm` is not the way out.
fn shell(family: &Family<'_>) -> Option<Power> {
    if is_shell_off(family) {
        return None;
    }
    let rule = allows_all(family, &ToolKind::Shell)?;
    Some(everything(&rule.source))
}

/// Commands that fetch from anywhere or send anywhere.
fn network_commands(family: &Family<'_>) -> Vec<Power> {
    let mut found = Vec::new();
    for rule in allowed_patterns(family, &ToolKind::Shell) {
        let pattern = rule.pattern.as_deref().unwrap_or_default();
        let (program, rest) = match pattern.find([' ', ':']) {
            Some(at) => (&pattern[..at], &pattern[at + 1..]),
            None => (pattern, "!"),
        };
        let is_open = rest
            .split_whitespace()
            .all(|word| word == "*" || word.starts_with('-'))
            && is_bare(rest.rsplit(' ').next());
        let brings = matches!(program, "curl" | "wget");
        let sends = brings || matches!(program, "nc" | "ncat" | "scp" | "rsync" | "ssh" | "gh");
        if is_open && sends {
            let legs = Exposure::EXFIL.join(Exposure::UNTRUSTED.when(brings));
            found.push(of_rule(
                &rule.source,
                Kind::Web,
                legs,
                OperationSet::of(Operation::RunBash),
            ));
        }
    }
    found
}

/// Files beyond the workspace.
fn reads(family: &Family<'_>) -> Vec<Power> {
    if denies_all(family, &ToolKind::Read) {
        return Vec::new();
    }
    allowed_patterns(family, &ToolKind::Read)
        .into_iter()
        .filter(|rule| rule.pattern.as_deref().is_some_and(is_broad))
        .map(|rule| {
            of_rule(
                &rule.source,
                Kind::Files,
                Exposure::PRIVATE,
                OperationSet::READS,
            )
        })
        .collect()
}

fn outside_directories(family: &Family<'_>) -> Vec<Power> {
    let by_rule = allows_all(family, &ToolKind::OutsideDirectory).map(|rule| &rule.source);
    family
        .extra_directories()
        .filter(|directory| is_broad(directory.raw_unmasked()))
        .chain(by_rule)
        .map(|source| of_rule(source, Kind::Files, Exposure::PRIVATE, OperationSet::READS))
        .collect()
}

/// Fetching any page, and searching.
fn web(family: &Family<'_>) -> Vec<Power> {
    let off = |names: &[&str]| family.is_builtin_off(names);
    let mut found = Vec::new();
    let whole = |tool: &ToolKind| {
        allows_all(family, tool).filter(|rule| rule.verdict == Verdict::Allow && rule.tool == *tool)
    };
    if let Some(rule) = whole(&ToolKind::WebFetch).filter(|_| !off(&["webfetch", "web_fetch"])) {
        let legs = Exposure::UNTRUSTED.join(Exposure::EXFIL);
        found.push(of_rule(
            &rule.source,
            Kind::Web,
            legs,
            OperationSet::of(Operation::WebFetch),
        ));
    }
    if let Some(rule) = whole(&ToolKind::WebSearch)
        .filter(|_| !off(&["websearch", "web_search", "google_web_search"]))
    {
        found.push(of_rule(
            &rule.source,
            Kind::Web,
            Exposure::UNTRUSTED,
            OperationSet::of(Operation::WebSearch),
        ));
    }
    found
}

/// A shell without limits: it reads what the user can read, fetches and sends.
fn everything(source: &Literal) -> Power {
    of_rule(
        source,
        Kind::Shell,
        Exposure::TRIFECTA,
        OperationSet::of(Operation::RunBash),
    )
}

fn of_rule(source: &Literal, kind: Kind, legs: Exposure, operations: OperationSet) -> Power {
    let is_out = Exposure::EXFIL.leq(legs);
    Power {
        name: source.shown_with_key(),
        place: source.place().clone(),
        shown: source.shown(),
        origin: Origin::Builtin,
        kind,
        legs,
        effects: Effects {
            operations,
            brings: legs.sources(),
            sinks: Sinks {
                exfil: is_out,
                effect: is_out,
            },
            written_by: Party::Anyone,
            read_by: Party::Anyone,
        },
        tools: Vec::new(),
        leads_beyond_workspace: true,
    }
}
