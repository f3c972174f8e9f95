//! Requests to the registry, whose actions are those of ECR.
//!
//! Source: Service Authorization Reference, "Actions defined by Amazon Elastic Container Registry".

use crate::sandbox::{
    call::{Caller, RawRequest, ServiceError},
    world::World,
};

use super::{Need, Session, check};

/// Whether whoever has a key may make a request.
///
/// # Errors
/// The refusal, in the words of AWS.
pub fn permit(world: &World, caller: &Caller, request: &RawRequest) -> Result<(), ServiceError> {
    let Some(session) = Session::find(world, &caller.access_key_id) else { return Ok(()) };
    let path = request.path.trim_start_matches("/v2").trim_matches('/');
    let (name, actions) = needed(&request.method, path);
    let resource = format!("arn:aws:ecr:{}:{}:repository/{name}", caller.region, caller.account);
    let needs = actions.iter().map(|action| Need::new(format!("ecr:{action}"), &resource)).collect();
    check(&session, caller, "ecr", needs)
}

/// The repository that a request is about, and the actions that it needs.
fn needed<'a>(method: &str, path: &'a str) -> (&'a str, &'static [&'static str]) {
    const UPLOAD: &[&str] = &["InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload"];
    if let Some((name, _)) = path.split_once("/manifests/") {
        return (name, if method == "PUT" { &["PutImage"] } else { &["BatchGetImage"] });
    }
    match path.split_once("/blobs/") {
        Some((name, rest)) if rest == "uploads" || rest.starts_with("uploads/") => (name, UPLOAD),
        Some((name, _)) if method == "HEAD" => (name, &["BatchCheckLayerAvailability"]),
        Some((name, _)) => (name, &["GetDownloadUrlForLayer"]),
        // Whether a token is good may be asked with any.
        None => (path, &[]),
    }
}
