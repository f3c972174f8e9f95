//! A validated spec -> what holds in one environment, with the origin of every value.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;
use serde_json::Value;

use super::{
    Parsed, SpecError, closest,
    types::{Budget, Dependency, Http, Probe, Rollout, Scale, Service, Slo, Target},
    validate,
};

/// What holds in one environment. It has passed every check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResolvedSpec {
    /// What the service is.
    pub service: Service,
    /// How it listens.
    pub http: Http,
    /// What it calls.
    pub dependencies: Vec<Dependency>,
    /// Size and number of instances.
    pub scale: Scale,
    /// What users are promised.
    pub slo: Slo,
    /// How a release reaches users.
    pub rollout: Rollout,
    /// Paired requests during a rollout; at least one.
    pub probes: Vec<Probe>,
    /// What it may cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Where it runs.
    pub environment: Place,
}

/// Where a resolved spec runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Name of the environment.
    pub name: String,
    /// AWS or sandbox.
    pub target: Target,
    /// Account that the credentials must belong to; present for `aws`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Region; present for `aws`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Variables that the service is started with, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub enum Origin {
    /// The file.
    File {
        /// 1-based.
        line: usize,
    },
    /// An override of the environment.
    Environment {
        /// 1-based.
        line: usize,
    },
    /// The blueprint.
    Blueprint,
    /// pave itself.
    BuiltIn,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { line } => write!(f, "line {line}"),
            Self::Environment { line } => write!(f, "environment, line {line}"),
            Self::Blueprint => f.write_str("blueprint default"),
            Self::BuiltIn => f.write_str("built-in default"),
        }
    }
}

/// Why a spec cannot be resolved.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The file has mistakes.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// It has no such environment.
    #[error("there is no environment `{name}` in {file}")]
    NoEnvironment {
        /// The name asked for.
        name: String,
        /// The file.
        file: String,
        /// What to do.
        help: String,
    },
}

/// The environment that every spec has, declared or not.
pub const SANDBOX: &str = "sandbox";

/// Path of the probe that stands in where the spec names none: readiness with all critical dependencies.
const DEFAULT_PROBE: &str = "/readyz";

/// Validates, then lays one environment over the rest.
///
/// # Errors
/// [`ResolveError::Spec`] with all mistakes, or [`ResolveError::NoEnvironment`].
pub fn resolve(parsed: &Parsed, environment: &str) -> Result<ResolvedSpec, ResolveError> {
    validate(parsed)?;
    let spec = &parsed.spec;
    let implied = super::types::Environment { target: Some(Target::Sandbox), ..Default::default() };
    let chosen = match spec.environments.get(environment) {
        Some(chosen) => chosen,
        None if environment == SANDBOX => &implied,
        None => return Err(missing(parsed, environment)),
    };
    let mut resolved = ResolvedSpec {
        service: spec.service.clone(),
        http: spec.http.clone(),
        dependencies: spec.dependencies.clone(),
        scale: spec.scale.clone(),
        slo: spec.slo.clone(),
        rollout: spec.rollout.clone(),
        probes: spec.probes.clone(),
        budget: chosen.budget.clone().or_else(|| spec.budget.clone()),
        environment: Place {
            name: environment.to_owned(),
            target: chosen.target.unwrap_or_default(),
            account: chosen.account.clone(),
            region: chosen.region.clone(),
            variables: chosen.variables.clone(),
        },
    };
    if let Some(over) = &chosen.http {
        over.apply(&mut resolved.http);
    }
    if let Some(over) = &chosen.scale {
        over.apply(&mut resolved.scale);
    }
    if let Some(over) = &chosen.slo {
        over.apply(&mut resolved.slo);
    }
    if let Some(over) = &chosen.rollout {
        over.apply(&mut resolved.rollout);
    }
    if resolved.probes.is_empty() {
        resolved.probes.push(Probe { path: DEFAULT_PROBE.to_owned(), method: "GET".to_owned() });
    }
    Ok(resolved)
}

