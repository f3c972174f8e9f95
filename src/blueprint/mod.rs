//! The catalogue of blueprints: which template layers, languages and dependencies an archetype binds.
//!
//! Invariant: a [`Blueprint`] from [`bind`] has a template layer for everything its spec asks for.
//! It refuses to know how templates are rendered.

use globset::{Glob, GlobSet, GlobSetBuilder};
use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};

use crate::spec::{suggest, types::Spec};

static CATALOGUE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/blueprints");

/// Who answers for a generated file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// pave replaces it.
    Managed,
    /// pave proposes changes, the user merges them.
    Merged,
    /// The user's from the first minute.
    Seeded,
}

/// Why a spec cannot be built on its blueprint.
#[derive(Debug, thiserror::Error)]
pub enum BlueprintError {
    /// No such blueprint.
    #[error("there is no blueprint `{name}`")]
    Unknown {
        /// Name asked for.
        name: String,
        /// What to do.
        help: String,
    },
    /// The blueprint does not have what the spec asks for.
    #[error("the blueprint `{blueprint}` has no {what} `{wanted}`")]
    Lacks {
        /// Its name.
        blueprint: String,
        /// Language or dependency kind.
        what: &'static str,
        /// The one asked for.
        wanted: String,
        /// What to do.
        help: String,
    },
    /// The spec lacks what the blueprint is about.
    #[error("the blueprint `{blueprint}` needs a dependency of the kind `{kind}`")]
    Needs {
        /// Its name.
        blueprint: String,
        /// The kind.
        kind: String,
    },
    /// A `blueprint.toml` of the catalogue itself is broken.
    #[error("the catalogue entry of `{name}` is broken: {reason}")]
    Broken {
        /// Name of the blueprint.
        name: String,
        /// Why.
        reason: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    summary: String,
    languages: Vec<String>,
    dependencies: Vec<String>,
    /// Kinds without which it makes no sense.
    #[serde(default)]
    requires: Vec<String>,
    layers: Vec<String>,
    #[serde(default)]
    ownership: Vec<Ownership>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ownership {
    owner: Owner,
    paths: Vec<String>,
}

/// A blueprint bound to one spec.
#[derive(Debug)]
pub struct Blueprint {
    /// Its name.
    pub name: String,
    /// One line for people.
    pub summary: String,
    /// Folders under `templates/`, in the order they are laid; with the dependency kind of a dependency layer.
    pub layers: Vec<Layer>,
    owners: Vec<(Owner, GlobSet)>,
}

/// One folder of templates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Folder under `templates/`.
    pub folder: String,
    /// The kind whose dependencies its per-dependency files are made for.
    pub kind: Option<String>,
}

impl Blueprint {
    /// One of the common layer alone, for tests of what all languages share.
    #[cfg(test)]
    pub(crate) fn common() -> Self {
        let layers = vec![Layer { folder: "common".to_owned(), kind: None }];
        Self { name: "common".to_owned(), summary: String::new(), layers, owners: Vec::new() }
    }

    /// Who answers for a file.
    pub fn owner(&self, path: &str) -> Owner {
        self.owners.iter().find(|(_, globs)| globs.is_match(path)).map_or(Owner::Seeded, |(owner, _)| *owner)
    }
}

/// Names of all blueprints.
pub fn names() -> Vec<&'static str> {
    CATALOGUE.dirs().filter_map(|dir| dir.path().to_str()).collect()
}

