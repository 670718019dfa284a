//! One spelling per file, and patterns over those spellings.

use portcullis::glob::{PathPattern, default_credentials};
use portcullis::path::{PathFault, RelPath, fold};
use proptest::prelude::*;

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

fn fault(text: &str) -> Option<PathFault> {
    RelPath::parse(text).err().map(|error| error.fault())
}

fn pattern(text: &str) -> PathPattern {
    PathPattern::parse(text).unwrap()
}

#[test]
fn thirty_spellings_name_one_file() {
    let spellings = [
        "a/b/c",
        "./a/b/c",
        "a//b/c",
        "a/./b/c",
        "a/b/c/",
        "a/b/./c",
        "a/b//c",
        "a/x/../b/c",
        "x/../a/b/c",
        "././a/b/c",
        "a/b/c/.",
        "a/b/c/./",
        "a/b/d/../c",
        "a///b///c",
        "a/b/../b/c",
        "a/../a/b/c",
        "./a/./b/./c/.",
        "a/b/c/d/..",
        "a/b/c/d/../",
        ".//a/b/c",
        "x/y/../../a/b/c",
        "a/b/x/y/../../c",
        "a/b/c//",
        "a/././b/c",
        "a/b/c/x/./..",
        "a/x/./../b/c",
        "./x/../a/b/c",
        "a/b/c/./.",
        "a/.//b/c",
        "a//./b//c",
    ];
    assert_eq!(spellings.len(), 30);
    for spelling in spellings {
        assert_eq!(path(spelling).as_str(), "a/b/c", "{spelling}");
    }
}

#[test]
fn the_root_is_the_empty_path() {
    for spelling in ["", ".", "./", "a/..", "a/../", "./."] {
        assert!(path(spelling).is_root(), "{spelling}");
    }
    assert_eq!(RelPath::root().to_string(), ".");
    assert_eq!(RelPath::root().parent(), None);
    assert_eq!(RelPath::root().file_name(), None);
}

#[test]
fn leaving_the_workspace_is_refused() {
    for spelling in ["..", "../a", "a/../../b", "a/b/../../..", "./..", "a/./../.."] {
        assert_eq!(fault(spelling), Some(PathFault::Escapes), "{spelling}");
    }
    assert_eq!(fault("/etc/passwd"), Some(PathFault::Absolute));
    assert_eq!(fault("//etc/passwd"), Some(PathFault::Absolute));
}

#[test]
fn windows_forms_are_refused_everywhere() {
    use PathFault::*;
    let table = [
        ("C:/x", Colon),
        ("c:x", Colon),
        ("a:b", Colon),
        ("file.txt::$DATA", Colon),
        (r"\\?\C", Backslash),
        (r"\\server\share", Backslash),
        (r"a\b", Backslash),
        (r"..\..\x", Backslash),
        ("PROGRA~1", ShortName),
        ("git~1/config", ShortName),
        ("x/LONGNA~2.TXT", ShortName),
        ("GI7EBA~1", ShortName),
        ("foo~1", ShortName),
        ("CON", ReservedName),
        ("nul", ReservedName),
        ("a/aux.rs", ReservedName),
        ("COM1", ReservedName),
        ("lpt9.txt", ReservedName),
        ("com¹", ReservedName),
        ("CONIN$", ReservedName),
        ("nul .txt", ReservedName),
        ("a./b", TrailingDotOrSpace),
        (".git./config", TrailingDotOrSpace),
        (".git /config", TrailingDotOrSpace),
        ("...", TrailingDotOrSpace),
        ("a/b ", TrailingDotOrSpace),
    ];
    for (text, expected) in table {
        assert_eq!(fault(text), Some(expected), "{text}");
    }
}

#[test]
fn ordinary_names_beside_windows_forms_are_taken() {
    for text in [
        "console.rs",
        "auxiliary/nullable.rs",
        "com10",
        "lpt",
        "a~b",
        "notes.txt~",
        "~1",
        "foo~bar",
        "verylongname~1",
        "x~1.html5",
        ".env",
        "..a",
        "a..b",
        "a b",
        " a",
        "app/[slug]/page.tsx",
        "(group)/x",
        "üñî/ß",
        "a,b;c",
        "HEAD~",
    ] {
        assert_eq!(path(text).as_str(), text);
    }
}

