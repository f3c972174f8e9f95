//! Certificates that servers show: an authority of the sandbox's own, and for each start of a server a certificate for
//! the names by which it is reached. Who wants to check it trusts `ca.pem`.

use std::{fs, io, path::Path};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P384_SHA384,
};
use time::{Duration, OffsetDateTime, macros::datetime};

use crate::sandbox::persisted::write_atomically;

use super::{PostgresError, blame};

/// Names by which a server is reached from here.
const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// How long a server's certificate is good; it gets another whenever it starts.
const GOOD: Duration = Duration::days(365);

/// Who signs certificates.
#[derive(Debug)]
pub struct Authority {
    key: String,
}

/// A certificate with its key, both as PEM.
pub(super) struct Signed {
    pub certificate: String,
    pub key: String,
    pub until: OffsetDateTime,
}

/// What the authority's own certificate says; the same each time, so that it is known again.
fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "pave sandbox");
    name.push(DnType::CommonName, "pave sandbox RDS ECC384 Root CA G1");
    params.distinguished_name = name;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = datetime!(2020-01-01 00:00 UTC);
    params.not_after = datetime!(2120-01-01 00:00 UTC);
    params
}

impl Authority {
    /// The authority kept in `dir`, made where there is none.
    ///
    /// # Errors
    /// When the disk refuses or the key is damaged.
    pub fn open(dir: &Path) -> Result<Self, PostgresError> {
        let (key_file, file) = (dir.join("ca.key"), dir.join("ca.pem"));
        let key = match fs::read_to_string(&key_file) {
            Ok(key) => key,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?.serialize_pem();
                write_atomically(&key_file, key.as_bytes()).map_err(blame(&key_file))?;
                key
            }
            Err(error) => return Err(blame(&key_file)(error)),
        };
        if !file.is_file() {
            let certificate = authority().self_signed(&KeyPair::from_pem(&key)?)?;
            write_atomically(&file, certificate.pem().as_bytes()).map_err(blame(&file))?;
        }
        Ok(Self { key })
    }

    pub(super) fn sign(&self) -> Result<Signed, PostgresError> {
        let issuer = Issuer::new(authority(), KeyPair::from_pem(&self.key)?);
        let mut params = CertificateParams::new(NAMES.map(str::to_owned))?;
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, NAMES[0]);
        params.distinguished_name = name;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let now = OffsetDateTime::now_utc();
        params.not_before = now - Duration::DAY;
        params.not_after = now + GOOD;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?;
        let until = params.not_after;
        let certificate = params.signed_by(&key, &issuer)?.pem();
        Ok(Signed { certificate, key: key.serialize_pem(), until })
    }
}
