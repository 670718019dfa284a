//! The texts that people and records read: names of sets and rules, patterns as they are written, refusals that quote.

use std::collections::BTreeSet;

use portcullis::codec::CodecError;
use portcullis::command::{ArgPattern, CommandPattern};
use portcullis::glob::PathPattern;
use portcullis::host::{Host, HostPattern};
use portcullis::path::RelPath;
use portcullis::{Exposure, Label, Level, Operation, OperationSet, Outcome, Reason, Reasons};

#[test]
fn sets_are_written_by_their_names() {
    let exposures =
        [(Exposure::NONE, "none"), (Exposure::PRIVATE, "private_data"), (Exposure::UNTRUSTED, "untrusted_content")];
    for (set, text) in exposures {
        assert_eq!(set.to_string(), text);
    }
    assert_eq!(Exposure::TRIFECTA.to_string(), "private_data + untrusted_content + exfil_vector");
    let pair: OperationSet = [Operation::GitPush, Operation::ReadFiles].into_iter().collect();
    assert_eq!((OperationSet::EMPTY.to_string(), pair.to_string()), (String::new(), "read_files+git_push".to_owned()));
}

#[test]
fn a_name_and_a_number_are_one_value() {
    macro_rules! assert_named {
        ($($type:ident: $count:literal),+) => {$(
            let names: BTreeSet<&str> = $type::ALL.iter().map(|one| one.name()).collect();
            assert_eq!((names.len(), $type::ALL.len()), ($count, $count), stringify!($type));
            for (number, one) in $type::ALL.into_iter().enumerate() {
                assert_eq!(($type::from_name(one.name()), one.to_string()), (Some(one), one.name().to_owned()));
                assert_eq!($type::from_number(number as u8), Some(one));
            }
            assert_eq!(($type::from_number($count), $type::from_name("")), (None, None));
        )+};
    }
    assert_named!(Operation: 12, Level: 3, Label: 3, Reason: 12, Outcome: 3);
}

#[test]
fn a_rule_denies_to_five_and_asks_from_six() {
    let numbers = Reason::ALL.map(Reason::rule);
    assert_eq!(numbers, [1, 1, 2, 3, 4, 5, 6, 6, 7, 8, 8, 8]);
    for reason in Reason::ALL {
        assert_eq!(Reasons::DENYING.contains(reason), reason.rule() <= 5, "{reason}");
        assert_eq!(Reasons::ASKING.contains(reason), reason.rule() >= 6, "{reason}");
    }
    let sentences: BTreeSet<&str> = Reason::ALL.into_iter().map(Reason::sentence).collect();
    assert!(sentences.len() == 12 && sentences.iter().all(|text| text.len() > 15));
}

#[test]
fn patterns_are_written_as_they_are_read() {
    for text in ["example.com", "*.example.com", "example.com:8443", "192.0.2.1:80", "[::1]:80", "[2001:db8::1]"] {
        let pattern = HostPattern::parse(text).unwrap();
        assert_eq!((pattern.to_string(), HostPattern::parse(&pattern.to_string())), (text.to_owned(), Ok(pattern)));
    }
    for text in ["**", "a", "/a", "a/b", "*.md", "a!(b|c)", "a/**/b", "?x*"] {
        let pattern = PathPattern::parse(text).unwrap();
        assert_eq!((pattern.to_string(), pattern.as_str()), (text.to_owned(), text));
    }
    let args = vec![ArgPattern::Exact("b".into()), ArgPattern::Any, ArgPattern::AnyRemaining];
    assert_eq!(CommandPattern { program: "a".into(), args }.to_string(), "a b <any> …");
    assert_eq!([RelPath::root(), RelPath::parse("a//b").unwrap()].map(|path| path.to_string()), [".", "a/b"]);
}

#[test]
fn a_refusal_quotes_what_it_refuses_cut_and_escaped() {
    let said = Host::parse(&format!("a\n{}", "b".repeat(100))).unwrap_err().to_string();
    assert!(
        said.starts_with("`a\\nbbb") && said.contains(&"b".repeat(62)) && !said.contains(&"b".repeat(63)),
        "{said}"
    );
    let said = RelPath::parse("../x\u{1b}").unwrap_err();
    assert!(said.to_string().starts_with("path `../x\\u{1b}` ") && !said.help().is_empty(), "{said}");
    let said = PathPattern::parse("[a]").unwrap_err().to_string();
    assert!(said.starts_with("pattern `[a]` has "), "{said}");
    let errors = [CodecError::Truncated, CodecError::TrailingBytes, CodecError::NotCanonical];
    let texts: BTreeSet<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 3);
    assert!(CodecError::UnknownVersion(7).to_string().contains('7'));
    assert!(CodecError::InvalidValue("flag").to_string().contains("flag"));
}
