//! Checks the Rocq model: every file compiles, nothing is assumed, no theorem went missing, and
//! each step lemma that the trace theorems rest on is a law proved of the Rust code.
//!
//! Works on a copy below `target/`, so that the sources stay clean.

mod difftest;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::{Limit, stream};
use crate::root::{read, root};
use crate::{Failure, report};

/// The model's directory below the root.
pub(crate) const MODEL: &str = "proofs/rocq";
/// The names of all theorems, one a line: a theorem may be added, never lost in silence.
const THEOREMS: &str = "theorems.txt";
/// The file whose hypotheses are the laws of one step.
const JOIN: &str = "Trace.v";
/// The name under which the model's files import each other.
const LIBRARY: &str = "Portcullis";
const LIMIT: Limit = Limit(Duration::from_secs(600));

/// What of the model to check.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Also recheck every compiled proof, the standard library's too, with the independent checker (a minute)
    #[arg(long)]
    recheck: bool,
    /// Write the names of all theorems into `theorems.txt`
    #[arg(long)]
    bless: bool,
    /// Leave out the comparison of the extracted model with the Rust engine
    #[arg(long)]
    no_difftest: bool,
    #[command(flatten)]
    difftest: difftest::Args,
}

/// Checks the model; true when nothing was found.
pub(crate) fn run(args: &Args) -> Result<bool, Failure> {
    let mut model = Model::load(&root().join(MODEL))?;
    if args.bless {
        fs::write(root().join(MODEL).join(THEOREMS), model.names_text())?;
        model = Model::load(&root().join(MODEL))?;
    }
    let laws = text::laws(&root().join("crates/portcullis-laws/src"))?;
    let copy = root().join("target/xtask/rocq");
    let mut findings = model.findings(&laws);
    if findings.is_empty() {
        findings = model.compile(&copy, args.recheck)?;
    }
    let looked_at = format!(
        "{} theorems in {} files, {} joined to laws{}",
        model.theorems().count(),
        model.files.len(),
        model.joined().len(),
        if args.recheck { ", rechecked" } else { "" }
    );
    let is_sound = report("rocq", &looked_at, &findings);
    // A model that is not sound judges nobody.
    Ok(is_sound && (args.no_difftest || difftest::run(&copy, &args.difftest)?))
}

/// The program that is extracted from the checked model.
pub(crate) fn extracted() -> Result<PathBuf, Failure> {
    let copy = root().join("target/xtask/rocq");
    let findings = Model::load(&root().join(MODEL))?.compile(&copy, false)?;
    match findings.first() {
        Some(finding) => Err(finding.clone().into()),
        None => difftest::build(&copy),
    }
}

/// Every law of the Rust sources, with its sentence.
pub(crate) fn law_sentences(directory: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let mut laws = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            laws.extend(text::law_sentences(&read(&path)?));
        }
    }
    Ok(laws)
}

/// Every theorem of the model as `File.name`, with its sentence.
pub(crate) fn theorem_sentences(directory: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let model = Model::load(directory)?;
    let sentences = model.files.iter().flat_map(|(file, text)| {
        let named = text::theorem_sentences(text).into_iter();
        named.map(move |(name, sentence)| (format!("{file}.{name}"), sentence))
    });
    Ok(sentences.collect())
}

/// The sources of the model.
#[derive(Debug)]
pub(crate) struct Model {
    /// Name without extension and text, in the order of `_CoqProject`.
    files: Vec<(String, String)>,
    /// Files that are there and not listed.
    strays: Vec<String>,
    /// The names that `theorems.txt` keeps.
    kept: BTreeSet<String>,
}

impl Model {
    /// Reads the sources that `_CoqProject` lists.
    pub(crate) fn load(directory: &Path) -> Result<Self, Failure> {
        let project = read(&directory.join("_CoqProject"))?;
        let listed: Vec<&str> = project
            .lines()
            .filter_map(|line| line.trim().strip_suffix(".v"))
            .collect();
        let files = listed
            .iter()
            .map(|name| {
                let text = read(&directory.join(format!("{name}.v")))?;
                Ok(((*name).to_owned(), text))
            })
            .collect::<Result<_, Failure>>()?;
        let strays = fs::read_dir(directory)?
            .filter_map(|entry| {
                Some(
                    entry
                        .ok()?
                        .file_name()
                        .to_str()?
                        .strip_suffix(".v")?
                        .to_owned(),
                )
            })
            .filter(|name| !listed.contains(&name.as_str()))
            .collect();
        let kept = read(&directory.join(THEOREMS)).unwrap_or_default();
        Ok(Self {
            files,
            strays,
            kept: kept.lines().map(str::to_owned).collect(),
        })
    }

    /// Every theorem and lemma, as `File.name`.
    pub(crate) fn theorems(&self) -> impl Iterator<Item = String> {
        self.files.iter().flat_map(|(file, text)| {
            text::theorems(text)
                .into_iter()
                .map(move |name| format!("{file}.{name}"))
        })
    }

