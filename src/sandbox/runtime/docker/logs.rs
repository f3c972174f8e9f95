//! What a container prints, line by line into the sandbox's log groups, with the time it was printed.

use std::sync::Arc;

use bollard::{Docker, container::LogOutput, query_parameters::LogsOptionsBuilder};
use futures_util::StreamExt as _;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::sandbox::{
    runtime::{lines::Line, output::Output},
    world::World,
};

/// Copies until the container ends. Lines that the log has already, from an earlier life of the sandbox, are left out.
pub(super) async fn copy(docker: Docker, id: String, world: Arc<World>, output: Output) {
    let known = output.last(&world);
    let since = known.and_then(|at| i32::try_from(at / 1000).ok()).unwrap_or_default();
    let options =
        LogsOptionsBuilder::default().follow(true).stdout(true).stderr(true).timestamps(true).since(since);
    let mut frames = docker.logs(&id, Some(options.build()));
    let (mut out, mut err) = (Lines::default(), Lines::default());
    while let Some(Ok(frame)) = frames.next().await {
        let lines = if matches!(frame, LogOutput::StdErr { .. }) { &mut err } else { &mut out };
        for (at, line) in lines.take(&String::from_utf8_lossy(&frame.into_bytes())) {
            if known.is_none_or(|known| at > known) {
                output.line(&world, at, &line);
            }
        }
    }
    for lines in [out, err] {
        if let Some((at, line)) = lines.begun.and_then(|(at, mut line)| Some((at, line.end()?))) {
            output.line(&world, at, &line);
        }
    }
}

/// Frames of one stream, each with its time before it -> lines.
#[derive(Debug, Default)]
struct Lines {
    begun: Option<(i64, Line)>,
}

impl Lines {
    fn take(&mut self, frame: &str) -> Vec<(i64, String)> {
        let mut whole = Vec::new();
        for piece in frame.split_inclusive('\n') {
            let (at, text) = match piece.split_once(' ').and_then(|(at, text)| Some((millis(at)?, text))) {
                Some((at, text)) => (at, text),
                None => (Output::now(), piece),
            };
            let (began, mut line) = self.begun.take().unwrap_or((at, Line::default()));
            let rest = text.strip_suffix('\n');
            let long = line.push(rest.unwrap_or(text).as_bytes());
            whole.extend(long.or(rest.and_then(|_| line.end())).map(|line| (began, line)));
            if rest.is_none() {
                self.begun = Some((began, line));
            }
        }
        whole
    }
}

fn millis(text: &str) -> Option<i64> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_time_it_was_begun() {
        let mut lines = Lines::default();
        assert_eq!(lines.take("2026-01-02T03:04:05.123456789Z a long"), []);
        let whole = lines.take("2026-01-02T03:04:06Z  line\n");
        assert_eq!(whole, [(1_767_323_045_123, "a long line".to_owned())]);
        assert_eq!(lines.take("2026-01-02T03:04:06Z \n"), [(1_767_323_046_000, String::new())]);
    }
}
