//! Builds as they run: what they print, what they go through, and what they leave.

use std::{
    fs, io,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::sync::watch;

use crate::sandbox::{runtime::Room, testing::world};

use super::{
    buildspec::Buildspec,
    run::{Failure, Run},
};

/// A build under way.
struct Site {
    run: Run,
    _dir: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let (id, world) = ("app:1".to_owned(), world(dir.path()));
        let logs = json!({ "groupName": "build", "streamName": "one" });
        let build = json!({ "projectName": "app", "phases": [], "logs": logs });
        let insert = |index: &mut super::Index| {
            index.builds.insert(id.clone(), build.clone());
            Ok::<_, io::Error>(())
        };
        world.codebuild.index.update(insert).expect("writes");
        Self { run: Run { world, id: id.clone(), build }, _dir: dir }
    }

    async fn commands(&self, text: &str, room: Room) -> Result<(), Failure> {
        let tree = self.run.dir().join("src");
        fs::create_dir_all(&tree).expect("a folder");
        let spec = Buildspec::parse(text).expect("parses");
        let (_stop, stopped) = watch::channel(false);
        self.run.commands(&spec, &tree, &room, stopped).await
    }

    fn log(&self) -> Vec<String> {
        self.run.world.logs.tail("build", usize::MAX)
    }

    /// What it went through, and how that ended.
    fn phases(&self) -> Vec<String> {
        let build = self.run.world.codebuild.index.read(|index| index.builds[&self.run.id].clone());
        let phases = build["phases"].as_array().expect("phases").iter();
        let word = |value: &serde_json::Value| value.as_str().expect("a word").to_owned();
        phases.map(|phase| format!("{} {}", word(&phase["phaseType"]), word(&phase["phaseStatus"]))).collect()
    }
}

#[tokio::test]
async fn a_line_that_does_not_end_is_cut_and_the_build_goes_on() {
    let site = Site::new();
    let long = r"head -c 50000000 /dev/zero | tr '\0' a";
    let text = format!("phases:\n  build:\n    commands:\n      - {long}\n      - echo; echo after\n");
    site.commands(&text, Room::default()).await.expect("succeeds");
    let log = site.log();
    assert_eq!(log[3], format!("[Container] Running command {long}"));
    assert!(log[4].starts_with("aaa") && log[4].len() <= 256 * 1024 && log[4].ends_with("left out]"));
    assert_eq!(log[5..8], ["[Container] Running command echo; echo after", "", "after"]);
    assert_eq!(
        site.phases(),
        ["INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD"].map(|name| format!("{name} SUCCEEDED"))
    );
}

#[tokio::test]
async fn what_a_build_leaves_running_ends_with_it() {
    let site = Site::new();
    let text = "phases:\n  build:\n    commands:\n      - nohup sleep 778 & echo $! > ../one\n      - setsid sleep 779 & echo $! > ../two\n";
    let began = Instant::now();
    site.commands(text, Room::default()).await.expect("succeeds");
    assert!(began.elapsed() < Duration::from_secs(60), "nobody waits for them");
    for name in ["one", "two"] {
        let pid = fs::read_to_string(site.run.dir().join(name)).expect("is there");
        let command = || fs::read(format!("/proc/{}/cmdline", pid.trim())).unwrap_or_default();
        while !command().is_empty() {
            assert!(began.elapsed() < Duration::from_secs(70), "{name} is left running");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn a_program_that_is_missing_is_named() {
    let site = Site::new();
    let room = Room { variables: [("PATH", "/nowhere".into())].into(), ..Room::default() };
    let failure = site.commands("phases: {}\n", room).await.expect_err("there is no shell");
    assert!(failure.message.contains("bash"), "{}", failure.message);
}

#[tokio::test]
async fn the_phase_that_fails_is_told_and_those_before_it() {
    let site = Site::new();
    let text = "phases:\n  pre_build:\n    commands: ['exit 3']\n  post_build:\n    commands: ['true']\n";
    site.commands(text, Room::default()).await.expect_err("fails");
    assert_eq!(site.phases(), ["INSTALL SUCCEEDED", "PRE_BUILD FAILED"]);
}
