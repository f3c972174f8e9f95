//! One build, from its source to its image.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::sandbox::{
    faults::Place,
    oci,
    runtime::{Pids, Room},
    world::World,
};

use super::{
    buildspec::Buildspec,
    image::{RECIPE, Recipe},
    now,
};

/// How a build ended badly.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub status: &'static str,
    pub code: &'static str,
    pub message: String,
}

impl Failure {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: "FAILED", code, message: message.into() }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self { status: "FAULT", code: "INTERNAL_ERROR", message: error.to_string() }
    }
}

/// Starts a build in the background.
pub(super) fn spawn(world: &Arc<World>, id: String, build: Value) {
    let (stop, stopped) = watch::channel(false);
    world.codebuild.running().insert(id.clone(), stop);
    let world = Arc::clone(world);
    tokio::spawn(async move {
        let run = Run { world: Arc::clone(&world), id: id.clone(), build };
        run.to_the_end(stopped).await;
        world.codebuild.running().remove(&id);
    });
}

pub(super) struct Run {
    pub world: Arc<World>,
    pub id: String,
    pub build: Value,
}

impl Run {
    async fn to_the_end(&self, stopped: watch::Receiver<bool>) {
        let result = self.steps(stopped).await;
        let (status, failed) = match &result {
            Ok(()) => ("SUCCEEDED", None),
            Err(failure) => (failure.status, Some(failure)),
        };
        if let Some(failure) = failed {
            self.log(&[format!("[Container] {}: {}", failure.code, failure.message)]);
        }
        let _ = self.end_phase(failed);
        if let Some(failure) = failed {
            let index = &self.world.codebuild.index;
            let phase =
                index.read(|index| index.builds.get(&self.id)?["currentPhase"].as_str().map(str::to_owned));
            for next in still(failure, &phase.unwrap_or_default()) {
                let _ = self.phase(next);
            }
        }
        let _ = self.world.codebuild.change(&self.id, |build| {
            close_phase(build, None);
            let at = now();
            if let Some(phases) = build["phases"].as_array_mut() {
                phases.push(json!({ "phaseType": "COMPLETED", "startTime": at }));
            }
            build["currentPhase"] = json!("COMPLETED");
            build["buildStatus"] = json!(status);
            build["buildComplete"] = json!(true);
            build["endTime"] = json!(at);
        });
        let _ = fs::remove_dir_all(self.dir());
    }

    pub(super) fn dir(&self) -> PathBuf {
        let uuid = self.id.rsplit(':').next().unwrap_or(&self.id);
        self.world.dir.join(Pids::BUILDS).join(uuid)
    }

    pub(super) fn log(&self, lines: &[String]) {
        let at = (now() * 1000.0) as i64;
        let group = self.build["logs"]["groupName"].as_str().unwrap_or_default();
        let stream = self.build["logs"]["streamName"].as_str().unwrap_or_default();
        // A log that cannot be written must not end the build.
        let _ = self.world.logs.append(group, stream, at, lines);
    }

    pub(super) fn phase(&self, name: &str) -> io::Result<()> {
        self.log(&[format!("[Container] Entering phase {name}")]);
        self.world.codebuild.change(&self.id, |build| {
            close_phase(build, None);
            if let Some(phases) = build["phases"].as_array_mut() {
                phases.push(json!({ "phaseType": name, "startTime": now() }));
            }
            build["currentPhase"] = json!(name);
        })
    }

    /// Ends the phase that is open.
    pub(super) fn end_phase(&self, failed: Option<&Failure>) -> io::Result<()> {
        self.world.codebuild.change(&self.id, |build| close_phase(build, failed))
    }

    pub(super) fn variables(&self) -> BTreeMap<String, String> {
        let list = self.build["environment"]["environmentVariables"].as_array().cloned().unwrap_or_default();
        list.iter()
            .filter_map(|v| Some((v["name"].as_str()?.to_owned(), v["value"].as_str()?.to_owned())))
            .collect()
    }

    async fn steps(&self, stopped: watch::Receiver<bool>) -> Result<(), Failure> {
        for phase in ["QUEUED", "PROVISIONING"] {
            self.phase(phase)?;
        }
        let room = self.world.runtime.room(&self.world, &self.dir().join("room")).await;
        let room = room.map_err(io::Error::other)?;
        self.phase("DOWNLOAD_SOURCE")?;
        let tree = self.dir().join("src");
        self.download(&tree)?;
        let spec = self.buildspec(&room, &tree)?;
        let recipe = match room.packs {
            true => Some(Recipe::read(&tree).map_err(|e| Failure::new("YAML_FILE_ERROR", e.to_string()))?),
            false => None,
        };
        self.take_from_cache(&spec, &tree);
        let project = self.build["projectName"].as_str().unwrap_or_default();
        if self.world.faults.strike(Place::Build { project }).then.is_some() {
            for phase in ["INSTALL", "PRE_BUILD", "BUILD"] {
                self.phase(phase)?;
            }
            return Err(Failure::new("COMMAND_EXECUTION_ERROR", "the build fails on purpose"));
        }
        let result = self.commands(&spec, &tree, &room, stopped).await;
        if let (Ok(repository), Ok(tag)) = (self.wanted("IMAGE_REPOSITORY"), self.wanted("IMAGE_TAG")) {
            self.world.runtime.clear_up(&format!("{repository}:{tag}")).await;
        }
        result?;
        self.phase("UPLOAD_ARTIFACTS")?;
        if let Some(recipe) = recipe {
            self.pack(recipe, &tree).await?;
        }
        self.phase("FINALIZING")?;
        self.give_to_cache(&spec, &tree);
        Ok(())
    }

