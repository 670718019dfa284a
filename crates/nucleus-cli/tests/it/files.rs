//! Section A: ways to a file that is not the agent's, from its own process, from a command and through the host's hands.

use serde_json::json;

use crate::fixture::{Ended, Scene, Step, Told, agent, at_once, command, tool};

/// Runs the steps and checks what must hold whatever the agent says.
fn attacked(scene: &Scene, steps: &[Step]) -> Ended {
    let before = scene.outside();
    let ended = scene.session().run(steps);
    ended.assert_sound();
    assert_eq!(ended.told.len(), steps.len(), "{}", ended.stdout);
    assert_eq!(
        scene.outside(),
        before,
        "something outside the workspace changed"
    );
    ended
}

fn layers(told: &[Told]) -> Vec<String> {
    told.iter().map(Told::layer).collect()
}

/// The same code from the agent's own process and from a command.
fn both(code: &str) -> Vec<Step> {
    vec![agent(code), command(code)]
}

#[test]
fn a1_symbolic_links_lead_nowhere() {
    let scene = Scene::new();
    let steps = [
        // Read and write through an absolute link, a relative one and a chain, all made by a command.
        command("os.symlink(OUT + '/secret.txt', 'l'); got = slurp('l').decode()"),
        command("os.symlink('../out/secret.txt', 'r'); got = slurp('r').decode()"),
        command("os.symlink(OUT, 'd'); os.symlink('d', 'c'); got = slurp('c/secret.txt').decode()"),
        command("os.symlink(OUT + '/new.txt', 'w'); put('w', 'x')"),
        // The host's own hands on the same names.
        tool("read", json!({ "path": "l" })),
        tool("write", json!({ "path": "d/new.txt", "content": "x" })),
        tool("write", json!({ "path": "l", "content": "x" })),
    ];
    let ended = attacked(&scene, &steps);
    let found = layers(&ended.told);
    // What the link points to does not exist inside; the link itself is held back, not landed.
    assert_eq!(
        &found[..4],
        [
            "jail: ENOENT",
            "jail: ENOENT",
            "jail: ENOENT",
            "jail: ENOENT"
        ]
    );
    let held = ended.held_back();
    for link in ["l", "r", "d", "w"] {
        assert!(
            held.iter().any(|path| path == link),
            "{link} is held back: {held:?}"
        );
        assert!(!scene.exists(&format!("ws/{link}")), "{link} did not land");
    }
    assert!(
        found[4..].iter().all(|layer| layer.starts_with("tool: ")
            || layer.starts_with("policy: ")
            || layer.starts_with("landing: ")),
        "{found:?}"
    );
}

#[test]
fn a1_twin_a_link_within_the_workspace_lands_and_works() {
    let scene = Scene::new();
    let ended = attacked(
        &scene,
        &[
            command("os.symlink('a.txt', 'l'); got = slurp('l').decode()"),
            command("got = slurp('l').decode()"),
        ],
    );
    assert_eq!(layers(&ended.told), ["nothing", "nothing"]);
    assert_eq!(ended.told[1].got(), "first\n");
    assert_eq!(
        std::fs::read_link(scene.at("ws/l")).unwrap().to_str(),
        Some("a.txt")
    );
}

#[test]
fn a1_a_link_of_the_hosts_own_is_not_followed_out() {
    let scene = Scene::new();
    std::os::unix::fs::symlink(scene.out(), scene.at("ws/theirs")).unwrap();
    let ended = attacked(
        &scene,
        &[
            tool("read", json!({ "path": "theirs/secret.txt" })),
            tool("write", json!({ "path": "theirs/new.txt", "content": "x" })),
            tool(
                "edit",
                json!({ "path": "theirs/keep.txt", "old_text": "as", "new_text": "is" }),
            ),
            tool("grep", json!({ "pattern": "c4n4ry", "path": "theirs" })),
            tool("glob", json!({ "pattern": "theirs/**" })),
            command("got = slurp('theirs/secret.txt').decode()"),
            command("open('theirs/new.txt', 'w').write('x')"),
        ],
    );
    let found = layers(&ended.told);
    assert!(
        found[0].starts_with("tool: ")
            && found[1].starts_with("tool: ")
            && found[2].starts_with("tool: "),
        "{found:?}"
    );
    assert_eq!(&found[5..], ["jail: ENOENT", "jail: ENOENT"]);
    assert!(!ended.told[4].text().contains("secret.txt"));
}

