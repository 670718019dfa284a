//! Refuses a source file that nothing compiles, or that does not say what it guarantees.
//!
//! A test module that its binary forgot to declare would never run, and nobody would notice.

use std::path::{Path, PathBuf};

use crate::Failure;
use crate::metadata::Metadata;
use crate::root::read;
use crate::source::{code_lines, has_word, rust_files};

/// Every source and test file of every member.
pub(super) fn check(metadata: &Metadata) -> Result<Vec<String>, Failure> {
    let mut findings = Vec::new();
    for package in metadata.members() {
        let directory = Path::new(&package.manifest_path).with_file_name("");
        for part in ["src", "tests/it"] {
            for file in rust_files(&directory.join(part))? {
                let name = file.strip_prefix(&directory).unwrap_or(&file).display();
                let place = format!("{}/{name}", package.name);
                findings.extend(judge(&place, &file)?);
            }
        }
    }
    Ok(findings)
}

fn judge(place: &str, file: &Path) -> Result<Vec<String>, Failure> {
    let mut findings = Vec::new();
    if is_forgotten(file)? {
        findings.push(format!(
            "{place} is declared by no module: nothing compiles it"
        ));
    }
    if place.contains("/src/") && !read(file)?.starts_with("//!") {
        findings.push(format!(
            "{place} does not say in its first line what it guarantees"
        ));
    }
    Ok(findings)
}

/// Whether a file's parent modules exist and none of them declares it.
///
/// A directory without a parent module holds data (programs that must not compile), and the
/// root of a crate has no parent.
fn is_forgotten(file: &Path) -> Result<bool, Failure> {
    let stem = file
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    let Some(directory) = file.parent() else {
        return Ok(false);
    };
    let is_root = ["main", "lib"].contains(&stem) || directory.ends_with("src/bin");
    if is_root {
        return Ok(false);
    }
    let (parents, name) = parents_of(directory, stem);
    let mut is_orphan = false;
    for parent in parents.iter().filter(|parent| parent.is_file()) {
        if declares(&read(parent)?, name) {
            return Ok(false);
        }
        is_orphan = true;
    }
    Ok(is_orphan)
}

/// The files that may declare a module, and the name it has there.
fn parents_of<'a>(directory: &'a Path, stem: &'a str) -> (Vec<PathBuf>, &'a str) {
    let above = |directory: &Path| {
        ["main.rs", "lib.rs", "mod.rs"]
            .map(|name| directory.join(name))
            .into_iter()
            .collect()
    };
    let outer = directory.parent().unwrap_or(directory);
    let own = directory
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if stem == "mod" {
        return (above(outer), own);
    }
    let mut parents: Vec<PathBuf> = above(directory);
    parents.push(directory.with_extension("rs"));
    (parents, stem)
}

fn declares(text: &str, name: &str) -> bool {
    let declaration = format!("mod {name};");
    text.contains(&format!("\"{name}.rs\""))
        || text
            .lines()
            .any(|line| has_word(line, &declaration) && !line.trim().starts_with("//"))
}

/// Lines of code in a file: no comments, no blank lines, no test modules.
pub(super) fn code_size(text: &str) -> usize {
    code_lines(text)
        .iter()
        .filter(|(_, line)| !line.trim().is_empty())
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn tree() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let it = directory.path().join("tests/it");
        fs::create_dir_all(it.join("ui")).unwrap();
        fs::create_dir_all(it.join("attacks")).unwrap();
        fs::write(
            it.join("main.rs"),
            "mod attacks;\nmod known;\n// mod forgotten;\n",
        )
        .unwrap();
        fs::write(it.join("attacks.rs"), "mod git;\n").unwrap();
        for name in [
            "known",
            "forgotten",
            "attacks/git",
            "attacks/lost",
            "ui/must_not_compile",
        ] {
            fs::write(it.join(name).with_extension("rs"), "").unwrap();
        }
        directory
    }

    #[test]
    fn a_test_file_that_no_module_declares_is_refused() {
        let directory = tree();
        let mut forgotten = Vec::new();
        for file in rust_files(directory.path()).unwrap() {
            if is_forgotten(&file).unwrap() {
                forgotten.push(file.file_stem().unwrap().to_str().unwrap().to_owned());
            }
        }
        assert_eq!(forgotten, ["lost", "forgotten"]);
    }

    #[test]
    fn a_source_file_without_its_sentence_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("main.rs");
        fs::write(&file, "fn main() {}\n").unwrap();
        assert_eq!(judge("x/src/main.rs", &file).unwrap().len(), 1);
        fs::write(&file, "//! Does nothing.\nfn main() {}\n").unwrap();
        assert_eq!(judge("x/src/main.rs", &file).unwrap().len(), 0);
    }

    #[test]
    fn comments_blank_lines_and_tests_have_no_size() {
        assert_eq!(
            code_size("//! Doc.\n\nfn a() {}\n#[cfg(test)]\nmod tests {\n    x\n}\n"),
            1
        );
    }
}
