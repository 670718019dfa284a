//! Laws of delegation: a child's authority is a meet, so a tree of any depth stays under its root.

use portcullis::{Amount, Event, Operation, Outcome, Posture, Reasons, SessionState, SubjectFacts, step, verdict};

use crate::law::laws;

laws! {
    /// A child has no more than its parent and no more than was asked for.
    law_delegation_ceiling(parent: Posture, asked: Posture) {
        parent.meet(asked).leq(parent) && parent.meet(asked).leq(asked)
    }
    /// A grandchild has no more than its parent, and so no more than the root: depth adds nothing.
    law_delegation_depth_adds_nothing(root: Posture, a: Posture, b: Posture) {
        root.meet(a).meet(b).leq(root.meet(a)) && root.meet(a).meet(b).leq(root)
    }
    /// Delegation never grants an operation that the root does not, however the requests are phrased.
    law_delegation_never_adds_an_operation(root: Posture, asked: Posture, op: Operation)
        when (!root.capabilities().granted().contains(op)) {
        !root.meet(asked).capabilities().granted().contains(op)
    }
    /// Delegation never drops an obligation of the root.
    law_delegation_keeps_obligations(root: Posture, asked: Posture, op: Operation)
        when (root.asks().contains(op)) {
        root.meet(asked).asks().contains(op)
    }
    /// A chain of delegations does not depend on how it is grouped: asking twice is asking once for both.
    law_delegation_chain_is_one_meet(a: Posture, b: Posture, c: Posture) {
        a.meet(b).meet(c) == a.meet(b.meet(c)) && a.meet(b).meet(b) == a.meet(b)
    }
    /// What a child session may do first, its parent may do.
    law_child_runs_no_more_than_its_parent(parent: SessionState, asked: Posture, f: SubjectFacts) {
        let child = verdict(parent.posture().meet(asked), parent.word(), f, true).outcome();
        let own = verdict(parent.posture(), parent.word(), f, true).outcome();
        !matches!(child, Outcome::Permit) || matches!(own, Outcome::Permit)
    }
    /// A child's budget comes out of its parent's: what is handed over is no longer left.
    law_child_budget_leaves_the_parent(parent: SessionState, share: Amount, f: SubjectFacts, shown: Reasons) {
        let next = step(parent, Event::Request { facts: f, cost: share, shown }).0;
        next == parent || next.ledger().left().checked_add(share) == Some(parent.ledger().left())
    }
}
