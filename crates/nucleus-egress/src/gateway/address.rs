//! Resolves the provider's name once and checks where it leads: every call of the session goes to those addresses and to no other.

use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use portcullis::host::IpClass;
use tokio::sync::OnceCell;

/// The most time for a look-up.
const LOOKUP: Duration = Duration::from_secs(15);

/// The addresses of a name, once they are known.
pub type Found<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Looks names up.
pub trait Lookup: Send + Sync + Debug {
    /// The addresses of the name.
    fn lookup<'a>(&'a self, name: &'a str) -> Found<'a>;
}

/// Asks this machine's own resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup<'a>(&'a self, name: &'a str) -> Found<'a> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// The addresses of one provider; clones share them.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    lookup: Arc<dyn Lookup>,
    /// What the user's own settings name, wherever it is.
    named: Arc<[IpAddr]>,
    kept: Arc<OnceCell<Vec<IpAddr>>>,
}

impl Addresses {
    /// Addresses that this finds, public ones and these.
    pub(super) fn new(lookup: Arc<dyn Lookup>, named: &[IpAddr]) -> Self {
        Self {
            lookup,
            named: named.into(),
            kept: Arc::default(),
        }
    }

    /// Where calls to the provider go; looked up by the first of them.
    ///
    /// # Errors
    /// FAIL-CLOSED: `PermissionDenied` where one address is neither public nor named; nothing is kept of a look-up that failed.
    pub(super) async fn of(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let kept = self.kept.get_or_try_init(|| self.find(name)).await?;
        Ok(kept.iter().map(|ip| SocketAddr::new(*ip, port)).collect())
    }

    async fn find(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        // An address that the user wrote is one that the user means.
        if let Ok(address) = name.parse() {
            return Ok(vec![address]);
        }
        let found = tokio::time::timeout(LOOKUP, self.lookup.lookup(name)).await??;
        if found.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "the model's provider has no address",
            ));
        }
        let may_be = |ip: &IpAddr| match name {
            "localhost" => ip.is_loopback(),
            _ => IpClass::of(*ip) == IpClass::Global || self.named.contains(ip),
        };
        match found.iter().find(|ip| !may_be(ip)) {
            None => Ok(found),
            Some(ip) => Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!(
                    "the model's provider is at {ip}, which is no public address: name it under `[model] addresses` in config.toml, if it is the right one"
                ),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Answers each look-up with the next of these.
    #[derive(Debug)]
    struct Answers(Mutex<Vec<Vec<&'static str>>>);

    impl Lookup for Answers {
        fn lookup<'a>(&'a self, _name: &'a str) -> Found<'a> {
            Box::pin(async {
                let mut left = self.0.lock().unwrap();
                if left.is_empty() {
                    return Err(io::Error::other("nobody is asked again"));
                }
                let found = left.remove(0);
                Ok(found.into_iter().map(|ip| ip.parse().unwrap()).collect())
            })
        }
    }

    fn addresses(answers: &[&[&'static str]], named: &[&str]) -> Addresses {
        let answers = answers.iter().map(|answer| answer.to_vec()).collect();
        let named: Vec<IpAddr> = named.iter().map(|ip| ip.parse().unwrap()).collect();
        Addresses::new(Arc::new(Answers(Mutex::new(answers))), &named)
    }

    async fn found(addresses: &Addresses, name: &str) -> Result<String, io::ErrorKind> {
        let found = addresses
            .of(name, 443)
            .await
            .map_err(|error| error.kind())?;
        Ok(found
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" "))
    }

    #[tokio::test]
    async fn a_name_is_looked_up_once_and_keeps_its_addresses() {
        let provider = addresses(&[&["1.1.1.1", "2606:4700::1"], &["127.0.0.1"]], &[]);
        for _ in 0..3 {
            let clone = provider.clone();
            assert_eq!(
                found(&clone, "model.test").await.as_deref(),
                Ok("1.1.1.1:443 [2606:4700::1]:443")
            );
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_unless_the_settings_name_the_address() {
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "0.0.0.0",
            "224.0.0.1",
            "::1",
            "fd00:ec2::254",
            "fe80::1",
            "::ffff:10.1.2.3",
            "64:ff9b::a01:203",
        ] {
            let provider = addresses(&[&["1.1.1.1", inside]], &[]);
            let refused = found(&provider, "model.test").await;
            assert_eq!(refused, Err(io::ErrorKind::PermissionDenied), "{inside}");
            let provider = addresses(&[&["1.1.1.1", inside]], &[inside]);
            assert!(found(&provider, "model.test").await.is_ok(), "{inside}");
        }
    }

    #[tokio::test]
    async fn localhost_is_this_machine_and_an_address_is_itself() {
        let near = addresses(&[&["127.0.0.1"]], &[]);
        assert!(found(&near, "localhost").await.is_ok());
        let far = addresses(&[&["1.1.1.1"]], &[]);
        assert_eq!(
            found(&far, "localhost").await,
            Err(io::ErrorKind::PermissionDenied)
        );
        let none = addresses(&[], &[]);
        assert_eq!(
            found(&none, "10.1.2.3").await.as_deref(),
            Ok("10.1.2.3:443")
        );
    }

    #[tokio::test]
    async fn a_look_up_that_failed_is_made_again() {
        let provider = addresses(&[&[], &["1.1.1.1"]], &[]);
        assert_eq!(
            found(&provider, "model.test").await,
            Err(io::ErrorKind::NotFound)
        );
        assert!(found(&provider, "model.test").await.is_ok());
    }
}
