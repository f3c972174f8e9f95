//! The service spec, `pave.toml`: types, parsing with spans, validation, resolving for one environment.
//!
//! Invariant: a [`ResolvedSpec`] has passed every check, so nothing after it needs to ask again.
//! It refuses to know templates, AWS and the file system.

mod parse;
mod resolve;
pub mod types;
pub mod units;
mod validate;

pub use parse::{Mistake, Parsed, Source, SpecError, closest, parse, schema, suggest};
pub use resolve::{Origin, Place, ResolveError, ResolvedSpec, SANDBOX, origins, resolve};
pub use validate::{REGIONS, SIZES, environment_name, names_a_secret, service_name, validate};
