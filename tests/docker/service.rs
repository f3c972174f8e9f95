//! A generated project, its image, and a container of it.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;

use crate::engine::Engine;

/// A dependency kind's line in the spec and the variables it asks for; all of them lead nowhere.
pub fn absent(kind: &str) -> (&'static str, &'static [(&'static str, &'static str)]) {
    match kind {
        "http" => ("url = \"http://127.0.0.1:9\"", &[]),
        // Nothing that is started has it: with it, notes live in the database.
        "postgres" => ("critical = true", &[("A_POSTGRES_URL", "postgres://nobody@127.0.0.1:9/nothing")]),
        "redis" => ("", &[("A_REDIS_URL", "redis://127.0.0.1:9")]),
        "s3" => ("", &[("A_S3_BUCKET", "nowhere"), ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")]),
        "dynamodb" => {
            ("", &[("A_DYNAMODB_TABLE", "nowhere"), ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")])
        }
        "sqs" => (
            "",
            &[
                ("A_SQS_QUEUE_URL", "http://127.0.0.1:9/000000000000/nowhere"),
                ("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9"),
            ],
        ),
        "bedrock" => ("", &[("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://127.0.0.1:9")]),
        other => panic!("say in tests/docker/service.rs how a service starts without its {other}"),
    }
}

/// The base images of a Dockerfile: what `FROM` names and no stage is called.
pub fn bases(dockerfile: &str) -> Vec<String> {
    let mut stages = BTreeSet::from(["scratch"]);
    let mut bases = Vec::new();
    for line in dockerfile.lines() {
        let words = line.split_whitespace().collect::<Vec<_>>();
        if let ["FROM", image, rest @ ..] = words.as_slice() {
            if !stages.contains(image) && !bases.iter().any(|base| base == image) {
                bases.push((*image).to_owned());
            }
            if let ["AS", stage] = rest {
                stages.insert(stage);
            }
        }
    }
    bases
}

/// The steps of a stage in BuildKit's account of a build, each with whether it was taken from the cache.
pub fn steps(said: &str, stage: &str) -> Vec<(String, bool)> {
    let opening = format!(" [{stage} ");
    let numbered = said.lines().filter_map(|line| line.split_once(' '));
    let named = numbered.filter(|(number, _)| number.starts_with('#'));
    let steps = named.filter(|(_, rest)| format!(" {rest}").starts_with(&opening));
    let steps = steps.map(|(number, rest)| (number.to_owned(), rest.to_owned())).collect::<BTreeSet<_>>();
    steps
        .into_iter()
        .map(|(number, name)| {
            let cached = said.lines().any(|line| line == format!("{number} CACHED"));
            (name, cached)
        })
        .collect()
}

/// What `docker image inspect` says.
pub struct Image {
    pub facts: Value,
}

impl Image {
    #[track_caller]
    pub fn of(engine: &Engine, tag: &str) -> Self {
        let mut all: Vec<Value> =
            serde_json::from_str(&engine.run(&["image", "inspect", tag])).expect("JSON");
        Self { facts: all.remove(0) }
    }

    pub fn layers(&self) -> Vec<String> {
        let layers = self.facts["RootFS"]["Layers"].as_array().expect("layers");
        layers.iter().map(|layer| layer.as_str().expect("a digest").to_owned()).collect()
    }

    pub fn megabytes(&self) -> f64 {
        self.facts["Size"].as_f64().expect("a size") / 1e6
    }
}

/// A running container, removed at the end.
pub struct Container<'a> {
    engine: &'a Engine,
    pub id: String,
    pub port: u16,
}

impl<'a> Container<'a> {
    /// Starts a service as a careful cluster does: nothing to write to, nobody's user, no privilege, little memory.
    #[track_caller]
    pub fn start(engine: &'a Engine, tag: &str, environment: &[(&str, &str)]) -> Self {
        let mut arguments = vec!["run", "--detach", "--publish", "127.0.0.1::8080", "--read-only"];
        arguments.extend(["--user", "10001", "--memory", "512m", "--cap-drop", "ALL"]);
        arguments.extend(["--security-opt", "no-new-privileges"]);
        let environment = environment.iter().map(|(name, value)| format!("{name}={value}"));
        let environment = environment.collect::<Vec<_>>();
        arguments.extend(environment.iter().flat_map(|pair| ["--env", pair.as_str()]));
        arguments.push(tag);
        let id = engine.run(&arguments);
        let published = engine.run(&["port", &id, "8080/tcp"]);
        let port = published.strip_prefix("127.0.0.1:").and_then(|port| port.parse().ok());
        Self { engine, port: port.unwrap_or_else(|| panic!("published at {published}")), id }
    }

    /// Asks the service; nothing when it does not answer.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> Option<(u16, Value)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(15))).ok()?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, serde_json::from_str(body).ok()?))
    }

    /// What it wrote on its standard output and error.
    pub fn logs(&self) -> String {
        let output = self.engine.docker(&["logs", &self.id]).output().expect("docker runs");
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    }

    /// Every path in its file system.
    pub fn files(&self) -> BTreeSet<PathBuf> {
        let mut export =
            self.engine.docker(&["export", &self.id]).stdout(Stdio::piped()).spawn().expect("starts");
        let mut archive = tar::Archive::new(export.stdout.take().expect("piped"));
        let files = archive
            .entries()
            .expect("an archive")
            .map(|entry| Path::new("/").join(entry.expect("an entry").path().expect("a path")))
            .collect();
        assert!(export.wait().expect("ends").success());
        files
    }

    /// Fields of `docker inspect`, by a path like `/State/ExitCode`.
    pub fn fact(&self, pointer: &str) -> Value {
        let all: Value = serde_json::from_str(&self.engine.run(&["inspect", &self.id])).expect("JSON");
        all[0].pointer(pointer).unwrap_or_else(|| panic!("no {pointer}")).clone()
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        let _ = self.engine.docker(&["rm", "--force", &self.id]).output();
    }
}

/// Changes a source file a little, and what is compiled from it.
pub fn touch(project: &Path, source: &str) {
    let file = project.join(source);
    let mut text = fs::read_to_string(&file).expect("reads");
    text.push_str(match source.rsplit('.').next() {
        Some("py") => "# changed\n",
        // A comment would leave the program, and so its layer, as it was.
        Some("rs") => "#[used]\nstatic CHANGED: [u8; 7] = *b\"changed\";\n",
        _ => "// changed\n",
    });
    fs::write(file, text).expect("writes");
}
