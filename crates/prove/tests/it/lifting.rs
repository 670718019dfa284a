//! Functions in the compiler's own text: each undefined or unknown thing must be seen.

use portcullis_laws::{Answer, Law, Words, all};
use prove::check::{Replay, Verdict, check, symbol};
use prove::ir::Module;

/// A law of this name whose own function is never asked.
static LAW: Law = Law {
    name: "law_planted",
    claim: "A function made for a test.",
    topic: "tests",
    judge: |_: &Words| Answer::Outside,
    shapes: Vec::new,
    show: |words| format!("{words:?}"),
};

/// What the prover says of a function with this body.
fn judge(body: &str) -> Verdict {
    let text = format!(
        "@table = internal constant [4 x i8] c\"\\01\\02\\03\\04\", align 1\n\ndefine noundef i8 @_RNv11law_planted(ptr noundef %words) unnamed_addr #0 {{\nstart:\n{body}\n}}\n"
    );
    check(&Module::new(&text), &LAW, Replay::Never).verdict
}

const LOAD: &str = "  %a = load i64, ptr %words, align 8, !noundef !1\n";

fn is_proved(body: &str) {
    let verdict = judge(body);
    assert!(matches!(verdict, Verdict::Proved(_)), "{body}: {verdict:?}");
}

/// Refuted by an input whose first word passes the test.
fn is_refuted(body: &str, test: impl Fn(u64) -> bool) {
    match judge(body) {
        Verdict::Refuted(words) => assert!(test(words[0]), "{body}: {}", words[0]),
        other => panic!("{body}: {other:?}"),
    }
}

