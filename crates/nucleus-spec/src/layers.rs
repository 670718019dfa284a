//! Puts the policies of administrator, user, command line and project in order: each only tightens what is above it.

use portcullis::digest::ContentDigest;
use portcullis::envelope::{Envelope, EnvelopeParts};

use crate::build::models;
use crate::credential::Credential;
use crate::error::{Fault, Source, SpecError};
use crate::groups::Groups;
use crate::limit::HostLimit;
use crate::overlay::{overlay_guards, overlay_limits, parse_overlay};
use crate::policy::{Policy, parse_policy_with};
use crate::profile::{self, DEFAULT_PROFILE, profile};
use crate::suggest;

/// The policy texts that were found; reading and owning files is the caller's work.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// `/etc/nucleus/policy.toml`, when root owns it: a whole policy above every other.
    pub ceiling: Option<Source>,
    /// The user's own policy: a whole policy.
    pub user: Option<Source>,
    /// What the command line names.
    pub named: Option<Named>,
    /// A file found in the project: only tightens.
    pub project: Option<Source>,
    /// Whether the file that the command line names lies in the workspace, and so may have come with it.
    pub is_named_inside: bool,
    /// The groups of hosts; the shipped ones, without registries, when `None`.
    pub groups: Option<Groups>,
}

/// A policy as the command line names it.
#[derive(Clone, Debug)]
pub enum Named {
    /// A shipped profile.
    Profile(String),
    /// A policy file.
    File(Source),
}

/// Where one of the policies came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// The administrator's ceiling.
    Ceiling,
    /// The user's own policy.
    User,
    /// A shipped profile, named or the default.
    Profile,
    /// A file that the command line named.
    File,
    /// A file of the project.
    Project,
}

/// One policy that counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceUsed {
    /// Where it came from.
    pub kind: SourceKind,
    /// Its name.
    pub name: String,
    /// The digest of its text.
    pub digest: ContentDigest,
}

/// The policy of a session.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// What all of them grant.
    pub envelope: Envelope,
    /// The policies that counted, widest first.
    pub sources: Vec<SourceUsed>,
    /// Names of the host's credentials that any of them uses and all of them allow.
    pub credentials: Vec<String>,
    /// What is allowed but probably not meant.
    pub warnings: Vec<String>,
    /// What any of them allows hosts in bytes and requests; all count.
    pub limits: Vec<HostLimit>,
    /// The groups of hosts that any of them names.
    pub groups: Vec<&'static str>,
    /// The secrets that are bound, less those that any policy leaves out.
    pub bindings: Vec<Credential>,
    /// Whether only artifacts of the lockfiles may come from registries.
    pub is_pinned: bool,
}

/// The meet of every policy given.
///
/// Without a user's and a named one, the profile `restrictive` stands in. A whole policy means the same wherever
/// it stands: what it leaves out is `never`, so a ceiling that only bounds some things starts with
/// `extends = "full"`.
///
/// # Errors
/// [`SpecError`] of the first text that has one.
pub fn resolve(layers: &Layers) -> Result<Resolved, SpecError> {
    let mut found = Found {
        groups: layers
            .groups
            .clone()
            .unwrap_or_else(|| Groups::shipped().clone()),
        ..Found::default()
    };
    for (kind, source) in [
        (SourceKind::Ceiling, &layers.ceiling),
        (SourceKind::User, &layers.user),
    ] {
        if let Some(source) = source {
            found.add(kind, source)?;
        }
    }
    match &layers.named {
        Some(Named::File(source)) => {
            found.add(SourceKind::File, source)?;
            found.check_named(source, layers.is_named_inside)?;
        }
        Some(Named::Profile(name)) => found.add(SourceKind::Profile, &named_profile(name)?)?,
        None if layers.user.is_none() => {
            found.add(SourceKind::Profile, &named_profile(DEFAULT_PROFILE)?)?
        }
        None => {}
    }
    found.finish(layers.project.as_ref())
}

fn named_profile(name: &str) -> Result<Source, SpecError> {
    profile(name).map(profile::Profile::source).ok_or_else(|| {
        Fault::new(0..name.len(), format!("unknown profile `{name}`"))
            .label("no shipped profile of this name")
            .help(suggest::help(name, profile::names().collect::<Vec<_>>()))
            .within(&Source::new("command line", name))
    })
}

