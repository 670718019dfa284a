//! Laws of the verdict: each rule fires exactly when the design says, and what an approval can do about it.

use portcullis::{
    Capabilities, Exposure, Label, Level, Operation, OperationSet, Outcome, Phase, Posture, Reason, Reasons,
    SessionWord, SubjectFacts, Verdict, verdict,
};

use crate::law::laws;

/// Whether a rule fired.
#[inline]
const fn fired(judged: Verdict, reason: Reason) -> bool {
    judged.reasons().contains(reason)
}

/// Whether one outcome permits no more than another.
#[inline]
const fn at_most(a: Outcome, b: Outcome) -> bool {
    rank(a) <= rank(b)
}

/// Deny, then a question, then a permit.
#[inline]
const fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Deny => 0,
        Outcome::NeedsApproval => 1,
        Outcome::Permit => 2,
    }
}

/// The exposure a request would leave, label by label.
#[inline]
const fn would_touch(s: SessionWord, f: SubjectFacts, label: Label) -> bool {
    s.exposure.contains(label)
        || match label {
            Label::ExfilVector => f.sinks.exfil,
            Label::PrivateData | Label::UntrustedContent => f.sources.contains(label),
        }
}

/// Whether a request would leave the trifecta.
#[inline]
const fn would_complete(s: SessionWord, f: SubjectFacts) -> bool {
    would_touch(s, f, Label::PrivateData)
        && would_touch(s, f, Label::UntrustedContent)
        && would_touch(s, f, Label::ExfilVector)
}

/// Whether some operation of the request is at `never`.
#[inline]
const fn has_never(p: Posture, f: SubjectFacts) -> bool {
    !p.capabilities().granted().is_superset(f.operations)
}

