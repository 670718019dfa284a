//! Holds which subjects a policy names, as conjunctions of unions of patterns.
//!
//! Meet appends clauses, so for every subject `x`: `x ∈ a∧b ⇔ x ∈ a and x ∈ b`.
//! The order is sound and syntactic: it may say no where yes is true, never
//! the reverse. "Everything" has no clause and "nothing" has one empty clause;
//! an empty list never means everything.

use crate::OperationSet;

/// A union of patterns: holds what any of them matches; empty, it holds nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Union<P>(Vec<P>);

impl<P> Default for Union<P> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<P: PartialEq> Union<P> {
    /// A union of these patterns, repeated ones once.
    #[inline]
    pub fn of(patterns: impl IntoIterator<Item = P>) -> Self {
        let mut kept: Vec<P> = Vec::new();
        for pattern in patterns {
            if !kept.contains(&pattern) {
                kept.push(pattern);
            }
        }
        Self(kept)
    }

    /// The patterns.
    #[inline]
    pub fn patterns(&self) -> &[P] {
        &self.0
    }

    /// Whether a pattern satisfies the test.
    #[inline]
    pub fn any(&self, test: impl FnMut(&P) -> bool) -> bool {
        self.0.iter().any(test)
    }

    /// Whether each pattern is also one of the other's, so that it holds no more.
    #[inline]
    pub fn leq(&self, other: &Self) -> bool {
        self.0.iter().all(|pattern| other.0.contains(pattern))
    }

    /// The union of both.
    #[inline]
    pub fn join(&self, other: &Self) -> Self
    where
        P: Clone,
    {
        Self::of(self.0.iter().chain(&other.0).cloned())
    }
}

/// A conjunction of unions: holds what every one of its unions holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Conjunction<P>(Vec<Union<P>>);

impl<P> Default for Conjunction<P> {
    fn default() -> Self {
        Self(vec![Union::default()])
    }
}

impl<P: PartialEq + Clone> Conjunction<P> {
    /// Holds every subject.
    #[inline]
    pub fn everything() -> Self {
        Self(Vec::new())
    }

    /// Holds no subject; also the default.
    #[inline]
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Holds what any of these patterns matches.
    #[inline]
    pub fn of(patterns: impl IntoIterator<Item = P>) -> Self {
        Self(vec![Union::of(patterns)])
    }

    /// A conjunction of these unions.
    #[inline]
    pub fn from_clauses(clauses: impl IntoIterator<Item = Union<P>>) -> Self {
        clauses.into_iter().fold(Self::everything(), |all, clause| all.meet(&Self(vec![clause])))
    }

    /// The unions, all of which must hold.
    #[inline]
    pub fn clauses(&self) -> &[Union<P>] {
        &self.0
    }

    /// Whether every union has a pattern that satisfies the test.
    #[inline]
    pub fn holds(&self, mut test: impl FnMut(&P) -> bool) -> bool {
        self.0.iter().all(|clause| clause.any(&mut test))
    }

    /// Holds exactly what both hold.
    #[inline]
    pub fn meet(&self, other: &Self) -> Self {
        let fresh = other.0.iter().filter(|clause| !self.0.contains(clause));
        Self(self.0.iter().chain(fresh).cloned().collect())
    }

    /// Whether each union of the other is implied by one of this one's.
    #[inline]
    pub fn leq(&self, other: &Self) -> bool {
        other.0.iter().all(|theirs| self.0.iter().any(|ours| ours.leq(theirs)))
    }
}

/// What is listed and what is blocked, for the operations of one kind of subject.
///
/// Each clause of the listing names the operations it speaks of, because
/// `listed` matters to an operation at `low_risk` only, and one section serves
/// several operations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope<P> {
    listed: Vec<(OperationSet, Union<P>)>,
    blocked: Union<P>,
}

impl<P: PartialEq + Clone> Scope<P> {
    /// Lists what every clause of `listed` holds, for those operations, and blocks `blocked`.
    #[inline]
    pub fn new(operations: OperationSet, listed: &Conjunction<P>, blocked: Union<P>) -> Self {
        Self::from_clauses(listed.clauses().iter().map(|clause| (operations, clause.clone())), blocked)
    }

    /// A scope of these clauses.
    #[inline]
    pub fn from_clauses(listed: impl IntoIterator<Item = (OperationSet, Union<P>)>, blocked: Union<P>) -> Self {
        listed.into_iter().fold(Self { listed: Vec::new(), blocked }, |mut scope, clause| {
            if !clause.0.is_empty() && !scope.listed.contains(&clause) {
                scope.listed.push(clause);
            }
            scope
        })
    }

    /// The clauses of the listing with the operations they speak of.
    #[inline]
    pub fn listed(&self) -> &[(OperationSet, Union<P>)] {
        &self.listed
    }

    /// What is blocked for every operation.
    #[inline]
    pub fn blocked(&self) -> &Union<P> {
        &self.blocked
    }

    /// The operations among `asked` for which every clause that speaks of them matches.
    #[inline]
    pub fn listed_for(&self, asked: OperationSet, mut matches: impl FnMut(&P) -> bool) -> OperationSet {
        self.listed.iter().fold(asked, |left, (speaks_of, clause)| {
            if left.intersects(*speaks_of) && !clause.any(&mut matches) { left.difference(*speaks_of) } else { left }
        })
    }

    /// Lists exactly what both list and blocks what either blocks.
    #[inline]
    pub fn meet(&self, other: &Self) -> Self {
        Self::from_clauses(self.listed.iter().chain(&other.listed).cloned(), self.blocked.join(&other.blocked))
    }

    /// Whether it lists no more and blocks no less, for those operations.
    #[inline]
    pub fn leq(&self, other: &Self, operations: OperationSet) -> bool {
        let implied = |op, theirs: &Union<P>| {
            self.listed.iter().any(|(speaks_of, ours)| speaks_of.contains(op) && ours.leq(theirs))
        };
        other.blocked.leq(&self.blocked)
            && other
                .listed
                .iter()
                .all(|(speaks_of, theirs)| speaks_of.intersection(operations).iter().all(|op| implied(op, theirs)))
    }
}
