//! Command patterns that end in a wildcard and cover a program that runs any code or sends data anywhere.

use crate::host::address;
use crate::launch::program;

/// Whether the pattern leaves it to the agent what code runs.
pub(super) fn runs_any_code(pattern: &str) -> bool {
    let Some(words) = open_words(pattern) else {
        return false;
    };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.split_first() {
        Some((first, rest)) => any_code(&name(first), rest),
        None => false,
    }
}

/// Whether the pattern covers a program that sends data to an address of the agent's choice.
pub(super) fn sends_anywhere(pattern: &str) -> bool {
    let Some(words) = open_words(pattern) else {
        return false;
    };
    let Some((first, rest)) = words.split_first() else {
        return false;
    };
    let fixed_host = rest
        .iter()
        .any(|word| address(word).is_some_and(|address| !address.host.contains('*')));
    match name(first).as_str() {
        "curl" | "wget" | "nc" | "ncat" | "netcat" | "scp" | "rsync" | "ssh" | "sftp" | "socat"
        | "invoke-webrequest" | "iwr" => !fixed_host,
        "gh" => rest.is_empty(),
        _ => false,
    }
}

/// The words before a trailing wildcard, wrappers and what comes before the last `&&` left out. `None` where nothing may follow.
fn open_words(pattern: &str) -> Option<Vec<String>> {
    let open = pattern.trim_end().strip_suffix('*')?.trim_end_matches('*');
    let attached = !open.is_empty() && !open.ends_with([' ', ':']);
    let open = open.trim_end_matches([':', ' ']);
    let last = open.rsplit(['&', ';', '|']).next().unwrap_or(open).trim();
    let mut words: Vec<String> = last
        .split_whitespace()
        .map(|word| word.trim_matches(['"', '\'']).to_owned())
        .collect();
    if attached && words.len() > 1 && words.last().is_some_and(|word| word.contains(['/', '.'])) {
        return None;
    }
    let texts: Vec<&str> = words.iter().map(String::as_str).collect();
    let from = skip(&texts);
    words.drain(..from);
    (!words.is_empty()).then_some(words)
}

/// Assignments and wrappers with a command of their own behind them.
fn skip(words: &[&str]) -> usize {
    let from = crate::launch::unwrapped(words);
    let assigned = words
        .iter()
        .take_while(|word| {
            word.split_once('=')
                .is_some_and(|(name, _)| !name.is_empty() && !name.starts_with('-'))
        })
        .count();
    from.max(assigned.min(words.len().saturating_sub(1)))
}

