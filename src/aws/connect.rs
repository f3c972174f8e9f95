//! Settings -> every port of one environment.

use std::{sync::Arc, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};

use crate::engine::{
    clock::SystemClock,
    names::Names,
    ports::{PortError, Ports},
};

use super::{
    apprunner::AppRunner, cloudwatch::CloudWatch, codebuild::CodeBuild, ecr::Ecr,
    keyvaluestore::KeyValueStore, logs::Logs, prober::HttpProber, s3_artifacts::S3Artifacts,
    s3_state::S3State, sts::Sts,
};

/// Keys given outright instead of found in the environment.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: String,
}

/// How one environment is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Service name.
    pub service: String,
    /// Environment name.
    pub environment: String,
    /// Region; `None` takes AWS's own settings.
    pub region: Option<String>,
    /// Account that the credentials must belong to; `None` takes whichever it is.
    pub account: Option<String>,
    /// Where calls go; `None` is AWS.
    pub endpoint_url: Option<String>,
    /// Keys; `None` takes AWS's own chain.
    pub credentials: Option<Credentials>,
    /// How fine metrics are there.
    pub resolution: Duration,
    /// Wait between two looks at something that is under way.
    pub poll: Duration,
}

/// Why an environment cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing says which region.
    #[error("no AWS region is set")]
    NoRegion,
    /// STS did not say who is calling.
    #[error("AWS does not accept the credentials")]
    Identity(#[source] PortError),
    /// The credentials are another account's.
    #[error("the credentials belong to account {found}, but this environment is account {expected}")]
    WrongAccount {
        /// The account in `pave.toml`.
        expected: String,
        /// The account of the credentials.
        found: String,
    },
}

/// What every adapter knows about where it works.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub names: Names,
    pub account: String,
    pub region: String,
    pub bucket: String,
    pub poll: Duration,
}

async fn load(settings: &Settings) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(30))
        .operation_attempt_timeout(Duration::from_secs(60))
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .retry_config(RetryConfig::standard().with_max_attempts(4))
        .timeout_config(timeouts)
        .app_name(
            aws_config::AppName::new(concat!("pave-", env!("CARGO_PKG_VERSION"))).expect("a plain name"),
        );
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(url) = &settings.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(keys) = &settings.credentials {
        loader = loader.credentials_provider(aws_sdk_sts::config::Credentials::new(
            keys.access_key_id.clone(),
            keys.secret_access_key.clone(),
            None,
            None,
            "settings",
        ));
    }
    loader.load().await
}

/// Connects every port, and makes sure that the account is the right one before anything else is asked.
///
/// # Errors
/// [`ConnectError`]; nothing was changed anywhere.
pub async fn ports(settings: &Settings) -> Result<Ports, ConnectError> {
    use crate::engine::ports::Identity as _;
    let config = load(settings).await;
    let region = config.region().ok_or(ConnectError::NoRegion)?.to_string();
    let identity = Sts::new(&config);
    let caller = identity.caller().await.map_err(ConnectError::Identity)?;
    if let Some(expected) = settings.account.as_ref().filter(|expected| **expected != caller.account) {
        return Err(ConnectError::WrongAccount { expected: expected.clone(), found: caller.account });
    }
    let place = Arc::new(Place {
        names: Names::new(&settings.service, &settings.environment),
        bucket: Names::bucket(&caller.account, &region),
        account: caller.account,
        region,
        poll: settings.poll,
    });
    let s3 = aws_sdk_s3::Client::from_conf(
        aws_sdk_s3::config::Builder::from(&config)
            // A bucket as a host name needs a wildcard name; an endpoint of one's own seldom has one.
            .force_path_style(settings.endpoint_url.is_some())
            .build(),
    );
    Ok(Ports {
        identity: Box::new(identity),
        state: Box::new(S3State::new(s3.clone(), Arc::clone(&place))),
        artifacts: Box::new(S3Artifacts::new(s3, Arc::clone(&place))),
        registry: Box::new(Ecr::new(&config, Arc::clone(&place))),
        builder: Box::new(CodeBuild::new(&config, Arc::clone(&place))),
        runtime: Box::new(AppRunner::new(&config, Arc::clone(&place))),
        traffic: Box::new(KeyValueStore::new(&config, settings.endpoint_url.clone(), Arc::clone(&place))),
        metrics: Box::new(CloudWatch::new(&config, settings.resolution)),
        logs: Box::new(Logs::new(&config)),
        clock: Box::new(SystemClock),
        prober: Box::new(HttpProber::new()),
    })
}
