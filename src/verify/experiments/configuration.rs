//! C11: configuration is checked at start; what is wrong is named, and no value is printed.

use std::time::Duration;

use crate::{
    spec::types::{Dependency, DependencyKind},
    verify::{
        report::{Miss, Observed, broken},
        stage::{Bench, Setup},
    },
};

use super::Experiment;

const LIMIT: Duration = Duration::from_secs(60);

/// Stands for a password in values that are wrong.
const SECRET: &str = "hunter2-4711";

pub(super) fn experiments(dependencies: &[Dependency]) -> Vec<Experiment> {
    let mut all = vec![wrong("PORT".to_owned(), Some(format!("many-{SECRET}")))];
    for dependency in dependencies {
        let name = |suffix: &str| format!("{}_{suffix}", dependency.name.replace('-', "_").to_uppercase());
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
