//! Groups of hosts that are read from and written to by nobody: the machine's own package sources, and shipped lists.
//!
//! Nothing of a group is trusted. Each host has fixed methods and paths, so no
//! data leaves by it but what a URL of bounded length and number says; the
//! specification states how much that is.

use std::sync::LazyLock;

use portcullis::host::{HostError, HostPattern, HostRule, UrlPathPattern};

use crate::document::{Document, Entry};
use crate::limit::HostLimit;
use crate::read::read_document;

/// The names, as a policy says them.
pub(crate) static NAMES: [&str; 3] = ["registries", "forges", "documentation"];

/// Words by which a user may look here for the provider of the model.
const PROVIDERS: [&str; 6] = [
    "model",
    "models",
    "modelproviders",
    "provider",
    "providers",
    "llm",
];

/// Whether a name that is no group means the provider of the model.
///
/// There is no such group: whoever reached a provider's host would call it with a key of their own, unpaid by the session
/// and with whatever the provider does for a caller. The session's gateway alone calls it.
pub(crate) fn means_provider(name: &str) -> bool {
    let letters = |letter: &char| !matches!(letter, '-' | '_' | ' ');
    let plain: String = name.to_lowercase().chars().filter(letters).collect();
    PROVIDERS.contains(&plain.as_str())
}

/// The most requests to one registry in a session: a large dependency tree, many times.
const REGISTRY_REQUESTS: u64 = 50_000;
/// The longest path and query of a registry: names, versions and hashes.
const REGISTRY_URL_BYTES: u64 = 1024;
/// The most bytes that are sent to one registry: reading needs none.
const REGISTRY_SENT_BYTES: u64 = 0;

static SHIPPED: LazyLock<Groups> = LazyLock::new(|| Groups {
    registries: Vec::new(),
    forges: read(include_str!("../groups/forges.toml")),
    documentation: read(include_str!("../groups/documentation.toml")),
});

fn read(text: &str) -> Document {
    read_document(text).expect("shipped groups parse: tested")
}

/// The name of a group, if there is one.
pub(crate) fn named(name: &str) -> Option<&'static str> {
    NAMES.into_iter().find(|known| *known == name)
}

/// A source of packages, as a package manager of this machine names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    pattern: HostPattern,
    rule: HostRule,
}

impl Registry {
    /// Reading from this host: `GET` and `HEAD`, any path.
    ///
    /// # Errors
    /// [`HostError`] for what is no exact host.
    pub fn new(host: &str) -> Result<Self, HostError> {
        let pattern = HostPattern::parse(host)?;
        let everywhere = UrlPathPattern::parse("/**").ok();
        let rule = HostRule::new(pattern.clone())
            .with_methods(["GET", "HEAD"])?
            .with_paths(everywhere)?
            .with_sink(false)?;
        Ok(Self { pattern, rule })
    }

    /// The host.
    #[must_use]
    pub fn pattern(&self) -> &HostPattern {
        &self.pattern
    }
}

/// The groups of hosts that a policy can name.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    registries: Vec<Registry>,
    forges: Document,
    documentation: Document,
}

impl Groups {
    /// The shipped lists, and no registry.
    #[must_use]
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// The shipped lists, with these registries.
    #[must_use]
    pub fn with_registries(registries: Vec<Registry>) -> Self {
        Self {
            registries,
            ..Self::shipped().clone()
        }
    }

    fn document(&self, name: &str) -> Option<&Document> {
        match name {
            "forges" => Some(&self.forges),
            "documentation" => Some(&self.documentation),
            _ => None,
        }
    }

    /// The rules of a group.
    pub(crate) fn rules(&self, name: &str) -> Vec<HostRule> {
        if name == "registries" {
            return self.registries.iter().map(|own| own.rule.clone()).collect();
        }
        let entry = |document: &Document| {
            let hosts = document.entry("network", "hosts").and_then(Entry::hosts);
            hosts.map(|list| list.patterns().collect::<Vec<_>>())
        };
        self.document(name).and_then(entry).unwrap_or_default()
    }

    /// What a group allows its hosts.
    pub(crate) fn limits(&self, name: &str) -> Vec<HostLimit> {
        if name == "registries" {
            let limit = |own: &Registry| HostLimit {
                pattern: own.pattern.clone(),
                max_requests: Some(REGISTRY_REQUESTS),
                max_request_bytes: Some(REGISTRY_SENT_BYTES),
                max_response_bytes: None,
                max_url_bytes: Some(REGISTRY_URL_BYTES),
            };
            return self.registries.iter().map(limit).collect();
        }
        let entry = |document: &Document| {
            let limits = document.entry("network", "limits").and_then(Entry::limits);
            limits.map(|list| list.patterns().collect::<Vec<_>>())
        };
        self.document(name).and_then(entry).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Groups, HostPattern, NAMES, Registry, means_provider, named};

    /// Each host of a group: no wildcard, methods that read, a bound on requests and on URLs.
    #[test]
    fn every_host_of_a_group_is_read_from_alone_and_bounded() {
        let mirror = Registry::new("mirror.example:8443").unwrap();
        let groups = Groups::with_registries(vec![mirror]);
        for name in NAMES {
            let (rules, limits) = (groups.rules(name), groups.limits(name));
            assert!(!rules.is_empty(), "{name}");
            for rule in rules {
                let host = rule.pattern().to_string();
                assert!(!rule.sink() && !rule.trust(), "{host}");
                assert!(!rule.pattern().is_wildcard(), "{host}");
                let reads = |method: &String| method == "GET" || method == "HEAD";
                let clones = |text: &str| text.ends_with("/git-upload-pack");
                let is_query = rule.methods() == ["POST"]
                    && rule.paths().iter().all(|path| clones(path.as_str()));
                assert!(rule.methods().iter().all(reads) || is_query, "{host}");
                let limit = limits.iter().find(|limit| limit.pattern == *rule.pattern());
                let limit = limit.unwrap_or_else(|| panic!("{host} has no limit"));
                assert!(
                    limit.max_requests.is_some() && limit.max_url_bytes.is_some(),
                    "{host}"
                );
            }
        }
    }

    #[test]
    fn no_group_holds_a_provider_of_models() {
        for name in ["models", "Model-Providers", "model_providers", "llm"] {
            assert!(means_provider(name) && named(name).is_none(), "{name}");
        }
        for name in NAMES.into_iter().chain(["rust"]) {
            assert!(!means_provider(name), "{name}");
        }
        let groups = Groups::shipped();
        for host in [
            "api.anthropic.com",
            "api.openai.com",
            "generativelanguage.googleapis.com",
        ] {
            let provider = HostPattern::parse(host).unwrap();
            let holds = |name: &str| {
                let rules = groups.rules(name);
                rules.iter().any(|rule| rule.pattern().covers(&provider))
            };
            assert!(!NAMES.into_iter().any(holds), "{host}");
        }
    }

    #[test]
    fn a_registry_is_one_exact_host() {
        assert!(Registry::new("*.example.com").is_err());
        assert!(Registry::new("user@example.com").is_err());
        assert!(Registry::new("example.com").is_ok());
    }
}
