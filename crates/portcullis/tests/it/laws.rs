//! The laws, on subjects: what each combination permits, for every request.

use portcullis::facts::facts;
use portcullis::{
    Amount, Answer, Capabilities, Decision, Envelope, Event, Exposure, Ledger, Operation, OperationSet, Outcome,
    Posture, Reasons, Request, SessionState, SessionWord, decide, step, verdict,
};
use proptest::prelude::*;

use crate::generate;

fn outcome(envelope: &Envelope, session: SessionWord, request: &Request) -> Outcome {
    decide(envelope, session, request, true, None).outcome()
}

/// What an envelope without ν's extra obligations comes to, in an open session.
fn static_outcome(envelope: &Envelope, request: &Request) -> Outcome {
    outcome(envelope, SessionWord { in_window: true, ..SessionWord::default() }, request)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn meet_permits_exactly_what_both_permit(
        a in generate::envelope(), b in generate::envelope(),
        request in generate::request(), session in generate::session_word(),
    ) {
        let both = a.meet(&b);
        let weakest = outcome(&a, session, &request).min(outcome(&b, session, &request));
        let met = outcome(&both, session, &request);
        prop_assert!(met <= weakest, "{met:?} above {weakest:?}");
        let only_statics = session.exposure == Exposure::NONE
            && both.posture().asks() == a.posture().asks().union(b.posture().asks())
            && facts(&both, &request).labels() == facts(&a, &request).labels()
            && facts(&both, &request).labels() == facts(&b, &request).labels();
        if only_statics && !both.posture().is_strict() {
            prop_assert_eq!(met, weakest);
        }
    }

    #[test]
    fn order_is_sound_on_requests(
        a in generate::envelope(), b in generate::envelope(),
        request in generate::request(), session in generate::session_word(),
    ) {
        let below = a.meet(&b);
        prop_assert!(below.leq(&a) && below.leq(&b) || below.posture() != a.posture().meet(b.posture()));
        if a.leq(&b) {
            prop_assert!(outcome(&a, session, &request) <= outcome(&b, session, &request));
        }
    }

    #[test]
    fn attenuation_never_widens(
        root in generate::envelope(), asked in generate::envelope(),
        request in generate::request(), session in generate::session_word(),
    ) {
        let narrowed = root.attenuate(&asked).unwrap();
        prop_assert!(narrowed.leq(&root));
        prop_assert!(outcome(&narrowed, session, &request) <= outcome(&root, session, &request));
        prop_assert!(outcome(&narrowed, session, &request) <= outcome(&asked, session, &request));
    }

    #[test]
    fn meet_is_idempotent_and_order_reflexive(a in generate::envelope()) {
        prop_assert_eq!(a.meet(&a), a.clone());
        prop_assert!(a.leq(&a));
    }

    #[test]
    fn everything_is_neutral_for_meet(a in generate::envelope(), request in generate::request()) {
        let top = Envelope::new(portcullis::EnvelopeParts::everything());
        prop_assert!(a.leq(&top));
        prop_assert_eq!(static_outcome(&a.meet(&top), &request), static_outcome(&a, &request));
    }

    #[test]
    fn every_constructor_yields_a_normal_envelope(a in generate::envelope(), b in generate::envelope()) {
        let decoded = Envelope::from_bytes(&a.to_bytes()).unwrap();
        let made = [a.clone(), a.meet(&b), a.attenuate(&b).unwrap(), decoded];
        for envelope in made {
            prop_assert_eq!(envelope.posture(), envelope.posture().normalize());
        }
    }

    #[test]
    fn canonical_bytes_round_trip(a in generate::envelope()) {
        let bytes = a.to_bytes();
        let back = Envelope::from_bytes(&bytes).unwrap();
        prop_assert_eq!(&back, &a);
        prop_assert_eq!(back.digest(), a.digest());
    }

    #[test]
    fn cut_or_extended_bytes_are_refused(a in generate::envelope(), at in any::<prop::sample::Index>()) {
        let mut bytes = a.to_bytes();
        prop_assert!(Envelope::from_bytes(&bytes[..at.index(bytes.len())]).is_err());
        bytes.push(0);
        prop_assert!(Envelope::from_bytes(&bytes).is_err());
    }

    #[test]
    fn nu_is_idempotent_and_deflationary(p in generate::posture()) {
        prop_assert_eq!(p.normalize(), p.normalize().normalize());
        prop_assert!(p.normalize().leq(p));
    }

    #[test]
    fn nu_is_monotone_on_equal_reach(a in generate::posture(), b in generate::posture()) {
        let comparable = a.leq(b) && a.reach() == b.reach();
        prop_assert!(!comparable || a.normalize().leq(b.normalize()));
    }

    #[test]
    fn gate_is_monotone_in_posture_and_antitone_in_exposure(
        a in generate::posture(), b in generate::posture(), facts in generate::facts(),
        session in generate::session_word(), more in generate::exposure(),
    ) {
        let low = a.meet(b);
        let judge = |posture, session| verdict::verdict(posture, session, facts, true).outcome();
        prop_assert!(judge(low, session) <= judge(a, session));
        let exposed = SessionWord { exposure: session.exposure.join(more), ..session };
        prop_assert!(judge(a, exposed) <= judge(a, session));
    }

    #[test]
    fn heyting_implication_is_adjoint_to_meet(
        a in generate::capabilities(), b in generate::capabilities(), c in generate::capabilities(),
    ) {
        prop_assert_eq!(a.meet(c).leq(b), c.leq(a.implies(b)));
        prop_assert_eq!(Capabilities::from_bits(a.implies(b).bits()), Some(a.implies(b)));
    }

    #[test]
    fn approval_discharges_only_what_was_shown_and_only_six_to_eight(
        p in generate::posture(), session in generate::session_word(),
        facts in generate::facts(), reserved in any::<bool>(), shown in generate::reasons(),
    ) {
        let judged = verdict::verdict(p, session, facts, reserved);
        let rest = judged.reasons().difference(shown.intersection(Reasons::ASKING));
        let expected = if !rest.intersection(Reasons::DENYING).is_empty() {
            Outcome::Deny
        } else if rest.is_empty() {
            Outcome::Permit
        } else {
            Outcome::NeedsApproval
        };
        prop_assert_eq!(judged.outcome_with(shown), expected);
    }

    #[test]
    fn ratchets_hold_over_traces(
        posture in generate::posture(), maximum in generate::amount(), window in any::<u64>(),
        events in prop::collection::vec(generate::event(), 0..40),
    ) {
        let mut state = SessionState::start(posture, maximum, 5, window);
        for event in events {
            let (next, answer) = step(state, event);
            prop_assert!(next.posture().leq(state.posture()));
            prop_assert!(state.exposure().leq(next.exposure()));
            prop_assert!(next.deadline_ms() <= state.deadline_ms() && next.now_ms() >= state.now_ms());
            let (before, after) = (state.ledger().total(), next.ledger().total());
            prop_assert!(matches!((before, after), (Some(b), Some(a)) if a.leq(b)));
            if let Answer::Judged { outcome, .. } = answer && outcome != Outcome::Permit {
                prop_assert_eq!(next, state, "a refused request changed the session");
            }
            if answer == Answer::Ignored {
                prop_assert_eq!(next, state);
            }
            state = next;
        }
    }

    #[test]
    fn ledger_never_makes_money(open in generate::amount(), cost in generate::amount(), used in generate::amount()) {
        let ledger = Ledger::open(open);
        let Some(held) = ledger.reserve(cost) else {
            prop_assert!(!cost.leq(open));
            return Ok(());
        };
        prop_assert_eq!(held.total(), ledger.total());
        prop_assert_eq!(held.release(cost), Some(ledger));
        match held.settle(cost, used) {
            Some(settled) => prop_assert_eq!(settled.left().checked_add(used), Some(open)),
            None => prop_assert!(!used.leq(cost)),
        }
    }

    #[test]
    fn permit_covers_only_its_request(a in generate::request(), b in generate::request()) {
        let envelope = Envelope::new(portcullis::EnvelopeParts::everything());
        let session = SessionWord { in_window: true, ..SessionWord::default() };
        if let Decision::Permit(permit) = decide(&envelope, session, &a, true, None) {
            prop_assert!(permit.covers(&a));
            prop_assert_eq!(permit.covers(&b), a == b);
        }
    }
}

