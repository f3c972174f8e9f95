//! Checksums of objects and parts: which one a request speaks of, whether it is right, and how answers show it.
//!
//! Source: S3 user guide, "Checking object integrity in Amazon S3".

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::HeaderMap;
use s3s::{
    S3Result,
    checksum::ChecksumHasher,
    dto::{Checksum, ChecksumAlgorithm, ChecksumType},
    s3_error,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64nvme,
    Sha1,
    Sha256,
}

pub(super) const ALL: [Algorithm; 5] =
    [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64nvme, Algorithm::Sha1, Algorithm::Sha256];

/// A checksum that was computed here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sum {
    pub algorithm: Algorithm,
    /// Base64; with `-<parts>` where it is made of the parts' checksums.
    pub value: String,
}

impl Algorithm {
    pub fn word(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    pub fn named(word: &str) -> S3Result<Self> {
        ALL.into_iter().find(|one| one.word() == word).ok_or_else(|| {
            s3_error!(InvalidRequest, "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
        })
    }

    pub fn dto(self) -> ChecksumAlgorithm {
        ChecksumAlgorithm::from_static(self.word())
    }

    fn header(self) -> String {
        format!("x-amz-checksum-{}", self.word().to_lowercase())
    }

    fn bytes(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    pub fn is_crc(self) -> bool {
        !matches!(self, Self::Sha1 | Self::Sha256)
    }

    /// The checksum of bytes at hand.
    pub fn of(self, bytes: &[u8]) -> Sum {
        let mut hasher = hasher(&[self]);
        hasher.update(bytes);
        Sum { algorithm: self, value: value(&hasher.finalize(), self) }
    }
}

/// Computes several at once.
pub(super) fn hasher(algorithms: &[Algorithm]) -> ChecksumHasher {
    use s3s::crypto::Checksum as _;
    let mut hasher = ChecksumHasher::default();
    for one in algorithms {
        match one {
            Algorithm::Crc32 => hasher.crc32 = Some(s3s::crypto::Crc32::new()),
            Algorithm::Crc32c => hasher.crc32c = Some(s3s::crypto::Crc32c::new()),
            Algorithm::Crc64nvme => hasher.crc64nvme = Some(s3s::crypto::Crc64Nvme::new()),
            Algorithm::Sha1 => hasher.sha1 = Some(s3s::crypto::Sha1::new()),
            Algorithm::Sha256 => hasher.sha256 = Some(s3s::crypto::Sha256::new()),
        }
    }
    hasher
}

pub(super) fn value(sums: &Checksum, algorithm: Algorithm) -> String {
    let found = match algorithm {
        Algorithm::Crc32 => &sums.checksum_crc32,
        Algorithm::Crc32c => &sums.checksum_crc32c,
        Algorithm::Crc64nvme => &sums.checksum_crc64nvme,
        Algorithm::Sha1 => &sums.checksum_sha1,
        Algorithm::Sha256 => &sums.checksum_sha256,
    };
    found.clone().unwrap_or_default()
}

/// Sets the member of an answer that shows a checksum.
macro_rules! show {
    ($sum:expr, $out:expr) => {
        if let Some(sum) = $sum {
            use $crate::sandbox::services::s3::checksum::Algorithm;
            let text = Some(sum.value.clone());
            match sum.algorithm {
                Algorithm::Crc32 => $out.checksum_crc32 = text,
                Algorithm::Crc32c => $out.checksum_crc32c = text,
                Algorithm::Crc64nvme => $out.checksum_crc64nvme = text,
                Algorithm::Sha1 => $out.checksum_sha1 = text,
                Algorithm::Sha256 => $out.checksum_sha256 = text,
            }
        }
    };
}
pub(super) use show;

pub(super) fn kind(sum: &Sum) -> ChecksumType {
    ChecksumType::from_static(if sum.value.contains('-') { "COMPOSITE" } else { "FULL_OBJECT" })
}

/// What a request says of the checksum of its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub algorithm: Algorithm,
    /// The client spoke of it.
    pub named: bool,
    /// What it has to be, where a header says so.
    pub value: Option<String>,
    /// It comes after the body.
    pub trailing: bool,
}

/// The checksum that a header speaks of.
pub(super) fn in_headers(headers: &HeaderMap) -> S3Result<Option<Sum>> {
    let found = ALL.into_iter().filter_map(|algorithm| {
        let value = headers.get(algorithm.header())?.to_str().unwrap_or_default().to_owned();
        Some(Sum { algorithm, value })
    });
    let mut found: Vec<Sum> = found.collect();
    if found.len() > 1 {
        return Err(s3_error!(
            InvalidRequest,
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        ));
    }
    Ok(found.pop())
}

fn well_formed(sum: &Sum) -> bool {
    BASE64_STANDARD.decode(&sum.value).is_ok_and(|bytes| bytes.len() == sum.algorithm.bytes())
}

impl Wanted {
    /// What the head of a request with a body says.
    pub fn of(headers: &HeaderMap) -> S3Result<Self> {
        if let Some(sum) = in_headers(headers)? {
            if !well_formed(&sum) {
                let name = sum.algorithm.header();
                return Err(s3_error!(InvalidRequest, "Value for {name} header is invalid."));
            }
            return Ok(Self {
                algorithm: sum.algorithm,
                named: true,
                value: Some(sum.value),
                trailing: false,
            });
        }
        let trailer = headers.get("x-amz-trailer").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let trailer = ALL.into_iter().find(|one| trailer.trim().eq_ignore_ascii_case(&one.header()));
        if let Some(algorithm) = trailer {
            return Ok(Self { algorithm, named: true, value: None, trailing: true });
        }
        if headers.contains_key("x-amz-sdk-checksum-algorithm") {
            return Err(s3_error!(
                InvalidRequest,
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found."
            ));
        }
        // Since December 2024 S3 computes this one where the client says nothing.
        Ok(Self { algorithm: Algorithm::Crc64nvme, named: false, value: None, trailing: false })
    }

    /// Holds what was computed against what was promised, now that any trailer has come.
    pub fn check(&self, computed: &str, trailers: Option<&HeaderMap>) -> S3Result<()> {
        let name = self.algorithm.word();
        let value = if self.trailing {
            let found = trailers.and_then(|all| all.get(self.algorithm.header())?.to_str().ok());
            let sum = Sum { algorithm: self.algorithm, value: found.unwrap_or_default().to_owned() };
            if !well_formed(&sum) {
                return Err(s3_error!(
                    InvalidRequest,
                    "Value for {} trailing header is invalid.",
                    self.algorithm.header()
                ));
            }
            Some(sum.value)
        } else {
            self.value.clone()
        };
        match value {
            Some(value) if value != computed => {
                Err(s3_error!(BadDigest, "The {name} you specified did not match the calculated checksum."))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_checksums_of_known_bytes() {
        // Check values of "123456789" in the catalogue of CRC algorithms (reveng.sourceforge.io).
        for (algorithm, hex) in [
            (Algorithm::Crc32, "cbf43926"),
            (Algorithm::Crc32c, "e3069283"),
            (Algorithm::Crc64nvme, "ae8b14860a799888"),
        ] {
            let bytes = BASE64_STANDARD.decode(algorithm.of(b"123456789").value).expect("base64");
            assert_eq!(hex::encode(bytes), hex, "{algorithm:?}");
        }
    }

    #[test]
    fn a_checksum_is_one_and_is_right() {
        let mut headers = HeaderMap::new();
        assert!(!Wanted::of(&headers).expect("reads").named);
        headers.insert("x-amz-sdk-checksum-algorithm", "CRC32".parse().expect("is valid"));
        assert!(Wanted::of(&headers).is_err(), "an algorithm without a value");
        headers.insert("x-amz-checksum-crc32", Algorithm::Crc32.of(b"a").value.parse().expect("is valid"));
        let wanted = Wanted::of(&headers).expect("reads");
        wanted.check(&Algorithm::Crc32.of(b"a").value, None).expect("is right");
        assert!(wanted.check(&Algorithm::Crc32.of(b"b").value, None).is_err());
        headers.insert("x-amz-checksum-sha1", "x".parse().expect("is valid"));
        assert!(Wanted::of(&headers).is_err(), "two of them");
    }
}
