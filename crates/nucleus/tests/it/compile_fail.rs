//! Effects without a recorded permit, and permits used twice, do not compile.

#[test]
fn an_effect_without_a_recorded_permit_does_not_compile() {
    // Cargo names itself to the tests it starts; a copied binary has no compiler beside it.
    if std::env::var_os("CARGO").is_none() {
        println!(
            "SKIPPED: compile_fail::an_effect_without_a_recorded_permit_does_not_compile (missing: cargo)"
        );
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
