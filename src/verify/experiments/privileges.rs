//! C14: no privileges, nothing written, no build tools in the image.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Stdio,
    time::{Duration, SystemTime},
};

use serde_json::Value;
use tokio::process::Command;

use crate::verify::{
    report::{Miss, Observed, broken},
    stage::{Bench, Setup},
    subject::Subject,
};

use super::Experiment;

/// Programs with which an intruder would build more.
const TOOLS: [&str; 9] = ["cc", "gcc", "clang", "make", "cargo", "npm", "pip", "pip3", "apt-get"];

/// Longest time to say what it is made of.
const LISTING: Duration = Duration::from_secs(20);

pub(super) fn experiments() -> Vec<Experiment> {
    vec![
        Experiment::new(
            14,
            "the image",
            "its own numeric user, pinned bases, separate stages, no build tools",
            |bench| Box::pin(image(bench)),
        ),
        Experiment::new(
            14,
            "`sbom`",
            "a CycloneDX document of what is installed, as the lock file has it",
            |bench| Box::pin(bill(bench)),
        ),
        Experiment::new(14, "the files around a running service", "it writes none", |bench| {
            Box::pin(files(bench))
        }),
    ]
}

async fn image(bench: &Bench) -> Observed {
    match &bench.subject {
        Subject::Tree { dir, .. } => {
            let text = tokio::fs::read_to_string(dir.join("Dockerfile")).await;
            let text = text.map_err(|error| Miss::Broken(format!("Dockerfile: {error}")))?;
            dockerfile(&text)
        }
        Subject::Image { reference, .. } => inspected(reference).await,
    }
}

/// What a Dockerfile promises of its image.
fn dockerfile(text: &str) -> Observed {
    let joined = text.replace("\\\n", " ");
    let lines: Vec<Vec<&str>> = joined
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|words| words.first().is_some_and(|word| !word.starts_with('#')))
        .collect();
    let stages: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, words)| words[0].eq_ignore_ascii_case("FROM"))
        .map(|(number, _)| number)
        .collect();
    let Some(&last) = stages.last() else { return broken("it has no FROM") };
    if stages.len() < 2 {
        return broken("it has one stage: what builds is also what runs");
    }
    let names: Vec<&str> = stages.iter().filter_map(|&at| lines[at].get(3).copied()).collect();
    for &at in &stages {
        let base = lines[at].iter().skip(1).find(|word| !word.starts_with("--")).copied().unwrap_or_default();
        let tag = base.rsplit('/').next().unwrap_or_default().split_once(':').map(|(_, tag)| tag);
        let digit = tag.is_some_and(|tag| tag.contains(|c: char| c.is_ascii_digit()));
        if !names.contains(&base) && base != "scratch" && !(digit || base.contains("@sha256:")) {
            return broken(format!("the base `{base}` is not pinned to a version"));
        }
    }
    let user = lines[last..].iter().rev().find(|words| words[0].eq_ignore_ascii_case("USER"));
    let user = user.and_then(|words| words.get(1)).copied().unwrap_or("root");
    let number = user.split(':').next().unwrap_or_default().parse::<u32>();
    match number {
        Ok(uid) if uid > 0 => Ok(format!("user {uid}, {} stages, pinned bases", stages.len())),
        _ => broken(format!("the last stage runs as `{user}`")),
    }
}

async fn docker(arguments: &[&str]) -> Result<(bool, String), Miss> {
    let output = Command::new("docker").args(arguments).stdin(Stdio::null()).output().await?;
    Ok((output.status.success(), String::from_utf8_lossy(&output.stdout).trim().to_owned()))
}

async fn inspected(reference: &str) -> Observed {
    let (found, user) = docker(&["image", "inspect", "--format", "{{.Config.User}}", reference]).await?;
    if !found {
        return Err(Miss::NotRun(format!("the image {reference} cannot be inspected")));
    }
    let uid = user.split(':').next().unwrap_or_default().parse::<u32>();
    if !uid.is_ok_and(|uid| uid > 0) {
        return broken(format!("it runs as `{user}`"));
    }
    for tool in TOOLS {
        // The name is searched on the image's own PATH; an image without it cannot start it.
        let (starts, _) =
            docker(&["run", "--rm", "--network", "none", "--entrypoint", tool, reference, "--version"])
                .await?;
        if starts {
            return broken(format!("`{tool}` is in it"));
        }
    }
    Ok(format!("user {user}, none of {}", TOOLS.join(", ")))
}

