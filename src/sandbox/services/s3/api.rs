//! The operations of S3, each by the module that knows it.

use async_trait::async_trait;
use s3s::{S3, S3Request, S3Response, S3Result, dto::*};
use sha2::{Digest as _, Sha256};

use super::{
    SharedS3, about, buckets, listing, multipart, parts, pending, policy, read, settings, tagging, write,
};

/// The operations, over the shared state.
#[derive(Debug, Clone)]
pub struct Api {
    pub(super) state: SharedS3,
    pub(super) region: String,
    account: String,
}

impl Api {
    /// The operations of one sandbox in its one region.
    pub fn new(state: SharedS3, region: String, account: String) -> Self {
        Self { state, region, account }
    }

    pub(super) fn account(&self) -> &str {
        &self.account
    }

    /// Whose everything is, by the canonical id of the account.
    pub(super) fn owner(&self) -> Owner {
        Owner { display_name: None, id: Some(hex::encode(Sha256::digest(&self.account))) }
    }
}

macro_rules! operations {
    ($($name:ident($input:ident) -> $output:ident: $by:path;)*) => {
        #[async_trait]
        impl S3 for Api {
            $(async fn $name(&self, req: S3Request<$input>) -> S3Result<S3Response<$output>> {
                // What has a body is refused where that body is looked after.
                if !["put_object", "upload_part"].contains(&stringify!($name)) {
                    about::refuse(&req.headers, &self.account)?;
                }
                $by(self, req).await.map(S3Response::new)
            })*
        }
    };
}

operations! {
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput: multipart::abort;
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput: multipart::complete;
    copy_object(CopyObjectInput) -> CopyObjectOutput: write::copy;
    create_bucket(CreateBucketInput) -> CreateBucketOutput: buckets::create;
    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput: multipart::create;
    delete_bucket(DeleteBucketInput) -> DeleteBucketOutput: buckets::delete;
    delete_bucket_encryption(DeleteBucketEncryptionInput) -> DeleteBucketEncryptionOutput: settings::delete_encryption;
    delete_bucket_lifecycle(DeleteBucketLifecycleInput) -> DeleteBucketLifecycleOutput: tagging::delete_lifecycle;
    delete_bucket_ownership_controls(DeleteBucketOwnershipControlsInput) -> DeleteBucketOwnershipControlsOutput: settings::delete_ownership;
    delete_bucket_policy(DeleteBucketPolicyInput) -> DeleteBucketPolicyOutput: policy::delete;
    delete_bucket_tagging(DeleteBucketTaggingInput) -> DeleteBucketTaggingOutput: tagging::delete_bucket;
    delete_object(DeleteObjectInput) -> DeleteObjectOutput: write::delete;
    delete_object_tagging(DeleteObjectTaggingInput) -> DeleteObjectTaggingOutput: tagging::delete_object;
    delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput: write::delete_many;
    delete_public_access_block(DeletePublicAccessBlockInput) -> DeletePublicAccessBlockOutput: settings::delete_block;
    get_bucket_encryption(GetBucketEncryptionInput) -> GetBucketEncryptionOutput: settings::encryption;
    get_bucket_lifecycle_configuration(GetBucketLifecycleConfigurationInput) -> GetBucketLifecycleConfigurationOutput: tagging::lifecycle;
    get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput: buckets::location;
    get_bucket_ownership_controls(GetBucketOwnershipControlsInput) -> GetBucketOwnershipControlsOutput: settings::ownership;
    get_bucket_policy(GetBucketPolicyInput) -> GetBucketPolicyOutput: policy::get;
    get_bucket_policy_status(GetBucketPolicyStatusInput) -> GetBucketPolicyStatusOutput: policy::status;
    get_bucket_tagging(GetBucketTaggingInput) -> GetBucketTaggingOutput: tagging::bucket;
    get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput: buckets::versioning;
    get_object(GetObjectInput) -> GetObjectOutput: read::get;
    get_object_attributes(GetObjectAttributesInput) -> GetObjectAttributesOutput: read::attributes;
    get_object_tagging(GetObjectTaggingInput) -> GetObjectTaggingOutput: tagging::object;
    get_public_access_block(GetPublicAccessBlockInput) -> GetPublicAccessBlockOutput: settings::block;
    head_bucket(HeadBucketInput) -> HeadBucketOutput: buckets::head;
    head_object(HeadObjectInput) -> HeadObjectOutput: read::head;
    list_buckets(ListBucketsInput) -> ListBucketsOutput: buckets::list;
    list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput: pending::uploads;
    list_object_versions(ListObjectVersionsInput) -> ListObjectVersionsOutput: listing::versions;
    list_objects(ListObjectsInput) -> ListObjectsOutput: listing::objects;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output: listing::objects_v2;
    list_parts(ListPartsInput) -> ListPartsOutput: pending::parts;
    put_bucket_encryption(PutBucketEncryptionInput) -> PutBucketEncryptionOutput: settings::put_encryption;
    put_bucket_lifecycle_configuration(PutBucketLifecycleConfigurationInput) -> PutBucketLifecycleConfigurationOutput: tagging::put_lifecycle;
    put_bucket_ownership_controls(PutBucketOwnershipControlsInput) -> PutBucketOwnershipControlsOutput: settings::put_ownership;
    put_bucket_policy(PutBucketPolicyInput) -> PutBucketPolicyOutput: policy::put;
    put_bucket_tagging(PutBucketTaggingInput) -> PutBucketTaggingOutput: tagging::put_bucket;
    put_bucket_versioning(PutBucketVersioningInput) -> PutBucketVersioningOutput: buckets::put_versioning;
    put_object(PutObjectInput) -> PutObjectOutput: write::put;
    put_object_tagging(PutObjectTaggingInput) -> PutObjectTaggingOutput: tagging::put_object;
    put_public_access_block(PutPublicAccessBlockInput) -> PutPublicAccessBlockOutput: settings::put_block;
    upload_part(UploadPartInput) -> UploadPartOutput: parts::upload;
    upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput: parts::copy;
}
