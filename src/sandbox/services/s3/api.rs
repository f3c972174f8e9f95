//! The operations of S3.

use std::{collections::BTreeMap, io, io::Write as _, path::PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use md5::Md5;
use s3s::{S3, S3Error, S3Request, S3Response, S3Result, dto::*, s3_error};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::{
    SharedS3,
    index::{Index, Object as StoredObject, Upload},
    rules::{self, told},
};

/// The operations, over the shared state.
#[derive(Debug, Clone)]
pub struct Api {
    state: SharedS3,
    region: String,
    /// The canonical id of the account.
    owner: String,
}

/// A failure that may be S3's own or the disk's.
struct Fault(S3Error);

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self(S3Error::internal_error(error))
    }
}

impl From<S3Error> for Fault {
    fn from(error: S3Error) -> Self {
        Self(error)
    }
}

/// What a body was said to hash to, in base64.
struct Digests {
    sha256: Option<String>,
    md5: Option<String>,
}

/// Most keys one page of a listing holds.
const PAGE: i32 = 1000;

/// Bytes read from disk at a time.
const CHUNK: usize = 256 * 1024;

fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from(OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH))
}

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

fn fresh_name() -> String {
    hex::encode(rand::random::<[u8; 16]>())
}

impl Api {
    /// The operations of one sandbox in its one region.
    pub fn new(state: SharedS3, region: String, account: &str) -> Self {
        Self { state, region, owner: hex::encode(Sha256::digest(account)) }
    }

    fn update<R>(&self, change: impl FnOnce(&mut Index) -> Result<R, S3Error>) -> S3Result<R> {
        self.state.index.update(|index| change(index).map_err(Fault::from)).map_err(|fault: Fault| fault.0)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.state.objects.join(file)
    }

    fn remove(&self, files: impl IntoIterator<Item = String>) {
        for file in files {
            // A file that stays behind wastes space and nothing else.
            let _ = std::fs::remove_file(self.path(&file));
        }
    }

    /// Writes a body into a file of its own.
    async fn receive(&self, body: Option<StreamingBlob>, digests: &Digests) -> S3Result<StoredObject> {
        let file = fresh_name();
        let path = self.path(&file);
        let result = self.receive_into(&path, body, digests).await;
        if result.is_err() {
            self.remove([file.clone()]);
        }
        let (size, etag) = result?;
        Ok(StoredObject { file, size, etag, modified: now(), content_type: None, metadata: BTreeMap::new() })
    }

    async fn receive_into(
        &self,
        path: &std::path::Path,
        body: Option<StreamingBlob>,
        digests: &Digests,
    ) -> S3Result<(u64, String)> {
        let mut out = std::fs::File::create(path).map_err(S3Error::internal_error)?;
        let (mut md5, mut sha, mut size) = (Md5::new(), Sha256::new(), 0);
        if let Some(mut body) = body {
            while let Some(chunk) = body.next().await {
                let chunk = chunk
                    .map_err(|_| s3_error!(IncompleteBody, "The body ended before all of it had come"))?;
                md5.update(&chunk);
                sha.update(&chunk);
                size += chunk.len() as u64;
                out.write_all(&chunk).map_err(S3Error::internal_error)?;
            }
        }
        out.sync_data().map_err(S3Error::internal_error)?;
        let md5 = md5.finalize();
        for (wanted, found) in [(&digests.sha256, sha.finalize().as_slice()), (&digests.md5, md5.as_slice())]
        {
            use base64::Engine as _;
            if wanted.as_ref().is_some_and(|wanted| base64::prelude::BASE64_STANDARD.encode(found) != *wanted)
            {
                return Err(s3_error!(BadDigest, "The body does not have the digest that was sent with it"));
            }
        }
        Ok((size, hex::encode(md5)))
    }
}

/// Streams `length` bytes of a file from `start`.
fn send(path: PathBuf, start: u64, length: u64) -> StreamingBlob {
    use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
    let stream = stream::try_unfold((None, length), move |(file, left)| {
        let path = path.clone();
        async move {
            if left == 0 {
                return Ok::<_, io::Error>(None);
            }
            let mut file = match file {
                Some(file) => file,
                None => {
                    let mut file = tokio::fs::File::open(&path).await?;
                    file.seek(io::SeekFrom::Start(start)).await?;
                    file
                }
            };
            let mut buffer = vec![0; CHUNK.min(usize::try_from(left).unwrap_or(CHUNK))];
            let n = file.read(&mut buffer).await?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            buffer.truncate(n);
            Ok(Some((Bytes::from(buffer), (Some(file), left - n as u64))))
        }
    });
    StreamingBlob::wrap(stream)
}

