//! The printed policy is the policy.

use nucleus_spec::{Source, parse_overlay, parse_policy, print_policy, profile, profiles};

use crate::corpus::texts;

#[test]
fn printed_policies_parse_back_to_the_same_envelope() {
    let shipped = profiles()
        .iter()
        .map(|profile| (profile.name.to_owned(), profile.text.to_owned()));
    for (name, text) in shipped.chain(texts("good")) {
        let envelope = parse_policy(&Source::new(&name, text))
            .unwrap()
            .envelope()
            .clone();
        let printed = print_policy(&envelope);
        let again = parse_policy(&Source::new(&name, printed.clone()));
        let again = again.unwrap_or_else(|error| panic!("{name}: {error:?}\n{printed}"));
        assert_eq!(again.envelope(), &envelope, "{name}\n{printed}");
    }
}

#[test]
fn a_listing_that_no_file_can_state_is_printed_and_not_parsed() {
    let base = parse_policy(&profile("doc_editor").unwrap().source()).unwrap();
    let file = Source::new("p.toml", "[paths]\nlisted = [\"docs/**\"]");
    let met = parse_overlay(&file, base.envelope()).unwrap();
    let printed = print_policy(&met);
    assert!(printed.contains("all_of"), "{printed}");
    assert!(printed.contains("\"/docs\""), "{printed}");
    assert!(parse_policy(&Source::new("printed", printed)).is_err());
}

#[test]
fn the_default_policy_in_full() {
    let policy = parse_policy(&profile("restrictive").unwrap().source()).unwrap();
    insta::assert_snapshot!(print_policy(policy.envelope()));
}
