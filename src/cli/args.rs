//! What can be typed.

use std::path::PathBuf;

use crate::{sandbox::runtime::Kind, spec::units::Duration, verify};
use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser, styling::Styles},
};

const EXAMPLES: &str = "\
Examples:
  pave tour                                 the whole road on this machine, in about a minute
  pave new orders --language python         a new service in ./orders
  pave verify                               try its promises on the running service
  pave deploy --canary                      release it, judged step by step
  pave rollback                             bring the release before back

Exit codes: 0 done, 1 internal, 3 invalid spec or project, 4 refused, 5 build failed, 6 rolled back and safe,
7 halted and needs a person, 8 conflict, 64 usage, 75 try again, 130 interrupted";

const SANDBOX_RUNTIME: &str = "\
A sandbox has its runtime for life; `pave sandbox reset` is how it gets another one. Unless it is given, it is docker where an
engine of this machine answers, at $DOCKER_HOST or the usual socket, that keeps its images in containerd and has a client with
buildx; process otherwise.";

const SANDBOX_PLACE: &str = "\
The sandbox lives in $PAVE_SANDBOX_DIR, else $XDG_DATA_HOME/pave/sandbox, else ~/.local/share/pave/sandbox.
Environments with target = \"sandbox\" start it by themselves.";

/// The road from a service description to a release on AWS that can be undone.
#[derive(Debug, Parser)]
#[command(name = "pave", version, after_help = EXAMPLES, styles = Styles::plain(), disable_help_subcommand = true)]
pub struct Cli {
    /// Work in this directory.
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true, env = "PAVE_DIRECTORY")]
    pub directory: Option<PathBuf>,
    /// How to print: for people, or one JSON object a line.
    #[arg(short, long, value_enum, default_value_t = Format::Human, global = true, env = "PAVE_OUTPUT")]
    pub output: Format,
    /// Print nothing but results and errors.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Print more, such as the build's log.
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// When to colour.
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true, env = "PAVE_COLOR")]
    pub color: Color,
    #[command(subcommand)]
    pub command: Command,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new service project.
    New(New),
    /// Check the project: what can be told by reading it.
    Check(Check),
    /// Try the service's promises on the running service.
    Verify(Verify),
    /// Show the resolved configuration or the schema of pave.toml.
    #[command(subcommand)]
    Config(Config),
    /// Release this tree.
    Deploy(Deploy),
    /// Bring an earlier release back.
    Rollback(Rollback),
    /// Show what is live.
    Status(InEnvironment),
    /// List releases.
    Releases(Releases),
    /// Show what a slot printed.
    Logs(Logs),
    /// The embedded AWS services on this machine.
    #[command(subcommand, after_help = SANDBOX_PLACE)]
    Sandbox(Sandbox),
    /// Walk the whole road on this machine, in a place and a sandbox of its own.
    Tour(Tour),
    /// Check what this machine has.
    Doctor,
    /// Print a completion script.
    #[command(
        after_help = "Example:\n  pave completions bash > ~/.local/share/bash-completion/completions/pave"
    )]
    Completions {
        /// Shell.
        shell: clap_complete::Shell,
    },
}

/// `pave verify`
#[derive(Debug, Args)]
#[command(after_help = verify_help())]
pub struct Verify {
    /// Only these contract ids, C01 to C15.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Ask a service that runs somewhere; only experiments that change nothing.
    #[arg(long, value_name = "URL", conflicts_with_all = ["image", "no_prepare"])]
    pub against: Option<String>,
    /// Run this image with the local Docker engine instead of the checkout.
    #[arg(long, value_name = "IMAGE", conflicts_with = "no_prepare")]
    pub image: Option<String>,
    /// Do not build first.
    #[arg(long)]
    pub no_prepare: bool,
    /// Experiments at a time; as many as there are cores unless given.
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub jobs: Option<u8>,
}

/// `pave new`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pave new orders --language python --owner payments-team
  pave new orders --language typescript --owner payments --http stripe=https://api.stripe.com
  pave new board --language rust --owner desk --blueprint web-app --with postgres --with redis
  pave new orders --spec orders.toml
  pave new --spec pave.toml                 in a project: makes it again as pave.toml is now
  pave new                                  asks for what it needs")]
