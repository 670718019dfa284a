//! Secrets that programs use without having them: a jail holds placeholders, the proxy puts the values in on bound routes.
//!
//! ```text
//! jail                      proxy                                     host
//! Bearer PLACEHOLDER  ───▶  bound route, bound header: the value ───▶ Bearer VALUE
//! PLACEHOLDER         ◀───  every form of the value taken out    ◀─── VALUE
//! ```
//!
//! A value is put in after the permit of its request alone. A placeholder is no
//! secret: wherever else it stands, the request is refused, because a program
//! that sends it there expected the value to go there.

mod body;
mod escaped;
mod forms;
mod method;
mod place;
mod placeholder;
mod scrub;

use std::io;
use std::sync::Arc;

use nucleus_spec::{Credential, Scheme};
use portcullis::host::{Host, IpClass, UrlPath};
use zeroize::Zeroizing;

pub(crate) use body::Scan;
pub(crate) use forms::Forms;
pub(crate) use method::check_form;
pub(crate) use place::{Misplaced, Place, Put};
pub(crate) use scrub::{Scrubbed, Scrubber};

/// The shortest secret: shorter ones stand in texts by chance.
const MIN_BYTES: usize = 8;
/// The longest: what servers take in one header.
const MAX_BYTES: usize = 8 << 10;
/// The user of a basic secret where neither policy nor program names one, as forges take it.
const BASIC_USER: &str = "x-access-token";

/// The secrets of one session with their placeholders. Clones share them.
#[derive(Clone, Default)]
pub struct Credentials(Arc<Vec<Held>>);

/// One secret.
pub(crate) struct Held {
    pub(crate) name: String,
    /// Where it is bound, and how it stands there.
    bindings: Vec<Credential>,
    pub(crate) placeholder: String,
    value: Zeroizing<String>,
    /// Every form of the value that is taken out of answers.
    forms: Forms,
    /// Every form of the placeholder that is looked for in requests.
    pub(crate) traces: Forms,
}

impl std::fmt::Debug for Credentials {
    /// Names alone.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|held| &held.name))
            .finish()
    }
}

/// A header that authorises a call of the monitor's own.
pub struct OwnHeader {
    /// The name of the secret.
    pub credential: String,
    /// The header's name.
    pub name: String,
    /// The header's value, with the secret.
    pub value: Zeroizing<String>,
    /// The secret alone, to be taken out of what is said of the call.
    pub secret: Zeroizing<String>,
}

impl std::fmt::Debug for OwnHeader {
    /// Without the value.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnHeader")
            .field("credential", &self.credential)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Credentials {
    /// Holds these values for these bindings; those of one name have one value.
    ///
    /// # Errors
    /// For a value that no header can carry, or that is too short to be told from text; the error never shows it.
    pub fn new(
        bound: impl IntoIterator<Item = (Credential, Zeroizing<String>)>,
    ) -> io::Result<Self> {
        let mut all: Vec<Held> = Vec::new();
        for (binding, value) in bound {
            if let Some(held) = all.iter_mut().find(|held| held.name == binding.name) {
                held.bindings.push(binding);
                continue;
            }
            check(&binding.name, &value)?;
            let placeholder = placeholder::like(&value)?;
            all.push(Held {
                name: binding.name.clone(),
                forms: Forms::of_secret(value.as_bytes(), &placeholder),
                traces: Forms::of_placeholder(&placeholder),
                bindings: vec![binding],
                placeholder,
                value,
            });
        }
        Ok(Self(Arc::new(all)))
    }

    /// The variables of the jails: each name with its placeholder.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let variable = |held: &Held| (held.name.clone(), held.placeholder.clone());
        self.0.iter().map(variable).collect()
    }

