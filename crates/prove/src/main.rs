//! Proves every law, refutes every non-law and prints a table; exits 0 only without any doubt.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use portcullis_laws::{Law, Sweep, all, all_nonlaws, sweep};
use prove::check::{Checked, Engine, Replay, Verdict, check, lifted};
use prove::emit::Failure;
use prove::ir::Module;
use prove::sabotage::{List, Outcome, Sabotage, plant};
use prove::smt::{Opinion, Other};
use prove::{agree, emit, smt};

/// Prove the laws of portcullis from the compiler's own output
#[derive(Debug, Parser)]
#[command(name = "prove")]
struct Args {
    /// Compare each lifted law with its function on this many drawn inputs
    #[arg(long, value_name = "INPUTS", default_value_t = 100_000)]
    agree: u64,
    /// Ask another solver the same questions; it must be installed, and answer at least half
    #[arg(long, value_enum, value_name = "SOLVER")]
    cross_check: Vec<Other>,
    /// Plant the bugs of `proofs/sabotage/list.toml` instead: each must be seen
    #[arg(long)]
    sabotage: bool,
    /// Of the planted bugs only those marked for CI
    #[arg(long, requires = "sabotage")]
    ci: bool,
    /// Only laws (or bugs of laws) whose name has this in it
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Keep the compiler's output in this file
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    // Non-laws panic when they are replayed; that is an answer, not news.
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = if args.sabotage { sabotage(&args) } else { prove(&args) };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(2)
        }
    }
}

/// The root of the workspace.
fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).unwrap_or(own)
}

/// What was found wrong, and one line of the table each.
#[derive(Default)]
struct Report {
    doubts: Vec<String>,
}

impl Report {
    fn line(&mut self, name: &str, verdict: &str, took: Duration, engine: &str) {
        println!("{name:<52} {verdict:<9} {:>8.1} ms  {engine}", took.as_secs_f64() * 1e3);
    }

    fn doubt(&mut self, name: &str, why: &str) {
        self.doubts.push(format!("{name}: {why}"));
    }

    fn law(&mut self, checked: &Checked) {
        let (verdict, engine) = match &checked.verdict {
            Verdict::Proved(Engine::Rewriting) => ("proved", "rewriting".to_owned()),
            Verdict::Proved(Engine::Solver { lemmas }) => ("proved", format!("solver, {lemmas} lemmas checked")),
            Verdict::Refuted(words) => ("REFUTED", (checked.law.show)(words)),
            Verdict::Doubt(why) => ("DOUBT", why.clone()),
        };
        self.line(checked.law.name, verdict, checked.took, &engine);
        if !matches!(checked.verdict, Verdict::Proved(_)) {
            self.doubt(checked.law.name, &format!("{verdict}: {engine}"));
        }
    }

    fn nonlaw(&mut self, checked: &Checked) {
        let is_refuted = matches!(checked.verdict, Verdict::Refuted(_));
        self.line(
            checked.law.name,
            if is_refuted { "refuted" } else { "DOUBT" },
            checked.took,
            "as it must be, by an input that replays",
        );
        if !is_refuted {
            self.doubt(checked.law.name, &format!("not refuted: {:?}", checked.verdict));
        }
    }

    fn swept(&mut self, law: &Law, swept: &Sweep, took: Duration) {
        let kind = if swept.is_complete { "every input" } else { "every vector" };
        let verdict = if swept.broken_by.is_some() { "BROKEN" } else { "holds" };
        self.line(law.name, verdict, took, &format!("{kind}: {} inputs, {} inside", swept.inputs, swept.inside));
        if let Some(words) = &swept.broken_by {
            self.doubt(law.name, &format!("broken by {}", (law.show)(words)));
        }
        if swept.inside == 0 {
            self.doubt(law.name, "no swept input is inside it");
        }
    }

    fn close(&self) -> bool {
        for doubt in &self.doubts {
            println!("doubt: {doubt}");
        }
        println!("{} doubt(s)", self.doubts.len());
        self.doubts.is_empty()
    }
}

/// Does a piece of work for each item on all cores, the answers in the order of the items.
fn each<I: Sync, T: Send>(items: &[I], work: impl Fn(&I) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::new());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else {
                        return;
                    };
                    let answer = work(item);
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((at, answer));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, answer)| answer).collect()
}

