//! Finds where a request has a placeholder: in its bound header on a bound route, or somewhere it does not belong.
//!
//! A bound host is used with what is bound to it alone: no other credential goes there in a header or a URL.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use nucleus_spec::{Credential, Scheme};
use portcullis::host::{Host, UrlPath};
use zeroize::Zeroizing;

use super::method::{names_method, parameters};
use super::{Credentials, Held, is_safe};

/// Headers that servers read a credential from, beside the bound ones; `Cookie` is left out of what is sent.
const CARRIERS: [&str; 15] = [
    "api-key",
    "apikey",
    "authorization",
    "deploy-token",
    "job-token",
    "private-token",
    "x-access-token",
    "x-api-key",
    "x-api-token",
    "x-apikey",
    "x-auth-key",
    "x-auth-token",
    "x-goog-api-key",
    "x-shopify-access-token",
    "x-vault-token",
];
/// Names in queries that servers read a credential or a session from.
const URL_CARRIERS: [&str; 10] = [
    "access_token",
    "api_key",
    "api_token",
    "apikey",
    "auth_token",
    "job_token",
    "oauth_token",
    "phpsessid",
    "private_token",
    "token",
];
/// Methods, all of which a binding that is not held to some of them covers.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// A request as placeholders are looked for in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) host: &'a Host,
    pub(crate) port: u16,
    pub(crate) is_tls: bool,
    pub(crate) is_upgrade: bool,
    pub(crate) method: &'a str,
    pub(crate) path: Option<&'a UrlPath>,
    pub(crate) path_and_query: &'a str,
}

/// Why a request may not be sent.
#[derive(Clone, Debug)]
pub(crate) struct Misplaced {
    pub(crate) code: &'static str,
    pub(crate) why: String,
}

/// A secret to put into one header, once the request is permitted.
#[derive(Debug)]
pub(crate) struct Put {
    number: usize,
    header: HeaderName,
    written: Written,
    /// Whether it is not put in for another method on the same path.
    pub(super) is_held_to_methods: bool,
}

/// How the program wrote the placeholder.
#[derive(Debug)]
enum Written {
    /// After a word such as `Bearer`, as the program spelt it.
    After(String),
    /// As the password of this user.
    Basic(String),
    Bare,
}