    /// The header of a call that the monitor itself makes on a bound route; `named` asks for one secret by its name.
    #[must_use]
    pub fn own_header(&self, route: &OwnRoute<'_>, named: Option<&str>) -> Option<OwnHeader> {
        let is_asked = |held: &&Held| named.is_none_or(|name| held.name == name);
        self.0.iter().filter(is_asked).find_map(|held| {
            let binding = held.bindings.iter().find(|own| {
                is_safe(route.host, route.is_tls)
                    && own.covers(route.host, route.port, route.method, route.path)
            })?;
            let scheme = match (binding.scheme, route.is_git) {
                (Scheme::Any, true) => Scheme::Basic,
                (Scheme::Any, false) => Scheme::Bearer,
                (stated, _) => stated,
            };
            let user = binding.user.as_deref().unwrap_or(BASIC_USER);
            Some(OwnHeader {
                credential: held.name.clone(),
                name: binding.header.clone(),
                value: place::written(scheme, user, &held.value),
                secret: held.value.clone(),
            })
        })
    }

    /// The bytes without any form of any secret.
    pub(crate) fn scrubbed(&self, bytes: Vec<u8>) -> Vec<u8> {
        let all = self.0.iter();
        all.fold(bytes, |bytes, held| held.forms.replaced(bytes))
    }

    /// Whether any secret is bound to the host of this URL.
    #[must_use]
    pub fn is_bound_to_host(&self, host: &Host, port: u16) -> bool {
        self.is_bound(host, port)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a secret is bound to the host, by whichever route.
    pub(crate) fn is_bound(&self, host: &Host, port: u16) -> bool {
        self.0.iter().any(|held| held.is_of_host(host, port))
    }

    pub(crate) fn all(&self) -> &[Held] {
        &self.0
    }

    /// Every form of every value that is bound to the host.
    pub(crate) fn forms_of(&self, host: &Host, port: u16) -> Vec<&Forms> {
        let bound = self.0.iter().filter(|held| held.is_of_host(host, port));
        bound.map(|held| &held.forms).collect()
    }
}

/// A call that the monitor itself makes.
#[derive(Clone, Copy, Debug)]
pub struct OwnRoute<'a> {
    /// The host.
    pub host: &'a Host,
    /// Its port.
    pub port: u16,
    /// Whether by TLS.
    pub is_tls: bool,
    /// The method.
    pub method: &'a str,
    /// The path.
    pub path: &'a UrlPath,
    /// Whether git speaks there, which takes a password by `Basic`.
    pub is_git: bool,
}

impl Held {
    pub(crate) fn is_of_host(&self, host: &Host, port: u16) -> bool {
        self.bindings.iter().any(|own| own.is_of_host(host, port))
    }

    pub(crate) fn bindings(&self) -> &[Credential] {
        &self.bindings
    }

    /// Where it belongs, for people.
    pub(crate) fn places(&self) -> String {
        let hosts = self.bindings.iter().flat_map(|own| {
            let named = |rule: &portcullis::host::HostRule| rule.pattern().to_string();
            let hosts: Vec<String> = own.routes.iter().map(named).collect();
            hosts
        });
        hosts.collect::<Vec<_>>().join(", ")
    }
}

/// Whether a secret may be sent there: by TLS, or to an address that the binding names and no stranger holds.
pub(crate) fn is_safe(host: &Host, is_tls: bool) -> bool {
    let is_near = |ip| matches!(IpClass::of(ip), IpClass::Loopback | IpClass::Private);
    is_tls || matches!(host, Host::Address(ip) if is_near(*ip))
}

fn check(name: &str, value: &str) -> io::Result<()> {
    let why = if value.len() < MIN_BYTES {
        format!("is shorter than {MIN_BYTES} bytes")
    } else if value.len() > MAX_BYTES {
        format!("is longer than {MAX_BYTES} bytes")
    } else if !value.bytes().all(|b| b.is_ascii_graphic()) {
        "has characters that no header can carry".to_owned()
    } else {
        return Ok(());
    };
    let why = format!("the value of `{name}` {why}");
    Err(io::Error::new(io::ErrorKind::InvalidData, why))
}
