//! What known agents need to be told: the session's MCP server, the model's address, no built-in tools.

use serde_json::json;

use super::{HOME, MCP_PORT_VARIABLE, PLACEHOLDER_KEY};

/// How one client is started.
#[derive(Debug)]
pub(crate) struct Preset {
    /// The name on the command line.
    pub(crate) name: &'static str,
    /// The program looked for on the host's PATH.
    pub(crate) program: &'static str,
    /// Whom the model calls go to, as the policy's `[model]` names it.
    pub(crate) provider: &'static str,
    launch: fn(&Told) -> Launch,
}

/// What a preset is filled with.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    task: &'a str,
    model: Option<&'a str>,
    workspace: &'a str,
    model_port: u16,
    mcp_port: u16,
}

/// Arguments, environment and files of one start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Launch {
    /// What follows the program.
    pub(crate) args: Vec<String>,
    /// Beside the environment that every agent gets.
    pub(crate) env: Vec<(String, String)>,
    /// Files of the fresh home, by path relative to it.
    pub(crate) files: Vec<(&'static str, String)>,
}

/// Every client with a preset.
pub(crate) static PRESETS: [Preset; 4] = [
    Preset {
        name: "claude",
        program: "claude",
        provider: "anthropic",
        launch: claude,
    },
    Preset {
        name: "codex",
        program: "codex",
        provider: "openai",
        launch: codex,
    },
    Preset {
        name: "gemini",
        program: "gemini",
        provider: "google",
        launch: gemini,
    },
    Preset {
        name: "opencode",
        program: "opencode",
        provider: "openai",
        launch: opencode,
    },
];

/// The preset of that name.
pub(crate) fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

