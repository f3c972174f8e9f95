//! Whether a distribution's config is one.
//!
//! Sources: CloudFront API reference, DistributionConfig and what it holds; developer guide, "Quotas" and "Restrictions on
//! all edge functions". What other distributions and functions have to do with it is held against in `distributions.rs`.

use std::collections::BTreeSet;

use crate::sandbox::call::ServiceError;

use super::{absent, managed, refused, xml::Node};

const ORIGINS: usize = 100;
const BEHAVIOURS: usize = 75;
const ALIASES: usize = 100;
const HEADERS: usize = 30;
const COMMENT: usize = 128;
const ROOT_OBJECT: usize = 255;

/// The methods that a behaviour may allow, in the order of the alphabet.
const METHODS: [&[&str]; 3] = [
    &["GET", "HEAD"],
    &["GET", "HEAD", "OPTIONS"],
    &["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
];

fn invalid(text: impl Into<String>) -> ServiceError {
    refused(400, "InvalidArgument", text)
}

/// Whether each list has as many items as it says.
///
/// # Errors
/// For the first that has not.
pub(super) fn quantities(node: &Node) -> Result<(), ServiceError> {
    if let Some(said) = node.child("Quantity") {
        let there = node.child("Items").map_or(0, |items| items.children.len());
        let said: usize =
            said.text.trim().parse().map_err(|_| invalid(format!("{} has no quantity", node.name)))?;
        if said != there {
            let text = format!("{} says {said} items and has {there}", node.name);
            return Err(refused(400, "InconsistentQuantities", text));
        }
    }
    node.children.iter().try_for_each(quantities)
}

/// A text that has to be one of some, where it is there.
fn one_of(node: &Node, path: &str, words: &[&str]) -> Result<(), ServiceError> {
    match node.at(path) {
        Some(found) if !words.contains(&found.text.as_str()) => {
            Err(invalid(format!("{path}: `{}` is none of {}", found.text, words.join(", "))))
        }
        _ => Ok(()),
    }
}

fn required<'a>(node: &'a Node, name: &str) -> Result<&'a Node, ServiceError> {
    node.child(name).ok_or_else(|| invalid(format!("{} needs {name}", node.name)))
}

