//! What a client cannot steer: the account and the features that headers name, and where the provider is.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use nucleus_egress::gateway::{Found, Lookup};

use super::*;

/// A call of Anthropic Messages with these headers beside its own.
fn ask(scene: &Scene, headers: &str) -> String {
    let body = hello(&[]).to_string();
    scene.raw(&format!(
        "POST /v1/messages HTTP/1.1\r\nhost: model\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

#[test]
fn a_beta_of_the_list_is_passed_on_and_any_other_is_refused_as_the_provider_does_it() {
    let scene = Scene::new(Script::Whole(30, 4), plenty());
    let said = "anthropic-beta: interleaved-thinking-2025-05-14,context-1m-2025-08-07\r\nanthropic-beta: claude-code-20250219\r\n";
    let answer = ask(&scene, said);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let head = scene.seen().remove(0).head;
    let passed = "anthropic-beta: interleaved-thinking-2025-05-14,claude-code-20250219\r\n";
    assert!(head.contains(passed), "{head}");
    assert!(!head.contains("context-1m"), "{head}");
    for beta in [
        "mcp-client-2025-04-04",
        "files-api-2025-04-14",
        "code-execution-2025-08-25",
        "skills-2025-10-02",
        "claude-code-20250219,of-tomorrow-2099-01-01",
    ] {
        let answer = ask(&scene, &format!("anthropic-beta: {beta}\r\n"));
        assert!(answer.starts_with("HTTP/1.1 400"), "{beta}: {answer}");
        assert!(
            answer.contains("\"type\":\"invalid_request_error\"")
                && answer.contains("anthropic-beta"),
            "{beta}: {answer}"
        );
    }
    assert_eq!(scene.seen().len(), 1, "no other reached the provider");
    assert_eq!(scene.log().matches("model call refused").count(), 5);
}

#[test]
fn headers_that_name_an_account_or_a_key_are_not_passed_on() {
    let scene = Scene::new(Script::Whole(30, 4), plenty());
    let names = [
        "x-api-key",
        "x-goog-api-key",
        "x-goog-user-project",
        "openai-organization",
        "openai-project",
        "openai-beta",
        "anthropic-workspace-id",
        "anthropic-dangerous-direct-browser-access",
        "cookie",
        "x-forwarded-for",
    ];
    let mut headers = "anthropic-version: 2023-06-01\r\n".to_owned();
    for name in names {
        headers.push_str(&format!("{name}: stolen\r\n"));
    }
    let answer = ask(&scene, &headers);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let head = scene.seen().remove(0).head;
    assert!(!head.contains("stolen"), "{head}");
    assert!(head.contains("anthropic-version: 2023-06-01"), "{head}");
    assert!(head.contains(&format!("x-api-key: {KEY}")), "{head}");
}

/// Answers the first look-up with this and every later one with another address.
#[derive(Debug)]
struct Rebinding {
    first: IpAddr,
    asked: AtomicUsize,
}

impl Lookup for Rebinding {
    fn lookup<'a>(&'a self, name: &'a str) -> Found<'a> {
        assert_eq!(name, "model.test");
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let later = "203.0.113.9".parse().unwrap();
        let found = if asked == 0 { self.first } else { later };
        Box::pin(async move { Ok(vec![found]) })
    }
}

/// A gateway of the scene's session to `https://model.test` at a listener of this machine.
fn elsewhere(scene: &Scene, named: &[IpAddr]) -> (SocketAddr, TcpListener, Arc<Rebinding>) {
    let provider = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = provider.local_addr().unwrap();
    let lookup = Arc::new(Rebinding {
        first: at.ip(),
        asked: AtomicUsize::new(0),
    });
    let upstream = Upstream::url(&format!("https://model.test:{}", at.port())).unwrap();
    let prices = Prices::shipped().unwrap().with("test", PRICES).unwrap();
    let account = Arc::new(SessionAccount::of(&scene.monitor));
    let key = ModelKey::new(KEY).unwrap();
    let gateway = Gateway::new(upstream, Some(key), prices, account)
        .with_addresses(Arc::clone(&lookup) as Arc<dyn Lookup>, named);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap();
    scene._runtime.spawn(gateway.serve(listener));
    (port, provider, lookup)
}

fn call(port: SocketAddr) -> String {
    let body = hello(&[]).to_string();
    let mut stream = TcpStream::connect(port).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(120)))
        .unwrap();
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: model\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_provider_whose_name_leads_inside_is_not_called_and_costs_nothing() {
    let scene = Scene::new(Script::Whole(30, 4), plenty());
    let (port, provider, _) = elsewhere(&scene, &[]);
    let answer = call(port);
    assert!(
        answer.starts_with("HTTP/1.1 403") && answer.contains("no public address"),
        "{answer}"
    );
    provider.set_nonblocking(true).unwrap();
    let came = provider.accept().map_err(|error| error.kind());
    assert_eq!(came.unwrap_err(), std::io::ErrorKind::WouldBlock);
    scene.wait_until_spent(|spent| spent == Amount::ZERO);
}

/// The allow twin, and C6: what the name leads to later is not asked for.
#[test]
fn a_provider_at_an_address_of_the_settings_is_called_there_and_nowhere_else() {
    let scene = Scene::new(Script::Whole(30, 4), plenty());
    let near = "127.0.0.1".parse().unwrap();
    let (port, provider, lookup) = elsewhere(&scene, &[near]);
    let hellos = std::thread::spawn(move || {
        let hellos = provider.incoming().take(3).map(|stream| {
            let mut kind = [0];
            stream.unwrap().read_exact(&mut kind).unwrap();
            kind[0]
        });
        hellos.collect::<Vec<_>>()
    });
    for _ in 0..3 {
        let answer = call(port);
        assert!(
            answer.starts_with("HTTP/1.1 502"),
            "it speaks no TLS: {answer}"
        );
    }
    // Each began a handshake.
    assert_eq!(hellos.join().unwrap(), [0x16; 3]);
    assert_eq!(lookup.asked.load(Ordering::SeqCst), 1);
}
