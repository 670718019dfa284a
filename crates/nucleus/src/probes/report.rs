//! Reads what the program inside says; silence counts as having got through.

use std::fs::File;
use std::io::Read as _;

use nucleus_audit::Probe;

/// The names of the attempts, in the order in which they are made.
pub const ATTEMPTS: [&str; 6] = [
    "canary",
    "dial",
    "host-socket",
    "activation",
    "kernel-settings",
    "other-process",
];

/// The most that is read of the program inside.
const MAX_BYTES: u64 = 64 << 10;

pub(super) fn read(mut output: File) -> String {
    let mut text = String::new();
    // What cannot be read was not said.
    let _ = output.by_ref().take(MAX_BYTES).read_to_string(&mut text);
    text
}

/// One result for each attempt.
///
/// FAIL-CLOSED: an attempt of which nothing was said, or whose program did not
/// finish, counts as having got through.
pub(super) fn probes(said: &str, finished: bool, outside: &[(&str, String)]) -> Vec<Probe> {
    ATTEMPTS
        .into_iter()
        .map(|name| probe(name, said, finished, outside))
        .collect()
}

fn probe(name: &str, said: &str, finished: bool, outside: &[(&str, String)]) -> Probe {
    let inside = said
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let reached = outside
        .iter()
        .find(|(attempt, _)| *attempt == name)
        .map(|(_, what)| what.clone());
    let detail = match (reached, inside) {
        (Some(what), _) => what,
        (None, Some("held")) if finished => String::new(),
        (None, Some("held")) => "the program of the attempts did not finish".to_owned(),
        (None, Some(what)) => what.to_owned(),
        (None, None) => "nothing was said about this attempt".to_owned(),
    };
    Probe {
        name: name.to_owned(),
        held: detail.is_empty(),
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::{ATTEMPTS, probes};

    fn held(said: &str, finished: bool, outside: &[(&str, String)]) -> Vec<bool> {
        probes(said, finished, outside)
            .iter()
            .map(|probe| probe.held)
            .collect()
    }

    #[test]
    fn only_an_attempt_that_was_made_and_failed_holds() {
        let all = ATTEMPTS.map(|name| format!("{name} held\n")).concat();
        assert_eq!(held(&all, true, &[]), [true; 6]);
        assert_eq!(held(&all, false, &[]), [false; 6]);
        assert_eq!(held("", true, &[]), [false; 6]);
        let one = all.replace("dial held", "dial reached the host");
        assert_eq!(held(&one, true, &[]), [true, false, true, true, true, true]);
        let outside = [("activation", "changed".to_owned())];
        assert_eq!(
            held(&all, true, &outside),
            [true, true, true, false, true, true]
        );
    }
}
