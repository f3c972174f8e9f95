//! What the types cannot say: ranges, pairs, names that AWS accepts, and rules between fields.

use super::{
    Mistake, Parsed, SpecError, closest,
    types::{Environment, Http, Rollout, Scale, Service, Slo, Spec, Target},
    units::Duration,
};

mod dependencies;
mod names;
mod variables;

pub use names::{MAX_SLOT_NAME, environment_name, service_name};
pub use variables::names_a_secret;

/// App Runner's accepted pairs of CPU units and MB.
/// Source: App Runner developer guide, "Configuring an App Runner service", CPU and memory.
pub const SIZES: [(u32, u32); 11] = [
    (256, 512),
    (256, 1024),
    (512, 1024),
    (1024, 2048),
    (1024, 3072),
    (1024, 4096),
    (2048, 4096),
    (2048, 6144),
    (4096, 8192),
    (4096, 10_240),
    (4096, 12_288),
];

/// Regions App Runner exists in. Source: AWS General Reference, "AWS App Runner endpoints and quotas".
pub const REGIONS: [&str; 11] = [
    "us-east-1",
    "us-east-2",
    "us-west-2",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "eu-central-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
];

/// One broken rule: where in the document, what, and what to do.
pub(super) struct Broken {
    path: Vec<String>,
    message: String,
    help: String,
}

/// Collects broken rules.
#[derive(Default)]
pub(super) struct Findings(Vec<Broken>);

impl Findings {
    pub(super) fn add(&mut self, path: &[&str], message: impl Into<String>, help: impl Into<String>) {
        let path = path.iter().map(|s| (*s).to_owned()).collect();
        self.0.push(Broken { path, message: message.into(), help: help.into() });
    }

    fn require(&mut self, holds: bool, path: &[&str], message: impl Into<String>, help: impl Into<String>) {
        if !holds {
            self.add(path, message, help);
        }
    }
}

/// Checks the meaning of a whole spec, every environment included.
///
/// # Errors
/// All mistakes at once, in the order of the file.
pub fn validate(parsed: &Parsed) -> Result<(), SpecError> {
    let mut found = Findings::default();
    let spec = &parsed.spec;
    check_service(&spec.service, &mut found);
    check_http(&spec.http, &["http"], &mut found);
    dependencies::check(spec, &mut found);
    check_scale(&spec.scale, &["scale"], &mut found);
    check_slo(&spec.slo, &spec.http, &["slo"], &mut found);
    check_rollout(&spec.rollout, &["rollout"], &mut found);
    for (index, probe) in spec.probes.iter().enumerate() {
        let index = index.to_string();
        let plain = probe.path.starts_with('/')
            && !probe.path.contains(|c: char| c.is_whitespace() || c.is_control());
        found.require(
            plain,
            &["probes", &index, "path"],
            format!("`{}` is not a path", probe.path),
            "start it with / and leave out white space",
        );
        found.require(
            ["GET", "HEAD"].contains(&probe.method.as_str()),
            &["probes", &index, "method"],
            format!("a probe may not use {}", probe.method),
            "use GET or HEAD: a probe must not change anything",
        );
    }
    if let Some(budget) = &spec.budget {
        found.require(
            budget.monthly_usd.is_finite() && budget.monthly_usd > 0.0,
            &["budget", "monthly_usd"],
            "a budget must be more than 0 US dollars a month",
            "leave [budget] out where there is none",
        );
    }
    for (name, environment) in &spec.environments {
        check_environment(spec, name, environment, &mut found);
    }
    if found.0.is_empty() {
        return Ok(());
    }
    let mut mistakes: Vec<Mistake> = found
        .0
        .into_iter()
        .map(|broken| {
            let path: Vec<&str> = broken.path.iter().map(String::as_str).collect();
            Mistake { message: broken.message, help: Some(broken.help), span: parsed.source.span(&path) }
        })
        .collect();
    mistakes.sort_by_key(|mistake| mistake.span.as_ref().map_or(0, |span| span.start));
    Err(parsed.source.error(mistakes))
}

