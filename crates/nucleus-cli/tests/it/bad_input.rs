//! Bad input and bad surroundings: a clear error, and nothing is lost.

use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use serde_json::json;

use crate::fixture::{Scene, Step, command, is_root, open_to_all, raw, skip, tool};

#[test]
fn a_malformed_policy_is_a_diagnostic_with_its_place_and_nothing_starts() {
    for (text, word) in [
        (
            "version = 1\n[capabilities]\nread_file = \"always\"\n",
            "read_file",
        ),
        (
            "version = 1\n[capabilities]\nread_files = \"sometimes\"\n",
            "sometimes",
        ),
        ("version = 1\n[budget]\nmax_cost_usd = -1\n", "max_cost_usd"),
        (
            "version = 1\n[budget]\nmax_cost_usd = nan\n",
            "max_cost_usd",
        ),
        ("version = 99\n", "version"),
        (
            "version = 1\n[time]\nvalid_hours = \"soon\"\n",
            "valid_hours",
        ),
        ("version = 1\n[paths\n", "paths"),
        ("version = 1\nextends = \"nobody\"\n", "nobody"),
        ("\u{0}\u{1}\u{2}", "policy.toml"),
    ] {
        let scene = Scene::new();
        let ended = scene
            .session()
            .policy(text)
            .run(&[tool("read", json!({ "path": "a.txt" }))]);
        assert_eq!(ended.code, Some(125), "{text}: {}", ended.stderr);
        assert!(
            ended.stderr.contains(word) && ended.stderr.contains("policy.toml"),
            "{text}: {}",
            ended.stderr
        );
        assert!(
            ended.told.is_empty() && ended.stdout.is_empty(),
            "nothing ran: {}",
            ended.stdout
        );
    }
}

#[test]
fn malformed_frames_end_their_connection_and_not_the_session() {
    let scene = Scene::new();
    let mut steps: Vec<Step> = [
        &b"\x00\x01\x02\xff\xfe\n"[..],
        b"not json\n",
        b"{\n",
        b"[]\n",
        b"[[[[[[[[[[\n",
        b"{\"jsonrpc\":\"2.0\"}\n",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"run\",\"arguments\":{\"command\":\"true\"}}}\n",
        b"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"initialize\",\"params\":7}\n",
        b"{\"jsonrpc\":\"2.0\",\"id\":1e999,\"method\":\"initialize\"}\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"",
    ]
    .iter()
    .map(|bytes| raw(bytes))
    .collect();
    steps.push(raw(format!(
        "{}{}\n",
        "[".repeat(100_000),
        "]".repeat(100_000)
    )
    .as_bytes()));
    steps.push(raw("x".repeat(40 << 20).as_bytes()));
    steps.push(tool("read", json!({ "path": "a.txt" })));
    let ended = scene.session().run(&steps);
    ended.assert_sound();
    assert_eq!(
        ended.told.last().unwrap().text(),
        "first\n",
        "the twin: a good client works all along"
    );
    assert!(
        !ended
            .log()
            .iter()
            .any(|record| record.operations().contains(&"run_bash")),
        "nothing ran without initialize"
    );
}

#[test]
fn an_argument_of_ten_mebibytes_is_a_clear_error() {
    let scene = Scene::new();
    let big = "x".repeat(10 << 20);
    let ended = scene.session().run(&[
        tool("write", json!({ "path": "big.txt", "content": big })),
        tool("run", json!({ "command": format!("echo {big}") })),
        tool("read", json!({ "path": big })),
        tool(
            "write",
            json!({ "path": "large.txt", "content": "y".repeat(7 << 20) }),
        ),
    ]);
    ended.assert_sound();
    for told in &ended.told[..3] {
        assert!(
            told.is_error() && told.text().contains("8 MiB") && told.text().len() < 10_000,
            "{:.300}",
            told.text()
        );
    }
    assert!(!scene.exists("ws/big.txt"));
    assert_eq!(
        std::fs::metadata(scene.at("ws/large.txt")).unwrap().len(),
        7 << 20,
        "the twin: seven land"
    );
}

#[test]
fn a_workspace_of_a_hundred_thousand_files_works() {
    let scene = Scene::new();
    for dir in 0..100 {
        let path = scene.at(&format!("ws/many/{dir:02}"));
        std::fs::create_dir_all(&path).unwrap();
        for file in 0..1000 {
            std::fs::write(path.join(format!("{file:03}.txt")), "").unwrap();
        }
    }
    scene.put("ws/many/42/.env", scene.canary());
    let ended = scene.session().run(&[
        command("got = [sum(len(names) for _, _, names in os.walk('many')), os.path.exists('many/42/.env')]"),
        tool("write", json!({ "path": "many/07/new.txt", "content": "x" })),
        tool("glob", json!({ "pattern": "many/07/new.txt" })),
        tool("read", json!({ "path": "many/42/.env" })),
    ]);
    ended.assert_sound();
    assert_eq!(
        ended.told[0].got(),
        &json!([100_000, false]),
        "{}",
        ended.told[0].0
    );
    assert_eq!(scene.read("ws/many/07/new.txt"), "x");
    assert_eq!(ended.told[3].layer(), "policy: subject_blocked");
}

