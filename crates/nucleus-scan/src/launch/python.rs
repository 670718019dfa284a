//! Packages that uv, pipx and pip fetch.

use super::package::{Fetched, Registry, has_commit, is_local, is_repository, is_variable};

/// Options of uv that take a value which is no package.
const VALUED: &[&str] = &[
    "--python",
    "-p",
    "--index-url",
    "--extra-index-url",
    "--index",
    "--default-index",
    "--directory",
    "--project",
    "--env-file",
    "--cache-dir",
    "--constraints",
    "--constraint",
    "-c",
    "--overrides",
    "--refresh-package",
    "--with-requirements",
    "--with-editable",
    "--config-file",
    "--allow-insecure-host",
    "-i",
    "--color",
    "--group",
    "--extra",
    "--python-platform",
    "--prerelease",
    "--resolution",
    "--exclude-newer",
    "-m",
    "--module",
    "--pip-args",
    "-r",
    "--requirement",
    "--index-strategy",
];

/// `uvx`, `uv tool run`, `uv run --with`, `uv tool install`, `pipx run`, `pip install`.
pub(super) fn python(program: &str, rest: &[&str]) -> Vec<Fetched> {
    let verbs: Vec<&str> = rest
        .iter()
        .take_while(|word| !word.starts_with('-'))
        .take(2)
        .copied()
        .collect();
    match (program, verbs.as_slice()) {
        ("uvx", _) => tool(rest, 0, false),
        ("uv", ["tool", "run"]) => tool(&rest[2..], 2, false),
        ("uv", ["tool", "install"]) => tool(&rest[2..], 2, true),
        ("uv", ["run", ..]) => with_only(&rest[1..], 1),
        ("uv", _) if rest.contains(&"run") => with_only(rest, 0),
        ("pipx", ["run", ..]) => tool(&rest[1..], 1, false),
        ("pipx", ["install", ..]) => tool(&rest[1..], 1, true),
        ("pip" | "pip3", ["install", ..]) => installs(&rest[1..], 1),
        ("uv", ["pip", "install"]) => installs(&rest[2..], 2),
        _ => Vec::new(),
    }
}

fn tool(rest: &[&str], base: usize, is_install: bool) -> Vec<Fetched> {
    let mut found = Vec::new();
    let (mut at, mut from) = (0, false);
    while at < rest.len() {
        let word = rest[at];
        match word {
            "--from" | "--spec" | "--with" | "-w" => {
                found.extend(specs(
                    rest.get(at + 1).copied().unwrap_or_default(),
                    base + at + 1,
                ));
                from |= word == "--from" || word == "--spec";
                at += 1;
            }
            _ if VALUED.contains(&word) => at += 1,
            _ if word.starts_with("--from=")
                || word.starts_with("--with=")
                || word.starts_with("--spec=") =>
            {
                found.extend(specs(
                    word.split_once('=').map_or("", |(_, spec)| spec),
                    base + at,
                ));
                from |= !word.starts_with("--with=");
            }
            _ if word.starts_with('-') => {}
            _ => {
                if !from {
                    found.extend(spec(word, base + at));
                }
                break;
            }
        }
        at += 1;
    }
    found
        .into_iter()
        .map(|package| Fetched {
            is_install,
            ..package
        })
        .collect()
}

/// `uv run` fetches what `--with` names; the project itself is locked.
fn with_only(rest: &[&str], base: usize) -> Vec<Fetched> {
    let mut found = Vec::new();
    for (at, word) in rest.iter().enumerate() {
        if *word == "--" {
            break;
        }
        if *word == "--with" {
            found.extend(specs(
                rest.get(at + 1).copied().unwrap_or_default(),
                base + at + 1,
            ));
        } else if let Some(list) = word.strip_prefix("--with=") {
            found.extend(specs(list, base + at));
        }
    }
    found
}

fn installs(rest: &[&str], base: usize) -> Vec<Fetched> {
    let mut found = Vec::new();
    let mut skip = false;
    for (at, word) in rest.iter().enumerate() {
        if std::mem::take(&mut skip) || *word == "-e" {
            continue;
        }
        skip = VALUED.contains(word);
        if !word.starts_with('-') {
            found.extend(spec(word, base + at).map(|package| Fetched {
                is_install: true,
                ..package
            }));
        }
    }
    found
}

fn specs(list: &str, word: usize) -> Vec<Fetched> {
    list.split(',')
        .filter_map(|one| spec(one.trim(), word))
        .collect()
}

/// A requirement. `None` for paths, variables and what is no name.
fn spec(text: &str, word: usize) -> Option<Fetched> {
    let made = |name: &str, is_pinned| {
        Some(Fetched {
            registry: Registry::PyPi,
            name: name.to_owned(),
            is_pinned,
            word,
            is_install: false,
        })
    };
    if is_local(text) || is_variable(text) {
        return None;
    }
    if is_repository(text) {
        return made(text, has_commit(text));
    }
    if let Some((name, from)) = text.split_once(" @ ") {
        return made(name, has_commit(from));
    }
    let end = text
        .find(['=', '<', '>', '~', '!', '@', '[', ' '])
        .unwrap_or(text.len());
    let name = &text[..end];
    if name.is_empty()
        || !name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    {
        return None;
    }
    let rest = text[end..]
        .find(']')
        .map_or(&text[end..], |at| &text[end + at + 1..]);
    let version = rest
        .strip_prefix("===")
        .or_else(|| rest.strip_prefix("=="))
        .or_else(|| rest.strip_prefix('@'));
    made(name, version.is_some_and(is_exact))
}

fn is_exact(version: &str) -> bool {
    version.starts_with(|c: char| c.is_ascii_digit())
        && version
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-' | b'!'))
}
