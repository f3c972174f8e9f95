//! The buildspec, as far as a process build needs it. Source: CodeBuild user guide, "Build specification reference".

use std::collections::BTreeMap;

use serde::Deserialize;

/// Phases in the order they run, with the service's names.
const PHASES: [(&str, &str); 4] =
    [("install", "INSTALL"), ("pre_build", "PRE_BUILD"), ("build", "BUILD"), ("post_build", "POST_BUILD")];

#[derive(Debug, Deserialize)]
pub(super) struct Buildspec {
    #[serde(default)]
    env: Env,
    #[serde(default)]
    cache: Cache,
    phases: BTreeMap<String, PhaseSpec>,
}

#[derive(Debug, Default, Deserialize)]
struct Env {
    #[serde(default)]
    variables: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
struct Cache {
    #[serde(default)]
    paths: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct PhaseSpec {
    #[serde(default)]
    commands: Vec<String>,
}

/// One phase: its name in the API and its commands.
pub(super) struct Phase {
    pub name: &'static str,
    pub commands: Vec<String>,
}

impl Buildspec {
    pub fn parse(text: &str) -> Result<Self, String> {
        let spec: Self = serde_yaml_ng::from_str(text).map_err(|error| error.to_string())?;
        let known = |name: &String| PHASES.iter().any(|(key, _)| key == name);
        match spec.phases.keys().find(|name| !known(name)) {
            Some(other) => Err(format!("there is no phase `{other}`")),
            None => Ok(spec),
        }
    }

    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.env.variables
    }

    /// Folders kept from build to build. Only plain folders, as `.deps/**/*`, inside the tree are.
    pub fn cached_folders(&self) -> Vec<&str> {
        self.cache
            .paths
            .iter()
            .filter_map(|path| path.strip_suffix("/**/*"))
            .filter(|folder| !folder.contains(['*', '/']) && *folder != ".." && !folder.is_empty())
            .collect()
    }

    pub fn phases(&self) -> Vec<Phase> {
        PHASES
            .iter()
            .filter_map(|(key, name)| {
                let commands = self.phases.get(*key)?.commands.clone();
                Some(Phase { name, commands })
            })
            .collect()
    }
}

/// One shell script for all phases: commands share a shell, as in buildspec version 0.2, and tell by lines that begin
/// with `mark` which of them starts and how it ended.
pub(super) fn script(phases: &[Phase], mark: &str) -> String {
    let mut out = String::from("exec 2>&1\n");
    for (p, phase) in phases.iter().enumerate() {
        for (c, command) in phase.commands.iter().enumerate() {
            out.push_str(&format!("echo '{mark} start {p} {c}'\n{command}\n"));
            out.push_str(&format!("__pave_status=$?\necho '{mark}' end {p} {c} $__pave_status\n"));
            out.push_str("[ $__pave_status -eq 0 ] || exit $__pave_status\n");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_come_in_the_order_they_run() {
        let text = "version: 0.2\nenv:\n  variables:\n    A: b\nphases:\n  build:\n    commands: [make]\n  install:\n    commands: [get]\n";
        let spec = Buildspec::parse(text).expect("parses");
        let names: Vec<_> = spec.phases().iter().map(|p| p.name).collect();
        assert_eq!(names, ["INSTALL", "BUILD"]);
        assert_eq!(spec.variables()["A"], "b");
    }

    #[test]
    fn a_phase_that_does_not_exist_is_named() {
        assert!(Buildspec::parse("phases:\n  bild:\n    commands: []\n").expect_err("typo").contains("bild"));
    }
}
