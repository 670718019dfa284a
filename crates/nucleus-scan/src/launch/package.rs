//! Packages that npm's family, Go and cargo fetch.

/// Where a package comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Registry {
    Npm,
    PyPi,
    Other,
}

/// A package a command fetches when it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fetched {
    pub(crate) registry: Registry,
    /// Its name without the version.
    pub(crate) name: String,
    /// Whether the version is exact.
    pub(crate) is_pinned: bool,
    /// The word that names it.
    pub(crate) word: usize,
    /// Installed for later rather than run at once.
    pub(crate) is_install: bool,
}

/// `npx`, `pnpm dlx`, `yarn dlx`, `bunx`, `npm exec`, `npm i -g`, `deno run npm:x`.
pub(super) fn node(program: &str, rest: &[&str]) -> Vec<Fetched> {
    let first = rest.iter().position(|word| !word.starts_with('-'));
    let verb = first.map_or("", |at| rest[at]);
    let after = first.map_or(rest.len(), |at| at + 1);
    match (program, verb) {
        ("npx" | "pnpx" | "bunx", _) => runner(rest, 0),
        ("pnpm" | "yarn", "dlx") | ("bun", "x") | ("npm", "exec" | "x") => {
            runner(&rest[after..], after)
        }
        ("npm", "i" | "install" | "add") | ("pnpm" | "bun", "add" | "install" | "i")
            if is_global(rest) =>
        {
            installs(&rest[after..], after)
        }
        ("yarn", "global") if rest.get(after) == Some(&"add") => {
            installs(&rest[after + 1..], after + 1)
        }
        ("deno", "run" | "install") => deno(rest),
        _ => Vec::new(),
    }
}

fn is_global(rest: &[&str]) -> bool {
    rest.iter()
        .any(|word| matches!(*word, "-g" | "--global" | "--location=global"))
}

/// The package a runner fetches: what `-p` names, else its first word.
fn runner(rest: &[&str], base: usize) -> Vec<Fetched> {
    let mut named = Vec::new();
    let mut at = 0;
    while at < rest.len() {
        let word = rest[at];
        match word {
            "--no-install" | "--no" | "--offline" => return Vec::new(),
            "-p" | "--package" => {
                named.extend(rest.get(at + 1).and_then(|spec| npm(spec, base + at + 1)));
                at += 1;
            }
            "--registry" | "--prefix" | "--cache" | "--userconfig" | "-w" | "--workspace"
            | "--node-options" | "--node-arg" | "-n" | "--cwd" | "-C" => at += 1,
            "-c" | "--call" => return named,
            _ if word.starts_with("--package=") => {
                named.extend(npm(&word["--package=".len()..], base + at))
            }
            _ if word.starts_with('-') => {}
            _ if named.is_empty() => return npm(word, base + at).into_iter().collect(),
            _ => return named,
        }
        at += 1;
    }
    named
}

fn installs(rest: &[&str], base: usize) -> Vec<Fetched> {
    let words = rest
        .iter()
        .enumerate()
        .filter(|(_, word)| !word.starts_with('-'));
    words
        .filter_map(|(at, word)| npm(word, base + at))
        .map(|package| Fetched {
            is_install: true,
            ..package
        })
        .collect()
}

fn deno(rest: &[&str]) -> Vec<Fetched> {
    let named = rest.iter().enumerate().find(|(_, word)| {
        ["npm:", "jsr:", "https://"]
            .iter()
            .any(|scheme| word.starts_with(scheme))
    });
    let Some((at, word)) = named else {
        return Vec::new();
    };
    match word
        .strip_prefix("npm:")
        .or_else(|| word.strip_prefix("jsr:"))
    {
        Some(spec) => npm(spec.trim_start_matches('/'), at).into_iter().collect(),
        None => vec![Fetched {
            registry: Registry::Other,
            name: (*word).to_owned(),
            is_pinned: word.contains('@'),
            word: at,
            is_install: false,
        }],
    }
}

