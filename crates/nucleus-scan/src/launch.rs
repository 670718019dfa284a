//! What a command line starts: packages it fetches, images it runs, and what it hands to them. Nothing is run.

mod container;
mod package;
mod python;
mod shell;
mod wrapper;

pub(crate) use container::{image_is_pinned, run};
pub(crate) use package::{Fetched, Registry};
pub(crate) use shell::{MAX_INNER, commands, is_remote_script, shell_script};
pub(crate) use wrapper::unwrapped;

/// The last part of a program's path, without `.exe` and `.cmd`, in lower case.
pub(crate) fn program(word: &str) -> String {
    let name = word
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or(word)
        .to_ascii_lowercase();
    for end in [".exe", ".cmd", ".bat", ".ps1"] {
        if let Some(bare) = name.strip_suffix(end) {
            return bare.to_owned();
        }
    }
    name
}

/// A specification as npm reads it; `None` for paths, variables and what is no name.
pub(crate) fn npm_spec(spec: &str) -> Option<Fetched> {
    package::npm(spec, 0)
}

/// Packages a simple command fetches, each with the index of its word.
pub(crate) fn fetched(words: &[&str]) -> Vec<Fetched> {
    let Some((first, rest)) = words.split_first() else {
        return Vec::new();
    };
    let mut found = match program(first).as_str() {
        "npx" | "pnpx" | "bunx" | "pnpm" | "yarn" | "npm" | "bun" | "deno" => {
            package::node(&program(first), rest)
        }
        "uvx" | "uv" | "pipx" | "pip" | "pip3" => python::python(&program(first), rest),
        "go" => package::go(rest),
        "cargo" => package::cargo(rest),
        _ => Vec::new(),
    };
    for package in &mut found {
        package.word += 1;
    }
    found
}
