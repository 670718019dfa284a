//! Reads the hashes of lockfiles: those of npm, pnpm and yarn 1, Python's and cargo's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::Digest;

/// The names of lockfiles that are read.
pub const LOCKFILES: [&str; 10] = [
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "requirements.txt",
    "uv.lock",
    "poetry.lock",
    "pylock.toml",
    "Pipfile.lock",
    "Cargo.lock",
];

/// Why a lockfile of yarn 2 and later is of no use here.
const LATER_YARN: &str = "yarn 2 and later states hashes of archives of its own, not of what a registry sends: keep a `package-lock.json` instead \
    (`npm install --package-lock-only`), a `pnpm-lock.yaml` or a `yarn.lock` of yarn 1, or do not set `[registries] pinned`";

/// A text that is not the lockfile that its name says, or one by which nothing can be checked.
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
    let json = || serde_json::from_str::<Value>(text).map_err(|error| wrong(error.to_string()));
    let mut read = Read::default();
    match file {
        "package-lock.json" | "npm-shrinkwrap.json" => {
            read.npm(&json()?);
        }
        "requirements.txt" => read.requirements(text),
        "uv.lock" | "poetry.lock" => read.python(&table()?),
        "pylock.toml" => read.pylock(&table()?),
        "Pipfile.lock" => read.pipfile(&json()?),
        "pnpm-lock.yaml" => super::pnpm::read(&mut read, text).map_err(wrong)?,
        "yarn.lock" => read.yarn(text).map_err(wrong)?,
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
        if let Some(stated) = package["integrity"].as_str() {
            self.strongest(stated);
        }
    }

    /// The strongest hash of `integrity`.
    pub(super) fn strongest(&mut self, stated: &str) {
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

    /// Every value of a `hashes` table, by its kind, at any depth (PEP 751).
    fn pylock(&mut self, lock: &toml::Table) {
        let mut left: Vec<&toml::Value> = lock.values().collect();
        while let Some(value) = left.pop() {
            match value {
                toml::Value::Table(table) => {
                    let hashes = table.get("hashes").and_then(toml::Value::as_table);
                    if let Some(hashes) = hashes {
                        let stated = hashes.iter().filter_map(|(kind, digits)| {
                            prefixed(&format!("{kind}:{}", digits.as_str()?))
                        });
                        let strong: Vec<Digest> = stated.collect();
                        self.has_weak |= strong.is_empty();
                        self.digests.extend(strong);
                    }
                    left.extend(table.values());
                }
                toml::Value::Array(items) => left.extend(items),
                _ => {}
            }
        }
    }

    /// `hashes` of each package of each category; `_meta` has the hash of the Pipfile, which is no artifact.
    fn pipfile(&mut self, lock: &Value) {
        let categories = lock.as_object().into_iter().flatten();
        for (_, packages) in categories.filter(|(name, _)| *name != "_meta") {
            for (_, package) in packages.as_object().into_iter().flatten() {
                let hashes = package["hashes"].as_array().into_iter().flatten();
                for hash in hashes.filter_map(Value::as_str) {
                    self.add(prefixed(hash));
                }
            }
        }
    }

    /// `integrity` of each entry of yarn 1.
    ///
    /// FAIL-CLOSED: a later yarn's `checksum` is of an archive that it makes itself, so nothing that comes could be held to it.
    fn yarn(&mut self, text: &str) -> Result<(), String> {
        if text.lines().any(|line| line == "__metadata:") {
            return Err(LATER_YARN.to_owned());
        }
        let mut is_bare = false;
        for line in text.lines() {
            let is_head = line.ends_with(':') && !line.starts_with([' ', '#']);
            if is_head {
                self.has_weak |= is_bare;
                is_bare = true;
            }
            // Four spaces and more are dependencies, whose names anybody chooses.
            let own = line.strip_prefix("  ").filter(|own| !own.starts_with(' '));
            if let Some(stated) = own.and_then(|own| own.strip_prefix("integrity ")) {
                self.strongest(stated.trim_matches('"'));
                is_bare = false;
            }
        }
        self.has_weak |= is_bare;
        Ok(())
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
                "pylock.toml",
                format!(
                    "lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\nwheels = [{{ url = \"u\", hashes = {{ sha256 = \"{HEX}\" }} }}]\n"
                ),
            ),
            (
                "Pipfile.lock",
                format!(
                    "{{\"_meta\":{{\"hash\":{{\"sha256\":\"{HEX}\"}}}},\"default\":{{\"a\":{{\"hashes\":[\"sha256:{HEX}\"],\"version\":\"==1\"}}}},\"develop\":{{}}}}"
                ),
            ),
            (
                "pnpm-lock.yaml",
                format!(
                    "lockfileVersion: '9.0'\n\npackages:\n\n  a@1.0.0:\n    resolution: {{integrity: {SRI256}}}\n"
                ),
            ),
            (
                "yarn.lock",
                format!(
                    "# yarn lockfile v1\n\na@^1:\n  version \"1.0.0\"\n  resolved \"https://r/a.tgz#abcd\"\n  integrity {SRI256}\n  dependencies:\n    integrity {SRI256}\n"
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

    /// What `npm install` of each generation writes: version 1 has `dependencies`, 3 has `packages`, and 2 has both.
    #[test]
    fn each_version_of_npms_lockfile_is_read() {
        let packages = format!(
            "\"packages\":{{\"\":{{\"name\":\"own\"}},\"node_modules/a\":{{\"version\":\"1.0.0\",\"integrity\":\"{SRI256}\"}}}}"
        );
        let dependencies = format!(
            "\"dependencies\":{{\"a\":{{\"version\":\"1.0.0\",\"integrity\":\"{SRI256}\"}}}}"
        );
        for (version, body, count) in [
            (1, dependencies.clone(), 1),
            (2, format!("{packages},{dependencies}"), 2),
            (3, packages, 1),
        ] {
            let text = format!("{{\"name\":\"own\",\"lockfileVersion\":{version},{body}}}");
            for file in ["package-lock.json", "npm-shrinkwrap.json"] {
                let found = read(file, &text).unwrap();
                assert_eq!(found.digests, vec![hello(); count], "{file} {version}");
            }
        }
    }

    #[test]
    fn a_lockfile_of_a_later_yarn_is_an_error_that_names_a_way_out() {
        let text = format!(
            "__metadata:\n  version: 8\n\n\"a@npm:^1\":\n  version: 1.0.0\n  checksum: 10c0/{HEX}\n"
        );
        let refused = read("yarn.lock", &text).unwrap_err().to_string();
        for part in [
            "`yarn.lock`",
            "yarn 2",
            "package-lock.json",
            "[registries] pinned",
        ] {
            assert!(refused.contains(part), "{refused}");
        }
        // A package of that name is no mark of a later yarn.
        let named = format!("__metadata@1:\n  version \"1.0.0\"\n  integrity {SRI256}\n");
        assert_eq!(read("yarn.lock", &named).unwrap().digests, [hello()]);
    }

    #[test]
    fn a_weak_hash_is_none_and_told() {
        let sha1 = "{\"packages\":{\"a\":{\"integrity\":\"sha1-qvTGHdzF6KLavt4PO0gs2a6pQ00=\"}}}";
        let md5 = "a==1 --hash=md5:5d41402abc4b2a76b9719d911017c592";
        let pylock =
            "[[packages]]\nsdist = { hashes = { md5 = \"5d41402abc4b2a76b9719d911017c592\" } }";
        let yarn =
            "a@1:\n  resolved \"https://r/a.tgz#aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d\"\n";
        for (file, text) in [
            ("package-lock.json", sha1),
            ("requirements.txt", md5),
            ("pylock.toml", pylock),
            ("yarn.lock", yarn),
        ] {
            let found = read(file, text).unwrap();
            assert!(found.digests.is_empty() && found.has_weak, "{file}");
        }
    }

    #[test]
    fn what_is_no_lockfile_is_an_error() {
        assert!(read("package-lock.json", "{").is_err());
        assert!(read("Cargo.lock", "[[package").is_err());
        assert!(read("Pipfile.lock", "[").is_err());
        assert!(read("pnpm-lock.yaml", "").is_err());
        assert!(read("go.sum", "").is_err());
    }
}
