//! Layers by ECR's own operations, which the registry's clients do not use.

use std::sync::Arc;

use base64::Engine as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    world::World,
};

use super::{
    api::{self, invalid, no_repository},
    blobs::is_digest,
    token,
    uploads::UploadError,
};

/// The size of a part that clients are told to send. Source: API reference, InitiateLayerUpload.
const PART: u64 = 10 * 1024 * 1024;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Input {
    repository_name: String,
    upload_id: String,
    part_first_byte: u64,
    part_last_byte: u64,
    layer_part_blob: String,
    layer_digests: Vec<String>,
    layer_digest: String,
}

fn refused(error: &UploadError) -> ServiceError {
    let code = match error {
        UploadError::Unknown(_) => "UploadNotFoundException",
        UploadError::Busy(_) | UploadError::Gap(_) => "InvalidLayerPartException",
        UploadError::OtherDigest(_) => "InvalidLayerException",
        UploadError::Io(error) => return ServiceError::internal(error.to_string()),
    };
    ServiceError::client(code, error.to_string())
}

/// Answers one operation; none where it is not one of these.
pub(super) fn handle(world: &Arc<World>, operation: &str, input: &Value, caller: &Caller) -> Option<Answer> {
    let known = [
        "InitiateLayerUpload",
        "UploadLayerPart",
        "CompleteLayerUpload",
        "BatchCheckLayerAvailability",
        "GetDownloadUrlForLayer",
    ];
    if !known.contains(&operation) {
        return None;
    }
    Some(answer(world, operation, input, caller))
}

fn answer(world: &Arc<World>, operation: &str, input: &Value, caller: &Caller) -> Answer {
    let account = caller.account.as_str();
    let input: Input = serde_json::from_value(input.clone()).map_err(|error| invalid(error.to_string()))?;
    let (name, store) = (input.repository_name.as_str(), &world.ecr.store);
    if !store.has(name) {
        return Err(no_repository(name, account));
    }
    match operation {
        "InitiateLayerUpload" => Ok(json!({ "uploadId": store.uploads.begin(name)?, "partSize": PART })),
        "UploadLayerPart" => {
            let bytes = base64::prelude::BASE64_STANDARD.decode(&input.layer_part_blob);
            let bytes = bytes.map_err(|_| invalid("Invalid parameter at 'layerPartBlob'"))?;
            if input.part_last_byte.checked_sub(input.part_first_byte) != (bytes.len() as u64).checked_sub(1)
            {
                return Err(invalid("Invalid parameter at 'partLastByte': it is not that of the part"));
            }
            let mut upload = store.uploads.take(name, &input.upload_id).map_err(|error| refused(&error))?;
            upload.expect(input.part_first_byte).map_err(|error| refused(&error))?;
            upload.append(&bytes)?;
            upload.flush()?;
            Ok(json!({
                "registryId": account,
                "repositoryName": name,
                "uploadId": input.upload_id,
                "lastByteReceived": input.part_last_byte,
            }))
        }
        "CompleteLayerUpload" => {
            let [digest] = input.layer_digests.as_slice() else {
                return Err(invalid("Invalid parameter at 'layerDigests': one is needed"));
            };
            if !is_digest(digest) {
                return Err(invalid("Invalid parameter at 'layerDigests'"));
            }
            let upload = store.uploads.take(name, &input.upload_id).map_err(|error| refused(&error))?;
            if upload.length() == 0 {
                return Err(ServiceError::client("EmptyUploadException", "no part was uploaded"));
            }
            if store.blob(name, digest).is_some() {
                upload.cancel()?;
                let text = format!("Layer with digest '{digest}' already exists");
                return Err(ServiceError::client("LayerAlreadyExistsException", text));
            }
            let upload = upload.verified(digest).map_err(|error| refused(&error))?;
            store
                .add(name, digest, |place| upload.move_to(place))
                .map_err(|error| api::refused(&error, account))?;
            Ok(json!({
                "registryId": account,
                "repositoryName": name,
                "uploadId": input.upload_id,
                "layerDigest": digest,
            }))
        }
        "BatchCheckLayerAvailability" => {
            let (mut layers, mut failures) = (Vec::new(), Vec::new());
            for digest in &input.layer_digests {
                if !is_digest(digest) {
                    failures.push(json!({
                        "layerDigest": digest,
                        "failureCode": "InvalidLayerDigest",
                        "failureReason": "Invalid layer digest",
                    }));
                    continue;
                }
                layers.push(match store.blob(name, digest).map(std::fs::metadata).transpose()? {
                    Some(file) => json!({
                        "layerDigest": digest,
                        "layerAvailability": "AVAILABLE",
                        "layerSize": file.len(),
                        "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                    }),
                    None => json!({ "layerDigest": digest, "layerAvailability": "UNAVAILABLE" }),
                });
            }
            Ok(json!({ "layers": layers, "failures": failures }))
        }
        _ => {
            let digest = &input.layer_digest;
            if store.blob(name, digest).is_none() {
                let text = format!("The layer with digest '{digest}' does not exist");
                return Err(ServiceError::client("LayersNotFoundException", text));
            }
            let url = token::address(world, name, digest);
            Ok(json!({ "downloadUrl": url, "layerDigest": digest }))
        }
    }
}
