//! What the helper does outside the jail.

pub(crate) mod cgroup;
pub(crate) mod clone;
pub(crate) mod diagnose;
pub(crate) mod mounts;
pub(crate) mod session;
