//! `nucleus mcp`: the session's tools over standard input and output, for an agent inside its jail.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags};

use crate::agent::{DOOR, MCP_PIPES_VARIABLE, MCP_PORT_VARIABLE};
use crate::report::{Failure, USAGE};

/// Copies standard input to the session's port and its answers to standard output, until the session closes.
///
/// It has no authority of its own: what it can reach is what the jail's port offers.
pub(crate) fn run() -> Result<u8, Failure> {
    if let (Err(_), Some(dir)) = (
        std::env::var(MCP_PORT_VARIABLE),
        std::env::var_os(MCP_PIPES_VARIABLE),
    ) {
        return by_pipes(Path::new(&dir));
    }
    let port = port()?;
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(|error| {
        Failure::not_started(format!(
            "the session does not answer on port {port}: {error}"
        ))
        .help("`nucleus mcp` works while the session that started the agent runs")
    })?;
    stream.set_nodelay(true)?;
    let to_session = stream.try_clone()?;
    // Ends when the client closes its end; the process does not wait for it.
    std::thread::spawn(move || {
        let _ = copy(io::stdin().lock(), &to_session);
        let _ = to_session.shutdown(Shutdown::Write);
    });
    copy(&stream, io::stdout().lock())?;
    Ok(0)
}

/// The same by a pair of pipes, for an agent without a network of its own.
fn by_pipes(dir: &Path) -> Result<u8, Failure> {
    let silent = |error: io::Error| {
        let dir = dir.display();
        Failure::not_started(format!("the session does not answer in `{dir}`: {error}"))
            .help("`nucleus mcp` works while the session that started the agent runs")
    };
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| silent(io::Error::other(error.to_string())))?;
    let name = format!("{:016x}", u64::from_le_bytes(bytes));
    let paths = ["in", "out"].map(|end| dir.join(format!("{name}.{end}")));
    for path in &paths {
        let mode = Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(CWD, path, FileType::Fifo, mode, 0)
            .map_err(|error| silent(error.into()))?;
    }
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let door = rustix::fs::open(dir.join(DOOR), flags, Mode::empty());
    let mut door = File::from(door.map_err(|error| silent(error.into()))?);
    door.write_all(format!("{name}\n").as_bytes())
        .map_err(silent)?;
    // Each waits until the session has opened its end.
    let to_session = File::options()
        .write(true)
        .open(&paths[0])
        .map_err(silent)?;
    let from_session = File::open(&paths[1]).map_err(silent)?;
    for path in &paths {
        std::fs::remove_file(path)?;
    }
    std::thread::spawn(move || copy(io::stdin().lock(), to_session));
    copy(from_session, io::stdout().lock())?;
    Ok(0)
}

/// The port that the session told its jail.
fn port() -> Result<u16, Failure> {
    let outside = || {
        Failure::new(
            USAGE,
            format!("{MCP_PORT_VARIABLE} is not set, so this is not inside a session"),
        )
        .help("name `nucleus mcp` as an MCP server of an agent that `nucleus run` starts")
    };
    let value = std::env::var(MCP_PORT_VARIABLE).map_err(|_| outside())?;
    value.parse().map_err(|_| {
        Failure::new(
            USAGE,
            format!(
                "{MCP_PORT_VARIABLE} is `{}`, not a port",
                value.escape_debug()
            ),
        )
    })
}

/// Copies and flushes after each read, so that no message waits for the next one.
fn copy(mut from: impl Read, mut to: impl Write) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                to.write_all(&buffer[..length])?;
                to.flush()?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
