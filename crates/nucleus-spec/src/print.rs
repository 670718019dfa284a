//! Prints an envelope as a policy text, defaults in full; what one text cannot say is said in a form that no parser accepts.

use std::fmt::Write as _;

use portcullis::command::CommandPattern;
use portcullis::envelope::Envelope;
use portcullis::glob::{PathPattern, default_credentials};
use portcullis::host::HostRule;
use portcullis::scope::{Conjunction, Scope, Union};
use portcullis::text::{GitPattern, TextPattern};
use portcullis::{Operation, OperationSet};

use crate::build::{any_remote, commits, models, plain};
use crate::number;
use crate::scalar::MS_PER_MILLI_HOUR;
use crate::subject::command_array;

/// The effective policy as TOML, with every level, scope and declaration.
///
/// The text of an envelope that one file can state parses back to that envelope. **A meet of several policies can
/// have listings that no single file states**: those are printed as `{ all_of = … }`, which the parser refuses.
#[must_use]
pub fn print_policy(envelope: &Envelope) -> String {
    let mut out = String::from("version = 1\n");
    put_levels(&mut out, envelope);
    put_amounts(&mut out, envelope);
    put_paths(&mut out, envelope);
    put_commands(&mut out, envelope);
    put_network(&mut out, envelope);
    put_git(&mut out, envelope);
    put_model(&mut out, envelope);
    put_tools(&mut out, envelope);
    put_flow(&mut out, envelope);
    put_jail(&mut out, envelope);
    out
}

fn put(out: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{line}");
}

