//! The front door for AWS calls: one listener, every service, told apart by what a request was signed for.

use std::{cell::Cell, collections::BTreeMap, io, net::SocketAddr, path::Path, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, request::Parts};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use s3s::{
    Body, S3Request,
    access::{S3Access, S3AccessContext},
    auth::{S3Auth, SecretKey},
    dto::DeleteObjectsInput,
    path::S3Path,
    service::{S3Service, S3ServiceBuilder},
};
use serde_json::json;
use time::OffsetDateTime;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use super::{
    access,
    auth::{self, AuthError, Keys as _},
    call::{Answer, Caller, RawRequest, RawResponse, ServiceError},
    door::{self, Timely},
    edge, faults, protocol,
    runtime::Runtime,
    services::{
        apprunner, bedrock, cloudformation, cloudfront, cloudwatch, codebuild, dynamodb, ecr, iam, logs, rds,
        s3, secretsmanager, sqs, ssm, sts,
    },
    world::{Addresses, Identity, World},
};

/// Longest body of a call that is not S3's or the registry's.
const BODY_LIMIT: usize = 8 * 1024 * 1024;

/// Header with the id of a request, for people who look for it in logs.
const REQUEST_ID: &str = "x-amzn-requestid";

/// A sandbox that runs in this process.
pub struct Running {
    /// What it holds.
    pub world: Arc<World>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Opens the sandbox in `dir` and serves it on two listeners.
    ///
    /// # Errors
    /// When its state cannot be read.
    pub async fn start(
        dir: &Path,
        identity: Identity,
        api: TcpListener,
        edge: TcpListener,
        runtime: Box<dyn Runtime>,
    ) -> io::Result<Self> {
        let addresses = Addresses { api: api.local_addr()?, edge: edge.local_addr()? };
        let world = Arc::new(World { runtime, ..World::open(dir.to_owned(), identity, addresses)? });
        codebuild::resume(&world)?;
        rds::resume(&world).await?;
        apprunner::resume(&world).await?;
        cloudformation::resume(&world);
        let (stop, stopped) = watch::channel(false);
        let tasks = vec![
            tokio::spawn(serve(Arc::clone(&world), api, stopped.clone())),
            tokio::spawn(cloudwatch::watch(Arc::clone(&world), stopped.clone())),
            tokio::spawn(edge::serve(Arc::clone(&world), edge, stopped)),
        ];
        Ok(Self { world, stop, tasks })
    }

    /// A call by the sandbox's own account, past the wire: for whoever runs it in process and needs a table or a queue.
    /// Beside the JSON services it knows `s3` `CreateBucket`.
    ///
    /// # Errors
    /// The service's own.
    pub async fn call(&self, service: &str, operation: &str, input: serde_json::Value) -> Answer {
        if (service, operation) == ("s3", "CreateBucket") {
            let name = input["Bucket"].as_str().unwrap_or_default();
            return Ok(json!({ "Made": self.world.s3.make_bucket(name)? }));
        }
        let identity = &self.world.identity;
        let key = identity.key();
        let caller = Caller {
            access_key_id: identity.access_key_id.clone(),
            account: identity.account.clone(),
            region: identity.region.clone(),
            arn: key.arn,
            user_id: key.user_id,
        };
        call(&self.world, service, operation, input, &caller).await
    }

    /// Stops serving and ends every instance it runs.
    pub async fn stop(self) {
        cloudformation::shutdown(&self.world).await;
        let _ = self.stop.send(true);
        for task in self.tasks {
            let _ = task.await;
        }
        codebuild::shutdown(&self.world);
        apprunner::shutdown(&self.world).await;
        rds::shutdown(&self.world).await;
    }
}

tokio::task_local! {
    /// Whether the answer to this request is not to arrive.
    static LOST: Cell<bool>;
}

/// Lets the faults that were asked for strike a call whose signature was good.
async fn strike(world: &World, service: &str, operation: &str) -> Result<(), ServiceError> {
    let strike = world.faults.strike(faults::Place::Call { service, operation });
    if !strike.delay.is_zero() {
        tokio::time::sleep(strike.delay).await;
    }
    match strike.then {
        Some(faults::Kind::LostResponse) => LOST.with(|lost| lost.set(true)),
        Some(kind) => return faults::refusal(kind, service).map_or(Ok(()), Err),
        None => {}
    }
    Ok(())
}

/// S3's operations are known only behind its signature; faults strike there.
struct S3Faults(Arc<World>);

