//! Knows the paths the host runs or obeys by itself, and those it runs when somebody builds.
//!
//! Both lists are shipped data, compared at any depth and without regard to case or invisible characters, so
//! nested repositories and worktrees are covered. Two things one path alone cannot show, and the monitor adds:
//! **directories named by `core.hooksPath` or `include.path`**, and **a bare repository** (`HEAD`, `config`,
//! `objects` and `refs` side by side in a directory not called `.git`).

use crate::glob::PathPattern;
use crate::path::RelPath;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Version of the shipped lists; raised with every change to them.
pub const LIST_VERSION: u32 = 1;

/// Why the host runs or obeys this path without anyone building, if it does.
#[must_use]
pub fn is_activation(path: &RelPath) -> Option<&'static str> {
    git_activation(path.folded()).or_else(|| ACTIVATION_INDEX.find(path))
}

/// Why the host could run or obey what a symbolic link at this path leads to: the path is one of activation, a
/// directory above one, or anything in a git directory.
#[must_use]
pub fn is_activation_link(path: &RelPath) -> Option<&'static str> {
    let folded = path.folded();
    if folded.split('/').any(|name| name == ".git") {
        return Some(GIT_WHY);
    }
    let leads =
        |above: &str| folded.strip_suffix(above).is_some_and(|before| before.is_empty() || before.ends_with('/'));
    is_activation(path).or_else(|| ABOVE_ACTIVATION.iter().find(|(above, _)| leads(above)).map(|(_, why)| *why))
}

/// Whether a build, test or install on the host runs this path. Not gated: marked first in every diff.
#[must_use]
pub fn is_build_input(path: &RelPath) -> bool {
    BUILD_INDEX.find(path).is_some()
}

/// The shipped activation patterns with the reason for each group; git directories are judged by rule instead.
#[inline]
#[must_use]
pub const fn activation_list() -> &'static [(&'static str, &'static [&'static str])] {
    ACTIVATION
}

/// The shipped build-input patterns.
#[inline]
#[must_use]
pub const fn build_input_list() -> &'static [&'static str] {
    BUILD_INPUTS
}

/// Finds patterns by a literal name every match has; the few without one are a single name with a wildcard.
struct Index {
    named: HashMap<String, Vec<(PathPattern, &'static str)>>,
    unnamed: Vec<(PathPattern, &'static str)>,
}

impl Index {
    fn new(list: impl Iterator<Item = (&'static str, &'static str)>) -> Self {
        let mut index = Self { named: HashMap::new(), unnamed: Vec::new() };
        for (text, why) in list {
            let pattern = PathPattern::parse(text).expect("shipped patterns parse: tested");
            let bucket = match pattern.folded_literal() {
                Some(name) => index.named.entry(name.to_owned()).or_default(),
                None => &mut index.unnamed,
            };
            bucket.push((pattern, why));
        }
        index
    }

    fn find(&self, path: &RelPath) -> Option<&'static str> {
        let first = |list: &[(PathPattern, &'static str)]| {
            list.iter().find(|(pattern, _)| pattern.matches_folded(path)).map(|(_, why)| *why)
        };
        path.folded().split('/').filter(|name| !name.is_empty()).find_map(|name| {
            let named = self.named.get(name).and_then(|list| first(list));
            let lone = || self.unnamed.iter().find(|(pattern, _)| pattern.matches_folded_name(name));
            named.or_else(|| lone().map(|(_, why)| *why))
        })
    }
}

static ACTIVATION_INDEX: LazyLock<Index> =
    LazyLock::new(|| Index::new(ACTIVATION.iter().flat_map(|(why, list)| list.iter().map(|p| (*p, *why)))));
/// The directories above the activation paths of more than one name, in folded spelling.
static ABOVE_ACTIVATION: LazyLock<Vec<(String, &'static str)>> = LazyLock::new(|| {
    let mut above = Vec::new();
    for (why, list) in ACTIVATION {
        for pattern in *list {
            let names = pattern.strip_prefix("**/").unwrap_or(pattern);
            let ends = names.match_indices('/').map(|(end, _)| end);
            above.extend(ends.map(|end| (names[..end].to_ascii_lowercase(), *why)));
        }
    }
    above
});
static BUILD_INDEX: LazyLock<Index> =
    LazyLock::new(|| Index::new(BUILD_INPUTS.iter().map(|p| (*p, "runs when somebody builds"))));

const GIT_WHY: &str = "git obeys it";

/// Judges what lies in a git directory: only what an ordinary commit, fetch or checkout writes is inert.
fn git_activation(folded: &str) -> Option<&'static str> {
    let mut rest = folded;
    while !rest.is_empty() {
        let (name, below) = rest.split_once('/').unwrap_or((rest, ""));
        // FAIL-CLOSED: the first `.git` decides; what is not known to be inert is obeyed.
        if name == ".git" {
            return (!is_inert_git_entry(below)).then_some(GIT_WHY);
        }
        rest = below;
    }
    None
}

