//! From the shape that templates have of functions and distributions to CloudFront's own, and back.
//!
//! A template writes lists as lists, and some names otherwise. Source: CloudFormation template reference,
//! `AWS::CloudFront::Distribution DistributionConfig` and what it holds.

use serde_json::{Map, Value};

use crate::sandbox::services::cloudfront::xml::Node;

use super::shape::worded;

/// Lists: as templates call them, as the service does, and what it calls an item.
const LISTS: [(&str, &str, &str); 16] = [
    ("Aliases", "Aliases", "CNAME"),
    ("AllowedMethods", "AllowedMethods", "Method"),
    ("CacheBehaviors", "CacheBehaviors", "CacheBehavior"),
    ("CachedMethods", "CachedMethods", "Method"),
    ("CustomErrorResponses", "CustomErrorResponses", "CustomErrorResponse"),
    ("FunctionAssociations", "FunctionAssociations", "FunctionAssociation"),
    ("Headers", "Headers", "Name"),
    ("KeyValueStoreAssociations", "KeyValueStoreAssociations", "KeyValueStoreAssociation"),
    ("LambdaFunctionAssociations", "LambdaFunctionAssociations", "LambdaFunctionAssociation"),
    ("OriginCustomHeaders", "CustomHeaders", "OriginCustomHeader"),
    ("OriginSSLProtocols", "OriginSslProtocols", "SslProtocol"),
    ("Origins", "Origins", "Origin"),
    ("QueryStringCacheKeys", "QueryStringCacheKeys", "Name"),
    ("TrustedKeyGroups", "TrustedKeyGroups", "KeyGroup"),
    ("TrustedSigners", "TrustedSigners", "AwsAccountNumber"),
    ("WhitelistedNames", "WhitelistedNames", "Name"),
];

/// Other names that differ.
const NAMES: [(&str, &str); 4] = [
    ("AcmCertificateArn", "ACMCertificateArn"),
    ("IPV6Enabled", "IsIPV6Enabled"),
    ("IamCertificateId", "IAMCertificateId"),
    ("SslSupportMethod", "SSLSupportMethod"),
];

const GEO: &str = "GeoRestriction";

/// As the service has it.
pub(super) fn node(name: &str, value: &Value) -> Node {
    match value {
        Value::Array(items) => {
            let known = LISTS.iter().find(|(theirs, ..)| *theirs == name);
            let (_, own, item) = known.copied().unwrap_or((name, name, "Name"));
            let mut list = Node::list(own, items.iter().map(|one| node(item, one)).collect());
            if own.starts_with("Trusted") {
                list.put(Node::leaf("Enabled", (!items.is_empty()).to_string()));
            }
            list
        }
        Value::Object(map) if name == GEO => {
            let locations = map.get("Locations").and_then(Value::as_array).cloned().unwrap_or_default();
            let mut list = Node::list(GEO, locations.iter().map(|one| node("Location", one)).collect());
            list.put(node("RestrictionType", &map["RestrictionType"]));
            list
        }
        Value::Object(map) => {
            let members = map.iter().filter(|(key, _)| *key != "CachedMethods");
            let mut branch = Node::branch("", members.map(|(key, value)| node(key, value)).collect());
            // The methods that are cached stand within those that are allowed.
            if let Some(cached) = map.get("CachedMethods") {
                let mut allowed = branch
                    .child("AllowedMethods")
                    .cloned()
                    .unwrap_or_else(|| node("AllowedMethods", &serde_json::json!(["HEAD", "GET"])));
                allowed.put(node("CachedMethods", cached));
                branch.put(allowed);
            }
            branch.named(own(name))
        }
        other => Node::leaf(own(name), worded(other).as_str().unwrap_or_default()),
    }
}

fn own(name: &str) -> &str {
    NAMES.iter().find(|(theirs, _)| *theirs == name).map_or(name, |(_, own)| own)
}

fn theirs(name: &str) -> &str {
    let list = LISTS.iter().find(|(_, own, _)| *own == name).map(|(theirs, ..)| *theirs);
    list.or_else(|| NAMES.iter().find(|(_, own)| *own == name).map(|(theirs, _)| *theirs)).unwrap_or(name)
}

/// As templates have it.
pub(super) fn value(node: &Node) -> Value {
    if node.name == GEO {
        let locations: Vec<&str> = node.items_here().map(|one| one.text.as_str()).collect();
        return serde_json::json!({ "RestrictionType": node.text("RestrictionType"), "Locations": locations });
    }
    if node.child("Quantity").is_some() {
        return node.items_here().map(value).collect();
    }
    if node.children.is_empty() {
        return node.text.clone().into();
    }
    let mut map: Map<String, Value> =
        node.children.iter().map(|child| (theirs(&child.name).to_owned(), value(child))).collect();
    if let Some(cached) = node.at("AllowedMethods/CachedMethods") {
        map.insert("CachedMethods".to_owned(), value(cached));
    }
    map.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_template_becomes_a_config_and_is_read_back() {
        let template = json!({
            "Aliases": ["a.example.com"], "Enabled": "true", "IPV6Enabled": "false",
            "Origins": [{ "Id": "o", "DomainName": "b.example.com", "OriginCustomHeaders": [{ "HeaderName": "a", "HeaderValue": "b" }] }],
            "DefaultCacheBehavior": { "TargetOriginId": "o", "AllowedMethods": ["GET", "HEAD"], "CachedMethods": ["HEAD", "GET"] },
            "ViewerCertificate": { "AcmCertificateArn": "arn" },
            "Restrictions": { "GeoRestriction": { "RestrictionType": "none", "Locations": [] } },
        });
        let config = node("DistributionConfig", &template);
        assert_eq!(config.items("Aliases")[0], Node::leaf("CNAME", "a.example.com"));
        assert_eq!(config.items("Origins")[0].items("CustomHeaders")[0].text("HeaderName"), "a");
        assert_eq!(config.items("DefaultCacheBehavior/AllowedMethods/CachedMethods").len(), 2);
        assert_eq!(config.text("Restrictions/GeoRestriction/RestrictionType"), "none");
        assert_eq!(
            (config.text("IsIPV6Enabled"), config.text("ViewerCertificate/ACMCertificateArn")),
            ("false", "arn")
        );
        assert_eq!(value(&config), template);
    }
}
