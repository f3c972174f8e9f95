//! Who is let in to the registry: with the sandbox's own token, with that of a session, which says whose it is, or with
//! the address of one layer, which `GetDownloadUrlForLayer` gives out.
//!
//! Invariants: the token of a session is worth no more than its key: it ends with it, and is checked as it is. The address
//! of a layer is worth that layer, for an hour, and tells nobody the token.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, Method, Uri, header::AUTHORIZATION};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;

use crate::sandbox::{access, auth::Keys as _, call::Caller, world::World};

use super::registry::{Refusal, refuse};

/// For how long the address of a layer is good, in seconds.
const HOUR: i64 = 3600;

/// Somebody who was let in.
pub(super) struct Admitted<'a> {
    world: &'a World,
    /// Nobody where it was the sandbox's own token.
    session: Option<Caller>,
}

impl Admitted<'_> {
    /// Whether blobs of a repository may be mounted into another.
    pub fn may_mount(&self, from: &str) -> bool {
        self.session.as_ref().is_none_or(|caller| access::permit_mount(self.world, caller, from).is_ok())
    }
}

fn seal(secret: &str, what: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(what.as_bytes());
    mac
}

fn sealed(secret: &str, what: &str) -> String {
    hex::encode(seal(secret, what).finalize().into_bytes())
}

fn is_sealed(secret: &str, what: &str, given: &str) -> bool {
    hex::decode(given).is_ok_and(|given| seal(secret, what).verify_slice(&given).is_ok())
}

/// What a caller signs in to the registry with.
pub(super) fn password(world: &World, caller: &Caller) -> String {
    let secret = &world.ecr.token;
    match world.sts.role_session(&caller.access_key_id) {
        Some(_) => format!("{}.{}", caller.access_key_id, sealed(secret, &caller.access_key_id)),
        None => secret.clone(),
    }
}

/// A key id has no line in it, so that no session's token is one of these.
fn layer(path: &str, expires: &str) -> String {
    format!("layer\n{path}\n{expires}")
}

/// The address of a layer.
pub(super) fn address(world: &World, name: &str, digest: &str) -> String {
    let path = format!("/v2/{name}/blobs/{digest}");
    let expires = (OffsetDateTime::now_utc().unix_timestamp() + HOUR).to_string();
    let token = sealed(&world.ecr.token, &layer(&path, &expires));
    format!("http://{}{path}?expires={expires}&token={token}", world.addresses.api)
}

/// Whether a query is that of such an address, and in time.
fn is_address(secret: &str, uri: &Uri, now: OffsetDateTime) -> bool {
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_str(uri.query().unwrap_or_default()).unwrap_or_default();
    let member = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let (Some(expires), Some(token)) = (member("expires"), member("token")) else { return false };
    let in_time = expires.parse::<i64>().is_ok_and(|end| now.unix_timestamp() < end);
    in_time && is_sealed(secret, &layer(uri.path(), expires), token)
}

/// The access key id in a password, where that is one of a session.
fn session<'a>(secret: &str, password: &'a str) -> Option<&'a str> {
    let (access_key_id, sealed) = password.split_once('.')?;
    is_sealed(secret, access_key_id, sealed).then_some(access_key_id)
}

fn given(headers: &HeaderMap) -> Option<String> {
    let given = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    String::from_utf8(BASE64_STANDARD.decode(given).ok()?).ok()?.strip_prefix("AWS:").map(str::to_owned)
}

/// Lets a request in, if whoever makes it may.
///
/// # Errors
/// What it is refused with.
pub(super) fn admit<'a>(
    world: &'a World,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Admitted<'a>, Refusal> {
    let (secret, now) = (&world.ecr.token, OffsetDateTime::now_utc());
    let own = Admitted { world, session: None };
    let Some(password) = given(headers) else {
        return if method == Method::GET && is_address(secret, uri, now) { Ok(own) } else { Err(nobody()) };
    };
    if password.as_bytes().ct_eq(secret.as_bytes()).into() {
        return Ok(own);
    }
    let access_key_id = session(secret, &password).ok_or_else(nobody)?;
    let denied = |why: &str| refuse(403, "DENIED", why);
    let key = world.key(access_key_id).filter(|key| key.expires.is_none_or(|end| now < end));
    let expired = "Your authorization token has expired. Reauthenticate and try again.";
    let key = key.ok_or_else(|| denied(expired))?;
    let caller = world.identity.caller(access_key_id, key);
    access::permit_registry(world, &caller, method, uri).map_err(|error| denied(&error.message))?;
    Ok(Admitted { world, session: Some(caller) })
}

fn nobody() -> Refusal {
    let mut refusal = refuse(401, "UNAUTHORIZED", "authentication required");
    refusal.headers.push(("www-authenticate", "Basic realm=\"sandbox\"".to_owned()));
    refusal
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    #[test]
    fn the_address_of_a_layer_is_good_for_that_layer_and_an_hour() {
        let now = OffsetDateTime::now_utc();
        let expires = (now.unix_timestamp() + HOUR).to_string();
        let token = sealed("secret", &layer("/v2/one/blobs/sha256:1", &expires));
        let at = |path: &str, expires: &str| -> Uri {
            format!("{path}?expires={expires}&token={token}").parse().expect("is one")
        };
        let good = at("/v2/one/blobs/sha256:1", &expires);
        assert!(is_address("secret", &good, now));
        assert!(!is_address("secret", &good, now + Duration::hours(1)), "it is over");
        assert!(
            !is_address("secret", &at("/v2/one/blobs/sha256:1", &format!("{expires}0")), now),
            "another end"
        );
        assert!(!is_address("secret", &at("/v2/other/blobs/sha256:1", &expires), now), "another repository");
        assert!(!is_address("secret", &at("/v2/one/blobs/sha256:2", &expires), now), "another layer");
        assert!(!is_address("other", &good, now), "another sandbox");
        assert!(session("secret", &token).is_none(), "it is no password");
    }

    #[test]
    fn the_token_of_a_session_says_whose_it_is() {
        let token = format!("ASIAKEY.{}", sealed("secret", "ASIAKEY"));
        assert_eq!(session("secret", &token), Some("ASIAKEY"));
        assert_eq!(session("secret", &token.replace("ASIAKEY", "ASIAYEK")), None);
        assert_eq!(session("other", &token), None);
    }
}
