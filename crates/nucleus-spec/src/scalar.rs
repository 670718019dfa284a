//! Turns one TOML value into the typed value its key asks for.

use std::ops::Range;

use portcullis::glob::PathPattern;
use portcullis::host::{HostPattern, HostRule, UrlPathPattern};
use portcullis::text::GitPattern;
use portcullis::{Level, Operation};
use toml::Spanned;
use toml::de::DeValue;

use crate::credential::{Credential, Scheme, SecretSource};
use crate::document::Fields;
use crate::error::Fault;
use crate::groups;
use crate::limit::HostLimit;
use crate::number;
use crate::profile;
use crate::read::{binding_fields, found, host_fields, limit_fields, remote_fields};
use crate::subject;
use crate::suggest;
use crate::table::{Key, Kind, Name, Text, Whole, Word};
use crate::value::{At, Listing, Value};

/// The most tokens a policy can state.
pub(crate) const MAX_TOKENS: u64 = 1_000_000_000_000;
/// The most micro-USD a policy can state: a million dollars.
pub(crate) const MAX_MICRO_USD: u64 = 1_000_000_000_000;
/// The most thousandths of an hour a policy can state: 720 hours.
pub(crate) const MAX_MILLI_HOURS: u64 = 720_000;
/// Milliseconds in a thousandth of an hour.
pub(crate) const MS_PER_MILLI_HOUR: u64 = 3_600;

type Read<T> = Result<T, Fault>;
type Node<'a, 'i> = &'a Spanned<DeValue<'i>>;

/// The value of this key.
pub(crate) fn read_value(key: &'static Key, node: Node<'_, '_>) -> Read<Value> {
    let name = key.name;
    match key.kind {
        Kind::Version => version(node),
        Kind::ProfileName => profile_name(node),
        Kind::Level => level(node),
        Kind::Operations => operations(name, node),
        Kind::Usd => bounded(
            name,
            node,
            6,
            MAX_MICRO_USD,
            "0 to 1000000 dollars, at most six decimals",
        )
        .map(Value::Number),
        Kind::Tokens => bounded(
            name,
            node,
            0,
            MAX_TOKENS,
            "a whole number from 0 to 1000000000000",
        )
        .map(Value::Number),
        Kind::Count => bounded(
            name,
            node,
            0,
            MAX_TOKENS,
            "a whole number from 0 to 1000000000000",
        )
        .map(Value::Number),
        Kind::Limits => listing(name, node, Whole::Refused, limit).map(Value::Limits),
        Kind::Bindings => listing(name, node, Whole::Refused, binding).map(Value::Bindings),
        Kind::SecretCommand | Kind::Texts => texts(name, node),
        Kind::Groups => listing(name, node, Whole::Refused, group).map(Value::Groups),
        Kind::Hours => hours(name, node),
        Kind::Port => port(name, node),
        Kind::Paths(whole) => listing(name, node, whole, path).map(Value::Paths),
        Kind::Commands(whole) => listing(name, node, whole, command).map(Value::Commands),
        Kind::Hosts(Whole::Allowed) => {
            listing(name, node, Whole::Allowed, listed_host).map(Value::Hosts)
        }
        Kind::Hosts(Whole::Refused) => {
            listing(name, node, Whole::Refused, blocked_host).map(Value::Hosts)
        }
        Kind::Names(kind, whole) => names(name, node, kind, whole),
        Kind::Remotes => remotes(name, node),
        Kind::HostPattern | Kind::RemoteUrl => {
            text(name, node).map(|text| Value::Text(text.to_owned()))
        }
        Kind::Methods | Kind::UrlPaths | Kind::References => texts(name, node),
        Kind::Flag => flag(name, node),
        Kind::Word(words) => one_of(name, node, words),
        Kind::Text(kind) => checked_text(name, node, kind),
        Kind::Reserved(why) => {
            Err(Fault::new(node.span(), format!("`{name}` cannot be used")).help(why))
        }
    }
}

fn wrong_type(name: &str, node: Node<'_, '_>, expected: &str) -> Fault {
    Fault::new(node.span(), format!("`{name}` has the wrong type"))
        .label(format!("found {}", found(node.get_ref())))
        .help(format!("expected {expected}"))
}

