//! Applies what guards a request beside the policy: bound credentials, and lockfiles that registries are held to.

use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, COOKIE, HeaderMap, HeaderName, HeaderValue,
    IF_RANGE, RANGE, TRANSFER_ENCODING,
};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use nucleus::dial::Treatment;

use super::Shared;
use super::body::Content;
use super::refusal::Refusal;
use super::relay::Watch;
use super::route::Route;
use super::target::Target;
use crate::artifacts::{Expected, Held, Pinned, is_refusal};
use crate::credentials::{
    Credentials, Misplaced, Place, Put, Scan, Scrubbed, Scrubber, check_form,
};

/// What guards a session's requests beside its policy; nothing by default.
#[derive(Clone, Debug, Default)]
pub struct Guards {
    /// Secrets that programs use without having them.
    pub credentials: Credentials,
    /// The lockfiles that registries are held to, where the policy wants it.
    pub pinned: Option<Pinned>,
}

impl Shared {
    /// How what goes to a target is handled: a guarded host is always inspected, whatever its rules say.
    pub(super) fn treatment(&self, target: &Target) -> Treatment {
        let (host, port) = (&target.host, target.port);
        let pinned = self.guards.pinned.as_ref();
        let is_guarded = self.guards.credentials.is_bound(host, port)
            || pinned.is_some_and(|pinned| pinned.covers(host, port));
        if is_guarded {
            return Treatment::Inspected;
        }
        self.gate.dials().treatment(&target.host, target.port)
    }
}

/// The guards as they speak of one request.
#[derive(Clone, Copy)]
pub(super) struct Guarded<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) route: &'a Route,
}

