//! One spelling per host, address and URL path; the rest is refused.

use portcullis::host::{Host, HostName, HostPattern, HostRule, IpClass, UrlPath, UrlPathPattern};
use proptest::prelude::*;
use std::net::IpAddr;

fn host(text: &str) -> Host {
    Host::parse(text).unwrap()
}

fn url(text: &str) -> UrlPath {
    UrlPath::parse(text).unwrap()
}

fn class(text: &str) -> IpClass {
    IpClass::of(text.parse::<IpAddr>().unwrap())
}

#[test]
fn names_have_one_spelling() {
    for text in ["example.com", "EXAMPLE.com", "Example.COM.", "example.com."] {
        assert_eq!(HostName::parse(text).unwrap().as_str(), "example.com");
    }
    assert_eq!(HostName::parse("xn--mnchen-3ya.de").unwrap().as_str(), "xn--mnchen-3ya.de");
    assert_eq!(host("[2001:DB8::1]").to_string(), "[2001:db8::1]");
    assert_eq!(host("192.0.2.1"), Host::Address("192.0.2.1".parse().unwrap()));
}

#[test]
fn ambiguous_hosts_are_refused() {
    for text in [
        "",
        ".",
        "..",
        "a..b",
        ".a",
        "münchen.de",
        "user@host",
        "user:pw@host",
        "a%2eb",
        "a\0b",
        "a\r\nb",
        "a b",
        "a/b",
        "a?b",
        "a#b",
        "a\\b",
        "-a.com",
        "a-.com",
        "example.com..",
        "[::1",
        "::1]",
        "[::1]x",
        "fe80::1%eth0",
        "a:80",
        "ｅxample.com",
        "exam_ple .com",
    ] {
        assert!(Host::parse(text).is_err(), "{text:?}");
    }
    assert!(Host::parse(&format!("{}.com", "a".repeat(64))).is_err());
    assert!(Host::parse(&"a.".repeat(130)).is_err());
    assert!(HostName::parse("127.0.0.1").is_err());
}

#[test]
fn odd_address_literals_are_refused() {
    for text in [
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "2130706433",
        "127.1",
        "127.0.1",
        "0",
        "1.2.3.4.5",
        "256.0.0.1",
        "127.0.0.1.",
        "127.0.0.01",
        "0x",
        "1.2.3.0x4",
        "a.b.1",
        "00000177.1",
    ] {
        assert!(Host::parse(text).is_err(), "{text}");
    }
    for twin in ["127.0.0.1", "1e100.net", "3com.com", "0x7f.example.com", "1.2.3.4.example.org"] {
        assert!(Host::parse(twin).is_ok(), "{twin}");
    }
}

#[test]
fn addresses_are_classed() {
    use IpClass::*;
    let table = [
        ("8.8.8.8", Global),
        ("2606:4700::1111", Global),
        ("127.0.0.1", Loopback),
        ("127.255.0.9", Loopback),
        ("::1", Loopback),
        ("0.0.0.0", Unspecified),
        ("0.1.2.3", Unspecified),
        ("::", Unspecified),
        ("10.0.0.1", Private),
        ("172.16.0.1", Private),
        ("172.31.255.255", Private),
        ("172.32.0.1", Global),
        ("192.168.1.1", Private),
        ("fc00::1", Private),
        ("fdff::1", Private),
        ("fec0::1", Private),
        ("100.64.0.1", SharedCarrier),
        ("100.128.0.1", Global),
        ("169.254.1.1", LinkLocal),
        ("fe80::1", LinkLocal),
        ("169.254.169.254", Metadata),
        ("169.254.170.2", Metadata),
        ("fd00:ec2::254", Metadata),
        ("100.100.100.200", Metadata),
        ("168.63.129.16", Metadata),
        ("192.0.0.192", Metadata),
        ("224.0.0.1", Multicast),
        ("255.255.255.255", Multicast),
        ("ff02::1", Multicast),
        ("192.0.2.1", Documentation),
        ("198.51.100.7", Documentation),
        ("203.0.113.1", Documentation),
        ("198.18.0.1", Documentation),
        ("2001:db8::1", Documentation),
        ("240.0.0.1", Reserved),
        ("192.0.0.1", Reserved),
        ("::ffff:127.0.0.1", Embedded),
        ("::ffff:8.8.8.8", Embedded),
        ("::127.0.0.1", Embedded),
        ("64:ff9b::7f00:1", Embedded),
        ("64:ff9b:1::1", Embedded),
        ("2002:7f00:1::", Embedded),
        ("2001::1", Embedded),
        ("4000::1", Reserved),
        ("100::1", Reserved),
        ("192.88.99.1", Embedded),
    ];
    for (text, expected) in table {
        assert_eq!(class(text), expected, "{text}");
    }
}