/// The word serde writes for a unit variant.
fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Finds the spec's blueprint and checks that it has a layer for all that the spec asks for.
///
/// # Errors
/// [`BlueprintError`], which says what there is instead.
pub fn bind(spec: &Spec) -> Result<Blueprint, BlueprintError> {
    let name = word(spec.service.blueprint);
    let text = CATALOGUE
        .get_file(format!("{name}/blueprint.toml"))
        .and_then(|file| file.contents_utf8())
        .ok_or_else(|| BlueprintError::Unknown { name: name.clone(), help: suggest(&name, &names()) })?;
    let broken = |reason: String| BlueprintError::Broken { name: name.clone(), reason };
    let entry: Entry = toml_edit::de::from_str(text).map_err(|error| broken(error.to_string()))?;
    let language = word(spec.service.language);
    let lacks = |what, wanted: &str, known: &[String]| BlueprintError::Lacks {
        blueprint: entry.name.clone(),
        what,
        wanted: wanted.to_owned(),
        help: format!("it has {}", known.join(", ")),
    };
    if !entry.languages.contains(&language) {
        return Err(lacks("language", &language, &entry.languages));
    }
    let mut kinds: Vec<String> = Vec::new();
    for dependency in &spec.dependencies {
        let kind = word(dependency.kind);
        if !entry.dependencies.contains(&kind) {
            return Err(lacks("dependency kind", &kind, &entry.dependencies));
        }
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    if let Some(kind) = entry.requires.iter().find(|kind| !kinds.contains(kind)) {
        return Err(BlueprintError::Needs { blueprint: entry.name, kind: kind.clone() });
    }
    let mut layers = Vec::new();
    for pattern in &entry.layers {
        let folder = pattern.replace("{language}", &language);
        if folder.contains("/any/") && kinds.is_empty() {
            continue;
        }
        if folder.contains("{kind}") {
            layers.extend(
                kinds
                    .iter()
                    .map(|kind| Layer { folder: folder.replace("{kind}", kind), kind: Some(kind.clone()) }),
            );
        } else {
            layers.push(Layer { folder, kind: None });
        }
    }
    let mut owners = Vec::new();
    for rule in &entry.ownership {
        let mut set = GlobSetBuilder::new();
        for path in &rule.paths {
            set.add(Glob::new(path).map_err(|error| broken(error.to_string()))?);
        }
        owners.push((rule.owner, set.build().map_err(|error| broken(error.to_string()))?));
    }
    Ok(Blueprint { name: entry.name, summary: entry.summary, layers, owners })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::parse;

    fn spec(language: &str, rest: &str) -> Spec {
        let text =
            format!("[service]\nname = \"orders\"\nowner = \"payments\"\nlanguage = \"{language}\"\n{rest}");
        parse("pave.toml", &text).expect("parses").spec
    }

    #[test]
    fn every_entry_of_the_catalogue_can_be_read() {
        for name in names() {
            let text = CATALOGUE.get_file(format!("{name}/blueprint.toml")).expect("has one");
            let entry: Entry = toml_edit::de::from_str(text.contents_utf8().expect("UTF-8")).expect(name);
            assert_eq!(entry.name, name);
            assert!(CATALOGUE.get_file(format!("{name}/README.md")).is_some(), "{name} explains itself");
        }
    }

    #[test]
    fn a_dependency_layer_is_laid_once_per_kind() {
        let two = "[[dependencies]]\nname = \"aa\"\nkind = \"http\"\n[[dependencies]]\nname = \"bb\"\nkind = \"http\"\n";
        let bound = bind(&spec("python", two)).expect("binds");
        let folders: Vec<_> = bound.layers.iter().map(|l| l.folder.as_str()).collect();
        let expected = ["common", "languages/python", "dependencies/any/python", "dependencies/http/python"];
        assert_eq!(folders, expected);
        assert_eq!(bound.owner(".pave/manifest.json"), Owner::Managed);
        assert_eq!(bound.owner("src/app.py"), Owner::Seeded);
    }

    #[test]
    fn a_blueprint_without_what_it_is_about_is_refused() {
        let asks = "blueprint = \"ai-api\"\n";
        let BlueprintError::Needs { kind, .. } = bind(&spec("python", asks)).expect_err("refused") else {
            panic!("another error")
        };
        assert_eq!(kind, "bedrock");
        let model = "[[dependencies]]\nname = \"model\"\nkind = \"bedrock\"\n";
        assert!(bind(&spec("python", &format!("{asks}{model}"))).is_ok());
    }

    #[test]
    fn every_language_has_every_blueprint_and_every_kind() {
        for name in names() {
            let text = CATALOGUE.get_file(format!("{name}/blueprint.toml")).expect("has one");
            let entry: Entry = toml_edit::de::from_str(text.contents_utf8().expect("UTF-8")).expect(name);
            assert_eq!((entry.languages.len(), entry.dependencies.len()), (3, 7), "{name}");
        }
    }
}
