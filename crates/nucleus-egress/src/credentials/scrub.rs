//! Takes every form of the secrets out of what a bound host sends, also where it is cut into pieces.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{HeaderName, HeaderValue, SET_COOKIE};
use portcullis::host::Host;
use zeroize::Zeroizing;

use super::Credentials;
use crate::proxy::{BodyError, Content};

/// Replaces in a stream; the end of what came is held back while it could be the beginning of a form.
pub(crate) struct Scrubber {
    credentials: Credentials,
    host: Host,
    port: u16,
    held: Zeroizing<Vec<u8>>,
}

impl Scrubber {
    pub(crate) fn new(credentials: Credentials, host: Host, port: u16) -> Self {
        Self {
            credentials,
            host,
            port,
            held: Zeroizing::default(),
        }
    }

    /// What may be handed on of these bytes and those before them.
    pub(crate) fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut text = std::mem::take(&mut *self.held);
        text.extend_from_slice(bytes);
        let forms = self.credentials.forms_of(&self.host, self.port);
        let mut clean = forms.iter().fold(text, |text, own| own.replaced(text));
        let begun = forms.iter().map(|own| own.begun_at_end(&clean)).max();
        let kept = clean.len() - begun.unwrap_or(0);
        self.held = Zeroizing::new(clean[kept..].to_vec());
        clean.truncate(kept);
        clean
    }

    /// What was held back, once nothing follows.
    pub(crate) fn end(&mut self) -> Vec<u8> {
        std::mem::take(&mut *self.held)
    }

    /// Replaces in headers; one whose name holds a form is left out.
    ///
    /// Cookies too: who has the cookie of a session is taken for the owner of the secret, on every route.
    pub(crate) fn headers(&self, headers: &mut HeaderMap) {
        headers.remove(SET_COOKIE);
        headers.remove(HeaderName::from_static("set-cookie2"));
        for forms in self.credentials.forms_of(&self.host, self.port) {
            let named: Vec<_> = headers
                .keys()
                .filter(|name| forms.are_in_folded(name.as_str()))
                .cloned()
                .collect();
            for name in named {
                headers.remove(name);
            }
            for value in headers
                .values_mut()
                .filter(|value| forms.are_in(value.as_bytes()))
            {
                let clean = forms.replaced(value.as_bytes().to_vec());
                // FAIL-CLOSED: what no header can carry becomes nothing.
                *value = HeaderValue::from_bytes(&clean)
                    .unwrap_or_else(|_| HeaderValue::from_static(""));
            }
        }
    }
}

/// An answer's body without the secrets.
pub(crate) struct Scrubbed {
    body: Content,
    scrubber: Scrubber,
    is_over: bool,
}

impl Scrubbed {
    pub(crate) fn new(body: Content, scrubber: Scrubber) -> Self {
        Self {
            body,
            scrubber,
            is_over: false,
        }
    }
}

impl Body for Scrubbed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        while !this.is_over {
            let Some(frame) = ready!(Pin::new(&mut this.body).poll_frame(cx)) else {
                this.is_over = true;
                let rest = this.scrubber.end();
                let last = (!rest.is_empty()).then(|| Ok(Frame::data(Bytes::from(rest))));
                return Poll::Ready(last);
            };
            match frame?.into_data() {
                Ok(data) => {
                    let clean = this.scrubber.pass(&data);
                    if !clean.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(Bytes::from(clean)))));
                    }
                }
                Err(other) => {
                    let Ok(mut trailers) = other.into_trailers() else {
                        continue;
                    };
                    let rest = this.scrubber.end();
                    // What was held back goes before them, or they go: nothing follows trailers.
                    if !rest.is_empty() {
                        this.is_over = true;
                        return Poll::Ready(Some(Ok(Frame::data(Bytes::from(rest)))));
                    }
                    this.scrubber.headers(&mut trailers);
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
            }
        }
        Poll::Ready(None)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use nucleus_spec::{Credential, Scheme, SecretSource};
    use portcullis::host::{Host, HostPattern, HostRule};
    use zeroize::Zeroizing;

    use super::super::Credentials;
    use super::Scrubber;

    const SECRET: &str = "canary-secret-of-some-length";

    fn scrubber(at: &str) -> (Scrubber, String) {
        let binding = Credential {
            name: "KEY".to_owned(),
            source: SecretSource::Variable("KEY".to_owned()),
            routes: vec![HostRule::new(HostPattern::parse("api.test").unwrap())],
            header: "authorization".to_owned(),
            scheme: Scheme::Any,
            user: None,
        };
        let value = Zeroizing::new(SECRET.to_owned());
        let all = Credentials::new([(binding, value)]).unwrap();
        let placeholder = all.environment().remove(0).1;
        (
            Scrubber::new(all, Host::parse(at).unwrap(), 443),
            placeholder,
        )
    }

    #[test]
    fn a_secret_is_taken_out_wherever_the_stream_is_cut() {
        let text = format!(
            "before {SECRET} between {SECRET}{SECRET} after {}",
            &SECRET[..9]
        );
        for step in 1..text.len() {
            let (mut scrubber, placeholder) = scrubber("api.test");
            let mut clean = Vec::new();
            for chunk in text.as_bytes().chunks(step) {
                clean.extend(scrubber.pass(chunk));
            }
            clean.extend(scrubber.end());
            let clean = String::from_utf8(clean).unwrap();
            assert_eq!(clean, text.replace(SECRET, &placeholder), "{step}");
        }
    }

    #[test]
    fn what_holds_no_beginning_of_a_secret_is_handed_on_at_once() {
        let (mut scrubber, _) = scrubber("api.test");
        assert_eq!(scrubber.pass(b"data: 1\n\n"), b"data: 1\n\n");
    }

    #[test]
    fn a_host_that_knows_no_secret_is_read_as_it_is() {
        let (mut scrubber, _) = scrubber("other.test");
        assert_eq!(scrubber.pass(SECRET.as_bytes()), SECRET.as_bytes());
    }
}
