//! The documents that every project has, whatever its language: they hold the spec's own values, for every kind of dependency.

use std::collections::BTreeSet;

use serde_yaml_ng::Value;

use crate::{blueprint::Blueprint, spec::parse};

use super::{FilePlan, render};

const NASTY: &str = r#"Takes "orders" & <cards> | `now` {{ x }} ${y} {% z %} # not: a comment"#;

const KINDS: [&str; 7] = ["bedrock", "dynamodb", "http", "postgres", "redis", "s3", "sqs"];

fn spec(kinds: &[&str], rest: &str) -> String {
    let mut text = format!(
        "[service]\nname = \"orders\"\ndescription = '{NASTY}'\nowner = '{NASTY}'\nlanguage = \"python\"\n{rest}"
    );
    for kind in kinds {
        let url = if *kind == "http" { "url = \"https://api.shop.test/$v1\"\n" } else { "" };
        text += &format!("[[dependencies]]\nname = \"my-{kind}\"\nkind = \"{kind}\"\ncritical = true\n{url}");
    }
    text
}

fn rendered(text: &str) -> FilePlan {
    let parsed = parse("pave.toml", text).expect("a spec");
    render(&parsed, &Blueprint::common()).expect("renders")
}

fn text(plan: &FilePlan, path: &str) -> String {
    let file = plan.get(path).unwrap_or_else(|| panic!("no {path}"));
    String::from_utf8(file.bytes.clone()).expect("UTF-8")
}

