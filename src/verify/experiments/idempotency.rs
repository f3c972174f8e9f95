//! C09: a repeated write is answered, not done again (IETF draft `Idempotency-Key` header field).

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt as _, future::join_all, stream::FuturesUnordered};

use crate::{
    spec::types::{Dependency, DependencyKind},
    verify::{
        client::Caller,
        report::{Observed, broken},
        stage::{Bench, Setup, unique},
    },
};

use super::Experiment;

const DUPLICATES: usize = 20;
const WRITES: usize = 40;

pub(super) fn experiments(dependencies: &[Dependency]) -> Vec<Experiment> {
    let mut all = vec![
        Experiment::new(
            9,
            "a write repeated with its key",
            "the first answer again; 422 for another payload",
            |bench| Box::pin(repeated(bench)),
        ),
        Experiment::new(
            9,
            format!("{DUPLICATES} equal writes at once"),
            "one is done; the others get its answer or 409",
            |bench| Box::pin(at_once(bench)),
        )
        .once(),
    ];
    // Without a database a killed process forgets its writes and its keys alike.
    if dependencies.iter().any(|dependency| dependency.kind == DependencyKind::Postgres) {
        all.push(
            Experiment::new(
                9,
                format!("SIGKILL during {WRITES} writes, all sent again"),
                "each is done once and answered as before",
                |bench| Box::pin(killed(bench)),
            )
            .once(),
        );
    }
    all
}

async fn repeated(bench: &Bench) -> Observed {
    let scene = bench.scene(&Setup::default()).await?;
    let (key, text) = (unique(), unique());
    let first = scene.write(&key, &text).await?;
    let again = scene.write(&key, &text).await?;
    let other = scene.write(&key, &unique()).await?;
    let words = format!("{}, then {}, then {}", first.status, again.status, other.status);
    let same = first.ok()
        && again.status == first.status
        && again.body == first.body
        && again.header("location") == first.header("location")
        && again.header("idempotency-replayed") == "true";
    if !same {
        return broken(format!("{words}; the second is not the first again"));
    }
    if other.status != 422 {
        return broken(words);
    }
    // No part of the payload is left out of what is compared.
    for (member, answer) in scene.write_changed(&key, &text).await? {
        if answer.status != 422 {
            return broken(format!("{words}; with another `{member}` {}", answer.status));
        }
    }
    Ok(words)
}

async fn at_once(bench: &Bench) -> Observed {
    let scene = bench.scene(&Setup::default()).await?;
    let (key, text) = (unique(), unique());
    let answers = join_all((0..DUPLICATES).map(|_| scene.write(&key, &text))).await;
    let (mut done, mut waiting) = (BTreeMap::new(), 0);
    for answer in answers {
        let answer = answer?;
        match answer.status {
            409 => waiting += 1,
            _ if answer.ok() => *done.entry(answer.header("location").to_owned()).or_insert(0) += 1,
            _ => return broken(format!("one of them was answered {}", answer.brief())),
        }
    }
    if done.len() != 1 {
        return broken(format!("{} different things were made", done.len()));
    }
    let again = scene.write(&key, &text).await?;
    if !done.contains_key(again.header("location")) {
        return broken(format!("sent once more it was answered {}", again.brief()));
    }
    Ok(format!("one was made; {waiting} were told 409"))
}

async fn killed(bench: &Bench) -> Observed {
    let mut scene = bench.scene(&Setup::default()).await?;
    let writes: Vec<(String, String)> = (0..WRITES).map(|_| (unique(), unique())).collect();
    let mut answered: BTreeMap<usize, String> = BTreeMap::new();
    {
        let mut open: FuturesUnordered<_> = writes
            .iter()
            .enumerate()
            .map(|(number, (key, text))| {
                let write = scene.write(key, text);
                async move { (number, write.await) }
            })
            .collect();
        // Some are done, some are under way, some have not begun.
        while answered.len() < WRITES / 4 {
            let Some((number, answer)) = open.next().await else { break };
            let answer = answer?;
            if !answer.ok() {
                return broken(format!("a write was answered {}", answer.brief()));
            }
            answered.insert(number, answer.header("location").to_owned());
        }
    }
    scene.running.kill().await;
    scene.running = bench.subject.start(&scene.variables).await?;
    scene.caller = Caller::new(&scene.running.base)?;
    for (number, (key, text)) in writes.iter().enumerate() {
        let mut answer = scene.write(key, text).await?;
        // The database may not have noticed yet that the first sender is gone.
        for _ in 0..40 {
            if answer.status != 409 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            answer = scene.write(key, text).await?;
        }
        if !answer.ok() {
            return broken(format!("sent again a write was answered {}", answer.brief()));
        }
        if answered.get(&number).is_some_and(|place| place != answer.header("location")) {
            return broken("a write that had been answered was done again");
        }
    }
    let list = scene.read().await?;
    let text = String::from_utf8_lossy(&list.body);
    for (_, unique) in &writes {
        let times = text.matches(unique.as_str()).count();
        if times != 1 {
            return broken(format!("one of the writes is there {times} times"));
        }
    }
    Ok(format!("{} were answered before the kill; all {WRITES} are there once", answered.len()))
}
