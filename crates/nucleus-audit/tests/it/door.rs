//! An effect without a record does not compile.

#[test]
fn the_proof_of_a_record_cannot_be_forged_copied_or_reused() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile_fail/*.rs");
    cases.pass("tests/compile_pass/*.rs");
}
