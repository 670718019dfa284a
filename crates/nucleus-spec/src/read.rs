//! Reads TOML into typed values by the table of keys; every unknown word, wrong type and impossible value is a fault.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::document::{Document, Entry, Fields};
use crate::error::Fault;
use crate::scalar::read_value;
use crate::suggest;
use crate::table::{
    BINDING_FIELDS, HOST_FIELDS, Key, Kind, LIMIT_FIELDS, REMOTE_FIELDS, SECTIONS, Section, TOP,
    section_named,
};

/// The longest policy text in bytes; the shipped lists, written out, are a hundredth of it.
pub(crate) const MAX_POLICY_BYTES: usize = 1 << 20;

/// Reads a whole text.
pub(crate) fn read_document(text: &str) -> Result<Document, Fault> {
    if text.len() > MAX_POLICY_BYTES {
        return Err(Fault::new(0..0, "the policy is longer than 1 MiB")
            .help("split it, or list directories instead of files"));
    }
    let root = DeTable::parse(text).map_err(|error| syntax_fault(&error, text))?;
    let mut document = Document::default();
    for (key, value) in in_order(root.get_ref()) {
        match section_named(key.get_ref()) {
            Some(section) => read_section(section, key, value, &mut document)?,
            None => {
                let known = find(TOP, key).ok_or_else(|| unknown_at_top(key))?;
                document.put("", known.name, read_entry(known, key, value)?);
            }
        }
    }
    Ok(document)
}

/// Keys and values in the order of the text.
fn in_order<'a, 'i>(
    table: &'a DeTable<'i>,
) -> Vec<(&'a Spanned<DeString<'i>>, &'a Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

fn find(keys: &'static [Key], key: &Spanned<DeString<'_>>) -> Option<&'static Key> {
    keys.iter()
        .find(|known| known.name == key.get_ref().as_ref())
}

fn read_section(
    section: &'static Section,
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
    document: &mut Document,
) -> Result<(), Fault> {
    let name = section.name;
    if let Some(why) = section.reserved {
        return Err(Fault::new(key.span(), format!("[{name}] cannot be used"))
            .label("reserved")
            .help(why));
    }
    let DeValue::Table(table) = value.get_ref() else {
        return Err(
            Fault::new(value.span(), format!("`{name}` is a section, not a value"))
                .label(format!("found {}", found(value.get_ref())))
                .help(format!(
                    "write `[{name}]` on a line of its own, once, and its keys below"
                )),
        );
    };
    document.open(name, key.span());
    for (key, value) in in_order(table) {
        let known = find(section.keys, key).ok_or_else(|| unknown_in(section, key))?;
        document.put(name, known.name, read_entry(known, key, value)?);
    }
    Ok(())
}

fn read_entry(
    known: &'static Key,
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
) -> Result<Entry, Fault> {
    if let Kind::Reserved(why) = known.kind {
        return Err(
            Fault::new(key.span(), format!("`{}` cannot be used", known.name))
                .label("reserved")
                .help(why),
        );
    }
    Ok(Entry {
        value: read_value(known, value)?,
        span: value.span(),
    })
}

/// Reads an inline table or `[[…]]` entry by its fields.
pub(crate) fn read_fields(
    fields: &'static [Key],
    table: &DeTable<'_>,
    span: Range<usize>,
) -> Result<Fields, Fault> {
    let mut read = Fields::new(span.clone());
    for (key, value) in in_order(table) {
        let known = find(fields, key).ok_or_else(|| {
            Fault::new(key.span(), format!("unknown field `{}`", key.get_ref()))
                .label("not a field of this entry")
                .help(suggest::help(
                    key.get_ref(),
                    fields.iter().map(|field| field.name),
                ))
        })?;
        read.put(known.name, read_entry(known, key, value)?);
    }
    match fields
        .iter()
        .find(|field| field.default == "required" && read.entry(field.name).is_none())
    {
        Some(missing) => Err(Fault::new(span, format!("`{}` is missing", missing.name))
            .label("in this entry")
            .help(missing.doc)),
        None => Ok(read),
    }
}

fn unknown_at_top(key: &Spanned<DeString<'_>>) -> Fault {
    let word = key.get_ref().as_ref();
    let fault =
        Fault::new(key.span(), format!("unknown section or key `{word}`")).label("not known");
    let home = SECTIONS
        .iter()
        .find(|section| section.keys.iter().any(|known| known.name == word));
    let names = || {
        SECTIONS
            .iter()
            .map(|section| section.name)
            .chain(TOP.iter().map(|known| known.name))
    };
    fault.help(match home {
        Some(section) => format!("`{word}` belongs below `[{}]`", section.name),
        None => suggest::help(word, names().collect::<Vec<_>>()),
    })
}

fn unknown_in(section: &'static Section, key: &Spanned<DeString<'_>>) -> Fault {
    let word = key.get_ref().as_ref();
    let fault = Fault::new(
        key.span(),
        format!("unknown key `{word}` in [{}]", section.name),
    )
    .label("not a key of this section");
    let home = SECTIONS
        .iter()
        .find(|other| other.keys.iter().any(|known| known.name == word));
    fault.help(match home {
        Some(other) => format!("`{word}` belongs below `[{}]`", other.name),
        None => suggest::help(
            word,
            section
                .keys
                .iter()
                .map(|known| known.name)
                .collect::<Vec<_>>(),
        ),
    })
}

fn syntax_fault(error: &toml::de::Error, text: &str) -> Fault {
    let span = error.span().unwrap_or(text.len()..text.len());
    let next = text.get(span.end..).and_then(|rest| rest.chars().next());
    let span = if span.is_empty() {
        span.start..span.end + next.map_or(0, char::len_utf8)
    } else {
        span
    };
    let message = error
        .message()
        .lines()
        .next()
        .unwrap_or("not TOML")
        .to_owned();
    let help = if message.contains("duplicate") {
        "state each section and key once"
    } else {
        "the file must be TOML: `key = value` lines below `[section]` lines, text in quotes"
    };
    Fault::new(span, format!("cannot read the file: {message}"))
        .label("at this point")
        .help(help)
}

/// The name of a TOML type for messages.
pub(crate) fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The fields of an entry of [network] `hosts`.
pub(crate) fn host_fields(table: &DeTable<'_>, span: Range<usize>) -> Result<Fields, Fault> {
    read_fields(HOST_FIELDS, table, span)
}

/// The fields of an entry of [network] `limits`.
pub(crate) fn limit_fields(table: &DeTable<'_>, span: Range<usize>) -> Result<Fields, Fault> {
    read_fields(LIMIT_FIELDS, table, span)
}

/// The fields of an entry of [credentials] `bindings`.
pub(crate) fn binding_fields(table: &DeTable<'_>, span: Range<usize>) -> Result<Fields, Fault> {
    read_fields(BINDING_FIELDS, table, span)
}

/// The fields of an entry of [git] `remotes`.
pub(crate) fn remote_fields(table: &DeTable<'_>, span: Range<usize>) -> Result<Fields, Fault> {
    read_fields(REMOTE_FIELDS, table, span)
}