/// Proves, refutes, compares and sweeps.
fn prove(args: &Args) -> Result<bool, Failure> {
    let started = Instant::now();
    let place = tempfile::tempdir()?;
    let libraries = emit::libraries(root())?;
    let text = emit::laws(root(), &libraries.portcullis, &libraries, place.path())?;
    if let Some(file) = &args.keep {
        std::fs::write(file, &text)?;
    }
    println!("compiled in {:.1} s", started.elapsed().as_secs_f64());
    let module = Module::new(&text);
    let wanted = |law: &&Law| law.name.contains(&args.only);
    let laws: Vec<&Law> = all().filter(wanted).collect();
    let nonlaws: Vec<&Law> = all_nonlaws().filter(wanted).collect();
    let mut report = Report::default();
    let proofs = Instant::now();
    let checked = each(&laws, |law| check(&module, law, Replay::Native));
    let solved = proofs.elapsed();
    checked.iter().for_each(|checked| report.law(checked));
    each(&nonlaws, |law| check(&module, law, Replay::Native)).iter().for_each(|checked| report.nonlaw(checked));
    let swept = sweeps(&laws, &mut report);
    let compared = comparisons(&module, &[laws.clone(), nonlaws.clone()].concat(), args.agree, &mut report);
    for other in &args.cross_check {
        cross_check(&module, &laws, *other, &mut report)?;
    }
    println!(
        "\n{} laws proved and {} non-laws refuted; proofs {:.1} s of one core and {:.1} s in all, {swept}, {compared}, all {:.1} s",
        checked.iter().filter(|c| matches!(c.verdict, Verdict::Proved(_))).count(),
        nonlaws.len(),
        checked.iter().map(|checked| checked.took).sum::<Duration>().as_secs_f64(),
        solved.as_secs_f64(),
        started.elapsed().as_secs_f64()
    );
    Ok(report.close() && checked.len() == laws.len() && !laws.is_empty())
}

/// Judges every input of the laws with small domains, and every capability vector of others.
fn sweeps(laws: &[&Law], report: &mut Report) -> String {
    let started = Instant::now();
    let mut inputs = 0;
    for law in laws {
        let one = Instant::now();
        if let Some(swept) = sweep(law) {
            inputs += swept.inputs;
            report.swept(law, &swept, one.elapsed());
        }
    }
    format!("{inputs} inputs swept in {:.1} s", started.elapsed().as_secs_f64())
}

/// Compares every lifted law with its function.
fn comparisons(module: &Module<'_>, laws: &[&'static Law], inputs: u64, report: &mut Report) -> String {
    let started = Instant::now();
    let differences = each(laws, |law| agree::agree(module, law, inputs).err().map(|why| (law.name, why)));
    for (name, why) in differences.into_iter().flatten() {
        report.doubt(name, &why);
    }
    format!("{inputs} inputs each compared in {:.1} s", started.elapsed().as_secs_f64())
}

/// Asks another solver. Its silence is counted and is no doubt, unless it is silent on half of the laws.
fn cross_check(module: &Module<'_>, laws: &[&'static Law], other: Other, report: &mut Report) -> Result<(), Failure> {
    let started = Instant::now();
    let opinions = each(laws, |law| {
        let script = smt::script(&lifted(module, law)?);
        smt::ask(other, &script).map_err(|failure| format!("{}: {failure}", other.program()))
    });
    let mut agreed = 0;
    for (law, opinion) in laws.iter().zip(opinions) {
        match opinion? {
            Opinion::Agrees => agreed += 1,
            Opinion::Silent => println!("{}: {} is silent", law.name, other.program()),
            Opinion::Differs(answer) => report.doubt(law.name, &format!("{} answers {answer}", other.program())),
        }
    }
    let (program, took) = (other.program(), started.elapsed().as_secs_f64());
    println!("{program}: agrees on {agreed} of {} laws, in {took:.1} s", laws.len());
    if agreed * 2 < laws.len() {
        report.doubt(program, "silent on more than half of the laws");
    }
    Ok(())
}

/// Plants bugs, each of which must turn the law it names red.
fn sabotage(args: &Args) -> Result<bool, Failure> {
    let list: List = toml::from_str(&std::fs::read_to_string(root().join("proofs/sabotage/list.toml"))?)?;
    let libraries = emit::libraries(root())?;
    let mut report = Report::default();
    let wanted = |bug: &&Sabotage| (bug.ci || !args.ci) && bug.law.contains(&args.only);
    let bugs: Vec<&Sabotage> = list.sabotage.iter().filter(wanted).collect();
    let planted = each(&bugs, |bug| {
        let started = Instant::now();
        let outcome = plant(root(), &libraries, bug);
        (outcome, started.elapsed())
    });
    for (bug, (outcome, took)) in bugs.iter().zip(planted) {
        match outcome {
            Ok(Outcome::Red(why)) => report.line(&bug.what, "seen", took, &format!("{}: {}", bug.law, shortened(&why))),
            Ok(Outcome::Unseen) => report.doubt(&bug.what, &format!("`{}` is still proved", bug.law)),
            Err(failure) => report.doubt(&bug.what, &failure.to_string()),
        }
    }
    println!("{} bug(s) planted", bugs.len());
    Ok(report.close() && !bugs.is_empty())
}

/// The start of a long text.
fn shortened(text: &str) -> String {
    text.chars().take(110).collect()
}
