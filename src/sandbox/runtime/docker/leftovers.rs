//! What this sandbox has in the engine: found by its label, and removed. What has another label is never looked at.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use bollard::{
    Docker,
    models::ContainerSummaryStateEnum,
    query_parameters::{
        ListContainersOptionsBuilder, ListImagesOptionsBuilder, RemoveContainerOptionsBuilder,
        RemoveImageOptionsBuilder,
    },
};

use crate::sandbox::{persisted::Persisted, runtime::Order};

use super::{
    IMAGES,
    engine::{self, EngineError},
};

/// Label with the account of the sandbox.
pub(super) const SANDBOX: &str = "dev.pave.sandbox";
/// Label with the id of the service.
pub(super) const SERVICE: &str = "dev.pave.service";
/// Label with the name of the instance.
pub(super) const INSTANCE: &str = "dev.pave.instance";
/// Label with the port that it listens on.
pub(super) const PORT: &str = "dev.pave.port";
/// Label with what it was made for.
pub(super) const ORDER: &str = "dev.pave.order";

/// A container that runs.
#[derive(Debug)]
pub(super) struct Left {
    pub container: String,
    pub service: String,
    pub instance: String,
    pub port: u16,
    pub order: String,
}

impl Left {
    pub fn new(container: String, order: &Order, instance: String, port: u16, fingerprint: &str) -> Self {
        let (service, order) = (order.service_id.clone(), fingerprint.to_owned());
        Self { container, service, instance, port, order }
    }
}

/// The containers of an account that run; those that do not are removed.
pub(super) async fn find(docker: &Docker, account: &str) -> Result<Vec<Left>, EngineError> {
    let filters = HashMap::from([("label".to_owned(), vec![format!("{SANDBOX}={account}")])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let mut running = Vec::new();
    for summary in docker.list_containers(Some(options)).await? {
        let Some(container) = summary.id else { continue };
        let labels = summary.labels.unwrap_or_default();
        let label = |name: &str| labels.get(name).cloned();
        let port = label(PORT).and_then(|port| port.parse().ok());
        match (summary.state, label(SERVICE), label(INSTANCE), port, label(ORDER)) {
            (
                Some(ContainerSummaryStateEnum::RUNNING),
                Some(service),
                Some(instance),
                Some(port),
                Some(order),
            ) => running.push(Left { container, service, instance, port, order }),
            _ => remove(docker, &container).await,
        }
    }
    Ok(running)
}

/// Removes a container, with the volumes that have no name.
pub(super) async fn remove(docker: &Docker, container: &str) {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    // One that is being removed already is as good as gone.
    let _ = docker.remove_container(container, Some(options)).await;
}

/// Removes tags; an image that something else names stays.
pub(super) async fn untag(docker: &Docker, which: impl Fn(&str) -> bool) {
    let options = ListImagesOptionsBuilder::default().build();
    let images = docker.list_images(Some(options)).await.unwrap_or_default();
    let tags = images.into_iter().flat_map(|image| image.repo_tags);
    for tag in tags.filter(|tag| which(tag)) {
        let _ = docker.remove_image(&tag, Some(RemoveImageOptionsBuilder::default().build()), None).await;
    }
}

/// Removes all that the sandbox of an account has in the engine.
pub(in crate::sandbox::runtime) async fn sweep(
    socket: &Path,
    dir: &Path,
    account: &str,
) -> Result<(), EngineError> {
    let docker = engine::connect(socket).await?;
    for left in find(&docker, account).await? {
        remove(&docker, &left.container).await;
    }
    let images: Persisted<BTreeSet<String>> =
        Persisted::open(dir.join(IMAGES)).map_err(|error| EngineError::Refused(error.to_string()))?;
    for image in images.read(Clone::clone) {
        let _ = docker.remove_image(&image, Some(RemoveImageOptionsBuilder::default().build()), None).await;
    }
    Ok(())
}
