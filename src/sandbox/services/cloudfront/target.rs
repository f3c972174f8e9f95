//! What a request of the control plane is for: its operation, and what its path and query name.
//!
//! Source: the request syntax of each operation in the CloudFront API reference.

use percent_encoding::percent_decode_str;

use crate::sandbox::{call::RawRequest, world::World};

use super::xml::Node;

const ROOT: &str = "/2020-05-31/";

/// Such a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub operation: &'static str,
    /// What the path names: a function, a store, a distribution; an invalidation is the last of them.
    pub names: Vec<String>,
}

impl Target {
    /// Nothing where there is no such operation.
    pub fn of(request: &RawRequest) -> Option<Self> {
        let segments: Vec<String> = request
            .path
            .strip_prefix(ROOT)?
            .trim_end_matches('/')
            .split('/')
            .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
            .collect();
        let (kind, names) = segments.split_first()?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (operation, named): (&'static str, &[&str]) =
            match (request.method.as_str(), kind.as_str(), names.as_slice()) {
                ("POST", "key-value-store", []) => ("CreateKeyValueStore", &[]),
                ("GET", "key-value-store", []) => ("ListKeyValueStores", &[]),
                ("GET", "key-value-store", [_]) => ("DescribeKeyValueStore", &names),
                ("PUT", "key-value-store", [_]) => ("UpdateKeyValueStore", &names),
                ("DELETE", "key-value-store", [_]) => ("DeleteKeyValueStore", &names),
                ("POST", "function", []) => ("CreateFunction", &[]),
                ("GET", "function", []) => ("ListFunctions", &[]),
                ("GET", "function", [_]) => ("GetFunction", &names),
                ("GET", "function", [_, "describe"]) => ("DescribeFunction", &names[..1]),
                ("PUT", "function", [_]) => ("UpdateFunction", &names),
                ("POST", "function", [_, "publish"]) => ("PublishFunction", &names[..1]),
                ("DELETE", "function", [_]) => ("DeleteFunction", &names),
                ("POST", "distribution", []) if has(request, "WithTags") => {
                    ("CreateDistributionWithTags", &[])
                }
                ("POST", "distribution", []) => ("CreateDistribution", &[]),
                ("GET", "distribution", []) => ("ListDistributions", &[]),
                ("GET", "distribution", [_]) => ("GetDistribution", &names),
                ("GET", "distribution", [_, "config"]) => ("GetDistributionConfig", &names[..1]),
                ("PUT", "distribution", [_, "config"]) => ("UpdateDistribution", &names[..1]),
                ("DELETE", "distribution", [_]) => ("DeleteDistribution", &names),
                ("POST", "distribution", [_, "invalidation"]) => ("CreateInvalidation", &names[..1]),
                ("GET", "distribution", [_, "invalidation"]) => ("ListInvalidations", &names[..1]),
                ("GET", "distribution", [_, "invalidation", _]) => ("GetInvalidation", &names),
                ("GET", "tagging", []) => ("ListTagsForResource", &[]),
                ("POST", "tagging", []) => match query(request, "Operation").as_deref() {
                    Some("Tag") => ("TagResource", &[]),
                    Some("Untag") => ("UntagResource", &[]),
                    _ => return None,
                },
                _ => return None,
            };
        let names: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
        names.iter().all(|name| !name.is_empty()).then_some(Self { operation, names })
    }

    /// What the path names first.
    pub fn name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }
}

/// What the query says of a name.
pub(super) fn query(request: &RawRequest, name: &str) -> Option<String> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(&request.query).unwrap_or_default();
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// Whether the query has a name, with a value or without.
fn has(request: &RawRequest, name: &str) -> bool {
    query(request, name).is_some()
}