fn yaml(plan: &FilePlan, path: &str) -> Value {
    let mut value: Value =
        serde_yaml_ng::from_str(&text(plan, path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    value.apply_merge().expect("merges");
    value
}

/// Every rule of the alerts, by its name.
fn rules(plan: &FilePlan) -> Vec<(String, Value)> {
    let alerts = yaml(plan, "ops/alerts.yaml");
    let groups = alerts["groups"].as_sequence().expect("groups").clone();
    let rules = groups.iter().flat_map(|group| group["rules"].as_sequence().expect("rules").clone());
    rules.filter_map(|rule| Some((rule["alert"].as_str()?.to_owned(), rule))).collect()
}

/// The anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || " -".contains(*c))
        .collect::<String>();
    kept.trim().replace(' ', "-")
}

#[test]
fn alerts_burn_by_the_numbers_of_the_spec() {
    let plan = rendered(&spec(&[], "[slo]\navailability = 99.5\nlatency_p99 = \"250ms\"\nwindow = \"7d\"\n"));
    let rules = rules(&plan);
    let expr = |name: &str| {
        let rule = rules.iter().find(|(alert, _)| alert == name).unwrap_or_else(|| panic!("no {name}"));
        rule.1["expr"].as_str().expect("text").to_owned()
    };
    for (name, long, short, bad, slow) in [
        ("Fast", "1h", "5m", "0.072", "0.144"),
        ("", "6h", "30m", "0.03", "0.06"),
        ("Slowly", "3d", "6h", "0.005", "0.01"),
    ] {
        let availability = expr(&format!("AvailabilityBurns{name}"));
        let latency = expr(&format!("LatencyBurns{name}"));
        for window in [long, short] {
            let part = format!("service:bad_requests:ratio_rate{window}{{service=\"orders\"}} > {bad}");
            assert!(availability.contains(&part), "{part}\n{availability}");
            let part = format!("service:slow_requests:ratio_rate{window}{{service=\"orders\"}} > {slow}");
            assert!(latency.contains(&part), "{part}\n{latency}");
        }
        for (expr, least) in [(availability, 10), (latency, 100)] {
            let guard = format!(
                "increase(http_server_request_duration_seconds_count{{job=\"orders\"}}[{short}])) >= {least}"
            );
            assert!(expr.contains(&guard), "{guard}\n{expr}");
        }
    }
    let slo = text(&plan, "SLO.md");
    for words in [
        "| 0.5 % |",
        "| 50.4 minutes |",
        "| 5000 |",
        "| 3024 of 604800 |",
        "| 302400 of 60480000 |",
        "| 7.2 % |",
    ] {
        assert!(slo.contains(words), "{words}\n{slo}");
    }
}

#[test]
fn slow_requests_are_counted_from_the_bucket_that_ends_at_the_objective() {
    for (latency, bucket) in
        [("250ms", r#"le=~"0.25""#), ("1s", r#"le=~"1(.0)?""#), ("1500ms", r#"le=~"1.5""#)]
    {
        let plan = rendered(&spec(&[], &format!("[slo]\nlatency_p99 = \"{latency}\"\n")));
        let alerts = text(&plan, "ops/alerts.yaml");
        assert_eq!(alerts.matches(bucket).count(), 5, "{bucket}\n{alerts}");
    }
}

#[test]
fn an_objective_below_the_burn_rate_still_has_an_alert_that_can_fire() {
    let plan = rendered(&spec(&[], "[slo]\navailability = 90.0\n"));
    let rules = rules(&plan);
    let fast = rules[0].1["expr"].as_str().expect("text");
    assert!(fast.contains("> 0.99 "), "{fast}");
}

#[test]
fn every_alert_has_an_entry_in_the_runbook() {
    let plan = rendered(&spec(&KINDS, ""));
    let runbook = text(&plan, "RUNBOOK.md");
    let headings: BTreeSet<String> = runbook
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| anchor(line.trim_start_matches('#')))
        .collect();
    let rules = rules(&plan);
    assert_eq!(rules.len(), 8 + KINDS.len());
    for (name, rule) in rules {
        let link = rule["annotations"]["runbook"].as_str().expect("a link").to_owned();
        let place = link.strip_prefix("RUNBOOK.md#").unwrap_or_else(|| panic!("{name}: {link}"));
        assert!(headings.contains(place), "{name}: {place} is not in {headings:?}");
    }
    for link in runbook.split("](#").skip(1) {
        let place = link.split(')').next().expect("an end");
        assert!(headings.contains(place), "{place} is not in {headings:?}");
    }
}

#[test]
fn compose_starts_what_a_service_needs_before_it() {
    let plan = rendered(&spec(&KINDS, ""));
    let compose = yaml(&plan, "compose.yaml");
    let services = compose["services"].as_mapping().expect("services");
    let mut names: Vec<&str> = services.keys().filter_map(Value::as_str).collect();
    names.sort_unstable();
    let expected = [
        "aws",
        "aws-init",
        "collector",
        "migrate",
        "my-postgres-postgres",
        "my-redis-redis",
        "service",
        "viewer",
    ];
    assert_eq!(names, expected);
    for (name, service) in services {
        if let Some(image) = service["image"].as_str().filter(|_| service["build"].is_null()) {
            let tag = image.rsplit_once(':').map(|(_, tag)| tag).unwrap_or_default();
            assert!(tag.matches('.').count() >= 1 && tag.starts_with(char::is_numeric), "{name:?}: {image}");
        }
        let Some(waits) = service["depends_on"].as_mapping() else { continue };
        for (other, how) in waits {
            let other = services.get(other).unwrap_or_else(|| panic!("{name:?} waits for {other:?}"));
            let healthy = how["condition"].as_str() == Some("service_healthy");
            assert!(
                !healthy || !other["healthcheck"].is_null(),
                "{name:?} waits for the health of one without a check"
            );
        }
    }
    let set = &compose["services"]["service"]["environment"];
    for (variable, value) in [
        ("MY_POSTGRES_URL", "postgres://service:local@my-postgres-postgres:5432/service"),
        ("MY_REDIS_URL", "redis://my-redis-redis:6379"),
        ("MY_HTTP_URL", "${MY_HTTP_URL:-https://api.shop.test/$$v1}"),
        ("MY_S3_BUCKET", "my-s3"),
        ("MY_DYNAMODB_TABLE", "my-dynamodb"),
        ("MY_SQS_QUEUE_URL", "http://aws:5000/123456789012/my-sqs"),
        ("AWS_ENDPOINT_URL_S3", "http://aws:5000"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "http://aws:5000"),
        ("AWS_ENDPOINT_URL_SQS", "http://aws:5000"),
    ] {
        assert_eq!(set[variable].as_str(), Some(value), "{variable}");
    }
    assert!(set["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"].is_null());
    let script = text(&plan, "ops/local_aws.py");
    for made in ["[\"my-s3\"]", "[\"my-dynamodb\"]", "[\"my-sqs\"]"] {
        assert!(script.contains(made), "{made}\n{script}");
    }
}

#[test]
fn what_no_dependency_needs_is_left_out() {
    let plan = rendered(&spec(&["http"], ""));
    assert!(!plan.contains_key("ops/local_aws.py"));
    let compose = yaml(&plan, "compose.yaml");
    assert_eq!(compose["services"].as_mapping().expect("services").len(), 3);
    let environment = compose["services"]["service"]["environment"].as_mapping().expect("some");
    assert!(!environment.keys().any(|key| key.as_str().is_some_and(|key| key.starts_with("AWS"))));
}

#[test]
fn words_of_the_user_stay_words() {
    let plan = rendered(&spec(&KINDS, ""));
    let catalog = text(&plan, "catalog-info.yaml");
    let entities: Vec<Value> = serde_yaml_ng::Deserializer::from_str(&catalog)
        .map(|part| serde::Deserialize::deserialize(part).expect("YAML"))
        .collect();
    assert_eq!(entities.len(), 2 + KINDS.len());
    assert_eq!(entities[0]["metadata"]["description"].as_str(), Some(NASTY));
    let declared: BTreeSet<String> = entities[2..]
        .iter()
        .map(|e| format!("resource:default/{}", e["metadata"]["name"].as_str().expect("a name")))
        .collect();
    let wanted: BTreeSet<String> = entities[0]["spec"]["dependsOn"]
        .as_sequence()
        .expect("some")
        .iter()
        .map(|name| name.as_str().expect("text").to_owned())
        .collect();
    assert_eq!(declared, wanted);
    for (path, file) in plan.iter().filter(|(path, _)| path.ends_with(".md")) {
        let text = String::from_utf8(file.bytes.clone()).expect("UTF-8");
        assert!(!text.contains("<cards>"), "{path}");
        for row in
            text.lines().filter(|line| line.starts_with("| what it does") || line.starts_with("| owner"))
        {
            assert_eq!(row.matches('|').count(), 3, "{path}: {row}");
        }
        assert_eq!(text.matches("```").count() % 2, 0, "{path}");
        assert!(!text.contains("\n\n\n"), "{path} has two empty lines");
    }
}

#[test]
fn an_owner_that_github_knows_reviews_changes() {
    let team = spec(&[], "").replace(&format!("owner = '{NASTY}'"), "owner = '@shop/payments'");
    assert_eq!(text(&rendered(&team), "CODEOWNERS"), "* @shop/payments\n");
    assert!(text(&rendered(&spec(&[], "")), "CODEOWNERS").lines().all(|line| line.starts_with('#')));
}
