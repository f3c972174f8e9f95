//! The route in a CloudFront KeyValueStore, replaced by compare-and-set under the store's ETag.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_cloudfront::Client as Control;
use aws_sdk_cloudfrontkeyvaluestore::{
    Client as Data,
    config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint},
};
use aws_smithy_types::{Document, endpoint::EndpointAuthScheme};
use tokio::sync::OnceCell;

use crate::{
    engine::ports::{PortError, PortResult, Traffic},
    rollout::Route,
};

use super::{
    connect::Place,
    error::{has_code, port_error},
};

const CONTROL: &str = "CloudFront";
const DATA: &str = "CloudFront KeyValueStore";

/// The key the edge function reads.
const KEY: &str = "route";

/// How often a write is tried when other keys of the store change meanwhile.
const ATTEMPTS: usize = 5;

/// Longest wait for a new store. Source: CloudFront developer guide says that it takes up to a few minutes.
const PROVISIONING: Duration = Duration::from_secs(300);

pub(super) struct KeyValueStore {
    control: Control,
    data: Data,
    place: Arc<Place>,
    arn: OnceCell<String>,
}

/// Sends calls to a configured address as it is. The SDK would put the account before its host, which only AWS's own
/// wildcard name can resolve.
#[derive(Debug)]
struct AsConfigured(String);

impl ResolveEndpoint for AsConfigured {
    fn resolve_endpoint<'a>(&'a self, _: &'a Params) -> EndpointFuture<'a> {
        let scheme = EndpointAuthScheme::with_capacity("sigv4a", 2)
            .put("signingName", "cloudfront-keyvaluestore")
            .put("signingRegionSet", vec![Document::from("*".to_owned())]);
        EndpointFuture::ready(Ok(Endpoint::builder().url(self.0.clone()).auth_scheme(scheme).build()))
    }
}

impl KeyValueStore {
    pub fn new(config: &SdkConfig, endpoint_url: Option<String>, place: Arc<Place>) -> Self {
        let mut data = aws_sdk_cloudfrontkeyvaluestore::config::Builder::from(config);
        if let Some(url) = endpoint_url {
            data.set_endpoint_url(None);
            data = data.endpoint_resolver(AsConfigured(url));
        }
        Self {
            control: Control::new(config),
            data: Data::from_conf(data.build()),
            place,
            arn: OnceCell::new(),
        }
    }

    /// ARN and status of the store, or `None` where it does not exist.
    async fn describe(&self) -> PortResult<Option<(String, String)>> {
        let described = self
            .control
            .describe_key_value_store()
            .name(self.place.names.base())
            .send()
            .await
            .map_err(port_error(CONTROL, "DescribeKeyValueStore"));
        match described {
            Ok(answer) => Ok(answer
                .key_value_store
                .map(|store| (store.arn, store.status.unwrap_or_else(|| "READY".to_owned())))),
            Err(error) if has_code(&error, &["EntityNotFound"]) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn arn(&self) -> PortResult<Option<&String>> {
        if self.arn.get().is_none()
            && let Some((arn, _)) = self.describe().await?
        {
            let _ = self.arn.set(arn);
        }
        Ok(self.arn.get())
    }

    async fn read(&self, arn: &str) -> PortResult<Option<Route>> {
        let got = self.data.get_key().kvs_arn(arn).key(KEY).send().await.map_err(port_error(DATA, "GetKey"));
        let value = match got {
            Ok(answer) => answer.value,
            Err(error) if has_code(&error, &["ResourceNotFoundException"]) => return Ok(None),
            Err(error) => return Err(error),
        };
        let broken = |error| PortError::Invalid(format!("the route in {arn} cannot be read: {error}"));
        serde_json::from_str(&value).map(Some).map_err(broken)
    }
}

#[async_trait]
impl Traffic for KeyValueStore {
    async fn ensure(&self) -> PortResult<bool> {
        let mut created = false;
        let mut waited = Duration::ZERO;
        loop {
            match self.describe().await? {
                Some((arn, status)) if status == "READY" => {
                    let _ = self.arn.set(arn);
                    return Ok(created);
                }
                Some((arn, status)) if waited > PROVISIONING => {
                    return Err(PortError::Invalid(format!("{arn} is still {status}; try again later")));
                }
                Some(_) => {
                    tokio::time::sleep(self.place.poll).await;
                    waited += self.place.poll;
                }
                None => {
                    let made = self
                        .control
                        .create_key_value_store()
                        .name(self.place.names.base())
                        .comment("Which slot answers which share of users; written by pave")
                        .send()
                        .await
                        .map_err(port_error(CONTROL, "CreateKeyValueStore"));
                    match made {
                        Ok(_) => created = true,
                        Err(error) if has_code(&error, &["EntityAlreadyExists"]) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
    }

    async fn route(&self) -> PortResult<Option<Route>> {
        match self.arn().await? {
            Some(arn) => self.read(arn).await,
            None => Ok(None),
        }
    }

    async fn set(&self, route: &Route, expected: Option<&Route>) -> PortResult<()> {
        let missing =
            || PortError::NotFound { what: format!("the KeyValueStore {}", self.place.names.base()) };
        let arn = self.arn().await?.ok_or_else(missing)?;
        let value = serde_json::to_string(route)
            .map_err(|error| PortError::Invalid(format!("the route cannot be written: {error}")))?;
        for _ in 0..ATTEMPTS {
            // The ETag first: a change between the two reads makes the write fail, not pass.
            let described = self
                .data
                .describe_key_value_store()
                .kvs_arn(arn)
                .send()
                .await
                .map_err(port_error(DATA, "DescribeKeyValueStore"))?;
            let live = self.read(arn).await?;
            if live.as_ref() == Some(route) {
                return Ok(());
            }
            if live.as_ref() != expected {
                return Err(PortError::Conflict { what: "the route".to_owned() });
            }
            let put = self
                .data
                .put_key()
                .kvs_arn(arn)
                .key(KEY)
                .value(&value)
                .if_match(described.e_tag)
                .send()
                .await
                .map_err(port_error(DATA, "PutKey"));
            match put {
                Ok(_) => return Ok(()),
                Err(error) if has_code(&error, &["ConflictException"]) => {}
                Err(error) => return Err(error),
            }
        }
        Err(PortError::Conflict { what: "the route's store".to_owned() })
    }
}
