//! Every bound, on both sides: the last that is taken and the first that is not.

use portcullis::command::{Argv, CommandError, CommandFacts, CommandPattern, MAX_ARGS, MAX_ARGV_BYTES};
use portcullis::glob::{MAX_PATTERN_BYTES, PathPattern};
use portcullis::host::{Host, HostPattern};
use portcullis::path::{MAX_PATH_BYTES, PathFault, RelPath};

fn fault(text: &str) -> Option<PathFault> {
    RelPath::parse(text).err().map(|error| error.fault())
}

#[test]
fn paths_and_their_names() {
    let name = "n".repeat(255);
    let longest = vec![&*name; 16].join("/");
    assert_eq!((longest.len(), MAX_PATH_BYTES), (4095, 4095));
    assert_eq!(fault(&longest), None);
    assert_eq!(fault(&format!("{longest}/")), Some(PathFault::TooLong));
    assert!(RelPath::parse_exact(&longest).is_ok() && RelPath::parse_exact(&format!("{longest}n")).is_err());
    assert_eq!((fault(&name), fault(&format!("{name}n"))), (None, Some(PathFault::SegmentTooLong)));
    // Two letters in place of one, in the one spelling.
    let grows = "\u{958}".repeat(42);
    assert_eq!(fault(&vec![&*grows; 16].join("/")), None);
    assert_eq!(fault(&vec![&*grows; 17].join("/")), Some(PathFault::TooLong));
}

#[test]
fn short_and_reserved_names() {
    for name in ["a~1", "abcdef~1", "a~123456", "abc~1.x", "abc~1.txt"] {
        assert_eq!(fault(name), Some(PathFault::ShortName), "{name}");
    }
    for name in ["~1", "abcdefg~1", "a~", "a~1x", "abc~1.html", "abc~1.a.b", "a1"] {
        assert_eq!(fault(name), None, "{name}");
    }
    for name in
        ["con", "PRN.x", "aux .log", "nul.tar.gz", "COM1", "lpt9", "com0", "LPT³", "CONIN$", "conout$", "Clock$"]
    {
        assert_eq!(fault(name), Some(PathFault::ReservedName), "{name}");
    }
    for name in ["cons", "com", "com10", "lptx", "lpt12", "nulx", "xnul", "clock", "conin"] {
        assert_eq!(fault(name), None, "{name}");
    }
}

#[test]
fn patterns() {
    let taken = |text: &str| PathPattern::parse(text).is_ok();
    let longest = "a".repeat(MAX_PATTERN_BYTES);
    assert!(taken(&longest) && !taken(&format!("{longest}a")));
    let grows = |letters| "\u{958}".repeat(letters);
    assert!(taken(&grows(170)) && !taken(&grows(171)));
    let shrinks = |letters| "e\u{301}".repeat(letters);
    assert!(taken(&shrinks(341)) && !taken(&shrinks(342)));
}

#[test]
fn hosts_and_ports() {
    let taken = |text: &str| Host::parse(text).is_ok();
    let label = "a".repeat(63);
    assert!(taken(&label) && !taken(&format!("{label}a")) && !taken("a..b") && !taken(""));
    let name = |last: usize| format!("{label}.{label}.{label}.{}", "a".repeat(last));
    assert!(taken(&name(61)) && taken(&format!("{}.", name(61))) && !taken(&name(62)));
    let port = |port: &str| HostPattern::parse(&format!("a.test:{port}")).ok().and_then(|pattern| pattern.port());
    assert_eq!(
        ["0", "1", "65535", "65536", "01", "+1", ""].map(port),
        [None, Some(1), Some(65535), None, None, None, None]
    );
    for address in ["255.255.255.255", "0.0.0.0", "1.2.3.4"] {
        assert!(taken(address), "{address}");
    }
    for address in ["256.1.1.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "0x1.2.3.4", "1.2.3.4.", "a.0x1f", "a.9"] {
        assert!(!taken(address), "{address}");
    }
    assert!(taken("a.0xg") && taken("9.a") && taken("a.9b"));
}

#[test]
fn commands() {
    let words = |count: usize| Argv::new(vec!["a"; count]);
    assert!(words(MAX_ARGS).is_ok());
    assert_eq!(words(MAX_ARGS + 1), Err(CommandError::TooLong));
    // Each word counts one more for its end.
    let bytes = |count: usize| Argv::new(["a".to_owned(), "b".repeat(count - 3)]);
    assert!(bytes(MAX_ARGV_BYTES).is_ok());
    assert_eq!(bytes(MAX_ARGV_BYTES + 1), Err(CommandError::TooLong));
    assert_eq!(Argv::new(["", "a"]), Err(CommandError::Empty));
    assert_eq!(Argv::new(["a", "b\0"]), Err(CommandError::Nul));
}

fn facts(words: &[&str]) -> CommandFacts {
    CommandFacts::of(&Argv::new(words.iter().copied()).unwrap())
}

#[test]
fn what_is_followed() {
    let nested = |wrappers: usize| facts(&[vec!["nice"; wrappers], vec!["cargo"]].concat());
    assert_eq!((nested(11).programs().count(), nested(11).is_opaque()), (12, false));
    assert!(nested(12).is_opaque());
    let script = |commands: usize| facts(&["sh", "-c", &"a;".repeat(commands)]);
    assert_eq!((script(4_095).programs().count(), script(4_095).is_opaque()), (4_096, false));
    assert!(script(4_096).is_opaque());
    let rule = |words: usize| CommandPattern::exact("a", &vec!["b"; words]);
    let other = facts(&["a", "c"]);
    assert!(!rule(63).blocks(&other) && rule(64).blocks(&other));
    assert!(rule(63).blocks(&facts(&[vec!["a"], vec!["b"; 63]].concat())));
    assert!(!rule(63).blocks(&facts(&[vec!["a"], vec!["b"; 62]].concat())));
}
