//! What a row of the discovery table says.

use crate::client::Client;
use crate::discover::kind::FileKind;
use crate::read::Syntax;

/// How a file is to be understood, and its syntax where it is a tree.
pub(super) type Shape = (FileKind, Option<Syntax>);

/// The files one client reads.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) client: Client,
    /// Ends of paths. The longest end that fits counts; a first `/` is implied.
    pub(super) ends: &'static [(&'static str, Shape)],
    /// A directory anywhere above, and the end of the name.
    pub(super) beneath: &'static [(&'static str, &'static str, Shape)],
}

const JSON: Option<Syntax> = Some(Syntax::Json);
const TOML: Option<Syntax> = Some(Syntax::Toml);
const YAML: Option<Syntax> = Some(Syntax::Yaml);
const STREAM: Option<Syntax> = Some(Syntax::YamlStream);

pub(super) const SETTINGS: Shape = (FileKind::Settings, JSON);
pub(super) const SETTINGS_YAML: Shape = (FileKind::Settings, YAML);
pub(super) const EDITOR: Shape = (FileKind::EditorSettings, JSON);
pub(super) const CLAUDE: Shape = (FileKind::ClaudeSettings, JSON);
pub(super) const HOOKS: Shape = (FileKind::Hooks, JSON);
pub(super) const Q_AGENT: Shape = (FileKind::QAgent, JSON);
pub(super) const CODEX: Shape = (FileKind::CodexToml, TOML);
pub(super) const RULES: Shape = (FileKind::CodexRules, None);
pub(super) const GEMINI: Shape = (FileKind::Gemini, JSON);
pub(super) const OPENCODE: Shape = (FileKind::OpenCode, JSON);
pub(super) const TEXT: Shape = (FileKind::Instructions, None);
pub(super) const WORKFLOW: Shape = (FileKind::Workflow, YAML);
pub(super) const PIPELINE: Shape = (FileKind::Pipeline, STREAM);
pub(super) const DEVCONTAINER: Shape = (FileKind::Devcontainer, JSON);
pub(super) const DOCKERFILE: Shape = (FileKind::Dockerfile, None);
pub(super) const COMPOSE: Shape = (FileKind::Compose, YAML);
pub(super) const PACKAGE: Shape = (FileKind::PackageJson, JSON);
pub(super) const POLICY: Shape = (FileKind::Policy, TOML);
pub(super) const ENVIRONMENT: Shape = (FileKind::Environment, None);
