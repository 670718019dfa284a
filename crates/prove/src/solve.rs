//! Decides whether some input makes one of some literals true; an answer of "none" comes with a checked refutation.

use batsat::{Callbacks, Lit, SolverInterface, SolverOpts, clause, lbool};

use crate::blast::{Circuit, Gate, Literal};
use crate::rup;

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// No input does; the refutation of this many lemmas was checked.
    Never {
        /// Clauses that state the question.
        clauses: usize,
        /// Lemmas of the refutation.
        lemmas: usize,
    },
    /// These bits of unknowns do: number, bit.
    By(Vec<(u32, u32)>),
}

/// A solver that gave no answer, or a refutation that was not one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The solver stopped without an answer.
    Unanswered,
    /// The refutation has a gap.
    NotRefuted(rup::Gap),
}

/// Keeps each clause that the solver learns.
#[derive(Default)]
struct Lemmas(Vec<Vec<Literal>>);

impl Callbacks for Lemmas {
    fn on_new_clause(&mut self, clause: &[Lit], kind: clause::Kind) {
        if kind == clause::Kind::Learnt {
            self.0.push(clause.iter().map(|lit| literal_of(*lit)).collect());
        }
    }
}

fn literal_of(lit: Lit) -> Literal {
    let number = Literal::try_from(lit.var().idx()).expect("a variable made from a literal");
    if lit.sign() { number } else { -number }
}

/// Decides whether some input makes any of the literals true.
///
/// They are decided one after another by one solver, which keeps what it learns; the
/// refutation is of all of them together.
///
/// # Errors
/// [`Doubt`] when there is no answer that could be checked.
pub fn decide(circuit: &Circuit, roots: &[Literal]) -> Result<Decided, Doubt> {
    let mut clauses = circuit.clauses(roots);
    let mut solver = batsat::Solver::new(SolverOpts::default(), Lemmas::default());
    for clause in &clauses {
        let mut lits: Vec<Lit> = clause.iter().map(|literal| lit_of(&mut solver, *literal)).collect();
        solver.add_clause_reuse(&mut lits);
    }
    for root in roots {
        let lit = lit_of(&mut solver, *root);
        let answer = solver.solve_limited(&[lit]);
        if answer == lbool::TRUE {
            return Ok(Decided::By(set_bits(circuit, &mut solver)));
        }
        if answer != lbool::FALSE {
            return Err(Doubt::Unanswered);
        }
        solver.cb_mut().0.push(vec![-root]);
    }
    clauses.push(roots.to_vec());
    let lemmas = &solver.cb().0;
    rup::check(&clauses, lemmas).map_err(Doubt::NotRefuted)?;
    Ok(Decided::Never { clauses: clauses.len(), lemmas: lemmas.len() })
}

fn lit_of(solver: &mut batsat::Solver<Lemmas>, literal: Literal) -> Lit {
    Lit::new(solver.var_of_int(literal.unsigned_abs()), literal > 0)
}

/// The bits of unknowns that the model sets.
fn set_bits(circuit: &Circuit, solver: &mut batsat::Solver<Lemmas>) -> Vec<(u32, u32)> {
    let numbered = (1..).zip(circuit.gates());
    let set = numbered.filter_map(|(number, gate): (u32, _)| match *gate {
        Gate::Bit { unknown, bit } if number < solver.num_vars() => {
            let lit = lit_of(solver, Literal::try_from(number).ok()?);
            (solver.value_lit(lit) == lbool::TRUE).then_some((unknown, bit))
        }
        _ => None,
    });
    set.collect()
}
