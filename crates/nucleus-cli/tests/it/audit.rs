//! `nucleus audit` from start to end: exit codes, files it writes, the action's steps and the hook.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

use crate::fixture::{Scene, nucleus};

const COMBINED: &str = r#"{ "mcpServers": {
  "fetch": { "command": "uvx", "args": ["mcp-server-fetch==1.0.0"] },
  "db": { "command": "npx", "args": ["-y", "@modelcontextprotocol/server-postgres@0.6.2"] }
} }
"#;
const QUIET: &str =
    r#"{ "mcpServers": { "time": { "command": "uvx", "args": ["mcp-server-time==1.0.0"] } } }"#;

fn audit(scene: &Scene, args: &[&str]) -> Output {
    let mut command = scene.nucleus(&["audit", "--no-home"]);
    command
        .args(args)
        .current_dir(scene.at("ws"))
        .output()
        .unwrap()
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn configured(text: &str) -> Scene {
    let scene = Scene::new();
    scene.put("ws/.cursor/mcp.json", text);
    scene
}

/// Each client is looked for where its variable says.
#[test]
fn the_variables_of_the_clients_say_where_their_files_are() {
    let scene = Scene::new();
    scene.put("ws/README.md", "");
    scene.put(
        "moved/config.toml",
        "approval_policy = \"never\"\nsandbox_mode = \"danger-full-access\"\n",
    );
    let with = |value: &str| {
        let mut command = scene.nucleus(&["audit"]);
        command.env("CODEX_HOME", value).current_dir(scene.at("ws"));
        said(&command.output().unwrap())
    };
    let moved = scene.at("moved").display().to_string();
    let told = with(&moved);
    assert!(told.contains("$CODEX_HOME/config.toml"), "{told}");
    assert!(!with("moved").contains("CODEX_HOME"));
}

#[test]
fn exit_codes_tell_clean_from_findings_from_misuse() {
    let quiet = configured(QUIET);
    assert_eq!(code(&audit(&quiet, &[])), Some(0));
    let combined = configured(COMBINED);
    let found = audit(&combined, &[]);
    assert_eq!(code(&found), Some(1), "{}", said(&found));
    assert!(
        said(&found).contains("`fetch` (untrusted, exfil) + `db` (private)"),
        "{}",
        said(&found)
    );
    assert_eq!(code(&audit(&combined, &["--fail-on", "critical"])), Some(1));
    assert_eq!(code(&audit(&combined, &["--fail-on", "never"])), Some(0));
    for misuse in [
        &["--fail-on", "worst"][..],
        &["nowhere"],
        &["--sarif", "/nowhere/x.sarif"],
        &["--user"],
    ] {
        assert_eq!(code(&audit(&combined, misuse)), Some(2), "{misuse:?}");
    }
}

#[test]
fn every_report_is_written_where_it_is_asked_for() {
    let scene = configured(COMBINED);
    let files = ["r.sarif", "r.md", "r.html", "r.svg"]
        .map(|name| scene.at("out").join(name).display().to_string());
    let output = audit(
        &scene,
        &[
            "--json",
            "--sarif",
            &files[0],
            "--markdown",
            &files[1],
            "--html",
            &files[2],
            "--badge",
            &files[3],
        ],
    );
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["summary"]["findings"]["critical"], 1);
    let sarif: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&files[0]).unwrap()).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    assert!(
        std::fs::read_to_string(&files[1])
            .unwrap()
            .starts_with("<!-- nucleus audit -->\n")
    );
    assert!(
        std::fs::read_to_string(&files[2])
            .unwrap()
            .starts_with("<!doctype html>")
    );
    assert!(
        std::fs::read_to_string(&files[3])
            .unwrap()
            .starts_with("<svg ")
    );
}

#[test]
fn the_home_counts_unless_it_is_left_out() {
    let scene = Scene::new();
    scene.put("home/.cursor/mcp.json", COMBINED);
    let with = |args: &[&str]| {
        scene
            .nucleus(args)
            .current_dir(scene.at("ws"))
            .output()
            .unwrap()
    };
    assert_eq!(code(&with(&["audit", "--fail-on", "critical"])), Some(1));
    assert_eq!(
        code(&with(&["audit", "--user", "--fail-on", "critical"])),
        Some(1)
    );
    assert_eq!(
        code(&with(&["audit", "--no-home", "--fail-on", "critical"])),
        Some(0)
    );
}

