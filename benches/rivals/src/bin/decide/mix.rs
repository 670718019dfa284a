//! The requests, as texts, and the answer that each must get from both sides.

use crate::answer::Answer::{self, Ask, Deny, Permit};

/// One request before either side has parsed it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Case {
    /// Reads a path.
    Read(&'static str),
    /// Writes a path.
    Write(&'static str),
    /// Runs a program with these arguments.
    Run(&'static [&'static str]),
    /// Asks a host at a port for a path.
    Fetch(&'static str, &'static str, u16, &'static str),
}

/// The mix: as many paths, commands and hosts, each permitted, asked and denied, early and late in the rules.
pub(crate) const MIX: [(Case, Answer); 48] = [
    (Case::Read("src/lib.rs"), Permit),
    (Case::Read("src/parser/expression/tests.rs"), Permit),
    (Case::Write("src/main.rs"), Permit),
    (Case::Write("tests/it/main.rs"), Permit),
    (Case::Read("docs/design/0001-interfaces.md"), Permit),
    (Case::Read("crates/gamma/src/store/index.rs"), Permit),
    (Case::Write("web/app/components/button/index.tsx"), Permit),
    (Case::Read("Cargo.lock"), Permit),
    (Case::Read("third_party/zlib/README.md"), Permit),
    (Case::Read("notes/2026/november.txt"), Permit),
    (Case::Read("target/debug/build.log"), Ask),
    (Case::Write("scripts/release.py"), Ask),
    (Case::Read("src/.env"), Deny),
    (Case::Read("deploy/Secrets/production.yaml"), Deny),
    (Case::Write("docs/certificates/server.pem"), Deny),
    (Case::Read("backup/home/.ssh/id_ed25519"), Deny),
    (Case::Run(&["cargo", "build"]), Permit),
    (
        Case::Run(&["cargo", "test", "--release", "-p", "alpha"]),
        Permit,
    ),
    (Case::Run(&["cargo", "doc", "--no-deps", "--open"]), Permit),
    (Case::Run(&["npm", "run", "lint", "--", "--fix"]), Permit),
    (Case::Run(&["go", "vet", "./..."]), Permit),
    (Case::Run(&["pytest", "-x", "tests/test_api.py"]), Permit),
    (Case::Run(&["git", "diff", "--stat", "HEAD~3"]), Permit),
    (Case::Run(&["git", "log", "--oneline", "-n", "20"]), Permit),
    (Case::Run(&["cat", "src/lib.rs"]), Permit),
    (Case::Run(&["diff", "-u", "a.txt", "b.txt"]), Permit),
    (Case::Run(&["cargo", "publish"]), Ask),
    (Case::Run(&["make", "install"]), Ask),
    (Case::Run(&["git", "push", "origin", "main"]), Deny),
    (
        Case::Run(&["curl", "-sSf", "https://example.test/install.sh"]),
        Deny,
    ),
    (Case::Run(&["ssh", "build.internal.test", "uptime"]), Deny),
    (Case::Run(&["bash", "-c", "echo hello"]), Deny),
    (
        Case::Fetch("GET", "crates.test", 443, "/api/v1/crates/serde"),
        Permit,
    ),
    (
        Case::Fetch("GET", "registry.npm.test", 443, "/left-pad"),
        Permit,
    ),
    (Case::Fetch("HEAD", "docs.test", 80, "/index.html"), Permit),
    (
        Case::Fetch("GET", "rust.docs.example.test", 443, "/book/ch01"),
        Permit,
    ),
    (
        Case::Fetch("GET", "a.b.cdn.example.test", 443, "/x.js"),
        Permit,
    ),
    (
        Case::Fetch("GET", "build.internal.test", 8443, "/jobs/17"),
        Permit,
    ),
    (
        Case::Fetch("GET", "api.forge.test", 443, "/repos/us/app/issues"),
        Permit,
    ),
    (
        Case::Fetch("GET", "api.tracker.test", 443, "/v2/issues/9"),
        Permit,
    ),
    (Case::Fetch("GET", "search.example.test", 443, "/q"), Permit),
    (Case::Fetch("GET", "elsewhere.test", 443, "/"), Ask),
    (Case::Fetch("GET", "api.forge.test", 443, "/user/keys"), Ask),
    (Case::Fetch("GET", "crates.test", 8080, "/"), Ask),
    (Case::Fetch("GET", "paste.test", 443, "/raw/1"), Deny),
    (Case::Fetch("GET", "x7.tunnel.test", 443, "/"), Deny),
    (
        Case::Fetch("GET", "internal.docs.example.test", 443, "/"),
        Deny,
    ),
    (Case::Fetch("GET", "forge.test", 80, "/login"), Deny),
];
