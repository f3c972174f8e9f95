//! C07: `/livez` says that the process lives, `/readyz` what it cannot do and why.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{
    spec::types::{Dependency, DependencyKind},
    verify::{
        client::{Answer, Caller},
        report::{Miss, Observed, broken},
        stage::{Bench, Fault, Setup},
    },
};

use super::{Experiment, last, until};

/// Answers of `/readyz` are kept for 2 s and a check takes up to 1 s.
const NOTICE: Duration = Duration::from_secs(6);
const RECOVERY: Duration = Duration::from_secs(20);

/// A check takes up to 1 s; the rest is for a busy machine.
const HANGING: Duration = Duration::from_secs(3);

pub(super) fn experiments(dependencies: &[Dependency]) -> Vec<Experiment> {
    let mut all =
        vec![Experiment::new(7, "all is well", "/livez 200, /readyz 200 naming each dependency", |bench| {
            Box::pin(well(bench))
        })];
    for dependency in dependencies {
        let (name, critical) = (dependency.name.clone(), dependency.critical);
        let ready = if critical { 503 } else { 200 };
        all.push(Experiment::new(
            7,
            format!("{name} is down, then up"),
            format!("/readyz {ready} naming it, /livez 200, then /readyz 200"),
            move |bench| Box::pin(down_then_up(bench, name.clone(), ready)),
        ));
    }
    for dependency in dependencies {
        let name = dependency.name.clone();
        all.push(Experiment::new(
            7,
            format!("{name} hangs"),
            format!("/readyz answers within {} s and names it", HANGING.as_secs()),
            move |bench| Box::pin(hangs(bench, name.clone())),
        ));
    }
    if let Some(database) = dependencies.iter().find(|one| one.kind == DependencyKind::Postgres) {
        let database = database.clone();
        all.push(Experiment::new(
            7,
            "the schema is older than the service",
            format!("/readyz says that {} fails, and the service lives", database.name),
            move |bench| Box::pin(behind(bench, database.clone())),
        ));
    }
    if !dependencies.is_empty() {
        all.push(Experiment::new(
            7,
            "every dependency is absent at the start",
            "the service comes up, says so, and recovers by itself",
            |bench| Box::pin(absent(bench)),
        ));
    }
    all
}

/// What `/readyz` says of one dependency.
fn state(ready: &Answer, name: &str) -> String {
    ready.json()["dependencies"][name]["status"].as_str().unwrap_or("nothing").to_owned()
}

async fn well(bench: &Bench) -> Observed {
    let scene = bench.scene(&Setup::default()).await?;
    let live = scene.get("/livez").await?;
    let ready = until(RECOVERY, || scene.get("/readyz"), |answer| answer.status == 200).await;
    let ready = match ready {
        Ok(ready) if live.status == 200 => ready,
        other => {
            let said = match other {
                Ok(answer) | Err(Some(answer)) => String::from_utf8_lossy(&answer.body).into_owned(),
                Err(None) => "no answer".to_owned(),
            };
            return broken(format!("/livez {}, /readyz {said}", live.status));
        }
    };
    for dependency in &bench.spec.dependencies {
        if state(&ready, &dependency.name) != "ok" {
            return broken(format!(
                "/readyz says of {}: {}",
                dependency.name,
                state(&ready, &dependency.name)
            ));
        }
    }
    match ready.json()["service"] {
        Value::String(ref name) if *name == bench.spec.service.name => Ok("200 and 200".to_owned()),
        ref other => broken(format!("/readyz names the service {other}")),
    }
}

