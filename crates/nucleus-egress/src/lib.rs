//! The only way out: direct fetch and the model socket until the proxy exists.
