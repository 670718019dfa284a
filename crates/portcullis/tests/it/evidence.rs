//! What a decision carries is what decided it: the digest, the facts, every rule that fired and the exposure that follows.

use portcullis::facts::facts;
use portcullis::{Approval, Decision, Envelope, EnvelopeParts, Outcome, Reasons, decide, verdict};
use proptest::prelude::*;

use super::generate;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_decision_carries_what_decided_it(
        envelope in generate::envelope(), request in generate::request(),
        session in generate::session_word(), reserved in any::<bool>(),
    ) {
        let of_subject = facts(&envelope, &request);
        let judged = verdict::verdict(envelope.posture(), session, of_subject, reserved);
        let decision = decide(&envelope, session, &request, reserved, None);
        prop_assert_eq!(decision.outcome(), judged.outcome());
        prop_assert_eq!((decision.facts(), decision.reasons()), (of_subject, judged.reasons()));
        match decision {
            Decision::Permit(permit) => {
                prop_assert!(permit.covers(&request) && judged.reasons().is_empty());
                let seen = (permit.digest(), permit.facts(), permit.projected(), permit.discharged());
                prop_assert_eq!(seen, (request.digest(), of_subject, judged.projected(), Reasons::NONE));
                prop_assert_eq!(permit.operations(), request.operations());
            }
            Decision::NeedsApproval(refusal) | Decision::Deny(refusal) => {
                let seen = (refusal.digest(), refusal.facts(), refusal.projected(), refusal.reasons());
                prop_assert_eq!(seen, (request.digest(), of_subject, judged.projected(), judged.reasons()));
            }
        }
    }

    #[test]
    fn an_approval_serves_its_request_under_its_envelope(
        envelope in generate::envelope(), request in generate::request(),
        session in generate::session_word(), other in generate::request(),
    ) {
        let Decision::NeedsApproval(refusal) = decide(&envelope, session, &request, true, None) else {
            return Ok(());
        };
        let given = Approval::vouched_by_host(&refusal, envelope.digest(), "somebody");
        prop_assert_eq!((given.request(), given.shown(), given.approver()), (request.digest(), refusal.reasons(), "somebody"));
        let Decision::Permit(permit) = decide(&envelope, session, &request, true, Some(&given)) else {
            return Err(TestCaseError::fail("it discharges what it showed"));
        };
        prop_assert_eq!((permit.discharged(), permit.projected()), (refusal.reasons(), refusal.projected()));
        let elsewhere = Envelope::new(EnvelopeParts::everything());
        let foreign = Approval::vouched_by_host(&refusal, elsewhere.digest(), "somebody");
        let of_another = |given| decide(&envelope, session, &request, true, Some(given)).outcome();
        prop_assert_eq!(of_another(&foreign), Outcome::NeedsApproval);
        if other != request && matches!(decide(&envelope, session, &other, true, None), Decision::NeedsApproval(_)) {
            prop_assert_eq!(decide(&envelope, session, &other, true, Some(&given)).outcome(), Outcome::NeedsApproval);
        }
    }
}
