//! Entries of a tree -> one tar.gz, streamed.

use std::{
    fs::File,
    io::{self, Read as _, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, GzBuilder, write::GzEncoder};
use sha2::{Digest as _, Sha256};

use super::tree::{Entry, EntryKind, list};

/// A packed tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// SHA-256 of the tar.gz, in hex.
    pub digest: String,
    /// Its size in bytes.
    pub size: u64,
    /// Number of files and links in it.
    pub files: usize,
}

/// Why a tree cannot be packed. Nothing half-written is left.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Walking the tree failed.
    #[error("the source tree cannot be read: {reason}")]
    Tree {
        /// Why, with the path.
        reason: String,
    },
    /// One file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Files that look like secrets.
    #[error("these files look like secrets: {}", .0.join(", "))]
    Secrets(Vec<String>),
    /// A link that leaves the tree.
    #[error("the link {path} points out of {} to {target}", root.display())]
    LinkLeaves {
        /// The link.
        path: String,
        /// Its target.
        target: String,
        /// The tree.
        root: PathBuf,
    },
    /// A name that other machines cannot hold.
    #[error("the name {} is not UTF-8", .0.display())]
    NotUtf8(PathBuf),
    /// A socket, device or pipe.
    #[error("{0} is neither a file nor a link")]
    Special(String),
    /// A file was changed while it was packed.
    #[error("{0} changed while it was being packed")]
    Changed(String),
    /// The bundle cannot be written.
    #[error("the bundle cannot be written to {}: {source}", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is nothing to pack.
    #[error("{} has no files to pack", .0.display())]
    Empty(PathBuf),
}

/// Level 6 of the compressor, whose output depends on nothing but its input and version.
const LEVEL: u32 = 6;

/// Counts and hashes what passes through.
struct Meter<W> {
    inner: W,
    hash: Sha256,
    size: u64,
}

impl<W: Write> Write for Meter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.hash.update(&bytes[..n]);
        self.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Packs the tree at `root` into `out`; `name` is what a failure to write is blamed on.
///
/// # Errors
/// [`PackError`].
pub fn pack(root: &Path, out: impl Write, name: &Path) -> Result<Bundle, PackError> {
    let entries = list(root)?;
    if entries.is_empty() {
        return Err(PackError::Empty(root.to_owned()));
    }
    let blame = |source| PackError::Write { path: name.to_owned(), source };
    let meter = Meter { inner: out, hash: Sha256::new(), size: 0 };
    // No name and no time in the header; operating system 255 is "unknown" (RFC 1952).
    let gzip = GzBuilder::new().mtime(0).operating_system(255).write(meter, Compression::new(LEVEL));
    let mut tar = tar::Builder::new(gzip);
    for entry in &entries {
        append(&mut tar, entry, &blame)?;
    }
    let gzip = tar.into_inner().map_err(blame)?;
    let mut meter = gzip.finish().map_err(blame)?;
    meter.flush().map_err(blame)?;
    Ok(Bundle { digest: hex::encode(meter.hash.finalize()), size: meter.size, files: entries.len() })
}

fn append<W: Write>(
    tar: &mut tar::Builder<GzEncoder<W>>,
    entry: &Entry,
    blame: &impl Fn(io::Error) -> PackError,
) -> Result<(), PackError> {
    let mut header = tar::Header::new_gnu();
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    match &entry.kind {
        EntryKind::Link { target } => {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_mode(0o777);
            header.set_size(0);
            tar.append_link(&mut header, &entry.path, target).map_err(blame)
        }
        EntryKind::File { executable, size } => {
            let read = |source| PackError::Read { path: entry.full.clone(), source };
            let file = File::open(&entry.full).map_err(read)?;
            if file.metadata().map_err(read)?.len() != *size {
                return Err(PackError::Changed(entry.path.clone()));
            }
            header.set_entry_type(tar::EntryType::Regular);
            header.set_mode(if *executable { 0o755 } else { 0o644 });
            header.set_size(*size);
            // The header promises a size; a file that grew is cut there, one that shrank is an error.
            let mut body = Exactly { inner: file.take(*size), left: *size, failed: None };
            let appended = tar.append_data(&mut header, &entry.path, &mut body);
            match (body.failed, body.left) {
                (Some(source), _) => Err(read(source)),
                (None, left) if left > 0 && appended.is_ok() => Err(PackError::Changed(entry.path.clone())),
                _ => appended.map_err(blame),
            }
        }
    }
}

/// A reader that remembers its own failure, so that it is not taken for the writer's, and what is still missing.
struct Exactly<R> {
    inner: R,
    left: u64,
    failed: Option<io::Error>,
}

impl<R: io::Read> io::Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buffer) {
            Ok(n) => {
                self.left -= n as u64;
                Ok(n)
            }
            Err(error) => {
                self.failed = Some(io::Error::new(error.kind(), error.to_string()));
                Err(error)
            }
        }
    }
}