/// A TOML text in quotes.
pub(crate) fn text_item(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A command pattern as an array of words.
pub(crate) fn command_item(pattern: &CommandPattern) -> String {
    array_of(command_array(pattern).iter().map(|word| text_item(word)))
}

/// A TOML list; long ones get a line per entry.
pub(crate) fn array_of(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.iter().map(|item| item.len() + 2).sum::<usize>() < 90 {
        return format!("[{}]", items.join(", "));
    }
    items.iter().fold("[\n".to_owned(), |list, item| {
        format!("{list}    {item},\n")
    }) + "]"
}

fn names_of(operations: OperationSet) -> String {
    array_of(operations.iter().map(|op| text_item(op.name())))
}

fn put_levels(out: &mut String, envelope: &Envelope) {
    put(out, format_args!("\n[capabilities]"));
    for op in Operation::ALL {
        put(out, format_args!("{op} = \"{}\"", envelope.level(op)));
    }
    put(
        out,
        format_args!(
            "\n[obligations]\napprovals = {}",
            names_of(envelope.posture().asks())
        ),
    );
}

fn put_amounts(out: &mut String, envelope: &Envelope) {
    let most = envelope.maximum();
    put(
        out,
        format_args!(
            "\n[budget]\nmax_cost_usd = {}",
            number::unscaled(most.micro_usd, 6)
        ),
    );
    put(
        out,
        format_args!(
            "max_input_tokens = {}\nmax_output_tokens = {}",
            most.input_tokens, most.output_tokens
        ),
    );
    // A window that is no multiple of 3.6 seconds is printed shorter, never longer.
    let hours = number::unscaled(envelope.window_ms() / MS_PER_MILLI_HOUR, 3);
    put(out, format_args!("\n[time]\nvalid_hours = {hours}"));
}

/// The operations that a policy's listing speaks of: those that are not `always`.
fn spoken_of(envelope: &Envelope, operations: OperationSet) -> OperationSet {
    operations.difference(envelope.posture().capabilities().unconditional())
}

/// The one union that a scope lists, `None` for everything; an error when one file cannot state it.
fn single<P: PartialEq + Clone>(
    scope: &Scope<P>,
    spoken: OperationSet,
) -> Result<Option<&Union<P>>, ()> {
    match scope.listed() {
        [] => Ok(None),
        [(operations, union)] if *operations == spoken => Ok(Some(union)),
        _ => Err(()),
    }
}

/// The value of a listing key, `item` printing one pattern.
fn listing<P: PartialEq + Clone>(
    scope: &Scope<P>,
    spoken: OperationSet,
    item: impl Fn(&P) -> String + Copy,
) -> String {
    match single(scope, spoken) {
        Ok(None) => "\"everything\"".to_owned(),
        Ok(Some(union)) => array_of(union.patterns().iter().map(item)),
        Err(()) => all_of(scope, item),
    }
}

/// A conjunction with the operations that each part speaks of; not a value that the parser accepts.
fn all_of<P: PartialEq + Clone>(scope: &Scope<P>, item: impl Fn(&P) -> String + Copy) -> String {
    let part = |(operations, union): &(OperationSet, Union<P>)| {
        format!(
            "{{ for = {}, any_of = {} }}",
            names_of(*operations),
            array_of(union.patterns().iter().map(item))
        )
    };
    format!(
        "{{ all_of = {} }}",
        array_of(scope.listed().iter().map(part))
    )
}

/// The value of a declaration key.
fn declared<P: PartialEq + Clone>(
    names: &Conjunction<P>,
    item: impl Fn(&P) -> String + Copy,
) -> String {
    match names.clauses() {
        [] => "\"everything\"".to_owned(),
        [union] => array_of(union.patterns().iter().map(item)),
        clauses => {
            let parts = clauses
                .iter()
                .map(|union| array_of(union.patterns().iter().map(item)));
            format!("{{ all_of = {} }}", array_of(parts))
        }
    }
}

fn path_item(pattern: &PathPattern) -> String {
    text_item(pattern.as_str())
}

fn name_item(pattern: &TextPattern) -> String {
    text_item(pattern.as_str())
}

fn put_paths(out: &mut String, envelope: &Envelope) {
    let scope = envelope.paths();
    let shipped: Vec<PathPattern> = default_credentials()
        .iter()
        .filter_map(|text| PathPattern::parse(text).ok())
        .collect();
    let blocked = scope.blocked().patterns();
    let has_all = shipped.iter().all(|pattern| blocked.contains(pattern));
    let credentials = if has_all { shipped } else { Vec::new() };
    let rest = blocked
        .iter()
        .filter(|pattern| !credentials.contains(pattern));
    put(
        out,
        format_args!(
            "\n[paths]\nlisted = {}",
            listing(scope, spoken_of(envelope, OperationSet::PATHS), path_item)
        ),
    );
    put(
        out,
        format_args!("blocked = {}", array_of(rest.map(path_item))),
    );
    put(
        out,
        format_args!(
            "credential_files = {}",
            array_of(credentials.iter().map(path_item))
        ),
    );
    put(
        out,
        format_args!(
            "public = {}",
            declared(&envelope.declarations().public_paths, path_item)
        ),
    );
}

fn put_commands(out: &mut String, envelope: &Envelope) {
    let scope = envelope.commands();
    let spoken = spoken_of(envelope, OperationSet::of(Operation::RunBash));
    put(
        out,
        format_args!(
            "\n[commands]\nlisted = {}",
            listing(scope, spoken, command_item)
        ),
    );
    put(
        out,
        format_args!(
            "blocked = {}",
            array_of(scope.blocked().patterns().iter().map(command_item))
        ),
    );
}

/// A host rule with what is declared of it.
fn host_item(rule: &HostRule, trust: bool, sink: bool) -> String {
    let mut fields = vec![format!("host = {}", text_item(&rule.pattern().to_string()))];
    if !rule.methods().is_empty() {
        fields.push(format!(
            "methods = [{}]",
            rule.methods()
                .iter()
                .map(|m| text_item(m))
                .collect::<Vec<_>>()
                .join(", ")
        ));
    }
    if !rule.paths().is_empty() {
        fields.push(format!(
            "paths = [{}]",
            rule.paths()
                .iter()
                .map(|p| text_item(p.as_str()))
                .collect::<Vec<_>>()
                .join(", ")
        ));
    }
    if trust {
        fields.push("trust = true".to_owned());
    }
    if !sink {
        fields.push("sink = false".to_owned());
    }
    match fields.as_slice() {
        [_] => text_item(&rule.pattern().to_string()),
        _ => format!("{{ {} }}", fields.join(", ")),
    }
}

fn put_network(out: &mut String, envelope: &Envelope) {
    let scope = envelope.hosts();
    let declared = envelope.declarations();
    let in_all = |names: &Conjunction<HostRule>, rule: &HostRule| {
        names.holds(|own| plain(own) == plain(rule))
    };
    let item = |rule: &HostRule| {
        host_item(
            rule,
            in_all(&declared.trusted_hosts, rule),
            !in_all(&declared.quiet_hosts, rule),
        )
    };
    let web = OperationSet::of(Operation::WebSearch).with(Operation::WebFetch);
    let declared_rules = || {
        declared
            .trusted_hosts
            .clauses()
            .iter()
            .chain(declared.quiet_hosts.clauses())
    };
    let apart: Vec<HostRule> = declared_rules()
        .flat_map(|union| union.patterns().iter().map(plain))
        .collect();
    let hosts = match single(scope, spoken_of(envelope, web)) {
        // Declarations of rules that no listing holds, since the level makes listing idle.
        Ok(None) if !apart.is_empty() => array_of(Union::of(apart).patterns().iter().map(item)),
        _ => listing(scope, spoken_of(envelope, web), item),
    };
    put(out, format_args!("\n[network]\nhosts = {hosts}"));
    put(
        out,
        format_args!(
            "blocked = {}",
            array_of(
                scope
                    .blocked()
                    .patterns()
                    .iter()
                    .map(|rule| host_item(rule, false, true))
            )
        ),
    );
}

/// What the patterns of one git union come from.
struct GitListing {
    repositories: Vec<TextPattern>,
    branches: Vec<TextPattern>,
    remotes: Vec<GitPattern>,
}

/// Splits a union, if it is each branch in each repository and remotes.
fn split_git(patterns: &[GitPattern]) -> Option<GitListing> {
    let mut listing = GitListing {
        repositories: Vec::new(),
        branches: Vec::new(),
        remotes: Vec::new(),
    };
    let mut local = Vec::new();
    for pattern in patterns {
        match pattern {
            GitPattern::Commit { repository, branch } => {
                local.push(pattern.clone());
                push_new(&mut listing.repositories, repository);
                push_new(&mut listing.branches, branch);
            }
            GitPattern::Remote { .. } => listing.remotes.push(pattern.clone()),
        }
    }
    (commits(&listing.repositories, &listing.branches) == local).then_some(listing)
}

fn push_new(names: &mut Vec<TextPattern>, name: &TextPattern) {
    if !names.contains(name) {
        names.push(name.clone());
    }
}

fn git_text(pattern: &GitPattern) -> String {
    text_item(&match pattern {
        GitPattern::Commit { repository, branch } => {
            format!("commit {} {}", repository.as_str(), branch.as_str())
        }
        GitPattern::Remote { url, reference } => {
            format!("remote {} {}", url.as_str(), reference.as_str())
        }
    })
}

fn remotes_value(remotes: &[GitPattern]) -> String {
    if remotes == [any_remote()] {
        return "\"everything\"".to_owned();
    }
    let mut grouped: Vec<(&str, Vec<String>)> = Vec::new();
    for remote in remotes {
        if let GitPattern::Remote { url, reference } = remote {
            match grouped.last_mut() {
                Some((last, refs)) if *last == url.as_str() => {
                    refs.push(text_item(reference.as_str()))
                }
                _ => grouped.push((url.as_str(), vec![text_item(reference.as_str())])),
            }
        }
    }
    array_of(grouped.iter().map(|(url, refs)| {
        format!(
            "{{ url = {}, refs = [{}] }}",
            text_item(url),
            refs.join(", ")
        )
    }))
}

/// `.` for the workspace's own repository.
fn repository_item(name: &TextPattern) -> String {
    text_item(if name.as_str().is_empty() {
        "."
    } else {
        name.as_str()
    })
}

fn put_git(out: &mut String, envelope: &Envelope) {
    let scope = envelope.git();
    let operations = OperationSet::EFFECT.with(Operation::GitCommit);
    let whole = [
        GitPattern::Commit {
            repository: TextPattern::new("*"),
            branch: TextPattern::new("*"),
        },
        any_remote(),
    ];
    let listed = match single(scope, spoken_of(envelope, operations)) {
        Ok(None) => split_git(&whole),
        Ok(Some(union)) => split_git(union.patterns()),
        Err(()) => None,
    };
    put(out, format_args!("\n[git]"));
    match listed {
        Some(listed) => {
            put(
                out,
                format_args!(
                    "repositories = {}",
                    array_of(listed.repositories.iter().map(repository_item))
                ),
            );
            put(
                out,
                format_args!(
                    "branches = {}",
                    array_of(listed.branches.iter().map(name_item))
                ),
            );
            put(
                out,
                format_args!("remotes = {}", remotes_value(&listed.remotes)),
            );
        }
        None => put(
            out,
            format_args!("repositories = {}", all_of(scope, git_text)),
        ),
    }
    let branches = scope
        .blocked()
        .patterns()
        .iter()
        .filter_map(|pattern| match pattern {
            GitPattern::Commit { branch, .. } => Some(name_item(branch)),
            GitPattern::Remote { .. } => None,
        });
    put(
        out,
        format_args!("blocked_branches = {}", array_of(branches)),
    );
    put_single(out, "forge", &envelope.declarations().forges);
    put_single(out, "credential", &envelope.declarations().credentials);
}

/// A key that holds one name at most.
fn put_single(out: &mut String, key: &str, names: &Conjunction<TextPattern>) {
    match names.clauses() {
        [union] => match union.patterns() {
            [] => put(out, format_args!("# {key}: none")),
            [name] => put(out, format_args!("{key} = {}", name_item(name))),
            _ => put(out, format_args!("{key} = {}", declared(names, name_item))),
        },
        _ => put(out, format_args!("{key} = {}", declared(names, name_item))),
    }
}

fn put_model(out: &mut String, envelope: &Envelope) {
    let called = &envelope.declarations().models;
    put(out, format_args!("\n[model]"));
    match called.clauses() {
        [] => put(
            out,
            format_args!("# provider: the one named when the session starts"),
        ),
        [union] => put_provider(out, called, union.patterns()),
        _ => put(
            out,
            format_args!("provider = {}", declared(called, name_item)),
        ),
    }
}

fn put_provider(out: &mut String, called: &Conjunction<TextPattern>, names: &[TextPattern]) {
    let first = names.first().map_or("", TextPattern::as_str);
    let (provider, account) = first
        .split_once('/')
        .map_or((first, None), |(provider, account)| {
            (provider, Some(account))
        });
    if models(provider, account) != names {
        return put(
            out,
            format_args!("provider = {}", declared(called, name_item)),
        );
    }
    put(out, format_args!("provider = {}", text_item(provider)));
    if let Some(account) = account {
        put(out, format_args!("account = {}", text_item(account)));
    }
}

fn put_tools(out: &mut String, envelope: &Envelope) {
    let scope = envelope.tools();
    put(
        out,
        format_args!(
            "\n[tools]\nlisted = {}",
            listing(scope, spoken_of(envelope, OperationSet::ALL), name_item)
        ),
    );
    put(
        out,
        format_args!(
            "blocked = {}",
            array_of(scope.blocked().patterns().iter().map(name_item))
        ),
    );
}

fn put_flow(out: &mut String, envelope: &Envelope) {
    let posture = envelope.posture();
    let pick = |is: bool, yes: &'static str, no: &'static str| if is { yes } else { no };
    put(
        out,
        format_args!(
            "\n[flow]\nmode = \"{}\"",
            pick(posture.is_strict(), "strict", "default")
        ),
    );
    put(
        out,
        format_args!(
            "trifecta = \"{}\"",
            pick(posture.is_capability_trifecta(), "capability", "exposure")
        ),
    );
    let is_own = envelope.declarations().trusted_workspace;
    put(
        out,
        format_args!(
            "workspace = \"{}\"\nlanding = \"direct\"",
            pick(is_own, "trusted", "untrusted")
        ),
    );
}

fn put_jail(out: &mut String, envelope: &Envelope) {
    let declarations = envelope.declarations();
    let sockets = if declarations.unix_sockets {
        "private"
    } else {
        "none"
    };
    put(out, format_args!("\n[jail]\nunix_sockets = \"{sockets}\""));
    put(
        out,
        format_args!(
            "environment = {}",
            declared(&declarations.environment, name_item)
        ),
    );
    put(
        out,
        format_args!("views = {}", declared(&declarations.host_views, name_item)),
    );
}