fn text<'a>(name: &str, node: Node<'a, '_>) -> Read<&'a str> {
    match node.get_ref() {
        DeValue::String(text) => Ok(text),
        _ => Err(wrong_type(name, node, "a text in quotes")),
    }
}

fn items<'a, 'i>(
    name: &str,
    node: Node<'a, 'i>,
    expected: &str,
) -> Read<&'a [Spanned<DeValue<'i>>]> {
    match node.get_ref() {
        DeValue::Array(array) => Ok(array),
        _ => Err(wrong_type(name, node, expected)),
    }
}

fn version(node: Node<'_, '_>) -> Read<Value> {
    match node.get_ref() {
        DeValue::Integer(number) if number.as_str() == "1" => Ok(Value::Number(1)),
        DeValue::Integer(_) => Err(
            Fault::new(node.span(), "unknown version of the policy format")
                .label("not `1`")
                .help("this program reads `version = 1`; a newer file needs a newer program"),
        ),
        _ => Err(wrong_type("version", node, "`1`")),
    }
}

fn profile_name(node: Node<'_, '_>) -> Read<Value> {
    let name = text("extends", node)?;
    match profile::profile(name) {
        Some(profile) => Ok(Value::Text(profile.name.to_owned())),
        None => Err(Fault::new(node.span(), format!("unknown profile `{name}`"))
            .label("no shipped profile of this name")
            .help(suggest::help(name, profile::names().collect::<Vec<_>>()))),
    }
}

fn level(node: Node<'_, '_>) -> Read<Value> {
    let names = Level::ALL.map(Level::name);
    let DeValue::String(word) = node.get_ref() else {
        return Err(wrong_level(node));
    };
    Level::from_name(word).map(Value::Level).ok_or_else(|| {
        Fault::new(node.span(), format!("unknown level `{word}`"))
            .label("not a level")
            .help(format!(
                "{} (levels: `never`, `low_risk`, `always`)",
                suggest::help(word, names)
            ))
    })
}

fn wrong_level(node: Node<'_, '_>) -> Fault {
    let help = match node.get_ref() {
        DeValue::Boolean(true) => {
            "write `\"always\"`, or `\"low_risk\"` to permit what is listed only"
        }
        DeValue::Boolean(false) => "write `\"never\"`",
        _ => "write `\"never\"`, `\"low_risk\"` or `\"always\"`",
    };
    Fault::new(node.span(), "a level is a word")
        .label(format!("found {}", found(node.get_ref())))
        .help(help)
}

fn operations(name: &str, node: Node<'_, '_>) -> Read<Value> {
    let known = Operation::ALL.map(Operation::name);
    let read = |item: &Spanned<DeValue<'_>>| {
        let word = text(name, item)?;
        let operation = Operation::from_name(word).ok_or_else(|| {
            Fault::new(item.span(), format!("unknown operation `{word}`"))
                .label("not an operation")
                .help(suggest::help(word, known))
        })?;
        Ok(At::new(operation, item.span()))
    };
    items(name, node, "a list of operations")?
        .iter()
        .map(read)
        .collect::<Read<_>>()
        .map(Value::Operations)
}

/// A number as text; a whole number in another base has none.
fn digits<'a>(name: &str, node: Node<'a, '_>, decimals: u32, expected: &str) -> Read<&'a str> {
    match node.get_ref() {
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str()),
        DeValue::Integer(_) => Err(Fault::new(node.span(), format!("`{name}` is not decimal"))
            .label("in another base")
            .help(format!("write {expected}"))),
        DeValue::Float(number) if decimals > 0 => Ok(number.as_str()),
        _ => Err(wrong_type(name, node, expected)),
    }
}

fn bounded(name: &str, node: Node<'_, '_>, decimals: u32, most: u64, expected: &str) -> Read<u64> {
    let text = digits(name, node, decimals, expected)?;
    let refused = |why: &str| {
        Fault::new(node.span(), format!("`{name}` {why}"))
            .label("impossible value")
            .help(format!("write {expected}"))
    };
    match number::scaled(text, decimals) {
        Ok(value) if value <= most => Ok(value),
        Ok(_) => Err(refused("is too large")),
        Err(why) => Err(refused(why)),
    }
}

