//! What a file is by its content, where its name says nothing.

use super::kind::{FileKind, Known};
use super::workload::settle;
use crate::client::Client;
use crate::model::Scope;
use crate::read::Syntax;

const JSON: Option<Syntax> = Some(Syntax::Json);
const TOML: Option<Syntax> = Some(Syntax::Toml);
const YAML: Option<Syntax> = Some(Syntax::Yaml);
const STREAM: Option<Syntax> = Some(Syntax::YamlStream);

/// What a file is by its content, for names that say nothing: `settings.json` at the top of a repository that is a client's own folder,
/// and files named outright.
pub(crate) fn sniff(name: &str, text: &str) -> Option<Known> {
    let json = name.ends_with(".json") || name.ends_with(".jsonc");
    let has = |word: &str| text.contains(word);
    let has_key = |key: &str| {
        ["", "\"", "'"]
            .iter()
            .any(|quote| has(&format!("{key}{quote}:")))
    };
    if json
        && (has("\"mcp.servers\"")
            || has("\"chat.tools.")
            || has("\"amp.")
            || has("\"context_servers\""))
    {
        return Some(Known::new(FileKind::EditorSettings, Client::VsCode, JSON));
    }
    let claude = (has("\"permissions\"")
        && (has("\"allow\"") || has("\"deny\"") || has("\"defaultMode\"")))
        || (has("\"hooks\"") && has("\"type\"") && has("\"command\""))
        || has("\"enabledPlugins\"")
        || has("\"enableAllProjectMcpServers\"");
    if json && claude {
        return Some(Known::new(
            FileKind::ClaudeSettings,
            Client::ClaudeCode,
            JSON,
        ));
    }
    if json && (has("opencode.ai/config") || (has("\"mcp\"") && has("\"permission\""))) {
        return Some(Known::new(FileKind::OpenCode, Client::OpenCode, JSON));
    }
    if json && (has("\"mcpServers\"") || (has("\"servers\"") && has("\"command\""))) {
        return Some(Known::new(FileKind::Settings, Client::Shared, JSON));
    }
    if name.ends_with(".toml")
        && (has("[mcp_servers") || has("approval_policy") || has("sandbox_mode"))
    {
        return Some(Known::new(FileKind::CodexToml, Client::Codex, TOML));
    }
    if name.ends_with(".toml") && has("[capabilities]") {
        return Some(Known::new(FileKind::Policy, Client::Nucleus, TOML));
    }
    let yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    if yaml && has_key("apiVersion") && has_key("kind") {
        return settle(
            Known::new(FileKind::Workload, Client::Container, STREAM),
            text,
        );
    }
    if yaml && has_key("jobs") && has("runs-on") {
        return Some(Known {
            scope: Some(Scope::Ci),
            ..Known::new(FileKind::Workflow, Client::Workflow, YAML)
        });
    }
    if yaml && (has_key("mcpServers") || has_key("extensions")) {
        return Some(Known::new(FileKind::Settings, Client::Shared, YAML));
    }
    (name.ends_with(".md") || name.ends_with(".mdc") || name.ends_with(".txt"))
        .then(|| Known::new(FileKind::Instructions, Client::Shared, None))
}

#[cfg(test)]
mod tests {
    use super::{FileKind, sniff};

    #[test]
    fn content_tells_where_the_name_does_not() {
        assert_eq!(
            sniff("settings.json", r#"{"permissions": {"allow": []}}"#).map(|known| known.kind),
            Some(FileKind::ClaudeSettings)
        );
        assert_eq!(sniff("settings.json", r#"{"editor.fontSize": 12}"#), None);
    }
}
