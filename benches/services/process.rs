//! What the kernel says of a process and of this machine.

use std::fs;

/// The unit in which Linux tells processor time to user space, on every architecture.
const MS_PER_TICK: f64 = 10.0;

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .map(|rest| rest.trim_start_matches([':', ' ', '\t']))
}

/// Resident memory in KiB, while the process lives.
pub fn resident_kib(id: u32) -> Option<f64> {
    let status = read(&format!("/proc/{id}/status"));
    field(&status, "VmRSS")?.split(' ').next()?.parse().ok()
}

/// Processor time of all its threads so far, in milliseconds.
pub fn processor_ms(id: u32) -> Option<f64> {
    let stat = read(&format!("/proc/{id}/stat"));
    // The name before the last parenthesis may hold anything.
    let rest = &stat[stat.rfind(')')? + 1..];
    let ticks: Vec<f64> = rest.split_whitespace().skip(11).take(2).filter_map(|n| n.parse().ok()).collect();
    Some(ticks.iter().sum::<f64>() * MS_PER_TICK)
}

/// The load average.
pub fn load_average() -> String {
    read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// The machine on one line.
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let (processor, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let model = field(&processor, "model name").unwrap_or("unknown processor");
    let kib: u64 = field(&memory, "MemTotal").and_then(|n| n.split(' ').next()?.parse().ok()).unwrap_or(0);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!(
        "{cores} cores ({model}), {} GiB, Linux {}; load average at the start: {}",
        kib / 1024 / 1024,
        kernel.trim(),
        load_average()
    )
}