fn hours(name: &str, node: Node<'_, '_>) -> Read<Value> {
    let expected = "hours above 0 up to 720, at most three decimals";
    match bounded(name, node, 3, MAX_MILLI_HOURS, expected)? {
        0 => Err(Fault::new(
            node.span(),
            format!("`{name}` ends the session before it starts"),
        )
        .label("impossible value")
        .help(format!("write {expected}"))),
        milli_hours => Ok(Value::Number(milli_hours * MS_PER_MILLI_HOUR)),
    }
}

fn port(name: &str, node: Node<'_, '_>) -> Read<Value> {
    let expected = "a port from 1 to 65535";
    match bounded(name, node, 0, 65_535, expected)? {
        0 => Err(Fault::new(node.span(), "`port` is 0")
            .label("impossible value")
            .help(format!("write {expected}"))),
        port => Ok(Value::Number(port)),
    }
}

fn flag(name: &str, node: Node<'_, '_>) -> Read<Value> {
    match node.get_ref() {
        DeValue::Boolean(flag) => Ok(Value::Flag(*flag)),
        _ => Err(wrong_type(name, node, "`true` or `false`")),
    }
}

fn one_of(name: &str, node: Node<'_, '_>, words: &'static [Word]) -> Read<Value> {
    let stated = text(name, node)?;
    match words.iter().find(|word| word.value == stated) {
        Some(Word {
            reserved: Some(why),
            ..
        }) => Err(Fault::new(
            node.span(),
            format!("`{name} = \"{stated}\"` cannot be used"),
        )
        .label("reserved")
        .help(*why)),
        Some(word) => Ok(Value::Word(word.value)),
        None => Err(
            Fault::new(node.span(), format!("unknown value `{stated}` of `{name}`"))
                .label("not known")
                .help(suggest::help(
                    stated,
                    words.iter().map(|word| word.value).collect::<Vec<_>>(),
                )),
        ),
    }
}

fn checked_text(name: &str, node: Node<'_, '_>, kind: Text) -> Read<Value> {
    let stated = text(name, node)?;
    subject::check_text(kind, stated)
        .map_err(|refused| bad_pattern(node.span(), stated, refused))?;
    Ok(Value::Text(stated.to_owned()))
}

fn texts(name: &str, node: Node<'_, '_>) -> Read<Value> {
    let read = |item: &Spanned<DeValue<'_>>| Ok(At::new(text(name, item)?.to_owned(), item.span()));
    let list: Vec<At<String>> = items(name, node, "a list of texts")?
        .iter()
        .map(read)
        .collect::<Read<_>>()?;
    if list.is_empty() {
        return Err(Fault::new(
            node.span(),
            format!("`{name}` is empty, so the entry names nothing"),
        )
        .label("nothing listed")
        .help(format!(
            "list at least one, or remove the entry; without `{name}` its default holds"
        )));
    }
    Ok(Value::Texts(list))
}

/// A list whose entries `read` understands, or the word `"everything"`.
fn listing<P>(
    name: &str,
    node: Node<'_, '_>,
    whole: Whole,
    read: impl Fn(&str, Node<'_, '_>) -> Read<P>,
) -> Read<Listing<P>> {
    match (node.get_ref(), whole) {
        (DeValue::String(word), Whole::Allowed) if word == "everything" => Ok(Listing::Everything),
        (DeValue::String(word), Whole::Refused) if word == "everything" => Err(Fault::new(
            node.span(),
            format!("`{name}` cannot be `\"everything\"`"),
        )
        .label("needs a list")
        .help("to grant nothing, set the operation's level to `\"never\"`")),
        _ => {
            let expected = if whole == Whole::Allowed {
                "a list, or `\"everything\"`"
            } else {
                "a list"
            };
            let entries = items(name, node, expected)?;
            let at = |item| Ok(At::new(read(name, item)?, Spanned::span(item)));
            entries
                .iter()
                .map(at)
                .collect::<Read<_>>()
                .map(Listing::These)
        }
    }
}

fn bad_pattern(span: Range<usize>, text: &str, (why, help): subject::Refused) -> Fault {
    let shown: String = text.chars().take(64).flat_map(char::escape_debug).collect();
    Fault::new(span, format!("`{shown}` {why}"))
        .label("not accepted")
        .help(help)
}

