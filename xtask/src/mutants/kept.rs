//! What was measured, what is listed with a reason, and where the two or the sources disagree.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What came of each file's mutants.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Results {
    pub(super) files: BTreeMap<String, Measured>,
}

/// What came of one file's mutants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Measured {
    /// Of the file that was measured.
    pub(super) hash: String,
    /// Noticed by a law, a test, or a difference from a reference.
    pub(super) caught: u32,
    /// Of those, the ones that turned a named law red on drawn inputs.
    pub(super) by_law: u32,
    /// Noticed by never ending.
    pub(super) timed_out: u32,
    /// Refused by the compiler.
    pub(super) unviable: u32,
    /// Noticed by nobody.
    pub(super) missed: BTreeSet<String>,
}

/// What is known and accepted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    #[serde(default)]
    survivor: Vec<Survivor>,
    #[serde(default)]
    unmeasured: Vec<Unmeasured>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Survivor {
    /// As the tool names it, with its line.
    mutant: String,
    /// Why nobody can notice it, or why that is accepted.
    why: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unmeasured {
    file: String,
    why: String,
}

/// One hash over all files.
pub(super) fn hash_of(files: &BTreeMap<String, String>) -> String {
    let mut digest = Sha256::new();
    for (name, hash) in files {
        digest.update(format!("{name} {hash}\n"));
    }
    digest
        .finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl Results {
    /// The files that were measured in another form, and are still there.
    pub(super) fn changed(&self, now: &BTreeMap<String, String>) -> Vec<String> {
        let is_other = |file: &&String| {
            now.get(*file)
                .is_some_and(|hash| *hash != self.files[*file].hash)
        };
        self.files.keys().filter(is_other).cloned().collect()
    }

    /// This result with files measured anew, without those that are gone.
    pub(super) fn with(
        mut self,
        measured: BTreeMap<String, Measured>,
        now: &BTreeMap<String, String>,
    ) -> Self {
        self.files.extend(measured);
        self.files.retain(|file, _| now.contains_key(file));
        self
    }

    /// What does not fit the sources or the list.
    pub(super) fn findings(&self, listed: &Listed, now: &BTreeMap<String, String>) -> Vec<String> {
        let mut findings = self.of_files(listed, now);
        let missed: BTreeSet<&String> = self.files.values().flat_map(|file| &file.missed).collect();
        let given: BTreeSet<&String> = listed
            .survivor
            .iter()
            .map(|survivor| &survivor.mutant)
            .collect();
        findings.extend(
            missed
                .difference(&given)
                .map(|name| format!("nobody notices `{name}`: kill it, or list it with a reason")),
        );
        findings.extend(
            given
                .difference(&missed)
                .map(|name| format!("`{name}` is listed and did not survive")),
        );
        let whys = listed
            .survivor
            .iter()
            .map(|survivor| (&survivor.mutant, &survivor.why));
        let whys = whys.chain(
            listed
                .unmeasured
                .iter()
                .map(|unmeasured| (&unmeasured.file, &unmeasured.why)),
        );
        let empty = whys.filter(|(_, why)| why.trim().is_empty());
        findings.extend(empty.map(|(name, _)| format!("`{name}` is listed without a reason")));
        findings
    }

    fn of_files(&self, listed: &Listed, now: &BTreeMap<String, String>) -> Vec<String> {
        let unmeasured: BTreeSet<&String> = listed
            .unmeasured
            .iter()
            .map(|unmeasured| &unmeasured.file)
            .collect();
        let mut findings = Vec::new();
        for (file, hash) in now.iter().filter(|(file, _)| file.ends_with(".rs")) {
            let is_listed = unmeasured.contains(file);
            match self.files.get(file) {
                None if !is_listed => {
                    findings.push(format!("{file} was never measured, and no reason is given"))
                }
                Some(_) if is_listed => {
                    findings.push(format!("{file} was measured, and is listed as not"))
                }
                Some(kept) if kept.hash != *hash => {
                    findings.push(format!("{file} changed since it was measured"))
                }
                _ => {}
            }
        }
        let strangers = unmeasured
            .into_iter()
            .filter(|file| !now.contains_key(*file));
        findings.extend(strangers.map(|file| format!("{file} is listed and not there")));
        findings
    }

    /// The counts in one line.
    pub(super) fn summary(&self) -> String {
        let sum = |count: fn(&Measured) -> usize| self.files.values().map(count).sum::<usize>();
        let noticed = sum(|file| (file.caught + file.timed_out) as usize);
        let missed = sum(|file| file.missed.len());
        let by_law = sum(|file| file.by_law as usize);
        format!(
            "{noticed} of {} mutants of {} files noticed, {by_law} by a named law",
            noticed + missed,
            self.files.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "src/a.rs";

    fn now(hash: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(FILE.to_owned(), hash.to_owned())])
    }

    fn results(hash: &str, missed: &[&str]) -> Results {
        let measured = Measured {
            hash: hash.to_owned(),
            caught: 3,
            by_law: 2,
            missed: missed.iter().map(|name| (*name).to_owned()).collect(),
            ..Measured::default()
        };
        Results {
            files: BTreeMap::from([(FILE.to_owned(), measured)]),
        }
    }

    fn listed(text: &str) -> Listed {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_result_of_these_sources_without_survivors_passes() {
        assert_eq!(
            results("1", &[]).findings(&Listed::default(), &now("1")),
            Vec::<String>::new()
        );
        assert_eq!(
            results("1", &[]).summary(),
            "3 of 3 mutants of 1 files noticed, 2 by a named law"
        );
    }

    #[test]
    fn a_file_that_changed_is_found_and_measured_again() {
        let findings = results("1", &[]).findings(&Listed::default(), &now("2"));
        assert!(findings[0].contains("changed since"), "{findings:?}");
        assert_eq!(results("1", &[]).changed(&now("2")), [FILE]);
        assert_eq!(results("1", &[]).changed(&now("1")), Vec::<String>::new());
    }

    #[test]
    fn a_survivor_needs_a_reason_and_a_reason_its_survivor() {
        let findings = results("1", &["m"]).findings(&Listed::default(), &now("1"));
        assert!(findings[0].contains("nobody notices `m`"), "{findings:?}");
        let known = listed("[[survivor]]\nmutant = 'm'\nwhy = 'the same function'");
        assert_eq!(
            results("1", &["m"]).findings(&known, &now("1")),
            Vec::<String>::new()
        );
        assert!(results("1", &[]).findings(&known, &now("1"))[0].contains("did not survive"));
        let bare = listed("[[survivor]]\nmutant = 'm'\nwhy = ' '");
        assert!(results("1", &["m"]).findings(&bare, &now("1"))[0].contains("without a reason"));
    }

    #[test]
    fn a_file_that_was_never_measured_needs_a_reason() {
        let none = Results::default();
        assert!(none.findings(&Listed::default(), &now("1"))[0].contains("never measured"));
        let known = listed("[[unmeasured]]\nfile = 'src/a.rs'\nwhy = 'it takes hours'");
        assert_eq!(none.findings(&known, &now("1")), Vec::<String>::new());
        assert!(results("1", &[]).findings(&known, &now("1"))[0].contains("listed as not"));
        let gone = none.findings(&known, &BTreeMap::new());
        assert!(gone[0].contains("not there"), "{gone:?}");
    }

    #[test]
    fn every_file_decides_the_hash() {
        assert_ne!(hash_of(&now("1")), hash_of(&now("2")));
        assert_ne!(hash_of(&now("1")), hash_of(&BTreeMap::new()));
    }

    #[test]
    fn what_is_gone_is_forgotten_and_what_is_new_is_kept() {
        let merged = results("1", &["m"]).with(results("2", &[]).files, &now("2"));
        assert_eq!(merged.files[FILE].hash, "2");
        assert!(
            merged
                .with(BTreeMap::new(), &BTreeMap::new())
                .files
                .is_empty()
        );
    }
}
