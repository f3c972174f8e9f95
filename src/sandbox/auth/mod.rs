//! Verifies that a call was signed with this sandbox's keys: SigV4, and SigV4A for the calls that need it.
//!
//! Invariant: nothing is answered on the strength of a claim; a call is matched with what its signature covers.
//! Source: AWS IAM user guide, "Create a signed AWS API request".

mod canonical;
mod object;
mod sigv4;
mod sigv4a;

use http::request::Parts;
use sha2::{Digest as _, Sha256};
use time::{OffsetDateTime, PrimitiveDateTime, macros::format_description};

use super::{call::Caller, world::Identity};

pub use object::{ObjectClaim, of_object};

/// Why a call is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No signature at all.
    #[error("the request carries no signature")]
    Missing,
    /// A signature that cannot be read.
    #[error("the signature cannot be read: {0}")]
    Malformed(&'static str),
    /// Another sandbox's, or nobody's, key.
    #[error("the security token included in the request is invalid")]
    UnknownKey,
    /// Signed for another region than that of the sandbox.
    #[error("Credential should be scoped to a valid region, not '{given}': this sandbox is in {here}")]
    OtherRegion {
        /// The one in the scope.
        given: String,
        /// The only one.
        here: String,
    },
    /// Signed too long ago, or in the future.
    #[error("the signature was made at {0}, which is too far from now")]
    Expired(String),
    /// The key of a session that is over.
    #[error("the security token included in the request is expired")]
    TokenExpired,
    /// Signed with another secret, or something covered by the signature was changed.
    #[error("the request signature does not match the one calculated with this sandbox's secret key")]
    Mismatch,
}

/// What belongs to an access key id.
#[derive(Debug, Clone)]
pub struct Key {
    /// Secret access key.
    pub secret: String,
    /// What a request with a key of a session has to bring as well.
    pub token: Option<String>,
    /// Who it belongs to.
    pub arn: String,
    /// Its id.
    pub user_id: String,
    /// When it ends, if it does.
    pub expires: Option<OffsetDateTime>,
}

impl Key {
    /// Whether a request may use it: its token is the right one and its time is not over.
    ///
    /// # Errors
    /// [`AuthError::UnknownKey`] and [`AuthError::TokenExpired`].
    pub fn admits(&self, token: Option<&str>, now: OffsetDateTime) -> Result<(), AuthError> {
        if self.token.as_deref() != token {
            return Err(AuthError::UnknownKey);
        }
        if self.expires.is_some_and(|end| end <= now) {
            return Err(AuthError::TokenExpired);
        }
        Ok(())
    }
}

/// Who knows all keys.
pub trait Keys {
    /// What belongs to an access key id.
    fn key(&self, access_key_id: &str) -> Option<Key>;
}

/// Header with the token of a session.
const TOKEN: &str = "x-amz-security-token";

/// How far apart the clocks of signer and verifier may be. Source: AWS IAM user guide (15 minutes).
const SKEW: time::Duration = time::Duration::minutes(15);

/// The parts of an `Authorization` header.
struct Claim<'a> {
    asymmetric: bool,
    access_key_id: &'a str,
    /// Date, region (not for SigV4A), service, `aws4_request`.
    scope: Vec<&'a str>,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

/// A header of AWS's that is there and that the signature does not cover, or the host. Clients sign them all, so that
/// nothing which changes what a request means can be put to it on its way.
/// Source: AWS IAM user guide, "Create a signed AWS API request": host and every `x-amz-` header.
fn uncovered<'a>(parts: &'a Parts, signed: &[&str]) -> Option<&'a str> {
    if !signed.iter().any(|name| matches!(*name, "host" | canonical::AUTHORITY)) {
        return Some("host");
    }
    let names = parts.headers.keys().map(http::HeaderName::as_str);
    names.into_iter().find(|name| name.starts_with("x-amz-") && !signed.contains(name))
}

/// The service that a request is signed for, before anything is verified; `None` for an unsigned one.
pub fn claimed_service(parts: &Parts) -> Option<String> {
    if let Some(header) = parts.headers.get("authorization").and_then(|h| h.to_str().ok()) {
        return read(header).ok().and_then(|claim| claim.scope.iter().rev().nth(1).map(|s| (*s).to_owned()));
    }
    let query = parts.uri.query()?;
    let credential = serde_urlencoded::from_str::<Vec<(String, String)>>(query)
        .ok()?
        .into_iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("x-amz-credential"))?
        .1;
    credential.rsplit('/').nth(1).map(str::to_owned)
}

