//! The services: generated or given, bare, prepared, started.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use pave::{
    blueprint, scaffold, spec,
    verify::{Collector, Fault, IMAGE_FILE, Proxy, Running, Subject, Target, Tree},
};
use serde::Deserialize;
use tokio::process::Command;

/// Why there is nothing to measure.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Where the read and the write of every service are.
pub const READ: &str = "/v1/notes?limit=20";

/// A call of the one dependency, by way of the service.
pub const CHECK: &str = "/v1/dependencies/prices/check";

const SPEC: &str = r#"[service]
name = "orders"
owner = "payments"
language = "LANGUAGE"

[[dependencies]]
name = "prices"
kind = "http"
url = "https://prices.example.com"
"#;

/// The two services of a language, ready to run.
pub struct Language {
    pub name: String,
    /// What they are made of.
    pub versions: String,
    paved: Subject,
    bare: Subject,
}

/// A generated service among what it needs.
pub struct Paved {
    pub running: Running,
    pub prices: Proxy,
    _collector: Collector,
}

#[derive(Deserialize)]
struct Image {
    #[serde(flatten)]
    tree: Tree,
    versions: String,
}

/// Every language that the blueprint can be generated in.
pub fn languages() -> Vec<String> {
    let known = ["python", "rust", "typescript"];
    known.into_iter().filter(|name| plan(name).is_ok()).map(str::to_owned).collect()
}

fn plan(language: &str) -> Result<scaffold::FilePlan, Failed> {
    let parsed = spec::parse("pave.toml", &SPEC.replace("LANGUAGE", language))?;
    Ok(scaffold::render(&parsed, &blueprint::bind(&parsed.spec)?)?)
}

impl Language {
    /// Generates, copies and prepares, keeping what an earlier run built.
    pub async fn prepared(name: &str, given: Option<&PathBuf>) -> Result<Self, Failed> {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("services").join(name);
        let dir =
            given.map_or_else(|| root.join("orders"), |dir| fs::canonicalize(dir).unwrap_or(dir.clone()));
        if given.is_none() {
            for (path, file) in plan(name)? {
                write(&dir.join(path), &file.bytes)?;
            }
        }
        let tree: Tree = serde_json::from_str(&fs::read_to_string(dir.join(IMAGE_FILE))?)?;
        if tree.prepare.is_empty() && given.is_none() {
            return Err(format!("{IMAGE_FILE} of the {name} service has no `prepare`").into());
        }
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/bare").join(name);
        let bare = root.join("bare");
        copy(&source, &bare)?;
        let image: Image = serde_json::from_str(&fs::read_to_string(bare.join("image.json"))?)?;
        prepare(&dir, &tree).await?;
        prepare(&bare, &image.tree).await?;
        let versions = sh(&bare, &image.versions).await?.lines().collect::<Vec<_>>().join(", ");
        Ok(Self {
            name: name.to_owned(),
            versions,
            paved: Subject::Tree { dir, tree },
            bare: Subject::Tree { dir: bare, tree: image.tree },
        })
    }

    /// Starts the generated service with its dependency in this state, exporting to a collector.
    pub async fn paved(&self, fault: Fault) -> Result<Paved, Failed> {
        let collector = Collector::start().await?;
        let prices = Proxy::start(Target::Echo, fault).await?;
        let variables = BTreeMap::from([
            ("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), format!("http://{}", collector.address)),
            ("PRICES_URL".to_owned(), format!("http://{}", prices.address)),
            // Node sizes its heap by the memory of the machine; this is half of what an instance has by default.
            ("NODE_OPTIONS".to_owned(), "--max-old-space-size=256".to_owned()),
        ]);
        let running = self.paved.start(&variables).await?;
        Ok(Paved { running, prices, _collector: collector })
    }

    /// Starts the bare framework.
    pub async fn bare(&self) -> Result<Running, Failed> {
        Ok(self.bare.start_until(READ, &BTreeMap::new()).await?)
    }
}

/// Writes a file unless it is there already, so that tools which look at times do nothing twice.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Failed> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(path, bytes)?)
}

fn copy(from: &Path, to: &Path) -> Result<(), Failed> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() { copy(&from, &to)? } else { write(&to, &fs::read(&from)?)? }
    }
    Ok(())
}

async fn prepare(dir: &Path, tree: &Tree) -> Result<(), Failed> {
    for command in &tree.prepare {
        eprintln!("{}$ {command}", dir.display());
        sh(dir, command).await?;
    }
    Ok(())
}

async fn sh(dir: &Path, command: &str) -> Result<String, Failed> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(dir).stdin(Stdio::null()).stderr(Stdio::inherit());
    // A project's own folder, where its entry point looks.
    shell.env("CARGO_TARGET_DIR", "target");
    let ran = shell.kill_on_drop(true).output().await?;
    if !ran.status.success() {
        return Err(format!("`{command}` in {} failed ({})", dir.display(), ran.status).into());
    }
    Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
}
