//! `run`: a command in a jail, its output as it comes, and what it changed.

use std::time::Duration;

use nucleus::Error;
use nucleus::executor::{CommandOutput, CommandRequest, Executor, Stop};
use portcullis::command::parse_command;
use portcullis::path::RelPath;
use serde_json::json;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::text;
use crate::arguments::RunArgs;
use crate::hands::{Progress, Reply};

/// Seconds a command may run when the caller names none.
const DEFAULT_SECONDS: u64 = 120;
/// The most of the output that one progress note shows.
const TAIL_CHARS: usize = 200;

/// Runs the command; `cancel` kills it.
pub(super) fn run(
    executor: &Executor,
    args: RunArgs,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<Reply, Error> {
    let request = request(args)?;
    let stop = Stop::new();
    let watch = Handle::current().spawn({
        let (stop, cancel) = (stop.clone(), cancel.clone());
        async move {
            cancel.cancelled().await;
            stop.stop();
        }
    });
    let mut said = 0;
    let output = executor.run_streaming(&request, &stop, &mut |_, bytes| {
        said += bytes.len() as u64;
        let text = String::from_utf8_lossy(bytes);
        let start = text
            .char_indices()
            .rev()
            .nth(TAIL_CHARS)
            .map_or(0, |(at, _)| at);
        progress.output(said, &text[start..]);
    });
    watch.abort();
    Ok(reply(&output?))
}

/// The request of these arguments.
fn request(args: RunArgs) -> Result<CommandRequest, Error> {
    let argv = parse_command(&args.command).map_err(|error| Error::Malformed(error.to_string()))?;
    let mut request = CommandRequest::new(argv);
    if let Some(cwd) = &args.cwd {
        request.cwd = RelPath::parse(cwd)?;
    }
    request.stdin = args.stdin.unwrap_or_default().into_bytes();
    let seconds = Duration::from_secs(args.timeout_seconds.unwrap_or(DEFAULT_SECONDS));
    if seconds > CommandRequest::MAX_LIMIT {
        return Err(Error::Invalid(
            "`timeout_seconds` is at most 3600".to_owned(),
        ));
    }
    request.limit = seconds;
    Ok(request)
}

/// What the command said and changed.
fn reply(output: &CommandOutput) -> Reply {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let mut text = String::new();
    section(&mut text, "", &stdout);
    section(&mut text, "stderr:\n", &stderr);
    if output.is_cut {
        text.push_str(&format!(
            "[output cut; {} bytes in all]\n",
            output.said_bytes
        ));
    }
    if !output.exit.is_success() {
        text.push_str(&format!("[{}]\n", output.exit.sentence()));
        if let Some(manager) = shim(&stderr) {
            text.push_str(&format!("[{}]\n", shim_hint(manager)));
        }
    }
    if !output.landed.is_empty() {
        let changed: Vec<&str> = output
            .landed
            .iter()
            .map(|change| change.path.as_str())
            .collect();
        text.push_str(&format!("changed: {}\n", shortened(&changed)));
    }
    text.push_str(&text::held_back(&output.staged));
    for refused in &output.refused {
        text.push_str(&format!("not kept: {} ({})\n", refused.path, refused.why));
    }
    if text.is_empty() {
        text.push_str("[no output]\n");
    }
    let data = json!({
        "exit": output.exit.sentence(), "success": output.exit.is_success(),
        "stdout": stdout, "stderr": stderr, "is_cut": output.is_cut,
        "changed": text::as_data(&output.landed), "held_back": text::as_data(&output.staged),
        "refused": output.refused.iter().map(|refused| &refused.path).collect::<Vec<_>>(),
    });
    Reply {
        text,
        data,
        is_error: !output.exit.is_success(),
    }
}

/// The version manager of whose shim the command says that it found no program.
fn shim(stderr: &str) -> Option<&'static str> {
    const MANAGERS: [&str; 8] = [
        "pyenv", "asdf", "rbenv", "nodenv", "goenv", "jenv", "mise", "rustup",
    ];
    let is_missing = |line: &str| {
        [
            "not found",
            "No such file",
            "no default",
            "is not installed",
            "could not choose",
            "No version is set",
        ]
        .iter()
        .any(|words| line.contains(words))
    };
    let names = |line: &str, manager: &str| {
        line.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'))
            .any(|word| word == manager)
    };
    stderr
        .lines()
        .filter(|line| is_missing(line))
        .find_map(|line| MANAGERS.into_iter().find(|manager| names(line, manager)))
}

fn shim_hint(manager: &str) -> String {
    format!(
        "hint: this is a shim of {manager}, which does not work in a jail; name the program itself, \
         or ask the user to show its version's directory with `nucleus run --view-dir DIR`"
    )
}

fn section(text: &mut String, head: &str, body: &str) {
    if !body.is_empty() {
        text.push_str(head);
        text.push_str(body);
        if !body.ends_with('\n') {
            text.push('\n');
        }
    }
}

/// The first of the names and how many more there are.
fn shortened(names: &[&str]) -> String {
    const SHOWN: usize = 20;
    let mut text = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::shim;

    #[test]
    fn a_shim_that_finds_nothing_is_told_apart_from_a_program_that_fails() {
        for (stderr, manager) in [
            (
                "/home/u/.pyenv/shims/python: line 21: /home/u/.pyenv/libexec/pyenv: No such file or directory\n",
                "pyenv",
            ),
            (
                "/w/.asdf/shims/node: 3: exec: /opt/asdf: asdf: not found\n",
                "asdf",
            ),
            (
                "error: rustup could not choose a version of cargo to run, because one wasn't specified\n",
                "rustup",
            ),
        ] {
            assert_eq!(shim(stderr), Some(manager), "{stderr}");
        }
        for stderr in [
            "",
            "sh: 1: frob: not found\n",
            "error: test failed in my_pyenv_tests\n",
            "running pyenv tests: 3 failed\n",
        ] {
            assert_eq!(shim(stderr), None, "{stderr}");
        }
    }
}
