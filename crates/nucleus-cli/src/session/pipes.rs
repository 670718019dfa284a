//! Serves the session's tools by named pipes, for an agent that has no network of its own.
//!
//! A client makes a pair of pipes and writes their name to the door, from which the session reads. Who may is who may write in
//! their directory: the agent's user, and no other.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nucleus_tool_proxy::{Hands, serve_stream};
use rustix::fs::{CWD, FileType, Mode, OFlags};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::sync::Semaphore;

use crate::agent::{DOOR, is_pipe_name};

/// The most clients at once; more wait.
const MAX_CLIENTS: usize = 32;
/// How long a client that has knocked may take to open its pipes.
const OPENS: Duration = Duration::from_secs(60);

/// The pipe by which clients say that they are there.
#[derive(Debug)]
pub(crate) struct Door {
    dir: OwnedFd,
    pipe: OwnedFd,
}

impl Door {
    /// Makes the door in this directory.
    pub(crate) fn make(dir: &Path) -> io::Result<Self> {
        let path: PathBuf = dir.join(DOOR);
        rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0)?;
        // The directory keeps others out; the agent may be another user than we.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666))?;
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::open(dir, flags, Mode::empty())?;
        // Open for writing too, so that it never ends.
        let pipe = open_pipe(&dir, DOOR, OFlags::RDWR)?;
        Ok(Self { dir, pipe })
    }

    /// Serves every client until the task is dropped.
    ///
    /// # Errors
    /// When the door cannot be taken over by the runtime.
    pub(crate) async fn serve<H: Hands>(self, hands: Arc<H>) -> io::Result<()> {
        let mut knocks = Knocks {
            pipe: Receiver::from_owned_fd(self.pipe)?,
            line: Vec::new(),
        };
        let dir = Arc::new(self.dir);
        let slots = Arc::new(Semaphore::new(MAX_CLIENTS));
        loop {
            let slot = Arc::clone(&slots)
                .acquire_owned()
                .await
                .map_err(io::Error::other)?;
            let name = knocks.next().await?;
            let (dir, hands) = (Arc::clone(&dir), Arc::clone(&hands));
            tokio::spawn(async move {
                match client(&dir, &name).await {
                    Ok((from, to)) => serve_stream(tokio::io::join(from, to), hands).await,
                    Err(error) => tracing::debug!(%error, "a client opened no pipes"),
                }
                drop(slot);
            });
        }
    }
}

/// What is written to the door.
struct Knocks {
    pipe: Receiver,
    line: Vec<u8>,
}

impl Knocks {
    /// The next name of a pair of pipes; lines that are none are skipped.
    async fn next(&mut self) -> io::Result<String> {
        /// Longer than any name.
        const MAX_BYTES: usize = 64;
        loop {
            let byte = self.pipe.read_u8().await?;
            if byte != b'\n' {
                // What is too long is no name, however it goes on.
                if self.line.len() <= MAX_BYTES {
                    self.line.push(byte);
                }
                continue;
            }
            let line = std::mem::take(&mut self.line);
            if let Some(name) = String::from_utf8(line)
                .ok()
                .filter(|name| is_pipe_name(name))
            {
                return Ok(name);
            }
        }
    }
}

/// The two pipes of a client, once it has opened both.
async fn client(dir: &OwnedFd, name: &str) -> io::Result<(Receiver, Sender)> {
    let from = open_pipe(dir, &format!("{name}.in"), OFlags::RDONLY)?;
    let opened = async {
        loop {
            // Nobody reads it until the client has opened it, after the other.
            match open_pipe(dir, &format!("{name}.out"), OFlags::WRONLY) {
                Err(error) if error.raw_os_error() == Some(NO_READER) => {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                opened => return opened,
            }
        }
    };
    let to = tokio::time::timeout(OPENS, opened).await??;
    Ok((Receiver::from_owned_fd(from)?, Sender::from_owned_fd(to)?))
}

/// What opening a pipe for writing says while nobody reads it.
const NO_READER: i32 = rustix::io::Errno::NXIO.raw_os_error();

/// FAIL-CLOSED: the agent made what is opened; nothing but a pipe in this very directory is taken, and no link followed.
fn open_pipe(dir: &OwnedFd, name: &str, access: OFlags) -> io::Result<OwnedFd> {
    let flags = access | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(dir, name, flags, Mode::empty())?;
    let kind = FileType::from_raw_mode(rustix::fs::fstat(&opened)?.st_mode);
    if kind != FileType::Fifo {
        return Err(io::Error::other(format!("`{name}` is no pipe")));
    }
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use super::{Door, client, open_pipe};
    use rustix::fs::OFlags;

    #[test]
    fn nothing_but_a_pipe_of_the_directory_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let door = Door::make(dir.path()).unwrap();
        std::fs::write(dir.path().join("file"), "as it was").unwrap();
        std::os::unix::fs::symlink("door", dir.path().join("link")).unwrap();
        for name in ["file", "link", "absent"] {
            assert!(
                open_pipe(&door.dir, name, OFlags::WRONLY).is_err(),
                "{name}"
            );
        }
        assert!(open_pipe(&door.dir, "door", OFlags::WRONLY).is_ok(), "twin");
        let kept = std::fs::read_to_string(dir.path().join("file")).unwrap();
        assert_eq!(kept, "as it was");
    }

    #[tokio::test]
    async fn a_client_without_pipes_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let door = Door::make(dir.path()).unwrap();
        assert!(client(&door.dir, "0011223344556677").await.is_err());
    }
}
