//! App Runner: services, their operations, and the instances behind them.
//!
//! Invariants: one operation at a time per service; success and failure are told by the operation, a failed update leaves
//! the service as it was; an instance serves only after its health check passed, and ends only after its requests did.

mod api;
mod configuration;
mod domains;
mod family;
mod fleet;
mod model;
mod operations;
mod revisions;
mod secrets;

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    path::Path,
    sync::{Arc, atomic::AtomicUsize},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    persisted::Persisted,
    runtime,
    world::World,
};

use fleet::Fleets;
use model::Service;

/// What it answers.
pub const OPERATIONS: &[&str] = &[
    "AssociateCustomDomain",
    "CreateAutoScalingConfiguration",
    "CreateObservabilityConfiguration",
    "CreateService",
    "CreateVpcConnector",
    "DeleteAutoScalingConfiguration",
    "DeleteObservabilityConfiguration",
    "DeleteService",
    "DeleteVpcConnector",
    "DescribeAutoScalingConfiguration",
    "DescribeCustomDomains",
    "DescribeObservabilityConfiguration",
    "DescribeService",
    "DescribeVpcConnector",
    "DisassociateCustomDomain",
    "ListAutoScalingConfigurations",
    "ListObservabilityConfigurations",
    "ListOperations",
    "ListServices",
    "ListServicesForAutoScalingConfiguration",
    "ListTagsForResource",
    "ListVpcConnectors",
    "PauseService",
    "ResumeService",
    "StartDeployment",
    "TagResource",
    "UntagResource",
    "UpdateDefaultAutoScalingConfiguration",
    "UpdateService",
];

/// State of the service.
#[derive(Debug)]
pub struct AppRunner {
    index: Persisted<Index>,
    fleets: Fleets,
    pids: runtime::Pids,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Index {
    /// Services by ARN.
    services: BTreeMap<String, Service>,
    /// Shareable configurations by kind.
    #[serde(default)]
    configurations: BTreeMap<String, revisions::Kept>,
    /// Tags of what is not a service, by ARN.
    #[serde(default)]
    tags: BTreeMap<String, Vec<Value>>,
}

impl Index {
    fn kept(&self, family: &family::Family) -> Option<&revisions::Kept> {
        self.configurations.get(family.what)
    }

    /// The configuration that services without one get, where somebody chose one.
    fn default_autoscaling(&self) -> Option<&str> {
        let kept = self.configurations.get("AutoScalingConfiguration")?;
        kept.iter().find(|(_, one)| one["IsDefault"] == true).map(|(arn, _)| arn.as_str())
    }

    /// The bounds that a service was made with, or the default.
    fn autoscaling(&self, arn: &str) -> Option<&Value> {
        self.configurations.get("AutoScalingConfiguration")?.get(arn)
    }
}

/// One page of a listing: at most `MaxResults`, from `NextToken` on, which is the number of items before it.
fn page(input: &Map<String, Value>, member: &str, items: &[Value]) -> Answer {
    let limit = input.get("MaxResults").and_then(Value::as_u64).unwrap_or(20).clamp(1, 100) as usize;
    let skip = match input.get("NextToken").and_then(Value::as_str) {
        Some(token) => {
            token.parse().map_err(|_| family::invalid("NextToken is not one that was given out"))?
        }
        None => 0usize,
    };
    let shown: Vec<&Value> = items.iter().skip(skip).take(limit).collect();
    let mut answer = json!({ member: shown });
    if skip + limit < items.len() {
        answer["NextToken"] = json!((skip + limit).to_string());
    }
    Ok(answer)
}

/// Which service a request to a slot belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRef {
    /// Name.
    pub name: String,
    /// Id in its ARN.
    pub id: String,
}

/// What requests go to.
#[derive(Debug, Clone)]
pub struct Instance {
    /// Where it listens.
    pub address: SocketAddr,
    /// Requests it is serving now.
    pub in_flight: Arc<AtomicUsize>,
}

/// Where requests to a host name go.
#[derive(Debug, Clone)]
pub enum Upstreams {
    /// No such service.
    Unknown,
    /// It is paused, being made, or failed.
    NotServing,
    /// It serves.
    Ready {
        /// Which service.
        service: ServiceRef,
        /// Those that run; none where all have ended and none could be started yet.
        instances: Vec<Instance>,
    },
}

