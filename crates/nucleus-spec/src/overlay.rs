//! Reads a project file as `base ∧ file`: what it leaves out is unchanged, and an attempt to widen is an error.

use std::ops::Range;

use portcullis::envelope::{Declarations, Envelope, EnvelopeParts, Section};
use portcullis::glob::PathPattern;
use portcullis::host::HostRule;
use portcullis::scope::Conjunction;
use portcullis::text::{GitPattern, TextPattern};
use portcullis::{Amount, Operation};

use crate::build::{Layered, any_remote, commits, models, plain};
use crate::document::{Document, Entry};
use crate::error::{Fault, Source, SpecError};
use crate::groups::Groups;
use crate::limit::HostLimit;
use crate::number;
use crate::read::read_document;
use crate::scalar::MS_PER_MILLI_HOUR;
use crate::value::{At, Listing};

const TIGHTENS: &str =
    "a project file only tightens: change the user's policy on the host, or remove this";

/// The meet of `base` and a project file.
///
/// # Errors
/// [`SpecError`] as [`parse_policy`](crate::parse_policy), and for whatever would be wider than `base`: a higher
/// level, a larger budget or window, a declaration that `base` lacks, an obligation or a block taken back.
pub fn parse_overlay(source: &Source, base: &Envelope) -> Result<Envelope, SpecError> {
    overlay(source.text(), base).map_err(|fault| fault.within(source))
}

/// What a project file allows hosts in bytes and requests: further limits beside those above it.
///
/// # Errors
/// As [`parse_overlay`], for what is no policy text.
pub(crate) fn overlay_limits(source: &Source) -> Result<Vec<HostLimit>, SpecError> {
    let own = read_document(source.text()).map_err(|fault| fault.within(source))?;
    let limits = own.entry("network", "limits").and_then(Entry::limits);
    Ok(limits
        .map(|list| list.patterns().collect())
        .unwrap_or_default())
}

/// What a project file says beside the envelope: which secrets count, and whether artifacts are pinned.
pub(crate) fn overlay_guards(source: &Source) -> Result<(Option<Vec<String>>, bool), SpecError> {
    let own = read_document(source.text()).map_err(|fault| fault.within(source))?;
    let stated = Layered {
        own: &own,
        profile: None,
        shipped: None,
        groups: Groups::shipped(),
    };
    Ok((stated.used_bindings(), stated.is_pinned()))
}

fn overlay(text: &str, base: &Envelope) -> Result<Envelope, Fault> {
    let own = read_document(text)?;
    let file = Overlay {
        stated: Layered {
            own: &own,
            profile: None,
            shipped: None,
            groups: Groups::shipped(),
        },
        own: &own,
        base,
    };
    file.check()?;
    Ok(base.meet(&Envelope::new(file.parts())))
}

/// A project file over what it tightens.
struct Overlay<'a> {
    stated: Layered<'a>,
    own: &'a Document,
    base: &'a Envelope,
}

fn wider(span: Range<usize>, what: impl Into<String>, help: impl Into<String>) -> Fault {
    Fault::new(span, what)
        .label("wider than the policy above it")
        .help(help)
}

