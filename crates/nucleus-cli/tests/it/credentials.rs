//! Secrets of the host that a session's programs use: the value arrives, and is nowhere in the jail, its files or its logs.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use serde_json::json;

use crate::fixture::{Scene, agent, command, tool};
use crate::hunt::{HUNT, assert_nowhere, halves};
use crate::model::holds;

const SECRET: &str = "ghp_canary9f8e7d6c5b4a39281706f5e4d3c2b1a0";

/// A server that answers every request with the authorization that it was sent, and tells it.
fn server() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, heads) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while reader.read_line(&mut head).unwrap_or(0) > 2 {}
            let own = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("authorization")
                    .then(|| value.to_owned())
            });
            let body = format!("you sent {}", own.unwrap_or_default());
            let _gone = write!(
                stream,
                "HTTP/1.1 200 OK\r\nX-Echo: {body}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            if sender.send(head).is_err() {
                return;
            }
        }
    });
    (port, heads)
}

fn policy(port: u16, source: &str) -> String {
    format!(
        "[capabilities]\nread_files = \"always\"\nwrite_files = \"always\"\nrun_bash = \"always\"\nweb_fetch = \"low_risk\"\n\
         git_push = \"low_risk\"\n\
         [commands]\nlisted = \"everything\"\n\
         [network]\nhosts = [{{ host = \"127.0.0.1:{port}\", methods = [\"GET\"], paths = [\"/**\"], sink = false }}]\n\
         [git]\nremotes = [{{ url = \"http://127.0.0.1:{port}/acme/tool.git\", refs = [\"main\"] }}]\n\
         [[credentials.bindings]]\nname = \"API_TOKEN\"\n{source}\nhosts = [\"127.0.0.1:{port}\"]\npaths = [\"/v1/**\", \"/acme/**\"]\n"
    )
}

/// Asks as a program would that has the token; `got` is what it sees: status, echo, and its own variable.
const ASK: &str = "
import http.client
def ask(path):
    c = http.client.HTTPConnection('127.0.0.1', 7072, timeout=60)
    c.request('GET', 'http://127.0.0.1:%d%s' % (PORT, path), headers={'Authorization': 'Bearer ' + os.environ['API_TOKEN']})
    r = c.getresponse(); return [r.status, r.read().decode(), r.getheader('X-Echo')]
got = [ask('/v1/me'), ask('/v2/me'), os.environ['API_TOKEN']]
";

#[test]
fn a_program_uses_a_secret_that_its_jail_never_has() {
    let (port, heads) = server();
    let scene = Scene::new();
    let ended = scene
        .session()
        .policy(&policy(port, "env = \"OWN_TOKEN\""))
        .env("OWN_TOKEN", SECRET)
        .word("PORT", json!(port))
        .word("HALVES", halves(SECRET))
        .run(&[agent(ASK), command(ASK), agent(HUNT), command(HUNT)]);
    ended.assert_sound();
    for told in &ended.told[..2] {
        let got = told.got();
        let placeholder = got[2].as_str().unwrap();
        assert!(
            placeholder.starts_with("ghp_") && placeholder != SECRET,
            "{got}"
        );
        let scrubbed = format!("you sent Bearer {placeholder}");
        assert_eq!(
            got[0],
            json!([200, scrubbed, scrubbed]),
            "the answer without the value"
        );
        assert_eq!(got[1][0], 403, "{got}");
        let head = heads.recv().unwrap();
        assert!(head.starts_with("GET /v1/me"), "{head}");
        assert!(
            head.contains(&format!("Bearer {SECRET}")),
            "the allow twin: {head}"
        );
    }
    assert!(heads.try_recv().is_err(), "the other route was not reached");
    for told in &ended.told[2..] {
        assert_nowhere(
            "credentials::a_program_uses_a_secret_that_its_jail_never_has",
            told,
        );
    }
    assert!(!ended.stdout.contains(SECRET) && !ended.stderr.contains(SECRET));
    assert!(!holds(&scene.state(), SECRET), "the value is in the state");
    assert!(
        !holds(&scene.workspace(), SECRET),
        "the value is in the workspace"
    );
    assert!(
        holds(&scene.state(), "API_TOKEN"),
        "the record names what was put in"
    );
}

/// The monitor's own push takes the credential that the policy binds to the remote.
#[test]
fn a_push_is_authorised_by_the_same_store() {
    let (port, heads) = server();
    let scene = Scene::new();
    let url = format!("http://127.0.0.1:{port}/acme/tool.git");
    let command = format!("command = [\"/bin/echo\", \"{SECRET}\"]");
    let ended = scene
        .session()
        .policy(&policy(port, &command))
        .run(&[tool("git_push", json!({ "branch": "main", "url": url }))]);
    let head = heads.recv().unwrap();
    assert!(head.starts_with("GET /acme/tool.git/info/refs"), "{head}");
    let basic = head
        .lines()
        .find_map(|line| line.split_once("Basic "))
        .unwrap()
        .1;
    let pair = {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(basic.trim())
            .unwrap();
        String::from_utf8(bytes).unwrap()
    };
    assert_eq!(pair, format!("x-access-token:{SECRET}"));
    assert!(ended.told[0].is_error(), "no git answers there");
    assert!(!ended.stdout.contains(SECRET) && !ended.stderr.contains(SECRET));
    assert!(!holds(&scene.state(), SECRET));
}