fn is_doubted(body: &str, why: &str) {
    match judge(body) {
        Verdict::Doubt(doubt) => assert!(doubt.contains(why), "{body}: {doubt}"),
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn a_function_that_holds_is_proved_and_one_input_refutes() {
    is_proved("  ret i8 1");
    is_refuted(&format!("{LOAD}  %c = icmp ne i64 %a, 77\n  %r = zext i1 %c to i8\n  ret i8 %r"), |a| a == 77);
}

#[test]
fn a_function_that_is_outside_for_every_input_is_no_law() {
    is_doubted("  ret i8 2", "speaks of no input");
}

#[test]
fn an_answer_that_is_none_refutes() {
    is_refuted("  ret i8 3", |_| true);
}

#[test]
fn a_panic_that_is_reached_refutes_and_one_that_is_not_does_not() {
    let body = |bound: &str| {
        format!(
            "{LOAD}  %b = and i64 %a, 7\n  %c = icmp ugt i64 %b, {bound}\n  br i1 %c, label %bad, label %good\n\nbad:\n  call void @_RNvNtCs_4core9panicking5panic(ptr noalias noundef readonly align 8 captures(address, read_provenance) dereferenceable(24) @table) #2\n  unreachable\n\ngood:\n  ret i8 1"
        )
    };
    is_refuted(&body("6"), |a| a & 7 == 7);
    is_proved(&body("7"));
}

#[test]
fn flags_are_promises_that_refute_when_broken() {
    for flagged in ["add nuw", "add nsw", "sub nuw", "sub nsw", "shl nuw", "shl nsw", "lshr exact", "or disjoint"] {
        let with = |a: &str| {
            format!(
                "{LOAD}  %n = and i64 %a, {a}\n  %x = {flagged} i64 %n, 1\n  %c = icmp eq i64 %x, %x\n  br i1 %c, label %t, label %t2\n\nt:\n  ret i8 1\n\nt2:\n  ret i8 1"
            )
        };
        assert!(matches!(judge(&with("-1")), Verdict::Refuted(_) | Verdict::Proved(_)), "{flagged}");
        let direct = format!(
            "{LOAD}  %x = {flagged} i64 %a, 1\n  %r = icmp eq i64 %x, 5\n  %z = select i1 %r, i8 1, i8 1\n  %w = trunc i64 %x to i8\n  %v = and i8 %w, 0\n  %u = or i8 %v, 1\n  ret i8 %u"
        );
        is_refuted(&direct, |_| true);
        let plain = direct.replace(flagged, flagged.split(' ').next().unwrap());
        is_proved(&plain);
    }
}

#[test]
fn casts_promise_too() {
    let body = |cast: &str| {
        format!("{LOAD}  %x = trunc {cast}i64 %a to i8\n  %v = and i8 %x, 0\n  %u = or i8 %v, 1\n  ret i8 %u")
    };
    is_proved(&body(""));
    is_refuted(&body("nuw "), |a| a > 255);
    is_refuted(&body("nsw "), |a| !(-128..128).contains(&a.cast_signed()));
    let widened = |cast: &str| {
        format!(
            "{LOAD}  %x = trunc i64 %a to i8\n  %y = zext {cast}i8 %x to i16\n  %z = trunc i16 %y to i8\n  %v = and i8 %z, 0\n  %u = or i8 %v, 1\n  ret i8 %u"
        )
    };
    is_proved(&widened(""));
    is_refuted(&widened("nneg "), |a| a & 128 != 0);
}

#[test]
fn deciding_by_nothing_in_particular_refutes() {
    for nothing in ["undef", "poison"] {
        is_refuted(&format!("  br i1 {nothing}, label %x, label %y\n\nx:\n  ret i8 1\n\ny:\n  ret i8 1"), |_| true);
        is_refuted(&format!("  ret i8 {nothing}"), |_| true);
    }
}

#[test]
fn undefined_bits_do_not_spread_over_the_bits_beside_them() {
    let body = |shift: &str| {
        format!(
            "  %x = zext i8 undef to i16\n  %y = or i16 %x, 256\n  %z = lshr i16 %y, {shift}\n  %r = trunc i16 %z to i8\n  ret i8 %r"
        )
    };
    is_proved(&body("8"));
    is_refuted(&body("7"), |_| true);
}

#[test]
fn a_frozen_value_is_any_but_one() {
    is_refuted("  %x = freeze i8 poison\n  ret i8 %x", |_| true);
    is_proved("  %x = freeze i8 poison\n  %y = sub i8 %x, %x\n  %z = or i8 %y, 1\n  ret i8 %z");
}

#[test]
fn tables_are_read_and_their_end_is_seen() {
    let body = |mask: &str, at_least: &str| {
        format!(
            "{LOAD}  %i = and i64 %a, {mask}\n  %p = getelementptr inbounds nuw i8, ptr @table, i64 %i\n  %v = load i8, ptr %p, align 1\n  %c = icmp uge i8 %v, {at_least}\n  %r = zext i1 %c to i8\n  ret i8 %r"
        )
    };
    is_proved(&body("3", "1"));
    is_refuted(&body("3", "2"), |a| a & 3 == 0);
    is_refuted(&body("7", "1"), |a| a & 7 > 3);
}

#[test]
fn choices_and_switches_follow_their_edges() {
    let body = |two: &str| {
        format!(
            "{LOAD}  switch i64 %a, label %other [\n    i64 4, label %four\n    i64 5, label %five\n  ]\n\nfour:                                             ; preds = %start\n  br label %end\n\nfive:                                             ; preds = %start\n  br label %end\n\nother:                                            ; preds = %start\n  br label %end\n\nend:                                              ; preds = %other, %five, %four\n  %r = phi i8 [ 1, %four ], [ {two}, %five ], [ 1, %other ]\n  ret i8 %r"
        )
    };
    is_proved(&body("2"));
    is_refuted(&body("0"), |a| a == 5);
}

#[test]
fn what_is_not_known_is_a_doubt() {
    is_doubted("  %x = fadd double 1.0, 2.0\n  ret i8 1", "unknown text");
    is_doubted("  %x = load i64, ptr %words, align 8, !range !3\n  ret i8 1", "unknown text");
    is_doubted("  %x = alloca [8 x i8], align 8\n  ret i8 1", "unknown text");
    is_doubted("  %x = call i64 @elsewhere(i64 1)\n  ret i8 1", "a call of elsewhere");
    is_doubted("  %x = atomicrmw add ptr %words, i64 1 seq_cst\n  ret i8 1", "unknown text");
    is_doubted("  store i64 1, ptr %words, align 8\n  ret i8 1", "unknown text");
    is_doubted("  br label %loop\n\nloop:\n  br label %loop", "a loop");
    is_doubted(
        "  %p = getelementptr inbounds nuw i64, ptr %words, i64 64\n  %x = load i64, ptr %p, align 8\n  ret i8 1",
        "a load from the input",
    );
    is_doubted("  %x = add nuw nsw mystery i64 1, 2\n  ret i8 1", "unknown text");
}

#[test]
fn a_law_that_the_output_lacks_is_a_doubt() {
    let law = all().next().unwrap();
    let verdict = check(&Module::new("define i8 @other(ptr %words) {\n  ret i8 1\n}\n"), law, Replay::Never).verdict;
    assert!(matches!(&verdict, Verdict::Doubt(why) if why.contains(law.name)), "{verdict:?}");
    let twice = "define i8 @_RNvA11law_planted(ptr %w) {\n}\n\ndefine i8 @_RNvB11law_planted(ptr %w) {\n}\n";
    assert!(symbol(&Module::new(twice), "law_planted").is_err());
}

#[test]
fn an_input_that_does_not_replay_is_a_doubt() {
    let text = "define i8 @_RNv11law_planted(ptr %words) {\n  ret i8 0\n}\n";
    let verdict = check(&Module::new(text), &LAW, Replay::Native).verdict;
    assert!(matches!(&verdict, Verdict::Doubt(why) if why.contains("does not break it")), "{verdict:?}");
}

#[test]
fn a_law_under_another_name_is_found_by_its_alias() {
    let text = "@_RNv11law_planted = alias i8 (ptr), ptr @_RNv9law_other\n\ndefine i8 @_RNv9law_other(ptr %words) {\n  ret i8 1\n}\n";
    let verdict = check(&Module::new(text), &LAW, Replay::Never).verdict;
    assert!(matches!(verdict, Verdict::Proved(_)), "{verdict:?}");
}