#[async_trait::async_trait]
impl S3Access for S3Faults {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> s3s::S3Result<()> {
        // Whoever brought no signature gets no further.
        let Some(credentials) = context.credentials() else {
            return Err(s3s::s3_error!(AccessDenied, "Access Denied"));
        };
        let (bucket, key) = match context.s3_path() {
            S3Path::Root => (None, None),
            S3Path::Bucket { bucket } => (Some(&**bucket), None),
            S3Path::Object { bucket, key } => (Some(&**bucket), Some(&**key)),
        };
        let (operation, query) = (context.s3_op().name(), context.uri().query().unwrap_or_default());
        // Which objects are to go is said in the body.
        if operation != "DeleteObjects" {
            let (version, headers) = (access::s3_version(query), context.headers());
            let asked = access::Asked { operation, bucket, key, version: version.as_deref(), query, headers };
            denied(access::permit_s3(&self.0, &credentials.access_key, asked))?;
        }
        strike(&self.0, "s3", context.s3_op().name()).await.map_err(|error| match error.status {
            503 => s3s::s3_error!(SlowDown, "Please reduce your request rate."),
            _ => s3s::s3_error!(InternalError, "{}", error.message),
        })
    }

    async fn delete_objects(&self, request: &mut S3Request<DeleteObjectsInput>) -> s3s::S3Result<()> {
        let key_id = request.credentials.as_ref().map(|credentials| credentials.access_key.as_str());
        let (bucket, operation) = (Some(request.input.bucket.as_str()), "DeleteObjects");
        for object in &request.input.delete.objects {
            let (key, version) = (Some(object.key.as_str()), object.version_id.as_deref());
            let asked =
                access::Asked { operation, bucket, key, version, query: "", headers: &request.headers };
            denied(access::permit_s3(&self.0, key_id.unwrap_or_default(), asked))?;
        }
        Ok(())
    }
}

fn denied(permitted: Result<(), ServiceError>) -> s3s::S3Result<()> {
    permitted.map_err(|error| s3s::s3_error!(AccessDenied, "{}", error.message))
}

/// The keys of this sandbox, as what verifies S3's signatures asks for them. It does not look at the token of a session.
struct S3Keys(Arc<World>);

#[async_trait::async_trait]
impl S3Auth for S3Keys {
    async fn get_secret_key(&self, access_key: &str) -> s3s::S3Result<SecretKey> {
        match self.0.key(access_key) {
            Some(key) => Ok(key.secret.into()),
            None => Err(s3s::s3_error!(InvalidAccessKeyId, "there is no such access key")),
        }
    }
}

struct Front {
    world: Arc<World>,
    s3: S3Service,
}

async fn serve(world: Arc<World>, listener: TcpListener, stopped: watch::Receiver<bool>) {
    let (region, account) = (world.identity.region.clone(), world.identity.account.clone());
    let mut builder = S3ServiceBuilder::new(s3::Api::new(Arc::clone(&world.s3), region, account));
    builder.set_auth(S3Keys(Arc::clone(&world)));
    builder.set_access(S3Faults(Arc::clone(&world)));
    let front = Arc::new(Front { s3: builder.build(), world });
    door::serve(listener, door::Limits::default(), stopped, move |request| {
        let front = Arc::clone(&front);
        LOST.scope(Cell::new(false), async move {
            let answer = answer(&front, request).await;
            // An error of the service is how a connection is broken without an answer.
            if LOST.with(Cell::get) {
                Err(io::Error::other("the answer is lost on purpose"))
            } else {
                Ok(answer)
            }
        })
    })
    .await;
}

/// Whether a Host header names this machine: a web page of another origin that resolves to loopback does not.
pub(super) fn is_local_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// HTTP/2 says the host by its authority; what reads and verifies requests looks at the header.
fn with_host<B>(mut request: Request<B>) -> Request<B> {
    let authority = request.uri().authority().and_then(|name| HeaderValue::from_str(name.as_str()).ok());
    if let Some(authority) = authority {
        request.headers_mut().entry("host").or_insert(authority);
    }
    request
}

async fn answer(front: &Front, request: Request<Timely<Incoming>>) -> Response<Body> {
    let request = with_host(request);
    let host = request.headers().get("host").and_then(|h| h.to_str().ok()).unwrap_or_default();
    if !is_local_host(host) {
        return raw(RawResponse::new(403, "text/plain", "this sandbox answers on loopback names only\n"));
    }
    if request.uri().path() == "/v2" || request.uri().path().starts_with("/v2/") {
        return ecr::registry(&front.world, request).await;
    }
    let parts = parts_of(&request);
    match auth::claimed_service(&parts).as_deref() {
        Some("s3") if let Some(refused) = s3_token(&front.world, &parts) => raw(refused),
        Some("s3") => match front.s3.call(request.map(Body::http_body)).await {
            Ok(response) => identified(response),
            Err(error) => raw(RawResponse::new(500, "text/plain", format!("{error:?}\n"))),
        },
        service => {
            let service = service.map(str::to_owned);
            signed_call(front, service, request).await
        }
    }
}

