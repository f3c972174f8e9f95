//! Changes of the schema: `migrations/NNNN_<name>.up.sql` and `.down.sql`, run by this same program; each is one transaction
//! unless its first line is `-- no-transaction`, for CREATE INDEX CONCURRENTLY and the like.
//!
//! sqlx keeps what was applied in `_sqlx_migrations`, each with a checksum.

use std::{error::Error, path::Path, time::Duration};

use serde::Serialize;
use sqlx::{
    ConnectOptions as _, PgConnection, Row as _,
    migrate::{MigrateError, Migrator},
};

use super::Settings;

const FOLDER: &str = "migrations";
/// Any number, the same in every process.
const LOCK: i64 = 7_014_386_229;
const WAIT_FOR_OTHERS: Duration = Duration::from_secs(60);
const ASK_AGAIN: Duration = Duration::from_millis(100);

#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error("migrations cannot be run: {0}")]
    Migrate(#[from] MigrateError),
    #[error("{0} was applied by another release: take it back with the image that has it")]
    OfAnotherRelease(String),
}

/// What was run, and what was not yet.
#[derive(Serialize)]
pub struct Status {
    pub applied: Vec<String>,
    pub pending: Vec<String>,
}

/// `up`: all that are pending; a second run changes nothing. `down`: takes the last one back. `status`: says what there is.
pub async fn run(what: &str, settings: &Settings) -> Result<(), Box<dyn Error>> {
    // A change may take its time, but not while every request waits for the lock that it waits for.
    let patient = [("statement_timeout", "0"), ("lock_timeout", "5s")];
    let mut connection = settings.options.clone().options(patient).connect().await?;
    if what == "status" {
        use std::io::Write as _;
        let status = status(&mut connection).await?;
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&status)?)?;
        return Ok(());
    }
    // It goes with the connection, however the process ends.
    tokio::time::timeout(WAIT_FOR_OTHERS, locked(&mut connection))
        .await
        .map_err(|_| "another migration runs and does not end")??;
    let mut migrator = migrator().await?;
    // After a rollback the schema is newer than this program, which works with it all the same.
    migrator.set_locking(false).set_ignore_missing(true);
    if what == "up" {
        migrator.run(&mut connection).await?;
    } else {
        take_back(&migrator, &mut connection).await?;
    }
    let status = status(&mut connection).await?;
    tracing::info!(
        applied = status.applied.len(),
        pending = status.pending.len(),
        "migrated"
    );
    Ok(())
}

/// Takes the last one back.
async fn take_back(
    migrator: &Migrator,
    connection: &mut PgConnection,
) -> Result<(), MigrationError> {
    let applied = applied(connection).await?;
    let Some((last, name)) = applied.last() else {
        tracing::info!("there is nothing to take back");
        return Ok(());
    };
    if !migrator.version_exists(*last) {
        return Err(MigrationError::OfAnotherRelease(name.clone()));
    }
    let before = applied
        .iter()
        .rev()
        .nth(1)
        .map_or(0, |(version, _)| *version);
    tracing::info!(name, "taking back");
    Ok(migrator.undo(connection, before).await?)
}

async fn migrator() -> Result<Migrator, MigrateError> {
    Migrator::new(Path::new(FOLDER)).await
}

/// Asks again and again: CREATE INDEX CONCURRENTLY waits for every statement that runs, one that waits for us included.
async fn locked(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    loop {
        let asked = sqlx::query("select pg_try_advisory_lock($1)").bind(LOCK);
        if asked.fetch_one(&mut *connection).await?.try_get(0)? {
            return Ok(());
        }
        tokio::time::sleep(ASK_AGAIN).await;
    }
}

/// Versions and names of what was applied, the oldest first.
async fn applied(connection: &mut PgConnection) -> Result<Vec<(i64, String)>, MigrationError> {
    // Asking must not make the table: readiness has no business to change a schema.
    let table = "select to_regclass('_sqlx_migrations') is not null";
    if !sqlx::query(table)
        .fetch_one(&mut *connection)
        .await?
        .try_get::<bool, _>(0)?
    {
        return Ok(Vec::new());
    }
    let rows = "select version, description from _sqlx_migrations where success order by version";
    let rows = sqlx::query(rows).fetch_all(&mut *connection).await?;
    let mut applied = Vec::new();
    for row in &rows {
        let version = row.try_get(0)?;
        applied.push((version, name(version, row.try_get(1)?)));
    }
    Ok(applied)
}

/// What its files are called.
fn name(version: i64, description: &str) -> String {
    format!("{version:04}_{}", description.replace(' ', "_"))
}

/// What another release applied is named, too.
pub async fn status(connection: &mut PgConnection) -> Result<Status, MigrationError> {
    let applied: Vec<String> = applied(connection)
        .await?
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    let pending = migrator()
        .await?
        .iter()
        .filter(|one| !one.migration_type.is_down_migration())
        .map(|one| name(one.version, &one.description))
        .filter(|name| !applied.contains(name))
        .collect();
    Ok(Status { applied, pending })
}
