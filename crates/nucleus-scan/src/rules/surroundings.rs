//! What stands around a file in its repository: lock files, and scripts a manifest names.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::launch::Registry;
use crate::read::{Kind, Node, read_json, read_toml};

/// The longest lock file that is read, in bytes.
const MAX_LOCK_BYTES: u64 = 32 << 20;

/// The longest script that is looked into, in bytes.
const MAX_SCRIPT_BYTES: u64 = 1 << 20;

/// One repository, read as far as somebody asks.
#[derive(Debug)]
pub(crate) struct Surroundings {
    root: PathBuf,
    npm: OnceLock<HashMap<String, String>>,
    pypi: OnceLock<HashMap<String, String>>,
}

impl Surroundings {
    pub(crate) fn of(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            npm: OnceLock::new(),
            pypi: OnceLock::new(),
        }
    }

    /// The version a lock file at the root has for a package.
    pub(crate) fn locked(&self, registry: Registry, name: &str) -> Option<&str> {
        let versions = match registry {
            Registry::Npm => self.npm.get_or_init(|| self.npm_locks()),
            Registry::PyPi => self.pypi.get_or_init(|| self.python_locks()),
            Registry::Other => return None,
        };
        versions.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    /// The text of a file beneath a directory of this repository; what a link leads to counts where it lies in the repository too.
    pub(crate) fn text(&self, beside: &Path, relative: &str) -> Option<String> {
        let relative = Path::new(relative.trim_start_matches("./"));
        if !relative
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)))
        {
            return None;
        }
        let real = beside.parent()?.join(relative).canonicalize().ok()?;
        let is_within = real.starts_with(self.root.canonicalize().ok()?);
        is_within.then(|| read(&real, MAX_SCRIPT_BYTES)).flatten()
    }

    fn npm_locks(&self) -> HashMap<String, String> {
        let mut versions = HashMap::new();
        if let Some(text) = read(&self.root.join("package-lock.json"), MAX_LOCK_BYTES) {
            package_lock(&read_json(&text).root, &mut versions);
        }
        if let Some(text) = read(&self.root.join("yarn.lock"), MAX_LOCK_BYTES) {
            yarn_lock(&text, &mut versions);
        }
        if let Some(text) = read(&self.root.join("pnpm-lock.yaml"), MAX_LOCK_BYTES) {
            pnpm_lock(&text, &mut versions);
        }
        versions
    }

    fn python_locks(&self) -> HashMap<String, String> {
        let mut versions = HashMap::new();
        for name in ["uv.lock", "poetry.lock", "pdm.lock"] {
            let Some(text) = read(&self.root.join(name), MAX_LOCK_BYTES) else {
                continue;
            };
            let document = read_toml(&text);
            let Some(Kind::List(packages)) =
                document.root.get("package").map(|entry| &entry.value.kind)
            else {
                continue;
            };
            for package in packages {
                if let (Some(name), Some(version)) =
                    (text_of(package, "name"), text_of(package, "version"))
                {
                    versions
                        .entry(name.to_ascii_lowercase())
                        .or_insert_with(|| version.to_owned());
                }
            }
        }
        versions
    }
}

fn read(path: &Path, most: u64) -> Option<String> {
    let data = path.symlink_metadata().ok()?;
    (data.is_file() && data.len() <= most)
        .then(|| std::fs::read_to_string(path).ok())
        .flatten()
}

fn text_of<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    match &node.get(key)?.value.kind {
        Kind::Text(text) => Some(text),
        _ => None,
    }
}

/// `packages: {"node_modules/name": {version}}`, top level only.
fn package_lock(root: &Node, versions: &mut HashMap<String, String>) {
    let Some(Kind::Map(packages)) = root
        .get("packages")
        .or_else(|| root.get("dependencies"))
        .map(|entry| &entry.value.kind)
    else {
        return;
    };
    for package in packages {
        let name = package
            .key
            .strip_prefix("node_modules/")
            .unwrap_or(&package.key);
        if let Some(version) = text_of(&package.value, "version")
            .filter(|_| !name.contains("node_modules/") && !name.is_empty())
        {
            versions
                .entry(name.to_ascii_lowercase())
                .or_insert_with(|| version.to_owned());
        }
    }
}

/// `"name@range":` followed by `version "1.2.3"` or `version: 1.2.3`.
fn yarn_lock(text: &str, versions: &mut HashMap<String, String>) {
    let mut name: Option<String> = None;
    for line in text.lines() {
        if !line.starts_with([' ', '#']) && line.ends_with(':') {
            let first = line
                .trim_end_matches(':')
                .split(',')
                .next()
                .unwrap_or_default()
                .trim_matches('"');
            name = first
                .get(1..)
                .and_then(|rest| rest.find('@'))
                .map(|at| first[..=at].to_ascii_lowercase());
        } else if let Some(version) = line.trim_start().strip_prefix("version") {
            let version = version.trim_start_matches(':').trim().trim_matches('"');
            if let Some(name) = name.take() {
                versions.entry(name).or_insert_with(|| version.to_owned());
            }
        }
    }
}

/// Keys `name@1.2.3:` beneath `packages:`.
fn pnpm_lock(text: &str, versions: &mut HashMap<String, String>) {
    for line in text
        .lines()
        .skip_while(|line| !line.starts_with("packages:"))
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with(' '))
    {
        let Some(key) = line
            .strip_prefix("  ")
            .filter(|rest| !rest.starts_with(' '))
            .and_then(|rest| rest.strip_suffix(':'))
        else {
            continue;
        };
        let key = key.trim_matches('\'').trim_start_matches('/');
        if let Some((name, version)) = key.rsplit_once('@') {
            let version = version.split('(').next().unwrap_or(version);
            versions
                .entry(name.to_ascii_lowercase())
                .or_insert_with(|| version.to_owned());
        }
    }
}
