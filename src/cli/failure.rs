//! Errors -> words and exit codes, in one place.

use std::io::Write as _;

use miette::{LabeledSpan, MietteDiagnostic, NamedSource, Report};
use serde_json::json;

use crate::{
    aws::ConnectError,
    blueprint::BlueprintError,
    check::CheckError,
    engine::{EngineError, ports::PortError},
    package::PackError,
    sandbox::{daemon::DaemonError, runtime::RuntimeError},
    scaffold::{RenderError, WriteError},
    spec::{ResolveError, SpecError},
};

use super::output::{Output, Tone};

/// Exit codes. They are part of the interface.
pub mod code {
    /// A fault of pave or of the machine.
    pub const INTERNAL: u8 = 1;
    /// The spec or the project is not valid.
    pub const INVALID: u8 = 3;
    /// Refused until somebody decides.
    pub const REFUSED: u8 = 4;
    /// The build failed.
    pub const BUILD: u8 = 5;
    /// Rolled back; users are safe.
    pub const ROLLED_BACK: u8 = 6;
    /// Halted; a person is needed.
    pub const HALTED: u8 = 7;
    /// Somebody else is at it.
    pub const CONFLICT: u8 = 8;
    /// Wrong use.
    pub const USAGE: u8 = 64;
    /// It may work later.
    pub const TRANSIENT: u8 = 75;
    /// Stopped by a person.
    pub const INTERRUPTED: u8 = 130;
}

/// Why a command ended badly.
#[derive(Debug)]
pub struct Failure {
    /// What happened.
    pub what: String,
    /// Why, or what was seen.
    pub why: Vec<String>,
    /// What to do.
    pub todo: Option<String>,
    /// Exit code.
    pub code: u8,
    /// Mistakes in a file, with their place.
    pub spec: Option<Box<SpecError>>,
}

impl Failure {
    /// A failure with what happened and what to do.
    pub fn new(code: u8, what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { what: what.into(), why: Vec::new(), todo: Some(todo.into()), code, spec: None }
    }

    /// Adds what was seen.
    #[must_use]
    pub fn because(mut self, why: impl IntoIterator<Item = String>) -> Self {
        self.why.extend(why);
        self
    }

    /// Prints it.
    pub fn print(&self, output: &Output) {
        let mut err = std::io::stderr();
        if output.is_json() {
            let mistakes = self.spec.as_ref().map(|spec| {
                let mistake = |m: &crate::spec::Mistake| {
                    let line = m.span.as_ref().map(|s| spec.text[..s.start].matches('\n').count() + 1);
                    json!({ "message": m.message, "help": m.help, "line": line })
                };
                spec.mistakes.iter().map(mistake).collect::<Vec<_>>()
            });
            output.json(&json!({
                "type": "error", "what": self.what, "why": self.why, "do": self.todo, "code": self.code, "mistakes": mistakes,
            }));
            return;
        }
        if let Some(spec) = &self.spec {
            for report in reports(spec) {
                let _ = writeln!(err, "{}", render(&report, output.colored()));
            }
        }
        let _ = writeln!(err, "{} {}", output.paint(Tone::Bad, "error:"), self.what);
        for line in &self.why {
            let _ = writeln!(err, "  {line}");
        }
        if let Some(todo) = &self.todo {
            let _ = writeln!(err, "{} {todo}", output.paint(Tone::Note, "   do:"));
        }
    }
}

fn reports(spec: &SpecError) -> Vec<Report> {
    spec.mistakes
        .iter()
        .map(|mistake| {
            let mut diagnostic = MietteDiagnostic::new(mistake.message.clone());
            if let Some(span) = &mistake.span {
                diagnostic = diagnostic.with_label(LabeledSpan::at(span.clone(), "here"));
            }
            if let Some(help) = &mistake.help {
                diagnostic = diagnostic.with_help(help.clone());
            }
            Report::new(diagnostic).with_source_code(NamedSource::new(&spec.file, spec.text.clone()))
        })
        .collect()
}

fn render(report: &Report, color: bool) -> String {
    let theme =
        if color { miette::GraphicalTheme::unicode() } else { miette::GraphicalTheme::unicode_nocolor() };
    let mut out = String::new();
    let handler = miette::GraphicalReportHandler::new_themed(theme).with_width(110);
    match handler.render_report(&mut out, report.as_ref()) {
        Ok(()) => out,
        Err(_) => report.to_string(),
    }
}

