//! What goes on by itself: logs and metrics of running servers, maintenance windows, the end of a stop.

use std::{collections::HashMap, fs, io::Read as _, io::Seek as _, io::SeekFrom, sync::Arc, time::Duration};

use time::OffsetDateTime;

use crate::sandbox::{
    postgres::{ADMIN, connect},
    services::cloudwatch::Observation,
    world::World,
};

use super::{
    model::{Instance, now},
    turns, work,
};

const BEAT: Duration = Duration::from_secs(1);

/// Beats between two looks at what changes slowly. Source: RDS user guide, "Overview of Amazon RDS metrics" (a minute).
const MINUTE: u64 = 60;

/// Most that one beat reads of a log.
const MOST: u64 = 1024 * 1024;

/// Looks after what runs until its task is ended.
pub(super) async fn watch(world: Arc<World>) {
    let mut beats = tokio::time::interval(BEAT);
    beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let (mut beat, mut read): (u64, HashMap<String, u64>) = (0, HashMap::new());
    loop {
        beats.tick().await;
        let all: Vec<Instance> = world.rds.index.read(|index| index.instances.values().cloned().collect());
        read.retain(|resource, _| all.iter().any(|one| one.resource == *resource));
        for instance in &all {
            follow(&world, instance, &mut read);
        }
        if beat.is_multiple_of(MINUTE) {
            for instance in &all {
                if let Some(observation) = connections(&world, instance).await {
                    world.cloudwatch.observe(vec![observation]);
                }
                let due = turns::open_window(&world, instance, minute()).unwrap_or(false)
                    || turns::over(&world, instance).unwrap_or(false);
                if due {
                    work::start(&world, &instance.resource);
                }
            }
        }
        beat += 1;
    }
}

/// The minute of the week, from Monday on.
fn minute() -> u32 {
    let now = OffsetDateTime::now_utc();
    u32::from(now.weekday().number_days_from_monday()) * 24 * 60
        + u32::from(now.hour()) * 60
        + u32::from(now.minute())
}

/// Passes on the whole lines that a server has said since the last look. What it says while nobody exports its logs is
/// passed over, and so is what it said in an earlier life of the sandbox.
fn follow(world: &World, instance: &Instance, read: &mut HashMap<String, u64>) {
    let path = work::home(world, &instance.resource).join("postgresql.log");
    let Ok(mut file) = fs::File::open(path) else {
        // It has said nothing yet, so that nothing of what comes is old.
        read.insert(instance.resource.clone(), 0);
        return;
    };
    let length = file.metadata().map(|about| about.len()).unwrap_or_default();
    let from = *read.entry(instance.resource.clone()).or_insert(length);
    if instance.exports.is_empty() || from > length {
        read.insert(instance.resource.clone(), length);
        return;
    }
    let mut bytes = Vec::new();
    if from == length
        || file.seek(SeekFrom::Start(from)).is_err()
        || file.take(MOST).read_to_end(&mut bytes).is_err()
    {
        return;
    }
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let lines: Vec<String> = String::from_utf8_lossy(&bytes[..whole])
        .lines()
        .map(str::to_owned)
        .filter(|line| !line.is_empty())
        .collect();
    // Source: RDS user guide, "Publishing PostgreSQL logs to Amazon CloudWatch Logs".
    let group = format!("/aws/rds/instance/{}/postgresql", instance.id);
    let stream = format!("{}.0", instance.id);
    if lines.is_empty() || world.logs.append(&group, &stream, (now() * 1e3) as i64, &lines).is_ok() {
        read.insert(instance.resource.clone(), from + whole as u64);
    }
}

/// How many sessions of others an instance has.
async fn connections(world: &World, instance: &Instance) -> Option<Observation> {
    if instance.status != "available" || !world.rds.servers.is_running(&instance.resource) {
        return None;
    }
    let client = connect(instance.port, &instance.admin, ADMIN).await.ok()?;
    let question =
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename <> $1";
    let count: i64 = client.query_one(question, &[&ADMIN]).await.ok()?.get(0);
    Some(Observation {
        namespace: "AWS/RDS".to_owned(),
        name: "DatabaseConnections".to_owned(),
        dimensions: vec![("DBInstanceIdentifier".to_owned(), instance.id.clone())],
        unit: "Count".to_owned(),
        value: count as f64,
        at: now(),
    })
}
