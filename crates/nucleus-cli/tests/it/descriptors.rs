//! D14: the monitor runs out of descriptors in the middle of a session, at every point of a request.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::json;

use crate::fixture::{Scene, Step, command, tool, wait};

/// From none left to more than one command takes.
const LEFT: [u64; 12] = [0, 1, 2, 3, 4, 6, 8, 10, 13, 16, 20, 25];
/// Steps of one round: a wait, then each of these.
const ROUND: usize = 5;

fn round(name: &str) -> [Step; ROUND] {
    [
        wait(&format!("go-{name}")),
        tool(
            "write",
            json!({ "path": format!("tool-{name}"), "content": "by a tool" }),
        ),
        tool("read", json!({ "path": ".env" })),
        command(&format!(
            "put('command-{name}', 'by a command')\nput('.git/hooks/pre-commit', 'touch ' + OUT + '/pwned')\ngot = each(env=lambda: slurp('.env').decode())"
        )),
        tool("read", json!({ "path": "a.txt" })),
    ]
}

/// Leaves a process so many descriptors beside those it has.
fn leave(pid: u32, left: Option<u64>) {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = left.map_or(maximum, |left| {
        let taken = settled(pid);
        // A limit bounds numbers, not how many there are: gaps below it can be taken too.
        let mut free = (0..).filter(|number| !taken.contains(number));
        free.nth(usize::try_from(left).unwrap())
    });
    let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
    prlimit(Some(pid), Resource::Nofile, Rlimit { current, maximum }).unwrap();
}

/// The descriptors of a process that no longer closes what the last request left.
fn settled(pid: u32) -> BTreeSet<u64> {
    let taken = || -> BTreeSet<u64> {
        let table = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        table
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .collect()
    };
    let mut last = taken();
    loop {
        std::thread::sleep(Duration::from_millis(200));
        let now = taken();
        if now == last {
            return now;
        }
        last = now;
    }
}

#[test]
fn d14_a_monitor_without_descriptors_denies_and_goes_on_once_it_has_some() {
    let scene = Scene::new();
    let names: Vec<String> = LEFT.iter().map(u64::to_string).collect();
    let all = names.iter().map(String::as_str).chain(["all"]);
    let steps: Vec<Step> = all.clone().flat_map(round).collect();
    let outside = scene.outside();
    let mut running = scene.session().start(&steps);
    let pid = running.child.id();
    for (at, name) in all.enumerate() {
        running.until_begun(at * ROUND);
        leave(pid, LEFT.get(at).copied());
        running.signal(&format!("go-{name}"));
        // The last step of a round is the read of an open file; the next wait begins after it.
    }
    let ended = running.finish();
    ended.assert_sound();
    assert_eq!(scene.outside(), outside);
    assert!(!scene.workspace().join(".git/hooks/pre-commit").exists());
    for (at, name) in names.iter().enumerate() {
        let told = &ended.told[at * ROUND..(at + 1) * ROUND];
        for (step, file) in [(1, format!("tool-{name}")), (3, format!("command-{name}"))] {
            let told = &told[step];
            let is_there = scene.workspace().join(&file).exists();
            let says_so =
                !told.is_error() && told.landed().contains(&file) || step == 1 && !told.is_error();
            assert_eq!(is_there, says_so, "{name} left: {file}: {}", told.0);
        }
        assert!(told[2].is_error(), "{name} left: {}", told[2].0);
    }
    for step in [1, 3, 4] {
        let told = &ended.told[step];
        assert!(told.is_error(), "none left: {}", told.0);
    }
    let last = &ended.told[LEFT.len() * ROUND..];
    assert!(!last[1].is_error(), "the twin: {}", last[1].0);
    assert_eq!(last[3].landed(), ["command-all"], "the twin: {}", last[3].0);
    assert_eq!(last[4].text(), "first\n", "the twin: {}", last[4].0);
    assert_eq!(last[2].layer(), "policy: subject_blocked");
    assert!(last[3].got()["env"]["errno"].is_string());
}
