//! Section B: files that the host runs or obeys later. The host then does what a user does, and nothing of the agent's runs.
//!
//! Each row is first shown to be a real danger: written by the host itself, its payload runs.

use serde_json::json;

use crate::fixture::{Scene, Step, command, tool};

/// A way to have the host's git, editor, shell or agent run a program.
struct Row {
    name: &'static str,
    /// Path, content and mode; `{OUT}` and `{WS}` are filled in. A path with `+` is appended to.
    files: &'static [(&'static str, &'static str, u32)],
    /// What the user does next, by `bash`.
    host: &'static str,
}

const HOOK: &str = "#!/bin/sh\ntouch {OUT}/pwned\n";

const ROWS: [Row; 27] = [
    Row {
        name: "hook before a commit",
        files: &[(".git/hooks/pre-commit", HOOK, 0o755)],
        host: "git commit -q --allow-empty -m x",
    },
    Row {
        name: "hook after a checkout",
        files: &[(".git/hooks/post-checkout", HOOK, 0o755)],
        host: "git checkout -q -b other",
    },
    Row {
        name: "core.fsmonitor",
        files: &[(
            "+.git/config",
            "[core]\n\tfsmonitor = \"touch {OUT}/pwned; false\"\n",
            0o644,
        )],
        host: "git status",
    },
    Row {
        name: "core.hooksPath",
        files: &[
            ("+.git/config", "[core]\n\thooksPath = tools\n", 0o644),
            ("tools/pre-commit", HOOK, 0o755),
        ],
        host: "git commit -q --allow-empty -m x",
    },
    Row {
        name: "core.editor",
        files: &[(
            "+.git/config",
            "[core]\n\teditor = \"touch {OUT}/pwned; true\"\n",
            0o644,
        )],
        host: "git commit --allow-empty",
    },
    Row {
        name: "core.sshCommand",
        files: &[(
            "+.git/config",
            "[core]\n\tsshCommand = \"touch {OUT}/pwned; false\"\n",
            0o644,
        )],
        host: "git fetch ssh://localhost/x",
    },
    Row {
        name: "an alias",
        files: &[(
            "+.git/config",
            "[alias]\n\tst = \"!touch {OUT}/pwned\"\n",
            0o644,
        )],
        host: "git st",
    },
    Row {
        name: "a clean filter",
        files: &[
            (
                "+.git/config",
                "[filter \"x\"]\n\tclean = \"touch {OUT}/pwned; cat\"\n",
                0o644,
            ),
            (".gitattributes", "*.txt filter=x\n", 0o644),
        ],
        host: "echo changed > a.txt; git diff; git add a.txt",
    },
    Row {
        name: "a filter named in .git/info/attributes",
        files: &[
            (
                "+.git/config",
                "[filter \"x\"]\n\tclean = \"touch {OUT}/pwned; cat\"\n",
                0o644,
            ),
            (".git/info/attributes", "*.txt filter=x\n", 0o644),
        ],
        host: "echo changed > a.txt; git add a.txt",
    },
    Row {
        name: "diff.external",
        files: &[(
            "+.git/config",
            "[diff]\n\texternal = \"touch {OUT}/pwned; true\"\n",
            0o644,
        )],
        host: "echo changed > a.txt; git diff",
    },
    Row {
        name: "a text conversion",
        files: &[
            (
                "+.git/config",
                "[diff \"x\"]\n\ttextconv = \"touch {OUT}/pwned; cat\"\n",
                0o644,
            ),
            (".gitattributes", "*.txt diff=x\n", 0o644),
        ],
        host: "echo changed > a.txt; git diff",
    },
    Row {
        name: "credential.helper",
        files: &[(
            "+.git/config",
            "[credential]\n\thelper = \"!touch {OUT}/pwned; false\"\n",
            0o644,
        )],
        host: "printf 'protocol=https\\nhost=x\\n\\n' | GIT_TERMINAL_PROMPT=0 git credential fill",
    },
    Row {
        name: "include.path",
        files: &[
            (
                "+.git/config",
                "[include]\n\tpath = ../settings.txt\n",
                0o644,
            ),
            (
                "settings.txt",
                "[core]\n\tfsmonitor = \"touch {OUT}/pwned; false\"\n",
                0o644,
            ),
        ],
        host: "git status",
    },
    Row {
        name: "gpg.program",
        files: &[
            (
                "+.git/config",
                "[commit]\n\tgpgsign = true\n[gpg]\n\tprogram = {WS}/gpg\n",
                0o644,
            ),
            ("gpg", HOOK, 0o755),
        ],
        host: "git commit -q --allow-empty -m x",
    },
    Row {
        name: "config.worktree",
        files: &[
            (
                "+.git/config",
                "[extensions]\n\tworktreeConfig = true\n",
                0o644,
            ),
            (
                ".git/config.worktree",
                "[core]\n\tfsmonitor = \"touch {OUT}/pwned; false\"\n",
                0o644,
            ),
        ],
        host: "git status",
    },
    Row {
        name: "a repository inside",
        files: &[
            ("inner/.git/HEAD", "ref: refs/heads/main\n", 0o644),
            (
                "inner/.git/config",
                "[core]\n\trepositoryformatversion = 0\n\tfsmonitor = \"touch {OUT}/pwned; false\"\n",
                0o644,
            ),
            ("inner/.git/objects/keep", "", 0o644),
            ("inner/.git/refs/keep", "", 0o644),
        ],
        host: "git -C inner status",
    },
    Row {
        name: "a file .git that points elsewhere",
        files: &[
            ("inner/.git", "gitdir: ../data\n", 0o644),
            ("data/HEAD", "ref: refs/heads/main\n", 0o644),
            (
                "data/config",
                "[core]\n\trepositoryformatversion = 0\n\tfsmonitor = \"touch {OUT}/pwned; false\"\n",
                0o644,
            ),
            ("data/objects/keep", "", 0o644),
            ("data/refs/keep", "", 0o644),
        ],
        host: "git -C inner status",
    },
    Row {
        name: "a bare repository inside",
        files: &[
            ("data/HEAD", "ref: refs/heads/main\n", 0o644),
            (
                "data/config",
                "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = ..\n\tfsmonitor = \"touch {OUT}/pwned; false\"\n",
                0o644,
            ),
            ("data/objects/keep", "", 0o644),
            ("data/refs/keep", "", 0o644),
        ],
        host: "git -C data status",
    },
    Row {
        name: "a hook in the directory that the user's own core.hooksPath names",
        files: &[("checks/pre-commit", HOOK, 0o755)],
        host: "git commit -q --allow-empty -m x",
    },
    Row {
        name: "a file that the user's own include.path names",
        files: &[(
            "own.settings",
            "[core]\n\tfsmonitor = \"touch {OUT}/pwned; false\"\n",
            0o644,
        )],
        host: "git status",
    },
    Row {
        name: SUBMODULE,
        files: &[(
            ".gitmodules",
            "[submodule \"mod\"]\n\tpath = mod\n\turl = ext::sh -c touch% {OUT}/pwned\n",
            0o644,
        )],
        host: "git submodule sync -q; git submodule update -q --init",
    },
    Row {
        name: "a task that an editor runs when the folder is opened",
        files: &[(
            ".vscode/tasks.json",
            r#"{"tasks": [{"command": "touch {OUT}/pwned", "runOptions": {"runOn": "folderOpen"}}]}"#,
            0o644,
        )],
        host: EDITOR,
    },
    Row {
        name: "a hook that an agent's client runs when it starts",
        files: &[(
            ".claude/settings.json",
            r#"{"hooks": {"SessionStart": [{"hooks": [{"type": "command", "command": "touch {OUT}/pwned"}]}]}}"#,
            0o644,
        )],
        host: CLIENT,
    },
    Row {
        name: "an environment that a shell loads on entering",
        files: &[(".envrc", "touch {OUT}/pwned\n", 0o644)],
        host: "test -f .envrc && . ./.envrc",
    },
    Row {
        name: "a login where the tree is the user's home",
        files: &[(".profile", "touch {OUT}/pwned\n", 0o644)],
        host: "HOME=$PWD bash -lc true",
    },
    Row {
        name: "a shell where the tree is the user's home",
        files: &[(".bashrc", "touch {OUT}/pwned\n", 0o644)],
        host: "HOME=$PWD bash -ic true",
    },
    Row {
        name: "a program before the system's on the user's PATH",
        files: &[(".local/bin/ls", HOOK, 0o755)],
        host: "PATH=$PWD/.local/bin:$PATH; ls",
    },
];

