//! `nucleus audit --fix`: what can be rewritten is shown first, and what no lock file knows is asked for.

use std::io::IsTerminal as _;

use nucleus_scan::fix::{Plan, Question, questions};
use nucleus_scan::{Edit, Scan, output};

use crate::report::{Failure, USAGE};

/// What became of the rewrites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rewritten {
    /// There were none.
    Nothing,
    /// Nobody agreed to them.
    Refused,
    /// They were made.
    Written,
}

/// Shows the rewrites, and makes them once they are agreed to.
pub(super) fn rewrite(scan: &Scan, given: &[String], agreed: bool) -> Result<Rewritten, Failure> {
    let (answered, open) = answers(scan, given, agreed)?;
    let plan = Plan::with(scan, answered);
    for left in plan.left_alone() {
        let file = output::plain(&left.file.shown);
        anstream::eprintln!("`{file}` is left alone, or in part: {}", left.why);
    }
    if plan.rewrites().is_empty() {
        anstream::eprintln!("nothing can be rewritten safely; the report says what to do by hand");
        name_open(&open);
        return Ok(Rewritten::Nothing);
    }
    anstream::print!("{}", output::lines(&plan.diff()));
    name_open(&open);
    if !agreed && !is_agreed_to(plan.rewrites().len())? {
        anstream::eprintln!("nothing was written");
        return Ok(Rewritten::Refused);
    }
    let written = plan.write().map_err(|why| Failure::new(USAGE, why))?;
    anstream::eprintln!("rewrote {written} of {} files", plan.rewrites().len());
    Ok(Rewritten::Written)
}

/// The rewrites for versions that were given or asked for, and the questions that stay open.
fn answers(
    scan: &Scan,
    given: &[String],
    agreed: bool,
) -> Result<(Vec<Edit>, Vec<Question>), Failure> {
    let pins = pins(given)?;
    let questions = questions(scan);
    for (name, _) in &pins {
        if !questions.iter().any(|question| question.name() == *name) {
            return Err(Failure::usage(format!(
                "`--pin {name}`: nothing of that name is without a version"
            ))
            .help("`nucleus audit --fix` lists what is"));
        }
    }
    let asks = !agreed && std::io::stdin().is_terminal();
    let (mut edits, mut open) = (Vec::new(), Vec::new());
    for question in questions {
        let given = pins.iter().find(|(name, _)| *name == question.name());
        let version = match given {
            Some((_, version)) => (*version).to_owned(),
            None if asks => ask(&question)?,
            None => String::new(),
        };
        if version.is_empty() {
            open.push(question);
        } else {
            edits.push(question.answered(&version).map_err(Failure::usage)?);
        }
    }
    Ok((edits, open))
}

fn pins(given: &[String]) -> Result<Vec<(&str, &str)>, Failure> {
    let split = |pin: &String| pin.rsplit_once('=').is_none();
    if let Some(odd) = given.iter().find(|pin| split(pin)) {
        return Err(Failure::usage(format!("`--pin {odd}` has no version"))
            .help("write NAME=VERSION, such as --pin @scope/server=1.2.3"));
    }
    Ok(given
        .iter()
        .filter_map(|pin| pin.rsplit_once('='))
        .collect())
}

fn ask(question: &Question) -> Result<String, Failure> {
    let place = &question.evidence().place;
    anstream::eprint!(
        "{place}: which version of `{}`? {}, or nothing to leave it: ",
        output::plain(&question.shown()),
        question.wanted()
    );
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

fn name_open(open: &[Question]) {
    for question in open {
        let name = output::plain(&question.shown());
        anstream::eprintln!(
            "{}: `{name}` stays without a version, no lock file knows it: --pin {name}=VERSION with {}",
            question.evidence().place,
            question.wanted()
        );
    }
}

/// FAIL-CLOSED: without a terminal nobody agrees.
fn is_agreed_to(files: usize) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        anstream::eprintln!("no terminal to ask: agree with --yes");
        return Ok(false);
    }
    anstream::eprint!("rewrite {files} files? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