/// What follows `.git/`. Nothing follows for the directory itself, or for the file that points elsewhere.
fn is_inert_git_entry(rest: &str) -> bool {
    let (first, below) = rest.split_once('/').unwrap_or((rest, ""));
    match first {
        "objects" => !below.starts_with("info/alternates") && below != "info/http-alternates",
        "refs" => is_inert_ref(below),
        "logs" => matches!(below, "" | "head" | "refs") || below.strip_prefix("refs/").is_some_and(is_inert_ref),
        "worktrees" => below.split_once('/').is_some_and(|(_, entry)| is_inert_worktree_entry(entry)),
        _ => below.is_empty() && is_inert_git_file(first),
    }
}

/// Branches, tags and what remotes had. Replacements and stashes change what git shows or does later.
fn is_inert_ref(below: &str) -> bool {
    let kind = below.split('/').next().unwrap_or_default();
    matches!(kind, "" | "heads" | "tags" | "remotes")
}

fn is_inert_worktree_entry(entry: &str) -> bool {
    entry.starts_with("logs/") || entry.starts_with("refs/") || is_inert_git_file(entry)
}

fn is_inert_git_file(name: &str) -> bool {
    matches!(
        name.strip_suffix(".lock").unwrap_or(name),
        "index"
            | "head"
            | "packed-refs"
            | "shallow"
            | "orig_head"
            | "fetch_head"
            | "merge_head"
            | "merge_msg"
            | "merge_mode"
            | "auto_merge"
            | "squash_msg"
            | "cherry_pick_head"
            | "revert_head"
            | "bisect_log"
            | "commit_editmsg"
            | "tag_editmsg"
            | "gc.log"
            | "gc.pid"
    )
}

