//! `nucleus run`: an agent on a workspace, jailed, every side effect judged and recorded.

use super::announce::announce;
use crate::agent::{Found, Launch, MCP_PORT, MODEL_PORT, PRESETS, Preset, find_program, preset};
use crate::config::Config;
use crate::model::ModelArgs;
use crate::policy::PolicyArgs;
use crate::report::Failure;
use crate::session::{Agent, Input, OpenOptions, hands, open, print_summary, run_agent};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Where a command after `--` finds its task.
const TASK_VARIABLE: &str = "NUCLEUS_TASK";

/// The most bytes of a task: Linux passes no longer argument or variable (`MAX_ARG_STRLEN`), less its name.
const MAX_TASK_BYTES: usize = (128 << 10) - 64;

/// What the agent sees of the workspace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum View {
    /// Nothing; it works through the session's tools
    #[default]
    None,
    /// All of it but blocked files, read-only; private data counts as seen from the start
    ReadOnly,
}

/// Arguments of `nucleus run`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The task is trusted input: it is the user's own word, and a digest of it is in the log. \
An agent is given it as its prompt, a command after `--` in the variable NUCLEUS_TASK.\n\n\
Exit codes: the agent's own; 125 the session could not be started, 124 its time \
is over, 122 its budget is spent, 121 it ended while locked down."
)]
pub(crate) struct Args {
    /// Task for the agent, as text or, with @, as a file
    #[arg(value_name = "TASK", conflicts_with = "task_text")]
    task: Option<String>,
    /// Run in a jail on this machine (the only tier so far)
    #[arg(long)]
    local: bool,
    #[command(flatten)]
    policy: PolicyArgs,
    /// Workspace
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Agent to start: claude, codex, gemini or opencode
    #[arg(long, value_name = "NAME", conflicts_with = "command")]
    agent: Option<String>,
    /// Model the agent is told to use
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// What the agent itself sees of the workspace
    #[arg(long, value_name = "WHAT", default_value = "none")]
    view: View,
    /// The same as TASK
    #[arg(long = "task", value_name = "TEXT|@FILE", id = "task_text")]
    task_text: Option<String>,
    #[command(flatten)]
    provider: ModelArgs,
    /// Show the agent and its commands a host directory, read-only, at the same path
    #[arg(long = "view-dir", value_name = "DIR")]
    view_dirs: Vec<PathBuf>,
    /// Copy signed checkpoints of the log to this file too, so that a cut tail shows
    #[arg(long, value_name = "FILE")]
    mirror: Option<PathBuf>,
    /// Run the agent by Landlock and seccomp alone, for hosts without user namespaces; needs a command.
    ///
    /// It sees no workspace and has no network: it works through `nucleus mcp`, with the file and web tools. Commands and
    /// git are refused. What this does not hold is said at the start and written into the log.
    #[arg(long, conflicts_with_all = ["model_socket", "model_url"])]
    unsafe_without_namespaces: bool,
    /// Print the summary as JSON on standard output
    #[arg(long)]
    json: bool,
    /// Any agent: its command and arguments
    #[arg(last = true, value_name = "CMD")]
    command: Vec<String>,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    let task = task(args)?;
    check_without_namespaces(args)?;
    let chosen = chosen(args)?;
    if args.unsafe_without_namespaces {
        super::weaker::say();
    }
    let model = args.provider.load()?;
    let provider = chosen.preset.map(|preset| preset.provider.to_owned());
    let opened = open(&OpenOptions {
        policy: args.policy.clone(),
        dir: args.dir.clone(),
        task: task.clone(),
        provider,
        mirror: args.mirror.clone(),
        view_dirs: args.view_dirs.clone(),
        program_dirs: chosen.found.views.clone(),
        without_namespaces: args.unsafe_without_namespaces,
    })?;
    let launch = match chosen.preset {
        Some(preset) => {
            let workspace = opened.workspace.display().to_string();
            let task = task.as_deref().unwrap_or_default();
            preset.launch(
                task,
                args.model.as_deref(),
                &workspace,
                (MCP_PORT, MODEL_PORT),
            )
        }
        None => Launch {
            args: args.command[1..].to_vec(),
            env: task
                .iter()
                .map(|task| (TASK_VARIABLE.to_owned(), task.clone()))
                .collect(),
            ..Launch::default()
        },
    };
    announce(&opened, task.as_deref())?;
    let agent = Agent {
        found: chosen.found,
        launch,
        input: if chosen.preset.is_some() {
            Input::Closed
        } else {
            Input::Ours
        },
        sees_workspace: args.view == View::ReadOnly,
        model,
        view_dirs: args.view_dirs.clone(),
    };
    let code = hands(&opened).and_then(|hands| run_agent(&opened, &agent, hands));
    let code = code.inspect_err(|_| opened.abandon())?;
    print_summary(&opened, args.json);
    Ok(code)
}

