//! Kinds of resources: how each is made, changed, removed and read through the service that has it.
//!
//! Invariant: everything goes through the services' own operations, so that what a stack makes is what they show; what a
//! service refuses, a stack is refused. A kind is one module and one line in [`KINDS`].

mod apprunner;
mod autoscaling;
mod cloudfront;
mod cloudfront_distributions;
mod cloudfront_functions;
mod cloudfront_shape;
mod codebuild;
mod dynamodb;
mod ecr;
mod iam;
mod logs;
mod rds;
mod rds_groups;
mod s3;
mod secrets;
mod shape;
mod sqs;
mod wait;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::sandbox::{
    access::Actor,
    call::{Answer, Caller, ServiceError},
    server,
    world::World,
};

use super::{
    diff::Recreation,
    template::{Made, Template, references},
};

/// Properties, evaluated.
pub type Properties = Map<String, Value>;

/// What came of an attempt.
pub type Outcome<T> = Result<T, ServiceError>;

/// Every kind there is.
pub const KINDS: &[&dyn Kind] = &[
    &s3::Bucket,
    &s3::BucketPolicy,
    &ecr::Repository,
    &codebuild::Project,
    &logs::LogGroup,
    &cloudfront::KeyValueStore,
    &cloudfront_functions::Function,
    &cloudfront_distributions::Distribution,
    &dynamodb::Table,
    &sqs::Queue,
    &iam::Role,
    &iam::InlinePolicy,
    &iam::ManagedPolicy,
    &iam::OidcProvider,
    &apprunner::Service,
    &autoscaling::AutoScalingConfiguration,
    &wait::WaitConditionHandle,
    &rds::DbInstance,
    &rds_groups::DbSubnetGroup,
    &rds_groups::DbParameterGroup,
    &secrets::Secret,
    &secrets::SecretTargetAttachment,
];

/// Where resources are made, and as whom.
#[derive(Clone)]
pub struct At {
    /// The sandbox.
    pub world: Arc<World>,
    /// Its account.
    pub caller: Caller,
    /// Who acts, where that may not do everything.
    pub actor: Option<Actor>,
}

impl At {
    /// By the sandbox's own account.
    pub fn own(world: &Arc<World>) -> Self {
        Self { world: Arc::clone(world), caller: world.own_caller(), actor: None }
    }

    /// Calls an operation of a service.
    ///
    /// # Errors
    /// The service's own.
    pub async fn call(&self, service: &str, operation: &str, input: Value) -> Answer {
        if let Some(actor) = &self.actor {
            actor.permit(&self.world, &self.caller, service, operation, &input)?;
        }
        server::call(&self.world, service, operation, input, &self.caller).await
    }
}

impl At {
    /// Whether whoever acts may do what a service is not called for.
    ///
    /// # Errors
    /// The service's own.
    pub fn may(&self, service: &str, operation: &str, resource: &str) -> Result<(), ServiceError> {
        let actor = self.actor.as_ref();
        actor.map_or(Ok(()), |actor| actor.may(&self.world, &self.caller, service, operation, resource))
    }
}

/// How a resource is named.
#[derive(Debug, Clone, Copy)]
pub struct Naming {
    /// The property that says it.
    pub property: &'static str,
    /// Most characters.
    pub longest: usize,
    /// Whether letters are small.
    pub lower: bool,
}

/// One kind of resource.
#[async_trait]
pub trait Kind: Sync {
    /// As templates call it.
    fn name(&self) -> &'static str;

    /// Properties that the sandbox has, and what a change of each comes to.
    fn properties(&self) -> &'static [(&'static str, Recreation)];

    /// Properties that must be given.
    fn required(&self) -> &'static [&'static str] {
        &[]
    }

    /// What `Fn::GetAtt` may ask of it.
    fn attributes(&self) -> &'static [&'static str] {
        &[]
    }

    /// How it is named; nothing for what has no name of its own.
    fn naming(&self) -> Option<Naming>;

    /// Whether `new` needs another resource, where the properties alone do not say.
    fn replaced(&self, _old: &Properties, _new: &Properties) -> bool {
        false
    }

    /// Whether a snapshot can be taken of it.
    fn snapshots(&self) -> bool {
        false
    }

    /// Whether it is looked at for drift.
    fn drifts(&self) -> bool {
        true
    }

    /// What has this name, if anything has.
    async fn find(&self, at: &At, name: &str) -> Outcome<Option<Made>>;

    /// Makes it, and returns when it can be used.
    async fn create(&self, at: &At, name: &str, properties: &Properties) -> Outcome<Made>;

    /// Changes it, and returns when that can be used.
    async fn update(&self, at: &At, physical: &str, old: &Properties, new: &Properties) -> Outcome<Made>;

    /// Removes it. What is gone already is no error.
    async fn delete(&self, at: &At, physical: &str, properties: &Properties) -> Outcome<()>;

    /// Removes it and leaves a snapshot, where there is anything to take one of.
    async fn delete_with_snapshot(&self, at: &At, physical: &str, properties: &Properties) -> Outcome<()> {
        self.delete(at, physical, properties).await
    }

    /// Its properties as they are; nothing where it is gone.
    async fn read(&self, at: &At, physical: &str) -> Outcome<Option<Properties>>;
}

