//! Sends a query to the search backend that the user configured.

use std::time::Duration;

use portcullis::request::{Content, Subject, UrlSubject};
use portcullis::{Exposure, Operation};

use super::hop::Leg;
use super::target::{Method, invalid, parse, subject};
use super::{Fetched, FetchedBody, Fetcher};
use crate::error::Error;
use crate::monitor::Handing;

/// The longest query.
const MAX_QUERY_BYTES: usize = 1024;
/// The most of an answer: a page of results.
const MAX_ANSWER_BYTES: u64 = 1 << 20;
/// The most time for an answer.
const LIMIT: Duration = Duration::from_secs(30);

/// A search backend: a URL in which `{query}` stands for the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchBackend {
    template: String,
}

impl SearchBackend {
    /// The backend at this URL.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no `https` URL or has no `{query}` after its `?`.
    pub fn new(template: impl Into<String>) -> Result<Self, Error> {
        let template = template.into();
        let url = parse(&template.replace("{query}", "q"))?;
        let target = subject(&url, Method::Get)?;
        if target.scheme != "https" {
            return Err(invalid(&template, "a search backend is reached by https"));
        }
        match template.split_once('?') {
            Some((_, query)) if query.contains("{query}") => Ok(Self { template }),
            _ => Err(invalid(
                &template,
                "a search backend needs `{query}` after its `?`",
            )),
        }
    }

    fn url(&self, query: &str) -> String {
        let encoded: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        self.template.replace("{query}", &encoded)
    }
}

impl Fetcher {
    /// Sends a query and hands the answer to the agent; a redirect is an answer.
    ///
    /// # Errors
    /// As [`Fetcher::fetch`], and [`Error::Invalid`] when no backend is configured.
    pub fn search(&self, query: &str) -> Result<Fetched, Error> {
        let backend = self.search.as_ref().ok_or_else(|| {
            Error::Malformed(
                "no search backend is configured\nhelp: the user names one when the session starts: an https \
                 URL with `{query}` after its `?`, at a host that [network] `hosts` of the policy lists"
                    .to_owned(),
            )
        })?;
        if query.trim().is_empty() || query.len() > MAX_QUERY_BYTES {
            return Err(Error::Malformed(format!(
                "a query has 1 to {MAX_QUERY_BYTES} bytes"
            )));
        }
        let url = parse(&backend.url(query))?;
        let target = subject(&url, Method::Get)?;
        let asked = asked(&target, query);
        // The final URL is part of the request's digest.
        let content = Content::Inline(url.as_str().as_bytes().into());
        let request = self
            .monitor
            .request(Operation::WebSearch, asked)
            .content(content)
            .build();
        let leg = Leg {
            url: &target,
            body: &[],
            body_bytes: MAX_ANSWER_BYTES,
            limit: LIMIT,
            handing: Handing::Agent,
            carried: Exposure::NONE,
        };
        let (reply, _) = self.hop_as(&request, &leg)?;
        Ok(Fetched {
            url: url.to_string(),
            status: reply.status,
            content_type: reply.content_type,
            body: FetchedBody::Bytes(reply.body),
            is_cut: reply.is_cut,
            redirects: Vec::new(),
        })
    }
}

/// A query is judged at port 443. A backend at another port is judged as the URL
/// it is reached at, which needs a rule for that port and `web_fetch` beside `web_search`.
fn asked(target: &UrlSubject, query: &str) -> Subject {
    if target.port == 443 {
        return Subject::Query {
            backend: target.host.clone(),
            text: query.to_owned(),
        };
    }
    Subject::Url(target.clone())
}
