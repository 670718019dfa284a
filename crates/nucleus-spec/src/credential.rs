//! Says where a secret of the host comes from and on which routes the proxy puts it in. **Names and routes alone: no value is ever here.**

use portcullis::host::{Host, HostRule, UrlPath};

/// A secret of the host, and the only routes it is used on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its name, which is the variable that holds its placeholder in jails.
    pub name: String,
    /// Where the host reads it when a session starts.
    pub source: SecretSource,
    /// The hosts, methods and paths; never a host with a wildcard.
    pub routes: Vec<HostRule>,
    /// The header it is put in, in lower case.
    pub header: String,
    /// How it stands in the header.
    pub scheme: Scheme,
    /// The user of `basic`, where the policy names one.
    pub user: Option<String>,
}

/// Where the host finds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// A variable of the host's environment.
    Variable(String),
    /// A file of the host: an absolute path, or one below `~/`.
    File(String),
    /// `service/user` of the system's keyring.
    Keyring(String, String),
    /// What a program prints, run on the host.
    Command(Vec<String>),
}

/// How a secret stands in its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `Bearer`, `token` or `Basic`, whichever the program wrote.
    Any,
    /// `Bearer SECRET`.
    Bearer,
    /// `token SECRET`.
    Token,
    /// `Basic`, with the secret as the password.
    Basic,
    /// The secret alone.
    Bare,
}

impl Credential {
    /// Whether it is bound to this host, by whichever route.
    #[must_use]
    pub fn is_of_host(&self, host: &Host, port: u16) -> bool {
        self.routes.iter().any(|rule| rule.matches_host(host, port))
    }

    /// Whether it is bound to this route.
    #[must_use]
    pub fn covers(&self, host: &Host, port: u16, method: &str, path: &UrlPath) -> bool {
        let seen = Some((method, path));
        self.routes
            .iter()
            .any(|rule| rule.matches(host, port, seen))
    }

    /// Whether the other one has the same source, header and scheme, so that both are one secret.
    pub(crate) fn is_same_secret(&self, other: &Self) -> bool {
        self.name == other.name && self.source == other.source
    }
}

impl std::fmt::Display for SecretSource {
    /// For people: the place, never the value.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "the host's variable {name}"),
            Self::File(path) => write!(f, "the file {path}"),
            Self::Keyring(service, user) => write!(f, "the keyring entry {service}/{user}"),
            // Its arguments may name accounts; the program is enough to find it.
            Self::Command(words) => {
                let program = words.first().map_or("", String::as_str);
                write!(f, "the command `{program}`")
            }
        }
    }
}
