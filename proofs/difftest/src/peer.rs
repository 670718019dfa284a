//! Feeds traces to the model over pipes and compares its answers with the engine's.

use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::{Stop, Trace, engine};

/// Traces that are sent together.
const BATCH: usize = 256;
/// Batches that may be under way, so that neither side waits long for the other.
const AHEAD: usize = 32;

/// What was compared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) traces: u64,
    /// Answers by kind: ignored, applied, denied, asked, permitted.
    kinds: [u64; 5],
}

impl Counts {
    /// Both together.
    pub(crate) fn plus(mut self, other: &Self) -> Self {
        self.traces += other.traces;
        self.kinds
            .iter_mut()
            .zip(other.kinds)
            .for_each(|(sum, kind)| *sum += kind);
        self
    }

    fn count(&mut self, trace: &Trace, answers: &[u8]) {
        self.traces += 1;
        for answer in answers.chunks(crate::wire::ANSWER).take(trace.events.len()) {
            self.kinds[usize::from(answer[0])] += 1;
        }
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [ignored, applied, denied, asked, permitted] = self.kinds;
        let steps: u64 = self.kinds.iter().sum();
        write!(
            f,
            "{steps} steps (permitted {permitted}, asked {asked}, denied {denied}, applied {applied}, ignored {ignored})"
        )
    }
}

/// A trace on which the two differ.
#[derive(Debug)]
pub(crate) struct Disagreement {
    pub(crate) name: String,
    pub(crate) trace: Trace,
}

/// The traces of a batch and what the engine answers to them.
type Batch = Vec<(String, Trace, Vec<u8>)>;

/// Compares all traces; stops at the first disagreement.
pub(crate) fn compare(
    model: &Path,
    traces: impl Iterator<Item = (String, Trace)> + Send,
) -> Result<Counts, Stop> {
    let mut child = start(model)?;
    let input = child.stdin.take().ok_or_else(|| lost("its input"))?;
    let output = child.stdout.take().ok_or_else(|| lost("its output"))?;
    let (sender, receiver) = sync_channel(AHEAD);
    let compared = std::thread::scope(|scope| {
        scope.spawn(move || feed(input, traces, &sender));
        let compared = check(output, receiver);
        // Ends the feeder too, where the comparison stopped early.
        let _ = child.kill();
        compared
    });
    let _ = child.wait();
    compared
}

fn start(model: &Path) -> Result<Child, Stop> {
    Command::new(model)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| {
            Stop::Peer(format!(
                "the model `{}` cannot be started: {error}",
                model.display()
            ))
        })
}

fn lost(what: &str) -> Stop {
    Stop::Peer(format!("the model closed {what}"))
}

/// Sends the traces; what the engine says of them goes to the one who reads.
fn feed(
    input: impl Write,
    traces: impl Iterator<Item = (String, Trace)>,
    sender: &SyncSender<Batch>,
) {
    let mut input = BufWriter::with_capacity(1 << 16, input);
    let mut traces = traces.peekable();
    while traces.peek().is_some() {
        let mut bytes = Vec::new();
        let batch: Batch = traces
            .by_ref()
            .take(BATCH)
            .map(|(name, trace)| {
                trace.put(&mut bytes);
                let mut answers = Vec::with_capacity(trace.answer_bytes());
                engine::run(&trace, &mut answers);
                (name, trace, answers)
            })
            .collect();
        // The reader tells what went wrong.
        if input
            .write_all(&bytes)
            .and_then(|()| input.flush())
            .is_err()
            || sender.send(batch).is_err()
        {
            return;
        }
    }
}

fn check(mut output: impl Read, batches: Receiver<Batch>) -> Result<Counts, Stop> {
    let mut counts = Counts::default();
    let mut said = Vec::new();
    for batch in batches {
        for (name, trace, expected) in batch {
            said.resize(expected.len(), 0);
            output
                .read_exact(&mut said)
                .map_err(|error| Stop::Peer(format!("the model ended early: {error}")))?;
            if said != expected {
                return Err(Stop::Disagreement(Box::new(Disagreement { name, trace })));
            }
            counts.count(&trace, &said);
        }
    }
    Ok(counts)
}

/// What the model answers to one trace alone.
pub(crate) fn ask(model: &Path, trace: &Trace) -> Result<Vec<u8>, Stop> {
    let mut child = start(model)?;
    let mut bytes = Vec::new();
    trace.put(&mut bytes);
    let mut input = child.stdin.take().ok_or_else(|| lost("its input"))?;
    input.write_all(&bytes).map_err(|_| lost("its input"))?;
    drop(input);
    let output = child
        .wait_with_output()
        .map_err(|error| Stop::Peer(error.to_string()))?;
    Ok(output.stdout)
}
