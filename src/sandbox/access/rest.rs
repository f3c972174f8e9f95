//! Calls of services that read paths themselves: CloudFront and Bedrock Runtime.

use percent_encoding::percent_decode_str;

use crate::sandbox::{
    call::{Caller, RawRequest, ServiceError},
    services::cloudfront,
    world::World,
};

use super::{Need, check};

/// Whether a call may be made, by the operation that its path was read as.
///
/// # Errors
/// The service's own refusal, in the words of AWS.
pub fn permit(
    world: &World,
    caller: &Caller,
    service: &str,
    operation: &str,
    request: &RawRequest,
) -> Result<(), ServiceError> {
    let segments: Vec<String> = request
        .path
        .trim_matches('/')
        .split('/')
        .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
        .collect();
    let segment = |at: usize| segments.get(at).map(String::as_str).filter(|text| !text.is_empty());
    let need = match service {
        // A request that no operation is for is refused as such.
        _ if operation.is_empty() => return Ok(()),
        "cloudfront" => {
            let resource = cloudfront::resource(world, &caller.account, request);
            // What is made with tags is tagged, too. Source: Service Authorization Reference, "Amazon CloudFront".
            if operation == "CreateDistributionWithTags" {
                let tagged = Need::new("cloudfront:TagResource", resource.clone());
                let made = Need::new("cloudfront:CreateDistribution", resource);
                return check(world, caller, service, vec![made, tagged]);
            }
            Need::new(format!("cloudfront:{operation}"), resource)
        }
        "cloudfront-keyvaluestore" => {
            Need::new(format!("cloudfront-keyvaluestore:{operation}"), segment(1).unwrap_or("*"))
        }
        // Converse has no action of its own. Source: Bedrock API reference, Converse.
        _ => {
            Need::new("bedrock:InvokeModel", segment(1).map_or_else(|| "*".to_owned(), |m| model(caller, m)))
        }
    };
    check(world, caller, service, vec![need])
}

/// A model by its id, or an inference profile, whose id begins with where it is: `eu.` or `global.`.
fn model(caller: &Caller, id: &str) -> String {
    if id.starts_with("arn:") {
        return id.to_owned();
    }
    let (region, account) = (&caller.region, &caller.account);
    let place = id.split('.').next().unwrap_or_default();
    match place {
        "us" | "eu" | "apac" | "au" | "jp" | "ca" | "us-gov" | "global" => {
            format!("arn:aws:bedrock:{region}:{account}:inference-profile/{id}")
        }
        _ => format!("arn:aws:bedrock:{region}::foundation-model/{id}"),
    }
}
