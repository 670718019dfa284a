//! Reads `cargo metadata`: packages, their declared dependencies and the resolved graph.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::Failure;

/// What `cargo metadata --format-version 1` says, less what no gate reads.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) workspace_members: BTreeSet<String>,
    pub(crate) resolve: Option<Resolve>,
}

/// One package of the graph.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: semver::Version,
    /// Where it comes from; absent for a path.
    pub(crate) source: Option<String>,
    pub(crate) license: Option<String>,
    pub(crate) manifest_path: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A dependency as a manifest declares it, whatever platform or feature it is for.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) source: Option<String>,
    /// Named only when it is not the default registry.
    pub(crate) registry: Option<String>,
    pub(crate) kind: Option<String>,
}

impl Dependency {
    /// Whether only tests, examples and benches see it.
    pub(crate) fn is_dev(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

/// The resolved graph.
#[derive(Debug, Deserialize)]
pub(crate) struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Debug, Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Debug, Deserialize)]
struct EdgeKind {
    kind: Option<String>,
}

impl Edge {
    /// Whether the code of the dependency ends up in the dependent's artifact.
    fn is_normal(&self) -> bool {
        self.dep_kinds.iter().any(|kind| kind.kind.is_none())
    }
}

impl Metadata {
    /// Asks cargo about the workspace at `root`; the lock file must be current.
    pub(crate) fn of(root: &Path) -> Result<Self, Failure> {
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["metadata", "--format-version", "1", "--locked"])
            .current_dir(root)
            .output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("`cargo metadata` failed: {}", said.trim()).into());
        }
        Self::parse(&output.stdout)
    }

    /// Parses recorded output.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, Failure> {
        Ok(serde_json::from_slice(json)?)
    }

    /// The workspace's own packages.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|package| self.workspace_members.contains(&package.id))
    }

    /// Names of everything linked into `package`: normal edges only, transitively.
    pub(crate) fn linked_into(&self, package: &Package) -> BTreeSet<&str> {
        let names: BTreeMap<&str, &str> = self
            .packages
            .iter()
            .map(|p| (p.id.as_str(), p.name.as_str()))
            .collect();
        let mut seen = BTreeSet::new();
        let mut open = vec![package.id.as_str()];
        while let Some(id) = open.pop() {
            for next in self.normal_edges(id) {
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        seen.into_iter()
            .filter_map(|id| names.get(id).copied())
            .collect()
    }

    /// Names of the packages that depend on `id` in any way.
    pub(crate) fn dependents(&self, id: &str) -> BTreeSet<&str> {
        let nodes = self.resolve.iter().flat_map(|resolve| &resolve.nodes);
        let wanting: BTreeSet<&str> = nodes
            .filter(|node| node.deps.iter().any(|edge| edge.pkg == id))
            .map(|node| node.id.as_str())
            .collect();
        let named = self
            .packages
            .iter()
            .filter(|package| wanting.contains(package.id.as_str()));
        named.map(|package| package.name.as_str()).collect()
    }

    fn normal_edges(&self, id: &str) -> impl Iterator<Item = &str> {
        let node = self
            .resolve
            .iter()
            .flat_map(|r| &r.nodes)
            .find(|node| node.id == id);
        let edges = node.into_iter().flat_map(|node| &node.deps);
        edges
            .filter(|edge| edge.is_normal())
            .map(|edge| edge.pkg.as_str())
    }
}
