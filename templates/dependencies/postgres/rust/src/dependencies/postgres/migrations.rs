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
    // It goes with the connection, however the process ends.
    tokio::time::timeout(WAIT_FOR_OTHERS, locked(&mut connection))
        .await
        .map_err(|_| "another migration runs and does not end")??;
    let mut migrator = migrator().await?;
    migrator.set_locking(false);
    match what {
        "up" => migrator.run(&mut connection).await?,
        "down" => {
            let applied = applied(&mut connection).await?;
            let Some(last) = applied.last() else {
                tracing::info!("there is nothing to take back");
                return Ok(());
            };
            let before = applied.iter().rev().nth(1).copied().unwrap_or(0);
            tracing::info!(version = last, "taking back");
            migrator.undo(&mut connection, before).await?;
        }
        "status" => {
            use std::io::Write as _;
            let status = status(&mut connection).await?;
            writeln!(std::io::stdout(), "{}", serde_json::to_string(&status)?)?;
            return Ok(());
        }
        _ => return Err("usage: app migrate up | down | status".into()),
    }
    let status = status(&mut connection).await?;
    tracing::info!(
        applied = status.applied.len(),
        pending = status.pending.len(),
        "migrated"
    );
    Ok(())
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

/// Versions that were applied, the oldest first.
async fn applied(connection: &mut PgConnection) -> Result<Vec<i64>, MigrationError> {
    // Asking must not make the table: readiness has no business to change a schema.
    let table = "select to_regclass('_sqlx_migrations') is not null";
    if !sqlx::query(table)
        .fetch_one(&mut *connection)
        .await?
        .try_get::<bool, _>(0)?
    {
        return Ok(Vec::new());
    }
    let rows = "select version from _sqlx_migrations where success order by version";
    let rows = sqlx::query(rows).fetch_all(&mut *connection).await?;
    Ok(rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()?)
}

pub async fn status(connection: &mut PgConnection) -> Result<Status, MigrationError> {
    let applied = applied(connection).await?;
    let mut status = Status {
        applied: Vec::new(),
        pending: Vec::new(),
    };
    for migration in migrator()
        .await?
        .iter()
        .filter(|one| !one.migration_type.is_down_migration())
    {
        let name = format!(
            "{:04}_{}",
            migration.version,
            migration.description.replace(' ', "_")
        );
        let done = applied.contains(&migration.version);
        if done {
            &mut status.applied
        } else {
            &mut status.pending
        }
        .push(name);
    }
    Ok(status)
}
