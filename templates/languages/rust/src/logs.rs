//! Logs: one JSON object per line on stdout, with the ids that join it to a request and its trace.

use std::fmt::{self, Debug};

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::trace::SdkTracer;
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use crate::{request::context::request_id, settings::SERVICE};

/// Sends events to stdout and spans to the tracer. Libraries are heard from `warn` on: below that they log whole
/// addresses, and a query string may hold a secret.
pub fn install(level: LevelFilter, release: &str, tracer: Option<SdkTracer>) {
    let spans = tracer.map(|tracer| {
        let filter = Targets::new().with_target("app", LevelFilter::INFO);
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_filter(filter)
    });
    let heard = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("app", level);
    let lines = JsonLines {
        release: release.to_owned(),
    }
    .with_filter(heard);
    // Fails only when there is one already.
    let _ = tracing_subscriber::registry()
        .with(spans)
        .with(lines)
        .try_init();
}

struct JsonLines {
    release: String,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for JsonLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Map::new();
        let now = OffsetDateTime::now_utc()
            .format(&Rfc3339)
            .unwrap_or_default();
        line.insert("timestamp".into(), json!(now));
        line.insert(
            "level".into(),
            json!(event.metadata().level().as_str().to_ascii_lowercase()),
        );
        line.insert("message".into(), json!(""));
        line.insert("service".into(), json!(SERVICE));
        line.insert("release".into(), json!(self.release));
        if let Some(id) = request_id() {
            line.insert("request_id".into(), json!(id));
        }
        let current = opentelemetry::Context::current();
        let span = current.span().span_context().clone();
        if span.is_valid() {
            line.insert("trace_id".into(), json!(span.trace_id().to_string()));
            line.insert("span_id".into(), json!(span.span_id().to_string()));
        }
        event.record(&mut Fields(&mut line));
        print_line(&Value::Object(line));
    }
}

/// A line is written whole or, when nobody reads them any more, not at all.
fn print_line(line: &Value) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

struct Fields<'a>(&'a mut Map<String, Value>);

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().into(), json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().into(), json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().into(), json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().into(), json!(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), json!(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = fmt::format(format_args!("{value:?}"));
        self.0.insert(field.name().into(), json!(text));
    }
}
