//! Finds words in Rust sources, less comments and test modules.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Failure;

/// The code lines of a file with their numbers: no comment lines, no `#[cfg(test)]` module.
///
/// Relies on the formatting that the `fmt` step enforces: a module ends at a closing brace
/// with the indentation of its opening line.
pub(crate) fn code_lines(text: &str) -> Vec<(usize, &str)> {
    let mut lines = Vec::new();
    let mut numbered = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .peekable();
    while let Some((number, line)) = numbered.next() {
        if line.trim() == "#[cfg(test)]" {
            if let Some((_, header)) = numbered.next_if(|(_, next)| opens_module(next)) {
                let end = format!("{}}}", indentation(header));
                for (_, inner) in numbered.by_ref() {
                    if inner == end {
                        break;
                    }
                }
            }
            continue;
        }
        if !line.trim_start().starts_with("//") {
            lines.push((number, line));
        }
    }
    lines
}

fn opens_module(line: &str) -> bool {
    line.trim_start().starts_with("mod ") && line.trim_end().ends_with('{')
}

fn indentation(line: &str) -> &str {
    let content = line.trim_start();
    &line[..line.len() - content.len()]
}

/// Whether `word` stands in `line` with no identifier character on either side.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_identifier) && !after.is_some_and(is_identifier)
    })
}

fn is_identifier(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// All Rust files below a directory, in order of path; none when it does not exist.
pub(crate) fn rust_files(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    if directory.is_dir() {
        collect(directory, &mut files)?;
    }
    files.sort();
    Ok(files)
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_test_modules_are_no_code() {
        let text = "use a;\n// use b;\n#[cfg(test)]\nmod tests {\n    use c;\n}\nuse d;\n";
        assert_eq!(code_lines(text), [(1, "use a;"), (7, "use d;")]);
    }

    #[test]
    fn a_word_is_not_found_inside_a_longer_one() {
        assert!(has_word("let x: f64 = 1.0;", "f64"));
        assert!(!has_word("let half64 = 1;", "f64"));
    }
}
