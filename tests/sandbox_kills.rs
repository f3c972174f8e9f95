//! The sandbox is killed at any moment, under a deploy and a writer for each service: what was acknowledged is there afterwards.
//!
//! By default a few times; `PAVE_TEST_KILLS=100` a hundred times. The moments are drawn from `PAVE_TEST_SEED`, else from the clock; the
//! seed is told when it fails.

mod support;

use std::{
    path::Path,
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use support::{Background, Mini, Place, Users, have, python, until};

/// From the start of a deploy to its end takes about this long.
const A_DEPLOY: Duration = Duration::from_millis(4500);

struct Killed<'a> {
    place: &'a Place,
    python: std::path::PathBuf,
}

impl Killed<'_> {
    fn script(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.python);
        command
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox_kills/facts.py"))
            .args(arguments);
        command.env("PYTHONDONTWRITEBYTECODE", "1").envs(self.place.aws_env());
        command
    }

    /// Facts that are as they were acknowledged: those of one round, or all.
    fn checked(&self, facts: &str, round: Option<&str>) -> usize {
        let arguments: Vec<&str> = ["check", facts].into_iter().chain(round).collect();
        let run = Background::start(self.script(&arguments)).end().expect(0);
        run.out.trim().parse().expect("a number")
    }

    /// Every release after a number that was told is there whole: its image is in the registry. Returns the last one's number.
    fn releases_are_whole(&self, after: u64) -> u64 {
        let told = self.place.json(&["releases"]);
        let told = told["releases"].as_array().expect("a list");
        let numbers = told.iter().map(|release| release["number"].as_u64().expect("a number"));
        let images = Background::start(self.script(&["images"])).end().expect(0).out;
        for number in numbers.clone().filter(|number| *number > after) {
            let whole = self.place.json(&["releases", &number.to_string()]);
            let image = whole["release"]["config"]["image"].as_str().expect("an image");
            let digest = image.rsplit('@').next().expect("a digest");
            assert!(
                images.lines().any(|one| one == digest),
                "release {number} has an image that is gone: {image}"
            );
        }
        numbers.max().unwrap_or(after)
    }

    /// Users are served by the release that the status names.
    fn users_are_served(&self) {
        let edge = self.place.edge();
        until("users are served", || {
            let users = Users::start(edge, "mini.sandbox.localhost", 1, 50);
            std::thread::sleep(Duration::from_millis(200));
            let seen = users.stop();
            seen.values().all(|(_, failed)| *failed == 0) && seen.values().any(|(all, _)| *all > 0)
        });
    }
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill_at_any_moment() {
    let python = python::botocore();
    if !have("botocore, from PyPI", python.is_some()) {
        return;
    }
    let told = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let rounds = told("PAVE_TEST_KILLS").unwrap_or(4);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos() as u64;
    let seed = told("PAVE_TEST_SEED").unwrap_or(now);
    eprintln!("PAVE_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);

    let place = Place::new();
    let mini = Mini::new(&place, "1s");
    place.pave(&["deploy"]).expect(0);
    let killed = Killed { place: &place, python: python.expect("is there") };
    let mut last = "FAIL_EVERY = 0".to_owned();
    let mut edit = |number: u64| {
        let next = format!("FAIL_EVERY = 0  # {number}");
        mini.edit(&last, &next);
        last = next;
    };
    let facts = place.path().join("facts.jsonl");
    std::fs::write(&facts, "").expect("writes");
    let facts = facts.display().to_string();
    let mut seen = 0;
    for round in 0..rounds {
        edit(round);
        let number = round.to_string();
        let writer = Background::start(killed.script(&["write", &facts, &number]));
        let before = std::fs::metadata(&facts).expect("is there").len();
        until("something is acknowledged", || std::fs::metadata(&facts).expect("is there").len() > before);
        let deploy = Background::start(place.command(&["deploy"]));
        let moment = random.random_range(Duration::ZERO..A_DEPLOY);
        std::thread::sleep(moment);
        place.kill_sandbox();
        // Nobody answers it any more.
        writer.end().expect(0);
        place.pave(&["sandbox", "up"]).expect(0);
        let there = killed.checked(&facts, Some(&number));
        let deployed = deploy.end();
        eprintln!(
            "round {round}: killed after {moment:?}, {there} facts are there, the deploy ended with {}",
            deployed.code
        );
        assert!([0, 5, 6, 7, 8, 75].contains(&deployed.code), "{deployed:?}");
        if !place.json(&["status"])["unfinished"].is_null() {
            place.pave(&["rollback"]).expect(0);
        }
        seen = killed.releases_are_whole(seen);
        killed.users_are_served();
    }
    // No later kill took what an earlier one had left.
    eprintln!("{} facts in all", killed.checked(&facts, None));
    assert_eq!(killed.releases_are_whole(0), seen);
    edit(rounds);
    place.pave(&["deploy"]).expect(0).says("is live");
}
