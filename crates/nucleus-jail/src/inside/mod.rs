//! What the jail's own first process does, from the first instruction after the clone on.

pub(crate) mod bare;
pub(crate) mod command;
pub(crate) mod init;
pub(crate) mod landlock;
mod netlink;
mod nft;
pub(crate) mod overlay;
mod redirect;
pub(crate) mod root;
pub(crate) mod watch;
