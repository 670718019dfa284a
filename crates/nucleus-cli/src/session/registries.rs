//! Asks this machine's own package managers for their sources, on the host, before anything of a session runs.
//!
//! They are asked outside every workspace, whose programs and settings an agent could have
//! written. One that is not installed, hangs or says nothing names no source.

mod maven;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nucleus_spec::Registry;
use serde_json::Value;

use maven::maven;

use super::host_program::HostPrograms;
use crate::home;

/// The most time for one package manager.
const LIMIT: Duration = Duration::from_secs(10);
/// The most of a settings file that is read.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// What the package managers of this machine say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Registries {
    /// Their sources: hosts, with the port where it is none of the web's.
    hosts: BTreeSet<String>,
    /// Files of certificates that they trust beside the system's.
    authorities: BTreeSet<PathBuf>,
    /// Variables that name the same sources to tools in a jail.
    pub(crate) environment: Vec<(String, String)>,
    /// Settings of cargo that name the same sources.
    pub(crate) cargo: Option<String>,
}

impl Registries {
    /// Asks all of them at once.
    pub(crate) fn ask(programs: &HostPrograms) -> Self {
        let managers: [fn(&HostPrograms) -> Self; 6] = [apt, npm, pip, cargo, go, maven];
        let answers = std::thread::scope(|scope| {
            let asked = managers.map(|manager| scope.spawn(move || manager(programs)));
            // One that broke names nothing.
            asked.map(|answer| answer.join().unwrap_or_default())
        });
        let mut all = Self::default();
        for answer in answers {
            all.hosts.extend(answer.hosts);
            all.authorities.extend(answer.authorities);
            all.environment.extend(answer.environment);
            all.cargo = all.cargo.or(answer.cargo);
        }
        all
    }

    /// The sources as rules; a host that is written in two ways is none.
    pub(crate) fn rules(&self) -> Vec<Registry> {
        let rules = self.hosts.iter().map(|host| Registry::new(host));
        rules.filter_map(Result::ok).collect()
    }

    /// The certificates that the package managers trust.
    pub(crate) fn certificates(&self) -> Vec<u8> {
        let read = |path: &PathBuf| read(path);
        let texts: Vec<String> = self.authorities.iter().filter_map(read).collect();
        texts.join("\n").into_bytes()
    }

    fn add(&mut self, url: &str) {
        self.hosts.extend(host_of(url));
    }

    /// Adds a source, and names it to tools in a jail; one with a password is not named.
    fn add_as(&mut self, variable: &str, url: &str) {
        self.add(url);
        if host_of(url).is_some() && !url.contains('@') {
            self.environment.push((variable.to_owned(), url.to_owned()));
        }
    }
}

/// The host of a URL, with its port where it names one.
fn host_of(url: &str) -> Option<String> {
    let url = url.trim().strip_prefix("sparse+").unwrap_or(url.trim());
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    (!host.is_empty()).then(|| host.to_owned())
}

/// What a program says, with the user's environment, outside every workspace.
fn said(programs: &HostPrograms, program: &str, args: &[&str]) -> Option<String> {
    let mut child = programs
        .command(program)
        .ok()?
        .args(args)
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut output = child.stdout.take()?;
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut output, &mut text).map(|_| text)
    });
    let until = Instant::now() + LIMIT;
    while !reading.is_finished() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    if !reading.is_finished() {
        let _gone = child.kill();
    }
    let text = reading.join().ok()?.ok();
    let is_fine = child.wait().is_ok_and(|status| status.success());
    text.filter(|_| is_fine)
}

fn read(path: &Path) -> Option<String> {
    let length = std::fs::metadata(path).ok()?.len();
    (length <= MAX_FILE_BYTES)
        .then(|| std::fs::read_to_string(path).ok())
        .flatten()
}

fn apt(programs: &HostPrograms) -> Registries {
    let mut found = Registries::default();
    let sites = said(
        programs,
        "apt-get",
        &["indextargets", "--format", "$(SITE)"],
    );
    for site in sites.unwrap_or_default().lines() {
        found.add(site);
    }
    found
}