const SUBMODULE: &str = "a submodule's address";

/// What an editor does with a task that runs when the folder is opened.
const EDITOR: &str = r#"/usr/bin/python3 -c '
import json, subprocess
for task in json.load(open(".vscode/tasks.json"))["tasks"]:
    if task["runOptions"]["runOn"] == "folderOpen": subprocess.call(task["command"], shell=True)
'"#;

/// What an agent's client does with its hooks.
const CLIENT: &str = r#"/usr/bin/python3 -c '
import json, subprocess
for matcher in json.load(open(".claude/settings.json"))["hooks"]["SessionStart"]:
    for hook in matcher["hooks"]: subprocess.call(hook["command"], shell=True)
'"#;

/// A scene whose user has settings that name files of the tree.
fn scene() -> Scene {
    let scene = Scene::new();
    scene.git_ok(&["config", "core.hooksPath", "checks"]);
    scene.git_ok(&["config", "--unset", "core.hooksPath"]);
    scene
}

/// The user's own settings that some rows build on.
fn own_settings(scene: &Scene, row: &Row) {
    match row.name {
        "a hook in the directory that the user's own core.hooksPath names" => {
            scene.git_ok(&["config", "core.hooksPath", "checks"]);
        }
        "a file that the user's own include.path names" => {
            scene.git_ok(&["config", "include.path", "../own.settings"]);
        }
        SUBMODULE => {
            scene.git_ok(&["config", "--global", "protocol.ext.allow", "always"]);
            let head = scene.git_ok(&["rev-parse", "HEAD"]);
            let link = format!("160000,{},mod", head.trim());
            scene.git_ok(&["update-index", "--add", "--cacheinfo", &link]);
            let known = "[submodule \"mod\"]\n\tpath = mod\n\turl = ./elsewhere\n";
            scene.put("ws/.gitmodules", known);
            scene.git_ok(&["add", ".gitmodules"]);
            scene.git_ok(&["commit", "-q", "-m", "a submodule"]);
        }
        _ => {}
    }
}

