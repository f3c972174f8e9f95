//! One instance: started, watched, drained, ended.

use std::{
    collections::VecDeque,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::Stdio,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
    sync::watch,
};

use crate::sandbox::{
    faults::{Kind, Place},
    world::World,
};

use super::{
    Order,
    files::Root,
    health::{self, WHILE_STARTING},
};

/// How long an instance may take to become healthy. App Runner allows minutes; a process on this machine needs seconds.
const START_WINDOW: Duration = Duration::from_secs(20);

/// How long requests of an instance that is being ended may take, and then how long the process may.
const DRAIN: Duration = Duration::from_secs(10);

/// Lines of output kept for the event log.
const TAIL: usize = 10;

/// A healthy instance.
#[derive(Debug)]
pub struct Process {
    /// Its name.
    pub id: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Requests it is serving now.
    pub in_flight: Arc<AtomicUsize>,
    group: Option<Pid>,
    ended: watch::Receiver<bool>,
}

type Tail = Arc<Mutex<VecDeque<String>>>;

/// Copies a stream of lines into the log.
fn copy(
    world: &Arc<World>,
    group: String,
    stream: String,
    tail: Tail,
    from: impl AsyncRead + Unpin + Send + 'static,
) {
    let world = Arc::clone(world);
    tokio::spawn(async move {
        let mut lines = BufReader::new(from).split(b'\n');
        while let Ok(Some(bytes)) = lines.next_segment().await {
            let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            let at = (time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as i64;
            let _ = world.logs.append(&group, &stream, at, std::slice::from_ref(&line));
            let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
            if tail.len() == TAIL {
                tail.pop_front();
            }
            tail.push_back(line);
        }
    });
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn command(order: &Order, root: &Root, port: u16, home: &std::path::Path) -> Result<Command, String> {
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

/// Starts a process and waits until it is healthy.
pub(super) async fn start(world: &Arc<World>, order: &Order, root: &Root) -> Result<Process, String> {
    let id = hex::encode(rand::random::<[u8; 16]>());
    let port = free_port().map_err(|error| format!("there is no free port: {error}"))?;
    let home = world.dir.join("apprunner/home");
    std::fs::create_dir_all(&home).map_err(|error| error.to_string())?;
    let mut command = command(order, root, port, &home)?;
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let mut child = command.spawn().map_err(|error| format!("{program} cannot be started: {error}"))?;
    let pid = child.id();
    if let Some(pid) = pid {
        world.apprunner.pids().add(pid).map_err(|error| error.to_string())?;
    }
    let tail = Tail::default();
    let stream = format!("instance/{id}");
    if let Some(out) = child.stdout.take() {
        copy(world, order.log_group.clone(), stream.clone(), Arc::clone(&tail), out);
    }
    if let Some(err) = child.stderr.take() {
        copy(world, order.log_group.clone(), stream, Arc::clone(&tail), err);
    }
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let group = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    let result = until_healthy(world, &mut child, address, order).await;
    if let Err(why) = result {
        if let Some(group) = group {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        let _ = child.wait().await;
        if let Some(pid) = pid {
            world.apprunner.pids().remove(pid);
        }
        let lines: Vec<String> =
            tail.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
        let said = if lines.is_empty() { "it printed nothing".to_owned() } else { lines.join(" | ") };
        return Err(format!("{why}. Last output: {said}"));
    }
    let (tell, ended) = watch::channel(false);
    watch_over(world, child, pid, group, address, order.clone(), tell);
    Ok(Process { id, address, in_flight: Arc::default(), group, ended })
}

async fn until_healthy(
    world: &World,
    child: &mut Child,
    address: SocketAddr,
    order: &Order,
) -> Result<(), String> {
    let started = Instant::now();
    let mut good = 0;
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Err(format!("the application ended with {status} before it was healthy"));
        }
        let checked = match world.faults.strike(Place::Check { service: &order.service }).then {
            Some(Kind::Kill) => return Err("the instance was killed on purpose".to_owned()),
            Some(_) => Err("the health check fails on purpose".to_owned()),
            None => health::check(address, &order.health).await,
        };
        let why = match checked {
            Ok(()) => {
                good += 1;
                if good >= order.health.healthy {
                    return Ok(());
                }
                String::new()
            }
            Err(why) => {
                good = 0;
                why
            }
        };
        if started.elapsed() > START_WINDOW {
            return Err(format!("the health check did not pass within {} s: {why}", START_WINDOW.as_secs()));
        }
        tokio::time::sleep(WHILE_STARTING).await;
    }
}

/// Waits for the end of a process, and brings it about when the process stays unhealthy.
fn watch_over(
    world: &Arc<World>,
    mut child: Child,
    pid: Option<u32>,
    group: Option<Pid>,
    address: SocketAddr,
    order: Order,
    tell: watch::Sender<bool>,
) {
    let world = Arc::clone(world);
    tokio::spawn(async move {
        let mut bad = 0;
        loop {
            tokio::select! {
                _ = child.wait() => break,
                () = tokio::time::sleep(order.health.interval) => {}
            }
            let struck = world.faults.strike(Place::Check { service: &order.service }).then;
            let well = struck.is_none() && health::check(address, &order.health).await.is_ok();
            bad = if well { 0 } else { bad + 1 };
            if (bad >= order.health.unhealthy || struck == Some(Kind::Kill))
                && let Some(group) = group
            {
                let _ = rustix::process::kill_process_group(group, Signal::KILL);
            }
        }
        if let Some(pid) = pid {
            world.apprunner.pids().remove(pid);
        }
        let _ = tell.send(true);
    });
}

impl Process {
    /// Whether it has not ended.
    pub fn is_running(&self) -> bool {
        !*self.ended.borrow()
    }

    /// The id of its process group, which is that of the process.
    pub fn group_id(&self) -> Option<u32> {
        self.group.and_then(|group| u32::try_from(group.as_raw_nonzero().get()).ok())
    }

    /// Becomes true when it has ended.
    pub fn ended(&self) -> watch::Receiver<bool> {
        self.ended.clone()
    }

    /// Waits until its requests are done, asks it to end, and makes it end. It must not be given requests any more.
    pub async fn end(self) {
        let started = Instant::now();
        while self.in_flight.load(Ordering::SeqCst) > 0 && started.elapsed() < DRAIN {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut ended = self.ended;
        for signal in [Signal::TERM, Signal::KILL] {
            if *ended.borrow() {
                return;
            }
            if let Some(group) = self.group {
                let _ = rustix::process::kill_process_group(group, signal);
            }
            if tokio::time::timeout(DRAIN, ended.wait_for(|ended| *ended)).await.is_ok() {
                return;
            }
        }
    }
}
