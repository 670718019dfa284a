//! Makes a disagreement small and shows it.

use std::fmt::Write as _;
use std::path::Path;

use crate::peer::{Disagreement, ask};
use crate::wire::ANSWER;
use crate::{Trace, engine};

/// The smallest trace found on which the two still differ, with what each says.
pub(crate) fn report(model: &Path, found: &Disagreement) -> String {
    let small = shrink(model, found.trace.clone());
    let (ours, theirs) = (ours(&small), ask(model, &small).unwrap_or_default());
    let mut text = format!(
        "DISAGREEMENT on {}, shrunk to {} event(s)\n",
        found.name,
        small.events.len()
    );
    let _ = writeln!(text, "start: {:?}", small.start);
    for (index, event) in small.events.iter().enumerate() {
        let at = index * ANSWER..(index + 1) * ANSWER;
        let _ = writeln!(
            text,
            "event {index}: {event:?}\n  engine {:?} model {:?}",
            ours.get(at.clone()),
            theirs.get(at)
        );
    }
    let at = small.events.len() * ANSWER..;
    let _ = writeln!(
        text,
        "last state\n  engine {:?}\n  model  {:?}",
        ours.get(at.clone()),
        theirs.get(at)
    );
    text
}

fn ours(trace: &Trace) -> Vec<u8> {
    let mut answers = Vec::new();
    engine::run(trace, &mut answers);
    answers
}

fn differs(model: &Path, trace: &Trace) -> bool {
    ask(model, trace).is_ok_and(|theirs| theirs != ours(trace))
}

/// Leaves out one event after the other as long as the two differ.
fn shrink(model: &Path, mut trace: Trace) -> Trace {
    let mut index = trace.events.len();
    while index > 0 {
        index -= 1;
        let mut smaller = trace.clone();
        smaller.events.remove(index);
        if differs(model, &smaller) {
            trace = smaller;
            index = index.min(trace.events.len());
        }
    }
    trace
}