#[test]
fn the_suggested_policy_is_one_that_this_program_accepts() {
    let scene = configured(COMBINED);
    let suggested = audit(&scene, &["--suggest-profile"]);
    assert_eq!(code(&suggested), Some(0));
    std::fs::write(scene.at("out").join("p.toml"), &suggested.stdout).unwrap();
    let file = scene.at("out").join("p.toml").display().to_string();
    let explain = |operation: &str, subject: &str| {
        let output = scene
            .nucleus(&["explain", "--config", &file, operation, subject])
            .output()
            .unwrap();
        (code(&output), said(&output))
    };
    assert_eq!(explain("read_files", "src/lib.txt").0, Some(0));
    assert_eq!(explain("web_fetch", "https://example.com/").0, Some(1));
    let none = Scene::new();
    assert_eq!(code(&audit(&none, &["--suggest-profile"])), Some(2));
}

#[test]
fn each_command_names_the_other() {
    let scene = Scene::new();
    let help = said(&scene.nucleus(&["audit", "--help"]).output().unwrap());
    assert!(help.contains("`nucleus-audit verify`"), "{help}");
}

#[test]
fn a_baseline_takes_todays_findings_out_and_no_later_one() {
    let scene = configured(COMBINED);
    let file = scene.at("out").join("baseline.json").display().to_string();
    assert_eq!(
        code(&audit(&scene, &["--write-baseline", &file])),
        Some(2),
        "a reason is required"
    );
    assert_eq!(
        code(&audit(
            &scene,
            &["--write-baseline", &file, "--reason", "known since March"]
        )),
        Some(1)
    );
    let after = audit(&scene, &["--baseline", &file]);
    assert_eq!(code(&after), Some(0), "{}", said(&after));
    scene.put(
        "ws/.claude/settings.json",
        r#"{ "permissions": { "allow": ["Bash(*)"] } }"#,
    );
    assert_eq!(code(&audit(&scene, &["--baseline", &file])), Some(1));
    std::fs::write(&file, "{").unwrap();
    assert_eq!(code(&audit(&scene, &["--baseline", &file])), Some(2));
}

#[test]
fn a_rewrite_is_shown_first_and_made_only_when_agreed_to() {
    let secret = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
    let text = format!(
        "{{\n  // keep me\n  \"mcpServers\": {{ \"time\": {{ \"command\": \"uvx\", \"args\": [\"mcp-server-time==1.0.0\"], \"env\": {{ \"GITHUB_TOKEN\": \"{secret}\" }} }} }}\n}}\n"
    );
    let scene = configured(&text);
    let shown = audit(&scene, &["--fix"]);
    assert_eq!(code(&shown), Some(1), "{}", said(&shown));
    assert!(
        said(&shown).contains("GITHUB_TOKEN") && !said(&shown).contains(secret),
        "{}",
        said(&shown)
    );
    let file = scene.at("ws/.cursor/mcp.json");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    assert_eq!(code(&audit(&scene, &["--fix", "--yes"])), Some(0));
    let after = std::fs::read_to_string(&file).unwrap();
    assert!(
        after.contains("// keep me") && !after.contains(secret),
        "{after}"
    );
}

#[test]
fn a_version_that_no_lock_file_knows_is_named_and_taken_from_whoever_gives_it() {
    let text =
        r#"{ "mcpServers": { "a": { "command": "npx", "args": ["-y", "@scope/a@latest"] } } }"#;
    let scene = configured(text);
    let shown = audit(&scene, &["--fix", "--yes"]);
    assert_eq!(code(&shown), Some(1), "{}", said(&shown));
    assert!(
        said(&shown).contains("--pin @scope/a=VERSION"),
        "{}",
        said(&shown)
    );
    for (pin, why) in [
        ("@scope/a=latest", "does not pin"),
        ("@scope/a", "has no version"),
        ("@scope/b=1.2.3", "nothing of that name"),
    ] {
        let refused = audit(&scene, &["--fix", "--yes", "--pin", pin]);
        assert_eq!(code(&refused), Some(2), "{}", said(&refused));
        assert!(said(&refused).contains(why), "{}", said(&refused));
    }
    let file = scene.at("ws/.cursor/mcp.json");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    let made = audit(&scene, &["--fix", "--yes", "--pin", "@scope/a=1.4.2"]);
    assert_eq!(code(&made), Some(0), "{}", said(&made));
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        text.replace("@latest", "@1.4.2")
    );
}

