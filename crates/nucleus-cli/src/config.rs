//! The user's own settings, `$XDG_CONFIG_HOME/nucleus/config.toml`: what is no policy.

use std::io;
use std::net::IpAddr;

use serde::Deserialize;

use crate::home;
use crate::report::Failure;

/// Settings that widen nothing: which agent, which search backend.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The version of the file; 1.
    #[serde(default)]
    version: Option<u32>,
    /// The agent that `nucleus run` starts when none is named.
    pub(crate) agent: Option<String>,
    /// The URL of the search backend, with `{query}` after its `?`.
    pub(crate) search: Option<String>,
    /// How the model's provider is called.
    #[serde(default)]
    pub(crate) model: ModelConfig,
}

/// The table `[model]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelConfig {
    /// The variable of the host's environment that holds the provider's key.
    pub(crate) key_env: Option<String>,
    /// Where the provider may be beside public addresses: a company's own gateway.
    #[serde(default)]
    pub(crate) addresses: Vec<IpAddr>,
}

impl Config {
    /// The settings; all unset where there is no file.
    ///
    /// # Errors
    /// Exit code 2 for a file that cannot be read, of another version or with an unknown key.
    pub(crate) fn load() -> Result<Self, Failure> {
        let path = home::config_dir()?.join("config.toml");
        let failed =
            |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", path.display()));
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed(&error)),
        };
        let config: Self = toml::from_str(&text).map_err(|error| failed(&error))?;
        match config.version {
            None | Some(1) => Ok(config),
            Some(other) => Err(failed(&format!("unknown version {other}"))),
        }
    }
}
