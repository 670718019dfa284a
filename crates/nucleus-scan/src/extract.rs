//! Trees to agents: one module for each family of clients, one reader of servers for all of them.

mod claude;
mod codex;
mod editor;
mod embedded;
mod front;
mod gemini;
mod hooks;
mod opencode;
mod pattern;
mod qagent;
mod servers;
mod settings;

pub(crate) use embedded::{documents, tool_list};
pub(crate) use pattern::claude_rule;

use crate::discover::FileKind;
use crate::model::{Agent, Instructions, Permissions, ToolFilter};
use crate::read::SourceFile;

/// Every agent a file configures; none where it configures nothing.
pub(crate) fn agents(file: &SourceFile) -> Vec<Agent> {
    let mut agent = blank(file);
    let more = match file.kind {
        FileKind::Settings => settings::fill(file, &mut agent),
        FileKind::ClaudeSettings => claude::fill(file, &mut agent),
        FileKind::CodexToml => codex::fill(file, &mut agent),
        FileKind::CodexRules => codex::fill_rules(file, &mut agent),
        FileKind::Gemini => gemini::fill(file, &mut agent),
        FileKind::OpenCode => opencode::fill(file, &mut agent),
        FileKind::EditorSettings => editor::fill(file, &mut agent),
        FileKind::QAgent => qagent::fill(file, &mut agent),
        FileKind::Hooks => hooks::fill(file, &mut agent),
        FileKind::Devcontainer => editor::fill_devcontainer(file, &mut agent),
        FileKind::Instructions => {
            agent.instructions.push(Instructions {
                place: file.place(0..0, ""),
            });
            front::fill(file, &mut agent);
            Vec::new()
        }
        FileKind::Workflow => return crate::rules::workflow_agents(file),
        FileKind::Pipeline => return crate::rules::pipeline_agents(file),
        FileKind::Dockerfile
        | FileKind::Compose
        | FileKind::Environment
        | FileKind::PackageJson
        | FileKind::Policy
        | FileKind::PodSpec
        | FileKind::Workload
        | FileKind::Unknown => return Vec::new(),
    };
    let mut agents = vec![agent];
    agents.extend(more);
    agents.retain(|agent| !is_empty(agent));
    agents
}

/// An agent of which nothing is known but its file.
pub(crate) fn blank(file: &SourceFile) -> Agent {
    Agent {
        client: file.client,
        scope: file.scope,
        is_selected: true,
        name: file.client.name().to_owned(),
        root: file.root_shown.clone(),
        place: file.place(0..0, ""),
        servers: Vec::new(),
        permissions: Permissions::default(),
        builtins: ToolFilter::default(),
        hooks: Vec::new(),
        instructions: Vec::new(),
        plugins: Vec::new(),
    }
}

fn is_empty(agent: &Agent) -> bool {
    agent.servers.is_empty()
        && agent.permissions == Permissions::default()
        && agent.builtins == ToolFilter::default()
        && agent.hooks.is_empty()
        && agent.instructions.is_empty()
        && agent.plugins.is_empty()
}
