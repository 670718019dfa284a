//! Checks a refutation: each learnt clause must follow by unit propagation, and at the end the empty one.
//!
//! It shares no code and no state with the solver: it is given the clauses as they
//! were made and the lemmas in the order in which they were learnt.

use crate::blast::Literal;

/// A lemma that does not follow by unit propagation; the last is the empty clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap(pub usize);

/// Checks that the lemmas, one after another, lead from the clauses to a contradiction.
///
/// # Errors
/// [`Gap`] names the first lemma that does not follow.
pub fn check(clauses: &[Vec<Literal>], lemmas: &[Vec<Literal>]) -> Result<(), Gap> {
    let most = clauses.iter().chain(lemmas).flatten().map(|l| l.unsigned_abs()).max();
    let mut checker = Checker::new(most.unwrap_or(0) as usize);
    for clause in clauses {
        checker.add(clause);
    }
    for (at, lemma) in lemmas.iter().enumerate() {
        if !checker.follows(lemma) {
            return Err(Gap(at));
        }
        checker.add(lemma);
    }
    if checker.follows(&[]) { Ok(()) } else { Err(Gap(lemmas.len())) }
}

/// Clauses under two watched literals each, and what they force.
struct Checker {
    clauses: Vec<Vec<Literal>>,
    /// For each literal the clauses that watch it.
    watchers: Vec<Vec<usize>>,
    /// For each variable its value: 1, -1, or 0 for none.
    values: Vec<i8>,
    trail: Vec<Literal>,
    done: usize,
    is_contradiction: bool,
}

fn index(literal: Literal) -> usize {
    literal.unsigned_abs() as usize * 2 + usize::from(literal < 0)
}

impl Checker {
    fn new(variables: usize) -> Self {
        Self {
            clauses: Vec::new(),
            watchers: vec![Vec::new(); variables * 2 + 2],
            values: vec![0; variables + 1],
            trail: Vec::new(),
            done: 0,
            is_contradiction: false,
        }
    }

    fn value(&self, literal: Literal) -> i8 {
        let value = self.values[literal.unsigned_abs() as usize];
        if literal < 0 { -value } else { value }
    }

    fn set(&mut self, literal: Literal) {
        self.values[literal.unsigned_abs() as usize] = if literal < 0 { -1 } else { 1 };
        self.trail.push(literal);
    }

    /// Adds a clause and keeps what follows from it by itself.
    fn add(&mut self, clause: &[Literal]) {
        let mut clause = clause.to_vec();
        clause.sort_unstable();
        clause.dedup();
        if clause.iter().any(|l| clause.binary_search(&-l).is_ok()) {
            return;
        }
        // Literals that are not false come first, so that the watches are good ones.
        clause.sort_by_key(|literal| self.value(*literal) < 0);
        match (clause.first().copied(), clause.get(1).copied()) {
            (None, _) => self.is_contradiction = true,
            (Some(first), None) => self.force(first),
            (Some(first), Some(second)) => {
                self.watchers[index(first)].push(self.clauses.len());
                self.watchers[index(second)].push(self.clauses.len());
                self.clauses.push(clause);
                if self.value(second) < 0 {
                    self.force(first);
                }
            }
        }
    }

    /// Sets a literal for good.
    fn force(&mut self, literal: Literal) {
        match self.value(literal) {
            -1 => self.is_contradiction = true,
            0 => {
                self.set(literal);
                self.is_contradiction |= !self.propagate();
            }
            _ => {}
        }
    }

    /// Whether the clause's negation leads to a contradiction by unit propagation.
    fn follows(&mut self, clause: &[Literal]) -> bool {
        if self.is_contradiction {
            return true;
        }
        let mark = self.trail.len();
        let mut is_refuted = false;
        for literal in clause {
            match self.value(*literal) {
                1 => is_refuted = true,
                0 => self.set(-literal),
                _ => {}
            }
        }
        let is_refuted = is_refuted || !self.propagate();
        for literal in self.trail.drain(mark..) {
            self.values[literal.unsigned_abs() as usize] = 0;
        }
        self.done = mark;
        is_refuted
    }

    /// Sets what the clauses force; false on a contradiction.
    fn propagate(&mut self) -> bool {
        while let Some(literal) = self.trail.get(self.done).copied() {
            self.done += 1;
            let watching = std::mem::take(&mut self.watchers[index(-literal)]);
            for (seen, clause) in watching.iter().enumerate() {
                if !self.visit(*clause, -literal) {
                    self.watchers[index(-literal)].extend_from_slice(&watching[seen + 1..]);
                    return false;
                }
            }
        }
        true
    }

    /// Moves a watch off a literal that became false, or sets the other; false on a contradiction.
    fn visit(&mut self, at: usize, falsified: Literal) -> bool {
        let mut clause = std::mem::take(&mut self.clauses[at]);
        if clause[0] == falsified {
            clause.swap(0, 1);
        }
        let free = (2..clause.len()).find(|place| self.value(clause[*place]) >= 0);
        let holds = match (self.value(clause[0]), free) {
            (0 | -1, Some(place)) => {
                clause.swap(1, place);
                self.watchers[index(clause[1])].push(at);
                true
            }
            (value, _) => {
                self.watchers[index(falsified)].push(at);
                if value == 0 {
                    self.set(clause[0]);
                }
                value >= 0
            }
        };
        self.clauses[at] = clause;
        holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two variables, all four combinations forbidden.
    fn square() -> Vec<Vec<Literal>> {
        vec![vec![1, 2], vec![1, -2], vec![-1, 2], vec![-1, -2]]
    }

    #[test]
    fn a_refutation_is_accepted() {
        assert_eq!(check(&square(), &[vec![1]]), Ok(()));
    }

    #[test]
    fn a_refutation_with_a_step_missing_is_not() {
        let three = vec![
            vec![1, 2, 3],
            vec![1, 2, -3],
            vec![1, -2, 3],
            vec![1, -2, -3],
            vec![-1, 2, 3],
            vec![-1, 2, -3],
            vec![-1, -2, 3],
            vec![-1, -2, -3],
        ];
        assert_eq!(check(&three, &[]), Err(Gap(0)));
        assert_eq!(check(&three, &[vec![1]]), Err(Gap(0)));
        assert_eq!(check(&three, &[vec![1, 2], vec![1], vec![-1, 2]]), Ok(()));
    }

    #[test]
    fn a_lemma_from_nowhere_is_not() {
        assert_eq!(check(&square()[..3], &[vec![-1]]), Err(Gap(0)));
    }

    #[test]
    fn clauses_that_can_be_met_are_not_refuted() {
        assert_eq!(check(&square()[..3], &[]), Err(Gap(0)));
        assert_eq!(check(&square()[..3], &[vec![1]]), Err(Gap(1)));
    }
}
