//! C11: configuration is checked at start; what is wrong is named, and no value is printed.

use std::time::{Duration, Instant};

use crate::{
    spec::types::{Dependency, DependencyKind},
    verify::{
        report::{Miss, Observed, broken},
        stage::{Bench, Database, Fault, Setup},
    },
};

use super::{
    Experiment,
    draining::{LIMIT as LEAVING, leaves},
};

const LIMIT: Duration = Duration::from_secs(60);

/// Stands for a password in values that are wrong.
const SECRET: &str = "hunter2-4711";

pub(super) fn experiments(dependencies: &[Dependency]) -> Vec<Experiment> {
    let mut all = vec![
        wrong("PORT".to_owned(), Some(format!("many-{SECRET}"))),
        Experiment::new(
            11,
            "what it prints while it works",
            "no secret of its variables, of an address or of a header",
            |bench| Box::pin(tells_nothing(bench)),
        ),
    ];
    if !dependencies.is_empty() {
        all.push(Experiment::new(
            11,
            "what it answers while every dependency is down",
            "no address and no secret of its variables",
            |bench| Box::pin(answers_nothing(bench)),
        ));
    }
    for dependency in dependencies {
        let name = |suffix: &str| dependency.variable(suffix);
        match dependency.kind {
            DependencyKind::Postgres | DependencyKind::Redis => {
                all.push(wrong(name("URL"), None));
                all.push(wrong(name("URL"), Some(format!("//user:{SECRET}@ nowhere"))));
            }
            DependencyKind::Http => all.push(wrong(name("URL"), Some(format!("not-a-url-{SECRET}")))),
            DependencyKind::S3 => all.push(wrong(name("BUCKET"), None)),
            DependencyKind::Dynamodb => all.push(wrong(name("TABLE"), None)),
            DependencyKind::Sqs => all.push(wrong(name("QUEUE_URL"), None)),
            DependencyKind::Bedrock => {}
        }
    }
    all
}

fn wrong(variable: String, value: Option<String>) -> Experiment {
    let how = if value.is_some() { "malformed" } else { "unset" };
    let expected = format!("it ends with a status that is not 0 and names {variable}, not its value");
    Experiment::new(11, format!("{variable} is {how}"), expected, move |bench| {
        Box::pin(refuses(bench, variable.clone(), value.clone()))
    })
}

async fn tells_nothing(bench: &Bench) -> Observed {
    let mut scene = bench.scene(&Setup::default()).await?;
    let path = &bench.requests.read.request.path;
    let more = if path.contains('?') { '&' } else { '?' };
    let bearer = format!("Bearer {SECRET}");
    let headers = [("authorization", bearer.as_str()), ("cookie", SECRET)];
    for path in [format!("{path}{more}token={SECRET}"), format!("/nowhere?token={SECRET}")] {
        scene.caller.send("GET", &path, &headers, "", LIMIT).await?;
    }
    scene.running.terminate().await;
    leaves(scene.running.ended(LEAVING).await, Instant::now())?;
    let mut secrets = secrets(bench);
    secrets.push(SECRET.to_owned());
    let lines = scene.running.lines();
    match lines.iter().find(|line| secrets.iter().any(|secret| line.contains(secret))) {
        None => Ok(format!("{} lines without any of {} secrets", lines.len(), secrets.len())),
        Some(_) => broken("a line of its log has a secret in it"),
    }
}

/// Passwords and keys that the service was given; a short one may be part of anything.
fn secrets(bench: &Bench) -> Vec<String> {
    let password = bench.backing.database.as_ref().map(Database::password);
    let keys = bench.backing.credentials.iter().filter(|(name, _)| name.contains("SECRET"));
    keys.map(|(_, value)| value.clone()).chain(password).filter(|secret| secret.len() >= 8).collect()
}

async fn answers_nothing(bench: &Bench) -> Observed {
    let scene = bench.scene(&Setup::default()).await?;
    let mut places = Vec::new();
    for dependency in &bench.spec.dependencies {
        places.push((dependency.name.clone(), scene.prepared(&dependency.name).await?));
    }
    scene.set_all(Fault::Down);
    let mut answers = vec![scene.get("/readyz").await?];
    for (name, created) in &places {
        answers.push(scene.reach(name, created).await?);
    }
    let mut hidden = secrets(bench);
    for (name, _) in &places {
        hidden.push(scene.proxy(name)?.address.to_string());
    }
    for answer in &answers {
        let text = String::from_utf8_lossy(&answer.body);
        if hidden.iter().any(|one| text.contains(one)) {
            return broken(format!("an answer {} tells an address or a secret", answer.status));
        }
    }
    Ok(format!("{} answers without any of {}", answers.len(), hidden.len()))
}

async fn refuses(bench: &Bench, variable: String, value: Option<String>) -> Observed {
    let (mut variables, _proxies) = bench.surroundings(&Setup::default()).await?;
    match value {
        Some(value) => variables.insert(variable.clone(), value),
        None => variables.remove(&variable),
    };
    let ended = bench.subject.run(&[], &variables, LIMIT).await.map_err(Miss::from)?;
    let Some(code) = ended.code else {
        return broken("it started all the same");
    };
    if code == 0 || !ended.all.contains(&variable) {
        return broken(format!("exit {code}, {variable} is {}named", if code == 0 { "" } else { "not " }));
    }
    if ended.all.contains(SECRET) {
        return broken(format!("exit {code}, and the value was printed"));
    }
    Ok(format!("exit {code}, {variable} is named"))
}
