//! The buildspec, as far as the sandbox's builds need it. Source: CodeBuild user guide, "Build specification reference".

use std::collections::BTreeMap;

use serde::Deserialize;

/// Phases in the order they run, with the service's names.
const PHASES: [(&str, &str); 4] =
    [("install", "INSTALL"), ("pre_build", "PRE_BUILD"), ("build", "BUILD"), ("post_build", "POST_BUILD")];

/// Members that change nothing here: every build has bash, and the machine's own tools.
const IGNORED: [&str; 4] = ["shell", "exported-variables", "runtime-versions", "git-credential-helper"];

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
    #[serde(flatten)]
    rest: BTreeMap<String, serde_yaml_ng::Value>,
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
    #[serde(flatten)]
    rest: BTreeMap<String, serde_yaml_ng::Value>,
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
        if let Some(other) = spec.phases.keys().find(|name| !known(name)) {
            return Err(format!("there is no phase `{other}`"));
        }
        // What says how commands run may not be left out in silence.
        let members = spec.phases.values().flat_map(|phase| phase.rest.keys());
        match members.chain(spec.env.rest.keys()).find(|name| !IGNORED.contains(&name.as_str())) {
            Some(other) => Err(format!("`{other}` is not in the sandbox")),
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

    /// All of them: a phase without commands is gone through, too.
    pub fn phases(&self) -> Vec<Phase> {
        let commands = |key| self.phases.get(key).map(|phase| phase.commands.clone()).unwrap_or_default();
        PHASES.iter().map(|(key, name)| Phase { name, commands: commands(*key) }).collect()
    }
}

/// Shell scripts for all phases: commands share a shell, as in buildspec version 0.2, and tell by lines that begin with
/// `mark`, behind one that is empty or ends what a command left open, which of them starts and how it ended. The first is for all but POST_BUILD, which the second, kept at `post`, is for:
/// it runs once BUILD was reached, however that ended.
///
/// Source: CodeBuild user guide, "Build phase transitions", and `CODEBUILD_BUILD_SUCCEEDING` in "Environment variables".
pub(super) fn scripts(phases: &[Phase], mark: &str, post: &str) -> (String, String) {
    let of =
        |post: bool| phases.iter().enumerate().filter(move |(_, phase)| (phase.name == "POST_BUILD") == post);
    let mut main = format!(
        "exec 2>&1\nexport CODEBUILD_BUILD_SUCCEEDING=1\n__pave_now= __pave_built=\n\
         __pave_say() {{ local IFS=' '; builtin printf '\\n%s\\n' \"{mark} $*\"; }}\n\
         __pave_leave() {{\n__pave_status=$?\ntrap - EXIT\n\
         [ -z \"$__pave_now\" ] || __pave_say end $__pave_now $__pave_status\n\
         [ $__pave_status -eq 0 ] || CODEBUILD_BUILD_SUCCEEDING=0\n__pave_result=$__pave_status\n\
         [ -z \"$__pave_built\" ] || source '{post}'\nexit $__pave_result\n}}\ntrap __pave_leave EXIT\n"
    );
    let (before, built): (Vec<_>, Vec<_>) = of(false).partition(|(_, phase)| phase.name != "BUILD");
    before.into_iter().for_each(|(p, phase)| commands(&mut main, p, phase));
    main.push_str("__pave_built=1\n");
    built.into_iter().for_each(|(p, phase)| commands(&mut main, p, phase));
    let mut after = String::new();
    of(true).for_each(|(p, phase)| commands(&mut after, p, phase));
    (main, after)
}

fn commands(out: &mut String, p: usize, phase: &Phase) {
    for (c, command) in phase.commands.iter().enumerate() {
        out.push_str(&format!("__pave_say start {p} {c}\n__pave_now='{p} {c}'\n{command}\n"));
        out.push_str(&format!("__pave_status=$?\n__pave_now=\n__pave_say end {p} {c} $__pave_status\n"));
        out.push_str("[ $__pave_status -eq 0 ] || exit $__pave_status\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_come_in_the_order_they_run() {
        let text = "version: 0.2\nenv:\n  variables:\n    A: b\nphases:\n  build:\n    commands: [make]\n  install:\n    commands: [get]\n";
        let spec = Buildspec::parse(text).expect("parses");
        let names: Vec<_> = spec.phases().iter().map(|p| p.name).collect();
        assert_eq!(names, ["INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD"]);
        assert_eq!(spec.variables()["A"], "b");
    }

    /// What a shell says to the scripts of a buildspec, and its exit status.
    fn run(text: &str) -> (String, i32) {
        let dir = tempfile::tempdir().expect("a directory");
        let post = dir.path().join("post.sh");
        let phases = Buildspec::parse(text).expect("parses").phases();
        let (main, after) = scripts(&phases, "@", post.to_str().expect("UTF-8"));
        std::fs::write(post, after).expect("writes");
        let output = std::process::Command::new("bash").args(["-c", &main]).output().expect("bash runs");
        let said = String::from_utf8_lossy(&output.stdout);
        let lines: Vec<&str> = said.lines().filter(|line| !line.is_empty()).collect();
        (lines.join(" "), output.status.code().expect("a status"))
    }

    #[test]
    fn after_a_build_that_failed_its_post_build_runs_and_knows() {
        for build in ["(exit 3)", "exit 3", "set -e; (exit 3)"] {
            let text = format!(
                "phases:\n  build:\n    commands: ['{build}', 'echo never']\n  post_build:\n    commands: ['echo so $CODEBUILD_BUILD_SUCCEEDING']\n"
            );
            let said = "@ start 2 0 @ end 2 0 3 @ start 3 0 so 0 @ end 3 0 0";
            assert_eq!(run(&text), (said.to_owned(), 3), "{build}");
        }
    }

    #[test]
    fn after_an_install_that_failed_nothing_runs() {
        let text =
            "phases:\n  install:\n    commands: ['exit 4']\n  post_build:\n    commands: ['echo never']\n";
        assert_eq!(run(text), ("@ start 0 0 @ end 0 0 4".to_owned(), 4));
    }

    #[test]
    fn commands_share_a_shell_and_a_good_build_is_followed_by_its_post_build() {
        let text = "phases:\n  install:\n    commands: ['A=1']\n  build:\n    commands: ['B=$A']\n  post_build:\n    commands: ['echo $B $CODEBUILD_BUILD_SUCCEEDING', 'exit 5']\n";
        let said = "@ start 0 0 @ end 0 0 0 @ start 2 0 @ end 2 0 0 @ start 3 0 1 1 @ end 3 0 0 @ start 3 1";
        assert_eq!(run(text), (said.to_owned(), 5));
    }

    #[test]
    fn what_is_not_played_is_refused() {
        let text = "phases:\n  build:\n    commands: []\n    finally: [x]\n";
        assert!(Buildspec::parse(text).expect_err("refused").contains("finally"));
        let text = "env:\n  parameter-store:\n    A: b\nphases: {}\n";
        assert!(Buildspec::parse(text).expect_err("refused").contains("parameter-store"));
    }

    #[test]
    fn a_phase_that_does_not_exist_is_named() {
        assert!(Buildspec::parse("phases:\n  bild:\n    commands: []\n").expect_err("typo").contains("bild"));
    }
}