impl Guarded<'_> {
    fn credentials(&self) -> &Credentials {
        &self.shared.guards.credentials
    }

    /// Whether a secret is bound to the host, so that what it sends may hold it.
    fn is_bound(&self) -> bool {
        let target = &self.route.target;
        self.credentials().is_bound(&target.host, target.port)
    }

    fn pinned(&self) -> Option<&Pinned> {
        let target = &self.route.target;
        let pinned = self.shared.guards.pinned.as_ref();
        pinned.filter(|pinned| pinned.covers(&target.host, target.port))
    }

    /// The secrets to put in once the request is permitted.
    pub(super) fn place(&self, headers: &HeaderMap) -> Result<Vec<Put>, Refusal> {
        let route = self.route;
        if route.is_upgrade && self.pinned().is_some() {
            let why = "a registry that is held to lockfiles takes no upgrade: what follows it cannot be hashed".to_owned();
            let code = "artifact_upgrade";
            return Err(self.refused(Misplaced { code, why }));
        }
        let place = Place {
            host: &route.target.host,
            port: route.target.port,
            is_tls: route.is_tls,
            is_upgrade: route.is_upgrade,
            method: &route.url.method,
            path: route.url.path.as_ref(),
            path_and_query: &route.path_and_query,
        };
        self.credentials()
            .place(&place, headers)
            .map_err(|misplaced| self.refused(misplaced))
    }

    fn refused(&self, misplaced: Misplaced) -> Refusal {
        let line = format!(
            "request to {} refused: {}",
            self.route.target, misplaced.why
        );
        self.shared.gate.note(line);
        Refusal::forbidden(misplaced.code, misplaced.why)
    }

    /// Judges the body before any of it is sent: what looks for placeholders in one that is not held whole.
    pub(super) fn check_sent(
        &self,
        puts: &[Put],
        head: &Parts,
        whole: Option<&[u8]>,
    ) -> Result<Option<Scan>, Refusal> {
        check_form(puts, head.method.as_str(), &head.headers, whole)
            .map_err(|misplaced| self.refused(misplaced))?;
        match whole {
            Some(bytes) => self.check_body(&head.headers, bytes).map(|()| None),
            None => self.scan(&head.headers),
        }
    }

    /// What looks for placeholders in the body; nothing where there is none to find.
    ///
    /// FAIL-CLOSED: a bound host is sent nothing that cannot be read.
    fn scan(&self, headers: &HeaderMap) -> Result<Option<Scan>, Refusal> {
        if self.credentials().is_empty() {
            return Ok(None);
        }
        let is_strict = self.is_bound();
        match Scan::of(self.credentials(), headers, is_strict) {
            None if is_strict => Err(unreadable_body()),
            scan => Ok(scan),
        }
    }

    /// Looks for placeholders in a whole body.
    fn check_body(&self, headers: &HeaderMap, bytes: &[u8]) -> Result<(), Refusal> {
        let Some(mut scan) = self.scan(headers)? else {
            return Ok(());
        };
        let fed = scan.feed(bytes);
        if let Ok(Some(number)) = fed {
            return Err(self.refused(self.credentials().in_body(number)));
        }
        let is_whole = bytes.is_empty() || fed.and_then(|_| scan.end()).is_ok();
        if is_whole || !scan.is_strict {
            Ok(())
        } else {
            Err(unreadable_body())
        }
    }

    /// Puts the secrets in and asks for an answer that can be read whole.
    pub(super) fn prepare(&self, puts: &[Put], headers: &mut HeaderMap) -> Result<(), Refusal> {
        if self.is_bound() || self.pinned().is_some() {
            // A part of an answer could hold a part of a secret, or of an artifact.
            headers.remove(RANGE);
            headers.remove(IF_RANGE);
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        if self.is_bound() {
            headers.remove(COOKIE);
        }
        let put = self.credentials().put_in(puts, headers);
        put.map_err(|misplaced| Refusal::forbidden(misplaced.code, misplaced.why))
    }

    /// Refuses an answer that cannot be read where it has to be.
    pub(super) fn check_answer(&self, answer: &Response<Incoming>) -> Result<(), Refusal> {
        if !self.is_bound() && self.pinned().is_none() {
            return Ok(());
        }
        let is_plain = |name: HeaderName, usual: &str| {
            let mut values = answer.headers().get_all(name).iter();
            values.all(|value| value.as_bytes().eq_ignore_ascii_case(usual.as_bytes()))
        };
        let is_readable = is_plain(CONTENT_ENCODING, "identity")
            && is_plain(TRANSFER_ENCODING, "chunked")
            && answer.status() != StatusCode::PARTIAL_CONTENT;
        if is_readable {
            return Ok(());
        }
        let why =
            "the answer is encoded or partial, so it cannot be read for credentials or hashes";
        Err(Refusal::forbidden("unreadable_answer", why))
    }

    /// The answer as the program may have it.
    pub(super) async fn answer(
        &self,
        answer: Response<Content>,
        watch: &Watch,
    ) -> Result<Response<Content>, Refusal> {
        let answer = self.held_to_lockfiles(answer, watch).await?;
        if !self.is_bound() {
            return Ok(answer);
        }
        let target = &self.route.target;
        let credentials = self.credentials().clone();
        let scrubber = Scrubber::new(credentials, target.host.clone(), target.port);
        let (mut head, body) = answer.into_parts();
        scrubber.headers(&mut head.headers);
        if body.is_end_stream() {
            return Ok(Response::from_parts(head, body));
        }
        // The placeholder need not be as long as the secret.
        head.headers.remove(CONTENT_LENGTH);
        Ok(Response::from_parts(
            head,
            Scrubbed::new(body, scrubber).boxed(),
        ))
    }

    /// Nothing of an artifact that is refused before its first byte arrives: the program is told why instead.
    async fn held_to_lockfiles(
        &self,
        answer: Response<Content>,
        watch: &Watch,
    ) -> Result<Response<Content>, Refusal> {
        let Some(pinned) = self.pinned() else {
            return Ok(answer);
        };
        let (head, body) = answer.into_parts();
        if body.is_end_stream() {
            return Ok(Response::from_parts(head, body));
        }
        let path = self
            .route
            .url
            .path
            .as_ref()
            .map_or("/", |path| path.as_str());
        let expected = Expected::new(pinned.artifacts(), path, head.status.as_u16());
        let (life, shared) = (Arc::clone(&watch.life), Arc::clone(self.shared));
        let place = format!("{}{path}", self.route.target);
        let on_cut = move |why: &str| {
            shared.gate.note(format!("{place} was cut off: {why}"));
            life.cut(why);
        };
        let held = Held::new(body, expected, Box::new(on_cut));
        match held.begin().await {
            Ok(held) => Ok(Response::from_parts(head, held.boxed())),
            Err(why) if is_refusal(&why) => {
                Err(Refusal::forbidden("artifact_not_locked", why.to_string()))
            }
            Err(why) => Err(Refusal::failed(format!("the answer broke off: {why}"))),
        }
    }
}

fn unreadable_body() -> Refusal {
    let why = "the body is encoded so that it cannot be read; this host has a bound credential";
    Refusal::forbidden("unreadable_body", why)
}
