//! The sandbox as a process of its own: one per directory, found again, killed and started again.

mod support;

use std::net::TcpListener;

use support::{Background, Place};

#[test]
fn a_second_up_finds_the_first_even_when_both_start_at_once() {
    let place = Place::new();
    let both = [0, 1].map(|_| Background::start(place.command(&["sandbox", "up", "-o", "json"])));
    let ports: Vec<String> = both
        .into_iter()
        .map(|up| {
            let run = up.end().expect(0);
            let value: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
            format!("{}/{}", value["api"], value["edge"])
        })
        .collect();
    assert_eq!(ports[0], ports[1]);
    place.pave(&["sandbox", "up"]).expect(0).says("runs already");
    place.pave(&["sandbox", "down"]).expect(0).says("is stopped");
    place.pave(&["sandbox", "down"]).expect(0).says("was not running");
}

#[test]
fn ports_keys_and_account_stay_over_a_kill() {
    let place = Place::new();
    place.pave(&["sandbox", "up"]).expect(0);
    let before = place.aws_env();
    let pid = place.json(&["sandbox", "status"])["running"]["pid"].as_i64().expect("a pid") as i32;
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid).expect("pid"),
        rustix::process::Signal::KILL,
    )
    .expect("is there");
    support::until("it is gone", || place.json(&["sandbox", "status"])["running"].is_null());
    place.pave(&["sandbox", "env"]).expect(3).says("does not run");
    place.pave(&["sandbox", "up"]).expect(0);
    assert_eq!(place.aws_env(), before);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("binds");
    let port = taken.local_addr().expect("address").port().to_string();
    place.pave(&["sandbox", "up", "--api-port", &port]).expect(1).says(&format!("port {port} is taken"));
    place.pave(&["sandbox", "serve", "--edge-port", &port]).expect(64).says(&format!("port {port} is taken"));
}

#[test]
fn a_directory_that_is_something_else_is_never_removed() {
    let place = Place::new();
    std::fs::create_dir(place.sandbox()).expect("dir");
    std::fs::write(place.sandbox().join("thesis.txt"), "years of work").expect("writes");
    place.pave(&["sandbox", "reset"]).expect(4).says("is not a sandbox");
    assert!(place.sandbox().join("thesis.txt").exists());
}

#[test]
fn keys_can_be_read_by_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    place.pave(&["sandbox", "up"]).expect(0);
    for name in ["keys.json", "sandbox.json"] {
        let mode = std::fs::metadata(place.sandbox().join(name)).expect(name).permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
    let mode = std::fs::metadata(place.sandbox()).expect("dir").permissions().mode();
    assert_eq!(mode & 0o077, 0);
}

#[test]
fn a_sandbox_has_its_runtime_for_life_and_says_which() {
    let place = Place::new();
    let up = |arguments: &[&str], host: &str| {
        let mut command = place.command(&[&["sandbox", "up"], arguments].concat());
        command.env_remove("PAVE_SANDBOX_RUNTIME").env("DOCKER_HOST", host);
        Background::start(command).end()
    };
    // Nothing answers there: what is asked for is refused, and nothing is left of it.
    let nowhere = format!("unix://{}", place.path().join("nobody.sock").display());
    up(&["--runtime", "docker"], &nowhere).expect(4).says("no Docker engine answers");
    up(&["--runtime", "docker"], "tcp://192.0.2.1:2375").expect(4).says("only an engine of this machine");
    up(&["--runtime", "podman"], &nowhere).expect(64).says("podman");
    assert!(!place.sandbox().join("keys.json").exists());
    // Where nothing is asked for, an engine that does not answer is none.
    up(&[], &nowhere).expect(0).says("run as processes of this machine");
    assert_eq!(place.json(&["sandbox", "status"])["running"]["runtime"], "process");
    up(&["--runtime", "docker"], &nowhere).expect(8).says("was made with the runtime `process`");
    place.pave(&["sandbox", "down"]).expect(0);
    up(&["--runtime", "docker"], &nowhere).expect(8).says("pave sandbox reset");
    up(&["--runtime", "process"], &nowhere).expect(0).says("run as processes of this machine");
}
