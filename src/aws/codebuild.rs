//! Builds in CodeBuild, followed to their end with their log.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::Client as LogsClient;
use aws_sdk_codebuild::{
    Client,
    types::{
        ArtifactsType, Build, ComputeType, EnvironmentType, EnvironmentVariable, EnvironmentVariableType,
        ImagePullCredentialsType, Project, ProjectArtifacts, ProjectEnvironment, ProjectSource, SourceType,
        StatusType,
    },
};

use crate::engine::ports::{BuildRequest, BuildUpdate, Builder, PortError, PortResult};

use super::{
    connect::Place,
    error::{has_code, port_error},
};

const SERVICE: &str = "CodeBuild";

/// AWS's own build image with Docker. Source: CodeBuild user guide, "Docker images provided by CodeBuild".
const IMAGE: &str = "aws/codebuild/amazonlinux-x86_64-standard:5.0";

/// Longest build in minutes.
const TIMEOUT_MINUTES: i32 = 30;

/// Lines of the log kept for an error.
const TAIL: usize = 30;

pub(super) struct CodeBuild {
    client: Client,
    logs: LogsClient,
    place: Arc<Place>,
}

/// How far a build's log was read.
#[derive(Default)]
struct Reader {
    token: Option<String>,
    tail: std::collections::VecDeque<String>,
}

impl CodeBuild {
    pub fn new(config: &SdkConfig, place: Arc<Place>) -> Self {
        Self { client: Client::new(config), logs: LogsClient::new(config), place }
    }

    /// With what CodeBuild fills in, so that it is the same when it is read again.
    fn environment(&self, repository: &str) -> PortResult<ProjectEnvironment> {
        let invalid = |error: aws_sdk_codebuild::error::BuildError| PortError::Invalid(error.to_string());
        let host = repository.split('/').next().unwrap_or_default();
        let variable = |name: &str, value: &str| {
            let variable = EnvironmentVariable::builder().name(name).value(value);
            variable.r#type(EnvironmentVariableType::Plaintext).build().map_err(invalid)
        };
        ProjectEnvironment::builder()
            .r#type(EnvironmentType::LinuxContainer)
            .image(IMAGE)
            .compute_type(ComputeType::BuildGeneral1Medium)
            .image_pull_credentials_type(ImagePullCredentialsType::Codebuild)
            // Docker builds need it.
            .privileged_mode(true)
            .environment_variables(variable("IMAGE_REPOSITORY", repository)?)
            .environment_variables(variable("IMAGE_REGISTRY", host)?)
            .build()
            .map_err(invalid)
    }

    async fn project(&self, name: &str) -> PortResult<Option<Project>> {
        let found = self
            .client
            .batch_get_projects()
            .names(name)
            .send()
            .await
            .map_err(port_error(SERVICE, "BatchGetProjects"))?;
        Ok(found.projects.unwrap_or_default().into_iter().next())
    }

    async fn build(&self, id: &str) -> PortResult<Build> {
        let found = self
            .client
            .batch_get_builds()
            .ids(id)
            .send()
            .await
            .map_err(port_error(SERVICE, "BatchGetBuilds"))?;
        let missing = || PortError::NotFound { what: format!("the build {id}") };
        found.builds.unwrap_or_default().into_iter().next().ok_or_else(missing)
    }

    /// Reads what was logged since the last look.
    async fn read_log(
        &self,
        build: &Build,
        reader: &mut Reader,
        update: &(dyn Fn(BuildUpdate) + Send + Sync),
    ) -> PortResult<()> {
        let Some(logs) = build.logs() else { return Ok(()) };
        let (Some(group), Some(stream)) = (logs.group_name(), logs.stream_name()) else { return Ok(()) };
        loop {
            let page = self
                .logs
                .get_log_events()
                .log_group_name(group)
                .log_stream_name(stream)
                .start_from_head(true)
                .set_next_token(reader.token.clone())
                .send()
                .await
                .map_err(port_error("CloudWatch Logs", "GetLogEvents"));
            let page = match page {
                Ok(page) => page,
                // The stream comes into being with its first line.
                Err(error) if has_code(&error, &["ResourceNotFoundException"]) => return Ok(()),
                Err(error) => return Err(error),
            };
            for event in page.events.unwrap_or_default() {
                for line in event.message.unwrap_or_default().trim_end().split('\n') {
                    if reader.tail.len() == TAIL {
                        reader.tail.pop_front();
                    }
                    reader.tail.push_back(line.to_owned());
                    update(BuildUpdate::Line(line.to_owned()));
                }
            }
            // The same token again says that there is no more for now.
            if page.next_forward_token == reader.token {
                return Ok(());
            }
            reader.token = page.next_forward_token;
        }
    }
}

