//! Copies of a running server in one file each, and servers made of them.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
};

use flate2::read::GzDecoder;

use crate::sandbox::hidden::Hidden;

use super::{ADMIN, Cluster, PostgresError, account::Account, blame, cluster::last_words};

/// Writes all that a server holds to `file`, which is there whole or not at all.
///
/// # Errors
/// With the program's own words.
pub async fn back_up(bin: &Path, port: u16, password: &Hidden, file: &Path) -> Result<(), PostgresError> {
    let dir = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(blame(dir))?;
    let target = tempfile::NamedTempFile::new_in(dir).map_err(blame(dir))?;
    // The password is read from a file that is its owner's alone. Source: PostgreSQL documentation, "The Password File".
    let known = tempfile::NamedTempFile::new_in(dir).map_err(blame(dir))?;
    let line = format!("127.0.0.1:{port}:*:{ADMIN}:{}\n", password.0);
    fs::write(known.path(), line).map_err(blame(known.path()))?;
    let program = bin.join("pg_basebackup");
    let out = target.as_file().try_clone().map_err(blame(target.path()))?;
    let mut command = tokio::process::Command::new(&program);
    command.env_clear().env("PGPASSFILE", known.path()).env("PGSSLMODE", "disable").env("LC_ALL", "C.UTF-8");
    command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-U", ADMIN, "--no-password"]);
    command.args(["-D", "-", "-F", "tar", "-X", "fetch", "-c", "fast", "-Z", "1"]);
    command.stdin(Stdio::null()).stdout(out).stderr(Stdio::piped()).current_dir("/").kill_on_drop(true);
    // Not `output`, which takes what is written to itself.
    let child = command.spawn().map_err(blame(&program))?;
    let done = child.wait_with_output().await.map_err(blame(&program))?;
    if !done.status.success() {
        let reason = last_words(&done.stderr);
        return Err(PostgresError::Failed { program: "pg_basebackup", reason });
    }
    target.as_file().sync_data().map_err(blame(file))?;
    target.persist(file).map_err(|error| blame(file)(error.error))?;
    Ok(())
}

/// Gives all of a folder to an account.
fn give(account: Account, path: &Path) -> io::Result<()> {
    account.own(path)?;
    if fs::symlink_metadata(path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            give(account, &entry?.path())?;
        }
    }
    Ok(())
}

fn unpacked(account: Account, file: &Path, new: &Path) -> io::Result<()> {
    let mut archive = tar::Archive::new(GzDecoder::new(io::BufReader::new(fs::File::open(file)?)));
    archive.set_preserve_permissions(true);
    archive.set_overwrite(true);
    archive.unpack(new)?;
    give(account, new)
}

/// Makes the files of a server of such a copy.
///
/// # Errors
/// When the file is none, or the disk refuses.
pub async fn unpack(cluster: &Cluster, file: &Path) -> Result<(), PostgresError> {
    let account = Account::find()?;
    let new = cluster.fresh(account)?;
    let (from, to): (PathBuf, PathBuf) = (file.to_owned(), new.clone());
    let work = tokio::task::spawn_blocking(move || unpacked(account, &from, &to));
    work.await.map_err(io::Error::from).and_then(|done| done).map_err(blame(file))?;
    cluster.settle(&new)
}
