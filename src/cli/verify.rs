//! `pave verify`: the contract, tried on the running service.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Stdio,
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::json;
use tempfile::TempDir;
use tokio::{process::Command, signal::unix};

use crate::{
    sandbox::{
        daemon::{Daemon, Ports},
        runtime::Kind,
    },
    spec::{
        self,
        types::{DependencyKind, Spec},
    },
    verify::{
        self, CLOUD_NAME, Cloud, Finding, IMAGE_FILE, Id, NoSuchId, Options, REQUESTS_FILE, Report, Requests,
        Subject, Tree, Verdict, VerifyError,
    },
};

use super::{
    Done, Failure,
    args::Verify,
    code,
    context::Project,
    output::{Output, Tone},
};

/// Runs the experiments and shows what came of them.
pub async fn run(request: &Verify, output: &Output) -> Done {
    let only = request.only.iter().map(|id| id.parse()).collect::<Result<Vec<Id>, NoSuchId>>();
    let only = only.map_err(|error| {
        Failure::new(
            code::USAGE,
            error.to_string(),
            "the ids and their promises are listed by `pave verify --help`",
        )
    })?;
    let project = Project::find()?;
    spec::validate(&project.parsed)?;
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let jobs = request.jobs.map_or(cores, usize::from);
    // Shared: whatever is being done when somebody asks to stop ends, and cleans up, by itself.
    let stop = tokio::spawn(stopped()).map(|_| ()).boxed().shared();
    let report = tried(request, &project, Options { only, jobs }, output, stop).await?;
    Ok(show(&report, output))
}

/// Resolves when somebody asks to stop, for all who wait for it.
type Stop = Shared<BoxFuture<'static, ()>>;

/// Resolves when somebody asks to stop.
async fn stopped() {
    let listen = |kind| unix::signal(kind);
    let (Ok(mut terminate), Ok(mut hang_up)) =
        (listen(unix::SignalKind::terminate()), listen(unix::SignalKind::hangup()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
}

/// The work, unless somebody asks to stop first; it is dropped then, and with it ends what it started.
async fn unless<T>(stop: Stop, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::select! {
        result = work => result,
        () = stop => Err(VerifyError::Stopped.into()),
    }
}

async fn tried(
    request: &Verify,
    project: &Project,
    options: Options,
    output: &Output,
    stop: Stop,
) -> Result<Report, Failure> {
    let spec = project.parsed.spec.clone();
    let requests = requests(project)?;
    let bar = bar(output);
    let said = |finding: &Finding, done: usize, total: usize| {
        output.json(&json!({ "type": "finding", "finding": finding }));
        let line = format!("{}  {}", finding.id, finding.experiment);
        if output.live {
            bar.set_message(format!("{done} of {total}  {line}"));
            bar.tick();
        } else {
            output.progress(&format!("{done:>3} of {total}  {line}: {}", word(finding.verdict)));
        }
    };
    let report = if let Some(base) = &request.against {
        let work = async { Ok(verify::address(&spec.service.name, base, &requests, &options, said).await?) };
        unless(stop, work).await
    } else {
        let subject = match &request.image {
            Some(reference) => Subject::Image { reference: reference.clone(), dir: project.root.clone() },
            None => unless(stop.clone(), tree(&project.root, !request.no_prepare, output)).await?,
        };
        let sky = Sky::over(&spec).await?;
        let cloud = sky.as_ref().map(Sky::cloud);
        let report = verify::project(spec, requests, subject, cloud, &options, said, stop).await;
        if let Some(sky) = sky {
            sky.daemon.stop().await;
        }
        report.map_err(Failure::from)
    };
    bar.finish_and_clear();
    report
}

/// A sandbox in this process, with what the experiments need in it, for dependencies on AWS services.
struct Sky {
    daemon: Daemon,
    _dir: TempDir,
}

impl Sky {
    async fn over(spec: &Spec) -> Result<Option<Self>, Failure> {
        let lacks =
            |what: String| Failure::new(code::INTERNAL, what, "make TMPDIR name a place that is writable");
        let kinds: Vec<DependencyKind> = spec.dependencies.iter().map(|one| one.kind).collect();
        let made_of = [
            (DependencyKind::S3, "s3", "CreateBucket", json!({ "Bucket": CLOUD_NAME })),
            (DependencyKind::Sqs, "sqs", "CreateQueue", json!({ "QueueName": CLOUD_NAME })),
            (
                DependencyKind::Dynamodb,
                "dynamodb",
                "CreateTable",
                json!({
                    "TableName": CLOUD_NAME,
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
                    "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
                }),
            ),
        ];
        let wanted = |kind: &DependencyKind| kinds.contains(kind);
        if !made_of.iter().any(|(kind, ..)| wanted(kind)) && !wanted(&DependencyKind::Bedrock) {
            return Ok(None);
        }
        let dir = tempfile::Builder::new().prefix("pave-verify-").tempdir();
        let dir = dir.map_err(|error| lacks(format!("no temporary directory can be made: {error}")))?;
        let daemon = Daemon::start(dir.path(), Ports::default(), Some(Kind::Process)).await?;
        for (_, service, operation, input) in made_of.into_iter().filter(|(kind, ..)| wanted(kind)) {
            let made = daemon.call(service, operation, input).await;
            made.map_err(|error| lacks(format!("the sandbox refused {service} {operation}: {error}")))?;
        }
        Ok(Some(Self { daemon, _dir: dir }))
    }

    fn cloud(&self) -> Cloud {
        let record = &self.daemon.record;
        let credentials = record
            .env()
            .into_iter()
            .filter(|(name, _)| *name != "AWS_ENDPOINT_URL")
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, record.api));
        Cloud { address, credentials, account: record.identity.account.clone() }
    }
}