#[test]
fn a2_a_directory_swapped_for_a_link_never_leads_a_write_out() {
    let scene = Scene::new();
    let before = scene.outside();
    std::fs::create_dir(scene.at("ws/p")).unwrap();
    let writes = (0..200).map(|at| {
        tool(
            "write",
            json!({ "path": "p/x", "content": format!("{at}") }),
        )
    });
    let mut running = scene.session().start(&writes.collect::<Vec<_>>());
    running.until_begun(0);
    let (dir, link) = (scene.at("ws/p"), scene.at("ws/link"));
    std::os::unix::fs::symlink(scene.out(), &link).unwrap();
    let mut flips = 0_u32;
    while running.child.try_wait().unwrap().is_none() {
        for _ in 0..200 {
            // The strongest attacker: one who already runs on the host. One exchange, so that the name is always there.
            let exchange = rustix::fs::RenameFlags::EXCHANGE;
            rustix::fs::renameat_with(rustix::fs::CWD, &dir, rustix::fs::CWD, &link, exchange)
                .unwrap();
            flips += 1;
        }
    }
    let ended = running.finish();
    ended.assert_sound();
    assert!(flips > 1000, "the race was run: {flips}");
    assert_eq!(scene.outside(), before, "a write followed the link");
    let written = ended
        .told
        .iter()
        .filter(|told| told.layer() == "nothing")
        .count();
    assert!(written > 0, "the twin: writes between flips land");
}

#[test]
fn a2_a_command_that_swaps_its_own_paths_writes_nowhere_else() {
    let scene = Scene::new();
    let swap = "
os.makedirs('q', exist_ok=True)
os.symlink(OUT, 'out-link')
deadline = time.monotonic() + 3
while time.monotonic() < deadline:
    os.rename('q', 'kept'); os.rename('out-link', 'q'); os.rename('q', 'out-link'); os.rename('kept', 'q')
";
    let write = "
deadline, done = time.monotonic() + 3, 0
while time.monotonic() < deadline:
    try:
        put('q/x', 'x'); done += 1
    except OSError:
        pass
got = done
";
    let mut parts = vec![command(swap), command(write)];
    parts.extend((0..20).map(|_| tool("write", json!({ "path": "q/x", "content": "x" }))));
    let ended = attacked(&scene, &[at_once(parts)]);
    let parts = ended.told[0].parts();
    assert!(
        parts[1].got().as_u64() > Some(0),
        "the twin: its own writes work"
    );
    assert!(!scene.exists("ws/out-link"));
}

#[test]
fn a4_a_file_outside_cannot_be_linked_in() {
    let scene = Scene::new();
    let mut steps = both("os.link(OUT + '/keep.txt', WS + '/f'); put(WS + '/f', 'x')");
    steps.push(command(
        "os.link('a.txt', 'twin'); got = slurp('twin').decode()",
    ));
    let ended = attacked(&scene, &steps);
    assert_eq!(
        layers(&ended.told),
        ["jail: ENOENT", "jail: ENOENT", "nothing"]
    );
    assert_eq!(scene.read("ws/twin"), "first\n");
}

