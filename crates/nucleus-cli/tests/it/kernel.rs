//! Section D: sockets, processes and kernel interfaces, from the agent's own process and from a command of a real session.

use std::os::unix::net::UnixListener;
use std::process::Command;

use serde_json::{Value, json};

use crate::fixture::{Ended, Scene, Step, Traps, agent, command, nucleus, skip, tool};

fn both(code: &str) -> [Step; 2] {
    [agent(code), command(code)]
}

/// Runs the code at both places with the traps set; nothing may be reached.
fn attacked(scene: &Scene, code: &str) -> Ended {
    let traps = Traps::set(&scene.out());
    let before = scene.outside();
    let ended = scene.session().traps(&traps).run(&both(code));
    ended.assert_sound();
    assert_eq!(ended.told.len(), 2, "{}", ended.stdout);
    assert_eq!(scene.outside(), before);
    traps.assert_silent();
    ended
}

/// Each of these tries must fail with one of these errors, at both places.
fn assert_refused(ended: &Ended, skip: &[&str], allowed: &[&str]) {
    for told in &ended.told {
        let tries = told
            .got()
            .as_object()
            .unwrap_or_else(|| panic!("{}", told.0));
        for (name, found) in tries
            .iter()
            .filter(|(name, _)| !skip.contains(&name.as_str()))
        {
            let errno = found["errno"].as_str().unwrap_or("none");
            assert!(allowed.contains(&errno), "{name}: {found}");
        }
    }
}

/// Python by the tool `run` that fills something up: a busy machine takes its time.
fn patient(code: &str) -> Step {
    Step(json!({ "command": code, "extra": { "timeout_seconds": 600 } }))
}

fn worked(found: &Value) -> bool {
    found["got"].is_string()
}

#[test]
fn d1_to_d3_no_socket_of_the_host_is_reached() {
    let scene = Scene::new();
    let listening: Vec<UnixListener> = [
        "docker.sock",
        "bus",
        "agent.1",
        "S.gpg-agent",
        "X0",
        "pipewire-0",
        "tmux-default",
        "vscode-ipc.sock",
        "watchman.sock",
    ]
    .iter()
    .map(|name| UnixListener::bind(scene.at("home").join(name)).unwrap())
    .collect();
    for listener in &listening {
        listener.set_nonblocking(true).unwrap();
    }
    let code = "
def unix(path):
    s = socket.socket(socket.AF_UNIX); s.connect(path); return 'connected'
def pair():
    a, b = socket.socketpair(); a.send(b'x'); return b.recv(1)
tries = {'named': lambda: unix(SOCK), 'abstract': lambda: unix('\\0nucleus-e2e-' + OUT), 'datagram': lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM),
    'seqpacket': lambda: socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET), 'raw call': lambda: call(41, 1, 1, 0)}
for name in ('docker.sock', 'bus', 'agent.1', 'S.gpg-agent', 'X0', 'pipewire-0', 'tmux-default', 'vscode-ipc.sock', 'watchman.sock'):
    tries[name] = lambda name=name: unix(HOME + '/' + name)
for path in ('/var/run/docker.sock', '/run/dbus/system_bus_socket', '/run/user/1000/bus', '/tmp/.X11-unix/X0', '/run/containerd/containerd.sock'):
    tries[path] = lambda path=path: unix(path)
tries['pair'] = pair
for name in ('DBUS_SESSION_BUS_ADDRESS', 'SSH_AUTH_SOCK', 'DISPLAY', 'WAYLAND_DISPLAY', 'TMUX', 'GPG_AGENT_INFO'):
    if name in os.environ: tries['environment ' + name] = lambda: name
got = each(**tries)
";
    let traps = Traps::set(&scene.out());
    let session = scene
        .session()
        .traps(&traps)
        .env("SSH_AUTH_SOCK", scene.at("home/agent.1").to_str().unwrap())
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/user/1000/bus");
    let ended = session.run(&both(code));
    ended.assert_sound();
    assert_refused(&ended, &["pair"], &["EPERM"]);
    assert!(
        ended.told.iter().all(|told| worked(&told.got()["pair"])),
        "the twin: a pair of its own works"
    );
    traps.assert_silent();
    assert!(
        listening.iter().all(|listener| listener.accept().is_err()),
        "a listener of the home was reached"
    );
}

#[test]
fn d3_no_address_of_the_host_is_reached() {
    let scene = Scene::new();
    let code = "
def tcp(host, port):
    s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET); s.settimeout(5); s.connect((host, port)); return 'connected'