#[rustfmt::skip]
static ACTIVATION: &[(&str, &[&str])] = &[
    (
        "git obeys it",
        &[
            ".gitattributes", ".gitmodules", ".gitconfig", "**/.config/git", ".githooks",
        ],
    ),
    (
        "a git hook runner obeys it",
        &[
            ".husky", ".huskyrc*", "lefthook.yml", "lefthook.yaml", "lefthook.toml", "lefthook.json",
            ".lefthook*", "lefthook-local.*", ".pre-commit-config.yaml", ".pre-commit-config.yml",
            ".overcommit.yml", ".lintstagedrc*", "lint-staged.config.*",
        ],
    ),
    (
        "an editor obeys it on opening the folder",
        &[
            ".vscode", ".vs", ".idea", ".fleet", ".zed", "*.code-workspace", "*.sublime-project", ".nvim.lua",
            ".nvimrc", ".exrc", ".vimrc", ".gvimrc", ".vim", "**/.config/nvim", ".dir-locals.el", ".dir-locals-2.el", ".emacs", ".emacs.d", ".devcontainer", ".devcontainer.json", "devcontainer.json",
            ".gitpod.yml", ".gitpod.Dockerfile",
        ],
    ),
    (
        "an agent or MCP client obeys it",
        &[
            ".mcp.json", "mcp.json", "mcp_config.json", "mcp-config.json", "managed-mcp.json", ".mcp",
            ".claude", ".claude.json", ".claude-plugin", "claude_desktop_config.json", ".codex", ".cursor",
            ".gemini", ".kiro", ".windsurf", ".codeium", ".copilot", ".amazonq", "**/.aws/amazonq", ".opencode",
            "opencode.json", "opencode.jsonc", "**/.config/opencode", "**/.config/Claude", ".roo", ".roomodes",
            ".cline", ".clinerules", ".continue", ".continuerc.json", ".aider*", ".amp", ".ampcode", ".augment",
            ".junie", ".trae", ".qoder", ".qwen", ".factory", ".goose", "**/.config/goose", ".openhands",
            ".openclaw", ".antigravity", ".kilocode", ".kimi", ".vibe", ".crush", "crush.json", ".crush.json",
            ".agents", ".agent", ".warp", ".lmstudio", "**/.github/mcp.json", "**/.github/hooks",
            "**/.github/agents", "**/.github/prompts", "**/.github/chatmodes", "**/.github/skills",
        ],
    ),
    (
        "an agent reads it as instructions",
        &[
            "CLAUDE.md", "CLAUDE.local.md", "AGENTS.md", "AGENTS.override.md", "AGENT.md", "GEMINI.md",
            "QWEN.md", "WARP.md", "CRUSH.md", "SKILL.md", "JULES.md", ".cursorrules", ".cursorignore",
            ".windsurfrules", ".roorules*", ".clinerules*", ".goosehints", ".rules", ".augment-guidelines",
            "copilot-instructions.md", "**/.github/instructions", "*.instructions.md", "*.prompt.md",
            "*.chatmode.md",
        ],
    ),
    (
        "a CI service runs it",
        &[
            "**/.github/workflows", "**/.github/actions", "**/.github/dependabot.yml", "action.yml",
            "action.yaml", ".gitlab-ci.yml", ".gitlab-ci.yaml", ".gitlab-ci", "**/.gitlab/ci", "*.gitlab-ci.yml", ".circleci", ".travis.yml", "appveyor.yml", ".appveyor.yml", "azure-pipelines*.yml",
            "azure-pipelines*.yaml", "azure-pipelines", ".azure-pipelines", "bitbucket-pipelines.yml",
            ".drone.yml", ".drone.star", ".woodpecker.yml", ".woodpecker.yaml", ".woodpecker", ".buildkite",
            "Jenkinsfile", "Jenkinsfile.*", ".cirrus.yml", ".cirrus.star", ".semaphore", ".teamcity",
            ".forgejo", ".gitea", ".build.yml", ".builds", ".tekton", "buildspec.yml", "buildspec.yaml",
            "cloudbuild.yaml", "cloudbuild.yml", ".cloudbuild",
        ],
    ),
    (
        "entering the directory runs it",
        &[
            ".envrc", ".env.mise", ".autoenv.zsh", ".tool-versions", "mise.toml", "mise.*.toml", ".mise.toml",
            ".mise.*.toml", ".mise", "**/.config/mise", ".rtx.toml", ".nvmrc", ".node-version", ".python-version", ".ruby-version", ".sdkmanrc",
        ],
    ),
    (
        "a package manager obeys it",
        &[
            "**/.cargo/config.toml", "**/.cargo/config", "**/.cargo/env", ".npmrc", ".yarnrc", ".yarnrc.yml",
            ".yarn", ".pnpmfile.cjs", ".pnpmfile.mjs", "pnpmfile.cjs", "pnpmfile.js", "bunfig.toml", ".pip",
            "pip.conf", "pip.ini", ".condarc", "uv.toml", "**/.config/uv", "**/.config/pip", ".bundle",
            ".gemrc", "NuGet.Config",
        ],
    ),
    (
        "a container tool runs it",
        &[
            "Dockerfile", "Dockerfile.*", "*.dockerfile", "Containerfile", "Containerfile.*", "docker-compose*.yml", "docker-compose*.yaml", "compose.yml", "compose.yaml", "compose.*.yml",
            "compose.*.yaml", "Vagrantfile", "Tiltfile",
        ],
    ),
    (
        "a shell or login runs it",
        &[
            ".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases", ".profile", ".zshrc",
            ".zshenv", ".zprofile", ".zlogin", ".zlogout", ".kshrc", ".mkshrc", ".cshrc", ".tcshrc", ".login",
            ".inputrc", "**/.config/fish", ".xinitrc", ".xprofile", ".xsession", ".xsessionrc",
            ".pam_environment", ".ssh", "**/.config/autostart", "**/.config/systemd",
            "**/.config/environment.d", "LaunchAgents", "LaunchDaemons", "*.desktop", "crontab", "cron.d",
            "cron.daily", "cron.hourly", "**/.local/bin", "**/.cargo/bin", "**/.local/share/applications",
        ],
    ),
    (
        "a program reads it at its start",
        &[
            ".gdbinit", ".lldbinit", ".psqlrc", ".sqliterc", ".irbrc", ".pryrc", ".pythonrc", ".pythonrc.py",
            ".Rprofile", ".Renviron", ".curlrc", ".wgetrc", ".screenrc", ".tmux.conf", "**/.config/tmux",
            ".lesskey", ".mailcap", "ansible.cfg", ".ansible.cfg", ".netrc",
        ],
    ),
    (
        "Nucleus obeys it",
        &[
            "permissions.toml", ".nucleus", "nucleus.lock", "nucleus.toml", "**/.config/nucleus",
        ],
    ),
];

