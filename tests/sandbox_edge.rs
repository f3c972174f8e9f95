//! The edge and the KeyValueStore behind it, with real instances.

mod support;

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
};

use aws_sdk_cloudfrontkeyvaluestore::config::{
    Credentials,
    endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint},
};
use aws_smithy_types::{Document, endpoint::EndpointAuthScheme};
use rustix::process::{Pid, Signal};
use support::{Mini, Place, until};

fn get(port: u16, host: &str, headers: &str) -> String {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("connects");
    write!(stream, "GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}\r\n").expect("writes");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("reads");
    answer
}

const HOST: &str = "mini.sandbox.localhost";

#[test]
fn a_viewer_gets_its_cookie_once_and_every_miss_says_what_is_wrong() {
    let place = Place::new();
    let _mini = Mini::new(&place, "1s");
    place.pave(&["deploy"]).expect(0);
    let edge = place.edge();
    let first = get(edge, HOST, "");
    assert!(first.starts_with("HTTP/1.1 200"), "{first}");
    assert!(first.contains("set-cookie: pave_bucket=") && first.contains("x-pave-slot: blue"), "{first}");
    let again = get(edge, HOST, "cookie: a=b; pave_bucket=me\r\n");
    assert!(!again.contains("set-cookie"), "{again}");
    for (host, status) in [
        ("other.sandbox.localhost", "503"),
        ("nowhere.us-east-1.awsapprunner.localhost", "404"),
        ("localhost", "404"),
        ("evil.example", "403"),
    ] {
        let answer = get(edge, host, "");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{host}: {answer}");
        assert!(answer.contains("application/problem+json"), "{host}: {answer}");
    }
}

fn instance(place: &Place) -> Option<i32> {
    let text = fs::read_to_string(place.sandbox().join("apprunner/instances.json")).ok()?;
    let pids: BTreeMap<String, u64> = serde_json::from_str(&text).ok()?;
    pids.keys().next()?.parse().ok()
}

/// The instance that runs. A machine with much else to do may have had one replaced just now.
fn running(place: &Place) -> i32 {
    until("one runs", || instance(place).is_some());
    instance(place).expect("one runs")
}

#[test]
fn an_instance_that_dies_is_replaced() {
    let place = Place::new();
    let _mini = Mini::new(&place, "1s");
    place.pave(&["deploy"]).expect(0);
    let edge = place.edge();
    let first = running(&place);
    rustix::process::kill_process(Pid::from_raw(first).expect("a pid"), Signal::KILL).expect("is there");
    until("another one runs", || instance(&place).is_some_and(|pid| pid != first));
    until("users are served", || get(edge, HOST, "").starts_with("HTTP/1.1 200"));
}

#[test]
fn no_instance_outlives_a_stopped_sandbox() {
    let place = Place::new();
    let _mini = Mini::new(&place, "1s");
    place.pave(&["deploy"]).expect(0);
    let pid = running(&place);
    place.pave(&["sandbox", "down"]).expect(0);
    assert!(!std::path::Path::new("/proc").join(pid.to_string()).exists());
    place.pave(&["sandbox", "up"]).expect(0);
    let edge = place.edge();
    until("users are served again", || get(edge, HOST, "").starts_with("HTTP/1.1 200"));
}

#[derive(Debug)]
struct Here(String);

impl ResolveEndpoint for Here {
    fn resolve_endpoint<'a>(&'a self, _: &'a Params) -> EndpointFuture<'a> {
        let scheme = EndpointAuthScheme::with_capacity("sigv4a", 2)
            .put("signingName", "cloudfront-keyvaluestore")
            .put("signingRegionSet", vec![Document::from("*".to_owned())]);
        EndpointFuture::ready(Ok(Endpoint::builder().url(self.0.clone()).auth_scheme(scheme).build()))
    }
}

async fn stores(
    place: &Place,
    secret: Option<&str>,
) -> (aws_sdk_cloudfront::Client, aws_sdk_cloudfrontkeyvaluestore::Client) {
    let env = place.aws_env();
    let secret = secret.unwrap_or(&env["AWS_SECRET_ACCESS_KEY"]);
    let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new("us-east-1"))
        .credentials_provider(Credentials::new(&env["AWS_ACCESS_KEY_ID"], secret, None, None, "test"))
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .load()
        .await;
    let url = env["AWS_ENDPOINT_URL"].clone();
    let control = aws_sdk_cloudfront::Client::from_conf(
        aws_sdk_cloudfront::config::Builder::from(&config).endpoint_url(&url).build(),
    );
    let data =
        aws_sdk_cloudfrontkeyvaluestore::config::Builder::from(&config).endpoint_resolver(Here(url)).build();
    (control, aws_sdk_cloudfrontkeyvaluestore::Client::from_conf(data))
}

/// Makes a function of this code, LIVE, over a store.
async fn function(control: &aws_sdk_cloudfront::Client, name: &str, code: &str, store: &str) -> String {
    use aws_sdk_cloudfront::types::{
        FunctionConfig, FunctionRuntime, KeyValueStoreAssociation, KeyValueStoreAssociations,
    };
    let store = KeyValueStoreAssociation::builder().key_value_store_arn(store).build().expect("whole");
    let config = FunctionConfig::builder()
        .comment("")
        .runtime(FunctionRuntime::CloudfrontJs20)
        .key_value_store_associations(
            KeyValueStoreAssociations::builder().quantity(1).items(store).build().expect("whole"),
        )
        .build()
        .expect("whole");
    let code = aws_smithy_types::Blob::new(code);
    let made = control.create_function().name(name).function_config(config).function_code(code).send().await;
    let etag = made.expect("a function").e_tag.expect("an ETag");
    let live = control.publish_function().name(name).if_match(etag).send().await.expect("published");
    live.function_summary.and_then(|it| it.function_metadata).expect("its metadata").function_arn
}

