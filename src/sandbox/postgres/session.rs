//! Sessions of the sandbox's own with a server, as its superuser.

use tokio_postgres::{Client, Config, NoTls};

use crate::sandbox::hidden::Hidden;

use super::{ADMIN, PostgresError};

/// Connects to the database that nobody else uses. The password never leaves this machine, so it is no matter of TLS.
///
/// # Errors
/// When the server does not let it in.
pub async fn connect(port: u16, password: &Hidden, database: &str) -> Result<Client, PostgresError> {
    let mut config = Config::new();
    config.host("127.0.0.1").port(port).user(ADMIN).password(&password.0).dbname(database);
    config.application_name(ADMIN).connect_timeout(std::time::Duration::from_secs(10));
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