fn npm(programs: &HostPrograms) -> Registries {
    let mut found = Registries::default();
    let settings = said(programs, "npm", &["config", "ls", "-l", "--json"]).unwrap_or_default();
    let settings: Value = serde_json::from_str(&settings).unwrap_or_default();
    for (name, value) in settings.as_object().into_iter().flatten() {
        let Some(text) = value.as_str() else {
            continue;
        };
        match name.as_str() {
            "registry" => found.add_as("npm_config_registry", text),
            "cafile" if !text.is_empty() => found.authorities.extend([PathBuf::from(text)]),
            scoped if scoped.ends_with(":registry") => found.add(text),
            _ => {}
        }
    }
    // With each install npm would send the whole tree of packages to the audit route, which is a write and would ask.
    found
        .environment
        .push(("npm_config_audit".to_owned(), "false".to_owned()));
    found
}

fn pip(programs: &HostPrograms) -> Registries {
    /// Its own default, which its settings do not show.
    const DEFAULT: &str = "from pip._internal.models.index import PyPI\n\
                           print(PyPI.simple_url)\nprint('https://' + PyPI.file_storage_domain)";
    let mut found = Registries::default();
    let settings = said(programs, "python3", &["-m", "pip", "config", "list"]).unwrap_or_default();
    let mut has_index = false;
    for (name, value) in settings.lines().filter_map(|line| line.split_once('=')) {
        let value = value.trim().trim_matches('\'');
        match name.rsplit('.').next().unwrap_or_default() {
            "index-url" => {
                has_index = true;
                found.add_as("PIP_INDEX_URL", value);
            }
            "extra-index-url" | "find-links" => {
                value.split("\\n").for_each(|url| found.add(url));
            }
            "cert" => found.authorities.extend([PathBuf::from(value)]),
            _ => {}
        }
    }
    // The default index names its files at a host of their own, whoever says that it is the index.
    let urls = said(programs, "python3", &["-c", DEFAULT]).unwrap_or_default();
    let mut urls = urls.lines();
    let index = urls.next().unwrap_or_default();
    let is_used = !has_index || host_of(index).is_some_and(|host| found.hosts.contains(&host));
    if is_used {
        found.add(index);
        urls.for_each(|url| found.add(url));
    }
    found
}

/// Where cargo reads from when nothing replaces it: no command of it says so. Version 1, of cargo 1.95.
const CARGO_DEFAULTS: [&str; 2] = ["https://index.crates.io/", "https://static.crates.io/"];

/// Cargo's settings in its home, and the indexes that it has used.
fn cargo(_: &HostPrograms) -> Registries {
    let mut found = Registries::default();
    let Some(cargo) = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(home::home().ok()?.join(".cargo")))
    else {
        return found;
    };
    let settings = ["config.toml", "config"]
        .iter()
        .find_map(|name| read(&cargo.join(name)));
    let table = settings.and_then(|text| text.parse::<toml::Table>().ok());
    if let Some(table) = &table {
        cargo_settings(table, &mut found);
    }
    if !table.as_ref().is_some_and(replaces_default) {
        CARGO_DEFAULTS.iter().for_each(|url| found.add(url));
    }
    for (name, value) in std::env::vars() {
        if name.starts_with("CARGO_REGISTRIES_") && name.ends_with("_INDEX") {
            found.add(&value);
        }
    }
    for index in std::fs::read_dir(cargo.join("registry/index"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = index.file_name().to_string_lossy().into_owned();
        // One without settings is a checkout of the old kind, whose host is a forge.
        let Some(config) = read(&index.path().join("config.json")) else {
            continue;
        };
        // `HOST-HASH`, as cargo names the directory of an index.
        if let Some((host, _)) = name.rsplit_once('-') {
            found.hosts.extend([host.to_owned()]);
        }
        let config: Value = serde_json::from_str(&config).unwrap_or_default();
        for key in ["dl", "api"] {
            config[key]
                .as_str()
                .into_iter()
                .for_each(|url| found.add(url));
        }
    }
    found
}

