//! Powers of MCP servers, through the tool catalog.

use std::collections::HashSet;

use nucleus_spec::catalog::{
    Catalog, Effects, Identity, Kind, Launch, Party, Roots, ServerEntry, ToolGroup,
};
use portcullis::{Exposure, Operation, OperationSet, Sinks};

use super::merge::{Family, Mode};
use super::permission::{denies_all, matches_name};
use super::power::{OfferedTool, Origin, Power};
use super::roots::{has_no_workspace, is_broad};
use crate::client::Client;
use crate::model::{Literal, PermissionRule, Place, Server, ToolKind, Transport, Verdict};

/// The words by which a launch is known.
pub(crate) fn launch_of(server: &Server) -> Launch {
    let raw = |literal: &Literal| literal.raw_unmasked().to_owned();
    match &server.transport {
        Transport::Stdio { command, args, env } => {
            let argv = std::iter::once(command).chain(args).map(raw).collect();
            let variable = |literal: &Literal| (literal.key().to_owned(), raw(literal));
            Launch::process(argv, env.iter().map(variable).collect())
        }
        Transport::Http { url, .. } => Launch::address(raw(url)),
        Transport::Builtin(_) | Transport::Unstated => Launch::default(),
    }
}

/// Powers of the configured servers, and of those that only a permission rule names.
pub(crate) fn powers(family: &Family<'_>) -> Vec<Power> {
    let servers = family.servers();
    let configured = servers
        .iter()
        .filter(|server| {
            !denies_all(
                family,
                &ToolKind::Mcp {
                    server: server.name.clone(),
                    tool: None,
                },
            )
        })
        .filter_map(|server| of_server(family, server));
    let names: HashSet<&str> = servers.iter().map(|server| server.name.as_str()).collect();
    let is_configured = |name: &str| names.contains(name);
    configured
        .chain(named_by_rules(family, is_configured))
        .collect()
}

fn of_server(family: &Family<'_>, server: &Server) -> Option<Power> {
    if let Transport::Builtin(name) = &server.transport {
        // Only Goose has such; what another client calls so nobody knows.
        let own = (family.client == Client::Goose).then(|| extension(family, server, name));
        return own.unwrap_or_else(|| Some(unknown(server)));
    }
    let launch = launch_of(server);
    if is_monitor(&launch) {
        return Some(monitor(server));
    }
    let catalog = Catalog::shipped();
    let likeness = || {
        catalog
            .server_resembling(&launch)
            .or_else(|| catalog.server_called(&server.name))
    };
    let (entry, origin) = match catalog.server_for(&launch) {
        Some(entry) => (entry, Origin::Catalog(entry.id().to_owned())),
        None => match likeness() {
            Some(entry) => (entry, Origin::Named(entry.id().to_owned())),
            None => return Some(unknown(server)),
        },
    };
    let is_offered = |group: &ToolGroup, tool: &str| is_offered(family, server, group, tool);
    let reach = Reach {
        client: family.client,
        entry,
        launch: &launch,
    };
    let at = At {
        name: &server.name,
        place: &server.place,
        shown: shown_of(server),
    };
    match (&origin, reach.power(at, origin.clone(), &is_offered)) {
        // What it offers beside the tools of its namesake nobody knows.
        (Origin::Named(_), None) => Some(unknown(server)),
        (Origin::Named(_), Some(power)) => Some(by_name(power)),
        (_, power) => power,
    }
}

/// What an extension of Goose's own can do; `None` where that is no leg.
fn extension(family: &Family<'_>, server: &Server, name: &str) -> Option<Power> {
    let (kind, legs, operations) = match name {
        "developer" => {
            let files = OperationSet::READS
                .with(Operation::WriteFiles)
                .with(Operation::EditFiles);
            let all = files.with(Operation::RunBash);
            (Kind::Shell, Exposure::TRIFECTA, all)
        }
        "computercontroller" => {
            let web = OperationSet::of(Operation::WebFetch);
            let all = web.with(Operation::RunBash);
            (Kind::Shell, Exposure::TRIFECTA, all)
        }
        "memory" | "tutorial" | "autovisualiser" | "todo" | "skills" | "extensionmanager"
        | "chatrecall" | "code_execution" => return None,
        _ => return Some(unknown(server)),
    };
    let (origin, legs) = match family.mode() {
        Mode::Unasked => (Origin::Builtin, legs),
        Mode::Asks => (Origin::Builtin, Exposure::NONE),
        Mode::Unstated => (Origin::Default, Exposure::NONE),
    };
    Some(Power {
        origin,
        kind,
        legs,
        effects: Effects {
            operations,
            ..Effects::UNKNOWN
        },
        ..unknown(server)
    })
}

