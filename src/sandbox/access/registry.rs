//! Requests to the registry, whose actions are those of ECR.
//!
//! Sources: Service Authorization Reference, "Actions defined by Amazon Elastic Container Registry"; ECR user guide, "Blob
//! mounting" (mounting needs what downloading does).

use http::{Method, Uri};

use crate::sandbox::{
    call::{Caller, ServiceError},
    world::World,
};

use super::{Need, check};

/// Whether whoever has a key may make a request.
///
/// # Errors
/// The refusal, in the words of AWS.
pub fn permit(world: &World, caller: &Caller, method: &Method, uri: &Uri) -> Result<(), ServiceError> {
    let (name, actions) = needed(method, uri.path());
    of(world, caller, name, actions)
}

/// Whether whoever has a key may mount blobs of a repository into another.
///
/// # Errors
/// The refusal, in the words of AWS.
pub fn mount(world: &World, caller: &Caller, from: &str) -> Result<(), ServiceError> {
    of(world, caller, from, &["GetDownloadUrlForLayer"])
}

fn of(world: &World, caller: &Caller, name: &str, actions: &[&str]) -> Result<(), ServiceError> {
    let resource = format!("arn:aws:ecr:{}:{}:repository/{name}", caller.region, caller.account);
    let needs = actions.iter().map(|action| Need::new(format!("ecr:{action}"), &resource)).collect();
    check(world, caller, "ecr", needs)
}

/// The repository that a request is about, and the actions that it needs.
fn needed<'a>(method: &Method, path: &'a str) -> (&'a str, &'static [&'static str]) {
    // Once: the name of a repository may begin so, too.
    let path = path.strip_prefix("/v2").unwrap_or(path).trim_matches('/');
    const UPLOAD: &[&str] = &["InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload"];
    if let Some((name, _)) = path.split_once("/manifests/") {
        return (name, if method == Method::PUT { &["PutImage"] } else { &["BatchGetImage"] });
    }
    if let Some(name) = path.strip_suffix("/tags/list") {
        return (name, &["ListImages"]);
    }
    match path.split_once("/blobs/") {
        // What is sent in one piece, in chunks or not at all needs the same.
        Some((name, rest)) if rest == "uploads" || rest.starts_with("uploads/") => (name, UPLOAD),
        Some((name, _)) if method == Method::HEAD => (name, &["BatchCheckLayerAvailability"]),
        Some((name, _)) => (name, &["GetDownloadUrlForLayer"]),
        // Whether a token is good may be asked with any.
        None => (path, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_needs_what_the_operation_of_its_kind_does() {
        for (method, path, name, first) in [
            (Method::GET, "a/b/manifests/latest", "a/b", "BatchGetImage"),
            (Method::PUT, "a/b/manifests/latest", "a/b", "PutImage"),
            (Method::HEAD, "a/b/blobs/sha256:1", "a/b", "BatchCheckLayerAvailability"),
            (Method::GET, "a/b/blobs/sha256:1", "a/b", "GetDownloadUrlForLayer"),
            (Method::POST, "a/b/blobs/uploads", "a/b", "InitiateLayerUpload"),
            (Method::PATCH, "a/b/blobs/uploads/1", "a/b", "InitiateLayerUpload"),
            (Method::GET, "a/b/tags/list", "a/b", "ListImages"),
            (Method::GET, "v2ray/v2/tags/list", "v2ray/v2", "ListImages"),
        ] {
            let path = format!("/v2/{path}");
            let (of, actions) = needed(&method, &path);
            assert_eq!((of, actions.first().copied()), (name, Some(first)), "{method} {path}");
        }
        assert!(needed(&Method::GET, "/v2/").1.is_empty());
    }
}