/// What a service says it is made of, as far as its lock file can contradict it.
async fn bill(bench: &Bench) -> Observed {
    let ended = bench.subject.run(&["sbom"], &BTreeMap::new(), LISTING).await?;
    let bill: Value = serde_json::from_str(&ended.stdout).unwrap_or_default();
    if ended.code != Some(0) || bill["bomFormat"] != "CycloneDX" {
        return broken(format!("`sbom` ended with {:?} and printed no CycloneDX document", ended.code));
    }
    let locked = locked(bench.subject.dir());
    if locked.is_empty() {
        return Err(Miss::NotRun("there is no lock file of a kind that is known here".to_owned()));
    }
    let components = bill["components"].as_array().map_or(&[][..], Vec::as_slice);
    if components.is_empty() {
        return broken("it names nothing");
    }
    let mut seen = BTreeSet::new();
    for component in components {
        let word = |key: &str| component[key].as_str().unwrap_or_default().to_owned();
        let (one, purl) = ((word("name"), word("version")), word("purl"));
        let (name, version) = &one;
        let of_this_version = purl.starts_with("pkg:") && purl.ends_with(&format!("@{version}"));
        if !(purl.is_empty() || of_this_version) {
            return broken(format!("{name} {version} has the package URL `{purl}`"));
        }
        if !locked.contains(&one) {
            return broken(format!("{name} {version} is not in the lock file"));
        }
        if !seen.insert(one.clone()) {
            return broken(format!("{name} {version} is named twice"));
        }
    }
    Ok(format!("{} components, all in the lock file", components.len()))
}

/// Name and version of every library in the lock files of a project.
fn locked(dir: &Path) -> BTreeSet<(String, String)> {
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap_or_default();
    let mut found = BTreeSet::new();
    for line in read("requirements.lock").lines() {
        if let Some((name, rest)) = line.split_once("==") {
            let version = rest.split([' ', ';']).next().unwrap_or_default();
            // `name[extra]==version ; marker \\`
            found.insert((name.split('[').next().unwrap_or_default().to_owned(), version.to_owned()));
        }
    }
    let npm: Value = serde_json::from_str(&read("package-lock.json")).unwrap_or_default();
    for (place, library) in npm["packages"].as_object().into_iter().flatten() {
        let folder = place.rsplit("node_modules/").next().unwrap_or_default();
        let name = library["name"].as_str().unwrap_or(folder);
        found.insert((name.to_owned(), library["version"].as_str().unwrap_or_default().to_owned()));
    }
    let cargo = read("Cargo.lock").parse::<toml_edit::DocumentMut>().unwrap_or_default();
    for package in cargo.get("package").and_then(|item| item.as_array_of_tables()).into_iter().flatten() {
        let word = |key: &str| package.get(key).and_then(|item| item.as_str()).unwrap_or_default().to_owned();
        found.insert((word("name"), word("version")));
    }
    found
}

/// Path, size and time of every file, leaving out what other programs keep in a checkout.
fn tree(root: &Path) -> BTreeMap<String, (u64, SystemTime)> {
    let walk = ignore::WalkBuilder::new(root)
        .standard_filters(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build();
    walk.flatten()
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .filter_map(|entry| {
            let meta = entry.metadata().ok()?;
            Some((entry.path().display().to_string(), (meta.len(), meta.modified().ok()?)))
        })
        .collect()
}

async fn files(bench: &Bench) -> Observed {
    let Subject::Tree { dir, .. } = &bench.subject else {
        // The container's root is read-only in every experiment: a service that writes does not come up.
        bench.scene(&Setup::default()).await?.read().await?;
        return Ok("it serves with a read-only root".to_owned());
    };
    let before = tree(dir);
    let scene = bench.scene(&Setup::default()).await?;
    scene.read().await?;
    if bench.requests.write.is_some() {
        scene.created().await?;
    }
    let after = tree(dir);
    let changed = after.iter().find(|(path, state)| before.get(*path) != Some(state));
    match changed {
        None => Ok(format!("{} files, none changed", after.len())),
        Some((path, _)) => broken(format!("{path} was written")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "FROM python:3.13-slim AS base\nRUN true\nFROM base AS runtime\nUSER 10001\nENTRYPOINT [\"x\"]\n";

    #[test]
    fn a_dockerfile_is_held_to_its_promises() {
        assert!(dockerfile(GOOD).is_ok());
        for (find, replace) in [
            ("USER 10001\n", ""),
            ("USER 10001", "USER app"),
            ("USER 10001", "USER 0"),
            ("python:3.13-slim", "python:latest"),
            ("python:3.13-slim", "python"),
            ("FROM base AS runtime\n", ""),
        ] {
            let worse = GOOD.replace(find, replace);
            assert!(matches!(dockerfile(&worse), Err(Miss::Broken(_))), "{worse}");
        }
    }
}
