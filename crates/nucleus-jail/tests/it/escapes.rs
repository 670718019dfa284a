//! Attempts to leave a jail by its kernel interface, each with what must still work.

use std::io::{Read, Write};
use std::net::TcpListener;

use nucleus_jail::{Exit, JailSpec, Layer, Stdio, UnixSockets};

use crate::fixture::{is_root, jail_program, launcher, output, python, run, sh, spec};

/// Prints the errno name of each raw call.
const CALLS: &str = r#"
import ctypes, errno, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *args):
    ctypes.set_errno(0)
    r = libc.syscall(*args)
    print(name, 'ok' if r >= 0 else errno.errorcode[ctypes.get_errno()])
"#;

fn calls(lines: &str) -> String {
    output(python(&format!("{CALLS}{lines}")))
}

#[test]
fn every_layer_holds_here() {
    let jail = launcher().spawn(spec(&["/bin/true"])).unwrap();
    let missing: Vec<_> = jail.enforced().missing().map(|line| line.layer).collect();
    assert_eq!(missing, []);
    assert_eq!(jail.enforced().layers.len(), Layer::ALL.len());
    assert_ne!(jail.enforced().ids.host_uid, 0);
    assert_eq!(jail.wait().unwrap(), Exit::Code(0));
}

#[test]
fn every_namespace_is_its_own() {
    let inside = output(sh(
        "for n in user mnt pid net ipc uts cgroup; do readlink /proc/self/ns/$n; done; hostname",
    ));
    let lines: Vec<&str> = inside.lines().collect();
    for (line, name) in lines
        .iter()
        .zip(["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"])
    {
        let host = std::fs::read_link(format!("/proc/self/ns/{name}")).unwrap();
        assert_ne!(*line, host.to_str().unwrap());
    }
    assert_eq!(lines.last(), Some(&"jail"));
}

#[test]
fn no_process_of_a_jail_has_host_uid_0() {
    let jail = launcher().spawn(sh("sleep 100 & sleep 100")).unwrap();
    let status =
        |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let uids = |text: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix("Uid:"))
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let mut seen = 0;
    for pid in tree_of(jail.pid()) {
        for uid in uids(&status(pid)) {
            assert_ne!(uid, "0");
            seen += 1;
        }
    }
    assert!(
        seen >= 8,
        "the first process and the command were looked at"
    );
}

fn tree_of(root: u32) -> Vec<u32> {
    let mut all = vec![root];
    let mut next = 0;
    while next < all.len() {
        let pid = all[next];
        let children =
            std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        all.extend(
            children
                .split_whitespace()
                .filter_map(|word| word.parse::<u32>().ok()),
        );
        next += 1;
    }
    all
}

#[test]
fn the_command_has_no_capability_and_gains_none() {
    let status = output(sh(
        "grep -E '^(Cap|NoNewPrivs|Seccomp:|Groups)' /proc/self/status",
    ));
    let zero = "0000000000000000";
    for line in status.lines() {
        let (name, value) = line.split_once(':').unwrap();
        let value = value.trim();
        match name {
            "NoNewPrivs" => assert_eq!(value, "1"),
            "Seccomp" => assert_eq!(value, "2"),
            "Groups" => assert!(!is_root() || value.is_empty(), "{value}"),
            _ => assert_eq!(value, zero, "{name}"),
        }
    }
}

#[test]
fn only_the_named_environment_is_there_and_only_three_descriptors() {
    let ran = output(spec(&["/usr/bin/env"]));
    let mut names: Vec<&str> = ran.lines().collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "HOME=/home",
            "LANG=C.UTF-8",
            "PATH=/usr/local/bin:/usr/bin:/bin"
        ]
    );
    assert_eq!(
        output(python(
            "import os; print([f for f in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{f}')])"
        )),
        "['0', '1', '2']\n"
    );
}

#[test]
fn the_callers_environment_is_nowhere_in_proc() {
    let script = r#"
import glob
for path in glob.glob('/proc/*/environ') + glob.glob('/proc/*/task/*/environ') + glob.glob('/proc/*/cmdline'):
    try: print(path, open(path, 'rb').read())
    except OSError as e: print(path, e.errno)
"#;
    let caller = std::process::Command::new(jail_program())
        .args(["run", "--", "/usr/bin/python3", "-c", script])
        .env("NUCLEUS_CANARY", "c4n4ry")
        .output()
        .unwrap();
    let all = String::from_utf8_lossy(&caller.stdout);
    assert!(caller.status.success() && !all.contains("c4n4ry"), "{all}");
    assert!(
        all.contains("/proc/1/environ 13"),
        "PID 1 answers EACCES: {all}"
    );
    assert!(all.contains("HOME=/home"), "its own is readable: {all}");
}

