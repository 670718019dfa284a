//! A session's model: called with a key that no jail ever holds, priced by the user's list, paid by the session.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

use serde_json::json;

use crate::fixture::{Scene, agent, command};
use crate::hunt::{HUNT, assert_nowhere, halves};

const KEY: &str = "sk-canary-4f9b1c7e2a8d";
const PRICES: &str = "version = 1\nas_of = 'test'\n[[price]]\nmodel = 'test-*'\ninput = 1\noutput = 1\nmax_output = 100\n";

/// A provider on this machine that answers every call and tells what it was sent.
fn provider() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, heads) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while reader.read_line(&mut head).unwrap() > 2 {}
            let length = head.lines().find_map(|line| {
                let length = line.to_ascii_lowercase();
                length.strip_prefix("content-length: ")?.parse().ok()
            });
            let mut body = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut body).unwrap();
            let answer = json!({
                "object": "chat.completion", "choices": [{"message": {"role": "assistant", "content": "hello"}}],
                "usage": {"prompt_tokens": 3, "completion_tokens": 2},
            })
            .to_string();
            let length = answer.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}"
            );
            if sender.send(head).is_err() {
                return;
            }
        }
    });
    (port, heads)
}

/// Calls the model as `MODEL`; `got` is the status and the text.
const CALL: &str = r#"
import urllib.request, urllib.error
body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}).encode()
headers = {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", body, headers)
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
try:
    with direct.open(request, timeout=120) as reply:
        got = [reply.status, reply.read().decode()]
except urllib.error.HTTPError as error:
    got = [error.code, error.read().decode()]
"#;

pub(crate) fn holds(dir: &Path, word: &str) -> bool {
    std::fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            return holds(&path, word);
        }
        let text = std::fs::read(&path).unwrap_or_default();
        String::from_utf8_lossy(&text).contains(word)
    })
}

#[test]
fn the_key_is_with_the_provider_and_nowhere_in_the_session() {
    let (port, heads) = provider();
    let scene = Scene::new();
    scene.put("config/nucleus/prices.toml", PRICES);
    let url = format!("http://127.0.0.1:{port}");
    let ended = scene
        .session()
        .args(&["--model-url", &url, "--model-key-env", "OWN_KEY"])
        .env("OWN_KEY", KEY)
        .word("HALVES", halves(KEY))
        .word("MODEL", json!("test-1"))
        .run(&[agent(CALL), agent(HUNT), command(HUNT)]);
    ended.assert_sound();
    let called = ended.told[0].got();
    assert_eq!(called[0], 200, "{:?}", ended.told[0]);
    assert!(called[1].as_str().unwrap().contains("hello"), "{called}");
    let head = heads.recv().unwrap();
    assert!(
        head.contains(&format!("authorization: Bearer {KEY}")),
        "the allow twin: {head}"
    );
    for told in &ended.told[1..] {
        assert_nowhere(
            "model::the_key_is_with_the_provider_and_nowhere_in_the_session",
            told,
        );
    }
    assert!(!ended.stdout.contains(KEY) && !ended.stderr.contains(KEY));
    assert!(!holds(&scene.state(), KEY), "the key is in the state");
    assert!(
        holds(&scene.state(), "model call passed"),
        "the call is in the log"
    );
}

#[test]
fn a_model_is_called_only_with_a_price() {
    let (port, heads) = provider();
    let scene = Scene::new();
    let url = format!("http://127.0.0.1:{port}");
    let ended = scene
        .session()
        .args(&["--model-url", &url])
        .word("MODEL", json!("test-1"))
        .run(&[agent(CALL)]);
    ended.assert_sound();
    let called = ended.told[0].got();
    assert_eq!(called[0], 403, "{called}");
    assert!(
        called[1].as_str().unwrap().contains("prices.toml"),
        "{called}"
    );
    assert!(
        heads.try_recv().is_err(),
        "nothing reached the provider unpaid"
    );
}

#[test]
fn a_model_that_cannot_be_called_is_125_and_says_why() {
    let scene = Scene::new();
    for (args, words) in [
        (&["--model-socket", "/no/such"][..], "/no/such"),
        (
            &["--model-url", "http://model.example"],
            "without TLS only this machine",
        ),
        (&["--model-url", "https://model.example/v1"], "alone"),
        (&["--model-url", "https://model.example"], "needs a key"),
        (
            &[
                "--model-url",
                "https://model.example",
                "--model-key-env",
                "UNSET_KEY",
            ],
            "UNSET_KEY",
        ),
    ] {
        let ended = scene.session().args(args).run(&[]);
        assert_eq!(ended.code, Some(125), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(words), "{args:?}: {}", ended.stderr);
    }
}

#[test]
fn a_price_list_that_is_none_is_125_and_named() {
    let scene = Scene::new();
    for text in [
        "version = 2\nas_of = 'x'",
        "not = [toml",
        "version = 1\nas_of = 'x'\ndiscount = 5",
    ] {
        scene.put("config/nucleus/prices.toml", text);
        let url = ["--model-url", "http://127.0.0.1:1"];
        let ended = scene.session().args(&url).run(&[]);
        assert_eq!(ended.code, Some(125), "{text}: {}", ended.stderr);
        assert!(ended.stderr.contains("prices.toml"), "{}", ended.stderr);
        let without = scene.session().run(&[]);
        assert_eq!(
            without.code,
            Some(0),
            "without a model no list is read: {}",
            without.stderr
        );
    }
    scene.put("config/nucleus/prices.toml", PRICES);
    let ended = scene
        .session()
        .args(&["--model-url", "http://127.0.0.1:1"])
        .run(&[]);
    assert_eq!(ended.code, Some(0), "the allow twin: {}", ended.stderr);
}

#[test]
fn the_settings_may_name_the_keys_variable() {
    let (port, heads) = provider();
    let scene = Scene::new();
    scene.put("config/nucleus/prices.toml", PRICES);
    scene.put(
        "config/nucleus/config.toml",
        "[model]\nkey_env = \"OWN_KEY\"\n",
    );
    let url = format!("http://127.0.0.1:{port}");
    let ended = scene
        .session()
        .args(&["--model-url", &url])
        .env("OWN_KEY", KEY)
        .word("MODEL", json!("test-1"))
        .run(&[agent(CALL)]);
    ended.assert_sound();
    assert_eq!(ended.told[0].got()[0], 200, "{:?}", ended.told[0]);
    assert!(heads.recv().unwrap().contains(KEY));
}