#[async_trait]
impl S3 for Api {
    async fn create_bucket(
        &self,
        req: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        let name = req.input.bucket;
        self.update(|index| {
            if index.make_bucket(&name, now()) {
                Ok(())
            } else {
                Err(s3_error!(BucketAlreadyOwnedByYou, "You own a bucket of this name already"))
            }
        })?;
        Ok(S3Response::new(CreateBucketOutput { location: Some(format!("/{name}")) }))
    }

    async fn head_bucket(&self, req: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        self.state.index.read(|index| index.bucket(&req.input.bucket).map(|_| ()))?;
        Ok(S3Response::new(HeadBucketOutput {
            bucket_region: Some(self.region.clone()),
            ..Default::default()
        }))
    }

    async fn list_buckets(&self, _: S3Request<ListBucketsInput>) -> S3Result<S3Response<ListBucketsOutput>> {
        let buckets = self.state.index.read(|index| {
            index
                .buckets
                .iter()
                .map(|(name, bucket)| Bucket {
                    name: Some(name.clone()),
                    creation_date: Some(timestamp(bucket.created)),
                    ..Default::default()
                })
                .collect()
        });
        let owner = Owner { id: Some(self.owner.clone()), ..Default::default() };
        Ok(S3Response::new(ListBucketsOutput {
            buckets: Some(buckets),
            owner: Some(owner),
            ..Default::default()
        }))
    }

    async fn delete_bucket(
        &self,
        req: S3Request<DeleteBucketInput>,
    ) -> S3Result<S3Response<DeleteBucketOutput>> {
        self.update(|index| {
            if !index.bucket(&req.input.bucket)?.objects.is_empty() {
                return Err(s3_error!(BucketNotEmpty, "The bucket you tried to delete is not empty"));
            }
            index.buckets.remove(&req.input.bucket);
            Ok(())
        })?;
        Ok(S3Response::new(DeleteBucketOutput {}))
    }

    async fn get_bucket_location(
        &self,
        req: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.state.index.read(|index| index.bucket(&req.input.bucket).map(|_| ()))?;
        // Source: Amazon S3 API reference, GetBucketLocation: null in us-east-1.
        let location =
            (self.region != "us-east-1").then(|| BucketLocationConstraint::from(self.region.clone()));
        Ok(S3Response::new(GetBucketLocationOutput { location_constraint: location }))
    }

    async fn put_bucket_versioning(
        &self,
        req: S3Request<PutBucketVersioningInput>,
    ) -> S3Result<S3Response<PutBucketVersioningOutput>> {
        let status = req.input.versioning_configuration.status;
        if status.as_ref().is_some_and(|s| s.as_str() == BucketVersioningStatus::ENABLED) {
            // Old versions are not kept here, so a caller must not be told that they are.
            return Err(s3_error!(NotImplemented, "versioning is not in the sandbox"));
        }
        self.state.index.read(|index| index.bucket(&req.input.bucket).map(|_| ()))?;
        Ok(S3Response::new(PutBucketVersioningOutput::default()))
    }

    async fn put_public_access_block(
        &self,
        req: S3Request<PutPublicAccessBlockInput>,
    ) -> S3Result<S3Response<PutPublicAccessBlockOutput>> {
        // Every request must be signed here, so public access is blocked whatever is asked.
        self.update(|index| {
            let bucket = index.bucket_mut(&req.input.bucket)?;
            bucket.settings.insert("public-access-block".to_owned(), "all".to_owned());
            Ok(())
        })?;
        Ok(S3Response::new(PutPublicAccessBlockOutput::default()))
    }

