//! Instances as processes of this machine: an image's files in a directory, its entry point as a process of its own group.
//! Builds run the bundle's process buildspec, and what they built is packed by its recipe.

mod files;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use rustix::process::Pid;
use tokio::{io::AsyncRead, process::Command, sync::watch};

use crate::sandbox::world::World;

use super::{
    Order, Room, Runtime, free_port,
    instance::{Begun, Signal, Target},
    lines::Lines,
    output::Output,
};

use files::Root;

/// App Runner allows minutes; a process on this machine needs seconds.
const START_WINDOW: Duration = Duration::from_secs(20);

/// Runs everything as processes.
#[derive(Debug)]
pub struct Processes;

/// A process group.
#[derive(Debug)]
struct Group(Option<Pid>);

#[async_trait]
impl Target for Group {
    async fn signal(&self, signal: Signal) {
        let signal = match signal {
            Signal::Term => rustix::process::Signal::TERM,
            Signal::Kill => rustix::process::Signal::KILL,
        };
        if let Some(group) = self.0 {
            let _ = rustix::process::kill_process_group(group, signal);
        }
    }
}

#[async_trait]
impl Runtime for Processes {
    async fn begin(&self, world: &Arc<World>, order: &Order) -> Result<Begun, String> {
        let root = files::unpacked(world, order).await?;
        spawn(world, order, &root)
    }

    fn start_window(&self) -> Duration {
        START_WINDOW
    }

    async fn resume(&self, _: &Arc<World>) -> io::Result<()> {
        Ok(())
    }

    async fn settle(&self, _: &Arc<World>) {}

    async fn room(&self, _: &Arc<World>, _: &Path) -> Result<Room, String> {
        Ok(Room { buildspec: ".pave/process/buildspec.yml", packs: true, ..Room::default() })
    }

    async fn clear_up(&self, _: &str) {}
}

/// Copies a stream of lines into the log.
fn copy(world: &Arc<World>, output: &Output, from: impl AsyncRead + Unpin + Send + 'static) {
    let (world, output) = (Arc::clone(world), output.clone());
    tokio::spawn(async move {
        let mut lines = Lines::of(from);
        while let Ok(Some(line)) = lines.next().await {
            output.line(&world, Output::now(), &line);
        }
    });
}

fn command(order: &Order, root: &Root, port: u16, home: &Path) -> Result<Command, String> {
    let words: Vec<String> =
        root.config.entrypoint.iter().chain(&root.config.cmd).map(|word| root.localised(word)).collect();
    let (program, arguments) =
        words.split_first().ok_or("the image has neither an entry point nor a command")?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root.working_dir()).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", home).env("LANG", "C.UTF-8");
    for pair in &root.config.env {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        command.env(name, root.localised(value));
    }
    command.envs(&order.env).env("PORT", port.to_string()).env("HOST", "127.0.0.1");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    Ok(command)
}

fn spawn(world: &Arc<World>, order: &Order, root: &Root) -> Result<Begun, String> {
    let id = hex::encode(rand::random::<[u8; 16]>());
    let port = free_port()?;
    let home = world.dir.join("apprunner/home");
    std::fs::create_dir_all(&home).map_err(|error| error.to_string())?;
    let mut command = command(order, root, port, &home)?;
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let mut child = command.spawn().map_err(|error| format!("{program} cannot be started: {error}"))?;
    let pid = child.id();
    if let Some(pid) = pid {
        world.apprunner.pids().add(pid).map_err(|error| error.to_string())?;
    }
    let output = Output::of(&order.log_group, &id);
    if let Some(out) = child.stdout.take() {
        copy(world, &output, out);
    }
    if let Some(err) = child.stderr.take() {
        copy(world, &output, err);
    }
    let group = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    let (tell, ended) = watch::channel(None);
    let watched = Arc::clone(world);
    tokio::spawn(async move {
        let how = child.wait().await.map_or_else(|error| error.to_string(), |status| status.to_string());
        // What it started goes with it.
        if let Some(group) = group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        if let Some(pid) = pid {
            watched.apprunner.pids().remove(pid);
        }
        let _ = tell.send(Some(how));
    });
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Ok(Begun { id, address, pid, target: Arc::new(Group(group)), ended, output })
}
