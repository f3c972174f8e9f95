//! The changes that make releases 2 and 3 of the tour.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;

use super::{Failure, code};

const EDITS: &str = include_str!("../../../blueprints/http-api/tour.toml");

/// One change of one file.
#[derive(Debug, Deserialize)]
pub struct Edit {
    file: String,
    find: String,
    replace: String,
}

impl Edit {
    /// The change with this name for a language.
    pub fn find(language: &str, name: &str) -> Result<Self, Failure> {
        let broken =
            |what: String| Failure::new(code::INTERNAL, what, "this is a fault of pave; please report it");
        let mut all: BTreeMap<String, BTreeMap<String, Self>> =
            toml_edit::de::from_str(EDITS).map_err(|error| broken(error.to_string()))?;
        let edit = all.get_mut(language).and_then(|edits| edits.remove(name));
        edit.ok_or_else(|| broken(format!("the tour has no change `{name}` for {language}")))
    }

    /// Makes the change in a project.
    pub fn apply(&self, project: &Path) -> Result<(), Failure> {
        let path = project.join(&self.file);
        let failed = |why: String| {
            Failure::new(
                code::INTERNAL,
                format!("{} cannot be changed: {why}", path.display()),
                "please report this",
            )
        };
        let text = std::fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
        if text.matches(&self.find).count() != 1 {
            return Err(failed(format!("`{}` is not in it exactly once", self.find)));
        }
        std::fs::write(&path, text.replace(&self.find, &self.replace))
            .map_err(|error| failed(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{blueprint, scaffold, spec};

    #[test]
    fn both_changes_fit_into_a_new_project_of_every_language() {
        for (language, ..) in super::super::LANGUAGES {
            let parsed = spec::parse("pave.toml", &super::super::spec(language)).expect("parses");
            let plan =
                scaffold::render(&parsed, &blueprint::bind(&parsed.spec).expect("binds")).expect("renders");
            let dir = tempfile::tempdir().expect("temp");
            let target = dir.path().join("notes");
            scaffold::write(&plan, &target).expect("writes");
            for name in ["good", "faulty"] {
                Edit::find(language, name).expect(name).apply(&target).expect(language);
            }
        }
    }
}
