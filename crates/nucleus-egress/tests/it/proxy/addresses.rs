//! Where a connection may lead: listed hosts alone, at public addresses alone, each looked up once and after its permit.

use crate::proxy::site::{Setting, Site, echo, status};

const ONE_HOST: &str = "
[capabilities]
web_fetch = \"low_risk\"
[network]
hosts = [\"a.test\", { host = \"b.test\", methods = [\"GET\"], paths = [\"/open/**\"] }]
";

/// C11: a plain request to a host that is not listed.
#[test]
fn a_listed_host_is_reached_and_another_is_not_even_looked_up() {
    let site = Site::new(ONE_HOST);
    site.host("a.test", "93.184.216.34:80", echo());
    site.host("evil.test", "93.184.216.35:80", echo());
    let good = site.get("http://a.test/x?y=1");
    assert_eq!(status(&good), 200, "{good}");
    assert!(
        good.contains("saw GET /x?y=1 HTTP/1.1 host a.test"),
        "{good}"
    );
    let bad = site.get("http://evil.test/x");
    assert_eq!(status(&bad), 403, "{bad}");
    assert!(
        bad.contains("application/json") && bad.contains("approval_required"),
        "{bad}"
    );
    assert_eq!(site.names.asked(), ["a.test"]);
    assert_eq!(site.wires.dialled(), ["93.184.216.34:80"]);
    assert!(site.log().contains("evil.test"));
}

/// C5, C6: names that lead inside, and addresses in every class.
#[test]
fn a_name_that_leads_inside_is_not_dialled() {
    let site = Site::new(ONE_HOST);
    for inside in [
        "127.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "ff02::1",
    ] {
        let site_of_one = Site::new(ONE_HOST);
        site_of_one.names.set("a.test", &[&[inside]]);
        let answer = site_of_one.get("http://a.test/");
        assert_eq!(status(&answer), 403, "{inside}: {answer}");
        assert!(site_of_one.wires.dialled().is_empty(), "{inside}");
    }
    // One public address beside a private one opens neither.
    site.names.set("a.test", &[&["93.184.216.34", "10.0.0.1"]]);
    assert_eq!(status(&site.get("http://a.test/")), 403);
    assert!(site.wires.dialled().is_empty());
}

/// C6: an answer that changes after it was checked.
#[test]
fn a_name_keeps_the_address_that_was_checked() {
    let site = Site::new(ONE_HOST);
    site.host("a.test", "93.184.216.34:80", echo());
    site.names
        .set("a.test", &[&["93.184.216.34"], &["127.0.0.1"]]);
    for _ in 0..3 {
        assert_eq!(status(&site.get("http://a.test/")), 200);
    }
    assert_eq!(site.names.asked(), ["a.test"]);
    assert!(
        site.wires
            .dialled()
            .iter()
            .all(|to| to == "93.184.216.34:80")
    );
}

/// C5: literals and names of machines' own services, in any spelling.
#[test]
fn local_and_metadata_targets_are_refused_in_every_spelling() {
    let site = Site::new(
        "
[capabilities]
web_fetch = \"always\"
[network]
hosts = \"everything\"
",
    );
    for host in [
        "127.0.0.1",
        "[::1]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "[::ffff:169.254.169.254]",
        "localhost",
        "metadata.google.internal",
        "0x7f000001",
        "0177.0.0.1",
        "2130706433",
        "127.1",
    ] {
        let answer = site.get(&format!("http://{host}/"));
        assert!(matches!(status(&answer), 400 | 403), "{host}: {answer}");
        let (_, tunnel) = site.tunnel(&format!("{host}:443"));
        assert!(matches!(status(&tunnel), 400 | 403), "{host}: {tunnel}");
    }
    assert!(site.wires.dialled().is_empty() && site.names.asked().is_empty());
    site.wires.lead("93.184.216.34:80", echo());
    assert_eq!(status(&site.get("http://93.184.216.34/")), 200);
}

/// An address of the inside is reached by the rule that names it, and by no other.
#[test]
fn a_rule_that_names_an_address_opens_it() {
    let server = echo();
    let site = Site::new(&format!(
        "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\nhosts = [\"{server}\"]\n"
    ));
    site.wires.lead(&server.to_string(), server);
    assert_eq!(status(&site.get(&format!("http://{server}/"))), 200);
    let other = site.get("http://127.0.0.1:1/");
    assert_eq!(status(&other), 403, "{other}");
}

/// C13: spellings of a path that servers read differently.
#[test]
fn a_path_has_one_spelling() {
    let site = Site::new(ONE_HOST);
    site.host("b.test", "93.184.216.36:80", echo());
    for path in ["/open/a", "/open/%61", "/open/a?x=/../b"] {
        let answer = site.get(&format!("http://b.test{path}"));
        assert_eq!(status(&answer), 200, "{path}: {answer}");
        assert!(answer.contains("saw GET /open/a"), "{path}: {answer}");
    }
    for path in [
        "/shut/a",
        "/open/../shut",
        "/open/%2e%2e/shut",
        "/open/%2E%2e/shut",
        "/open//a",
        "/open/a;x",
        "/open/..%2fshut",
        "/open/%2e%2e%2fshut",
        "/open/%252e%252e/shut",
        "/open/a%00",
        "/open\\..\\shut",
        "/OPEN/a",
    ] {
        let answer = site.get(&format!("http://b.test{path}"));
        assert!(matches!(status(&answer), 400 | 403), "{path}: {answer}");
    }
    let post = site.say(
        "POST http://b.test/open/a HTTP/1.1\r\nHost: b.test\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
    );
    assert_eq!(status(&post), 403, "{post}");
}

#[test]
fn what_names_two_hosts_or_another_method_is_refused() {
    let site = Site::new(ONE_HOST);
    site.host("a.test", "93.184.216.34:80", echo());
    for head in [
        "GET http://a.test/ HTTP/1.1\r\nHost: evil.test\r\n",
        "GET http://user@a.test/ HTTP/1.1\r\nHost: a.test\r\n",
        "GET http://a.test@evil.test/ HTTP/1.1\r\nHost: a.test\r\n",
        "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n",
        "GET /x HTTP/1.1\r\nHost: a.test\r\n",
        "GET https://a.test/ HTTP/1.1\r\nHost: a.test\r\n",
        "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nX-HTTP-Method-Override: DELETE\r\n",
        "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\nConnection: upgrade, http2-settings\r\n",
        "POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n",
    ] {
        let answer = site.say(&format!("{head}Connection: close\r\n\r\n"));
        assert!(matches!(status(&answer), 400 | 403), "{head}: {answer}");
    }
    assert!(site.wires.dialled().is_empty());
}

#[test]
fn what_makes_another_request_of_it_is_refused_in_every_spelling() {
    let site = Site::new(ONE_HOST);
    site.host("a.test", "93.184.216.34:80", echo());
    let ask = |header: &str| {
        site.say(&format!(
            "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n{header}: /x\r\nConnection: close\r\n\r\n"
        ))
    };
    for header in [
        "X-HTTP-Method",
        "X_HTTP_Method_Override",
        "X-Original-URI",
        "X-Override-URL",
        "X-Forwarded-URI",
        "X-Forwarded-Path",
        "x-forwarded_prefix",
    ] {
        let answer = ask(header);
        assert!(
            answer.contains("makes another request of it"),
            "{header}: {answer}"
        );
    }
    assert_eq!(status(&ask("X-Forwarded-Proto")), 200, "the allow twin");
}

/// A company's own mirror, which the user's package manager names; its rule still bounds what is asked of it.
#[test]
fn a_host_that_the_users_settings_name_may_be_inside_the_network() {
    let inside = || {
        let setting = Setting {
            inside: vec!["b.test"],
            ..Setting::default()
        };
        Site::with(ONE_HOST, setting)
    };
    for address in ["10.1.2.3", "192.168.7.8", "100.64.3.4", "203.0.113.9"] {
        let site = inside();
        site.host("b.test", &format!("{address}:80"), echo());
        assert_eq!(status(&site.get("http://b.test/open/a")), 200, "{address}");
        assert_eq!(status(&site.get("http://b.test/shut")), 403, "{address}");
        // Another name for the same address is no such host.
        site.names.set("a.test", &[&[address]]);
        assert_eq!(status(&site.get("http://a.test/")), 403, "{address}");
    }
    for address in [
        "127.0.0.1",
        "169.254.169.254",
        "100.100.100.200",
        "::1",
        "0.0.0.0",
        "::ffff:10.0.0.1",
    ] {
        let site = inside();
        site.names.set("b.test", &[&[address]]);
        assert_eq!(status(&site.get("http://b.test/open/a")), 403, "{address}");
        assert!(site.wires.dialled().is_empty(), "{address}");
    }
}
