//! C01: every request is bounded in time and size. C02: more requests than fit are refused at once.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use futures_util::future::join_all;

use crate::verify::{
    client::{NoAnswer, Slow},
    report::{Miss, Observed, broken},
    requests::Line,
    stage::{Bench, Fault, Scene, Setup},
};

use super::{Experiment, last, until};

const HEADER_LIMIT_MS: u64 = 1_000;
const REQUEST_LIMIT_MS: u64 = 1_500;
const SLOW_HANDLER_LIMIT_MS: u64 = 700;
const HURRY_MS: u64 = 600;

/// Time between two letters: far less than any limit on silence.
const DRIP: Duration = Duration::from_millis(150);
const SLACK: Duration = Duration::from_millis(2_500);
const BODY_LIMIT: usize = 2_000;
const CONCURRENCY: usize = 8;

pub(super) fn experiments(bench: &Bench) -> Vec<Experiment> {
    let mut all = vec![
        Experiment::new(
            1,
            "a head that never ends",
            format!("408 or the end of the connection after {HEADER_LIMIT_MS} ms"),
            |bench| Box::pin(slow_head(bench)),
        ),
        Experiment::new(
            1,
            "a head that comes letter by letter",
            format!("408 or the end of the connection after {HEADER_LIMIT_MS} ms"),
            |bench| Box::pin(dripping_head(bench)),
        ),
        Experiment::new(
            1,
            format!("a body that never ends, of a caller who waits {HURRY_MS} ms"),
            format!("408, 503 or 504 after {HURRY_MS} ms"),
            |bench| Box::pin(hurried_body(bench)),
        ),
        Experiment::new(
            1,
            "a body that never ends",
            format!("408, 503 or 504 after {REQUEST_LIMIT_MS} ms"),
            |bench| Box::pin(slow_body(bench)),
        ),
        Experiment::new(
            1,
            format!("a body of more than {BODY_LIMIT} bytes"),
            "413, announced, chunked, or in small pieces",
            |bench| Box::pin(large_body(bench)),
        ),
    ];
    if let Some(first) = bench.spec.dependencies.first() {
        let name = first.name.clone();
        all.push(Experiment::new(
            1,
            format!("a handler that waits for {name}"),
            format!("an answer after {SLOW_HANDLER_LIMIT_MS} ms"),
            move |bench| Box::pin(slow_handler(bench, name.clone())),
        ));
    }
    all.push(Experiment::new(
        2,
        format!("{} requests while {CONCURRENCY} of {CONCURRENCY} places are taken", 10 * CONCURRENCY),
        "503 with Retry-After for each, /livez and /readyz 200, then recovery",
        |bench| Box::pin(burst(bench)),
    ));
    all
}

fn address(scene: &Scene<'_>) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, scene.running.port))
}

fn write_line(bench: &Bench) -> Result<&Line, Miss> {
    let write = bench.requests.write.as_ref();
    write.map(|write| &write.request).ok_or_else(|| Miss::NotRun("verify.toml names no write".to_owned()))
}

fn head(line: &Line, length: &str) -> String {
    format!(
        "{} {} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{length}\r\n\r\n",
        line.method, line.path
    )
}

async fn slow_head(bench: &Bench) -> Observed {
    let scene = bench.scene(&Setup::with(&[("HEADER_TIMEOUT_MS", HEADER_LIMIT_MS.to_string())])).await?;
    let mut slow = Slow::begin(address(&scene), "GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: ").await?;
    let began = Instant::now();
    let status = match slow.status(Duration::from_millis(HEADER_LIMIT_MS) + SLACK).await {
        Ok(status) => status,
        Err(late) => return broken(format!("{late}, and the connection stays open")),
    };
    let took = began.elapsed();
    let words = format!("{} after {} ms", if status == 0 { "closed" } else { "408" }, took.as_millis());
    // A service that has died closes its connections, too.
    let live = scene.get("/livez").await?;
    match status {
        0 | 408 if live.status == 200 && took >= Duration::from_millis(HEADER_LIMIT_MS / 2) => Ok(words),
        0 | 408 => broken(format!("{words}, /livez {}", live.status)),
        _ => broken(format!("{status} after {} ms", took.as_millis())),
    }
}

async fn dripping_head(bench: &Bench) -> Observed {
    let scene = bench.scene(&Setup::with(&[("HEADER_TIMEOUT_MS", HEADER_LIMIT_MS.to_string())])).await?;
    let mut slow = Slow::begin(address(&scene), "GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: ").await?;
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(HEADER_LIMIT_MS) + SLACK {
        let status = match slow.more("x").await {
            Ok(()) => slow.status(DRIP).await.ok(),
            // It was closed between two letters.
            Err(_) => Some(0),
        };
        match status {
            None => {}
            Some(0 | 408) if scene.get("/livez").await?.status == 200 => {
                return Ok(format!("the end after {} ms", began.elapsed().as_millis()));
            }
            Some(status) => return broken(format!("{status} after {} ms", began.elapsed().as_millis())),
        }
    }
    broken(format!("after {} ms it is still listened to", began.elapsed().as_millis()))
}