impl Overlay<'_> {
    fn check(&self) -> Result<(), Fault> {
        self.check_words()?;
        self.check_raised_levels()?;
        let level = |op| self.stated.level(op).unwrap_or(self.base.level(op));
        self.stated.check_levels(level)?;
        self.stated.check_account()?;
        self.check_amounts()?;
        self.check_removed()?;
        self.check_paths()?;
        self.check_hosts()?;
        self.check_bindings()?;
        self.check_names()
    }

    fn check_raised_levels(&self) -> Result<(), Fault> {
        let raised = Operation::ALL.into_iter().find_map(|op| {
            let stated = self.stated.level(op)?;
            (stated > self.base.level(op)).then_some((op, stated))
        });
        match raised {
            None => Ok(()),
            Some((op, stated)) => {
                let span = self.stated.place(&[("capabilities", op.name())]);
                let above = self.base.level(op);
                let help = format!("the policy above it says `{above}`; {TIGHTENS}");
                Err(wider(
                    span,
                    format!("`{op} = \"{stated}\"` would widen the policy"),
                    help,
                ))
            }
        }
    }

    fn check_amounts(&self) -> Result<(), Fault> {
        let most = self.base.maximum();
        let dollars = number::unscaled(most.micro_usd, 6);
        let hours = number::unscaled(self.base.window_ms() / MS_PER_MILLI_HOUR, 3);
        let amounts = [
            ("budget", "max_cost_usd", most.micro_usd, dollars),
            (
                "budget",
                "max_input_tokens",
                most.input_tokens,
                most.input_tokens.to_string(),
            ),
            (
                "budget",
                "max_output_tokens",
                most.output_tokens,
                most.output_tokens.to_string(),
            ),
            ("time", "valid_hours", self.base.window_ms(), hours),
        ];
        for (section, key, above, shown) in amounts {
            if self
                .stated
                .number(section, key)
                .is_some_and(|stated| stated > above)
            {
                let span = self.stated.place(&[(section, key)]);
                let help = format!("the policy above it says {shown}; {TIGHTENS}");
                return Err(wider(span, format!("`{key}` would widen the policy"), help));
            }
        }
        Ok(())
    }

    /// Values that have one wide and one narrow side, and a profile, which replaces.
    fn check_words(&self) -> Result<(), Fault> {
        if let Some(entry) = self.own.entry("", "extends") {
            return Err(
                Fault::new(entry.span.clone(), "a project file extends no profile")
                    .label("not allowed here")
                    .help("state only what is narrower; what it leaves out is unchanged"),
            );
        }
        let declared = self.base.declarations();
        let posture = self.base.posture();
        let wide = [
            ("flow", "mode", "default", posture.is_strict()),
            (
                "flow",
                "trifecta",
                "exposure",
                posture.is_capability_trifecta(),
            ),
            ("flow", "workspace", "trusted", !declared.trusted_workspace),
            ("jail", "unix_sockets", "private", !declared.unix_sockets),
        ];
        for (section, key, word, is_narrower_above) in wide {
            if is_narrower_above && self.stated.word(section, key) == Some(word) {
                let span = self.stated.place(&[(section, key)]);
                return Err(wider(
                    span,
                    format!("`{key} = \"{word}\"` would widen the policy"),
                    TIGHTENS,
                ));
            }
        }
        Ok(())
    }

    /// Obligations and blocks are only added to.
    fn check_removed(&self) -> Result<(), Fault> {
        let asks = !self.base.posture().asks().is_empty();
        let paths = !self.base.paths().blocked().patterns().is_empty();
        let lists = [
            ("obligations", "approvals", asks),
            ("paths", "blocked", paths),
            ("paths", "credential_files", paths),
            (
                "commands",
                "blocked",
                !self.base.commands().blocked().patterns().is_empty(),
            ),
            (
                "network",
                "blocked",
                !self.base.hosts().blocked().patterns().is_empty(),
            ),
            (
                "git",
                "blocked_branches",
                !self.base.git().blocked().patterns().is_empty(),
            ),
            (
                "tools",
                "blocked",
                !self.base.tools().blocked().patterns().is_empty(),
            ),
        ];
        for (section, key, is_set_above) in lists {
            if is_set_above
                && self
                    .own
                    .entry(section, key)
                    .is_some_and(Entry::is_empty_list)
            {
                let span = self.stated.place(&[(section, key)]);
                return Err(wider(
                    span,
                    format!("`{key} = []` would take back what the policy above says"),
                    TIGHTENS,
                ));
            }
        }
        Ok(())
    }

    fn check_paths(&self) -> Result<(), Fault> {
        let stated = self.own.entry("paths", "public").and_then(Entry::paths);
        let public = &self.base.declarations().public_paths;
        let covered = |pattern: &PathPattern| public.holds(|own| own.covers(pattern));
        check_each(stated, covered, |pattern| {
            format!("declaring `{pattern}` public would widen the policy")
        })
    }

    fn check_hosts(&self) -> Result<(), Fault> {
        if let Some(entry) = self.own.entry("network", "groups") {
            let what = "a project file cannot name groups of hosts";
            return Err(wider(
                entry.span.clone(),
                what,
                "list the hosts one by one, or leave it to the user's policy",
            ));
        }
        let stated = self.own.entry("network", "hosts").and_then(Entry::hosts);
        let declared = self.base.declarations();
        let holds = |in_base: &Conjunction<HostRule>, rule: &HostRule| {
            in_base.holds(|own| covers(own, rule))
        };
        let trusted = |rule: &HostRule| !rule.trust() || holds(&declared.trusted_hosts, rule);
        let quiet = |rule: &HostRule| rule.sink() || holds(&declared.quiet_hosts, rule);
        let host = |rule: &HostRule| rule.pattern().to_string();
        check_each(stated, trusted, |rule| {
            format!("trusting `{}` would widen the policy", host(rule))
        })?;
        check_each(stated, quiet, |rule| {
            format!("`sink = false` for `{}` would widen the policy", host(rule))
        })
    }

    /// FAIL-CLOSED: a file that came with a repository never says what the host reads or runs.
    fn check_bindings(&self) -> Result<(), Fault> {
        match self.own.entry("credentials", "bindings") {
            None => Ok(()),
            Some(entry) => Err(wider(
                entry.span.clone(),
                "a project file cannot say where secrets come from",
                "bind them in the user's own policy; a project file states `use`, to use fewer",
            )),
        }
    }

    fn check_names(&self) -> Result<(), Fault> {
        let declared = self.base.declarations();
        let lists = [
            ("environment", &declared.environment),
            ("views", &declared.host_views),
        ];
        for (key, above) in lists {
            let stated = self.own.entry("jail", key).and_then(Entry::names);
            check_each(
                stated,
                |name| holds_name(above, name),
                |name| {
                    format!(
                        "showing `{}` to commands would widen the policy",
                        name.as_str()
                    )
                },
            )?;
        }
        let singles = [
            ("forge", &declared.forges),
            ("credential", &declared.credentials),
        ];
        for (key, above) in singles {
            let stated = self.stated.text("git", key).map(TextPattern::new);
            if stated.is_some_and(|name| !holds_name(above, &name)) {
                return Err(wider(
                    self.stated.place(&[("git", key)]),
                    format!("this `{key}` would widen the policy"),
                    TIGHTENS,
                ));
            }
        }
        let provider = self.stated.text("model", "provider");
        let called =
            provider.map(|provider| models(provider, self.stated.text("model", "account")));
        if called.is_some_and(|names| !names.iter().any(|name| holds_name(&declared.models, name)))
        {
            let span = self.stated.place(&[("model", "provider")]);
            return Err(wider(
                span,
                "this `provider` would widen the policy",
                TIGHTENS,
            ));
        }
        Ok(())
    }

    /// What the file states over everything; what it leaves out is neutral.
    fn parts(&self) -> EnvelopeParts {
        let neutral = EnvelopeParts::everything();
        let number = |section, key| self.stated.number(section, key).unwrap_or(u64::MAX);
        EnvelopeParts {
            capabilities: Operation::ALL
                .into_iter()
                .map(|op| (op, self.stated.level(op).unwrap_or(self.base.level(op))))
                .collect(),
            approvals: self.stated.approvals(),
            strict: self.stated.word("flow", "mode") == Some("strict"),
            capability_trifecta: self.stated.word("flow", "trifecta") == Some("capability"),
            paths: self.section("paths", &["listed"], self.stated.paths(), neutral.paths),
            commands: self.section(
                "commands",
                &["listed"],
                self.stated.commands(),
                neutral.commands,
            ),
            hosts: self.section("network", &["hosts"], self.stated.hosts(), neutral.hosts),
            git: self.section(
                "git",
                &["repositories", "branches", "remotes"],
                self.git(),
                neutral.git,
            ),
            tools: self.section("tools", &["listed"], self.stated.tools(), neutral.tools),
            declarations: self.declarations(),
            maximum: Amount {
                micro_usd: number("budget", "max_cost_usd"),
                input_tokens: number("budget", "max_input_tokens"),
                output_tokens: number("budget", "max_output_tokens"),
            },
            window_ms: number("time", "valid_hours"),
        }
    }

    /// What is stated of a section; a listing that is not stated stays neutral, blocks are always added.
    fn section<P>(
        &self,
        name: &'static str,
        listings: &[&'static str],
        stated: Section<P>,
        neutral: Section<P>,
    ) -> Section<P> {
        let is_listed = listings
            .iter()
            .any(|key| self.own.entry(name, key).is_some());
        if is_listed {
            stated
        } else {
            Section {
                listed: neutral.listed,
                blocked: stated.blocked,
            }
        }
    }

    /// Where the file names repositories, branches or remotes, what it leaves out of the three stays open.
    fn git(&self) -> Section<GitPattern> {
        let any = |key| {
            let is_stated = self.own.entry("git", key).is_some();
            if is_stated {
                self.stated.name_list("git", key)
            } else {
                vec![TextPattern::new("*")]
            }
        };
        let remotes = match self.own.entry("git", "remotes").and_then(Entry::remotes) {
            Some(Listing::These(list)) => list.iter().map(|at| at.value.clone()).collect(),
            _ => vec![any_remote()],
        };
        let listed = commits(&any("repositories"), &any("branches"))
            .into_iter()
            .chain(remotes);
        Section {
            listed: Conjunction::of(listed),
            blocked: self.stated.blocked_branches(),
        }
    }

    fn declarations(&self) -> Declarations {
        let neutral = Declarations::everything();
        let hosts = |stated: Conjunction<HostRule>, neutral| {
            if self.own.entry("network", "hosts").is_some() {
                stated
            } else {
                neutral
            }
        };
        let names = |section, key, neutral| {
            if self.own.entry(section, key).is_some() {
                self.stated.names(section, key)
            } else {
                neutral
            }
        };
        let single = |key, neutral| {
            if self.own.entry("git", key).is_some() {
                self.stated.single("git", key)
            } else {
                neutral
            }
        };
        let public = if self.own.entry("paths", "public").is_some() {
            self.stated.public()
        } else {
            neutral.public_paths
        };
        Declarations {
            public_paths: public,
            trusted_hosts: hosts(
                self.stated.declared_hosts(|rule| rule.trust()),
                neutral.trusted_hosts,
            ),
            quiet_hosts: hosts(
                self.stated.declared_hosts(|rule| !rule.sink()),
                neutral.quiet_hosts,
            ),
            models: self.stated.models(),
            forges: single("forge", neutral.forges),
            credentials: single("credential", neutral.credentials),
            environment: names("jail", "environment", neutral.environment),
            host_views: names("jail", "views", neutral.host_views),
            unix_sockets: self.stated.word("jail", "unix_sockets") != Some("none"),
            trusted_workspace: self.stated.word("flow", "workspace") != Some("untrusted"),
        }
    }
}

