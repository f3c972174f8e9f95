//! The files of one server: made, and told how it is to run.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use time::OffsetDateTime;
use tokio::io::AsyncWriteExt as _;

use crate::sandbox::hidden::Hidden;

use super::{ADMIN, Authority, PostgresError, account::Account, blame, named, quoted, server::Server};

/// Roles that let their members run programs and reach files as the server does. RDS lets nobody be one. Here nobody can,
/// as they are not there: who may make roles may grant any that is no superuser's, until PostgreSQL 16, and nobody may make
/// one whose name begins with `pg_`. Source: PostgreSQL documentation, "Predefined Roles" and "CREATE ROLE".
const OUTSIDE: [&str; 3] = ["pg_execute_server_program", "pg_read_server_files", "pg_write_server_files"];

/// Such files, in the folder `data` of `dir`, and what the server says in its `log`.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Where the programs of its version are.
    pub bin: PathBuf,
    /// Where everything of it is.
    pub dir: PathBuf,
}

/// How a server is to run.
#[derive(Debug, Clone, PartialEq)]
pub struct Conduct {
    /// Port on 127.0.0.1.
    pub port: u16,
    /// Whether it refuses whoever comes without TLS. The superuser, who comes from here, is let in in any case.
    pub only_tls: bool,
    /// Settings by their names.
    pub settings: BTreeMap<String, String>,
}

/// A program's last words; the first ones are about what it does.
pub(super) fn last_words(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(5)..].join(" | ")
}

impl Cluster {
    /// Its files.
    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// What it says.
    pub fn log(&self) -> PathBuf {
        self.dir.join("postgresql.log")
    }

