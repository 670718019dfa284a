//! What one file of an agent allows and another takes back is no finding: rules are judged by file, and settled here by agent.
//!
//! A file that counts in several directories, as the user's own does, keeps a finding that holds in one of them.

use std::collections::{HashMap, HashSet};

use super::merge::Family;
use crate::model::{ByteSpan, FileName, Finding, Place, Verdict};
use crate::rules::{
    APPROVALS_DISABLED, BY_RULES, Limits, NO_DENY_RULES, UNRESTRICTED_SHELL, fingerprint,
    leave_the_shell_out,
};

/// Where a permission rule stands.
type Spot<'a> = (&'a FileName, ByteSpan);

/// What the files of an agent leave of a rule that allows.
#[derive(Clone, Copy, Debug)]
struct Standing {
    /// Another rule covers it wholly.
    is_back: bool,
    /// It allows every tool, and another rule speaks of commands.
    is_without_shell: bool,
    /// Some rule refuses or asks.
    is_limited: bool,
    /// It is a setting that switches every prompt off as well.
    is_mode: bool,
}

/// Removes from the findings what rests on rules that another file takes back.
pub(crate) fn settle(families: &[Family<'_>], findings: &mut Vec<Finding>) {
    let mut standings: HashMap<Spot<'_>, Standing> = HashMap::new();
    for family in families.iter().filter(|family| family.files().len() > 1) {
        stand(family, &mut standings);
    }
    if standings.is_empty() {
        return;
    }
    for finding in findings
        .iter_mut()
        .filter(|one| BY_RULES.contains(&one.rule))
    {
        let before = finding.evidence.len();
        let rule = finding.rule;
        finding.evidence.retain(|one| {
            let standing = standings.get(&spot(&one.place));
            standing.is_none_or(|standing| match rule {
                NO_DENY_RULES => !standing.is_limited,
                UNRESTRICTED_SHELL => !standing.is_back && !standing.is_without_shell,
                APPROVALS_DISABLED => {
                    !standing.is_back && (standing.is_mode || !standing.is_without_shell)
                }
                _ => !standing.is_back,
            })
        });
        let changed = finding.evidence.len() < before;
        if let Some(first) = finding.evidence.first().filter(|_| changed) {
            finding.fingerprint = fingerprint(finding, &first.place.file.shown);
        }
    }
    findings.retain(|one| !one.evidence.is_empty());
}

fn spot(place: &Place) -> Spot<'_> {
    (&place.file, place.span)
}

/// Adds how the rules of an agent stand; what holds in another directory holds.
fn stand<'a>(family: &Family<'a>, standings: &mut HashMap<Spot<'a>, Standing>) {
    let limits = Limits::of(family.rules());
    let modes: HashSet<Spot<'_>> = family.modes().map(|mode| spot(mode.place())).collect();
    for (nth, rule) in family.rules().enumerate() {
        if rule.verdict != Verdict::Allow {
            continue;
        }
        let spot = spot(rule.source.place());
        let here = Standing {
            is_back: limits.take_back(family.client, nth, rule),
            is_without_shell: leave_the_shell_out(&limits, rule),
            is_limited: limits.are_there(),
            is_mode: modes.contains(&spot),
        };
        let all = standings.entry(spot).or_insert(here);
        all.is_back &= here.is_back;
        all.is_without_shell &= here.is_without_shell;
        all.is_limited &= here.is_limited;
        all.is_mode |= here.is_mode;
    }
}