    /// The laws that the trace theorems take as hypotheses.
    pub(crate) fn joined(&self) -> BTreeSet<String> {
        let join = JOIN.trim_end_matches(".v");
        let of_join = self.files.iter().filter(|(file, _)| file == join);
        of_join
            .flat_map(|(_, text)| text::hypotheses(text))
            .collect()
    }

    fn names_text(&self) -> String {
        let names: BTreeSet<String> = self.theorems().collect();
        names.into_iter().map(|name| name + "\n").collect()
    }

    /// What the text alone shows.
    fn findings(&self, laws: &BTreeSet<String>) -> Vec<String> {
        let mut findings: Vec<String> = self
            .strays
            .iter()
            .map(|name| {
                format!("{MODEL}/{name}.v is not listed in _CoqProject, so nobody checks it")
            })
            .collect();
        for (file, text) in &self.files {
            let words = text::forbidden(text).into_iter();
            findings.extend(words.map(|(line, word)| {
                format!("{MODEL}/{file}.v:{line}: `{word}` leaves a proof open")
            }));
        }
        let there: BTreeSet<String> = self.theorems().collect();
        if self.kept.is_empty() {
            findings.push(format!("{MODEL}/{THEOREMS} is missing or empty"));
        }
        let lost = self.kept.difference(&there);
        findings.extend(
            lost.map(|name| format!("the theorem {name} is gone, and {THEOREMS} still has it")),
        );
        let unlisted = there.difference(&self.kept);
        findings.extend(unlisted.map(|name| {
            format!("the theorem {name} is not in {THEOREMS}: `cargo xtask rocq --bless`")
        }));
        let joined = self.joined();
        if joined.is_empty() {
            findings.push(format!("{MODEL}/{JOIN} joins no law"));
        }
        for law in &joined {
            if !law.starts_with("law_") {
                findings.push(format!(
                    "{MODEL}/{JOIN}: the hypothesis {law} is not named as a law"
                ));
            } else if !there.contains(&format!("Session.{law}")) {
                findings.push(format!(
                    "{MODEL}/{JOIN}: {law} is not shown of the model's own step"
                ));
            }
        }
        let named = there
            .iter()
            .filter_map(|name| name.split_once('.'))
            .map(|(_, name)| name.to_owned());
        let named: BTreeSet<String> = named
            .chain(joined)
            .filter(|name| name.starts_with("law_"))
            .collect();
        let strangers = named.difference(laws);
        findings
            .extend(strangers.map(|law| format!("{MODEL}: {law} is no law of portcullis-laws")));
        findings
    }

    /// Compiles a copy, asks of every theorem what it assumes, and rechecks the result where asked.
    fn compile(&self, directory: &Path, recheck: bool) -> Result<Vec<String>, Failure> {
        let _ = fs::remove_dir_all(directory);
        fs::create_dir_all(directory)?;
        for (file, text) in &self.files {
            fs::write(directory.join(format!("{file}.v")), text)?;
            let said = coqc(directory, file);
            if let Err(said) = said {
                return Ok(vec![format!("{MODEL}/{file}.v does not compile: {said}")]);
            }
        }
        let mut findings = self.assumptions(directory)?;
        if recheck {
            findings.extend(rechecked(directory, &self.files));
        }
        Ok(findings)
    }

    /// FAIL-CLOSED: a theorem is clean only when Rocq says that it is closed.
    fn assumptions(&self, directory: &Path) -> Result<Vec<String>, Failure> {
        let mut asked = String::new();
        for (file, _) in &self.files {
            asked += &format!("From {LIBRARY} Require {file}.\n");
        }
        let theorems: Vec<String> = self.theorems().collect();
        for name in &theorems {
            asked += &format!("Print Assumptions {name}.\n");
        }
        fs::write(directory.join("Assumptions.v"), asked)?;
        let said = match coqc(directory, "Assumptions") {
            Ok(said) => said,
            Err(said) => return Ok(vec![format!("the assumptions cannot be asked: {said}")]),
        };
        let closed = said
            .lines()
            .filter(|line| line.trim() == "Closed under the global context")
            .count();
        if closed == theorems.len() {
            return Ok(Vec::new());
        }
        let rest: Vec<&str> = said
            .lines()
            .filter(|line| line.trim() != "Closed under the global context")
            .collect();
        Ok(vec![format!(
            "{closed} of {} theorems assume nothing; the rest says: {}",
            theorems.len(),
            rest.join(" ")
        )])
    }
}

/// Compiles one file; what it printed, or what it complained of.
fn coqc(directory: &Path, file: &str) -> Result<String, String> {
    let mut command = Command::new("coqc");
    command
        .args(["-q", "-Q", ".", LIBRARY])
        .arg(format!("{file}.v"))
        .current_dir(directory);
    said(&mut command)
}

