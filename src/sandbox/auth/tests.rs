//! Nothing that a request claims makes reading it panic, and nothing made up is believed.

use http::Request;
use proptest::prelude::*;
use time::macros::datetime;

use super::*;
use crate::sandbox::testing::{cases, identity};

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

struct Known(Identity);

impl Keys for Known {
    fn key(&self, access_key_id: &str) -> Option<Key> {
        (access_key_id == self.0.access_key_id).then(|| self.0.key())
    }
}

/// What an `Authorization` header is made of, in any order.
fn pieces() -> impl Strategy<Value = String> {
    "(AWS4-HMAC-SHA256|AWS4-ECDSA-P256-SHA256|Basic|Credential|SignedHeaders|Signature|=|,|/|;| |AKIAKNOWN|20261121|s3|aws4_request|host|:authority|é){0,30}"
}

/// One that has everything but the right signature.
fn whole() -> impl Strategy<Value = String> {
    (
        prop_oneof![Just("AWS4-HMAC-SHA256"), Just("AWS4-ECDSA-P256-SHA256")],
        "(20261121/[a-z*-]{0,9}/(s3|sts|ecr)|20261121/(s3|sts)|2026112/x/sts|/{0,4})",
        "(host|:authority|x-amz-date|none|[ -~]{1,6}|;){0,5}",
        "([0-9a-f]{64}|30[0-9a-f]{0,144}|[ -~]{0,70})",
    )
        .prop_map(|(algorithm, scope, headers, signature)| {
            format!("{algorithm} Credential=AKIAKNOWN/{scope}/aws4_request, SignedHeaders=host;{headers}, Signature={signature}")
        })
}

proptest! {
    #![proptest_config(cases())]
    #[test]
    fn no_claim_makes_it_panic_or_is_believed(
        authorization in prop_oneof![pieces(), whole()],
        date in prop_oneof![Just("20261121T120000Z".to_owned()), "[0-9TZ-]{0,17}"],
        query in "(X-Amz-Credential|X-Amz-Security-Token|X-Amz-Signature|=|&|/|%|%2F|%F|AKIAKNOWN|s3|aws4_request|a){0,30}",
        token in proptest::option::of("[ -~]{0,10}"),
        content in proptest::option::of("(UNSIGNED-PAYLOAD|[0-9a-f]{64})"),
        body in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut request = Request::builder().uri(format!("/a/..//%2e?{query}")).header("host", "localhost");
        for (name, value) in [("authorization", Some(authorization)), ("x-amz-date", Some(date)), (TOKEN, token), ("x-amz-content-sha256", content)] {
            if let Some(value) = value {
                request = request.header(name, value.as_bytes());
            }
        }
        // What is no request to the HTTP library comes never this far.
        let Ok(request) = request.body(()) else { return Ok(()) };
        let parts = request.into_parts().0;
        let _ = (claimed_service(&parts), of_object(&parts, "us-east-1"));
        let known = Known(identity());
        prop_assert!(verify(&parts, &body, &known.0, &known, NOW).is_err());
    }
}
