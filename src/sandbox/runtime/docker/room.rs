//! What a build finds in place of CodeBuild's build image: the machine's own shell and tools, a `docker` that builds and pushes
//! with the engine, and `aws`.
//!
//! In CodeBuild a build has an engine of its own, and a builder in a container of it. Here it has the machine's engine, whose
//! built-in BuildKit is the one that shares its images and its loopback: `BUILDX_BUILDER` names it, and comes before a builder
//! that the commands make. Its client has settings of its own, which hold no credentials but the sandbox's and go with the build.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs, io,
    os::unix::fs::{OpenOptionsExt as _, symlink},
    path::Path,
    sync::Arc,
};

use serde_json::json;

use crate::sandbox::{runtime::Room, world::World};

use super::Containers;

/// An `aws` for a machine without the AWS CLI: it knows what logging in to the registry takes, and says so of all else.
const AWS: &str = r#"#!/bin/sh
case "$*" in
"ecr get-login-password" | "ecr get-login-password "*) exec cat "$(dirname "$0")/password" ;;
esac
echo "aws: this machine has no AWS CLI; without it a build of the sandbox can only \`aws ecr get-login-password\`" >&2
exit 252
"#;

/// Lays out a build's tools in a directory.
pub(super) fn furnish(containers: &Containers, world: &Arc<World>, dir: &Path) -> io::Result<Room> {
    let (tools, settings) = (dir.join("bin"), dir.join("docker"));
    fs::create_dir_all(&tools)?;
    fs::create_dir_all(&settings)?;
    symlink(&containers.client, tools.join("docker"))?;
    let own = std::env::var_os("DOCKER_CONFIG").map(Into::into);
    let own = own.or_else(|| Some(std::env::home_dir()?.join(".docker")));
    let plugins: Vec<_> = own.into_iter().map(|own: std::path::PathBuf| own.join("cli-plugins")).collect();
    fs::write(settings.join("config.json"), json!({ "cliPluginsExtraDirs": plugins }).to_string())?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has_aws = std::env::split_paths(&path).any(|dir| dir.join("aws").is_file());
    if !has_aws {
        let write = |name: &str, mode: u32, text: &str| {
            let mut options = fs::OpenOptions::new();
            let mut file = options.write(true).create_new(true).mode(mode).open(tools.join(name))?;
            io::Write::write_all(&mut file, text.as_bytes())
        };
        write("password", 0o600, world.ecr.login().1)?;
        write("aws", 0o700, AWS)?;
    }
    let paths = std::iter::once(tools).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(paths).map_err(io::Error::other)?;
    let mut socket = OsString::from("unix://");
    socket.push(&containers.socket);
    let mut variables = BTreeMap::from([
        ("PATH", path),
        ("DOCKER_HOST", socket),
        ("DOCKER_CONFIG", settings.into_os_string()),
        ("BUILDX_BUILDER", "default".into()),
    ]);
    // The service role of a build is how its commands may call other services.
    let access = world.identity.env(world.addresses.api.port());
    variables.extend(access.into_iter().map(|(name, value)| (name, value.into())));
    Ok(Room { buildspec: "buildspec.yml", may_be_replaced: true, packs: false, variables })
}