fn check_service(service: &Service, found: &mut Findings) {
    if let Err((message, help)) = service_name(&service.name) {
        found.add(&["service", "name"], message, help);
    }
    let one_line = |text: &str| !text.chars().any(char::is_control);
    found.require(
        !service.owner.trim().is_empty() && service.owner.len() <= 64 && one_line(&service.owner),
        &["service", "owner"],
        "the owner must be one line of 1 to 64 bytes",
        "name the team that answers for the service",
    );
    found.require(
        service.description.len() <= 400 && one_line(&service.description),
        &["service", "description"],
        "the description must be one line of at most 400 bytes",
        "say in one sentence what the service does; the rest belongs in its README",
    );
    if let Some(on_call) = &service.on_call {
        let address = on_call.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty() && host.contains('.') && !on_call.contains(char::is_whitespace)
        });
        found.require(
            address && one_line(on_call),
            &["service", "on_call"],
            format!("`{on_call}` is not an e-mail address"),
            "write the address alarms go to, as in \"team@example.com\"",
        );
    }
}

fn at<'a>(path: &[&'a str], key: &'a str) -> Vec<&'a str> {
    path.iter().copied().chain([key]).collect()
}

fn check_http(http: &Http, path: &[&str], found: &mut Findings) {
    found.require(
        http.port >= 1024,
        &at(path, "port"),
        format!("port {} needs root inside the container", http.port),
        "use a port from 1024 to 65535, as 8080",
    );
    let limit = Duration::from_secs(120);
    found.require(
        http.request_timeout >= Duration::from_millis(100) && http.request_timeout < limit,
        &at(path, "request_timeout"),
        format!("a request timeout of {} is not possible", http.request_timeout),
        "App Runner ends a request after 120s: use 100ms to 119s",
    );
}

fn check_scale(scale: &Scale, path: &[&str], found: &mut Findings) {
    if !SIZES.contains(&(scale.cpu.0, scale.memory.0)) {
        let fits: Vec<String> = SIZES
            .iter()
            .filter(|(cpu, _)| *cpu == scale.cpu.0)
            .map(|(_, memory)| super::units::Memory(*memory).to_string())
            .collect();
        let help = if fits.is_empty() {
            "App Runner has cpu = \"0.25\", \"0.5\", \"1\", \"2\" and \"4\"".to_owned()
        } else {
            format!("with cpu = \"{}\" the memory can be {}", scale.cpu, fits.join(", "))
        };
        found.add(
            &at(path, if fits.is_empty() { "cpu" } else { "memory" }),
            format!("App Runner has no instance with {} vCPU and {}", scale.cpu, scale.memory),
            help,
        );
    }
    found.require(
        (1..=25).contains(&scale.min) && scale.min <= scale.max && scale.max <= 25,
        &at(path, "min"),
        format!("{} to {} instances is not possible", scale.min, scale.max),
        "use 1 to 25, with min no more than max",
    );
    found.require(
        (1..=200).contains(&scale.concurrency),
        &at(path, "concurrency"),
        format!("a concurrency of {} is not possible", scale.concurrency),
        "use 1 to 200 requests at a time per instance",
    );
}

fn check_slo(slo: &Slo, http: &Http, path: &[&str], found: &mut Findings) {
    found.require(
        (50.0..100.0).contains(&slo.availability),
        &at(path, "availability"),
        format!("an availability of {} % is not an objective", slo.availability),
        "use 50 up to, not including, 100; 99.9 leaves 43 minutes a month",
    );
    found.require(
        slo.latency_p99 > Duration::from_millis(0) && slo.latency_p99 <= http.request_timeout,
        &at(path, "latency_p99"),
        format!(
            "a p99 of {} cannot hold with a request timeout of {}",
            slo.latency_p99, http.request_timeout
        ),
        "use more than 0 and no more than http.request_timeout",
    );
    found.require(
        slo.window >= Duration::from_secs(86_400) && slo.window <= Duration::from_secs(90 * 86_400),
        &at(path, "window"),
        format!("a window of {} is not usable", slo.window),
        "use 1d to 90d; 30d is usual",
    );
}

