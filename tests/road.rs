//! The road from end to end, by the real binary against the sandbox: promote, abort, roll back, and what goes wrong on the way.

mod support;

use std::time::{Duration, Instant};

use rustix::process::Signal;
use support::{Background, Mini, Place, Users, aws::Aws, until};

#[test]
fn good_releases_reach_everyone_and_no_request_fails_on_the_way() {
    let place = Place::new();
    let mini = Mini::new(&place, "3s");
    place.pave(&["deploy"]).expect(0).says("release 1 is live");
    let users = Users::start(place.edge(), "mini.sandbox.localhost", 8, 190);
    mini.edit("FAIL_EVERY = 0", "FAIL_EVERY = 0  # release 2");
    place.pave(&["deploy", "--canary"]).expect(0).says("release 2 is live");
    place.pave(&["rollback"]).expect(0).says("release 1 is back");
    place.pave(&["rollback", "--to", "2"]).expect(0).says("release 2 is back");
    let seen = users.stop();
    let failed: u64 = seen.values().map(|(_, failed)| failed).sum();
    assert_eq!(failed, 0, "{seen:?}");
    assert!(seen["canary"].0 > 50 && seen["stable"].0 > 50, "{seen:?}");
    let status = place.json(&["status"]);
    assert_eq!(status["release"], 4);
    let releases = place.json(&["releases"]);
    let outcomes: Vec<_> =
        releases["releases"].as_array().expect("a list").iter().map(|r| &r["outcome"]["outcome"]).collect();
    assert_eq!(outcomes, ["promoted", "promoted", "promoted", "promoted"]);
}

#[test]
fn a_bad_release_is_taken_back_within_two_seconds_and_only_its_canary_share_fails() {
    let place = Place::new();
    let mini = Mini::new(&place, "20s");
    place.pave(&["deploy"]).expect(0);
    let before = place.json(&["status"])["live"].clone();
    let users = Users::start(place.edge(), "mini.sandbox.localhost", 8, 190);
    mini.edit("FAIL_EVERY = 0", "FAIL_EVERY = 3");
    let began = Instant::now();
    let run = place.pave(&["deploy", "--canary"]).expect(6);
    assert!(began.elapsed() < Duration::from_secs(20), "the judge waited for the end of the bake");
    run.says("release 2 was rolled back");
    run.says("the canary fails more");
    let seen = users.stop();
    assert!(seen["canary"].1 > 0, "the fault was never met: {seen:?}");
    assert_eq!(seen["stable"].1, 0, "{seen:?}");
    assert!(!seen.contains_key("none"), "{seen:?}");
    let release = &place.json(&["releases", "2"])["release"];
    let at = |what: &str| {
        let entries = release["timeline"].as_array().expect("a timeline");
        let entry =
            entries.iter().find(|e| e["what"].as_str().is_some_and(|w| w.starts_with(what))).expect(what);
        time::OffsetDateTime::parse(
            entry["at"].as_str().expect("a time"),
            &time::format_description::well_known::Rfc3339,
        )
        .expect("RFC 3339")
    };
    assert!((at("put users back") - at("judge step 1")).as_seconds_f64() <= 2.0);
    assert!(!release["verdicts"].as_array().expect("verdicts").is_empty());
    let after = place.json(&["status"])["live"].clone();
    assert_eq!(after["blue"], before["blue"]);
    assert_eq!(after["green"]["status"], "paused");
    assert_eq!(after["route"], before["route"]);
    // The release before is still what a person would roll back to: nothing.
    place.pave(&["rollback"]).expect(3).says("there is no release before 1");
}

#[test]
fn a_release_without_users_is_judged_by_probes() {
    let place = Place::new();
    let mini = Mini::new(&place, "4s");
    place.pave(&["deploy"]).expect(0);
    mini.edit("FAIL_EVERY = 0", "FAIL_EVERY = 0  # 2");
    place.pave(&["deploy"]).expect(0).says("release 2 is live");
}

#[test]
fn an_unchanged_tree_uploads_and_builds_nothing() {
    let place = Place::new();
    let _mini = Mini::new(&place, "1s");
    place.pave(&["deploy"]).expect(0);
    let again = place.pave(&["deploy"]).expect(0);
    again.says("nothing to do");
    assert!(!again.err.contains("upload") && !again.err.contains("build "), "{again:?}");
    let plan = place.json(&["deploy", "--dry-run"]);
    assert_eq!(plan["plan"]["unchanged"], true);
    assert_eq!(place.json(&["status"])["release"], 1);
}

