//! `pave check`, `pave config explain`, `pave config schema`.

use std::io::Write as _;

use serde_json::json;

use crate::{
    blueprint,
    spec::{self, Origin},
};

use super::{Done, context::Project, output::Output};

/// Checks the spec, every environment of it, and that its blueprint has all it asks for.
pub fn check(output: &Output) -> Done {
    let project = Project::find()?;
    spec::validate(&project.parsed)?;
    let blueprint = blueprint::bind(&project.parsed.spec)?;
    let environments: Vec<&String> = project.parsed.spec.environments.keys().collect();
    output.json(&json!({ "type": "checked", "blueprint": blueprint.name, "environments": environments }));
    output.say(&format!("{} is valid ({})", project.parsed.source.file, blueprint.summary));
    output.next("pave deploy --canary");
    Ok(0)
}

/// Every value that holds in an environment, with where it comes from.
pub fn explain(environment: Option<&str>, output: &Output) -> Done {
    let project = Project::find()?;
    let resolved = project.environment(environment)?;
    let origins = spec::origins(&project.parsed, &resolved);
    let mut rows = Vec::new();
    for (path, (value, origin)) in &origins {
        output.json(&json!({ "path": path, "value": value, "origin": origin }));
        let origin = match origin {
            Origin::BuiltIn | Origin::Blueprint => origin.to_string(),
            _ => format!("{}, {origin}", project.parsed.source.file),
        };
        rows.push(vec![path.clone(), value.to_string(), origin]);
    }
    if !output.is_json() {
        output.table(&["key", "value", "from"], &rows);
    }
    Ok(0)
}

/// The JSON Schema of `pave.toml`.
pub fn schema() -> Done {
    let text = serde_json::to_string_pretty(&spec::schema()).expect("a schema always serialises");
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(0)
}