/// The program, versions taken off: `python3.12` is `python`.
fn name(word: &str) -> String {
    let name = program(word);
    for stem in ["python", "pip", "node", "php", "ruby", "perl"] {
        if let Some(rest) = name
            .strip_prefix(stem)
            .filter(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
        {
            let _ = rest;
            return stem.to_owned();
        }
    }
    name
}

fn any_code(program: &str, rest: &[&str]) -> bool {
    let first = rest.first().copied().unwrap_or_default();
    let only_flags = rest.iter().all(|word| word.starts_with('-'));
    match program {
        "command" | "env" | "xargs" | "osascript" | "tmux" | "eval" | "exec" | "timeout"
        | "nohup" | "watch" | "parallel" | "sudo" | "time" | "screen" | "source" => {
            rest.is_empty()
                || (program == "tmux"
                    && matches!(
                        first,
                        "send-keys" | "send" | "new-session" | "new" | "run-shell" | "new-window"
                    ))
                || (program == "osascript" && only_flags)
        }
        "find" => true,
        "awk" | "gawk" => only_flags,
        "python" | "node" | "php" | "tsx" | "ts-node" | "ruby" | "perl" | "deno" | "bash"
        | "sh" | "zsh" | "powershell" | "pwsh" | "cmd" | "lua" | "rscript" => {
            evaluates(program, rest)
        }
        "npx" | "bunx" | "pnpx" | "uvx" => package_runner(rest),
        "npm" => rest.is_empty() || (matches!(first, "exec" | "x") && package_runner(&rest[1..])),
        "pnpm" | "yarn" => {
            rest.is_empty()
                || (matches!(first, "exec" | "dlx" | "node") && package_runner(&rest[1..]))
        }
        "bun" => {
            rest.is_empty()
                || (first == "x" && package_runner(&rest[1..]))
                || matches!(first, "-e" | "--eval")
        }
        "uv" | "poetry" | "pipenv" | "pdm" | "rye" | "hatch" => {
            rest.is_empty() || (first == "run" && package_runner(&rest[1..]))
        }
        "docker" | "podman" => docker(rest),
        "docker-compose" => rest.is_empty() || matches!(first, "exec" | "run"),
        "ssh" | "wsl" => true,
        "adb" => rest.is_empty() || first == "shell",
        _ => false,
    }
}

/// Options after which code follows.
const CODE_FLAGS: &[&str] = &[
    "-c", "-e", "--eval", "-p", "--print", "-r", "-Command", "-command", "/c", "/C", "-lc", "-pe",
    "-ne", "eval",
];

/// An interpreter: open as a whole, after an option that takes code, or with no script named.
fn evaluates(program: &str, rest: &[&str]) -> bool {
    const HARMLESS: &[&str] = &[
        "--check",
        "--version",
        "-v",
        "-V",
        "--test",
        "--help",
        "test",
        "fmt",
        "lint",
        "check",
        "-l",
        "--lint",
        "-n",
        "-S",
    ];
    if rest.iter().any(|word| CODE_FLAGS.contains(word)) {
        return true;
    }
    match rest {
        [] | ["-m" | "-" | "-u" | "-X"] => true,
        ["run", more @ ..] if program == "deno" => more.iter().all(|word| word.starts_with('-')),
        [.., last] => {
            last.starts_with('-')
                && rest.iter().all(|word| word.starts_with('-'))
                && !rest.iter().any(|word| HARMLESS.contains(word))
        }
    }
}

/// A runner of packages: open as a whole, or with an interpreter behind it.
fn package_runner(rest: &[&str]) -> bool {
    let rest: Vec<&str> = rest
        .iter()
        .copied()
        .skip_while(|word| word.starts_with('-'))
        .collect();
    match rest.split_first() {
        None => true,
        Some((first, more)) => {
            matches!(
                name(first).as_str(),
                "tsx" | "ts-node" | "node" | "python" | "bash" | "sh" | "deno" | "bun" | "-"
            ) && any_code(&name(first), more)
        }
    }
}

fn docker(rest: &[&str]) -> bool {
    match rest {
        [] | ["exec" | "run", ..] => true,
        ["compose" | "container", more @ ..] => {
            let words: Vec<&str> = more
                .iter()
                .copied()
                .skip_while(|word| word.starts_with('-'))
                .collect();
            words.is_empty()
                || matches!(words[0], "exec" | "run")
                || more.iter().any(|word| matches!(*word, "exec" | "run"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{runs_any_code, sends_anywhere};

    #[test]
    fn wildcards_over_interpreters_are_found() {
        for pattern in [
            "python *",
            "python3 *",
            "/f/PYTHON/python.exe *",
            ".venv/bin/python -c ' *",
            "python3.12 *",
            "python -m *",
            "node *",
            "node -e *",
            "npm *",
            "npm exec *",
            "npx *",
            "npx tsx *",
            "pnpm *",
            "pnpm exec *",
            "pnpm dlx *",
            "yarn *",
            "uv *",
            "uv run *",
            "uv run python *",
            "poetry run *",
            "poetry run python *",
            "docker *",
            "docker exec *",
            "docker run *",
            "docker compose exec *",
            "ssh *",
            "ssh host *",
            "wsl *",
            "adb shell *",
            "osascript *",
            "osascript -e *",
            "tmux *",
            "tmux send-keys *",
            "command *",
            "env *",
            "xargs *",
            "find *",
            "find . -name *",
            "awk *",
            "bash *",
            "bash -c *",
            "bun x *",
            "bunx *",
            "php *",
            "PYTHONPATH=. python *",
            "timeout 60 python *",
            "cd x && python *",
            "python3*",
            "deno run *",
            "deno run -A *",
        ] {
            assert!(runs_any_code(pattern), "{pattern}");
        }
        for pattern in [
            "python",
            "python script.py *",
            "python -m pytest *",
            "python3 scripts/*",
            "node --check *",
            "node scripts/x.js *",
            "npm run *",
            "npm install *",
            "npm test *",
            "npx vitest *",
            "npx tsc *",
            "npx claude-flow *",
            "pnpm tsc *",
            "pnpm lint *",
            "pnpm install *",
            "yarn add *",
            "uv sync *",
            "uv add *",
            "uv run pytest *",
            "poetry install *",
            "docker ps *",
            "docker compose up *",
            "docker build *",
            "awk '{print $1}' *",
            "xargs grep *",
            "sed *",
            "make *",
            "mvn *",
            "gradle *",
            "git *",
            "go *",
            "cargo *",
            "ls *",
            "awk -F: '{print}'",
            "adb devices *",
            "tmux ls *",
            "bun run *",
            "bun test *",
            "php artisan *",
            "scripts/*",
            "command -v *",
            "env",
            "bash scripts/x.sh *",
        ] {
            assert!(!runs_any_code(pattern), "{pattern}");
        }
    }

    #[test]
    fn wildcards_over_senders_are_found() {
        for pattern in [
            "curl *",
            "curl -s *",
            "wget *",
            "nc *",
            "scp *",
            "rsync *",
            "ssh *",
            "gh *",
            "curl -X POST *",
        ] {
            assert!(sends_anywhere(pattern), "{pattern}");
        }
        for pattern in [
            "curl http://localhost:8080/*",
            "curl https://api.example.com/ *",
            "gh pr *",
            "gh pr view *",
            "curl -s http://localhost:1/x",
            "git *",
        ] {
            assert!(!sends_anywhere(pattern), "{pattern}");
        }
    }
}
