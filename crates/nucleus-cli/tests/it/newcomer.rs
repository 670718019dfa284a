//! What a newcomer meets: where commands look, what refusals and starts say, and what helps.

use std::process::Output;

use serde_json::json;

use crate::fixture::{Scene, Step, agent, command, nucleus_audit, tool};

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// `nucleus` with these words in a directory of the scene.
fn said_in(scene: &Scene, dir: &str, args: &[&str]) -> (Option<i32>, String) {
    let output = scene
        .nucleus(args)
        .current_dir(scene.at(dir))
        .output()
        .unwrap();
    (output.status.code(), text(&output))
}

fn audit(scene: &Scene, args: &[&str]) -> (Option<i32>, String) {
    let output = std::process::Command::new(nucleus_audit())
        .args(args)
        .env_clear()
        .envs(scene.environment())
        .output()
        .unwrap();
    (output.status.code(), text(&output))
}

#[test]
fn held_back_changes_are_found_from_below_the_workspace() {
    let scene = Scene::new();
    scene
        .session()
        .run(&[command("put('.envrc', 'x')")])
        .assert_sound();
    let root = format!("in the workspace {}\n", scene.workspace().display());
    let (code, said) = said_in(&scene, "ws/src", &["diff"]);
    assert_eq!(code, Some(0));
    assert!(
        said.contains(&root) && said.contains(".envrc create"),
        "{said}"
    );
    let (code, said) = said_in(&scene, "ws/src", &["apply", "--yes", "../.envrc"]);
    assert_eq!((code, scene.exists("ws/.envrc")), (Some(0), true), "{said}");
    // A directory in which a session ran is a workspace of its own, and says nothing.
    let (_, said) = said_in(&scene, "ws", &["diff"]);
    assert!(!said.contains("in the workspace"), "{said}");
    std::fs::create_dir(scene.at("other")).unwrap();
    let (code, said) = said_in(&scene, "other", &["diff"]);
    assert_eq!(code, Some(0));
    assert!(
        said.contains("nothing is held back in") && said.contains("/other"),
        "{said}"
    );
}

const SMALL: &str = "
version = 1
[capabilities]
run_bash = \"always\"
[commands]
listed = \"everything\"
[budget]
max_cost_usd = 0.002
";

#[test]
fn a_command_that_the_budget_does_not_cover_is_told_the_numbers() {
    let scene = Scene::new();
    let run = |seconds: u64| {
        tool(
            "run",
            json!({ "command": "true", "timeout_seconds": seconds }),
        )
    };
    let ended = scene.session().policy(SMALL).run(&[run(100), run(1)]);
    let refused = &ended.told[0];
    assert_eq!(
        refused.layer(),
        "policy: budget_not_reserved",
        "{}",
        refused.text()
    );
    for words in [
        "it reserves 0.00",
        "before it starts, and 0.002000 USD is left",
        "`max_cost_usd`",
        "shorter time limit",
    ] {
        assert!(
            refused.text().contains(words),
            "{words}: {}",
            refused.text()
        );
    }
    assert!(
        refused.data()["budget"]
            .as_str()
            .unwrap()
            .contains("0.002000 USD")
    );
    assert_eq!(
        ended.told[1].layer(),
        "nothing",
        "the twin: a shorter one fits"
    );
}