/// What the form without namespaces cannot give is an error, not left out.
fn check_without_namespaces(args: &Args) -> Result<(), Failure> {
    if !args.unsafe_without_namespaces {
        return Ok(());
    }
    let flag = super::weaker::FLAG;
    if args.command.is_empty() {
        let why = format!(
            "`{flag}` is for a command after `--`: a client with a preset needs the model's port"
        );
        return Err(Failure::usage(why).help("name the agent's own command, without `--agent`"));
    }
    if args.view != View::None {
        let why = format!(
            "`--view` and `{flag}` exclude each other: blocked files cannot be hidden without namespaces"
        );
        return Err(
            Failure::usage(why).help("leave `--view` out: the agent reads by the session's tools")
        );
    }
    Ok(())
}

/// The program to start, with its preset where it has one.
struct Chosen {
    preset: Option<&'static Preset>,
    found: Found,
}

/// The agent that the command line names, the command, or the user's configured agent.
fn chosen(args: &Args) -> Result<Chosen, Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(program) = args.command.first() {
        let found = if program == "nucleus" {
            own(args.unsafe_without_namespaces)?
        } else {
            find_program(program, &path).ok_or_else(|| {
                let why = format!("there is no program `{program}` on this host's PATH");
                Failure::usage(why).help("name it by its path, or install it on the host: a jail sees the host's programs")
            })?
        };
        check_shim(&found, program, &args.view_dirs)?;
        return Ok(Chosen {
            preset: None,
            found,
        });
    }
    let name = match &args.agent {
        Some(name) => name.clone(),
        None => Config::load()?.agent.ok_or_else(|| none_chosen(&path))?,
    };
    let known = preset(&name).ok_or_else(|| {
        let names: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
        Failure::usage(format!("there is no agent `{name}`")).help(format!(
            "one of {}, or any command after `--`",
            names.join(", ")
        ))
    })?;
    let found = find_program(known.program, &path).ok_or_else(|| {
        let why = format!(
            "`{}` is not installed: no `{}` on PATH",
            known.name, known.program
        );
        Failure::usage(why).help(match installed(&path).as_slice() {
            [] => "install it, or name any command after `--`".to_owned(),
            others => format!(
                "install it, or name another with `--agent`: {}",
                others.join(", ")
            ),
        })
    })?;
    check_shim(&found, known.program, &args.view_dirs)?;
    Ok(Chosen {
        preset: Some(known),
        found,
    })
}

/// This program, which every jail has on its own PATH; without namespaces it stays where it is.
fn own(without_namespaces: bool) -> Result<Found, Failure> {
    let program = std::env::current_exe()?;
    let start = match without_namespaces {
        true => program.canonicalize()?,
        false => PathBuf::from("/opt/nucleus/bin/nucleus"),
    };
    Ok(Found {
        program,
        views: Vec::new(),
        start,
    })
}

/// A shim starts a program that the jail does not see, unless all of its manager is shown.
fn check_shim(found: &Found, program: &str, shown: &[PathBuf]) -> Result<(), Failure> {
    let Some((manager, root)) = found.shim() else {
        return Ok(());
    };
    if shown.iter().any(|view| root.starts_with(view)) {
        return Ok(());
    }
    let name = Path::new(program).file_name().unwrap_or_default();
    let name = name.to_string_lossy();
    let why = format!(
        "`{}` is a shim of {manager}, which cannot find its program in a jail",
        found.start.display()
    );
    Err(Failure::usage(why).help(format!(
        "name the program itself: `{manager} which {name}` says where it is"
    )))
}

/// The agents with a preset that this host has.
fn installed(path: &std::ffi::OsStr) -> Vec<&'static str> {
    PRESETS
        .iter()
        .filter(|preset| find_program(preset.program, path).is_some())
        .map(|preset| preset.name)
        .collect()
}

fn none_chosen(path: &std::ffi::OsStr) -> Failure {
    let found = installed(path);
    let help = if found.is_empty() {
        "no known agent is installed; name any command after `--`".to_owned()
    } else {
        format!(
            "installed: {}; say `--agent NAME`, or set `agent = \"NAME\"` in config.toml",
            found.join(", ")
        )
    };
    Failure::usage("no agent was named").help(help)
}

/// The task text, from whichever place it was given.
///
/// FAIL-CLOSED: one that is too long is refused; half a task is another task.
fn task(args: &Args) -> Result<Option<String>, Failure> {
    let Some(text) = args.task_text.as_ref().or(args.task.as_ref()) else {
        return Ok(None);
    };
    let task = match text.strip_prefix('@') {
        None => text.clone(),
        Some(file) => {
            let unreadable =
                |error| Failure::usage(format!("cannot read the task `{file}`: {error}"));
            let mut task = String::new();
            let opened = std::fs::File::open(file).map_err(unreadable)?;
            opened
                .take(MAX_TASK_BYTES as u64 + 1)
                .read_to_string(&mut task)
                .map_err(unreadable)?;
            task
        }
    };
    if task.len() > MAX_TASK_BYTES {
        let why = format!("the task is longer than {MAX_TASK_BYTES} bytes");
        return Err(Failure::usage(why)
            .help("put the long part into a file of the workspace and name that file"));
    }
    Ok(Some(task))
}
