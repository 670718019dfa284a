//! Passes a provider's answer on while reading from it what the call used.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use portcullis::Amount;
use serde_json::Value;

use super::account::Hold;
use super::held::{Held, Room};
use super::price::Price;
use super::route::Api;
use super::sse::Events;
use super::usage::{Meter, Usage};

/// The largest whole answer that is read for its usage; a larger one, and one for which all answers together leave
/// no room, is settled by its reservation.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// What is read of an answer, and who is told.
#[derive(Debug)]
pub(super) struct Bill {
    api: Api,
    price: Price,
    bound: Amount,
    hold: Option<Box<dyn Hold>>,
    meter: Meter,
    reader: Reader,
    room: Room,
    held: Held,
}

#[derive(Debug)]
enum Reader {
    Whole(Vec<u8>),
    Stream {
        events: Events,
        hides_usage: bool,
    },
    /// Nothing can be read: the reservation is what it cost.
    Lost,
}

impl Bill {
    pub(super) fn new(
        api: Api,
        price: Price,
        bound: Amount,
        hold: Box<dyn Hold>,
        is_stream: bool,
        hides_usage: bool,
        room: Room,
    ) -> Self {
        let reader = match is_stream {
            true => Reader::Stream {
                events: Events::default(),
                hides_usage,
            },
            false => Reader::Whole(Vec::new()),
        };
        Self {
            api,
            price,
            bound,
            hold: Some(hold),
            meter: Meter::default(),
            reader,
            room,
            held: Held::NONE,
        }
    }

    /// Nothing of the answer can be read.
    pub(super) fn lose(&mut self) {
        self.reader = Reader::Lost;
    }

    /// The provider refused the call: nothing was generated.
    pub(super) fn cancel(mut self) {
        if let Some(hold) = self.hold.take() {
            hold.settle(Amount::ZERO);
        }
    }

    /// Reads a piece and returns what of it the client is given.
    fn read(&mut self, piece: Bytes) -> Bytes {
        let (api, meter) = (self.api, &mut self.meter);
        match &mut self.reader {
            Reader::Lost => piece,
            Reader::Whole(held) => {
                let length = held.len() + piece.len();
                if length > MAX_ANSWER_BYTES || !self.room.grow(&mut self.held, length) {
                    self.reader = Reader::Lost;
                    self.held = Held::NONE;
                } else {
                    held.extend_from_slice(&piece);
                }
                piece
            }
            Reader::Stream {
                events,
                hides_usage: false,
            } => {
                events.feed(&piece, |data| see(api, meter, data));
                piece
            }
            Reader::Stream {
                events,
                hides_usage: true,
            } => {
                let mut kept = Vec::new();
                events.feed(&piece, |data| {
                    see(api, meter, data);
                    if !is_usage_alone(data) {
                        for line in data.lines() {
                            kept.extend_from_slice(b"data: ");
                            kept.extend_from_slice(line.as_bytes());
                            kept.push(b'\n');
                        }
                        kept.push(b'\n');
                    }
                });
                Bytes::from(kept)
            }
        }
    }

    /// The answer ended as answers end.
    fn end(&mut self) {
        if let Reader::Whole(held) = &self.reader
            && let Ok(answer) = serde_json::from_slice::<Value>(held)
        {
            self.meter.see(self.api, &answer);
        }
        self.settle(self.meter.settled());
    }

    /// Settles by what is known; a call of which the end was not seen costs its reservation, or more if more was reported.
    fn settle(&mut self, whole: Option<Usage>) {
        let Some(hold) = self.hold.take() else { return };
        let used = match (whole, self.meter.reported()) {
            (Some(usage), _) => self.price.cost(&usage),
            (None, Some(usage)) => larger(self.price.cost(&usage), self.bound),
            (None, None) => self.bound,
        };
        hold.settle(used);
    }
}

impl Drop for Bill {
    /// The client left, or the provider fell silent; an answer whose last event was seen is paid by what it reports.
    fn drop(&mut self) {
        // Gemini ends each of several answers by itself.
        let whole = self.meter.settled().filter(|_| self.api != Api::Gemini);
        self.settle(whole);
    }
}

fn larger(a: Amount, b: Amount) -> Amount {
    Amount {
        micro_usd: a.micro_usd.max(b.micro_usd),
        input_tokens: a.input_tokens.max(b.input_tokens),
        output_tokens: a.output_tokens.max(b.output_tokens),
    }
}

fn see(api: Api, meter: &mut Meter, data: &str) {
    if let Ok(event) = serde_json::from_str::<Value>(data) {
        meter.see(api, &event);
    }
}

/// The chunk that says nothing but what a stream used.
fn is_usage_alone(data: &str) -> bool {
    serde_json::from_str::<Value>(data).is_ok_and(|event| {
        event["usage"].is_object() && event["choices"].as_array().is_some_and(Vec::is_empty)
    })
}

/// The body of an answer, read in passing.
#[derive(Debug)]
pub(super) struct Metered {
    inner: Incoming,
    bill: Option<Bill>,
}

impl Metered {
    pub(super) fn new(inner: Incoming, bill: Option<Bill>) -> Self {
        Self { inner, bill }
    }
}

impl Body for Metered {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        loop {
            let polled = ready!(Pin::new(&mut self.inner).poll_frame(cx));
            return Poll::Ready(match polled {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(piece) => {
                        let piece = match &mut self.bill {
                            Some(bill) => bill.read(piece),
                            None => piece,
                        };
                        if piece.is_empty() {
                            continue;
                        }
                        Some(Ok(Frame::data(piece)))
                    }
                    // Trailers are not passed on.
                    Err(_) => continue,
                },
                Some(Err(error)) => Some(Err(std::io::Error::other(error))),
                None => {
                    if let Some(mut bill) = self.bill.take() {
                        bill.end();
                    }
                    None
                }
            });
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
