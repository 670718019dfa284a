//! Workflows of the forge that run an agent, and actions of the repository that do.

pub(super) mod step;

mod expression;
mod gate;
mod interpolation;
mod job;
mod local;

use crate::extract::{blank, claude_rule, documents, tool_list};
use crate::model::{Agent, Literal, Verdict};
use crate::read::{At, Finder, SourceFile};

use super::command;
use super::endpoint;
use super::line::script;
use super::package;
use super::report::{Report, evidence, shown_at};
use super::table::{
    APPROVALS_DISABLED, CI_GATE_BYPASS, CI_UNTRUSTED_TRIGGER, CI_UNTRUSTED_TRIGGER_WRITE,
    SANDBOX_WEAKENED, UNPINNED_AGENT_ACTION, UNRESTRICTED_SHELL,
};
use job::{Job, jobs};
use local::Local;
use step::Step;

/// One agent for each job that runs one.
pub(crate) fn agents(file: &SourceFile) -> Vec<Agent> {
    jobs(file, &Local::of(file))
        .iter()
        .filter(|job| job.runs_agent())
        .map(|job| agent(file, job))
        .collect()
}

fn agent(file: &SourceFile, job: &Job<'_>) -> Agent {
    let mut agent = Agent {
        name: job.id.to_owned(),
        place: job.at.entry_place(),
        ..blank(file)
    };
    for step in &job.steps {
        for input in step.inputs() {
            if step.is_agent
                && matches!(
                    input.key(),
                    "settings"
                        | "settings_json"
                        | "mcp_config"
                        | "mcp-config"
                        | "config"
                        | "claude_args"
                )
            {
                documents(&input)
                    .into_iter()
                    .for_each(|inner| absorb(&mut agent, inner));
            }
            if step.is_agent {
                tools(&input, &mut agent);
            }
        }
        if let Some(run) = &step.run {
            written(run, step.is_agent, &mut agent);
        }
    }
    agent
}

/// What a script configures: servers it writes down, and tools it hands to the agent it starts.
pub(super) fn written(run: &At<'_>, is_agent: bool, agent: &mut Agent) {
    let has_servers = run
        .text()
        .is_some_and(|text| text.contains("\"mcpServers\""));
    if has_servers {
        documents(run)
            .into_iter()
            .for_each(|inner| absorb(agent, inner));
    }
    if is_agent {
        flagged_tools(run, agent);
    }
}

fn absorb(agent: &mut Agent, inner: Agent) {
    agent.servers.extend(inner.servers);
    agent.permissions.rules.extend(inner.permissions.rules);
    agent.permissions.bypass.extend(inner.permissions.bypass);
    agent
        .permissions
        .auto_accept
        .extend(inner.permissions.auto_accept);
    if inner.permissions.sandbox != crate::model::Sandbox::default() {
        agent.permissions.sandbox = inner.permissions.sandbox;
    }
    if inner.builtins.include.is_some() {
        agent.builtins.include = inner.builtins.include;
    }
}

/// Lists of tools in the inputs of an action.
fn tools(input: &At<'_>, agent: &mut Agent) {
    match input.key() {
        "allowed_tools" | "allowedTools" | "allowed-tools" => {
            let outer = input.place();
            allow(
                &mut input.file.finder(&outer),
                input.text().unwrap_or_default(),
                agent,
            )
        }
        "claude_args" | "args" | "claude-args" => flagged_tools(input, agent),
        _ => {}
    }
}

/// What follows `--allowedTools` in a command line.
fn flagged_tools(at: &At<'_>, agent: &mut Agent) {
    let text = at.text().unwrap_or_default();
    let outer = at.place();
    for flag in ["--allowedTools", "--allowed-tools"] {
        let mut finder = at.file.finder(&outer);
        for rest in text.split(flag).skip(1) {
            let rest = rest.trim_start_matches('=');
            let end = rest
                .find(" --")
                .or_else(|| rest.find("\n--"))
                .unwrap_or(rest.len());
            allow(&mut finder, rest[..end].trim_end_matches('\\'), agent);
        }
    }
}

fn allow(finder: &mut Finder<'_>, list: &str, agent: &mut Agent) {
    for (_, entry) in tool_list(list) {
        if entry.starts_with('-') || entry == "\\" {
            continue;
        }
        let place = finder.next(&entry);
        agent
            .permissions
            .rules
            .push(claude_rule(Verdict::Allow, Literal::new("", &entry, place)));
    }
}

/// Judges every job that runs an agent; what a stranger chose is looked for in all of them.
pub(super) fn judge(file: &SourceFile, report: &mut Report<'_>) {
    let local = Local::of(file);
    let jobs = jobs(file, &local);
    if !jobs.iter().any(Job::runs_agent) {
        return;
    }
    let events = gate::events(file);
    let known = gate::Jobs::of(&jobs);
    for job in &jobs {
        let open = gate::reachable(job, &known, &events, &local);
        if job.runs_agent() {
            trigger(job, &open, report);
            for step in &job.steps {
                inspect(file, job, step, report);
            }
            reusable(job, report);
        }
        // Who starts an action is for the workflows that call it to say.
        let is_open = !open.is_empty() || job.is_action;
        interpolation::judge(job, is_open, report);
    }
}

