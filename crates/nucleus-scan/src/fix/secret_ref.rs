//! A secret becomes a reference to the environment, in the spelling its client understands.

use std::sync::Arc;

use crate::client::Client;
use crate::discover::FileKind;
use crate::model::Edit;
use crate::read::At;

/// The rewrite of one secret; none where the client has no such reference in that place.
pub(crate) fn secret_edits(leaf: &At<'_>, key: &str, found: &str) -> Vec<Edit> {
    let server_part = [
        "/env/",
        "/environment/",
        "/headers/",
        "/http_headers/",
        "/args/",
    ]
    .iter()
    .any(|part| leaf.pointer().contains(part))
        || leaf.pointer().ends_with("/url");
    let Some(name) = variable(leaf, key).filter(|_| server_part) else {
        return Vec::new();
    };
    if leaf.file.kind == FileKind::CodexToml {
        return super::codex::edits(leaf, &|key| variable(leaf, key));
    }
    let reference = match (leaf.file.client, leaf.file.kind) {
        (
            _,
            FileKind::Workflow
            | FileKind::Workload
            | FileKind::PodSpec
            | FileKind::Compose
            | FileKind::Devcontainer
            | FileKind::Dockerfile
            | FileKind::Instructions,
        ) => return Vec::new(),
        (Client::OpenCode, _) => format!("{{env:{name}}}"),
        (Client::Cursor | Client::VsCode | Client::Windsurf | Client::Roo | Client::Cline, _) => {
            format!("${{env:{name}}}")
        }
        (
            Client::Shared
            | Client::ClaudeCode
            | Client::GeminiCli
            | Client::Kiro
            | Client::AmazonQ
            | Client::QwenCode
            | Client::CopilotCli,
            _,
        ) => format!("${{{name}}}"),
        _ => return Vec::new(),
    };
    let place = leaf.place_of(found);
    let span: std::ops::Range<usize> = place.span.into();
    if leaf.file.text.get(span) != Some(found) {
        return Vec::new();
    }
    vec![Edit {
        file: Arc::clone(&leaf.file.name),
        span: place.span,
        replacement: reference,
    }]
}

/// The variable's name: the key where it is one, else made of server and key.
fn variable(leaf: &At<'_>, key: &str) -> Option<String> {
    let plain = |text: &str| {
        text.chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_uppercase()
                } else {
                    '_'
                }
            })
            .collect::<String>()
            .trim_matches('_')
            .to_owned()
    };
    let is_variable = !key.is_empty()
        && key
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    if is_variable {
        return Some(key.to_owned());
    }
    let server = leaf
        .pointer()
        .split('/')
        .nth(2)
        .filter(|server| !server.is_empty())?;
    let last = match plain(key).as_str() {
        "" | "AUTHORIZATION" | "HEADER" => "TOKEN".to_owned(),
        other => other.to_owned(),
    };
    Some(format!("{}_{last}", plain(server)))
}