/// Whether it is this product itself: its monitor asks before a way out, whatever the tool.
fn is_monitor(launch: &Launch) -> bool {
    let is_program = launch.identity() == Some(Identity::Program("nucleus".to_owned()));
    is_program && launch.argv().get(1).is_some_and(|word| word == "mcp")
}

fn monitor(server: &Server) -> Power {
    Power {
        origin: Origin::Monitor,
        legs: Exposure::NONE,
        effects: Effects {
            operations: OperationSet::EMPTY,
            brings: Exposure::NONE,
            sinks: Sinks::default(),
            ..Effects::UNKNOWN
        },
        leads_beyond_workspace: false,
        ..unknown(server)
    }
}

/// A server of which only the name is known: it reaches no less than its namesake, and may do anything.
fn by_name(power: Power) -> Power {
    Power {
        effects: Effects::UNKNOWN,
        ..power
    }
}

/// Whether filters and rules leave the tool on offer.
fn is_offered(family: &Family<'_>, server: &Server, group: &ToolGroup, tool: &str) -> bool {
    let named = |list: &[Literal]| {
        list.iter()
            .any(|own| matches_name(own.raw_unmasked(), tool))
    };
    let filter = &server.tools;
    let is_included = filter.include.as_ref().is_none_or(|list| named(list));
    // Where the user names tools that run unasked, a shell that is not among them is asked for, command by command.
    let runs = group.effects().operations.contains(Operation::RunBash);
    let is_asked = runs && !filter.auto_approved.is_empty() && !named(&filter.auto_approved);
    let kind = ToolKind::Mcp {
        server: server.name.clone(),
        tool: Some(tool.to_owned()),
    };
    is_included && !named(&filter.exclude) && !is_asked && !denies_all(family, &kind)
}

/// A server that no file of this scan configures but a rule lets run unasked.
fn named_by_rules<'a>(
    family: &Family<'a>,
    is_configured: impl Fn(&str) -> bool + 'a,
) -> Vec<Power> {
    let mut found: Vec<Power> = Vec::new();
    let mut seen = HashSet::new();
    for rule in family.rules().filter(|rule| rule.verdict == Verdict::Allow) {
        // A rule for one tool was written by somebody who looked at that tool; only a whole server says what it is.
        let ToolKind::Mcp { server, tool: None } = &rule.tool else {
            continue;
        };
        if !seen.insert(server) || is_configured(server) || denies_all(family, &rule.tool) {
            continue;
        }
        let Some(entry) = Catalog::shipped().server_called(server) else {
            continue;
        };
        found.extend(of_rule(family, rule, server, entry));
    }
    found
}

fn of_rule(
    family: &Family<'_>,
    rule: &PermissionRule,
    server: &str,
    entry: &ServerEntry,
) -> Option<Power> {
    let launch = Launch::default();
    let reach = Reach {
        client: family.client,
        entry,
        launch: &launch,
    };
    let is_offered = |_: &ToolGroup, _: &str| true;
    let at = At {
        name: server,
        place: rule.source.place(),
        shown: rule.source.shown(),
    };
    reach
        .power(at, Origin::Named(entry.id().to_owned()), &is_offered)
        .map(by_name)
}

/// Where a power is configured.
struct At<'a> {
    name: &'a str,
    place: &'a Place,
    shown: String,
}

/// Tools that yield names of things and nothing they hold: no leg of their own, whatever label a session gives them.
const NAMES_ONLY: &[&str] = &[
    "get_me",
    "whoami",
    "get_current_user",
    "list_branches",
    "list_tags",
];

/// A server of the catalog as one client launches it.
struct Reach<'a> {
    client: Client,
    entry: &'a ServerEntry,
    launch: &'a Launch,
}

