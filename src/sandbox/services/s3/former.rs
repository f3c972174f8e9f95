//! Takes over what an earlier version of the sandbox kept in one JSON file.

use std::{cmp::Reverse, collections::BTreeMap, fs, io, path::Path};

use serde::Deserialize;

use super::index::{About, Bucket, Id, Index, NULL, Object, Record, Version};

#[derive(Deserialize)]
struct FormerIndex {
    buckets: BTreeMap<String, FormerBucket>,
}

#[derive(Deserialize)]
struct FormerBucket {
    created: i64,
    objects: BTreeMap<String, FormerObject>,
    #[serde(default)]
    settings: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct FormerObject {
    file: String,
    size: u64,
    etag: String,
    /// Seconds since the epoch.
    modified: i64,
    content_type: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

/// Does nothing where there is no such file. Uploads under way are not taken over: they are begun anew.
pub(super) fn take_over(dir: &Path, index: &mut Index) -> io::Result<()> {
    let path = dir.join("index.json");
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let former: FormerIndex = serde_json::from_slice(&bytes).map_err(io::Error::other)?;
    let mut list = Vec::new();
    for (name, bucket) in former.buckets {
        let mut settings = bucket.settings;
        // It said that everything is blocked, as is usual now.
        settings.remove(super::settings::BLOCK);
        for (key, object) in bucket.objects {
            let version = Version {
                id: NULL.to_owned(),
                modified: object.modified * 1000,
                object: Some(Object {
                    file: object.file,
                    size: object.size,
                    etag: object.etag,
                    about: About {
                        content_type: object.content_type,
                        metadata: object.metadata,
                        ..About::default()
                    },
                    ..Object::default()
                }),
            };
            list.push((Id::Version(name.clone(), key, Reverse(0)), Some(Record::Version(version))));
        }
        let bucket = Bucket { created: bucket.created, versioning: None, settings };
        list.push((Id::Bucket(name), Some(Record::Bucket(bucket))));
    }
    // A kill in between repeats this, with the same outcome.
    index.apply(list)?;
    fs::remove_file(path)
}
