//! The real things behind the proxies, one of each for a whole run.

use std::{collections::BTreeMap, net::SocketAddr};

use crate::spec::types::{DependencyKind, Spec};

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
    /// The cache server.
    pub cache: Option<Cache>,
    cloud: Option<SocketAddr>,
    /// What AWS clients need beside an endpoint.
    pub credentials: BTreeMap<String, String>,
    /// The account in which they are.
    pub account: String,
    _servers: Vec<Server>,
}

/// A cache server.
#[derive(Debug, Clone)]
pub struct Cache {
    address: SocketAddr,
    /// `user:password@`, or nothing.
    login: String,
    /// `/0`, the number of a database.
    database: String,
}

impl Cache {
    fn local(address: SocketAddr) -> Self {
        Self { address, login: String::new(), database: "/0".to_owned() }
    }

    /// One that somebody else runs, from the `redis://` address in `variable`.
    async fn remote(url: &str, variable: &str) -> Result<Self, BackingError> {
        let wrong = || BackingError::Address { variable: variable.to_owned(), form: "redis://host:port" };
        let uri: http::Uri = url.parse().map_err(|_| wrong())?;
        // Through a proxy on loopback no certificate would fit.
        if uri.scheme_str() != Some("redis") {
            return Err(wrong());
        }
        let host = uri.host().ok_or_else(wrong)?;
        let port = uri.port_u16().unwrap_or(6379);
        let mut found = tokio::net::lookup_host((host, port)).await.map_err(|_| wrong())?;
        let login = uri.authority().and_then(|authority| authority.as_str().rsplit_once('@'));
        Ok(Self {
            address: found.next().ok_or_else(wrong)?,
            login: login.map(|(login, _)| format!("{login}@")).unwrap_or_default(),
            database: uri.path().to_owned(),
        })
    }

    /// Its address, as a service takes it, through `proxy`.
    pub fn url(&self, proxy: SocketAddr) -> String {
        format!("redis://{}{proxy}{}", self.login, self.database)
    }
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
        let mut cache = None;
        for dependency in &spec.dependencies {
            let variable = dependency.variable("URL");
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
                (DependencyKind::Redis, Some(url)) => cache = Some(Cache::remote(&url, &variable).await?),
                (DependencyKind::Redis, None) => {
                    let server = servers::redis(&variable).await?;
                    cache = Some(Cache::local(server.address));
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
        Ok(Self { database, cache, cloud: address, credentials, account, _servers: servers })
    }

    /// What a proxy for this kind passes on to.
    pub fn target(&self, kind: DependencyKind) -> Option<Target> {
        match kind {
            DependencyKind::Http => Some(Target::Echo),
            DependencyKind::Postgres => self.database.as_ref().map(|server| Target::Bytes(server.address)),
            DependencyKind::Redis => self.cache.as_ref().map(|server| Target::Bytes(server.address)),
            DependencyKind::S3 | DependencyKind::Dynamodb | DependencyKind::Sqs | DependencyKind::Bedrock => {
                self.cloud.map(Target::Http)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_given_cache_keeps_its_login_and_its_database_behind_a_proxy() {
        let proxy = SocketAddr::from(([127, 0, 0, 1], 7));
        let cache =
            Cache::remote("redis://me:p%40ss@127.0.0.1:6390/3", "CACHE_URL").await.expect("an address");
        assert_eq!(
            (cache.address.port(), cache.url(proxy)),
            (6390, "redis://me:p%40ss@127.0.0.1:7/3".to_owned())
        );
        let plain = Cache::remote("redis://127.0.0.1", "CACHE_URL").await.expect("an address");
        assert_eq!((plain.address.port(), plain.url(proxy)), (6379, "redis://127.0.0.1:7/".to_owned()));
        for wrong in ["rediss://127.0.0.1:1", "127.0.0.1:1", "postgres://127.0.0.1", ""] {
            assert!(Cache::remote(wrong, "CACHE_URL").await.is_err(), "{wrong}");
        }
    }
}
