//! STS: who is calling.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sts::Client;

use crate::engine::ports::{CallerIdentity, Identity, PortResult};

use super::error::port_error;

pub(super) struct Sts(Client);

impl Sts {
    pub fn new(config: &SdkConfig) -> Self {
        Self(Client::new(config))
    }
}

#[async_trait]
impl Identity for Sts {
    async fn caller(&self) -> PortResult<CallerIdentity> {
        let answer =
            self.0.get_caller_identity().send().await.map_err(port_error("STS", "GetCallerIdentity"))?;
        Ok(CallerIdentity {
            account: answer.account.unwrap_or_default(),
            arn: answer.arn.unwrap_or_default(),
        })
    }
}
