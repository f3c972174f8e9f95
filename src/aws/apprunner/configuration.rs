//! A slot's configuration to and from App Runner's shapes.

use std::collections::BTreeMap;

use aws_sdk_apprunner::types::{
    AuthenticationConfiguration, AutoScalingConfiguration, HealthCheckConfiguration, HealthCheckProtocol,
    ImageConfiguration, ImageRepository, ImageRepositoryType, InstanceConfiguration, Service, ServiceStatus,
    SourceConfiguration, Tag,
};

use crate::{
    engine::ports::{PortError, PortResult},
    rollout::{Slot, SlotConfig, SlotState, SlotStatus},
};

use super::Place;

/// Checks are explicit, because the default is a bare TCP connection.
const INTERVAL_SECONDS: i32 = 5;
const TIMEOUT_SECONDS: i32 = 2;
const HEALTHY: i32 = 1;
const UNHEALTHY: i32 = 3;

/// The image and how it is started.
pub(super) fn source(place: &Place, config: &SlotConfig) -> PortResult<SourceConfiguration> {
    let image = ImageConfiguration::builder()
        .port(config.port.to_string())
        .set_runtime_environment_variables(Some(config.env.clone().into_iter().collect()))
        .set_runtime_environment_secrets(
            (!config.secrets.is_empty()).then(|| config.secrets.clone().into_iter().collect()),
        )
        .build();
    let repository = ImageRepository::builder()
        .image_identifier(&config.image)
        .image_repository_type(ImageRepositoryType::Ecr)
        .image_configuration(image)
        .build()
        .map_err(|error| PortError::Invalid(error.to_string()))?;
    let access = AuthenticationConfiguration::builder()
        .access_role_arn(place.names.access_role(&place.account))
        .build();
    Ok(SourceConfiguration::builder()
        .image_repository(repository)
        // A slot changes when a release says so, never because a tag moved.
        .auto_deployments_enabled(false)
        .authentication_configuration(access)
        .build())
}

/// Size and role of an instance.
pub(super) fn instance(place: &Place, config: &SlotConfig) -> InstanceConfiguration {
    InstanceConfiguration::builder()
        .cpu(config.cpu.to_string())
        .memory(config.memory.to_string())
        .instance_role_arn(place.names.instance_role(&place.account))
        .build()
}

/// The health check.
pub(super) fn health(config: &SlotConfig) -> HealthCheckConfiguration {
    HealthCheckConfiguration::builder()
        .protocol(HealthCheckProtocol::Http)
        .path(&config.health_path)
        .interval(INTERVAL_SECONDS)
        .timeout(TIMEOUT_SECONDS)
        .healthy_threshold(HEALTHY)
        .unhealthy_threshold(UNHEALTHY)
        .build()
}

/// Whom a service belongs to.
pub(super) fn tags(place: &Place) -> Vec<Tag> {
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    vec![tag("pave:service", &place.names.service), tag("pave:environment", &place.names.environment)]
}

/// A service as a slot.
pub(super) fn state(
    slot: Slot,
    service: Service,
    scaling: Option<AutoScalingConfiguration>,
) -> PortResult<SlotState> {
    let name = service.service_name;
    let unreadable = |what: &str| PortError::Invalid(format!("{name} has no {what} that can be read"));
    let repository = service.source_configuration.and_then(|source| source.image_repository);
    let repository = repository.ok_or_else(|| unreadable("image"))?;
    let image = repository.image_configuration;
    let sorted = |map: Option<std::collections::HashMap<String, String>>| -> BTreeMap<String, String> {
        map.unwrap_or_default().into_iter().collect()
    };
    let size = service.instance_configuration.as_ref();
    let units = |text: Option<&str>| text.and_then(|text| text.parse().ok());
    let bound = |value: Option<i32>| value.and_then(|value| u8::try_from(value).ok());
    let scaling = scaling.ok_or_else(|| unreadable("autoscaling configuration"))?;
    let config = SlotConfig {
        image: repository.image_identifier,
        port: image
            .as_ref()
            .and_then(|image| image.port.as_deref())
            .and_then(|port| port.parse().ok())
            .ok_or_else(|| unreadable("port"))?,
        env: sorted(image.as_ref().and_then(|image| image.runtime_environment_variables.clone())),
        secrets: sorted(image.and_then(|image| image.runtime_environment_secrets)),
        cpu: units(size.and_then(|s| s.cpu.as_deref())).ok_or_else(|| unreadable("CPU size"))?,
        memory: units(size.and_then(|s| s.memory.as_deref())).ok_or_else(|| unreadable("memory size"))?,
        health_path: service.health_check_configuration.and_then(|health| health.path).unwrap_or_default(),
        min: bound(scaling.min_size).ok_or_else(|| unreadable("fewest instances"))?,
        max: bound(scaling.max_size).ok_or_else(|| unreadable("most instances"))?,
        concurrency: scaling
            .max_concurrency
            .and_then(|n| u16::try_from(n).ok())
            .ok_or_else(|| unreadable("concurrency"))?,
    };
    let status = match service.status {
        ServiceStatus::Running => SlotStatus::Running,
        ServiceStatus::Paused => SlotStatus::Paused,
        ServiceStatus::OperationInProgress => SlotStatus::Busy,
        _ => SlotStatus::Failed,
    };
    Ok(SlotState {
        slot,
        arn: service.service_arn,
        host: service.service_url.unwrap_or_default(),
        status,
        config,
        name,
    })
}