#[test]
fn control_characters_and_bad_bytes_are_refused() {
    for text in ["a\0b", "a\nb", "a\u{7f}b", "a\u{85}b", "a\r"] {
        assert_eq!(fault(text), Some(PathFault::ControlCharacter), "{text:?}");
    }
    assert_eq!(RelPath::parse_bytes(b"a/\xff").unwrap_err().fault(), PathFault::NotUtf8);
    assert_eq!(RelPath::parse_bytes("a/ü".as_bytes()).unwrap(), path("a/ü"));
}

#[test]
fn a_name_on_disk_that_is_not_nfc_never_becomes_another_file() {
    let (composed, split) = ("r\u{e9}sum\u{e9}", "re\u{301}sume\u{301}");
    assert_eq!(path(split).as_str(), composed);
    assert_eq!(RelPath::parse_exact(split).unwrap_err().fault(), PathFault::NotNormalised);
    assert_eq!(RelPath::parse_bytes(split.as_bytes()).unwrap_err().fault(), PathFault::NotNormalised);
    assert_eq!(RelPath::parse_exact(composed).unwrap().as_str(), composed);
}

#[test]
fn lengths_are_bounded() {
    assert_eq!(fault(&"a".repeat(256)), Some(PathFault::SegmentTooLong));
    assert_eq!(fault(&"a/".repeat(3000)), Some(PathFault::TooLong));
    assert_eq!(path(&"a".repeat(255)).as_str().len(), 255);
    assert_eq!(path(&"a/".repeat(2047)).segments().count(), 2047);
}

#[test]
fn absolute_paths_are_taken_beneath_their_root_only() {
    let beneath = |p: &str| RelPath::beneath("/home/u/ws", p);
    for text in ["/home/u/ws/a/b", "//home//u/./ws/a/b", "/home/u/x/../ws/a/b", "a/b", "/../home/u/ws/a/b"] {
        assert_eq!(beneath(text).unwrap(), path("a/b"), "{text}");
    }
    assert!(beneath("/home/u/ws").unwrap().is_root());
    for text in ["/home/u/ws2/a", "/home/u/ws/../x", "/etc/passwd", "/HOME/u/ws/a", "/", "/home/u/w"] {
        assert_eq!(beneath(text).unwrap_err().fault(), PathFault::OutsideRoot, "{text}");
    }
    assert_eq!(beneath("../x").unwrap_err().fault(), PathFault::Escapes);
    assert_eq!(RelPath::beneath("ws", "/ws/a").unwrap_err().fault(), PathFault::OutsideRoot);
}

#[test]
fn parts_of_a_path() {
    let file = path("a/b/c.rs");
    assert_eq!(file.parent(), Some(path("a/b")));
    assert_eq!(file.file_name(), Some("c.rs"));
    assert_eq!(path("a").parent(), Some(RelPath::root()));
    assert_eq!(path("a/b").join("../c").unwrap(), path("a/c"));
    assert_eq!(RelPath::root().join("c").unwrap(), path("c"));
    assert_eq!(path("a").join("/etc").unwrap_err().fault(), PathFault::Absolute);
    assert_eq!(path("a").join("../..").unwrap_err().fault(), PathFault::Escapes);
    assert!(file.starts_with(&path("a/b")) && file.starts_with(&RelPath::root()) && file.starts_with(&file));
    assert!(!path("ab").starts_with(&path("a")));
}

#[test]
fn errors_escape_what_they_show() {
    let error = RelPath::parse("a\u{1b}[31mb\\").unwrap_err();
    assert!(!error.to_string().contains('\u{1b}'));
    assert!(!error.help().is_empty());
}

#[test]
fn folding_is_as_coarse_as_file_systems() {
    for (a, b) in [
        (".GIT", ".git"),
        (".g\u{131}t", ".git"),
        ("\u{212a}ey", "key"),
        ("stra\u{df}e", "STRASSE"),
        (".g\u{200d}it", ".git"),
        ("\u{17f}sh", "ssh"),
        ("re\u{301}", "R\u{c9}"),
        (".gi\u{200c}t", ".Git"),
    ] {
        assert_eq!(fold(a), fold(b), "{a:?} {b:?}");
    }
    assert_ne!(fold("git"), fold("get"));
}