#[rustfmt::skip]
static BUILD_INPUTS: &[&str] = &[
    "Makefile", "GNUmakefile", "Makefile.am", "Makefile.in", "Makefile.toml", "Makefile.local", "*.mk", "justfile", ".justfile", "*.just", "Taskfile.yml",
    "Taskfile.yaml", "Rakefile", "Gemfile", "Gemfile.lock", "*.gemspec", "package.json", "package-lock.json",
    "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "pnpm-workspace.yaml", "bun.lock", "bun.lockb",
    "deno.json", "deno.jsonc", "turbo.json", "nx.json", "lerna.json", "*.config.js", "*.config.cjs",
    "*.config.mjs", "*.config.ts", "*.config.cts", "*.config.mts", ".eslintrc.js", ".eslintrc.cjs",
    ".babelrc.js", "gulpfile.*", "Gruntfile.*", "tsconfig.json", "build.rs", "Cargo.toml", "Cargo.lock", "rust-toolchain", "rust-toolchain.toml", "CMakeLists.txt", "CMakePresets.json", "*.cmake", "meson.build",
    "configure", "configure.ac", "autogen.sh", "SConstruct", "wscript", "BUILD", "BUILD.bazel", "WORKSPACE",
    "WORKSPACE.bazel", "MODULE.bazel", "*.bzl", ".bazelrc", "build.gradle", "build.gradle.kts",
    "settings.gradle", "settings.gradle.kts", "gradle.properties", "init.gradle", "gradlew", "gradlew.bat",
    "**/gradle/wrapper", "buildSrc", "pom.xml", "mvnw", "mvnw.cmd", ".mvn", "build.xml", "build.sbt",
    "build.sc", "pyproject.toml", "setup.py", "setup.cfg", "conftest.py", "tox.ini", "noxfile.py", "pytest.ini",
    "sitecustomize.py", "usercustomize.py", "*.pth", "Pipfile", "Pipfile.lock", "poetry.lock", "uv.lock",
    "requirements*.txt", "go.mod", "go.sum", "go.work", "composer.json", "mix.exs", "*.csproj", "*.fsproj",
    "*.vcxproj", "Directory.Build.props", "Directory.Build.targets", "*.targets", "Package.swift", "Podfile",
    "Fastfile", "flake.nix", "default.nix", "shell.nix", "devenv.nix", "build.zig", "build.zig.zon",
    "stack.yaml", "*.cabal", "Setup.hs", "docker-bake.hcl", "node_modules", "venv", ".venv", "site-packages",
    "_npx", "**/.cache/uv", "**/.cargo/registry", "**/.cargo/git",
];
