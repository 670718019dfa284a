//! The list of laws: unique names, public claims, and small domains swept whole.

use std::collections::BTreeSet;

use portcullis_laws::{Answer, Law, Sampler, Shape, WORDS, Words, all, all_nonlaws, sweep};

#[test]
fn every_law_has_a_name_of_its_own_and_a_claim() {
    let mut names = BTreeSet::new();
    for law in all() {
        assert!(law.name.starts_with("law_"), "{}", law.name);
        assert!(names.insert(law.name), "{} is declared twice", law.name);
        let claim = law.claim.trim();
        assert!(claim.ends_with('.') && claim.len() > 20, "{}: {claim}", law.name);
    }
    assert!(names.len() >= 90, "{} laws", names.len());
    for law in all_nonlaws() {
        assert!(law.name.starts_with("nonlaw_") && law.claim.contains("False"), "{}", law.name);
    }
}

#[test]
fn no_law_reads_past_the_words() {
    for law in all().chain(all_nonlaws()) {
        assert!((law.shapes)().len() <= WORDS, "{}", law.name);
    }
}

#[test]
fn words_of_no_shape_are_outside() {
    for law in all() {
        let is_number = |shape: &Shape| *shape == Shape::Number;
        if !(law.shapes)().iter().all(is_number) {
            assert_eq!((law.judge)(&[u64::MAX; WORDS]), Answer::Outside, "{}", law.name);
        }
    }
}

#[test]
fn small_domains_hold_whole() {
    let mut whole = 0;
    for law in all() {
        let size = (law.shapes)().iter().try_fold(1_u64, |all, shape| all.checked_mul(shape.size()?));
        if size.is_some_and(|size| size <= 1 << 16) {
            let swept = sweep(law).unwrap();
            assert!(swept.is_complete && swept.inside > 0, "{}: {swept:?}", law.name);
            assert_eq!((swept.inputs, swept.broken_by), (size.unwrap(), None), "{}", law.name);
            whole += 1;
        }
    }
    assert!(whole >= 20, "{whole} laws have a small domain");
}

#[test]
fn a_sweep_finds_the_one_input_that_breaks_a_statement() {
    let one = all_nonlaws().find(|law| law.name == "nonlaw_one_vector_is_unequal").unwrap();
    let words = sweep(one).unwrap().broken_by.unwrap();
    assert_eq!(words[0], 0x00f7_5c13);
}

#[test]
fn one_seed_draws_the_same_inputs() {
    let shapes = [Shape::Levels, Shape::Set(12), Shape::Number, Shape::Below(3)];
    let draw = |seed| -> Vec<Words> {
        let mut sampler = Sampler::new(seed);
        (0..50).map(|_| sampler.words(&shapes)).collect()
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn inputs_are_shown_by_their_values() {
    let law: &Law = all().find(|law| law.name == "law_level_order_is_rank").unwrap();
    let mut words = [0; WORDS];
    words[1] = 2;
    assert_eq!((law.show)(&words), "a = Never, b = Always");
    words[0] = 9;
    assert_eq!((law.show)(&words), "a is ill-formed, b = Always");
}
