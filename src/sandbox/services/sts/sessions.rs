//! Sessions of roles: their keys, until they expire.

use std::{collections::BTreeMap, io, path::Path};

use base64::Engine as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use crate::sandbox::{auth::Key, persisted::Persisted};

/// An expired key is known for so long, so that who still uses it is told that it has expired and not that there was none.
const REMEMBERED: time::Duration = time::Duration::hours(1);

/// All sessions, by access key id.
#[derive(Debug)]
pub(super) struct Sessions(Persisted<BTreeMap<String, Session>>);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Session {
    secret: String,
    token: String,
    arn: String,
    user_id: String,
    /// Seconds since the epoch.
    expires: i64,
}

impl Session {
    fn key(&self) -> Key {
        Key {
            secret: self.secret.clone(),
            token: Some(self.token.clone()),
            arn: self.arn.clone(),
            user_id: self.user_id.clone(),
            expires: OffsetDateTime::from_unix_timestamp(self.expires).ok(),
        }
    }
}

/// A session that has just begun.
pub(super) struct Begun {
    pub(super) access_key_id: String,
    pub(super) key: Key,
}

impl Sessions {
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        Ok(Self(Persisted::open(dir.join("sessions.json"))?))
    }

    pub(super) fn key(&self, access_key_id: &str) -> Option<Key> {
        self.0.read(|all| all.get(access_key_id).map(Session::key))
    }

    pub(super) fn begin(
        &self,
        account: &str,
        role: &str,
        name: &str,
        expires: OffsetDateTime,
    ) -> io::Result<Begun> {
        let base64 = base64::engine::general_purpose::STANDARD;
        let session = Session {
            secret: base64.encode(rand::random::<[u8; 30]>()),
            token: base64.encode(rand::random::<[[u8; 32]; 6]>().concat()),
            arn: format!("arn:aws:sts::{account}:assumed-role/{role}/{name}"),
            user_id: format!("{}:{name}", role_id(role)),
            expires: expires.unix_timestamp(),
        };
        let access_key_id = format!("ASIA{}", capitals(&rand::random::<[u8; 16]>()));
        let key = session.key();
        let forgotten = (OffsetDateTime::now_utc() - REMEMBERED).unix_timestamp();
        self.0.update(|all| {
            all.retain(|_, session| session.expires > forgotten);
            all.insert(access_key_id.clone(), session);
            Ok::<_, io::Error>(())
        })?;
        Ok(Begun { access_key_id, key })
    }
}

/// The id that a role of this name has, the same each time.
fn role_id(role: &str) -> String {
    format!("AROA{}", capitals(&Sha256::digest(role)[..17]))
}

/// One letter or digit of AWS's ids for each byte.
fn capitals(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_survive_and_are_forgotten_when_they_are_long_over() {
        let dir = tempfile::tempdir().expect("dir");
        let sessions = Sessions::open(dir.path()).expect("opens");
        let now = OffsetDateTime::now_utc();
        let begin = |after| {
            sessions.begin("1", "deployer", "ci", now + time::Duration::hours(after)).expect("begins")
        };
        let (long_over, over, good) = (begin(-2), begin(0), begin(1));
        let again = Sessions::open(dir.path()).expect("opens");
        assert!(again.key(&long_over.access_key_id).is_none());
        assert!(again.key(&over.access_key_id).is_some());
        let key = again.key(&good.access_key_id).expect("is there");
        assert_eq!((key.secret, key.token), (good.key.secret, good.key.token));
        assert_eq!(key.arn, "arn:aws:sts::1:assumed-role/deployer/ci");
        assert_eq!(key.user_id, over.key.user_id);
        assert_eq!(key.user_id.len(), "AROA:ci".len() + 17);
    }
}
