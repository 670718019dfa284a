//! Measures `portcullis::decide` against `cedar-policy` on equal rules and requests.
//!
//! Before the clock starts, both sides must give every request of the mix the answer that is
//! written beside it. The rival is the faster of two spellings of the policies. Deciding is
//! timed alone (requests made beforehand, which for ours includes parsing, digest and looking
//! through commands) and together with making the request from its texts. **Making the request
//! is not equal work**: Cedar's is given words that were cut apart for it, and digests nothing.

mod answer;
mod cedar;
mod mix;
mod ours;
mod rules;
mod timing;

use std::error::Error;
use std::hint::black_box;
use std::process::ExitCode;

use cedar::{Cedar, Spelling};
use mix::MIX;
use ours::Ours;
use serde_json::{Value, json};
use timing::{Plan, in_turn, quantile, singly};

const RIVAL: &str = "cedar-policy 4.14 is_authorized";

fn main() -> ExitCode {
    match run() {
        Ok(lines) => {
            lines.iter().for_each(|line| println!("{line}"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<[Value; 2], Box<dyn Error>> {
    let plan = match std::env::args().nth(1).as_deref() {
        None => Plan::FULL,
        Some("--smoke") => Plan::SMOKE,
        Some(word) => {
            return Err(format!("unknown argument `{word}`: only `--smoke` is known").into());
        }
    };
    let ours = Ours::new()?;
    let split = Cedar::new(Spelling::PolicyPerRule)?;
    let joined = Cedar::new(Spelling::PolicyPerSection)?;
    check(&ours, &[&split, &joined])?;
    let bench = Bench { plan, ours };
    let by_rule = bench.against(&split)?;
    let by_section = bench.against(&joined)?;
    let is_joined_faster = by_section.decide.1 <= by_rule.decide.1;
    let (rival, cedar) = if is_joined_faster {
        (&by_section, &joined)
    } else {
        (&by_rule, &split)
    };
    Ok([
        json!({
            "id": "decide", "unit": "ns", "rival_name": RIVAL,
            "ours": rival.decide.0, "rival": rival.decide.1,
            "rival_spelling": if is_joined_faster { "one policy a section" } else { "one policy a rule" },
            "rival_one_policy_a_rule": by_rule.decide.1,
            "rival_one_policy_a_section": by_section.decide.1,
            "ours_build_and_decide": rival.whole.0,
            "rival_build_and_decide": rival.whole.1,
            "ratio_build_and_decide": rival.whole.0 / rival.whole.1,
            "requests": MIX.len(), "rounds": plan.rounds,
        }),
        bench.tail(cedar)?,
    ])
}

/// Both sides give every request the answer written beside it.
fn check(ours: &Ours, rivals: &[&Cedar]) -> Result<(), Box<dyn Error>> {
    for (case, expected) in &MIX {
        let mut answers = vec![ours.answer(&ours.request(case)?)];
        for cedar in rivals {
            answers.push(cedar.answer(&cedar.request(case)?)?);
        }
        if answers.iter().any(|answer| answer != expected) {
            return Err(
                format!("{case:?}: {expected:?} expected, ours and Cedar's: {answers:?}").into(),
            );
        }
    }
    Ok(())
}

/// Medians in nanoseconds, ours and the rival's.
#[derive(Debug)]
struct Medians {
    decide: (f64, f64),
    whole: (f64, f64),
}

#[derive(Debug)]
struct Bench {
    plan: Plan,
    ours: Ours,
}

impl Bench {
    fn against(&self, cedar: &Cedar) -> Result<Medians, Box<dyn Error>> {
        let mine = self.requests()?;
        let theirs = MIX.iter().map(|(case, _)| cedar.request(case));
        let theirs = theirs.collect::<Result<Vec<_>, _>>()?;
        let decide = in_turn(
            self.plan,
            MIX.len(),
            || {
                mine.iter()
                    .for_each(|request| _ = black_box(self.ours.decide(request)))
            },
            || {
                theirs
                    .iter()
                    .for_each(|request| drop(black_box(cedar.decide(request))))
            },
        );
        let whole = in_turn(
            self.plan,
            MIX.len(),
            || MIX.iter().for_each(|(case, _)| self.whole(case)),
            || {
                MIX.iter().for_each(|(case, _)| {
                    let request = cedar.request(black_box(case)).ok();
                    drop(black_box(request.map(|request| cedar.decide(&request))));
                });
            },
        );
        Ok(Medians { decide, whole })
    }

    /// Single calls: the slowest hundredth.
    fn tail(&self, cedar: &Cedar) -> Result<Value, Box<dyn Error>> {
        let mine = self.requests()?;
        let theirs = MIX.iter().map(|(case, _)| cedar.request(case));
        let theirs = theirs.collect::<Result<Vec<_>, _>>()?;
        let count = self.plan.single_calls;
        let mut alone = singly(count, |at| {
            _ = black_box(self.ours.decide(&mine[at % mine.len()]));
        });
        let mut whole = singly(count, |at| self.whole(&MIX[at % MIX.len()].0));
        let mut rival = singly(count / 16, |at| {
            drop(black_box(cedar.decide(&theirs[at % theirs.len()])));
        });
        Ok(json!({
            "id": "decide_p99", "unit": "ns", "rival_name": RIVAL,
            "ours": quantile(&mut alone, 0.99), "rival": quantile(&mut rival, 0.99),
            "ours_p50": quantile(&mut alone, 0.5), "ours_p999": quantile(&mut alone, 0.999),
            "ours_build_and_decide_p99": quantile(&mut whole, 0.99),
            "calls": count,
        }))
    }

    fn requests(&self) -> Result<Vec<portcullis::Request>, Box<dyn Error>> {
        MIX.iter()
            .map(|(case, _)| self.ours.request(case))
            .collect()
    }

    fn whole(&self, case: &mix::Case) {
        let request = self.ours.request(black_box(case)).ok();
        _ = black_box(request.map(|request| self.ours.decide(&request)));
    }
}
