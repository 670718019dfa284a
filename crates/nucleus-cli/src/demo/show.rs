//! What the demo prints: one line for each layer, step and finding.

use nucleus_jail::HostSupport;

use super::Finding;
use super::attempts::{Attempt, Told};
use crate::style::{BAD, BOLD, DIM, GOOD, paint};

/// One line for each layer.
pub(super) fn layers(support: &HostSupport) {
    heading("layers of this host");
    for feature in &support.features {
        match &feature.found {
            Ok(how) => anstream::println!(
                "  {} {:<26} {}",
                paint(GOOD, "present"),
                feature.name,
                paint(DIM, how)
            ),
            Err(why) => anstream::println!(
                "  {} {:<26} {why}; {}",
                paint(BAD, "missing"),
                feature.name,
                feature.fix
            ),
        }
    }
}

/// An attempt that only a jail stops, where none can be built.
pub(super) fn not_protected(attempt: &Attempt) {
    let id = paint(DIM, format!("{:<8}", attempt.id));
    anstream::println!(
        "  {} {id} {}",
        paint(BAD, "NOT PROTECTED HERE"),
        attempt.title
    );
}

/// The start of a part.
pub(super) fn heading(text: &str) {
    anstream::println!("\n{}", paint(BOLD, text));
}

/// One step of the agent.
pub(super) fn step(told: &Told, canary: &str) {
    if !told.is_attempt() {
        let mark = if told.worked {
            paint(GOOD, "done")
        } else {
            paint(BAD, "FAILED")
        };
        anstream::println!("  {mark} {}", told.title);
        if !told.worked {
            anstream::println!("       {}", told.stopped_by);
        }
        return;
    }
    if told.got.contains(canary) {
        anstream::println!("  {} {}", paint(BAD, "GOT THROUGH"), told.title);
    } else {
        let id = paint(DIM, format!("{:<8}", told.id));
        let by = paint(DIM, &told.stopped_by);
        anstream::println!("  {} {id} {:<36} {by}", paint(GOOD, "stopped"), told.title);
    }
}

/// One thing the host checked.
pub(super) fn finding(finding: &Finding) {
    let mark = if finding.held {
        paint(GOOD, "holds")
    } else {
        paint(BAD, "BROKEN")
    };
    anstream::println!("  {mark} {}", finding.text);
}

/// The last line of the judgement.
pub(super) fn verdict(held: bool, attempts: usize, unprotected: usize) {
    if held {
        let line = format!("{attempts} attempts, none got through");
        anstream::println!("\n{}", paint(GOOD, line));
        if unprotected > 0 {
            let line = format!(
                "{unprotected} attempts that only a jail stops: NOT PROTECTED HERE; a session does not start"
            );
            anstream::println!("{}", paint(BAD, line));
        }
    } else {
        anstream::println!(
            "\n{}",
            paint(BAD, "AN ATTEMPT GOT THROUGH: do not rely on this build")
        );
    }
}

/// Whether the log verifies.
pub(super) fn log(found: &Result<String, String>) {
    match found {
        Ok(found) => anstream::println!("{} {found}", paint(GOOD, "log:")),
        Err(error) => anstream::println!("{} {error}", paint(BAD, "log:")),
    }
}
