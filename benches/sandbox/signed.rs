//! Requests signed once (SigV4), as bytes that can be sent for five minutes.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};

use crate::Failed;

#[derive(Default, Clone)]
pub struct Keys {
    pub id: String,
    pub secret: String,
    pub region: String,
}

/// A request of which only the signature is missing.
pub struct Unsigned<'a> {
    pub service: &'a str,
    pub method: &'a str,
    pub path: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    /// `None` for a body that is not signed.
    pub body: Option<&'a [u8]>,
    /// Bytes of the body that follow the head.
    pub length: usize,
}

impl Unsigned<'_> {
    /// The head, to which `port` of this machine listens.
    pub fn head(&self, keys: &Keys, port: u16) -> Result<Vec<u8>, Failed> {
        let identity = Credentials::new(&keys.id, &keys.secret, None, None, "bench").into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&keys.region)
            .name(self.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let host = format!("localhost:{port}");
        let url = format!("http://{host}{}", self.path);
        let body = self.body.map_or(SignableBody::UnsignedPayload, SignableBody::Bytes);
        let sha = match self.body {
            None => vec![("x-amz-content-sha256", "UNSIGNED-PAYLOAD")],
            Some(_) => Vec::new(),
        };
        let headers: Vec<(&str, &str)> =
            self.headers.iter().copied().chain(sha).chain([("host", host.as_str())]).collect();
        let request = SignableRequest::new(self.method, &url, headers.iter().copied(), body)?;
        let (instructions, _) = sign(request, &parameters)?.into_parts();
        let mut head =
            format!("{} {} HTTP/1.1\r\ncontent-length: {}\r\n", self.method, self.path, self.length);
        for (name, value) in headers.into_iter().chain(instructions.headers()) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        Ok(head.into_bytes())
    }
}
