//! Who is who in a new server. The master user is no superuser, as in RDS.
//!
//! Source: RDS user guide, "Master user account privileges" and "Understanding PostgreSQL roles and permissions".

use tokio_postgres::Client;

use crate::sandbox::{
    hidden::Hidden,
    postgres::{PostgresError, named, quoted},
};

/// Roles that come with PostgreSQL and that RDS's superusers have, with the version that has them first.
const GIVEN: [(&str, u32); 3] = [("pg_monitor", 10), ("pg_signal_backend", 10), ("pg_checkpoint", 15)];

/// Makes RDS's roles, the master user and the first database.
pub(super) async fn first(
    client: &Client,
    major: u32,
    user: &str,
    verifier: &Hidden,
    database: Option<&str>,
) -> Result<(), PostgresError> {
    for role in ["rds_superuser", "rds_replication", "rds_password", "rds_iam"] {
        client.batch_execute(&format!("CREATE ROLE {role} NOLOGIN")).await?;
    }
    for (role, _) in GIVEN.iter().filter(|(_, since)| *since <= major) {
        client.batch_execute(&format!("GRANT {role} TO rds_superuser WITH ADMIN OPTION")).await?;
    }
    client.batch_execute("GRANT rds_replication, rds_password TO rds_superuser WITH ADMIN OPTION").await?;
    let master = named(user);
    client.batch_execute(&format!("CREATE ROLE {master} LOGIN CREATEDB CREATEROLE")).await?;
    client.batch_execute(&format!("GRANT rds_superuser TO {master}")).await?;
    password(client, user, verifier).await?;
    for own in ["postgres", "template1"] {
        client.batch_execute(&format!("ALTER DATABASE {own} OWNER TO {master}")).await?;
    }
    if let Some(name) = database.filter(|name| *name != "postgres") {
        client.batch_execute(&format!("CREATE DATABASE {} OWNER {master}", named(name))).await?;
    }
    Ok(())
}

/// Gives a user another password.
pub(super) async fn password(client: &Client, user: &str, verifier: &Hidden) -> Result<(), PostgresError> {
    let statement = format!("ALTER ROLE {} LOGIN PASSWORD {}", named(user), quoted(&verifier.0));
    Ok(client.batch_execute(&statement).await?)
}
