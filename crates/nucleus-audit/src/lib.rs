//! The tamper-evident log: append, chain, checkpoint, verify, replay.
