//! A command that takes too much is stopped, and one that takes what it may is not.

use std::io::Read;

use nucleus_jail::{
    Exit, Jail, JailSpec, Launcher, Limits, SessionLimits, Stdio, Upper, probe_host,
};

use crate::fixture::{PATIENCE, helper, output, over, overlay, python, run, sh, skip};

fn limited(limits: Limits, spec: JailSpec) -> JailSpec {
    JailSpec { limits, ..spec }
}

#[test]
fn a_fork_bomb_ends_at_its_limit() {
    let script = r#"
import os, time
n = 0
try:
    while True:
        if os.fork() == 0: time.sleep(1000)
        n += 1
except OSError as e: print(e.errno)
print(n)
"#;
    let limits = Limits {
        processes: 30,
        ..Limits::default()
    };
    let all = output(limited(limits.clone(), python(script)));
    let lines: Vec<&str> = all.lines().collect();
    assert_eq!(lines[0], "11");
    let made: u32 = lines[1].parse().unwrap();
    assert!((20..=30).contains(&made), "{made}");
    assert_eq!(
        output(limited(
            limits,
            sh("for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1 & done; wait; echo fine")
        )),
        "fine\n"
    );
}

#[test]
fn memory_above_the_limit_ends_the_command() {
    let limits = Limits {
        memory_bytes: 200 << 20,
        ..Limits::default()
    };
    let take = |mib: u32| {
        limited(
            limits.clone(),
            python(&format!(
                "b = bytearray({mib} << 20)\nfor i in range(0, len(b), 4096): b[i] = 1\nprint('held')"
            )),
        )
    };
    let ran = run(take(600));
    assert_ne!(ran.exit, Exit::Code(0), "{}", ran.out);
    assert!(!ran.out.contains("held"));
    assert_eq!(output(take(60)), "held\n");
}

#[test]
fn memory_of_many_processes_is_summed() {
    let limits = Limits {
        memory_bytes: 300 << 20,
        ..Limits::default()
    };
    let script = r#"
import os, time
for _ in range(12):
    if os.fork() == 0:
        b = bytearray(60 << 20)
        for i in range(0, len(b), 4096): b[i] = 1
        time.sleep(30); os._exit(0)
alive = 12
while alive:
    if os.wait()[1] != 0: print('one was killed', flush=True); os._exit(3)
    alive -= 1
print('all held')
"#;
    let ran = run(limited(limits, python(script)));
    assert!(
        matches!(
            ran.exit,
            Exit::MemoryLimit | Exit::Code(3) | Exit::Signal(9)
        ),
        "{:?} {}",
        ran.exit,
        ran.out
    );
    assert!(!ran.out.contains("all held"));
}

#[test]
fn descriptors_and_file_size_are_bounded() {
    let limits = Limits {
        open_files: 64,
        file_bytes: Some(1 << 20),
        ..Limits::default()
    };
    let script = r#"
import os, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
fds = []
try:
    while True: fds.append(os.open('/dev/null', os.O_RDONLY))
except OSError as e: print(e.errno, 50 < len(fds) < 64)
for fd in fds: os.close(fd)
f = open('/tmp/f', 'wb', buffering=0)
f.write(b'x' * (1 << 20)); print('one MiB')
try: f.write(b'x')
except OSError as e: print(e.errno)
"#;
    assert_eq!(
        output(limited(limits, python(script))),
        "24 True\none MiB\n27\n"
    );
}

#[test]
fn the_files_of_scratch_are_bounded() {
    let limits = Limits {
        scratch_bytes: 4 << 20,
        ..Limits::default()
    };
    let script = r#"
import os
for directory in '/tmp', '/dev/shm':
    made = 0
    try:
        while made < 2000:
            open(f'{directory}/{made}', 'w').close(); made += 1
        print('no bound')
    except OSError as e: print(e.errno, 900 < made < 1024)
    os.unlink(f'{directory}/0')
    open(f'{directory}/again', 'w').close()
"#;
    assert_eq!(
        output(limited(limits, python(script))),
        "28 True\n28 True\n"
    );
}

#[test]
fn scratch_and_changes_in_memory_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits {
        scratch_bytes: 4 << 20,
        ..Limits::default()
    };
    let mut spec = over(
        dir.path(),
        limited(
            limits,
            sh(
                "for d in /tmp /dev/shm .; do head -c 20000000 /dev/zero > $d/big; rm -f $d/big; head -c 1000000 /dev/zero > $d/small && echo $d; done; i=0; while touch f$i 2>/dev/null; do i=$((i+1)); done; [ $i -gt 50 ] && [ $i -lt 100 ] && echo inodes",
            ),
        ),
    );
    if let Some(workspace) = &mut spec.workspace {
        *workspace = nucleus_jail::Overlay {
            upper: Upper::Tmpfs {
                bytes: 8 << 20,
                inodes: 100,
            },
            ..overlay(dir.path())
        };
    }
    let ran = run(spec);
    assert_eq!(ran.out, "/tmp\n/dev/shm\n.\ninodes\n", "{}", ran.err);
    assert_eq!(ran.err.matches("No space left").count(), 3, "{}", ran.err);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// Where two commands of one session run at a time, each under its own bound.
struct Session {
    launcher: Launcher,
    each: Limits,
}

