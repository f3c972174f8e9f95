//! Signature Version 4: a chain of HMACs over date, region and service.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

pub(super) fn hmac(key: &[u8], data: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(data);
    mac
}

/// Whether `signature` (hex) is this secret's over `text`; compared in constant time.
pub(super) fn verify(secret: &str, scope: &[&str], text: &[u8], signature: &str) -> bool {
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in scope {
        key = hmac(&key, part.as_bytes()).finalize().into_bytes().to_vec();
    }
    hex::decode(signature).is_ok_and(|signature| hmac(&key, text).verify_slice(&signature).is_ok())
}