#[test]
fn nu_is_not_monotone() {
    let push = OperationSet::of(Operation::GitPush);
    let narrow = Posture::new(
        Capabilities::NONE.with(Operation::GitPush, portcullis::Level::Always),
        OperationSet::EMPTY,
        false,
        true,
    );
    let wide = Posture::new(Capabilities::ALL, OperationSet::EMPTY, false, true);
    assert!(narrow.capabilities().leq(wide.capabilities()));
    assert!(!narrow.asks().intersects(push) && wide.asks().is_superset(push));
    assert!(!narrow.leq(wide), "ν of the narrower one is not below ν of the wider one");
}

#[test]
fn zero_budget_refuses_any_cost() {
    assert_eq!(Ledger::open(Amount::ZERO).reserve(Amount::of_micro_usd(1)), None);
    assert!(Ledger::open(Amount::of_micro_usd(1)).reserve(Amount::of_micro_usd(1)).is_some());
}

#[test]
fn ended_is_for_good_and_lockdown_is_a_pause() {
    let start = SessionState::start(
        Posture::new(Capabilities::ALL, OperationSet::EMPTY, false, false),
        Amount::of_micro_usd(9),
        0,
        100,
    );
    let locked = step(start, Event::Lockdown).0;
    assert_eq!(step(locked, Event::Lift).0, start);
    let ended = step(locked, Event::End).0;
    assert_eq!(step(ended, Event::Lift), (ended, Answer::Ignored));
}
