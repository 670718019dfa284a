//! A repository and a home to scan, in a directory of their own.

use std::fs;
use std::path::PathBuf;

use nucleus_scan::project::{Projection, project};
use nucleus_scan::{Finding, Options, Roots, Scan, scan};

/// The directory; gone when dropped.
pub(crate) struct Tree(tempfile::TempDir);

impl Tree {
    pub(crate) fn new() -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(tree.at("repo")).unwrap();
        fs::create_dir_all(tree.at("home")).unwrap();
        tree
    }

    /// A repository with one file.
    pub(crate) fn with(path: &str, text: &str) -> Self {
        Self::new().put(&format!("repo/{path}"), text)
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub(crate) fn put(self, path: &str, text: &str) -> Self {
        let file = self.at(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        self
    }

    /// The repository alone.
    pub(crate) fn scan(&self) -> Scan {
        scan(
            &Roots {
                projects: vec![self.at("repo")],
                ..Roots::default()
            },
            &Options::default(),
        )
    }

    /// The repository and the home.
    pub(crate) fn scan_with_home(&self) -> Scan {
        let roots = Roots {
            projects: vec![self.at("repo")],
            home: Some(self.at("home")),
            ..Roots::default()
        };
        scan(&roots, &Options::default())
    }

    pub(crate) fn projections(&self) -> Vec<Projection> {
        project(&self.scan().agents)
    }

    /// The only agent.
    pub(crate) fn one(&self) -> Projection {
        let mut all = self.projections();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    pub(crate) fn of_rule(&self, rule: &str) -> Vec<Finding> {
        self.scan()
            .findings
            .into_iter()
            .filter(|one| one.rule.0 == rule)
            .collect()
    }
}

/// A configuration of MCP servers by name and command line or URL.
pub(crate) fn servers(servers: &[(&str, &str)]) -> String {
    let entry = |line: &str| {
        if line.starts_with("http") {
            return serde_json::json!({ "url": line });
        }
        let words: Vec<&str> = line.split(' ').collect();
        serde_json::json!({ "command": words[0], "args": &words[1..] })
    };
    let all: serde_json::Map<_, _> = servers
        .iter()
        .map(|(name, line)| ((*name).to_owned(), entry(line)))
        .collect();
    format!("{:#}\n", serde_json::json!({ "mcpServers": all }))
}
