//! Moves a command's streams, within caps.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use nucleus_jail::Stdio;

use super::command::OutputCaps;
use super::output::Stream;
use crate::error::Error;

/// Bytes read at once.
const CHUNK_BYTES: usize = 64 << 10;
/// Chunks that wait for the reader: 4 MiB, so that a flood cannot fill memory.
const WAITING_CHUNKS: usize = 64;

/// The host's ends of a command's streams.
pub(super) struct Pipes {
    stdin: Option<File>,
    stdout: File,
    stderr: File,
}

/// The host's ends, and what the jail gets.
pub(super) fn pipes(stdin: &[u8]) -> Result<(Pipes, Stdio), Error> {
    let failed = |error: rustix::io::Errno| Error::failed("cannot make a pipe", error.into());
    let pipe = || rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(failed);
    let (out_read, out_write) = pipe()?;
    let (err_read, err_write) = pipe()?;
    let (jail_stdin, host_stdin) = if stdin.is_empty() {
        let null = File::open("/dev/null")
            .map_err(|error| Error::failed("cannot open /dev/null", error))?;
        (OwnedFd::from(null), None)
    } else {
        let (read, write) = pipe()?;
        (read, Some(File::from(write)))
    };
    let pipes = Pipes {
        stdin: host_stdin,
        stdout: File::from(out_read),
        stderr: File::from(err_read),
    };
    Ok((
        pipes,
        Stdio::Fds {
            stdin: jail_stdin,
            stdout: out_write,
            stderr: err_write,
        },
    ))
}

/// One piece of output.
pub(super) type Chunk = (Stream, Vec<u8>);

/// Starts to move the streams; the channel closes when both have ended.
pub(super) fn start(pipes: Pipes, stdin: &[u8]) -> Receiver<Chunk> {
    let (sender, receiver) = sync_channel(WAITING_CHUNKS);
    let other = sender.clone();
    let (mut stdout, mut stderr) = (pipes.stdout, pipes.stderr);
    thread::spawn(move || pump(&mut stdout, Stream::Stdout, &sender));
    thread::spawn(move || pump(&mut stderr, Stream::Stderr, &other));
    if let Some(mut file) = pipes.stdin {
        let bytes = stdin.to_vec();
        // A command that does not read its input is no error; std ignores SIGPIPE.
        thread::spawn(move || drop(file.write_all(&bytes)));
    }
    receiver
}

/// Sends what it reads until the stream ends or nobody listens.
fn pump(from: &mut File, stream: Stream, to: &SyncSender<Chunk>) {
    let mut buffer = vec![0; CHUNK_BYTES];
    while let Ok(count) = from.read(&mut buffer) {
        if count == 0 || to.send((stream, buffer[..count].to_vec())).is_err() {
            return;
        }
    }
}

/// What was said so far, within caps.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    pub(super) total_bytes: u64,
    lines: u64,
    pub(super) is_cut: bool,
}

impl Said {
    /// Keeps what the caps allow of a chunk and returns it.
    pub(super) fn take<'a>(
        &mut self,
        caps: &OutputCaps,
        stream: Stream,
        chunk: &'a [u8],
    ) -> &'a [u8] {
        self.total_bytes += chunk.len() as u64;
        let kept = self.within(caps, chunk);
        self.is_cut |= kept.len() < chunk.len();
        self.lines += kept.iter().filter(|byte| **byte == b'\n').count() as u64;
        match stream {
            Stream::Stdout => self.stdout.extend_from_slice(kept),
            Stream::Stderr => self.stderr.extend_from_slice(kept),
        }
        kept
    }

    /// Bytes that were kept.
    pub(super) fn kept_bytes(&self) -> u64 {
        (self.stdout.len() + self.stderr.len()) as u64
    }

    fn within<'a>(&self, caps: &OutputCaps, chunk: &'a [u8]) -> &'a [u8] {
        if self.is_cut {
            return &[];
        }
        let bytes =
            usize::try_from(caps.bytes.saturating_sub(self.kept_bytes())).unwrap_or(usize::MAX);
        let fits = &chunk[..chunk.len().min(bytes)];
        let lines = usize::try_from(caps.lines.saturating_sub(self.lines)).unwrap_or(usize::MAX);
        let mut ends = fits
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .map(|(at, _)| at + 1);
        match lines.checked_sub(1) {
            None => &[],
            Some(before_last) => &fits[..ends.nth(before_last).unwrap_or(fits.len())],
        }
    }
}
