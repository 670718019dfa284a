//! An agent as one file configures it.

use super::permission::Permissions;
use super::place::{Literal, Place};
use crate::client::Client;

/// Where a configuration counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Beneath `/etc` and the like: for everybody on the machine.
    System,
    /// Beneath the user's home.
    User,
    /// In the repository, for everybody who clones it.
    Project,
    /// In the repository's tree, for this checkout only (`settings.local.json`).
    Local,
    /// A workflow of the forge.
    Ci,
}

impl Scope {
    /// The word used in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Project => "project",
            Self::Local => "local",
            Self::Ci => "ci",
        }
    }
}

/// How a server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A process of this machine.
    Stdio {
        /// The program.
        command: Literal,
        /// Its arguments.
        args: Vec<Literal>,
        /// Its environment; the key is the variable.
        env: Vec<Literal>,
    },
    /// A server over HTTP or SSE.
    Http {
        /// Its address.
        url: Literal,
        /// Headers sent with each request; the key is the header.
        headers: Vec<Literal>,
    },
    /// Part of the client itself, of that name.
    Builtin(String),
    /// Neither a command nor an address was stated.
    Unstated,
}

/// Which tools of a server are offered and which of them run unasked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolFilter {
    /// Only these are offered; `None` means all.
    pub include: Option<Vec<Literal>>,
    /// These are not offered.
    pub exclude: Vec<Literal>,
    /// These run without asking (`*` for all of them).
    pub auto_approved: Vec<Literal>,
}

impl ToolFilter {
    /// Whether none of these tools is on offer without limits on its arguments.
    pub(crate) fn leaves_out(&self, names: &[&str]) -> bool {
        let is_named = |literal: &Literal| {
            let word = literal.raw_unmasked();
            let whole = word.strip_suffix("(*)").unwrap_or(word);
            names.iter().any(|name| name.eq_ignore_ascii_case(whole))
        };
        let included = self.include.as_ref();
        included.is_some_and(|list| !list.iter().any(is_named)) || self.exclude.iter().any(is_named)
    }
}

/// An MCP server as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The name it was given; a secret in it is masked.
    pub name: String,
    /// How it is reached.
    pub transport: Transport,
    /// Where its entry stands.
    pub place: Place,
    /// `false` for `disabled: true` and `enabled: false`.
    pub enabled: bool,
    /// Which of its tools count.
    pub tools: ToolFilter,
}

impl Server {
    /// Program and arguments as one list; empty for a server over HTTP.
    #[must_use]
    pub fn argv(&self) -> Vec<&Literal> {
        match &self.transport {
            Transport::Stdio { command, args, .. } => {
                std::iter::once(command).chain(args).collect()
            }
            Transport::Http { .. } | Transport::Builtin(_) | Transport::Unstated => Vec::new(),
        }
    }
}

/// What a hook runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookAction {
    /// A command line for a shell.
    Command(Literal),
    /// A request to an address.
    Http(Literal),
    /// A question to a model; the text is its prompt.
    Prompt(Literal),
}

/// Something the client runs by itself when an event happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The event, as the client spells it.
    pub event: String,
    /// Which tools it is for; empty for all.
    pub matcher: String,
    /// What runs.
    pub action: HookAction,
}

/// A text the agent obeys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instructions {
    /// The whole file.
    pub place: Place,
}

/// An agent as one file configures it. Several files of one client add up by that client's own precedence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// The program.
    pub client: Client,
    /// Where this part of its configuration counts.
    pub scope: Scope,
    /// Whether it counts without being asked for; `false` for a profile that nothing selects.
    pub is_selected: bool,
    /// Its name within the file: the job of a workflow, the sub-agent; else the client's own name.
    pub name: String,
    /// The repository, home or system root this configuration belongs to, as a path shown to the user.
    pub root: String,
    /// The file, or the part of it.
    pub place: Place,
    /// MCP servers.
    pub servers: Vec<Server>,
    /// Permission rules and modes.
    pub permissions: Permissions,
    /// Tools of the client itself this file switches off, or restricts to (spelled as the client does).
    pub builtins: ToolFilter,
    /// Hooks.
    pub hooks: Vec<Hook>,
    /// Instruction files it obeys.
    pub instructions: Vec<Instructions>,
    /// Packages the client installs by itself and runs in its own process.
    pub plugins: Vec<Literal>,
}

impl Agent {
    /// Calls back with every text of servers, permissions and plugins.
    pub(crate) fn for_each_literal(&mut self, each: &mut dyn FnMut(&mut Literal)) {
        for server in &mut self.servers {
            match &mut server.transport {
                Transport::Stdio { command, args, env } => std::iter::once(command)
                    .chain(args)
                    .chain(env)
                    .for_each(&mut *each),
                Transport::Http { url, headers } => {
                    std::iter::once(url).chain(headers).for_each(&mut *each)
                }
                Transport::Builtin(_) | Transport::Unstated => {}
            }
            filter_literals(&mut server.tools, each);
        }
        filter_literals(&mut self.builtins, each);
        let permissions = &mut self.permissions;
        permissions
            .rules
            .iter_mut()
            .map(|rule| &mut rule.source)
            .for_each(&mut *each);
        for list in [
            &mut permissions.bypass,
            &mut permissions.asks,
            &mut permissions.auto_accept,
            &mut permissions.sandbox.because,
            &mut permissions.extra_directories,
            &mut self.plugins,
        ] {
            list.iter_mut().for_each(&mut *each);
        }
    }
}

fn filter_literals(filter: &mut ToolFilter, each: &mut dyn FnMut(&mut Literal)) {
    filter
        .include
        .iter_mut()
        .flatten()
        .chain(&mut filter.exclude)
        .chain(&mut filter.auto_approved)
        .for_each(each);
}
