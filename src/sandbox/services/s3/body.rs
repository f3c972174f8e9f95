//! Bodies: from the wire into a file of their own, hashed on the way, and back.
//!
//! Invariants: a file that belongs to nobody yet is removed when its request ends, however that is; what has to be in
//! memory does not grow with the body.

use std::{
    fs::File,
    io::{self, Write as _},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use md5::{Digest as _, Md5};
use s3s::{S3Error, S3Result, checksum::ChecksumHasher, dto::StreamingBlob, s3_error};
use tokio::sync::mpsc;

use crate::sandbox::door;

use super::{
    S3,
    checksum::{Algorithm, hasher, value},
};

/// Bytes read from disk at a time.
const CHUNK: u64 = 1024 * 1024;

/// Bodies up to this size are written by whoever reads them; larger ones get threads to hash and to write.
const SMALL: usize = 256 * 1024;

/// Pieces that may wait for a thread.
const WAITING: usize = 16;

/// Written bytes after which the disk is asked to take them, so that it works while the rest comes.
const BATCH: u64 = 32 * 1024 * 1024;

/// Most bytes that are read of a body that nobody wants; beyond, the connection is closed.
const LEFT: u64 = 1024 * 1024;

/// Largest body of one request. Source: S3 user guide, "Uploading objects".
const LARGEST: u64 = 5 * 1024 * 1024 * 1024;

/// A file that is removed unless somebody keeps it.
#[derive(Debug)]
pub(super) struct Fresh {
    path: PathBuf,
    name: Option<String>,
}

impl Fresh {
    pub fn new(s3: &S3) -> Self {
        let name = hex::encode(rand::random::<[u8; 16]>());
        Self { path: s3.objects.join(&name), name: Some(name) }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name it has for good: the file is there already, or somebody is about to say whose it is.
    pub fn name(&self) -> String {
        self.name.clone().unwrap_or_default()
    }

    pub fn keep(mut self) {
        self.name = None;
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if self.name.is_some() {
            // It may never have been made. What stays behind is tidied at the next start.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// A body that is on disk.
#[derive(Debug)]
pub(super) struct Received {
    pub file: Fresh,
    pub size: u64,
    pub md5: [u8; 16],
    sums: s3s::dto::Checksum,
}

impl Received {
    pub fn etag(&self) -> String {
        hex::encode(self.md5)
    }

    pub fn sum(&self, algorithm: Algorithm) -> String {
        value(&self.sums, algorithm)
    }
}

/// Digests of one body.
pub(super) struct Hashes {
    md5: Md5,
    sums: ChecksumHasher,
}

impl Hashes {
    pub fn new(algorithms: &[Algorithm]) -> Self {
        Self { md5: Md5::new(), sums: hasher(algorithms) }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.sums.update(bytes);
    }

    pub fn finish(self) -> ([u8; 16], s3s::dto::Checksum) {
        (self.md5.finalize().into(), self.sums.finalize())
    }
}

/// Writes a body into a file of its own.
pub(super) async fn receive(
    s3: &S3,
    body: &mut Option<StreamingBlob>,
    algorithms: &[Algorithm],
) -> S3Result<Received> {
    let file = Fresh::new(s3);
    let mut hashes = Hashes::new(algorithms);
    let (mut early, mut size) = (Vec::new(), 0);
    while size <= SMALL as u64 {
        let Some(chunk) = next(body, &mut size).await? else { break };
        early.push(chunk);
    }
    if size <= SMALL as u64 {
        let mut out = File::create_new(file.path()).map_err(S3Error::internal_error)?;
        for chunk in &early {
            hashes.update(chunk);
            out.write_all(chunk).map_err(S3Error::internal_error)?;
        }
        out.sync_data().map_err(S3Error::internal_error)?;
        let (md5, sums) = hashes.finish();
        return Ok(Received { file, size, md5, sums });
    }
    let (to_hash, mut hashed) = mpsc::channel::<Bytes>(WAITING);
    let (to_write, mut written) = mpsc::channel::<Bytes>(WAITING);
    let hashing = tokio::task::spawn_blocking(move || {
        while let Some(chunk) = hashed.blocking_recv() {
            hashes.update(&chunk);
        }
        hashes.finish()
    });
    let path = file.path().to_owned();
    let writing = tokio::task::spawn_blocking(move || -> io::Result<()> {
        let mut out = File::create_new(path)?;
        let mut since = 0;
        while let Some(chunk) = written.blocking_recv() {
            out.write_all(&chunk)?;
            since += chunk.len() as u64;
            if since >= BATCH {
                out.sync_data()?;
                since = 0;
            }
        }
        out.sync_data()
    });
    for chunk in early {
        pass(&to_hash, &to_write, chunk).await;
    }
    while let Some(chunk) = next(body, &mut size).await? {
        if !pass(&to_hash, &to_write, chunk).await {
            break;
        }
    }
    drop((to_hash, to_write));
    writing.await.map_err(S3Error::internal_error)?.map_err(S3Error::internal_error)?;
    let (md5, sums) = hashing.await.map_err(S3Error::internal_error)?;
    Ok(Received { file, size, md5, sums })
}

async fn next(body: &mut Option<StreamingBlob>, size: &mut u64) -> S3Result<Option<Bytes>> {
    let Some(stream) = body else { return Ok(None) };
    let Some(chunk) = stream.next().await else {
        *body = None;
        return Ok(None);
    };
    let chunk = chunk.map_err(|error| {
        let text = error.to_string();
        if text.contains("Sha256Mismatch") {
            let words = "The provided 'x-amz-content-sha256' header does not match what was computed.";
            super::error("XAmzContentSHA256Mismatch", 400, words)
        } else if text.contains("SignatureMismatch") {
            s3_error!(SignatureDoesNotMatch, "The signature of a chunk does not match what was computed")
        } else if text.contains(door::TOO_SLOW) {
            let words = "Your socket connection to the server was not read from or written to within the timeout period.";
            s3_error!(RequestTimeout, "{words}")
        } else {
            s3_error!(IncompleteBody, "The request body terminated unexpectedly")
        }
    })?;
    *size += chunk.len() as u64;
    if *size > LARGEST {
        return Err(s3_error!(EntityTooLarge, "Your proposed upload exceeds the maximum allowed size"));
    }
    Ok(Some(chunk))
}

/// Reads what is left of the body of a request that is refused, where that is little: the client may have sent it
/// already, and would take it for the beginning of its next request.
pub(super) async fn drain(body: &mut Option<StreamingBlob>) {
    let mut size = 0;
    while size <= LEFT && matches!(next(body, &mut size).await, Ok(Some(_))) {}
}

/// Says whether both threads still listen; one that does not has failed, and will say of what.
async fn pass(to_hash: &mpsc::Sender<Bytes>, to_write: &mpsc::Sender<Bytes>, chunk: Bytes) -> bool {
    to_hash.send(chunk.clone()).await.is_ok() && to_write.send(chunk).await.is_ok()
}

/// Streams `length` bytes of a file from `start`.
pub(in crate::sandbox) fn send(file: File, start: u64, length: u64) -> StreamingBlob {
    let file = Arc::new(file);
    let stream = stream::try_unfold((start, length), move |(at, left)| {
        let file = Arc::clone(&file);
        async move {
            if left == 0 {
                return Ok::<_, io::Error>(None);
            }
            let size = left.min(CHUNK);
            let mut buffer = vec![0; size as usize];
            let read = move || file.read_exact_at(&mut buffer, at).map(|()| buffer);
            let buffer = if length <= SMALL as u64 {
                read()?
            } else {
                tokio::task::spawn_blocking(read).await.map_err(io::Error::other)??
            };
            Ok(Some((Bytes::from(buffer), (at + size, left - size))))
        }
    });
    StreamingBlob::wrap(stream)
}

/// Copies stretches of files, one after the other, into a new one, and hashes what goes over.
pub(super) async fn join(
    s3: &S3,
    from: Vec<(File, u64, u64)>,
    algorithms: &[Algorithm],
) -> S3Result<Received> {
    let file = Fresh::new(s3);
    let (path, mut hashes) = (file.path().to_owned(), Hashes::new(algorithms));
    let copy = move || -> io::Result<_> {
        let mut out = File::create_new(path)?;
        let (mut size, mut buffer) = (0, vec![0; CHUNK as usize]);
        for (source, start, length) in from {
            let mut done = 0;
            while done < length {
                let piece = &mut buffer[..(length - done).min(CHUNK) as usize];
                source.read_exact_at(piece, start + done)?;
                hashes.update(piece);
                out.write_all(piece)?;
                done += piece.len() as u64;
            }
            size += length;
        }
        out.sync_data()?;
        let (md5, sums) = hashes.finish();
        Ok((size, md5, sums))
    };
    let done = tokio::task::spawn_blocking(copy).await.map_err(S3Error::internal_error)?;
    let (size, md5, sums) = done.map_err(S3Error::internal_error)?;
    Ok(Received { file, size, md5, sums })
}