fn trigger(job: &Job<'_>, open: &[&gate::Event<'_>], report: &mut Report<'_>) {
    let Some(secret) = job.secret() else { return };
    if open.is_empty() {
        return;
    }
    let mut found: Vec<_> = open
        .iter()
        .map(|event| shown_at(event.place.clone(), event.name))
        .collect();
    let names = open
        .iter()
        .map(|event| event.name)
        .collect::<Vec<_>>()
        .join(", ");
    let rule = match job.write_permission() {
        Some(at) => {
            found.push(shown_at(at.0, &at.1));
            CI_UNTRUSTED_TRIGGER_WRITE
        }
        None => CI_UNTRUSTED_TRIGGER,
    };
    found.push(secret);
    report.add(
        rule,
        Some(job.id),
        format!("`{names}` lets anybody start this job, and nothing in it asks who"),
        found,
    );
}

fn inspect(file: &SourceFile, job: &Job<'_>, step: &Step<'_>, report: &mut Report<'_>) {
    let subject = Some(job.id);
    if let Some(uses) = step
        .uses
        .as_ref()
        .filter(|uses| step.is_agent && !step::is_commit(uses.text().unwrap_or_default()))
    {
        report.add(
            UNPINNED_AGENT_ACTION,
            subject,
            "the action is named by a tag or branch",
            vec![evidence(&uses.literal_as(""))],
        );
    }
    if step.is_agent {
        step.inputs()
            .iter()
            .for_each(|input| agent_input(file, input, subject, report));
        step.env()
            .iter()
            .for_each(|input| endpoint::in_text(input, report));
    }
    if let Some(run) = &step.run {
        commands(file, run, subject, report);
    }
}

/// Judges the commands of a script.
pub(super) fn commands(
    file: &SourceFile,
    run: &At<'_>,
    subject: Option<&str>,
    report: &mut Report<'_>,
) {
    let literal = run.literal_as("");
    command::remote_script(file, literal.raw_unmasked(), &run.place(), subject, report);
    for line in script(file, &literal) {
        command::flags(&line, false, subject, report);
        package::packages(&line, subject, report, package::is_of_agents);
        package::image(&line, subject, report);
        command::isolation(&line, subject, report);
    }
}

fn reusable(job: &Job<'_>, report: &mut Report<'_>) {
    if let Some(uses) = job
        .at
        .get("uses")
        .filter(|uses| !step::is_commit(uses.text().unwrap_or_default()))
    {
        report.add(
            UNPINNED_AGENT_ACTION,
            Some(job.id),
            "the workflow is named by a tag or branch",
            vec![evidence(&uses.literal_as(""))],
        );
    }
}

/// Inputs that switch something off.
fn agent_input(file: &SourceFile, input: &At<'_>, subject: Option<&str>, report: &mut Report<'_>) {
    let value = input.scalar().unwrap_or_default().trim();
    let found = || {
        vec![shown_at(
            input.entry_place(),
            &format!("{}: {value}", input.key()),
        )]
    };
    let on = value.eq_ignore_ascii_case("true");
    match input.key() {
        "allowed_non_write_users" if !value.is_empty() => report.add(
            CI_GATE_BYPASS,
            subject,
            "people without write access may start the agent",
            found(),
        ),
        "allow-users" | "allow_users" if value.contains('*') => report.add(
            CI_GATE_BYPASS,
            subject,
            "everybody may start the agent",
            found(),
        ),
        "require_repo_write" | "require-repo-write" if value.eq_ignore_ascii_case("false") => {
            report.add(
                CI_GATE_BYPASS,
                subject,
                "people without write access may start the agent",
                found(),
            )
        }
        key if key.starts_with("bypass_write_permission_check") && on => report.add(
            CI_GATE_BYPASS,
            subject,
            "the check of write access is bypassed",
            found(),
        ),
        "sandbox" | "sandbox_mode" | "sandbox-mode" if value == "danger-full-access" => report.add(
            SANDBOX_WEAKENED,
            subject,
            "the agent runs without its sandbox",
            found(),
        ),
        "safety-strategy" | "safety_strategy" if value == "unsafe" => report.add(
            SANDBOX_WEAKENED,
            subject,
            "the agent runs with the rights of the runner",
            found(),
        ),
        "permission_mode" | "permission-mode" if value == "bypassPermissions" => report.add(
            APPROVALS_DISABLED,
            subject,
            "nothing is asked before it runs",
            found(),
        ),
        "dangerously_skip_permissions" | "yolo" if on => report.add(
            APPROVALS_DISABLED,
            subject,
            "nothing is asked before it runs",
            found(),
        ),
        "settings" | "settings_json" | "claude_env" => {
            endpoint::in_text(input, report);
            core_tools(input, subject, report);
        }
        key if key.ends_with("args") => {
            for line in script(file, &input.literal_as("")) {
                command::flags(&line, true, subject, report);
            }
        }
        _ => {}
    }
}

/// A bare shell among the tools an agent without a person in front of it is given.
fn core_tools(input: &At<'_>, subject: Option<&str>, report: &mut Report<'_>) {
    for inner in documents(input) {
        let bare = |literal: &&Literal| {
            matches!(
                literal.raw_unmasked(),
                "run_shell_command" | "ShellTool" | "run_shell_command(*)"
            )
        };
        let found = inner
            .builtins
            .include
            .iter()
            .flatten()
            .filter(bare)
            .map(evidence)
            .collect();
        report.add(
            UNRESTRICTED_SHELL,
            subject,
            "every command runs unasked",
            found,
        );
    }
}
