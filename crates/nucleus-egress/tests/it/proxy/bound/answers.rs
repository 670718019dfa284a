//! What a bound host sends back, and which values are bound at all.

use super::*;

#[test]
fn what_a_bound_host_sends_back_holds_nothing_of_the_value() {
    let json = SECRET.replace('/', "\\/");
    let body = format!(
        "raw {SECRET} basic {} url {} json {json} end {}",
        STANDARD.encode(format!("x:{SECRET}")),
        SECRET.replace('/', "%2F").replace('+', "%2B"),
        &SECRET[..10],
    );
    let head = format!("X-Echo: {SECRET}\r\nLocation: https://evil.test/?t={SECRET}\r\n");
    let sized = format!(
        "HTTP/1.1 200 OK\r\n{head}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let chunked = format!(
        "HTTP/1.1 307 Go\r\n{head}Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
        body.as_bytes()
            .chunks(7)
            .map(|piece| format!(
                "{:x}\r\n{}\r\n",
                piece.len(),
                String::from_utf8_lossy(piece)
            ))
            .collect::<String>()
    );
    for (answer, step) in [
        (&sized, 1 << 20),
        (&sized, 5),
        (&chunked, 1 << 20),
        (&chunked, 11),
    ] {
        let own = binding("KEY", "api.test", "authorization", Scheme::Any);
        let (site, seen, placeholder) = site(answer.as_bytes(), step, own);
        let got = ask(
            &site,
            "api.test",
            "GET /v1/a",
            &format!("Authorization: Bearer {placeholder}\r\n"),
            b"",
        );
        assert!(taken(&seen)[0].contains(SECRET));
        let body = body_of(&got);
        for form in [
            SECRET,
            &SECRET.replace('/', "%2F").replace('+', "%2B"),
            &STANDARD.encode(format!("x:{SECRET}"))[8..30],
            "canary0123456789abc",
        ] {
            assert!(!got.contains(form) && !body.contains(form), "{form}: {got}");
        }
        assert!(got.contains(&format!("x-echo: {placeholder}")), "{got}");
        assert!(
            got.contains(&format!("location: https://evil.test/?t={placeholder}")),
            "{got}"
        );
        assert!(
            body.starts_with(&format!("raw {placeholder} basic ")),
            "{body}"
        );
        assert!(
            body.contains(&format!(
                " url {placeholder} json {placeholder} end ghp_canary"
            )),
            "{body}"
        );
    }
    // The allow twin: another host is read as it is.
    let (site, _, _) = usual(sized.as_bytes());
    let got = ask(&site, "other.test", "GET /v1/a", "", b"");
    assert!(got.contains(SECRET) && got.contains(&body), "{got}");
}

#[test]
fn a_value_that_is_escaped_in_any_mixture_is_taken_out() {
    let slash = |form: &str, plus: &str| SECRET.replace('/', form).replace('+', plus);
    let body = format!(
        "dotnet {} go {} html {} url {} end",
        slash("/", "\\u002B"),
        slash("\\/", "\\u002b"),
        slash("&#x2F;", "&#43;"),
        slash("/", "%2B"),
    );
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    for step in [1 << 20, 7] {
        let own = binding("KEY", "api.test", "authorization", Scheme::Any);
        let (site, _, placeholder) = site(answer.as_bytes(), step, own);
        let got = body_of(&ask(&site, "api.test", "GET /v1/a", "", b""));
        let clean = format!(
            "dotnet {placeholder} go {placeholder} html {placeholder} url {placeholder} end"
        );
        assert_eq!(got, clean, "{step}");
        let got = ask(&site, "other.test", "GET /v1/a", "", b"");
        assert!(got.contains(&body), "the allow twin: {got}");
    }
}

#[test]
fn a_bound_host_is_asked_for_plain_and_whole_answers_and_others_are_refused() {
    for (answer, is_refused) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
            true,
        ),
        (
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nok",
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 2\r\n\r\nok",
            false,
        ),
    ] {
        let (site, seen, _) = usual(answer.as_bytes());
        let headers = "Range: bytes=0-1\r\nIf-Range: x\r\nAccept-Encoding: gzip, br\r\n";
        let got = ask(&site, "api.test", "GET /v1/a", headers, b"");
        assert_eq!(got.contains("unreadable_answer"), is_refused, "{got}");
        let asked = taken(&seen).concat();
        assert!(
            asked.contains("accept-encoding: identity\r\n") && !asked.contains("ange: "),
            "{asked}"
        );
        let got = ask(&site, "other.test", "GET /v1/a", headers, b"");
        assert!(!got.contains("unreadable_answer"), "{got}");
        assert!(taken(&seen).concat().contains("range: bytes=0-1"));
    }
}

#[test]
fn values_that_no_header_carries_or_that_any_text_holds_are_refused_unseen() {
    for value in [
        "tiny-12",
        "with a space in it",
        "with\nline-break",
        "ünïcödé-letters",
    ] {
        let own = binding("KEY", "api.test", "authorization", Scheme::Any);
        let error = Credentials::new([(own, Zeroizing::new(value.to_owned()))]).unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(said.contains("KEY") && !said.contains(value), "{said}");
    }
}
