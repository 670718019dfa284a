//! Bodies on their way through: counted, judged again as they leave, and settled with the monitor when they end.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use nucleus::monitor::Ticket;

use super::Shared;
use super::live::Alive;
use super::pool::Lease;
use super::relay::Watch;
use crate::credentials::Scan;

/// The error of a body, whoever made it.
pub(crate) type BodyError = Box<dyn std::error::Error + Send + Sync>;
/// A body of either direction.
pub(crate) type Content = BoxBody<Bytes, BodyError>;

/// No body.
pub(super) fn empty() -> Content {
    Empty::new().map_err(|never| match never {}).boxed()
}

/// A request's body on its way out. Trailers are left out: no rule has seen them.
pub(super) struct Leaving {
    pub(super) body: Incoming,
    pub(super) watch: Watch,
    pub(super) shared: Arc<Shared>,
    /// Looks for placeholders, where there are any.
    pub(super) scan: Option<Scan>,
}

impl Leaving {
    /// FAIL-CLOSED: the chunk that completes a placeholder never leaves, and none that a bound host is sent unread.
    fn is_barred(&mut self, data: &[u8]) -> bool {
        let Some(scan) = &mut self.scan else {
            return false;
        };
        let why = match scan.feed(data) {
            Ok(Some(number)) => self.shared.guards.credentials.in_body(number).why,
            Err(_) if scan.is_strict => "it is not encoded as it says".to_owned(),
            Ok(None) | Err(_) => return false,
        };
        self.shared.gate.note(format!("a body was cut off: {why}"));
        self.watch.life.cut(&why);
        true
    }
}

impl Body for Leaving {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else {
                return Poll::Ready(None);
            };
            let Ok(data) = frame?.into_data() else {
                continue;
            };
            if self.is_barred(&data) {
                return Poll::Ready(Some(Err(cut())));
            }
            let may = self.watch.may_send(&self.shared.gate, data.len());
            return Poll::Ready(Some(if may {
                Ok(Frame::data(data))
            } else {
                Err(cut())
            }));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body on its way in.
pub(super) struct Coming {
    pub(super) body: Incoming,
    pub(super) watch: Watch,
    pub(super) settling: Settling,
}

/// What is done once an answer has ended.
pub(super) struct Settling {
    pub(super) shared: Arc<Shared>,
    pub(super) ticket: Option<Ticket>,
    /// Gives the connection back.
    pub(super) lease: Option<Lease>,
    pub(super) alive: Option<Alive>,
}

impl Settling {
    /// Settles with the monitor; a whole answer leaves its connection to the next request.
    pub(super) fn finish(&mut self, failure: Option<&str>) {
        if let Some(ticket) = self.ticket.take() {
            self.shared.gate.finish(ticket, failure);
        }
        if let Some(lease) = self.lease.take()
            && failure.is_none()
        {
            lease.give_back();
        }
        self.alive = None;
    }
}

impl Drop for Settling {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            self.finish(Some("the program did not take the whole answer"));
        }
    }
}

impl Body for Coming {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.watch.life.token().is_cancelled() {
            return Poll::Ready(Some(Err(cut())));
        }
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            None => {
                self.settling.finish(None);
                return Poll::Ready(None);
            }
            Some(Err(error)) => {
                self.settling.finish(Some("the answer broke off"));
                return Poll::Ready(Some(Err(error.into())));
            }
            Some(Ok(frame)) => frame,
        };
        let length = frame.data_ref().map_or(0, Bytes::len);
        if !self.watch.may_receive(length) {
            self.settling
                .finish(Some("the host's byte budget is used up"));
            return Poll::Ready(Some(Err(cut())));
        }
        if self.body.is_end_stream() {
            self.settling.finish(None);
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn cut() -> BodyError {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the transfer was cut").into()
}