/// The two ids that S3 gives each answer. Source: Amazon S3 API reference, "Common response headers".
fn identified(mut response: Response<Body>) -> Response<Body> {
    let request = hex::encode_upper(rand::random::<[u8; 8]>());
    for (name, value) in
        [("x-amz-request-id", request), ("x-amz-id-2", hex::encode(rand::random::<[u8; 24]>()))]
    {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// What a request to S3 with the key of a session is refused with, where its token is wrong or its time over.
fn s3_token(world: &World, parts: &Parts) -> Option<RawResponse> {
    let (id, token) = auth::claimed_key(parts);
    let key = world.key(&id?)?;
    let (code, words) = match key.admits(token.as_deref(), OffsetDateTime::now_utc()) {
        Ok(()) => return None,
        Err(AuthError::TokenExpired) => ("ExpiredToken", "The provided token has expired."),
        Err(_) => ("InvalidToken", "The provided token is malformed or otherwise invalid."),
    };
    let body = format!("<Error><Code>{code}</Code><Message>{words}</Message></Error>");
    Some(RawResponse::new(400, "application/xml", body))
}

/// The head of a request, without its body.
fn parts_of<B>(request: &Request<B>) -> Parts {
    let mut head = Request::new(());
    *head.method_mut() = request.method().clone();
    *head.uri_mut() = request.uri().clone();
    *head.headers_mut() = request.headers().clone();
    head.into_parts().0
}

/// The answer to a request whose body is too long, or does not come.
fn unread(error: &(dyn std::error::Error + 'static)) -> RawResponse {
    let status = if door::is_too_slow(error) { 408 } else { 413 };
    RawResponse::new(status, "text/plain", format!("{error}\n"))
}

fn to_raw(parts: &Parts, body: Bytes) -> RawRequest {
    let headers: BTreeMap<String, String> = parts
        .headers
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    RawRequest {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers,
        body,
    }
}

/// Services that read paths themselves and have their own shape of errors.
#[derive(Debug, Clone, Copy)]
enum Rest {
    CloudFront { control: bool },
    Bedrock,
}

impl Rest {
    fn of(service: &str) -> Option<Self> {
        match service {
            "cloudfront" => Some(Self::CloudFront { control: true }),
            "cloudfront-keyvaluestore" => Some(Self::CloudFront { control: false }),
            "bedrock" => Some(Self::Bedrock),
            _ => None,
        }
    }

    fn refuse(self, error: &AuthError) -> RawResponse {
        self.error(&refusal(error, matches!(self, Self::CloudFront { control: true })))
    }

    fn error(self, error: &ServiceError) -> RawResponse {
        match self {
            Self::CloudFront { control } => cloudfront::error(error, control),
            Self::Bedrock => bedrock::error(error),
        }
    }

    async fn answer(self, world: &Arc<World>, request: RawRequest, caller: &Caller) -> RawResponse {
        let (service, operation) = match self {
            Self::CloudFront { control: true } => ("cloudfront", cloudfront::operation(&request, true)),
            Self::CloudFront { control: false } => {
                ("cloudfront-keyvaluestore", cloudfront::operation(&request, false))
            }
            Self::Bedrock => ("bedrock", "Converse"),
        };
        let permitted = access::permit_rest(world, caller, service, operation, &request);
        let struck = strike(world, service, operation).await;
        if let Err(refused) = permitted.and(struck) {
            return self.error(&refused);
        }
        match self {
            Self::CloudFront { control } => cloudfront::http(world, control, request, caller).await,
            Self::Bedrock => bedrock::http(&request),
        }
    }
}

async fn signed_call(
    front: &Front,
    service: Option<String>,
    request: Request<Timely<Incoming>>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return raw(unread(&*error)),
    };
    let service = service.as_deref().unwrap_or_default();
    let world = front.world.as_ref();
    let verified = auth::verify(&parts, &body, &world.identity, world, OffsetDateTime::now_utc());
    if let Some(rest) = Rest::of(service) {
        return raw(match verified {
            Ok(caller) => rest.answer(&front.world, to_raw(&parts, body), &caller).await,
            Err(error) => rest.refuse(&error),
        });
    }
    let (call, answer) = match (protocol::read(&parts, &body), verified) {
        (Ok(call), Ok(caller)) => {
            let host = parts.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
            let permitted = access::permit(world, &caller, service, &call.operation, &call.input);
            let answer = match permitted.and(strike(world, service, &call.operation).await) {
                Ok(()) => dispatch(&front.world, service, &call, &caller, host).await,
                Err(struck) => Err(struck),
            };
            (call, answer)
        }
        (Ok(call), Err(error)) => {
            let query = call.protocol == protocol::Protocol::Query;
            (call, Err(refusal(&error, query)))
        }
        (Err(_), Err(error)) => (protocol::Call::unread(), Err(refusal(&error, false))),
        (Err(error), Ok(_)) => (protocol::Call::unread(), Err(error)),
    };
    let query_error = answer.as_ref().err().and_then(|error| match service {
        "sqs" => Some(sqs::query_error(error)),
        "monitoring" => Some(cloudwatch::query_error(error)),
        _ => None,
    });
    let answer = match service {
        "monitoring" if call.protocol == protocol::Protocol::Query => answer.map_err(cloudwatch::in_query),
        _ => answer,
    };
    let request_id = uuid();
    let response = protocol::write(call.protocol, dialect(service), &call.operation, &request_id, answer);
    let response = response.with(REQUEST_ID, request_id);
    raw(match (service, query_error) {
        ("dynamodb", _) => dynamodb::checked(response),
        (_, Some(code)) => response.with("x-amzn-query-error", code),
        _ => response,
    })
}

/// How a service that speaks Query writes its answers. Whatever else is asked in Query is refused, in that of STS.
fn dialect(service: &str) -> &'static protocol::Dialect {
    match service {
        "cloudformation" => &cloudformation::DIALECT,
        "iam" => &iam::DIALECT,
        "monitoring" => &cloudwatch::DIALECT,
        "rds" => &rds::DIALECT,
        _ => &sts::DIALECT,
    }
}

/// A call by one service to another.
///
/// # Errors
/// The service's own.
pub(super) async fn call(
    world: &Arc<World>,
    service: &str,
    operation: &str,
    input: serde_json::Value,
    caller: &Caller,
) -> Answer {
    let protocol = protocol::Protocol::Json("application/x-amz-json-1.0");
    let call = protocol::Call { protocol, operation: operation.to_owned(), input };
    dispatch(world, service, &call, caller, &world.addresses.api.to_string()).await
}

async fn dispatch(
    world: &Arc<World>,
    service: &str,
    call: &protocol::Call,
    caller: &Caller,
    host: &str,
) -> super::call::Answer {
    let (operation, input) = (call.operation.as_str(), call.input.clone());
    access::usable(world, service, operation, &input)?;
    match service {
        "ecr" => ecr::handle(world, operation, input, caller).await,
        "codebuild" => codebuild::handle(world, operation, input, caller).await,
        "apprunner" => apprunner::handle(world, operation, input, caller).await,
        "monitoring" => cloudwatch::handle(world, operation, input, caller).await,
        "logs" => logs::handle(world, operation, input, caller).await,
        "rds" => rds::handle(world, operation, input, caller).await,
        "dynamodb" => dynamodb::handle(world, operation, input, caller).await,
        "sqs" => sqs::handle(world, operation, input, caller, host).await,
        "cloudformation" => cloudformation::handle(world, operation, &input, caller).await,
        "secretsmanager" => secretsmanager::handle(world, operation, input, caller).await,
        "ssm" => ssm::handle(world, operation, input, caller).await,
        "iam" => iam::handle(world, operation, input, caller).await,
        "sts" => sts::handle(world, operation, &input, caller),
        other => Err(ServiceError::not_in_sandbox(other, operation)),
    }
}

/// A refused signature in the words of AWS: JSON services and the Query and XML ones use different codes.
fn refusal(error: &AuthError, xml: bool) -> ServiceError {
    let code = match (error, xml) {
        (AuthError::Missing, _) => "MissingAuthenticationToken",
        (AuthError::Malformed(_), _) => "IncompleteSignature",
        (AuthError::TokenExpired, true) => "ExpiredToken",
        (AuthError::TokenExpired, false) => "ExpiredTokenException",
        (AuthError::UnknownKey, true) => "InvalidClientTokenId",
        (AuthError::UnknownKey, false) => "UnrecognizedClientException",
        (AuthError::Expired(_) | AuthError::Mismatch, true) => "SignatureDoesNotMatch",
        (AuthError::Expired(_) | AuthError::Mismatch, false) => "InvalidSignatureException",
    };
    ServiceError { status: 403, code, message: error.to_string() }
}

fn raw(response: RawResponse) -> Response<Body> {
    let mut builder =
        Response::builder().status(response.status).header("content-length", response.body.len());
    if !response.headers.iter().any(|(name, _)| name == REQUEST_ID) {
        builder = builder.header(REQUEST_ID, uuid());
    }
    for (name, value) in &response.headers {
        builder = builder.header(name, value);
    }
    builder.body(Body::from(response.body)).expect("services make only valid headers")
}

/// A random UUID, version 4.
pub(super) fn uuid() -> String {
    let mut bytes: [u8; 16] = rand::random();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Binds a loopback port: the wanted one, or any free one.
///
/// # Errors
/// When the wanted port is taken.
pub async fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await
}
