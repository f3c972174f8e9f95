//! Changes of the schema: `migrations/NNNN_<name>.up.sql` and `.down.sql`, run by this same program.
//!
//! sqlx keeps what was applied in `_sqlx_migrations`, each with a checksum, and holds an advisory lock while it works.

use std::{error::Error, path::Path};

use serde::Serialize;
use sqlx::{
    ConnectOptions as _, PgConnection, Row as _,
    migrate::{MigrateError, Migrator},
};

use super::Settings;

const FOLDER: &str = "migrations";

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
    // A change may take its time, but not while everyone else waits for the lock that it waits for.
    let patient = [("statement_timeout", "0"), ("lock_timeout", "30s")];
    let mut connection = settings.options.clone().options(patient).connect().await?;
    let migrator = migrator().await?;
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