#[test]
fn patterns_follow_gitignore() {
    let table = [
        ("*.pem", "certs/server.pem", true),
        ("*.pem", "server.pem", true),
        ("*.pem", "server.pem.txt", false),
        ("target", "a/target/x/y", true),
        ("target/", "target", true),
        ("/target", "a/target", false),
        ("/target", "target/x", true),
        ("src/main.rs", "src/main.rs", true),
        ("src/main.rs", "a/src/main.rs", false),
        ("src/**", "src", true),
        ("src/**", "src/a/b", true),
        ("src/**", "srcs/a", false),
        ("a/**/z", "a/z", true),
        ("a/**/z", "a/b/c/z/below", true),
        ("a/**/z", "a/b/c", false),
        ("**/x/y", "p/q/x/y", true),
        ("**", "", true),
        ("**", "a/b", true),
        ("a?c", "abc", true),
        ("a?c", "aüc", true),
        ("a?c", "ac", false),
        ("*", ".hidden", true),
        ("a*b*c", "axxbyyc", true),
        ("a*b*c", "axxbyy", false),
        ("src/*.rs", "src/a/b.rs", false),
        ("*", "", false),
        (".env.!(example|sample)", ".env.prod", true),
        (".env.!(example|sample)", "x/.env.example", false),
        (".env.!(example|sample)", ".env.examples", true),
        (".env.!(example|sample)", ".env", false),
    ];
    for (text, subject, expected) in table {
        assert_eq!(pattern(text).matches(&path(subject)), expected, "{text} {subject}");
    }
}

#[test]
fn protected_names_match_whatever_the_case() {
    let ssh = pattern(".ssh");
    assert!(ssh.matches_folded(&path(".SSH/id")) && ssh.matches_folded(&path("a/.\u{17f}sh/x")));
    assert!(!ssh.matches(&path(".SSH/id")), "a listed name is exact");
    assert!(!ssh.matches_folded(&path("ssh")));
}

#[test]
fn patterns_without_meaning_are_errors() {
    for text in
        ["", "/", "a//b", "../a", "a/./b", "!a", "[ab]", "{a,b}", r"a\b", "a**", "**b/c", "a:b", "*.!(x)", "a\nb"]
    {
        assert!(PathPattern::parse(text).is_err(), "{text:?}");
    }
    assert!(PathPattern::parse(&"a".repeat(1025)).is_err());
    // Three bytes that normal form makes six.
    assert!(PathPattern::parse(&"\u{958}".repeat(341)).is_err());
    assert!(PathPattern::parse(&"\u{958}".repeat(170)).is_ok());
}

#[test]
fn covering_is_sound_and_sees_the_simple_cases() {
    assert!(pattern("src").covers(&pattern("/src/a")));
    assert!(pattern("**").covers(&pattern("x/*")));
    assert!(!pattern("/src").covers(&pattern("src")));
    assert!(!pattern("*.rs").covers(&pattern("*")));
}

#[test]
fn hostile_patterns_take_no_exponential_time() {
    let text = "a*".repeat(120);
    let deep = "**/a/".repeat(200);
    let long = format!("{}b", "a".repeat(250));
    assert!(!pattern(&format!("{text}c")).matches(&path(&long)));
    assert!(!pattern(&format!("{deep}c")).matches(&path(&"a/".repeat(2000))));
}

#[test]
fn default_credentials_hold_at_any_depth() {
    let list: Vec<_> = default_credentials().iter().map(|text| pattern(text)).collect();
    let blocked = |text: &str| list.iter().any(|p| p.matches_folded(&path(text)));
    for text in [
        "certs/server.pem",
        ".env",
        "app/.env.production",
        "deploy/id_rsa",
        ".ssh/config",
        "home/.aws/credentials",
        ".netrc",
        ".config/gh/hosts.yml",
        ".docker/config.json",
        ".kube/config",
        ".npmrc",
        ".pypirc",
        "a/b/x.key",
        "keys/store.P12",
        "x.pfx",
        "credentials.json",
        "service-account-prod.json",
        "config/secrets.yaml",
        "terraform.tfstate",
        "terraform.tfstate.backup",
        ".git-credentials",
        ".vault-token",
        ".ENV",
        "ID_RSA",
        ".claude/.credentials.json",
        ".codex/auth.json",
        "infra/prod.tfstate",
        ".cargo/credentials.toml",
        "SECRETS.TOML",
    ] {
        assert!(blocked(text), "{text}");
    }
    for text in [
        "tokenizer.rs",
        "src/secrets.rs",
        "keyboard.rs",
        ".env.example",
        "a/.env.sample",
        "src/env.rs",
        "id_rsa.pub",
        "public.html",
        ".envrc",
        "docs/ssh.md",
        "src/credentials.rs",
        "config.json",
        ".claude/settings.json",
        "key",
        "environment.ts",
        "monkey.keys",
        "src/pem.rs",
    ] {
        assert!(!blocked(text), "{text}");
    }
}

