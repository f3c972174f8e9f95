//! How a request to S3 says that it is signed, which its library verifies and does not hold to all that S3 does.
//!
//! Invariant: what is looked at here is the one claim that can be verified: a request with two is refused.
//! Sources: Amazon S3 API reference, "Authenticating Requests (AWS Signature Version 4)" and "Error responses".

use http::request::Parts;

use super::{TOKEN, read, uncovered};

/// Most seconds that a presigned address is good. Source: Amazon S3 API reference, "Authenticating Requests: Using Query
/// Parameters".
const WEEK: u64 = 604_800;

/// Whose key a request claims to be signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectClaim {
    /// Access key id.
    pub access_key_id: String,
    /// Token of a session.
    pub token: Option<String>,
}

/// What is wrong with a claim: status, code and words of S3.
pub type Refused = (u16, &'static str, String);

fn refused<T>(status: u16, code: &'static str, words: impl Into<String>) -> Result<T, Refused> {
    Err((status, code, words.into()))
}

/// What a request to S3 claims.
///
/// # Errors
/// S3's own refusal of one that claims nothing, too much, or for elsewhere.
pub fn of_object(parts: &Parts, region: &str) -> Result<ObjectClaim, Refused> {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let pairs = parts.uri.query().unwrap_or_default();
    let pairs = serde_urlencoded::from_str::<Vec<(String, String)>>(pairs).unwrap_or_default();
    let find = |name: &str| {
        let found = pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    };
    let older =
        find("awsaccesskeyid").is_some() || header("authorization").is_some_and(|h| h.starts_with("AWS "));
    let in_address =
        ["x-amz-algorithm", "x-amz-credential", "x-amz-signature"].iter().any(|name| find(name).is_some());
    match (header("authorization"), in_address) {
        (Some(_), true) => refused(
            400,
            "InvalidArgument",
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
        ),
        _ if older => refused(
            400,
            "InvalidRequest",
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        ),
        (Some(text), false) => in_header(parts, text, region),
        (None, true) => in_query(parts, find, region),
        (None, false) => refused(403, "AccessDenied", "Access Denied"),
    }
}

fn not_signed<T>() -> Result<T, Refused> {
    refused(403, "AccessDenied", "There were headers present in the request which were not signed")
}

fn in_header(parts: &Parts, text: &str, region: &str) -> Result<ObjectClaim, Refused> {
    let claim = match read(text) {
        Ok(claim) => claim,
        Err(error) => return refused(400, "AuthorizationHeaderMalformed", error.to_string()),
    };
    if uncovered(parts, &claim.signed_headers).is_some() {
        return not_signed();
    }
    if !claim.asymmetric && claim.scope[1] != region {
        let words = format!(
            "The authorization header is malformed; the region '{}' is wrong; expecting '{region}'",
            claim.scope[1]
        );
        return refused(400, "AuthorizationHeaderMalformed", words);
    }
    let token = parts.headers.get(TOKEN).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Ok(ObjectClaim { access_key_id: claim.access_key_id.to_owned(), token })
}

fn in_query<'a>(
    parts: &Parts,
    find: impl Fn(&str) -> Option<&'a str>,
    region: &str,
) -> Result<ObjectClaim, Refused> {
    let wrong = |words: &str| refused(400, "AuthorizationQueryParametersError", words);
    let (Some(credential), Some(signed), Some(expires)) =
        (find("x-amz-credential"), find("x-amz-signedheaders"), find("x-amz-expires"))
    else {
        return wrong(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
        );
    };
    match expires.parse::<u64>() {
        Err(_) => return wrong("X-Amz-Expires should be a number"),
        Ok(seconds) if seconds > WEEK => {
            return wrong("X-Amz-Expires must be less than a week (in seconds) that is 604800");
        }
        Ok(_) => {}
    }
    let scope: Vec<&str> = credential.split('/').collect();
    let &[access_key_id, _, given, _, _] = scope.as_slice() else {
        return wrong("Error parsing the X-Amz-Credential parameter");
    };
    if given != region {
        return wrong(&format!(
            "Error parsing the X-Amz-Credential parameter; the region '{given}' is wrong; expecting '{region}'"
        ));
    }
    if uncovered(parts, &signed.split(';').collect::<Vec<_>>()).is_some() {
        return not_signed();
    }
    Ok(ObjectClaim { access_key_id: access_key_id.to_owned(), token: find(TOKEN).map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const KEY: &str = "AKIAKNOWN/20261121/us-east-1/s3/aws4_request";

    fn code(uri: &str, headers: &[(&str, &str)]) -> Result<String, &'static str> {
        let mut request = Request::builder().uri(uri).header("host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let parts = request.body(()).expect("a request").into_parts().0;
        of_object(&parts, "us-east-1").map(|claim| claim.access_key_id).map_err(|(_, code, _)| code)
    }

    fn address(expires: &str, signed: &str, key: &str) -> String {
        format!(
            "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={key}&X-Amz-Date=20261121T000000Z&X-Amz-Expires={expires}&X-Amz-SignedHeaders={signed}&X-Amz-Signature=00"
        )
    }

    #[test]
    fn one_claim_for_here_that_covers_all_is_taken() {
        let good = format!("AWS4-HMAC-SHA256 Credential={KEY}, SignedHeaders=host;x-amz-date, Signature=00");
        assert_eq!(
            code("/b/k", &[("authorization", &good), ("x-amz-date", "x")]),
            Ok("AKIAKNOWN".to_owned())
        );
        assert_eq!(code(&address("604800", "host", KEY), &[]), Ok("AKIAKNOWN".to_owned()));
        let uncovered = [("authorization", good.as_str()), ("x-amz-copy-source", "/b/other")];
        assert_eq!(code("/b/k", &uncovered), Err("AccessDenied"));
        assert_eq!(code(&address("60", "host", KEY), &[("x-amz-copy-source", "/b/o")]), Err("AccessDenied"));
        assert_eq!(code(&address("60", "", KEY), &[]), Err("AccessDenied"));
        assert_eq!(code(&address("60", "host", KEY), &[("authorization", &good)]), Err("InvalidArgument"));
        let elsewhere = KEY.replace("us-east-1", "eu-west-1");
        assert_eq!(code(&address("60", "host", &elsewhere), &[]), Err("AuthorizationQueryParametersError"));
        assert_eq!(code(&address("604801", "host", KEY), &[]), Err("AuthorizationQueryParametersError"));
        let there = good.replace("us-east-1", "eu-west-1");
        assert_eq!(code("/b/k", &[("authorization", &there)]), Err("AuthorizationHeaderMalformed"));
    }

    #[test]
    fn the_older_signature_and_none_are_refused_as_s3_refuses_them() {
        assert_eq!(code("/b/k?AWSAccessKeyId=AKIAKNOWN&Signature=x&Expires=1", &[]), Err("InvalidRequest"));
        assert_eq!(code("/b/k", &[("authorization", "AWS AKIAKNOWN:x")]), Err("InvalidRequest"));
        assert_eq!(code("/b/k", &[]), Err("AccessDenied"));
    }
}