/// The resource that a request is about, as an ARN; `*` where its operation has none.
///
/// Source: Service Authorization Reference, "Resource types defined by Amazon CloudFront".
pub fn resource(world: &World, account: &str, request: &RawRequest) -> String {
    let Some(target) = Target::of(request) else { return "*".to_owned() };
    let arn = |kind: &str, id: &str| format!("arn:aws:cloudfront::{account}:{kind}/{id}");
    match target.operation {
        "ListKeyValueStores" | "CreateKeyValueStore" | "ListFunctions" | "ListDistributions" => {
            "*".to_owned()
        }
        "CreateFunction" => {
            let name = Node::read(&request.body).map(|body| body.text("Name").to_owned()).unwrap_or_default();
            arn("function", &name)
        }
        "CreateDistribution" | "CreateDistributionWithTags" => arn("distribution", "*"),
        "ListTagsForResource" | "TagResource" | "UntagResource" => {
            query(request, "Resource").unwrap_or_else(|| "*".to_owned())
        }
        other if other.ends_with("KeyValueStore") => {
            let id = world.cloudfront.id(target.name());
            arn("key-value-store", id.as_deref().unwrap_or(target.name()))
        }
        other if other.ends_with("Function") => arn("function", target.name()),
        _ => arn("distribution", target.name()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;

    use super::*;
    use crate::sandbox::services::cloudfront::OPERATIONS;

    #[test]
    fn each_operation_is_told_by_method_path_and_query() {
        let of = |method: &str, path: &str, query: &str| {
            Target::of(&RawRequest {
                method: method.to_owned(),
                path: format!("/2020-05-31/{path}"),
                query: query.to_owned(),
                headers: BTreeMap::new(),
                body: Bytes::new(),
            })
        };
        let mut seen = Vec::new();
        for (method, path, query, operation, names) in [
            ("POST", "key-value-store", "", "CreateKeyValueStore", ""),
            ("GET", "key-value-store/", "", "ListKeyValueStores", ""),
            ("GET", "key-value-store/a", "", "DescribeKeyValueStore", "a"),
            ("PUT", "key-value-store/a", "", "UpdateKeyValueStore", "a"),
            ("DELETE", "key-value-store/a", "", "DeleteKeyValueStore", "a"),
            ("POST", "function", "", "CreateFunction", ""),
            ("GET", "function", "Stage=LIVE", "ListFunctions", ""),
            ("GET", "function/a%20b", "", "GetFunction", "a b"),
            ("GET", "function/a/describe", "", "DescribeFunction", "a"),
            ("PUT", "function/a", "", "UpdateFunction", "a"),
            ("POST", "function/a/publish", "", "PublishFunction", "a"),
            ("DELETE", "function/a", "", "DeleteFunction", "a"),
            ("POST", "distribution", "", "CreateDistribution", ""),
            ("POST", "distribution", "WithTags", "CreateDistributionWithTags", ""),
            ("GET", "distribution", "", "ListDistributions", ""),
            ("GET", "distribution/E", "", "GetDistribution", "E"),
            ("GET", "distribution/E/config", "", "GetDistributionConfig", "E"),
            ("PUT", "distribution/E/config", "", "UpdateDistribution", "E"),
            ("DELETE", "distribution/E", "", "DeleteDistribution", "E"),
            ("POST", "distribution/E/invalidation", "", "CreateInvalidation", "E"),
            ("GET", "distribution/E/invalidation", "", "ListInvalidations", "E"),
            ("GET", "distribution/E/invalidation/I", "", "GetInvalidation", "E,invalidation,I"),
            ("GET", "tagging", "Resource=a", "ListTagsForResource", ""),
            ("POST", "tagging", "Operation=Tag", "TagResource", ""),
            ("POST", "tagging", "Operation=Untag", "UntagResource", ""),
        ] {
            let target = of(method, path, query).unwrap_or_else(|| panic!("{operation}"));
            assert_eq!((target.operation, target.names.join(",").as_str()), (operation, names));
            seen.push(operation);
        }
        seen.sort_unstable();
        assert_eq!(seen, OPERATIONS);
        for (method, path) in [
            ("POST", "function/a/test"),
            ("PATCH", "function"),
            ("GET", "cache-policy"),
            ("DELETE", "function//"),
        ] {
            assert!(of(method, path, "").is_none(), "{path}");
        }
    }
}
