//! Gives a session its hands: commands, git, the web, and a forge where one is configured.

use std::sync::Arc;

use nucleus::fetch::SearchBackend;
use nucleus::git::{Identity, PushOptions};
use nucleus::ports::Forge;
use nucleus::{Fetcher, Git};
use nucleus_egress::credentials::{Credentials, OwnHeader, OwnRoute};
use nucleus_egress::{DirectFetch, GuardedFetch, RestForge};
use nucleus_tool_proxy::SessionHands;
use portcullis::host::{Host, UrlPath};
use portcullis::{Envelope, GitPattern};

use super::host_program::HostPrograms;
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
        .with_identity(identity(&HostPrograms::outside(
            &opened.workspace,
            &opened.state,
        )))
        .with_push_options(push_options(opened));
    let direct = Arc::new(DirectFetch::new()?);
    let own = GuardedFetch::new(direct.clone(), opened.credentials.clone());
    let fetcher = Fetcher::new(Arc::clone(monitor), Arc::new(own));
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
fn identity(programs: &HostPrograms) -> Identity {
    let asked = |key: &str| {
        let output = programs
            .command("git")
            .ok()?
            .args(["config", "--global", "--get", key])
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
///
/// What `[credentials]` binds to a remote comes before the host's own variable.
fn push_options(opened: &Opened) -> PushOptions {
    let mut options = PushOptions::default();
    let token = std::env::var(FORGE_TOKEN).ok();
    let envelope = opened.sandbox.monitor().envelope();
    let named = named(&envelope);
    for (_, clause) in envelope.git().listed() {
        for pattern in clause.patterns() {
            let GitPattern::Remote { url, .. } = pattern else {
                continue;
            };
            let exact = url.as_str();
            if exact.contains('*') {
                continue;
            }
            if let Some(own) = bound_to(&opened.credentials, exact, named.as_deref()) {
                let header = format!("{}: {}", own.name, *own.value);
                options.headers.push((exact.to_owned(), header));
                options.secrets.push(own.secret.to_string());
            } else if let Some(token) = token.as_deref().filter(|_| exact.starts_with("https://")) {
                let basic = base64(&format!("x-access-token:{token}"));
                let header = format!("Authorization: Basic {basic}");
                options.headers.push((exact.to_owned(), header));
                options.secrets.push(token.to_owned());
            }
        }
    }
    options
}

/// The secret that `[git] credential` names in the policies that name one; an empty text, which is none, where they
/// name several and not all of them the same.
fn named(envelope: &Envelope) -> Option<String> {
    let names = &envelope.declarations().credentials;
    let stated = names.clauses().iter().flat_map(|clause| clause.patterns());
    let mut stated: Vec<&str> = stated
        .map(|own| own.as_str())
        .filter(|own| !own.contains('*'))
        .collect();
    stated.sort_unstable();
    stated.dedup();
    match stated[..] {
        [] => None,
        [only] => Some(only.to_owned()),
        // FAIL-CLOSED: each policy only tightens, and nothing is left.
        _ => Some(String::new()),
    }
}

/// The header that is bound to both routes of a push to this remote.
fn bound_to(credentials: &Credentials, url: &str, named: Option<&str>) -> Option<OwnHeader> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_once('/')?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (authority, if scheme == "https" { 443 } else { 80 }),
    };
    let is_tls = match scheme {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    let host = Host::parse(host).ok()?;
    let path = path.trim_end_matches('/');
    let header = |method, end: &str| {
        let path = UrlPath::parse(&format!("/{path}/{end}")).ok()?;
        let (host, path) = (&host, &path);
        let route = OwnRoute {
            host,
            port,
            is_tls,
            method,
            path,
            is_git: true,
        };
        credentials.own_header(&route, named)
    };
    let pushed = header("POST", "git-receive-pack")?;
    let asked = header("GET", "info/refs")?;
    (asked.credential == pushed.credential).then_some(pushed)
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
    if let Some(forge) = bound_forge(opened, api)? {
        return Ok(Some(forge));
    }
    match std::env::var(FORGE_TOKEN) {
        Ok(token) => {
            let forge = RestForge::new(api, token).map_err(Failure::not_started)?;
            Ok(Some(Arc::new(forge)))
        }
        Err(_) => Ok(None),
    }
}

/// A client of the forge that is authorised by what the policy binds to its host.
fn bound_forge(opened: &Opened, api: &str) -> Result<Option<Arc<dyn Forge>>, Failure> {
    let Some((scheme, rest)) = api.split_once("://") else {
        return Ok(None);
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
        _ => (authority, Some(if scheme == "https" { 443 } else { 80 })),
    };
    let (Ok(host), Some(port)) = (Host::parse(host), port) else {
        return Ok(None);
    };
    if !opened.credentials.is_bound_to_host(&host, port) {
        return Ok(None);
    }
    let named = named(&opened.sandbox.monitor().envelope());
    let forge = RestForge::bound(api, opened.credentials.clone(), named.as_deref());
    Ok(Some(Arc::new(forge.map_err(Failure::not_started)?)))
}