/// Packs the tree at `root` into a temporary file in `dir`, which is removed when the handle is dropped.
///
/// # Errors
/// [`PackError`].
pub fn pack_into(root: &Path, dir: &Path) -> Result<(Bundle, tempfile::NamedTempFile), PackError> {
    let blame = |source| PackError::Write { path: dir.to_owned(), source };
    let file = tempfile::Builder::new().prefix("pave-").suffix(".tar.gz").tempfile_in(dir).map_err(blame)?;
    let path = file.path().to_owned();
    let bundle = pack(root, io::BufWriter::new(file.as_file()), &path)?;
    Ok((bundle, file))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, os::unix::fs::symlink};

    use proptest::prelude::*;

    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("temp");
        for (path, text) in files {
            let full = dir.path().join(path);
            fs::create_dir_all(full.parent().expect("parent")).expect("dirs");
            fs::write(full, text).expect("writes");
        }
        dir
    }

    fn packed(root: &Path) -> (Bundle, Vec<u8>) {
        let mut bytes = Vec::new();
        let bundle = pack(root, &mut bytes, Path::new("memory")).expect("packs");
        (bundle, bytes)
    }

    fn names(bytes: &[u8]) -> Vec<String> {
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes));
        let entries = archive.entries().expect("tar");
        entries.map(|e| e.expect("entry").path().expect("path").display().to_string()).collect()
    }

    #[test]
    fn the_same_tree_gives_the_same_bytes_whenever_and_in_whatever_order_it_was_made() {
        let one = tree(&[("a/b.txt", "1"), ("a.txt", "2"), ("z", "3")]);
        let other = tree(&[("z", "3"), ("a.txt", "2"), ("a/b.txt", "1")]);
        fs::create_dir(other.path().join("empty")).expect("dir");
        let (bundle, bytes) = packed(one.path());
        assert_eq!(packed(other.path()).1, bytes);
        assert_eq!(names(&bytes), ["a.txt", "a/b.txt", "z"]);
        // Known for this tree; a change here means that every machine would build everything anew.
        assert_eq!(bundle.digest, "cf5c1e92959d4682e0ed8b3be68e7eed556d2c1c9250a421b32c3866b586a46d");
    }

    #[test]
    fn ignore_rules_come_from_the_tree_alone() {
        let dir = tree(&[
            (".gitignore", "target/\n*.log\n"),
            (".paveignore", "docs/\n"),
            ("target/big", "x"),
            ("a.log", "x"),
            ("docs/x", "x"),
            ("src/.gitignore", "gen\n"),
            ("src/gen", "x"),
            ("src/main", "x"),
            (".git/config", "x"),
            (".git/info/exclude", "src/main\n"),
            (".ignore", "src/main\n"),
            (".github/ci.yml", "x"),
        ]);
        let kept = names(&packed(dir.path()).1);
        assert_eq!(
            kept,
            [".github/ci.yml", ".gitignore", ".ignore", ".paveignore", "src/.gitignore", "src/main"]
        );
    }

    #[test]
    fn secrets_are_refused_all_at_once_unless_ignored() {
        let dir = tree(&[("a", "x"), (".env", "KEY=1"), ("certs/server.pem", "x"), (".env.example", "KEY=")]);
        let Err(PackError::Secrets(found)) = pack(dir.path(), Vec::new(), Path::new("m")) else {
            panic!("secrets were packed")
        };
        assert_eq!(found, [".env", "certs/server.pem"]);
        fs::write(dir.path().join(".gitignore"), ".env\n*.pem\n").expect("writes");
        assert_eq!(names(&packed(dir.path()).1), [".env.example", ".gitignore", "a"]);
    }

    #[test]
    fn links_stay_inside_the_tree() {
        let dir = tree(&[("a/real", "x")]);
        symlink("../a/real", dir.path().join("a/inside")).expect("link");
        assert_eq!(names(&packed(dir.path()).1), ["a/inside", "a/real"]);
        for target in ["/etc/passwd", "../../etc/passwd"] {
            symlink(target, dir.path().join("a/outside")).expect("link");
            assert!(matches!(
                pack(dir.path(), Vec::new(), Path::new("m")),
                Err(PackError::LinkLeaves { .. })
            ));
            fs::remove_file(dir.path().join("a/outside")).expect("removes");
        }
    }

    #[test]
    fn a_full_disk_is_said_and_nothing_is_left() {
        let dir = tree(&[("a", &"no two lines alike ".repeat(10_000))]);
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
        let Err(PackError::Write { source, .. }) = pack(dir.path(), full, Path::new("/dev/full")) else {
            panic!("a full disk went unnoticed")
        };
        assert_eq!(source.kind(), io::ErrorKind::StorageFull);
        let missing = dir.path().join("missing");
        assert!(matches!(pack_into(dir.path(), &missing), Err(PackError::Write { .. })));
    }

    #[test]
    fn what_cannot_be_packed_is_named() {
        let dir = tree(&[]);
        assert!(matches!(pack(dir.path(), Vec::new(), Path::new("m")), Err(PackError::Empty(_))));
        let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("s")).expect("binds");
        let Err(PackError::Special(path)) = pack(dir.path(), Vec::new(), Path::new("m")) else {
            panic!("packed")
        };
        assert_eq!(path, "s");
        assert!(matches!(
            pack(&dir.path().join("no/such"), Vec::new(), Path::new("m")),
            Err(PackError::Tree { .. })
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn everything_comes_out_as_it_went_in(files in prop::collection::btree_map(
            "[a-z]{1,8}(/[a-z]{1,120}){0,3}", prop::collection::vec(any::<u8>(), 0..3000), 1..12)
        ) {
            let dir = tempfile::tempdir().expect("temp");
            let mut expected = BTreeMap::new();
            for (path, bytes) in files {
                let full = dir.path().join(&path);
                if fs::create_dir_all(full.parent().expect("parent")).is_ok() && !full.is_dir()
                    && fs::write(&full, &bytes).is_ok() {
                    expected.insert(path, bytes);
                }
            }
            let (_, bytes) = packed(dir.path());
            let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
            let mut found = BTreeMap::new();
            for entry in archive.entries().expect("tar") {
                let mut entry = entry.expect("entry");
                let mut body = Vec::new();
                entry.read_to_end(&mut body).expect("body");
                found.insert(entry.path().expect("path").display().to_string(), body);
            }
            prop_assert_eq!(found, expected);
        }
    }
}
