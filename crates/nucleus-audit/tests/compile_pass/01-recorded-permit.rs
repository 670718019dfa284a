//! The one way: decide, append, wait, effect.
use nucleus_audit::{Draft, Durability, Log, LogError, Recorded};
use portcullis::Permit;

fn effect(_permit: Recorded<Permit>) {}

fn run(log: &Log, draft: &Draft<'_>, permit: Permit) -> Result<(), LogError> {
    effect(log.append(draft, permit, Durability::Durable)?.wait()?);
    Ok(())
}

fn main() {
    let _ = run;
}