impl Credentials {
    /// The secrets to put in.
    ///
    /// # Errors
    /// FAIL-CLOSED: a placeholder anywhere but in its bound header, and a program's own credential in a bound header.
    pub(crate) fn place(
        &self,
        place: &Place<'_>,
        headers: &HeaderMap,
    ) -> Result<Vec<Put>, Misplaced> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let is_bound = self.is_bound(place.host, place.port);
        if is_bound && place.is_upgrade {
            let why =
                "a host with a bound credential takes no upgrade: what follows it cannot be read";
            return Err(Misplaced::new("credential_upgrade", why));
        }
        let puts = self.puts(place, headers)?;
        self.check_elsewhere(place, headers, &puts)?;
        if is_bound {
            self.check_foreign(place, headers, &puts)?;
        }
        let is_held = puts.iter().any(|put| put.is_held_to_methods);
        if is_held && names_method(place.path_and_query) {
            let why =
                "`_method` in the URL makes another request of it than the credential is bound for";
            return Err(Misplaced::new("ambiguous_request", why));
        }
        Ok(puts)
    }

    /// FAIL-CLOSED: no other credential than the bound ones where servers look for one. **Bodies stay open.**
    fn check_foreign(
        &self,
        place: &Place<'_>,
        headers: &HeaderMap,
        puts: &[Put],
    ) -> Result<(), Misplaced> {
        let names = self.bound_names(place);
        let is_foreign = |name: &&HeaderName| {
            // Servers behind CGI read `_` and `-` alike.
            let plain = name.as_str().replace('_', "-");
            let carries = CARRIERS.contains(&plain.as_str())
                || names.iter().any(|own| own.replace('_', "-") == plain);
            carries && puts.iter().all(|put| put.header != **name)
        };
        if let Some(name) = headers.keys().find(is_foreign) {
            return Err(foreign(name.as_str()));
        }
        let carries = |(name, value): &(String, &str)| {
            // Keys of caches and records are called so too.
            let is_key = name == "key" && value.starts_with("AIza");
            !value.is_empty() && (is_key || URL_CARRIERS.contains(&name.as_str()))
        };
        match parameters(place.path_and_query).find(carries) {
            Some((name, _)) => Err(foreign(&format!("?{name}="))),
            None => Ok(()),
        }
    }

    /// The headers that secrets are put into at the host.
    fn bound_names(&self, place: &Place<'_>) -> Vec<&str> {
        let here = |binding: &&Credential| binding.is_of_host(place.host, place.port);
        let bindings = self.all().iter().flat_map(Held::bindings).filter(here);
        let mut names: Vec<&str> = bindings.map(|own| own.header.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn puts(&self, place: &Place<'_>, headers: &HeaderMap) -> Result<Vec<Put>, Misplaced> {
        let mut puts = Vec::new();
        for name in self.bound_names(place) {
            let mut values = headers.get_all(name).iter();
            let Some(value) = values.next() else { continue };
            if values.next().is_some() {
                let why = format!("`{name}` stands twice beside a bound credential");
                return Err(Misplaced::new("credential_misplaced", why));
            }
            puts.push(self.put(place, name, value)?);
        }
        Ok(puts)
    }

    fn put(&self, place: &Place<'_>, name: &str, value: &HeaderValue) -> Result<Put, Misplaced> {
        let text = value.to_str().map_err(|_| foreign(name))?;
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| foreign(name))?;
        for (number, held) in self.all().iter().enumerate() {
            let Some(written) = written_as(text, &held.placeholder) else {
                continue;
            };
            let fits = |method: &str, own: &Credential| {
                place
                    .path
                    .is_some_and(|path| own.covers(place.host, place.port, method, path))
                    && own.header == name
                    && written.fits(own)
            };
            let is_for = |method: &str| held.bindings().iter().any(|own| fits(method, own));
            let is_meant = is_for(place.method);
            let is_held_to_methods = !METHODS.into_iter().all(is_for);
            if !(is_meant && is_safe(place.host, place.is_tls)) {
                let what = if is_meant {
                    "a request without TLS"
                } else {
                    "a route, header or scheme it is not bound to"
                };
                return Err(misplaced(held, what));
            }
            return Ok(Put {
                number,
                header,
                written,
                is_held_to_methods,
            });
        }
        match self.first_in(value.as_bytes()) {
            Some(held) => Err(misplaced(
                held,
                &format!("`{name}` in another form than it is bound to"),
            )),
            None => Err(foreign(name)),
        }
    }

    fn check_elsewhere(
        &self,
        place: &Place<'_>,
        headers: &HeaderMap,
        puts: &[Put],
    ) -> Result<(), Misplaced> {
        let path = place.path_and_query.as_bytes();
        if let Some(held) = self
            .first_in(path)
            .or_else(|| self.first_in(&decoded(path)))
        {
            return Err(misplaced(held, "the URL"));
        }
        for (name, value) in headers {
            if puts.iter().any(|put| put.header == *name) {
                continue;
            }
            let text = value.as_bytes();
            if let Some(held) = self
                .first_in(text)
                .or_else(|| self.first_in(&decoded(text)))
            {
                return Err(misplaced(held, &format!("the header `{name}`")));
            }
            let folded = |held: &&Held| held.traces.are_in_folded(name.as_str());
            if let Some(held) = self.all().iter().find(folded) {
                return Err(misplaced(held, "a header's name"));
            }
        }
        Ok(())
    }

    pub(crate) fn first_in(&self, text: &[u8]) -> Option<&Held> {
        self.all().iter().find(|held| held.traces.are_in(text))
    }

    /// The names of the secrets that are put in, for the request's record.
    pub(crate) fn names_of(&self, puts: &[Put]) -> Option<String> {
        let names: Vec<&str> = puts
            .iter()
            .map(|put| self.all()[put.number].name.as_str())
            .collect();
        (!names.is_empty()).then(|| names.join(" "))
    }

    /// Puts the values in. Called with what [`Credentials::place`] found, after the permit.
    pub(crate) fn put_in(&self, puts: &[Put], headers: &mut HeaderMap) -> Result<(), Misplaced> {
        for put in puts {
            let held = &self.all()[put.number];
            let text = match &put.written {
                Written::After(word) => Zeroizing::new(format!("{word} {}", *held.value)),
                Written::Basic(user) => written(Scheme::Basic, user, &held.value),
                Written::Bare => held.value.clone(),
            };
            let odd = |_| Misplaced::new("credential_misplaced", "the header cannot carry it");
            let mut value = HeaderValue::from_str(&text).map_err(odd)?;
            value.set_sensitive(true);
            headers.insert(put.header.clone(), value);
        }
        Ok(())
    }

    /// The refusal of a body that holds the placeholder of this secret.
    pub(crate) fn in_body(&self, number: usize) -> Misplaced {
        misplaced(&self.all()[number], "the body")
    }
}