#[test]
fn names_that_are_no_text_hurt_nothing() {
    let scene = Scene::new();
    let name = std::ffi::OsStr::from_bytes(b"bad-\xff\xfe");
    std::fs::write(scene.workspace().join(name), "theirs").unwrap();
    let ended = scene.session().run(&[
        command("got = open(b'bad-\\xff\\xfe').read()"),
        command(
            "open(b'bad-\\xff\\xfe', 'w').write('changed'); open(b'own-\\xff', 'w').write('x')",
        ),
        tool("glob", json!({ "pattern": "*" })),
        tool("grep", json!({ "pattern": "first" })),
    ]);
    ended.assert_sound();
    assert_eq!(ended.told[0].got(), "theirs", "the twin: a command sees it");
    assert!(ended.told[3].text().contains("a.txt"), "searches go on");
    let kept = std::fs::read_to_string(scene.workspace().join(name)).unwrap();
    let is_named = ended.told[1].text().contains("not kept");
    assert!(
        kept == "changed" || (kept == "theirs" && is_named),
        "lands or is named: {kept} {}",
        ended.told[1].text()
    );
}

#[test]
fn a_workspace_that_cannot_be_written_keeps_what_it_has() {
    let scene = Scene::new();
    let ws = scene.workspace();
    if is_root() {
        let bind = |args: &[&str]| {
            Command::new("mount")
                .args(args)
                .arg(&ws)
                .status()
                .unwrap()
                .success()
        };
        let path = ws.to_str().unwrap().to_owned();
        assert!(bind(&["--bind", &path]) && bind(&["-o", "remount,bind,ro"]));
    } else {
        open_to_all(&ws, 0o555);
    }
    let ended = scene.session().run(&[
        tool("read", json!({ "path": "a.txt" })),
        tool("write", json!({ "path": "new.txt", "content": "x" })),
        command("put('other.txt', 'x'); got = slurp('other.txt').decode()"),
    ]);
    if is_root() {
        assert!(Command::new("umount").arg(&ws).status().unwrap().success());
    } else {
        open_to_all(&ws, 0o755);
    }
    ended.assert_sound();
    assert_eq!(ended.told[0].layer(), "nothing", "the twin: reading works");
    assert_ne!(
        ended.told[1].layer(),
        "nothing",
        "the write did not reach the tree and says so"
    );
    assert!(!scene.exists("ws/new.txt") && !scene.exists("ws/other.txt"));
    assert_eq!(scene.read("ws/a.txt"), "first\n");
}

#[test]
fn a_full_disk_is_an_error_and_loses_nothing() {
    if !is_root() {
        return skip(
            "a_full_disk_is_an_error_and_loses_nothing",
            "root, to mount a small file system",
        );
    }
    let scene = Scene::new();
    let (ws, state) = (scene.workspace(), scene.at("state"));
    let mount = |dir: &std::path::Path, size: &str| {
        let option = format!("size={size},mode=700");
        assert!(
            Command::new("mount")
                .args(["-t", "tmpfs", "-o", &option, "tmpfs"])
                .arg(dir)
                .status()
                .unwrap()
                .success()
        );
    };
    mount(&state, "3m");
    let written = scene.session().run(&[
        command("put('keep.txt', 'x')"),
        command("put('big.bin', 'x' * (8 << 20))"),
        tool("read", json!({ "path": "a.txt" })),
    ]);
    let kept = scene.exists("ws/keep.txt");
    let verified = crate::fixture::log_dirs(&scene.state())
        .iter()
        .all(|log| crate::fixture::verify(log, &scene.state()).status.code() != Some(1));
    assert!(
        Command::new("umount")
            .arg(&state)
            .status()
            .unwrap()
            .success()
    );
    assert!(
        kept,
        "the twin: what fits lands: {} {}",
        written.stdout, written.stderr
    );
    assert!(verified, "the log holds up to the cut");
    assert!(
        !scene.exists("ws/big.bin")
            || std::fs::metadata(scene.at("ws/big.bin")).unwrap().len() == 8 << 20,
        "no half file"
    );
    assert!(!written.stderr.contains("panicked"), "{}", written.stderr);
    // A workspace without room.
    let scene = Scene::new();
    mount(&scene.workspace(), "1m");
    let full = scene.session().run(&[
        tool("write", json!({ "path": "small.txt", "content": "x" })),
        tool(
            "write",
            json!({ "path": "big.txt", "content": "x".repeat(4 << 20) }),
        ),
        command("put('big2.txt', 'x' * (4 << 20))"),
    ]);
    let (small, names) = (
        scene.exists("ws/small.txt"),
        std::fs::read_dir(scene.workspace()).unwrap().count(),
    );
    assert!(
        Command::new("umount")
            .arg(scene.workspace())
            .status()
            .unwrap()
            .success()
    );
    full.assert_sound();
    assert!(
        small && names == 1,
        "what fits lands, and no half file: {names}"
    );
    assert_ne!(full.told[1].layer(), "nothing");
    assert!(!ws.as_os_str().is_empty());
}

#[test]
fn without_git_the_session_works_and_git_tools_say_so() {
    let scene = Scene::new();
    let bare = tempfile::tempdir().unwrap();
    std::fs::write(bare.path().join("a.txt"), "first\n").unwrap();
    std::fs::remove_dir_all(scene.at("ws/.git")).unwrap();
    // No git on the host's PATH, and no repository.
    let ended = scene.session().env("PATH", "/nonexistent").run(&[
        tool("read", json!({ "path": "a.txt" })),
        command("put('b.txt', 'x')"),
        tool("git_status", json!({})),
        tool("git_commit", json!({ "message": "x" })),
    ]);
    ended.assert_sound();
    assert_eq!(ended.told[0].layer(), "nothing", "the twin: the rest works");
    assert_eq!(scene.read("ws/b.txt"), "x");
    assert!(
        ended.told[2].is_error() && !ended.told[2].text().is_empty(),
        "{}",
        ended.told[2].text()
    );
    assert!(ended.told[3].is_error());
}