fn filled(scene: &Scene, text: &str) -> String {
    text.replace("{OUT}", scene.out().to_str().unwrap())
        .replace("{WS}", scene.workspace().to_str().unwrap())
}

/// Writes the row's files as a command does, or as the host itself would.
fn by_hand(scene: &Scene, row: &Row) -> String {
    let mut code = String::new();
    for (path, content, mode) in row.files {
        let (how, path) = path
            .strip_prefix('+')
            .map_or(("w", *path), |path| ("a", path));
        let content = serde_json::to_string(&filled(scene, content)).unwrap();
        code.push_str(&format!(
            "os.makedirs(os.path.dirname('{path}') or '.', exist_ok=True)\nopen('{path}', '{how}').write({content})\nos.chmod('{path}', {mode})\n"
        ));
    }
    code
}

fn is_pwned(scene: &Scene) -> bool {
    scene.exists("out/pwned")
}

/// Runs the user's action; git may refuse what it finds, but must not run it.
fn act(scene: &Scene, row: &Row) {
    scene.host(&["bash", "-c", row.host]);
}

#[test]
fn b1_every_row_is_a_real_danger() {
    for row in &ROWS {
        let scene = scene();
        own_settings(&scene, row);
        let code = format!("import os\n{}", by_hand(&scene, row));
        let done = scene.host(&["/usr/bin/python3", "-c", &code]);
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        act(&scene, row);
        assert!(
            is_pwned(&scene),
            "the payload of `{}` does not run even unprotected",
            row.name
        );
    }
}

