//! The control plane as it answers, in a world of its own.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;

use super::*;
use crate::sandbox::{
    services::cloudfront::xml::Node,
    world::{Addresses, Identity},
};

struct Place {
    world: Arc<World>,
    dir: tempfile::TempDir,
}

fn open(dir: &tempfile::TempDir) -> Arc<World> {
    let identity = Identity {
        account: "123456789012".to_owned(),
        region: "eu-west-1".to_owned(),
        access_key_id: "AKIA".to_owned(),
        secret_access_key: "secret".to_owned(),
    };
    let address = SocketAddr::from(([127, 0, 0, 1], 7));
    let addresses = Addresses { api: address, edge: address };
    Arc::new(World::open(dir.path().to_owned(), identity, addresses).expect("opens"))
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("dir");
        Self { world: open(&dir), dir }
    }

    /// Status or code, the ETag, and the document.
    fn ask(&self, method: &str, path: &str, etag: Option<&str>, body: &str) -> (String, String, Node) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = RawRequest {
            method: method.to_owned(),
            path: format!("/2020-05-31/{path}"),
            query: query.to_owned(),
            headers: etag.map(|etag| ("if-match".to_owned(), etag.to_owned())).into_iter().collect(),
            body: Bytes::from(body.to_owned()),
        };
        let caller = Caller {
            access_key_id: "AKIA".to_owned(),
            account: "123456789012".to_owned(),
            region: "eu-west-1".to_owned(),
            arn: String::new(),
            user_id: String::new(),
        };
        match control(&self.world, &request, &caller) {
            Ok(response) => {
                let etag =
                    response.headers.iter().find(|(name, _)| name == "etag").map(|(_, tag)| tag.clone());
                let document = Node::read(&response.body).unwrap_or_default();
                (response.status.to_string(), etag.unwrap_or_default(), document)
            }
            Err(error) => (error.code.to_owned(), String::new(), Node::default()),
        }
    }

    fn code(&self, method: &str, path: &str, etag: Option<&str>, body: &str) -> String {
        self.ask(method, path, etag, body).0
    }
}

fn function(name: &str, store: Option<&str>, code: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let stores = store.map_or_else(String::new, |arn| {
        format!(
            "<KeyValueStoreAssociations><Quantity>1</Quantity><Items><KeyValueStoreAssociation><KeyValueStoreARN>{arn}\
             </KeyValueStoreARN></KeyValueStoreAssociation></Items></KeyValueStoreAssociations>"
        )
    });
    format!(
        "<CreateFunctionRequest><Name>{name}</Name><FunctionConfig><Comment/><Runtime>cloudfront-js-2.0</Runtime>{stores}\
         </FunctionConfig><FunctionCode>{}</FunctionCode></CreateFunctionRequest>",
        STANDARD.encode(code)
    )
}

/// A config with more in its root and in its default behaviour.
fn config(reference: &str, enabled: bool, root: &str, behaviour: &str) -> String {
    format!(
        "<DistributionConfig><CallerReference>{reference}</CallerReference><Comment>a &lt; b</Comment><Enabled>{enabled}</Enabled>\
         <Origins><Quantity>1</Quantity><Items><Origin><Id>o</Id><DomainName>a.example.com</DomainName><CustomOriginConfig>\
         <HTTPPort>80</HTTPPort><HTTPSPort>443</HTTPSPort><OriginProtocolPolicy>https-only</OriginProtocolPolicy>\
         </CustomOriginConfig></Origin></Items></Origins><DefaultCacheBehavior><TargetOriginId>o</TargetOriginId>\
         <ViewerProtocolPolicy>allow-all</ViewerProtocolPolicy>\
         <CachePolicyId>4135ea2d-6df8-44a3-9df3-4b5a84be39ad</CachePolicyId>{behaviour}</DefaultCacheBehavior>{root}</DistributionConfig>"
    )
}

fn associated(arn: &str, event: &str) -> String {
    format!(
        "<FunctionAssociations><Quantity>1</Quantity><Items><FunctionAssociation><FunctionARN>{arn}</FunctionARN>\
         <EventType>{event}</EventType></FunctionAssociation></Items></FunctionAssociations>"
    )
}