/// A kind by its name.
pub fn kind(name: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().copied().find(|kind| kind.name() == name)
}

/// What a change of a property comes to.
pub fn recreation(kind_name: &str, property: &str) -> Recreation {
    let table = kind(kind_name).map(Kind::properties).unwrap_or_default();
    table
        .iter()
        .find(|(name, _)| *name == property)
        .map_or(Recreation::Conditionally, |(_, recreation)| *recreation)
}

/// Whether properties are such as the kind takes.
///
/// # Errors
/// In CloudFormation's own words.
pub fn check(kind: &dyn Kind, id: &str, properties: &Properties) -> Result<(), String> {
    let wrong =
        |text: String| Err(format!("Properties validation failed for resource {id} with message:\n{text}"));
    if let Some(missing) = kind.required().iter().find(|name| !properties.contains_key(**name)) {
        return wrong(format!("#: required key [{missing}] not found"));
    }
    let known = |name: &str| kind.properties().iter().any(|(known, _)| *known == name);
    match properties.keys().find(|name| !known(name)) {
        Some(name) => wrong(format!("#: extraneous key [{name}] is not permitted in the sandbox")),
        None => Ok(()),
    }
}

/// Whether the attributes that a template asks for are those of its resources. One that is computed is not looked at.
///
/// # Errors
/// In CloudFormation's own words.
pub fn check_attributes(template: &Template) -> Result<(), String> {
    let properties = template.resources.iter().map(|resource| Value::Object(resource.properties.clone()));
    let outputs = template.outputs.iter().map(|output| output.value.clone());
    for (id, attribute) in properties.chain(outputs).flat_map(|value| references(&value).attributes) {
        let known = template.resource(&id).and_then(|resource| kind(&resource.kind)).map(Kind::attributes);
        if !attribute.is_empty() && !known.is_some_and(|known| known.contains(&attribute.as_str())) {
            return Err(format!(
                "Template error: resource {id} does not support attribute type {attribute} in Fn::GetAtt"
            ));
        }
    }
    Ok(())
}

/// A name for a resource that was given none: its stack's, its own, and what makes it unique.
pub fn fresh_name(naming: Naming, stack: &str, id: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let tail: String = rand::random::<[u8; 12]>()
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]))
        .collect();
    // The stack's name is cut first, so that two resources of one stack are told apart.
    let room = naming.longest - tail.len() - 2;
    let id: String = id.chars().take(room / 2).collect();
    let stack: String = stack.chars().take(room - id.len()).collect();
    let name = format!("{stack}-{id}-{tail}");
    if naming.lower { name.to_lowercase() } else { name }
}

pub use iam::forget_attachments;

/// Whether an error says that there is no such thing.
pub fn is_missing(error: &ServiceError) -> bool {
    ["NotFound", "NoSuch", "DoesNotExist", "NonExistent"].iter().any(|word| error.code.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_the_length_that_their_service_takes() {
        for kind in KINDS {
            let Some(naming) = kind.naming() else { continue };
            let name = fresh_name(naming, &"s".repeat(128), &"i".repeat(255));
            assert!(name.len() <= naming.longest, "{}: {name}", kind.name());
            assert!(!naming.lower || name == name.to_lowercase());
        }
    }

    #[test]
    fn a_kind_is_there_once_and_knows_what_it_needs() {
        for (n, one) in KINDS.iter().enumerate() {
            assert!(KINDS[n + 1..].iter().all(|other| other.name() != one.name()), "{}", one.name());
            let properties = one.properties();
            let named = one.naming().map(|naming| naming.property);
            for needed in one.required().iter().copied().chain(named) {
                assert!(properties.iter().any(|(name, _)| *name == needed), "{} {needed}", one.name());
            }
        }
    }
}
