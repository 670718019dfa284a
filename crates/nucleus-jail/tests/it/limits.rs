//! A command that takes too much is stopped, and one that takes what it may is not.

use nucleus_jail::{Exit, JailSpec, Limits, Upper};

use crate::fixture::{output, over, overlay, python, run, sh};

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
