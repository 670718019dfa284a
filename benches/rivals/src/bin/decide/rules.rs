//! The rules both sides are given: 20 for paths, 30 for commands and 20 for hosts.
//!
//! Only shapes that both languages say exactly, so that the answers can be compared one by one.

/// Names a set of paths.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PathRule {
    /// A directory at the top and everything below it.
    Beneath(&'static str),
    /// A file at the top.
    File(&'static str),
    /// Any name with this ending, at any depth, and everything below it.
    Ending(&'static str),
    /// A name at any depth and everything below it.
    Name(&'static str),
}

/// Names a program and its first arguments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommandRule(pub(crate) &'static str, pub(crate) &'static [&'static str]);

/// Names hosts, and maybe the one method and directory that may be asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HostRule {
    /// One host at 80 and 443.
    Host(&'static str),
    /// Every name below it at 80 and 443.
    Below(&'static str),
    /// One host at one port.
    Port(&'static str, u16),
    /// GET of one directory of one host at 80 and 443.
    Route(&'static str, &'static str),
}

/// Paths that are permitted.
pub(crate) const LISTED_PATHS: [PathRule; 14] = [
    PathRule::Beneath("src"),
    PathRule::Beneath("tests"),
    PathRule::Beneath("examples"),
    PathRule::Beneath("docs"),
    PathRule::Beneath("crates/alpha/src"),
    PathRule::Beneath("crates/beta/src"),
    PathRule::Beneath("crates/gamma/src"),
    PathRule::Beneath("web/app/components"),
    PathRule::Beneath("assets/images"),
    PathRule::File("Cargo.toml"),
    PathRule::File("Cargo.lock"),
    PathRule::File("rustfmt.toml"),
    PathRule::Ending(".md"),
    PathRule::Ending(".txt"),
];

/// Paths that are denied, compared without regard to case.
pub(crate) const BLOCKED_PATHS: [PathRule; 6] = [
    PathRule::Name(".env"),
    PathRule::Name(".ssh"),
    PathRule::Name("secrets"),
    PathRule::Ending(".pem"),
    PathRule::Ending(".key"),
    PathRule::Name("id_ed25519"),
];

/// Commands that are permitted.
pub(crate) const LISTED_COMMANDS: [CommandRule; 24] = [
    CommandRule("cargo", &["build"]),
    CommandRule("cargo", &["check"]),
    CommandRule("cargo", &["test"]),
    CommandRule("cargo", &["clippy"]),
    CommandRule("cargo", &["fmt"]),
    CommandRule("cargo", &["doc", "--no-deps"]),
    CommandRule("npm", &["test"]),
    CommandRule("npm", &["run", "build"]),
    CommandRule("npm", &["run", "lint"]),
    CommandRule("go", &["build"]),
    CommandRule("go", &["test"]),
    CommandRule("go", &["vet"]),
    CommandRule("pytest", &[]),
    CommandRule("ruff", &["check"]),
    CommandRule("mypy", &[]),
    CommandRule("git", &["status"]),
    CommandRule("git", &["diff"]),
    CommandRule("git", &["log"]),
    CommandRule("git", &["show"]),
    CommandRule("ls", &[]),
    CommandRule("cat", &[]),
    CommandRule("head", &[]),
    CommandRule("wc", &[]),
    CommandRule("diff", &[]),
];

/// Commands that are denied.
pub(crate) const BLOCKED_COMMANDS: [CommandRule; 6] = [
    CommandRule("git", &["push"]),
    CommandRule("curl", &[]),
    CommandRule("wget", &[]),
    CommandRule("ssh", &[]),
    CommandRule("sudo", &[]),
    CommandRule("bash", &[]),
];

/// Hosts that are permitted.
pub(crate) const LISTED_HOSTS: [HostRule; 16] = [
    HostRule::Host("crates.test"),
    HostRule::Host("static.crates.test"),
    HostRule::Host("docs.test"),
    HostRule::Host("forge.test"),
    HostRule::Host("pypi.test"),
    HostRule::Host("registry.npm.test"),
    HostRule::Below("docs.example.test"),
    HostRule::Below("cdn.example.test"),
    HostRule::Below("wiki.example.test"),
    HostRule::Below("blog.example.test"),
    HostRule::Port("build.internal.test", 8443),
    HostRule::Port("cache.internal.test", 9000),
    HostRule::Route("api.forge.test", "/repos/us"),
    HostRule::Route("api.tracker.test", "/v2/issues"),
    HostRule::Route("files.example.test", "/public"),
    HostRule::Route("search.example.test", "/q"),
];

/// Hosts that are denied.
pub(crate) const BLOCKED_HOSTS: [HostRule; 4] = [
    HostRule::Host("paste.test"),
    HostRule::Below("tunnel.test"),
    HostRule::Host("internal.docs.example.test"),
    HostRule::Port("forge.test", 80),
];