#[test]
fn every_pattern_that_is_read_is_read_from_its_own_text() {
    for text in ["/!a/b", "!a", "/!*/*X*", "!", "**/!a", "/**/!a", "**/!(a)"] {
        assert!(PathPattern::parse(text).is_err(), "{text}");
    }
    for text in ["/a!/b", "a/!b", "/a", "/*/a", "a!(b)/c", "**/a", "**/a!", "a/**/!b", "**/**/!a/b"] {
        let parsed = PathPattern::parse(text).unwrap();
        assert_eq!(PathPattern::parse(parsed.as_str()).as_ref(), Ok(&parsed), "{text}");
    }
}

/// The meaning of patterns, written down without any care for speed.
mod naive {
    pub(super) fn matches(pattern: &str, path: &str) -> bool {
        let anchored = pattern.trim_end_matches('/').contains('/');
        let mut wanted: Vec<&str> = pattern.trim_matches('/').split('/').collect();
        if !anchored {
            wanted.insert(0, "**");
        }
        wanted.push("**");
        let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
        segments(&wanted, &names)
    }

    fn segments(wanted: &[&str], names: &[&str]) -> bool {
        match (wanted, names) {
            ([], _) => names.is_empty(),
            (["**", rest @ ..], _) => (0..=names.len()).any(|skip| segments(rest, &names[skip..])),
            ([first, rest @ ..], [name, tail @ ..]) => {
                let (first, name): (Vec<char>, Vec<char>) = (first.chars().collect(), name.chars().collect());
                letters(&first, &name) && segments(rest, tail)
            }
            _ => false,
        }
    }

    fn letters(wanted: &[char], name: &[char]) -> bool {
        match (wanted, name) {
            ([], _) => name.is_empty(),
            (['*', rest @ ..], _) => (0..=name.len()).any(|skip| letters(rest, &name[skip..])),
            ([w, rest @ ..], [c, tail @ ..]) => (*w == '?' || w == c) && letters(rest, tail),
            _ => false,
        }
    }
}

proptest! {
    #[test]
    fn matching_agrees_with_the_naive_matcher(
        text in "/?(\\*\\*|[ab*?]{1,3})(/(\\*\\*|[ab?]{1,3}|\\*a)){0,4}/?",
        subject in "([ab]{1,3}(/[ab]{1,3}){0,5})?",
    ) {
        if let Ok(parsed) = PathPattern::parse(&text) {
            prop_assert_eq!(parsed.matches(&path(&subject)), naive::matches(&text, &subject));
            prop_assert!(!parsed.matches(&path(&subject)) || parsed.matches_folded(&path(&subject)));
        }
    }

    #[test]
    fn pattern_text_round_trips(text in "/?(\\*\\*|[ab*?]{1,3})(/(\\*\\*|[ab?]{1,3}|\\*a|a!\\(b\\|c\\))){0,4}/?") {
        if let Ok(parsed) = PathPattern::parse(&text) {
            prop_assert_eq!(&PathPattern::parse(parsed.as_str()).unwrap(), &parsed);
        }
    }

    #[test]
    fn covering_is_sound(a in "/?[ab*]{1,2}(/[ab*]{1,2}){0,2}", b in "/?[ab*]{1,2}(/[ab*]{1,2}){0,2}",
        subject in "[ab]{1,2}(/[ab]{1,2}){0,4}") {
        if let (Ok(a), Ok(b)) = (PathPattern::parse(&a), PathPattern::parse(&b)) {
            let subject = path(&subject);
            prop_assert!(!(a.covers(&b) && b.matches(&subject)) || a.matches(&subject));
        }
    }

    #[test]
    fn parsing_is_total_and_idempotent(text in "\\PC{0,40}|[a./~:\\\\ ]{0,20}") {
        if let Ok(parsed) = RelPath::parse(&text) {
            prop_assert_eq!(&RelPath::parse(parsed.as_str()).unwrap(), &parsed);
            prop_assert_eq!(&RelPath::parse_exact(parsed.as_str()).unwrap(), &parsed);
            prop_assert!(parsed.segments().all(|name| !matches!(name, "" | "." | "..")));
            if let Some(name) = parsed.file_name() {
                prop_assert_eq!(parsed.parent().unwrap().join(name).unwrap(), parsed.clone());
            }
        }
    }

    #[test]
    fn folding_is_idempotent(text in "\\PC{0,20}") {
        prop_assert_eq!(fold(&fold(&text)), fold(&text));
    }
}
