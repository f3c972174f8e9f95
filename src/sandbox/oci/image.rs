//! Layers and a config -> an image manifest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How a process of the image is started; the `config` member of an OCI image configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Config {
    /// Program and first arguments.
    pub entrypoint: Vec<String>,
    /// Further arguments.
    pub cmd: Vec<String>,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// As `8080/tcp`.
    pub exposed_ports: BTreeMap<String, Value>,
    /// Directory the process starts in.
    pub working_dir: String,
}

/// A stored layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Digest of the tar.gz.
    pub digest: String,
    /// Size of the tar.gz in bytes.
    pub size: u64,
    /// Digest of the tar.
    pub diff_id: String,
}

/// The image configuration's bytes, and a function from its digest to the manifest's bytes.
pub fn assemble(config: &Config, layers: &[Layer]) -> (Vec<u8>, impl FnOnce(&str) -> Vec<u8>) {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let diff_ids: Vec<&str> = layers.iter().map(|layer| layer.diff_id.as_str()).collect();
    let image = json!({
        "architecture": architecture,
        "os": "linux",
        "config": config,
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    });
    let bytes = image.to_string().into_bytes();
    let size = bytes.len();
    let layers: Vec<Value> = layers
        .iter()
        .map(|layer| {
            json!({
                "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                "digest": layer.digest,
                "size": layer.size,
            })
        })
        .collect();
    let manifest = move |config_digest: &str| {
        json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config_digest, "size": size },
            "layers": layers,
        })
        .to_string()
        .into_bytes()
    };
    (bytes, manifest)
}
