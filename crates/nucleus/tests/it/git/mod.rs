//! Git against hostile repositories, arguments and remotes, each with what an honest session does.

mod commit;
mod hiding;
mod hostile;
mod moved;
mod pull_request;
mod push;
mod repository;
mod tls;
mod tools;