#[test]
fn a_function_is_changed_published_used_and_only_then_removed() {
    let place = Place::new();
    let store = place.ask("POST", "key-value-store", None, "<R><Name>s</Name></R>");
    let (store, store_etag) = (store.2.text("ARN").to_owned(), store.1);
    let (status, first, made) = place.ask("POST", "function", None, &function("f", Some(&store), b"old"));
    assert_eq!((status.as_str(), made.text("Status")), ("201", "UNPUBLISHED"));
    let arn = made.text("FunctionMetadata/FunctionARN").to_owned();
    for (body, code) in [
        (function("f", None, b"x"), "FunctionAlreadyExists"),
        (function("a b", None, b"x"), "InvalidArgument"),
        (function("g", Some("arn:nothing"), b"x"), "InvalidArgument"),
        (function("g", None, b""), "InvalidArgument"),
        (function("g", None, &[b'x'; 10_241]), "FunctionSizeLimitExceeded"),
        (function("g", None, b"x").replace("js-2.0", "js-3.0"), "InvalidArgument"),
        (function("g", None, b"x").replace("<Comment/>", ""), "InvalidArgument"),
        (String::new(), "MissingBody"),
        ("<a>".to_owned(), "MalformedXML"),
    ] {
        assert_eq!(place.code("POST", "function", None, &body), code, "{body}");
    }
    let changed = function("f", Some(&store), b"new");
    assert_eq!(place.code("PUT", "function/f", None, &changed), "InvalidIfMatchVersion");
    assert_eq!(place.code("PUT", "function/f", Some("E0"), &changed), "PreconditionFailed");
    assert_eq!(place.code("POST", "function/g/publish", Some(&first), ""), "NoSuchFunctionExists");
    assert_eq!(place.code("GET", "function/f?Stage=LIVE", None, ""), "NoSuchFunctionExists");
    // What is not LIVE is no function for a distribution.
    let using = config("r", true, "", &associated(&arn, "viewer-request"));
    assert_eq!(place.code("POST", "distribution", None, &using), "InvalidFunctionAssociation");
    let (_, second, _) = place.ask("PUT", "function/f", Some(&first), &changed);
    let (_, _, live) = place.ask("POST", "function/f/publish", Some(&second), "");
    assert_eq!((live.text("Status"), live.text("FunctionMetadata/Stage")), ("UNASSOCIATED", "LIVE"));
    assert_eq!(place.ask("GET", "function", None, "").2.text("Quantity"), "2");
    assert_eq!(place.ask("GET", "function?Stage=LIVE", None, "").2.text("Quantity"), "1");

    assert_eq!(
        place.code("POST", "distribution", None, &using.replace("viewer-", "origin-")),
        "InvalidFunctionAssociation"
    );
    assert_eq!(place.code("POST", "distribution", None, &using), "201");
    assert_eq!(place.ask("GET", "function/f/describe", None, "").2.text("Status"), "DEPLOYED");
    assert_eq!(place.code("DELETE", "function/f", Some(&second), ""), "FunctionInUse");
    assert_eq!(
        place.code("DELETE", "key-value-store/s", Some(&store_etag), ""),
        "CannotDeleteEntityWhileInUse"
    );
}

