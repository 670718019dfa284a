//! Dependency confusion: what an install brings in limits what leaves afterwards, and a pinned install takes locked artifacts alone.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::json;

use crate::fixture::{Scene, Session, command, tool};

/// SHA-256 of the registry's `/locked.whl`: `PK\x03\x04 locked`.
const LOCKED: &str = "2195ad9fdcfd99cac3ebcb0315ea675f82457341ddfa93efce5f4f907921f8c4";
/// SHA-256 of its `/other.whl`: `PK\x03\x04 other`.
const OTHER: &str = "b0de4432f727476cab83e6fc05def435f68e36c1664eaa261a5d06ec0a5fe47a";

/// A registry that answers with a package for every name, also for one that only a company's own registry should have.
fn registry() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let body: &[u8] = match head.split(' ').nth(1).unwrap_or_default() {
                "/locked.whl" => b"PK\x03\x04 locked",
                "/other.whl" => b"PK\x03\x04 other",
                _ => b"{\"latest\":\"99.0.0\"}",
            };
            let start = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _gone = stream.write_all(&[start.as_bytes(), body].concat());
        }
    });
    port
}

/// Installs as package managers do: index, artifact, files into the tree.
const INSTALL: &str = "
import http.client
def fetch(path):
    c = http.client.HTTPConnection('127.0.0.1', 7072, timeout=60)
    c.request('GET', 'http://127.0.0.1:%d%s' % (PORT, path)); r = c.getresponse(); return [r.status, len(r.read())]
got = {name: fetch(name) for name in ('/company-internal', '/locked.whl', '/other.whl')}
open('src/helper.py', 'w').write('# by ' + 'the installed package\\n')
";

fn policy(remote: &str, more: &str) -> String {
    format!(
        "version = 1\n[capabilities]\nread_files = \"always\"\nwrite_files = \"always\"\nedit_files = \"always\"\n\
         run_bash = \"always\"\nweb_fetch = \"low_risk\"\ngit_push = \"low_risk\"\n\
         [network]\ngroups = [\"registries\"]\n\
         [git]\nremotes = [{{ url = \"{remote}\", refs = [\"main\"] }}]\n[commands]\nlisted = \"everything\"\n{more}"
    )
}

fn remote(scene: &Scene) -> String {
    let path = scene.at("remote.git");
    let made = scene.host(&["git", "init", "-q", "--bare", path.to_str().unwrap()]);
    assert!(made.status.success(), "{made:?}");
    format!("file://{}", path.display())
}

/// A session whose machine has this registry among its sources.
fn session<'a>(scene: &'a Scene, port: u16, policy: &str) -> Session<'a> {
    let index = format!("sparse+http://127.0.0.1:{port}/");
    scene
        .session()
        .policy(policy)
        .env("CARGO_REGISTRIES_LOCAL_INDEX", &index)
        .word("PORT", json!(port))
}

#[test]
fn after_an_install_nothing_is_pushed_and_its_tree_stays_untrusted() {
    let (port, scene) = (registry(), Scene::new());
    let url = remote(&scene);
    let policy = policy(&url, "");
    let push = || tool("git_push", json!({ "branch": "main", "url": url }));
    let read = |path: &str| tool("read", json!({ "path": path }));

    let installed = session(&scene, port, &policy).run(&[command(INSTALL), push()]);
    installed.assert_sound();
    let got = installed.told[0].got();
    assert_eq!(
        got["/other.whl"],
        json!([200, 10]),
        "the install works: {got}"
    );
    assert!(installed.told[1].is_error(), "{}", installed.told[1].text());
    assert!(
        installed.told[1].text().contains("untrusted"),
        "{}",
        installed.told[1].text()
    );
    assert!(scene.exists("ws/src/helper.py"));

    let later = session(&scene, port, &policy).run(&[read("src/helper.py"), push()]);
    later.assert_sound();
    assert!(!later.told[0].is_error(), "{}", later.told[0].text());
    assert!(
        later.told[1].is_error(),
        "what the install wrote is untrusted in every session"
    );
    assert!(
        later.told[1].text().contains("untrusted"),
        "{}",
        later.told[1].text()
    );

    let twin = session(&scene, port, &policy).run(&[read("a.txt"), push()]);
    twin.assert_sound();
    assert!(
        !twin.told[1].is_error(),
        "the allow twin: {}",
        twin.told[1].text()
    );
}

#[test]
fn a_pinned_install_takes_what_the_lockfile_held_when_the_session_began() {
    let (port, scene) = (registry(), Scene::new());
    let line = |hash: &str| format!("company-internal==1.0.0 --hash=sha256:{hash}\n");
    scene.put("ws/requirements.txt", &line(LOCKED));
    let policy = policy(
        "https://forge.example/a/b.git",
        "[registries]\npinned = true\n",
    );
    let untracked = session(&scene, port, &policy).run(&[command(INSTALL)]);
    untracked.assert_sound();
    assert_eq!(
        untracked.told[0].got()["/locked.whl"][0],
        403,
        "whoever wrote a lockfile that git does not track, it does not count"
    );
    assert!(
        untracked
            .stderr
            .contains("nucleus endorse requirements.txt"),
        "{}",
        untracked.stderr
    );
    scene.git_ok(&["add", "requirements.txt"]);
    scene.git_ok(&["commit", "-qm", "lock"]);
    let ended = session(&scene, port, &policy).run(&[
        command(INSTALL),
        tool(
            "write",
            json!({ "path": "requirements.txt", "content": line(OTHER) }),
        ),
        command(INSTALL),
    ]);
    ended.assert_sound();
    for told in [&ended.told[0], &ended.told[2]] {
        let got = told.got();
        assert_eq!(got["/company-internal"][0], 200, "indexes pass: {got}");
        assert_eq!(
            got["/locked.whl"],
            json!([200, 11]),
            "the allow twin: {got}"
        );
        assert_eq!(got["/other.whl"][0], 403, "{got}");
    }
}

/// FAIL-CLOSED: a project's own `pinned` over hosts that no group has would bind nothing.
#[test]
fn pinned_without_the_group_does_not_start() {
    let scene = Scene::new();
    let start = |network: &str| {
        let policy = format!(
            "version = 1\n[capabilities]\nread_files = \"always\"\nweb_fetch = \"low_risk\"\n[network]\n{network}\n[registries]\npinned = true\n"
        );
        let steps = [tool("read", json!({ "path": "a.txt" }))];
        scene.session().policy(&policy).run(&steps)
    };
    let refused = start("hosts = [\"registry.example\"]");
    assert_eq!(refused.code, Some(125), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("names that group") && refused.told.is_empty(),
        "{}",
        refused.stderr
    );
    let twin = start("groups = [\"registries\"]");
    twin.assert_sound();
    assert_eq!(twin.told[0].text(), "first\n");
}