fn path(name: &str, node: Node<'_, '_>) -> Read<PathPattern> {
    PathPattern::parse(text(name, node)?).map_err(|error| {
        Fault::new(node.span(), error.to_string())
            .label("not a path pattern")
            .help("patterns follow `.gitignore`: `*.md` at any depth, `src/**` from the root of the workspace")
    })
}

fn command(name: &str, node: Node<'_, '_>) -> Read<portcullis::command::CommandPattern> {
    let refused = |refused| bad_pattern(node.span(), "command", refused);
    match node.get_ref() {
        DeValue::String(line) => {
            subject::command_line(line).map_err(|why| bad_pattern(node.span(), line, why))
        }
        DeValue::Array(words) => {
            let words = words
                .iter()
                .map(|word| Ok(text(name, word)?.to_owned()))
                .collect::<Read<_>>()?;
            subject::command_words(words).map_err(refused)
        }
        _ => Err(wrong_type(
            name,
            node,
            "`\"cargo test\"` or `[\"cargo\", \"test\"]`",
        )),
    }
}

fn names(name: &str, node: Node<'_, '_>, kind: Name, whole: Whole) -> Read<Value> {
    let read = |name: &str, item: Node<'_, '_>| {
        let stated = text(name, item)?;
        subject::name(kind, stated).map_err(|refused| bad_pattern(item.span(), stated, refused))
    };
    listing(name, node, whole, read).map(Value::Names)
}

fn listed_host(name: &str, node: Node<'_, '_>) -> Read<HostRule> {
    match node.get_ref() {
        DeValue::String(text) => host_pattern(text, node.span()).map(HostRule::new),
        DeValue::Table(table) => host_rule(&host_fields(table, node.span())?),
        _ => Err(wrong_type(
            name,
            node,
            "a host, or `{ host = \"…\", methods = […], … }`",
        )),
    }
}

fn blocked_host(name: &str, node: Node<'_, '_>) -> Read<HostRule> {
    if let DeValue::Table(table) = node.get_ref() {
        let fields = host_fields(table, node.span())?;
        if let Some(entry) = fields.entry("trust").or_else(|| fields.entry("sink")) {
            return Err(Fault::new(
                entry.span.clone(),
                "a blocked host is neither trusted nor a way out",
            )
            .label("no meaning here")
            .help("remove it"));
        }
    }
    listed_host(name, node)
}

fn host_pattern(text: &str, span: Range<usize>) -> Read<HostPattern> {
    HostPattern::parse(text).map_err(|error| {
        Fault::new(span, error.to_string())
            .label("not a host")
            .help("write `example.com`, `*.example.com` or an address, with `:port` where it is not 80 or 443")
    })
}

/// One entry of [network] `limits`.
fn limit(name: &str, node: Node<'_, '_>) -> Read<HostLimit> {
    let DeValue::Table(table) = node.get_ref() else {
        return Err(wrong_type(
            name,
            node,
            "`{ host = \"…\", max_request_bytes = … }`",
        ));
    };
    let fields = limit_fields(table, node.span())?;
    let missing = || Fault::new(fields.span.clone(), "`host` is missing");
    let host = fields.text("host").ok_or_else(missing)?;
    Ok(HostLimit {
        pattern: host_pattern(host.value, host.span)?,
        max_requests: fields.number("max_requests"),
        max_request_bytes: fields.number("max_request_bytes"),
        max_response_bytes: fields.number("max_response_bytes"),
        max_url_bytes: fields.number("max_url_bytes"),
    })
}

