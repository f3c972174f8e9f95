//! The few questions that a new service needs answered.

use std::io::IsTerminal as _;

use dialoguer::{Input, MultiSelect, Select};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use crate::{
    blueprint,
    spec::{REGIONS, service_name},
};

use super::{Failure, code, new::USUAL_NAMES};

/// What was given so far.
pub struct Answers {
    pub name: Option<String>,
    pub language: Option<String>,
    pub owner: Option<String>,
    pub description: Option<String>,
    pub blueprint: Option<String>,
    /// Name and kind.
    pub with: Vec<(String, String)>,
    /// Name and URL.
    pub http: Vec<(String, String)>,
}

/// All that is needed.
pub struct Complete {
    name: String,
    language: String,
    owner: String,
    description: String,
    blueprint: Option<String>,
    with: Vec<(String, String)>,
    http: Vec<(String, String)>,
}

/// The blueprint that is meant when nobody says which.
const USUAL_BLUEPRINT: &str = "http-api";

const LANGUAGES: [&str; 3] = ["python", "typescript", "rust"];

/// Asks for what is missing on a terminal; elsewhere says which flags are missing.
pub fn complete(answers: Answers) -> Result<Complete, Failure> {
    let missing: Vec<&str> = [
        ("NAME", answers.name.is_none()),
        ("--language", answers.language.is_none()),
        ("--owner", answers.owner.is_none()),
    ]
    .into_iter()
    .filter_map(|(flag, is_missing)| is_missing.then_some(flag))
    .collect();
    let person =
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal() && std::env::var_os("CI").is_none();
    if !missing.is_empty() && !person {
        let what = format!("this needs {}", missing.join(", "));
        return Err(Failure::new(
            code::USAGE,
            what,
            "as in: pave new orders --language python --owner payments-team",
        ));
    }
    let gone = |error: dialoguer::Error| {
        Failure::new(code::INTERRUPTED, format!("stopped: {error}"), "run it again")
    };
    let name = match answers.name.clone() {
        Some(name) => name,
        None => Input::new()
            .with_prompt("Name of the service")
            .validate_with(|name: &String| {
                service_name(name).map_err(|(what, todo)| format!("{what}; {todo}"))
            })
            .interact_text()
            .map_err(gone)?,
    };
    let language = match answers.language.clone() {
        Some(language) => language,
        None => {
            let chosen =
                Select::new().with_prompt("Language").items(LANGUAGES).default(0).interact().map_err(gone)?;
            LANGUAGES[chosen].to_owned()
        }
    };
    let owner = match answers.owner.clone() {
        Some(owner) => owner,
        None => Input::new().with_prompt("Team that answers for it").interact_text().map_err(gone)?,
    };
    let description = match answers.description.clone() {
        Some(description) => description,
        None if missing.is_empty() => String::new(),
        None => Input::new()
            .with_prompt("What it does, in a sentence")
            .allow_empty(true)
            .interact_text()
            .map_err(gone)?,
    };
    let Answers { mut blueprint, mut with, http, .. } = answers;
    if !missing.is_empty() {
        if blueprint.is_none() {
            let names = blueprint::names();
            let usual = names.iter().position(|name| *name == USUAL_BLUEPRINT).unwrap_or_default();
            let select = Select::new().with_prompt("Blueprint").items(&names).default(usual);
            blueprint = Some(names[select.interact().map_err(gone)?].to_owned());
        }
        if with.is_empty() && http.is_empty() {
            with = uses(blueprint.as_deref()).map_err(gone)?;
        }
    }
    Ok(Complete { name, language, owner, description, blueprint, with, http })
}

/// What the service uses besides HTTP APIs, which need an address and are written into `pave.toml`.
fn uses(blueprint: Option<&str>) -> dialoguer::Result<Vec<(String, String)>> {
    let needed = |kind: &str| kind == "bedrock" && blueprint == Some("ai-api");
    let kinds = USUAL_NAMES.map(|(kind, _)| (kind, needed(kind)));
    let prompt = "What it uses (space chooses, enter goes on)";
    let chosen = MultiSelect::new().with_prompt(prompt).items_checked(kinds).interact()?;
    let named = |index: usize| (USUAL_NAMES[index].1.to_owned(), USUAL_NAMES[index].0.to_owned());
    Ok(chosen.into_iter().map(named).collect())
}

impl Complete {
    /// As a `pave.toml`.
    pub fn to_toml(&self) -> String {
        let mut service = Table::new();
        service["name"] = value(&self.name);
        if !self.description.is_empty() {
            service["description"] = value(&self.description);
        }
        service["owner"] = value(&self.owner);
        if let Some(blueprint) = &self.blueprint {
            service["blueprint"] = value(blueprint);
        }
        service["language"] = value(&self.language);
        let mut document = DocumentMut::new();
        document["service"] = Item::Table(service);
        let mut all = ArrayOfTables::new();
        for (name, kind) in &self.with {
            let mut one = Table::new();
            one["name"] = value(name);
            one["kind"] = value(kind);
            if kind == "postgres" {
                // Notes live in it: without it the service can do nothing.
                one["critical"] = value(true);
            }
            if kind == "bedrock" {
                // A model takes longer than the two seconds that suit other dependencies.
                one["timeout"] = value("8s");
            }
            all.push(one);
        }
        if !self.http.is_empty() {
            for (name, url) in &self.http {
                let mut one = Table::new();
                one["name"] = value(name);
                one["kind"] = value("http");
                one["url"] = value(url);
                all.push(one);
            }
        }
        if !all.is_empty() {
            document["dependencies"] = Item::ArrayOfTables(all);
        }
        let mut sandbox = Table::new();
        sandbox["target"] = value("sandbox");
        let mut environments = Table::new();
        environments.set_implicit(true);
        environments["sandbox"] = Item::Table(sandbox);
        document["environments"] = Item::Table(environments);
        format!(
            "# The one file to edit; every key with its default: pave config explain\n{document}\n# For an account of your own:\n# [environments.staging]\n# account = \"111111111111\"\n# region = \"{}\"\n",
            REGIONS[0]
        )
    }
}
