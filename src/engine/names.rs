//! The AWS names of everything that belongs to one environment of one service.
//!
//! Two environments never share a name: service and environment are both in every one of them.

use crate::rollout::Slot;

/// Names derived from service and environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Service name.
    pub service: String,
    /// Environment name.
    pub environment: String,
}

impl Names {
    /// Names for one environment.
    pub fn new(service: impl Into<String>, environment: impl Into<String>) -> Self {
        Self { service: service.into(), environment: environment.into() }
    }

    /// `<service>-<environment>`: the ECR repository, the CodeBuild project and the KeyValueStore.
    pub fn base(&self) -> String {
        format!("{}-{}", self.service, self.environment)
    }

    /// The App Runner service of a slot, `<service>-<environment>-blue`.
    pub fn slot(&self, slot: Slot) -> String {
        format!("{}-{slot}", self.base())
    }

    /// The bucket of bundles and records, one per account and region: bucket names are global.
    pub fn bucket(account: &str, region: &str) -> String {
        format!("pave-{account}-{region}")
    }

    /// Prefix of every record and bundle of this environment.
    pub fn prefix(&self) -> String {
        format!("pave/{}/{}/", self.service, self.environment)
    }

    /// Role CodeBuild works under.
    pub fn build_role(&self, account: &str) -> String {
        format!("arn:aws:iam::{account}:role/{}-build", self.base())
    }

    /// Role App Runner pulls the image with.
    pub fn access_role(&self, account: &str) -> String {
        format!("arn:aws:iam::{account}:role/{}-access", self.base())
    }

    /// Role the instances work under.
    pub fn instance_role(&self, account: &str) -> String {
        format!("arn:aws:iam::{account}:role/{}-instance", self.base())
    }

    /// The autoscaling configuration for these bounds (its revisions are immutable, so the bounds are in the name).
    pub fn autoscaling(&self, min: u8, max: u8, concurrency: u16) -> String {
        format!("pave-{min}-{max}-{concurrency}")
    }
}