impl Reach<'_> {
    /// Its power with the tools on offer; `None` when none is.
    fn power(
        &self,
        at: At<'_>,
        origin: Origin,
        is_offered: &dyn Fn(&ToolGroup, &str) -> bool,
    ) -> Option<Power> {
        let mut tools: Vec<OfferedTool> = Vec::new();
        let mut legs = Exposure::NONE;
        for group in self.entry.groups(self.launch) {
            let names = group.names().iter().filter(|name| is_offered(group, name));
            let before = tools.len();
            tools.extend(names.map(|name| OfferedTool {
                name: name.clone(),
                effects: group.effects(),
            }));
            let offered = &tools[before..];
            if !offered.is_empty() {
                let about = offered
                    .iter()
                    .all(|tool| NAMES_ONLY.contains(&tool.name.as_str()));
                legs = legs.join(self.legs(group.effects(), about));
            }
        }
        let effects = tools
            .iter()
            .map(|tool| tool.effects)
            .reduce(Effects::join)?;
        Some(Power {
            name: at.name.to_owned(),
            place: at.place.clone(),
            shown: at.shown,
            origin,
            kind: self.entry.kind(),
            legs,
            effects,
            tools,
            leads_beyond_workspace: self.leads_beyond_workspace(),
        })
    }

    /// The legs as people count them: the workspace itself is not private, a vendor's own documentation not untrusted,
    /// and what only the vendor or the user's own colleagues read is no way out.
    fn legs(&self, effects: Effects, names_only: bool) -> Exposure {
        let is_private = !names_only
            && Exposure::PRIVATE.leq(effects.brings)
            && self.reads_beyond_workspace(effects.operations);
        let is_untrusted =
            Exposure::UNTRUSTED.leq(effects.brings) && effects.written_by == Party::Anyone;
        let is_out = effects.sinks.exfil && effects.read_by == Party::Anyone;
        Exposure::PRIVATE
            .when(is_private)
            .join(Exposure::UNTRUSTED.when(is_untrusted))
            .join(Exposure::EXFIL.when(is_out))
    }

    fn reads_beyond_workspace(&self, operations: OperationSet) -> bool {
        let local = OperationSet::PATHS.with(Operation::GitCommit);
        let is_local = local.is_superset(operations);
        match self.entry.roots() {
            Roots::None | Roots::Unlimited => true,
            Roots::Workspace => !is_local,
            Roots::Arguments => !is_local || self.leads_beyond_workspace(),
        }
    }

    /// Whether the paths its tools take are of the whole machine, or of a directory that is more than the workspace.
    fn leads_beyond_workspace(&self) -> bool {
        match self.entry.roots() {
            Roots::Unlimited => true,
            Roots::Arguments => self.directories().any(|one| self.is_beyond(one)),
            Roots::None | Roots::Workspace => false,
        }
    }

    fn is_beyond(&self, directory: &str) -> bool {
        is_broad(directory) || has_no_workspace(self.client) && directory.starts_with(['/', '~'])
    }

    /// Arguments that look like directories, after the program.
    fn directories(&self) -> impl Iterator<Item = &str> {
        let is_directory = |word: &&String| {
            let word = word.as_str();
            word.starts_with(['/', '~', '.', '$', '%'])
                || word
                    .get(1..3)
                    .is_some_and(|rest| matches!(rest, ":\\" | ":/"))
        };
        self.launch
            .argv()
            .iter()
            .skip(1)
            .filter(is_directory)
            .map(String::as_str)
    }
}

/// A server nobody knows.
fn unknown(server: &Server) -> Power {
    Power {
        name: server.name.clone(),
        place: server.place.clone(),
        shown: shown_of(server),
        origin: Origin::Unknown,
        kind: Kind::Gateway,
        legs: Exposure::TRIFECTA,
        effects: Effects::UNKNOWN,
        tools: Vec::new(),
        leads_beyond_workspace: true,
    }
}

/// The command line or address, masked.
fn shown_of(server: &Server) -> String {
    match &server.transport {
        Transport::Http { url, .. } => url.shown(),
        Transport::Stdio { .. } => {
            let words: Vec<String> = server.argv().iter().map(|word| word.shown()).collect();
            let line = words.join(" ");
            match line.char_indices().nth(100) {
                Some((at, _)) => format!("{}…", &line[..at]),
                None => line,
            }
        }
        Transport::Builtin(_) | Transport::Unstated => server.name.clone(),
    }
}