/// The independent checker's view of every compiled file and all it rests on.
fn rechecked(directory: &Path, files: &[(String, String)]) -> Vec<String> {
    let mut command = Command::new("coqchk");
    command
        .args(["-silent", "-o", "-Q", ".", LIBRARY])
        .args(files.iter().map(|(file, _)| format!("{LIBRARY}.{file}")))
        .current_dir(directory);
    match said(&mut command) {
        Err(said) => vec![format!("the checker refuses: {said}")],
        Ok(said) if says_no_axioms(&said) => Vec::new(),
        Ok(said) => vec![format!(
            "the checker names axioms or says nothing of them: {said}"
        )],
    }
}

fn says_no_axioms(said: &str) -> bool {
    let words: Vec<&str> = said.split_whitespace().collect();
    words.windows(3).any(|w| w == ["*", "Axioms:", "<none>"])
}

fn said(command: &mut Command) -> Result<String, String> {
    let mut lines = Vec::new();
    let ending = stream(command, LIMIT, |line| lines.push(line.to_owned()));
    let text = lines.join("\n");
    if ending.is_success() {
        Ok(text)
    } else {
        Err(format!("{ending}\n{text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(text: &str, kept: &str) -> Model {
        Model {
            files: vec![
                (
                    "Session".to_owned(),
                    "Lemma law_a : True. Proof. exact I. Qed.".to_owned(),
                ),
                ("Trace".to_owned(), text.to_owned()),
            ],
            strays: Vec::new(),
            kept: kept.split(' ').map(str::to_owned).collect(),
        }
    }

    const SOUND: &str = "Section Any.\nHypothesis law_a : True.\nTheorem t : True. Proof. exact law_a. Qed.\nEnd Any.\n";
    const KEPT: &str = "Session.law_a Trace.t";

    fn laws() -> BTreeSet<String> {
        BTreeSet::from(["law_a".to_owned()])
    }

    fn has_coq(test: &str) -> bool {
        let found = Command::new("coqc").arg("--version").output().is_ok();
        if !found {
            println!("SKIPPED: {test} (missing: coq)");
        }
        found
    }

    fn compiled(model: &Model) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        model
            .compile(&directory.path().join("copy"), false)
            .unwrap()
    }

    #[test]
    fn a_sound_model_passes() {
        let model = model(SOUND, KEPT);
        assert_eq!(model.findings(&laws()), Vec::<String>::new());
        if has_coq("rocq::tests::a_sound_model_passes") {
            assert_eq!(compiled(&model), Vec::<String>::new());
        }
    }

    #[test]
    fn an_open_proof_is_found() {
        let text = SOUND.replace("exact law_a. Qed", "Admitted");
        let findings = model(&text, KEPT).findings(&laws());
        assert!(findings[0].contains("Admitted"), "{findings:?}");
    }

    #[test]
    fn an_axiom_that_the_words_do_not_show_is_found() {
        if !has_coq("rocq::tests::an_axiom_that_the_words_do_not_show_is_found") {
            return;
        }
        let imported = "From Coq Require Import FunctionalExtensionality.\nTheorem t (f g : nat -> nat) :\n  (forall x, f x = g x) -> f = g.\nProof. apply functional_extensionality. Qed.\n";
        let findings = compiled(&model(imported, KEPT));
        assert!(
            findings[0].contains("functional_extensionality"),
            "{findings:?}"
        );
    }

    #[test]
    fn a_theorem_that_does_not_hold_is_found() {
        if !has_coq("rocq::tests::a_theorem_that_does_not_hold_is_found") {
            return;
        }
        let findings = compiled(&model(
            &SOUND.replace("Theorem t : True", "Theorem t : False"),
            KEPT,
        ));
        assert!(findings[0].contains("does not compile"), "{findings:?}");
    }

    #[test]
    fn a_lost_theorem_and_an_unlisted_one_are_found() {
        let lost = model(SOUND, "Session.law_a Trace.t Trace.gone").findings(&laws());
        assert!(lost[0].contains("Trace.gone is gone"), "{lost:?}");
        let unlisted = model(SOUND, "Session.law_a").findings(&laws());
        assert!(unlisted[0].contains("Trace.t is not in"), "{unlisted:?}");
    }

    #[test]
    fn a_hypothesis_that_is_no_law_is_found() {
        let findings = model(SOUND, KEPT).findings(&BTreeSet::new());
        assert!(
            findings[0].contains("no law of portcullis-laws"),
            "{findings:?}"
        );
        let other = model(&SOUND.replace("law_a", "handy"), KEPT).findings(&laws());
        assert!(
            other.iter().any(|f| f.contains("not named as a law")),
            "{other:?}"
        );
    }

    #[test]
    fn a_file_that_nobody_lists_is_found() {
        let mut model = model(SOUND, KEPT);
        model.strays.push("Extra".to_owned());
        assert!(model.findings(&laws())[0].contains("not listed"));
    }

    #[test]
    fn the_checker_is_believed_only_when_it_says_none() {
        assert!(says_no_axioms(
            "CONTEXT SUMMARY\n* Axioms: <none>\n* Theory"
        ));
        assert!(!says_no_axioms("* Axioms:\n    Portcullis.Trace.cheat"));
        assert!(!says_no_axioms(""));
    }
}
