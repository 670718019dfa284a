//! What a policy allows a host in bytes and requests: narrower than the envelope, never wider.

use portcullis::host::HostPattern;

/// The budget of a host, or of the hosts of a pattern together, in one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostLimit {
    /// The hosts.
    pub pattern: HostPattern,
    /// Requests and dials; unlimited when `None`.
    pub max_requests: Option<u64>,
    /// Bytes of bodies and tunnels that leave; unlimited when `None`.
    pub max_request_bytes: Option<u64>,
    /// Bytes of bodies and tunnels that come; unlimited when `None`.
    pub max_response_bytes: Option<u64>,
    /// Bytes of the path and query of one request; unlimited when `None`.
    pub max_url_bytes: Option<u64>,
}