fn missing(parsed: &Parsed, environment: &str) -> ResolveError {
    let mut known: Vec<&str> = parsed.spec.environments.keys().map(String::as_str).collect();
    if !known.contains(&SANDBOX) {
        known.push(SANDBOX);
    }
    let help = match closest(environment, &known) {
        Some(best) => format!("did you mean `{best}`?"),
        None => format!("it has {}; add [environments.{environment}] for another", known.join(", ")),
    };
    ResolveError::NoEnvironment { name: environment.to_owned(), file: parsed.source.file.clone(), help }
}

/// Every value of a resolved spec by its dotted path, with where it came from.
pub fn origins(parsed: &Parsed, resolved: &ResolvedSpec) -> BTreeMap<String, (Value, Origin)> {
    let mut leaves = Vec::new();
    let value = serde_json::to_value(resolved).unwrap_or(Value::Null);
    collect(&value, &mut Vec::new(), &mut leaves);
    let environment = resolved.environment.name.as_str();
    leaves
        .into_iter()
        .map(|(path, value)| {
            let parts: Vec<&str> = path.iter().map(String::as_str).collect();
            let tail = if parts[0] == "environment" { &parts[1..] } else { &parts[..] };
            let nested: Vec<&str> = ["environments", environment].iter().chain(tail).copied().collect();
            let source = &parsed.source;
            let origin = if let Some(line) = source.line(&nested) {
                Origin::Environment { line }
            } else if let Some(line) = source.line(&parts) {
                Origin::File { line }
            } else if parts[0] == "probes" && parsed.spec.probes.is_empty() {
                Origin::Blueprint
            } else {
                Origin::BuiltIn
            };
            (path.join("."), (value, origin))
        })
        .collect()
}

fn collect(value: &Value, path: &mut Vec<String>, leaves: &mut Vec<(Vec<String>, Value)>) {
    let scalars = |items: &[Value]| items.iter().all(|item| !item.is_object());
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                path.push(key.clone());
                collect(inner, path, leaves);
                path.pop();
            }
        }
        Value::Array(items) if !scalars(items) => {
            for (index, inner) in items.iter().enumerate() {
                path.push(index.to_string());
                collect(inner, path, leaves);
                path.pop();
            }
        }
        leaf => leaves.push((path.clone(), leaf.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::parse;

    const TEXT: &str = "[service]\nname = \"orders\"\nowner = \"payments\"\nlanguage = \"python\"\n[scale]\nmin = 2\n\
        [environments.prod]\naccount = \"222222222222\"\nregion = \"us-east-1\"\nscale = { cpu = \"1\", memory = \"2GB\" }\n";

    #[test]
    fn an_override_replaces_its_keys_and_leaves_the_others() {
        let parsed = parse("pave.toml", TEXT).expect("parses");
        let prod = resolve(&parsed, "prod").expect("resolves");
        assert_eq!((prod.scale.cpu.0, prod.scale.memory.0, prod.scale.min), (1024, 2048, 2));
        let sandbox = resolve(&parsed, "sandbox").expect("is always there");
        assert_eq!((sandbox.scale.cpu.0, sandbox.scale.min), (256, 2));
        assert_eq!(sandbox.environment.target, Target::Sandbox);
    }

    #[test]
    fn every_value_has_an_origin() {
        let parsed = parse("pave.toml", TEXT).expect("parses");
        let prod = resolve(&parsed, "prod").expect("resolves");
        let origins = origins(&parsed, &prod);
        assert_eq!(origins["service.name"].1, Origin::File { line: 2 });
        assert_eq!(origins["scale.cpu"].1, Origin::Environment { line: 10 });
        assert_eq!(origins["scale.min"].1, Origin::File { line: 6 });
        assert_eq!(origins["http.port"].1, Origin::BuiltIn);
        assert_eq!(origins["probes.0.path"].1, Origin::Blueprint);
        assert_eq!(origins["environment.account"].1, Origin::Environment { line: 8 });
    }

    #[test]
    fn a_misspelt_environment_gets_a_suggestion() {
        let parsed = parse("pave.toml", TEXT).expect("parses");
        let Err(ResolveError::NoEnvironment { help, .. }) = resolve(&parsed, "prd") else {
            panic!("no such environment")
        };
        assert_eq!(help, "did you mean `prod`?");
    }
}