#[test]
fn a4_writing_through_a_link_that_the_host_made_leaves_the_other_name_alone() {
    let scene = Scene::new();
    std::fs::hard_link(scene.at("out/keep.txt"), scene.at("ws/f")).unwrap();
    std::fs::hard_link(scene.at("out/secret.txt"), scene.at("ws/g")).unwrap();
    let ended = scene.session().run(&[
        command("put('f', 'pwned'); got = slurp('f').decode()"),
        tool("write", json!({ "path": "g", "content": "pwned" })),
    ]);
    ended.assert_sound();
    assert_eq!(
        scene.read("out/keep.txt"),
        "as it was\n",
        "landing replaces the name, not the file"
    );
    assert_eq!(scene.read("out/secret.txt"), scene.canary());
    assert_eq!(
        scene.read("ws/f"),
        "pwned",
        "the twin: the change lands as a file of its own"
    );
}

#[test]
fn a5_moving_the_directory_above_a_protected_path_does_not_unprotect_it() {
    let scene = Scene::new();
    let ended = attacked(
        &scene,
        &[
            command("sh('mv .git g'); put('.git/hooks/pre-commit', '#!/bin/sh\\n', 0o755)"),
            command("sh('mv src moved'); put('src/new.txt', 'x')"),
            command(
                "os.makedirs('sub'); put('sub/.env', 'mine'); sh('mv sub sub2'); got = os.listdir('.')",
            ),
        ],
    );
    assert!(
        ended.told[0].layer().starts_with("landing: "),
        "{}",
        ended.told[0].layer()
    );
    assert!(!scene.exists("ws/.git/hooks/pre-commit"));
    assert_eq!(
        scene.git_ok(&["log", "--format=%s"]),
        "first\n",
        "the repository is whole"
    );
    assert_eq!(
        scene.read("ws/src/new.txt"),
        "x",
        "the twin: other directories move"
    );
    assert_eq!(scene.read("ws/moved/lib.txt"), "code\n");
    assert!(
        !ended.told[2].got().to_string().contains("\".env\""),
        "the blocked file is not there to be seen"
    );
    assert!(
        !scene.exists("ws/sub2/.env"),
        "a blocked name does not land"
    );
}

/// Thirty ways to say `.env`, all of which are one file on this host or none at all.
const SPELLINGS: [&str; 30] = [
    ".env",
    "./.env",
    "././.env",
    ".//.env",
    "src/../.env",
    "src/../src/../.env",
    "src//..//.env",
    "src/./../.env",
    "a/b/../../.env",
    "./src/.././.env",
    ".env/",
    ".env/.",
    "//.env",
    "src/../../ws/.env",
    "../ws/.env",
    ".ENV",
    ".Env",
    "./.eNV",
    "src/../.ENV",
    ".env.",
    ".env ",
    ".env\u{200b}",
    ".e\u{200d}nv",
    ".env\0",
    ".env::$DATA",
    ".env:x",
    "C:.env",
    "\\.env",
    ".\\.env",
    "link-to-env",
];

