//! Every text of the corpus is accepted or refused as its place says; each refusal is a snapshot.

use std::fs;
use std::path::PathBuf;

use miette::{GraphicalReportHandler, GraphicalTheme};
use nucleus_spec::{Source, SpecError, parse_overlay, parse_policy, profile};

/// The texts of one folder in order, with their file names.
pub(crate) fn texts(folder: &str) -> Vec<(String, String)> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../corpus/permissions")
        .join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    files
        .iter()
        .map(|path| (name(path), fs::read_to_string(path).unwrap()))
        .collect()
}

fn rendered(error: &SpecError) -> String {
    let mut out = String::new();
    let handler =
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
    handler.render_report(&mut out, error).unwrap();
    out
}

fn snapshot(folder: &str, name: &str, error: &SpecError) {
    assert!(!error.help().is_empty(), "{name} has no help");
    assert!(
        !error.span().is_empty() || name.contains("unclosed"),
        "{name} points nowhere"
    );
    let stem = name.trim_end_matches(".toml");
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "../snapshots", omit_expression => true }, {
        insta::assert_snapshot!(format!("{folder}-{stem}"), rendered(error));
    });
}

#[test]
fn good_policies_parse() {
    for (name, text) in texts("good") {
        let parsed = parse_policy(&Source::new(&name, text));
        assert!(parsed.is_ok(), "{name}: {:?}", parsed.err());
    }
}

#[test]
fn bad_policies_are_refused_with_place_and_help() {
    let texts = texts("bad");
    assert!(texts.len() >= 30);
    for (name, text) in texts {
        let error = parse_policy(&Source::new(&name, text))
            .map(drop)
            .expect_err(&name);
        snapshot("bad", &name, &error);
    }
}

#[test]
fn good_project_files_tighten() {
    let base = parse_policy(&profile("fix-issue").unwrap().source()).unwrap();
    for (name, text) in texts("overlay-good") {
        let tightened = parse_overlay(&Source::new(&name, text), base.envelope()).expect(&name);
        assert!(tightened.leq(base.envelope()), "{name}");
    }
}

#[test]
fn project_files_that_widen_are_refused_with_their_line() {
    let base = parse_policy(&profile("fix-issue").unwrap().source()).unwrap();
    for (name, text) in texts("overlay-bad") {
        let error = parse_overlay(&Source::new(&name, text), base.envelope())
            .map(drop)
            .expect_err(&name);
        snapshot("overlay-bad", &name, &error);
    }
}

#[test]
fn line_and_column_count_characters_from_one() {
    let text = "# größer\n[budget]\nmax_cost_usd = \"é\"\n";
    let error = parse_policy(&Source::new("p.toml", text))
        .map(drop)
        .expect_err("a text is no amount");
    assert_eq!(
        (error.line(), error.column(), error.source_name()),
        (3, 16, "p.toml")
    );
}

#[test]
fn a_policy_over_one_mebibyte_is_refused_and_one_below_is_read() {
    let long = format!("# {}", "x".repeat(1 << 20));
    assert!(parse_policy(&Source::new("p.toml", long)).is_err());
    let short = format!("# {}", "x".repeat((1 << 20) - 2));
    assert!(parse_policy(&Source::new("p.toml", short)).is_ok());
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,200}") {
        let _ = parse_policy(&Source::new("p.toml", text)).map_err(|error| rendered(&error));
    }

    #[test]
    fn no_cut_of_a_policy_makes_the_parser_panic(at in 0_usize..2000) {
        for (name, text) in texts("good") {
            let cut: String = text.chars().take(at).collect();
            let _ = parse_policy(&Source::new(name, cut)).map_err(|error| rendered(&error));
        }
    }
}