/// The sources of cargo's settings, and those settings alone for a jail.
fn cargo_settings(table: &toml::Table, found: &mut Registries) {
    let mut kept = toml::Table::new();
    for section in ["source", "registries", "registry"] {
        let Some(value) = table.get(section) else {
            continue;
        };
        each_text(value, &mut |text| found.add(text));
        let mut has_secret = false;
        each_text(value, &mut |text| has_secret |= text.contains('@'));
        let has_token = value.to_string().contains("token");
        if !has_secret && !has_token {
            kept.insert(section.to_owned(), value.clone());
        }
    }
    let authority = table.get("http").and_then(|http| http.get("cainfo"));
    if let Some(path) = authority.and_then(toml::Value::as_str) {
        found.authorities.extend([PathBuf::from(path)]);
    }
    if !kept.is_empty() {
        found.cargo = toml::to_string(&kept).ok();
    }
}

/// Whether cargo reads from somewhere else than it does by itself.
fn replaces_default(table: &toml::Table) -> bool {
    let source = table.get("source").and_then(|own| own.get("crates-io"));
    source.is_some_and(|own| own.get("replace-with").is_some())
}

fn each_text(value: &toml::Value, visit: &mut dyn FnMut(&str)) {
    match value {
        toml::Value::String(text) => visit(text),
        toml::Value::Table(table) => table.values().for_each(|value| each_text(value, visit)),
        toml::Value::Array(items) => items.iter().for_each(|value| each_text(value, visit)),
        _ => {}
    }
}

fn go(programs: &HostPrograms) -> Registries {
    let mut found = Registries::default();
    let settings =
        said(programs, "go", &["env", "-json", "GOPROXY", "GOSUMDB"]).unwrap_or_default();
    let settings: Value = serde_json::from_str(&settings).unwrap_or_default();
    let proxies = settings["GOPROXY"].as_str().unwrap_or_default();
    for url in proxies.split([',', '|']) {
        found.add(url);
    }
    if !proxies.is_empty() && !proxies.contains('@') {
        found
            .environment
            .push(("GOPROXY".to_owned(), proxies.to_owned()));
    }
    // A name, with its key behind a `+`.
    let sums = settings["GOSUMDB"].as_str().unwrap_or_default();
    let name = sums.split(['+', ' ']).next().unwrap_or_default();
    if name.contains('.') {
        found.hosts.extend([name.to_owned()]);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Registries, cargo_settings, host_of, replaces_default};

    #[test]
    fn the_host_of_a_source_is_read_without_its_password() {
        for (url, host) in [
            ("https://mirror.example/simple/", Some("mirror.example")),
            (
                "sparse+https://mirror.example:8443/index/",
                Some("mirror.example:8443"),
            ),
            ("http://user:word@mirror.example/", Some("mirror.example")),
            ("https://mirror.example", Some("mirror.example")),
            ("file:///srv/mirror", None),
            ("direct", None),
            ("https:///x", None),
        ] {
            assert_eq!(host_of(url).as_deref(), host, "{url}");
        }
    }

    #[test]
    fn a_source_with_a_password_is_not_told_to_a_jail() {
        let mut found = Registries::default();
        found.add_as("A", "https://mirror.example/");
        found.add_as("B", "https://user:word@other.example/");
        assert_eq!(found.environment.len(), 1);
        assert_eq!(found.rules().len(), 2);
    }

    #[test]
    fn a_replaced_source_leaves_the_default_out() {
        let replaced = "[source.crates-io]\nreplace-with = \"own\"\n";
        assert!(replaces_default(&replaced.parse().unwrap()));
        for kept in [
            "",
            "[source.own]\nregistry = \"sparse+https://own.example/\"\n",
        ] {
            assert!(!replaces_default(&kept.parse().unwrap()), "{kept}");
        }
    }

    #[test]
    fn cargo_takes_its_sources_and_no_token_into_a_jail() {
        let settings = "
[source.main]
replace-with = \"mirror\"
[source.mirror]
registry = \"sparse+https://mirror.example/index/\"
[registries.own]
index = \"sparse+https://own.example/index/\"
token = \"secret\"
[http]
cainfo = \"/etc/mirror.pem\"
[net]
offline = true
";
        let mut found = Registries::default();
        cargo_settings(&settings.parse().unwrap(), &mut found);
        let hosts: Vec<_> = found.hosts.iter().map(String::as_str).collect();
        assert_eq!(hosts, ["mirror.example", "own.example"]);
        let kept = found.cargo.unwrap();
        assert!(
            kept.contains("mirror.example") && !kept.contains("secret"),
            "{kept}"
        );
        assert_eq!(found.authorities.len(), 1);
    }
}
