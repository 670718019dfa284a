//! Texts that users read, as snapshots, and the marks of build inputs.

use serde_json::{Value, json};

use crate::fixture::{Scene, command, tool};

fn said(scene: &Scene, args: &[&str]) -> String {
    let output = scene.nucleus(args).output().unwrap();
    let text = format!(
        "{}{}[{}]\n",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        output.status.code().unwrap_or(-1)
    );
    redacted(scene, &text)
}

/// Snapshots beside this file, also where cargo is not at hand to say where that is.
fn beside() -> insta::internals::SettingsBindDropGuard {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/snapshots"));
    settings.bind_to_scope()
}

/// The text without what differs from run to run.
fn redacted(scene: &Scene, text: &str) -> String {
    let text = text.replace(scene.at("").to_str().unwrap(), "SCENE/");
    let is_id = |word: &str| word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split('\n')
        .map(|line| {
            line.split_inclusive([' ', '/'])
                .map(|word| {
                    if is_id(word.trim_end_matches([' ', '/'])) {
                        word.replace(&word[..32], "SESSION")
                    } else {
                        word.to_owned()
                    }
                })
                .collect::<String>()
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn profiles_and_explanations() {
    let _beside = beside();
    let scene = Scene::new();
    insta::assert_snapshot!("profiles", said(&scene, &["profiles"]));
    let explain = |operation, subject| {
        said(
            &scene,
            &["explain", "--profile", "fix-issue", operation, subject],
        )
    };
    insta::assert_snapshot!(
        "explain_push",
        explain("git_push", "https://example.com/x.git#main")
    );
    insta::assert_snapshot!("explain_env", explain("read_files", ".env"));
    insta::assert_snapshot!(
        "explain_hook",
        explain("write_files", ".git/hooks/pre-commit")
    );
    insta::assert_snapshot!("explain_file", explain("read_files", "a.txt"));
}

#[test]
fn the_summary_of_a_session() {
    let _beside = beside();
    let scene = Scene::new();
    let session = scene.session();
    let steps = [
        tool("read", json!({ "path": "a.txt" })),
        tool("read", json!({ "path": ".env" })),
        command("put('b.txt', 'x'); put('Makefile', 'x'); put('.envrc', 'x')"),
    ];
    let mut run = session.command(&steps);
    let words: Vec<_> = run
        .get_args()
        .filter(|word| *word != "--json")
        .map(std::ffi::OsStr::to_owned)
        .collect();
    run = scene.nucleus(&[]);
    let output = run.args(words).output().unwrap();
    let text = redacted(&scene, &String::from_utf8_lossy(&output.stderr));
    let text: String = text
        .lines()
        .map(|line| format!("{}\n", without_numbers(line)))
        .collect();
    insta::assert_snapshot!("summary", text);
}

/// Durations, money and record counts differ from run to run.
fn without_numbers(line: &str) -> String {
    let is_varying =
        line.starts_with("session ") || line.contains(" used ") || line.contains(" records verify");
    if !is_varying {
        return line.to_owned();
    }
    line.chars()
        .map(|c| if c.is_ascii_digit() { '#' } else { c })
        .collect::<String>()
        .replace("##", "#")
        .replace("##", "#")
        .replace("##", "#")
}

#[test]
fn diagnostics() {
    let _beside = beside();
    let scene = Scene::new();
    for (name, text) in [
        (
            "unknown_key",
            "version = 1\n[capabilities]\nread_file = \"always\"\n",
        ),
        (
            "unknown_level",
            "version = 1\n[capabilities]\nread_files = \"sometimes\"\n",
        ),
        ("bad_money", "version = 1\n[budget]\nmax_cost_usd = -1.0\n"),
    ] {
        scene.put("policy.toml", text);
        let policy = scene.at("policy.toml").display().to_string();
        insta::assert_snapshot!(
            name,
            said(&scene, &["run", "--config", &policy, "--", "true"])
        );
    }
    insta::assert_snapshot!(
        "no_workspace",
        said(&scene, &["run", "--dir", "/no/such/dir", "--", "true"])
    );
    insta::assert_snapshot!("mcp_outside", said(&scene, &["mcp"]));
    insta::assert_snapshot!("nothing_held", said(&scene, &["apply", "--yes", "a.txt"]));
}

#[test]
fn b9_b12_build_inputs_come_first_and_marked_in_the_diff() {
    let scene = Scene::new();
    let policy = "
version = 1
[capabilities]
read_files = \"always\"
write_files = \"always\"
edit_files = \"always\"
run_bash = \"always\"
[obligations]
approvals = [\"write_files\", \"edit_files\"]
[commands]
listed = \"everything\"
[budget]
max_cost_usd = 5.0
";
    let inputs = [
        "Makefile",
        "package.json",
        "build.rs",
        "conftest.py",
        "justfile",
        "node_modules/.bin/x",
        "venv/bin/python",
        "pyproject.toml",
        "sitecustomize.py",
        "x.pth",
        "gradlew",
    ];
    let ended = scene
        .session()
        .policy(policy)
        .word("PATHS", json!(inputs))
        .run(&[command(
            "
for path in PATHS + ['aaa.txt', '.envrc']: put(path, 'x')
got = True
",
        )]);
    ended.assert_sound();
    let output = scene.nucleus(&["diff", "--json"]).output().unwrap();
    let diff: Value = serde_json::from_slice(&output.stdout).unwrap();
    let held: Vec<&Value> = diff["held_back"].as_array().unwrap().iter().collect();
    let marks: Vec<bool> = held
        .iter()
        .map(|entry| entry["is_build_input"] == true)
        .collect();
    assert!(
        marks.is_sorted_by(|a, b| a >= b),
        "build inputs first: {marks:?}"
    );
    for input in inputs {
        let found = held
            .iter()
            .find(|entry| entry["path"] == input)
            .unwrap_or_else(|| panic!("{input} is shown"));
        assert_eq!(found["is_build_input"], true, "{input}");
    }
    let plain = held
        .iter()
        .find(|entry| entry["path"] == "aaa.txt")
        .unwrap();
    assert_eq!(
        plain["is_build_input"], false,
        "the twin: an ordinary file is not marked"
    );
    let text = said(&scene, &["diff"]);
    assert!(text.find("Makefile").unwrap() < text.find("aaa.txt").unwrap());
    assert!(text.contains("a build, test or install on the host runs it"));
}

#[test]
fn b9_b12_build_inputs_that_landed_are_marked_first_in_the_summary() {
    let scene = Scene::new();
    let ended = scene.session().run(&[
        command("put('zzz.txt', 'x'); put('Makefile', 'all:\\n\\ttouch pwned\\n'); put('package.json', '{}')"),
        tool("write", json!({ "path": "build.rs", "content": "fn main() {}" })),
        tool("write", json!({ "path": "plain.txt", "content": "x" })),
    ]);
    ended.assert_sound();
    assert!(scene.exists("ws/Makefile"), "source code is not gated");
    let listed: Vec<&str> = ended.summary["build_inputs"]
        .as_array()
        .expect("the summary lists build inputs")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for input in ["Makefile", "build.rs", "package.json"] {
        assert!(listed.contains(&input), "{input}: {listed:?}");
    }
    assert!(
        !listed.contains(&"plain.txt") && !listed.contains(&"zzz.txt"),
        "the twin: {listed:?}"
    );
}

#[test]
fn claims_say_what_they_do_not_say_and_name_the_binary() {
    let scene = Scene::new();
    let output = scene.nucleus(&["claims", "--json"]).output().unwrap();
    let claims: Value = serde_json::from_slice(&output.stdout).unwrap();
    let list = claims["claims"]["claim"].as_array().unwrap();
    let is_whole = |claim: &Value| {
        ["says", "not"]
            .iter()
            .all(|key| !claim[*key].as_str().unwrap().is_empty())
    };
    assert!(list.len() >= 10 && list.iter().all(is_whole));
    let binary = portcullis::ContentDigest::of(&std::fs::read(crate::fixture::nucleus()).unwrap());
    assert_eq!(claims["binary_sha256"], binary.to_string());
}
