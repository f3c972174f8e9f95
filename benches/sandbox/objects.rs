//! One large object, put and got, beside the same bytes written to the same disk.

use std::{fs, io::Write as _, path::Path, time::Instant};

use crate::{
    Arguments, Failed,
    daemon::Daemon,
    figures::{median, table},
    load::Connection,
    signed::Unsigned,
};

const PIECE: usize = 1024 * 1024;

fn head(daemon: &Daemon, method: &str, path: &str, length: usize) -> Result<Vec<u8>, Failed> {
    Unsigned { service: "s3", method, path, headers: &[], body: None, length }.head(&daemon.keys, daemon.api)
}

fn put(daemon: &Daemon, path: &str, piece: &[u8], pieces: usize) -> Result<(), Failed> {
    let mut connection = Connection::open(daemon.api)?;
    connection.writer().write_all(&head(daemon, "PUT", path, piece.len() * pieces)?)?;
    for _ in 0..pieces {
        connection.writer().write_all(piece)?;
    }
    let length = connection.head()?;
    connection.skip(length)
}

fn get(daemon: &Daemon, path: &str, expected: usize) -> Result<(), Failed> {
    let mut connection = Connection::open(daemon.api)?;
    connection.writer().write_all(&head(daemon, "GET", path, 0)?)?;
    let length = connection.head()?;
    if length != expected {
        return Err(format!("{length} bytes came back").into());
    }
    connection.skip(length)
}

/// The same bytes, written and flushed by one process.
fn written(dir: &Path, piece: &[u8], pieces: usize) -> Result<(), Failed> {
    let path = dir.join("peer");
    let mut file = fs::File::create(&path)?;
    for _ in 0..pieces {
        file.write_all(piece)?;
    }
    file.sync_data()?;
    drop(file);
    fs::remove_file(path)?;
    Ok(())
}

/// The most memory a process ever held, in MiB.
fn peak_mib(id: u32) -> Result<f64, Failed> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}

pub fn measure(arguments: &Arguments) -> Result<(), Failed> {
    let pieces = arguments.mebibytes;
    let piece: Vec<u8> = (0..PIECE).map(|n| (n * 31 % 251) as u8).collect();
    let (mut puts, mut gets, mut peers, mut peaks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let rate = |began: Instant| (pieces * PIECE) as f64 / 1e6 / began.elapsed().as_secs_f64();
    for _ in 0..arguments.rounds {
        let daemon = Daemon::start(&arguments.binary, None)?;
        put(&daemon, "/bench", &[], 0)?;
        let began = Instant::now();
        put(&daemon, "/bench/large", &piece, pieces)?;
        puts.push(rate(began));
        let began = Instant::now();
        get(&daemon, "/bench/large", pieces * PIECE)?;
        gets.push(rate(began));
        peaks.push(peak_mib(daemon.id)?);
        let began = Instant::now();
        written(daemon.dir.path(), &piece, pieces)?;
        peers.push(rate(began));
    }
    let row = |what: &str, rates: &[f64]| {
        vec![
            what.to_owned(),
            format!("{:.0}", median(rates)),
            format!("{:.2}", median(rates) / median(&peers)),
        ]
    };
    table(
        &format!(
            "One object of {pieces} MiB; the sandbox held at most {:.0} MiB of memory (limit 64)",
            median(&peaks)
        ),
        &["what", "MB/s (at least 300)", "of the disk"],
        &[row("PutObject", &puts), row("GetObject", &gets), row("written and flushed, no sandbox", &peers)],
    );
    Ok(())
}