pub struct New {
    /// Name of the service: 3 to 32 of a-z, 0-9 and hyphens.
    pub name: Option<String>,
    /// Take the description from this pave.toml.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["language", "owner", "description", "blueprint", "http", "with"])]
    pub spec: Option<PathBuf>,
    /// Language of the code: python, typescript or rust.
    #[arg(long)]
    pub language: Option<String>,
    /// The team that answers for the service.
    #[arg(long)]
    pub owner: Option<String>,
    /// One sentence about it.
    #[arg(long)]
    pub description: Option<String>,
    /// What it is: http-api (unless given), web-app or ai-api.
    #[arg(long)]
    pub blueprint: Option<String>,
    /// What it stores in or talks to: postgres, redis, s3, dynamodb, sqs or bedrock, with =NAME for another name than
    /// the usual; may be repeated.
    #[arg(long, value_name = "KIND[=NAME]")]
    pub with: Vec<String>,
    /// An HTTP API it calls, as NAME=URL; may be repeated.
    #[arg(long, value_name = "NAME=URL")]
    pub http: Vec<String>,
    /// Where to put it; the name of the service unless given.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// `pave check`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pave check
  pave check --strict -o json               in CI: warnings fail too
  pave check --rules                        what is asked for

A comment on the line, or on the line above, allows what a rule forbids: pave: allow RULE because REASON")]
pub struct Check {
    /// Folder of the project, or one inside it.
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Fail on warnings too.
    #[arg(long)]
    pub strict: bool,
    /// List the rules.
    #[arg(long, conflicts_with_all = ["dir", "strict"])]
    pub rules: bool,
}

/// `pave config`
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Every value that holds in an environment, with where it comes from.
    Explain(InEnvironment),
    /// The JSON Schema of pave.toml.
    Schema,
}

/// A command on one environment.
#[derive(Debug, Args)]
pub struct InEnvironment {
    /// Environment; the only one unless given.
    #[arg(short, long, env = "PAVE_ENV")]
    pub env: Option<String>,
}

/// `pave deploy`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pave deploy --canary
  pave deploy --env staging --dry-run
  pave deploy --all-at-once 'the old release is down anyway'
  pave deploy --resume                      go on after pave was killed

Ctrl-C once stops and puts users back; twice leaves at once, and --resume or rollback goes on from there.")]
pub struct Deploy {
    #[command(flatten)]
    pub place: InEnvironment,
    /// Raise the share of users step by step, judged; this is also the default.
    #[arg(long, conflicts_with = "all_at_once")]
    pub canary: bool,
    /// Switch all users over at once, for a reason that is recorded.
    #[arg(long, value_name = "REASON")]
    pub all_at_once: Option<String>,
    /// Show what would be done.
    #[arg(long)]
    pub dry_run: bool,
    /// Go on with a release that was cut off.
    #[arg(long, conflicts_with_all = ["dry_run", "all_at_once"])]
    pub resume: bool,
    /// Do not ask before changing an AWS account.
    #[arg(short, long)]
    pub yes: bool,
}

/// `pave rollback`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pave rollback                             to the release before
  pave rollback --to 12
  pave rollback --dry-run")]
pub struct Rollback {
    #[command(flatten)]
    pub place: InEnvironment,
    /// Number of the release to bring back.
    #[arg(long, value_name = "N")]
    pub to: Option<u64>,
    /// Show what would be done.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask before changing an AWS account.
    #[arg(short, long)]
    pub yes: bool,
}

/// `pave releases`
#[derive(Debug, Args)]
pub struct Releases {
    #[command(flatten)]
    pub place: InEnvironment,
    /// Show all that is recorded of this release.
    #[arg(value_name = "N")]
    pub number: Option<u64>,
}

/// `pave logs`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pave logs\n  pave logs --slot green --since 10m --follow")]
pub struct Logs {
    #[command(flatten)]
    pub place: InEnvironment,
    /// stable, canary, blue or green.
    #[arg(long, default_value = "stable")]
    pub slot: String,
    /// How far back, as 10m.
    #[arg(long, default_value = "1h")]
    pub since: String,
    /// Most lines.
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
    /// Wait for more.
    #[arg(short, long)]
    pub follow: bool,
}

