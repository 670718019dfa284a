//! Scopes over a world of two patterns and three subjects, whole: what is named, what meets, and what the order promises.

use portcullis::{Conjunction, Operation, OperationSet, Scope, Union};

/// Subject 3 is matched by no pattern; pattern `p` matches subject `p` alone.
const SUBJECTS: [u8; 3] = [1, 2, 3];

fn unions() -> Vec<Union<u8>> {
    [vec![], vec![1], vec![2], vec![1, 2]].into_iter().map(Union::of).collect()
}

fn conjunctions() -> Vec<Conjunction<u8>> {
    let one = unions().into_iter().map(|clause| vec![clause]);
    let two = unions().into_iter().flat_map(|a| unions().into_iter().map(move |b| vec![a.clone(), b]));
    std::iter::once(Vec::new()).chain(one).chain(two).map(Conjunction::from_clauses).collect()
}

fn holds(all: &Conjunction<u8>, subject: u8) -> bool {
    all.holds(|pattern| *pattern == subject)
}

/// Whether every one of the clauses names the subject, said without the functions that are asked.
fn plainly(clauses: &[Union<u8>], subject: u8) -> bool {
    !clauses.iter().any(|clause| !clause.patterns().contains(&subject))
}

#[test]
fn a_conjunction_holds_what_each_of_its_clauses_names() {
    for all in conjunctions() {
        for subject in SUBJECTS {
            assert_eq!(holds(&all, subject), plainly(all.clauses(), subject), "{all:?} {subject}");
        }
    }
    assert!(SUBJECTS.iter().all(|subject| holds(&Conjunction::everything(), *subject)));
    assert!(!SUBJECTS.iter().any(|subject| holds(&Conjunction::nothing(), *subject)));
    assert_eq!(Conjunction::<u8>::default(), Conjunction::nothing());
    assert_eq!(Conjunction::of([1, 2, 1]).clauses(), [Union::of([1, 2])]);
}

#[test]
fn a_meet_holds_what_both_hold_and_lies_below_both() {
    for one in conjunctions() {
        for other in conjunctions() {
            let both = one.meet(&other);
            for subject in SUBJECTS {
                assert_eq!(holds(&both, subject), holds(&one, subject) && holds(&other, subject));
                // The order may say no where yes is true, never the reverse.
                assert!(!one.leq(&other) || holds(&other, subject) || !holds(&one, subject), "{one:?} {other:?}");
            }
            assert!(both.leq(&one) && both.leq(&other) && one.leq(&one), "{one:?} {other:?}");
            let of_each = one.leq(&other) && other.leq(&one);
            assert!(one.meet(&one) == one && (!of_each || both.leq(&one) && one.leq(&both)));
            let clauses = both.clauses();
            assert!(clauses.iter().enumerate().all(|(at, clause)| !clauses[..at].contains(clause)), "{both:?}");
        }
    }
}

#[test]
fn the_order_knows_a_shorter_list_and_one_more_clause() {
    for clause in unions() {
        let longer = Union::of([1, 2]);
        assert!(clause.leq(&longer) && (longer.leq(&clause) == (clause == longer)), "{clause:?}");
        assert_eq!(clause.join(&longer).patterns().len(), 2);
        for other in unions() {
            let joined = clause.join(&other);
            let either = |pattern| clause.patterns().contains(pattern) || other.patterns().contains(pattern);
            assert!(SUBJECTS.iter().all(|pattern| joined.patterns().contains(pattern) == either(pattern)));
        }
        assert_eq!(clause.any(|pattern| *pattern == 1), clause.patterns().contains(&1));
    }
    let one = Conjunction::of([1]);
    let more = one.meet(&Conjunction::of([2]));
    assert!(more.leq(&one) && !one.leq(&more) && !Conjunction::everything().leq(&one));
}

const READ: Operation = Operation::ReadFiles;
const WRITE: Operation = Operation::WriteFiles;

