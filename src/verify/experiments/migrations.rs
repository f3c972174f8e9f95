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

/// More migrations than any project has, so that a `down` that does nothing is noticed.
const MOST: usize = 200;

pub(super) fn experiments(dependencies: &[Dependency]) -> Vec<Experiment> {
    let Some(database) = dependencies.iter().find(|one| one.kind == DependencyKind::Postgres) else {
        return Vec::new();
    };
    let variable = format!("{}_URL", database.name.replace('-', "_").to_uppercase());
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
            "`migrate up` twice at once",
            "both succeed, the schema is that of one run",
            move |bench| Box::pin(together().run(bench)),
        )
        .once(),
        Experiment::new(
            10,
            "`migrate down` to the beginning, then up",
            "an empty schema, then the same as before",
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
        let (one, other) = tokio::join!(self.done("up"), self.done("up"));
        one.and(other)?;
        let (schema, alone) = (self.schema().await?, Self::make_like(self).await?);
        alone.done("up").await?;
        if alone.schema().await? == schema {
            Ok(format!("{} lines of schema", schema.len()))
        } else {
            broken("the schema differs from that of one run")
        }
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

    async fn back(&self) -> Observed {
        let before = self.schema().await?;
        self.done("up").await?;
        let schema = self.schema().await?;
        let mut steps = 0;
        while self.status().await?.0 > 0 {
            self.done("down").await?;
            steps += 1;
            if steps > MOST {
                return broken(format!("after {MOST} times `migrate down` something is still applied"));
            }
        }
        let left: Vec<String> =
            self.schema().await?.into_iter().filter(|line| !before.contains(line)).collect();
        if let Some(first) = left.first() {
            return broken(format!("{} lines of schema are left, the first: {first}", left.len()));
        }
        self.done("up").await?;
        if self.schema().await? == schema {
            Ok(format!("{steps} steps down and up again"))
        } else {
            broken("the schema differs from before")
        }
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
