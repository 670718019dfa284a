//! Refuses a relative link in a document that leads nowhere.

use std::path::Path;

/// The links of one document that name no file of this repository.
pub(super) fn dead(document: &str, text: &str, root: &Path) -> Vec<String> {
    let path = root.join(document);
    let directory = path.parent().unwrap_or(root);
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for target in targets(line).filter(|target| !leads_somewhere(target, directory)) {
            findings.push(format!(
                "{document}:{} links to `{target}`, which is not there",
                index + 1
            ));
        }
    }
    findings
}

/// The targets of `[text](target)` in a line.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
}

/// Addresses of the outside world and anchors of the same page are not judged.
fn leads_somewhere(target: &str, directory: &Path) -> bool {
    let file = target.split_once('#').map_or(target, |(file, _)| file);
    file.is_empty() || file.contains("://") || directory.join(file).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_nothing_is_refused_and_others_are_not() {
        let text = "[a](sample.rs) [b](#here) [c](https://example.com/x)\n[d](gone.md#part)\n";
        let directory = crate::root::root().join("xtask/fixtures/gaps");
        assert_eq!(
            dead("page.md", text, &directory),
            ["page.md:2 links to `gone.md#part`, which is not there"]
        );
    }
}
