//! One hop: judged, resolved, checked, fetched, recorded.

use std::net::SocketAddr;
use std::time::Duration;

use nucleus_audit::{Effect, Recorded};
use portcullis::decide::Permit;
use portcullis::request::{Content, Request, Subject, UrlSubject};
use portcullis::{Amount, Exposure, Operation};

use super::Fetcher;
use crate::dial::DialError;
use crate::error::Error;
use crate::monitor::{Admitted, Handing, Need, Terms};
use crate::ports::{Hop, HopReply};

/// What one hop costs, in micro-USD.
const HOP_MICRO_USD: u64 = 50;

/// One hop to make.
pub(super) struct Leg<'a> {
    pub(super) url: &'a UrlSubject,
    pub(super) body: &'a [u8],
    pub(super) body_bytes: u64,
    pub(super) limit: Duration,
    pub(super) handing: Handing,
    /// The labels of whatever named this URL.
    pub(super) carried: Exposure,
}

impl Fetcher {
    /// Makes one hop and returns its answer with the labels it brings.
    pub(super) fn hop(&self, leg: &Leg<'_>) -> Result<(HopReply, Exposure), Error> {
        let content = match leg.body {
            [] => Content::None,
            body => Content::Inline(body.into()),
        };
        let subject = Subject::Url(leg.url.clone());
        let builder = self
            .monitor
            .request(Operation::WebFetch, subject)
            .content(content);
        self.hop_as(&builder.carrying(leg.carried).build(), leg)
    }

    /// Makes a hop on behalf of a request that names it.
    pub(super) fn hop_as(
        &self,
        request: &Request,
        leg: &Leg<'_>,
    ) -> Result<(HopReply, Exposure), Error> {
        let cost = Amount::of_micro_usd(HOP_MICRO_USD);
        let terms = Terms {
            cost,
            need: Need::Durable,
            handing: leg.handing,
            ..Terms::default()
        };
        let Admitted { permit, ticket } = self.monitor.admit_on(request, &terms)?;
        let labels = permit.get().facts().sources;
        let reply = self.exchange(permit, request, leg);
        let why = reply.as_ref().err().map(ToString::to_string);
        ticket.finish(why.as_deref().map_or(Effect::Done, Effect::Failed), cost)?;
        Ok((reply?, labels))
    }

    /// The effect of a permitted hop.
    fn exchange(
        &self,
        permit: Recorded<Permit>,
        request: &Request,
        leg: &Leg<'_>,
    ) -> Result<HopReply, Error> {
        let addresses = self.addresses(&permit, request, leg.url)?;
        let hop = Hop {
            url: leg.url,
            addresses: &addresses,
            body: leg.body,
            body_bytes: leg.body_bytes,
            limit: leg.limit,
        };
        self.port
            .fetch(permit, &hop)
            .map_err(|error| Error::failed(format!("cannot fetch from `{}`", leg.url.host), error))
    }

    /// The addresses of the host, checked and kept: those dialled are those checked.
    fn addresses(
        &self,
        permit: &Recorded<Permit>,
        request: &Request,
        url: &UrlSubject,
    ) -> Result<Vec<SocketAddr>, Error> {
        let mut resolve = |permit: &Recorded<Permit>, name: &str| self.port.resolve(permit, name);
        match self.dials.addresses(permit, request, url, &mut resolve) {
            Ok(addresses) => Ok(addresses),
            Err(DialError::Refused(refused)) => Err(Error::from(*refused)),
            Err(DialError::Unresolved(error)) => Err(Error::failed(
                format!("cannot resolve `{}`", url.host),
                error,
            )),
            Err(DialError::TooManyNames) => Err(Error::Invalid(
                "the session has reached too many hosts already".to_owned(),
            )),
        }
    }
}
