//! A push over https to a real TLS server, whose certificate the test made and git trusts because it was told to.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use nucleus::Error;
use nucleus::git::{PushOptions, PushRequest, Pushed};
use portcullis::path::RelPath;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::repository::{head, host, policy, remote, session, with_commit};
use crate::session::Session;

const TOKEN: &str = "tok_0123456789abcdef";

/// A forge: bare repositories behind TLS, for whoever has the token.
struct Forge {
    port: u16,
    certificate: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Forge {
    fn over(repositories: &Path) -> Self {
        let names = vec!["127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![made.cert.der().clone()], key)
                .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let forge = Self {
            port: listener.local_addr().unwrap().port(),
            certificate: made.cert.pem(),
            seen: Arc::default(),
        };
        let (seen, root, config) = (
            Arc::clone(&forge.seen),
            repositories.to_owned(),
            Arc::new(config),
        );
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (seen, root, config) = (Arc::clone(&seen), root.clone(), Arc::clone(&config));
                // A client that does not trust the certificate leaves in the middle.
                std::thread::spawn(move || serve(stream, config, &root, &seen));
            }
        });
        forge
    }

    fn url(&self) -> String {
        format!("https://127.0.0.1:{}/remote.git", self.port)
    }
}

/// Answers one request by git's own server side.
fn serve(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    root: &Path,
    seen: &Mutex<Vec<String>>,
) -> Option<()> {
    let connection = ServerConnection::new(config).ok()?;
    let mut reader = BufReader::new(StreamOwned::new(connection, stream));
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let header = |name: &str| {
        lines[1..].iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    };
    seen.lock().unwrap().push(lines[0].clone());
    if header("authorization").as_deref() != Some(&format!("Bearer {TOKEN}")) {
        return respond(&mut reader, "401 Unauthorized", b"").ok();
    }
    let body = body(
        &mut reader,
        header("content-length"),
        header("transfer-encoding"),
    )?;
    let mut words = lines[0].split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut child = Command::new("git")
        .arg("http-backend")
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_COUNT", "2")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("GIT_CONFIG_KEY_1", "http.receivepack")
        .env("GIT_CONFIG_VALUE_1", "true")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type").unwrap_or_default())
        .env("CONTENT_LENGTH", body.len().to_string())
        .env(
            "HTTP_CONTENT_ENCODING",
            header("content-encoding").unwrap_or_default(),
        )
        .env("REMOTE_USER", "tester")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut input = child.stdin.take()?;
    let fed = std::thread::spawn(move || input.write_all(&body));
    let said = child.wait_with_output().ok()?.stdout;
    let _ = fed.join();
    let end = said.windows(4).position(|four| four == b"\r\n\r\n")?;
    let headers = String::from_utf8_lossy(&said[..end]).into_owned();
    let status = headers
        .lines()
        .find_map(|line| line.strip_prefix("Status: "))
        .unwrap_or("200 OK")
        .to_owned();
    let kept: String = headers
        .lines()
        .filter(|line| !line.starts_with("Status: "))
        .map(|line| format!("{line}\r\n"))
        .collect();
    respond(
        &mut reader,
        &format!("{status}\r\n{}", kept.trim_end()),
        &said[end + 4..],
    )
    .ok()
}

/// The bytes of a request, as long as it says or in chunks.
fn body(
    reader: &mut impl BufRead,
    length: Option<String>,
    coding: Option<String>,
) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    if coding.as_deref() != Some("chunked") {
        let length: u64 = length.map_or(Some(0), |length| length.parse().ok())?;
        reader.by_ref().take(length).read_to_end(&mut body).ok()?;
        return Some(body);
    }
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let size = u64::from_str_radix(line.trim(), 16).ok()?;
        reader.by_ref().take(size).read_to_end(&mut body).ok()?;
        reader.read_line(&mut String::new()).ok()?;
        if size == 0 {
            return Some(body);
        }
    }
}

fn respond(
    reader: &mut BufReader<StreamOwned<ServerConnection, TcpStream>>,
    head: &str,
    body: &[u8],
) -> std::io::Result<()> {
    let stream = reader.get_mut();
    write!(
        stream,
        "HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(body)?;
    stream.conn.send_close_notify();
    stream.flush()
}

fn options(forge: &Forge, trusted: Option<PathBuf>, token: &str) -> PushOptions {
    let url = forge.url();
    let trusted = trusted.map(|path| ("GIT_SSL_CAINFO".to_owned(), path.display().to_string()));
    PushOptions {
        environment: trusted.into_iter().collect(),
        headers: vec![(url, format!("Authorization: Bearer {token}"))],
        ..PushOptions::default()
    }
}

fn push(session: &Session, options: PushOptions) -> Result<Pushed, Error> {
    let request = PushRequest {
        repository: RelPath::root(),
        branch: "main".to_owned(),
        url: None,
    };
    session.git().with_push_options(options).push(&request)
}

#[test]
fn a_push_over_https_reaches_a_server_that_is_trusted_and_no_other() {
    let dir = with_commit();
    let (bare, _) = remote(&dir, "remote.git");
    let forge = Forge::over(dir.path());
    let listed = policy(&format!(
        "[{{ url = \"{}\", refs = [\"main\"] }}]",
        forge.url()
    ));
    let session = session(&dir, &listed);
    let first = head(&session.ws(""));
    let untrusted = push(&session, options(&forge, None, TOKEN)).unwrap_err();
    assert!(untrusted.to_string().contains("certificate"), "{untrusted}");
    assert_eq!(
        forge.seen.lock().unwrap().len(),
        0,
        "nothing was asked of it"
    );
    let trusted = dir.path().join("trusted.pem");
    std::fs::write(&trusted, &forge.certificate).unwrap();
    let stranger = push(
        &session,
        options(&forge, Some(trusted.clone()), "another-token"),
    );
    assert!(stranger.is_err());
    assert_eq!(host(&bare, &["for-each-ref"]), "");
    let pushed = push(&session, options(&forge, Some(trusted), TOKEN)).unwrap();
    assert_eq!((pushed.url, pushed.new), (forge.url(), first.clone()));
    assert_eq!(host(&bare, &["rev-parse", "main"]), first);
    host(&bare, &["fsck", "--strict"]);
    let seen = forge.seen.lock().unwrap().clone();
    assert!(
        seen.iter()
            .any(|line| line.starts_with("POST /remote.git/git-receive-pack")),
        "{seen:?}"
    );
    assert!(!session.log_text().contains(TOKEN));
    session.end();
}
