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

/// Longest body of a call to ECR: parts of layers come in Base64. Source: API reference, UploadLayerPart.
const LAYER_LIMIT: usize = 28 * 1024 * 1024;

/// Answers one request.
pub(super) async fn answer(
    world: &Arc<World>,
    service: &str,
    request: Request<Timely<Incoming>>,
) -> RawResponse {
    let (parts, body) = request.into_parts();
    let limit = if service == "ecr" { LAYER_LIMIT } else { BODY_LIMIT };
    let body = match Limited::new(body, limit).collect().await {
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
    // What cannot be told is written as most services write.
    let protocol = protocol::of(&parts).unwrap_or(protocol::Protocol::Json("application/x-amz-json-1.1"));
    let mut operation = String::new();
    // Nothing is read of what nobody signed.
    let answer = match verified {
        Err(error) => Err(refusal(&error, protocol == protocol::Protocol::Query)),
        Ok(caller) => match protocol::read(&parts, &body) {
            Err(error) => Err(error),
            Ok(call) => {
                drop(body);
                operation.clone_from(&call.operation);
                let host = parts.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
                let permitted = access::permit(world, &caller, service, &operation, &call.input);
                match permitted.and(strike(world, service, &operation).await) {
                    Ok(()) => dispatch(world, service, call, &caller, host).await,
                    Err(struck) => Err(struck),
                }
            }
        },
    };
    let query_error = answer.as_ref().err().and_then(|error| match service {
        "sqs" => Some(sqs::query_error(error)),
        "monitoring" => Some(cloudwatch::query_error(error)),
        _ => None,
    });
    let answer = match service {
        "monitoring" if protocol == protocol::Protocol::Query => answer.map_err(cloudwatch::in_query),
        _ => answer,
    };
    let request_id = uuid();
    let response = protocol::write(protocol, dialect(service), &operation, &request_id, answer);
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
