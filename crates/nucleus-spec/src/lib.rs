//! Text to values and back: `permissions.toml`, the shipped profiles and the tool catalog, with diagnostics that carry spans.
//!
//! A text either parses to the one envelope it states or is refused with file, line, column and the way out.
//! Nothing here decides a request, reads a file or looks at the environment.

mod build;
pub mod catalog;
mod credential;
mod document;
mod error;
mod groups;
mod layers;
mod limit;
mod number;
mod overlay;
mod policy;
mod print;
mod profile;
mod read;
mod reference;
mod scalar;
mod schema;
mod shipped;
mod subject;
mod suggest;
mod table;
mod value;

pub use credential::{Credential, Scheme, SecretSource};
pub use error::{Source, SpecError};
pub use groups::{Groups, Registry};
pub use layers::{Layers, Named, Resolved, SourceKind, SourceUsed, resolve, with_model};
pub use limit::HostLimit;
pub use overlay::parse_overlay;
pub use policy::{Policy, parse_policy, parse_policy_with};
pub use print::print_policy;
pub use profile::{DEFAULT_PROFILE, Profile, profile, profiles};
pub use reference::{declared_keys, reference};
pub use schema::json_schema;
