//! Rules about MCP servers.

use nucleus_spec::catalog::{Catalog, Identity, Imitation};

use crate::host::address;
use crate::launch::{program, shell_script};
use crate::model::{Agent, Literal, Server, Transport};
use crate::project::launch_of;
use crate::read::SourceFile;

use super::line::{Line, argv};
use super::report::{Report, evidence, shown_at};
use super::table::{
    BROAD_FILESYSTEM_SCOPE, CLEARTEXT_HTTP_SERVER, EXTERNAL_HTTP_SERVER, LONG_LIVED_TOKEN,
    RISKY_AUTO_APPROVE, SHELL_IN_COMMAND, UNMEDIATED_SERVER, UNOFFICIAL_PACKAGE,
};
use super::{command, package, path};

/// Judges every server that is switched on.
pub(super) fn judge(file: &SourceFile, agent: &Agent, report: &mut Report<'_>) {
    let live: Vec<&Server> = agent
        .servers
        .iter()
        .filter(|server| server.enabled)
        .collect();
    for server in &live {
        one(file, server, report);
    }
    unmediated(&live, report);
}

fn one(file: &SourceFile, server: &Server, report: &mut Report<'_>) {
    let subject = Some(server.name.as_str());
    let words = server.argv();
    for line in argv(file, &words) {
        package::packages(&line, subject, report, |_| true);
        package::image(&line, subject, report);
        command::isolation(&line, subject, report);
        command::flags(&line, false, subject, report);
        proxied(&line, subject, report);
        filesystem(server, &line, subject, report);
    }
    unofficial(server, &words, subject, report);
    shell(file, &words, subject, report);
    addresses(server, subject, report);
    auto_approve(server, subject, report);
    tokens(server, subject, report);
}

fn shell(file: &SourceFile, words: &[&Literal], subject: Option<&str>, report: &mut Report<'_>) {
    let texts: Vec<&str> = words.iter().map(|word| word.raw_unmasked()).collect();
    if let Some(at) = shell_script(&texts) {
        command::remote_script(file, texts[at], words[at].place(), subject, report);
        report.add(
            SHELL_IN_COMMAND,
            subject,
            "the server is started through a shell",
            vec![evidence(words[at])],
        );
    }
}

/// Addresses the server is reached at, or is given.
fn addresses(server: &Server, subject: Option<&str>, report: &mut Report<'_>) {
    let given: Vec<&Literal> = match &server.transport {
        Transport::Http { url, .. } => {
            if address(url.raw_unmasked())
                .is_some_and(|address| address.is_web() && !address.is_internal())
            {
                report.add(
                    EXTERNAL_HTTP_SERVER,
                    subject,
                    format!("calls of `{}` leave the machine", server.name),
                    vec![evidence(url)],
                );
            }
            vec![url]
        }
        Transport::Stdio { args, env, .. } => args.iter().chain(env).collect(),
        Transport::Builtin(_) | Transport::Unstated => Vec::new(),
    };
    for literal in given {
        let text = literal.raw_unmasked();
        let own = matches!(server.transport, Transport::Http { .. });
        let clear = address(text).filter(|address| {
            address.is_cleartext() && !address.is_loopback() && !address.is_templated()
        });
        if clear.is_some_and(|address| {
            own || !address.is_internal() || address.host.contains(['.', ':', '-'])
        }) {
            report.add(
                CLEARTEXT_HTTP_SERVER,
                subject,
                "what passes is not encrypted",
                vec![evidence(literal)],
            );
        }
    }
}