#[test]
fn a6_no_spelling_of_a_blocked_name_reaches_it() {
    let scene = Scene::new();
    std::os::unix::fs::symlink(".env", scene.at("ws/link-to-env")).unwrap();
    let mut steps: Vec<Step> = SPELLINGS
        .iter()
        .map(|path| tool("read", json!({ "path": path })))
        .collect();
    let absolute = scene.at("ws/.env").display().to_string();
    steps.push(tool("read", json!({ "path": absolute })));
    steps.extend(["write", "edit"].map(|name| {
        let args = json!({ "path": "src/../.env", "content": "x" });
        let edit = json!({ "path": "src/../.env", "old_text": "TOKEN", "new_text": "x" });
        tool(name, if name == "write" { args } else { edit })
    }));
    steps.push(tool("grep", json!({ "pattern": "TOKEN" })));
    steps.push(tool("glob", json!({ "pattern": "**/.env" })));
    let names: Vec<&str> = SPELLINGS
        .iter()
        .copied()
        .filter(|name| !name.contains('\0'))
        .collect();
    steps.push(command(
        "got = each(**{name: (lambda name=name: slurp(name)) for name in NAMES + [WS + '/.env']})",
    ));
    let before = scene.outside();
    let ended = scene.session().word("NAMES", json!(names)).run(&steps);
    ended.assert_sound();
    assert_eq!(scene.outside(), before);
    for (told, name) in ended.told.iter().zip(SPELLINGS) {
        let layer = told.layer();
        // A link is read as the link that it is, which its own name permits.
        let is_stopped = layer.starts_with("policy: ") || name == "link-to-env";
        assert!(is_stopped, "{name:?}: {}", told.text());
    }
    assert!(
        ended.denials() >= SPELLINGS.len() + 2,
        "each is on record as denied"
    );
    assert_eq!(ended.told[0].layer(), "policy: subject_blocked");
    assert_eq!(ended.told[4].layer(), "policy: subject_blocked");
    assert_eq!(
        ended.told[SPELLINGS.len()].layer(),
        "policy: subject_blocked"
    );
    let command = ended.told.last().unwrap();
    let tries = command.got().as_object().unwrap();
    assert_eq!(tries.len(), names.len() + 1);
    for (name, found) in tries {
        assert!(
            found["errno"].is_string(),
            "a command reads {name:?}: {found}"
        );
    }
    assert_eq!(scene.read("ws/.env"), format!("TOKEN={}\n", scene.canary()));
}

