//! The canonical form of a request, which is what is signed.

use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What HTTP/2 has in the place of the Host header, under the name by which clients sign it.
pub(super) const AUTHORITY: &str = ":authority";

/// The canonical request, or `None` where a header that should be signed is not there.
///
/// The path is encoded once more than it was sent, as for every service but S3.
pub(super) fn request(parts: &Parts, signed: &[&str], body_hash: &str) -> Option<String> {
    let path = parts.uri.path();
    let path: Vec<String> = path.split('/').map(|s| utf8_percent_encode(s, RESERVED).to_string()).collect();
    let mut headers = String::new();
    for name in signed {
        let values = if *name == AUTHORITY {
            parts.uri.authority().map(|authority| authority.as_str().to_owned()).into_iter().collect()
        } else {
            header(parts, name)
        };
        if values.is_empty() {
            return None;
        }
        headers.push_str(&format!("{name}:{}\n", values.join(",")));
    }
    Some(format!(
        "{}\n{}\n{}\n{headers}\n{}\n{body_hash}",
        parts.method,
        path.join("/"),
        query(parts.uri.query().unwrap_or_default()),
        signed.join(";"),
    ))
}

fn header(parts: &Parts, name: &str) -> Vec<String> {
    let values = parts.headers.get_all(name).iter().map(|value| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    values.collect()
}

fn query(raw: &str) -> String {
    let recode = |text: &str| {
        let decoded: Vec<u8> = percent_decode_str(text).collect();
        percent_encoding::percent_encode(&decoded, RESERVED).to_string()
    };
    let mut pairs: Vec<(String, String)> = raw
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (recode(key), recode(value))
        })
        .collect();
    pairs.sort();
    pairs.into_iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&")
}
