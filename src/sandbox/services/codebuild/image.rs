//! A built tree -> an OCI image in ECR, by the recipe in `.pave/process/image.json`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use globset::{Glob, GlobSetBuilder};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::sandbox::{
    oci::{self, Config, Layer},
    services::ecr::StoreError,
    world::World,
};

/// Where the recipe is in a bundle.
pub(super) const RECIPE: &str = ".pave/process/image.json";

/// How to make an image of a built tree.
#[derive(Debug, Deserialize)]
pub(super) struct Recipe {
    dependencies: Option<Dependencies>,
    #[serde(default)]
    exclude: Vec<String>,
    config: Config,
}

#[derive(Debug, Deserialize)]
struct Dependencies {
    /// Folders that hold nothing but what the lock file names.
    paths: Vec<String>,
    /// The lock file.
    lock: String,
}

/// Why no image could be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum ImageError {
    #[error("{RECIPE} cannot be used: {0}")]
    Recipe(String),
    #[error("the built tree cannot be packed: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Recipe {
    pub fn read(tree: &Path) -> Result<Self, ImageError> {
        let bytes = fs::read(tree.join(RECIPE)).map_err(|error| ImageError::Recipe(error.to_string()))?;
        serde_json::from_slice(&bytes).map_err(|error| ImageError::Recipe(error.to_string()))
    }

    /// What the dependency layer is known by: the lock file, the folders and where they go.
    fn key(&self, tree: &Path) -> Option<String> {
        let dependencies = self.dependencies.as_ref()?;
        let mut hash = Sha256::new();
        hash.update(fs::read(tree.join(&dependencies.lock)).ok()?);
        hash.update(dependencies.paths.join("\0"));
        hash.update(self.exclude.join("\0"));
        hash.update(&self.config.working_dir);
        Some(hex::encode(hash.finalize()))
    }

    /// Packs the tree and stores the image under a tag. Returns its digest.
    pub fn push(
        &self,
        world: &Arc<World>,
        tree: &Path,
        repository: &str,
        tag: &str,
    ) -> Result<String, ImageError> {
        let mut exclude = GlobSetBuilder::new();
        for pattern in &self.exclude {
            exclude.add(Glob::new(pattern).map_err(|error| ImageError::Recipe(error.to_string()))?);
        }
        let exclude = exclude.build().map_err(|error| ImageError::Recipe(error.to_string()))?;
        let folders: Vec<&str> =
            self.dependencies.iter().flat_map(|d| &d.paths).map(|p| p.trim_matches('/')).collect();
        let in_dependencies = |path: &str| {
            folders.iter().any(|f| path.strip_prefix(f).is_some_and(|rest| rest.starts_with('/')))
        };
        let (mut dependencies, mut source) = (Vec::new(), Vec::new());
        for path in files(tree)? {
            if exclude.is_match(&path) {
                continue;
            }
            if in_dependencies(&path) { dependencies.push(path) } else { source.push(path) }
        }
        let prefix = self.config.working_dir.trim_matches('/').to_owned();
        let mut layers = Vec::new();
        if !dependencies.is_empty() {
            layers.push(self.dependency_layer(world, tree, repository, &dependencies, &prefix)?);
        }
        layers.push(store(world, repository, oci::pack(tree, &source, &prefix)?)?);
        let (config, manifest) = oci::assemble(&self.config, &layers);
        let config_digest = world.ecr.put_blob(repository, &config)?;
        match world.ecr.put_image(repository, Some(tag), &manifest(&config_digest)) {
            Ok(digest) | Err(StoreError::AlreadyThere(digest)) => Ok(digest),
            Err(error) => Err(error.into()),
        }
    }

    fn dependency_layer(
        &self,
        world: &World,
        tree: &Path,
        repository: &str,
        paths: &[String],
        prefix: &str,
    ) -> Result<Layer, ImageError> {
        let key = self.key(tree);
        let known =
            key.as_ref().and_then(|key| world.codebuild.index.read(|index| index.layers.get(key).cloned()));
        if let Some(layer) = known.filter(|layer| world.ecr.share_blob(repository, &layer.digest)) {
            return Ok(layer);
        }
        let layer = store(world, repository, oci::pack(tree, paths, prefix)?)?;
        if let Some(key) = key {
            world.codebuild.index.update(|index| {
                index.layers.insert(key, layer.clone());
                Ok::<_, io::Error>(())
            })?;
        }
        Ok(layer)
    }
}

fn store(world: &World, repository: &str, packed: oci::Packed) -> Result<Layer, StoreError> {
    let digest = world.ecr.put_blob(repository, &packed.bytes)?;
    Ok(Layer { digest, size: packed.bytes.len() as u64, diff_id: packed.diff_id })
}

/// Every file and link of a tree, relative to it.
fn files(tree: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![tree.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if let Some(path) = entry.path().strip_prefix(tree).ok().and_then(Path::to_str) {
                found.push(path.to_owned());
            }
        }
    }
    Ok(found)
}
