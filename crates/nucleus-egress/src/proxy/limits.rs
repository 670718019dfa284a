//! Counts what goes to and comes from hosts against what the policy allows them in a session.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nucleus_spec::HostLimit;

use super::target::Target;

/// The limits of a session with what was used of them.
#[derive(Clone, Debug)]
pub(super) struct Limits(Arc<Vec<Counted>>);

#[derive(Debug)]
struct Counted {
    limit: HostLimit,
    requests: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
}

impl Limits {
    pub(super) fn new(limits: Vec<HostLimit>) -> Self {
        let counted = |limit| Counted {
            limit,
            requests: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
        };
        Self(Arc::new(limits.into_iter().map(counted).collect()))
    }

    /// The limits that speak of the target.
    pub(super) fn meter(&self, target: &Target) -> Meter {
        let speaks = |counted: &Counted| counted.limit.pattern.matches(&target.host, target.port);
        let which = (0..self.0.len())
            .filter(|at| speaks(&self.0[*at]))
            .collect();
        Meter {
            all: Arc::clone(&self.0),
            which,
        }
    }
}

/// The limits of one target.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    all: Arc<Vec<Counted>>,
    which: Vec<usize>,
}

impl Meter {
    /// Counts one request or dial; no, when that is one too many.
    pub(super) fn request(&self) -> bool {
        self.count(1, |counted| (&counted.requests, counted.limit.max_requests))
    }

    /// Whether a path with its query may be as long as this.
    pub(super) fn takes_url(&self, bytes: usize) -> bool {
        self.which.iter().all(|at| {
            let limit = self.all[*at].limit.max_url_bytes;
            limit.is_none_or(|limit| bytes as u64 <= limit)
        })
    }

    /// Counts bytes before they leave; no, when they may not.
    pub(super) fn send(&self, bytes: usize) -> bool {
        self.count(bytes, |counted| {
            (&counted.sent, counted.limit.max_request_bytes)
        })
    }

    /// Counts bytes before they are handed over; no, when they may not be.
    pub(super) fn receive(&self, bytes: usize) -> bool {
        self.count(bytes, |counted| {
            (&counted.received, counted.limit.max_response_bytes)
        })
    }

    /// Counts in all limits, also where one of them says no.
    fn count(&self, by: usize, of: impl Fn(&Counted) -> (&AtomicU64, Option<u64>)) -> bool {
        self.which.iter().fold(true, |fits, at| {
            let (used, limit) = of(&self.all[*at]);
            let after = used
                .fetch_add(by as u64, Ordering::Relaxed)
                .saturating_add(by as u64);
            fits && limit.is_none_or(|limit| after <= limit)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Limits;
    use crate::proxy::target::Target;
    use nucleus_spec::HostLimit;
    use portcullis::host::HostPattern;

    #[test]
    fn what_fits_passes_and_the_next_byte_does_not() {
        let limits = Limits::new(vec![HostLimit {
            pattern: HostPattern::parse("a.test").unwrap(),
            max_requests: Some(2),
            max_request_bytes: Some(10),
            max_response_bytes: None,
            max_url_bytes: Some(8),
        }]);
        let meter = limits.meter(&Target::parse("a.test:443", None).unwrap());
        assert!(meter.send(4) && meter.send(6) && !meter.send(1));
        assert!(meter.receive(1 << 40));
        assert!(meter.takes_url(8) && !meter.takes_url(9));
        assert!(meter.request() && meter.request() && !meter.request());
        let other = limits.meter(&Target::parse("b.test:443", None).unwrap());
        assert!(other.send(11) && other.request());
    }
}