fn check_rollout(rollout: &Rollout, path: &[&str], found: &mut Findings) {
    let rising = rollout.steps.windows(2).all(|pair| pair[0] < pair[1]);
    found.require(
        rising && rollout.steps.first().is_some_and(|s| *s > 0) && rollout.steps.last() == Some(&100),
        &at(path, "steps"),
        "the steps must rise from more than 0 and end at 100",
        "as in [5, 25, 50, 100], in percent of users",
    );
    found.require(
        rollout.bake >= Duration::from_secs(1) && rollout.bake <= Duration::from_secs(86_400),
        &at(path, "bake"),
        format!("a bake of {} per step is not usable", rollout.bake),
        "use 1s to 24h; 5m is usual",
    );
    found.require(
        (0.0001..=0.5).contains(&rollout.false_alarm),
        &at(path, "false_alarm"),
        format!("a false-alarm probability of {} is not usable", rollout.false_alarm),
        "use 0.0001 to 0.5; 0.05 aborts one good release in twenty at most",
    );
    found.require(
        rollout.rollback_window <= Duration::from_secs(7 * 86_400),
        &at(path, "rollback_window"),
        format!("keeping the old slot warm for {} costs more than it protects", rollout.rollback_window),
        "use up to 7d; a paused slot can still be brought back after it",
    );
}

fn check_environment(spec: &Spec, name: &str, environment: &Environment, found: &mut Findings) {
    let path = ["environments", name];
    if let Err((message, help)) = environment_name(name) {
        found.add(&path, message, help);
    } else if spec.service.name.len() + name.len() + "--green".len() > MAX_SLOT_NAME {
        found.add(
            &path,
            format!(
                "`{}-{name}-green` is longer than the {MAX_SLOT_NAME} characters App Runner allows",
                spec.service.name
            ),
            "shorten the service's name or the environment's",
        );
    }
    match environment.target.unwrap_or_default() {
        Target::Sandbox => found.require(
            environment.account.is_none() && environment.region.is_none(),
            &path,
            "a sandbox has an account and a region of its own",
            "leave `account` and `region` out",
        ),
        Target::Aws => check_account(environment, &path, found),
    }
    variables::check(environment, &at(&path, "variables"), found);
    let mut http = spec.http.clone();
    if let Some(over) = &environment.http {
        over.apply(&mut http);
        check_http(&http, &at(&path, "http"), found);
    }
    if let Some(over) = &environment.scale {
        let mut scale = spec.scale.clone();
        over.apply(&mut scale);
        check_scale(&scale, &at(&path, "scale"), found);
    }
    if let Some(over) = &environment.slo {
        let mut slo = spec.slo.clone();
        over.apply(&mut slo);
        check_slo(&slo, &http, &at(&path, "slo"), found);
    }
    if let Some(over) = &environment.rollout {
        let mut rollout = spec.rollout.clone();
        over.apply(&mut rollout);
        check_rollout(&rollout, &at(&path, "rollout"), found);
    }
}

fn check_account(environment: &Environment, path: &[&str], found: &mut Findings) {
    match &environment.account {
        None => found.add(
            path,
            "an AWS environment needs an account",
            "add account = \"<12 digits>\", or target = \"sandbox\"",
        ),
        Some(account) => found.require(
            account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()),
            &at(path, "account"),
            format!("`{account}` is not an AWS account id"),
            "write its 12 digits in quotes",
        ),
    }
    match environment.region.as_deref() {
        None => found.add(path, "an AWS environment needs a region", "add region = \"us-east-1\""),
        Some(region) if region.starts_with("us-gov-") => {
            found.add(
                &at(path, "region"),
                "App Runner is not in GovCloud",
                "nearest: us-east-1, us-east-2 or us-west-2",
            );
        }
        Some(region) if !REGIONS.contains(&region) => {
            let help = match closest(region, &REGIONS) {
                Some(best) => format!("did you mean `{best}`? App Runner is in {}", REGIONS.join(", ")),
                None => format!("App Runner is in {}", REGIONS.join(", ")),
            };
            found.add(&at(path, "region"), format!("App Runner is not in `{region}`"), help);
        }
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests;