fn read(header: &str) -> Result<Claim<'_>, AuthError> {
    let (algorithm, fields) = header.split_once(' ').ok_or(AuthError::Malformed("no fields"))?;
    let asymmetric = match algorithm {
        "AWS4-HMAC-SHA256" => false,
        "AWS4-ECDSA-P256-SHA256" => true,
        _ => return Err(AuthError::Malformed("unknown algorithm")),
    };
    let field = |name: &str| {
        fields
            .split(',')
            .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
            .ok_or(AuthError::Malformed("a field is missing"))
    };
    let mut credential = field("Credential")?.split('/');
    let access_key_id = credential.next().unwrap_or_default();
    let scope: Vec<&str> = credential.collect();
    let wanted = if asymmetric { 3 } else { 4 };
    if scope.len() != wanted || scope.last() != Some(&"aws4_request") {
        return Err(AuthError::Malformed("the credential scope"));
    }
    let signed_headers: Vec<&str> = field("SignedHeaders")?.split(';').collect();
    Ok(Claim { asymmetric, access_key_id, scope, signed_headers, signature: field("Signature")? })
}

/// Verifies a request with its whole body.
///
/// # Errors
/// [`AuthError`].
pub fn verify(
    parts: &Parts,
    body: &[u8],
    identity: &Identity,
    keys: &impl Keys,
    now: OffsetDateTime,
) -> Result<Caller, AuthError> {
    let header = parts.headers.get("authorization").ok_or(AuthError::Missing)?;
    let claim = read(header.to_str().map_err(|_| AuthError::Malformed("not ASCII"))?)?;
    let key = keys.key(claim.access_key_id).ok_or(AuthError::UnknownKey)?;
    if uncovered(parts, &claim.signed_headers).is_some() {
        return Err(AuthError::Malformed("the host and every x-amz- header are to be signed"));
    }
    if !claim.asymmetric && claim.scope[1] != identity.region {
        let (given, here) = (claim.scope[1].to_owned(), identity.region.clone());
        return Err(AuthError::OtherRegion { given, here });
    }
    let date = parts.headers.get("x-amz-date").and_then(|d| d.to_str().ok());
    let date = date.ok_or(AuthError::Malformed("no X-Amz-Date"))?;
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    let signed_at =
        PrimitiveDateTime::parse(date, &format).map_err(|_| AuthError::Malformed("X-Amz-Date"))?.assume_utc();
    if (now - signed_at).abs() > SKEW {
        return Err(AuthError::Expired(date.to_owned()));
    }
    if !date.starts_with(claim.scope[0]) {
        return Err(AuthError::Malformed("the scope is of another day"));
    }
    let mut body_hash = hex::encode(Sha256::digest(body));
    match parts.headers.get("x-amz-content-sha256").and_then(|h| h.to_str().ok()) {
        Some("UNSIGNED-PAYLOAD") => body_hash = "UNSIGNED-PAYLOAD".to_owned(),
        Some(claimed) if claimed != body_hash => return Err(AuthError::Mismatch),
        _ => {}
    }
    let canonical = canonical::request(parts, &claim.signed_headers, &body_hash)
        .ok_or(AuthError::Malformed("a signed header is missing"))?;
    let digest = hex::encode(Sha256::digest(canonical.as_bytes()));
    let algorithm = if claim.asymmetric { "AWS4-ECDSA-P256-SHA256" } else { "AWS4-HMAC-SHA256" };
    let text = format!("{algorithm}\n{date}\n{}\n{digest}", claim.scope.join("/"));
    let good = if claim.asymmetric {
        sigv4a::verify(claim.access_key_id, &key.secret, text.as_bytes(), claim.signature)
    } else {
        sigv4::verify(&key.secret, &claim.scope, text.as_bytes(), claim.signature)
    };
    if !good {
        return Err(AuthError::Mismatch);
    }
    key.admits(parts.headers.get(TOKEN).and_then(|token| token.to_str().ok()), now)?;
    Ok(identity.caller(claim.access_key_id, key))
}

#[cfg(test)]
mod tests;