fn check_each<P: Clone>(
    stated: Option<&Listing<P>>,
    is_within: impl Fn(&P) -> bool,
    what: impl Fn(&P) -> String,
) -> Result<(), Fault> {
    let items: &[At<P>] = stated.map(Listing::items).unwrap_or_default();
    match items.iter().find(|at| !is_within(&at.value)) {
        Some(at) => Err(wider(at.span.clone(), what(&at.value), TIGHTENS)),
        None => Ok(()),
    }
}

/// Whether the names above hold this one: the same pattern, or a plain name that one matches.
fn holds_name(above: &Conjunction<TextPattern>, name: &TextPattern) -> bool {
    above.holds(|own| own == name || (!name.as_str().contains('*') && own.matches(name.as_str())))
}

/// Whether everything that the second rule matches is matched by the first.
fn covers(wide: &HostRule, narrow: &HostRule) -> bool {
    let (wide, narrow) = (plain(wide), plain(narrow));
    let within = |wide_is_open: bool, narrow_is_open: bool, is_subset: bool| {
        wide_is_open || (!narrow_is_open && is_subset)
    };
    let methods = narrow
        .methods()
        .iter()
        .all(|method| wide.methods().contains(method));
    let paths = narrow
        .paths()
        .iter()
        .all(|path| wide.paths().contains(path));
    wide.pattern().covers(narrow.pattern())
        && within(
            wide.methods().is_empty(),
            narrow.methods().is_empty(),
            methods,
        )
        && within(wide.paths().is_empty(), narrow.paths().is_empty(), paths)
}