impl From<SpecError> for Failure {
    fn from(error: SpecError) -> Self {
        let mut failure =
            Self::new(code::INVALID, error.to_string(), "correct the places shown above and run this again");
        failure.spec = Some(Box::new(error));
        failure
    }
}

impl From<CheckError> for Failure {
    fn from(error: CheckError) -> Self {
        Self::new(code::INVALID, error.to_string(), "make it readable and run this again")
    }
}

impl From<ResolveError> for Failure {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Spec(error) => error.into(),
            ResolveError::NoEnvironment { ref help, .. } => {
                Self::new(code::INVALID, error.to_string(), help.clone())
            }
        }
    }
}

impl From<BlueprintError> for Failure {
    fn from(error: BlueprintError) -> Self {
        let todo = match &error {
            BlueprintError::Unknown { help, .. } | BlueprintError::Lacks { help, .. } => help.clone(),
            BlueprintError::Needs { kind, .. } => {
                format!("add [[dependencies]] with kind = \"{kind}\", or --with {kind}")
            }
            BlueprintError::Broken { .. } => "this is a fault of pave; please report it".to_owned(),
        };
        Self::new(code::INVALID, error.to_string(), todo)
    }
}

impl From<RenderError> for Failure {
    fn from(error: RenderError) -> Self {
        Self::new(
            code::INTERNAL,
            error.to_string(),
            "this is a fault of pave; please report it with your pave.toml",
        )
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        let (code, todo) = match &error {
            WriteError::NotEmpty(_) | WriteError::NotADirectory(_) => {
                (code::REFUSED, "name another directory with --dir; nothing was written")
            }
            WriteError::OtherSpec(_) => (
                code::REFUSED,
                "edit its pave.toml and run `pave new --spec pave.toml --dir .` in it; nothing was changed",
            ),
            WriteError::Manifest { .. } => {
                (code::INVALID, "restore .pave/manifest.json from version control")
            }
            WriteError::Io { .. } => {
                (code::INTERNAL, "make the place writable or free some space; nothing was changed")
            }
        };
        Self::new(code, error.to_string(), todo)
    }
}

impl From<PackError> for Failure {
    fn from(error: PackError) -> Self {
        let todo = match &error {
            PackError::Secrets(_) => {
                "keep them out of the bundle: add them to .gitignore or .paveignore, or remove them"
            }
            PackError::LinkLeaves { .. } => {
                "replace the link by what it points to, or ignore it in .paveignore"
            }
            PackError::NotUtf8(_) => "rename it",
            PackError::Special(_) => "remove it, or ignore it in .paveignore",
            PackError::Changed(_) => "run this again when nothing writes to the tree",
            PackError::Write { .. } => {
                "free some space, or set TMPDIR to a place that has some; nothing was left behind"
            }
            PackError::Read { .. } | PackError::Tree { .. } => {
                "make it readable, or ignore it in .paveignore"
            }
            PackError::Empty(_) => "run this in a project; `pave new` makes one",
        };
        let code = if matches!(error, PackError::Secrets(_)) { code::REFUSED } else { code::INVALID };
        Self::new(code, error.to_string(), todo)
    }
}

