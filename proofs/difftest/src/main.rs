//! Runs the same traces through the model extracted from Rocq and through the Rust engine, and compares each answer
//! and the last state.
//!
//! `difftest MODEL [--traces N] [--seed S]`: every case of one request first, then N random traces (default two
//! million), then a tenth as many texts against plain references. A trace is named by its number, from which it can be made again; a disagreement is shrunk and shown.

mod cases;
mod engine;
mod peer;
mod random;
mod shrink;
mod texts;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use peer::{Counts, Disagreement};
use wire::Trace;

/// What the command line says.
#[derive(Debug)]
struct Args {
    model: PathBuf,
    traces: u64,
    seed: u64,
}

fn main() -> ExitCode {
    let args = match args(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(why) => {
            eprintln!("error: {why}\nusage: difftest MODEL [--traces N] [--seed S]");
            return ExitCode::from(2);
        }
    };
    let began = Instant::now();
    let outcome = parts(&args);
    match outcome {
        Ok(counts) => {
            let texts = args.traces / 10;
            if let Some(found) = (0..texts)
                .map(|number| texts::case(args.seed, number))
                .find(|case| !case.agrees())
            {
                println!(
                    "DISAGREEMENT: {}\n  engine    {}\n  reference {}",
                    found.question, found.engine, found.reference
                );
                return ExitCode::FAILURE;
            }
            println!("{texts} texts of paths, hosts and commands agree with the references");
            println!(
                "{} cases and random traces, {counts}, agree in {:.1} s (seed {})",
                counts.traces,
                began.elapsed().as_secs_f64(),
                args.seed
            );
            ExitCode::SUCCESS
        }
        Err(Stop::Disagreement(found)) => {
            println!("{}", shrink::report(&args.model, &found));
            ExitCode::FAILURE
        }
        Err(Stop::Peer(why)) => {
            eprintln!("error: {why}");
            ExitCode::from(2)
        }
    }
}

/// Why the comparison ended early.
#[derive(Debug)]
enum Stop {
    Disagreement(Box<Disagreement>),
    Peer(String),
}

/// Splits the work between the processors, each with a model of its own.
fn parts(args: &Args) -> Result<Counts, Stop> {
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let done: Vec<Result<Counts, Stop>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers)
            .map(|worker| scope.spawn(move || part(args, worker, workers)))
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(Stop::Peer("a worker panicked".to_owned())))
            })
            .collect()
    });
    done.into_iter()
        .try_fold(Counts::default(), |sum, counts| Ok(sum.plus(&counts?)))
}

fn part(args: &Args, worker: u64, workers: u64) -> Result<Counts, Stop> {
    let cases = cases::all()
        .enumerate()
        .filter(move |(index, _)| *index as u64 % workers == worker);
    let random = (0..args.traces).filter(move |number| number % workers == worker);
    let traces = cases
        .map(|(index, trace)| (format!("case {index}"), trace))
        .chain(random.map(move |number| {
            (
                format!("trace {number} of seed {}", args.seed),
                random::trace(args.seed, number),
            )
        }));
    peer::compare(&args.model, traces)
}

fn args(mut words: impl Iterator<Item = String>) -> Result<Args, String> {
    let model = words.next().ok_or("the model's program is not named")?;
    let mut args = Args {
        model: model.into(),
        traces: 2_000_000,
        seed: 0,
    };
    while let Some(word) = words.next() {
        let value = words
            .next()
            .ok_or_else(|| format!("`{word}` needs a number"))?;
        let number = value
            .parse()
            .map_err(|_| format!("`{value}` is no number"))?;
        match word.as_str() {
            "--traces" => args.traces = number,
            "--seed" => args.seed = number,
            _ => return Err(format!("`{word}` is unknown")),
        }
    }
    Ok(args)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of each run of the tests; `cargo xtask rocq` compares two hundred thousand.
    const TEXTS: u64 = 60_000;
    /// Of the cases of one request every so many, and as many random traces; `cargo xtask rocq` compares all.
    const STRIDE: usize = 101;
    const TRACES: u64 = 30_000;

    #[test]
    fn readers_of_text_agree_with_plain_references() {
        for number in 0..TEXTS {
            let case = texts::case(0, number);
            assert!(
                case.agrees(),
                "{}: engine {}, reference {}",
                case.question,
                case.engine,
                case.reference
            );
        }
    }

    /// The model is a program that `cargo xtask mutants` extracts and names; nothing is claimed where none is named.
    #[test]
    fn the_model_that_is_named_agrees_with_the_engine() {
        let Some(model) = std::env::var_os("DIFFTEST_MODEL") else {
            println!("no model is named: `cargo xtask rocq` compares the two");
            return;
        };
        let cases = cases::all().step_by(STRIDE);
        let random = (0..TRACES).map(|number| random::trace(0, number));
        let traces = cases.chain(random).map(|trace| (String::new(), trace));
        let compared = peer::compare(model.as_ref(), traces);
        assert!(compared.is_ok(), "{compared:?}");
    }
}
