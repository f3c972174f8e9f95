//! Everything one sandbox holds: its identity, its services and where they are reached.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

use super::auth::{Key, Keys};
use super::call::Caller;
use super::faults::Faults;
use super::runtime::{Processes, Runtime};
use super::services::{
    apprunner::AppRunner,
    cloudformation::CloudFormation,
    cloudfront::CloudFront,
    cloudwatch::CloudWatch,
    codebuild::CodeBuild,
    dynamodb::DynamoDb,
    ecr::Ecr,
    iam::Iam,
    logs::Logs,
    rds::Rds,
    s3::{S3, SharedS3},
    secretsmanager::SecretsManager,
    sqs::Sqs,
    ssm::Ssm,
    sts::Sts,
};

/// Who the sandbox is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// 12-digit account id.
    pub account: String,
    /// The one region it plays.
    pub region: String,
    /// Access key id that callers sign with.
    pub access_key_id: String,
    /// Secret access key that callers sign with.
    pub secret_access_key: String,
}

impl Identity {
    /// Its own key, which does not expire.
    pub fn key(&self) -> Key {
        Key {
            secret: self.secret_access_key.clone(),
            token: None,
            arn: format!("arn:aws:iam::{}:user/sandbox", self.account),
            // Source: AWS IAM user guide, "IAM identifiers": a user's id begins with AIDA, its keys' with AKIA.
            user_id: self.access_key_id.replacen("AKIA", "AIDA", 1),
            expires: None,
        }
    }

    /// Whoever brings a key, in its account and region.
    pub fn caller(&self, access_key_id: &str, key: Key) -> Caller {
        Caller {
            access_key_id: access_key_id.to_owned(),
            account: self.account.clone(),
            region: self.region.clone(),
            arn: key.arn,
            user_id: key.user_id,
        }
    }

    /// The environment that points any AWS tool or SDK at the sandbox whose API has this port.
    pub fn env(&self, port: u16) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")),
            ("AWS_ACCESS_KEY_ID", self.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.secret_access_key.clone()),
            ("AWS_REGION", self.region.clone()),
            ("AWS_DEFAULT_REGION", self.region.clone()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }
}

/// Where it is reached: both on loopback.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// AWS API calls and the OCI registry (`/v2/`).
    pub api: SocketAddr,
    /// The edge (`<service>.<env>.localhost`) and every App Runner service's own host name
    /// (`<service id>.<region>.awsapprunner.localhost`).
    pub edge: SocketAddr,
}

/// One sandbox. Shared by every connection and background task as `Arc<World>`.
pub struct World {
    /// The data directory, 0700.
    pub dir: PathBuf,
    /// Who it is.
    pub identity: Identity,
    /// Where it is reached.
    pub addresses: Addresses,
    /// What is to go wrong.
    pub faults: Faults,
    /// What instances and builds run in.
    pub runtime: Box<dyn Runtime>,
    /// Objects.
    pub s3: SharedS3,
    /// Image repositories, with the registry behind them.
    pub ecr: Ecr,
    /// Builds.
    pub codebuild: CodeBuild,
    /// Services and their instances.
    pub apprunner: AppRunner,
    /// Stacks.
    pub cloudformation: CloudFormation,
    /// Functions, distributions and KeyValueStores.
    pub cloudfront: CloudFront,
    /// Metrics.
    pub cloudwatch: CloudWatch,
    /// Log groups.
    pub logs: Logs,
    /// Roles and what they may do.
    pub iam: Iam,
    /// Databases.
    pub rds: Rds,
    /// Tables.
    pub dynamodb: DynamoDb,
    /// Queues.
    pub sqs: Sqs,
    /// Secrets.
    pub secretsmanager: SecretsManager,
    /// Parameters.
    pub ssm: Ssm,
    /// Sessions of roles.
    pub sts: Sts,
}

impl Keys for World {
    fn key(&self, access_key_id: &str) -> Option<Key> {
        if access_key_id == self.identity.access_key_id {
            Some(self.identity.key())
        } else {
            self.sts.key(access_key_id)
        }
    }
}

impl World {
    /// The sandbox's own account, as a caller.
    pub fn own_caller(&self) -> Caller {
        self.identity.caller(&self.identity.access_key_id, self.identity.key())
    }

    /// Opens what `dir` holds from an earlier life, or a new empty world.
    ///
    /// # Errors
    /// When the directory cannot be read or written.
    pub fn open(dir: PathBuf, identity: Identity, addresses: Addresses) -> io::Result<Self> {
        Ok(Self {
            faults: Faults::of(&dir),
            runtime: Box::new(Processes),
            s3: Arc::new(S3::open(&dir.join("s3"))?),
            ecr: Ecr::open(&dir.join("ecr"))?,
            codebuild: CodeBuild::open(&dir.join("codebuild"))?,
            apprunner: AppRunner::open(&dir.join("apprunner"))?,
            cloudformation: CloudFormation::open(&dir.join("cloudformation"))?,
            cloudfront: CloudFront::open(&dir.join("cloudfront"))?,
            cloudwatch: CloudWatch::open(&dir.join("cloudwatch"))?,
            logs: Logs::open(&dir.join("logs"))?,
            iam: Iam::open(&dir.join("iam"))?,
            rds: Rds::open(&dir.join("rds"))?,
            dynamodb: DynamoDb::open(&dir.join("dynamodb"))?,
            sqs: Sqs::open(&dir.join("sqs"))?,
            secretsmanager: SecretsManager::open(&dir.join("secretsmanager"))?,
            ssm: Ssm::open(&dir.join("ssm"))?,
            sts: Sts::open(&dir.join("sts"))?,
            dir,
            identity,
            addresses,
        })
    }
}
