//! Slots as App Runner services.
//!
//! Success is read from the *operation*: a failed update rolls back by itself, and the service then says that it is running.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_apprunner::{
    Client,
    types::{OperationStatus, OperationSummary, Service, ServiceStatus},
};
use aws_sdk_cloudwatchlogs::Client as LogsClient;

use crate::{
    engine::ports::{PortError, PortResult, Runtime},
    rollout::{Slot, SlotConfig, SlotState, SlotStatus},
};

use super::{
    connect::Place,
    error::{has_code, port_error},
    logs,
};

mod configuration;

const SERVICE: &str = "App Runner";

/// How often a call is tried again because another operation was under way.
const BUSY_ATTEMPTS: usize = 5;

/// Lines of the application's log kept for an error.
const TAIL: usize = 20;

/// Longest operation. App Runner gives up by itself after about twenty minutes.
const LONGEST: Duration = Duration::from_secs(30 * 60);

pub(super) struct AppRunner {
    client: Client,
    logs: LogsClient,
    place: Arc<Place>,
}

/// What is done to bring a slot to a configuration.
enum Step {
    Create,
    Update(String),
    Resume(String),
    Wait(String),
    Done(SlotState),
}

impl AppRunner {
    pub fn new(config: &SdkConfig, place: Arc<Place>) -> Self {
        Self { client: Client::new(config), logs: LogsClient::new(config), place }
    }

    async fn arn(&self, name: &str) -> PortResult<Option<String>> {
        let mut token = None;
        loop {
            let page = self
                .client
                .list_services()
                .set_next_token(token)
                .send()
                .await
                .map_err(port_error(SERVICE, "ListServices"))?;
            for service in page.service_summary_list {
                if service.service_name() == Some(name) && service.status() != Some(&ServiceStatus::Deleted) {
                    return Ok(service.service_arn);
                }
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(None);
            }
        }
    }

    async fn describe(&self, arn: &str) -> PortResult<Service> {
        let described = self
            .client
            .describe_service()
            .service_arn(arn)
            .send()
            .await
            .map_err(port_error(SERVICE, "DescribeService"))?;
        described.service.ok_or_else(|| PortError::NotFound { what: arn.to_owned() })
    }

    async fn newest_operation(&self, arn: &str, id: Option<&str>) -> PortResult<Option<OperationSummary>> {
        let listed = self
            .client
            .list_operations()
            .service_arn(arn)
            .send()
            .await
            .map_err(port_error(SERVICE, "ListOperations"))?;
        let all = listed.operation_summary_list.unwrap_or_default();
        Ok(match id {
            Some(id) => all.into_iter().find(|operation| operation.id() == Some(id)),
            None => all.into_iter().next(),
        })
    }

    /// Waits for the end of an operation; without an id, of the newest.
    async fn settle(
        &self,
        arn: &str,
        id: Option<&str>,
        update: &(dyn Fn(String) + Send + Sync),
    ) -> PortResult<Option<OperationSummary>> {
        let mut waited = Duration::ZERO;
        let mut told = String::new();
        loop {
            let operation = self.newest_operation(arn, id).await?;
            let status = operation.as_ref().and_then(|operation| operation.status().cloned());
            match status {
                Some(
                    OperationStatus::Pending
                    | OperationStatus::InProgress
                    | OperationStatus::RollbackInProgress,
                )
                | None
                    if waited < LONGEST && (operation.is_some() || id.is_some()) =>
                {
                    let now = status.map_or("PENDING".to_owned(), |status| status.as_str().to_owned());
                    if now != told {
                        update(now.to_lowercase().replace('_', " "));
                        told = now;
                    }
                    tokio::time::sleep(self.place.poll).await;
                    waited += self.place.poll;
                }
                _ => return Ok(operation),
            }
        }
    }

