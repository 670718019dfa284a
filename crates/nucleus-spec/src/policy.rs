//! Parses a policy text into the envelope it grants.

use std::sync::LazyLock;

use portcullis::Amount;
use portcullis::Capabilities;
use portcullis::Operation;
use portcullis::envelope::{Declarations, Envelope, EnvelopeParts};

use crate::build::Layered;
use crate::credential::Credential;
use crate::document::Document;
use crate::error::{Fault, Source, SpecError};
use crate::groups::Groups;
use crate::limit::HostLimit;
use crate::profile;
use crate::read::read_document;
use crate::shipped;

/// A parsed policy: the envelope and what was said beside it.
#[derive(Clone, Debug)]
pub struct Policy {
    name: String,
    extends: Option<String>,
    credentials: Vec<String>,
    warnings: Vec<String>,
    limits: Vec<HostLimit>,
    groups: Vec<&'static str>,
    bindings: Vec<Credential>,
    used_bindings: Option<Vec<String>>,
    is_pinned: bool,
    envelope: Envelope,
}

impl Policy {
    /// The upper bound of authority that it states.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The name of its source.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The shipped profile it builds on.
    #[must_use]
    pub fn extends(&self) -> Option<&str> {
        self.extends.as_deref()
    }

    /// The names of the host's credentials that it uses.
    #[must_use]
    pub fn credentials(&self) -> &[String] {
        &self.credentials
    }

    /// What it allows hosts in bytes and requests.
    #[must_use]
    pub fn limits(&self) -> &[HostLimit] {
        &self.limits
    }

    /// The groups of hosts that it names.
    #[must_use]
    pub fn groups(&self) -> &[&'static str] {
        &self.groups
    }

    /// The secrets of the host that it binds to routes.
    #[must_use]
    pub fn bindings(&self) -> &[Credential] {
        &self.bindings
    }

    /// The names of the bindings that count; all when `None`.
    #[must_use]
    pub fn used_bindings(&self) -> Option<&[String]> {
        self.used_bindings.as_deref()
    }

    /// Whether only artifacts of the lockfiles may come from registries.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        self.is_pinned
    }

    /// What is allowed but probably not meant, one sentence each.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

static SHIPPED: LazyLock<Document> =
    LazyLock::new(|| read_document(shipped::text()).expect("shipped defaults parse: tested"));

/// Parses a whole policy; what it leaves out comes from the profile it extends and the shipped defaults.
///
/// An omitted capability without `extends` is `never`.
///
/// # Errors
/// [`SpecError`] for the first thing in the text that is unknown, of a wrong type, impossible or contradictory.
pub fn parse_policy(source: &Source) -> Result<Policy, SpecError> {
    parse_policy_with(source, Groups::shipped())
}

/// As [`parse_policy`], with these groups of hosts.
///
/// # Errors
/// As [`parse_policy`].
pub fn parse_policy_with(source: &Source, groups: &Groups) -> Result<Policy, SpecError> {
    let own = read_document(source.text()).map_err(|fault| fault.within(source))?;
    let extends = own
        .entry("", "extends")
        .and_then(|entry| entry.text())
        .map(|at| at.value.to_owned());
    let profile = match extends.as_deref().and_then(profile::profile) {
        Some(base) => Some(read_document(base.text).map_err(|fault| fault.within(&base.source()))?),
        None => None,
    };
    let layered = Layered {
        own: &own,
        profile: profile.as_ref(),
        shipped: Some(&SHIPPED),
        groups,
    };
    let envelope = envelope(layered).map_err(|fault| fault.within(source))?;
    let bindings = bindings(layered).map_err(|fault| fault.within(source))?;
    Ok(Policy {
        name: source.name().to_owned(),
        extends,
        credentials: layered
            .text("git", "credential")
            .map(str::to_owned)
            .into_iter()
            .collect(),
        warnings: warnings(layered, &envelope),
        limits: layered.limits(),
        groups: layered.group_names(),
        bindings,
        used_bindings: layered.used_bindings(),
        is_pinned: layered.is_pinned(),
        envelope,
    })
}

fn envelope(layered: Layered<'_>) -> Result<Envelope, Fault> {
    layered.check_levels(|op| layered.level(op).unwrap_or_default())?;
    layered.check_open_ended()?;
    layered.check_account()?;
    let level = |op: &Operation| (*op, layered.level(*op).unwrap_or_default());
    let number = |section, key| layered.number(section, key).unwrap_or(0);
    Ok(Envelope::new(EnvelopeParts {
        capabilities: Operation::ALL.iter().map(level).collect::<Capabilities>(),
        approvals: layered.approvals(),
        strict: layered.word("flow", "mode") != Some("default"),
        capability_trifecta: layered.word("flow", "trifecta") != Some("exposure"),
        paths: layered.paths(),
        commands: layered.commands(),
        hosts: layered.hosts(),
        git: layered.git(),
        tools: layered.tools(),
        declarations: declarations(layered),
        maximum: Amount {
            micro_usd: number("budget", "max_cost_usd"),
            input_tokens: number("budget", "max_input_tokens"),
            output_tokens: number("budget", "max_output_tokens"),
        },
        window_ms: number("time", "valid_hours"),
    }))
}

/// The bindings; one name is one secret, and a host is bound to it once.
fn bindings(layered: Layered<'_>) -> Result<Vec<Credential>, Fault> {
    let all = layered.bindings();
    for (at, one) in all.iter().enumerate() {
        let differs = |other: &Credential| other.name == one.name && !other.is_same_secret(one);
        if all[..at].iter().any(differs) {
            let span = layered.place(&[("credentials", "bindings")]);
            let what = format!("`{}` is bound to two sources", one.name);
            return Err(Fault::new(span, what)
                .label("one name, two secrets")
                .help("give each secret a name of its own"));
        }
    }
    Ok(all)
}

fn declarations(layered: Layered<'_>) -> Declarations {
    Declarations {
        public_paths: layered.public(),
        trusted_hosts: layered.declared_hosts(|rule| rule.trust()),
        quiet_hosts: layered.declared_hosts(|rule| !rule.sink()),
        models: layered.models(),
        forges: layered.single("git", "forge"),
        environment: layered.names("jail", "environment"),
        host_views: layered.names("jail", "views"),
        credentials: layered.single("git", "credential"),
        unix_sockets: layered.word("jail", "unix_sockets") == Some("private"),
        trusted_workspace: layered.word("flow", "workspace") == Some("trusted"),
    }
}

fn warnings(layered: Layered<'_>, envelope: &Envelope) -> Vec<String> {
    let mut warnings = Vec::new();
    if envelope.posture().capabilities() == Capabilities::NONE {
        warnings.push(
            "every operation is `never`: a session under this policy can do nothing. What a policy leaves out is `never`; one that only adds a bound begins with `extends = \"full\"`".to_owned(),
        );
    }
    if layered
        .stated("paths", "credential_files")
        .is_some_and(|entry| entry.is_empty_list())
    {
        warnings.push("`credential_files = []` leaves files that hold credentials open".to_owned());
    }
    let idle = |(section, key)| {
        format!("[{section}] `{key}` limits nothing: no operation of it is `low_risk`")
    };
    warnings.extend(layered.idle_listings().into_iter().map(idle));
    let blocked = layered.stated("commands", "blocked");
    if blocked.is_some_and(|entry| !entry.is_empty_list()) {
        warnings.push(
            "[commands] `blocked` also blocks every command whose code cannot be read".to_owned(),
        );
    }
    warnings
}