    /// What to do: said with the build, named by it, or where the bundle usually has it.
    /// Source: CodeBuild API reference, ProjectSource, `buildspec`.
    fn buildspec(&self, room: &Room, tree: &Path) -> Result<Buildspec, Failure> {
        let bad = |text: String| Failure::new("YAML_FILE_ERROR", text);
        let said = self.build["source"]["buildspec"].as_str().filter(|said| !said.is_empty());
        let said = said.filter(|_| room.may_be_replaced);
        if let Some(text) = said.filter(|said| said.contains('\n')) {
            return Buildspec::parse(text).map_err(|why| bad(format!("the buildspec: {why}")));
        }
        let file = said.unwrap_or(room.buildspec);
        if !Path::new(file).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
        {
            return Err(bad(format!("{file} is not a path in the source")));
        }
        let text = fs::read_to_string(tree.join(file));
        let text = text.map_err(|_| bad(format!("{file} is not in the source, and this build needs it")))?;
        Buildspec::parse(&text).map_err(|why| bad(format!("{file}: {why}")))
    }

    /// The value of a variable that says where the image goes.
    fn wanted(&self, name: &str) -> Result<String, Failure> {
        self.variables().get(name).cloned().ok_or_else(|| {
            let text = format!("the environment variable {name} says where the image goes; it is not set");
            Failure::new("CLIENT_ERROR", text)
        })
    }

    /// Makes an image of the built tree.
    async fn pack(&self, recipe: Recipe, tree: &Path) -> Result<(), Failure> {
        let (repository, tag) = (self.wanted("IMAGE_REPOSITORY")?, self.wanted("IMAGE_TAG")?);
        let name = repository.split_once('/').map_or(repository.as_str(), |(_, name)| name).to_owned();
        let (world, tree) = (Arc::clone(&self.world), tree.to_owned());
        let digest = tokio::task::spawn_blocking(move || recipe.push(&world, &tree, &name, &tag))
            .await
            .map_err(|error| Failure::from(io::Error::other(error)))?
            .map_err(|error| Failure::new("CLIENT_ERROR", format!("{RECIPE}: {error}")))?;
        self.log(&[format!("[Container] Pushed {repository}@{digest}")]);
        Ok(())
    }

    fn cache(&self) -> PathBuf {
        let project = self.build["projectName"].as_str().unwrap_or_default();
        self.world.dir.join("codebuild/cache").join(project)
    }

    /// Moves the folders that the last build left into the tree. A build at the same time finds none and does without:
    /// a cache is a help, and what is in it is checked by the commands that use it.
    fn take_from_cache(&self, spec: &Buildspec, tree: &Path) {
        for folder in spec.cached_folders() {
            let to = tree.join(folder);
            if !to.exists() && fs::rename(self.cache().join(folder), to).is_ok() {
                self.log(&[format!("[Container] {folder} is restored from the cache")]);
            }
        }
    }

    fn give_to_cache(&self, spec: &Buildspec, tree: &Path) {
        let cache = self.cache();
        if fs::create_dir_all(&cache).is_err() {
            return;
        }
        for folder in spec.cached_folders() {
            let to = cache.join(folder);
            let _ = fs::remove_dir_all(&to);
            let _ = fs::rename(tree.join(folder), to);
        }
    }

    fn download(&self, tree: &Path) -> Result<(), Failure> {
        let location = self.build["source"]["location"].as_str().unwrap_or_default();
        let (bucket, key) = location.split_once('/').unwrap_or((location, ""));
        let file =
            self.world.s3.object_path(bucket, key).ok_or_else(|| {
                Failure::new("CLIENT_ERROR", format!("the source {location} does not exist"))
            })?;
        oci::unpack(fs::File::open(file)?, tree).map_err(|error| {
            Failure::new("CLIENT_ERROR", format!("the source {location} cannot be unpacked: {error}"))
        })
    }
}

/// What a build still goes through after the phase that it failed in.
/// Source: CodeBuild user guide, "Build phase transitions": artifacts are tried for even if BUILD fails.
fn still(failure: &Failure, phase: &str) -> &'static [&'static str] {
    const ALL: [&str; 3] = ["POST_BUILD", "UPLOAD_ARTIFACTS", "FINALIZING"];
    match phase {
        "BUILD" if failure.status == "FAILED" => &ALL,
        "POST_BUILD" if failure.status == "FAILED" => &ALL[1..],
        "FINALIZING" => &[],
        _ => &ALL[2..],
    }
}

/// Ends the phase that is open, well or badly.
fn close_phase(build: &mut Value, failed: Option<&Failure>) {
    let Some(phase) = build["phases"].as_array_mut().and_then(|phases| phases.last_mut()) else { return };
    if phase.get("endTime").is_some() {
        return;
    }
    let (start, end) = (phase["startTime"].as_f64().unwrap_or_default(), now());
    phase["endTime"] = json!(end);
    phase["durationInSeconds"] = json!((end - start).round() as i64);
    phase["phaseStatus"] = json!(failed.map_or("SUCCEEDED", |failure| failure.status));
    if let Some(failure) = failed {
        phase["contexts"] = json!([{ "statusCode": failure.code, "message": failure.message }]);
    }
}
