//! Databases of one PostgreSQL server: an empty one, one with the schema, and copies of that for each scene.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio_postgres::{Client, Config, NoTls, error::SqlState};

/// How long a session may take to leave a database that is to be copied.
const LEAVING: Duration = Duration::from_secs(5);

/// How long a server may take from listening to letting anybody in.
const STARTING: Duration = Duration::from_secs(30);

/// Why the database server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The address is none.
    #[error("{variable} is not a PostgreSQL address")]
    Address {
        /// The variable it came from.
        variable: String,
    },
    /// Its own words.
    #[error("PostgreSQL: {}", .0.as_db_error().map_or_else(|| .0.to_string(), |said| said.message().to_owned()))]
    Refused(#[from] tokio_postgres::Error),
    /// The host has no address.
    #[error("the database's host cannot be found: {0}")]
    Host(#[from] std::io::Error),
}

/// Nobody asks for it; it is looked for in what a service prints.
const PASSWORD: &str = "verify-hunter2-0815";

/// A server on which databases may be made and dropped.
#[derive(Debug)]
pub struct Database {
    config: Config,
    /// It is there when this run is over.
    outlives: bool,
    /// Where it listens.
    pub address: SocketAddr,
    made: AtomicU32,
    prefix: String,
}

/// What a schema consists of, one line for each relation, column, index, constraint, routine, trigger, domain and enum value, sorted: two databases with the same
/// lines answer the same statements. The tables in which migration tools keep their notes are left out.
const SCHEMA: &str = "
    SELECT line FROM (
        SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' '
               || coalesce(column_default, '') AS line, table_name AS t
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL
        SELECT 'index ' || indexdef, tablename FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL
        SELECT 'constraint ' || c.conname || ' ' || pg_get_constraintdef(c.oid), r.relname
        FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
        JOIN pg_namespace n ON n.oid = c.connamespace WHERE n.nspname = 'public'
        UNION ALL
        SELECT 'enum ' || t.typname || ' ' || e.enumlabel, ''
        FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid
        UNION ALL
        SELECT 'relation ' || c.relkind::text || ' ' || c.relname, c.relname
        FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
        UNION ALL
        SELECT 'routine ' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', ''
        FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
        UNION ALL
        SELECT 'trigger ' || t.tgname || ' ' || pg_get_triggerdef(t.oid), c.relname
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
        UNION ALL
        SELECT 'domain ' || t.typname, '' FROM pg_type t
        WHERE t.typnamespace = 'public'::regnamespace AND t.typtype = 'd'
    ) AS parts
    WHERE t NOT LIKE '%migrations' AND t <> 'alembic_version'
    ORDER BY line";

impl Database {
    /// A server that was started for this run.
    pub fn local(address: SocketAddr) -> Self {
        let mut config = Config::new();
        config.host("127.0.0.1").port(address.port()).user("pave").password(PASSWORD).dbname("postgres");
        Self::new(config, address, false)
    }

    /// A server that somebody else runs, from the `postgres://` address in `variable`.
    ///
    /// # Errors
    /// [`DatabaseError::Address`] or [`DatabaseError::Host`].
    pub async fn remote(url: &str, variable: &str) -> Result<Self, DatabaseError> {
        let wrong = || DatabaseError::Address { variable: variable.to_owned() };
        let config: Config = url.parse().map_err(|_| wrong())?;
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let host = match config.get_hosts().first() {
            Some(tokio_postgres::config::Host::Tcp(name)) => name.clone(),
            _ => return Err(wrong()),
        };
        let address = tokio::net::lookup_host((host, port)).await?.next().ok_or_else(wrong)?;
        Ok(Self::new(config, address, true))
    }

    fn new(config: Config, address: SocketAddr, outlives: bool) -> Self {
        let prefix = format!("pave_verify_{:08x}", rand::random::<u32>());
        Self { config, address, outlives, made: AtomicU32::new(0), prefix }
    }

    async fn connect(&self, database: Option<&str>) -> Result<Client, DatabaseError> {
        let mut config = self.config.clone();
        if let Some(name) = database {
            config.dbname(name);
        }
        let began = Instant::now();
        loop {
            match config.connect(NoTls).await {
                Ok((client, connection)) => {
                    tokio::spawn(connection);
                    return Ok(client);
                }
                // It listens a moment before it lets anybody in.
                Err(error)
                    if error.code() == Some(&SqlState::CANNOT_CONNECT_NOW) && began.elapsed() < STARTING =>
                {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What its user is known by; empty when it has none.
    pub fn password(&self) -> String {
        self.config.get_password().map(String::from_utf8_lossy).unwrap_or_default().into_owned()
    }

    /// The address of a database, as a service takes it, through whatever listens on `port` of loopback.
    pub fn url(&self, database: &str, port: u16) -> String {
        let user = self.config.get_user().unwrap_or("postgres");
        let password = self.password();
        let [user, password] =
            [user, password.as_str()].map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string());
        format!("postgres://{user}:{password}@127.0.0.1:{port}/{database}")
    }

    /// Makes a database, empty or as a copy of another, and returns its name.
    ///
    /// # Errors
    /// When the server refuses, for example because its user may not.
    pub async fn create(&self, template: Option<&str>) -> Result<String, DatabaseError> {
        let name = format!("{}_{}", self.prefix, self.made.fetch_add(1, Ordering::Relaxed));
        let copied = template.map(|from| format!(" TEMPLATE {from}")).unwrap_or_default();
        let client = self.connect(None).await?;
        let began = Instant::now();
        loop {
            match client.batch_execute(&format!("CREATE DATABASE {name}{copied}")).await {
                Ok(()) => return Ok(name),
                // The session of a program that has just ended may still be leaving the template.
                Err(error) if error.code() == Some(&SqlState::OBJECT_IN_USE) && began.elapsed() < LEAVING => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The lines of a database's schema.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn schema(&self, database: &str) -> Result<Vec<String>, DatabaseError> {
        let rows = self.connect(Some(database)).await?.query(SCHEMA, &[]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// The first database of this run, if one was made.
    pub fn first(&self) -> Option<String> {
        (self.made.load(Ordering::Relaxed) > 0).then(|| format!("{}_0", self.prefix))
    }

    /// Drops every database this run made on a server that is there after it.
    pub async fn clean_up(&self) {
        if !self.outlives {
            return;
        }
        if let Ok(client) = self.connect(None).await {
            for number in 0..self.made.load(Ordering::Relaxed) {
                let drop = format!("DROP DATABASE IF EXISTS {}_{number} WITH (FORCE)", self.prefix);
                let _ = client.batch_execute(&drop).await;
            }
        }
    }
}