impl Session {
    /// A session of these bounds, or `None` where the kernel gives none; that it says so is checked.
    fn of(test: &str, all: SessionLimits, each: Limits) -> Option<Self> {
        let launcher = Launcher::start_bounded(&helper(), all).unwrap();
        let has_groups = probe_host()
            .features
            .iter()
            .any(|feature| feature.name == "cgroup-limits" && feature.found.is_ok());
        assert_eq!(launcher.session_bound().is_ok(), has_groups);
        let jail = launcher.spawn(sh("true")).unwrap();
        let said = format!("{:?}", jail.enforced().layers);
        let bound = format!("all jails of the session together {}", all.processes);
        assert_eq!(said.contains(&bound), has_groups, "{said}");
        let none = "no bound of all jails of the session together";
        assert_eq!(said.contains(none), !has_groups, "{said}");
        jail.wait().unwrap();
        if !has_groups {
            skip(test, "root, or control groups of this user's own");
        }
        has_groups.then_some(Self { launcher, each })
    }

    /// Starts a command, its output in a pipe.
    fn start(&self, script: &str) -> (Jail, std::io::PipeReader) {
        let (read, write) = std::io::pipe().unwrap();
        let stdio = Stdio::Fds {
            stdin: std::fs::File::open("/dev/null").unwrap().into(),
            stdout: write.try_clone().unwrap().into(),
            stderr: write.into(),
        };
        let spec = JailSpec {
            stdio,
            ..limited(self.each.clone(), python(script))
        };
        (self.launcher.spawn(spec).unwrap(), read)
    }

    /// What two such commands said, both of them alive until both have said it or one has ended.
    fn both(&self, script: &str) -> Vec<String> {
        let (first, mut from_first) = self.start(script);
        let (second, mut from_second) = self.start(script);
        let said = std::thread::scope(|scope| {
            let first = scope.spawn(|| line(&mut from_first));
            let second = scope.spawn(|| line(&mut from_second));
            vec![first.join().unwrap(), second.join().unwrap()]
        });
        drop((first, second));
        said
    }
}

/// The first line, or what came before the end.
fn line(from: &mut impl Read) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while from.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn two_commands_together_cannot_pass_the_sessions_memory() {
    let all = SessionLimits {
        memory_bytes: 300 << 20,
        ..SessionLimits::default()
    };
    let each = Limits {
        memory_bytes: 250 << 20,
        ..Limits::default()
    };
    let Some(session) = Session::of(
        "limits::two_commands_together_cannot_pass_the_sessions_memory",
        all,
        each,
    ) else {
        return;
    };
    let take = |mib: u32| {
        format!(
            "import time\nb = bytearray({mib} << 20)\nfor i in range(0, len(b), 4096): b[i] = 1\nprint('held', flush=True)\ntime.sleep(1000)"
        )
    };
    assert_eq!(session.both(&take(80)), ["held", "held"]);
    // Each alone may take this much, so that the one which comes second, or the first for it, is ended.
    let (alone, mut said) = session.start(&take(200));
    assert_eq!(line(&mut said), "held");
    let (_other, mut other_said) = session.start(&take(200));
    let ended = std::thread::scope(|scope| {
        let other = scope.spawn(|| line(&mut other_said));
        other.join().unwrap() != "held"
    });
    assert!(ended || alone.wait_timeout(PATIENCE).unwrap().is_some());
}

#[test]
fn two_commands_together_cannot_pass_the_sessions_processes() {
    let all = SessionLimits {
        processes: 60,
        ..SessionLimits::default()
    };
    let each = Limits {
        processes: 45,
        ..Limits::default()
    };
    let Some(session) = Session::of(
        "limits::two_commands_together_cannot_pass_the_sessions_processes",
        all,
        each,
    ) else {
        return;
    };
    let fork = |most: u32| {
        format!(
            r#"
import os, time
n = 0
try:
    while n < {most}:
        if os.fork() == 0: time.sleep(1000)
        n += 1
except OSError: pass
print(n, flush=True)
time.sleep(1000)
"#
        )
    };
    let count = |said: Vec<String>| -> u32 { said.iter().map(|n| n.parse::<u32>().unwrap()).sum() };
    assert_eq!(count(session.both(&fork(15))), 30);
    let made = count(session.both(&fork(40)));
    assert!((40..60).contains(&made), "{made}");
}

#[test]
fn a_sessions_group_is_gone_with_it() {
    let groups = || {
        let mut found = Vec::new();
        for mount in ["memory", "pids", "unified", ""] {
            let at = std::path::Path::new("/sys/fs/cgroup").join(mount);
            collect(
                &at,
                &format!("nucleus-session-{}-", std::process::id()),
                &mut found,
            );
        }
        found
    };
    fn collect(dir: &std::path::Path, prefix: &str, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                found.push(path);
            } else {
                collect(&path, prefix, found);
            }
        }
    }
    let all = SessionLimits {
        processes: 777,
        ..SessionLimits::default()
    };
    let of_this_test = || {
        let is_ours = |dir: &&std::path::PathBuf| {
            std::fs::read_to_string(dir.join("pids.max")).is_ok_and(|max| max.trim() == "777")
        };
        groups().iter().filter(is_ours).count()
    };
    let launcher = Launcher::start_bounded(&helper(), all).unwrap();
    let has_bound = launcher.session_bound().is_ok();
    assert_eq!(of_this_test() > 0, has_bound);
    let jail = launcher.spawn(sh("sleep 1000")).unwrap();
    drop(launcher);
    assert_eq!(of_this_test() > 0, has_bound, "a jail of it runs");
    drop(jail);
    assert_eq!(of_this_test(), 0);
}