def udp(host, port):
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'leak', (host, port))
tries = {'tcp %s' % host: (lambda host=host: tcp(host, TCP)) for host in ('127.0.0.1', '127.0.0.2', '0.0.0.0', '192.0.2.1', '169.254.169.254', '::1', '::ffff:127.0.0.1')}
tries['udp out'] = lambda: udp('192.0.2.1', 53)
got = each(**tries)
udp_own = each(own=lambda: udp('127.0.0.1', UDP))['own']
listener = socket.socket(); listener.bind(('127.0.0.1', 0)); listener.listen()
got['own'] = each(own=lambda: tcp('127.0.0.1', listener.getsockname()[1]))['own']
";
    let ended = attacked(&scene, code);
    assert_refused(
        &ended,
        &["own"],
        &[
            "ECONNREFUSED",
            "ENETUNREACH",
            "EADDRNOTAVAIL",
            "EHOSTUNREACH",
        ],
    );
    assert!(
        ended.told.iter().all(|told| worked(&told.got()["own"])),
        "the twin: its own loopback works"
    );
}

#[test]
fn d5_d17_no_environment_and_no_command_line_of_the_host_is_seen() {
    let scene = Scene::new();
    let code = "
seen, found = 0, []
for path in glob.glob('/proc/*/environ') + glob.glob('/proc/*/cmdline') + glob.glob('/proc/*/task/*/environ') + ['/proc/self/environ']:
    try: data = open(path, 'rb').read()
    except OSError: continue
    seen += 1
    if b'c4n4' + b'ry-' in data or b'XDG_STATE' in data or b'--profile' in data: found.append(path)
got = {'seen': seen, 'found': found, 'processes': len([p for p in os.listdir('/proc') if p.isdigit()]), 'own': b'HOME=' in slurp('/proc/self/environ')}
";
    let session = scene
        .session()
        .env("SECRET_OF_THE_LAUNCHER", scene.canary());
    let ended = session.run(&both(code));
    ended.assert_sound();
    for told in &ended.told {
        assert_eq!(told.got()["found"], json!([]));
        assert!(
            told.got()["seen"].as_u64() > Some(1) && told.got()["processes"].as_u64() < Some(10),
            "{}",
            told.got()
        );
        assert_eq!(
            told.got()["own"],
            true,
            "the twin: its own environment is readable"
        );
    }
}

