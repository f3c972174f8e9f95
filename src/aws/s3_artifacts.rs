//! Bundles in S3, under their digest.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    primitives::{ByteStream, Length},
    types::{CompletedMultipartUpload, CompletedPart},
};

use crate::engine::ports::{ArtifactLocation, ArtifactStore, PortError, PortResult};

use super::{
    connect::Place,
    error::{has_code, port_error},
};

const SERVICE: &str = "S3";

/// Size of one part; also the size up to which a bundle goes in one request.
const PART: u64 = 16 * 1024 * 1024;

pub(super) struct S3Artifacts {
    client: Client,
    place: Arc<Place>,
}

impl S3Artifacts {
    pub fn new(client: Client, place: Arc<Place>) -> Self {
        Self { client, place }
    }

    async fn part(file: &Path, offset: u64, length: u64) -> PortResult<ByteStream> {
        ByteStream::read_from()
            .path(file)
            .offset(offset)
            .length(Length::Exact(length))
            .build()
            .await
            .map_err(|error| PortError::Invalid(format!("the bundle cannot be read: {error}")))
    }

    async fn parts(
        &self,
        key: &str,
        id: &str,
        file: &Path,
        size: u64,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> PortResult<()> {
        let mut done = Vec::new();
        let mut offset = 0;
        while offset < size {
            let length = PART.min(size - offset);
            let number = done.len() as i32 + 1;
            let part = self
                .client
                .upload_part()
                .bucket(&self.place.bucket)
                .key(key)
                .upload_id(id)
                .part_number(number)
                .body(Self::part(file, offset, length).await?)
                .send()
                .await
                .map_err(port_error(SERVICE, "UploadPart"))?;
            done.push(CompletedPart::builder().part_number(number).set_e_tag(part.e_tag).build());
            offset += length;
            progress(offset);
        }
        self.client
            .complete_multipart_upload()
            .bucket(&self.place.bucket)
            .key(key)
            .upload_id(id)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(done)).build())
            .send()
            .await
            .map_err(port_error(SERVICE, "CompleteMultipartUpload"))?;
        Ok(())
    }
}

#[async_trait]
impl ArtifactStore for S3Artifacts {
    fn location(&self, digest: &str) -> ArtifactLocation {
        let key = format!("{}bundles/{digest}.tar.gz", self.place.names.prefix());
        ArtifactLocation { bucket: self.place.bucket.clone(), key }
    }

    async fn has(&self, digest: &str) -> PortResult<bool> {
        let at = self.location(digest);
        let head = self
            .client
            .head_object()
            .bucket(at.bucket)
            .key(at.key)
            .send()
            .await
            .map_err(port_error(SERVICE, "HeadObject"));
        match head {
            Ok(_) => Ok(true),
            Err(error) if has_code(&error, &["NotFound", "NoSuchKey", "NoSuchBucket", "HTTP 404"]) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    async fn upload(
        &self,
        digest: &str,
        file: &Path,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> PortResult<()> {
        let at = self.location(digest);
        let size = std::fs::metadata(file)
            .map_err(|error| PortError::Invalid(format!("the bundle cannot be read: {error}")))?
            .len();
        if size <= PART {
            self.client
                .put_object()
                .bucket(at.bucket)
                .key(at.key)
                .content_type("application/gzip")
                .body(Self::part(file, 0, size).await?)
                .send()
                .await
                .map_err(port_error(SERVICE, "PutObject"))?;
            progress(size);
            return Ok(());
        }
        let upload = self
            .client
            .create_multipart_upload()
            .bucket(&at.bucket)
            .key(&at.key)
            .send()
            .await
            .map_err(port_error(SERVICE, "CreateMultipartUpload"))?;
        let id = upload.upload_id.unwrap_or_default();
        let result = self.parts(&at.key, &id, file, size, progress).await;
        if result.is_err() {
            // Parts of an upload that is left open cost money; the first error is the one to tell.
            let _ = self
                .client
                .abort_multipart_upload()
                .bucket(&at.bucket)
                .key(&at.key)
                .upload_id(id)
                .send()
                .await;
        }
        result
    }
}
