//! Which paths the host obeys by itself, and which a build runs.

use portcullis::activation::{activation_list, build_input_list, is_activation, is_activation_link, is_build_input};
use portcullis::glob::PathPattern;
use portcullis::path::RelPath;

fn activates(text: &str) -> bool {
    is_activation(&RelPath::parse(text).unwrap()).is_some()
}

fn builds(text: &str) -> bool {
    is_build_input(&RelPath::parse(text).unwrap())
}

#[test]
fn what_runs_by_itself_is_activation() {
    let rows: [(&str, &[&str]); 9] = [
        (
            "git",
            &[
                ".git/hooks/pre-commit",
                ".git/config",
                ".git/config.worktree",
                ".git/info/attributes",
                ".git",
                ".git/hooks",
                "vendor/x/.git/hooks/post-checkout",
                "vendor/x/.git/config",
                ".git/modules/sub/config",
                ".git/commondir",
                ".git/worktrees/w/gitdir",
                ".git/worktrees/w/config.worktree",
                ".git/worktrees/w/commondir",
                "sub/.git",
                ".git/rebase-merge/git-rebase-todo",
                ".git/objects/info/alternates",
                ".gitattributes",
                "a/.gitattributes",
                ".gitmodules",
                ".gitconfig",
                ".config/git/config",
                ".git/modules/sub/hooks/pre-commit",
                ".git/unheard-of",
            ],
        ),
        (
            "B4 B5 editors and MCP",
            &[
                ".vscode/tasks.json",
                ".vscode/settings.json",
                "pkg/.vscode/mcp.json",
                ".mcp.json",
                ".cursor/mcp.json",
                ".gemini/settings.json",
                ".codex/config.toml",
                ".kiro/settings/mcp.json",
                "opencode.json",
                ".windsurf/x",
                ".idea/workspace.xml",
                "my.code-workspace",
                ".github/mcp.json",
                ".devcontainer/devcontainer.json",
                ".aws/amazonq/mcp.json",
                ".config/opencode/opencode.json",
                "mcp.json",
            ],
        ),
        (
            "B6 agent hooks",
            &[
                ".claude/settings.json",
                ".claude/settings.local.json",
                ".claude/commands/x.md",
                ".claude/skills/a/SKILL.md",
                ".github/hooks/x.json",
                ".cursor/hooks.json",
                ".claude",
                ".claude/agents/a.md",
            ],
        ),
        (
            "B7 instructions",
            &[
                "CLAUDE.md",
                "docs/AGENTS.md",
                "GEMINI.md",
                ".cursorrules",
                ".github/copilot-instructions.md",
                "claude.md",
                ".windsurfrules",
                ".clinerules",
                ".github/instructions/x.instructions.md",
                "CLAUDE.local.md",
            ],
        ),
        (
            "B9 on entering or installing",
            &[
                ".envrc",
                ".tool-versions",
                "mise.toml",
                ".nvmrc",
                ".npmrc",
                ".yarnrc.yml",
                ".cargo/config.toml",
                "sub/.cargo/config",
                ".yarn/releases/yarn.cjs",
                ".pnpmfile.cjs",
                ".mise/config.toml",
            ],
        ),
        (
            "B10 CI and containers",
            &[
                ".github/workflows/ci.yml",
                ".gitlab-ci.yml",
                "Dockerfile",
                "docker/Dockerfile.dev",
                "docker-compose.yml",
                "docker-compose.prod.yaml",
                "compose.yaml",
                ".circleci/config.yml",
                "Jenkinsfile",
                "azure-pipelines.yml",
                ".github/actions/x/action.yml",
                ".husky/pre-commit",
                ".pre-commit-config.yaml",
                "lefthook.yml",
            ],
        ),
        (
            "B11 login",
            &[
                ".bashrc",
                ".zshrc",
                ".profile",
                ".ssh/authorized_keys",
                ".ssh/config",
                ".config/systemd/user/x.service",
                "x.desktop",
                "LaunchAgents/x.plist",
                ".local/bin/ls",
                ".config/fish/config.fish",
                ".gdbinit",
                ".config/autostart/x.desktop",
            ],
        ),
        ("B13 our own", &["permissions.toml", ".nucleus/x", "nucleus.lock", "a/permissions.toml"]),
        (
            "A7 spellings",
            &[
                ".CURSOR/mcp.json",
                ".Git/config",
                ".GIT/hooks/x",
                ".g\u{131}t/config",
                ".g\u{200c}it/hooks/x",
                ".VSCode/tasks.json",
                "DOCKERFILE",
                "Agents.MD",
                ".\u{212a}iro/x",
                "./a/../.git/config",
                "a//.git//hooks/x",
            ],
        ),
    ];
    for (row, paths) in rows {
        for path in paths {
            assert!(activates(path), "{row}: {path}");
        }
    }
}

