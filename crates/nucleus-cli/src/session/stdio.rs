//! Carries the agent's standard streams: pipes where ours are pipes, a terminal of its own where ours is one.
//!
//! The jail never gets the user's terminal or any descriptor of ours.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read, Write};
use std::os::fd::OwnedFd;
use std::thread::JoinHandle;

use nucleus_jail::{Jail, Stdio};
use rustix::termios::{self, OptionalActions, Termios};

use crate::report::Failure;

/// What the agent's input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Nothing: an agent that was given its task.
    Closed,
    /// Ours.
    Ours,
}

/// The streams of one agent.
#[derive(Debug)]
pub(crate) struct Streams {
    ours: Ours,
}

#[derive(Debug)]
enum Ours {
    Pipes {
        stdin: Option<File>,
        stdout: File,
        stderr: File,
    },
    Terminal,
}

/// What copies; joined at the end so that nothing the agent said is lost.
#[derive(Debug)]
pub(crate) struct Pumps {
    outputs: Vec<JoinHandle<()>>,
    /// Put back when dropped.
    _terminal: Option<RawTerminal>,
}

impl Streams {
    /// Streams for a new jail, and what it is given.
    ///
    /// Without namespaces a jail has no terminal of its own, and always pipes.
    pub(crate) fn open(input: Input, has_terminals: bool) -> Result<(Self, Stdio), Failure> {
        if has_terminals
            && input == Input::Ours
            && io::stdin().is_terminal()
            && io::stdout().is_terminal()
        {
            let size = termios::tcgetwinsize(io::stdout()).map_err(io::Error::from)?;
            let stdio = Stdio::Terminal {
                rows: size.ws_row,
                cols: size.ws_col,
            };
            return Ok((
                Self {
                    ours: Ours::Terminal,
                },
                stdio,
            ));
        }
        let (stdout, their_stdout) = pipe()?;
        let (stderr, their_stderr) = pipe()?;
        let (their_stdin, stdin) = pipe()?;
        let stdin = (input == Input::Ours).then(|| File::from(stdin));
        let stdio = Stdio::Fds {
            stdin: their_stdin,
            stdout: their_stdout,
            stderr: their_stderr,
        };
        let ours = Ours::Pipes {
            stdin,
            stdout: File::from(stdout),
            stderr: File::from(stderr),
        };
        Ok((Self { ours }, stdio))
    }

    /// Starts to copy.
    pub(crate) fn pump(self, jail: &mut Jail) -> Result<Pumps, Failure> {
        match self.ours {
            Ours::Pipes {
                stdin,
                stdout,
                stderr,
            } => {
                if let Some(stdin) = stdin {
                    // Ends with our input or with the jail; nobody waits for it.
                    std::thread::spawn(move || copy(io::stdin().lock(), stdin));
                }
                let outputs = vec![
                    std::thread::spawn(move || copy(stdout, io::stdout())),
                    std::thread::spawn(move || copy(stderr, io::stderr())),
                ];
                Ok(Pumps {
                    outputs,
                    _terminal: None,
                })
            }
            Ours::Terminal => {
                let master = jail
                    .take_terminal()
                    .ok_or_else(|| Failure::not_started("the jail has no terminal"))?;
                let raw = RawTerminal::enter(master.try_clone()?)?;
                let (input, output) = (File::from(master.try_clone()?), File::from(master));
                std::thread::spawn(move || copy(io::stdin().lock(), input));
                let outputs = vec![std::thread::spawn(move || copy(output, io::stdout()))];
                Ok(Pumps {
                    outputs,
                    _terminal: Some(raw),
                })
            }
        }
    }
}

impl Pumps {
    /// Waits until everything the agent said is written.
    pub(crate) fn finish(self) {
        for output in self.outputs {
            // A pump that panicked has nothing more to write.
            let _ = output.join();
        }
    }
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?)
}

/// Copies until either side ends; a reader that left is no error.
fn copy(mut from: impl Read, mut to: impl Write) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => {
                if to
                    .write_all(&buffer[..length])
                    .and_then(|()| to.flush())
                    .is_err()
                {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The terminal of a dead jail answers EIO.
            Err(_) => return,
        }
    }
}

/// Our terminal without echo and line editing, as it was again when dropped or when a signal ends us.
///
/// **A `kill -9` leaves it raw**: `stty sane` or `reset` puts it back.
#[derive(Debug)]
struct RawTerminal {
    before: Termios,
}

impl RawTerminal {
    fn enter(theirs: OwnedFd) -> io::Result<Self> {
        let before = termios::tcgetattr(io::stdin())?;
        on_signals(before.clone(), theirs)?;
        let mut raw = before.clone();
        raw.make_raw();
        termios::tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Self { before })
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// Gives the jail's terminal the size that ours is changed to, and puts ours back when one of the usual signals ends this
/// process, which it then does.
fn on_signals(before: Termios, theirs: OwnedFd) -> io::Result<()> {
    use tokio::signal::unix::{Signal, SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let kinds = [
        SignalKind::hangup(),
        SignalKind::interrupt(),
        SignalKind::quit(),
        SignalKind::terminate(),
        SignalKind::window_change(),
    ];
    let guard = runtime.enter();
    let mut signals = kinds
        .into_iter()
        .map(|kind| Ok((kind, signal(kind)?)))
        .collect::<io::Result<Vec<(SignalKind, Signal)>>>()?;
    drop(guard);
    std::thread::spawn(move || {
        let number = loop {
            // One that changed before anybody listened, too.
            if let Ok(size) = termios::tcgetwinsize(io::stdout()) {
                let _ = termios::tcsetwinsize(&theirs, size);
            }
            let came = runtime.block_on(std::future::poll_fn(|context| {
                let came = signals.iter_mut().find_map(|(kind, signal)| {
                    signal.poll_recv(context).is_ready().then_some(*kind)
                });
                came.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
            }));
            if came != SignalKind::window_change() {
                break came.as_raw_value();
            }
        };
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &before);
        std::process::exit(128 + number);
    });
    Ok(())
}
