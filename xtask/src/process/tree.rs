//! Kills every descendant of this process, wherever in the process tree it hid.

/// Makes orphans below this process its children, so that none escapes by double fork.
#[cfg(target_os = "linux")]
pub(super) fn adopt_orphans() {
    // A failure leaves orphans to init: they are then not found, which only leaks a process.
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

/// Kills and reaps until no descendant is left, at most about four seconds long.
#[cfg(target_os = "linux")]
pub(super) fn kill_descendants() {
    // Under the test harness the children of other tests are descendants of this process too.
    if !cfg!(test) {
        kill_below(std::process::id());
    }
}

#[cfg(target_os = "linux")]
fn kill_below(ancestor: u32) {
    use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};

    for _ in 0..200 {
        let descendants = descendants_of(ancestor);
        if descendants.is_empty() {
            return;
        }
        for pid in descendants
            .into_iter()
            .filter_map(|pid| Pid::from_raw(pid.cast_signed()))
        {
            let _ = kill_process(pid, Signal::KILL);
        }
        while !cfg!(test) && matches!(wait(WaitOptions::NOHANG), Ok(Some(_))) {}
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[cfg(target_os = "linux")]
fn descendants_of(ancestor: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid: u32| Some((pid, parent_of(pid)?)))
        .collect();
    let mut found = vec![ancestor];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(
            parents
                .iter()
                .filter(|(_, of)| *of == parent)
                .map(|(pid, _)| pid),
        );
        next += 1;
    }
    found.split_off(1)
}

/// The parent of a process that still runs or waits to be reaped.
#[cfg(target_os = "linux")]
fn parent_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn adopt_orphans() {}

#[cfg(not(target_os = "linux"))]
pub(super) fn kill_descendants() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    #[test]
    fn a_grandchild_in_a_session_of_its_own_is_killed() {
        let mut child = Command::new("sh")
            .args(["-c", "setsid sleep 600 & echo $!; wait; echo over"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let grandchild: u32 = lines.next().unwrap().unwrap().parse().unwrap();
        assert!(descendants_of(std::process::id()).contains(&grandchild));
        kill_below(child.id());
        assert_eq!(lines.next().unwrap().unwrap(), "over");
        child.wait().unwrap();
        assert!(!descendants_of(std::process::id()).contains(&grandchild));
    }
}