async fn down_then_up(bench: &Bench, name: String, expected: u16) -> Observed {
    let scene = bench.scene(&Setup::default()).await?;
    let proxy = scene.proxy(&name)?;
    let ready = || scene.get("/readyz");
    if let Err(answer) = until(RECOVERY, ready, |answer| answer.status == 200).await {
        return broken(format!("while all is well /readyz was answered {}", last(answer)));
    }
    proxy.set(Fault::Down);
    let began = Instant::now();
    let noticed = until(NOTICE, ready, |answer| state(answer, &name) == "failing").await;
    let noticed_after = began.elapsed().as_millis();
    match noticed {
        Ok(answer) if answer.status == expected => {}
        Ok(answer) => return broken(format!("/readyz {} although {name} fails", answer.status)),
        Err(answer) => return broken(format!("/readyz {} never names {name} as failing", last(answer))),
    }
    let live = scene.get("/livez").await?;
    if live.status != 200 {
        return broken(format!("/livez was answered {}", live.brief()));
    }
    proxy.set(Fault::None);
    let began = Instant::now();
    match until(RECOVERY, ready, |answer| answer.status == 200 && state(answer, &name) == "ok").await {
        Ok(_) => Ok(format!(
            "noticed after {noticed_after} ms, well again after {} ms",
            began.elapsed().as_millis()
        )),
        Err(answer) => {
            broken(format!("{} s after it came back /readyz {}", RECOVERY.as_secs(), last(answer)))
        }
    }
}

async fn hangs(bench: &Bench, name: String) -> Observed {
    let scene = bench.scene(&Setup::default()).await?;
    scene.prepared(&name).await?;
    scene.proxy(&name)?.set(Fault::Hang);
    let mut slowest = Duration::ZERO;
    let began = Instant::now();
    while began.elapsed() < NOTICE {
        let ready = scene.get("/readyz").await?;
        slowest = slowest.max(ready.took);
        if slowest > HANGING {
            return broken(format!("/readyz {}", ready.brief()));
        }
        if state(&ready, &name) == "failing" {
            return Ok(format!("named; the slowest answer took {} ms", slowest.as_millis()));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    broken(format!("after {} s /readyz does not name it", NOTICE.as_secs()))
}

async fn behind(bench: &Bench, database: Dependency) -> Observed {
    let server = bench.backing.database.as_ref();
    let server = server.ok_or_else(|| Miss::NotRun("there is no database server".to_owned()))?;
    let empty = server.create(None).await?;
    let (mut variables, _proxies) = bench.surroundings(&Setup::default()).await?;
    variables.insert(database.variable("URL"), server.url(&empty, server.address.port()));
    let running = bench.subject.start(&variables).await?;
    let caller = Caller::new(&running.base)?;
    let ready = caller.send("GET", "/readyz", &[], "", RECOVERY).await?;
    match state(&ready, &database.name).as_str() {
        "failing" => Ok(format!("/readyz {}", ready.status)),
        other => broken(format!("/readyz {} says of {}: {other}", ready.status, database.name)),
    }
}

async fn absent(bench: &Bench) -> Observed {
    let scene = bench.scene(&Setup { absent: true, ..Setup::default() }).await?;
    let ready = scene.get("/readyz").await?;
    let critical = bench.spec.dependencies.iter().any(|dependency| dependency.critical);
    let expected = if critical { 503 } else { 200 };
    if ready.status != expected {
        return broken(format!("/readyz was answered {} with every dependency absent", ready.brief()));
    }
    scene.set_all(Fault::None);
    let began = Instant::now();
    let all_ok = |answer: &Answer| {
        answer.status == 200 && bench.spec.dependencies.iter().all(|one| state(answer, &one.name) == "ok")
    };
    if let Err(answer) = until(RECOVERY, || scene.get("/readyz"), all_ok).await {
        return broken(format!("{} s after they came /readyz {}", RECOVERY.as_secs(), last(answer)));
    }
    for dependency in &bench.spec.dependencies {
        let created = scene.prepared(&dependency.name).await?;
        let answer = scene.reach(&dependency.name, &created).await?;
        if !answer.ok() {
            return broken(format!("a call of {} was then answered {}", dependency.name, answer.brief()));
        }
    }
    Ok(format!("came up, said {expected}; ready {} ms after they came", began.elapsed().as_millis()))
}
