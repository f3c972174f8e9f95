//! One task per instance that does what its status says is under way, until nothing is; what runs is looked after.
//!
//! Invariant: what a task does next is read from what is on disk, so that one that was killed is done again from the
//! beginning of its step.

use std::{
    collections::BTreeSet,
    fs, io,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;

use crate::sandbox::{
    call::ServiceError,
    postgres::{Cluster, Conduct, end_orphan, installed},
    world::World,
};

use super::{
    beat,
    model::{Index, Instance},
    parameters, steps, turns,
};

/// Longest wait for servers when the sandbox comes back; what takes longer goes on by itself.
const COMING_BACK: Duration = Duration::from_secs(5);

/// Below the ports that Linux gives to outgoing connections, which may take any of them at any moment.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// Where snapshots are kept.
pub(super) fn snapshots(world: &World) -> PathBuf {
    world.rds.dir.join("snapshots")
}

/// Where everything of an instance is.
pub(super) fn home(world: &World, resource: &str) -> PathBuf {
    world.rds.dir.join("instances").join(resource)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The port that is asked for, if nobody has it, or any other that is free.
pub(super) fn free_port(index: &Index, asked: u16) -> io::Result<u16> {
    let taken: BTreeSet<u16> = index.instances.values().map(|instance| instance.port).collect();
    let usable = |port: u16| !taken.contains(&port) && is_free(port);
    if asked > 0 && usable(asked) {
        return Ok(asked);
    }
    let mut any = (0..PORTS.len()).map(|_| rand::random_range(PORTS));
    any.find(|port| usable(*port)).ok_or_else(|| io::Error::new(io::ErrorKind::AddrInUse, "no port is free"))
}

/// The files of an instance, with the programs of its version.
pub(super) async fn cluster(world: &World, instance: &Instance) -> Result<Cluster, ServiceError> {
    let all = installed().await;
    let found = all.into_iter().find(|one| one.major() == instance.major());
    let found = found.ok_or_else(|| {
        let text = format!("PostgreSQL {} is not installed on this machine any more", instance.major());
        ServiceError::client("InsufficientDBInstanceCapacity", text)
    })?;
    Ok(Cluster { bin: found.bin, dir: home(world, &instance.resource) })
}

pub(super) fn conduct(instance: &Instance) -> Conduct {
    Conduct {
        port: instance.port,
        only_tls: instance.in_force.get(parameters::FORCE_SSL).is_some_and(|value| value == "1"),
        settings: parameters::for_server(&instance.in_force),
    }
}

/// Lets a running server read its settings anew.
pub(super) fn reload(world: &World, resource: &str) -> Result<(), ServiceError> {
    let instance = world.rds.index.read(|index| index.by_resource(resource).cloned());
    let Some(instance) = instance.filter(|_| world.rds.servers.is_running(resource)) else { return Ok(()) };
    let cluster = Cluster { bin: PathBuf::new(), dir: home(world, resource) };
    cluster.tell(&conduct(&instance)).map_err(super::broken)?;
    world.rds.servers.reload(resource);
    Ok(())
}

fn busy(world: &World, resource: &str) -> Option<Instance> {
    world.rds.index.read(|index| index.by_resource(resource).filter(|one| one.is_busy()).cloned())
}

/// Lets an instance's task run, unless it does or nothing is under way.
pub(super) fn start(world: &Arc<World>, resource: &str) {
    let mut tasks = world.rds.servers.tasks();
    if !tasks.closed && !tasks.by_resource.contains_key(resource) && busy(world, resource).is_some() {
        let task = tokio::spawn(drive(Arc::clone(world), resource.to_owned()));
        tasks.by_resource.insert(resource.to_owned(), task);
    }
}

async fn drive(world: Arc<World>, resource: String) {
    loop {
        let Some(instance) = busy(&world, &resource) else {
            // Whoever gives it a status starts it afterwards, and so sees it gone or is seen here.
            let mut tasks = world.rds.servers.tasks();
            if busy(&world, &resource).is_some() {
                continue;
            }
            tasks.by_resource.remove(&resource);
            return;
        };
        let done = match steps::step(&world, &instance).await {
            Ok(()) => Ok(()),
            Err(error) => turns::fail(&world, &instance, &error.to_string()),
        };
        if done.is_err() {
            // The disk refuses. The next start of the sandbox goes on from what is kept.
            world.rds.servers.tasks().by_resource.remove(&resource);
            return;
        }
    }
}

/// Starts a server that ended by itself once more, for as long as it is to run.
pub(super) fn look_after(
    world: &Arc<World>,
    resource: &str,
    number: u64,
    mut ended: tokio::sync::watch::Receiver<bool>,
) {
    let (world, resource) = (Arc::clone(world), resource.to_owned());
    tokio::spawn(async move {
        let _ = ended.wait_for(|ended| *ended).await;
        if world.rds.servers.take_numbered(&resource, number).is_none() {
            return;
        }
        if turns::recover(&world, &resource).is_ok() {
            start(&world, &resource);
        }
    });
}

/// Removes files that belong to nothing, as a kill leaves them.
fn tidy(world: &World) -> io::Result<()> {
    let (resources, files): (BTreeSet<String>, BTreeSet<String>) = world.rds.index.read(|index| {
        let resources = index.instances.values().map(|one| one.resource.clone()).collect();
        (resources, index.snapshots.values().map(|one| one.file.clone()).collect())
    });
    for (dir, known) in [(world.rds.dir.join("instances"), resources), (snapshots(world), files)] {
        for entry in fs::read_dir(dir).into_iter().flatten() {
            let entry = entry?;
            if known.contains(entry.file_name().to_string_lossy().as_ref()) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?
            } else {
                fs::remove_file(entry.path())?
            }
        }
    }
    Ok(())
}

/// Ends the servers that an earlier life left, starts those that are to run, and goes on with what was under way.
///
/// # Errors
/// When the disk refuses.
pub async fn resume(world: &Arc<World>) -> io::Result<()> {
    let all: Vec<Instance> = world.rds.index.read(|index| index.instances.values().cloned().collect());
    let homes: Vec<PathBuf> = match fs::read_dir(world.rds.dir.join("instances")) {
        Ok(entries) => entries.flatten().map(|entry| entry.path().join("data")).collect(),
        Err(_) => Vec::new(),
    };
    join_all(homes.iter().map(|data| end_orphan(data))).await;
    tidy(world)?;
    let mut starting = tokio::task::JoinSet::new();
    for instance in all {
        if instance.is_busy() {
            start(world, &instance.resource);
        } else if instance.status == "available" {
            let world = Arc::clone(world);
            starting.spawn(async move {
                if let Err(error) = steps::bring_up(&world, &instance).await {
                    let _ = turns::fail(&world, &instance, &error.to_string());
                }
            });
        }
    }
    let _ = tokio::time::timeout(COMING_BACK, async { while starting.join_next().await.is_some() {} }).await;
    starting.detach_all();
    let watching = tokio::spawn(beat::watch(Arc::clone(world)));
    world.rds.servers.tasks().by_resource.insert(String::new(), watching);
    Ok(())
}

/// Ends every task where it is, and every server.
pub async fn shutdown(world: &Arc<World>) {
    let tasks: Vec<_> = {
        let mut tasks = world.rds.servers.tasks();
        tasks.closed = true;
        tasks.by_resource.drain().map(|(_, task)| task).collect()
    };
    for task in tasks {
        task.abort();
        // It was ended, which is what it says.
        let _ = task.await;
    }
    join_all(world.rds.servers.take_all().into_iter().map(crate::sandbox::postgres::Server::end)).await;
    // A task that was ended may just have started one.
    let all: Vec<PathBuf> = world
        .rds
        .index
        .read(|index| index.instances.values().map(|one| home(world, &one.resource).join("data")).collect());
    join_all(all.iter().map(|data| end_orphan(data))).await;
}
