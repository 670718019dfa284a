//! `kill -9` of the monitor at every step: the log holds up to the cut, no effect is without a record, nothing lives on, nothing staged is lost.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nucleus::executor::{CommandRequest, Executor, JailOptions};
use nucleus::ports::{FaultPoint, FaultStep};
use nucleus::sandbox::{Sandbox, SandboxOptions};
use nucleus::state::StateDir;
use nucleus_jail::HelperCommand;
use serde_json::json;

use crate::fixture::{PATIENCE, Scene, command, log_dirs, nucleus, recorded, tool, verify};

/// The variable that makes this test binary the monitor that dies.
const STEP: &str = "NUCLEUS_E2E_DIES_AT";

/// Ends the process at the nth step of a kind.
#[derive(Debug)]
struct DiesAt {
    step: FaultStep,
    left: AtomicU32,
}

impl FaultPoint for DiesAt {
    fn reached(&self, step: FaultStep) {
        if step == self.step && self.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            let own = rustix::process::getpid();
            let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
            loop {
                std::thread::park();
            }
        }
    }
}

/// What the monitor that dies does: a write, a command that changes, stages and leaves a process, another write.
#[test]
fn the_monitor_that_dies() {
    let Ok(words) = std::env::var(STEP) else {
        return;
    };
    let (kind, nth) = words.split_once(' ').unwrap();
    let step = FaultStep::ALL[kind.parse::<usize>().unwrap()];
    let policy =
        nucleus_spec::parse_policy(&nucleus_spec::profile("fix-issue").unwrap().source()).unwrap();
    let state = StateDir::open(&std::path::PathBuf::from(std::env::var("STATE").unwrap())).unwrap();
    let helper = HelperCommand {
        program: nucleus(),
        args: vec!["__jail-init".into()],
    };
    let options = SandboxOptions {
        jails: JailOptions {
            helper: Some(helper),
            ..JailOptions::default()
        },
        faults: Arc::new(DiesAt {
            step,
            left: AtomicU32::new(nth.parse().unwrap()),
        }),
        ..SandboxOptions::new(state)
    };
    let dir = std::env::var("WORKSPACE").unwrap();
    let sandbox = Sandbox::open_with(&policy, Path::new(&dir), options).unwrap();
    let executor = Executor::new(&policy, &sandbox, sandbox.monitor().budget());
    sandbox.write("one.txt", b"by a tool").unwrap();
    let mark = std::env::var("MARK").unwrap();
    let script = format!(
        "echo two > two.txt; echo three > three.txt; mkdir -p .vscode; echo x > .vscode/tasks.json; sleep 0.2; (exec -a {mark} sleep 300) & sleep 0.1"
    );
    let words = ["bash", "-c", &script].map(str::to_owned);
    let request = CommandRequest::new(portcullis::command::Argv::new(words).unwrap());
    executor.run_command(&request).unwrap();
    sandbox.write("four.txt", b"by a tool").unwrap();
    sandbox.monitor().end("done").unwrap();
}

/// Runs the monitor that dies as a process of its own; true when it died.
fn dies(scene: &Scene, kind: usize, nth: u32, mark: &str) -> bool {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crashes::the_monitor_that_dies",
            "--nocapture",
            "--test-threads=1",
        ])
        .env_clear()
        .envs(scene.environment())
        .env(STEP, format!("{kind} {nth}"))
        .env("STATE", scene.state())
        .env("WORKSPACE", scene.workspace())
        .env("MARK", mark)
        .env("NUCLEUS_BIN", nucleus())
        .output()
        .unwrap();
    use std::os::unix::process::ExitStatusExt as _;
    match output.status.signal() {
        Some(9) => true,
        _ => {
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stdout)
            );
            false
        }
    }
}

/// Whether a process has these bytes in its command line.
fn lives(mark: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().map_while(Result::ok);
    let line = |path: &Path| std::fs::read(path.join("cmdline")).unwrap_or_default();
    processes
        .filter(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .chars()
                .all(|c| c.is_ascii_digit())
        })
        .any(|entry| {
            line(&entry.path())
                .split(|byte| *byte == 0)
                .next()
                .is_some_and(|first| first == mark.as_bytes())
        })
}