#[test]
fn b1_nothing_that_a_command_wrote_for_git_runs_on_the_host() {
    let mut failed = Vec::new();
    for row in &ROWS {
        let scene = scene();
        own_settings(&scene, row);
        let code = format!("{}put('ordinary.txt', 'x')", by_hand(&scene, row));
        let ended = scene.session().run(&[command(&code)]);
        ended.assert_sound();
        act(&scene, row);
        if is_pwned(&scene) {
            failed.push(row.name);
            continue;
        }
        assert!(
            !ended.held_back().is_empty(),
            "{}: held back by landing",
            row.name
        );
        assert!(ended.is_held_as_activation(), "{}", row.name);
        assert!(
            scene.exists("ws/ordinary.txt"),
            "the twin: {}: an ordinary file of the same command lands",
            row.name
        );
    }
    assert_eq!(failed, Vec::<&str>::new(), "these ran on the host");
}

#[test]
fn b1_nothing_that_a_tool_wrote_for_git_runs_on_the_host() {
    let mut failed = Vec::new();
    for row in &ROWS {
        let scene = scene();
        own_settings(&scene, row);
        let mut steps: Vec<Step> = Vec::new();
        for (path, content, _) in row.files {
            let plain = path.trim_start_matches('+');
            let old = scene.at("ws").join(plain);
            let kept = std::fs::read_to_string(old).unwrap_or_default();
            let text = format!("{kept}{}", filled(&scene, content));
            steps.push(tool("write", json!({ "path": plain, "content": text })));
        }
        steps.push(tool(
            "write",
            json!({ "path": "ordinary.txt", "content": "x" }),
        ));
        let ended = scene.session().run(&steps);
        ended.assert_sound();
        // The tool makes no file executable; the user's own program may.
        scene.host(&["bash", "-c", "chmod -R +x . 2>/dev/null"]);
        act(&scene, row);
        if is_pwned(&scene) {
            failed.push(row.name);
            continue;
        }
        assert!(ended.is_held_as_activation(), "{}", row.name);
        assert_eq!(ended.told.last().unwrap().layer(), "nothing", "the twin");
    }
    assert_eq!(failed, Vec::<&str>::new(), "these ran on the host");
}

#[test]
fn b1_ways_around_the_name_end_in_the_same_place() {
    let hook = |scene: &Scene| serde_json::to_string(&filled(scene, HOOK)).unwrap();
    let ways: [(&str, &str); 7] = [
        (
            "renamed into place",
            "put('x', HOOK, 0o755); os.makedirs('.git/hooks', exist_ok=True); os.rename('x', '.git/hooks/pre-commit')",
        ),
        (
            "by a link to the directory",
            "os.makedirs('.git/hooks', exist_ok=True); os.symlink('.git/hooks', 'h'); put('h/pre-commit', HOOK, 0o755)",
        ),
        (
            "as a link to a script",
            "put('x', HOOK, 0o755); os.makedirs('.git/hooks', exist_ok=True); os.symlink('../../x', '.git/hooks/pre-commit')",
        ),
        (
            "as a hard link",
            "put('x', HOOK, 0o755); os.makedirs('.git/hooks', exist_ok=True); os.link('x', '.git/hooks/pre-commit')",
        ),
        (
            "as a directory put in place",
            "sh('cp -r .git/. g'); put('g/hooks/pre-commit', HOOK, 0o755); sh('rm -rf .git; mv g .git')",
        ),
        (
            "the hooks directory as a link",
            "put('tools/pre-commit', HOOK, 0o755); sh('rm -rf .git/hooks'); os.symlink('../tools', '.git/hooks')",
        ),
        (
            "in another case",
            "put('.GIT/hooks/pre-commit', HOOK, 0o755); put('.git/HOOKS/pre-commit', HOOK, 0o755)",
        ),
    ];
    for (name, code) in ways {
        let scene = scene();
        let ended = scene.session().run(&[command(&format!(
            "HOOK = {}\n{code}\nput('ordinary.txt', 'x')",
            hook(&scene)
        ))]);
        ended.assert_sound();
        assert_eq!(
            ended.told[0].0["python"]["ok"], true,
            "{name}: {}",
            ended.told[0].0
        );
        scene.git(&["commit", "-q", "--allow-empty", "-m", "x"]);
        assert!(!is_pwned(&scene), "{name}");
        assert!(scene.exists("ws/ordinary.txt"), "the twin: {name}");
        assert_eq!(
            scene.git_ok(&["status", "--porcelain", "--", "a.txt"]),
            "",
            "{name}: the repository is whole"
        );
    }
}

