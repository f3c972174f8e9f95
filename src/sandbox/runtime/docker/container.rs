//! One instance in a container: made, watched, removed.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bollard::{
    Docker,
    auth::DockerCredentials,
    errors::Error,
    models::{ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig},
    query_parameters::{
        CreateContainerOptionsBuilder, CreateImageOptionsBuilder, KillContainerOptionsBuilder,
        WaitContainerOptionsBuilder,
    },
};
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use crate::sandbox::{
    runtime::{
        Order, free_port,
        instance::{Begun, Signal, Target},
        output::Output,
    },
    world::World,
};

use super::{
    Containers,
    engine::is_missing,
    leftovers::{self, INSTANCE, Left, ORDER, PORT, SANDBOX, SERVICE},
    logs,
};

/// Wait before an engine that did not answer is asked again.
const AGAIN: Duration = Duration::from_millis(500);

/// How long the last lines of a container that ended are waited for.
const LAST_LINES: Duration = Duration::from_secs(5);

/// Log files of a container at most: what is read of them is kept in the sandbox's own log groups.
const LOG_FILES: [(&str, &str); 2] = [("max-size", "10m"), ("max-file", "2")];

/// A container that signals go to.
#[derive(Debug)]
struct Kept {
    docker: Docker,
    id: String,
}

#[async_trait]
impl Target for Kept {
    async fn signal(&self, signal: Signal) {
        let name = match signal {
            Signal::Term => "SIGTERM",
            Signal::Kill => "SIGKILL",
        };
        let options = KillContainerOptionsBuilder::default().signal(name).build();
        let _ = self.docker.kill_container(&self.id, Some(options)).await;
    }
}

/// What tells whether a container is what an order asks for.
pub(super) fn fingerprint(order: &Order) -> String {
    let mut hash = Sha256::new();
    for part in [&order.digest, &order.milli_cpus.to_string(), &order.megabytes.to_string()] {
        hash.update(part);
        hash.update("\0");
    }
    for (name, value) in &order.env {
        hash.update(format!("{name}={value}\0"));
    }
    hex::encode(hash.finalize())
}

/// Has an image pulled from the sandbox's registry, where the engine does not have it.
async fn pull(containers: &Containers, world: &World, order: &Order) -> Result<String, String> {
    let reference = format!("{}/{}@{}", world.addresses.api, order.repository, order.digest);
    let failed = |error: &dyn std::fmt::Display| format!("the image {reference} cannot be pulled: {error}");
    let keep = containers.images.update(|images| Ok::<_, std::io::Error>(images.insert(reference.clone())));
    keep.map_err(|error| failed(&error))?;
    if containers.docker.inspect_image(&reference).await.is_ok() {
        return Ok(reference);
    }
    let options = CreateImageOptionsBuilder::default().from_image(&reference).build();
    let (username, password) = world.ecr.login();
    let credentials = DockerCredentials {
        username: Some(username.to_owned()),
        password: Some(password.to_owned()),
        serveraddress: Some(world.addresses.api.to_string()),
        ..DockerCredentials::default()
    };
    let mut said = containers.docker.create_image(Some(options), None, Some(credentials));
    while let Some(line) = said.next().await {
        line.map_err(|error| failed(&error))?;
    }
    Ok(reference)
}