impl Preset {
    /// The start of this client on a task.
    pub(crate) fn launch(
        &self,
        task: &str,
        model: Option<&str>,
        workspace: &str,
        (mcp_port, model_port): (u16, u16),
    ) -> Launch {
        (self.launch)(&Told {
            task,
            model,
            workspace,
            model_port,
            mcp_port,
        })
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Claude Code: built-in tools denied by settings, the MCP server by a file of its own.
fn claude(told: &Told<'_>) -> Launch {
    let port = told.mcp_port.to_string();
    let servers = json!({ "mcpServers": { "nucleus": {
        "command": "nucleus", "args": ["mcp"], "env": { MCP_PORT_VARIABLE: port },
    } } });
    let built_in = [
        "Bash",
        "Read",
        "Write",
        "Edit",
        "MultiEdit",
        "NotebookEdit",
        "Glob",
        "Grep",
        "LS",
        "WebFetch",
        "WebSearch",
        "Task",
    ];
    let settings = json!({
        "permissions": { "allow": ["mcp__nucleus"], "deny": built_in },
        "includeCoAuthoredBy": false,
    });
    let config = format!("{HOME}/.nucleus/mcp.json");
    let mut args = owned(&[
        "-p",
        told.task,
        "--mcp-config",
        &config,
        "--strict-mcp-config",
    ]);
    args.extend(
        told.model
            .map(|model| ["--model".to_owned(), model.to_owned()])
            .into_iter()
            .flatten(),
    );
    Launch {
        args,
        env: variables(&[
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            ("DISABLE_AUTOUPDATER", "1"),
        ]),
        files: vec![
            (".nucleus/mcp.json", servers.to_string()),
            (".claude/settings.json", settings.to_string()),
            (
                ".claude.json",
                json!({ "hasCompletedOnboarding": true }).to_string(),
            ),
        ],
    }
}

/// Codex: its own sandbox is off because the jail is the boundary and its shell sees no workspace.
fn codex(told: &Told<'_>) -> Launch {
    let port = told.mcp_port.to_string();
    let model = told
        .model
        .map(|model| format!("model = {}\n", json!(model)))
        .unwrap_or_default();
    let config = format!(
        r#"{model}model_provider = "nucleus"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
web_search = "disabled"

[analytics]
enabled = false

[features]
plugins = false
remote_plugin = false
apps = false

[model_providers.nucleus]
name = "nucleus"
base_url = "http://127.0.0.1:{}/v1"
env_key = "OPENAI_API_KEY"
wire_api = "responses"

[mcp_servers.nucleus]
command = "nucleus"
args = ["mcp"]
env = {{ {MCP_PORT_VARIABLE} = "{port}" }}
default_tools_approval_mode = "approve"
"#,
        told.model_port
    );
    Launch {
        args: owned(&[
            "exec",
            "--skip-git-repo-check",
            "-C",
            told.workspace,
            told.task,
        ]),
        env: Vec::new(),
        files: vec![(".codex/config.toml", config)],
    }
}

/// Gemini CLI: no core tool, the MCP server trusted because it asks the policy itself.
fn gemini(told: &Told<'_>) -> Launch {
    let port = told.mcp_port.to_string();
    let settings = json!({
        "mcpServers": { "nucleus": {
            "command": "nucleus", "args": ["mcp"], "trust": true,
            "env": { MCP_PORT_VARIABLE: port },
        } },
        "tools": { "core": [] },
        "security": { "auth": { "selectedType": "gemini-api-key" } },
        "telemetry": { "enabled": false },
        "privacy": { "usageStatisticsEnabled": false },
        "general": { "disableAutoUpdate": true },
    });
    let base = format!("http://127.0.0.1:{}", told.model_port);
    let mut args = owned(&["-p", told.task]);
    args.extend(
        told.model
            .map(|model| ["-m".to_owned(), model.to_owned()])
            .into_iter()
            .flatten(),
    );
    Launch {
        args,
        env: variables(&[
            ("GEMINI_API_KEY", PLACEHOLDER_KEY),
            ("GOOGLE_GEMINI_BASE_URL", &base),
        ]),
        files: vec![(".gemini/settings.json", settings.to_string())],
    }
}

/// opencode: built-in tools off, one provider, nothing fetched at the start.
fn opencode(told: &Told<'_>) -> Launch {
    let model = told.model.unwrap_or("default");
    let off = [
        "bash",
        "edit",
        "write",
        "read",
        "grep",
        "glob",
        "list",
        "patch",
        "webfetch",
        "websearch",
        "task",
    ];
    let tools: serde_json::Map<_, _> = off
        .iter()
        .map(|tool| ((*tool).to_owned(), json!(false)))
        .collect();
    let port = told.mcp_port.to_string();
    let config = json!({
        "model": format!("nucleus/{model}"), "small_model": format!("nucleus/{model}"),
        "autoupdate": false, "share": "disabled", "enabled_providers": ["nucleus"],
        "permission": { "*": "allow" }, "tools": tools,
        "provider": { "nucleus": {
            "npm": "@ai-sdk/openai-compatible", "name": "nucleus",
            "options": {
                "baseURL": format!("http://127.0.0.1:{}/v1", told.model_port),
                "apiKey": PLACEHOLDER_KEY,
            },
            "models": { model: {
                "name": model, "tool_call": true, "limit": { "context": 200_000, "output": 8_000 },
            } },
        } },
        "mcp": { "nucleus": {
            "type": "local", "enabled": true, "command": ["nucleus", "mcp"],
            "environment": { MCP_PORT_VARIABLE: port },
        } },
    });
    Launch {
        args: owned(&["run", "--pure", "--dir", told.workspace, told.task]),
        env: variables(&[
            ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
            ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
            ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"),
            ("OPENCODE_DISABLE_DEFAULT_PLUGINS", "1"),
        ]),
        files: vec![(".config/opencode/opencode.json", config.to_string())],
    }
}

#[cfg(test)]
mod tests {
    use super::{PRESETS, preset};

    #[test]
    fn every_preset_names_our_server_and_the_jail_s_model_port() {
        for preset in &PRESETS {
            let launch = preset.launch("fix it", Some("m-1"), "/w", (4001, 4002));
            let all = format!("{launch:?}");
            assert!(
                all.contains("4001") && all.contains("fix it"),
                "{}: {all}",
                preset.name
            );
            assert!(
                all.contains("4002") || preset.name == "claude",
                "{}: no model port",
                preset.name
            );
        }
        assert!(preset("vim").is_none());
    }

    #[test]
    fn codex_configuration_is_toml_whatever_the_model_is_called() {
        let launch = preset("codex")
            .unwrap()
            .launch("t", Some("a\"b\nc"), "/w", (1, 2));
        let (_, text) = &launch.files[0];
        assert!(toml::from_str::<toml::Table>(text).is_ok(), "{text}");
    }
}
