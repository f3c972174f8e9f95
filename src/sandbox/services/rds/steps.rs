//! What each state of an instance comes to. Doing a step again after a kill comes to the same.

use std::{fs, io, sync::Arc};

use crate::sandbox::{
    call::ServiceError,
    postgres::{ADMIN, Authority, PostgresError, back_up, connect, end_orphan, unpack},
    services::secretsmanager::managed,
    world::World,
};

use super::{
    model::{Instance, Managed, Snapshot, now},
    parameters, roles, secret,
    show::Place,
    snapshots,
    turns::{change, tell, turn},
    work,
};

/// Why a step could not be done.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepError {
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    #[error("{}", .0.message)]
    Service(#[from] ServiceError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// How long a stopped instance stays so. Source: RDS user guide, "Stopping an Amazon RDS DB instance temporarily".
const STOPPED: f64 = 7.0 * 24.0 * 3600.0;

/// Does what a status says is under way.
pub(super) async fn step(world: &Arc<World>, instance: &Instance) -> Result<(), StepError> {
    match instance.status.as_str() {
        "creating" => create(world, instance).await,
        "backing-up" => copy(world, instance).await,
        "modifying" | "resetting-master-credentials" => modify(world, instance).await,
        "rebooting" | "starting" => {
            end(world, &instance.resource).await;
            bring_up(world, instance).await?;
            change(world, &instance.resource, |_, now| now.starts = None)?;
            let message =
                if instance.status == "starting" { "DB instance started" } else { "DB instance restarted" };
            Ok(turn(world, instance, "available", "availability", message)?)
        }
        "stopping" => {
            take_all(world, instance).await?;
            end(world, &instance.resource).await;
            change(world, &instance.resource, |_, stopped| stopped.starts = Some(now() + STOPPED))?;
            Ok(turn(world, instance, "stopped", "notification", "DB instance stopped")?)
        }
        _ => delete(world, instance).await,
    }
}

async fn end(world: &World, resource: &str) {
    if let Some(server) = world.rds.servers.take(resource) {
        server.end().await;
    }
}

/// Starts an instance's server with the settings that its group has now, unless it runs. Says its port.
pub(super) async fn bring_up(world: &Arc<World>, instance: &Instance) -> Result<u16, StepError> {
    let resource = &instance.resource;
    if world.rds.servers.is_running(resource) {
        return Ok(instance.port);
    }
    let cluster = work::cluster(world, instance).await?;
    end_orphan(&cluster.data()).await;
    let free = world.rds.index.update(|index| {
        let mut others = index.clone();
        others.instances.remove(&instance.id);
        let port = work::free_port(&others, instance.port)?;
        let settings = index.by_resource(resource).map(|one| parameters::wanted(index, one));
        if let (Some(one), Some(settings)) = (index.by_resource_mut(resource), settings) {
            one.in_force = settings;
            one.port = port;
        }
        Ok::<_, io::Error>(index.by_resource(resource).cloned())
    })?;
    let instance = free.ok_or_else(|| io::Error::other("the instance is gone"))?;
    let dir = world.rds.dir.clone();
    let authority =
        tokio::task::spawn_blocking(move || Authority::open(&dir)).await.map_err(io::Error::from)??;
    let (server, until) = cluster.start(&work::conduct(&instance), &authority).await?;
    let ended = server.ended();
    let number = world.rds.servers.put(resource, server);
    work::look_after(world, resource, number, ended);
    change(world, resource, |_, now| now.certificate_until = Some(until.unix_timestamp() as f64))?;
    Ok(instance.port)
}

async fn create(world: &Arc<World>, instance: &Instance) -> Result<(), StepError> {
    let resource = &instance.resource;
    end(world, resource).await;
    let mut instance = instance.clone();
    if let Some(mut kept) = instance.managed.clone() {
        let again = Managed { arn: None, ..kept.clone() };
        let (arn, verifier) = secret::prepare(world, &world.own_caller(), &instance, &again)?;
        kept.arn = Some(arn);
        instance.verifier = Some(verifier);
        instance.managed = Some(kept.clone());
        change(world, resource, |_, now| now.managed = Some(kept))?;
    }
    let cluster = work::cluster(world, &instance).await?;
    end_orphan(&cluster.data()).await;
    match &instance.source {
        Some(file) => unpack(&cluster, &work::snapshots(world).join(file)).await?,
        None => cluster.make(&instance.admin).await?,
    }
    let port = bring_up(world, &instance).await?;
    if let (None, Some(verifier)) = (&instance.source, &instance.verifier) {
        let client = connect(port, &instance.admin, ADMIN).await?;
        let major = instance.major().parse().unwrap_or_default();
        roles::first(&client, major, &instance.user, verifier, instance.database.as_deref()).await?;
    }
    change(world, resource, |index, one| {
        one.created = Some(now());
        one.verifier = None;
        one.source = None;
        if let Some(managed) = &mut one.managed {
            managed.status = "active".to_owned();
        }
        let (category, message) = match &instance.source {
            Some(_) => ("restoration", "Restored from snapshot"),
            None => ("creation", "DB instance created"),
        };
        tell(world, index, one, category, message);
        one.status = "available".to_owned();
        if one.number("BackupRetentionPeriod") > 0 {
            one.status = "backing-up".to_owned();
            let form = time::macros::format_description!("[year]-[month]-[day]-[hour]-[minute]");
            let at = time::OffsetDateTime::now_utc().format(&form).unwrap_or_default();
            // An automated snapshot is refused by nothing.
            let _ = snapshots::ask(index, one, &format!("rds:{}-{at}", one.id), "automated", Vec::new());
        }
    })?;
    Ok(())
}

/// Takes every snapshot that was asked for of an instance.
async fn take_all(world: &Arc<World>, instance: &Instance) -> Result<(), StepError> {
    let waiting: Vec<Snapshot> = world.rds.index.read(|index| {
        let all = index.snapshots.values();
        all.filter(|one| one.resource == instance.resource && one.status == "creating").cloned().collect()
    });
    if waiting.is_empty() {
        return Ok(());
    }
    let cluster = work::cluster(world, instance).await?;
    let port = bring_up(world, instance).await?;
    for snapshot in waiting {
        change(world, &instance.resource, |index, one| {
            tell(world, index, one, "backup", "Backing up DB instance")
        })?;
        let taken = now();
        back_up(&cluster.bin, port, &instance.admin, &work::snapshots(world).join(&snapshot.file)).await?;
        change(world, &instance.resource, |index, one| {
            if let Some(kept) = index.snapshots.get_mut(&snapshot.id) {
                kept.status = "available".to_owned();
                kept.created = now();
                kept.taken = taken;
            }
            let arn = Place::own(world).arn("snapshot", &snapshot.id);
            let message =
                format!("{}{} snapshot created", &snapshot.kind[..1].to_uppercase(), &snapshot.kind[1..]);
            index.tell("db-snapshot", &snapshot.id, arn, "creation", &message);
            tell(world, index, one, "backup", "Finished DB Instance backup");
        })?;
    }
    Ok(())
}

async fn copy(world: &Arc<World>, instance: &Instance) -> Result<(), StepError> {
    take_all(world, instance).await?;
    if instance.rests {
        end(world, &instance.resource).await;
    }
    change(world, &instance.resource, |_, now| {
        now.status = if now.rests { "stopped" } else { "available" }.to_owned();
        now.rests = false;
    })?;
    Ok(())
}

async fn modify(world: &Arc<World>, instance: &Instance) -> Result<(), StepError> {
    let resource = &instance.resource;
    let mut verifier = instance.verifier.clone();
    let mut managed_now = instance.managed.clone();
    let changes = managed_now.as_ref().is_some_and(|managed| managed.status != "active");
    if let Some(kept) = managed_now.as_mut().filter(|_| changes) {
        let (arn, made) = secret::prepare(world, &world.own_caller(), instance, kept)?;
        kept.arn = Some(arn);
        verifier = Some(made);
    }
    if let Some(verifier) = &verifier {
        let port = bring_up(world, instance).await?;
        let client = connect(port, &instance.admin, ADMIN).await?;
        roles::password(&client, &instance.user, verifier).await?;
    }
    if let Some(kept) = managed_now.as_mut().filter(|_| changes) {
        managed::promote(world, &world.own_caller(), &kept.name, &kept.version)?;
        kept.status = "active".to_owned();
    }
    if let Some(name) = &instance.former_secret {
        managed::remove(world, name)?;
    }
    let restarts = instance.status == "modifying" && instance.pending.contains_key("DBInstanceClass");
    change(world, resource, |index, now| {
        if instance.status == "modifying" {
            let pending = std::mem::take(&mut now.pending);
            now.members.extend(pending);
            tell(world, index, now, "configuration change", "Finished applying modification");
        }
        if verifier.is_some() {
            tell(world, index, now, "configuration change", "Reset master credentials");
        }
        now.verifier = None;
        now.former_secret = None;
        now.managed = managed_now;
        // What is left is the restart, which may be done again.
        now.status = if restarts { "rebooting" } else { "available" }.to_owned();
    })?;
    Ok(())
}

async fn delete(world: &Arc<World>, instance: &Instance) -> Result<(), StepError> {
    take_all(world, instance).await?;
    end(world, &instance.resource).await;
    let home = work::home(world, &instance.resource);
    end_orphan(&home.join("data")).await;
    match fs::remove_dir_all(&home) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let secrets = instance.managed.as_ref().map(|managed| &managed.name).into_iter();
    for name in secrets.chain(&instance.former_secret) {
        managed::remove(world, name)?;
    }
    let files: Vec<String> = world.rds.index.update(|index| {
        tell(world, index, instance, "deletion", "DB instance deleted");
        index.instances.retain(|_, one| one.resource != instance.resource);
        let mut files = Vec::new();
        index.snapshots.retain(|_, one| {
            let goes = one.resource == instance.resource && one.kind == "automated";
            if goes {
                files.push(one.file.clone());
            }
            !goes
        });
        Ok::<_, io::Error>(files)
    })?;
    for file in files {
        let _ = fs::remove_file(work::snapshots(world).join(file));
    }
    Ok(())
}