    /// A folder for files that are not whole yet. What a kill left of an earlier one is nobody's any more.
    pub(super) fn fresh(&self, account: Account) -> Result<PathBuf, PostgresError> {
        fs::create_dir_all(&self.dir).map_err(blame(&self.dir))?;
        for entry in fs::read_dir(&self.dir).map_err(blame(&self.dir))?.flatten() {
            let name = entry.file_name();
            if name == "data" || name.to_string_lossy().starts_with("new-") {
                // A program that a kill left may still write there; then the rest goes with the folder above.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let new = self.dir.join(format!("new-{}", hex::encode(rand::random::<[u8; 8]>())));
        account.folder(&new).map_err(blame(&new))?;
        Ok(new)
    }

    /// What is whole takes its place.
    pub(super) fn settle(&self, new: &Path) -> Result<(), PostgresError> {
        fs::rename(new, self.data()).map_err(blame(self.data()))
    }

    /// Makes an empty database server, whose superuser has this password.
    ///
    /// # Errors
    /// With the program's own words.
    pub async fn make(&self, password: &Hidden) -> Result<(), PostgresError> {
        let account = Account::find()?;
        let new = self.fresh(account)?;
        let program = self.bin.join("initdb");
        let mut guest = account.program(&program, &new).map_err(blame(&program))?;
        guest.command.arg("-D").arg(&guest.path).args(["-U", ADMIN, "-E", "UTF8", "--locale=C.UTF-8"]);
        // Nobody comes in by the rules that it writes; those of the server are written when it starts.
        guest.command.args(["--auth=reject", "--no-sync", "--data-checksums"]);
        let out = guest.command.output().await.map_err(blame(&program))?;
        if !out.status.success() {
            let reason = last_words(&out.stderr);
            return Err(PostgresError::Failed { program: "initdb", reason });
        }
        // Through the program itself, before there is a server that could be reached without a password.
        let statements = [
            format!("ALTER ROLE {} PASSWORD {}", named(ADMIN), quoted(&super::verifier(&password.0).0)),
            format!("CREATE DATABASE {}", named(ADMIN)),
            format!("REVOKE ALL ON DATABASE {} FROM PUBLIC", named(ADMIN)),
            format!("DELETE FROM pg_authid WHERE rolname IN ({})", OUTSIDE.map(quoted).join(", ")),
        ];
        self.alone(account, &new, &statements).await?;
        self.settle(&new)
    }

    /// Statements in a process that serves nobody.
    async fn alone(&self, account: Account, data: &Path, statements: &[String]) -> Result<(), PostgresError> {
        let program = self.bin.join("postgres");
        let mut guest = account.program(&program, data).map_err(blame(&program))?;
        guest.command.args(["--single", "-D"]).arg(&guest.path).args(["-c", "log_min_messages=error"]);
        guest.command.args(["-c", "log_min_error_statement=panic", "postgres"]);
        guest.command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = guest.command.spawn().map_err(blame(&program))?;
        if let Some(mut stdin) = child.stdin.take() {
            let text: String = statements.iter().map(|one| format!("{one}\n")).collect();
            stdin.write_all(text.as_bytes()).await.map_err(blame(&program))?;
        }
        let out = child.wait_with_output().await.map_err(blame(&program))?;
        // It ends well even where a statement failed.
        let said = String::from_utf8_lossy(&out.stderr);
        let error = said.lines().find(|line| line.contains("ERROR:") || line.contains("FATAL:"));
        match error {
            None if out.status.success() => Ok(()),
            None => {
                Err(PostgresError::Failed { program: "postgres --single", reason: last_words(&out.stderr) })
            }
            Some(line) => {
                Err(PostgresError::Failed { program: "postgres --single", reason: line.trim().to_owned() })
            }
        }
    }

    /// Who may come in, and how. Source: PostgreSQL documentation, "The pg_hba.conf File".
    fn rules(only_tls: bool) -> String {
        let everybody = if only_tls { "hostssl" } else { "host" };
        format!(
            "host all {ADMIN} 127.0.0.1/32 scram-sha-256\n\
             host replication {ADMIN} 127.0.0.1/32 scram-sha-256\n\
             {everybody} all all 127.0.0.1/32 scram-sha-256\n"
        )
    }

    fn configuration(conduct: &Conduct) -> String {
        let own = [
            ("listen_addresses", "127.0.0.1"),
            ("unix_socket_directories", ""),
            ("password_encryption", "scram-sha-256"),
            ("ssl", "on"),
            ("ssl_cert_file", "server.crt"),
            ("ssl_key_file", "server.key"),
            ("datestyle", "iso, mdy"),
            ("default_text_search_config", "pg_catalog.english"),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            // Source: RDS user guide, "RDS for PostgreSQL database log files".
            ("log_line_prefix", "%t:%r:%u@%d:[%p]:"),
        ];
        let mut all: BTreeMap<&str, &str> = own.into_iter().collect();
        // PostgreSQL knows nothing of it; it is there to be asked for.
        all.insert("rds.force_ssl", if conduct.only_tls { "1" } else { "0" });
        all.extend(conduct.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let mut text = format!("port = {}\n", conduct.port);
        for (name, value) in all {
            // Writing to a text does not fail.
            let _ = writeln!(text, "{name} = {}", quoted(&value.replace('\\', "\\\\")));
        }
        text
    }

    /// Tells the server's files how it is to run.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn tell(&self, conduct: &Conduct) -> Result<(), PostgresError> {
        let (account, data) = (Account::find()?, self.data());
        for (name, text) in [
            ("postgresql.conf", Self::configuration(conduct)),
            ("pg_hba.conf", Self::rules(conduct.only_tls)),
        ] {
            let path = data.join(name);
            account.write(&path, &text).map_err(blame(&path))?;
        }
        Ok(())
    }

    /// Starts the server and returns when it lets people in. Says until when its certificate is good.
    ///
    /// # Errors
    /// With the server's own words.
    pub async fn start(
        &self,
        conduct: &Conduct,
        authority: &Authority,
    ) -> Result<(Server, OffsetDateTime), PostgresError> {
        let (account, data) = (Account::find()?, self.data());
        self.tell(conduct)?;
        let signed = authority.sign()?;
        for (name, text) in [("server.crt", &signed.certificate), ("server.key", &signed.key)] {
            let path = data.join(name);
            account.write(&path, text).map_err(blame(&path))?;
        }
        let program = self.bin.join("postgres");
        let mut guest = account.program(&program, &data).map_err(blame(&program))?;
        guest.command.arg("-D").arg(&guest.path);
        Ok((Server::start(guest.command, &data, &self.log()).await?, signed.until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_end_its_line() {
        let settings = BTreeMap::from([("work_mem".to_owned(), r"4'\MB".to_owned())]);
        let text = Cluster::configuration(&Conduct { port: 1, only_tls: true, settings });
        assert!(text.contains("work_mem = '4''\\\\MB'\n"), "{text}");
        assert!(Cluster::rules(true).contains("\nhostssl all all 127"));
    }
}
