//! The rules: each has a stable word id, one severity, one sentence, the way out and its references.

mod command;
mod container;
mod credential;
mod dockerfile;
mod endpoint;
mod environment;
mod hook;
mod instructions;
mod interpreter;
mod limits;
mod line;
mod manifest;
mod mode;
mod package;
mod path;
mod permission;
mod pipeline;
mod podspec;
mod policy;
mod report;
mod server;
mod settings;
mod surroundings;
mod table;
mod workflow;
mod workload;

pub(crate) use container::mentions_agents;
pub(crate) use credential::Naming;
pub(crate) use dockerfile::instructions as dockerfile_instructions;
pub(crate) use limits::Limits;
pub(crate) use permission::{BY_RULES, leave_the_shell_out};
pub(crate) use pipeline::agents as pipeline_agents;
pub(crate) use report::{Report, fingerprint};
pub(crate) use surroundings::Surroundings;
pub(crate) use table::{
    APPROVALS_DISABLED, NO_DENY_RULES, SUPPRESSION_WITHOUT_REASON, TRIFECTA_COMPLETE,
    UNKNOWN_SERVER, UNREADABLE_CONFIG, UNRESTRICTED_SHELL,
};
pub use table::{RULES, Rule, rule};
pub(crate) use workflow::agents as workflow_agents;

use crate::discover::FileKind;
use crate::model::Agent;
use crate::read::SourceFile;

/// Everything the rules find in one file.
pub(crate) fn judge(
    file: &SourceFile,
    agents: &[Agent],
    surroundings: &Surroundings,
    report: &mut Report<'_>,
) {
    for agent in agents {
        server::judge(file, agent, report);
        permission::judge(agent, report);
        settings::judge(agent, report);
        hook::judge(file, agent, report);
    }
    match file.kind {
        FileKind::Workflow => workflow::judge(file, report),
        FileKind::Pipeline => pipeline::judge(file, report),
        FileKind::Environment => environment::judge(file, report),
        FileKind::Devcontainer | FileKind::Dockerfile | FileKind::Compose => {
            container::judge(file, report)
        }
        FileKind::PackageJson => manifest::judge(file, surroundings, report),
        FileKind::Policy => policy::judge(file, report),
        FileKind::PodSpec => podspec::judge(file, surroundings, report),
        FileKind::Workload => workload::judge(file, report),
        FileKind::Instructions => instructions::judge(file, report),
        _ => endpoint::judge(file, report),
    }
    credential::judge(file, agents, report);
    mode::judge(file, agents, report);
}
