//! Rows of sections A and E about who is asked and what stands in: other file systems, the session bus, clocks, fatigue, children.

use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Output, Stdio};

use serde_json::json;

use crate::fixture::{Scene, agent, command, is_root, nucleus, skip, tool};

/// Starts a session of nothing over `ws` on a file system of this kind, in a mount namespace of its own.
///
/// `None` where the kernel has no such file system, or nobody here may mount it.
fn over(scene: &Scene, kind: &str, options: &str) -> Option<Output> {
    const NO_SUCH: i32 = 77;
    let script = format!(
        "mount -t {kind} -o {options} none \"$1\" || exit {NO_SUCH}; mkdir -m 755 \"$1/ws\"; \
         case {options} in *casefold*) chattr +F \"$1/ws\";; esac; echo x > \"$1/ws/name\"; shift; exec \"$@\""
    );
    let place = scene.at("mounted");
    std::fs::create_dir_all(&place).unwrap();
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", &script, "sh"])
        .arg(&place)
        .arg(nucleus())
        .args(["run", "--profile", "fix-issue", "--dir"])
        .arg(place.join("ws"))
        .args(["--", "true"])
        .env_clear()
        .envs(scene.environment())
        .output()
        .unwrap();
    (output.status.code() != Some(NO_SUCH)).then_some(output)
}

#[test]
fn a7_a_file_system_with_other_rules_for_names_is_no_workspace() {
    if !is_root() {
        // What is refused does not depend on who asks.
        return skip(
            "trust::a7_a_file_system_with_other_rules_for_names_is_no_workspace",
            "root, who mounts without a user namespace",
        );
    }
    let scene = Scene::new();
    let refused = |output: &Output, words: &str| {
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(125), "{said}");
        assert!(said.contains(words), "{said}");
    };
    let unknown = over(&scene, "ramfs", "mode=755").unwrap();
    refused(&unknown, "not known to hold");
    // Few kernels have it: where one does, both names of a protected file would be one.
    if let Some(folding) = over(&scene, "tmpfs", "mode=755,casefold") {
        refused(&folding, "one name");
    }
    let plain = over(&scene, "tmpfs", "mode=755").unwrap();
    let said = String::from_utf8_lossy(&plain.stderr);
    assert_eq!(plain.status.code(), Some(0), "the twin: {said}");
}

#[test]
fn a17_nothing_reads_on_behalf_of_the_agent() {
    let scene = Scene::new();
    let bus = UnixListener::bind(scene.at("home/bus")).unwrap();
    bus.set_nonblocking(true).unwrap();
    // What a daemon of the user's would show of other places.
    scene.put("run/gvfs/secret.txt", scene.canary());
    let code = "
def unix(path):
    s = socket.socket(socket.AF_UNIX); s.connect(path); return 'connected'
def gio(what):
    done = subprocess.run(['gio', 'cat', what], capture_output=True, timeout=60)
    if done.returncode: raise ValueError(done.stderr.decode())
    return done.stdout.decode()
def by_daemon(what):
    os.environ['DBUS_SESSION_BUS_ADDRESS'] = 'unix:path=' + HOME + '/bus'
    return gio(what)
got = each(bus=lambda: unix(HOME + '/bus'), mount=lambda: slurp(RUN + '/gvfs/secret.txt'), mine=lambda: slurp('/run/user/%d/gvfs' % os.getuid()),
    file=lambda: by_daemon('file://' + OUT + '/secret.txt'), test=lambda: by_daemon('localtest://' + OUT + '/secret.txt'), admin=lambda: by_daemon('admin://' + OUT + '/secret.txt'),
    fuse=lambda: os.open('/dev/fuse', os.O_RDWR))
";
    let bus_address = format!("unix:path={}", scene.at("home/bus").display());
    let session = scene
        .session()
        .word("RUN", json!(scene.at("run")))
        .env("DBUS_SESSION_BUS_ADDRESS", &bus_address)
        .env("XDG_RUNTIME_DIR", scene.at("run").to_str().unwrap());
    let ended = session.run(&[
        agent(code),
        command(code),
        command("got = slurp('a.txt').decode()"),
    ]);
    ended.assert_sound();
    for told in &ended.told[..2] {
        let got = told.got();
        assert_eq!(got["bus"]["errno"], "EPERM", "jail, sockets: {got}");
        for missing in ["mount", "mine", "fuse"] {
            assert_eq!(
                got[missing]["errno"], "ENOENT",
                "jail, views: {missing}: {got}"
            );
        }
        for by in ["file", "test", "admin"] {
            let failed = got[by]["error"].is_string() || got[by]["errno"] == "ENOENT";
            assert!(failed, "{by}: {got}");
        }
        assert!(!got.to_string().contains(scene.canary()), "{got}");
    }
    assert!(
        bus.accept().is_err(),
        "somebody asked the user's session bus"
    );
    assert_eq!(
        ended.told[2].got(),
        "first\n",
        "the twin: its own files need nobody"
    );
    // The trap works: who is not in a jail does reach it.
    let _reached = UnixStream::connect(scene.at("home/bus")).unwrap();
    assert!(bus.accept().is_ok());
}