    /// Fails unless the operation succeeded, with the reasons the service and the application logged.
    async fn succeeded(&self, name: &str, arn: &str, operation: Option<OperationSummary>) -> PortResult<()> {
        let status = operation.as_ref().and_then(|o| o.status().map(|s| s.as_str().to_owned()));
        if status.as_deref() == Some(OperationStatus::Succeeded.as_str()) {
            return Ok(());
        }
        let started = operation.as_ref().and_then(|o| o.started_at()).map_or(0, |at| at.secs() * 1000);
        // The operation's end is the news; a log that cannot be read must not hide it.
        let lines = async |kind: &str, limit| {
            let group = logs::group(name, arn, kind);
            logs::lines(&self.logs, &group, started, limit).await.unwrap_or_default()
        };
        let said = lines("service", 20).await;
        let reason = said.iter().rev().find(|line| line.text.contains("failed")).or(said.last());
        let application = lines("application", TAIL).await;
        Err(PortError::SlotFailed {
            service: name.to_owned(),
            operation: operation
                .and_then(|o| o.r#type.map(|kind| kind.as_str().to_owned()))
                .unwrap_or_else(|| "the operation".to_owned()),
            status: status.unwrap_or_else(|| "unknown".to_owned()),
            reason: reason
                .map_or_else(|| "the service's event log says nothing".to_owned(), |line| line.text.clone()),
            log: application.into_iter().map(|line| line.text).collect(),
        })
    }

    async fn step(&self, slot: Slot, wanted: &SlotConfig) -> PortResult<Step> {
        let Some(state) = self.observe(slot).await? else { return Ok(Step::Create) };
        Ok(match state.status {
            SlotStatus::Busy => Step::Wait(state.arn),
            SlotStatus::Paused => Step::Resume(state.arn),
            SlotStatus::Running if state.config == *wanted => Step::Done(state),
            SlotStatus::Running | SlotStatus::Failed => Step::Update(state.arn),
        })
    }

    async fn create(&self, name: &str, config: &SlotConfig) -> PortResult<(String, Option<String>)> {
        let created = self
            .client
            .create_service()
            .service_name(name)
            .source_configuration(configuration::source(&self.place, config)?)
            .instance_configuration(configuration::instance(&self.place, config))
            .health_check_configuration(configuration::health(config))
            .auto_scaling_configuration_arn(self.autoscaling(config).await?)
            .set_tags(Some(configuration::tags(&self.place)))
            .send()
            .await
            .map_err(port_error(SERVICE, "CreateService"))?;
        let arn = created.service.map(|service| service.service_arn).unwrap_or_default();
        Ok((arn, Some(created.operation_id)))
    }

    async fn update(&self, arn: &str, config: &SlotConfig) -> PortResult<Option<String>> {
        let updated = self
            .client
            .update_service()
            .service_arn(arn)
            .source_configuration(configuration::source(&self.place, config)?)
            .instance_configuration(configuration::instance(&self.place, config))
            .health_check_configuration(configuration::health(config))
            .auto_scaling_configuration_arn(self.autoscaling(config).await?)
            .send()
            .await
            .map_err(port_error(SERVICE, "UpdateService"))?;
        Ok(Some(updated.operation_id))
    }

    async fn resume(&self, arn: &str) -> PortResult<Option<String>> {
        let resumed = self
            .client
            .resume_service()
            .service_arn(arn)
            .send()
            .await
            .map_err(port_error(SERVICE, "ResumeService"))?;
        Ok(resumed.operation_id)
    }

    /// A configuration with these bounds, made where there is none: they cannot be changed.
    async fn autoscaling(&self, config: &SlotConfig) -> PortResult<String> {
        let name = self.place.names.autoscaling(config.min, config.max, config.concurrency);
        let listed = self
            .client
            .list_auto_scaling_configurations()
            .auto_scaling_configuration_name(&name)
            .latest_only(true)
            .send()
            .await
            .map_err(port_error(SERVICE, "ListAutoScalingConfigurations"))?;
        let found = listed.auto_scaling_configuration_summary_list.into_iter().next();
        if let Some(arn) = found.and_then(|summary| summary.auto_scaling_configuration_arn) {
            return Ok(arn);
        }
        let created = self
            .client
            .create_auto_scaling_configuration()
            .auto_scaling_configuration_name(&name)
            .min_size(i32::from(config.min))
            .max_size(i32::from(config.max))
            .max_concurrency(i32::from(config.concurrency))
            .send()
            .await
            .map_err(port_error(SERVICE, "CreateAutoScalingConfiguration"))?;
        let arn = created.auto_scaling_configuration.and_then(|made| made.auto_scaling_configuration_arn);
        arn.ok_or_else(|| {
            PortError::Invalid("App Runner made an autoscaling configuration without an ARN".to_owned())
        })
    }
}

/// Another operation is under way.
fn is_busy(error: &PortError) -> bool {
    has_code(error, &["InvalidStateException"])
}

#[async_trait]
impl Runtime for AppRunner {
    async fn observe(&self, slot: Slot) -> PortResult<Option<SlotState>> {
        let name = self.place.names.slot(slot);
        let Some(arn) = self.arn(&name).await? else { return Ok(None) };
        let service = self.describe(&arn).await?;
        let scaling_arn =
            service.auto_scaling_configuration_summary().and_then(|s| s.auto_scaling_configuration_arn());
        let scaling = self
            .client
            .describe_auto_scaling_configuration()
            .set_auto_scaling_configuration_arn(scaling_arn.map(str::to_owned))
            .send()
            .await
            .map_err(port_error(SERVICE, "DescribeAutoScalingConfiguration"))?
            .auto_scaling_configuration;
        configuration::state(slot, service, scaling).map(Some)
    }

