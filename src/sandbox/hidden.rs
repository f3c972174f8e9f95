//! Text that only those it belongs to may read: it is kept and answered, and never printed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Such a text. What would print it prints that it is there.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}
