//! Refuses words in a crate's code that its room must not contain, and code past its bound.

use std::path::Path;

use super::files::code_size;
use super::{House, Room};
use crate::Failure;
use crate::metadata::Metadata;
use crate::root::read;
use crate::source::{code_lines, has_word, rust_files};

/// Every source file of every member against its room's list of words.
pub(super) fn check(house: &House, metadata: &Metadata) -> Result<Vec<String>, Failure> {
    let mut findings = Vec::new();
    for package in metadata.members() {
        let Some(room) = house.crates.get(&package.name) else {
            continue;
        };
        let directory = Path::new(&package.manifest_path).with_file_name("src");
        let mut size = 0;
        for file in rust_files(&directory)? {
            if file.file_stem().is_some_and(|stem| stem == "tests") {
                continue;
            }
            let place = format!(
                "{}/src/{}",
                package.name,
                file.strip_prefix(&directory).unwrap_or(&file).display()
            );
            let text = read(&file)?;
            size += code_size(&text);
            findings.extend(words_in(&place, &text, room));
        }
        findings.extend(past_bound(&package.name, size, room));
    }
    Ok(findings)
}

fn past_bound(name: &str, size: usize, room: &Room) -> Option<String> {
    let bound = room.max_code_lines.filter(|bound| size > *bound)?;
    Some(format!(
        "`{name}` has {size} lines of code, more than {bound}"
    ))
}

fn words_in(place: &str, text: &str, room: &Room) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in code_lines(text) {
        for word in room
            .not_in_source
            .iter()
            .filter(|word| has_word(line, word))
        {
            findings.push(format!("{place}:{number} uses `{word}`: {}", room.why));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_in_the_law_is_refused_and_its_mention_in_a_comment_is_not() {
        let house: House = crate::root::table("arrows.toml").unwrap();
        let text = "// no SystemTime here\nuse std::time::SystemTime;\n";
        let findings = words_in("portcullis/src/x.rs", text, &house.crates["portcullis"]);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].starts_with("portcullis/src/x.rs:2 uses `SystemTime`"));
    }

    #[test]
    fn a_law_that_grows_past_its_bound_is_refused() {
        let house: House = crate::root::table("arrows.toml").unwrap();
        let law = &house.crates["portcullis"];
        assert!(past_bound("portcullis", 2_700, law).is_none());
        assert!(past_bound("portcullis", 3_001, law).is_some());
        let text = &house.crates["portcullis-text"];
        assert!(past_bound("portcullis-text", 1_400, text).is_none());
        assert!(past_bound("portcullis-text", 1_501, text).is_some());
    }
}
