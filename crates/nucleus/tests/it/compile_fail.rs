//! Effects without a recorded permit, and permits used twice, do not compile.

#[test]
fn an_effect_without_a_recorded_permit_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