/// `mcp-remote URL` and other programs that stand before a remote server.
fn proxied(line: &Line, subject: Option<&str>, report: &mut Report<'_>) {
    let words = line.argv();
    let is_proxy = words.iter().any(|word| {
        let name = program(word);
        let bare = name.split('@').next().unwrap_or_default();
        [
            "mcp-remote",
            "supergateway",
            "mcp-proxy",
            "mcp-client",
            "fastmcp",
            "mcp-gateway",
            "mcp-bridge",
            "mcp-stdio-proxy",
            "mcp-http-client",
            "mcp-streamablehttp-client",
            "mcp-remote-client",
        ]
        .contains(&bare)
            || (bare.contains("mcp")
                && ["remote", "proxy", "bridge", "gateway"]
                    .iter()
                    .any(|part| bare.contains(part)))
    });
    for (at, word) in words.iter().enumerate().filter(|_| is_proxy) {
        if address(word).is_some_and(|address| address.is_web() && !address.is_internal()) {
            report.add(
                EXTERNAL_HTTP_SERVER,
                subject,
                "a local program passes calls on to a host outside",
                vec![line.evidence(at, 1)],
            );
        }
    }
}

/// Directories a file server is given.
fn filesystem(server: &Server, line: &Line, subject: Option<&str>, report: &mut Report<'_>) {
    let words = line.argv();
    let is_file_server = server.name.to_ascii_lowercase().contains("filesystem")
        || words.iter().any(|word| {
            word.contains("filesystem")
                || word.contains("file-system")
                || word.contains("mcp-server-fs")
        });
    for (at, word) in words.iter().enumerate().skip(1) {
        let flagged = at > 0
            && matches!(
                words[at - 1],
                "--root"
                    | "--allowed-dir"
                    | "--allowed-directory"
                    | "--allowed-directories"
                    | "--base-dir"
                    | "--dir"
            );
        if (is_file_server || flagged) && !word.starts_with('-') && path::is_broad(word) {
            report.add(
                BROAD_FILESYSTEM_SCOPE,
                subject,
                "the server is given the whole disk or home",
                vec![line.evidence(at, 1)],
            );
        }
    }
}

/// Words in the names of tools that change something, run something or reach any address.
const RISKY: &[&str] = &[
    "create", "update", "delete", "remove", "write", "edit", "insert", "replace", "execute",
    "exec", "run", "push", "merge", "send", "post", "publish", "deploy", "apply", "navigate",
    "click", "fill", "type", "evaluate", "upload", "fetch", "scrape", "crawl", "browse", "install",
    "kill", "move", "rename", "put", "patch", "commit", "append", "drop", "invoke", "trigger",
    "shell", "bash", "command", "terminal", "cli", "kubectl", "script", "url", "call", "submit",
    "reply", "close", "drag", "press", "eval",
];

fn auto_approve(server: &Server, subject: Option<&str>, report: &mut Report<'_>) {
    let local_notes = server.name.to_ascii_lowercase().contains("memory")
        || server.name.to_ascii_lowercase().contains("thinking");
    let risky = |tool: &Literal| {
        let text = tool.raw_unmasked();
        text == "*"
            || (!local_notes
                && words_of(text)
                    .iter()
                    .any(|word| RISKY.contains(&word.as_str()))
                && !is_harmless(text))
    };
    let found = server
        .tools
        .auto_approved
        .iter()
        .filter(|tool| risky(tool))
        .map(evidence)
        .collect();
    report.add(
        RISKY_AUTO_APPROVE,
        subject,
        format!(
            "tools of `{}` that change something or reach out run unasked",
            server.name
        ),
        found,
    );
}

/// Names with a risky word that are known to read, or to end what they began.
fn is_harmless(tool: &str) -> bool {
    let words = words_of(tool);
    let reads = words.first().is_some_and(|word| {
        matches!(
            word.as_str(),
            "get"
                | "list"
                | "search"
                | "find"
                | "describe"
                | "show"
                | "read"
                | "query"
                | "check"
                | "view"
        )
    });
    let address = words
        .iter()
        .any(|word| word == "url" || word == "fetch" || word == "browse");
    (reads && !address) || tool == "browser_close" || tool == "resolve-library-id"
}

