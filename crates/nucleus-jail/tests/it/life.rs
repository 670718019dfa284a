//! Nothing of a jail outlives its command, its handle or its caller.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nucleus_jail::{Exit, JailSpec};

use crate::fixture::{PATIENCE, jail_program, launcher, run, sh, spec};

/// A word no other process has on its command line.
fn unique(name: &str) -> String {
    format!("nucleus-life-{name}-{}", std::process::id())
}

/// Processes of the host whose command line holds the word.
fn alive(word: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(word) && line.contains("sleep"))
        .collect()
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Starts processes in every way that leaves a parent behind; each sleeps under a name holding the word.
fn daemons(word: &str) -> String {
    format!(
        "s() {{ exec -a {word}-sleep sleep 1000; }}
         (s) & (setsid bash -c 'exec -a {word}-sleep sleep 1000' &) ; (trap '' TERM HUP INT; s) & ( ( (s) & ) & )
         for i in 1 2 3 4 5 6; do (s) & done; sleep 0.2"
    )
}

#[test]
fn exit_codes_and_signals_pass_through() {
    assert_eq!(run(sh("exit 7")).exit, Exit::Code(7));
    assert_eq!(
        run(sh("kill -SEGV $$")).exit,
        Exit::Signal(libc_signal("SEGV"))
    );
    assert_eq!(run(sh("exit 0")).exit, Exit::Code(0));
}

fn libc_signal(name: &str) -> u8 {
    match name {
        "SEGV" => 11,
        _ => 9,
    }
}

#[test]
fn daemons_die_with_the_command() {
    let word = unique("daemons");
    let ran = run(spec(&[
        "/bin/bash",
        "-c",
        &format!(
            "{}; ps ax 2>/dev/null | grep -c {word}; exit 7",
            daemons(&word)
        ),
    ]));
    assert_eq!(ran.exit, Exit::Code(7));
    assert_eq!(alive(&word), Vec::<String>::new());
}

#[test]
fn killing_or_dropping_the_handle_ends_the_tree() {
    for how in ["kill", "drop"] {
        let word = unique(how);
        let jail = launcher()
            .spawn(spec(&[
                "/bin/bash",
                "-c",
                &format!("{}; wait", daemons(&word)),
            ]))
            .unwrap();
        wait_until("the daemons start", || alive(&word).len() >= 9);
        if how == "kill" {
            jail.kill().unwrap();
            assert_eq!(jail.wait().unwrap(), Exit::Killed);
            assert_eq!(alive(&word), Vec::<String>::new(), "gone when wait returns");
        } else {
            drop(jail);
            wait_until("all end", || alive(&word).is_empty());
        }
    }
}

#[test]
fn waiting_has_a_time_limit_of_its_own() {
    let jail = launcher().spawn(spec(&["/bin/sleep", "1000"])).unwrap();
    assert_eq!(jail.wait_timeout(Duration::from_millis(20)).unwrap(), None);
    jail.kill().unwrap();
    assert_eq!(jail.wait_timeout(PATIENCE).unwrap(), Some(Exit::Killed));
    assert_eq!(jail.wait().unwrap(), Exit::Killed, "and again");
}

#[test]
fn a_frozen_jail_does_nothing_until_thawed() {
    for script in [
        "i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done",
        "i=0; while :; do i=$((i+1)); echo $i; done",
    ] {
        let (mut read, write) = std::io::pipe().unwrap();
        let null = || {
            std::fs::File::options()
                .read(true)
                .write(true)
                .open("/dev/null")
                .unwrap()
                .into()
        };
        let stdio = nucleus_jail::Stdio::Fds {
            stdin: null(),
            stdout: write.into(),
            stderr: null(),
        };
        let jail = launcher()
            .spawn(JailSpec {
                stdio,
                ..sh(script)
            })
            .unwrap();
        read.read_exact(&mut [0; 4]).unwrap();
        jail.freeze().unwrap();
        let states = states_below(jail.pid());
        assert!(
            !states.is_empty()
                && states
                    .iter()
                    .all(|state| matches!(state.as_str(), "T" | "Z" | "D")),
            "{states:?}"
        );
        rustix::fs::fcntl_setfl(&read, rustix::fs::OFlags::NONBLOCK).unwrap();
        let mut said = [0; 1 << 17];
        while read.read(&mut said).is_ok() {}
        std::thread::sleep(Duration::from_millis(60));
        assert_eq!(
            read.read(&mut said).unwrap_err().kind(),
            std::io::ErrorKind::WouldBlock,
            "nothing was written while frozen"
        );
        jail.freeze().unwrap();
        jail.thaw().unwrap();
        rustix::fs::fcntl_setfl(&read, rustix::fs::OFlags::empty()).unwrap();
        read.read_exact(&mut [0; 200]).unwrap();
        jail.kill().unwrap();
        assert_eq!(jail.wait().unwrap(), Exit::Killed);
    }
}