#[test]
fn without_a_log_the_newest_run_is_read_and_named() {
    let scene = Scene::new();
    let ended = scene.session().run(&[command("put('.envrc', 'x')")]);
    let run = ended.summary["session"].as_str().unwrap();
    let (code, said) = said_in(&scene, "ws", &["apply", "--yes", ".envrc"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = said_in(&scene, "ws", &["endorse", "--yes", "a.txt"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = audit(&scene, &["verify"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("the newest run: {run}\n")), "{said}");
    assert!(said.contains(&format!("session {run}")), "{said}");
}

#[test]
fn the_audit_command_has_pages_and_completion() {
    let scene = Scene::new();
    let pages = scene.at("pages").display().to_string();
    let (code, said) = audit(&scene, &["man", &pages]);
    assert_eq!(code, Some(0), "{said}");
    assert!(scene.read("pages/nucleus-audit.1").contains("tamper"));
    assert!(scene.exists("pages/nucleus-audit-verify.1"));
    let (code, said) = audit(&scene, &["completion", "bash"]);
    assert!(code == Some(0) && said.contains("nucleus-audit"), "{said}");
}

#[test]
fn a_task_is_given_to_a_command_and_recorded_as_the_users() {
    let scene = Scene::new();
    scene.put("task.txt", "fix the parser, please\n");
    let task = format!("@{}", scene.at("task.txt").display());
    let ended = scene
        .session()
        .args(&["--task", &task])
        .run(&[agent("got = os.environ.get('NUCLEUS_TASK')")]);
    assert_eq!(ended.told[0].got(), "fix the parser, please\n");
    let notes = ended
        .log()
        .into_iter()
        .filter(|record| record.kind() == "note");
    let notes: Vec<_> = notes
        .map(|record| record.0["detail"]["text"].clone())
        .collect();
    assert!(
        notes.iter().any(|note| note
            .as_str()
            .is_some_and(|note| note.starts_with("task of 23 bytes from the user"))),
        "{notes:?}"
    );
    let ended = scene
        .session()
        .run(&[agent("got = os.environ.get('NUCLEUS_TASK', 'none')")]);
    assert_eq!(ended.told[0].got(), "none");
    // Half a task would be another one.
    scene.put("task.txt", &"x".repeat(200_000));
    let (code, said) = said_in(
        &scene,
        "ws",
        &["run", "--profile", "fix-issue", &task, "--", "true"],
    );
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("the task is longer than"), "{said}");
}

#[test]
fn a_search_without_a_backend_is_not_offered() {
    let scene = Scene::new();
    let search = [
        Step(json!({ "list": true })),
        tool("web_search", json!({ "query": "x" })),
    ];
    let ended = scene.session().profile("web-research").run(&search);
    let offered = ended.told[0].text();
    assert!(
        offered.contains("web_fetch") && !offered.contains("web_search"),
        "{offered}"
    );
    scene.put(
        "config/nucleus/config.toml",
        "search = \"https://search.example.com/?q={query}\"\n",
    );
    let ended = scene.session().profile("web-research").run(&search);
    assert!(ended.told[0].text().contains("web_search"), "the twin");
    assert_eq!(
        ended.told[1].layer(),
        "policy: not_listed",
        "{}",
        ended.told[1].text()
    );
}

#[test]
fn a_policy_that_asks_says_at_the_start_that_nobody_answers() {
    let scene = Scene::new();
    let said = scene.session().profile("restrictive").run(&[]).stderr;
    assert!(
        said.contains("asks before each write_files, edit_files"),
        "{said}"
    );
    assert!(
        said.contains("Nobody can be asked while a session runs"),
        "{said}"
    );
    let said = scene.session().run(&[]).stderr;
    assert!(
        !said.contains("Nobody can be asked"),
        "the twin: fix-issue asks nothing by itself: {said}"
    );
}

#[test]
fn what_is_held_back_names_the_rule_that_held_it() {
    let scene = Scene::new();
    let ended = scene.session().run(&[command("put('.envrc', 'x')")]);
    let said = ended.told[0].text();
    assert!(
        said.contains(".envrc (the host would run or obey this file by itself)"),
        "{said}"
    );
    assert!(!said.contains("or it needs approval"), "{said}");
}

#[test]
fn a_way_out_is_a_command_that_can_be_typed() {
    let scene = Scene::new();
    let read = [tool("read", json!({ "path": "a dir/.env" }))];
    let ended = scene.session().run(&read);
    let said = ended.told[0].text();
    assert!(
        said.contains("`nucleus explain read_files 'a dir/.env'`"),
        "{said}"
    );
    let (code, said) = said_in(
        &scene,
        "ws",
        &[
            "explain",
            "--profile",
            "fix-issue",
            "read_files",
            "a dir/.env",
        ],
    );
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("rules 1 to 5 deny"), "{said}");
}

#[test]
fn an_agent_that_is_not_there_and_a_shim_say_what_to_do() {
    let scene = Scene::new();
    let (code, said) = said_in(&scene, "ws", &["run", "--agent", "codex", "x"]);
    assert_eq!(code, Some(2));
    assert!(
        said.contains("`codex` is not installed") && said.contains("help"),
        "{said}"
    );
    scene.put(
        "home/.pyenv/shims/tool",
        "#!/bin/sh\nexec pyenv exec tool\n",
    );
    crate::fixture::open_to_all(&scene.at("home/.pyenv/shims/tool"), 0o755);
    let shim = scene.at("home/.pyenv/shims/tool").display().to_string();
    let (code, said) = said_in(
        &scene,
        "ws",
        &["run", "--profile", "fix-issue", "--", &shim],
    );
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("shim of pyenv") && said.contains("`pyenv which tool`"),
        "{said}"
    );
}

#[test]
fn a_strict_policy_is_explained_in_words() {
    let scene = Scene::new();
    let strict = format!("{SMALL}[flow]\nmode = \"strict\"\n");
    scene.put("strict.toml", &strict);
    scene.put("plain.toml", SMALL);
    let explain = |name: &str| {
        let policy = scene.at(name).display().to_string();
        said_in(
            &scene,
            "ws",
            &["explain", "--config", &policy, "run_bash", "true"],
        )
        .1
    };
    assert!(
        explain("strict.toml").contains("this policy is strict"),
        "{}",
        explain("strict.toml")
    );
    assert!(!explain("plain.toml").contains("strict"), "the twin");
}

#[test]
fn the_doctor_says_what_a_session_says() {
    let scene = Scene::new();
    let (code, said) = said_in(&scene, "ws", &["doctor"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("a jail") && said.contains("built, with"),
        "{said}"
    );
    // A root of a user namespace is no root of the machine: the answer is what a session would get.
    let inside = |args: &[&str]| {
        let output = std::process::Command::new("unshare")
            .args(["--user", "--map-root-user"])
            .arg(crate::fixture::nucleus())
            .args(args)
            .env_clear()
            .envs(scene.environment())
            .current_dir(scene.workspace())
            .output()
            .unwrap();
        (output.status.code(), text(&output))
    };
    let (doctor, said) = inside(&["doctor"]);
    assert!(said.contains("root here is uid"), "{said}");
    let (run, told) = inside(&["run", "--profile", "fix-issue", "--", "true"]);
    assert_eq!(doctor, run, "{said}\n{told}");
}

#[test]
fn a_session_that_is_ended_from_outside_leaves_the_terminal_as_it_was() {
    const TERMINAL: &str = "
import os, pty, signal, sys, termios, time
def canonical(): return bool(termios.tcgetattr(terminal)[3] & termios.ICANON)
pid, terminal = pty.fork()
if pid == 0: os.execv(sys.argv[1], sys.argv[1:])
os.set_blocking(terminal, False)
deadline, was_raw = time.monotonic() + 240, False
while time.monotonic() < deadline and not was_raw:
    try: os.read(terminal, 65536)
    except OSError: pass
    was_raw = not canonical()
    time.sleep(0.02)
os.kill(pid, signal.SIGTERM)
while os.waitpid(pid, os.WNOHANG)[0] == 0 and time.monotonic() < deadline:
    try: os.read(terminal, 65536)
    except OSError: pass
    time.sleep(0.02)
print(was_raw, canonical())
";
    let scene = Scene::new();
    let output = std::process::Command::new("/usr/bin/python3")
        .args(["-c", TERMINAL])
        .arg(crate::fixture::nucleus())
        .args(["run", "--profile", "fix-issue", "--", "sleep", "300"])
        .env_clear()
        .envs(scene.environment())
        .current_dir(scene.workspace())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(
        text(&output),
        "True True\n",
        "raw while it runs, and as before afterwards"
    );
}

#[test]
fn the_agents_terminal_takes_the_size_that_the_users_is_changed_to() {
    const TERMINAL: &str = "
import fcntl, os, pty, signal, struct, sys, termios, time
pid, terminal = pty.fork()
if pid == 0: os.execv(sys.argv[1], sys.argv[1:])
os.set_blocking(terminal, False)
deadline, said, sizes = time.monotonic() + 240, b'', [(21, 61), (33, 77)]
def resize(size): fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', *size, 0, 0))
resize(sizes[0])
for size in sizes:
    resize(size)
    while b'<%d %d>' % size not in said and time.monotonic() < deadline:
        try: said += os.read(terminal, 65536)
        except OSError: pass
        time.sleep(0.02)
os.kill(pid, signal.SIGTERM)
os.waitpid(pid, 0)
print(*(b'<%d %d>' % size in said for size in sizes))
";
    let scene = Scene::new();
    let output = std::process::Command::new("/usr/bin/python3")
        .args(["-c", TERMINAL])
        .arg(crate::fixture::nucleus())
        .args(["run", "--profile", "fix-issue", "--", "sh", "-c"])
        .arg("while :; do echo \"<$(stty size)>\"; sleep 0.1; done")
        .env_clear()
        .envs(scene.environment())
        .current_dir(scene.workspace())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(text(&output), "True True\n", "{output:?}");
}

#[test]
fn the_demo_without_namespaces_runs_what_holds_and_marks_the_rest() {
    let scene = Scene::new();
    let text = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" demo";
    let output = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "sh", "-c", text])
        .arg(crate::fixture::nucleus())
        .env_clear()
        .envs(scene.environment())
        .current_dir(scene.workspace())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(125), "{said}");
    let lines = |word: &str| said.lines().filter(|line| line.starts_with(word)).count();
    assert!(lines("  missing user-namespace") == 1, "{said}");
    let (stopped, marked) = (lines("  stopped "), lines("  NOT PROTECTED HERE "));
    assert!(stopped >= 8 && marked >= 15, "{said}");
    assert_eq!(stopped + marked, 30, "{said}");
    assert!(said.contains(&format!("\n{stopped} attempts, none got through\n")));
    assert!(said.contains(&format!("\n{marked} attempts that only a jail stops")));
}

#[test]
fn the_demo_stops_every_attempt_and_the_honest_agent_gets_its_fix() {
    let scene = Scene::new();
    let (code, said) = said_in(&scene, "ws", &["demo"]);
    assert_eq!(code, Some(0), "{said}");
    let lines = |word: &str| said.lines().filter(|line| line.starts_with(word)).count();
    let stopped = lines("  stopped ");
    assert!(stopped >= 20, "{said}");
    assert!(
        said.contains(&format!("\n{stopped} attempts, none got through\n")),
        "{said}"
    );
    assert!(lines("  done ") >= 5, "the twin: {said}");
    assert!(said.contains(" records verify"), "{said}");
}
