//! `nucleus run --unsafe-without-namespaces`: what holds by Landlock and seccomp alone, and that nobody gets it by accident.

use std::process::Command;

use serde_json::json;

use crate::fixture::{Ended, Scene, Session, Step, agent, is_root, nucleus, open_to_all, tool};

const FLAG: &str = "--unsafe-without-namespaces";

/// What `unshare` runs: no further user namespace can be made below it.
const REFUSING: &str = "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --inh-caps=-all --ambient-caps=-all \"$0\" \"$@\"";

/// A user of the namespace, and its root.
const AS_USER: &[&str] = &["--map-user=1000", "--map-group=1000", "--keep-caps"];
const AS_ROOT: &[&str] = &["--map-root-user"];

/// The words before a program on a host that refuses user namespaces to whom they say.
fn refusing(who: &[&str]) -> Vec<String> {
    let words = [&["unshare", "--user"], who, &["sh", "-c", REFUSING]].concat();
    words.into_iter().map(str::to_owned).collect()
}

/// A session with the flag where an ordinary user has no namespaces; root's agent, who is another user, has none by the flag.
fn weaker<'a>(scene: &'a Scene, who: &[&str]) -> Session<'a> {
    let session = scene.session().args(&[FLAG]);
    if is_root() {
        open_to_all(&scene.at(""), 0o755);
        session
    } else {
        session.behind(refusing(who))
    }
}

/// The first record's layers of this state, and its boundary.
fn waived(ended: &Ended) -> (Vec<String>, String) {
    let first = ended.log().remove(0);
    let detail = &first.0["detail"];
    let layers = detail["layers"].as_array().unwrap().iter();
    let waived = layers.filter(|layer| layer["state"] == "waived");
    let names = waived.map(|layer| layer["name"].as_str().unwrap().to_owned());
    let boundary = detail["boundary"].as_str().unwrap().to_owned();
    (names.collect(), boundary)
}

#[test]
fn the_agent_works_by_the_file_tools_and_reaches_nothing_by_itself() {
    let scene = Scene::new();
    open_to_all(&scene.out(), 0o755);
    open_to_all(&scene.workspace(), 0o755);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let steps = [
        tool("read", json!({ "path": "a.txt" })),
        tool("read", json!({ "path": ".env" })),
        tool("write", json!({ "path": "new.txt", "content": "by the tool\n" })),
        tool("run", json!({ "command": "true" })),
        tool("git_status", json!({})),
        agent(
            "got = each(workspace=lambda: open(WS + '/a.txt').read(), listing=lambda: os.listdir(WS), home=lambda: open(HOME + '/.netrc').read(),
    beside=lambda: open(OUT + '/keep.txt').read(), write=lambda: open(OUT + '/x', 'w'), mode=lambda: os.chmod(OUT + '/keep.txt', 0),
    shadow=lambda: open('/etc/shadow').read(), tcp=lambda: socket.create_connection(('127.0.0.1', TCP), 5), udp=lambda: socket.socket(2, 2),
    unix=lambda: socket.socket(1, 1), parent=lambda: os.kill(PARENT, 0), environ=lambda: open('/proc/%d/environ' % PARENT).read(),
    own=lambda: open(os.environ['HOME'] + '/own', 'w').write('x'), system=lambda: len(os.listdir('/usr')))",
        ),
        agent("got = {name: os.environ.get(name) for name in ('HOME', 'NUCLEUS_MCP_PIPES')}; got['cwd'] = os.getcwd()"),
    ];
    let ended = weaker(&scene, AS_ROOT)
        .word("TCP", json!(listener.local_addr().unwrap().port()))
        .word("PARENT", json!(std::process::id()))
        .run(&steps);
    ended.assert_sound();
    let told = &ended.told;
    assert!(told[0].text().contains("first"), "{}", told[0].text());
    assert!(
        told[1].layer().starts_with("policy: "),
        "{}",
        told[1].layer()
    );
    assert_eq!(scene.read("ws/new.txt"), "by the tool\n");
    for refused in &told[3..5] {
        assert_eq!(refused.layer(), "policy: without_namespaces");
        assert!(
            refused.text().contains("commands need namespaces"),
            "{}",
            refused.text()
        );
    }
    let got = told[5].got();
    for name in [
        "workspace",
        "listing",
        "home",
        "beside",
        "write",
        "mode",
        "shadow",
        "tcp",
        "udp",
        "unix",
        "parent",
        "environ",
    ] {
        let errno = got[name]["errno"].as_str();
        assert!(matches!(errno, Some("EACCES" | "EPERM")), "{name}: {got}");
    }
    for name in ["own", "system"] {
        assert!(got[name]["errno"].is_null(), "the twin {name}: {got}");
    }
    let home = told[6].got()["HOME"].as_str().unwrap();
    assert_eq!(told[6].got()["cwd"], home);
    assert!(!std::path::Path::new(home).exists(), "it is gone: {home}");
    assert_eq!(scene.read("out/keep.txt"), "as it was\n");
}

