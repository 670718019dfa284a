//! The arguments of each tool: what a model fills in, with a schema made from the same lines.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The most bytes of text that one call may carry; a larger one is an error that names the limit.
pub(crate) const MAX_TEXT_BYTES: usize = 8 << 20;

/// Arguments of `read`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct ReadArgs {
    /// File to read, relative to the workspace.
    pub path: String,
    /// First line to return, counted from 1. Default: 1.
    pub offset: Option<u64>,
    /// Most lines to return. Default: 2000.
    pub limit: Option<u64>,
}

/// Arguments of `write`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct WriteArgs {
    /// File to create or replace, relative to the workspace.
    pub path: String,
    /// The whole new content, at most 8 MiB.
    pub content: String,
}

/// Arguments of `edit`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct EditArgs {
    /// File to change, relative to the workspace.
    pub path: String,
    /// Text to replace, exactly as it stands in the file; must occur once unless `replace_all` is true.
    pub old_text: String,
    /// Text to put in its place.
    pub new_text: String,
    /// Replace every occurrence. Default: false.
    pub replace_all: Option<bool>,
}

/// Arguments of `glob`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct GlobArgs {
    /// Pattern such as `**/*.rs` or `src/*.py`.
    pub pattern: String,
    /// Directory to search beneath, relative to the workspace. Default: all of it.
    pub path: Option<String>,
}

/// Arguments of `grep`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct GrepArgs {
    /// Regular expression (Rust syntax) to find in file contents.
    pub pattern: String,
    /// File or directory to search beneath, relative to the workspace. Default: all of it.
    pub path: Option<String>,
    /// Only files whose path matches this glob.
    pub glob: Option<String>,
    /// Ignore case. Default: false.
    pub ignore_case: Option<bool>,
}

/// Arguments of `run`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct RunArgs {
    /// Command line. Plain words run as they are; anything a shell would act on runs by `sh -c`.
    pub command: String,
    /// Directory to run in, relative to the workspace. Default: its root.
    pub cwd: Option<String>,
    /// Text for standard input. Default: none.
    pub stdin: Option<String>,
    /// Seconds after which the command and all it started are killed. Default: 120, at most 3600.
    pub timeout_seconds: Option<u64>,
}

/// Arguments of `web_fetch`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct WebFetchArgs {
    /// URL to fetch with GET, `https://` or `http://`.
    pub url: String,
}

/// Arguments of `web_search`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct WebSearchArgs {
    /// What to search for.
    pub query: String,
}

/// Arguments of `git_diff`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct DiffArgs {
    /// Only this file or directory, relative to the workspace. Default: all of it.
    pub path: Option<String>,
    /// Compare what is staged in the index instead of the files. Default: false.
    pub cached: Option<bool>,
}

/// Arguments of `git_commit`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct CommitArgs {
    /// Commit message.
    pub message: String,
    /// Files or directories to commit, relative to the workspace. Default: every change of tracked and new files.
    pub paths: Option<Vec<String>>,
}

/// Arguments of `git_push`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct PushArgs {
    /// Remote URL; must be one that the policy names. Default: the only one it names.
    pub url: Option<String>,
    /// Branch to push and to push to. Default: the current branch.
    pub branch: Option<String>,
}

/// Arguments of `create_pr`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct CreatePrArgs {
    /// Title of the pull request.
    pub title: String,
    /// Text of the pull request.
    pub body: Option<String>,
    /// Branch to merge. Default: the current branch.
    pub head: Option<String>,
    /// Branch to merge into. Default: main.
    pub base: Option<String>,
    /// Repository URL; must be one that the policy names. Default: the only one it names.
    pub url: Option<String>,
}

/// One tool call with its arguments parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// `read`
    Read(ReadArgs),
    /// `write`
    Write(WriteArgs),
    /// `edit`
    Edit(EditArgs),
    /// `glob`
    Glob(GlobArgs),
    /// `grep`
    Grep(GrepArgs),
    /// `run`
    Run(RunArgs),
    /// `web_fetch`
    WebFetch(WebFetchArgs),
    /// `web_search`
    WebSearch(WebSearchArgs),
    /// `git_status`
    GitStatus,
    /// `git_diff`
    GitDiff(DiffArgs),
    /// `git_commit`
    GitCommit(CommitArgs),
    /// `git_push`
    GitPush(PushArgs),
    /// `create_pr`
    CreatePr(CreatePrArgs),
    /// `session_status`
    SessionStatus,
}

/// No arguments.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoArgs {}

impl Call {
    /// The name of the tool.
    #[must_use]
    pub fn tool(&self) -> &'static str {
        match self {
            Self::Read(_) => "read",
            Self::Write(_) => "write",
            Self::Edit(_) => "edit",
            Self::Glob(_) => "glob",
            Self::Grep(_) => "grep",
            Self::Run(_) => "run",
            Self::WebFetch(_) => "web_fetch",
            Self::WebSearch(_) => "web_search",
            Self::GitStatus => "git_status",
            Self::GitDiff(_) => "git_diff",
            Self::GitCommit(_) => "git_commit",
            Self::GitPush(_) => "git_push",
            Self::CreatePr(_) => "create_pr",
            Self::SessionStatus => "session_status",
        }
    }

    /// The call of a tool with these arguments.
    ///
    /// # Errors
    /// A sentence that names the tool and what is wrong with its arguments.
    pub fn parse(tool: &str, arguments: Option<Map<String, Value>>) -> Result<Self, String> {
        let given = Value::Object(arguments.unwrap_or_default());
        if let Some(key) = too_long(&given) {
            return Err(format!(
                "`{tool}`: `{key}` is longer than 8 MiB; send it in parts"
            ));
        }
        match tool {
            "read" => args(tool, given).map(Self::Read),
            "write" => args(tool, given).map(Self::Write),
            "edit" => args(tool, given).map(Self::Edit),
            "glob" => args(tool, given).map(Self::Glob),
            "grep" => args(tool, given).map(Self::Grep),
            "run" => args(tool, given).map(Self::Run),
            "web_fetch" => args(tool, given).map(Self::WebFetch),
            "web_search" => args(tool, given).map(Self::WebSearch),
            "git_status" => args(tool, given).map(|NoArgs {}| Self::GitStatus),
            "git_diff" => args(tool, given).map(Self::GitDiff),
            "git_commit" => args(tool, given).map(Self::GitCommit),
            "git_push" => args(tool, given).map(Self::GitPush),
            "create_pr" => args(tool, given).map(Self::CreatePr),
            "session_status" => args(tool, given).map(|NoArgs {}| Self::SessionStatus),
            _ => Err(format!("there is no tool `{}`", tool.escape_debug())),
        }
    }
}

/// Arguments of one type, or what is wrong with them.
fn args<T: serde::de::DeserializeOwned>(tool: &str, given: Value) -> Result<T, String> {
    serde_path_to_error::deserialize(given).map_err(|error| {
        match error.path().to_string().as_str() {
            "." => format!("`{tool}`: {}", error.inner()),
            key => format!("`{tool}`: `{key}`: {}", error.inner()),
        }
    })
}

/// The name of a text argument past the limit.
fn too_long(given: &Value) -> Option<&str> {
    let texts = given.as_object()?.iter();
    texts
        .filter(|(_, value)| {
            value
                .as_str()
                .is_some_and(|text| text.len() > MAX_TEXT_BYTES)
        })
        .map(|(key, _)| key.as_str())
        .next()
}