/// Whether a text is a host's name: a first label `*` where that is allowed, and a port where the sandbox's own hosts have one.
fn is_host(text: &str, wild: bool) -> bool {
    let name = match text.rsplit_once(':') {
        Some((name, port)) if name.ends_with(".localhost") && port.parse::<u16>().is_ok() => name,
        _ => text,
    };
    let bare = name.strip_prefix("*.").filter(|_| wild).unwrap_or(name);
    let label = |part: &str| {
        (1..=63).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    name.len() <= 253 && bare.contains('.') && bare.split('.').all(label)
}

fn origin(origin: &Node) -> Result<(), ServiceError> {
    if origin.text("Id").is_empty() {
        return Err(invalid("an origin needs an Id"));
    }
    let domain = origin.text("DomainName");
    if !is_host(domain, false) {
        return Err(invalid(format!("`{domain}` is not the name of an origin's host")));
    }
    let path = origin.text("OriginPath");
    if !path.is_empty() && (!path.starts_with('/') || path.ends_with('/')) {
        return Err(invalid("OriginPath begins with a slash and does not end with one"));
    }
    if origin.items("CustomHeaders").len() > HEADERS {
        return Err(refused(
            400,
            "TooManyOriginCustomHeaders",
            format!("an origin has at most {HEADERS} headers"),
        ));
    }
    let kinds = ["S3OriginConfig", "CustomOriginConfig", "VpcOriginConfig"];
    if kinds.into_iter().filter(|kind| origin.child(kind).is_some()).count() != 1 {
        return Err(invalid(format!("an origin has one of {}", kinds.join(", "))));
    }
    if let Some(custom) = origin.child("CustomOriginConfig") {
        required(custom, "OriginProtocolPolicy")?;
        one_of(custom, "OriginProtocolPolicy", &["http-only", "match-viewer", "https-only"])?;
        for port in ["HTTPPort", "HTTPSPort"] {
            required(custom, port)?
                .text
                .parse::<u16>()
                .map_err(|_| invalid(format!("{port} is not a port")))?;
        }
    }
    Ok(())
}

fn behaviour(behaviour: &Node, origins: &BTreeSet<&str>) -> Result<(), ServiceError> {
    let target = behaviour.text("TargetOriginId");
    if !origins.contains(target) {
        return Err(refused(404, "NoSuchOrigin", format!("there is no origin `{target}`")));
    }
    required(behaviour, "ViewerProtocolPolicy")?;
    one_of(behaviour, "ViewerProtocolPolicy", &["allow-all", "https-only", "redirect-to-https"])?;
    let has_policy = !behaviour.text("CachePolicyId").is_empty();
    if has_policy == behaviour.child("ForwardedValues").is_some() {
        return Err(invalid("a cache behaviour has either a CachePolicyId or ForwardedValues"));
    }
    managed::check(behaviour)?;
    if behaviour.child("AllowedMethods").is_some() {
        let mut allowed: Vec<&str> =
            behaviour.items("AllowedMethods").iter().map(|one| one.text.as_str()).collect();
        allowed.sort_unstable();
        if !METHODS.contains(&allowed.as_slice()) {
            return Err(invalid("AllowedMethods are GET and HEAD, these and OPTIONS, or all seven"));
        }
        let mut cached: Vec<&str> =
            behaviour.items("AllowedMethods/CachedMethods").iter().map(|one| one.text.as_str()).collect();
        cached.sort_unstable();
        if !cached.is_empty() && !METHODS[..2].contains(&cached.as_slice()) {
            return Err(invalid("CachedMethods are GET and HEAD, or these and OPTIONS"));
        }
    }
    let mut events = BTreeSet::new();
    for one in behaviour.items("FunctionAssociations") {
        let event = one.text("EventType");
        let wrong = |text: String| Err(refused(400, "InvalidFunctionAssociation", text));
        if !["viewer-request", "viewer-response"].contains(&event) {
            return wrong(format!("a function is for viewer-request or viewer-response, not for `{event}`"));
        }
        if !events.insert(event) {
            return wrong(format!("a cache behaviour has one function for {event} at most"));
        }
    }
    Ok(())
}

fn aliases(config: &Node) -> Result<(), ServiceError> {
    let aliases = config.items("Aliases");
    if aliases.len() > ALIASES {
        return Err(refused(
            400,
            "TooManyDistributionCNAMEs",
            format!("a distribution has at most {ALIASES} aliases"),
        ));
    }
    let mut seen = BTreeSet::new();
    for alias in aliases {
        if !is_host(&alias.text, true)
            || alias.text.contains(':')
            || !seen.insert(alias.text.to_ascii_lowercase())
        {
            return Err(invalid(format!("`{}` is not an alternate name of its own", alias.text)));
        }
    }
    let certificate = ["ACMCertificateArn", "IAMCertificateId"]
        .into_iter()
        .map(|name| config.child("ViewerCertificate").map_or("", |of| of.text(name)))
        .find(|text| !text.is_empty());
    match certificate {
        None if !aliases.is_empty() => Err(refused(
            400,
            "InvalidViewerCertificate",
            "to add an alternate domain name, attach a certificate that covers it",
        )),
        Some(arn) if arn.starts_with("arn:") && !arn.starts_with("arn:aws:acm:us-east-1:") => {
            Err(refused(400, "InvalidViewerCertificate", "the certificate has to be one of ACM in us-east-1"))
        }
        _ => Ok(()),
    }
}

/// Whether a config is one.
///
/// # Errors
/// CloudFront's own, for the first thing that is wrong with it.
pub(super) fn check(config: &Node) -> Result<(), ServiceError> {
    if config.name != "DistributionConfig" {
        return Err(refused(400, "MalformedXML", "the body is not a DistributionConfig"));
    }
    quantities(config)?;
    for name in ["CallerReference", "Origins", "DefaultCacheBehavior", "Comment", "Enabled"] {
        required(config, name)?;
    }
    if config.text("CallerReference").is_empty() {
        return Err(invalid("CallerReference is required"));
    }
    if config.text("Comment").chars().count() > COMMENT {
        return Err(invalid(format!("a comment has at most {COMMENT} characters")));
    }
    let object = config.text("DefaultRootObject");
    if object.starts_with('/') || object.len() > ROOT_OBJECT || object.contains(char::is_whitespace) {
        return Err(refused(
            400,
            "InvalidDefaultRootObject",
            "DefaultRootObject is a path without its first slash",
        ));
    }
    one_of(config, "Enabled", &["true", "false"])?;
    one_of(config, "PriceClass", &["PriceClass_100", "PriceClass_200", "PriceClass_All", "None"])?;
    one_of(config, "HttpVersion", &["http1.1", "http2", "http3", "http2and3"])?;
    let origins = config.items("Origins");
    if origins.is_empty() {
        return Err(invalid("a distribution needs an origin"));
    }
    if origins.len() > ORIGINS {
        return Err(refused(400, "TooManyOrigins", format!("a distribution has at most {ORIGINS} origins")));
    }
    origins.iter().try_for_each(origin)?;
    let ids: BTreeSet<&str> = origins.iter().map(|origin| origin.text("Id")).collect();
    if ids.len() != origins.len() {
        return Err(invalid("two origins have the same Id"));
    }
    absent::refuse(config)?;
    behaviour(required(config, "DefaultCacheBehavior")?, &ids)?;
    let others = config.items("CacheBehaviors");
    if others.len() > BEHAVIOURS {
        let text = format!("a distribution has at most {BEHAVIOURS} cache behaviours");
        return Err(refused(400, "TooManyCacheBehaviors", text));
    }
    let mut patterns = BTreeSet::new();
    for one in others {
        let pattern = one.text("PathPattern");
        if pattern.is_empty() || !patterns.insert(pattern) {
            return Err(invalid(format!("`{pattern}` is not a PathPattern of its own")));
        }
        behaviour(one, &ids)?;
    }
    aliases(config)
}