#[test]
fn a6_twin_the_same_spellings_of_an_open_name_work() {
    let scene = Scene::new();
    let steps: Vec<Step> = [
        "a.txt",
        "./a.txt",
        ".//a.txt",
        "src/../a.txt",
        "src//..//a.txt",
    ]
    .iter()
    .map(|path| tool("read", json!({ "path": path })))
    .collect();
    let ended = attacked(&scene, &steps);
    assert!(
        ended.told.iter().all(|told| told.text() == "first\n"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a7_case_and_unicode_forms_of_protected_names_are_the_names() {
    let scene = Scene::new();
    scene.put("ws/.env.r\u{e9}sum\u{e9}", scene.canary());
    let protected = [
        ".CURSOR/mcp.json",
        ".Git/config",
        ".GIT/hooks/pre-commit",
        ".ViMrc",
        "Claude.md",
        "AGENTS.MD",
        ".VSCODE/tasks.json",
        ".github/WORKFLOWS/x.yml",
        "\u{ff0e}git/config",
        ".g\u{200c}it/config",
        ".git /config",
        ".git./config",
        "GIT~1/config",
    ];
    let mut steps: Vec<Step> = protected
        .iter()
        .map(|path| tool("write", json!({ "path": path, "content": "x" })))
        .collect();
    // NFC and NFD are one name.
    steps.push(tool("read", json!({ "path": ".env.re\u{301}sume\u{301}" })));
    steps.push(tool(
        "write",
        json!({ "path": "re\u{301}sume\u{301}.txt", "content": "composed" }),
    ));
    let ended = attacked(&scene, &steps);
    for (told, path) in ended.told.iter().zip(protected) {
        let layer = told.layer();
        let is_plain = path.starts_with('\u{ff0e}');
        let is_denied = layer.starts_with("policy: ");
        assert!(is_denied || is_plain, "{path:?}: {}", told.text());
    }
    assert!(ended.denials() >= protected.len(), "each is on record");
    assert_eq!(ended.told[0].layer(), "policy: activation_path");
    assert_eq!(ended.told[1].layer(), "policy: activation_path");
    assert_eq!(ended.told[13].layer(), "policy: subject_blocked");
    assert_eq!(
        ended.told[14].layer(),
        "nothing",
        "the twin: an ordinary name in either form"
    );
    assert_eq!(scene.read("ws/r\u{e9}sum\u{e9}.txt"), "composed");
}

#[test]
fn a8_proc_offers_no_other_way_in() {
    let scene = Scene::new();
    let code = "
roots = ['/proc/self/root', '/proc/1/root', '/proc/self/cwd/../..', '/proc/thread-self/root', '/proc/1/cwd', '/proc/self/task/%d/root' % os.getpid()]
roots += ['/proc/%s/root' % p for p in os.listdir('/proc') if p.isdigit()]
tries = {root: (lambda root=root: slurp(root + OUT + '/secret.txt')) for root in roots}
tries.update({'write ' + root: (lambda root=root: open(root + OUT + '/keep.txt', 'r+').write('x')) for root in roots})
for fd in glob.glob('/proc/*/fd/*') + glob.glob('/proc/*/map_files/*'):
    try: target = os.readlink(fd)
    except OSError: continue
    if OUT in target or '.env' in target: tries[fd] = lambda: target
got = each(**tries)
got['own'] = each(own=lambda: slurp('/proc/self/root/etc/passwd'))['own']
";
    let ended = attacked(&scene, &both(code));
    for told in &ended.told {
        let tries = told.got().as_object().unwrap();
        assert!(tries.len() > 10, "{tries:?}");
        for (name, found) in tries.iter().filter(|(name, _)| *name != "own") {
            let errno = found["errno"].as_str();
            assert!(
                matches!(errno, Some("ENOENT" | "EACCES" | "EPERM" | "EROFS")),
                "{name}: {found}"
            );
        }
        assert!(
            tries["own"]["got"].is_string(),
            "the twin: its own root is readable there"
        );
    }
}

#[test]
fn a10_metadata_outside_is_neither_seen_nor_changed() {
    let scene = Scene::new();
    let code = "
def tries(path):
    return each(
        stat=lambda: os.stat(path), list=lambda: os.listdir(os.path.dirname(path)), chmod=lambda: os.chmod(path, 0o777),
        chown=lambda: os.chown(path, os.getuid(), os.getgid()), utime=lambda: os.utime(path, (1, 1)),
        setxattr=lambda: os.setxattr(path, 'user.x', b'x'), truncate=lambda: os.truncate(path, 0),
        statfs=lambda: os.statvfs(path), access=lambda: os.stat(path, follow_symlinks=False),
    )
put('own.txt', 'mine')
got = {'outside': tries(OUT + '/keep.txt'), 'own': tries(os.path.abspath('own.txt'))}
";
    let in_agent = code.replace("'own.txt'", "'/tmp/own.txt'");
    let ended = attacked(&scene, &[agent(&in_agent), command(code)]);
    for told in &ended.told {
        for (name, found) in told.got()["outside"].as_object().unwrap() {
            assert_eq!(found["errno"], "ENOENT", "{name}");
        }
        let own = &told.got()["own"];
        for name in ["stat", "list", "chmod", "utime", "truncate"] {
            assert!(
                own[name]["got"].is_string(),
                "the twin: {name} on its own file: {own}"
            );
        }
    }
}

#[test]
fn a12_a_link_laid_in_a_shared_temporary_place_is_not_written_through() {
    let scene = Scene::new();
    // Every name this run would use below TMPDIR, laid beforehand as links to a file outside.
    let shared = scene.at("tmp");
    std::fs::create_dir(&shared).unwrap();
    for name in [
        "nucleus",
        "nucleus-0",
        "nucleus.sock",
        "nucleus-jail",
        "jail",
        "probe",
        "overlay",
        "workspace",
    ] {
        std::os::unix::fs::symlink(scene.at("out/keep.txt"), shared.join(name)).unwrap();
    }
    let before = scene.outside();
    let ended = scene
        .session()
        .env("TMPDIR", shared.to_str().unwrap())
        .run(&[command(
            "put('b.txt', 'x'); put('/tmp/nucleus', 'x'); got = True",
        )]);
    ended.assert_sound();
    assert_eq!(scene.outside(), before);
    assert_eq!(
        ended.told[0].landed(),
        ["b.txt"],
        "the twin: the command's own /tmp works"
    );
    // A state directory that somebody else can write is refused.
    std::os::unix::fs::symlink(scene.out(), scene.at("elsewhere")).unwrap();
    std::fs::create_dir(scene.at("loose")).unwrap();
    std::fs::create_dir(scene.at("loose/nucleus")).unwrap();
    crate::fixture::open_to_all(&scene.at("loose/nucleus"), 0o777);
    let loose = scene
        .session()
        .env("XDG_STATE_HOME", scene.at("loose").to_str().unwrap())
        .run(&[]);
    assert_eq!(loose.code, Some(125), "{}", loose.stderr);
    assert!(loose.stderr.contains("0700"), "{}", loose.stderr);
}

#[test]
fn a14_a_killed_session_leaves_no_litter_and_harms_no_other() {
    let scene = Scene::new();
    let status = scene.git_ok(&["status", "--porcelain", "--ignored"]);
    let first = [command("put('one.txt', 'x'); time.sleep(600)")];
    let mut killed = scene.session().start(&first);
    killed.until_begun(0);
    let driver = scene.at("driver");
    let other = scene.at("driver-2");
    std::fs::rename(&driver, &other).unwrap();
    std::fs::create_dir(&driver).unwrap();
    let mut going = scene.session().start(&[
        crate::fixture::wait("go"),
        command("put('two.txt', 'x'); got = sorted(os.listdir('.'))"),
    ]);
    going.until_begun(0);
    std::thread::sleep(std::time::Duration::from_millis(300));
    killed.child.kill().unwrap();
    let killed = killed.finish();
    assert_eq!(killed.signal, Some(9));
    going.signal("go");
    let going = going.finish();
    going.assert_sound();
    assert_eq!(
        scene.read("ws/two.txt"),
        "x",
        "the other session is unharmed"
    );
    assert!(
        !scene.exists("ws/one.txt"),
        "nothing of an unfinished command lands"
    );
    std::fs::remove_file(scene.at("ws/two.txt")).unwrap();
    assert_eq!(
        scene.git_ok(&["status", "--porcelain", "--ignored"]),
        status,
        "no litter in the workspace"
    );
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(
        !mounts.contains(scene.at("").to_str().unwrap()),
        "no mount is left"
    );
}

#[test]
fn a15_credential_stores_are_reached_from_nowhere() {
    let scene = Scene::new();
    for store in [
        "certs/server.pem",
        ".aws/credentials",
        "deploy/id_rsa",
        ".netrc",
        "a/.docker/config.json",
        "secrets.yaml",
    ] {
        scene.put(&format!("ws/{store}"), scene.canary());
    }
    scene.put("ws/src/tokenizer.rs", "fn tokenizer() {}\n");
    let scan = "
found, seen = [], 0
for top in ['/', os.path.expanduser('~'), HOME, WS, '/root', '/home', '/etc', '/run', '/var', '/tmp', '/proc/self/environ']:
    for base, dirs, names in os.walk(top):
        if base.startswith(('/proc', '/sys', '/usr')): dirs[:] = []
        for name in names:
            path = os.path.join(base, name)
            try:
                if not stat.S_ISREG(os.lstat(path).st_mode) or os.lstat(path).st_size > 1 << 20: continue
                data = open(path, 'rb').read()
            except OSError: continue
            seen += 1
            # The needle is put together here, so that this program's own text does not hold it.
            if b'c4n4' + b'ry-' in data: found.append(path)
got = {'found': found, 'seen': seen, 'environment': [n for n, v in os.environ.items() if 'c4n4' + 'ry-' in v]}
";
    let mut steps = vec![agent(scan), command(scan)];
    let stores = [
        "certs/server.pem",
        ".aws/credentials",
        "deploy/id_rsa",
        ".netrc",
        "a/.docker/config.json",
        "secrets.yaml",
    ];
    steps.extend(
        stores
            .iter()
            .map(|store| tool("read", json!({ "path": store }))),
    );
    steps.push(tool("grep", json!({ "pattern": "c4n4ry" })));
    steps.push(tool("read", json!({ "path": "src/tokenizer.rs" })));
    let before = scene.outside();
    let session = scene
        .session()
        .env("AWS_SECRET_ACCESS_KEY", scene.canary())
        .env("GITHUB_TOKEN", scene.canary());
    let ended = session.run(&steps);
    ended.assert_sound();
    assert_eq!(scene.outside(), before);
    for told in &ended.told[..2] {
        assert_eq!(told.got()["found"], json!([]), "{}", told.got());
        assert_eq!(told.got()["environment"], json!([]));
        assert!(
            told.got()["seen"].as_u64() > Some(10),
            "files were looked at: {}",
            told.got()
        );
    }
    for (told, store) in ended.told[2..].iter().zip(stores) {
        assert_eq!(told.layer(), "policy: subject_blocked", "{store}");
    }
    assert_eq!(
        ended.told.last().unwrap().layer(),
        "nothing",
        "the twin: a tokenizer is no token"
    );
}

#[test]
fn a15_a_read_only_view_of_the_agents_own_hides_the_same_files() {
    let scene = Scene::new();
    let ended = scene.session().args(&["--view", "read-only"]).run(&[
        agent("got = {'names': os.listdir(WS), 'text': slurp(WS + '/a.txt').decode()}"),
        agent("got = slurp(WS + '/.env').decode()"),
        agent("put(WS + '/b.txt', 'x')"),
    ]);
    ended.assert_sound();
    assert_eq!(
        ended.told[0].got()["text"],
        "first\n",
        "the twin: the view shows the workspace"
    );
    assert_eq!(layers(&ended.told[1..]), ["jail: ENOENT", "jail: EROFS"]);
    assert!(
        ended.summary["exposure"]
            .to_string()
            .contains("private_data"),
        "the view counts as seen"
    );
}

#[test]
fn a15_what_jails_are_shown_of_the_host_hides_the_same_names() {
    let scene = Scene::new();
    for name in ["shown/open", "shown/sub/open"] {
        scene.put(name, &format!("{name}\n"));
    }
    for name in [
        "shown/.env",
        "shown/sub/.aws/credentials",
        ".ssh/id_ed25519",
    ] {
        scene.put(name, scene.canary());
    }
    let shown = scene.at("shown").display().to_string();
    let look = "got = [sorted(os.listdir(SHOWN)), sorted(os.listdir(SHOWN + '/sub')), slurp(SHOWN + '/sub/open').decode()]";
    let spellings = ["/.env", "/./.env", "/sub/../.env", "/sub/.aws/credentials"];
    let reads = spellings.iter().flat_map(|path| {
        let read = format!("got = slurp(SHOWN + '{path}').decode()");
        [agent(&read), command(&read)]
    });
    let steps: Vec<_> = [agent(look), command(look)]
        .into_iter()
        .chain(reads)
        .collect();
    let session = || scene.session().word("SHOWN", json!(shown));
    let ended = session().args(&["--view-dir", &shown]).run(&steps);
    ended.assert_sound();
    for told in &ended.told[..2] {
        let seen = json!([["open", "sub"], ["open"], "shown/sub/open\n"]);
        assert_eq!(*told.got(), seen, "the twin");
    }
    for told in &ended.told[2..] {
        assert_eq!(told.layer(), "jail: ENOENT", "{told:?}");
    }
    let said = format!("`{shown}/.env` and 1 more");
    assert!(ended.stderr.contains(&said), "{}", ended.stderr);
    // A directory whose own name is blocked is not shown at all.
    let named = scene.at(".ssh").display().to_string();
    let refused = session()
        .args(&["--view-dir", &named])
        .run(&[agent("got = 1")]);
    assert_eq!(refused.code, Some(125), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("the policy blocks that name"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a15_a_name_counts_where_jails_see_it_and_the_workspace_is_shown_by_no_view() {
    let scene = Scene::new();
    scene.put("data/cargo/credentials.toml", scene.canary());
    scene.put("data/cargo/open", "open\n");
    std::os::unix::fs::symlink(scene.at("data/cargo"), scene.at(".cargo")).unwrap();
    let shown = scene.at(".cargo").display().to_string();
    let session = |dir: &str| {
        let session = scene.session().word("SHOWN", json!(shown));
        session.args(&["--view-dir", dir])
    };
    let look = "got = sorted(os.listdir(SHOWN))";
    let ended = session(&shown).run(&[agent(look), command(look)]);
    ended.assert_sound();
    for told in &ended.told {
        assert_eq!(*told.got(), json!(["open"]));
    }
    let above = scene.workspace().parent().unwrap().display().to_string();
    let refused = session(&above).run(&[agent("got = 1")]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("overlaps the workspace"));
}

#[test]
fn a15_what_lies_beside_the_agents_program_is_hidden_by_its_name_and_that_is_said() {
    let scene = Scene::new();
    let agent = scene.at("bots/agent");
    let script =
        "#!/bin/sh\ncd \"$(dirname \"$0\")\"\ncat .env lib\ncat node_modules/tls/cacert.pem\n";
    scene.put("bots/agent", script);
    std::fs::set_permissions(&agent, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    scene.put("bots/.env", scene.canary());
    scene.put("bots/lib", "its own\n");
    scene.put("bots/node_modules/tls/cacert.pem", "of a library\n");
    let run = |args: &[&str]| {
        let output = std::process::Command::new(crate::fixture::nucleus())
            .args(["run", "--profile", "fix-issue"])
            .args(args)
            .arg("--")
            .arg(&agent)
            .env_clear()
            .envs(scene.environment())
            .current_dir(scene.workspace())
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr))
    };
    let (out, err) = run(&[]);
    assert_eq!(out, "its own\nof a library\n", "{err}");
    assert!(err.contains("/bots/.env`"), "{err}");
    // Named by the user too, all of it is judged by its names.
    let (out, err) = run(&["--view-dir", &scene.at("bots").display().to_string()]);
    assert_eq!(out, "its own\n", "{err}");
}

#[test]
fn a16_odd_names_and_deep_trees_fail_closed() {
    let scene = Scene::new();
    let ended = attacked(
        &scene,
        &[
            command(
                "
put('new\\nline.txt', 'x')
open(b'bad-\\xff-name', 'w').write('x')
put('deep/' + '/'.join(['d' * 50] * 60) + '/x', 'x')
put('x' * 200 + '.txt', 'x')
for n in range(300): put('deny/%d/.env' % n, 'mine')
for n in range(300): put('hooks/%d/.git/hooks/pre-commit' % n, 'x')
got = True
",
            ),
            command("got = sorted(os.listdir('.'))"),
            tool("read", json!({ "path": "a.txt" })),
        ],
    );
    assert_eq!(ended.told[0].got(), true, "{}", ended.told[0].text());
    assert_eq!(ended.told[2].layer(), "nothing", "the session goes on");
    assert!(
        scene.exists(&format!("ws/{}.txt", "x".repeat(200))),
        "the twin: a long ordinary name lands"
    );
    for at in [0, 150, 299] {
        assert!(
            !scene.exists(&format!("ws/deny/{at}/.env")),
            "a blocked name does not land"
        );
        assert!(!scene.exists(&format!("ws/hooks/{at}/.git/hooks/pre-commit")));
    }
    let bad = std::fs::read_dir(scene.workspace())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_str().is_none())
        .count();
    let named = ended.told[0].data()["refused"].to_string();
    assert!(
        bad == 1 || named.contains("bad-"),
        "a name that is no text lands or is named: {named}"
    );
}