/// The policies met so far.
#[derive(Default)]
struct Found {
    policies: Vec<Policy>,
    sources: Vec<SourceUsed>,
    groups: Groups,
}

impl Found {
    fn add(&mut self, kind: SourceKind, source: &Source) -> Result<(), SpecError> {
        self.policies.push(parse_policy_with(source, &self.groups)?);
        self.used(kind, source);
        Ok(())
    }

    /// FAIL-CLOSED: a file that lies where an agent writes never says what the host reads or runs.
    fn check_named(&self, source: &Source, is_inside: bool) -> Result<(), SpecError> {
        let binds = self
            .policies
            .last()
            .is_some_and(|own| !own.bindings().is_empty());
        if !(binds && is_inside) {
            return Ok(());
        }
        Err(Fault::new(
            0..0,
            "a policy in the workspace cannot say where secrets come from",
        )
        .help("bind them in the user's own policy, or in a file outside the workspace")
        .within(source))
    }

    /// The secrets of all policies, widest first: what is bound above is not bound again.
    fn bindings(&self, project: Option<Vec<String>>) -> Vec<Credential> {
        let mut all: Vec<Credential> = Vec::new();
        for policy in &self.policies {
            let known: Vec<String> = all.iter().map(|own| own.name.clone()).collect();
            let fresh = policy
                .bindings()
                .iter()
                .filter(|own| !known.contains(&own.name));
            all.extend(fresh.cloned());
        }
        let stated = self.policies.iter().filter_map(Policy::used_bindings);
        let lists: Vec<Vec<String>> = stated.map(<[String]>::to_vec).chain(project).collect();
        all.retain(|own| lists.iter().all(|list| list.contains(&own.name)));
        all
    }

    fn used(&mut self, kind: SourceKind, source: &Source) {
        let digest = ContentDigest::of(source.text().as_bytes());
        self.sources.push(SourceUsed {
            kind,
            name: source.name().to_owned(),
            digest,
        });
    }

    fn finish(mut self, project: Option<&Source>) -> Result<Resolved, SpecError> {
        let envelopes = self.policies.iter().map(Policy::envelope).cloned();
        // FAIL-CLOSED: no policy grants nothing.
        let nothing = || Envelope::new(EnvelopeParts::nothing());
        let mut envelope = envelopes
            .reduce(|all, next| all.meet(&next))
            .unwrap_or_else(nothing);
        let mut limits: Vec<HostLimit> = self
            .policies
            .iter()
            .flat_map(|policy| policy.limits().to_vec())
            .collect();
        let mut is_pinned = self.policies.iter().any(Policy::is_pinned);
        let mut used = None;
        if let Some(source) = project {
            let guards = overlay_guards(source)?;
            used = guards.0;
            is_pinned |= guards.1;
            limits.extend(overlay_limits(source)?);
            envelope = parse_overlay(source, &envelope)?;
            self.used(SourceKind::Project, source);
        }
        let allowed = |name: &String| {
            envelope
                .declarations()
                .credentials
                .holds(|own| own.matches(name))
        };
        let mut credentials: Vec<String> = self
            .policies
            .iter()
            .flat_map(|policy| policy.credentials().to_vec())
            .filter(allowed)
            .collect();
        credentials.sort();
        credentials.dedup();
        let named = self.policies.iter().zip(&self.sources);
        let warnings = named
            .flat_map(|(policy, source)| {
                let warnings = policy.warnings().iter();
                warnings.map(|warning| format!("`{}`: {warning}", source.name))
            })
            .collect();
        Ok(Resolved {
            bindings: self.bindings(used),
            is_pinned,
            envelope,
            sources: self.sources,
            credentials,
            warnings,
            limits,
            groups: self
                .policies
                .iter()
                .flat_map(|policy| policy.groups().to_vec())
                .collect(),
        })
    }
}

/// The same envelope for this one model provider, or this one account of it.
#[must_use]
pub fn with_model(envelope: &Envelope, provider: &str, account: Option<&str>) -> Envelope {
    let mut parts = EnvelopeParts::everything();
    parts.declarations.models = portcullis::scope::Conjunction::of(models(provider, account));
    envelope.meet(&Envelope::new(parts))
}