#[test]
fn d6_no_process_of_the_host_is_signalled_traced_or_read() {
    let scene = Scene::new();
    let code = "
tries = {}
for pid in (1, PID, PARENT):
    tries.update({'kill 0 %d' % pid: lambda pid=pid: os.kill(pid, 0), 'kill 9 %d' % pid: lambda pid=pid: os.kill(pid, 9),
        'trace %d' % pid: lambda pid=pid: call(101, 16, pid, 0, 0), 'read %d' % pid: lambda pid=pid: call(310, pid, 0, 0, 0, 0, 0),
        'write %d' % pid: lambda pid=pid: call(311, pid, 0, 0, 0, 0, 0), 'mem %d' % pid: lambda pid=pid: open('/proc/%d/mem' % pid, 'rb').read(1),
        'limit %d' % pid: lambda pid=pid: __import__('resource').prlimit(pid, 7, (1, 1))})
for pid in (PID, PARENT):
    tries.update({'priority %d' % pid: lambda pid=pid: os.setpriority(os.PRIO_PROCESS, pid, 19), 'affinity %d' % pid: lambda pid=pid: os.sched_setaffinity(pid, {0})})
tries['descriptor'] = lambda: call(438, 3, 0, 0)
got = each(**tries)
got['own'] = each(own=lambda: os.kill(os.getpid(), 0))['own']
child = subprocess.Popen(['sleep', '60']); child.kill(); got['child'] = {'got': repr(child.wait())}
";
    // The shell writes its own number in place of this one, and becomes the monitor.
    let unknown = 4_040_404;
    let steps = scene.at("driver/steps.json").display().to_string();
    let become_known = format!("sed -i s/{unknown}/$$/ '{steps}'; exec \"$0\" \"$@\"");
    let session = scene
        .session()
        .word("PID", json!(unknown))
        .word("PARENT", json!(std::process::id()))
        .behind(["sh", "-c", &become_known].map(str::to_owned).to_vec());
    let ended = session.run(&both(code));
    let monitor = std::fs::read_to_string(steps).unwrap();
    assert!(
        !monitor.contains(&unknown.to_string()),
        "its number was known"
    );
    ended.assert_sound();
    assert_refused(
        &ended,
        &["own", "child"],
        &["EPERM", "ESRCH", "EACCES", "ENOENT"],
    );
    for told in &ended.told {
        assert!(
            worked(&told.got()["own"]) && told.got()["child"]["got"] == "-9",
            "the twin: its own processes are its own"
        );
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn d8_d9_the_kernels_wider_interfaces_are_refused() {
    let scene = Scene::new();
    let code = "
got = each(io_uring=lambda: call(425, 8, ctypes.create_string_buffer(120)), unshare_user=lambda: call(272, 0x10000000), unshare_mount=lambda: call(272, 0x20000),
    unshare_net=lambda: call(272, 0x40000000), clone_user=lambda: call(56, 0x10000011, 0, 0, 0, 0), mount=lambda: call(165, b'none', b'/tmp', b'tmpfs', 0, 0),
    umount=lambda: call(166, WS.encode(), 2), setns=lambda: call(308, os.open('/proc/self/ns/net', 0), 0), chroot=lambda: os.chroot('/tmp'),
    pivot=lambda: call(155, b'.', b'.'), bpf=lambda: call(321, 0, 0, 0), userfault=lambda: call(323, 0),
    perf=lambda: call(298, 0, 0, 0, 0, 0), handle=lambda: call(304, 0, 0, 0), fsopen=lambda: call(430, b'tmpfs', 0), open_tree=lambda: call(428, -100, b'/', 1),
    move_mount=lambda: call(429, 0, 0, 0, 0, 0), mount_setattr=lambda: call(442, 0, 0, 0, 0, 0), keyring=lambda: call(250, 0, 0), vsock=lambda: socket.socket(40, 1),
    packet=lambda: socket.socket(17, 3), raw=lambda: socket.socket(2, 3, 1), alg=lambda: socket.socket(38, 5), core_pattern=lambda: open('/proc/sys/kernel/core_pattern', 'w'),
    sysrq=lambda: open('/proc/sysrq-trigger', 'w'), mknod=lambda: os.mknod('/tmp/x', stat.S_IFBLK | 0o600, os.makedev(8, 0)), x32=lambda: call(0x40000000 | 39))
got['own'] = each(own=lambda: open('/proc/sys/kernel/ostype').read())['own']
got['unshare'] = {'errno': 'EPERM'} if sh('unshare -Urm true')['status'] else {'got': 'done'}
";
    let ended = attacked(&scene, code);
    assert_refused(
        &ended,
        &["own"],
        &["EPERM", "EACCES", "EROFS", "ENOENT", "ENOSYS"],
    );
    assert!(
        ended.told.iter().all(|told| worked(&told.got()["own"])),
        "the twin: what is harmless is readable"
    );
}

#[test]
fn d11_no_set_user_id_program_and_no_group_gives_more() {
    let scene = Scene::new();
    let code = "
ids = (os.getuid(), os.geteuid(), os.getgid())
shutil = __import__('shutil'); shutil.copy('/usr/bin/id', '/tmp/id'); os.chmod('/tmp/id', 0o4755)
status = open('/proc/self/status').read()
got = {'same': sh('/tmp/id -u')['out'].split() == [str(os.getuid())], 'uid0_host': [l.split()[1:] for l in open('/proc/self/uid_map')],
    'caps': [l.split()[1] for l in status.splitlines() if l.startswith('Cap')], 'nnp': 'NoNewPrivs:\\t1' in status, 'seccomp': 'Seccomp:\\t2' in status,
    'sudo': sh('sudo -n true || su -c true root || newgrp docker < /dev/null')['status'], 'setuid': each(setuid=lambda: os.setuid(0), setgroups=lambda: os.setgroups([0]))}
";
    let ended = attacked(&scene, code);
    for told in &ended.told {
        let got = told.got();
        assert_eq!(
            (&got["same"], &got["nnp"], &got["seccomp"]),
            (&json!(true), &json!(true), &json!(true)),
            "{got}"
        );
        assert!(
            got["caps"]
                .as_array()
                .unwrap()
                .iter()
                .all(|caps| caps == "0000000000000000"),
            "{got}"
        );
        assert!(
            got["uid0_host"]
                .as_array()
                .unwrap()
                .iter()
                .all(|map| map[0] != "0"),
            "host uid 0 is mapped: {got}"
        );
        assert_ne!(got["sudo"], 0);
        let setuid = got["setuid"]["setuid"]["errno"].as_str();
        // EINVAL where the number 0 is not mapped at all.
        assert!(matches!(setuid, Some("EPERM" | "EINVAL")), "{got}");
    }
}

#[test]
fn d13_floods_end_at_their_bound_and_the_session_goes_on() {
    let scene = Scene::new();
    let fork = "
children, stopped = [], None
try:
    for n in range(20000):
        pid = os.fork()
        if pid == 0: time.sleep(60); os._exit(0)
        children.append(pid)
except OSError as error: stopped = errno.errorcode[error.errno]
got = {'stopped': stopped, 'made': len(children)}
for pid in children: os.kill(pid, 9)
";
    let files = "
stopped, held = None, []
try:
    while len(held) < 100000: held.append(open('/dev/null'))
except OSError as error: stopped = errno.errorcode[error.errno]
got = {'stopped': stopped, 'made': len(held)}
";
    let disk = "
stopped, written = None, 0
try:
    with open('/tmp/big', 'wb', buffering=0) as file:
        while written < 4 << 30: written += file.write(b'x' * (1 << 20))
except OSError as error: stopped = errno.errorcode[error.errno]
got = {'stopped': stopped, 'made': written >> 20}
";
    let inodes = "
stopped, made = None, 0
try:
    os.makedirs('/tmp/many')
    while made < 500000:
        open('/tmp/many/%d' % made, 'w').close(); made += 1
except OSError as error: stopped = errno.errorcode[error.errno]
got = {'stopped': stopped, 'made': made}
";
    let steps = [
        command(fork),
        command(files),
        patient(disk),
        patient(inodes),
        tool(
            "run",
            json!({ "command": "sh -c 'yes flood | head -c 400000000'", "timeout_seconds": 120 }),
        ),
        command("x = []\nwhile True: x.append(bytearray(64 << 20))"),
        tool(
            "run",
            json!({ "command": "sleep 600", "timeout_seconds": 1 }),
        ),
        command("got = 6 * 7"),
    ];
    let ended = scene.session().run(&steps);
    ended.assert_sound();
    let stopped = |at: usize| {
        ended.told[at].got()["stopped"]
            .as_str()
            .unwrap_or("none")
            .to_owned()
    };
    assert_eq!(
        (stopped(0).as_str(), stopped(1).as_str()),
        ("EAGAIN", "EMFILE"),
        "{} {}",
        ended.told[0].0,
        ended.told[1].0
    );
    assert_eq!(stopped(2), "ENOSPC", "{}", ended.told[2].0);
    assert!(
        matches!(stopped(3).as_str(), "ENOSPC" | "ENOMEM" | "EDQUOT"),
        "{}",
        ended.told[3].0
    );
    assert!(
        ended.told[4].is_error() || ended.told[4].data()["is_cut"] == true,
        "ten times the cap is cut"
    );
    assert!(ended.told[4].text().len() < 4 << 20);
    assert!(
        ended.told[5].is_error() || ended.told[5].0["python"]["error"] == "MemoryError: ",
        "memory has a bound: {}",
        ended.told[5].0
    );
    assert!(ended.told[6].is_error(), "time has a bound");
    assert_eq!(
        ended.told[7].got(),
        42,
        "the twin: the session and the host go on"
    );
}

/// The session's command line under a namespace in which this shell text has run first, or `None` where there is no such namespace.
fn in_a_namespace(scene: &Scene, map: &[&str], script: &str) -> Option<std::process::Output> {
    let tried = Command::new("unshare")
        .args(map)
        .arg("true")
        .output()
        .unwrap();
    if !tried.status.success() {
        return None;
    }
    let wanted = scene.session().command(&[]);
    let mut command = Command::new("unshare");
    command
        .args(map)
        .args(["sh", "-c", script, "sh"])
        .arg(nucleus())
        .args(wanted.get_args());
    command
        .env_clear()
        .envs(scene.environment())
        .current_dir(scene.workspace());
    Some(command.output().unwrap())
}

#[test]
fn d15_without_user_namespaces_the_session_does_not_start_and_says_why() {
    let name = "d15_without_user_namespaces_the_session_does_not_start_and_says_why";
    let scene = Scene::new();
    let map = [
        "--user",
        "--map-user=1000",
        "--map-group=1000",
        "--keep-caps",
    ];
    let script = "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --inh-caps=-all --ambient-caps=-all \"$@\"";
    let Some(output) = in_a_namespace(&scene, &map, script) else {
        return skip(name, "a user namespace to refuse them in");
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(125), "{said}");
    assert!(
        said.contains("user-namespace"),
        "names the missing piece: {said}"
    );
    assert!(output.stdout.is_empty(), "nothing ran");
    assert_eq!(
        scene.session().run(&[]).code,
        Some(0),
        "the twin: where they are allowed it starts"
    );
}

#[test]
fn d15_a_root_without_its_powers_is_told_what_is_missing() {
    let name = "d15_a_root_without_its_powers_is_told_what_is_missing";
    let scene = Scene::new();
    let Some(output) = in_a_namespace(&scene, &["--user", "--map-root-user"], "exec \"$@\"") else {
        return skip(name, "a user namespace to be its root in");
    };
    let said = String::from_utf8_lossy(&output.stderr);
    // Either it works with what this root has, or it says which layer cannot be had and how to get it.
    if output.status.code() != Some(0) {
        assert_eq!(output.status.code(), Some(125), "{said}");
        assert!(
            said.contains("namespace") && said.contains("help"),
            "names the missing piece: {said}"
        );
    }
}
