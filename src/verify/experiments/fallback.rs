//! C06: what a caller gets when a dependency is down is what the spec says, and a degraded answer says so.

use crate::{
    spec::types::{Dependency, DependencyKind, Fallback},
    verify::{
        report::{Observed, broken},
        stage::{Bench, Fault, Setup},
    },
};

use super::{Experiment, degraded};

pub(super) fn experiment(dependency: &Dependency) -> Experiment {
    let name = dependency.name.clone();
    // Behind a cache stands the store: it answers, whatever the spec says.
    let covered = dependency.kind == DependencyKind::Redis || dependency.fallback != Fallback::Fail;
    let expected = if covered {
        format!("2xx marked `x-degraded: {name}`")
    } else {
        "a problem document with 502, 503 or 504 that names it".to_owned()
    };
    Experiment::new(6, format!("{name} is down"), expected, move |bench| {
        Box::pin(down(bench, name.clone(), covered))
    })
}

async fn down(bench: &Bench, name: String, covered: bool) -> Observed {
    let scene = bench.scene(&Setup::default()).await?;
    let created = scene.prepared(&name).await?;
    // A last good answer for those that fall back to it.
    let good = scene.reach(&name, &created).await?;
    if !good.ok() || !degraded(&good).is_empty() {
        return broken(format!("while all is well: {}, x-degraded `{}`", good.brief(), degraded(&good)));
    }
    scene.proxy(&name)?.set(Fault::Down);
    let answer = scene.reach(&name, &created).await?;
    let words = format!("{}, x-degraded `{}`", answer.brief(), degraded(&answer));
    let problem = answer.header("content-type").starts_with("application/problem+json")
        && answer.json()["dependency"] == name.as_str();
    let right = if covered {
        answer.ok() && degraded(&answer) == name
    } else {
        matches!(answer.status, 502..=504) && problem
    };
    let stale = bench.dependency(&name).is_some_and(|one| one.fallback == Fallback::Stale);
    // What an HTTP API said is passed on as `value`.
    if right && stale && answer.json().get("value") != good.json().get("value") {
        return broken(format!("{words}, and it is not the last good answer"));
    }
    if right { Ok(words) } else { broken(words) }
}
