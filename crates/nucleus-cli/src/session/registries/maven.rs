//! What maven's own settings name as sources, read as maven reads them.
//!
//! FAIL-CLOSED: settings that cannot be read, are no well-formed `settings` or declare a document type name nothing, and then
//! no default is taken either: maven itself would not start with them.

use std::path::{Path, PathBuf};

use roxmltree::{Document, Node, ParsingOptions};

use super::super::host_program::HostPrograms;
use super::{Registries, read};
use crate::home;

/// Where maven reads from when no mirror stands for it: the repository `central` of its super POM. Version 1, of maven 3.9.
const CENTRAL: &str = "https://repo.maven.apache.org/maven2";
/// The most elements and texts of one file: far above any settings that people write.
const MAX_NODES: u32 = 100_000;

/// Asks the user's settings and those of the maven that is installed.
pub(super) fn maven(programs: &HostPrograms) -> Registries {
    let user = home::home().ok().map(|home| home.join(".m2/settings.xml"));
    let installed = programs
        .find("mvn")
        .ok()
        .and_then(|program| home_of(&program));
    let is_agents = |path: &Option<PathBuf>| {
        let path = path.as_deref().filter(|path| path.exists());
        path.is_some_and(|path| programs.is_agents(path))
    };
    let global = installed.map(|home| home.join("conf/settings.xml"));
    if is_agents(&user) || is_agents(&global) {
        return Registries::default();
    }
    sources(user.as_deref(), global.as_deref()).unwrap_or_default()
}

/// The directory that a `mvn` is installed in, its links followed.
fn home_of(program: &Path) -> Option<PathBuf> {
    let program = program.canonicalize().ok()?;
    Some(program.parent()?.parent()?.to_owned())
}

/// The sources of the user's settings and of the installation's; without an installation there is no default.
fn sources(user: Option<&Path>, global: Option<&Path>) -> Option<Registries> {
    let mut found = Registries::default();
    let mut has_central = global.is_some();
    for path in [user, global].into_iter().flatten() {
        if !path.exists() {
            continue;
        }
        let settings = Settings::parse(&read(path)?)?;
        settings.urls.iter().for_each(|url| found.add(url));
        has_central &= !settings.replaces_central;
    }
    if has_central {
        found.add(CENTRAL);
    }
    Some(found)
}

/// What one file says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Settings {
    urls: Vec<String>,
    /// Whether a mirror stands for the default source.
    replaces_central: bool,
}

impl Settings {
    fn parse(text: &str) -> Option<Self> {
        let options = ParsingOptions {
            allow_dtd: false,
            nodes_limit: MAX_NODES,
            ..ParsingOptions::default()
        };
        let document = Document::parse_with_options(text, options).ok()?;
        let root = document.root_element();
        if root.tag_name().name() != "settings" {
            return None;
        }
        let mut settings = Self::default();
        for mirror in below(root, &["mirrors", "mirror"]) {
            // Maven's own settings hold one that stands for every source without TLS, so that none is used.
            if said(mirror, "blocked") == Some("true") {
                continue;
            }
            settings.urls.extend(url(mirror));
            settings.replaces_central |= said(mirror, "mirrorOf").is_some_and(is_for_central);
        }
        for kind in [
            ["profiles", "profile", "repositories", "repository"],
            [
                "profiles",
                "profile",
                "pluginRepositories",
                "pluginRepository",
            ],
        ] {
            let sources = below(root, &kind);
            settings.urls.extend(sources.into_iter().filter_map(url));
        }
        Some(settings)
    }
}

/// The elements at the end of a path of names, in whatever namespace.
fn below<'a, 'input>(node: Node<'a, 'input>, path: &[&str]) -> Vec<Node<'a, 'input>> {
    let Some((name, rest)) = path.split_first() else {
        return vec![node];
    };
    let children = node
        .children()
        .filter(|child| child.tag_name().name() == *name);
    children.flat_map(|child| below(child, rest)).collect()
}

/// The text of an element's only child of this name; none where it holds anything but text.
fn said<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let [child] = below(node, &[name])[..] else {
        return None;
    };
    let mut parts = child.children();
    let text = parts.next().filter(Node::is_text)?.text()?.trim();
    parts.next().is_none().then_some(text)
}

/// The URL of a source; what maven would still put values into names no host.
fn url(node: Node<'_, '_>) -> Option<String> {
    let url = said(node, "url").filter(|url| !url.contains("${"))?;
    Some(url.to_owned())
}

