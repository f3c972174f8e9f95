//! Files -> one layer, and back.

use std::{
    fs, io,
    io::{Read, Write as _},
    path::Path,
};

use flate2::{Compression, GzBuilder, read::GzDecoder};
use sha2::{Digest as _, Sha256};

/// A packed layer: its gzip bytes and the digest of the tar inside, its "diff id".
#[derive(Debug)]
pub struct Packed {
    /// The tar.gz.
    pub bytes: Vec<u8>,
    /// `sha256:…` of the tar.
    pub diff_id: String,
}

/// Packs paths of `root`, given relative to it, under `prefix` in the layer.
///
/// # Errors
/// When a file cannot be read.
pub fn pack(root: &Path, paths: &[String], prefix: &str) -> io::Result<Packed> {
    let mut sorted: Vec<&String> = paths.iter().collect();
    sorted.sort();
    let mut builder = tar::Builder::new(Vec::new());
    for path in sorted {
        let full = root.join(path);
        let metadata = fs::symlink_metadata(&full)?;
        let name = format!("{}/{path}", prefix.trim_matches('/'));
        let mut header = tar::Header::new_gnu();
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        if metadata.is_symlink() {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            header.set_mode(0o777);
            builder.append_link(&mut header, name, fs::read_link(&full)?)?;
        } else {
            use std::os::unix::fs::PermissionsExt as _;
            let body = fs::read(&full)?;
            header.set_entry_type(tar::EntryType::Regular);
            header.set_size(body.len() as u64);
            header.set_mode(if metadata.permissions().mode() & 0o100 != 0 { 0o755 } else { 0o644 });
            builder.append_data(&mut header, name, body.as_slice())?;
        }
    }
    let tar = builder.into_inner()?;
    let diff_id = format!("sha256:{}", hex::encode(Sha256::digest(&tar)));
    // Level 1: the layer is unpacked on the same machine a second later.
    let mut gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::new(1));
    gzip.write_all(&tar)?;
    Ok(Packed { bytes: gzip.finish()?, diff_id })
}

/// Unpacks a tar.gz into `dir`. Nothing leaves `dir`: paths and links that try are refused.
///
/// # Errors
/// When the archive is broken or the disk refuses.
pub fn unpack(archive: impl Read, dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let mut archive = tar::Archive::new(GzDecoder::new(io::BufReader::new(archive)));
    archive.set_preserve_mtime(false);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        if !entry.unpack_in(dir)? {
            return Err(io::Error::other(format!(
                "{} would be written outside its directory",
                path.display()
            )));
        }
    }
    Ok(())
}
