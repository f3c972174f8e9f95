//! `pave tour`: the whole road, by the ordinary commands, with live traffic of its own.

mod edits;
mod load;
mod summary;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use serde_json::Value;

use crate::sandbox::{
    daemon::{self, Record},
    runtime::Kind,
};

use super::{
    Done, Failure,
    args::Tour,
    code,
    doctor::{first_line, version},
    output::{Output, Tone},
};

use edits::Edit;
use load::Load;
use summary::Story;

/// Languages in the order they are tried, with the program each needs and its least version.
const LANGUAGES: [(&str, &str, (u32, u32)); 2] =
    [("python", "python3", (3, 11)), ("typescript", "node", (22, 19))];

/// Name of the service.
const SERVICE: &str = "notes";

/// Where everything is, and how commands are run in it.
struct Stage<'a> {
    output: &'a Output,
    program: PathBuf,
    root: PathBuf,
}

impl Stage<'_> {
    fn project(&self) -> PathBuf {
        self.root.join(SERVICE)
    }

    fn sandbox(&self) -> PathBuf {
        self.root.join("sandbox")
    }

    fn command(&self, arguments: &[&str], dir: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(dir).env("PAVE_SANDBOX_DIR", self.sandbox()).stdin(Stdio::null());
        for name in ["PAVE_ENV", "PAVE_OUTPUT", "PAVE_DIRECTORY"] {
            command.env_remove(name);
        }
        // What the tour shows, it shows on every machine, whatever engine happens to run.
        command.env(Kind::VARIABLE, Kind::Process.to_string());
        command.env("PAVE_COLOR", if self.output.colored() { "always" } else { "never" });
        command
    }

    /// Runs an ordinary command as a person would, and returns its exit code.
    async fn run(&self, arguments: &[&str], dir: &Path) -> Result<i32, Failure> {
        self.output.progress(&format!("\n$ pave {}", arguments.join(" ")));
        let mut command = tokio::process::Command::from(self.command(arguments, dir));
        if self.output.is_json() || self.output.quiet {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        let status = command.status().await.map_err(|error| lost(&error))?;
        Ok(status.code().unwrap_or_else(|| i32::from(code::INTERRUPTED)))
    }

    /// Runs a command for its JSON.
    fn read(&self, arguments: &[&str]) -> Result<Value, Failure> {
        let out =
            self.command(arguments, &self.project()).args(["-o", "json"]).output().map_err(|e| lost(&e))?;
        serde_json::from_slice(&out.stdout).map_err(|error| {
            let text = String::from_utf8_lossy(&out.stderr).into_owned();
            Failure::new(
                code::INTERNAL,
                format!("pave {} gave no answer: {error}", arguments.join(" ")),
                "report this",
            )
            .because([text])
        })
    }

    fn say(&self, text: &str) {
        self.output.progress(&self.output.paint(Tone::Note, &format!("\n# {text}")));
    }
}

fn lost(error: &std::io::Error) -> Failure {
    Failure::new(code::INTERNAL, format!("pave cannot run itself: {error}"), "run it by its full path")
}

fn language(asked: Option<&str>) -> Result<&'static str, Failure> {
    let can = |program: &str, least| {
        first_line(program, &["--version"]).as_deref().and_then(version) >= Some(least)
    };
    let choices = LANGUAGES.iter().filter(|(name, ..)| asked.is_none_or(|asked| asked == *name));
    for (name, program, least) in choices {
        if can(program, *least) {
            return Ok(name);
        }
    }
    let what = match asked {
        Some(asked) => format!("this machine cannot run {asked} services"),
        None => "this machine has neither Python 3.11 nor Node 22.19".to_owned(),
    };
    Err(Failure::new(code::INVALID, what, "`pave doctor` shows what is missing"))
}