laws! {
    /// Rule 1: an ended session denies every request, and says so in no other.
    law_rule_1_ended(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool) {
        fired(verdict(p, s, f, reserved), Reason::SessionEnded) == matches!(s.phase, Phase::Ended)
    }
    /// Rule 1: a locked-down session denies every request, and says so in no other.
    law_rule_1_locked_down(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool) {
        fired(verdict(p, s, f, reserved), Reason::LockedDown) == matches!(s.phase, Phase::LockedDown)
    }
    /// Rule 2 fires exactly outside the time window.
    law_rule_2_window(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool) {
        fired(verdict(p, s, f, reserved), Reason::OutsideWindow) != s.in_window
    }
    /// Rule 3 fires exactly when the budget could not be reserved.
    law_rule_3_budget(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool) {
        fired(verdict(p, s, f, reserved), Reason::BudgetNotReserved) != reserved
    }
    /// Rule 4 fires where one operation of the request is at never.
    law_rule_4_never(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool, op: Operation)
        when (f.operations.contains(op) && p.capabilities().level(op) == Level::Never) {
        fired(verdict(p, s, f, reserved), Reason::LevelNever)
    }
    /// Rule 4 fires for a request recognised as no operation, and beside that only where an operation is at never.
    law_rule_4_is_exact(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool) {
        fired(verdict(p, s, f, reserved), Reason::LevelNever) == (f.operations.is_empty() || has_never(p, f))
    }
    /// Rule 5 fires exactly when the subject is blocked for an operation of the request.
    law_rule_5_blocked(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool) {
        fired(verdict(p, s, f, reserved), Reason::SubjectBlocked) == f.blocked.intersects(f.operations)
    }
    /// Rule 6 fires where an operation at low_risk meets a subject that is not listed for it.
    law_rule_6_not_listed(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool, op: Operation)
        when (f.operations.contains(op) && !f.listed.contains(op) && p.capabilities().level(op) == Level::LowRisk) {
        fired(verdict(p, s, f, reserved), Reason::NotListed)
    }
    /// Rule 6 asks for no subject whose low_risk operations are all listed.
    law_rule_6_is_exact(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool) {
        let caps = p.capabilities();
        let low_risk = caps.granted().difference(caps.unconditional()).intersection(f.operations);
        fired(verdict(p, s, f, reserved), Reason::NotListed) != f.listed.is_superset(low_risk)
    }
    /// Rule 6 fires exactly when an operation is obliged to ask, or the tool is in no catalog.
    law_rule_6_obliged(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool) {
        fired(verdict(p, s, f, reserved), Reason::Obliged) == (f.unclassified || p.asks().intersects(f.operations))
    }
    /// Rule 7 fires exactly when the change touches what the host runs by itself, whatever the exposure.
    law_rule_7_activation(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool) {
        fired(verdict(p, s, f, reserved), Reason::ActivationPath) == f.activation
    }
    /// Rule 8 fires for an exfil sink exactly when the session and the request together hold the trifecta.
    law_rule_8_confidentiality(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool) {
        fired(verdict(p, s, f, reserved), Reason::FlowExfil) == (f.sinks.exfil && would_complete(s, f))
    }
    /// Rule 8 fires for an effect exactly when untrusted content was seen and the arguments are not the user's own.
    law_rule_8_integrity(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool) {
        fired(verdict(p, s, f, reserved), Reason::FlowEffect)
            == (f.sinks.effect && !f.sourced && would_touch(s, f, Label::UntrustedContent))
    }
    /// Rule 8 in strict mode fires for an exfil sink exactly when either source was read.
    law_rule_8_strict(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool) {
        fired(verdict(p, s, f, reserved), Reason::FlowStrict)
            == (p.is_strict()
                && f.sinks.exfil
                && (would_touch(s, f, Label::PrivateData) || would_touch(s, f, Label::UntrustedContent)))
    }
    /// The exposure after a permit is the session's with exactly the labels of the request.
    law_projection_is_exact(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool, label: Label) {
        let projected = verdict(p, s, f, reserved).projected();
        projected.contains(label) == would_touch(s, f, label) && s.exposure.leq(projected)
    }
    /// A request carries the way out exactly when it is an exfil sink.
    law_labels_hold_the_way_out_of_sinks(f: SubjectFacts) {
        f.labels().contains(Label::ExfilVector) == f.sinks.exfil
    }
    /// Every verdict is well formed: its reasons are known ones, for every input.
    law_verdict_is_total(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool, shown: Reasons) {
        let judged = verdict(p, s, f, reserved);
        Reasons::from_bits(judged.reasons().bits()).is_some()
            && Exposure::from_bits(judged.projected().bits()).is_some()
            && at_most(judged.outcome_with(shown), Outcome::Permit)
    }
    /// The outcome is a denial exactly when one of rules 1 to 5 fired, a question when only 6 to 8 did, else a permit.
    law_outcome_follows_the_reasons(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool) {
        let judged = verdict(p, s, f, reserved);
        let denies = judged.reasons().bits() & 0b0000_0011_1111 != 0;
        let asks = judged.reasons().bits() & 0b1111_1100_0000 != 0;
        matches!(
            (judged.outcome(), denies, asks),
            (Outcome::Deny, true, _) | (Outcome::NeedsApproval, false, true) | (Outcome::Permit, false, false)
        )
    }
    /// Rules 1 to 5 deny and rules 6 to 8 ask; no rule does both.
    law_reasons_deny_up_to_rule_5(reason: Reason) {
        let rule = match reason {
            Reason::SessionEnded | Reason::LockedDown => 1,
            Reason::OutsideWindow => 2,
            Reason::BudgetNotReserved => 3,
            Reason::LevelNever => 4,
            Reason::SubjectBlocked => 5,
            Reason::NotListed | Reason::Obliged => 6,
            Reason::ActivationPath => 7,
            Reason::FlowExfil | Reason::FlowEffect | Reason::FlowStrict => 8,
        };
        Reasons::DENYING.contains(reason) == (rule <= 5) && Reasons::ASKING.contains(reason) == (rule > 5)
    }
    /// Every set of reasons survives its bits.
    law_reasons_bits_round_trip(a: Reasons) {
        matches!(Reasons::from_bits(a.bits()), Some(back) if back == a)
    }
    /// Bits are read as reasons exactly when each names a reason.
    law_reasons_bits_are_strict(bits: u64) {
        let read = u16::try_from(bits).ok().and_then(Reasons::from_bits);
        read.is_some() == (bits < 1 << 12)
    }
    /// Union, intersection, difference and condition of reasons are taken one by one.
    law_reasons_are_taken_one_by_one(a: Reasons, b: Reasons, reason: Reason, condition: bool) {
        let (left, right) = (a.contains(reason), b.contains(reason));
        a.union(b).contains(reason) == (left || right)
            && a.intersection(b).contains(reason) == (left && right)
            && a.difference(b).contains(reason) == (left && !right)
            && a.when(condition).contains(reason) == (left && condition)
            && !(a.is_empty() && left)
    }
    /// No approval turns a denial into anything else.
    law_approval_never_lifts_a_denial(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool, shown: Reasons)
        when (matches!(verdict(p, s, f, reserved).outcome(), Outcome::Deny)) {
        matches!(verdict(p, s, f, reserved).outcome_with(shown), Outcome::Deny)
    }
    /// A reason that was not shown is not discharged.
    law_approval_discharges_only_what_was_shown(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool, shown: Reasons, reason: Reason)
        when (verdict(p, s, f, reserved).reasons().contains(reason) && !shown.contains(reason)) {
        !matches!(verdict(p, s, f, reserved).outcome_with(shown), Outcome::Permit)
    }
    /// An approval that showed every reason of a question permits the request.
    law_approval_discharges_what_was_shown(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool)
        when (!matches!(verdict(p, s, f, reserved).outcome(), Outcome::Deny)) {
        let judged = verdict(p, s, f, reserved);
        matches!(judged.outcome_with(judged.reasons()), Outcome::Permit)
    }
    /// An approval that shows more never permits less.
    law_approval_is_monotone(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool, shown: Reasons, more: Reasons) {
        let judged = verdict(p, s, f, reserved);
        at_most(judged.outcome_with(shown), judged.outcome_with(shown.union(more)))
    }
    /// A narrower posture never permits more.
    law_verdict_is_monotone_in_posture(a: Posture, b: Posture, s: SessionWord, f: SubjectFacts, reserved: bool)
        when (a.leq(b)) {
        at_most(verdict(a, s, f, reserved).outcome(), verdict(b, s, f, reserved).outcome())
    }
    /// A narrower posture asks at least for every reason of rules 6 to 8 that a wider one gives to a request it does not deny.
    law_gate_is_monotone_in_posture(a: Posture, b: Posture, s: SessionWord, f: SubjectFacts, reserved: bool)
        when (a.leq(b) && !has_never(a, f)) {
        let wide = verdict(b, s, f, reserved).reasons();
        wide.difference(verdict(a, s, f, reserved).reasons()).is_empty()
    }
    /// A session that touched more never gets more permitted.
    law_verdict_is_antitone_in_exposure(p: Posture, s: SessionWord, more: Exposure, f: SubjectFacts, reserved: bool) {
        let exposed = SessionWord { exposure: s.exposure.join(more), ..s };
        let (less, then) = (verdict(p, s, f, reserved), verdict(p, exposed, f, reserved));
        at_most(then.outcome(), less.outcome()) && less.reasons().difference(then.reasons()).is_empty()
    }
    /// A subject that brings in more labels never gets more permitted.
    law_verdict_is_antitone_in_sources(p: Posture, s: SessionWord, f: SubjectFacts, more: Exposure, reserved: bool) {
        let labelled = SubjectFacts { sources: f.sources.join(more), ..f };
        at_most(verdict(p, s, labelled, reserved).outcome(), verdict(p, s, f, reserved).outcome())
    }
    /// Listing more never permits less.
    law_verdict_is_monotone_in_listed(p: Posture, s: SessionWord, f: SubjectFacts, more: OperationSet, reserved: bool) {
        let listed = SubjectFacts { listed: f.listed.union(more), ..f };
        at_most(verdict(p, s, f, reserved).outcome(), verdict(p, s, listed, reserved).outcome())
    }
    /// Blocking more never permits more.
    law_verdict_is_antitone_in_blocked(p: Posture, s: SessionWord, f: SubjectFacts, more: OperationSet, reserved: bool) {
        let blocked = SubjectFacts { blocked: f.blocked.union(more), ..f };
        at_most(verdict(p, s, blocked, reserved).outcome(), verdict(p, s, f, reserved).outcome())
    }
    /// A request that is several operations is permitted no more than as any one of them: the strictest counts.
    law_strictest_operation_counts(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool, op: Operation)
        when (f.operations.contains(op)) {
        let alone = SubjectFacts { operations: OperationSet::of(op), ..f };
        at_most(verdict(p, s, f, reserved).outcome(), verdict(p, s, alone, reserved).outcome())
    }
    /// Being a sink, an activation path or unclassified never permits more, and being the user's own never less.
    law_flags_only_tighten(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool) {
        let mut plain = f;
        plain.sinks.exfil = false;
        plain.sinks.effect = false;
        plain.activation = false;
        plain.unclassified = false;
        plain.sourced = true;
        at_most(verdict(p, s, f, reserved).outcome(), verdict(p, s, plain, reserved).outcome())
    }
    /// Nothing leaves unapproved: no exfil sink is permitted without an approval once the trifecta is complete.
    law_no_unapproved_exfil_on_the_trifecta(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool)
        when (f.sinks.exfil && would_complete(s, f)) {
        !matches!(verdict(p, s, f, reserved).outcome(), Outcome::Permit)
    }
    /// No effect that is not the user's own is permitted without an approval once untrusted content was seen.
    law_no_unapproved_effect_when_untrusted(p: Posture, s: SessionWord, f: SubjectFacts, reserved: bool)
        when (f.sinks.effect && !f.sourced && would_touch(s, f, Label::UntrustedContent)) {
        !matches!(verdict(p, s, f, reserved).outcome(), Outcome::Permit)
    }
    /// A request on a listed subject that is no sink, no activation path and not obliged to ask is permitted: the monitor does not deny everything.
    law_plain_work_is_permitted(p: Posture, exposure: Exposure, op: Operation, sources: Exposure)
        when (p.capabilities().level(op) != Level::Never && !p.asks().contains(op)) {
        let s = SessionWord { phase: Phase::Active, in_window: true, exposure };
        let f = SubjectFacts {
            operations: OperationSet::of(op),
            listed: OperationSet::of(op),
            sources,
            ..SubjectFacts::default()
        };
        matches!(verdict(p, s, f, true).outcome(), Outcome::Permit)
    }
    /// Each level means what the policy language says of listed, other and blocked subjects.
    law_levels_mean_what_they_say(caps: Capabilities, op: Operation, listed: bool, blocked: bool) {
        let p = Posture::new(caps, OperationSet::EMPTY, false, false);
        let expected = match (caps.level(op), listed, blocked) {
            (Level::Never, _, _) | (_, _, true) => Outcome::Deny,
            (Level::LowRisk, false, false) => Outcome::NeedsApproval,
            (Level::LowRisk, true, false) | (Level::Always, _, false) => Outcome::Permit,
        };
        rank(portcullis::verdict::level_outcome(p, op, listed, blocked)) == rank(expected)
    }
}
