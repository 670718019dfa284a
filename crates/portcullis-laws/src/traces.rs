//! Laws of what was observed: the Galois connection between traces and least capability vectors.

use portcullis::{Capabilities, Level, Observed, Operation, OperationSet};

use crate::law::laws;

/// The trace that used these.
#[inline]
const fn observed(listed: OperationSet, unlisted: OperationSet) -> Observed {
    Observed { listed, unlisted }
}

laws! {
    /// The least vector for a trace lies below a vector exactly when that vector runs the trace without an approval.
    law_traces_and_vectors_are_adjoint(listed: OperationSet, unlisted: OperationSet, a: Capabilities) {
        let trace = observed(listed, unlisted);
        Capabilities::least_for(trace).leq(a) == trace.leq(a.usable())
    }
    /// The least vector for a trace runs the trace.
    law_least_vector_runs_its_trace(listed: OperationSet, unlisted: OperationSet) {
        let trace = observed(listed, unlisted);
        trace.leq(Capabilities::least_for(trace).usable())
    }
    /// Every vector is the least one for all that it runs.
    law_vector_is_least_for_what_it_runs(a: Capabilities) { Capabilities::least_for(a.usable()) == a }
    /// The least vector for two traces together is the join of their least vectors.
    law_least_vector_of_both_traces(a: OperationSet, b: OperationSet, c: OperationSet, d: OperationSet) {
        let (one, other) = (observed(a, b), observed(c, d));
        Capabilities::least_for(one.join(other))
            == Capabilities::least_for(one).join(Capabilities::least_for(other))
    }
    /// An operation used on subjects of no list needs always, one used on listed subjects alone low_risk, and any other never.
    law_least_vector_level_by_level(listed: OperationSet, unlisted: OperationSet, op: Operation) {
        let level = Capabilities::least_for(observed(listed, unlisted)).level(op);
        level == if unlisted.contains(op) {
            Level::Always
        } else if listed.contains(op) {
            Level::LowRisk
        } else {
            Level::Never
        }
    }
}