#[test]
fn the_first_process_can_be_neither_read_traced_nor_signalled() {
    let script = r#"
import os
for path in ['environ', 'mem', 'root', 'cwd', 'fd', 'exe', 'maps']:
    try:
        p = '/proc/1/' + path
        print(path, os.listdir(p) if path in ('root', 'cwd', 'fd') else open(p, 'rb').read(1))
    except OSError as e: print(path, e.errno)
for signal in (0, 9, 19):
    try: os.kill(1, signal); print('kill', signal, 'ok')
    except OSError as e: print('kill', signal, e.errno)
os.kill(os.getpid(), 0); print('own ok')
"#;
    let all = output(python(script));
    for path in ["environ", "mem", "root", "cwd", "fd", "exe", "maps"] {
        assert!(all.contains(&format!("{path} 13\n")), "{all}");
    }
    for signal in ["0", "9", "19"] {
        assert!(all.contains(&format!("kill {signal} 1\n")), "{all}");
    }
    assert!(all.contains("own ok"));
}

#[test]
fn processes_outside_have_no_number_inside() {
    let numbers = output(sh(
        "ls /proc | grep -E '^[0-9]+$' | wc -l; kill -0 $PPID 2>&1; ps -A -o pid= 2>/dev/null | wc -l",
    ));
    let count: usize = numbers.lines().next().unwrap().trim().parse().unwrap();
    assert!(count <= 6, "{numbers}");
}

#[test]
fn kernel_interfaces_beyond_the_jail_are_refused() {
    #[cfg(target_arch = "x86_64")]
    let numbers = r#"
NR = dict(unshare=(272, 0x10000000), mount=(165, 0, 0, 0, 0, 0), umount2=(166, b'/tmp', 2), setns=(308, 0, 0), chroot=(161, b'/tmp'),
 pivot_root=(155, b'.', b'.'), ptrace=(101, 16, 1, 0, 0), process_vm_readv=(310, 1, 0, 0, 0, 0, 0), pidfd_getfd=(438, 0, 0, 0), bpf=(321, 0, 0, 0),
 io_uring_setup=(425, 1, 0), userfaultfd=(323, 0), perf_event_open=(298, 0, 0, 0, 0, 0), keyctl=(250, 0, 0), add_key=(248, 0, 0, 0, 0, 0),
 open_by_handle_at=(304, 0, 0, 0), name_to_handle_at=(303, 0, 0, 0, 0, 0), kexec_load=(246, 0, 0, 0, 0), init_module=(175, 0, 0, 0), syslog=(103, 3, 0, 0),
 fsopen=(430, b'tmpfs', 0), open_tree=(428, -100, b'/', 1), move_mount=(429, 0, 0, 0, 0, 0), mount_setattr=(442, 0, 0, 0, 0, 0), fanotify_init=(300, 0, 0),
 sethostname=(170, b'x', 1), settimeofday=(164, 0, 0), swapon=(167, 0, 0), reboot=(169, 0, 0, 0, 0), acct=(163, 0), quotactl=(179, 0, 0, 0, 0), kcmp=(312, 1, 1, 0, 0, 0),
 modify_ldt=(154, 0, 0, 0), iopl=(172, 3), clone_newuser=(56, 0x10000011, 0, 0, 0, 0), clone_newnet=(56, 0x40000011, 0, 0, 0, 0))
for name, args in NR.items(): call(name, *args)
call('x32', 0x40000000 | 39)
call('clone3', 435, 0, 0)
call('newer', 600)
call('getpid', 39)
"#;
    #[cfg(target_arch = "aarch64")]
    let numbers = "NR = dict(unshare=(97, 0x10000000))\nfor name, args in NR.items(): call(name, *args)\ncall('x32', 97, 0x10000000)\ncall('clone3', 435, 0, 0)\ncall('newer', 600)\ncall('getpid', 172)\n";
    let all = calls(numbers);
    for line in all.lines() {
        let (name, answer) = line.split_once(' ').unwrap();
        let expected = match name {
            "getpid" => "ok",
            "clone3" | "newer" => "ENOSYS",
            _ => "EPERM",
        };
        assert_eq!(answer, expected, "{name}");
    }
    assert!(all.lines().count() > 4);
}

