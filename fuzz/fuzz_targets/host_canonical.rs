//! Any text, as a host, a host pattern and a URL path: one spelling each, and no odd number that is an address.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::host::{Host, HostPattern, UrlPath, UrlPathPattern};

fuzz_target!(|text: &str| {
    if let Ok(host) = Host::parse(text) {
        let spelled = host.to_string();
        assert_eq!(Host::parse(&spelled).as_ref(), Ok(&host));
        assert!(!spelled.bytes().any(|b| b <= b' ' || matches!(b, b'@' | b'/' | b'\\' | b'%' | 0x7f..)));
        if let Host::Name(name) = &host {
            assert!(name.as_str().bytes().any(|b| !b.is_ascii_digit() && b != b'.'), "a number is a name");
        }
    }
    if let Ok(pattern) = HostPattern::parse(text) {
        assert_eq!(HostPattern::parse(&pattern.to_string()).as_ref(), Ok(&pattern));
        assert!(pattern.covers(&pattern));
    }
    if let Ok(path) = UrlPath::parse(text) {
        assert_eq!(UrlPath::parse(path.as_str()).as_ref(), Ok(&path));
        assert!(path.as_str().starts_with('/') && !path.as_str().contains(['?', '#']));
    }
    if let Ok(pattern) = UrlPathPattern::parse(text) {
        assert_eq!(UrlPathPattern::parse(pattern.as_str()).as_ref(), Ok(&pattern));
    }
});