fn words_of(tool: &str) -> Vec<String> {
    let mut spaced = String::new();
    let mut lower = false;
    for c in tool.chars() {
        if c.is_uppercase() && lower {
            spaced.push(' ');
        }
        lower = c.is_lowercase();
        spaced.extend(c.to_lowercase());
    }
    spaced
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Tokens that do not expire, by their shape.
fn tokens(server: &Server, subject: Option<&str>, report: &mut Report<'_>) {
    let (Transport::Stdio { env: held, .. } | Transport::Http { headers: held, .. }) =
        &server.transport
    else {
        return;
    };
    let lasting = |literal: &&Literal| {
        let text = literal.raw_unmasked();
        let bare = text.rsplit(' ').next().unwrap_or(text);
        let is_secret = !crate::secret::find(literal.key(), text).is_empty();
        is_secret
            && matches!(
                crate::secret::vendor_prefix(bare),
                Some("ghp_" | "xoxp-" | "xoxb-" | "AKIA" | "AIza" | "sk-" | "sk_live_" | "npm_")
            )
    };
    let found = held.iter().filter(lasting).map(evidence).collect();
    report.add(
        LONG_LIVED_TOKEN,
        subject,
        "the token does not expire",
        found,
    );
}

/// A package that passes for another, or that carries a product's name and receives its credential though its vendor has nothing to do with it.
fn unofficial(server: &Server, words: &[&Literal], subject: Option<&str>, report: &mut Report<'_>) {
    let Some(identity) = launch_of(server).identity() else {
        return;
    };
    let (Identity::Npm(name) | Identity::Pypi(name) | Identity::Image(name)) = &identity else {
        return;
    };
    let catalog = Catalog::shipped();
    let reason = if let Some((entry, known, how)) = catalog.imitated_by(&identity) {
        imitation(name, entry.title(), known, how)
    } else if let Some((_, product)) = catalog
        .unofficial_for(&identity)
        .filter(|_| is_given_credential(server))
    {
        format!("`{name}` is not published by the vendor of {product}, and receives its credential")
    } else {
        return;
    };
    let found = words
        .iter()
        .find(|word| {
            word.raw_unmasked()
                .to_ascii_lowercase()
                .replace('_', "-")
                .contains(&name.to_ascii_lowercase().replace('_', "-"))
        })
        .map_or_else(
            || shown_at(server.place.clone(), name),
            |word| evidence(word),
        );
    report.add(UNOFFICIAL_PACKAGE, subject, reason, vec![found]);
}

fn imitation(name: &str, title: &str, known: &str, how: Imitation) -> String {
    match how {
        Imitation::Lookalike => {
            format!("`{name}` is not `{known}` ({title}), but is spelled almost like it")
        }
        Imitation::ScopeLost => format!(
            "`{name}` is not `{known}` ({title}): its publisher's scope is missing or misspelled"
        ),
        Imitation::OtherRegistry => format!(
            "`{known}` is the package of {title} in the other registry; who publishes it in this one is not known"
        ),
    }
}

fn is_given_credential(server: &Server) -> bool {
    let Transport::Stdio { env, args, .. } = &server.transport else {
        return false;
    };
    env.iter()
        .chain(args)
        .any(|literal| crate::secret::is_secret_key(literal.key()))
}

/// Servers that run beside ones the monitor stands before.
fn unmediated(live: &[&Server], report: &mut Report<'_>) {
    let is_mediated = |server: &&&Server| {
        server
            .argv()
            .first()
            .is_some_and(|word| program(word.raw_unmasked()) == "nucleus")
    };
    if !live.iter().any(|server| is_mediated(&server)) {
        return;
    }
    for server in live.iter().filter(|server| !is_mediated(server)) {
        report.add(
            UNMEDIATED_SERVER,
            Some(&server.name),
            format!(
                "`{}` is not behind the monitor, its neighbours are",
                server.name
            ),
            vec![shown_at(server.place.clone(), &server.name)],
        );
    }
}