/// `pave sandbox`
#[derive(Debug, Subcommand)]
pub enum Sandbox {
    /// Start it, or find the one that runs.
    #[command(after_help = SANDBOX_RUNTIME)]
    Up(Serving),
    /// Stop it; what it holds stays.
    Down,
    /// Tell whether it runs, and where.
    Status,
    /// Print the environment that points AWS tools at it.
    #[command(after_help = "Example:\n  eval \"$(pave sandbox env)\" && aws apprunner list-services")]
    Env,
    /// List the AWS operations that it has.
    Operations,
    /// Let things go wrong on purpose.
    #[command(subcommand)]
    Fault(SandboxFault),
    /// Stop it and remove all it holds.
    Reset,
    /// Run it in the foreground.
    Serve(Serving),
}

/// `pave sandbox fault`
#[derive(Debug, Subcommand)]
pub enum SandboxFault {
    /// Add one.
    #[command(after_help = "\
What can happen:
  throttle, error     a call is refused, as when there are too many, or the service has a fault
  delay               a call takes longer, by --delay
  lost-response       a call has its effect, and the connection breaks before the answer
  unhealthy, kill     an instance's health check fails, or the instance is killed
  build-failure       a build fails

Examples:
  pave sandbox fault add throttle --service s3 --operation PutObject --share 0.2
  pave sandbox fault add lost-response --service apprunner --times 1
  pave sandbox fault add delay --delay 2s
  pave sandbox fault add unhealthy --service orders-sandbox-green")]
    Add(FaultToAdd),
    /// List them, with how often each will strike yet.
    List,
    /// Take one away, or all.
    Clear {
        /// Its number in the list; all unless given.
        id: Option<u32>,
    },
}

/// One fault, as it is asked for.
#[derive(Debug, Args)]
pub struct FaultToAdd {
    /// What happens.
    pub kind: String,
    /// Only to calls of this AWS service; for instances the App Runner service, for builds the project.
    #[arg(long)]
    pub service: Option<String>,
    /// Only to calls of this operation, as PutObject.
    #[arg(long)]
    pub operation: Option<String>,
    /// Probability that it strikes, from 0 to 1.
    #[arg(long, default_value_t = 1.0)]
    pub share: f64,
    /// So often and no more.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub times: Option<u32>,
    /// How much longer a call takes, as 500ms or 2s.
    #[arg(long)]
    pub delay: Option<Duration>,
}

/// How the sandbox is served.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Serving {
    /// Port of AWS calls; any free one unless given.
    #[arg(long)]
    pub api_port: Option<u16>,
    /// Port of the edge; any free one unless given.
    #[arg(long)]
    pub edge_port: Option<u16>,
    /// What builds and instances run in.
    #[arg(long, value_name = "KIND", env = Kind::VARIABLE, value_parser = kind())]
    pub runtime: Option<Kind>,
}

fn kind() -> impl TypedValueParser<Value = Kind> {
    PossibleValuesParser::new(Kind::NAMES).try_map(|name| name.parse::<Kind>())
}

/// `pave tour`
#[derive(Debug, Args)]
pub struct Tour {
    /// Language of the service; the first of python and typescript that this machine can run unless given.
    #[arg(long)]
    pub language: Option<String>,
    /// Leave the sandbox and the project in place.
    #[arg(long)]
    pub keep: bool,
}

/// Examples, and the promises with their ids.
fn verify_help() -> String {
    let examples = "\
Examples:
  pave verify                               build, start, break its dependencies, see what it does
  pave verify --only C05,C06                these promises alone
  pave verify --image orders:local          the same on a container of the local Docker engine
  pave verify --against https://...         only what changes nothing, on a service that runs somewhere

PostgreSQL and Redis are started from this machine's own programs, or taken from <DEPENDENCY>_URL.
AWS services are played by an embedded sandbox.

The contract: the service ...";
    let promises = verify::Id::all().map(|id| format!("\n  {id}  {}", id.promise()));
    examples.to_owned() + &promises.collect::<String>()
}
