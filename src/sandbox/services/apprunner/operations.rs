//! What operations do: bring up instances, swap them in, end the old ones, and go back where that fails.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use serde_json::Value;

use crate::sandbox::{
    access,
    runtime::{self, Health, Instance},
    world::World,
};

use super::{
    fleet::Fleet,
    model::{BUSY, CREATE_FAILED, DELETED, PAUSED, RUNNING, Service, now},
    secrets,
};

/// What an operation is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    Create,
    Update,
    Deploy,
    Pause,
    Resume,
    Delete,
}

/// How long a replacement for an instance that died waits, at first and at most.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// Longest wait for instances when the sandbox comes back; what takes longer goes on by itself.
const COMING_BACK: Duration = Duration::from_secs(8);

fn service(world: &World, arn: &str) -> Option<Service> {
    world.apprunner.index.read(|index| index.services.get(arn).cloned())
}

fn say(world: &World, service: &Service, line: String) {
    // A log that cannot be written must not fail the operation.
    let _ = world.logs.append(&service.service_log(), "events", (now() * 1000.0) as i64, &[line]);
}

fn finish(world: &World, arn: &str, id: &str, operation_status: &str, change: impl FnOnce(&mut Service)) {
    let _ = world.apprunner.index.update(|index| {
        if let Some(service) = index.services.get_mut(arn) {
            change(service);
            service.updated = now();
            if let Some(operation) = service.operations.iter_mut().find(|operation| operation.id == id) {
                operation.status = operation_status.to_owned();
                operation.updated = now();
                operation.ended = Some(now());
            }
        }
        Ok::<_, io::Error>(())
    });
}

/// Does an operation in the background.
pub(super) fn spawn(world: &Arc<World>, arn: String, id: String, work: Work) {
    let world = Arc::clone(world);
    tokio::spawn(async move {
        let Some(service) = service(&world, &arn) else { return };
        match work {
            Work::Create | Work::Resume => {
                let result = bring_up(&world, &service).await;
                let (good, bad) = (RUNNING, if work == Work::Create { CREATE_FAILED } else { PAUSED });
                match result {
                    Ok(fleet) => {
                        world.apprunner.fleets.replace(&service.id, fleet).end().await;
                        finish(&world, &arn, &id, "SUCCEEDED", |s| s.status = good.to_owned());
                    }
                    Err(why) => {
                        say(&world, &service, format!("[AppRunner] Deployment failed: {why}"));
                        finish(&world, &arn, &id, "FAILED", |s| s.status = bad.to_owned());
                    }
                }
            }
            Work::Update | Work::Deploy => match bring_up(&world, &service).await {
                Ok(fleet) => {
                    let old = world.apprunner.fleets.replace(&service.id, fleet);
                    finish(&world, &arn, &id, "SUCCEEDED", |s| {
                        s.before = None;
                        s.status = RUNNING.to_owned();
                    });
                    old.end().await;
                }
                Err(why) => {
                    say(&world, &service, format!("[AppRunner] Deployment failed: {why}"));
                    say(&world, &service, "[AppRunner] The earlier configuration stays in place.".to_owned());
                    finish(&world, &arn, &id, "ROLLBACK_SUCCEEDED", |s| {
                        if let Some(before) = s.before.take() {
                            s.config = before;
                        }
                        s.status = RUNNING.to_owned();
                    });
                }
            },
            Work::Pause | Work::Delete => {
                world.apprunner.fleets.replace(&service.id, Fleet::default()).end().await;
                let status = if work == Work::Pause { PAUSED } else { DELETED };
                finish(&world, &arn, &id, "SUCCEEDED", |s| s.status = status.to_owned());
            }
        }
    });
}

