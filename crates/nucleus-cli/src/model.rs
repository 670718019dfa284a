//! Where a session's model is, with which key it is called and what a call costs; the jail is told none of it.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use nucleus::Monitor;
use nucleus_egress::gateway::{Gateway, ModelKey, Prices, SessionAccount, SystemLookup, Upstream};

use crate::config::Config;
use crate::home;
use crate::report::Failure;

/// How the model is named on a command line.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ModelArgs {
    /// Unix socket on which a model server listens, which has the key itself
    #[arg(long, value_name = "PATH")]
    model_socket: Option<PathBuf>,
    /// The model's provider: https://HOST, or http:// and an address of this machine
    #[arg(long, value_name = "URL", conflicts_with = "model_socket")]
    model_url: Option<String>,
    /// Variable of this environment that holds the provider's key; the jail never sees it
    #[arg(long, value_name = "NAME", requires = "model_url")]
    model_key_env: Option<String>,
}

/// A model that can be called.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    upstream: Upstream,
    key: Option<ModelKey>,
    prices: Prices,
    addresses: Vec<IpAddr>,
}

impl ModelArgs {
    /// The model, where the command line names one.
    ///
    /// # Errors
    /// Exit code 125: no such socket, a URL that is not called, no key, or a price list that is none.
    pub(crate) fn load(&self) -> Result<Option<Model>, Failure> {
        let (upstream, key) = match (&self.model_socket, &self.model_url) {
            (Some(path), _) => {
                let failed = |error| {
                    let path = path.display();
                    Failure::not_started(format!("cannot use the model socket `{path}`: {error}"))
                };
                (Upstream::socket(path).map_err(failed)?, None)
            }
            (None, Some(url)) => {
                let failed = |error| {
                    Failure::not_started(format!("cannot call the model at `{url}`: {error}"))
                };
                let upstream = Upstream::url(url).map_err(failed)?;
                let key = self.key(&upstream)?;
                (upstream, key)
            }
            (None, None) => return Ok(None),
        };
        Ok(Some(Model {
            upstream,
            key,
            prices: prices()?,
            addresses: Config::load()?.model.addresses,
        }))
    }

    /// The key from the variable that the command line or `config.toml` names.
    ///
    /// FAIL-CLOSED: a provider elsewhere is not called without one.
    fn key(&self, upstream: &Upstream) -> Result<Option<ModelKey>, Failure> {
        let named = match &self.model_key_env {
            Some(name) => Some(name.clone()),
            None => Config::load()?.model.key_env,
        };
        let Some(name) = named else {
            if matches!(upstream, Upstream::Host { is_tls: false, .. }) {
                return Ok(None);
            }
            let help = "name the variable that holds it: `--model-key-env NAME`, or `key_env` below `[model]` in config.toml";
            return Err(Failure::not_started("the model's provider needs a key").help(help));
        };
        let failed = |why: &dyn std::fmt::Display| {
            Failure::not_started(format!("cannot take the model's key from `{name}`: {why}"))
        };
        let key = std::env::var(&name).map_err(|error| failed(&error))?;
        ModelKey::new(&key)
            .map(Some)
            .map_err(|error| failed(&error))
    }
}

/// The shipped prices with those of the user's `prices.toml`.
fn prices() -> Result<Prices, Failure> {
    let shipped = Prices::shipped().map_err(Failure::not_started)?;
    let path = home::config_dir()?.join("prices.toml");
    let name = path.display().to_string();
    match std::fs::read_to_string(&path) {
        Ok(text) => shipped.with(&name, &text).map_err(Failure::not_started),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(shipped),
        // FAIL-CLOSED: without the user's prices calls could cost more than they say.
        Err(error) => Err(Failure::not_started(format!(
            "cannot read `{name}`: {error}"
        ))),
    }
}

impl Model {
    /// The gateway of this session, which pays for each call and records it first.
    pub(crate) fn gateway(self, monitor: &Arc<Monitor>) -> Gateway {
        let account = Arc::new(SessionAccount::of(monitor));
        Gateway::new(self.upstream, self.key, self.prices, account)
            .with_addresses(Arc::new(SystemLookup), &self.addresses)
    }
}
