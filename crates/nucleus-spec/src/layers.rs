//! Puts the policies of administrator, user, command line and project in order: each only tightens what is above it.

use portcullis::digest::ContentDigest;
use portcullis::envelope::{Envelope, EnvelopeParts};

use crate::build::models;
use crate::error::{Fault, Source, SpecError};
use crate::groups::Groups;
use crate::limit::HostLimit;
use crate::overlay::{overlay_limits, parse_overlay};
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
        Some(Named::File(source)) => found.add(SourceKind::File, source)?,
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
        if let Some(source) = project {
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
        let warnings = self
            .policies
            .iter()
            .flat_map(|policy| policy.warnings().to_vec())
            .collect();
        Ok(Resolved {
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
