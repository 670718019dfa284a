//! Section B while the host works on: a protected file is saved by rename in the middle of a command.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::fixture::{Ended, PATIENCE, Running, Scene, command, wait};

/// Tells the host that the command runs, tries its payload until the host says stop, and tells what it read.
const LOOP: &str = "
import ctypes
libc.prctl(15, b'MARK-' + MARK.encode()[-9:])
seen, rounds = set(), 0
while not os.path.exists(DRIVER + '/stop'):
    rounds += 1
    for path in ('.env', '.git/config', 'a.txt'):
        try: seen.add(slurp(path).decode())
        except OSError: pass
    try: put('.git/hooks/pre-commit', '#!/bin/sh\\ntouch ' + OUT + '/pwned\\n', 0o755)
    except OSError: pass
    try:
        with open('.git/config', 'a') as file: file.write('[core]\\n\\tfsmonitor = \"touch ' + OUT + '/pwned; false\"\\n')
    except OSError: pass
put('done.txt', 'x')
got = {'seen': sorted(seen), 'rounds': rounds}
";

/// Waits until the marked command runs, saves the file many times, and lets the command end.
fn saved_meanwhile(scene: &Scene, name: &str, text: &str) -> Ended {
    let mark = format!("{:09}", std::process::id() ^ u32::from(name.len() as u8));
    let mut running = scene.session().word("MARK", json!(mark)).start(&[
        command(LOOP),
        wait("stop"),
        command("got = os.path.exists('.env')"),
    ]);
    running.until_begun(0);
    until_running(&mut running, &format!("MARK-{mark}"));
    for round in 0..50 {
        scene.save_by_rename(name, &format!("{text}# saved {round}\n"));
        std::thread::sleep(Duration::from_millis(10));
    }
    running.signal("stop");
    let ended = running.finish();
    ended.assert_sound();
    ended
}

/// Waits until a process of that name runs.
fn until_running(running: &mut Running<'_>, name: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !is_running(name) {
        assert!(Instant::now() < deadline, "the command never ran");
        assert!(
            running.child.try_wait().unwrap().is_none(),
            "the session ended early"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_running(name: &str) -> bool {
    let comm = |pid: &Path| std::fs::read_to_string(pid.join("comm")).unwrap_or_default();
    let processes = std::fs::read_dir("/proc").unwrap().map_while(Result::ok);
    processes
        .map(|entry| entry.path())
        .any(|pid| comm(&pid).trim() == name)
}

/// What a user does next.
fn host_goes_on(scene: &Scene) {
    scene.git(&["status"]);
    scene.git(&["diff"]);
    scene.git(&["commit", "-q", "--allow-empty", "-m", "x"]);
    scene.git(&["checkout", "-q", "-b", "other"]);
    assert!(!scene.exists("out/pwned"), "the agent's payload ran");
}

#[test]
fn git_configuration_saved_in_the_middle_of_a_command_stays_the_users() {
    let scene = Scene::new();
    let own = scene.read("ws/.git/config");
    let ended = saved_meanwhile(&scene, "ws/.git/config", &own);
    host_goes_on(&scene);
    assert_eq!(
        scene.read("ws/.git/config"),
        format!("{own}# saved 49\n"),
        "the user's last save"
    );
    assert!(
        ended.is_held_as_activation(),
        "landing held the agent's back"
    );
    assert!(!scene.exists("ws/.git/hooks/pre-commit"));
}

#[test]
fn a_secret_saved_in_the_middle_of_a_command_is_not_read() {
    let scene = Scene::new();
    let text = scene.read("ws/.env");
    let ended = saved_meanwhile(&scene, "ws/.env", &text);
    host_goes_on(&scene);
    assert_eq!(scene.read("ws/.env"), format!("{text}# saved 49\n"));
    // The running command is stopped: a blocked name moved beneath it. The next one has a fresh mask.
    assert!(ended.told[0].is_error(), "{}", ended.told[0].0);
    assert!(
        !scene.exists("ws/done.txt"),
        "nothing of a stopped command lands"
    );
    assert_eq!(
        ended.told[2].got(),
        false,
        "the twin: the next command runs, without the file"
    );
}

#[test]
fn an_ordinary_file_saved_in_the_middle_of_a_command_stops_nothing() {
    let scene = Scene::new();
    let ended = saved_meanwhile(&scene, "ws/a.txt", "second\n");
    host_goes_on(&scene);
    assert_eq!(
        scene.read("ws/a.txt"),
        "second\n# saved 49\n",
        "the user's last save"
    );
    assert!(
        ended.told[0].got()["rounds"].as_u64() > Some(0),
        "{}",
        ended.told[0].0
    );
    assert!(
        scene.exists("ws/done.txt"),
        "the twin: the command ended as it liked"
    );
}

#[test]
fn a_file_that_both_changed_is_kept_for_the_user() {
    let scene = Scene::new();
    let mark = format!("{:09}", std::process::id());
    let code = "
libc.prctl(15, b'MARK-' + MARK.encode()[-9:])
put('a.txt', 'by the agent')
while not os.path.exists(DRIVER + '/stop'): time.sleep(0.01)
got = True
";
    let mut running = scene
        .session()
        .word("MARK", json!(mark))
        .start(&[command(code)]);
    running.until_begun(0);
    until_running(&mut running, &format!("MARK-{mark}"));
    scene.save_by_rename("ws/a.txt", "by the user\n");
    running.signal("stop");
    let ended = running.finish();
    ended.assert_sound();
    assert_eq!(scene.read("ws/a.txt"), "by the user\n");
    assert_eq!(ended.told[0].layer(), "landing: conflict");
}
