//! Opens a pull request at the forge of the policy.

use nucleus_audit::Effect;
use portcullis::request::Subject;
use portcullis::{Amount, Operation};

use super::Git;
use super::names::check_branch;
use crate::error::Error;
use crate::monitor::{Need, Terms};
use crate::ports::{Forge, PullRequest};

/// The longest title and the longest text.
const MAX_BYTES: (usize, usize) = (256, 64 << 10);
/// What one pull request costs, in micro-USD.
const PULL_REQUEST_MICRO_USD: u64 = 100;

/// A pull request to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequestRequest {
    /// The URL of the repository; the policy's only remote when none is given.
    pub url: Option<String>,
    /// The branch to merge into.
    pub base: String,
    /// The branch to merge.
    pub head: String,
    /// The title.
    pub title: String,
    /// The text.
    pub text: String,
}

impl Git {
    /// Opens a pull request and returns its URL.
    ///
    /// # Errors
    /// A refusal, [`Error::Malformed`] for bad names, and [`Error::Failed`] when the forge refuses.
    pub fn create_pr(
        &self,
        forge: Option<&dyn Forge>,
        asked: &PullRequestRequest,
    ) -> Result<String, Error> {
        self.check_granted(Operation::CreatePr, || Subject::PullRequest {
            url: asked.url.clone().unwrap_or_default(),
            base: format!("refs/heads/{}", asked.base),
            head: asked.head.clone(),
            text: format!("{}\n\n{}", asked.title, asked.text),
        })?;
        let forge = forge.ok_or_else(|| {
            Error::Malformed(
                "no forge is configured: the policy's `[git] forge` and a credential on the host name it"
                    .to_owned(),
            )
        })?;
        check(asked)?;
        let pull_request = PullRequest {
            url: self.remote_url(asked.url.as_deref())?,
            base: asked.base.clone(),
            head: asked.head.clone(),
            title: asked.title.clone(),
            text: asked.text.clone(),
        };
        let subject = Subject::PullRequest {
            url: pull_request.url.clone(),
            base: format!("refs/heads/{}", asked.base),
            head: asked.head.clone(),
            text: format!("{}\n\n{}", asked.title, asked.text),
        };
        let monitor = self.executor.sandbox().monitor();
        let request = monitor.request(Operation::CreatePr, subject).build();
        let cost = Amount::of_micro_usd(PULL_REQUEST_MICRO_USD);
        let terms = Terms {
            cost,
            need: Need::Durable,
            ..Terms::default()
        };
        let admitted = monitor.admit_on(&request, &terms)?;
        let opened = forge.open_pull_request(admitted.permit, &pull_request);
        let why = opened.as_ref().err().map(ToString::to_string);
        admitted
            .ticket
            .finish(why.as_deref().map_or(Effect::Done, Effect::Failed), cost)?;
        opened.map_err(|error| Error::failed("the forge did not open the pull request", error))
    }
}

fn check(asked: &PullRequestRequest) -> Result<(), Error> {
    check_branch(&asked.base)?;
    check_branch(&asked.head)?;
    if asked.title.trim().is_empty()
        || asked.title.len() > MAX_BYTES.0
        || asked.title.contains('\n')
    {
        return Err(Error::Malformed(format!(
            "a title is one line of 1 to {} bytes",
            MAX_BYTES.0
        )));
    }
    if asked.text.len() > MAX_BYTES.1 {
        return Err(Error::Malformed(format!(
            "a text has at most {} bytes",
            MAX_BYTES.1
        )));
    }
    Ok(())
}
