//! Exit codes of `nucleus run`, and how each one comes about.

use std::os::unix::process::ExitStatusExt as _;

use serde_json::json;

use crate::fixture::{Scene, Step, tool};

const SLEEP: &str = "
version = 1
[capabilities]
run_bash = \"always\"
[commands]
listed = \"everything\"
[budget]
max_cost_usd = 5.0
[time]
valid_hours = 0.001
";

fn exit(code: i32) -> Step {
    Step(json!({ "exit": code }))
}

#[test]
fn the_agents_own_code_passes_through() {
    let scene = Scene::new();
    for code in [0, 1, 3, 42, 99] {
        let ended = scene.session().run(&[exit(code)]);
        assert_eq!(
            (ended.code, ended.signal),
            (Some(code), None),
            "{}",
            ended.stderr
        );
        assert_eq!(ended.summary["log_verifies"], true);
    }
}

#[test]
fn an_agent_ended_by_a_signal_reads_as_in_a_shell() {
    let scene = Scene::new();
    for (signal, code) in [(15, 143), (9, 137), (11, 139)] {
        let ended = scene.session().run(&[Step(json!({ "signal": signal }))]);
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
    }
}

#[test]
fn the_end_of_the_window_ends_everything_with_124() {
    let scene = Scene::new();
    let ended = scene
        .session()
        .policy(SLEEP)
        .run(&[tool("run", json!({ "command": "sleep 500" }))]);
    assert_eq!(ended.code, Some(124), "{}", ended.stderr);
    assert!(ended.verify().status.success());
    let longer = SLEEP.replace("0.001", "1");
    let twin = scene
        .session()
        .policy(&longer)
        .run(&[tool("run", json!({ "command": "sleep 0.1" }))]);
    assert_eq!(twin.code, Some(0), "the twin: {}", twin.stderr);
}

#[test]
fn a_spent_budget_ends_with_122() {
    let scene = Scene::new();
    let policy = SLEEP
        .replace("valid_hours = 0.001", "valid_hours = 1")
        .replace("5.0", "0.005");
    let many: Vec<Step> = (0..60)
        .map(|_| tool("run", json!({ "command": "true", "timeout_seconds": 1 })))
        .collect();
    let ended = scene.session().policy(&policy).run(&many);
    assert_eq!(
        ended.told[0].layer(),
        "nothing",
        "the twin: what is covered runs: {}",
        ended.told[0].text()
    );
    assert!(
        ended
            .told
            .iter()
            .any(|told| told.layer() == "policy: budget_not_reserved"),
        "{}",
        ended.stdout
    );
    assert_eq!(ended.code, Some(122), "{} {}", ended.summary, ended.stderr);
}

#[test]
fn a_policy_of_nothing_refuses_from_the_start() {
    let scene = Scene::new();
    let policy = SLEEP
        .replace("valid_hours = 0.001", "valid_hours = 1")
        .replace("5.0", "0.0");
    let ended = scene
        .session()
        .policy(&policy)
        .run(&[tool("run", json!({ "command": "true" }))]);
    assert_eq!(
        ended.told[0].layer(),
        "policy: budget_not_reserved",
        "{}",
        ended.stdout
    );
}

#[test]
fn without_an_agent_it_is_2_and_those_found_are_listed() {
    let scene = Scene::new();
    let output = scene
        .nucleus(&["run", "--local", "do something"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("no agent was named"), "{said}");
    for args in [
        ["run", "--agent", "nobody"],
        ["run", "--", "no-such-program-here"],
        ["run", "--profile", "fix-issue"],
    ] {
        let output = scene.nucleus(&args).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(2),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.status.signal().is_none());
    }
}

#[test]
fn a_session_that_cannot_start_is_125() {
    let scene = Scene::new();
    let missing = scene
        .session()
        .args(&["--model-socket", "/no/such/socket"])
        .run(&[]);
    assert_eq!(missing.code, Some(125), "{}", missing.stderr);
    let unknown = scene.session().profile("no-such-profile").run(&[]);
    assert_eq!(unknown.code, Some(125), "{}", unknown.stderr);
    assert!(
        unknown.stderr.contains("no-such-profile"),
        "{}",
        unknown.stderr
    );
}