fn sets() -> [OperationSet; 4] {
    let (read, write) = (OperationSet::of(READ), OperationSet::of(WRITE));
    [OperationSet::EMPTY, read, write, read.union(write)]
}

fn scopes() -> Vec<Scope<u8>> {
    let clauses: Vec<_> =
        sets().into_iter().flat_map(|set| unions().into_iter().map(move |clause| (set, clause))).collect();
    let mut all = Vec::new();
    for blocked in [Union::default(), Union::of([1])] {
        all.push(Scope::from_clauses([], blocked.clone()));
        for (at, one) in clauses.iter().enumerate() {
            all.push(Scope::from_clauses([one.clone()], blocked.clone()));
            all.extend(
                clauses[..at]
                    .iter()
                    .step_by(3)
                    .map(|other| Scope::from_clauses([one.clone(), other.clone()], blocked.clone())),
            );
        }
    }
    all
}

fn listed(scope: &Scope<u8>, asked: OperationSet, subject: u8) -> OperationSet {
    scope.listed_for(asked, |pattern| *pattern == subject)
}

#[test]
fn a_scope_lists_for_an_operation_what_its_clauses_name() {
    for scope in scopes() {
        for asked in sets() {
            for subject in SUBJECTS {
                let is_named = |op: &Operation| {
                    !scope
                        .listed()
                        .iter()
                        .any(|(speaks_of, clause)| speaks_of.contains(*op) && !clause.patterns().contains(&subject))
                };
                let plainly: OperationSet = asked.iter().filter(is_named).collect();
                assert_eq!(listed(&scope, asked, subject), plainly, "{scope:?} {asked} {subject}");
            }
        }
        let clauses = scope.listed();
        assert!(clauses.iter().enumerate().all(|(at, clause)| !clause.0.is_empty() && !clauses[..at].contains(clause)));
    }
}

#[test]
fn a_meet_of_scopes_lists_what_both_list_and_blocks_what_either_blocks() {
    let all = scopes();
    for one in &all {
        for other in all.iter().step_by(5) {
            let both = one.meet(other);
            for subject in SUBJECTS {
                for asked in sets() {
                    let each = listed(one, asked, subject).intersection(listed(other, asked, subject));
                    assert_eq!(listed(&both, asked, subject), each, "{one:?} {other:?}");
                    let [ours, theirs] = [one, other].map(|scope| listed(scope, asked, subject));
                    assert!(!one.leq(other, asked) || theirs.is_superset(ours), "{one:?} {other:?}");
                }
                let blocks = |scope: &Scope<u8>| scope.blocked().any(|pattern| *pattern == subject);
                assert_eq!(blocks(&both), blocks(one) || blocks(other));
                assert!(!one.leq(other, OperationSet::EMPTY) || blocks(one) || !blocks(other));
            }
            assert!(both.leq(one, OperationSet::ALL) && both.leq(other, OperationSet::ALL), "{one:?} {other:?}");
        }
        assert!(one.leq(one, OperationSet::ALL) && one.meet(one) == *one);
    }
}

#[test]
fn the_order_asks_only_of_the_operations_that_matter() {
    let of = |set: OperationSet, pattern: u8| Scope::new(set, &Conjunction::of([pattern]), Union::default());
    let (read, write) = (OperationSet::of(READ), OperationSet::of(WRITE));
    let open = Scope::<u8>::new(OperationSet::ALL, &Conjunction::everything(), Union::default());
    assert!(open.leq(&of(read, 1), write) && !open.leq(&of(read, 1), read));
    assert!(of(read.union(write), 1).leq(&of(read, 1), OperationSet::ALL));
    assert!(!of(read, 1).leq(&of(read.union(write), 1), OperationSet::ALL));
    assert!(of(read, 1).leq(&open, OperationSet::ALL) && !of(read, 1).leq(&of(read, 2), read));
}
