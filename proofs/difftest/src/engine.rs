//! Runs a trace through the Rust engine.

use portcullis::{SessionState, step};

use crate::wire::{Trace, put_answer, put_state};

/// Appends what the engine answers, in the model's layout.
pub(crate) fn run(trace: &Trace, out: &mut Vec<u8>) {
    let start = trace.start;
    let (now, window) = (u64::from(start.now_ms), u64::from(start.window_ms));
    let mut state = SessionState::start(start.posture.normal(), start.maximum, now, window);
    for event in &trace.events {
        let (next, answer) = step(state, *event);
        put_answer(answer, out);
        state = next;
    }
    put_state(state, out);
}
