//! Runs one command to its end or to its wall limit, and leaves none of its processes behind.

mod tree;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// How often a running command is looked at.
const TICK: Duration = Duration::from_millis(200);
/// How long output may trickle in after the command itself has ended.
const DRAIN: Duration = Duration::from_secs(3);

/// The longest a command may run, by the wall clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit(pub(crate) Duration);

/// How a command ended.
#[derive(Debug)]
pub(crate) enum Ending {
    Exited(ExitStatus),
    TimedOut(Limit),
    NotStarted(std::io::Error),
}

impl Ending {
    /// Whether the command ran and said that it succeeded.
    pub(crate) fn is_success(&self) -> bool {
        matches!(self, Self::Exited(status) if status.success())
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "{status}"),
            Self::TimedOut(Limit(limit)) => write!(f, "killed after {} s", limit.as_secs()),
            Self::NotStarted(error) => write!(f, "could not be started: {error}"),
        }
    }
}

/// Runs a command without input and hands each line of its output to `each_line`.
///
/// Past the limit the whole tree of processes is killed, also those that left the session;
/// whatever is left after a regular end is killed too. **Only on Linux**: elsewhere the
/// command alone is killed.
pub(crate) fn stream(
    command: &mut Command,
    limit: Limit,
    mut each_line: impl FnMut(&str),
) -> Ending {
    tree::adopt_orphans();
    let started = Instant::now();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Ending::NotStarted(error),
    };
    let lines = lines_of(&mut child);
    let ending = loop {
        drain(&lines, TICK, &mut each_line);
        match child.try_wait() {
            Ok(Some(status)) => break Ending::Exited(status),
            Ok(None) if started.elapsed() > limit.0 => break Ending::TimedOut(limit),
            Ok(None) => {}
            Err(error) => break Ending::NotStarted(error),
        }
    };
    if !matches!(ending, Ending::Exited(_)) {
        let _ = child.kill();
        tree::kill_descendants();
        let _ = child.wait();
    }
    tree::kill_descendants();
    let drained_by = Instant::now() + DRAIN;
    while Instant::now() < drained_by && drain(&lines, TICK, &mut each_line) {}
    ending
}

/// Runs a command, shows nothing, and says whether it succeeded.
pub(crate) fn quiet(command: &mut Command, limit: Limit) -> bool {
    stream(command, limit, |_| {}).is_success()
}

fn lines_of(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        forward(stdout, sender.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        forward(stderr, sender);
    }
    receiver
}

/// Sends every line of a pipe; a line that is not UTF-8 is sent with its bad bytes replaced.
fn forward(pipe: impl Read + Send + 'static, sender: Sender<String>) {
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut line = Vec::new();
        while matches!(reader.read_until(b'\n', &mut line), Ok(count) if count > 0) {
            let text = String::from_utf8_lossy(&line);
            if sender
                .send(text.trim_end_matches(['\n', '\r']).to_owned())
                .is_err()
            {
                break;
            }
            line.clear();
        }
    });
}

/// Hands on what arrives within `wait`, however much; false when no more can come.
fn drain(lines: &Receiver<String>, wait: Duration, each_line: &mut impl FnMut(&str)) -> bool {
    let until = Instant::now() + wait;
    loop {
        match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => each_line(&line),
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => {
                thread::sleep(Duration::from_millis(10));
                return false;
            }
        }
        if Instant::now() > until {
            return true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str, limit: Duration) -> (Ending, Vec<String>) {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let ending = stream(&mut command, Limit(limit), |line| {
            lines.push(line.to_owned())
        });
        (ending, lines)
    }

    #[test]
    fn output_and_status_arrive() {
        let (ending, lines) = run("echo one; echo two >&2; exit 3", Duration::from_secs(60));
        assert!(matches!(ending, Ending::Exited(status) if status.code() == Some(3)));
        assert_eq!(lines.iter().map(String::len).sum::<usize>(), 6, "{lines:?}");
    }

    #[test]
    fn a_command_that_never_stops_talking_is_killed() {
        let (ending, lines) = run("exec yes", Duration::from_millis(300));
        assert!(matches!(ending, Ending::TimedOut(_)));
        assert!(!lines.is_empty());
    }

    #[test]
    fn a_command_over_its_limit_is_killed() {
        let started = Instant::now();
        let (ending, _) = run("exec sleep 600", Duration::from_millis(300));
        assert!(matches!(ending, Ending::TimedOut(_)));
        assert!(started.elapsed() < Duration::from_secs(300));
    }
}