/// What to run, read from a service's configuration.
async fn order(world: &Arc<World>, service: &Service) -> Result<runtime::Order, String> {
    let config = &service.config;
    let repository = &config["SourceConfiguration"]["ImageRepository"];
    let identifier = repository["ImageIdentifier"].as_str().unwrap_or_default();
    let image = &repository["ImageConfiguration"];
    let (name, digest) = identifier
        .split_once('@')
        .ok_or_else(|| format!("{identifier} is not pinned by digest, which this sandbox needs"))?;
    let name = name.split_once('/').map_or(name, |(_, name)| name);
    let manifest = world
        .ecr
        .manifest(name, digest)
        .ok_or_else(|| format!("the image {identifier} cannot be pulled: it is not in ECR"))?;
    let mut env = BTreeMap::new();
    // The role of an instance is how it may call other services; where there is one, it reaches those of the sandbox.
    if let Some(role) = config["InstanceConfiguration"]["InstanceRoleArn"].as_str() {
        let own = world.identity.env(world.addresses.api.port());
        env.extend(own.into_iter().map(|(name, value)| (name.to_owned(), value)));
        // One that IAM has may do what its policies allow.
        if let Some(keys) = access::of_instance(world, role, &service.name)? {
            env.insert("AWS_ACCESS_KEY_ID".to_owned(), keys.access_key_id);
            env.insert("AWS_SECRET_ACCESS_KEY".to_owned(), keys.secret);
            env.insert("AWS_SESSION_TOKEN".to_owned(), keys.token);
        }
    }
    let variables = image["RuntimeEnvironmentVariables"].as_object().cloned().unwrap_or_default();
    env.extend(variables.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))));
    env.extend(secrets::read(world, config).await?);
    let health = &config["HealthCheckConfiguration"];
    let number = |key: &str, default: u64| health[key].as_u64().unwrap_or(default);
    let given = &config["InstanceConfiguration"];
    let units = |name: &str, usual: u64| given[name].as_str().and_then(|n| n.parse().ok()).unwrap_or(usual);
    Ok(runtime::Order {
        repository: name.to_owned(),
        digest: digest.to_owned(),
        manifest,
        env,
        health: Health {
            path: (health["Protocol"] == "HTTP").then(|| health["Path"].as_str().unwrap_or("/").to_owned()),
            interval: Duration::from_secs(number("Interval", 5)),
            timeout: Duration::from_secs(number("Timeout", 2)),
            healthy: number("HealthyThreshold", 1),
            unhealthy: number("UnhealthyThreshold", 5),
        },
        service: service.name.clone(),
        service_id: service.id.clone(),
        // 1024 units are a CPU. Source: App Runner API reference, InstanceConfiguration.
        milli_cpus: units("Cpu", 1024) * 1000 / 1024,
        megabytes: units("Memory", 2048),
        log_group: service.application_log(),
    })
}

fn min_size(world: &World, service: &Service) -> usize {
    let arn = service.config.get("AutoScalingConfigurationArn").and_then(Value::as_str).unwrap_or_default();
    let configuration = world.apprunner.index.read(|index| index.autoscaling(arn).cloned());
    configuration.and_then(|c| c["MinSize"].as_u64()).unwrap_or(1) as usize
}

/// Starts as many instances as the service has at least, and waits until all are healthy.
async fn bring_up(world: &Arc<World>, service: &Service) -> Result<Fleet, String> {
    let order = order(world, service).await?;
    say(world, service, format!("[AppRunner] Pulling image {}.", order.digest));
    let count = min_size(world, service);
    let starts = (0..count).map(|_| runtime::start(world, &order));
    let results = futures_util::future::join_all(starts).await;
    let mut fleet = Fleet::default();
    let mut why = None;
    for result in results {
        match result {
            Ok(instance) => fleet.0.push(instance),
            Err(error) => why = Some(error),
        }
    }
    if let Some(why) = why {
        fleet.end().await;
        return Err(why);
    }
    for instance in &fleet.0 {
        supervise(world, &service.arn, &service.id, instance);
    }
    say(world, service, format!("[AppRunner] {count} instance(s) healthy."));
    Ok(fleet)
}

