//! The logs of a slot, from CloudWatch Logs.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::Client;

use crate::{
    engine::ports::{LogLine, Logs as LogsPort, PortResult},
    rollout::SlotState,
};

use super::error::{has_code, port_error};

const SERVICE: &str = "CloudWatch Logs";

pub(super) struct Logs(Client);

impl Logs {
    pub fn new(config: &SdkConfig) -> Self {
        Self(Client::new(config))
    }
}

/// Log group of an App Runner service. Source: App Runner developer guide, "Viewing App Runner logs".
pub(super) fn group(name: &str, arn: &str, kind: &str) -> String {
    let id = arn.rsplit('/').next().unwrap_or_default();
    format!("/aws/apprunner/{name}/{id}/{kind}")
}

/// The last lines of a group since a time in milliseconds, oldest first; none where the group does not exist.
pub(super) async fn lines(
    client: &Client,
    group: &str,
    since_ms: i64,
    limit: usize,
) -> PortResult<Vec<LogLine>> {
    let mut found = std::collections::VecDeque::new();
    let mut token = None;
    loop {
        let page = client
            .filter_log_events()
            .log_group_name(group)
            .start_time(since_ms)
            .set_next_token(token)
            .send()
            .await
            .map_err(port_error(SERVICE, "FilterLogEvents"));
        let page = match page {
            Ok(page) => page,
            Err(error) if has_code(&error, &["ResourceNotFoundException"]) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        for event in page.events.unwrap_or_default() {
            if found.len() == limit {
                found.pop_front();
            }
            found.push_back(LogLine {
                at_ms: event.timestamp.unwrap_or_default(),
                stream: event.log_stream_name.unwrap_or_default(),
                text: event.message.unwrap_or_default(),
            });
        }
        token = page.next_token;
        if token.is_none() {
            return Ok(found.into());
        }
    }
}

#[async_trait]
impl LogsPort for Logs {
    async fn application(&self, slot: &SlotState, since_ms: i64, limit: usize) -> PortResult<Vec<LogLine>> {
        lines(&self.0, &group(&slot.name, &slot.arn, "application"), since_ms, limit).await
    }
}
