//! The sandbox with `--runtime docker`: a project goes down the whole road in containers of a real engine.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    process::Command,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    engine::Engine,
    service::bases,
    support::{Background, Mini, Place, Run, until},
};

/// The buildspec that every project is made with.
const BUILDSPEC: &str = include_str!("../../templates/common/buildspec.yml");

const DOCKERFILE: &str = r#"FROM python:3.13-slim-bookworm AS base
WORKDIR /app
FROM base AS test
COPY app.py .
RUN python3 -c 'compile(open("app.py").read(), "app.py", "exec")'
FROM base AS runtime
COPY app.py .
USER 10001
ENTRYPOINT ["python3", "app.py"]
"#;

/// A request that needs more memory than an instance has.
const EATS: &str = "        if self.path == \"/work/eat\":\n            Handler.eaten = b\"x\" * (2 << 30)\n";

const HOST: &str = "mini.sandbox.localhost";

fn command(engine: &Engine, place: &Place, arguments: &[&str]) -> Command {
    let mut command = place.command(arguments);
    engine.point(&mut command);
    command.env("PAVE_SANDBOX_RUNTIME", "docker");
    command
}

fn pave(engine: &Engine, place: &Place, arguments: &[&str]) -> Run {
    Background::start(command(engine, place, arguments)).end()
}

/// The containers of this sandbox that run.
fn running(engine: &Engine, account: &str) -> Vec<String> {
    let label = format!("label=dev.pave.sandbox={account}");
    let ids = engine.run(&["ps", "--quiet", "--no-trunc", "--filter", &label]);
    let mut ids = ids.lines().map(str::to_owned).collect::<Vec<_>>();
    ids.sort();
    ids
}

/// The status that users get.
fn status(edge: u16, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", edge)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {HOST}:{edge}\r\nconnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.get(9..12)?.parse().ok()
}

/// What the logs of a kind say: `application` or `service`.
fn log(place: &Place, kind: &str) -> String {
    let ask = |arguments: &[&str]| {
        let mut command = Command::new("aws");
        command.args(["logs", "--output", "json"]).args(arguments).envs(place.aws_env());
        let output = command.output().expect("the AWS CLI runs");
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    let groups = ask(&["describe-log-groups", "--log-group-name-prefix", "/aws/apprunner/mini"]);
    let groups = groups["logGroups"].as_array().expect("groups").clone();
    let names = groups.iter().filter_map(|group| group["logGroupName"].as_str());
    let names = names.filter(|name| name.ends_with(kind));
    names.map(|name| ask(&["filter-log-events", "--log-group-name", name])["events"].to_string()).collect()
}

#[test]
fn a_project_goes_down_the_whole_road_in_containers() {
    let Some(engine) = Engine::with_image_store() else { return };
    let place = Place::new();
    engine.provide(&bases(DOCKERFILE));
    let mini = Mini::new(&place, "2s");
    mini.edit("        status = 200\n", &format!("        status = 200\n{EATS}"));
    fs::write(place.project().join("Dockerfile"), DOCKERFILE).expect("writes");
    fs::write(place.project().join("buildspec.yml"), BUILDSPEC).expect("writes");

    pave(&engine, &place, &["sandbox", "up"]).expect(0).says("run in Docker");
    let shown = place.json(&["sandbox", "status"])["running"].clone();
    assert_eq!(shown["runtime"], "docker");
    let (account, edge) = (shown["account"].as_str().expect("text").to_owned(), place.edge());
    pave(&engine, &place, &["deploy"]).expect(0).says("release 1 is live");
    assert_eq!(status(edge, "/work"), Some(200));
    assert!(log(&place, "application").contains("mini listens as release"));

    // Each has what its service was given, and the network of the machine.
    let first = running(&engine, &account);
    assert!(!first.is_empty());
    for id in &first {
        let facts: Value = serde_json::from_str(&engine.run(&["inspect", id])).expect("JSON");
        let host = &facts[0]["HostConfig"];
        assert_eq!(host["Memory"], 512 * 1024 * 1024);
        assert_eq!(host["MemorySwap"], host["Memory"]);
        assert_eq!(host["NanoCpus"], 250_000_000);
        assert_eq!(host["NetworkMode"], "host");
        let env = facts[0]["Config"]["Env"].to_string();
        assert!(env.contains("HOST=127.0.0.1") && !env.contains("DOCKER_HOST"), "{env}");
    }

    // A release whose build fails changes nothing and says which command it was.
    mini.edit("import http.server", "import (http.server");
    let failed = pave(&engine, &place, &["deploy"]).expect(5);
    failed.says("docker buildx build --target test");
    mini.edit("import (http.server", "import http.server");
    assert_eq!(running(&engine, &account), first);

    // A sandbox that was killed finds its instances running.
    let pid = shown["pid"].as_i64().expect("a pid") as i32;
    kill_process(Pid::from_raw(pid).expect("a pid"), Signal::KILL).expect("is there");
    until("it is gone", || place.json(&["sandbox", "status"])["running"].is_null());
    assert_eq!(running(&engine, &account), first);
    pave(&engine, &place, &["sandbox", "up"]).expect(0).says("run in Docker");
    assert_eq!(running(&engine, &account), first);
    assert_eq!(status(edge, "/work"), Some(200));

    // One that eats more memory than it was given is replaced, and it is told.
    status(edge, "/work/eat");
    until("another one serves", || {
        let now = running(&engine, &account);
        now != first && now.len() == first.len() && status(edge, "/work") == Some(200)
    });
    let said = log(&place, "service");
    assert!(said.contains("no memory left: it may use 512 MB"), "{said}");

    // Nothing of it is left in the engine: no container, no image by its registry's name.
    let registry = place.aws_env()["AWS_ENDPOINT_URL"].replace("http://", "");
    place.pave(&["sandbox", "reset"]).expect(0);
    let all =
        engine.run(&["ps", "--all", "--quiet", "--filter", &format!("label=dev.pave.sandbox={account}")]);
    assert_eq!(all, "");
    let images = engine.run(&["images", "--digests", "--format", "{{.Repository}}:{{.Tag}}@{{.Digest}}"]);
    assert!(!images.contains(&registry), "{images}");
}
