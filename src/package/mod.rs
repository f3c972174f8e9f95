//! Source tree -> deterministic tar.gz and its digest.
//!
//! Invariant: the same tree gives the same bytes on every machine: sorted paths, fixed times, owners and modes, and
//! ignore rules from the tree alone. Memory does not grow with the tree. A file that looks like a secret is refused,
//! never packed. It refuses to know where bundles go.

mod pack;
mod tree;

pub use pack::{Bundle, PackError, pack, pack_into};
pub use tree::{Entry, EntryKind, list, looks_secret};