#[test]
fn sockets_of_other_families_are_refused_and_the_usual_ones_work() {
    let script = r#"
import errno, socket
def sock(name, *args):
    try: socket.socket(*args).close(); print(name, 'ok')
    except OSError as e: print(name, errno.errorcode[e.errno])
sock('unix', socket.AF_UNIX, socket.SOCK_STREAM); sock('packet', 17, socket.SOCK_RAW); sock('vsock', 40, socket.SOCK_STREAM)
sock('alg', 38, socket.SOCK_SEQPACKET); sock('audit', 16, socket.SOCK_RAW, 9); sock('raw', socket.AF_INET, socket.SOCK_RAW, 1)
sock('sctp', socket.AF_INET, socket.SOCK_STREAM, 132); sock('bluetooth', 31, socket.SOCK_RAW)
sock('tcp', socket.AF_INET, socket.SOCK_STREAM); sock('tcp6', socket.AF_INET6, socket.SOCK_STREAM); sock('udp', socket.AF_INET, socket.SOCK_DGRAM)
sock('route', 16, socket.SOCK_RAW, 0)
a, b = socket.socketpair(); a.send(b'x'); print('pair', b.recv(1))
"#;
    let refused = [
        "unix",
        "packet",
        "vsock",
        "alg",
        "audit",
        "raw",
        "sctp",
        "bluetooth",
    ];
    let all = output(python(script));
    for name in refused {
        assert!(all.contains(&format!("{name} EPERM\n")), "{name}: {all}");
    }
    for name in ["tcp", "tcp6", "udp", "route"] {
        assert!(all.contains(&format!("{name} ok\n")), "{name}: {all}");
    }
    assert!(all.contains("pair b'x'"));
    let private = output(JailSpec {
        unix_sockets: UnixSockets::Private,
        ..python(script)
    });
    assert!(
        private.contains("unix ok\n") && private.contains("packet EPERM\n"),
        "{private}"
    );
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_32_bit_call_is_refused() {
    // mov eax, 20 (getpid of i386); int 0x80; ret
    let script = r#"
import ctypes, mmap
m = mmap.mmap(-1, 4096, prot=7)
m.write(b'\xb8\x14\x00\x00\x00\xcd\x80\xc3')
f = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))
print(f())
"#;
    assert_eq!(output(python(script)), "-1\n");
}

#[test]
fn system_settings_are_read_only_and_the_own_process_is_not() {
    let script = r#"
for path in /proc/sys/kernel/core_pattern /proc/sys/net/ipv4/ip_forward /proc/sys/user/max_user_namespaces /proc/sys/kernel/hostname /proc/sysrq-trigger; do
  (echo 1 > $path) 2>/dev/null && echo "$path written"
done
test -e /sys && echo sys
cat /proc/sys/kernel/ostype && head -c 9 /proc/meminfo && echo && cat /proc/self/comm"#;
    assert_eq!(output(sh(script)), "Linux\nMemTotal:\ncat\n");
}

#[test]
fn nothing_but_the_views_exists() {
    let all = output(sh(
        "ls -A /; ls -A /home /tmp /dev/shm; cat /root/x /etc/shadow /etc/machine-id 2>&1 | grep -c 'No such'; touch /x /usr/x /etc/x 2>&1 | grep -c 'Read-only'; mount | grep -c ' / '",
    ));
    let lines: Vec<&str> = all.lines().collect();
    assert!(
        lines.contains(&"etc")
            && lines.contains(&"usr")
            && !lines.contains(&"root")
            && !lines.contains(&"work"),
        "{all}"
    );
    assert_eq!(
        &lines[lines.len() - 3..lines.len() - 1],
        ["3", "3"],
        "{all}"
    );
}

#[test]
fn setuid_programs_give_nothing() {
    let script = "cp /usr/bin/id /tmp/id && chmod 4755 /tmp/id && /tmp/id -u; id -u; mount | grep ' /usr ' | grep -c nosuid; mount | grep ' /tmp ' | grep -c nosuid";
    let all = output(sh(script));
    let lines: Vec<&str> = all.lines().collect();
    assert_eq!(lines[0], lines[1]);
    assert_eq!(lines[2..], ["1", "1"]);
}