fn body(order: &Order, labels: HashMap<String, String>, image: String, port: u16) -> ContainerCreateBody {
    let mut env = order.env.clone();
    env.insert("PORT".to_owned(), port.to_string());
    env.insert("HOST".to_owned(), Ipv4Addr::LOCALHOST.to_string());
    let memory = i64::try_from(order.megabytes * 1024 * 1024).ok();
    ContainerCreateBody {
        image: Some(image),
        env: Some(env.into_iter().map(|(name, value)| format!("{name}={value}")).collect()),
        labels: Some(labels),
        // App Runner asks by its own health check and not by the image's, which would use of the memory that is counted.
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..HealthConfig::default() }),
        host_config: Some(HostConfig {
            memory,
            // As much as memory alone: no swap.
            memory_swap: memory,
            nano_cpus: i64::try_from(order.milli_cpus * 1_000_000).ok(),
            network_mode: Some("host".to_owned()),
            log_config: Some(HostConfigLogConfig {
                typ: Some("local".to_owned()),
                config: Some(LOG_FILES.map(|(name, value)| (name.to_owned(), value.to_owned())).into()),
            }),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

/// Makes a container and starts it.
pub(super) async fn create(
    containers: &Containers,
    world: &Arc<World>,
    order: &Order,
    fingerprint: &str,
) -> Result<Begun, String> {
    let image = pull(containers, world, order).await?;
    let (instance, port) = (hex::encode(rand::random::<[u8; 16]>()), free_port()?);
    let labels = [
        (SANDBOX, containers.account.clone()),
        (SERVICE, order.service_id.clone()),
        (INSTANCE, instance.clone()),
        (PORT, port.to_string()),
        (ORDER, fingerprint.to_owned()),
    ];
    let labels = labels.map(|(name, value)| (name.to_owned(), value)).into();
    let name = format!("{}-{}", order.service, &instance[..8]);
    let options = CreateContainerOptionsBuilder::default().name(&name).build();
    let failed = |error: Error| format!("the container cannot be started: {error}");
    let made = body(order, labels, image, port);
    let made = containers.docker.create_container(Some(options), made).await.map_err(failed)?;
    if let Err(error) = containers.docker.start_container(&made.id, None).await {
        leftovers::remove(&containers.docker, &made.id).await;
        return Err(failed(error));
    }
    Ok(watched(containers, world, order, Left::new(made.id, order, instance, port, fingerprint)).await)
}

/// Takes a container of an earlier life for the one that is asked for.
pub(super) async fn adopt(
    containers: &Containers,
    world: &Arc<World>,
    order: &Order,
    left: Left,
) -> Result<Begun, String> {
    Ok(watched(containers, world, order, left).await)
}

async fn watched(containers: &Containers, world: &Arc<World>, order: &Order, left: Left) -> Begun {
    let (docker, id) = (containers.docker.clone(), left.container);
    let state = docker.inspect_container(&id, None).await.ok().and_then(|known| known.state);
    let pid = state.and_then(|state| u32::try_from(state.pid?).ok()).filter(|pid| *pid > 0);
    let output = Output::of(&order.log_group, &left.instance);
    let copied = tokio::spawn(logs::copy(docker.clone(), id.clone(), Arc::clone(world), output.clone()));
    let (tell, ended) = watch::channel(None);
    let (watcher, container, megabytes) = (docker.clone(), id.clone(), order.megabytes);
    tokio::spawn(async move {
        let how = until_ended(&watcher, &container, megabytes).await;
        let _ = tokio::time::timeout(LAST_LINES, copied).await;
        leftovers::remove(&watcher, &container).await;
        let _ = tell.send(Some(how));
    });
    Begun {
        id: left.instance,
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, left.port)),
        pid,
        target: Arc::new(Kept { docker, id }),
        ended,
        output,
    }
}

/// Waits for the end of a container and says how it came. An engine that is restarted is waited for.
async fn until_ended(docker: &Docker, id: &str, megabytes: u64) -> String {
    loop {
        let options = WaitContainerOptionsBuilder::default().condition("not-running").build();
        let _ = docker.wait_container(id, Some(options)).next().await;
        let state = match docker.inspect_container(id, None).await {
            Ok(known) => known.state.unwrap_or_default(),
            Err(error) if is_missing(&error) => return "its container removed".to_owned(),
            Err(_) => {
                tokio::time::sleep(AGAIN).await;
                continue;
            }
        };
        if state.running == Some(true) {
            tokio::time::sleep(AGAIN).await;
        } else if state.oom_killed == Some(true) {
            return format!("no memory left: it may use {megabytes} MB and was killed for more");
        } else {
            return format!("exit status: {}", state.exit_code.unwrap_or_default());
        }
    }
}