#[test]
fn what_is_given_up_is_said_first_and_written_down() {
    let scene = Scene::new();
    let ended = weaker(&scene, AS_USER).run(&[tool("read", json!({ "path": "a.txt" }))]);
    ended.assert_sound();
    let first = ended.stderr.lines().next().unwrap_or_default();
    assert!(
        first.contains("ADVISORY") && first.contains(FLAG),
        "{}",
        ended.stderr
    );
    for line in nucleus_jail::NOT_HELD_WITHOUT_NAMESPACES {
        assert!(ended.stderr.contains(line), "{line}: {}", ended.stderr);
    }
    let (waived, boundary) = waived(&ended);
    let namespaced = nucleus_jail::Layer::NAMESPACED.map(|layer| layer.name().to_owned());
    assert_eq!(waived, namespaced);
    assert_eq!(boundary, "none");
    assert_eq!(ended.summary["boundary"], "none");
    assert_eq!(ended.summary["waived"], json!(namespaced));
    let log = ended.log();
    let probes = log[0].0["detail"]["probes"].as_array().unwrap();
    assert_eq!(probes.len(), nucleus::probes::ATTEMPTS.len() - 1);
    assert!(
        probes.iter().all(|probe| probe["held"] == true),
        "{probes:?}"
    );
    let notes: String = log
        .iter()
        .filter_map(|record| record.0["detail"]["text"].as_str())
        .collect();
    for words in ["started without namespaces", "`other-process` was not made"] {
        assert!(notes.contains(words), "{words}: {notes}");
    }
    // It is still the newest run.
    let output = scene.host(&[crate::fixture::nucleus_audit().to_str().unwrap(), "verify"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && said.contains("the newest run"),
        "{said}"
    );
    // The twin: an ordinary session says and waives nothing.
    let ended = scene.session().run(&[]);
    assert!(!ended.stderr.contains("ADVISORY"), "{}", ended.stderr);
    assert_eq!(ended.summary["boundary"], "jail");
    assert_eq!(ended.summary["waived"], json!([]));
}

#[test]
fn what_is_written_to_the_door_names_pipes_or_nothing() {
    let scene = Scene::new();
    let read = "
door = os.environ['NUCLEUS_MCP_PIPES']
target = os.environ['HOME'] + '/kept'; open(target, 'w').write('kept')
names = ['%016x' % n for n in range(4)]
os.symlink(target, door + '/' + names[0] + '.in'); os.symlink(target, door + '/' + names[0] + '.out')
open(door + '/' + names[1] + '.in', 'w').write('x'); open(door + '/' + names[1] + '.out', 'w').write('x')
knock = os.open(door + '/door', os.O_WRONLY)
for line in [b'../../ws/a.txt', b'x' * 5000, b'\\xff\\x00', b''] + [name.encode() for name in names]: os.write(knock, line + b'\\n')
got = open(target).read()";
    let steps = [agent(read), tool("read", json!({ "path": "a.txt" }))];
    let ended = weaker(&scene, AS_USER).run(&steps);
    ended.assert_sound();
    assert_eq!(ended.told[0].got(), "kept", "{}", ended.told[0].text());
    assert!(
        ended.told[1].text().contains("first"),
        "the session goes on"
    );
    let more = "import json as j
bridge = subprocess.Popen(['nucleus', 'mcp'], stdin=-1, stdout=-1)
bridge.stdin.write(b'{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\\n'); bridge.stdin.close()
got = bridge.wait()";
    let steps = [agent(more), Step(json!({ "list": true }))];
    let ended = weaker(&scene, AS_USER).run(&steps);
    ended.assert_sound();
    assert_eq!(ended.told[0].got(), 0, "a bridge ends with its client");
    let offered = ended.told[1].text();
    assert!(
        offered.contains("read") && !offered.contains("run"),
        "{offered}"
    );
}

/// What `nucleus` says with these words on a host that refuses user namespaces.
fn there(scene: &Scene, args: &[&str]) -> (Option<i32>, String) {
    let words = refusing(AS_USER);
    let output = Command::new(&words[0])
        .args(&words[1..])
        .arg(nucleus())
        .args(args)
        .env_clear()
        .envs(scene.environment())
        .current_dir(scene.workspace())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn without_the_flag_the_host_refuses_and_names_the_setting() {
    let scene = Scene::new();
    let (code, said) = there(&scene, &["run", "--profile", "fix-issue", "--", "true"]);
    assert_eq!(code, Some(125), "{said}");
    assert!(
        said.contains("max_user_namespaces") && !said.contains("ADVISORY"),
        "{said}"
    );
    let (code, said) = there(&scene, &["doctor"]);
    assert_eq!(code, Some(125), "{said}");
    assert!(
        said.contains("last resort") && said.contains(FLAG),
        "{said}"
    );
    // The one user of a namespace that root made is root outside: no jail has that user.
    let (code, said) = there(
        &scene,
        &["run", "--profile", "fix-issue", FLAG, "--", "true"],
    );
    match is_root() {
        true => assert!(code == Some(125) && said.contains("no-host-root"), "{said}"),
        false => assert_eq!(code, Some(0), "the twin: {said}"),
    }
}

#[test]
fn the_flag_asks_for_a_command_and_takes_nothing_it_cannot_give() {
    let scene = Scene::new();
    open_to_all(&scene.at(""), 0o755);
    let run = |args: &[&str]| {
        let words = [&["run", "--profile", "fix-issue", FLAG], args].concat();
        let output = scene.nucleus(&words).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    };
    for (args, words) in [
        (&["--agent", "claude", "do it"][..], "a command after `--`"),
        (&["do it"], "a command after `--`"),
        (&["--view", "read-only", "--", "true"], "exclude each other"),
        (
            &["--model-url", "http://127.0.0.1:1", "--", "true"],
            "cannot be used with",
        ),
    ] {
        let (code, said) = run(args);
        assert_eq!(code, Some(2), "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
    }
    // Nothing can be hidden in a directory.
    scene.put("shown/.env", "TOKEN=x\n");
    let shown = scene.at("shown").display().to_string();
    let (code, said) = run(&["--view-dir", &shown, "--", "true"]);
    assert_eq!(code, Some(125), "{said}");
    assert!(said.contains("nothing can be hidden"), "{said}");
    std::fs::remove_file(scene.at("shown/.env")).unwrap();
    let (code, said) = run(&["--view-dir", &shown, "--", "true"]);
    assert_eq!(code, Some(0), "the twin: {said}");
}
