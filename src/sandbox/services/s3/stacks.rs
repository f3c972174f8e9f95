//! Buckets as stacks make, read and remove them.

use std::io;

use super::S3;

/// What came of removing a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BucketGone {
    /// It is gone.
    Removed,
    /// There was none.
    NotThere,
    /// It has objects, and stays.
    NotEmpty,
}

impl S3 {
    /// Whether there is a bucket of this name.
    pub fn has_bucket(&self, name: &str) -> bool {
        self.index.read(|index| index.buckets.contains_key(name))
    }

    /// Removes a bucket that has no objects.
    ///
    /// # Errors
    /// When that cannot be kept.
    pub fn remove_bucket(&self, name: &str) -> io::Result<BucketGone> {
        self.index.update(|index| {
            Ok(match index.buckets.get(name) {
                None => BucketGone::NotThere,
                Some(bucket) if !bucket.objects.is_empty() => BucketGone::NotEmpty,
                Some(_) => {
                    index.buckets.remove(name);
                    BucketGone::Removed
                }
            })
        })
    }

    /// A setting that is kept with a bucket and changes nothing here.
    pub fn setting(&self, bucket: &str, name: &str) -> Option<String> {
        self.index.read(|index| index.buckets.get(bucket)?.settings.get(name).cloned())
    }

    /// Keeps such a setting, or removes it.
    ///
    /// # Errors
    /// When there is no such bucket, or that cannot be kept.
    pub fn set(&self, bucket: &str, name: &str, value: Option<String>) -> io::Result<()> {
        self.index.update(|index| {
            let bucket = index.buckets.get_mut(bucket).ok_or(io::ErrorKind::NotFound)?;
            match value {
                Some(value) => bucket.settings.insert(name.to_owned(), value),
                None => bucket.settings.remove(name),
            };
            Ok(())
        })
    }
}