/// A distribution with this origin, and perhaps a function of viewers' requests: its id and its host's name.
async fn distribution(
    control: &aws_sdk_cloudfront::Client,
    origin: &str,
    function: Option<&str>,
) -> (String, String) {
    use aws_sdk_cloudfront::types::{
        CustomOriginConfig, DefaultCacheBehavior, DistributionConfig, EventType, FunctionAssociation,
        FunctionAssociations, Origin, OriginProtocolPolicy, Origins, ViewerProtocolPolicy,
    };
    let custom = CustomOriginConfig::builder()
        .http_port(80)
        .https_port(443)
        .origin_protocol_policy(OriginProtocolPolicy::HttpsOnly)
        .build()
        .expect("whole");
    let origin = Origin::builder().id("app").domain_name(origin).custom_origin_config(custom).build();
    let associated = function.map(|arn| {
        let one = FunctionAssociation::builder().function_arn(arn).event_type(EventType::ViewerRequest);
        let one = one.build().expect("whole");
        FunctionAssociations::builder().quantity(1).items(one).build().expect("whole")
    });
    let behaviour = DefaultCacheBehavior::builder()
        .target_origin_id("app")
        .viewer_protocol_policy(ViewerProtocolPolicy::AllowAll)
        .cache_policy_id("4135ea2d-6df8-44a3-9df3-4b5a84be39ad")
        .set_function_associations(associated)
        .build()
        .expect("whole");
    let config = DistributionConfig::builder()
        .caller_reference(format!("{function:?}"))
        .comment("")
        .enabled(true)
        .origins(Origins::builder().quantity(1).items(origin.expect("whole")).build().expect("whole"))
        .default_cache_behavior(behaviour)
        .build()
        .expect("whole");
    let made =
        control.create_distribution().distribution_config(config).send().await.expect("a distribution");
    let made = made.distribution.expect("a distribution");
    (made.id, made.domain_name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_distribution_is_served_by_its_router_by_its_origin_or_not_at_all() {
    let place = Place::new();
    let _mini = Mini::new(&place, "1s");
    place.pave(&["deploy"]).expect(0);
    let edge = place.edge();
    let (control, data) = stores(&place, None).await;
    let store = control.describe_key_value_store().name("mini-sandbox").send().await.expect("a store");
    let store = store.key_value_store.expect("a store").arn;
    let route = data.get_key().kvs_arn(&store).key("route").send().await.expect("a route").value;
    let route: serde_json::Value = serde_json::from_str(&route).expect("JSON");
    let origin = route["blue"].as_str().expect("a host");

    let router = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/edge/router.js"));
    let router = function(&control, "router", &router.expect("reads"), &store).await;
    let (_, routed) = distribution(&control, origin, Some(&router)).await;
    let answer = get(edge, &routed, "");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("x-pave-slot: blue"), "{answer}");
    assert!(answer.contains("set-cookie: pave_bucket="), "{answer}");

    let (id, plain) = distribution(&control, origin, None).await;
    let answer = get(edge, &plain, "");
    assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("x-pave-slot"), "{answer}");

    let other =
        function(&control, "other", "function handler(event) { return event.request; }", &store).await;
    let (_, foreign) = distribution(&control, origin, Some(&other)).await;
    let answer = get(edge, &foreign, "");
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("not the paved router"), "{answer}");

    let told = control.get_distribution_config().id(&id).send().await.expect("a config");
    let mut config = told.distribution_config.expect("a config");
    config.enabled = false;
    let update = control.update_distribution().id(&id).distribution_config(config);
    update.set_if_match(told.e_tag).send().await.expect("disabled");
    for host in [plain.as_str(), "d0000000000000.cloudfront.localhost"] {
        let answer = get(edge, host, "");
        assert!(
            answer.starts_with("HTTP/1.1 403") && answer.contains("x-cache: Error from cloudfront"),
            "{answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_writers_with_the_same_etag_exactly_one_wins_and_a_wrong_secret_never_does() {
    use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
    let place = Place::new();
    place.pave(&["sandbox", "up"]).expect(0);
    let (control, data) = stores(&place, None).await;
    let made = control.create_key_value_store().name("races").send().await.expect("a store");
    let arn = made.key_value_store.expect("a store").arn;
    let etag = data.describe_key_value_store().kvs_arn(&arn).send().await.expect("described").e_tag;
    let writers =
        (0..32).map(|i| data.put_key().kvs_arn(&arn).key("k").value(format!("{i}")).if_match(&etag).send());
    let results = futures_util::future::join_all(writers).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let lost = results.into_iter().find_map(Result::err).expect("31 lost");
    assert_eq!(lost.code(), Some("ConflictException"));
    let (_, forged) = stores(&place, Some("wrong")).await;
    let refused = forged.get_key().kvs_arn(&arn).key("k").send().await.expect_err("refused");
    assert_eq!(refused.code(), Some("InvalidSignatureException"));
}
