//! The CloudFront Function and the sandbox's router send every viewer to the same slot.

mod support;

use std::{fmt::Write as _, fs, process::Command};

use pave::sandbox::{
    edge::{Arm, RouteSpec, assign},
    services::cloudfront::is_router,
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};

const VIEWERS: usize = 20_000;

fn routes(rng: &mut StdRng) -> Vec<Value> {
    let host = |rng: &mut StdRng, name: &str| match rng.random_range(0..10) {
        0 => json!(null),
        1 => json!(""),
        _ => json!(name),
    };
    (0..VIEWERS)
        .map(|_| {
            let stable = ["blue", "green", "red", ""][[0, 0, 0, 1, 1, 1, 2, 3][rng.random_range(0..8)]];
            let weight = match rng.random_range(0..12) {
                0 => -1,
                1 => 10_001,
                2 => 0,
                3 => 10_000,
                _ => rng.random_range(0..=10_000),
            };
            json!({ "blue": host(rng, "b.example"), "green": host(rng, "g.example"), "stable": stable, "weight": weight,
                    "salt": format!("release-{}", rng.random_range(0..50)) })
        })
        .collect()
}

#[test]
fn javascript_and_rust_agree_on_every_viewer() {
    if !support::have(
        "node",
        Command::new("node").arg("--version").output().is_ok_and(|o| o.status.success()),
    ) {
        return;
    }
    let mut rng = StdRng::seed_from_u64(3);
    let routes = routes(&mut rng);
    let viewers: Vec<String> = (0..VIEWERS).map(|i| format!("viewer-{i}-é{}", rng.random::<u32>())).collect();
    let template =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/edge/router.js")).expect("reads");
    // Outside CloudFront there is no module `cloudfront`; the pure part does not need it.
    let mut script = template.replace("import cf from 'cloudfront';", "");
    write!(
        script,
        "\nimport fs from 'fs';\nconst cases = JSON.parse(fs.readFileSync(process.argv[2]));\nconsole.log(JSON.stringify(cases.map(([r, v]) => assign(r, v))));\n"
    )
    .expect("text");
    let dir = tempfile::tempdir().expect("temp");
    fs::write(dir.path().join("router.mjs"), script).expect("writes");
    let cases: Vec<(&Value, &String)> = routes.iter().zip(&viewers).collect();
    fs::write(dir.path().join("cases.json"), serde_json::to_vec(&cases).expect("JSON")).expect("writes");
    let out = Command::new("node")
        .args(["router.mjs", "cases.json"])
        .current_dir(dir.path())
        .output()
        .expect("runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let answers: Vec<Value> = serde_json::from_slice(&out.stdout).expect("JSON");
    let mut canaries = 0;
    for ((route, viewer), javascript) in cases.into_iter().zip(answers) {
        let spec: RouteSpec = serde_json::from_value(route.clone()).expect("a route");
        let rust = match assign(&spec, viewer) {
            Some((slot, host, arm)) => {
                canaries += usize::from(arm == Arm::Canary);
                json!({ "slot": slot, "host": host, "arm": arm.word() })
            }
            None => json!(null),
        };
        assert_eq!(rust, javascript, "{route} {viewer}");
    }
    assert!(canaries > VIEWERS / 10, "only {canaries} viewers tell anything");
}

#[test]
fn the_edge_knows_the_paved_router_and_no_other_code() {
    let template =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/edge/router.js")).expect("reads");
    let indented: String = template.lines().map(|line| format!("  {line}\r\n")).collect();
    assert!(is_router(template.as_bytes()), "write the digest in sandbox/services/cloudfront/hosts.rs anew");
    assert!(is_router(indented.as_bytes()));
    assert!(!is_router(template.replace("10000", "9999").as_bytes()) && !is_router(b""));
}
