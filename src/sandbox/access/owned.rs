//! Policies that resources have of their own: those of buckets, image repositories and secrets.
//!
//! What it takes to be let in by them, `policy/evaluate.rs` knows; the policies of roles, `take.rs`. Queues have none here.
//! Whoever signs in to the registry with the sandbox's own token is its account, and is not looked at.

use crate::sandbox::{
    policy::{Kind, Policy},
    services::s3::POLICY,
    world::World,
};

/// The policy of what has this ARN, if it has one. A document that cannot be read any more says nothing.
pub(super) fn policy(world: &World, resource: &str) -> Option<Policy> {
    let mut parts = resource.splitn(6, ':').skip(2);
    let (service, name) = (parts.next()?, parts.nth(2)?);
    let text = match service {
        "ecr" => world.ecr.policy(name.strip_prefix("repository/")?),
        "s3" => world.s3.setting(name.split('/').next()?, POLICY),
        "secretsmanager" => world.secretsmanager.policy(resource),
        _ => None,
    };
    Policy::read(&text?, Kind::Resource).ok()
}

/// Whether the account's root may do something whatever a bucket's policy says, so that nobody is locked out for good. Here
/// the account's own key stands for its root. Source: Amazon S3 API reference, PutBucketPolicy.
pub(super) fn is_of_root(action: &str) -> bool {
    matches!(action, "s3:DeleteBucketPolicy" | "s3:GetBucketPolicy" | "s3:PutBucketPolicy")
}
