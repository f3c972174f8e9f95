//! Who a sandbox is and what it runs things in: made once, kept for its life.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};

use crate::sandbox::{
    runtime::{Chosen, Kind, choose},
    world::Identity,
};

use super::{DaemonError, blame, save};

/// Where they are kept.
pub(super) const KEYS: &str = "keys.json";

/// Keys and account of a sandbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Keys {
    #[serde(flatten)]
    pub identity: Identity,
    /// Ports of its last life, taken again if they are free.
    #[serde(default)]
    pub ports: (u16, u16),
    /// One of before there was a choice has processes.
    #[serde(default)]
    pub runtime: Chosen,
}

impl Keys {
    /// Those of a directory, which are made where there are none.
    pub fn of(dir: &Path, runtime: Chosen) -> Result<Self, DaemonError> {
        if let Some(keys) = known(dir)? {
            return Ok(keys);
        }
        let digits = rand::random_range(100_000_000_000u64..999_999_999_999);
        let identity = Identity {
            account: digits.to_string(),
            region: "us-east-1".to_owned(),
            access_key_id: format!("AKIAPAVE{}", hex::encode_upper(rand::random::<[u8; 6]>())),
            secret_access_key: hex::encode(rand::random::<[u8; 20]>()),
        };
        let keys = Self { identity, ports: (0, 0), runtime };
        keys.save(dir)?;
        Ok(keys)
    }

    pub fn save(&self, dir: &Path) -> Result<(), DaemonError> {
        save(&dir.join(KEYS), self)
    }
}

/// The keys of a sandbox that was started before.
pub(super) fn known(dir: &Path) -> Result<Option<Keys>, DaemonError> {
    let path = dir.join(KEYS);
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| blame(&path)(io::Error::other(error))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(blame(&path)(error)),
    }
}

/// The runtime of the sandbox in `dir`: what it has, else what is wanted, else what there is.
///
/// # Errors
/// [`DaemonError::OtherRuntime`], and [`DaemonError::Runtime`] where what is wanted cannot be had.
pub async fn runtime(dir: &Path, wanted: Option<Kind>) -> Result<Chosen, DaemonError> {
    match (known(dir)?.map(|keys| keys.runtime), wanted) {
        (Some(Chosen { kind: has, .. }), Some(wanted)) if has != wanted => {
            Err(DaemonError::OtherRuntime { dir: dir.to_owned(), has, wanted })
        }
        (Some(has), _) => Ok(has),
        (None, wanted) => Ok(choose(wanted).await?),
    }
}
