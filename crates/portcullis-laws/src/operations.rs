//! Laws of operations, sets of them, and obligations, which are such sets ordered the other way.

use portcullis::{Operation, OperationSet};

use crate::law::laws;

laws! {
    /// Every operation survives its number.
    law_operation_number_round_trips(op: Operation) {
        matches!(Operation::from_number(op as u8), Some(back) if back == op)
    }
    /// A number is read as an operation exactly when it is below twelve.
    law_operation_numbers_are_strict(number: u64) {
        let read = u8::try_from(number).ok().and_then(Operation::from_number);
        read.is_some() == (number < 12)
    }
    /// Every set of operations survives its bits.
    law_operations_bits_round_trip(a: OperationSet) {
        matches!(OperationSet::from_bits(a.bits()), Some(back) if back == a)
    }
    /// Bits are read as a set exactly when each names an operation.
    law_operations_bits_are_strict(bits: u64) {
        let read = u16::try_from(bits).ok().and_then(OperationSet::from_bits);
        read.is_some() == (bits < 1 << 12)
    }
    /// Union, intersection and difference are taken operation by operation.
    law_operations_are_taken_one_by_one(a: OperationSet, b: OperationSet, op: Operation) {
        let (left, right) = (a.contains(op), b.contains(op));
        a.union(b).contains(op) == (left || right)
            && a.intersection(b).contains(op) == (left && right)
            && a.difference(b).contains(op) == (left && !right)
    }
    /// Adding or taking away one operation changes that one alone.
    law_operations_with_changes_one(a: OperationSet, op: Operation, other: Operation) {
        a.with(op).contains(op) && !a.without(op).contains(op)
            && (op == other
                || a.with(op).contains(other) == a.contains(other)
                && a.without(op).contains(other) == a.contains(other))
    }
    /// The set of one operation has that one and no other.
    law_operations_of_one_has_one(op: Operation, other: Operation) {
        OperationSet::of(op).contains(other) == (op == other)
    }
    /// A superset has each operation of the set, and lacks none it has.
    law_operations_superset_has_each(a: OperationSet, b: OperationSet, op: Operation) {
        (!(a.is_superset(b) && b.contains(op)) || a.contains(op)) && a.is_superset(b) == b.difference(a).is_empty()
    }
    /// Two sets intersect exactly when their intersection has an operation.
    law_operations_intersect_where_they_share(a: OperationSet, b: OperationSet) {
        a.intersects(b) != a.intersection(b).is_empty()
    }
    /// An empty set has no operation, and a set with one is not empty.
    law_operations_empty_has_none(a: OperationSet, op: Operation) when (a.contains(op)) {
        !a.is_empty() && !OperationSet::EMPTY.contains(op) && OperationSet::ALL.contains(op)
    }
    /// Data can leave exactly through web_search, web_fetch, git_push and create_pr.
    law_operations_that_exfiltrate(op: Operation) {
        OperationSet::EXFIL.contains(op)
            == matches!(op, Operation::WebSearch | Operation::WebFetch | Operation::GitPush | Operation::CreatePr)
    }
    /// git_push and create_pr always change somebody's system, and each of them is also a way out.
    law_operations_with_an_effect(op: Operation) {
        OperationSet::EFFECT.contains(op) == matches!(op, Operation::GitPush | Operation::CreatePr)
            && OperationSet::EXFIL.is_superset(OperationSet::EFFECT)
    }
    /// Reads, paths and changes name the operations that the policy language says.
    law_operations_named_sets(op: Operation) {
        let reads = matches!(op, Operation::ReadFiles | Operation::GlobSearch | Operation::GrepSearch);
        let edits = matches!(op, Operation::WriteFiles | Operation::EditFiles);
        OperationSet::READS.contains(op) == reads
            && OperationSet::PATHS.contains(op) == (reads || edits)
            && OperationSet::CHANGES.contains(op) == (edits || matches!(op, Operation::GitCommit))
    }
    /// Obligations have an implication adjoint to their union: a and x oblige all of b exactly when x obliges a → b.
    law_obligations_implication_is_adjoint(a: OperationSet, b: OperationSet, x: OperationSet) {
        a.union(x).is_superset(b) == x.is_superset(a.obligations_imply(b))
    }
    /// What obligations lack for others is nothing exactly when they oblige all of them.
    law_obligations_implication_says_the_order(a: OperationSet, b: OperationSet) {
        a.is_superset(b) == a.obligations_imply(b).is_empty()
    }
}
