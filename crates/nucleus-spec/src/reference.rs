//! Writes the reference of `permissions.toml` from the table of keys.

use std::fmt::Write as _;

use crate::profile::profiles;
use crate::shipped;
use crate::table::{
    BINDING_FIELDS, HOST_FIELDS, Key, Kind, LIMIT_FIELDS, REMOTE_FIELDS, SECTIONS, Section, TOP,
    Whole, Word,
};

/// Every section, key and entry field that the table declares, as `section.key`; fields as `section.key.field`.
#[must_use]
pub fn declared_keys() -> Vec<String> {
    let top = TOP.iter().map(|key| key.name.to_owned());
    let keys = SECTIONS.iter().flat_map(|section| {
        section
            .keys
            .iter()
            .map(move |key| format!("{}.{}", section.name, key.name))
    });
    let fields = |parent: &'static str, fields: &'static [Key]| {
        fields
            .iter()
            .map(move |field| format!("{parent}.{}", field.name))
    };
    let reserved = SECTIONS
        .iter()
        .filter(|section| section.keys.is_empty())
        .map(|section| section.name.to_owned());
    top.chain(keys)
        .chain(fields("network.hosts", HOST_FIELDS))
        .chain(fields("network.limits", LIMIT_FIELDS))
        .chain(fields("git.remotes", REMOTE_FIELDS))
        .chain(fields("credentials.bindings", BINDING_FIELDS))
        .chain(reserved)
        .collect()
}

/// The reference of the policy language as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut out = String::from(HEAD);
    put_keys(&mut out, "Above the first section", "", TOP);
    for section in SECTIONS {
        put_section(&mut out, section);
    }
    out.push_str("\n## Profiles\n\nThe hyphen and the underscore are the same in every name. `nucleus profiles show NAME` prints one in full.\n\n");
    out.push_str("| name | for | can never |\n|---|---|---|\n");
    for profile in profiles() {
        let names = std::iter::once(&profile.name)
            .chain(profile.aliases)
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>();
        put(
            &mut out,
            format_args!(
                "| {} | {} | {} |",
                names.join(", "),
                profile.sentence,
                profile.never
            ),
        );
    }
    put(
        &mut out,
        format_args!("\n## Shipped defaults\n\n```toml{}```", shipped::text()),
    );
    out
}

fn put(out: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{line}");
}

fn put_section(out: &mut String, section: &Section) {
    let doc = match section.reserved {
        Some(why) => format!("{} An error for now: {why}.", section.doc),
        None => section.doc.to_owned(),
    };
    put_keys(out, &format!("`[{}]`", section.name), &doc, section.keys);
    let fields = match section.name {
        "network" => Some(("An entry of `hosts` or `blocked`", HOST_FIELDS)),
        "git" => Some(("An entry of `remotes`", REMOTE_FIELDS)),
        "credentials" => Some(("An entry of `bindings`", BINDING_FIELDS)),
        _ => None,
    };
    if let Some((title, fields)) = fields {
        put(out, format_args!("\n{title}:\n"));
        put_rows(out, fields);
    }
    if section.name == "network" {
        put(out, format_args!("\nAn entry of `limits`:\n"));
        put_rows(out, LIMIT_FIELDS);
    }
}

fn put_keys(out: &mut String, title: &str, doc: &str, keys: &[Key]) {
    put(out, format_args!("\n## {title}\n"));
    if !doc.is_empty() {
        put(out, format_args!("{doc}"));
    }
    if !keys.is_empty() {
        put(out, format_args!(""));
        put_rows(out, keys);
    }
}

fn put_rows(out: &mut String, keys: &[Key]) {
    put(
        out,
        format_args!("| key | value | without it | meaning |\n|---|---|---|---|"),
    );
    for key in keys {
        let doc = match key.kind {
            Kind::Reserved(why) => format!("Reserved, an error: {why}."),
            Kind::Word(words) => format!(
                "{} {}",
                key.doc,
                words.iter().map(word).collect::<Vec<_>>().join(" ")
            ),
            _ => key.doc.to_owned(),
        };
        put(
            out,
            format_args!(
                "| `{}` | {} | {} | {} |",
                key.name,
                value(key.kind),
                key.default,
                doc
            ),
        );
    }
}

fn word(word: &Word) -> String {
    match word.reserved {
        Some(why) => format!("`{}`: reserved, an error: {why}.", word.value),
        None => format!("`{}`: {}", word.value, word.doc),
    }
}

fn value(kind: Kind) -> &'static str {
    match kind {
        Kind::Version => "`1`",
        Kind::ProfileName => "profile name",
        Kind::Level => "level",
        Kind::Operations => "list of operations",
        Kind::Usd => "dollars",
        Kind::Tokens => "whole number",
        Kind::Hours => "hours",
        Kind::Paths(Whole::Allowed) => "path patterns, or `\"everything\"`",
        Kind::Paths(Whole::Refused) => "path patterns",
        Kind::Commands(Whole::Allowed) => "command patterns, or `\"everything\"`",
        Kind::Commands(Whole::Refused) => "command patterns",
        Kind::Hosts(Whole::Allowed) => "hosts, or `\"everything\"`",
        Kind::Hosts(Whole::Refused) => "hosts",
        Kind::HostPattern => "host",
        Kind::Count => "whole number",
        Kind::Limits => "list of limits",
        Kind::Bindings => "list of bindings",
        Kind::SecretCommand => "program and arguments",
        Kind::Texts => "list of texts",
        Kind::Groups => "list of groups",
        Kind::Port => "port",
        Kind::Methods => "list of methods",
        Kind::UrlPaths => "list of URL paths",
        Kind::Flag => "`true` or `false`",
        Kind::Names(_, Whole::Allowed) => "names, or `\"everything\"`",
        Kind::Names(_, Whole::Refused) => "names",
        Kind::Remotes => "remotes, or `\"everything\"`",
        Kind::RemoteUrl => "URL",
        Kind::References => "list of references",
        Kind::Word(_) => "one word",
        Kind::Text(_) => "text",
        Kind::Reserved(_) => "-",
    }
}

static HEAD: &str = "\
# permissions.toml

<!-- Generated from the table in crates/nucleus-spec/src/table.rs; a test keeps it in step. -->

A policy is a TOML file of at most 1 MiB. It states the upper bound of what a session may ever do. Unknown keys, \
wrong types and impossible values are errors with file, line and column. An empty list is nothing, never everything.

- An omitted capability is `never`, or what the profile named by `extends` says.
- Any other omitted key has the profile's value, else the shipped default below.
- `[]` for a listing beside `always` is an error: it would limit nothing.
- A policy means the same wherever it stands. The administrator's `/etc/nucleus/policy.toml` is a ceiling: what it \
leaves out is `never`, so one that only bounds some things starts with `extends = \"full\"`.
- A project file is read as `policy ∧ file`: what it leaves out is unchanged, and a value that would widen the policy is \
an error. Stating [network] `hosts` restates `trust` and `sink` of the hosts too.
";