/// One entry of [credentials] `bindings`.
fn binding(name: &str, node: Node<'_, '_>) -> Read<Credential> {
    let DeValue::Table(table) = node.get_ref() else {
        return Err(wrong_type(
            name,
            node,
            "`{ name = \"…\", env = \"…\", hosts = [\"…\"] }`",
        ));
    };
    let fields = binding_fields(table, node.span())?;
    let owned = |key| fields.text(key).map(|at| at.value.to_owned());
    let header = owned("header").map_or("authorization".to_owned(), |header| {
        header.to_ascii_lowercase()
    });
    let scheme = match (fields.word("scheme"), header.as_str()) {
        (Some("bearer"), _) => Scheme::Bearer,
        (Some("token"), _) => Scheme::Token,
        (Some("basic"), _) => Scheme::Basic,
        (Some(_), _) => Scheme::Bare,
        (None, "authorization") => Scheme::Any,
        (None, _) => Scheme::Bare,
    };
    let user = fields.text("user");
    if let Some(at) = user.filter(|_| !matches!(scheme, Scheme::Basic | Scheme::Any)) {
        return Err(Fault::new(at.span, "`user` stands beside `basic` alone")
            .label("no meaning here")
            .help("remove it, or write `scheme = \"basic\"`"));
    }
    Ok(Credential {
        name: owned("name").unwrap_or_default(),
        source: secret_source(&fields)?,
        routes: bound_routes(&fields)?,
        header,
        scheme,
        user: owned("user"),
    })
}

/// The one source of a binding.
fn secret_source(fields: &Fields) -> Read<SecretSource> {
    const SOURCES: [&str; 4] = ["env", "file", "keyring", "command"];
    let stated: Vec<&str> = SOURCES
        .into_iter()
        .filter(|key| fields.entry(key).is_some())
        .collect();
    let text = |key| fields.text(key).map_or("", |at| at.value).to_owned();
    match stated.as_slice() {
        ["env"] => Ok(SecretSource::Variable(text("env"))),
        ["file"] => Ok(SecretSource::File(text("file"))),
        ["keyring"] => {
            let entry = text("keyring");
            let (service, user) = entry.split_once('/').unwrap_or_default();
            Ok(SecretSource::Keyring(service.to_owned(), user.to_owned()))
        }
        ["command"] => {
            let words = fields.texts("command").unwrap_or_default();
            Ok(SecretSource::Command(
                words.iter().map(|at| at.value.clone()).collect(),
            ))
        }
        _ => Err(
            Fault::new(fields.span.clone(), "a binding names exactly one source")
                .label("none, or several")
                .help("state one of `env`, `file`, `keyring` and `command`"),
        ),
    }
}

/// The hosts of a binding with its methods and paths.
fn bound_routes(fields: &Fields) -> Read<Vec<HostRule>> {
    let route = |at: &At<String>| {
        let pattern = host_pattern(&at.value, at.span.clone())?;
        if pattern.is_wildcard() {
            return Err(
                Fault::new(at.span.clone(), "a secret is bound to exact hosts")
                    .label("names hosts that nobody has named")
                    .help("list each host"),
            );
        }
        routed(fields, HostRule::new(pattern))
    };
    let hosts = fields.texts("hosts").unwrap_or_default();
    hosts.iter().map(route).collect()
}

/// One entry of [network] `groups`.
fn group(name: &str, node: Node<'_, '_>) -> Read<&'static str> {
    let stated = text(name, node)?;
    if groups::means_provider(stated) {
        return Err(Fault::new(node.span(), "no group holds model providers")
            .label("programs reach no provider: the session's gateway alone calls it")
            .help(
                "leave it out and name the provider when the session starts: `--model-url https://api.openai.com \
                 --model-key-env OPENAI_API_KEY`, or `--model-socket PATH`",
            ));
    }
    groups::named(stated).ok_or_else(|| {
        Fault::new(node.span(), format!("unknown group `{stated}`"))
            .label("no group of hosts of this name")
            .help(suggest::help(stated, groups::NAMES))
    })
}

fn host_rule(fields: &Fields) -> Read<HostRule> {
    let missing = || Fault::new(fields.span.clone(), "`host` is missing");
    let host = fields.text("host").ok_or_else(missing)?;
    let pattern = match fields.number("port") {
        None => host_pattern(host.value, host.span)?,
        Some(port) => host_at(&host, port)?,
    };
    let rule = routed(fields, HostRule::new(pattern))?;
    inspected(fields, rule)?
        .with_trust(fields.flag("trust").unwrap_or(false))
        .with_sink(fields.flag("sink").unwrap_or(true))
        .map_err(|error| host_fault(fields, "sink", &error))
}

