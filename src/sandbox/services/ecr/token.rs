//! Tokens of the registry: the sandbox's own, and those of sessions, which say whose they are.
//!
//! Invariant: the token of a session is worth no more than its key: it ends with it, and is checked as it is.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use time::OffsetDateTime;

use crate::sandbox::{
    access,
    auth::Keys as _,
    call::{Caller, RawRequest, RawResponse},
    world::World,
};

use super::registry;

fn seal(secret: &str, access_key_id: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(access_key_id.as_bytes());
    mac
}

/// What a caller signs in to the registry with.
pub(super) fn password(world: &World, caller: &Caller) -> String {
    let secret = &world.ecr.token;
    match world.sts.role_session(&caller.access_key_id) {
        Some(_) => {
            let sealed = hex::encode(seal(secret, &caller.access_key_id).finalize().into_bytes());
            format!("{}.{sealed}", caller.access_key_id)
        }
        None => secret.clone(),
    }
}

/// The access key id in a request's token, where that is one of a session.
fn session(secret: &str, request: &RawRequest) -> Option<String> {
    let given = request.headers.get("authorization")?.strip_prefix("Basic ")?;
    let given = String::from_utf8(BASE64_STANDARD.decode(given).ok()?).ok()?;
    let (access_key_id, sealed) = given.strip_prefix("AWS:")?.split_once('.')?;
    let sealed = hex::decode(sealed).ok()?;
    seal(secret, access_key_id).verify_slice(&sealed).ok()?;
    Some(access_key_id.to_owned())
}

/// Lets a request with the token of a session be one with the sandbox's own, if the session may make it.
///
/// # Errors
/// What it is refused with.
pub(super) fn admit(world: &World, mut request: RawRequest) -> Result<RawRequest, RawResponse> {
    let secret = &world.ecr.token;
    let Some(access_key_id) = session(secret, &request) else { return Ok(request) };
    let denied = |why: &str| registry::refuse(403, "DENIED", why);
    let now = OffsetDateTime::now_utc();
    let key = world.key(&access_key_id).filter(|key| key.expires.is_none_or(|end| now < end));
    let expired = "Your authorization token has expired. Reauthenticate and try again.";
    let key = key.ok_or_else(|| denied(expired))?;
    let caller = Caller {
        access_key_id,
        account: world.identity.account.clone(),
        region: world.identity.region.clone(),
        arn: key.arn,
        user_id: key.user_id,
    };
    access::permit_registry(world, &caller, &request).map_err(|error| denied(&error.message))?;
    let own = format!("Basic {}", BASE64_STANDARD.encode(format!("AWS:{secret}")));
    request.headers.insert("authorization".to_owned(), own);
    Ok(request)
}