/// Every write asks.
const ASKING: &str = "
version = 1
[capabilities]
read_files = \"always\"
write_files = \"always\"
run_bash = \"always\"
[commands]
listed = \"everything\"
[obligations]
approvals = [\"write_files\"]
[budget]
max_cost_usd = 5.0
";

/// `nucleus` on a terminal on which this is typed.
fn typed(scene: &Scene, args: &[&str], answer: &str) -> String {
    const TERMINAL: &str = "
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0: os.execv(sys.argv[2], sys.argv[2:])
said = b''
while True:
    try: part = os.read(terminal, 65536)
    except OSError: break
    if not part: break
    said += part
    if said.endswith((b'[y/N] ', b'to go on: ')): os.write(terminal, sys.argv[1].encode() + b'\\n')
os.waitpid(pid, 0)
sys.stdout.buffer.write(said)
";
    let output = Command::new("/usr/bin/python3")
        .args(["-c", TERMINAL, answer])
        .arg(nucleus())
        .args(args)
        .env_clear()
        .envs(scene.environment())
        .current_dir(scene.workspace())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).replace('\r', "")
}

#[test]
fn e9_a_hundred_harmless_changes_do_not_carry_the_bad_one_through() {
    let scene = Scene::new();
    let code = "
for at in range(100): put('notes/%d.txt' % at, 'fine')
put('.envrc', 'touch pwned')
";
    let ended = scene.session().policy(ASKING).run(&[command(code)]);
    ended.assert_sound();
    // Nobody was asked while the agent ran: fatigue needs somebody who answers.
    assert!(!ended.stderr.contains("[y/N]"), "{}", ended.stderr);
    let said = typed(&scene, &["apply", "--all"], "y");
    let question = said
        .split("this machine would run or obey:\n")
        .nth(1)
        .unwrap_or_else(|| panic!("{said}"));
    assert!(
        question.starts_with("  .envrc\nland 1"),
        "it is named last: {question}"
    );
    assert!(
        said.contains("nothing was changed") && !scene.exists("ws/.envrc"),
        "{said}"
    );
    let count = question
        .split(" changes")
        .next()
        .unwrap()
        .rsplit(' ')
        .next()
        .unwrap()
        .to_owned();
    let said = typed(&scene, &["apply", "--all"], &count);
    assert!(
        scene.exists("ws/.envrc") && scene.exists("ws/notes/99.txt"),
        "the twin: {said}"
    );
}

#[test]
fn e7_a_clock_set_back_gives_no_second_use() {
    let scene = Scene::new();
    scene
        .session()
        .run(&[command("put('.envrc', 'x')")])
        .assert_sound();
    let apply = |before: &[&str]| {
        let mut words: Vec<String> = before.iter().map(|word| (*word).to_owned()).collect();
        words.push(nucleus().display().to_string());
        words.extend(["apply", "--yes", ".envrc"].map(str::to_owned));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        scene.host(&words)
    };
    let first = apply(&[]);
    assert!(first.status.success(), "the twin: {first:?}");
    std::fs::remove_file(scene.at("ws/.envrc")).unwrap();
    // The boot clock shows a time before the approval was given.
    let past = [
        "unshare",
        "--user",
        "--map-root-user",
        "--time",
        "--boottime",
        "-20",
        "--",
    ];
    let again = apply(&past);
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(
        !again.status.success() && !scene.exists("ws/.envrc"),
        "{said}"
    );
    assert!(said.contains("nothing is held back"), "{said}");
}

