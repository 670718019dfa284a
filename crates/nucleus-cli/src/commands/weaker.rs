//! What `--unsafe-without-namespaces` gives up, said before anything starts and written into the log.

use nucleus::Monitor;
use nucleus_jail::NOT_HELD_WITHOUT_NAMESPACES;

use crate::report::Failure;
use crate::style::{BAD, BOLD, paint};

/// The flag.
pub(crate) const FLAG: &str = "--unsafe-without-namespaces";

/// Says in bold what does not hold.
pub(crate) fn say() {
    anstream::eprintln!(
        "{}",
        paint(
            BAD,
            format!("ADVISORY: this session runs without namespaces ({FLAG})")
        )
    );
    anstream::eprintln!(
        "{}",
        paint(
            BOLD,
            "Landlock and seccomp alone confine the agent, which has no network. NOT HELD:"
        )
    );
    for line in NOT_HELD_WITHOUT_NAMESPACES {
        anstream::eprintln!("  {}", paint(BOLD, line));
    }
    anstream::eprintln!(
        "  {}",
        paint(
            BOLD,
            "commands and git need namespaces: the agent has the file and web tools alone"
        )
    );
}

/// Writes it into the log.
///
/// # Errors
/// When the record cannot be written: the session does not start then.
pub(crate) fn record(monitor: &Monitor) -> Result<(), Failure> {
    let lines = NOT_HELD_WITHOUT_NAMESPACES.join("; ");
    for note in [
        format!("started without namespaces by the user's {FLAG}; not held: {lines}"),
        format!(
            "boundary probe `{}` was not made: the host's processes are seen without namespaces",
            nucleus::probes::NOT_WITHOUT_NAMESPACES
        ),
    ] {
        monitor.note(&note).map_err(Failure::not_started)?;
    }
    Ok(())
}