/// Starts one instance of a service as it is now.
async fn again(world: &Arc<World>, arn: &str) -> Result<Instance, String> {
    let service = service(world, arn).ok_or("there is no such service any more")?;
    runtime::start(world, &order(world, &service).await?).await
}

/// Replaces an instance when it ends by itself, for as long as its service counts on it.
fn supervise(world: &Arc<World>, arn: &str, id: &str, instance: &Instance) {
    let (world, arn, id) = (Arc::clone(world), arn.to_owned(), id.to_owned());
    let (mut ended, mut gone) = (instance.ended(), instance.id.clone());
    tokio::spawn(async move {
        let mut wait = BACK_OFF.0;
        loop {
            let how = ended.wait_for(Option::is_some).await.ok().and_then(|how| how.clone());
            if !world.apprunner.fleets.has(&id, &gone) {
                return;
            }
            let Some(service) = service(&world, &arn) else { return };
            let how = how.map_or_else(String::new, |how| format!(" with {how}"));
            say(&world, &service, format!("[AppRunner] Instance {gone} ended{how}; it is being replaced."));
            let new = loop {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(BACK_OFF.1);
                if !world.apprunner.fleets.has(&id, &gone) {
                    return;
                }
                match again(&world, &arn).await {
                    Ok(new) => break new,
                    Err(why) => {
                        let text = format!("[AppRunner] Instance {gone} could not be replaced: {why}");
                        say(&world, &service, text);
                    }
                }
            };
            let (next_ended, next_id) = (new.ended(), new.id.clone());
            if let Some(unwanted) = world.apprunner.fleets.substitute(&id, &gone, new) {
                unwanted.end().await;
                return;
            }
            (ended, gone) = (next_ended, next_id);
        }
    });
}

/// Settles operations that an earlier life left under way, and starts the instances of running services.
pub(super) async fn resume(world: &Arc<World>) -> io::Result<()> {
    let running = world.apprunner.index.update(|index| {
        let mut running = Vec::new();
        for service in index.services.values_mut() {
            if service.status == BUSY {
                let operation = service.operations.last_mut();
                let kind = operation.as_ref().map(|o| o.kind.clone()).unwrap_or_default();
                let (status, outcome) = match (kind.as_str(), &service.before) {
                    ("CREATE_SERVICE", _) => (CREATE_FAILED, "FAILED"),
                    ("UPDATE_SERVICE", None) => (CREATE_FAILED, "FAILED"),
                    ("UPDATE_SERVICE" | "START_DEPLOYMENT", Some(_)) => (RUNNING, "ROLLBACK_SUCCEEDED"),
                    ("RESUME_SERVICE", _) => (PAUSED, "FAILED"),
                    _ => (RUNNING, "FAILED"),
                };
                if let Some(operation) = operation {
                    operation.status = outcome.to_owned();
                    operation.ended = Some(now());
                    operation.updated = now();
                }
                if let Some(before) = service.before.take() {
                    service.config = before;
                }
                service.status = status.to_owned();
            }
            if service.status == RUNNING {
                running.push(service.clone());
            }
        }
        Ok::<_, io::Error>(running)
    })?;
    let mut starting = tokio::task::JoinSet::new();
    for service in running {
        let world = Arc::clone(world);
        starting.spawn(async move {
            match bring_up(&world, &service).await {
                Ok(fleet) => world.apprunner.fleets.replace(&service.id, fleet).end().await,
                Err(why) => {
                    say(&world, &service, format!("[AppRunner] The instances did not come back: {why}"))
                }
            }
        });
    }
    // A service says that it is running as soon as the sandbox answers, so its instances come first.
    let _ = tokio::time::timeout(COMING_BACK, async { while starting.join_next().await.is_some() {} }).await;
    starting.detach_all();
    Ok(())
}