impl From<PortError> for Failure {
    fn from(error: PortError) -> Self {
        let what = error.to_string();
        let retry = if error.is_transient() { code::TRANSIENT } else { code::INTERNAL };
        match error {
            PortError::Service { request_id, .. } => {
                let todo = if retry == code::TRANSIENT {
                    "try again in a moment"
                } else {
                    "check the permissions and settings of the account; `pave doctor` shows who you are"
                };
                Self::new(retry, what, todo).because(request_id.map(|id| format!("request id {id}")))
            }
            PortError::Unreachable { .. } => {
                Self::new(code::TRANSIENT, what, "check the network (or `pave sandbox status`) and try again")
            }
            PortError::Conflict { .. } => {
                Self::new(code::CONFLICT, what, "look at `pave status` and run this again")
            }
            PortError::NotFound { .. } => Self::new(code::INVALID, what, "look at `pave status`"),
            PortError::BuildFailed { log, .. } => {
                let lines = log.into_iter().map(|line| format!("| {line}"));
                Self::new(code::BUILD, what, "mend the command that failed; nothing was released")
                    .because(lines)
            }
            PortError::SlotFailed { log, .. } => {
                let lines = log.into_iter().map(|line| format!("| {line}"));
                Self::new(code::ROLLED_BACK, what, "mend what the log shows and deploy again").because(lines)
            }
            PortError::Invalid(_) => Self::new(code::INTERNAL, what, "look at `pave status`"),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let what = error.to_string();
        match error {
            EngineError::Port(error) => error.into(),
            EngineError::Pack(error) => error.into(),
            EngineError::Leased { expires, .. } => {
                let todo =
                    format!("wait until it is done; if nobody is, the lease runs out by itself at {expires}");
                Self::new(code::CONFLICT, what, todo)
            }
            EngineError::Unfinished { .. } => Self::new(
                code::CONFLICT,
                what,
                "`pave deploy --resume` goes on with it, `pave rollback` puts users back",
            ),
            EngineError::NoTarget(_) => Self::new(code::INVALID, what, "`pave releases` shows what there is"),
            EngineError::NothingToResume => Self::new(code::INVALID, what, "run `pave deploy`"),
            EngineError::Record { .. } | EngineError::Snapshot(_) | EngineError::Journal { .. } => Self::new(
                code::HALTED,
                what,
                "a person has to look at the records in the bucket; nothing was changed",
            ),
            EngineError::Interrupted => {
                Self::new(code::INTERRUPTED, what, "run `pave deploy` when you are ready")
            }
        }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let what = error.to_string();
        match error {
            ConnectError::NoRegion => {
                Self::new(code::USAGE, what, "add region to the environment in pave.toml, or set AWS_REGION")
            }
            ConnectError::WrongAccount { .. } => Self::new(
                code::REFUSED,
                what,
                "choose other credentials with AWS_PROFILE, or correct `account` in pave.toml",
            ),
            ConnectError::Identity(cause) => {
                let code = if cause.is_transient() { code::TRANSIENT } else { code::REFUSED };
                Self::new(code, what, "log in (`aws sso login`) or set AWS_PROFILE, then run this again")
                    .because([cause.to_string()])
            }
        }
    }
}

impl From<DaemonError> for Failure {
    fn from(error: DaemonError) -> Self {
        let what = error.to_string();
        match error {
            DaemonError::PortTaken { .. } => {
                Self::new(code::USAGE, what, "leave the port out to take any free one")
            }
            DaemonError::AlreadyRuns(_) => Self::new(
                code::CONFLICT,
                what,
                "`pave sandbox status` shows it, `pave sandbox down` stops it",
            ),
            DaemonError::NoStart { log, .. } => {
                let lines = log.into_iter().map(|line| format!("| {line}"));
                Self::new(code::INTERNAL, what, "the lines above say why; what it holds is as it was")
                    .because(lines)
            }
            DaemonError::NoStop { pid } => {
                Self::new(code::INTERNAL, what, format!("end it by hand: kill -9 {pid}"))
            }
            DaemonError::NotASandbox(_) => {
                Self::new(code::REFUSED, what, "set PAVE_SANDBOX_DIR to a place of its own")
            }
            DaemonError::OtherRuntime { .. } => Self::new(
                code::CONFLICT,
                what,
                "leave the runtime out, or remove what it holds first with `pave sandbox reset`",
            ),
            DaemonError::Runtime(RuntimeError::Unknown(_)) => {
                Self::new(code::USAGE, what, "set PAVE_SANDBOX_RUNTIME to one of them, or unset it")
            }
            DaemonError::Runtime(RuntimeError::Docker(_)) => Self::new(
                code::REFUSED,
                what,
                "start such an engine, or point DOCKER_HOST at its socket; `pave sandbox up --runtime process` makes a sandbox without",
            ),
            DaemonError::Runtime(RuntimeError::Io(_)) => {
                Self::new(code::INTERNAL, what, "make the place readable, then run this again")
            }
            DaemonError::NoPlace => Self::new(code::USAGE, what, "set PAVE_SANDBOX_DIR"),
            DaemonError::Io { .. } => {
                Self::new(code::INTERNAL, what, "make the place writable, or set PAVE_SANDBOX_DIR to another")
            }
        }
    }
}
