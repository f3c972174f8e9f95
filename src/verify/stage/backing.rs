//! The real things behind the proxies, one of each for a whole run.

use std::{collections::BTreeMap, net::SocketAddr};

use crate::spec::types::{Dependency, DependencyKind, Spec};

use super::{
    database::{Database, DatabaseError},
    proxy::Target,
    servers::{self, Server, ServerError},
};

/// Something that a run needs is not there.
#[derive(Debug, thiserror::Error)]
pub enum BackingError {
    /// A server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// An address in the environment that is none.
    #[error("{variable} is not an address of the form {form}")]
    Address {
        /// The variable.
        variable: String,
        /// What it should look like.
        form: &'static str,
    },
}

/// Everything that stands behind the dependencies of one service.
pub struct Backing {
    /// The database server.
    pub database: Option<Database>,
    redis: Option<SocketAddr>,
    cloud: Option<SocketAddr>,
    /// What AWS clients need beside an endpoint.
    pub credentials: BTreeMap<String, String>,
    /// The account in which they are.
    pub account: String,
    _servers: Vec<Server>,
}

/// A service's variable for one of its dependencies.
pub fn variable(dependency: &Dependency, suffix: &str) -> String {
    format!("{}_{suffix}", dependency.name.replace('-', "_").to_uppercase())
}

/// An AWS API that stands behind dependencies: the sandbox or whatever else speaks its protocols.
#[derive(Debug, Clone)]
pub struct Cloud {
    /// Where it listens.
    pub address: SocketAddr,
    /// What clients need beside an endpoint.
    pub credentials: BTreeMap<String, String>,
    /// 12-digit account id.
    pub account: String,
}

/// Name of the bucket, the table and the queue that experiments use. The table's only key is the text `pk`.
pub const CLOUD_NAME: &str = "pave-verify";

impl Backing {
    /// Starts, or finds through the environment, what the service depends on.
    ///
    /// # Errors
    /// [`BackingError`], which says what to install or to set.
    pub async fn start(spec: &Spec, cloud: Option<Cloud>) -> Result<Self, BackingError> {
        let mut servers = Vec::new();
        let mut database = None;
        let mut redis = None;
        for dependency in &spec.dependencies {
            let variable = variable(dependency, "URL");
            let given = std::env::var(&variable).ok();
            match (dependency.kind, given) {
                (DependencyKind::Postgres, Some(url)) => {
                    database = Some(Database::remote(&url, &variable).await?);
                }
                (DependencyKind::Postgres, None) => {
                    let server = servers::postgres(&variable).await?;
                    database = Some(Database::local(server.address));
                    servers.push(server);
                }
                (DependencyKind::Redis, Some(url)) => redis = Some(address(&url, &variable).await?),
                (DependencyKind::Redis, None) => {
                    let server = servers::redis(&variable).await?;
                    redis = Some(server.address);
                    servers.push(server);
                }
                _ => {}
            }
        }
        let (address, credentials, account) =
            cloud.map(|cloud| (cloud.address, cloud.credentials, cloud.account)).map_or_else(
                || (None, BTreeMap::new(), String::new()),
                |(address, credentials, account)| (Some(address), credentials, account),
            );
        Ok(Self { database, redis, cloud: address, credentials, account, _servers: servers })
    }

    /// What a proxy for this kind passes on to.
    pub fn target(&self, kind: DependencyKind) -> Option<Target> {
        match kind {
            DependencyKind::Http => Some(Target::Echo),
            DependencyKind::Postgres => self.database.as_ref().map(|server| Target::Bytes(server.address)),
            DependencyKind::Redis => self.redis.map(Target::Bytes),
            DependencyKind::S3 | DependencyKind::Dynamodb | DependencyKind::Sqs | DependencyKind::Bedrock => {
                self.cloud.map(Target::Http)
            }
        }
    }
}

async fn address(url: &str, variable: &str) -> Result<SocketAddr, BackingError> {
    let wrong = || BackingError::Address { variable: variable.to_owned(), form: "redis://host:port" };
    let uri: http::Uri = url.parse().map_err(|_| wrong())?;
    let host = uri.host().ok_or_else(wrong)?;
    let port = uri.port_u16().unwrap_or(6379);
    let mut found = tokio::net::lookup_host((host, port)).await.map_err(|_| wrong())?;
    found.next().ok_or_else(wrong)
}