#[test]
fn dialling_out_fails_and_the_handed_port_reaches_the_host() {
    let outside = TcpListener::bind("127.0.0.1:0").unwrap();
    let outside_port = outside.local_addr().unwrap().port();
    let script = format!(
        r#"
import socket, errno, sys
def dial(host, port):
    s = socket.socket(); s.settimeout(5)
    try: s.connect((host, port)); return s
    except OSError as e: print(host, errno.errorcode.get(e.errno, e))
dial('192.0.2.1', 80); dial('127.0.0.1', {outside_port}); dial('169.254.169.254', 80)
try: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53)); print('sent')
except OSError as e: print('udp', errno.errorcode[e.errno])
s = dial('127.0.0.1', 8399); s.sendall(b'hello'); print(s.recv(9).decode())
"#
    );
    let (mut read, write) = std::io::pipe().unwrap();
    let null = || {
        std::fs::File::options()
            .read(true)
            .write(true)
            .open("/dev/null")
            .unwrap()
            .into()
    };
    let stdio = Stdio::Fds {
        stdin: null(),
        stdout: write.into(),
        stderr: null(),
    };
    let mut jail = launcher()
        .spawn(JailSpec {
            ports: vec![8399],
            stdio,
            ..python(&script)
        })
        .unwrap();
    let (port, listener) = jail.take_listeners().pop().unwrap();
    assert_eq!(port, 8399);
    let (mut client, _) = listener.accept().unwrap();
    let mut hello = [0; 5];
    client.read_exact(&mut hello).unwrap();
    client.write_all(b"from host").unwrap();
    let mut all = String::new();
    read.read_to_string(&mut all).unwrap();
    assert_eq!(jail.wait().unwrap(), Exit::Code(0));
    assert_eq!(hello, *b"hello");
    assert_eq!(
        all,
        "192.0.2.1 ENETUNREACH\n127.0.0.1 ECONNREFUSED\n169.254.169.254 ENETUNREACH\nudp ENETUNREACH\nfrom host\n"
    );
    outside.set_nonblocking(true).unwrap();
    assert!(
        outside.accept().is_err(),
        "nobody reached the host's own loopback"
    );
}

#[test]
fn the_port_of_the_host_cannot_be_taken_over_inside() {
    let script = r#"
import socket
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
try: s.bind(('127.0.0.1', 8399)); s.listen(); print('taken')
except OSError as e: print(e.errno)
t = socket.socket(); t.bind(('127.0.0.1', 8400)); print('other ok')
"#;
    let ran = run(JailSpec {
        ports: vec![8399],
        ..python(script)
    });
    assert_eq!(ran.out, "98\nother ok\n", "{}", ran.err);
    drop(ran.jail);
}

#[test]
fn a_terminal_of_the_jails_own_works_and_cannot_be_typed_into() {
    let script = r#"
import fcntl, os, termios
print('tty', os.isatty(0), os.ttyname(0), os.get_terminal_size())
os.close(os.open('/dev/tty', os.O_RDWR)); print('controlling')
for name, request in (('TIOCSTI', 0x5412), ('TIOCLINUX', 0x541c), ('TIOCSETD', 0x5423)):
    try: fcntl.ioctl(0, request, b'x'); print(name, 'ok')
    except OSError as e: print(name, e.errno)
"#;
    let mut jail = launcher()
        .spawn(JailSpec {
            stdio: Stdio::Terminal { rows: 30, cols: 90 },
            ..python(script)
        })
        .unwrap();
    let mut master = std::fs::File::from(jail.take_terminal().unwrap());
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(len) = master.read(&mut chunk) {
        if len == 0 {
            break;
        }
        bytes.extend_from_slice(&chunk[..len]);
    }
    let text = String::from_utf8_lossy(&bytes).replace('\r', "");
    assert_eq!(
        text,
        "tty True /dev/pts/0 os.terminal_size(columns=90, lines=30)\ncontrolling\nTIOCSTI 1\nTIOCLINUX 1\nTIOCSETD 1\n"
    );
}

#[test]
fn without_a_terminal_there_is_no_controlling_one() {
    let ran = run(sh(
        "exec 2>/dev/null; (echo x > /dev/tty) || echo none; ps -o tty= -p $$ 2>/dev/null; echo > /dev/null && echo null",
    ));
    assert!(
        ran.out.starts_with("none\n") && ran.out.ends_with("null\n"),
        "{}",
        ran.out
    );
}

#[test]
fn files_of_the_host_are_not_reached_by_proc_aliases() {
    let dir = tempfile::tempdir().unwrap();
    let canary = dir.path().join("canary");
    std::fs::write(&canary, "secret").unwrap();
    let path = canary.display();
    let script = format!(
        "for root in '' /proc/self/root /proc/1/root /proc/thread-self/root /proc/self/cwd/..; do cat $root{path} 2>/dev/null && echo REACHED; done; cat /proc/self/root/etc/hosts"
    );
    assert_eq!(output(sh(&script)), "127.0.0.1 localhost\n");
}