/// What `--fix` leaves counts as it would without it: in the report, in the files and in the exit code.
#[test]
fn after_a_rewrite_the_exit_code_and_the_reports_tell_what_remains() {
    let secret = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
    let both = format!(
        r#"{{ "mcpServers": {{ "a": {{ "command": "npx", "args": ["-y", "@scope/a@latest"], "env": {{ "GITHUB_TOKEN": "{secret}" }} }} }} }}"#
    );
    for (text, code_after, remains) in [
        (both.clone(), 1, "unpinned-package"),
        (both.replace("@latest", "@1.0.0"), 0, ""),
        (COMBINED.to_owned(), 1, "trifecta-complete"),
    ] {
        let scene = configured(&text);
        let file = scene.at("out").join("r.sarif").display().to_string();
        let fix = ["--fix", "--yes", "--fail-on", "medium", "--sarif", &file];
        let made = audit(&scene, &fix);
        assert_eq!(code(&made), Some(code_after), "{}", said(&made));
        let sarif: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let results = sarif["runs"][0]["results"].to_string();
        assert!(results.contains(remains), "{results}");
        assert!(!results.contains("plaintext-credential"), "{results}");
        assert!(said(&made).contains(remains), "{}", said(&made));
        let never = audit(&scene, &["--fix", "--yes", "--fail-on", "never"]);
        assert_eq!(code(&never), Some(0), "{}", said(&never));
    }
}

#[test]
fn a_report_names_the_rewrite_where_there_is_one() {
    let text =
        r#"{ "mcpServers": { "a": { "command": "npx", "args": ["-y", "@scope/a@latest"] } } }"#;
    let scene = configured(text);
    let hint = "nucleus audit --fix";
    assert!(!said(&audit(&scene, &[])).contains(hint));
    scene.put(
        "ws/package-lock.json",
        r#"{ "packages": { "node_modules/@scope/a": { "version": "1.4.2" } } }"#,
    );
    assert!(said(&audit(&scene, &[])).contains(hint));
    let made = audit(&scene, &["--fix", "--yes"]);
    assert!(!said(&made).contains(hint), "{}", said(&made));
}

/// The action with its scripts, as it lies in a checkout.
struct Action {
    scene: Scene,
}

const ACTION: &str = include_str!("../../../../action.yml");
const HOOKS: &str = include_str!("../../../../.pre-commit-hooks.yaml");
const SCRIPTS: [(&str, &str); 4] = [
    (
        "install.sh",
        include_str!("../../../../ci/action/install.sh"),
    ),
    ("scan.sh", include_str!("../../../../ci/action/scan.sh")),
    (
        "comment.sh",
        include_str!("../../../../ci/action/comment.sh"),
    ),
    (
        "pre-commit.sh",
        include_str!("../../../../ci/action/pre-commit.sh"),
    ),
];

impl Action {
    fn on(text: &str) -> Self {
        let scene = configured(text);
        for (name, text) in SCRIPTS {
            scene.put(&format!("action/ci/action/{name}"), text);
            let file = scene.at("action/ci/action").join(name);
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        std::fs::create_dir_all(scene.at("tmp")).unwrap();
        Self { scene }
    }

    /// Runs what the step's `run` says, with these inputs.
    fn step(&self, id: &str, variables: &[(&str, &str)]) -> Output {
        let scene = &self.scene;
        let path = format!(
            "{}:/usr/local/bin:/usr/bin:/bin",
            scene.at("fake").display()
        );
        Command::new("bash")
            .args([
                "--noprofile",
                "--norc",
                "-eo",
                "pipefail",
                "-c",
                &run_of(id),
            ])
            .current_dir(scene.at("ws"))
            .env_clear()
            .env("PATH", path)
            .env("HOME", scene.at("home"))
            .env("NUCLEUS_SOURCE", scene.at("action"))
            .env("RUNNER_TEMP", scene.at("tmp"))
            .env("GITHUB_OUTPUT", scene.at("tmp/output"))
            .env("GITHUB_STEP_SUMMARY", scene.at("tmp/summary"))
            .envs(variables.iter().copied())
            .output()
            .unwrap()
    }

    /// An output that a step has written.
    fn output(&self, name: &str) -> String {
        let all = std::fs::read_to_string(self.scene.at("tmp/output")).unwrap_or_default();
        let value = all
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_default().to_owned()
    }

    fn scanned(text: &str) -> Self {
        let action = Self::on(text);
        let binary = binary();
        assert!(
            action
                .step("install", &[("NUCLEUS_BINARY", &binary)])
                .status
                .success()
        );
        let nucleus = action.output("nucleus");
        let scan = action.step(
            "scan",
            &[
                ("NUCLEUS", &nucleus),
                ("NUCLEUS_PATH", "."),
                ("NUCLEUS_FAIL_ON", "high"),
            ],
        );
        assert!(scan.status.success(), "{}", said(&scan));
        action
    }
}

fn binary() -> String {
    nucleus().display().to_string()
}

/// The text of a step of the action.
fn step_of(id: &str) -> &'static str {
    let start = ACTION
        .find(&format!("    - id: {id}\n"))
        .unwrap_or_else(|| panic!("a step {id}"));
    let rest = &ACTION[start + 6..];
    &rest[..rest.find("\n    - id: ").unwrap_or(rest.len())]
}