/// A specification of npm. `None` for paths, variables and what is no name.
pub(crate) fn npm(spec: &str, word: usize) -> Option<Fetched> {
    let made = |name: &str, is_pinned| {
        Some(Fetched {
            registry: Registry::Npm,
            name: name.to_owned(),
            is_pinned,
            word,
            is_install: false,
        })
    };
    if is_local(spec) {
        return None;
    }
    if is_repository(spec) {
        return made(spec.split('#').next().unwrap_or(spec), has_commit(spec));
    }
    let from = usize::from(spec.starts_with('@'));
    let (name, version) = match spec[from..].find('@') {
        Some(at) => (&spec[..from + at], Some(&spec[from + at + 1..])),
        None => (spec, None),
    };
    let fits = !name.is_empty()
        && name.bytes().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'@' | b'/' | b'-' | b'_' | b'.' | b'~')
        });
    if !fits || version.is_some_and(is_variable) {
        return None;
    }
    made(name, version.is_some_and(is_exact_semver))
}

/// `go run host/path@version`.
pub(super) fn go(rest: &[&str]) -> Vec<Fetched> {
    if !matches!(rest.first(), Some(&"run" | &"install")) {
        return Vec::new();
    }
    let is_install = rest[0] == "install";
    let found = rest
        .iter()
        .enumerate()
        .skip(1)
        .filter(|(_, word)| !word.starts_with('-') && word.contains('@'));
    found
        .filter_map(|(at, word)| {
            word.split_once('@')
                .map(|(name, version)| (at, name, version))
        })
        .map(|(word, name, version)| Fetched {
            registry: Registry::Other,
            name: name.to_owned(),
            is_pinned: is_exact_semver(version) || is_commit(version),
            word,
            is_install,
        })
        .collect()
}

/// `cargo install name`.
pub(super) fn cargo(rest: &[&str]) -> Vec<Fetched> {
    if rest.first() != Some(&"install")
        || rest
            .iter()
            .any(|word| *word == "--path" || word.starts_with("--path="))
    {
        return Vec::new();
    }
    let is_pinned = rest.iter().any(|word| {
        matches!(*word, "--version" | "--rev")
            || word.starts_with("--version=")
            || word.starts_with("--rev=")
    });
    let name = rest
        .iter()
        .enumerate()
        .skip(1)
        .find(|(_, word)| !word.starts_with('-'));
    let pinned = |word: &str| {
        is_pinned
            || word
                .split_once('@')
                .is_some_and(|(_, version)| is_exact_semver(version))
    };
    name.map(|(at, word)| Fetched {
        registry: Registry::Other,
        name: (*word).to_owned(),
        is_pinned: pinned(word),
        word: at,
        is_install: true,
    })
    .into_iter()
    .collect()
}

/// `1.2.3`, with or without `v`, `=`, a pre-release and build data.
pub(super) fn is_exact_semver(version: &str) -> bool {
    let version = version.trim_start_matches(['=', 'v']);
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<&str> = core.split('.').collect();
    parts.len() == 3
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

pub(super) fn is_local(spec: &str) -> bool {
    spec.is_empty()
        || spec.starts_with(['.', '/', '~', '$', '%', '{'])
        || spec.starts_with("file:")
        || spec.starts_with("link:")
        || spec.contains(":\\")
        || is_variable(spec)
}

pub(super) fn is_variable(spec: &str) -> bool {
    spec.contains("${") || spec.contains("{{") || spec.contains("$(")
}

pub(super) fn is_repository(spec: &str) -> bool {
    [
        "git+", "git://", "https://", "http://", "ssh://", "github:", "gitlab:", "git@",
    ]
    .iter()
    .any(|scheme| spec.starts_with(scheme))
}

/// A commit after `#` or the last `@`.
pub(super) fn has_commit(spec: &str) -> bool {
    let after = spec.rsplit(['#', '@']).next().unwrap_or_default();
    is_commit(after) && after.len() < spec.len()
}

fn is_commit(text: &str) -> bool {
    let hex = text.split('&').next().unwrap_or(text);
    (7..=64).contains(&hex.len()) && hex.bytes().all(|b| b.is_ascii_hexdigit())
}
