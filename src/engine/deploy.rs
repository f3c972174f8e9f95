//! Deploy: source tree -> bundle -> image -> release, rolled out and judged.

use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use crate::{
    package::{self, Bundle},
    rollout::{Outcome, Release, State},
    spec::ResolvedSpec,
};

use super::{
    EngineError, Event, Interrupt, Reporter, Stage,
    clock::rfc3339,
    drive::{Driver, RolloutSettings},
    lease::{Held, unheld},
    observe::observe,
    plan::{self, DeployPlan, Facts, Mode, config_digest, slot_config},
    ports::{BuildRequest, BuildUpdate, Image, Ports},
    records::{Records, newest_promoted},
};

/// What to deploy and how.
#[derive(Debug, Clone)]
pub struct DeployRequest {
    /// The source tree.
    pub root: PathBuf,
    /// What holds in the environment.
    pub spec: ResolvedSpec,
    /// Text of the `pave.toml`, for its digest.
    pub spec_text: String,
    /// How users come onto it.
    pub mode: Mode,
    /// Make the plan and stop.
    pub plan_only: bool,
    /// Where the bundle is written for a moment.
    pub scratch: PathBuf,
}

/// How a deploy ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Deployed {
    /// It was only planned.
    Planned(DeployPlan),
    /// Users are already on exactly this; nothing was uploaded, built or changed.
    Unchanged(DeployPlan),
    /// A release was made, with its outcome.
    Released(Box<Release>),
}

struct Packed {
    bundle: Bundle,
    file: tempfile::NamedTempFile,
}

/// Deploys.
///
/// # Errors
/// [`EngineError`] before the rollout began; from then on, the outcome is in the release.
pub async fn deploy(
    ports: &Ports,
    request: &DeployRequest,
    reporter: &dyn Reporter,
    interrupt: &Interrupt,
) -> Result<Deployed, EngineError> {
    unheld(ports).await?;
    let work = Deploy { ports, request, reporter };
    let packed = work.pack().await?;
    let plan = tokio::select! {
        plan = work.plan(&packed.bundle) => plan,
        () = interrupt.asked() => return Err(EngineError::Interrupted),
    };
    if matches!(plan, Err(EngineError::Unfinished { .. })) {
        // Somebody may have begun with it since.
        unheld(ports).await?;
    }
    let plan = plan?;
    if request.plan_only {
        return Ok(Deployed::Planned(plan));
    }
    if plan.unchanged {
        return Ok(Deployed::Unchanged(plan));
    }
    work.foundation().await?;
    let mut lease = Held::take(ports).await?;
    let result = lease
        .during(async {
            // Somebody may have deployed between the first look and the lease.
            let plan = work.plan(&packed.bundle).await?;
            let image = work.image(&packed, &plan, interrupt).await?;
            work.release(plan, &image, interrupt).await
        })
        .await;
    lease.give_back().await;
    result.map(|release| Deployed::Released(Box::new(release)))
}

/// Goes on with the release that was cut off; `back` ends it by putting users back instead.
///
/// # Errors
/// [`EngineError::NothingToResume`], or why the records cannot be read.
pub async fn resume(
    ports: &Ports,
    settings: &RolloutSettings,
    back: bool,
    reporter: &dyn Reporter,
    interrupt: &Interrupt,
) -> Result<Release, EngineError> {
    let mut lease = Held::take(ports).await?;
    let result = lease
        .during(async {
            let records = Records::new(ports);
            let cut = records.releases().await?.into_iter().rev().find(|r| r.outcome == Outcome::InProgress);
            let release = cut.ok_or(EngineError::NothingToResume)?;
            let (mut state, seq) = records.journal(&release).await?;
            if back && state.may_be_interrupted() && state != State::Snapshotting {
                state = State::Aborting { reason: "rolled back by a person after it was cut off".to_owned() };
            }
            Driver { ports, reporter, interrupt, settings, release, state, seq }.run().await
        })
        .await;
    lease.give_back().await;
    result
}

