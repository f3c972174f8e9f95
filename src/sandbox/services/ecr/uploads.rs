//! Blobs on their way in: a file each, that grows piece by piece and becomes a blob when its digest is right.
//!
//! Invariants: what was acknowledged is on disk, so an upload goes on after a restart; its id is one that was given out
//! here; one request at a time writes to it.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use sha2::{Digest as _, Sha256};

use crate::sandbox::{persisted::write_atomically, server::uuid};

/// For how long an upload waits for its next piece.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// Why an upload does not go on.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// There is none of this id in this repository.
    #[error("The upload with id '{0}' was not found")]
    Unknown(String),
    /// Another request writes to it.
    #[error("another request writes to the upload '{0}'")]
    Busy(String),
    /// A piece does not begin where the last ended.
    #[error("the next byte of the upload is {0}")]
    Gap(u64),
    /// What came has another digest.
    #[error("the content has the digest {0}")]
    OtherDigest(String),
    /// The disk refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

#[derive(Debug)]
pub(super) struct Uploads {
    dir: PathBuf,
    busy: Mutex<BTreeSet<String>>,
}

/// An upload that one request has for itself.
#[derive(Debug)]
pub(super) struct Upload<'a> {
    id: String,
    path: PathBuf,
    file: File,
    length: u64,
    uploads: &'a Uploads,
}

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        self.uploads.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// Whether a text has the form of the ids that are given out here; no other becomes a path.
fn is_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b) || b == b'-')
}

impl Uploads {
    pub fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let age = SystemTime::now().duration_since(entry.metadata()?.modified()?).unwrap_or_default();
            if age > PATIENCE || entry.file_name().to_string_lossy().starts_with(".tmp") {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(Self { dir: dir.to_owned(), busy: Mutex::default() })
    }

    fn owner(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}.repository"))
    }

    /// Begins an upload and returns its id.
    pub fn begin(&self, repository: &str) -> io::Result<String> {
        let id = uuid();
        File::create_new(self.dir.join(&id))?;
        write_atomically(&self.owner(&id), repository.as_bytes())?;
        Ok(id)
    }

    /// Takes an upload for one request.
    pub fn take(&self, repository: &str, id: &str) -> Result<Upload<'_>, UploadError> {
        let unknown = || UploadError::Unknown(id.to_owned());
        if !is_id(id) || fs::read(self.owner(id)).ok().as_deref() != Some(repository.as_bytes()) {
            return Err(unknown());
        }
        if !self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned()) {
            return Err(UploadError::Busy(id.to_owned()));
        }
        let path = self.dir.join(id);
        let opened = OpenOptions::new().append(true).open(&path);
        let opened = opened.and_then(|file| Ok((file.metadata()?.len(), file)));
        match opened {
            Ok((length, file)) => Ok(Upload { id: id.to_owned(), path, file, length, uploads: self }),
            Err(_) => {
                self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
                Err(unknown())
            }
        }
    }
}

impl Upload<'_> {
    /// Bytes that came.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Says whether a piece may begin at this byte.
    pub fn expect(&self, start: u64) -> Result<(), UploadError> {
        if start == self.length { Ok(()) } else { Err(UploadError::Gap(self.length)) }
    }

    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// What came is on disk when this returns.
    pub fn flush(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    pub fn cancel(self) -> io::Result<()> {
        fs::remove_file(self.uploads.owner(&self.id))?;
        fs::remove_file(&self.path)
    }

    /// Looks whether what came has this digest; an upload of another is over.
    pub fn verified(self, digest: &str) -> Result<Self, UploadError> {
        self.flush()?;
        let (mut hash, mut file) = (Sha256::new(), File::open(&self.path)?);
        let mut buffer = vec![0; 1024 * 1024];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                n => hash.update(&buffer[..n]),
            }
        }
        let found = format!("sha256:{}", hex::encode(hash.finalize()));
        if found != digest {
            self.cancel()?;
            return Err(UploadError::OtherDigest(found));
        }
        Ok(self)
    }

    /// Puts what came in its place; the upload is over.
    pub fn move_to(self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        fs::remove_file(self.uploads.owner(&self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_goes_on_after_a_restart_and_ends_with_its_digest() {
        let dir = tempfile::tempdir().expect("dir");
        let uploads = Uploads::open(dir.path()).expect("opens");
        let id = uploads.begin("r").expect("begins");
        uploads.take("r", &id).expect("is there").append(b"on").expect("writes");
        assert!(matches!(uploads.take("other", &id), Err(UploadError::Unknown(_))));
        let first = uploads.take("r", &id).expect("is there");
        assert!(matches!(uploads.take("r", &id), Err(UploadError::Busy(_))));
        drop(first);
        let uploads = Uploads::open(dir.path()).expect("opens");
        let mut upload = uploads.take("r", &id).expect("is there");
        assert!(matches!(upload.expect(1), Err(UploadError::Gap(2))));
        upload.append(b"e").expect("writes");
        let digest = format!("sha256:{}", hex::encode(Sha256::digest("one")));
        upload.verified(&digest).expect("is right").move_to(&dir.path().join("blob")).expect("moves");
        assert_eq!(fs::read(dir.path().join("blob")).expect("reads"), b"one");
        let id = uploads.begin("r").expect("begins");
        let upload = uploads.take("r", &id).expect("is there");
        assert!(matches!(upload.verified(&digest), Err(UploadError::OtherDigest(_))));
        assert_eq!(fs::read_dir(dir.path()).expect("reads").count(), 1, "nothing is left of them");
    }

    #[test]
    fn no_id_is_a_path() {
        let dir = tempfile::tempdir().expect("dir");
        let uploads = Uploads::open(dir.path()).expect("opens");
        for id in ["", "..", "../../../../../../../../../etc/passwd", "/etc/passwd"] {
            assert!(matches!(uploads.take("r", id), Err(UploadError::Unknown(_))), "{id}");
        }
    }
}