#[test]
fn names_of_metadata_services_are_known() {
    for text in ["metadata.google.internal", "METADATA.google.internal.", "localhost", "x.localhost", "printer.local"] {
        assert!(HostName::parse(text).unwrap().is_local_or_metadata(), "{text}");
    }
    assert!(!HostName::parse("metadata.example.com").unwrap().is_local_or_metadata());
}

#[test]
fn host_patterns_match_whole_labels_and_ports() {
    let table = [
        ("example.com", "example.com", 443, true),
        ("example.com", "example.com", 80, true),
        ("example.com", "example.com", 22, false),
        ("example.com", "a.example.com", 443, false),
        ("*.example.com", "a.example.com", 443, true),
        ("*.example.com", "a.b.example.com", 443, true),
        ("*.example.com", "example.com", 443, false),
        ("*.example.com", "badexample.com", 443, false),
        ("Example.COM:8443", "example.com", 8443, true),
        ("example.com:8443", "example.com", 443, false),
        ("127.0.0.1:8080", "127.0.0.1", 8080, true),
        ("[::1]:80", "::1", 80, true),
        ("::1", "[::1]", 443, true),
        ("example.com", "example.com.evil.net", 443, false),
    ];
    for (pattern, subject, port, expected) in table {
        assert_eq!(
            HostPattern::parse(pattern).unwrap().matches(&host(subject), port),
            expected,
            "{pattern} {subject}:{port}"
        );
    }
    for text in [
        "*",
        "*.com",
        "a.*.com",
        "*a.com",
        "*.127.0.0.1",
        "a.com:0",
        "a.com:",
        "a.com:65536",
        "a.com:+80",
        "a.com:080",
        "*.*.com",
    ] {
        assert!(HostPattern::parse(text).is_err(), "{text}");
    }
    for text in ["example.com", "*.example.com:8443", "[::1]:80", "192.0.2.1"] {
        assert_eq!(HostPattern::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn host_patterns_cover_what_they_contain() {
    let covers = |a: &str, b: &str| HostPattern::parse(a).unwrap().covers(&HostPattern::parse(b).unwrap());
    assert!(covers("*.example.com", "a.example.com") && covers("*.example.com", "*.a.example.com"));
    assert!(covers("example.com", "example.com:443") && !covers("example.com", "example.com:22"));
    assert!(!covers("example.com:443", "example.com") && !covers("a.example.com", "*.example.com"));
    assert!(!covers("*.a.example.com", "*.example.com") && !covers("*.example.com", "example.com"));
}

#[test]
fn url_paths_have_one_spelling_or_none() {
    for (text, canonical) in [
        ("/", "/"),
        ("/a/b", "/a/b"),
        ("/a/", "/a/"),
        ("/%61/b", "/a/b"),
        ("/a%7eb", "/a~b"),
        ("/a%c3%bc", "/a%C3%BC"),
        ("/@types%2fnode", "/@types%2Fnode"),
        ("/a%20b", "/a%20b"),
        ("/100%25", "/100%25"),
        ("/%25/%35%25", "/%25/5%25"),
        ("/v1.0/..a", "/v1.0/..a"),
    ] {
        assert_eq!(url(text).as_str(), canonical, "{text}");
    }
    for text in [
        "",
        "a",
        "//a",
        "/a//b",
        "/a/../b",
        "/a/./b",
        "/a/..",
        "/%2e%2e/b",
        "/a/%2E%2e",
        "/.%2e/b",
        "/a/%2e/b",
        "/a;x",
        "/a;x=1/b",
        "/a%3bx",
        "/a/..;/b",
        "/a\\b",
        "/a%5cb",
        "/a%2f..%2fb",
        "/a%2f%2e%2e%2fb",
        "/%252e%252e/a",
        "/%25%32%65%25%32e/a",
        "/%255%35%25a",
        "/a%00",
        "/a%0d%0ab",
        "/a\r\nb",
        "/a b",
        "/a%",
        "/a%2",
        "/a%zz",
        "/ü",
        "/a?b",
        "/a#b",
        "/a%2f/b",
        "/%2fb",
    ] {
        assert!(UrlPath::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn url_patterns_hold_under_every_reading() {
    let matches = |pattern: &str, path: &str| UrlPathPattern::parse(pattern).unwrap().matches(&url(path));
    assert!(
        matches("/a/*", "/a/b") && !matches("/a/*", "/a/b/c") && !matches("/a/*", "/a") && matches("/a/**", "/a/b/c")
    );
    assert!(
        matches("/", "/")
            && !matches("/", "/a")
            && matches("/**", "/")
            && !matches("/a", "/a/")
            && matches("/a/", "/a/")
    );
    assert!(!matches("/a", "/a/below"), "unlike workspace patterns");
    assert!(matches("/**", "/@types%2fnode") && matches("/@types/**", "/@types/node"));
    assert!(!matches("/*", "/public%2Fsecret") && !matches("/public/*", "/public%2Fsecret"));
    for text in ["", "a", "/a//b", "/[a]", "/a/../b"] {
        assert!(UrlPathPattern::parse(text).is_err(), "{text}");
    }
}

#[test]
fn no_sink_needs_fixed_methods_and_paths_on_one_host() {
    let rule = |text: &str| HostRule::new(HostPattern::parse(text).unwrap());
    let paths = || [UrlPathPattern::parse("/index/**").unwrap()];
    assert!(rule("a.example").sink() && !rule("a.example").trust());
    assert!(rule("a.example").with_sink(false).is_err());
    assert!(rule("a.example").with_methods(["GET"]).unwrap().with_sink(false).is_err());
    assert!(rule("a.example").with_paths(paths()).unwrap().with_sink(false).is_err());
    let narrow = |text| rule(text).with_methods(["GET"]).unwrap().with_paths(paths()).unwrap();
    assert!(narrow("*.a.example").with_sink(false).is_err());
    let query = narrow("a.example").with_sink(false).unwrap();
    assert!(!query.sink());
    assert!(query.clone().with_methods(Vec::<String>::new()).is_err(), "nor can it be widened afterwards");
    assert!(query.clone().with_paths([]).is_err());
    let (target, ok) = (host("a.example"), url("/index/x"));
    assert!(query.matches(&target, 443, Some(("GET", &ok))));
    assert!(!query.matches(&target, 443, Some(("POST", &ok))));
    assert!(!query.matches(&target, 443, Some(("get", &ok))));
    assert!(!query.matches(&target, 443, Some(("GET", &url("/publish")))));
    assert!(!query.matches(&target, 443, None), "a tunnel cannot be inspected");
    assert!(rule("a.example").matches(&target, 443, None));
    assert!(rule("a.example").with_methods(["get"]).is_err());
}

#[test]
fn an_empty_list_of_methods_or_paths_is_refused_and_never_means_all() {
    let rule = HostRule::new(HostPattern::parse("a.example").unwrap());
    assert!(rule.clone().with_methods(Vec::<String>::new()).is_err());
    assert!(rule.clone().with_paths([]).is_err());
    let (target, path) = (host("a.example"), url("/x"));
    let reads = rule.clone().with_methods(["GET"]).unwrap();
    assert!(reads.matches(&target, 443, Some(("GET", &path))));
    assert!(!reads.matches(&target, 443, Some(("POST", &path))));
    assert!(rule.matches(&target, 443, Some(("POST", &path))), "a rule that was never narrowed");
}

#[test]
fn address_ranges_of_the_shipped_table_all_parse() {
    assert_eq!(IpClass::of("93.184.215.14".parse().unwrap()), IpClass::Global);
    assert_eq!(IpClass::of("4000::1".parse().unwrap()), IpClass::Reserved, "in no range of the table");
}

proptest! {
    #[test]
    fn hosts_parse_to_a_fixed_point(text in "[a-zA-Z0-9.:\\-\\[\\]x%@]{0,24}") {
        if let Ok(parsed) = Host::parse(&text) {
            prop_assert_eq!(Host::parse(&parsed.to_string()).unwrap(), parsed);
        }
    }

    #[test]
    fn url_paths_parse_to_a_fixed_point(text in "/[a-c/.;%2eEfF5]{0,20}") {
        if let Ok(parsed) = UrlPath::parse(&text) {
            prop_assert_eq!(&UrlPath::parse(parsed.as_str()).unwrap(), &parsed);
            prop_assert!(!parsed.as_str().contains("//") && !parsed.as_str().split('/').any(|s| s == ".." || s == "."));
        }
    }

    #[test]
    fn embedded_private_addresses_are_never_global(bits in any::<u32>()) {
        let v4 = std::net::Ipv4Addr::from(bits);
        prop_assert_ne!(IpClass::of(v4.to_ipv6_mapped().into()), IpClass::Global);
        prop_assert_ne!(IpClass::of(v4.to_ipv6_compatible().into()), IpClass::Global);
    }
}