fn bar(output: &Output) -> ProgressBar {
    if output.live {
        ProgressBar::new_spinner().with_style(ProgressStyle::default_spinner())
    } else {
        ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden())
    }
}

fn requests(project: &Project) -> Result<Requests, Failure> {
    let invalid = |what: String| {
        let todo =
            "it tells how the service is spoken with; `pave new` makes one that speaks of each dependency";
        Failure::new(code::INVALID, what, todo)
    };
    let path = project.root.join(REQUESTS_FILE);
    let text = read(&path).map_err(|error| invalid(format!("{REQUESTS_FILE} cannot be read: {error}")))?;
    let names: Vec<&str> = project.parsed.spec.dependencies.iter().map(|one| one.name.as_str()).collect();
    verify::parse_requests(&text, &names).map_err(|error| invalid(error.to_string()))
}

/// A file's text. What is no file, such as a pipe that nobody writes to, could be waited for for ever.
fn read(path: &Path) -> io::Result<String> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    std::fs::read_to_string(path)
}

/// The checkout, made runnable.
async fn tree(root: &Path, prepare: bool, output: &Output) -> Result<Subject, Failure> {
    let invalid = |what: String| {
        Failure::new(
            code::INVALID,
            what,
            format!("restore {IMAGE_FILE} from version control, or use --image"),
        )
    };
    let text = read(&root.join(IMAGE_FILE))
        .map_err(|error| invalid(format!("{IMAGE_FILE} cannot be read: {error}")))?;
    let tree: Tree = serde_json::from_str(&text)
        .map_err(|error| invalid(format!("{IMAGE_FILE} cannot be used: {error}")))?;
    if tree.config.entrypoint.is_empty() {
        return Err(invalid(format!("{IMAGE_FILE} names no Entrypoint")));
    }
    for command in tree.prepare.iter().filter(|_| prepare) {
        output.progress(&format!("$ {command}"));
        let ran = in_a_group(command, root).await.map_err(|error| {
            Failure::new(code::INTERNAL, format!("`sh` cannot be run: {error}"), "check PATH")
        })?;
        if !ran.status.success() {
            let both = [ran.stdout, ran.stderr].concat();
            let text = String::from_utf8_lossy(&both);
            let lines: Vec<String> = text.lines().rev().take(15).map(|line| format!("| {line}")).collect();
            let what = format!("`{command}` failed ({})", ran.status);
            return Err(Failure::new(code::BUILD, what, "mend what its last lines say")
                .because(lines.into_iter().rev()));
        }
    }
    Ok(Subject::Tree { dir: root.to_owned(), tree })
}