    async fn put_object(&self, req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let input = req.input;
        self.state.index.read(|index| index.bucket(&input.bucket).map(|_| ()))?;
        let mut object = self
            .receive(input.body, &Digests { sha256: input.checksum_sha256, md5: input.content_md5 })
            .await?;
        object.content_type = input.content_type.map(|t| t.to_string());
        object.metadata = input.metadata.unwrap_or_default().into_iter().collect();
        let (file, etag) = (object.file.clone(), object.etag.clone());
        let stored = self.update(|index| {
            let bucket = index.bucket_mut(&input.bucket)?;
            bucket.allows(&input.key, input.if_match.as_ref(), input.if_none_match.as_ref())?;
            Ok(bucket.objects.insert(input.key.clone(), object))
        });
        match stored {
            Ok(replaced) => self.remove(replaced.map(|old| old.file)),
            Err(error) => {
                self.remove([file]);
                return Err(error);
            }
        }
        Ok(S3Response::new(PutObjectOutput { e_tag: Some(ETag::Strong(etag)), ..Default::default() }))
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = req.input;
        let object = self.state.index.read(|index| index.object(&input.bucket, &input.key).cloned())?;
        rules::readable(&object, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let (start, length, content_range) = match input.range {
            None => (0, object.size, None),
            Some(range) => {
                let range = range.check(object.size)?;
                let content_range = format!("bytes {}-{}/{}", range.start, range.end - 1, object.size);
                (range.start, range.end - range.start, Some(content_range))
            }
        };
        Ok(S3Response::new(GetObjectOutput {
            body: Some(send(self.path(&object.file), start, length)),
            content_length: Some(length as i64),
            content_range,
            content_type: object.content_type.as_deref().unwrap_or(rules::USUAL_TYPE).parse().ok(),
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(timestamp(object.modified)),
            metadata: Some(object.metadata.into_iter().collect()),
            accept_ranges: Some("bytes".to_owned()),
            ..Default::default()
        }))
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = req.input;
        let object = self.state.index.read(|index| index.object(&input.bucket, &input.key).cloned())?;
        rules::readable(&object, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(object.size as i64),
            content_type: object.content_type.as_deref().unwrap_or(rules::USUAL_TYPE).parse().ok(),
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(timestamp(object.modified)),
            metadata: Some(object.metadata.into_iter().collect()),
            accept_ranges: Some("bytes".to_owned()),
            ..Default::default()
        }))
    }

    async fn delete_object(
        &self,
        req: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = req.input;
        let gone = self.update(|index| {
            let bucket = index.bucket_mut(&input.bucket)?;
            if input.if_match.is_some() {
                bucket.allows(&input.key, input.if_match.as_ref(), None)?;
            }
            Ok(bucket.objects.remove(&input.key))
        })?;
        self.remove(gone.map(|object| object.file));
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        req: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let keys: Vec<String> = req.input.delete.objects.into_iter().map(|object| object.key).collect();
        let gone = self.update(|index| {
            let bucket = index.bucket_mut(&req.input.bucket)?;
            Ok(keys.iter().filter_map(|key| bucket.objects.remove(key)).collect::<Vec<_>>())
        })?;
        self.remove(gone.into_iter().map(|object| object.file));
        let deleted =
            keys.into_iter().map(|key| DeletedObject { key: Some(key), ..Default::default() }).collect();
        Ok(S3Response::new(DeleteObjectsOutput { deleted: Some(deleted), ..Default::default() }))
    }

    async fn list_objects_v2(
        &self,
        req: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = req.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let limit = input.max_keys.unwrap_or(PAGE).clamp(0, PAGE) as usize;
        // The token is the last key or common prefix of the page before.
        let after = match &input.continuation_token {
            Some(token) => {
                hex::decode(token).ok().and_then(|key| String::from_utf8(key).ok()).ok_or_else(|| {
                    s3_error!(InvalidArgument, "The continuation token is not one that was given out")
                })?
            }
            None => input.start_after.clone().unwrap_or_default(),
        };
        let encoding = input.encoding_type.as_ref();
        let (mut contents, mut prefixes, mut last, mut truncated) =
            (Vec::new(), Vec::new(), String::new(), false);
        self.state.index.read(|index| -> S3Result<()> {
            for (key, object) in index.bucket(&input.bucket)?.objects.range(prefix.clone()..) {
                if !key.starts_with(&prefix) {
                    break;
                }
                let delimiter = input.delimiter.as_deref().filter(|d| !d.is_empty());
                let folder = delimiter.and_then(|d| {
                    key[prefix.len()..].find(d).map(|at| key[..prefix.len() + at + d.len()].to_owned())
                });
                let mark = folder.clone().unwrap_or_else(|| key.clone());
                if (!after.is_empty() && mark <= after) || last == mark {
                    continue;
                }
                if contents.len() + prefixes.len() == limit {
                    truncated = limit > 0;
                    break;
                }
                last.clone_from(&mark);
                match folder {
                    Some(folder) => prefixes.push(CommonPrefix { prefix: Some(told(&folder, encoding)) }),
                    None => contents.push(Object {
                        key: Some(told(key, encoding)),
                        size: Some(object.size as i64),
                        e_tag: Some(ETag::Strong(object.etag.clone())),
                        last_modified: Some(timestamp(object.modified)),
                        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
                        ..Default::default()
                    }),
                }
            }
            Ok(())
        })?;
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(told(&prefix, encoding)),
            delimiter: input.delimiter.as_deref().map(|text| told(text, encoding)),
            start_after: input.start_after.as_deref().map(|text| told(text, encoding)),
            encoding_type: input.encoding_type.clone(),
            max_keys: Some(limit as i32),
            key_count: Some((contents.len() + prefixes.len()) as i32),
            is_truncated: Some(truncated),
            next_continuation_token: truncated.then(|| hex::encode(last)),
            continuation_token: input.continuation_token,
            contents: Some(contents),
            common_prefixes: Some(prefixes),
            ..Default::default()
        }))
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = req.input;
        let id = fresh_name();
        let upload = Upload {
            bucket: input.bucket.clone(),
            key: input.key.clone(),
            content_type: input.content_type.map(|t| t.to_string()),
            metadata: input.metadata.unwrap_or_default().into_iter().collect(),
            parts: BTreeMap::new(),
        };
        self.update(|index| {
            index.bucket(&input.bucket)?;
            index.uploads.insert(id.clone(), upload);
            Ok(())
        })?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            ..Default::default()
        }))
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        let input = req.input;
        rules::numbered(input.part_number)?;
        if !self.state.index.read(|index| index.uploads.contains_key(&input.upload_id)) {
            return Err(s3_error!(
                NoSuchUpload,
                "There is no such upload: it was completed, aborted or never begun"
            ));
        }
        let part = self
            .receive(input.body, &Digests { sha256: input.checksum_sha256, md5: input.content_md5 })
            .await?;
        let etag = part.etag.clone();
        let replaced = self.update(|index| {
            let upload = index.uploads.get_mut(&input.upload_id).ok_or_else(|| {
                s3_error!(NoSuchUpload, "There is no such upload: it was completed, aborted or never begun")
            })?;
            Ok(upload.parts.insert(input.part_number, part))
        })?;
        self.remove(replaced.map(|part| part.file));
        Ok(S3Response::new(UploadPartOutput { e_tag: Some(ETag::Strong(etag)), ..Default::default() }))
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = req.input;
        let upload = self.state.index.read(|index| index.uploads.get(&input.upload_id).cloned());
        let upload = upload.filter(|u| u.bucket == input.bucket && u.key == input.key);
        let upload = upload.ok_or_else(|| {
            s3_error!(NoSuchUpload, "There is no such upload: it was completed, aborted or never begun")
        })?;
        let parts =
            rules::chosen(&upload, &input.multipart_upload.and_then(|m| m.parts).unwrap_or_default())?;
        let file = fresh_name();
        let (mut size, mut hashes) = (0, Md5::new());
        {
            let mut out = std::fs::File::create(self.path(&file)).map_err(S3Error::internal_error)?;
            for part in &parts {
                let mut from = std::fs::File::open(self.path(&part.file)).map_err(S3Error::internal_error)?;
                size += io::copy(&mut from, &mut out).map_err(S3Error::internal_error)?;
                hashes.update(hex::decode(&part.etag).unwrap_or_default());
            }
            out.sync_data().map_err(S3Error::internal_error)?;
        }
        // The ETag of an object made of parts: the MD5 of their MD5s, and how many there are.
        let etag = format!("{}-{}", hex::encode(hashes.finalize()), parts.len());
        let object = StoredObject {
            file,
            size,
            etag: etag.clone(),
            modified: now(),
            content_type: upload.content_type.clone(),
            metadata: upload.metadata.clone(),
        };
        let gone = self.update(|index| {
            let bucket = index.bucket_mut(&input.bucket)?;
            bucket.allows(&input.key, input.if_match.as_ref(), input.if_none_match.as_ref())?;
            let replaced = bucket.objects.insert(input.key.clone(), object);
            index.uploads.remove(&input.upload_id);
            Ok(replaced)
        })?;
        self.remove(gone.map(|object| object.file));
        self.remove(upload.parts.into_values().map(|part| part.file));
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(ETag::Strong(etag)),
            ..Default::default()
        }))
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let upload = self.update(|index| {
            index.uploads.remove(&req.input.upload_id).ok_or_else(|| {
                s3_error!(NoSuchUpload, "There is no such upload: it was completed, aborted or never begun")
            })
        })?;
        self.remove(upload.parts.into_values().map(|part| part.file));
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }
}