#[test]
fn a_config_comes_back_whole_and_is_checked() {
    let place = Place::new();
    let given = config("r", true, "<HttpVersion>http3</HttpVersion>", "<Compress>true</Compress>");
    let (status, etag, made) = place.ask("POST", "distribution", None, &given);
    assert_eq!((status.as_str(), made.text("Status")), ("201", "InProgress"));
    let id = made.text("Id").to_owned();
    let (_, again, told) = place.ask("GET", &format!("distribution/{id}/config"), None, "");
    assert_eq!(again, etag);
    for child in &Node::read(given.as_bytes()).expect("a document").children {
        let there = told.child(&child.name).expect("is there");
        for inner in child.children.iter().filter(|inner| inner.name != "Items") {
            assert!(there.children.contains(inner), "{}/{}", child.name, inner.name);
        }
        assert_eq!(there.text, child.text);
    }
    assert_eq!(told.text("PriceClass"), "PriceClass_All");
    // What was told is taken as it is.
    let path = format!("distribution/{id}/config");
    let (_, _, same) = place.ask("PUT", &path, Some(&etag), &told.document());
    assert_eq!(same.child("DistributionConfig"), Some(&told));

    assert_eq!(place.code("POST", "distribution", None, &given), "DistributionAlreadyExists");
    let with = |root: &str, behaviour: &str| config("s", true, root, behaviour);
    let policy = "<OriginRequestPolicyId>x</OriginRequestPolicyId>";
    let certificate = "<ViewerCertificate><ACMCertificateArn>arn:aws:acm:us-east-1:1:certificate/a</ACMCertificateArn></ViewerCertificate>";
    let alias = "<Aliases><Quantity>1</Quantity><Items><CNAME>WWW.example.com</CNAME></Items></Aliases>";
    for (body, code) in [
        (with("", "").replace(">o</TargetOriginId>", ">p</TargetOriginId>"), "NoSuchOrigin"),
        (with("", "").replace("4135ea2d", "00000000"), "NoSuchCachePolicy"),
        (with("", policy), "NoSuchOriginRequestPolicy"),
        (with("", &policy.replace("OriginRequest", "ResponseHeaders")), "NoSuchResponseHeadersPolicy"),
        (with("", "").replacen("<Quantity>1<", "<Quantity>2<", 1), "InconsistentQuantities"),
        (with("", "").replace("CallerReference", "Reference"), "InvalidArgument"),
        (with("", "<ForwardedValues/>"), "InvalidArgument"),
        (with("<DefaultRootObject>/a</DefaultRootObject>", ""), "InvalidDefaultRootObject"),
        (with("<WebACLId>a</WebACLId>", ""), "InvalidWebACLId"),
        (with(alias, ""), "InvalidViewerCertificate"),
        (with(&format!("{alias}{certificate}"), ""), "201"),
        (
            with(&format!("{alias}{certificate}"), "").replace(">s<", ">t<").replace("WWW", "www"),
            "CNAMEAlreadyExists",
        ),
    ] {
        assert_eq!(place.code("POST", "distribution", None, &body), code, "{body}");
    }
}

#[tokio::test]
async fn a_distribution_is_deployed_a_moment_later_also_over_a_restart_and_goes_when_disabled() {
    let mut place = Place::new();
    let (_, etag, made) = place.ask("POST", "distribution", None, &config("r", true, "", ""));
    let id = made.text("Id").to_owned();
    let path = format!("distribution/{id}");
    assert!(
        place.world.cloudfront.site(made.text("DomainName").split(':').next().expect("a name")).is_some()
    );
    assert_eq!(place.code("DELETE", &path, Some(&etag), ""), "DistributionNotDisabled");
    let batch = |path: &str| {
        format!(
            "<InvalidationBatch><Paths><Quantity>1</Quantity><Items><Path>{path}</Path></Items></Paths><CallerReference>i</CallerReference></InvalidationBatch>"
        )
    };
    let inner = format!("{path}/invalidation");
    let (_, _, first) = place.ask("POST", &inner, None, &batch("/a*"));
    assert_eq!(place.ask("POST", &inner, None, &batch("/a*")).2.text("Id"), first.text("Id"));
    assert_eq!(place.code("POST", &inner, None, &batch("/b")), "InvalidationBatchAlreadyExists");
    assert_eq!(place.code("POST", &inner, None, &batch("a")), "InvalidArgument");
    assert_eq!(place.code("GET", &format!("{inner}/I"), None, ""), "NoSuchInvalidation");
    place.world = open(&place.dir);
    let disabled = config("r", false, "", "");
    assert_eq!(
        place.code("PUT", &format!("{path}/config"), Some(&etag), &disabled.replace(">r<", ">s<")),
        "IllegalUpdate"
    );
    let (_, etag, _) = place.ask("PUT", &format!("{path}/config"), Some(&etag), &disabled);
    assert_eq!(place.code("DELETE", &path, Some(&etag), ""), "DistributionNotDisabled");
    while place.ask("GET", &path, None, "").2.text("Status") != "Deployed" {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let done = place.ask("GET", &format!("{inner}/{}", first.text("Id")), None, "").2;
    assert_eq!(done.text("Status"), "Completed");
    assert_eq!(place.code("DELETE", &path, Some(&etag), ""), "204");
    assert_eq!(place.code("GET", &path, None, ""), "NoSuchDistribution");
}
