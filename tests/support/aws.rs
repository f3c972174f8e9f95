//! The AWS CLI, as the tests use it.

use std::process::Command;

use serde_json::Value;

use super::{Place, have};

/// The AWS CLI, pointed at a sandbox.
pub struct Aws {
    pub place: Place,
    pub env: std::collections::BTreeMap<String, String>,
}

/// What a call came to: its JSON, or the text of its error.
pub type Answer = Result<Value, String>;

impl Aws {
    /// Starts a sandbox, if there is an AWS CLI.
    pub fn start() -> Option<Self> {
        let found = Command::new("aws").arg("--version").output().is_ok_and(|out| out.status.success());
        if !have("the AWS CLI", found) {
            return None;
        }
        let place = Place::new();
        place.pave(&["sandbox", "up"]).expect(0);
        let mut env = place.aws_env();
        // Bytes are given raw, as version 1 of the CLI takes them in any case.
        let config = place.path().join("aws.config");
        std::fs::write(&config, "[default]\ncli_binary_format = raw-in-base64-out\n").expect("writes");
        env.insert("AWS_CONFIG_FILE".to_owned(), config.display().to_string());
        Some(Self { place, env })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("aws");
        command.args(arguments).args(["--output", "json"]).envs(&self.env);
        if arguments[0] == "sqs" {
            // Version 1 of the CLI has an endpoint of its own for SQS, which only this flag overrides.
            command.args(["--endpoint-url", &self.env["AWS_ENDPOINT_URL"]]);
        }
        command.env("AWS_PAGER", "").env("HOME", self.place.path()).env("AWS_MAX_ATTEMPTS", "1");
        command
    }

    fn answer(mut command: Command) -> Answer {
        let out = command.output().expect("the AWS CLI runs");
        if !out.status.success() {
            return Err(String::from_utf8_lossy(&out.stderr).into_owned());
        }
        let text = String::from_utf8_lossy(&out.stdout);
        if text.trim().is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(&text).expect("JSON")) }
    }

    pub fn ask(&self, arguments: &[&str]) -> Answer {
        Self::answer(self.command(arguments))
    }

    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> Value {
        self.ask(arguments).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    }

    /// What a call prints that does not answer in JSON.
    #[track_caller]
    pub fn text(&self, arguments: &[&str]) -> String {
        let out = self.command(arguments).output().expect("the AWS CLI runs");
        assert!(out.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    #[track_caller]
    pub fn refused(&self, arguments: &[&str], words: &[&str]) {
        let error = self.ask(arguments).expect_err("is refused");
        for word in words {
            assert!(error.contains(word), "`{word}` is not in {arguments:?}: {error}");
        }
    }

    #[track_caller]
    pub fn refused_with_another_secret(&self, arguments: &[&str]) {
        let mut command = self.command(arguments);
        command.env("AWS_SECRET_ACCESS_KEY", "wrong");
        let error = Self::answer(command).expect_err("is refused");
        assert!(error.contains("InvalidSignatureException"), "{error}");
    }

    pub fn restart(&self) {
        self.place.pave(&["sandbox", "down"]).expect(0);
        self.place.pave(&["sandbox", "up"]).expect(0);
    }
}