#[async_trait]
impl Builder for CodeBuild {
    async fn ensure(&self, repository: &str) -> PortResult<bool> {
        let name = self.place.names.base();
        let environment = self.environment(repository)?;
        let role = self.place.names.build_role(&self.place.account);
        let invalid = |error: aws_sdk_codebuild::error::BuildError| PortError::Invalid(error.to_string());
        let location = format!("{}/{}bundles/none.tar.gz", self.place.bucket, self.place.names.prefix());
        let source =
            ProjectSource::builder().r#type(SourceType::S3).location(location).build().map_err(invalid)?;
        match self.project(&name).await? {
            Some(project)
                if project.environment() == Some(&environment) && project.service_role() == Some(&role) =>
            {
                Ok(false)
            }
            Some(_) => {
                self.client
                    .update_project()
                    .name(name)
                    .source(source)
                    .environment(environment)
                    .service_role(role)
                    .timeout_in_minutes(TIMEOUT_MINUTES)
                    .send()
                    .await
                    .map_err(port_error(SERVICE, "UpdateProject"))?;
                Ok(true)
            }
            None => {
                let artifacts = ProjectArtifacts::builder()
                    .r#type(ArtifactsType::NoArtifacts)
                    .build()
                    .map_err(invalid)?;
                self.client
                    .create_project()
                    .name(name)
                    .description("Builds bundles into images; made by pave")
                    .source(source)
                    .artifacts(artifacts)
                    .environment(environment)
                    .service_role(role)
                    .timeout_in_minutes(TIMEOUT_MINUTES)
                    .send()
                    .await
                    .map_err(port_error(SERVICE, "CreateProject"))?;
                Ok(true)
            }
        }
    }

    async fn start(&self, request: &BuildRequest) -> PortResult<String> {
        let variable = |name: &str, value: &str| {
            EnvironmentVariable::builder()
                .name(name)
                .value(value)
                .build()
                .map_err(|error| PortError::Invalid(error.to_string()))
        };
        let started = self
            .client
            .start_build()
            .project_name(self.place.names.base())
            .source_type_override(SourceType::S3)
            .source_location_override(format!("{}/{}", request.source.bucket, request.source.key))
            .environment_variables_override(variable("IMAGE_REPOSITORY", &request.repository)?)
            .environment_variables_override(variable("IMAGE_TAG", &request.tag)?)
            .idempotency_token(&request.idempotency_token)
            .send()
            .await
            .map_err(port_error(SERVICE, "StartBuild"))?;
        let missing = || PortError::Invalid("CodeBuild started a build without an id".to_owned());
        started.build_value.and_then(|build| build.id).ok_or_else(missing)
    }

    async fn follow(&self, id: &str, update: &(dyn Fn(BuildUpdate) + Send + Sync)) -> PortResult<()> {
        let mut reader = Reader::default();
        let told = Mutex::new(Vec::<String>::new());
        loop {
            let build = self.build(id).await?;
            for phase in build.phases() {
                let Some(name) = phase.phase_type().map(|p| p.as_str().to_owned()) else { continue };
                let mut told = told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                if !told.contains(&name) {
                    update(BuildUpdate::Phase(name.clone()));
                    told.push(name);
                }
            }
            // A build that has ended has logged all it will, so the log is read after that was seen.
            self.read_log(&build, &mut reader, update).await?;
            if build.build_complete() {
                return ended(id, &build, reader.tail.into());
            }
            tokio::time::sleep(self.place.poll).await;
        }
    }

    async fn stop(&self, id: &str) -> PortResult<()> {
        self.client.stop_build().id(id).send().await.map_err(port_error(SERVICE, "StopBuild"))?;
        Ok(())
    }
}

fn ended(id: &str, build: &Build, log: Vec<String>) -> PortResult<()> {
    if build.build_status() == Some(&StatusType::Succeeded) {
        return Ok(());
    }
    let blamed = build
        .phases()
        .iter()
        .find(|phase| phase.contexts().iter().any(|context| context.message().is_some()));
    let reason = blamed.and_then(|phase| phase.contexts().iter().find_map(|context| context.message()));
    let status = build.build_status().map_or("FAILED", |status| status.as_str());
    Err(PortError::BuildFailed {
        id: id.to_owned(),
        phase: blamed.and_then(|phase| phase.phase_type()).map_or("BUILD", |phase| phase.as_str()).to_owned(),
        reason: reason.map_or_else(|| format!("it ended as {status}"), str::to_owned),
        log,
    })
}
