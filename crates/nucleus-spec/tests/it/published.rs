//! The published schema and reference are those of the parser.

use std::fs;
use std::path::PathBuf;

use nucleus_spec::{json_schema, profiles, reference};

use crate::corpus::texts;

/// Compares a published file with what the table says; `UPDATE_PUBLISHED=1` writes it.
fn check_published(name: &str, expected: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/reference")
        .join(name);
    if std::env::var_os("UPDATE_PUBLISHED").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{} is stale: run this test with UPDATE_PUBLISHED=1",
        path.display()
    );
}

#[test]
fn the_published_schema_is_the_parsers() {
    check_published("permissions.schema.json", json_schema());
}

#[test]
fn the_published_reference_is_the_parsers() {
    check_published("permissions.md", &reference());
}

fn json(name: &str, text: &str) -> serde_json::Value {
    let table: toml::Table = text
        .parse()
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    without_infinities(toml::Value::Table(table))
}

/// JSON has no `nan` and `inf`: they become numbers that the schema sees as out of range, or not at all.
fn without_infinities(value: toml::Value) -> serde_json::Value {
    match value {
        toml::Value::Table(table) => table
            .into_iter()
            .map(|(key, value)| (key, without_infinities(value)))
            .collect(),
        toml::Value::Array(items) => items.into_iter().map(without_infinities).collect(),
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) if number.is_nan() => 0.into(),
        toml::Value::Float(number) => number.clamp(f64::MIN, f64::MAX).into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(date) => date.to_string().into(),
    }
}

#[test]
fn the_schema_accepts_every_good_policy() {
    let schema = jsonschema::validator_for(&json_schema().parse().unwrap()).unwrap();
    let shipped = profiles()
        .iter()
        .map(|profile| (profile.name.to_owned(), profile.text.to_owned()));
    for (name, text) in shipped.chain(texts("good")) {
        let value = json(&name, &text);
        let found = schema.validate(&value);
        assert!(found.is_ok(), "{name}: {}", found.unwrap_err());
    }
}

#[test]
fn the_schema_refuses_the_bad_policies_it_can_see() {
    let schema = jsonschema::validator_for(&json_schema().parse().unwrap()).unwrap();
    for (name, text) in texts("bad") {
        match text.lines().next().unwrap() {
            "# schema: refuses" => {
                assert!(!schema.is_valid(&json(&name, &text)), "{name} is accepted")
            }
            "# schema: accepts" => {
                assert!(schema.is_valid(&json(&name, &text)), "{name} is refused")
            }
            "# schema: not TOML" => assert!(text.parse::<toml::Table>().is_err(), "{name} is TOML"),
            other => panic!("{name} starts with `{other}`"),
        }
    }
}