impl Misplaced {
    pub(super) fn new(code: &'static str, why: impl Into<String>) -> Self {
        Self {
            code,
            why: why.into(),
        }
    }
}

fn foreign(name: &str) -> Misplaced {
    let why = format!(
        "`{name}` holds a credential that is not the bound one: this host is used with what the policy binds to it"
    );
    Misplaced::new("foreign_credential", why)
}

fn misplaced(held: &Held, place: &str) -> Misplaced {
    let why = format!(
        "the placeholder of `{}` is in {place}; it stands for a secret that is put in at {} alone, in its own header",
        held.name,
        held.places(),
    );
    Misplaced::new("credential_misplaced", why)
}

/// How the header holds exactly this placeholder, if it does.
fn written_as(text: &str, placeholder: &str) -> Option<Written> {
    if text == placeholder {
        return Some(Written::Bare);
    }
    let (word, rest) = text.split_once(' ')?;
    let rest = rest.trim_start_matches(' ');
    if word.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
        let (user, password) = pair.split_once(':')?;
        return (password == placeholder).then(|| Written::Basic(user.to_owned()));
    }
    let is_known = word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("token");
    (is_known && rest == placeholder).then(|| Written::After(word.to_owned()))
}

impl Written {
    /// Whether the binding puts the secret where the program wrote the placeholder.
    fn fits(&self, own: &Credential) -> bool {
        let is = |word: &str, name: &str| word.eq_ignore_ascii_case(name);
        match (self, own.scheme) {
            (Self::After(word), Scheme::Bearer) => is(word, "bearer"),
            (Self::After(word), Scheme::Token) => is(word, "token"),
            (Self::Basic(user), Scheme::Basic | Scheme::Any) => {
                own.user.as_ref().is_none_or(|named| named == user)
            }
            (Self::After(_), Scheme::Any) | (Self::Bare, Scheme::Bare) => true,
            _ => false,
        }
    }
}

/// The secret as a header's value.
pub(super) fn written(scheme: Scheme, user: &str, value: &str) -> Zeroizing<String> {
    Zeroizing::new(match scheme {
        Scheme::Any | Scheme::Bearer => format!("Bearer {value}"),
        Scheme::Token => format!("token {value}"),
        Scheme::Bare => value.to_owned(),
        Scheme::Basic => {
            let pair = Zeroizing::new(format!("{user}:{value}"));
            format!("Basic {}", STANDARD.encode(pair.as_bytes()))
        }
    })
}

/// The text with its percent-encoding undone once.
pub(super) fn decoded(text: &[u8]) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let pair = after
            .first()
            .and_then(digit)
            .zip(after.get(1).and_then(digit));
        match (first, pair) {
            (b'%', Some((high, low))) => {
                plain.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    plain
}
