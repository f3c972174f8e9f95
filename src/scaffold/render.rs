//! Templates and a spec -> the files of a project, in memory.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context, syntax::SyntaxConfig, value::Serde};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    blueprint::{Blueprint, Owner},
    spec::Parsed,
};

use super::{context, filters, manifest};

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// Suffix of a file that is rendered; any other is copied byte for byte.
const RENDERED: &str = ".j2";

/// One file of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Who answers for it.
    pub owner: Owner,
}

impl File {
    /// SHA-256 of the content, in hex.
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(&self.bytes))
    }
}

/// The files of a project by their path inside it, with `/` between segments.
pub type FilePlan = BTreeMap<String, File>;

/// Why a project cannot be rendered: always a fault of a template, never of the user.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A template is wrong.
    #[error("template {template} cannot be rendered: {reason}")]
    Template {
        /// Path under `templates/`.
        template: String,
        /// The engine's words.
        reason: String,
    },
    /// A layer that the blueprint names is not there.
    #[error("there is no template layer `{0}`")]
    NoLayer(String),
    /// Two templates write the same file.
    #[error("{template} writes {path}, which another layer has written")]
    Twice {
        /// Path under `templates/`.
        template: String,
        /// Path in the project.
        path: String,
    },
    /// A path that would leave the project.
    #[error("{template} would write `{path}`, outside the project")]
    Outside {
        /// Path under `templates/`.
        template: String,
        /// The path.
        path: String,
    },
}

/// Renders every file of a project, `pave.toml` and the manifest included.
///
/// # Errors
/// [`RenderError`], a fault of the templates.
pub fn render(parsed: &Parsed, blueprint: &Blueprint) -> Result<FilePlan, RenderError> {
    let environment = engine();
    let project = context::project(&parsed.spec);
    let mut plan = FilePlan::new();
    for layer in &blueprint.layers {
        let dir =
            TEMPLATES.get_dir(&layer.folder).ok_or_else(|| RenderError::NoLayer(layer.folder.clone()))?;
        let dependencies: Vec<&Value> = match (&layer.kind, project["dependencies"].as_array()) {
            (Some(kind), Some(all)) => all.iter().filter(|d| d["kind"] == kind.as_str()).collect(),
            _ => Vec::new(),
        };
        let pass =
            Pass { environment: &environment, project: &project, dependencies: &dependencies, blueprint };
        pass.folder(dir, dir, &mut plan)?;
    }
    let spec = File { bytes: parsed.source.text.clone().into_bytes(), owner: Owner::Seeded };
    let digest = spec.digest();
    plan.insert("pave.toml".to_owned(), spec);
    let manifest = manifest::of(&plan, blueprint, &digest);
    plan.insert(manifest::MANIFEST.to_owned(), File { bytes: manifest.to_bytes(), owner: Owner::Managed });
    Ok(plan)
}

fn engine() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    environment.set_syntax(syntax.build().expect("the usual delimiters are valid"));
    filters::add(&mut environment);
    environment
}

/// One layer being laid.
struct Pass<'a> {
    environment: &'a Environment<'static>,
    project: &'a Value,
    dependencies: &'a [&'a Value],
    blueprint: &'a Blueprint,
}

impl Pass<'_> {
    fn folder(&self, root: &Dir<'_>, dir: &Dir<'_>, plan: &mut FilePlan) -> Result<(), RenderError> {
        for file in dir.files() {
            let template = file.path().display().to_string();
            let inside = file.path().strip_prefix(root.path()).unwrap_or(file.path());
            let path = inside.to_string_lossy().replace('\\', "/");
            if path.contains("{{ dep.") {
                for dependency in self.dependencies {
                    self.one(&template, &path, file.contents(), Some(dependency), plan)?;
                }
            } else {
                self.one(&template, &path, file.contents(), None, plan)?;
            }
        }
        for inner in dir.dirs() {
            self.folder(root, inner, plan)?;
        }
        Ok(())
    }

    fn one(
        &self,
        template: &str,
        path: &str,
        contents: &[u8],
        dependency: Option<&Value>,
        plan: &mut FilePlan,
    ) -> Result<(), RenderError> {
        let fault = |reason: String| RenderError::Template { template: template.to_owned(), reason };
        let fill = |text: &str| -> Result<String, RenderError> {
            let values =
                context! { dep => dependency.map(Serde), ..minijinja::Value::from(Serde(self.project)) };
            self.environment
                .render_named_str(template, text, values)
                .map_err(|error| fault(format!("{error:#}")))
        };
        let mut path = if path.contains("{{") { fill(path)? } else { path.to_owned() };
        let bytes = match path.strip_suffix(RENDERED) {
            None => contents.to_vec(),
            Some(stem) => {
                path = stem.to_owned();
                let text = std::str::from_utf8(contents).map_err(|error| fault(error.to_string()))?;
                let text = fill(text)?;
                // An empty result is how a template says that this project does not need the file.
                if text.trim().is_empty() {
                    return Ok(());
                }
                text.into_bytes()
            }
        };
        let plain = |segment: &str| {
            !segment.is_empty() && segment != "." && segment != ".." && !segment.contains('\\')
        };
        if !path.split('/').all(plain) {
            return Err(RenderError::Outside { template: template.to_owned(), path });
        }
        let file = File { bytes, owner: self.blueprint.owner(&path) };
        if plan.insert(path.clone(), file).is_some() {
            return Err(RenderError::Twice { template: template.to_owned(), path });
        }
        Ok(())
    }
}
