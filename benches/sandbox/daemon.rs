//! A sandbox as a process of its own, ended with its value.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{Failed, signed::Keys};

pub struct Daemon {
    binary: std::path::PathBuf,
    pub dir: tempfile::TempDir,
    /// Process id.
    pub id: u32,
    /// Where calls go, and where users do.
    pub api: u16,
    pub edge: u16,
    pub keys: Keys,
    /// From the command to its end, which comes when the sandbox answers.
    pub took: Duration,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Daemon {
    /// Starts one, on the processors `cores` (a list for `taskset`) or on all.
    pub fn start(binary: &Path, cores: Option<&str>) -> Result<Self, Failed> {
        let dir = tempfile::Builder::new().prefix("pave-bench-").tempdir()?;
        let mut daemon = Self {
            binary: binary.to_owned(),
            dir,
            id: 0,
            api: 0,
            edge: 0,
            keys: Keys::default(),
            took: Duration::ZERO,
        };
        let began = Instant::now();
        daemon.up(cores)?;
        daemon.took = began.elapsed();
        daemon.read()?;
        Ok(daemon)
    }

    fn up(&self, cores: Option<&str>) -> Result<(), Failed> {
        let mut command = match cores {
            Some(cores) => {
                let mut command = Command::new("taskset");
                command.args(["-c", cores]).arg(&self.binary);
                command
            }
            None => Command::new(&self.binary),
        };
        self.end(command.args(["sandbox", "up", "-o", "json"])).map(|_| ())
    }

    /// Runs a command of `pave` on this sandbox; its last line, as JSON.
    pub fn pave(&self, dir: &Path, arguments: &[&str]) -> Result<Value, Failed> {
        let text =
            self.end(Command::new(&self.binary).args(arguments).args(["-o", "json"]).current_dir(dir))?;
        Ok(serde_json::from_str(text.lines().last().unwrap_or_default())?)
    }

    fn end(&self, command: &mut Command) -> Result<String, Failed> {
        command.env("PAVE_SANDBOX_DIR", self.dir.path().join("sandbox")).stdin(Stdio::null());
        let out = command.output()?;
        if !out.status.success() {
            return Err(String::from_utf8_lossy(&out.stderr).into_owned().into());
        }
        Ok(String::from_utf8(out.stdout)?)
    }

    fn read(&mut self) -> Result<(), Failed> {
        let here = self.dir.path().to_owned();
        let status = self.pave(&here, &["sandbox", "status"])?;
        let running = &status["running"];
        let number = |name: &str| running[name].as_u64().unwrap_or_default();
        self.id = number("pid") as u32;
        self.api = number("api") as u16;
        self.edge = number("edge") as u16;
        let env: BTreeMap<String, Value> = serde_json::from_value(self.pave(&here, &["sandbox", "env"])?)?;
        let of = |name: &str| env.get(name).map(text).unwrap_or_default();
        self.keys = Keys {
            id: of("AWS_ACCESS_KEY_ID"),
            secret: of("AWS_SECRET_ACCESS_KEY"),
            region: of("AWS_REGION"),
        };
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.end(Command::new(&self.binary).args(["sandbox", "reset"]));
    }
}