async fn hurried_body(bench: &Bench) -> Observed {
    let line = write_line(bench)?;
    let scene = bench.scene(&Setup::with(&[("REQUEST_TIMEOUT_MS", "20000".to_owned())])).await?;
    let more = format!("content-length: 100\r\nx-request-timeout-ms: {HURRY_MS}");
    let mut slow = Slow::begin(address(&scene), &(head(line, &more) + "{")).await?;
    let began = Instant::now();
    match slow.status(Duration::from_millis(HURRY_MS) + SLACK).await {
        Ok(status @ (408 | 503 | 504)) => Ok(format!("{status} after {} ms", began.elapsed().as_millis())),
        Ok(status) => broken(format!("{status} after {} ms", began.elapsed().as_millis())),
        Err(late) => broken(late.to_string()),
    }
}

async fn slow_body(bench: &Bench) -> Observed {
    let line = write_line(bench)?;
    let scene = bench.scene(&Setup::with(&[("REQUEST_TIMEOUT_MS", REQUEST_LIMIT_MS.to_string())])).await?;
    let mut slow = Slow::begin(address(&scene), &(head(line, "content-length: 100") + "{")).await?;
    let began = Instant::now();
    match slow.status(Duration::from_millis(REQUEST_LIMIT_MS) + SLACK).await {
        Ok(status @ (408 | 503 | 504)) => Ok(format!("{status} after {} ms", began.elapsed().as_millis())),
        Ok(status) => broken(format!("{status} after {} ms", began.elapsed().as_millis())),
        Err(late) => broken(late.to_string()),
    }
}

async fn slow_handler(bench: &Bench, name: String) -> Observed {
    let scene =
        bench.scene(&Setup::with(&[("REQUEST_TIMEOUT_MS", SLOW_HANDLER_LIMIT_MS.to_string())])).await?;
    let created = scene.prepared(&name).await?;
    scene.proxy(&name)?.set(Fault::Hang);
    let answer = scene.reach(&name, &created).await?;
    if answer.took > Duration::from_millis(SLOW_HANDLER_LIMIT_MS + 800) {
        return broken(answer.brief());
    }
    if !answer.ok() && !matches!(answer.status, 502..=504) {
        return broken(answer.brief());
    }
    Ok(answer.brief())
}

async fn large_body(bench: &Bench) -> Observed {
    let line = write_line(bench)?;
    let scene = bench.scene(&Setup::with(&[("MAX_BODY_BYTES", BODY_LIMIT.to_string())])).await?;
    let body = format!("{{\"filler\":\"{}\"}}", "x".repeat(2 * BODY_LIMIT));
    let mut seen = Vec::new();
    let announced = head(line, &format!("content-length: {}", body.len())) + &body;
    let chunked =
        head(line, "transfer-encoding: chunked") + &format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let pieces = body
        .as_bytes()
        .chunks(BODY_LIMIT / 10)
        .map(|piece| format!("{:x}\r\n{}\r\n", piece.len(), String::from_utf8_lossy(piece)));
    let in_pieces = head(line, "transfer-encoding: chunked") + &pieces.collect::<String>() + "0\r\n\r\n";
    for request in [announced, chunked, in_pieces] {
        let mut sent = Slow::begin(address(&scene), &request).await?;
        seen.push(sent.status(SLACK).await?);
    }
    let words = format!("{} announced, {} chunked, {} in small pieces", seen[0], seen[1], seen[2]);
    if seen == [413, 413, 413] { Ok(words) } else { broken(words) }
}

async fn burst(bench: &Bench) -> Observed {
    let line = write_line(bench)?;
    let scene = bench
        .scene(&Setup::with(&[
            ("MAX_CONCURRENCY", CONCURRENCY.to_string()),
            ("REQUEST_TIMEOUT_MS", "20000".to_owned()),
        ]))
        .await?;
    let begin = || Slow::begin(address(&scene), "");
    let mut inside = Vec::new();
    for _ in 0..CONCURRENCY {
        let mut slow = begin().await?;
        slow.more(&(head(line, "content-length: 100") + "{")).await?;
        inside.push(slow);
    }
    let full = until(Duration::from_secs(3), || scene.read(), |answer| answer.status == 503).await;
    if let Err(answer) = full {
        return broken(format!("with every place taken a request was answered {}", last(answer)));
    }
    let refused: Vec<Result<_, NoAnswer>> = join_all((0..10 * CONCURRENCY).map(|_| scene.read())).await;
    let mut slowest = Duration::ZERO;
    for answer in refused {
        let answer = answer?;
        if answer.status != 503 || answer.header("retry-after").parse::<u32>().is_err() {
            let hint = answer.header("retry-after");
            return broken(format!("a request was answered {}, Retry-After `{hint}`", answer.brief()));
        }
        slowest = slowest.max(answer.took);
    }
    for path in ["/livez", "/readyz"] {
        let health = scene.get(path).await?;
        if health.status != 200 {
            return broken(format!("{path} was answered {} while the service was full", health.brief()));
        }
    }
    drop(inside);
    match until(Duration::from_secs(5), || scene.read(), |answer| answer.ok()).await {
        Ok(_) => Ok(format!(
            "{} refused, the slowest after {} ms; recovered",
            10 * CONCURRENCY,
            slowest.as_millis()
        )),
        Err(answer) => broken(format!("after the burst a request was answered {}", last(answer))),
    }
}
