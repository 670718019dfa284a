//! Finds the entry of a server.

use super::Catalog;
use super::launch::{Identity, Launch, npm_name, pypi_name};
use super::server::ServerEntry;

/// Programs that start whatever they are told to: their own name says nothing of the server.
pub(super) const STARTERS: &[&str] = &[
    "bash",
    "sh",
    "zsh",
    "dash",
    "fish",
    "cmd",
    "powershell",
    "pwsh",
    "ssh",
    "wsl",
    "node",
    "python",
    "python3",
    "docker",
    "env",
];

impl Catalog {
    /// The server that this launch starts or reaches, by package, image, repository, installed program or address.
    ///
    /// `None` means unknown: the worst case. A name somebody gave it counts for nothing here.
    #[must_use]
    pub fn server_for(&self, launch: &Launch) -> Option<&ServerEntry> {
        let identity = launch.identity()?;
        self.servers.iter().find(|server| is_it(server, &identity))
    }

    /// The server that one of this name, or of a package that only sounds like it, would be; for reports.
    ///
    /// **Proves nothing about what runs**: a decision uses [`Self::server_for`].
    #[must_use]
    pub fn server_called(&self, name: &str) -> Option<&ServerEntry> {
        let plain = plain_name(name);
        let full = name.to_ascii_lowercase();
        let is_called = |own: &String| *own == plain || *own == full;
        self.servers
            .iter()
            .find(|server| server.names.iter().any(is_called))
    }

    /// The server whose product this launch's package is named after, though the package is not its publisher's.
    #[must_use]
    pub fn server_resembling(&self, launch: &Launch) -> Option<&ServerEntry> {
        match launch.identity()? {
            Identity::Npm(name) => self.server_called(name.rsplit('/').next()?),
            Identity::Program(name) if is_starter(&name) => None,
            Identity::Pypi(name) => self.server_called(&name),
            Identity::Image(name) | Identity::Repository(name) | Identity::Program(name) => {
                self.server_called(name.rsplit(['/', '\\']).next()?)
            }
            Identity::Address(_) => None,
        }
    }
}

fn is_starter(program: &str) -> bool {
    STARTERS.contains(&program.rsplit(['/', '\\']).next().unwrap_or(program))
}

fn is_it(server: &ServerEntry, identity: &Identity) -> bool {
    match identity {
        Identity::Npm(name) => server.npm.iter().any(|own| own == npm_name(name)),
        Identity::Pypi(name) => server.pypi.iter().any(|own| pypi_name(own) == *name),
        Identity::Image(name) => server.images.iter().any(|own| own == name),
        Identity::Repository(url) => server.home.eq_ignore_ascii_case(url),
        Identity::Program(name) => server.commands.iter().any(|own| own == name),
        Identity::Address(address) => server.hosts.iter().any(|own| is_below(address, own)),
    }
}

/// Whether the address is the host and, where one is stated, the path or below it.
fn is_below(address: &str, own: &str) -> bool {
    address
        .strip_prefix(own)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A name less what everybody writes around it: `mcp-server-notion`, `@x/server-notion`, `notion_mcp`.
fn plain_name(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace(['_', ' '], "-");
    let mut plain = name.as_str();
    for start in ["mcp-server-", "server-", "mcp-"] {
        plain = plain.strip_prefix(start).unwrap_or(plain);
    }
    for end in ["-mcp-server", "-server-mcp", "-server", "-mcp"] {
        plain = plain.strip_suffix(end).unwrap_or(plain);
    }
    plain.to_owned()
}
