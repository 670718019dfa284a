//! Reads the text of a catalog; an unknown key or word is a fault with its place.

use std::collections::{BTreeMap, BTreeSet};

use portcullis::{Exposure, Label, Operation, OperationSet, Sinks};
use serde::Deserialize;
use toml::Spanned;

use super::Catalog;
use super::condition::Condition;
use super::effects::{Effects, Party};
use super::kind::Kind;
use super::server::{Case, Roots, ServerEntry, ToolGroup};
use crate::error::Fault;
use crate::suggest;

/// The longest catalog in bytes; the shipped one is a tenth of it.
const MAX_CATALOG_BYTES: usize = 1 << 20;

type Word = Spanned<String>;
type Words = Vec<Word>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCatalog {
    version: Spanned<u64>,
    #[serde(default)]
    server: Vec<RawServer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawServer {
    id: Word,
    title: String,
    publisher: String,
    home: Word,
    kind: Word,
    #[serde(default)]
    npm: Vec<String>,
    #[serde(default)]
    pypi: Words,
    #[serde(default)]
    images: Words,
    #[serde(default)]
    commands: Vec<String>,
    #[serde(default)]
    hosts: Words,
    #[serde(default)]
    names: Words,
    #[serde(default)]
    official: BTreeMap<String, Spanned<Vec<String>>>,
    roots: Option<Word>,
    written_by: Option<Word>,
    read_by: Option<Word>,
    tools: Spanned<Vec<RawGroup>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGroup {
    names: Spanned<Vec<String>>,
    operations: Spanned<Words>,
    #[serde(default)]
    brings: Words,
    #[serde(default)]
    sinks: Words,
    written_by: Option<Word>,
    read_by: Option<Word>,
    #[serde(default)]
    fields: BTreeMap<String, Spanned<Words>>,
    #[serde(default)]
    only_with: Vec<String>,
    #[serde(default)]
    absent_with: Vec<String>,
    #[serde(default)]
    when: Vec<Spanned<RawCase>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCase {
    argument: String,
    is: Option<Word>,
    one_of: Option<Vec<String>>,
    #[serde(default)]
    without: Vec<String>,
    operations: Option<Spanned<Words>>,
    brings: Option<Words>,
    sinks: Option<Words>,
}

/// Reads a whole text.
pub(crate) fn read_catalog(text: &str) -> Result<Catalog, Fault> {
    if text.len() > MAX_CATALOG_BYTES {
        return Err(Fault::new(0..0, "the catalog is longer than 1 MiB")
            .help("split it, or leave out what is not used"));
    }
    let raw: RawCatalog = toml::from_str(text).map_err(|error| syntax_fault(&error, text))?;
    if *raw.version.get_ref() != 1 {
        return Err(
            Fault::new(raw.version.span(), "unknown version of the catalog")
                .help("this program reads version 1"),
        );
    }
    let mut servers = Vec::with_capacity(raw.server.len());
    let mut seen = Seen::default();
    for server in raw.server {
        seen.check(&server)?;
        servers.push(read_server(server)?);
    }
    Ok(Catalog {
        version: 1,
        servers,
    })
}

/// What identifies a server may do so once.
#[derive(Default)]
struct Seen(BTreeSet<(&'static str, String)>);

impl Seen {
    fn check(&mut self, server: &RawServer) -> Result<(), Fault> {
        let id = server.id.span();
        let words = |kind: &'static str, words: &Words| {
            words
                .iter()
                .map(|word| (kind, word.get_ref().clone(), word.span()))
                .collect::<Vec<_>>()
        };
        let npm = server
            .npm
            .iter()
            .map(|name| ("npm", name.clone(), id.clone()));
        let own = std::iter::once(("id", server.id.get_ref().clone(), id.clone()));
        let all = own
            .chain(npm)
            .chain(words("pypi", &server.pypi))
            .chain(words("images", &server.images))
            .chain(words("hosts", &server.hosts))
            .chain(words("names", &server.names));
        for (kind, name, span) in all {
            if !self.0.insert((kind, name.clone())) {
                return Err(
                    Fault::new(span, format!("`{name}` names two servers by `{kind}`"))
                        .label("the second one")
                        .help("each id, package, image, host and name belongs to one server"),
                );
            }
        }
        Ok(())
    }
}

fn read_server(raw: RawServer) -> Result<ServerEntry, Fault> {
    let plain = |words: Words| words.into_iter().map(Spanned::into_inner).collect();
    if !raw.home.get_ref().starts_with("https://") {
        return Err(
            Fault::new(raw.home.span(), "`home` is not an `https://` URL")
                .help("write the address where the publisher describes the server"),
        );
    }
    let written_by = read_party(raw.written_by.as_ref())?.unwrap_or(Party::Anyone);
    let read_by = read_party(raw.read_by.as_ref())?.unwrap_or(Party::Anyone);
    if raw.tools.get_ref().is_empty() {
        return Err(Fault::new(raw.tools.span(), "a server without tools")
            .help("a server whose tools are not known is left out: then it is the worst case"));
    }
    let groups = raw
        .tools
        .into_inner()
        .into_iter()
        .map(|group| read_group(group, written_by, read_by))
        .collect::<Result<_, _>>()?;
    Ok(ServerEntry {
        roots: read_roots(raw.roots.as_ref())?,
        id: raw.id.into_inner(),
        title: raw.title,
        publisher: raw.publisher,
        home: raw.home.into_inner(),
        kind: read_kind(&raw.kind)?,
        npm: raw.npm,
        pypi: plain(raw.pypi),
        images: plain(raw.images),
        commands: raw.commands,
        hosts: plain(raw.hosts),
        names: plain(raw.names),
        official: read_official(raw.official)?,
        groups,
    })
}

/// FAIL-CLOSED: a product without a vendor's name, or one as short as any word, would make every package or none official.
fn read_official(
    raw: BTreeMap<String, Spanned<Vec<String>>>,
) -> Result<BTreeMap<String, Vec<String>>, Fault> {
    let read = |(product, starts): (String, Spanned<Vec<String>>)| {
        if starts.get_ref().is_empty() || starts.get_ref().iter().any(|start| start.len() < 4) {
            return Err(Fault::new(
                starts.span(),
                format!("no name says which packages of `{product}` are official"),
            )
            .help(
                "write how the vendor's packages start, four characters or more: `[\"@vendor/\"]`",
            ));
        }
        Ok((product, starts.into_inner()))
    };
    raw.into_iter().map(read).collect()
}

fn read_group(raw: RawGroup, written_by: Party, read_by: Party) -> Result<ToolGroup, Fault> {
    if raw.names.get_ref().is_empty() {
        return Err(
            Fault::new(raw.names.span(), "a group without tools").help("name at least one tool")
        );
    }
    let effects = Effects {
        operations: read_operations(&raw.operations)?,
        brings: read_labels(&raw.brings)?,
        sinks: read_sinks(&raw.sinks)?,
        written_by: read_party(raw.written_by.as_ref())?.unwrap_or(written_by),
        read_by: read_party(raw.read_by.as_ref())?.unwrap_or(read_by),
    };
    let fields = raw
        .fields
        .into_iter()
        .map(|(name, labels)| Ok((name, read_field(&labels, effects)?)))
        .collect::<Result<_, Fault>>()?;
    let cases = raw
        .when
        .into_iter()
        .map(|case| read_case(case, effects))
        .collect::<Result<_, _>>()?;
    Ok(ToolGroup {
        names: raw.names.into_inner(),
        effects,
        fields,
        only_with: raw.only_with,
        absent_with: raw.absent_with,
        cases,
    })
}

fn read_field(labels: &Spanned<Words>, effects: Effects) -> Result<Exposure, Fault> {
    let own = read_labels(labels.get_ref())?;
    if own.leq(effects.brings) {
        Ok(own)
    } else {
        Err(Fault::new(
            labels.span(),
            "a field with a label that its tool does not bring",
        )
        .help("add the label to `brings`, or leave the field out"))
    }
}

fn read_case(raw: Spanned<RawCase>, widest: Effects) -> Result<Case, Fault> {
    let span = raw.span();
    let raw = raw.into_inner();
    let condition = match (raw.is.as_ref(), raw.one_of) {
        (Some(is), None) => read_condition(is)?,
        (None, Some(words)) if !words.is_empty() => Condition::OneOf(words),
        _ => {
            return Err(Fault::new(span, "a case needs one condition")
                .help("write `is = \"sql_read\"`, `is = \"absent\"` or `one_of = [\"GET\"]`"));
        }
    };
    let case = Case {
        argument: raw.argument,
        condition,
        without: raw.without,
        operations: raw.operations.as_ref().map(read_operations).transpose()?,
        brings: raw.brings.as_ref().map(read_labels).transpose()?,
        sinks: raw.sinks.as_ref().map(read_sinks).transpose()?,
    };
    if is_narrower(&case, widest) {
        Ok(case)
    } else {
        Err(Fault::new(span, "a case that is wider than its tool")
            .help("state the widest effects on the tool and let cases only take away"))
    }
}

fn is_narrower(case: &Case, widest: Effects) -> bool {
    let operations = case.operations.unwrap_or(widest.operations);
    let sinks = case.sinks.unwrap_or(widest.sinks);
    widest.operations.is_superset(operations)
        && case.brings.unwrap_or(widest.brings).leq(widest.brings)
        && (widest.sinks.exfil || !sinks.exfil)
        && (widest.sinks.effect || !sinks.effect)
}

fn read_condition(word: &Word) -> Result<Condition, Fault> {
    match word.get_ref().as_str() {
        "absent" => Ok(Condition::Absent),
        "sql_read" => Ok(Condition::SqlRead),
        _ => Err(unknown(word, "condition", &["absent", "sql_read"])),
    }
}

fn read_operations(words: &Spanned<Words>) -> Result<OperationSet, Fault> {
    if words.get_ref().is_empty() {
        return Err(Fault::new(words.span(), "a tool that is no operation")
            .help("a pure computation is the weakest read: `read_files` that brings nothing"));
    }
    words
        .get_ref()
        .iter()
        .try_fold(OperationSet::EMPTY, |set, word| {
            let operation = Operation::from_name(word.get_ref())
                .ok_or_else(|| unknown(word, "operation", &Operation::ALL.map(Operation::name)))?;
            Ok(set.with(operation))
        })
}

fn read_labels(words: &Words) -> Result<Exposure, Fault> {
    let sources = [Label::PrivateData.name(), Label::UntrustedContent.name()];
    words.iter().try_fold(Exposure::NONE, |set, word| {
        let label = Label::from_name(word.get_ref())
            .filter(|label| *label != Label::ExfilVector)
            .ok_or_else(|| unknown(word, "label of a result", &sources))?;
        Ok(set.join(Exposure::of(label)))
    })
}

fn read_sinks(words: &Words) -> Result<Sinks, Fault> {
    let mut sinks = Sinks::default();
    for word in words {
        match word.get_ref().as_str() {
            "exfil" => sinks.exfil = true,
            "effect" => sinks.effect = true,
            _ => return Err(unknown(word, "sink", &["exfil", "effect"])),
        }
    }
    Ok(sinks)
}

fn read_party(word: Option<&Word>) -> Result<Option<Party>, Fault> {
    let read = |word: &Word| {
        Party::from_name(word.get_ref())
            .ok_or_else(|| unknown(word, "party", &Party::ALL.map(Party::name)))
    };
    word.map(read).transpose()
}

fn read_roots(word: Option<&Word>) -> Result<Roots, Fault> {
    match word.map(|word| (word, word.get_ref().as_str())) {
        None => Ok(Roots::None),
        Some((_, "workspace")) => Ok(Roots::Workspace),
        Some((_, "arguments")) => Ok(Roots::Arguments),
        Some((_, "unlimited")) => Ok(Roots::Unlimited),
        Some((word, _)) => Err(unknown(
            word,
            "kind of roots",
            &["workspace", "arguments", "unlimited"],
        )),
    }
}

fn read_kind(word: &Word) -> Result<Kind, Fault> {
    Kind::from_name(word.get_ref()).ok_or_else(|| unknown(word, "kind", &Kind::ALL.map(Kind::name)))
}

fn unknown(word: &Word, what: &str, known: &[&str]) -> Fault {
    Fault::new(word.span(), format!("unknown {what} `{}`", word.get_ref()))
        .label("not known")
        .help(suggest::help(word.get_ref(), known.iter().copied()))
}

fn syntax_fault(error: &toml::de::Error, text: &str) -> Fault {
    let span = error.span().unwrap_or(text.len()..text.len());
    let message = error.message().lines().next().unwrap_or("not TOML");
    Fault::new(span, format!("cannot read the catalog: {message}"))
        .label("at this point")
        .help("the head of the shipped `tools.toml` lists every key")
}
