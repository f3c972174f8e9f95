//! Calls of the control plane: `DescribeService`, on one core.

use std::time::Duration;

use crate::{
    Arguments, Failed,
    daemon::Daemon,
    figures::{median, quantile, table},
    load::flat_out,
    signed::Unsigned,
};

const CALLERS: usize = 8;

fn request(daemon: &Daemon, operation: &str, body: &str) -> Result<Vec<u8>, Failed> {
    let unsigned = Unsigned {
        service: "apprunner",
        method: "POST",
        path: "/",
        headers: &[("x-amz-target", operation), ("content-type", "application/x-amz-json-1.0")],
        body: Some(body.as_bytes()),
        length: body.len(),
    };
    let mut request = unsigned.head(&daemon.keys, daemon.api)?;
    request.extend_from_slice(body.as_bytes());
    Ok(request)
}

pub fn measure(arguments: &Arguments) -> Result<(), Failed> {
    let daemon = Daemon::start(&arguments.binary, Some("0"))?;
    let root = crate::edge::deploy(&daemon)?;
    let status = daemon.pave(&root, &["status"])?;
    let arn = status["live"]["blue"]["arn"].as_str().ok_or("there is no service")?;
    let body = format!("{{\"ServiceArn\":\"{arn}\"}}");
    let (mut rates, mut p99) = (Vec::new(), Vec::new());
    for _ in 0..arguments.rounds {
        let request = request(&daemon, "AppRunner.DescribeService", &body)?;
        let outcome = flat_out(daemon.api, &request, CALLERS, Duration::from_secs(arguments.seconds))?;
        rates.push(outcome.per_second);
        p99.push(quantile(&outcome.latencies, 0.99));
    }
    let rows = vec![vec![
        "DescribeService".to_owned(),
        format!("{:.0}", median(&rates)),
        format!("{:.2}", median(&p99)),
        "1 000".to_owned(),
    ]];
    table(
        &format!("Signed calls on one core, {CALLERS} callers"),
        &["call", "calls/s", "p99 ms", "at least"],
        &rows,
    );
    Ok(())
}
