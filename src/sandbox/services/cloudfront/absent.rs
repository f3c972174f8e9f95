//! What a config may ask for that the sandbox does not have: it is refused, and not kept as if it were done.

use crate::sandbox::call::ServiceError;

use super::{refused, xml::Node};

/// Where it stands, the status and code that it is refused with, and what it is.
type Absent = (&'static str, u16, &'static str, &'static str);

const OF_DISTRIBUTION: &[Absent] = &[
    ("OriginGroups/Quantity", 400, "InvalidArgument", "failover between origins"),
    ("Logging/Enabled", 400, "InvalidArgument", "access logs"),
    ("Logging/Bucket", 400, "InvalidArgument", "access logs"),
    (
        "Restrictions/GeoRestriction/RestrictionType",
        400,
        "InvalidGeoRestrictionParameter",
        "restrictions by country",
    ),
    ("WebACLId", 400, "InvalidWebACLId", "WAF"),
    ("ContinuousDeploymentPolicyId", 404, "NoSuchContinuousDeploymentPolicy", "continuous deployment"),
    ("Staging", 400, "InvalidArgument", "continuous deployment"),
    ("AnycastIpListId", 404, "EntityNotFound", "lists of anycast addresses"),
    ("TenantConfig/ParameterDefinitions", 400, "InvalidArgument", "distributions of many tenants"),
    ("ConnectionFunctionAssociation/Id", 404, "EntityNotFound", "functions for connections"),
    ("ViewerMtlsConfig/TrustStoreConfig/TrustStoreId", 404, "EntityNotFound", "certificates of viewers"),
];

const OF_ORIGIN: &[Absent] = &[
    ("OriginAccessControlId", 400, "InvalidOriginAccessControl", "access controls of origins"),
    ("OriginShield/Enabled", 400, "InvalidArgument", "shields of origins"),
    (
        "S3OriginConfig/OriginAccessIdentity",
        400,
        "InvalidOriginAccessIdentity",
        "access identities of origins",
    ),
    ("VpcOriginConfig/VpcOriginId", 404, "EntityNotFound", "origins in a VPC"),
];

const OF_BEHAVIOUR: &[Absent] = &[
    ("TrustedSigners/Enabled", 400, "TrustedSignerDoesNotExist", "signed addresses"),
    ("TrustedKeyGroups/Enabled", 400, "TrustedKeyGroupDoesNotExist", "signed addresses"),
    ("LambdaFunctionAssociations/Quantity", 400, "InvalidLambdaFunctionAssociation", "Lambda@Edge"),
    ("FieldLevelEncryptionId", 404, "NoSuchFieldLevelEncryptionConfig", "encryption of fields"),
    ("RealtimeLogConfigArn", 404, "NoSuchRealtimeLogConfig", "logs in real time"),
    ("GrpcConfig/Enabled", 400, "InvalidArgument", "gRPC"),
];

fn check(node: &Node, all: &[Absent]) -> Result<(), ServiceError> {
    for (path, status, code, what) in all {
        let is_asked = match node.at(path) {
            Some(found) => {
                !["", "0", "false", "none"].contains(&found.text.as_str()) || !found.children.is_empty()
            }
            None => false,
        };
        if is_asked {
            return Err(refused(*status, code, format!("{path}: the sandbox has no {what}")));
        }
    }
    Ok(())
}

/// Whether a config asks for such a thing.
///
/// # Errors
/// For the first that it asks for.
pub(super) fn refuse(config: &Node) -> Result<(), ServiceError> {
    check(config, OF_DISTRIBUTION)?;
    config.items("Origins").iter().try_for_each(|origin| check(origin, OF_ORIGIN))?;
    let default = config.child("DefaultCacheBehavior").into_iter();
    default.chain(config.items("CacheBehaviors")).try_for_each(|behaviour| check(behaviour, OF_BEHAVIOUR))?;
    // Errors that are cached for a while are none here, as nothing is cached; a page of one's own would be another answer.
    match config.items("CustomErrorResponses").iter().any(|one| !one.text("ResponsePagePath").is_empty()) {
        true => {
            let text = "CustomErrorResponses: the sandbox has no error pages of one's own";
            Err(refused(400, "InvalidArgument", text))
        }
        false => Ok(()),
    }
}