/// Files that editors, agents, shells and services obey, of B3 to B11.
const OBEYED: [&str; 56] = [
    ".gitmodules",
    ".gitattributes",
    ".vscode/tasks.json",
    ".vscode/settings.json",
    ".vscode/launch.json",
    ".vscode/mcp.json",
    ".vscode/extensions.json",
    ".mcp.json",
    ".cursor/mcp.json",
    ".cursor/hooks.json",
    ".gemini/settings.json",
    ".codex/config.toml",
    ".kiro/settings/mcp.json",
    "opencode.json",
    ".windsurf/rules.md",
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".claude/commands/x.md",
    ".claude/agents/x.md",
    ".claude/skills/x/SKILL.md",
    ".github/hooks/x.json",
    "CLAUDE.md",
    "AGENTS.md",
    "GEMINI.md",
    "docs/AGENTS.md",
    ".cursorrules",
    ".github/copilot-instructions.md",
    ".envrc",
    ".tool-versions",
    "mise.toml",
    ".nvmrc",
    ".yarnrc.yml",
    ".yarn/releases/yarn.cjs",
    ".cargo/config.toml",
    "sub/.cargo/config",
    ".github/workflows/x.yml",
    ".gitlab-ci.yml",
    "Dockerfile",
    "docker-compose.yml",
    ".devcontainer/devcontainer.json",
    ".bashrc",
    ".profile",
    ".zshrc",
    ".config/systemd/user/x.service",
    ".config/autostart/x.desktop",
    "x.desktop",
    "Library/LaunchAgents/x.plist",
    ".local/bin/ls",
    ".husky/pre-commit",
    ".idea/workspace.xml",
    "permissions.toml",
    ".nucleus/policy.toml",
    "nucleus.lock",
    ".pre-commit-config.yaml",
    "Jenkinsfile",
    ".gdbinit",
];

/// Files of the same kinds that are credentials first: not even staged.
const BLOCKED: [&str; 4] = [".npmrc", ".ssh/authorized_keys", ".ssh/config", ".netrc"];

#[test]
fn b3_to_b11_no_file_that_the_host_obeys_lands_by_a_tool() {
    let scene = Scene::new();
    let write = |path: &&str| tool("write", json!({ "path": path, "content": "{}" }));
    let mut steps: Vec<Step> = OBEYED.iter().chain(&BLOCKED).map(write).collect();
    steps.push(tool(
        "write",
        json!({ "path": "docs/guide.md", "content": "x" }),
    ));
    let ended = scene.session().run(&steps);
    ended.assert_sound();
    for (told, path) in ended.told.iter().zip(OBEYED) {
        assert_eq!(told.layer(), "policy: activation_path", "{path}");
        assert!(!scene.exists(&format!("ws/{path}")), "{path}");
    }
    for (told, path) in ended.told[OBEYED.len()..].iter().zip(BLOCKED) {
        assert_eq!(told.layer(), "policy: subject_blocked", "{path}");
    }
    assert_eq!(
        ended.told.last().unwrap().layer(),
        "nothing",
        "the twin: a guide is a guide"
    );
    let log = ended.log();
    for path in OBEYED.iter().chain(&BLOCKED) {
        // Of the file, or of the directory it would have needed.
        let is_of = |record: &&crate::fixture::Record| {
            record.path().is_some_and(|named| path.starts_with(named))
        };
        assert!(
            log.iter()
                .filter(|record| record.is_refusal())
                .any(|record| is_of(&record)),
            "a denial of {path}"
        );
    }
}