#[test]
fn a_variable_of_the_environment_reaches_the_service_and_leaves_with_its_release() {
    let place = Place::new();
    let _mini = Mini::new(&place, "1s");
    place.pave(&["deploy"]).expect(0);
    let spec = place.project().join("pave.toml");
    let text = std::fs::read_to_string(&spec).expect("reads");
    let text = text + "[[dependencies]]\nname = \"near-cache\"\nkind = \"redis\"\n";
    std::fs::write(&spec, &text).expect("writes");
    place.pave(&["deploy"]).expect(3).says("does not start without NEAR_CACHE_URL");
    let variables = "GREETING = \"hello, you\"\nNEAR_CACHE_URL = \"redis://127.0.0.1:9\"\n";
    std::fs::write(&spec, text + "[environments.sandbox.variables]\n" + variables).expect("writes");
    place.pave(&["deploy"]).expect(0).says("release 2 is live");
    place.pave(&["logs"]).expect(0).says("mini listens as release 2 hello, you");
    let greeting = || {
        let live = place.json(&["status"])["live"].clone();
        let slot = live["route"]["stable"].as_str().expect("a slot").to_owned();
        live[&slot]["config"]["env"].get("GREETING").cloned()
    };
    assert_eq!(greeting(), Some("hello, you".into()));
    place.pave(&["rollback"]).expect(0).says("release 1 is back");
    assert_eq!(greeting(), None);
}

#[test]
fn a_build_that_fails_shows_its_command_and_its_last_lines() {
    let place = Place::new();
    let mini = Mini::new(&place, "1s");
    mini.edit("import http.server", "import http.server, (");
    let run = place.pave(&["deploy"]).expect(5);
    run.says("Error while executing command: python3 -c");
    run.says("SyntaxError");
    assert_eq!(place.json(&["releases"])["releases"], serde_json::json!([]));
}

#[test]
fn an_image_that_never_becomes_healthy_shows_its_last_lines_and_users_stay() {
    let place = Place::new();
    let mini = Mini::new(&place, "1s");
    place.pave(&["deploy"]).expect(0);
    mini.edit("time.sleep(START_SECONDS)", "raise SystemExit('the database password is missing')");
    let run = place.pave(&["deploy"]).expect(6);
    run.says("the database password is missing");
    run.says("users are on release 1");
    mini.edit("raise SystemExit('the database password is missing')", "time.sleep(START_SECONDS)");
    mini.edit("HEALTHY = True", "HEALTHY = True  # again");
    place.pave(&["deploy"]).expect(0).says("release 3 is live");
}

#[test]
fn ctrl_c_puts_users_back_and_leaves_a_state_to_go_on_from() {
    let place = Place::new();
    let mini = Mini::new(&place, "60s");
    place.pave(&["deploy"]).expect(0);
    let before = place.json(&["status"])["live"].clone();
    mini.edit("FAIL_EVERY = 0", "FAIL_EVERY = 0  # 2");
    let deploy = Background::start(place.command(&["deploy"]));
    deploy.wait_for("% of users are on it");
    deploy.signal(Signal::INT);
    let run = deploy.end().expect(130);
    run.says("rolled back");
    let after = place.json(&["status"]);
    assert_eq!(after["live"]["route"], before["route"]);
    assert_eq!(after["live"]["blue"], before["blue"]);
    assert_eq!(after["lease"], serde_json::Value::Null);
    assert_eq!(after["unfinished"], serde_json::Value::Null);
}

#[test]
fn ctrl_c_during_a_build_stops_it_and_changes_nothing() {
    let place = Place::new();
    let _mini = Mini::new(&place, "1s");
    let buildspec = "version: 0.2\nphases:\n  build:\n    commands:\n      - sleep 120\n";
    std::fs::write(place.project().join(".pave/process/buildspec.yml"), buildspec).expect("writes");
    place.pave(&["sandbox", "up"]).expect(0);
    let deploy = Background::start({
        let mut command = place.command(&["deploy", "-v"]);
        command.env("CI", "1");
        command
    });
    deploy.wait_for("Running command sleep 120");
    deploy.signal(Signal::INT);
    deploy.end().expect(130).says("stopped before anything was changed");
    assert_eq!(place.json(&["releases"])["releases"], serde_json::json!([]));
}

#[test]
fn a_deploy_that_was_killed_is_resumed_or_taken_back() {
    let place = Place::new();
    let mini = Mini::new(&place, "60s");
    place.pave(&["deploy"]).expect(0);
    for (ending, edit) in [("rollback", "# 2"), ("resume", "# 3")] {
        mini.edit("FAIL_EVERY = 0", &format!("FAIL_EVERY = 0  {edit}"));
        if ending == "resume" {
            let spec = place.project().join("pave.toml");
            let text = std::fs::read_to_string(&spec).expect("reads").replace("60s", "2s");
            std::fs::write(&spec, text).expect("writes");
        }
        let deploy = Background::start(place.command(&["deploy"]));
        deploy.wait_for("% of users are on it");
        deploy.signal(Signal::KILL);
        deploy.end();
        place.pave(&["status"]).expect(0).says("was cut off");
        place.pave(&["deploy"]).expect(8).says("pave deploy --resume");
        match ending {
            "rollback" => place.pave(&["rollback"]).expect(0).says("users are on release 1"),
            _ => place.pave(&["deploy", "--resume"]).expect(0).says("release 3 is live"),
        }
    }
    place.pave(&["deploy", "--resume"]).expect(3).says("there is no release that was cut off");
}