    async fn deploy(
        &self,
        slot: Slot,
        config: &SlotConfig,
        update: &(dyn Fn(String) + Send + Sync),
    ) -> PortResult<SlotState> {
        let name = self.place.names.slot(slot);
        let mut busy = 0;
        loop {
            let (arn, started) = match self.step(slot, config).await? {
                Step::Done(state) => return Ok(state),
                Step::Wait(arn) => {
                    update("waiting for an operation that is under way".to_owned());
                    self.settle(&arn, None, update).await?;
                    continue;
                }
                Step::Create => {
                    let (arn, id) = self.create(&name, config).await?;
                    (arn, Ok(id))
                }
                Step::Resume(arn) => {
                    let id = self.resume(&arn).await;
                    (arn, id)
                }
                Step::Update(arn) => {
                    let id = self.update(&arn, config).await;
                    (arn, id)
                }
            };
            let id = match started {
                Err(error) if is_busy(&error) && busy < BUSY_ATTEMPTS => {
                    busy += 1;
                    tokio::time::sleep(self.place.poll).await;
                    continue;
                }
                started => started?,
            };
            let operation = self.settle(&arn, id.as_deref(), update).await?;
            self.succeeded(&name, &arn, operation).await?;
        }
    }

    async fn restore(
        &self,
        slot: Slot,
        state: Option<&SlotState>,
        update: &(dyn Fn(String) + Send + Sync),
    ) -> PortResult<()> {
        match state {
            Some(state) if state.status == SlotStatus::Running => {
                self.deploy(slot, &state.config, update).await?;
            }
            Some(state) => {
                // What a paused slot held can only be put back while it runs.
                let live = self.observe(slot).await?;
                if live.is_some_and(|live| live.config != state.config) && state.status == SlotStatus::Paused
                {
                    self.deploy(slot, &state.config, update).await?;
                }
                self.pause(slot).await?;
            }
            None => self.pause(slot).await?,
        }
        Ok(())
    }

    async fn pause(&self, slot: Slot) -> PortResult<()> {
        let name = self.place.names.slot(slot);
        for _ in 0..=BUSY_ATTEMPTS {
            let Some(state) = self.observe(slot).await? else { return Ok(()) };
            let paused = match state.status {
                // A service that never came up serves nothing; it can only be rebuilt or deleted.
                SlotStatus::Paused | SlotStatus::Failed => return Ok(()),
                SlotStatus::Busy => {
                    self.settle(&state.arn, None, &|_| {}).await?;
                    continue;
                }
                SlotStatus::Running => self
                    .client
                    .pause_service()
                    .service_arn(&state.arn)
                    .send()
                    .await
                    .map_err(port_error(SERVICE, "PauseService")),
            };
            match paused {
                Err(error) if is_busy(&error) => tokio::time::sleep(self.place.poll).await,
                Err(error) => return Err(error),
                Ok(paused) => {
                    let operation = self.settle(&state.arn, paused.operation_id.as_deref(), &|_| {}).await?;
                    return self.succeeded(&name, &state.arn, operation).await;
                }
            }
        }
        Err(PortError::Conflict { what: name })
    }
}
