//! Where a placeholder, another key or another method does not belong: refused, and a harmless word beside it is not.

use super::*;

/// Each place with a placeholder, and the same place with a harmless word.
#[test]
fn a_placeholder_anywhere_else_is_refused_and_a_harmless_word_is_not() {
    let (site, seen, placeholder) = usual(&plain_answer());
    let gzip = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let percent = |text: &str| {
        let (first, rest) = text.split_at(1);
        format!("%{:02x}{rest}", first.as_bytes()[0])
    };
    type Place<'a> = (
        &'a str,
        &'a str,
        Box<dyn Fn(&str) -> (String, String, Vec<u8>) + 'a>,
    );
    let line = |line: String| (line, String::new(), Vec::new());
    let header = |header: String| ("GET /v1/a".to_owned(), header, Vec::new());
    let places: Vec<Place<'_>> = vec![
        (
            "the path",
            "api.test",
            Box::new(|w| line(format!("GET /v1/{w}"))),
        ),
        (
            "the query",
            "api.test",
            Box::new(|w| line(format!("GET /v1/a?t={w}"))),
        ),
        (
            "an encoded query",
            "api.test",
            Box::new(|w| line(format!("GET /v1/a?t={}", percent(w)))),
        ),
        (
            "another header",
            "api.test",
            Box::new(|w| header(format!("X-Other: a {w} b\r\n"))),
        ),
        (
            "another header in base64",
            "api.test",
            Box::new(|w| {
                header(format!(
                    "X-Other: {}\r\n",
                    STANDARD.encode(format!("u:{w}"))
                ))
            }),
        ),
        (
            "a cookie",
            "api.test",
            Box::new(|w| header(format!("Cookie: t={w}\r\n"))),
        ),
        (
            "a header's name",
            "api.test",
            Box::new(|w| header(format!("X-{w}: 1\r\n"))),
        ),
        (
            "the body",
            "api.test",
            Box::new(|w| {
                (
                    "POST /v1/a".to_owned(),
                    String::new(),
                    format!("{{\"t\":\"{w}\"}}").into_bytes(),
                )
            }),
        ),
        (
            "a compressed body",
            "api.test",
            Box::new(|w| {
                (
                    "POST /v1/a".to_owned(),
                    "Content-Encoding: gzip\r\n".to_owned(),
                    gzip(w),
                )
            }),
        ),
        (
            "another host's header",
            "other.test",
            Box::new(|w| header(format!("Authorization: Bearer {w}\r\n"))),
        ),
        (
            "another host's compressed body",
            "other.test",
            Box::new(|w| {
                (
                    "POST /v1/a".to_owned(),
                    "Content-Encoding: gzip\r\n".to_owned(),
                    gzip(w),
                )
            }),
        ),
    ];
    for (place, host, make) in places {
        let (line, headers, body) = make(&placeholder);
        let answer = ask(&site, host, &line, &headers, &body);
        assert_eq!(status(&answer), 403, "{place}: {answer}");
        assert!(answer.contains("GITHUB_TOKEN"), "{place}: {answer}");
        assert!(taken(&seen).is_empty(), "{place}");
        let (line, headers, body) = make("a-harmless-word");
        let answer = ask(&site, host, &line, &headers, &body);
        assert_eq!(status(&answer), 200, "{place}, the allow twin: {answer}");
        assert_eq!(taken(&seen).len(), 1, "{place}");
    }
}

#[test]
fn a_route_that_is_not_bound_gets_no_value() {
    let (site, seen, placeholder) = usual(&plain_answer());
    let own = format!("Authorization: Bearer {placeholder}\r\n");
    for line in ["GET /v2/a", "GET /v1x", "DELETE /v1/a", "GET /v1/../v2/a"] {
        let answer = ask(&site, "api.test", line, &own, b"");
        assert!(matches!(status(&answer), 400 | 403), "{line}: {answer}");
    }
    let twice = format!("{own}{own}");
    assert_eq!(
        status(&ask(&site, "api.test", "GET /v1/a", &twice, b"")),
        403
    );
    let upgrade = format!("{own}Upgrade: websocket\r\n");
    let answer = ask(&site, "api.test", "GET /v1/a", &upgrade, b"");
    assert!(answer.contains("credential_upgrade"), "{answer}");
    let tunnelled = site.get("http://api.test/v1/a");
    assert_ne!(status(&tunnelled), 200, "nothing listens on port 80");
    assert!(taken(&seen).is_empty());
    assert_eq!(
        status(&ask(&site, "api.test", "GET /v1/a", &own, b"")),
        200,
        "the allow twin"
    );
}

