//! Refuses imports that point up or sideways, and crates linked where they must not be.

use super::{House, Room};
use crate::metadata::{Dependency, Metadata, Package};

/// Every import of every member against the house.
pub(super) fn check(house: &House, metadata: &Metadata) -> Vec<String> {
    let mut findings = Vec::new();
    for package in metadata.members() {
        match house.crates.get(&package.name) {
            None => findings.push(format!(
                "`{}` has no level: list it in xtask/arrows.toml",
                package.name
            )),
            Some(room) => {
                findings.extend(arrows(house, package, room));
                findings.extend(around(house, package));
                findings.extend(linked(metadata, package, room));
            }
        }
    }
    findings
}

fn arrows(house: &House, package: &Package, room: &Room) -> Vec<String> {
    let known = package.dependencies.iter().filter_map(|dependency| {
        house
            .crates
            .get(&dependency.name)
            .map(|target| (dependency, target))
    });
    known
        .filter(|(dependency, target)| !allowed(room, dependency, target))
        .map(|(dependency, target)| {
            format!(
                "`{}` (level {}) imports `{}` (level {}{}): arrows point down only",
                package.name,
                room.level,
                dependency.name,
                target.level,
                if target.dev_only {
                    ", for tests only"
                } else {
                    ""
                },
            )
        })
        .collect()
}

/// Imports of what is reached under another crate's name only.
fn around(house: &House, package: &Package) -> Vec<String> {
    let mut findings = Vec::new();
    for dependency in &package.dependencies {
        let only = house
            .crates
            .get(&dependency.name)
            .and_then(|target| target.imported_by.as_ref());
        if let Some(only) = only.filter(|only| !only.contains(&package.name)) {
            let named: Vec<&str> = only.iter().map(String::as_str).collect();
            findings.push(format!(
                "`{}` imports `{}` itself: only {} may",
                package.name,
                dependency.name,
                named.join(", ")
            ));
        }
    }
    findings
}

/// Whether an import respects the house. What is for tests only may be named by any test.
fn allowed(room: &Room, dependency: &Dependency, target: &Room) -> bool {
    if target.dev_only && !room.dev_only {
        return dependency.is_dev();
    }
    target.level < room.level
}

fn linked(metadata: &Metadata, package: &Package, room: &Room) -> Vec<String> {
    let linked = metadata.linked_into(package);
    room.not_linked
        .iter()
        .filter(|name| linked.contains(name.as_str()))
        .map(|name| format!("`{}` links `{name}`: {}", package.name, room.why))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house() -> House {
        crate::root::table("arrows.toml").unwrap()
    }

    fn findings(fixture: &str) -> Vec<String> {
        let path = crate::root::root()
            .join("xtask/fixtures/arrows")
            .join(fixture);
        let metadata = Metadata::parse(&std::fs::read(path).unwrap()).unwrap();
        check(&house(), &metadata)
    }

    #[test]
    fn a_downward_import_is_accepted() {
        assert_eq!(findings("downward.json"), Vec::<String>::new());
    }

    #[test]
    fn an_upward_import_is_refused() {
        assert_eq!(
            findings("upward.json"),
            ["`portcullis` (level 0) imports `nucleus` (level 3): arrows point down only"]
        );
    }

    #[test]
    fn a_sideways_import_is_refused() {
        assert_eq!(
            findings("sideways.json"),
            [
                "`nucleus-egress` (level 4) imports `nucleus-tool-proxy` (level 4): \
                 arrows point down only"
            ]
        );
    }

    #[test]
    fn an_import_around_the_one_crate_that_may_is_refused() {
        assert_eq!(
            findings("around.json"),
            ["`nucleus` imports `portcullis-text` itself: only portcullis may"]
        );
    }

    #[test]
    fn a_crate_without_a_level_is_refused() {
        assert_eq!(
            findings("unlisted.json"),
            ["`nucleus-common` has no level: list it in xtask/arrows.toml"]
        );
    }

    #[test]
    fn a_tests_only_crate_is_refused_as_a_normal_import_and_accepted_for_tests() {
        assert_eq!(
            findings("dev-only.json"),
            [
                "`nucleus` (level 3) imports `portcullis-laws` (level 1, for tests only): \
                 arrows point down only"
            ]
        );
    }

    #[test]
    fn serde_linked_into_the_law_through_another_crate_is_refused() {
        assert_eq!(
            findings("linked.json"),
            [
                "`portcullis` links `serde`: the law is pure: no I/O, clock, randomness, async, \
              floats, unsafe or serde"
            ]
        );
    }
}
