//! Finds the files of this repository, wherever the command was called from.

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::Failure;

/// The repository's root directory.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// Reads a text file and names it when it cannot be read.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| format!("`{}`: {error}", path.display()).into())
}

/// Reads a table of data that lies beside xtask; unknown keys are errors of its type.
pub(crate) fn table<T: DeserializeOwned>(name: &str) -> Result<T, Failure> {
    let path = root().join("xtask").join(name);
    parse(&read(&path)?, name)
}

/// Parses a TOML table and names the file in the error.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, name: &str) -> Result<T, Failure> {
    toml::from_str(text).map_err(|error| format!("`xtask/{name}`: {error}").into())
}
