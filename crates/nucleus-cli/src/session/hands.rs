//! Gives a session its hands: commands, git, the web, and a forge where one is configured.

use std::process::{Command, Stdio};
use std::sync::Arc;

use nucleus::fetch::SearchBackend;
use nucleus::git::{Identity, PushOptions};
use nucleus::ports::Forge;
use nucleus::{Fetcher, Git};
use nucleus_egress::{DirectFetch, RestForge};
use nucleus_tool_proxy::SessionHands;
use portcullis::GitPattern;

use super::{Opened, network};
use crate::config::Config;
use crate::report::Failure;

/// The host variable that holds the forge's token; it enters no jail.
const FORGE_TOKEN: &str = "NUCLEUS_FORGE_TOKEN";

/// The hands of the session.
pub(crate) fn hands(opened: &Opened) -> Result<Arc<SessionHands>, Failure> {
    let monitor = opened.sandbox.monitor();
    let shared = opened
        .state
        .make_workspace(&opened.workspace)
        .map_err(Failure::not_started)?;
    let git = Git::new(&opened.executor, &shared)
        .with_identity(identity())
        .with_push_options(push_options(opened));
    let direct = Arc::new(DirectFetch::new()?);
    let fetcher = Fetcher::new(Arc::clone(monitor), direct.clone());
    network::start(opened, fetcher.dials(), direct)?;
    let asks_web =
        monitor.envelope().level(portcullis::Operation::WebSearch) != portcullis::Level::Never;
    let search = if asks_web {
        Config::load()?.search
    } else {
        None
    };
    let fetcher = match search {
        Some(template) => {
            fetcher.with_search(SearchBackend::new(template).map_err(Failure::usage)?)
        }
        None => fetcher,
    };
    let hands = SessionHands::new(opened.executor.clone(), git, fetcher).with_forge(forge(opened)?);
    Ok(Arc::new(hands))
}

/// Who commits are by: the user as git knows them, asked outside every repository.
fn identity() -> Identity {
    let asked = |key: &str| {
        let output = Command::new("git")
            .args(["config", "--global", "--get", key])
            .current_dir("/")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        let value = String::from_utf8(output.stdout).ok()?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    let (name, email) = (asked("user.name"), asked("user.email"));
    match name.zip(email) {
        Some((name, email)) => Identity::new(&name, &email).unwrap_or_default(),
        None => Identity::default(),
    }
}

/// The credential of pushes by https, for the remotes that the policy lists and no other.
fn push_options(opened: &Opened) -> PushOptions {
    let mut options = PushOptions::default();
    let Ok(token) = std::env::var(FORGE_TOKEN) else {
        return options;
    };
    let envelope = opened.sandbox.monitor().envelope();
    let basic = base64(&format!("x-access-token:{token}"));
    for (_, clause) in envelope.git().listed() {
        for pattern in clause.patterns() {
            let GitPattern::Remote { url, .. } = pattern else {
                continue;
            };
            let exact = url.as_str();
            if exact.starts_with("https://") && !exact.contains('*') {
                let header = format!("Authorization: Basic {basic}");
                options.headers.push((exact.to_owned(), header));
            }
        }
    }
    options
}

/// The text in base64, as HTTP basic authentication wants it.
fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// A client of the one forge that the policy names, where the host has its token.
fn forge(opened: &Opened) -> Result<Option<Arc<dyn Forge>>, Failure> {
    let envelope = opened.sandbox.monitor().envelope();
    let forges = &envelope.declarations().forges;
    let named = forges
        .clauses()
        .first()
        .map(|clause| clause.patterns())
        .unwrap_or_default();
    let Some(api) = named
        .iter()
        .map(portcullis::TextPattern::as_str)
        .find(|api| !api.contains('*') && forges.holds(|pattern| pattern.matches(api)))
    else {
        return Ok(None);
    };
    match std::env::var(FORGE_TOKEN) {
        Ok(token) => {
            let forge = RestForge::new(api, token).map_err(Failure::not_started)?;
            Ok(Some(Arc::new(forge)))
        }
        Err(_) => Ok(None),
    }
}