/// What must hold after the death.
fn assert_whole(scene: &Scene, mark: &str, at: &str) {
    let deadline = Instant::now() + PATIENCE;
    while lives(mark) {
        assert!(
            Instant::now() < deadline,
            "{at}: a process of the session lives on"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(
        !mounts.contains(scene.at("").to_str().unwrap()),
        "{at}: a mount is left"
    );
    let logs = log_dirs(&scene.state());
    let mut permitted = Vec::new();
    for log in logs.iter().filter(|log| log.exists()) {
        let verified = verify(log, &scene.state());
        assert!(
            verified.status.success(),
            "{at}: {}",
            String::from_utf8_lossy(&verified.stdout)
        );
        let records = recorded(log);
        let permits = records
            .iter()
            .filter(|record| matches!(record.kind(), "permit" | "land"));
        permitted.extend(permits.filter_map(|record| record.path().map(str::to_owned)));
    }
    for name in ["one.txt", "two.txt", "three.txt", "four.txt"] {
        if scene.exists(&format!("ws/{name}")) {
            assert!(
                permitted.iter().any(|path| path == name),
                "{at}: {name} is an effect without a record"
            );
            assert!(
                !scene.read(&format!("ws/{name}")).is_empty(),
                "{at}: {name} is half a file"
            );
        }
    }
    assert!(
        !scene.exists("ws/.vscode/tasks.json"),
        "{at}: what needs approval never landed"
    );
    let names: Vec<String> = std::fs::read_dir(scene.workspace())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    let known = [
        ".git",
        ".gitignore",
        ".env",
        ".vscode",
        "a.txt",
        "src",
        "one.txt",
        "two.txt",
        "three.txt",
        "four.txt",
    ];
    let litter: Vec<&String> = names
        .iter()
        .filter(|name| !known.contains(&name.as_str()))
        .collect();
    assert!(litter.len() <= 1, "{at}: {litter:?}");
}

/// The paths that wait for the user.
fn held(scene: &Scene) -> Vec<String> {
    let output = scene.nucleus(&["diff", "--json"]).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let held = value["held_back"].as_array().unwrap();
    held.iter()
        .map(|entry| entry["path"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_monitor_killed_at_any_step_leaves_everything_whole() {
    let kinds = FaultStep::ALL.len();
    // Most of the time is spent waiting for what was killed.
    let deaths: Vec<u32> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..3)
            .map(|worker| {
                scope.spawn(move || (worker..kinds).step_by(3).map(killed_at_each).collect())
            })
            .collect();
        let joined = workers.into_iter().map(|worker| worker.join().unwrap());
        joined.flat_map(|deaths: Vec<u32>| deaths).collect()
    });
    assert!(
        deaths.len() == kinds && deaths.iter().all(|deaths| *deaths > 0),
        "{deaths:?}"
    );
}

/// Kills a monitor at each step of a kind until one lives to its end; how many died.
fn killed_at_each(kind: usize) -> u32 {
    for nth in 0..40 {
        let scene = Scene::new();
        // Something staged beforehand must survive whatever happens now.
        scene
            .session()
            .run(&[command("put('.envrc', 'kept')")])
            .assert_sound();
        let mark = format!("mark-{kind}-{nth}-{}", std::process::id());
        let at = format!("{:?} {nth}", FaultStep::ALL[kind]);
        let died = dies(&scene, kind, nth, &mark);
        assert_whole(&scene, &mark, &at);
        let held = held(&scene);
        assert!(
            held.iter().any(|path| path == ".envrc"),
            "{at}: a staged change is lost: {held:?}"
        );
        if !died {
            // The twin: a run that does not die does everything.
            assert_eq!(scene.read("ws/four.txt"), "by a tool");
            assert_eq!(scene.read("ws/two.txt"), "two\n");
            assert!(
                held.iter().any(|path| path.starts_with(".vscode")),
                "{held:?}"
            );
            return nth;
        }
        // And the next session works.
        let next = scene
            .session()
            .run(&[tool("read", json!({ "path": "a.txt" }))]);
        next.assert_sound();
        assert_eq!(next.told[0].text(), "first\n", "{at}");
    }
    40
}

#[test]
fn the_real_program_killed_at_each_step_of_its_agent_leaves_everything_whole() {
    let steps = [
        tool(
            "write",
            json!({ "path": "one.txt", "content": "by a tool" }),
        ),
        command("put('two.txt', 'two'); put('.vscode/tasks.json', 'x')"),
        command(
            "subprocess.Popen(['bash', '-c', 'exec -a ' + MARK + ' sleep 300']); time.sleep(1)",
        ),
        tool(
            "write",
            json!({ "path": "four.txt", "content": "by a tool" }),
        ),
    ];
    for at in 0..steps.len() {
        for delay_ms in [0, 20, 80] {
            let scene = Scene::new();
            let mark = format!("mark-real-{at}-{delay_ms}-{}", std::process::id());
            let mut running = scene.session().word("MARK", json!(mark)).start(&steps);
            running.until_begun(at);
            std::thread::sleep(Duration::from_millis(delay_ms));
            running.child.kill().unwrap();
            running.finish();
            assert_whole(&scene, &mark, &format!("step {at} after {delay_ms} ms"));
            assert!(!lives("/usr/bin/python3-never"));
        }
    }
}
