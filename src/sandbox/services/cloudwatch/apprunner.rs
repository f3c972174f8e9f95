//! App Runner's own metrics, from the requests that the edge answered and the processes of the instances.
//!
//! Names and meaning: App Runner developer guide, "Viewing App Runner service metrics reported to CloudWatch". Dimensions
//! are ServiceName and ServiceID, for a single instance Instance, too. There they have a resolution of a minute; here of a
//! second. A process counts against the CPU and memory that its service was given, which only a container is held to.
//! Where a request was answered, the counts of other classes of status get a 0, so that they have a data point.

use std::collections::{BTreeMap, HashMap};

use crate::sandbox::{services::apprunner::running, world::World};

use super::{bucket::Bucket, lock, stat::Metric, store::Store};

const NAMESPACE: &str = "AWS/AppRunner";

/// Seconds between two looks at all processes of the machine, to find the children of instances: the kernel has no cheaper
/// list of a process group. In between only known processes are read.
const SEARCH: f64 = 10.0;

/// A request that was answered.
#[derive(Debug)]
pub(super) struct Request {
    /// Name and id.
    pub service: (String, String),
    pub status: u16,
    pub latency_ms: f64,
    pub at: i64,
}

/// Counts requests.
pub(super) fn count(store: &mut Store, requests: Vec<Request>) {
    /// Requests, those with a status of 2xx, 4xx and 5xx, and latencies.
    type Sums = ([Bucket; 4], Bucket);
    let mut sums: BTreeMap<((String, String), i64), Sums> = BTreeMap::new();
    for request in requests {
        let (counts, latencies) = sums.entry((request.service, request.at)).or_default();
        let class = request.status / 100;
        for (bucket, wanted) in counts.iter_mut().zip([0, 2, 4, 5]) {
            let value = f64::from(u8::from(wanted == 0 || class == wanted));
            bucket.merge(&Bucket::of(value, 1.0));
        }
        latencies.merge(&Bucket::of(request.latency_ms.max(0.0), 1.0));
    }
    for (((name, id), at), (counts, latencies)) in sums {
        let names = ["Requests", "2xxStatusResponses", "4xxStatusResponses", "5xxStatusResponses"];
        for (metric, bucket) in names.into_iter().zip(counts) {
            store.put(&of(&name, &id, metric, None), "Count", at, true, &bucket);
        }
        store.put(&of(&name, &id, "RequestLatency", None), "Milliseconds", at, true, &latencies);
    }
}

fn of(name: &str, id: &str, metric: &str, instance: Option<&str>) -> Metric {
    let mut dimensions = vec![("ServiceName", name), ("ServiceID", id)];
    dimensions.extend(instance.map(|instance| ("Instance", instance)));
    Metric::new(NAMESPACE, metric, &dimensions)
}

/// What was last seen of processes.
#[derive(Debug, Default)]
pub(super) struct Gauges {
    /// Processes of each group, found at `searched`.
    groups: HashMap<u32, Vec<u32>>,
    searched: f64,
    /// Ticks of the clock that a group had used, and when.
    ticks: HashMap<u32, (u64, f64)>,
}

/// What `/proc/<pid>/stat` says.
struct Seen {
    group: u32,
    /// Ticks of the clock that it used.
    ticks: u64,
    /// Ticks after the machine's start that it was started.
    started: u64,
    /// Resident pages.
    pages: u64,
}

fn stat(pid: u32) -> Option<Seen> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in brackets and may hold anything; fields are counted behind it. Source: proc_pid_stat(5).
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Seen {
        group: u32::try_from(number(5)?).ok()?,
        ticks: number(14)? + number(15)?,
        started: number(22)?,
        pages: number(24)?,
    })
}

/// Seconds since the machine's start.
fn uptime() -> Option<f64> {
    std::fs::read_to_string("/proc/uptime").ok()?.split_whitespace().next()?.parse().ok()
}