impl AppRunner {
    /// Opens the state kept in `dir`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        Ok(Self {
            index: Persisted::open(dir.join("index.json"))?,
            fleets: Fleets::default(),
            pids: runtime::Pids::open(dir.join("instances.json"))?,
        })
    }

    /// Names of the services that are kept in `dir`, which another process may be using.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn names(dir: &Path) -> io::Result<Vec<String>> {
        let index: Persisted<Index> = Persisted::open(dir.join("index.json"))?;
        let living = |service: &&Service| service.status != model::DELETED;
        Ok(index.read(|index| index.services.values().filter(living).map(|s| s.name.clone()).collect()))
    }

    /// The processes this sandbox has started and not yet seen end.
    pub fn pids(&self) -> &runtime::Pids {
        &self.pids
    }
}

/// A service as its metrics see it.
#[derive(Debug)]
pub struct RunningService {
    /// Name.
    pub name: String,
    /// Id in its ARN.
    pub id: String,
    /// CPU cores that one instance was given.
    pub cores: f64,
    /// Bytes of memory that one instance was given.
    pub memory: f64,
    /// Name, process group, where it is of this machine, and requests under way of each instance.
    pub instances: Vec<(String, Option<u32>, usize)>,
}

/// Every service that runs, also where none of its instances does.
pub fn running(world: &World) -> Vec<RunningService> {
    let state = &world.apprunner;
    let services: Vec<(bool, RunningService)> = state.index.read(|index| {
        let running = index.services.values().filter(|service| service.status != model::DELETED);
        running
            .map(|service| {
                let given = service.config.get("InstanceConfiguration");
                let units = |name: &str, usual: f64| {
                    given.and_then(|given| given[name].as_str()?.parse().ok()).unwrap_or(usual)
                };
                let seen = RunningService {
                    name: service.name.clone(),
                    id: service.id.clone(),
                    cores: units("Cpu", 1024.0) / 1024.0,
                    memory: units("Memory", 2048.0) * 1024.0 * 1024.0,
                    instances: state.fleets.members(&service.id),
                };
                (service.status == model::RUNNING, seen)
            })
            .collect()
    });
    let seen = services.into_iter().filter(|(runs, service)| *runs || !service.instances.is_empty());
    seen.map(|(_, service)| service).collect()
}

/// Where requests to the first label of a service's host name go.
pub fn upstreams(world: &World, host_id: &str) -> Upstreams {
    let state = &world.apprunner;
    let found = state.index.read(|index| {
        index
            .services
            .values()
            .find(|service| service.host_id == host_id && service.status != model::DELETED)
            .map(|service| {
                let named = ServiceRef { name: service.name.clone(), id: service.id.clone() };
                (named, service.status == model::RUNNING)
            })
    });
    let Some((service, runs)) = found else { return Upstreams::Unknown };
    let instances = state.fleets.instances(&service.id);
    if instances.is_empty() && !runs {
        Upstreams::NotServing
    } else {
        Upstreams::Ready { service, instances }
    }
}

/// Ends what an earlier life left and is not taken up again, and starts the instances of every running service; returns when they are up, or
/// have had time enough to be.
///
/// # Errors
/// When the disk refuses.
pub async fn resume(world: &Arc<World>) -> io::Result<()> {
    world.apprunner.pids.end_strangers()?;
    world.apprunner.index.update(|index| {
        revisions::begin(index, &world.identity.account, &world.identity.region);
        Ok::<_, io::Error>(())
    })?;
    world.runtime.resume(world).await?;
    operations::resume(world).await?;
    world.runtime.settle(world).await;
    Ok(())
}

/// Ends every instance.
pub async fn shutdown(world: &Arc<World>) {
    for fleet in world.apprunner.fleets.take_all() {
        fleet.end().await;
    }
}

/// Answers one operation.
///
/// # Errors
/// The service's own.
pub async fn handle(world: &Arc<World>, operation: &str, input: Value, caller: &Caller) -> Answer {
    let Value::Object(input) = input else {
        return Err(ServiceError::client("InvalidRequestException", "the input is not a structure"));
    };
    if let Some(found) = family::Family::of(operation) {
        return revisions::handle(world, found, &input, caller);
    }
    let index = &world.apprunner.index;
    match operation {
        "UpdateDefaultAutoScalingConfiguration" => {
            let arn = input.get("AutoScalingConfigurationArn").and_then(Value::as_str).unwrap_or_default();
            index.update(|index| revisions::make_default(index, arn))
        }
        "ListServicesForAutoScalingConfiguration" => {
            index.read(|index| revisions::services_of(index, &input))
        }
        "AssociateCustomDomain" | "DescribeCustomDomains" | "DisassociateCustomDomain" => {
            domains::handle(world, operation, &input)
        }
        _ => api::handle(world, operation, input, caller),
    }
}