#[test]
fn e10_no_session_below_or_after_has_more_than_its_user_gives() {
    let scene = Scene::new();
    let wide = "version = 1\n[capabilities]\nread_files = \"always\"\ngit_push = \"always\"\n";
    let inside = "
done = subprocess.run(['/opt/nucleus/bin/nucleus', 'run', '--local', '--profile', 'full', '--', 'cat', OUT + '/secret.txt'], capture_output=True)
got = {'code': done.returncode, 'out': (done.stdout + done.stderr).decode()}
";
    let ended = scene.session().run(&[
        agent(inside),
        tool(
            "write",
            json!({ "path": "permissions.toml", "content": wide }),
        ),
    ]);
    ended.assert_sound();
    let got = ended.told[0].got();
    assert_eq!(got["code"], 125, "jail: no session within a session: {got}");
    assert!(
        !got["out"].as_str().unwrap().contains(scene.canary()),
        "{got}"
    );
    assert_eq!(ended.told[1].layer(), "policy: activation_path");
    assert!(!scene.exists("ws/permissions.toml"));
    // Even once it lies there, a project's file gives nothing that its user does not.
    scene.put("ws/permissions.toml", wide);
    scene.put(
        "config/nucleus/policy.toml",
        "version = 1\n[capabilities]\nread_files = \"always\"\n",
    );
    let output = scene.nucleus(&["run", "--", "true"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(125), "{said}");
    assert!(
        said.contains("permissions.toml:4") && said.contains("git_push"),
        "{said}"
    );
    scene.put(
        "ws/permissions.toml",
        "version = 1\n[capabilities]\nread_files = \"low_risk\"\n",
    );
    let output = scene.nucleus(&["run", "--", "true"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(0),
        "the twin: a narrower one counts: {said}"
    );
}

/// Programs that the host starts for a session, as an agent would leave them where a virtual environment has them.
#[test]
fn no_program_of_the_workspace_runs_on_the_host() {
    use std::os::unix::fs::PermissionsExt as _;

    let scene = Scene::new();
    let marker = scene.at("ran");
    let planted = |dir: &str, name: &str| {
        let file = format!("{dir}/{name}");
        scene.put(
            &file,
            &format!(
                "#!/bin/sh\necho {name} >> {}\necho planted-value-1234\n",
                marker.display()
            ),
        );
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(scene.at(&file), mode).unwrap();
    };
    for name in [
        "python3",
        "npm",
        "go",
        "apt-get",
        "git",
        "secret-tool",
        "keyctl",
        "reveal",
    ] {
        planted("ws/.venv/bin", name);
    }
    let path = format!(
        "{}:/usr/local/bin:/usr/bin:/bin",
        scene.at("ws/.venv/bin").display()
    );
    let policy = |more: &str| {
        format!(
            "version = 1\n[capabilities]\nread_files = \"always\"\nweb_fetch = \"low_risk\"\n[network]\ngroups = [\"registries\"]\n{more}"
        )
    };
    let start = |more: &str, path: &str| {
        let session = scene.session().policy(&policy(more)).env("PATH", path);
        session.run(&[tool("read", json!({ "path": "a.txt" }))])
    };
    let ended = start("", &path);
    ended.assert_sound();
    assert_eq!(ended.told[0].text(), "first\n");
    assert!(!marker.exists(), "{}", scene.read("ran"));

    let bound = "[[credentials.bindings]]\nname = \"OPS_KEY\"\ncommand = [\"reveal\"]\nhosts = [\"api.test\"]\n";
    let refused = start(bound, &path);
    assert_eq!(refused.code, Some(125), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("outside the workspace"),
        "{}",
        refused.stderr
    );
    assert!(!marker.exists(), "{}", scene.read("ran"));

    // Another workspace's programs are as much an agent's: a session has run there.
    planted("other/bin", "reveal");
    let other = scene.at("other");
    let mut session = scene.nucleus(&["run", "--local", "--dir"]);
    let ran = session.arg(&other).args(["--", "/bin/true"]).output();
    assert!(ran.unwrap().status.success());
    let through_other = format!("{}:{path}", other.join("bin").display());
    let refused = start(bound, &through_other);
    assert_eq!(refused.code, Some(125), "{}", refused.stderr);
    assert!(!marker.exists(), "{}", scene.read("ran"));

    // The twin: the same program of the host's own is asked.
    planted("tools", "reveal");
    let twin = start(bound, &format!("{path}:{}", scene.at("tools").display()));
    twin.assert_sound();
    assert_eq!(scene.read("ran"), "reveal\n");
}