#[test]
fn b3_to_b11_no_file_that_the_host_obeys_lands_from_a_command_and_each_waits_for_the_user() {
    let scene = Scene::new();
    let code = "
for path in PATHS: put(path, 'by the agent')
put('docs/guide.md', 'x'); got = True
";
    let paths: Vec<&str> = OBEYED.iter().chain(&BLOCKED).copied().collect();
    let ended = scene
        .session()
        .word("PATHS", json!(paths))
        .run(&[command(code)]);
    ended.assert_sound();
    let told = &ended.told[0];
    assert_eq!(told.got(), true, "{}", told.0);
    assert_eq!(
        told.landed(),
        ["docs/guide.md"].map(str::to_owned),
        "the twin, and nothing else"
    );
    let held = ended.held_back();
    for path in OBEYED {
        assert!(!scene.exists(&format!("ws/{path}")), "{path} landed");
        assert!(
            held.iter().any(|held| path.starts_with(held.as_str())),
            "{path} waits: {held:?}"
        );
    }
    for path in BLOCKED {
        assert!(!scene.exists(&format!("ws/{path}")), "{path} landed");
    }
    // The host sees them marked, and can have one of them.
    let diff = scene.nucleus(&["diff", "--json"]).output().unwrap();
    let diff: serde_json::Value = serde_json::from_slice(&diff.stdout).unwrap();
    let shown: Vec<&str> = diff["held_back"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["path"].as_str())
        .collect();
    for path in OBEYED {
        assert!(
            shown.contains(&path),
            "`nucleus diff` shows {path}: {shown:?}"
        );
    }
    let applied = scene
        .nucleus(&["apply", "--yes", ".vscode/tasks.json"])
        .output()
        .unwrap();
    assert!(applied.status.success(), "{applied:?}");
    assert_eq!(
        scene.read("ws/.vscode/tasks.json"),
        "by the agent",
        "the twin: what the user approves lands"
    );
    assert!(!scene.exists("ws/.vscode/settings.json"), "and only that");
}

#[test]
fn b7_invisible_letters_of_an_instruction_file_are_shown() {
    let scene = Scene::new();
    let ended = scene.session().run(&[command(
        "put('AGENTS.md', 'be kind\\u200b\\U000e0041\\u202e now\\x1b[2J\\n')",
    )]);
    ended.assert_sound();
    let diff = scene.nucleus(&["diff"]).output().unwrap();
    let text = String::from_utf8(diff.stdout).unwrap();
    assert!(
        text.contains("\\u{200b}") && text.contains("\\u{e0041}") && text.contains("\\u{202e}"),
        "{text}"
    );
    assert!(
        !text.contains('\u{1b}') && !text.contains('\u{200b}'),
        "{text:?}"
    );
}

#[test]
fn b13_the_runtimes_own_state_is_out_of_reach() {
    let scene = Scene::new();
    scene.put("config/nucleus/config.toml", "");
    let state = scene.at("state").display().to_string();
    let config = scene.at("config").display().to_string();
    let code = "
got = each(state=lambda: os.listdir(STATE), key=lambda: slurp(STATE + '/nucleus/audit.key'), config=lambda: os.listdir(CONFIG),
    forge=lambda: open(STATE + '/nucleus/audit.key', 'w'), policy=lambda: open(CONFIG + '/nucleus/config.toml', 'w'), own=lambda: os.listdir('.'))
";
    let session = scene
        .session()
        .word("STATE", json!(state))
        .word("CONFIG", json!(config));
    let ended = session.run(&[crate::fixture::agent(code), command(code)]);
    ended.assert_sound();
    for told in &ended.told {
        for name in ["state", "key", "config", "forge", "policy"] {
            assert_eq!(
                told.got()[name]["errno"],
                "ENOENT",
                "{name}: {}",
                told.got()
            );
        }
        assert!(
            told.got()["own"]["got"].is_string(),
            "the twin: its own directory is there"
        );
    }
    // And what an attacker on the host does to the log is seen.
    let log = ended.log_dir().join("audit-0000.jsonl");
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::write(&log, text.replacen("agent started", "agent stopped", 1)).unwrap();
    let verified = ended.verify();
    assert_eq!(verified.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&verified.stdout).contains("record 2"),
        "names the first bad record: {verified:?}"
    );
}
