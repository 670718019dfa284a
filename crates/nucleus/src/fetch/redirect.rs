//! Follows redirects, each judged as a request of its own.

use std::time::Instant;

use portcullis::Exposure;
use url::Url;

use super::hop::Leg;
use super::target::{Method, invalid, parse, subject};
use super::{FetchRequest, Fetched, FetchedBody, Fetcher, MAX_HOPS};
use crate::error::Error;
use crate::monitor::Handing;
use crate::ports::HopReply;

impl Fetcher {
    pub(super) fn follow(
        &self,
        request: &FetchRequest,
        handing: Handing,
    ) -> Result<Fetched, Error> {
        let until = Instant::now() + request.limit;
        let (mut url, mut method, mut body) =
            (parse(&request.url)?, request.method, &*request.body);
        let mut redirects = Vec::new();
        let mut carried = Exposure::NONE;
        for _ in 0..MAX_HOPS {
            let target = subject(&url, method)?;
            let limit = until.saturating_duration_since(Instant::now());
            if limit.is_zero() {
                return Err(invalid(url.as_str(), "it took too long"));
            }
            let leg = Leg {
                url: &target,
                body,
                body_bytes: request.body_bytes,
                limit,
                handing,
                carried,
            };
            let (reply, labels) = self.hop(&leg)?;
            let Some(next) = next_url(&url, &reply)? else {
                let body = self.body_of(&reply, labels, handing)?;
                return Ok(fetched(&url, reply, body, redirects));
            };
            if !keeps_method(reply.status, method) {
                (method, body) = (Method::Get, &[]);
            }
            carried = carried.join(labels);
            redirects.push(std::mem::replace(&mut url, next).to_string());
        }
        Err(invalid(url.as_str(), "it is redirected too often"))
    }

    fn body_of(
        &self,
        reply: &HopReply,
        labels: Exposure,
        handing: Handing,
    ) -> Result<FetchedBody, Error> {
        if handing == Handing::Agent {
            return Ok(FetchedBody::Bytes(reply.body.clone()));
        }
        let held = self.monitor.hold(reply.body.clone().into(), labels);
        held.map(FetchedBody::Held)
            .ok_or_else(|| Error::Invalid("the session holds too much content already".to_owned()))
    }
}

fn fetched(url: &Url, reply: HopReply, body: FetchedBody, redirects: Vec<String>) -> Fetched {
    Fetched {
        url: url.to_string(),
        status: reply.status,
        content_type: reply.content_type,
        body,
        is_cut: reply.is_cut,
        redirects,
    }
}

/// Where a redirect leads, or `None` for an answer.
///
/// FAIL-CLOSED: a redirect that names nothing, or leads from `https` to `http`, is an error.
fn next_url(url: &Url, reply: &HopReply) -> Result<Option<Url>, Error> {
    if !matches!(reply.status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = reply
        .location
        .as_deref()
        .ok_or_else(|| invalid(url.as_str(), "a redirect names no place"))?;
    let mut next = url
        .join(location)
        .map_err(|error| invalid(location, &error.to_string()))?;
    next.set_fragment(None);
    if url.scheme() == "https" && next.scheme() != "https" {
        return Err(invalid(
            next.as_str(),
            "a redirect leads from https to an open connection",
        ));
    }
    Ok(Some(next))
}

/// Whether a redirect of this status repeats the method and body.
fn keeps_method(status: u16, method: Method) -> bool {
    matches!(status, 307 | 308) || matches!(method, Method::Get | Method::Head)
}