#[test]
fn a_policy_of_the_workspace_cannot_have_the_host_read_or_run_anything() {
    let scene = Scene::new();
    let ran = scene.at("out/ran");
    let binding = format!(
        "[credentials]\nbindings = [{{ name = \"KEY\", command = [\"/usr/bin/touch\", \"{}\"], hosts = [\"evil.test\"] }}]\n",
        ran.display()
    );
    let grants = "[capabilities]\nread_files = \"always\"\n";
    scene.put("ws/permissions.toml", &binding);
    let found = scene.session().run(&[]);
    assert_eq!(found.code, Some(125), "{}", found.stderr);
    assert!(
        found.stderr.contains("where secrets come from"),
        "{}",
        found.stderr
    );
    scene.put("ws/permissions.toml", &format!("{grants}{binding}"));
    let named = scene.at("ws/permissions.toml");
    let run = |config: &std::path::Path| {
        let mut command = scene.nucleus(&["run", "--local", "--dir"]);
        command.arg(scene.workspace()).arg("--config").arg(config);
        command.args(["--", "/bin/true"]).output().unwrap()
    };
    let said = run(&named);
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    assert_eq!(said.status.code(), Some(125), "{text}");
    assert!(text.contains("in the workspace"), "{text}");
    assert!(!ran.exists());
    std::fs::remove_file(&named).unwrap();
    // The allow twin: the user's own file runs it, finds no value, and says so.
    scene.put("policy.toml", &format!("{grants}{binding}"));
    let said = run(&scene.at("policy.toml"));
    assert!(ran.exists(), "{}", String::from_utf8_lossy(&said.stderr));
}

#[test]
fn explain_and_doctor_name_credentials_and_their_routes_without_values() {
    let scene = Scene::new();
    let text = policy(8080, "env = \"OWN_TOKEN\"");
    scene.put("policy.toml", &text);
    scene.put("config/nucleus/policy.toml", &text);
    let say = |args: &[&str]| {
        let said = scene
            .nucleus(args)
            .env("OWN_TOKEN", SECRET)
            .current_dir(scene.workspace())
            .output()
            .unwrap();
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&said.stdout),
            String::from_utf8_lossy(&said.stderr)
        );
        assert!(!text.contains(SECRET), "{text}");
        text
    };
    let config = scene.at("policy.toml").display().to_string();
    let bound = say(&[
        "explain",
        "web_fetch",
        "http://127.0.0.1:8080/v1/a",
        "--config",
        &config,
    ]);
    let line = "API_TOKEN from the host's variable OWN_TOKEN: to 127.0.0.1:8080 /acme/** /v1/** in `authorization`";
    assert!(bound.contains(line), "{bound}");
    let other = say(&[
        "explain",
        "web_fetch",
        "http://127.0.0.1:8080/v2/a",
        "--config",
        &config,
    ]);
    assert!(!other.contains("API_TOKEN"), "{other}");
    let there = say(&["doctor"]);
    assert!(
        there.contains(line) && !there.contains("not there"),
        "{there}"
    );
    scene.put(
        "config/nucleus/policy.toml",
        &text.replace("OWN_TOKEN", "UNSET_TOKEN"),
    );
    let missing = say(&["doctor"]);
    assert!(
        missing.contains("UNSET_TOKEN") && missing.contains("not there"),
        "{missing}"
    );
    scene.put("config/nucleus/policy.toml", &text);
    assert!(say(&["doctor", "--json"]).contains("\"API_TOKEN\""));
}

/// FAIL-CLOSED: a jail that is shown where a secret comes from would have it.
#[test]
fn a_secret_whose_source_jails_are_shown_does_not_start() {
    let scene = Scene::new();
    scene.put("shown/key", SECRET);
    scene.put("hidden/key", SECRET);
    let start = |source: &str, more: &str| {
        let policy = format!("{}{more}", policy(9, source));
        let session = scene.session().policy(&policy).env("OWN_TOKEN", SECRET);
        let shown = scene.at("shown").display().to_string();
        let session = session.args(&["--view-dir", &shown]);
        session.run(&[tool("read", json!({ "path": "a.txt" }))])
    };
    let file = |dir: &str| format!("file = \"{}\"", scene.at(dir).join("key").display());
    for (source, more) in [
        (file("shown"), ""),
        (
            "env = \"OWN_TOKEN\"".to_owned(),
            "[jail]\nenvironment = [\"OWN_TOKEN\"]\n",
        ),
    ] {
        let refused = start(&source, more);
        assert_eq!(refused.code, Some(125), "{source}: {}", refused.stderr);
        assert!(
            refused.told.is_empty() && !refused.stderr.contains(SECRET),
            "{}",
            refused.stderr
        );
    }
    let twins = [
        (file("hidden"), ""),
        (
            "env = \"OWN_TOKEN\"".to_owned(),
            "[jail]\nenvironment = [\"OTHER\"]\n",
        ),
    ];
    for (source, more) in twins {
        let twin = start(&source, more);
        twin.assert_sound();
        assert_eq!(twin.told[0].text(), "first\n", "the twin: {source}");
    }
}
