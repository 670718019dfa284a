//! The words for what a power brings in, reads and does.

use nucleus_spec::catalog::Kind;

use super::power::Power;
use crate::client::Client;

/// Said of a server that only its name tells.
const BY_NAME: &str = "by its name";

/// The path in one sentence.
pub(crate) fn sentence(
    client: Client,
    untrusted: &Power,
    private: &Power,
    way_out: &Power,
) -> String {
    let story = format!(
        "{} can make it {}",
        poison(untrusted.kind),
        leave(way_out.kind, belongings(private.kind))
    );
    if untrusted == private && private == way_out {
        return format!(
            "{}: `{}` alone is all three legs: {story}",
            client.name(),
            untrusted.name
        );
    }
    let mut parts: Vec<(&str, Vec<&str>)> = Vec::new();
    for (power, leg) in [
        (untrusted, "untrusted"),
        (private, "private"),
        (way_out, "exfil"),
    ] {
        match parts.iter_mut().find(|(name, _)| *name == power.name) {
            Some((_, legs)) => legs.push(leg),
            None => parts.push((&power.name, vec![leg])),
        }
    }
    for power in [untrusted, private, way_out] {
        let part = parts.iter_mut().find(|(name, legs)| {
            *name == power.name && !power.is_known() && !legs.contains(&BY_NAME)
        });
        part.into_iter().for_each(|(_, legs)| legs.push(BY_NAME));
    }
    let parts: Vec<String> = parts
        .iter()
        .map(|(name, legs)| format!("`{name}` ({})", legs.join(", ")))
        .collect();
    format!("{}: {}: {story}", client.name(), parts.join(" + "))
}

/// What carries a stranger's words.
pub(crate) fn poison(kind: Kind) -> &'static str {
    match kind {
        Kind::Web | Kind::Docs => "a poisoned page",
        Kind::Forge => "a poisoned issue",
        Kind::Messages => "a poisoned message",
        Kind::Mail => "a poisoned mail",
        Kind::Documents => "a poisoned document",
        Kind::Tracker => "a poisoned ticket",
        Kind::Customers => "a poisoned customer record",
        Kind::Database => "a poisoned row",
        Kind::Cloud => "a poisoned error report",
        Kind::Files | Kind::Shell | Kind::Memory | Kind::Gateway => "a poisoned text",
    }
}

/// Whose data it is.
pub(crate) fn belongings(kind: Kind) -> &'static str {
    match kind {
        Kind::Forge => "your private repositories",
        Kind::Messages => "your chats",
        Kind::Mail => "your mail",
        Kind::Documents => "your documents",
        Kind::Tracker => "your tickets",
        Kind::Customers => "your customers' data",
        Kind::Database => "your database",
        Kind::Cloud => "your cloud data",
        Kind::Web => "what your browser is logged in to",
        Kind::Gateway => "the accounts behind it",
        Kind::Files | Kind::Shell | Kind::Memory | Kind::Docs => "your files",
    }
}

fn leave(kind: Kind, what: &str) -> String {
    match kind {
        Kind::Forge => format!("publish {what}"),
        Kind::Messages | Kind::Mail => format!("send {what} to a stranger"),
        Kind::Tracker | Kind::Documents => format!("post {what} where others read"),
        _ => format!("send {what} to any server"),
    }
}