/// The rule with the methods and paths of the entry.
fn routed(fields: &Fields, mut rule: HostRule) -> Read<HostRule> {
    let paths = |at: &At<String>| {
        UrlPathPattern::parse(&at.value).map_err(|error| {
            Fault::new(at.span.clone(), error.to_string())
                .label("not a URL path")
                .help("write `/a/*` or `/a/**`")
        })
    };
    if let Some(methods) = fields.texts("methods") {
        rule = rule
            .with_methods(methods.iter().map(|at| at.value.clone()))
            .map_err(|error| host_fault(fields, "methods", &error))?;
    }
    if let Some(listed) = fields.texts("paths") {
        let parsed: Vec<UrlPathPattern> = listed.iter().map(paths).collect::<Read<_>>()?;
        rule = rule
            .with_paths(parsed)
            .map_err(|error| host_fault(fields, "paths", &error))?;
    }
    Ok(rule)
}

/// The rule, open to seen requests alone where the entry says `inspect = true`.
fn inspected(fields: &Fields, rule: HostRule) -> Read<HostRule> {
    let is_detailed = !rule.methods().is_empty() || !rule.paths().is_empty();
    match (fields.flag("inspect"), is_detailed) {
        (Some(false), true) => {
            let span = fields
                .entry("inspect")
                .map_or(fields.span.clone(), |entry| entry.span.clone());
            Err(
                Fault::new(span, "methods and paths are seen by inspection alone")
                    .label("contradicts `methods` or `paths`")
                    .help("leave `inspect` out, or leave `methods` and `paths` out"),
            )
        }
        (Some(true), _) if rule.paths().is_empty() => {
            let all = UrlPathPattern::parse("/**")
                .map_err(|error| Fault::new(fields.span.clone(), error.to_string()))?;
            rule.with_paths([all])
                .map_err(|error| host_fault(fields, "inspect", &error))
        }
        _ => Ok(rule),
    }
}

/// The host with the port of its own field.
fn host_at(host: &At<&str>, port: u64) -> Read<HostPattern> {
    let plain = host_pattern(host.value, host.span.clone())?;
    if plain.port().is_some() {
        return Err(Fault::new(host.span.clone(), "the port is stated twice")
            .label("with a port already")
            .help("state it here or in `port`, not both"));
    }
    host_pattern(&format!("{plain}:{port}"), host.span.clone())
}

fn host_fault(fields: &Fields, field: &str, error: &portcullis::host::HostError) -> Fault {
    let span = fields
        .entry(field)
        .map_or(fields.span.clone(), |entry| entry.span.clone());
    let help = match field {
        "methods" => "write HTTP methods such as `\"GET\"`",
        _ => "`sink = false` needs one exact host, `methods` and `paths`",
    };
    Fault::new(span, error.to_string())
        .label("not accepted")
        .help(help)
}

fn remotes(name: &str, node: Node<'_, '_>) -> Read<Value> {
    let read = |_: &str, item: Node<'_, '_>| match item.get_ref() {
        DeValue::Table(table) => remote(&remote_fields(table, item.span())?),
        _ => Err(wrong_type(
            name,
            item,
            "`{ url = \"https://…\", refs = [\"topic/*\"] }`",
        )),
    };
    let each = listing(name, node, Whole::Allowed, read)?;
    Ok(Value::Remotes(match each {
        Listing::Everything => Listing::Everything,
        Listing::These(list) => Listing::These(
            list.into_iter()
                .flat_map(|at| {
                    at.value
                        .into_iter()
                        .map(move |pattern| At::new(pattern, at.span.clone()))
                })
                .collect(),
        ),
    }))
}

fn remote(fields: &Fields) -> Read<Vec<GitPattern>> {
    let missing = || Fault::new(fields.span.clone(), "`url` is missing");
    let url = fields.text("url").ok_or_else(missing)?;
    subject::check_url(url.value, &["https", "ssh", "file"])
        .map_err(|why| bad_pattern(url.span.clone(), url.value, why))?;
    let reference = |at: &At<String>| {
        let pattern = subject::reference(&at.value)
            .map_err(|why| bad_pattern(at.span.clone(), &at.value, why))?;
        Ok(pattern.as_str().to_owned())
    };
    let references: Vec<String> = fields
        .texts("refs")
        .unwrap_or_default()
        .iter()
        .map(reference)
        .collect::<Read<_>>()?;
    Ok(subject::remote(url.value, &references))
}
