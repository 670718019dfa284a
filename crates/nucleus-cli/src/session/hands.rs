//! Gives a session its hands: commands, git, the web, and a forge where one is configured.

use std::sync::Arc;

use nucleus::ports::Forge;
use nucleus::{Fetcher, Git};
use nucleus_egress::{DirectFetch, RestForge};
use nucleus_tool_proxy::SessionHands;

use super::Opened;
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
    let git = Git::new(&opened.executor, &shared);
    let fetcher = Fetcher::new(Arc::clone(monitor), Arc::new(DirectFetch::new()?));
    let hands = SessionHands::new(opened.executor.clone(), git, fetcher).with_forge(forge(opened)?);
    Ok(Arc::new(hands))
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