#[test]
fn a_frozen_jail_dies_too() {
    let jail = launcher().spawn(spec(&["/bin/sleep", "1000"])).unwrap();
    jail.freeze().unwrap();
    jail.kill().unwrap();
    assert_eq!(jail.wait_timeout(PATIENCE).unwrap(), Some(Exit::Killed));
}

fn states_below(first: u32) -> Vec<String> {
    let children = std::fs::read_to_string(format!("/proc/{first}/task/{first}/children")).unwrap();
    let state = |pid: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(") ")
            .next()
            .unwrap_or_default()
            .chars()
            .next()
            .map(String::from)
    };
    children.split_whitespace().filter_map(state).collect()
}

/// Starts the jail program as a caller of its own with a jail full of daemons.
fn caller(word: &str) -> std::process::Child {
    let script = format!("{}; echo up; wait", daemons(word));
    Command::new(jail_program())
        .args(["run", "--", "/bin/bash", "-c", &script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn sigkill_of_the_caller_leaves_nothing() {
    let word = unique("caller");
    let mut caller = caller(&word);
    let mut line = String::new();
    BufReader::new(caller.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "up\n");
    assert!(alive(&word).len() >= 9, "{:?}", alive(&word));
    caller.kill().unwrap();
    caller.wait().unwrap();
    wait_until("the whole tree ends", || alive(&word).is_empty());
    wait_until("the helper ends", || helpers_of(caller.id()).is_empty());
}

#[test]
fn sigkill_of_the_caller_at_any_moment_leaves_nothing() {
    for round in 0..40u64 {
        let word = unique(&format!("moment{round}"));
        let mut caller = caller(&word);
        std::thread::sleep(Duration::from_micros(round * 400));
        caller.kill().unwrap();
        caller.wait().unwrap();
        wait_until("all end", || {
            alive(&word).is_empty() && helpers_of(caller.id()).is_empty()
        });
    }
}

/// Helper and first processes of a caller: all carry its process number nowhere, so they are found by their session.
fn helpers_of(caller: u32) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok())
        .filter(|stat| {
            stat.rsplit(") ")
                .next()
                .is_some_and(|rest| rest.split(' ').nth(1) == Some(&caller.to_string()))
        })
        .collect()
}

#[test]
fn a_helper_that_is_killed_takes_its_jail_along() {
    let word = unique("helper");
    let launcher = nucleus_jail::Launcher::start(&crate::fixture::helper()).unwrap();
    let jail = launcher
        .spawn(spec(&[
            "/bin/bash",
            "-c",
            &format!("{}; wait", daemons(&word)),
        ]))
        .unwrap();
    wait_until("the daemons start", || alive(&word).len() >= 9);
    let status = std::fs::read_to_string(format!("/proc/{}/status", jail.pid())).unwrap();
    let parent: i32 = status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:"))
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(parent).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
    assert_eq!(jail.wait_timeout(PATIENCE).unwrap(), Some(Exit::Killed));
    wait_until("all end", || alive(&word).is_empty());
}

#[test]
fn many_jails_at_once_do_not_disturb_each_other() {
    let threads: Vec<_> = (0..6u8)
        .map(|n| {
            std::thread::spawn(move || {
                (0..5)
                    .map(|_| run(sh(&format!("sleep 0.01; exit {n}"))).exit)
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    for (n, thread) in (0u8..).zip(threads) {
        assert_eq!(thread.join().unwrap(), vec![Exit::Code(n); 5]);
    }
}