/// What its `run` says, without YAML's quotes.
fn run_of(id: &str) -> String {
    let line = step_of(id)
        .lines()
        .find_map(|line| line.trim().strip_prefix("run: "))
        .unwrap();
    line.strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))
        .unwrap_or(line)
        .to_owned()
}

#[test]
fn the_actions_steps_report_and_then_fail_the_job() {
    let action = Action::scanned(COMBINED);
    let summary = std::fs::read_to_string(action.scene.at("tmp/summary")).unwrap();
    assert!(summary.contains("trifecta-complete"), "{summary}");
    assert!(
        std::fs::read_to_string(action.output("sarif"))
            .unwrap()
            .contains("\"2.1.0\"")
    );
    let exit = action.output("exit-code");
    assert_eq!(
        code(&action.step("verdict", &[("NUCLEUS_EXIT_CODE", &exit)])),
        Some(1)
    );
    let quiet = Action::scanned(QUIET);
    let exit = quiet.output("exit-code");
    assert_eq!(
        code(&quiet.step("verdict", &[("NUCLEUS_EXIT_CODE", &exit)])),
        Some(0)
    );
    // A scan that never ran is no clean scan.
    assert_eq!(
        code(&quiet.step("verdict", &[("NUCLEUS_EXIT_CODE", "")])),
        Some(2)
    );
}

#[test]
fn a_path_with_shell_words_is_one_path() {
    let action = Action::on(QUIET);
    let nucleus = binary();
    let variables = [
        ("NUCLEUS", nucleus.as_str()),
        ("NUCLEUS_PATH", "x; touch ../pwned"),
        ("NUCLEUS_FAIL_ON", "high"),
    ];
    assert!(action.step("scan", &variables).status.success());
    assert_eq!(
        (action.output("exit-code"), action.scene.exists("pwned")),
        ("2".to_owned(), false)
    );
}

#[test]
fn the_comment_is_made_once_and_then_replaced() {
    for (earlier, method) in [
        ("", "POST repos/o/r/issues/7/comments"),
        ("42", "PATCH repos/o/r/issues/comments/42"),
    ] {
        let action = Action::scanned(COMBINED);
        let gh = format!(
            "#!/bin/sh\necho \"$@\" >> {}\ncase \"$*\" in *paginate*) echo '{earlier}';; esac\n",
            action.scene.at("tmp/gh").display()
        );
        action.scene.put("fake/gh", &gh);
        std::fs::set_permissions(
            action.scene.at("fake/gh"),
            std::fs::Permissions::from_mode(0o755),
        )
        .unwrap();
        let markdown = action.output("markdown");
        let variables = [
            ("GH_TOKEN", "t"),
            ("NUCLEUS_MARKDOWN", markdown.as_str()),
            ("NUCLEUS_REPOSITORY", "o/r"),
            ("NUCLEUS_PULL_REQUEST", "7"),
        ];
        let output = action.step("comment", &variables);
        assert!(output.status.success(), "{}", said(&output));
        let called = std::fs::read_to_string(action.scene.at("tmp/gh")).unwrap();
        assert!(
            called.contains(&format!("--method {method} --field body=@{markdown}")),
            "{called}"
        );
    }
}

#[test]
fn the_action_is_pinned_uploads_always_and_pastes_no_input_into_a_script() {
    let upload = step_of("upload");
    assert!(upload.contains("if: ${{ always() &&"));
    let uses = upload
        .lines()
        .find_map(|line| line.trim().strip_prefix("uses: "))
        .unwrap();
    let revision = uses.split(['@', ' ']).nth(1).unwrap();
    assert!(
        revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{uses}"
    );
    for id in ["install", "scan", "comment", "verdict"] {
        assert!(!run_of(id).contains("${{"), "{id}");
    }
}

#[test]
fn the_hook_refuses_what_the_command_refuses() {
    assert!(
        HOOKS.contains("entry: ci/action/pre-commit.sh\n")
            && HOOKS.contains("args: [--fail-on, high]\n")
    );
    for (text, expected) in [(COMBINED, 1), (QUIET, 0)] {
        let action = Action::on(text);
        let output = Command::new(action.scene.at("action/ci/action/pre-commit.sh"))
            .args(["--fail-on", "high"])
            .current_dir(action.scene.at("ws"))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", action.scene.at("home"))
            .env("NUCLEUS_BINARY", binary())
            .output()
            .unwrap();
        assert_eq!(code(&output), Some(expected), "{}", said(&output));
    }
}
