//! The three answers, which both sides' own words are read as.

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Listed and not blocked.
    Permit,
    /// Neither listed nor blocked: with us a human may allow it, with Cedar no policy speaks of it.
    Ask,
    /// Blocked.
    Deny,
}
