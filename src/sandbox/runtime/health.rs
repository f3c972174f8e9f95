//! Health checks over HTTP or of the bare port.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::Health;

/// Bytes of an answer that are read.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// Asks once; `Ok` is well, `Err` says what was wrong.
pub(super) async fn check(address: SocketAddr, health: &Health) -> Result<(), String> {
    let timed = tokio::time::timeout(health.timeout, ask(address, health.path.as_deref())).await;
    timed.unwrap_or_else(|_| Err(format!("no answer within {:?}", health.timeout)))
}

async fn ask(address: SocketAddr, path: Option<&str>) -> Result<(), String> {
    let mut stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let Some(path) = path else { return Ok(()) };
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nuser-agent: apprunner-health\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
    // The whole answer is read, up to a bound: to hang up in the middle of it would be an error in the service's log.
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer).await.map_err(|error| error.to_string())?;
    let status = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
    match status.and_then(|status| status.parse::<u16>().ok()) {
        Some(200..=299) => Ok(()),
        Some(status) => Err(format!("GET {path} answered {status}")),
        None => Err(format!("GET {path} got something that is not HTTP")),
    }
}

/// Time between two checks while an instance starts: shorter than any real interval, because waiting proves nothing here.
pub(super) const WHILE_STARTING: Duration = Duration::from_millis(50);
