//! S3, whose library verifies signatures and reads requests: who may, with which keys, and what strikes.

use std::sync::Arc;

use http::{HeaderValue, Response, request::Parts};
use s3s::{
    Body, S3Request,
    access::{S3Access, S3AccessContext},
    auth::{S3Auth, SecretKey},
    dto::DeleteObjectsInput,
    path::S3Path,
    service::{S3Service, S3ServiceBuilder},
};
use time::OffsetDateTime;

use crate::sandbox::{
    access,
    auth::{self, AuthError, Keys as _},
    call::{RawResponse, ServiceError},
    services::s3,
    world::World,
};

use super::strike::strike;

/// S3 of a world.
pub(super) fn service(world: &Arc<World>) -> S3Service {
    let (region, account) = (world.identity.region.clone(), world.identity.account.clone());
    let mut builder = S3ServiceBuilder::new(s3::Api::new(Arc::clone(&world.s3), region, account));
    builder.set_auth(S3Keys(Arc::clone(world)));
    builder.set_access(S3Faults(Arc::clone(world)));
    builder.build()
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
        let refused = request.input.delete.objects.iter().map(|object| {
            let (key, version) = (Some(object.key.as_str()), object.version_id.as_deref());
            let asked =
                access::Asked { operation, bucket, key, version, query: "", headers: &request.headers };
            access::permit_s3(&self.0, key_id.unwrap_or_default(), asked).err().map(|error| error.message)
        });
        // The others are removed. Source: Amazon S3 API reference, DeleteObjects.
        let refused = s3::Refused(refused.collect());
        request.extensions.insert(refused);
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

/// The two ids that S3 gives each answer. Source: Amazon S3 API reference, "Common response headers".
pub(super) fn identified(mut response: Response<Body>) -> Response<Body> {
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

/// What a request to S3 is refused with before its signature is verified: where it claims nothing that can be, or the
/// token of a session is wrong or its time over.
pub(super) fn refused(world: &World, parts: &Parts) -> Option<RawResponse> {
    let token = |claim: &auth::ObjectClaim| {
        let key = world.key(&claim.access_key_id)?;
        let (code, words) = match key.admits(claim.token.as_deref(), OffsetDateTime::now_utc()) {
            Ok(()) => return None,
            Err(AuthError::TokenExpired) => ("ExpiredToken", "The provided token has expired."),
            Err(_) => ("InvalidToken", "The provided token is malformed or otherwise invalid."),
        };
        Some((400, code, words.to_owned()))
    };
    let claim = auth::of_object(parts, &world.identity.region);
    let (status, code, words) = claim.as_ref().map_or_else(|refused| Some(refused.clone()), token)?;
    let words = quick_xml::escape::escape(words.as_str());
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{words}</Message></Error>"
    );
    Some(RawResponse::new(status, "application/xml", body))
}