/// Whether a mirror's `mirrorOf` covers the source `central`, which is remote and has TLS.
fn is_for_central(list: &str) -> bool {
    let mut is_covered = false;
    for word in list.split(',').map(str::trim) {
        match word {
            "central" => return true,
            "!central" => return false,
            "*" | "external:*" => is_covered = true,
            _ => {}
        }
    }
    is_covered
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::{CENTRAL, Settings, home_of, is_for_central, sources};

    fn urls(text: &str) -> Option<Vec<String>> {
        Settings::parse(text).map(|settings| settings.urls)
    }

    #[test]
    fn what_is_only_an_example_names_no_source() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?>
<settings xmlns="http://maven.apache.org/SETTINGS/1.2.0" url="https://attribute.example/">
  <mirrors>
    <!-- <mirror><id>sample</id><url>https://comment.example/</url><mirrorOf>*</mirrorOf></mirror> -->
    <mirror><id>own</id><url> https://own.example:8443/maven </url><mirrorOf>internal</mirrorOf></mirror>
    <mirror><id>no</id><url>http://0.0.0.0/</url><mirrorOf>external:http:*</mirrorOf><blocked>true</blocked></mirror>
    <mirror><id>set</id><url>https://${env.HOST}/</url></mirror>
    <mirror><id>two</id><url>https://one.example/</url><url>https://two.example/</url></mirror>
    <mirror><id>cut</id><url>https://cut.<!-- -->example/</url></mirror>
  </mirrors>
  <servers><server><configuration><url>https://server.example/</url></configuration></server></servers>
  <profiles><profile>
    <repositories><repository><url><![CDATA[https://cdata.example/r]]></url></repository></repositories>
    <pluginRepositories><pluginRepository><url>https://plugins.example/</url></pluginRepository></pluginRepositories>
    <properties><url>https://property.example/</url></properties>
  </profile></profiles>
  <proxies><proxy><url><![CDATA[<url>https://inner.example/</url>]]></url></proxy></proxies>
</settings>"#;
        let expected = [
            "https://own.example:8443/maven",
            "https://cdata.example/r",
            "https://plugins.example/",
        ];
        assert_eq!(urls(text).unwrap(), expected);
    }

    #[test]
    fn what_maven_would_not_read_names_nothing() {
        let mirror = "<mirrors><mirror><url>https://own.example/</url></mirror></mirrors>";
        let good = format!("<settings>{mirror}</settings>");
        assert_eq!(urls(&good).unwrap(), ["https://own.example/"]);
        for text in [
            String::new(),
            format!("<settings>{mirror}"),
            format!("<project>{mirror}</project>"),
            format!("<!DOCTYPE settings [<!ENTITY x \"y\">]>{good}"),
            format!("<settings>{mirror}&undeclared;</settings>"),
            format!("{good}{good}"),
        ] {
            assert_eq!(urls(&text), None, "{text}");
        }
    }

    /// Nesting costs no stack, and what is larger than any settings is not read.
    #[test]
    fn a_file_that_nests_deeply_or_is_too_large_does_no_harm() {
        let nested = |depth: usize| {
            format!(
                "<settings>{}{}</settings>",
                "<a>".repeat(depth),
                "</a>".repeat(depth)
            )
        };
        assert_eq!(urls(&nested(90_000)), Some(Vec::new()));
        assert_eq!(urls(&nested(110_000)), None);
    }

    #[test]
    fn a_mirror_stands_for_the_default_as_maven_matches_it() {
        for (list, is_covered) in [
            ("*", true),
            ("external:*", true),
            ("central", true),
            ("internal, central", true),
            ("*,!internal", true),
            ("*,!central", false),
            ("!central,*", false),
            ("external:http:*", false),
            ("internal", false),
            ("", false),
        ] {
            assert_eq!(is_for_central(list), is_covered, "{list}");
        }
    }

    fn hosts(user: Option<&Path>, global: Option<&Path>) -> Option<Vec<String>> {
        sources(user, global).map(|found| found.hosts.into_iter().collect())
    }

    #[test]
    fn the_default_belongs_to_an_installed_maven_without_a_mirror_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let mirror = |host: &str, of: &str| {
            format!(
                "<settings><mirrors><mirror><url>https://{host}/</url><mirrorOf>{of}</mirrorOf></mirror></mirrors></settings>"
            )
        };
        let own = put("own.xml", &mirror("own.example", "internal"));
        let all = put("all.xml", &mirror("all.example", "*"));
        let broken = put("broken.xml", "<settings>");
        let absent = dir.path().join("absent.xml");
        let central = super::super::host_of(CENTRAL).unwrap();
        let list = |hosts: &[&str]| {
            Some(
                hosts
                    .iter()
                    .map(|host| (*host).to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(hosts(None, None), list(&[]));
        assert_eq!(hosts(Some(&own), None), list(&["own.example"]));
        assert_eq!(hosts(Some(&absent), Some(&absent)), list(&[&central]));
        assert_eq!(
            hosts(Some(&own), Some(&absent)),
            list(&["own.example", &central])
        );
        assert_eq!(hosts(Some(&all), Some(&absent)), list(&["all.example"]));
        assert_eq!(
            hosts(Some(&own), Some(&all)),
            list(&["all.example", "own.example"])
        );
        assert_eq!(hosts(Some(&broken), Some(&absent)), None);
        assert_eq!(hosts(Some(&own), Some(&broken)), None);
    }

    #[test]
    fn an_installation_is_found_through_the_links_to_its_program() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("maven/bin")).unwrap();
        std::fs::write(root.join("maven/bin/mvn"), "").unwrap();
        symlink("maven/bin/mvn", root.join("mvn")).unwrap();
        assert_eq!(home_of(&root.join("mvn")), Some(root.join("maven")));
        assert_eq!(home_of(&root.join("other")), None);
    }
}
