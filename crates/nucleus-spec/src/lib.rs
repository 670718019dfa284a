//! Text to values and back: permissions.toml, profiles, the tool catalog, with diagnostics that carry spans.
