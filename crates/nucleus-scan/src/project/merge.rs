//! Puts the files of one client together as that client does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::index::RuleIndex;
use crate::client::Client;
use crate::discover::is_drop_in;
use crate::model::{
    Agent, FileName, Literal, PermissionRule, Permissions, SandboxState, Scope, Server, ToolFilter,
};

/// All files that configure one client for one directory, in rising precedence.
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

/// What the mode of a client says of its own tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Unasked,
    Asks,
    Unstated,
}

/// Whether the client is a program a person runs; workflows, containers and packages are judged by rules of their own.
pub(crate) fn is_interactive(client: Client) -> bool {
    !matches!(
        client,
        Client::Workflow | Client::Container | Client::Package | Client::Nucleus
    )
}

/// One client at one directory of one root.
type Seat<'a> = (Client, &'a str, PathBuf);

/// Every client with its files, one family per client and directory that configures it; the user's own files count in each.
pub(crate) fn families(agents: &[Agent]) -> Vec<Family<'_>> {
    let mut own: BTreeMap<Seat<'_>, Vec<&Agent>> = BTreeMap::new();
    let mut of_user: BTreeMap<Client, Vec<&Agent>> = BTreeMap::new();
    let counts = |agent: &&Agent| agent.is_selected && is_interactive(agent.client);
    for agent in agents.iter().filter(counts) {
        let seat = (agent.client, agent.root.as_str(), base(agent));
        own.entry(seat).or_default().push(agent);
        if !is_of_repository(agent) {
            of_user.entry(agent.client).or_default().push(agent);
        }
    }
    let is_repository = |members: &[&Agent]| members.iter().any(|agent| is_of_repository(agent));
    let repositories: Vec<Seat<'_>> = own
        .iter()
        .filter(|(_, members)| is_repository(members))
        .map(|(seat, _)| seat.clone())
        .collect();
    let with_repository: BTreeSet<Client> = repositories.iter().map(|seat| seat.0).collect();
    let reading: BTreeSet<(&str, &PathBuf)> = repositories
        .iter()
        .filter(|seat| reads_shared(seat.0))
        .map(|seat| (seat.1, &seat.2))
        .collect();
    let mut families = Vec::new();
    for (seat, members) in &own {
        let (client, root, at) = seat;
        let is_read_by_another = *client == Client::Shared && reading.contains(&(*root, at));
        if !is_repository(members) && with_repository.contains(client) || is_read_by_another {
            continue;
        }
        let mut all = members.clone();
        if is_repository(members) {
            let users = of_user.get(client).into_iter().flatten();
            all.extend(users.filter(|agent| agent.root != *root));
            if reads_shared(*client) {
                let shared = own.get(&(Client::Shared, *root, at.clone()));
                all.extend(shared.into_iter().flatten());
            }
        }
        families.push(Family::of(*client, root, all));
    }
    families
}

fn is_of_repository(agent: &Agent) -> bool {
    matches!(agent.scope, Scope::Project | Scope::Local)
}

/// The directory of a repository that a file configures: the one its configuration directory is in. Settings of one directory say
/// nothing of another. What only instructs counts for the whole repository.
fn base(agent: &Agent) -> PathBuf {
    if !is_of_repository(agent) || is_instruction(agent) {
        return PathBuf::new();
    }
    let path = &agent.place.file.path;
    let relative = path.strip_prefix(&agent.root).unwrap_or(path);
    let above = relative.parent().unwrap_or(Path::new(""));
    let is_plain = |part: &Component<'_>| !part.as_os_str().to_string_lossy().starts_with('.');
    above.components().take_while(is_plain).collect()
}

/// Whether the file tells the agent something and configures nothing.
fn is_instruction(agent: &Agent) -> bool {
    agent.servers.is_empty()
        && agent.hooks.is_empty()
        && agent.plugins.is_empty()
        && agent.permissions == Permissions::default()
        && agent.builtins == ToolFilter::default()
}

/// Whether the client reads `.mcp.json` of the repository.
fn reads_shared(client: Client) -> bool {
    matches!(client, Client::ClaudeCode | Client::CopilotCli)
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

    pub(crate) fn files(&self) -> Vec<String> {
        let mut files: Vec<String> = self
            .members
            .iter()
            .map(|agent| agent.place.file.shown.clone())
            .collect();
        files.dedup();
        files
    }

    /// Where one of its files counts.
    pub(crate) fn scope_of(&self, file: &FileName) -> Scope {
        let is_it = |agent: &&&Agent| *agent.place.file == *file;
        let found = self.members.iter().find(is_it);
        found.map_or(Scope::Project, |agent| agent.scope)
    }

    /// The narrowest scope among its files.
    pub(crate) fn narrowest(&self) -> Scope {
        let scopes = self.members.iter().map(|agent| agent.scope);
        scopes.max().unwrap_or(Scope::Project)
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

    /// Every setting that switches every prompt off.
    pub(crate) fn modes(&self) -> impl Iterator<Item = &'a Literal> {
        self.members
            .iter()
            .flat_map(|agent| &agent.permissions.bypass)
    }

    /// The one of them that counts: no file of higher precedence states a mode that asks.
    pub(crate) fn bypass(&self) -> Option<&'a Literal> {
        let stated = |agent: &&&Agent| {
            !agent.permissions.bypass.is_empty() || !agent.permissions.asks.is_empty()
        };
        // A sub-agent's own mode is not the settings' to change.
        let of_sub_agent = |agent: &&&Agent| {
            !agent.instructions.is_empty() && !agent.permissions.bypass.is_empty()
        };
        let mut members = self.members.iter().rev();
        let settling = self.members.iter().find(of_sub_agent);
        let settling = settling.or_else(|| members.find(stated))?;
        settling.permissions.bypass.first()
    }

    /// Whether the client's own tools run unasked, as far as a file says so.
    pub(crate) fn mode(&self) -> Mode {
        let stated = self.members.iter().rev().find_map(|agent| {
            let permissions = &agent.permissions;
            match (permissions.bypass.is_empty(), permissions.asks.is_empty()) {
                (false, _) => Some(Mode::Unasked),
                (true, false) => Some(Mode::Asks),
                (true, true) => None,
            }
        });
        stated.unwrap_or(Mode::Unstated)
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
        self.members
            .iter()
            .any(|agent| agent.builtins.leaves_out(names))
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
