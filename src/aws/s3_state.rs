//! Records in S3, written on condition. Source: S3 user guide, "Conditional requests".

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    types::{BucketLocationConstraint, CreateBucketConfiguration, PublicAccessBlockConfiguration},
};

use crate::engine::ports::{Expect, PortError, PortResult, StateStore, Stored};

use super::{
    connect::Place,
    error::{has_code, port_error},
};

const SERVICE: &str = "S3";

pub(super) struct S3State {
    client: Client,
    place: Arc<Place>,
}

impl S3State {
    pub fn new(client: Client, place: Arc<Place>) -> Self {
        Self { client, place }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.place.names.prefix())
    }
}

/// A condition that did not hold.
fn conflict(key: &str) -> impl FnOnce(PortError) -> PortError {
    let what = key.to_owned();
    move |error| {
        if has_code(&error, &["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"]) {
            PortError::Conflict { what }
        } else {
            error
        }
    }
}

#[async_trait]
impl StateStore for S3State {
    async fn ensure(&self) -> PortResult<bool> {
        let bucket = &self.place.bucket;
        let head =
            self.client.head_bucket().bucket(bucket).send().await.map_err(port_error(SERVICE, "HeadBucket"));
        match head {
            Ok(_) => return Ok(false),
            Err(error) if has_code(&error, &["NotFound", "NoSuchBucket", "HTTP 404"]) => {}
            Err(error) => return Err(error),
        }
        // us-east-1 is the default, and naming it is an error.
        let location = (self.place.region != "us-east-1").then(|| {
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(self.place.region.as_str()))
                .build()
        });
        let created = self
            .client
            .create_bucket()
            .bucket(bucket)
            .set_create_bucket_configuration(location)
            .send()
            .await
            .map_err(port_error(SERVICE, "CreateBucket"));
        match created {
            Ok(_) => {}
            Err(error) if has_code(&error, &["BucketAlreadyOwnedByYou"]) => return Ok(false),
            Err(error) => return Err(error),
        }
        let closed = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .ignore_public_acls(true)
            .block_public_policy(true)
            .restrict_public_buckets(true)
            .build();
        self.client
            .put_public_access_block()
            .bucket(bucket)
            .public_access_block_configuration(closed)
            .send()
            .await
            .map_err(port_error(SERVICE, "PutPublicAccessBlock"))?;
        Ok(true)
    }

    async fn get(&self, key: &str) -> PortResult<Option<Stored>> {
        let got = self
            .client
            .get_object()
            .bucket(&self.place.bucket)
            .key(self.key(key))
            .send()
            .await
            .map_err(port_error(SERVICE, "GetObject"));
        let object = match got {
            Ok(object) => object,
            Err(error) if has_code(&error, &["NoSuchKey", "NoSuchBucket"]) => return Ok(None),
            Err(error) => return Err(error),
        };
        let version = object.e_tag.unwrap_or_default();
        let body = object.body.collect().await.map_err(|error| PortError::Unreachable {
            service: SERVICE,
            operation: "GetObject",
            message: error.to_string(),
        })?;
        Ok(Some(Stored { body: body.to_vec(), version }))
    }

    async fn put(&self, key: &str, body: Vec<u8>, expect: Expect) -> PortResult<String> {
        let mut request = self
            .client
            .put_object()
            .bucket(&self.place.bucket)
            .key(self.key(key))
            .content_type("application/json")
            .body(body.into());
        request = match expect {
            Expect::Absent => request.if_none_match("*"),
            Expect::Version(version) => request.if_match(version),
        };
        let put = request.send().await.map_err(port_error(SERVICE, "PutObject")).map_err(conflict(key))?;
        Ok(put.e_tag.unwrap_or_default())
    }

    async fn delete(&self, key: &str, version: &str) -> PortResult<()> {
        self.client
            .delete_object()
            .bucket(&self.place.bucket)
            .key(self.key(key))
            .if_match(version)
            .send()
            .await
            .map_err(port_error(SERVICE, "DeleteObject"))
            .map_err(conflict(key))?;
        Ok(())
    }

    async fn list(&self, prefix: &str) -> PortResult<Vec<String>> {
        let own = self.place.names.prefix();
        let mut keys = Vec::new();
        let mut token = None;
        loop {
            let page = self
                .client
                .list_objects_v2()
                .bucket(&self.place.bucket)
                .prefix(self.key(prefix))
                .set_continuation_token(token)
                .send()
                .await
                .map_err(port_error(SERVICE, "ListObjectsV2"));
            let page = match page {
                Ok(page) => page,
                Err(error) if has_code(&error, &["NoSuchBucket"]) => return Ok(Vec::new()),
                Err(error) => return Err(error),
            };
            keys.extend(
                page.contents().iter().filter_map(|o| o.key()?.strip_prefix(&own).map(str::to_owned)),
            );
            token = page.next_continuation_token;
            if token.is_none() {
                return Ok(keys);
            }
        }
    }
}
