//! `pave doctor`: what this machine has of what the road needs.

use std::process::Command;

use serde_json::json;

use crate::{sandbox::daemon, verify};

use super::{
    Done,
    output::{Output, Tone},
};

struct Finding {
    what: &'static str,
    good: bool,
    found: String,
    todo: &'static str,
}

/// The first line a program prints, or `None` where it cannot be run.
pub fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let out = Command::new(program).args(arguments).output().ok()?;
    let text = if out.stdout.is_empty() { out.stderr } else { out.stdout };
    out.status.success().then(|| String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned())
}

/// Major and minor of the first version number in a text.
pub fn version(text: &str) -> Option<(u32, u32)> {
    let digits = text.find(|c: char| c.is_ascii_digit())?;
    let mut numbers = text[digits..].split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn tool(what: &'static str, program: &str, least: (u32, u32), todo: &'static str) -> Finding {
    let line = first_line(program, &["--version"]);
    let good = line.as_deref().and_then(version).is_some_and(|found| found >= least);
    Finding { what, good, found: line.unwrap_or_else(|| "not found".to_owned()), todo }
}

/// PostgreSQL's own programs are often not on the PATH.
fn postgres() -> Finding {
    let found = verify::server_program("postgres");
    let line = found.and_then(|program| first_line(program.to_str()?, &["--version"]));
    Finding {
        what: "postgres (pave verify with postgres)",
        good: line.is_some(),
        found: line.unwrap_or_else(|| "not found".to_owned()),
        todo: "install PostgreSQL's server, or give <DEPENDENCY>_URL, to verify services with a database here",
    }
}

/// Checks and says what to do about what is missing.
pub fn run(output: &Output) -> Done {
    let mut findings = vec![
        tool(
            "python 3.11 (python services)",
            "python3",
            (3, 11),
            "install Python 3.11 or newer to build python services here",
        ),
        tool(
            "node 22.19 (typescript services)",
            "node",
            (22, 19),
            "install Node 22.19 or newer to build typescript services here",
        ),
        tool("npm (typescript services)", "npm", (10, 0), "install npm, which comes with Node"),
        tool("bash (builds in the sandbox)", "bash", (4, 0), "install bash"),
        tool(
            "docker (compose.yaml, pave verify --image)",
            "docker",
            (20, 10),
            "install Docker to build images here",
        ),
        tool(
            "redis-server (pave verify with redis)",
            "redis-server",
            (6, 0),
            "install Redis, or give <DEPENDENCY>_URL, to verify services with a cache here",
        ),
        postgres(),
        tool(
            "aws (only to look around by hand)",
            "aws",
            (1, 29),
            "install the AWS CLI if you want to look around by hand",
        ),
    ];
    let dir = daemon::directory();
    let (good, found) = match &dir {
        Ok(dir) => match daemon::find(dir) {
            Some(record) => (true, format!("runs on port {} ({})", record.api, dir.display())),
            None => (true, format!("does not run ({})", dir.display())),
        },
        Err(error) => (false, error.to_string()),
    };
    findings.push(Finding { what: "sandbox", good, found, todo: "set PAVE_SANDBOX_DIR" });
    for finding in &findings {
        output.json(&json!({ "what": finding.what, "good": finding.good, "found": finding.found }));
        let (tone, mark) = if finding.good { (Tone::Good, "ok     ") } else { (Tone::Note, "missing") };
        output.say(&format!("{} {}: {}", output.paint(tone, mark), finding.what, finding.found));
        if !finding.good {
            output.say(&format!("        {}", finding.todo));
        }
    }
    // One language is enough to go down the road.
    let usable = findings[0].good || (findings[1].good && findings[2].good);
    output.next(if usable { "pave tour" } else { "install python or node, then pave tour" });
    Ok(if usable { 0 } else { super::code::INVALID })
}
