//! An image's files, unpacked once per digest.

use std::{fs, io, path::PathBuf, sync::Arc};

use crate::sandbox::{oci, oci::Config, runtime::Order, world::World};

/// An unpacked image.
#[derive(Debug, Clone)]
pub(super) struct Root {
    pub dir: PathBuf,
    pub config: Config,
}

pub(super) async fn unpacked(world: &Arc<World>, order: &Order) -> Result<Root, String> {
    let (world, order) = (Arc::clone(world), order.clone());
    tokio::task::spawn_blocking(move || unpack(&world, &order))
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| format!("the image cannot be unpacked: {error}"))
}

fn blob(world: &World, value: &serde_json::Value) -> io::Result<PathBuf> {
    let digest = value["digest"].as_str().unwrap_or_default();
    world.ecr.blob(digest).ok_or_else(|| io::Error::other(format!("the blob {digest} is missing")))
}

fn unpack(world: &World, order: &Order) -> io::Result<Root> {
    let config: serde_json::Value =
        serde_json::from_slice(&fs::read(blob(world, &order.manifest["config"])?)?)?;
    let config: Config = serde_json::from_value(config["config"].clone())?;
    let images = world.dir.join("apprunner/images");
    fs::create_dir_all(&images)?;
    let dir = images.join(order.digest.trim_start_matches("sha256:"));
    if !dir.is_dir() {
        let staging = tempfile::tempdir_in(&images)?;
        for layer in order.manifest["layers"].as_array().map(Vec::as_slice).unwrap_or_default() {
            oci::unpack(fs::File::open(blob(world, layer)?)?, staging.path())?;
        }
        match fs::rename(staging.path(), &dir) {
            Ok(()) => {
                let _ = staging.keep();
            }
            // Another instance of the same image was quicker.
            Err(_) if dir.is_dir() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Root { dir, config })
}

impl Root {
    /// Where the process starts.
    pub fn working_dir(&self) -> PathBuf {
        self.dir.join(self.config.working_dir.trim_matches('/'))
    }

    /// A value of the image with paths under its working directory put where they really are.
    pub fn localised(&self, value: &str) -> String {
        let inside = self.config.working_dir.trim_end_matches('/');
        if inside.is_empty() {
            return value.to_owned();
        }
        let real = self.working_dir();
        let real = real.to_string_lossy();
        value
            .split(':')
            .map(|part| match part.strip_prefix(inside) {
                Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{real}{rest}"),
                _ => part.to_owned(),
            })
            .collect::<Vec<_>>()
            .join(":")
    }
}
