//! Blobs: each in one file, named by its digest, which the repositories that it was pushed to or mounted in have in common.
//!
//! Invariants: a repository has what it was given and nothing else; a file is removed with the last repository that has it,
//! and never while another is given it: both happen under the lock of the index.
//! Source: ECR API reference, BatchCheckLayerAvailability and GetDownloadUrlForLayer ("in a repository").

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::sandbox::persisted::write_atomically;

use super::store::{Index, Store, StoreError, digest_of};

/// The hex part of a digest, or `None` where it is not one: what comes from a client never becomes a path unchecked.
fn hex_of(digest: &str) -> Option<&str> {
    let hex = digest.strip_prefix("sha256:")?;
    (hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())).then_some(hex)
}

/// Whether a text is a digest.
pub(super) fn is_digest(text: &str) -> bool {
    hex_of(text).is_some()
}

impl Store {
    /// Where a blob of this digest is, or would be; none for what is no digest.
    fn place(&self, digest: &str) -> Option<PathBuf> {
        Some(self.blobs.join(hex_of(digest)?))
    }

    /// The file of a blob or a manifest, whichever repository has it.
    pub fn file(&self, digest: &str) -> Option<PathBuf> {
        self.place(digest).filter(|path| path.is_file())
    }

    /// The file of a blob that a repository has.
    pub fn blob(&self, repository: &str, digest: &str) -> Option<PathBuf> {
        let has =
            |index: &Index| index.repositories.get(repository).is_some_and(|one| one.blobs.contains(digest));
        if self.index.read(has) { self.file(digest) } else { None }
    }

    /// Gives a repository a blob, whose file is put in its place first.
    pub fn add(
        &self,
        repository: &str,
        digest: &str,
        put: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        let place = self.place(digest).ok_or_else(|| StoreError::NoLayer(digest.to_owned()))?;
        self.index.update(|index| {
            let stored = index.repository(repository)?;
            put(&place)?;
            stored.blobs.insert(digest.to_owned());
            Ok(())
        })
    }

    /// Gives a repository a blob that another has already; says whether one has.
    pub fn share(&self, repository: &str, digest: &str) -> bool {
        self.add(repository, digest, |place| place.metadata().map(drop)).is_ok()
    }

    /// Gives a repository these bytes and returns their digest.
    pub fn put_blob(&self, repository: &str, bytes: &[u8]) -> Result<String, StoreError> {
        let digest = digest_of(bytes);
        self.add(
            repository,
            &digest,
            |place| if place.exists() { Ok(()) } else { write_atomically(place, bytes) },
        )?;
        Ok(digest)
    }

    /// Writes a manifest. Whoever asks has the index locked.
    pub fn put_manifest(&self, digest: &str, bytes: &[u8]) -> io::Result<()> {
        let place = self.place(digest).ok_or(io::ErrorKind::InvalidInput)?;
        if place.exists() { Ok(()) } else { write_atomically(&place, bytes) }
    }

    /// Removes a repository, and the files that no other has.
    pub fn remove(&self, repository: &str) -> io::Result<()> {
        let gone = self.index.update(|index| Ok::<_, io::Error>(index.repositories.remove(repository)))?;
        let gone = gone.unwrap_or_default();
        let digests = gone.blobs.iter().chain(gone.images.keys());
        // Once more under the lock: it may have been pushed elsewhere by now.
        self.index.read(|index| {
            for path in digests.filter(|digest| !index.has(digest)).filter_map(|digest| self.file(digest)) {
                // A file that stays behind wastes space and nothing else.
                let _ = fs::remove_file(path);
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_seen_where_it_was_pushed_or_mounted_and_goes_with_the_last() {
        let dir = tempfile::tempdir().expect("dir");
        let store = Store::open(dir.path()).expect("opens");
        let missing = store.put_blob("a", b"x").expect_err("there is no such repository");
        assert!(matches!(missing, StoreError::NoRepository(_)));
        store
            .index
            .update(|index| {
                for name in ["a", "b", "c"] {
                    index.repositories.insert(name.to_owned(), Default::default());
                }
                Ok::<_, io::Error>(())
            })
            .expect("keeps");
        let digest = store.put_blob("a", b"x").expect("keeps");
        let manifest = format!(r#"{{"config":{{"digest":"{digest}"}},"layers":[]}}"#);
        let refused = store.put_image("b", None, manifest.as_bytes()).expect_err("it has no such blob");
        assert!(matches!(refused, StoreError::NoLayer(_)), "{refused}");
        assert!(store.share("b", &digest));
        assert!(!store.share("b", &digest_of(b"none")));
        let image = store.put_image("b", None, manifest.as_bytes()).expect("keeps");
        let store = Store::open(dir.path()).expect("opens again");
        let seen = |name: &str| store.blob(name, &digest).is_some();
        assert_eq!([seen("a"), seen("b"), seen("c")], [true, true, false]);
        store.remove("a").expect("removes");
        assert!(!seen("a") && seen("b"));
        store.remove("b").expect("removes");
        assert_eq!([store.file(&digest), store.file(&image)], [None, None]);
    }
}