#[test]
fn two_deploys_at_once_do_not_interleave() {
    let place = Place::new();
    let mini = Mini::new(&place, "60s");
    place.pave(&["deploy"]).expect(0);
    mini.edit("FAIL_EVERY = 0", "FAIL_EVERY = 0  # 2");
    let first = Background::start(place.command(&["deploy"]));
    first.wait_for("% of users are on it");
    // The release that has no end yet is not cut off.
    for command in [&["rollback"][..], &["deploy"], &["deploy", "--resume"]] {
        let other = place.pave(command).expect(8);
        other.says("is changing this environment");
        assert!(!other.err.contains("cut off") && !other.out.contains("cut off"), "{other:?}");
    }
    first.signal(Signal::INT);
    first.end().expect(130);
}

#[test]
fn the_sandbox_killed_in_the_middle_comes_back_with_users_on_the_stable_release() {
    let place = Place::new();
    let mini = Mini::new(&place, "60s");
    place.pave(&["deploy"]).expect(0);
    mini.edit("FAIL_EVERY = 0", "FAIL_EVERY = 0  # 2");
    let deploy = Background::start(place.command(&["deploy"]));
    deploy.wait_for("% of users are on it");
    let pid = place.json(&["sandbox", "status"])["running"]["pid"].as_i64().expect("a pid") as i32;
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).expect("a pid"), Signal::KILL)
        .expect("is there");
    // The very same sandbox comes back on the same ports, and the deploy finds it again or says what to do.
    until("the sandbox is gone", || place.json(&["sandbox", "status"])["running"].is_null());
    place.pave(&["sandbox", "up"]).expect(0);
    deploy.signal(Signal::INT);
    let run = deploy.end();
    assert!([6, 7, 75, 130].contains(&run.code), "{run:?}");
    place.pave(&["rollback"]);
    let edge = place.edge();
    until("users are served again", || {
        let users = Users::start(edge, "mini.sandbox.localhost", 1, 50);
        std::thread::sleep(Duration::from_millis(300));
        let seen = users.stop();
        seen.get("stable").is_some_and(|(all, failed)| *all > 0 && *failed == 0)
    });
    let status = place.json(&["status"]);
    assert_eq!(status["release"], 1);
    assert_eq!(status["live"]["route"]["weight"], 0);
}

#[test]
fn a_full_disk_while_packing_is_said_and_nothing_is_left() {
    let place = Place::new();
    let _mini = Mini::new(&place, "1s");
    let mut command = place.command(&["deploy"]);
    command.env("TMPDIR", place.path().join("no-such-directory"));
    place.pave(&["sandbox", "up"]).expect(0);
    let run = Background::start(command).end();
    assert_eq!(run.code, 3, "{run:?}");
    run.says("the bundle cannot be written");
    run.says("TMPDIR");
}

#[test]
fn a_release_record_that_was_changed_is_never_brought_back() {
    let Some(aws) = Aws::start() else { return };
    let place = &aws.place;
    let mini = Mini::new(place, "1s");
    place.pave(&["deploy"]).expect(0);
    mini.edit("FAIL_EVERY = 0", "FAIL_EVERY = 0  # 2");
    place.pave(&["deploy", "--all-at-once", "a test"]).expect(0);
    // By somebody who may write there.
    let bucket =
        aws.ok(&["s3api", "list-buckets"])["Buckets"][0]["Name"].as_str().expect("a name").to_owned();
    let object = ["--bucket", &bucket, "--key", "pave/mini/sandbox/releases/0000000001.json"];
    let file = place.path().join("record.json").display().to_string();
    aws.ok(&[&["s3api", "get-object"], &object[..], &[&file]].concat());
    let text = std::fs::read_to_string(&file).expect("reads");
    let changed = text.replace("\"memory\": 512", "\"memory\": 1024");
    assert_ne!(changed, text);
    std::fs::write(&file, changed).expect("writes");
    aws.ok(&[&["s3api", "put-object"], &object[..], &["--body", &file]].concat());
    place.pave(&["rollback", "--to", "1"]).expect(7).says("was changed after it was made");
    assert_eq!(place.json(&["status"])["live"]["route"]["stable"], "green");
}