/// Walks the road.
pub async fn run(request: &Tour, output: &Output) -> Done {
    let language = language(request.language.as_deref())?;
    let here = std::env::current_dir().map_err(|error| lost(&error))?;
    let temporary = tempfile::Builder::new()
        .prefix("pave-tour-")
        .tempdir_in(if request.keep { here } else { std::env::temp_dir() })
        .map_err(|error| {
            Failure::new(code::INTERNAL, format!("there is no place for the tour: {error}"), "set TMPDIR")
        })?;
    let stage = Stage {
        output,
        program: std::env::current_exe().map_err(|error| lost(&error))?,
        root: temporary.path().to_owned(),
    };
    let walked = tokio::select! {
        walked = walk(&stage, language) => walked,
        _ = tokio::signal::ctrl_c() => Err(Failure::new(code::INTERRUPTED, "the tour was stopped", "run it again")),
    };
    if request.keep {
        let root = temporary.keep();
        output.say(&format!(
            "\nkept: the project in {}, the sandbox in {}",
            root.join(SERVICE).display(),
            root.join("sandbox").display()
        ));
        output.say(&format!(
            "to go on by hand:\n  export PAVE_SANDBOX_DIR={}\n  cd {}\n  pave status\n  eval \"$(pave sandbox env)\" && aws apprunner list-services",
            root.join("sandbox").display(),
            root.join(SERVICE).display()
        ));
    } else {
        daemon::reset(&stage.sandbox())?;
        output.next(
            "pave new NAME --language LANGUAGE --owner TEAM; or the tour again with --keep, to look around",
        );
    }
    walked
}

fn spec(language: &str) -> String {
    // Two steps of bake are enough here: the tour's own load tells much in seconds.
    format!(
        "[service]\nname = \"{SERVICE}\"\ndescription = \"Keeps short notes\"\nowner = \"tour\"\nlanguage = \"{language}\"\n\n\
         [environments.sandbox]\ntarget = \"sandbox\"\nrollout = {{ bake = \"5s\" }}\n"
    )
}

async fn walk(stage: &Stage<'_>, language: &str) -> Done {
    let began = Instant::now();
    let io = |error: std::io::Error| {
        Failure::new(code::INTERNAL, format!("the tour cannot write: {error}"), "free some space")
    };
    stage.say(&format!("a description becomes a {language} project"));
    let description = stage.root.join("description.toml");
    std::fs::write(&description, spec(language)).map_err(io)?;
    expect(stage.run(&["new", "--spec", "description.toml"], &stage.root).await?, 0, "the project")?;

    stage.say("release 1: the first; bundle, build, image, slot, route");
    expect(stage.run(&["deploy"], &stage.project()).await?, 0, "release 1")?;
    let record = daemon::find(&stage.sandbox());
    let record: Record =
        record.ok_or_else(|| Failure::new(code::INTERNAL, "the sandbox is gone", "look at sandbox.log"))?;

    stage.say("users arrive; release 2: a good change, by canary");
    let load = Load::start(record.edge, &format!("{SERVICE}.sandbox.localhost"));
    let mut story = Story::new(stage.output, began);
    for (number, name, wanted) in [(2u64, "good", 0), (3, "faulty", i32::from(code::ROLLED_BACK))] {
        if number == 3 {
            stage.say("release 3: a fault that passes its tests and health checks, and fails for long pages");
        }
        Edit::find(language, name)?.apply(&stage.project())?;
        load.mark();
        let ended = stage.run(&["deploy", "--canary"], &stage.project()).await?;
        // Requests that were under way when the route changed still belong to this release.
        let seen = load.settle().await;
        let release = stage.read(&["releases", &number.to_string()])?;
        story.add(number, &release["release"], seen);
        expect(ended, wanted, &format!("release {number}"))?;
    }
    let after = load.stop().await;
    story.tell(&record, &after)
}

fn expect(found: i32, wanted: i32, what: &str) -> Result<(), Failure> {
    if found == wanted {
        return Ok(());
    }
    let what = format!("{what} ended with exit code {found} instead of {wanted}");
    Err(Failure::new(code::INTERNAL, what, "the lines above say why; `pave doctor` checks this machine"))
}