#[test]
fn a_key_of_the_programs_own_is_refused_at_a_bound_host() {
    let (site, seen, _) = usual(&plain_answer());
    let own = "Authorization: Bearer ghp_attackersOwnKey0123456789\r\n";
    let answer = ask(&site, "api.test", "GET /v1/a", own, b"");
    assert!(answer.contains("foreign_credential"), "{answer}");
    assert!(taken(&seen).is_empty());
    assert_eq!(status(&ask(&site, "api.test", "GET /v1/a", "", b"")), 200);
    assert_eq!(
        status(&ask(&site, "other.test", "GET /v1/a", own, b"")),
        200
    );
}

#[test]
fn a_key_in_another_header_or_the_url_is_refused_at_a_bound_host() {
    let own = binding("KEY", "api.test", "x-custom-key", Scheme::Bare);
    let (site, seen, placeholder) = site(&plain_answer(), 1 << 20, own);
    let bound = format!("X-Custom-Key: {placeholder}\r\n");
    for (line, header) in [
        ("GET /v1/a", "Authorization: Bearer of-a-stranger\r\n"),
        ("GET /v1/a", "X-Api-Key: of-a-stranger\r\n"),
        ("GET /v1/a", "PRIVATE-TOKEN: of-a-stranger\r\n"),
        ("GET /v1/a", "private_token: of-a-stranger\r\n"),
        ("GET /v1/a", "x_custom_key: of-a-stranger\r\n"),
        ("GET /v1/a?private_token=of-a-stranger", ""),
        ("GET /v1/a?b=c&access%5Ftoken=of-a-stranger", ""),
        ("GET /v1/a?key=AIzaOfAStranger", ""),
        ("GET /v1/a?b=c;PHPSESSID=of-a-stranger", ""),
    ] {
        for bound in [&*bound, ""] {
            let answer = ask(&site, "api.test", line, &format!("{bound}{header}"), b"");
            assert!(
                answer.contains("foreign_credential"),
                "{line} {header} {answer}"
            );
            assert!(taken(&seen).is_empty(), "{line} {header}");
        }
        let answer = ask(&site, "other.test", line, header, b"");
        assert_eq!(status(&answer), 200, "an unbound host, {line}: {answer}");
        taken(&seen);
    }
    for (line, header) in [
        (
            "GET /v1/a?key=Linux-node-1&page_token=2&token=",
            "X-GitHub-Api-Version: 1\r\n",
        ),
        (
            "GET /v1/token=a/b?c=d",
            "X-CSRF-Token: 1\r\nIdempotency-Key: 2\r\n",
        ),
    ] {
        let answer = ask(&site, "api.test", line, &format!("{bound}{header}"), b"");
        assert_eq!(status(&answer), 200, "the allow twin, {line}: {answer}");
    }
}

#[test]
fn cookies_go_neither_to_a_bound_host_nor_come_from_it() {
    let answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: session=1\r\nSet-Cookie: b=2\r\nSet-Cookie2: c=3\r\ncontent-length: 0\r\n\r\n";
    let (site, seen, placeholder) = usual(answer);
    let own = format!("Authorization: Bearer {placeholder}\r\n");
    for (host, own, is_kept) in [
        ("api.test", own.as_str(), false),
        ("api.test", "", false),
        ("other.test", "", true),
    ] {
        let headers = format!("{own}Cookie: session=1\r\n");
        let answer = ask(&site, host, "POST /v1/a", &headers, b"");
        assert_eq!(status(&answer), 200, "{host}: {answer}");
        assert_eq!(answer.contains("set-cookie"), is_kept, "{host}: {answer}");
        let sent = taken(&seen).concat();
        assert_eq!(
            sent.contains("cookie: session=1"),
            is_kept,
            "{host}: {sent}"
        );
    }
}