/// Runs a shell command; what it started ends with it when nobody waits for it any more.
async fn in_a_group(command: &str, root: &Path) -> std::io::Result<std::process::Output> {
    struct Group(Option<Pid>);
    impl Drop for Group {
        fn drop(&mut self) {
            if let Some(group) = self.0 {
                let _ = kill_process_group(group, Signal::TERM);
            }
        }
    }
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(root).process_group(0);
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = shell.spawn()?;
    let mut group = Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
    let output = child.wait_with_output().await;
    group.0 = None;
    output
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "held",
        Verdict::Failed => "FAILED",
        Verdict::NotRun => "not run",
    }
}

/// The table, a line of summary, and the exit code.
fn show(report: &Report, output: &Output) -> u8 {
    let rows: Vec<Vec<String>> = report
        .findings
        .iter()
        .map(|finding| {
            let id = finding.id.to_string();
            let tone = match finding.verdict {
                Verdict::Held => Tone::Good,
                Verdict::Failed => Tone::Bad,
                Verdict::NotRun => Tone::Note,
            };
            let verdict = output.paint(tone, word(finding.verdict));
            let observed = match &finding.at_first {
                Some(first) => format!("{}; at the first try: {first}", finding.observed),
                None => finding.observed.clone(),
            };
            vec![id, verdict, finding.experiment.clone(), finding.expected.clone(), observed]
        })
        .collect();
    if !output.is_json() {
        output.table(&["id", "verdict", "experiment", "expected", "observed"], &rows);
    }
    let failed = report.failed();
    let (held, not_run) = (report.count(Verdict::Held), report.count(Verdict::NotRun));
    output.json(&json!({
        "type": "verified", "service": report.service, "held": held, "failed": failed, "not_run": not_run,
    }));
    if failed.is_empty() && held == 0 {
        output.say(
            &output
                .paint(Tone::Bad, &format!("{}: none of {not_run} experiments could be run", report.service)),
        );
        return code::INVALID;
    }
    if failed.is_empty() {
        let rest = if not_run == 0 { String::new() } else { format!(", {not_run} could not be run") };
        let again = match report.findings.iter().filter(|finding| finding.at_first.is_some()).count() {
            0 => String::new(),
            some => format!(", {some} of them only when tried again by itself: was this machine busy?"),
        };
        output.say(&format!("{}: {held} experiments held{again}{rest}", report.service));
        return 0;
    }
    let names: Vec<String> = failed.iter().map(|id| format!("{id} (the service {})", id.promise())).collect();
    output.say(&output.paint(Tone::Bad, &format!("{} breaks {}", report.service, names.join("; "))));
    code::INVALID
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        let todo = match &error {
            VerifyError::Backing(_) => "see `pave verify --help` for what experiments stand on",
            VerifyError::Start(_) => "make it start, then try its promises",
            VerifyError::Migrations(_) => "mend the migration, then try again",
            VerifyError::NotWell(_) => "make verify.toml and the service agree, then try again",
            VerifyError::Address(_) => "give the address of a service that runs, as in http://localhost:8080",
            VerifyError::Stopped => "everything it started was ended; run `pave verify` when you are ready",
            VerifyError::NothingToTry(_) => {
                "leave --only away, or try the promise on the project itself, without --against"
            }
        };
        let code = match error {
            VerifyError::Address(_) | VerifyError::NothingToTry(_) => code::USAGE,
            VerifyError::Stopped => code::INTERRUPTED,
            _ => code::INVALID,
        };
        Self::new(code, error.to_string(), todo)
    }
}
