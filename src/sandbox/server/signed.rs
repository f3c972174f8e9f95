//! Calls by name, in JSON, CBOR or Query: read, verified, permitted, answered, and written as they were asked.

use std::sync::Arc;

use http::Request;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use time::OffsetDateTime;

use crate::sandbox::{
    access, auth,
    call::RawResponse,
    door::Timely,
    protocol,
    services::{cloudformation, cloudwatch, dynamodb, iam, rds, sqs, sts},
    world::World,
};

use super::{
    dispatch::dispatch,
    front::{REQUEST_ID, to_raw},
    refusal::{refusal, unread},
    rest::Rest,
    strike::strike,
    uuid,
};

/// Longest body of a call that is not S3's or the registry's.
const BODY_LIMIT: usize = 8 * 1024 * 1024;

/// Answers one request.
pub(super) async fn answer(
    world: &Arc<World>,
    service: &str,
    request: Request<Timely<Incoming>>,
) -> RawResponse {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return unread(&*error),
    };
    let verified = auth::verify(&parts, &body, &world.identity, world.as_ref(), OffsetDateTime::now_utc());
    if let Some(rest) = Rest::of(service) {
        return match verified {
            Ok(caller) => rest.answer(world, to_raw(&parts, body), &caller).await,
            Err(error) => rest.refuse(&error),
        };
    }
    let (call, answer) = match (protocol::read(&parts, &body), verified) {
        (Ok(call), Ok(caller)) => {
            let host = parts.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
            let permitted = access::permit(world, &caller, service, &call.operation, &call.input);
            let answer = match permitted.and(strike(world, service, &call.operation).await) {
                Ok(()) => dispatch(world, service, &call, &caller, host).await,
                Err(struck) => Err(struck),
            };
            (call, answer)
        }
        (Ok(call), Err(error)) => {
            let query = call.protocol == protocol::Protocol::Query;
            (call, Err(refusal(&error, query)))
        }
        (Err(_), Err(error)) => (protocol::Call::unread(), Err(refusal(&error, false))),
        (Err(error), Ok(_)) => (protocol::Call::unread(), Err(error)),
    };
    let query_error = answer.as_ref().err().and_then(|error| match service {
        "sqs" => Some(sqs::query_error(error)),
        "monitoring" => Some(cloudwatch::query_error(error)),
        _ => None,
    });
    let answer = match service {
        "monitoring" if call.protocol == protocol::Protocol::Query => answer.map_err(cloudwatch::in_query),
        _ => answer,
    };
    let request_id = uuid();
    let response = protocol::write(call.protocol, dialect(service), &call.operation, &request_id, answer);
    let response = response.with(REQUEST_ID, request_id);
    match (service, query_error) {
        ("dynamodb", _) => dynamodb::checked(response),
        (_, Some(code)) => response.with("x-amzn-query-error", code),
        _ => response,
    }
}

/// How a service that speaks Query writes its answers. Whatever else is asked in Query is refused, in that of STS.
fn dialect(service: &str) -> &'static protocol::Dialect {
    match service {
        "cloudformation" => &cloudformation::DIALECT,
        "iam" => &iam::DIALECT,
        "monitoring" => &cloudwatch::DIALECT,
        "rds" => &rds::DIALECT,
        _ => &sts::DIALECT,
    }
}