/// Sends a body of no stated length.
fn stream(site: &Site, headers: &str, body: &str) -> String {
    let mut stream = tls(site, "api.test:443", "api.test", &[]).unwrap();
    let text = format!(
        "POST /v1/a HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n{headers}\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    stream.write_all(text.as_bytes()).unwrap();
    read_tls(&mut stream)
}

/// Each way to ask for another method, to a binding that is held to some and to one that is not.
#[test]
fn another_method_in_a_url_or_form_is_refused_where_the_binding_is_held_to_methods() {
    let pairs = "Content-Type: application/x-www-form-urlencoded\r\n";
    let parts = "Content-Type: multipart/form-data; boundary=b\r\n";
    let part = "--b\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--b--\r\n";
    let json = "Content-Type: application/json\r\n";
    for is_held in [true, false] {
        let mut own = binding("KEY", "api.test", "authorization", Scheme::Any);
        if !is_held {
            own.routes = vec![HostRule::new(HostPattern::parse("api.test").unwrap())];
        }
        let (site, seen, placeholder) = site(&plain_answer(), 1 << 20, own);
        let bound = format!("Authorization: Bearer {placeholder}\r\n");
        let post = |url: &str, kind: &str, body: &str| {
            let line = format!("POST {url}");
            ask(
                &site,
                "api.test",
                &line,
                &format!("{bound}{kind}"),
                body.as_bytes(),
            )
        };
        for answer in [
            post("/v1/a?_method=DELETE", "", ""),
            post("/v1/a", pairs, "a=b&_method=DELETE"),
            post("/v1/a", parts, part),
            stream(&site, &format!("{bound}{parts}"), part),
            stream(&site, &format!("{bound}{pairs}"), "a=b"),
        ] {
            assert_eq!(answer.contains("ambiguous_request"), is_held, "{answer}");
            assert_eq!(status(&answer), if is_held { 403 } else { 200 }, "{answer}");
        }
        assert_eq!(taken(&seen).len(), if is_held { 0 } else { 5 });
        for answer in [
            post("/v1/a?method=x", pairs, "a=_method"),
            post("/v1/a", parts, &part.replace("_method", "other")),
            stream(&site, &format!("{bound}{json}"), "{\"a\":1}"),
        ] {
            assert_eq!(status(&answer), 200, "the allow twin: {answer}");
        }
    }
}

#[test]
fn a_body_is_looked_into_once_its_request_is_permitted() {
    let (site, seen, placeholder) = usual(&plain_answer());
    let unlisted = site.say(&format!(
        "POST http://unlisted.test/ HTTP/1.1\r\nHost: unlisted.test\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{placeholder}",
        placeholder.len()
    ));
    assert_eq!(status(&unlisted), 403, "{unlisted}");
    assert!(!unlisted.contains("credential_misplaced"), "{unlisted}");
    let listed = ask(&site, "other.test", "POST /", "", placeholder.as_bytes());
    assert!(listed.contains("credential_misplaced"), "{listed}");
    assert!(taken(&seen).is_empty());
}

/// More refusals than a log was once kept to, each by the same connection's next request.
#[test]
fn no_note_is_left_out_however_many_came_before() {
    let (site, _, placeholder) = usual(&plain_answer());
    let request = |line: &str, headers: &str| {
        format!("GET {line} HTTP/1.1\r\nHost: other.test\r\n{headers}\r\n")
    };
    let in_url = request(&format!("/{placeholder}"), "");
    let last = request(
        "/",
        &format!("X-Last: {placeholder}\r\nConnection: close\r\n"),
    );
    for _ in 0..11 {
        let mut stream = tls(&site, "other.test:443", "other.test", &[]).unwrap();
        let all = in_url.repeat(99) + &last.replace("X-Last", "X-Other");
        stream.write_all(all.as_bytes()).unwrap();
        let answers = read_tls(&mut stream);
        assert_eq!(answers.matches("credential_misplaced").count(), 100);
    }
    let mut stream = tls(&site, "other.test:443", "other.test", &[]).unwrap();
    stream.write_all(last.as_bytes()).unwrap();
    assert_eq!(status(&read_tls(&mut stream)), 403);
    let until = std::time::Instant::now() + 5 * PATIENCE;
    while !site.log().contains("the header `x-last`") {
        assert!(
            std::time::Instant::now() < until,
            "the last note is missing"
        );
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

#[test]
fn without_tls_only_a_named_private_address_gets_the_value() {
    let answer = plain_answer();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let near = listener.local_addr().unwrap();
    let seen = Seen::default();
    let writes = Arc::clone(&seen);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            if let Some(text) = request(&mut stream) {
                writes.lock().unwrap().push(text);
                let _gone = stream.write_all(&answer);
            }
        }
    });
    for (host, is_sent) in [
        (format!("127.0.0.1:{}", near.port()), true),
        ("plain.test:80".to_owned(), false),
    ] {
        let policy = format!(
            "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\nhosts = [{{ host = \"{host}\", paths = [\"/**\"], trust = true }}]"
        );
        let credentials = held(binding("KEY", &host, "authorization", Scheme::Any));
        let placeholder = credentials.environment().remove(0).1;
        let guards = Guards {
            credentials,
            ..Guards::default()
        };
        let site = Site::with(
            &policy,
            Setting {
                guards,
                ..Setting::default()
            },
        );
        site.host("plain.test", "93.184.216.52:80", near);
        site.wires.lead(&near.to_string(), near);
        let answer = site.say(&format!(
            "GET http://{host}/v1/a HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {placeholder}\r\nConnection: close\r\n\r\n"
        ));
        let seen = taken(&seen);
        assert_eq!(
            status(&answer),
            if is_sent { 200 } else { 403 },
            "{host}: {answer}"
        );
        assert_eq!(seen.len(), usize::from(is_sent), "{host}");
        assert!(seen.iter().all(|text| text.contains(SECRET)), "{seen:?}");
    }
}