#[test]
fn what_does_not_run_by_itself_is_not() {
    for path in [
        "src/main.rs",
        "README.md",
        "Makefile",
        "package.json",
        "build.rs",
        "Cargo.toml",
        "docs/git.md",
        "src/git/config",
        "git/hooks/x",
        ".gitignore",
        ".github/CODEOWNERS",
        ".github/ISSUE_TEMPLATE/bug.md",
        "hooks/pre-commit",
        "src/claude.rs",
        "config.toml",
        "cargo/config.toml",
        "vscode/settings.json",
        "src/dockerfile_parser.rs",
        ".editorconfig",
        "profile",
        "bashrc.md",
        "test.yml",
        "a.github/workflows",
        "src/AGENTS.md.rs",
        "mise.md",
    ] {
        assert!(!activates(path), "{path}");
    }
}

#[test]
fn what_an_ordinary_commit_writes_is_not_activation() {
    for path in [
        ".git/objects/ab/cdef",
        ".git/objects/pack/pack-1.idx",
        ".git/refs",
        ".git/refs/heads",
        ".git/refs/tags/v1",
        ".git/refs/remotes/origin/main",
        ".git/refs/heads/main",
        ".git/refs/heads/main.lock",
        ".git/index",
        ".git/index.lock",
        ".git/HEAD",
        ".git/logs/HEAD",
        ".git/logs/refs/heads/x",
        ".git/COMMIT_EDITMSG",
        ".git/ORIG_HEAD",
        ".git/packed-refs",
        ".git/worktrees/w/index",
        ".git/worktrees/w/HEAD",
        ".git/worktrees/w/logs/HEAD",
        "vendor/x/.git/objects/ab/c",
    ] {
        assert!(!activates(path), "{path}");
    }
    for twin in [
        ".git/refs/replace/0123",
        ".git/refs/stash",
        ".git/logs/refs/stash",
        ".git/index/x",
        ".git/HEAD/hooks",
        ".git/worktrees/w",
        ".git/config.lock",
        ".git/worktrees/index",
    ] {
        assert!(activates(twin), "{twin}");
    }
}

#[test]
fn build_inputs_are_known_and_not_gated() {
    for path in [
        "Makefile",
        "package.json",
        "a/package.json",
        "build.rs",
        "conftest.py",
        "tests/conftest.py",
        "justfile",
        "pyproject.toml",
        "setup.py",
        "sitecustomize.py",
        "x.pth",
        "gradlew",
        "gradle/wrapper/gradle-wrapper.jar",
        "mvnw",
        ".mvn/jvm.config",
        "node_modules/.bin/tsc",
        "venv/bin/python",
        "Cargo.toml",
        "vite.config.ts",
        "CMakeLists.txt",
        ".cache/uv/x",
    ] {
        assert!(builds(path), "{path}");
        assert!(!activates(path), "{path}");
    }
    for path in ["src/main.rs", "README.md", "src/builder.rs", "package.rs", "makefile.md", "config.ts"] {
        assert!(!builds(path), "{path}");
    }
}

#[test]
fn the_shipped_lists_are_well_formed() {
    let texts = activation_list().iter().flat_map(|(_, list)| *list).chain(build_input_list());
    let mut seen = std::collections::BTreeSet::new();
    for text in texts {
        let pattern = PathPattern::parse(text).unwrap();
        let example = RelPath::parse(&text.replace("**/", "").replace('*', "x")).unwrap();
        assert!(pattern.matches(&example), "{text}");
        assert!(activates(example.as_str()) || builds(example.as_str()), "{text}");
        assert!(seen.insert(pattern), "{text} twice");
    }
}

#[test]
fn a_link_that_leads_to_activation_is_one_itself() {
    for path in [
        ".cargo",
        "sub/.cargo",
        ".GitHub",
        ".github/workflows",
        ".config",
        "home/.local/share",
        ".vscode",
        ".git",
        ".git/objects",
        "sub/.git/refs",
    ] {
        assert!(is_activation_link(&RelPath::parse(path).unwrap()).is_some(), "{path}");
    }
    for path in ["latest", "src/config", "x.github", "docs/cargo", "bin/share"] {
        assert_eq!(is_activation_link(&RelPath::parse(path).unwrap()), None, "{path}");
    }
}

#[test]
fn directories_above_activation_are_plain_names() {
    let several = activation_list()
        .iter()
        .flat_map(|(_, list)| *list)
        .filter_map(|pattern| pattern.strip_prefix("**/").unwrap_or(pattern).rsplit_once('/'));
    for (above, _) in several {
        assert!(!above.contains(['*', '?', '!', '[', '{']), "{above}");
    }
}
