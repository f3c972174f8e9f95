//! What a distribution has where its config says nothing, as CloudFront tells it.
//!
//! Source: CloudFront API reference, DistributionConfig, Origin, DefaultCacheBehavior; developer guide, "All distribution
//! settings reference".

use super::{
    refused,
    xml::{Malformed, Node},
};
use crate::sandbox::call::ServiceError;

const DISTRIBUTION: &str = "<D><Aliases><Quantity>0</Quantity></Aliases><DefaultRootObject/>\
    <OriginGroups><Quantity>0</Quantity></OriginGroups><CacheBehaviors><Quantity>0</Quantity></CacheBehaviors>\
    <CustomErrorResponses><Quantity>0</Quantity></CustomErrorResponses>\
    <Logging><Enabled>false</Enabled><IncludeCookies>false</IncludeCookies><Bucket/><Prefix/></Logging>\
    <PriceClass>PriceClass_All</PriceClass>\
    <ViewerCertificate><CloudFrontDefaultCertificate>true</CloudFrontDefaultCertificate><SSLSupportMethod>vip</SSLSupportMethod>\
    <MinimumProtocolVersion>TLSv1</MinimumProtocolVersion><CertificateSource>cloudfront</CertificateSource></ViewerCertificate>\
    <Restrictions><GeoRestriction><RestrictionType>none</RestrictionType><Quantity>0</Quantity></GeoRestriction></Restrictions>\
    <WebACLId/><HttpVersion>http2</HttpVersion><IsIPV6Enabled>false</IsIPV6Enabled>\
    <ContinuousDeploymentPolicyId/><Staging>false</Staging></D>";

const ORIGIN: &str = "<O><OriginPath/><CustomHeaders><Quantity>0</Quantity></CustomHeaders>\
    <ConnectionAttempts>3</ConnectionAttempts><ConnectionTimeout>10</ConnectionTimeout>\
    <OriginShield><Enabled>false</Enabled></OriginShield><OriginAccessControlId/></O>";

const CUSTOM_ORIGIN: &str = "<C><OriginSslProtocols><Quantity>3</Quantity><Items><SslProtocol>TLSv1</SslProtocol>\
    <SslProtocol>TLSv1.1</SslProtocol><SslProtocol>TLSv1.2</SslProtocol></Items></OriginSslProtocols>\
    <OriginReadTimeout>30</OriginReadTimeout><OriginKeepaliveTimeout>5</OriginKeepaliveTimeout></C>";

const BEHAVIOUR: &str = "<B><TrustedSigners><Enabled>false</Enabled><Quantity>0</Quantity></TrustedSigners>\
    <TrustedKeyGroups><Enabled>false</Enabled><Quantity>0</Quantity></TrustedKeyGroups>\
    <AllowedMethods><Quantity>2</Quantity><Items><Method>HEAD</Method><Method>GET</Method></Items></AllowedMethods>\
    <SmoothStreaming>false</SmoothStreaming><Compress>false</Compress>\
    <LambdaFunctionAssociations><Quantity>0</Quantity></LambdaFunctionAssociations>\
    <FunctionAssociations><Quantity>0</Quantity></FunctionAssociations><FieldLevelEncryptionId/></B>";

const METHODS: &str = "<M><CachedMethods><Quantity>2</Quantity><Items><Method>HEAD</Method><Method>GET</Method></Items>\
    </CachedMethods></M>";

/// Gives a config all that it leaves out.
///
/// # Errors
/// Never: what is filled in is well-formed, as the tests show.
pub(super) fn fill(config: &mut Node) -> Result<(), ServiceError> {
    let read = |text: &str| {
        Node::read(text.as_bytes())
            .map_err(|error: Malformed| refused(500, "InternalError", error.to_string()))
    };
    config.fill(&read(DISTRIBUTION)?);
    let (origin, custom) = (read(ORIGIN)?, read(CUSTOM_ORIGIN)?);
    each(config, "Origins", |one| {
        one.fill(&origin);
        children(one, "CustomOriginConfig", |one| one.fill(&custom));
    });
    let (behaviour, methods) = (read(BEHAVIOUR)?, read(METHODS)?);
    let whole = |one: &mut Node| {
        one.fill(&behaviour);
        children(one, "AllowedMethods", |one| one.fill(&methods));
    };
    children(config, "DefaultCacheBehavior", whole);
    each(config, "CacheBehaviors", whole);
    Ok(())
}

/// Changes the children of a name.
fn children(node: &mut Node, name: &str, change: impl Fn(&mut Node)) {
    node.children.iter_mut().filter(|child| child.name == name).for_each(change);
}

/// Changes the items of a list.
fn each(node: &mut Node, list: &str, change: impl Fn(&mut Node)) {
    children(node, list, |list| {
        children(list, "Items", |items| items.children.iter_mut().for_each(&change));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_filled_in_and_what_is_said_stays() {
        let mut config = Node::read(
            b"<DistributionConfig><HttpVersion>http3</HttpVersion><Origins><Quantity>1</Quantity><Items><Origin><Id>a</Id>\
              <CustomOriginConfig><OriginReadTimeout>9</OriginReadTimeout></CustomOriginConfig></Origin></Items></Origins>\
              <DefaultCacheBehavior><Compress>true</Compress></DefaultCacheBehavior></DistributionConfig>",
        )
        .expect("a document");
        fill(&mut config).expect("fills");
        let origin = &config.items("Origins")[0];
        assert_eq!(
            (origin.text("ConnectionAttempts"), origin.text("CustomOriginConfig/OriginReadTimeout")),
            ("3", "9")
        );
        assert_eq!((config.text("HttpVersion"), config.text("PriceClass")), ("http3", "PriceClass_All"));
        let behaviour = config.child("DefaultCacheBehavior").expect("is there");
        assert_eq!((behaviour.text("Compress"), behaviour.items("AllowedMethods").len()), ("true", 2));
        assert_eq!(behaviour.items("AllowedMethods/CachedMethods").len(), 2);
        let before = config.clone();
        fill(&mut config).expect("fills");
        assert_eq!(config, before);
    }
}
