//! Sessions of roles: their keys, until they expire.

use std::{collections::BTreeMap, io, path::Path};

use base64::Engine as _;
use serde::{Deserialize, Serialize};
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
    /// What limits it.
    role: RoleSession,
}

/// What limits a session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RoleSession {
    /// Unique id of its role.
    pub role_id: String,
    /// Documents that limit it further; no list where there are none.
    pub policies: Vec<String>,
    /// Tags that it was given, as key and value.
    pub tags: Vec<(String, String)>,
    /// Seconds since the epoch.
    pub began: i64,
}

impl RoleSession {
    /// One of the role with this id, which nothing limits further.
    pub fn of(role_id: String) -> Self {
        let began = OffsetDateTime::now_utc().unix_timestamp();
        Self { role_id, policies: Vec::new(), tags: Vec::new(), began }
    }
}

/// What calls are signed with.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret: String,
    /// Token of the session.
    pub token: String,
}

/// A session that is to begin.
pub(super) struct Order<'a> {
    pub account: &'a str,
    /// The name of the role, and its id.
    pub role: &'a str,
    pub id: String,
    /// The name of the session.
    pub name: &'a str,
    pub expires: OffsetDateTime,
    pub policies: Vec<String>,
    pub tags: Vec<(String, String)>,
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

    pub(super) fn role(&self, access_key_id: &str) -> Option<RoleSession> {
        self.0.read(|all| all.get(access_key_id).map(|session| session.role.clone()))
    }

    pub(super) fn lasting(&self, account: &str, role: &str, id: &str, name: &str) -> io::Result<Credentials> {
        let expires = time::macros::datetime!(9999-12-31 0:00 UTC);
        let arn = format!("arn:aws:sts::{account}:assumed-role/{role}/{name}");
        let is_it = |session: &Session| {
            session.role.role_id == id && session.arn == arn && session.expires == expires.unix_timestamp()
        };
        let there = self.0.read(|all| {
            let (access_key_id, session) = all.iter().find(|(_, session)| is_it(session))?;
            let (secret, token) = (session.secret.clone(), session.token.clone());
            Some(Credentials { access_key_id: access_key_id.clone(), secret, token })
        });
        if let Some(there) = there {
            return Ok(there);
        }
        let (id, policies, tags) = (id.to_owned(), Vec::new(), Vec::new());
        let begun = self.begin(Order { account, role, id, name, expires, policies, tags })?;
        let token = begun.key.token.unwrap_or_default();
        Ok(Credentials { access_key_id: begun.access_key_id, secret: begun.key.secret, token })
    }

    pub(super) fn begin(&self, order: Order<'_>) -> io::Result<Begun> {
        let Order { account, role, id, name, expires, policies, tags } = order;
        let base64 = base64::engine::general_purpose::STANDARD;
        let session = Session {
            secret: base64.encode(rand::random::<[u8; 30]>()),
            token: base64.encode(rand::random::<[[u8; 32]; 6]>().concat()),
            arn: format!("arn:aws:sts::{account}:assumed-role/{role}/{name}"),
            user_id: format!("{id}:{name}"),
            expires: expires.unix_timestamp(),
            role: RoleSession { policies, tags, ..RoleSession::of(id) },
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
            let expires = now + time::Duration::hours(after);
            let (id, policies, tags) = ("AROADEPLOYER".to_owned(), Vec::new(), Vec::new());
            let order = Order { account: "1", role: "deployer", id, name: "ci", expires, policies, tags };
            sessions.begin(order).expect("begins")
        };
        let (long_over, over, good) = (begin(-2), begin(0), begin(1));
        let again = Sessions::open(dir.path()).expect("opens");
        assert!(again.key(&long_over.access_key_id).is_none());
        assert!(again.key(&over.access_key_id).is_some());
        let key = again.key(&good.access_key_id).expect("is there");
        assert_eq!((key.secret, key.token), (good.key.secret, good.key.token));
        assert_eq!(key.arn, "arn:aws:sts::1:assumed-role/deployer/ci");
        assert_eq!(key.user_id, "AROADEPLOYER:ci");
    }
}
