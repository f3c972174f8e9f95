//! Signature Version 4A: ECDSA over P-256 with a key derived from the secret, valid in more than one region.
//!
//! Source of the derivation: AWS IAM user guide, "Signature Version 4A", a NIST SP 800-108 KDF in counter mode.

use p256::{
    NonZeroScalar,
    ecdsa::{DerSignature, SigningKey, VerifyingKey, signature::Verifier as _},
};

use super::sigv4::hmac;
use hmac::Mac as _;

/// Order of P-256 minus two, big endian: candidates above it are drawn again.
const ORDER_MINUS_TWO: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
    0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x4f,
];

fn derive(access_key_id: &str, secret: &str) -> Option<VerifyingKey> {
    let input_key = format!("AWS4A{secret}");
    for counter in 1..=254u8 {
        let mut fixed = 1u32.to_be_bytes().to_vec();
        fixed.extend_from_slice(b"AWS4-ECDSA-P256-SHA256\0");
        fixed.extend_from_slice(access_key_id.as_bytes());
        fixed.push(counter);
        fixed.extend_from_slice(&256u32.to_be_bytes());
        let mut candidate: [u8; 32] = hmac(input_key.as_bytes(), &fixed).finalize().into_bytes().into();
        if candidate > ORDER_MINUS_TWO {
            continue;
        }
        // The key is the candidate plus one.
        for byte in candidate.iter_mut().rev() {
            let (sum, carry) = byte.overflowing_add(1);
            *byte = sum;
            if !carry {
                break;
            }
        }
        let scalar = NonZeroScalar::try_from(candidate.as_slice()).ok()?;
        return Some(*SigningKey::from(scalar).verifying_key());
    }
    None
}

/// Whether `signature` (hex of DER) is this key's over `text`.
pub(super) fn verify(access_key_id: &str, secret: &str, text: &[u8], signature: &str) -> bool {
    let Some(key) = derive(access_key_id, secret) else { return false };
    let Some(signature) = hex::decode(signature).ok().and_then(|der| DerSignature::from_bytes(&der).ok())
    else {
        return false;
    };
    key.verify(text, &signature).is_ok()
}
