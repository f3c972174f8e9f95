//! OCI images as far as builds and instances need them: layers, config, manifest.
//!
//! Source: OCI image specification 1.1. Layers are deterministic: the same files give the same digest.

mod image;
mod layer;

pub use image::{Config, Layer, assemble};
pub use layer::{Packed, pack, unpack};