struct Deploy<'a> {
    ports: &'a Ports,
    request: &'a DeployRequest,
    reporter: &'a dyn Reporter,
}

impl Deploy<'_> {
    fn report(&self, event: &Event) {
        self.reporter.report(self.ports.clock.now(), event);
    }

    fn begin(&self, stage: Stage, detail: &str) -> f64 {
        self.report(&Event::Started { stage, detail: detail.to_owned() });
        self.ports.clock.now()
    }

    fn done(&self, stage: Stage, began: f64, detail: String) {
        self.report(&Event::Done { stage, detail, seconds: self.ports.clock.now() - began });
    }

    async fn pack(&self) -> Result<Packed, EngineError> {
        let began = self.begin(Stage::Package, "pack the source tree");
        let (root, scratch) = (self.request.root.clone(), self.request.scratch.clone());
        let (bundle, file) = tokio::task::spawn_blocking(move || package::pack_into(&root, &scratch))
            .await
            .map_err(|error| super::ports::PortError::Invalid(error.to_string()))??;
        let detail =
            format!("{} files, {} bytes, bundle {}", bundle.files, bundle.size, &bundle.digest[..12]);
        self.done(Stage::Package, began, detail);
        Ok(Packed { bundle, file })
    }

    async fn plan(&self, bundle: &Bundle) -> Result<DeployPlan, EngineError> {
        let records = Records::new(self.ports);
        let releases = records.releases().await?;
        if let Some(cut) = releases.iter().find(|release| release.outcome == Outcome::InProgress) {
            let (state, _) = records.journal(cut).await?;
            let state =
                serde_json::to_value(&state).ok().and_then(|s| s["state"].as_str().map(str::to_owned));
            return Err(EngineError::Unfinished { number: cut.number, state: state.unwrap_or_default() });
        }
        let live = observe(self.ports).await?;
        let tag = tag(&bundle.digest);
        let (uploaded, image) =
            tokio::try_join!(self.ports.artifacts.has(&bundle.digest), self.ports.registry.by_tag(&tag))?;
        let facts = Facts {
            spec: &self.request.spec,
            bundle,
            uploaded,
            built: image.is_some(),
            live: &live,
            current: newest_promoted(&releases),
            number: releases.last().map_or(1, |release| release.number + 1),
        };
        Ok(plan::make(&facts, &self.request.mode))
    }

    async fn foundation(&self) -> Result<(), EngineError> {
        let began = self.begin(
            Stage::Foundation,
            "make sure that bucket, repository, build project and route store exist",
        );
        let mut made = Vec::new();
        let mut note = |created: bool, what: &str| {
            if created {
                made.push(what.to_owned());
            }
        };
        note(self.ports.state.ensure().await?, "bucket");
        note(self.ports.registry.ensure().await?, "repository");
        let repository = self.ports.registry.repository().await?;
        note(self.ports.builder.ensure(&repository).await?, "build project");
        note(self.ports.traffic.ensure().await?, "route store");
        let detail =
            if made.is_empty() { "all there".to_owned() } else { format!("made: {}", made.join(", ")) };
        self.done(Stage::Foundation, began, detail);
        Ok(())
    }

    /// The image of the bundle, built where there is none.
    async fn image(
        &self,
        packed: &Packed,
        plan: &DeployPlan,
        interrupt: &Interrupt,
    ) -> Result<Image, EngineError> {
        let digest = &packed.bundle.digest;
        let tag = tag(digest);
        if let Some(image) = self.ports.registry.by_tag(&tag).await? {
            let began = self.begin(Stage::Build, "look for the image");
            self.done(Stage::Build, began, "not needed: the image of this bundle is there".to_owned());
            return Ok(image);
        }
        if !plan.uploaded {
            let began = self.begin(Stage::Upload, "upload the bundle");
            let total = packed.bundle.size;
            let progress = |done| {
                let detail = format!("{done} of {total} bytes");
                self.report(&Event::Progress {
                    stage: Stage::Upload,
                    detail,
                    done: Some(done),
                    total: Some(total),
                });
            };
            tokio::select! {
                uploaded = self.ports.artifacts.upload(digest, packed.file.path(), &progress) => uploaded?,
                () = interrupt.asked() => return Err(EngineError::Interrupted),
            }
            self.done(Stage::Upload, began, format!("{total} bytes"));
        }
        let began = self.begin(Stage::Build, "build the image");
        let image = self.build(digest, &tag, interrupt).await;
        match &image {
            Ok(image) => self.done(Stage::Build, began, image.digest.clone()),
            // Stopping a build is no failure of it.
            Err(EngineError::Interrupted) => {}
            Err(error) => {
                let seconds = self.ports.clock.now() - began;
                self.report(&Event::Failed { stage: Stage::Build, reason: error.to_string(), seconds });
            }
        }
        image
    }

    async fn build(&self, digest: &str, tag: &str, interrupt: &Interrupt) -> Result<Image, EngineError> {
        // The time makes a build that failed for a passing reason start anew when it is asked for again.
        let token = hex::encode(Sha256::digest(format!("{tag} {}", self.ports.clock.now())));
        let build = BuildRequest {
            source: self.ports.artifacts.location(digest),
            repository: self.ports.registry.repository().await?,
            tag: tag.to_owned(),
            idempotency_token: token,
        };
        let id = self.ports.builder.start(&build).await?;
        let update = |update| match update {
            BuildUpdate::Phase(phase) => {
                let detail = phase.to_lowercase().replace('_', " ");
                self.report(&Event::Progress { stage: Stage::Build, detail, done: None, total: None });
            }
            BuildUpdate::Line(line) => self.report(&Event::BuildLine { line }),
        };
        tokio::select! {
            followed = self.ports.builder.follow(&id, &update) => followed?,
            () = interrupt.asked() => {
                self.ports.builder.stop(&id).await?;
                return Err(EngineError::Interrupted);
            }
        }
        let missing = || super::ports::PortError::NotFound {
            what: format!("the image that build {id} should have pushed"),
        };
        Ok(self.ports.registry.by_tag(tag).await?.ok_or_else(missing)?)
    }

    async fn release(
        &self,
        plan: DeployPlan,
        image: &Image,
        interrupt: &Interrupt,
    ) -> Result<Release, EngineError> {
        // A tag per release keeps the image from being expired while a release may need it.
        self.ports.registry.tag(image, &format!("release-{}", plan.number)).await?;
        let config = slot_config(&self.request.spec, &image.pinned(), plan.number);
        let release = Release {
            schema: 1,
            number: plan.number,
            service: self.request.spec.service.name.clone(),
            environment: self.request.spec.environment.name.clone(),
            brings_back: None,
            before: plan.before,
            spec_digest: hex::encode(Sha256::digest(self.request.spec_text.as_bytes())),
            bundle_digest: plan.bundle_digest,
            config_digest: config_digest(&config),
            config_seal: Release::seal_of(&config),
            config,
            migration_head: None,
            slot: plan.rollout.canary,
            snapshot: format!("before-{}", plan.number),
            plan: plan.rollout,
            actor: self.ports.identity.caller().await?.arn,
            started_at: rfc3339(self.ports.clock.now()),
            ended_at: None,
            timeline: Vec::new(),
            verdicts: Vec::new(),
            outcome: Outcome::InProgress,
        };
        Records::new(self.ports).create(&release).await?;
        let settings = RolloutSettings::of(&self.request.spec);
        Driver {
            ports: self.ports,
            reporter: self.reporter,
            interrupt,
            settings: &settings,
            release,
            state: State::Snapshotting,
            seq: 0,
        }
        .run()
        .await
    }
}

/// Tag of a bundle's image.
fn tag(digest: &str) -> String {
    format!("bundle-{digest}")
}