impl Gauges {
    fn search(&mut self, leaders: &[u32], now: f64) {
        let new = leaders.iter().any(|leader| !self.groups.contains_key(leader));
        if !new && now - self.searched < SEARCH {
            return;
        }
        self.searched = now;
        self.groups = leaders.iter().map(|leader| (*leader, Vec::new())).collect();
        self.ticks.retain(|leader, _| leaders.contains(leader));
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let pid = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
            if let Some(pid) = pid
                && let Some(seen) = stat(pid)
                && let Some(members) = self.groups.get_mut(&seen.group)
            {
                members.push(pid);
            }
        }
    }

    /// Cores and bytes that a process group uses: the cores since the last look, or since it was started.
    fn of(&mut self, leader: u32, now: f64) -> (Option<f64>, f64) {
        let members = self.groups.get(&leader).into_iter().flatten();
        let found: Vec<Seen> = members.filter_map(|pid| stat(*pid)).collect();
        let ticks: u64 = found.iter().map(|seen| seen.ticks).sum();
        let pages: u64 = found.iter().map(|seen| seen.pages).sum();
        let per_second = rustix::param::clock_ticks_per_second() as f64;
        let before = self.ticks.insert(leader, (ticks, now)).or_else(|| {
            let started = found.iter().map(|seen| seen.started).min()? as f64 / per_second;
            Some((0, now - (uptime()? - started)))
        });
        // A hundredth of a second is what the clock of processes can tell.
        let cores = before.filter(|(_, then)| now - then > 0.05).map(|(before, then)| {
            // Fewer than before where a child has ended.
            ticks.saturating_sub(before) as f64 / per_second / (now - then)
        });
        (cores, pages as f64 * rustix::param::page_size() as f64)
    }
}

/// Looks at the processes of every service.
pub(super) fn sample(world: &World, now: f64) {
    let services = running(world);
    let state = &world.cloudwatch;
    let mut gauges = lock(&state.gauges);
    let leaders: Vec<u32> =
        services.iter().flat_map(|s| s.instances.iter().filter_map(|(_, pid, _)| *pid)).collect();
    if leaders.is_empty() {
        *gauges = Gauges::default();
    }
    gauges.search(&leaders, now);
    let at = now.floor() as i64;
    let mut store = lock(&state.store);
    for service in services {
        let (name, id) = (&service.name, &service.id);
        let (mut cpu, mut memory, mut in_flight) = (Bucket::default(), Bucket::default(), 0);
        for (instance, pid, requests) in &service.instances {
            in_flight += requests;
            let Some(pid) = *pid else { continue };
            let (cores, bytes) = gauges.of(pid, now);
            let mut put = |metric: &str, value: f64, whole: &mut Bucket| {
                let bucket = Bucket::of(value, 1.0);
                whole.merge(&bucket);
                store.put(&of(name, id, metric, Some(instance)), "Percent", at, true, &bucket);
            };
            if let Some(cores) = cores {
                put("CPUUtilization", cores / service.cores * 100.0, &mut cpu);
            }
            put("MemoryUtilization", bytes / service.memory * 100.0, &mut memory);
        }
        let active = Bucket::of(service.instances.len() as f64, 1.0);
        let concurrency = Bucket::of(in_flight as f64, 1.0);
        for (metric, unit, bucket) in [
            ("ActiveInstances", "Count", active),
            ("Concurrency", "Count", concurrency),
            ("CPUUtilization", "Percent", cpu),
            ("MemoryUtilization", "Percent", memory),
        ] {
            if bucket.count > 0.0 {
                store.put(&of(name, id, metric, None), unit, at, true, &bucket);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::services::cloudwatch::{stat::Stat, store::Window};

    #[test]
    fn requests_are_counted_by_their_status() {
        let mut store = Store::default();
        let request = |status, latency_ms| Request {
            service: ("web".to_owned(), "1".to_owned()),
            status,
            latency_ms,
            at: 90,
        };
        count(&mut store, vec![request(200, 10.0), request(204, 20.0), request(404, 1.0), request(503, 5.0)]);
        let read = |metric: &str, stat| {
            let window = Window::aligned(1, 90.0, 91.0);
            store.values(&of("web", "1", metric, None), None, stat, window).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(read("Requests", Stat::Sum), [(90, 4.0)]);
        assert_eq!(read("2xxStatusResponses", Stat::Sum), [(90, 2.0)]);
        assert_eq!(read("5xxStatusResponses", Stat::Average), [(90, 0.25)]);
        assert_eq!(read("RequestLatency", Stat::Maximum), [(90, 20.0)]);
    }

    #[test]
    fn the_kernel_says_what_a_process_uses() {
        let seen = stat(std::process::id()).expect("this process is there");
        assert!(seen.pages > 0);
        let started = seen.started as f64 / rustix::param::clock_ticks_per_second() as f64;
        assert!(uptime().expect("a Linux machine") >= started);
    }
}
