//! Reads the hashes of lockfiles: npm's, Python's and cargo's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::Digest;

/// The names of lockfiles that are read.
pub const LOCKFILES: [&str; 6] = [
    "package-lock.json",
    "npm-shrinkwrap.json",
    "requirements.txt",
    "uv.lock",
    "poetry.lock",
    "Cargo.lock",
];

/// A text that is not the lockfile that its name says.
#[derive(Debug, thiserror::Error)]
#[error("`{file}` cannot be read as a lockfile: {why}")]
pub struct LockError {
    file: String,
    why: String,
}

/// What a lockfile says.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) digests: Vec<Digest>,
    pub(super) has_weak: bool,
}

/// Reads a lockfile by its file name.
pub(super) fn read(file: &str, text: &str) -> Result<Read, LockError> {
    let wrong = |why: String| LockError {
        file: file.to_owned(),
        why,
    };
    let table = || {
        text.parse::<toml::Table>()
            .map_err(|error| wrong(error.message().to_owned()))
    };
    let mut read = Read::default();
    match file {
        "package-lock.json" | "npm-shrinkwrap.json" => {
            let lock: Value =
                serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
            read.npm(&lock);
        }
        "requirements.txt" => read.requirements(text),
        "uv.lock" | "poetry.lock" => read.python(&table()?),
        "Cargo.lock" => read.cargo(&table()?),
        _ => return Err(wrong("no lockfile of this name is known".to_owned())),
    }
    Ok(read)
}

impl Read {
    fn add(&mut self, digest: Option<Digest>) {
        match digest {
            Some(digest) => self.digests.push(digest),
            None => self.has_weak = true,
        }
    }

    /// Every `integrity` of `packages` and, in old files, of `dependencies` at any depth.
    fn npm(&mut self, lock: &Value) {
        let packages = lock["packages"].as_object().into_iter().flatten();
        for (_, package) in packages {
            self.integrity(package);
        }
        let mut left: Vec<&Value> = vec![&lock["dependencies"]];
        while let Some(dependencies) = left.pop() {
            for (_, package) in dependencies.as_object().into_iter().flatten() {
                self.integrity(package);
                left.push(&package["dependencies"]);
            }
        }
    }

    /// Subresource integrity: the strongest of several counts (W3C SRI, 3.3.3).
    fn integrity(&mut self, package: &Value) {
        let Some(stated) = package["integrity"].as_str() else {
            return;
        };
        let digests: Vec<Digest> = stated.split_whitespace().filter_map(sri).collect();
        let strong = |digest: &Digest| matches!(digest, Digest::Sha512(_));
        let best = digests.iter().find(|own| strong(own)).or(digests.first());
        self.add(best.cloned());
    }

    /// `--hash=sha256:…`, on the line of the requirement or those that continue it.
    fn requirements(&mut self, text: &str) {
        for line in text.lines() {
            let line = line.split(" #").next().unwrap_or_default();
            if line.trim_start().starts_with('#') {
                continue;
            }
            for word in line.split_whitespace() {
                if let Some(hash) = word.strip_prefix("--hash=") {
                    self.add(prefixed(hash));
                }
            }
        }
    }

    /// Every `hash` at any depth: of `sdist` and `wheels` (uv), of `files` (poetry).
    fn python(&mut self, lock: &toml::Table) {
        let mut left: Vec<&toml::Value> = lock.values().collect();
        while let Some(value) = left.pop() {
            match value {
                toml::Value::Table(table) => {
                    if let Some(hash) = table.get("hash").and_then(toml::Value::as_str) {
                        self.add(prefixed(hash));
                    }
                    left.extend(table.values());
                }
                toml::Value::Array(items) => left.extend(items),
                _ => {}
            }
        }
    }

    /// `checksum` of each package, and of `[metadata]` in old files: SHA-256.
    fn cargo(&mut self, lock: &toml::Table) {
        let packages = lock.get("package").and_then(toml::Value::as_array);
        for package in packages.into_iter().flatten() {
            if let Some(sum) = package.get("checksum").and_then(toml::Value::as_str) {
                self.add(hexadecimal(sum).map(Digest::Sha256));
            }
        }
        let metadata = lock.get("metadata").and_then(toml::Value::as_table);
        for (name, sum) in metadata.into_iter().flatten() {
            let sum = sum.as_str().filter(|_| name.starts_with("checksum "));
            if let Some(sum) = sum.filter(|sum| *sum != "<none>") {
                self.add(hexadecimal(sum).map(Digest::Sha256));
            }
        }
    }
}