#[test]
fn a_placeholder_cut_into_chunks_never_leaves_whole() {
    let (site, seen, placeholder) = usual(&plain_answer());
    for (word, is_sent) in [
        (placeholder.as_str(), false),
        ("a-harmless-word-of-some-length", true),
    ] {
        let mut stream = tls(&site, "api.test:443", "api.test", &[]).unwrap();
        let head = "POST /v1/a HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        for piece in word.as_bytes().chunks(3) {
            let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
            let _cut = stream.write_all(&chunk).and_then(|()| stream.flush());
        }
        let _cut = stream.write_all(b"0\r\n\r\n");
        let answer = read_tls(&mut stream);
        assert_eq!(status(&answer) == 200, is_sent, "{answer}");
        // What began to arrive of a request that was cut is seen once its connection has ended.
        let arrived: Vec<String> = taken(&seen).iter().map(|text| body_of(text)).collect();
        if is_sent {
            assert_eq!(arrived.last().map(String::as_str), Some(word));
        }
        let whole = arrived.concat();
        assert!(!whole.contains(&placeholder));
    }
}

#[test]
fn a_body_that_cannot_be_read_is_not_sent_to_a_bound_host() {
    let (site, seen, _) = usual(&plain_answer());
    let headers = "Content-Encoding: br\r\n";
    let answer = ask(&site, "api.test", "POST /v1/a", headers, b"anything");
    assert!(answer.contains("unreadable_body"), "{answer}");
    for lying in [&b"no gzip"[..], b"no gzip, and long enough to be told"] {
        let encoded = "Content-Encoding: gzip\r\n";
        let answer = ask(&site, "api.test", "POST /v1/a", encoded, lying);
        assert!(answer.contains("unreadable_body"), "{answer}");
    }
    assert!(taken(&seen).is_empty());
    let begun = "POST /v1/a HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut stream = tls(&site, "api.test:443", "api.test", &[]).unwrap();
    let chunk = b"20\r\nno gzip, in a body of any length\r\n0\r\n\r\n";
    stream
        .write_all(&[begun.as_bytes(), chunk].concat())
        .unwrap();
    let answer = read_tls(&mut stream);
    assert_ne!(status(&answer), 200, "{answer}");
    assert!(!taken(&seen).concat().contains("no gzip"));
    let answer = ask(&site, "other.test", "POST /v1/a", headers, b"anything");
    assert_eq!(status(&answer), 200, "{answer}");
}
