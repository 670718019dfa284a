//! `docker run`, taken apart.

/// A container that a command line starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    /// The word that names the image, if there is one.
    pub(crate) image: Option<usize>,
    /// Options with their values: index of the option's word, its name, its value.
    pub(crate) options: Vec<(usize, String, String)>,
}

/// Takes a simple command apart, if it runs a container.
pub(crate) fn run(words: &[&str]) -> Option<Run> {
    let first = super::program(words.first()?);
    if !matches!(first.as_str(), "docker" | "podman" | "nerdctl" | "finch") {
        return None;
    }
    let verb = words
        .iter()
        .position(|word| matches!(*word, "run" | "create"))?;
    if words[1..verb]
        .iter()
        .any(|word| matches!(*word, "compose" | "mcp" | "exec" | "buildx"))
    {
        return None;
    }
    let mut run = Run::default();
    let mut at = verb + 1;
    while at < words.len() {
        let word = words[at];
        if !word.starts_with('-') {
            run.image = Some(at);
            break;
        }
        let (name, value, used) = option(word, words.get(at + 1).copied());
        run.options.push((at, name, value));
        at += used;
    }
    Some(run)
}

/// An option's name, its value, and how many words it takes.
fn option(word: &str, next: Option<&str>) -> (String, String, usize) {
    const BARE: &[&str] = &[
        "--rm",
        "--init",
        "--privileged",
        "--interactive",
        "--tty",
        "--detach",
        "--read-only",
        "--no-healthcheck",
        "--publish-all",
        "--sig-proxy",
        "--oom-kill-disable",
        "--quiet",
        "--tls-verify",
        "--replace",
    ];
    if let Some((name, value)) = word.split_once('=').filter(|_| word.starts_with("--")) {
        return (name.to_owned(), value.to_owned(), 1);
    }
    if word.starts_with("--") {
        return if BARE.contains(&word) {
            (word.to_owned(), String::new(), 1)
        } else {
            (word.to_owned(), next.unwrap_or_default().to_owned(), 2)
        };
    }
    if word[1..].bytes().all(|b| b"itdPq".contains(&b)) {
        return (word.to_owned(), String::new(), 1);
    }
    let (name, attached) =
        word.split_at(word.char_indices().nth(2).map_or(word.len(), |(at, _)| at));
    if attached.is_empty() {
        (name.to_owned(), next.unwrap_or_default().to_owned(), 2)
    } else {
        (
            name.to_owned(),
            attached.trim_start_matches('=').to_owned(),
            1,
        )
    }
}

/// Whether an image has a digest, or a tag other than `latest`. Variables are given the benefit of the doubt.
pub(crate) fn image_is_pinned(image: &str) -> bool {
    if image.contains("@sha256:") || image.contains('$') || image.contains("{{") || image.is_empty()
    {
        return true;
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split_once(':')
        .is_some_and(|(_, tag)| !tag.is_empty() && tag != "latest")
}
