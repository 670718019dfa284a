//! Puts the files of one client together as that client does.

use std::collections::BTreeMap;

use super::index::RuleIndex;
use crate::client::Client;
use crate::discover::is_drop_in;
use crate::model::{Agent, Literal, PermissionRule, SandboxState, Scope, Server};

/// All files that configure one client for one root, in rising precedence.
#[derive(Clone, Debug)]
pub(crate) struct Family<'a> {
    pub(crate) client: Client,
    pub(crate) root: String,
    members: Vec<&'a Agent>,
    index: RuleIndex<'a>,
}

/// How a client settles two rules that disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precedence {
    /// Deny before ask before allow, whatever the order and the file.
    Strictest,
    /// The rule that stands last, in the order of the files.
    Last,
}

/// Whether the client is a program a person runs; workflows, containers and packages are judged by rules of their own.
pub(crate) fn is_interactive(client: Client) -> bool {
    !matches!(
        client,
        Client::Workflow | Client::Container | Client::Package | Client::Nucleus
    )
}

/// Every client with its files, one family per client and repository; the user's own files count in each.
pub(crate) fn families(agents: &[Agent]) -> Vec<Family<'_>> {
    let mut own: BTreeMap<(Client, &str), Vec<&Agent>> = BTreeMap::new();
    for agent in agents.iter().filter(|agent| is_interactive(agent.client)) {
        own.entry((agent.client, &agent.root))
            .or_default()
            .push(agent);
    }
    let is_repository = |members: &[&Agent]| members.iter().any(|agent| is_of_repository(agent));
    let repositories: Vec<(Client, &str)> = own
        .iter()
        .filter(|(_, members)| is_repository(members))
        .map(|(key, _)| *key)
        .collect();
    let mut families = Vec::new();
    for (&(client, root), members) in &own {
        let has_repository = repositories.iter().any(|(other, _)| *other == client);
        if !is_repository(members) && has_repository
            || is_read_by_another(client, root, &repositories)
        {
            continue;
        }
        let mut all = members.clone();
        if is_repository(members) {
            all.extend(agents.iter().filter(|agent| {
                agent.client == client && agent.root != root && !is_of_repository(agent)
            }));
            if reads_shared(client) {
                all.extend(
                    agents
                        .iter()
                        .filter(|agent| agent.client == Client::Shared && agent.root == root),
                );
            }
        }
        families.push(Family::of(client, root, all));
    }
    families
}

fn is_of_repository(agent: &Agent) -> bool {
    matches!(agent.scope, Scope::Project | Scope::Local)
}

/// Whether the client reads `.mcp.json` of the repository.
fn reads_shared(client: Client) -> bool {
    matches!(client, Client::ClaudeCode | Client::CopilotCli)
}

/// Whether a file for any client is already part of a family at that root.
fn is_read_by_another(client: Client, root: &str, repositories: &[(Client, &str)]) -> bool {
    client == Client::Shared
        && repositories
            .iter()
            .any(|(other, at)| reads_shared(*other) && *at == root)
}

impl<'a> Family<'a> {
    fn of(client: Client, root: &str, mut members: Vec<&'a Agent>) -> Self {
        members.sort_by_key(|agent| {
            (
                rank(client, agent.scope),
                is_drop_in(&agent.place.file.shown),
            )
        });
        let rules = members.iter().flat_map(|agent| &agent.permissions.rules);
        Self {
            client,
            root: root.to_owned(),
            index: RuleIndex::new(rules),
            members,
        }
    }

    /// The file alone.
    pub(crate) fn of_one(agent: &'a Agent) -> Self {
        Self::of(agent.client, &agent.root, vec![agent])
    }

    pub(crate) fn files(&self) -> Vec<String> {
        let mut files: Vec<String> = self
            .members
            .iter()
            .map(|agent| agent.place.file.shown.clone())
            .collect();
        files.dedup();
        files
    }

    pub(crate) fn precedence(&self) -> Precedence {
        match self.client {
            Client::OpenCode => Precedence::Last,
            _ => Precedence::Strictest,
        }
    }

    /// Enabled servers; of one name, the one of the highest precedence counts, also where it is switched off.
    pub(crate) fn servers(&self) -> Vec<&'a Server> {
        let mut by_name: BTreeMap<&str, &Server> = BTreeMap::new();
        for server in self.members.iter().flat_map(|agent| &agent.servers) {
            by_name.insert(&server.name, server);
        }
        let mut servers: Vec<&Server> = by_name
            .into_values()
            .filter(|server| server.enabled)
            .collect();
        servers.sort_by_key(|server| &server.place);
        servers
    }

    /// The rules without a pattern, by what they are about.
    pub(crate) fn index(&self) -> &RuleIndex<'a> {
        &self.index
    }

    /// Permission rules in rising precedence.
    pub(crate) fn rules(&self) -> impl Iterator<Item = &'a PermissionRule> {
        self.members
            .iter()
            .flat_map(|agent| &agent.permissions.rules)
    }

    /// Settings that switch every prompt off.
    pub(crate) fn bypass(&self) -> Option<&'a Literal> {
        self.members
            .iter()
            .rev()
            .find_map(|agent| agent.permissions.bypass.first())
    }

    pub(crate) fn extra_directories(&self) -> impl Iterator<Item = &'a Literal> {
        self.members
            .iter()
            .flat_map(|agent| &agent.permissions.extra_directories)
    }

    /// The sandbox, by the file of the highest precedence that speaks of it.
    pub(crate) fn sandbox(&self) -> SandboxState {
        let stated = |agent: &&&Agent| agent.permissions.sandbox.state != SandboxState::Unstated;
        self.members
            .iter()
            .rev()
            .find(stated)
            .map_or(SandboxState::Unstated, |agent| {
                agent.permissions.sandbox.state
            })
    }

    /// Tools of the client itself that some file switches off.
    pub(crate) fn is_builtin_off(&self, names: &[&str]) -> bool {
        let is_named = |literal: &Literal| {
            names
                .iter()
                .any(|name| name.eq_ignore_ascii_case(literal.raw_unmasked()))
        };
        self.members.iter().any(|agent| {
            let builtins = &agent.builtins;
            let is_left_out = builtins
                .include
                .as_ref()
                .is_some_and(|list| !list.iter().any(is_named));
            builtins.exclude.iter().any(is_named) || is_left_out
        })
    }
}

/// The precedence of a scope for a client; later wins.
fn rank(client: Client, scope: Scope) -> u8 {
    match (client, scope) {
        // What an administrator manages is above everything.
        (Client::ClaudeCode | Client::GeminiCli | Client::QwenCode, Scope::System) => 4,
        (_, Scope::System) => 0,
        (_, Scope::User) => 1,
        (_, Scope::Project | Scope::Ci) => 2,
        (_, Scope::Local) => 3,
    }
}
