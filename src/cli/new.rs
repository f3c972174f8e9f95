//! `pave new`.

use std::path::{Path, PathBuf};

use serde_json::json;
use toml_edit::{DocumentMut, value};

use crate::{
    blueprint, scaffold,
    spec::{self, Parsed, suggest},
};

use super::{
    Done, Failure,
    args::New,
    code,
    context::read_spec,
    deploy,
    interview::{self, Answers},
    output::Output,
};

/// Kinds of dependency that need no address, and what one is called unless somebody says otherwise.
pub const USUAL_NAMES: [(&str, &str); 6] = [
    ("postgres", "db"),
    ("redis", "cache"),
    ("s3", "files"),
    ("dynamodb", "table"),
    ("sqs", "queue"),
    ("bedrock", "model"),
];

/// Makes a project.
pub fn run(request: &New, output: &Output) -> Done {
    let parsed = match &request.spec {
        Some(file) => from_file(file, request.name.as_deref())?,
        None => from_answers(request)?,
    };
    spec::validate(&parsed)?;
    let bound = blueprint::bind(&parsed.spec)?;
    let plan = scaffold::render(&parsed, &bound)?;
    let name = &parsed.spec.service.name;
    let own = request.spec.as_deref().and_then(project_of).filter(|_| request.name.is_none());
    let target = request.dir.clone().or(own).unwrap_or_else(|| PathBuf::from(name));
    let written = scaffold::write(&plan, &target)?;
    output.json(&json!({
        "type": "created", "directory": target, "written": written.written, "kept": written.kept, "beside": written.beside,
        "removed": written.removed,
        "unchanged": written.unchanged,
    }));
    if written.unchanged == 0 && written.kept.is_empty() {
        output.say(&format!("made {} in {} ({} files)", name, target.display(), written.written.len()));
    } else {
        output.say(&format!(
            "{}: {} files written, {} unchanged, {} removed, {} left as you changed them",
            target.display(),
            written.written.len(),
            written.unchanged,
            written.removed.len(),
            written.kept.len()
        ));
        for path in &written.kept {
            let more = if written.beside.contains(path) {
                format!("; its new version is {path}{}: merge it, then delete that", scaffold::NEW)
            } else {
                String::new()
            };
            output.say(&format!("  kept {path}{more}"));
        }
    }
    let next = deploy::next(&parsed.spec);
    if target == Path::new(".") {
        output.next(next);
    } else {
        output.next(&format!("cd {} && {next}", target.display()));
    }
    Ok(0)
}

/// The project whose own `pave.toml` a file is: that one is made again, and not another one beside or inside it.
fn project_of(file: &Path) -> Option<PathBuf> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let own = file.file_name()? == "pave.toml" && directory.join(scaffold::MANIFEST).is_file();
    own.then(|| directory.to_owned())
}

/// A spec from a file, under another name where one is given. Comments and layout stay.
fn from_file(file: &Path, name: Option<&str>) -> Result<Parsed, Failure> {
    let parsed = read_spec(file)?;
    let Some(name) = name.filter(|name| *name != parsed.spec.service.name) else { return Ok(parsed) };
    let mut document: DocumentMut = parsed.source.text.parse().map_err(|error: toml_edit::TomlError| {
        Failure::new(code::INVALID, error.to_string(), "correct the file")
    })?;
    let old = &mut document["service"]["name"];
    // White space and comment around the old value stay.
    let decor = old.as_value().map(|old| old.decor().clone());
    *old = value(name);
    if let (Some(new), Some(decor)) = (old.as_value_mut(), decor) {
        *new.decor_mut() = decor;
    }
    Ok(spec::parse(&file.display().to_string(), &document.to_string())?)
}

fn from_answers(request: &New) -> Result<Parsed, Failure> {
    let mut http = Vec::new();
    for pair in &request.http {
        let Some((name, url)) = pair.split_once('=') else {
            let what = format!("`{pair}` does not name an HTTP API");
            return Err(Failure::new(
                code::USAGE,
                what,
                "write --http NAME=URL, as in --http stripe=https://api.stripe.com",
            ));
        };
        http.push((name.to_owned(), url.to_owned()));
    }
    let mut with = Vec::new();
    for given in &request.with {
        let (kind, name) = given.split_once('=').unwrap_or((given, ""));
        let Some((_, usual)) = USUAL_NAMES.iter().find(|(known, _)| *known == kind) else {
            let kinds = USUAL_NAMES.map(|(kind, _)| kind);
            let todo = match kind {
                "http" => "write --http NAME=URL".to_owned(),
                _ => suggest(kind, &kinds),
            };
            return Err(Failure::new(code::USAGE, format!("there is no kind of dependency `{kind}`"), todo));
        };
        let name = if name.is_empty() { usual } else { name };
        with.push((name.to_owned(), kind.to_owned()));
    }
    let answers = Answers {
        blueprint: request.blueprint.clone(),
        with,
        name: request.name.clone(),
        language: request.language.clone(),
        owner: request.owner.clone(),
        description: request.description.clone(),
        http,
    };
    let complete = interview::complete(answers)?;
    Ok(spec::parse("pave.toml", &complete.to_toml())?)
}
