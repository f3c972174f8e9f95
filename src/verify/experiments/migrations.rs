//! C10: migrations are idempotent, locked and reversible.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use crate::{
    spec::types::{Dependency, DependencyKind},
    verify::{
        report::{Miss, Observed, broken},
        stage::{Bench, Setup},
        subject::Ended,
    },
};

use super::Experiment;

/// Longest time of one run of the migrations.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Runs at once, and how often they are let loose on an empty database.
const RUNNERS: usize = 4;
const RACES: usize = 3;

/// So many steps back are tried, one more each time; who has more migrations goes back this far.
const MOST: usize = 8;

pub(super) fn experiments(dependencies: &[Dependency]) -> Vec<Experiment> {
    let Some(database) = dependencies.iter().find(|one| one.kind == DependencyKind::Postgres) else {
        return Vec::new();
    };
    let variable = database.variable("URL");
    let of = |run: fn(String) -> Inner| {
        let variable = variable.clone();
        move || run(variable.clone())
    };
    let (twice, together, back) = (of(Inner::Twice), of(Inner::Together), of(Inner::Back));
    vec![
        Experiment::new(10, "`migrate up` twice", "the second run changes nothing", move |bench| {
            Box::pin(twice().run(bench))
        }),
        Experiment::new(
            10,
            format!("`migrate up` {RUNNERS} times at once"),
            "all succeed, the schema is that of one run",
            move |bench| Box::pin(together().run(bench)),
        )
        .once(),
        Experiment::new(
            10,
            "`migrate down` step by step to the beginning, each time up again",
            "the same schema each time, and an empty one at the beginning",
            move |bench| Box::pin(back().run(bench)),
        ),
    ]
}

/// What is done to an empty database, whose address is in this variable.
enum Inner {
    Twice(String),
    Together(String),
    Back(String),
}

impl Inner {
    async fn run(self, bench: &Bench) -> Observed {
        let (Self::Twice(variable) | Self::Together(variable) | Self::Back(variable)) = &self;
        let empty = Empty::make(bench, variable).await?;
        match self {
            Self::Twice(_) => empty.twice().await,
            Self::Together(_) => empty.together().await,
            Self::Back(_) => empty.back().await,
        }
    }
}

/// An empty database and how the service's migrations reach it.
struct Empty<'a> {
    bench: &'a Bench,
    name: String,
    variables: BTreeMap<String, String>,
}

impl<'a> Empty<'a> {
    async fn make(bench: &'a Bench, variable: &str) -> Result<Self, Miss> {
        let server = bench.backing.database.as_ref();
        let server = server.ok_or_else(|| Miss::NotRun("there is no database server".to_owned()))?;
        let name = server.create(None).await?;
        let (mut variables, _) = bench.surroundings(&Setup { absent: true, ..Setup::default() }).await?;
        variables.insert(variable.to_owned(), server.url(&name, server.address.port()));
        Ok(Self { bench, name, variables })
    }

    async fn migrate(&self, word: &str) -> Result<Ended, Miss> {
        Ok(self.bench.subject.run(&["migrate", word], &self.variables, LIMIT).await?)
    }

    async fn done(&self, word: &str) -> Result<(), Miss> {
        let ended = self.migrate(word).await?;
        succeeded(word, &ended)
    }

    async fn schema(&self) -> Result<Vec<String>, Miss> {
        let server = self.bench.backing.database.as_ref();
        let server = server.ok_or_else(|| Miss::NotRun("there is no database server".to_owned()))?;
        Ok(server.schema(&self.name).await?)
    }

    /// Names of the migrations that are applied, and of those that are not.
    async fn status(&self) -> Result<(usize, usize), Miss> {
        let ended = self.migrate("status").await?;
        succeeded("status", &ended)?;
        let line = ended.stdout.lines().rev().find(|line| line.trim_start().starts_with("{\"applied\""));
        let said: Value = line.and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        match (said["applied"].as_array(), said["pending"].as_array()) {
            (Some(applied), Some(pending)) => Ok((applied.len(), pending.len())),
            _ => broken(format!("`migrate status` said {}", ended.stdout.trim())),
        }
    }

    async fn twice(&self) -> Observed {
        self.done("up").await?;
        let (schema, status) = (self.schema().await?, self.status().await?);
        self.done("up").await?;
        if self.schema().await? != schema || self.status().await? != status {
            return broken("the second run changed something");
        }
        if status.1 > 0 || status.0 == 0 {
            return broken(format!("after it {} are applied and {} pending", status.0, status.1));
        }
        Ok(format!("{} migrations, {} lines of schema", status.0, schema.len()))
    }

    async fn together(&self) -> Observed {
        let alone = Self::make_like(self).await?;
        alone.done("up").await?;
        let schema = alone.schema().await?;
        // Whether two meet in the middle is chance, so several do, several times.
        for _ in 0..RACES {
            let race = Self::make_like(self).await?;
            let runs = (0..RUNNERS).map(|_| race.done("up"));
            futures_util::future::join_all(runs).await.into_iter().collect::<Result<Vec<()>, Miss>>()?;
            if race.schema().await? != schema {
                return broken("the schema differs from that of one run");
            }
        }
        Ok(format!("{RACES} times, {} lines of schema", schema.len()))
    }

    /// Another empty database for the same service.
    async fn make_like(other: &Self) -> Result<Self, Miss> {
        let server = other.bench.backing.database.as_ref();
        let server = server.ok_or_else(|| Miss::NotRun("there is no database server".to_owned()))?;
        let name = server.create(None).await?;
        let mut variables = other.variables.clone();
        for value in variables.values_mut() {
            if value.ends_with(&format!("/{}", other.name)) {
                *value = server.url(&name, server.address.port());
            }
        }
        Ok(Self { bench: other.bench, name, variables })
    }

    /// From wherever one has gone back to, the way up leads to the same schema; and all the way back there is nothing left.
    async fn back(&self) -> Observed {
        let before = self.schema().await?;
        self.done("up").await?;
        let schema = self.schema().await?;
        let all = self.status().await?.0;
        for steps in 1..=all.min(MOST) {
            for applied in (all - steps..all).rev() {
                self.done("down").await?;
                let left = self.status().await?.0;
                if left != applied {
                    return broken(format!("`migrate down` with {} applied left {left}", applied + 1));
                }
            }
            if steps == all {
                let now = self.schema().await?;
                if let Some(first) = now.iter().find(|line| !before.contains(line)) {
                    return broken(format!("schema is left after all of it, the first line: {first}"));
                }
            }
            self.done("up").await?;
            if self.schema().await? != schema {
                return broken(format!(
                    "{steps} steps down and up again, and the schema differs from before"
                ));
            }
        }
        Ok(format!("1 to {all} steps down and up again"))
    }
}

fn succeeded(word: &str, ended: &Ended) -> Result<(), Miss> {
    match ended.code {
        Some(0) => Ok(()),
        Some(code) => {
            let tail: Vec<&str> = ended.all.lines().rev().take(3).collect();
            broken(format!(
                "`migrate {word}` ended with {code}: {}",
                tail.into_iter().rev().collect::<Vec<_>>().join(" / ")
            ))
        }
        None => broken(format!("`migrate {word}` did not end within {} s", LIMIT.as_secs())),
    }
}