/// `sha512-BASE64`; `None` for a weaker kind.
fn sri(word: &str) -> Option<Digest> {
    let (kind, rest) = word.split_once('-')?;
    let bytes = STANDARD.decode(rest.split('?').next()?).ok()?;
    match kind {
        "sha512" => bytes.try_into().ok().map(Digest::Sha512),
        "sha256" => bytes.try_into().ok().map(Digest::Sha256),
        _ => None,
    }
}

/// `sha256:HEX`; `None` for a weaker kind.
fn prefixed(word: &str) -> Option<Digest> {
    match word.split_once(':')? {
        ("sha256", digits) => hexadecimal(digits).map(Digest::Sha256),
        ("sha512", digits) => hexadecimal(digits).map(Digest::Sha512),
        _ => None,
    }
}

fn hexadecimal<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if digits.len() != N * 2 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{Digest, read};

    const HEX: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    const SRI256: &str = "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";

    fn hello() -> Digest {
        Digest::Sha256(super::hexadecimal(HEX).unwrap())
    }

    #[test]
    fn a_comment_locks_nothing() {
        let count = |text: &str| read("requirements.txt", text).unwrap().digests.len();
        assert_eq!(count(&format!("# --hash=sha256:{HEX}\n")), 0);
        assert_eq!(count(&format!("  # a==1 --hash=sha256:{HEX}\n")), 0);
        assert_eq!(count(&format!("a==1 # --hash=sha256:{HEX}\n")), 0);
        assert_eq!(count(&format!("a==1 --hash=sha256:{HEX} # why\n")), 1);
    }

    #[test]
    fn each_kind_of_lockfile_names_its_hashes() {
        for (file, text) in [
            (
                "package-lock.json",
                format!(
                    "{{\"packages\":{{\"\":{{}},\"node_modules/a\":{{\"integrity\":\"{SRI256}\"}}}}}}"
                ),
            ),
            (
                "npm-shrinkwrap.json",
                format!(
                    "{{\"dependencies\":{{\"a\":{{\"dependencies\":{{\"b\":{{\"integrity\":\"sha1-abcd {SRI256}\"}}}}}}}}}}"
                ),
            ),
            (
                "requirements.txt",
                format!("# a comment\na==1 \\\n    --hash=sha256:{HEX}  # via b\n"),
            ),
            (
                "uv.lock",
                format!(
                    "version = 1\n[[package]]\nname = \"a\"\nsdist = {{ url = \"u\", hash = \"sha256:{HEX}\" }}\n"
                ),
            ),
            (
                "poetry.lock",
                format!(
                    "[[package]]\nname = \"a\"\nfiles = [{{ file = \"a.whl\", hash = \"sha256:{HEX}\" }}]\n"
                ),
            ),
            (
                "Cargo.lock",
                format!(
                    "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"{HEX}\"\n"
                ),
            ),
        ] {
            let found = read(file, &text).unwrap();
            assert_eq!(found.digests, [hello()], "{file}");
            assert!(!found.has_weak, "{file}");
        }
    }

    #[test]
    fn a_weak_hash_is_none_and_told() {
        let sha1 = "{\"packages\":{\"a\":{\"integrity\":\"sha1-qvTGHdzF6KLavt4PO0gs2a6pQ00=\"}}}";
        let md5 = "a==1 --hash=md5:5d41402abc4b2a76b9719d911017c592";
        for (file, text) in [("package-lock.json", sha1), ("requirements.txt", md5)] {
            let found = read(file, text).unwrap();
            assert!(found.digests.is_empty() && found.has_weak, "{file}");
        }
    }

    #[test]
    fn what_is_no_lockfile_is_an_error() {
        assert!(read("package-lock.json", "{").is_err());
        assert!(read("Cargo.lock", "[[package").is_err());
        assert!(read("yarn.lock", "").is_err());
    }
}
