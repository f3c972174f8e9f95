//! Closed-loop load: so many callers, each of which asks again as soon as it was answered.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::Failed;

/// What came of a load.
pub struct Outcome {
    pub per_second: f64,
    /// Latencies in milliseconds.
    pub latencies: Vec<f64>,
}

/// A connection that stays open.
pub struct Connection {
    stream: BufReader<TcpStream>,
    body: Vec<u8>,
}

impl Connection {
    pub fn open(port: u16) -> Result<Self, Failed> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self { stream: BufReader::with_capacity(64 * 1024, stream), body: Vec::new() })
    }

    pub fn writer(&mut self) -> &mut TcpStream {
        self.stream.get_mut()
    }

    /// The head of an answer: whether it is a success, and how long its body is.
    pub fn head(&mut self) -> Result<usize, Failed> {
        let (mut line, mut first, mut length) = (String::new(), String::new(), 0);
        loop {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                return Err("the connection was closed".into());
            }
            let known = line.trim_end();
            if known.is_empty() {
                break;
            }
            if first.is_empty() {
                known.clone_into(&mut first);
            } else if let Some((name, value)) = known.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        if !first.contains(" 200 ") {
            self.body.resize(length, 0);
            self.stream.read_exact(&mut self.body)?;
            return Err(format!("{first}: {}", String::from_utf8_lossy(&self.body)).into());
        }
        Ok(length)
    }

    /// Reads a body past, in large pieces.
    pub fn skip(&mut self, mut length: usize) -> Result<(), Failed> {
        self.body.resize(1024 * 1024, 0);
        while length > 0 {
            let most = length.min(self.body.len());
            let read = self.stream.read(&mut self.body[..most])?;
            if read == 0 {
                return Err("the body was cut".into());
            }
            length -= read;
        }
        Ok(())
    }

    fn ask(&mut self, request: &[u8]) -> Result<(), Failed> {
        self.writer().write_all(request)?;
        let length = self.head()?;
        self.skip(length)
    }
}

/// What all callers saw, once the last has ended.
fn outcome(callers: Vec<JoinHandle<Result<Vec<f64>, Failed>>>, began: Instant) -> Result<Outcome, Failed> {
    let mut latencies = Vec::new();
    for caller in callers {
        latencies.extend(caller.join().map_err(|_| "a caller panicked")??);
    }
    Ok(Outcome { per_second: latencies.len() as f64 / began.elapsed().as_secs_f64(), latencies })
}

/// As fast as `callers` can, for a time.
pub fn flat_out(port: u16, request: &[u8], callers: usize, time: Duration) -> Result<Outcome, Failed> {
    let began = Instant::now();
    let threads: Vec<_> = (0..callers)
        .map(|_| {
            let request = request.to_owned();
            std::thread::spawn(move || -> Result<Vec<f64>, Failed> {
                let mut connection = Connection::open(port)?;
                let mut latencies = Vec::new();
                while began.elapsed() < time {
                    let at = Instant::now();
                    connection.ask(&request)?;
                    latencies.push(at.elapsed().as_secs_f64() * 1000.0);
                }
                Ok(latencies)
            })
        })
        .collect();
    outcome(threads, began)
}

/// `rate` requests a second in all from `callers`, each at its own moments; latencies count from when a request was due.
pub fn steady(
    port: u16,
    request: &[u8],
    callers: usize,
    rate: f64,
    time: Duration,
) -> Result<Outcome, Failed> {
    let began = Instant::now();
    let threads: Vec<_> = (0..callers)
        .map(|caller| {
            let request = request.to_owned();
            std::thread::spawn(move || -> Result<Vec<f64>, Failed> {
                let mut connection = Connection::open(port)?;
                let mut latencies = Vec::new();
                for number in 0.. {
                    let due = Duration::from_secs_f64((number * callers + caller) as f64 / rate);
                    if due >= time {
                        break;
                    }
                    std::thread::sleep((began + due).saturating_duration_since(Instant::now()));
                    connection.ask(&request)?;
                    latencies.push((began.elapsed() - due).as_secs_f64() * 1000.0);
                }
                Ok(latencies)
            })
        })
        .collect();
    outcome(threads, began)
}
