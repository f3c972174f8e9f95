//! Every language's Dockerfile, for real: its tests and its image are built, and the image runs as a careful cluster runs it.
//!
//! Takes minutes and root, so it runs with PAVE_TEST_DOCKER=1 only.

mod engine;
mod sandbox;
mod service;
#[path = "../support/mod.rs"]
mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use engine::{Engine, answers, chosen};
use service::{Container, Image, absent, bases, steps, touch};
use support::{Background, Place, have, until};

/// What may not be in an image, by file name in a folder of programs: it builds or installs.
const TOOLS: [&str; 20] = [
    "apk", "apt", "apt-get", "c++", "cargo", "cc", "corepack", "g++", "gcc", "ld", "make", "npm", "npx",
    "pip", "pip3", "pip3.13", "rustc", "rustup", "uv", "yarn",
];

/// A blueprint's list, as its file has it.
fn listed(key: &str) -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("blueprints/http-api/blueprint.toml");
    let text = fs::read_to_string(file).expect("reads");
    let blueprint: toml_edit::DocumentMut = text.parse().expect("TOML");
    let values = blueprint[key].as_array().expect("a list");
    values.iter().map(|value| value.as_str().expect("text").to_owned()).collect()
}

/// Makes a project with a dependency of each of these kinds, none of which it needs.
fn make(place: &Place, language: &str, kinds: &[String]) -> PathBuf {
    let name = format!("notes-{language}");
    let mut spec = format!(
        "[service]\nname = \"{name}\"\nowner = \"tests\"\nlanguage = \"{language}\"\n[environments.sandbox]\ntarget = \"sandbox\"\n"
    );
    for kind in kinds {
        spec += &format!("[[dependencies]]\nname = \"a-{kind}\"\nkind = \"{kind}\"\n{}\n", absent(kind).0);
    }
    let file = place.path().join(format!("{name}.toml"));
    fs::write(&file, spec).expect("writes");
    place.pave(&["new", "--spec", file.to_str().expect("UTF-8")]).expect(0);
    place.path().join(name)
}

/// What a language's image may weigh, in megabytes and with its base or beyond it, and a source file of it.
struct Expected {
    megabytes: f64,
    with_base: bool,
    source: &'static str,
}

fn expected(language: &str) -> Expected {
    match language {
        "python" => Expected { megabytes: 90.0, with_base: false, source: "src/app/__main__.py" },
        "typescript" => Expected { megabytes: 165.0, with_base: true, source: "src/main.ts" },
        "rust" => Expected { megabytes: 25.0, with_base: true, source: "src/main.rs" },
        other => panic!("say in tests/docker/main.rs what an image of {other} may weigh"),
    }
}

/// Builds a language's tests and its image, runs it, weighs it, and changes a line.
fn in_a_container(language: &str) {
    let Some(engine) = Engine::shared() else { return };
    let place = Place::new();
    let mut kinds = listed("dependencies");
    // With `postgres` it would need a database; and to compile the AWS SDK for release takes Rust longer than all the rest.
    let left_out: &[&str] = match language {
        "rust" => &["bedrock", "dynamodb", "postgres", "s3", "sqs"],
        _ => &["postgres"],
    };
    kinds.retain(|kind| !left_out.contains(&kind.as_str()));
    let project = make(&place, language, &kinds);
    let dockerfile = fs::read_to_string(project.join("Dockerfile")).expect("reads");
    assert!(!dockerfile.starts_with("# syntax"), "what BuildKit has built in is enough, and fetches nothing");
    engine.provide(&bases(&dockerfile));
    // What must never be sent to a build, let alone be in an image.
    fs::write(project.join(".env"), "SECRET=1\n").expect("writes");

    let began = Instant::now();
    let tag = format!("pave-test/{language}");
    engine.build(&project, &tag, None);
    eprintln!("{language}: its image is built in {:.0} s", began.elapsed().as_secs_f64());

    is_small_and_unprivileged(&engine, &tag, language, &bases(&dockerfile));
    serves_and_leaves(&engine, &tag, &kinds);
    rebuilds_only_its_source(&engine, &tag, language, &project);
    keeps_the_contract(&engine, language);
}

/// A project's own tests pass in a build, with the database and the cache that its Dockerfile puts there; and the experiments find nothing
/// wrong with a container either, whose schema the image's own `migrate` makes.
fn keeps_the_contract(engine: &Engine, language: &str) {
    let place = Place::new();
    let project = make(&place, language, &["http", "postgres", "redis"].map(str::to_owned));
    let tag = format!("pave-test/{language}:verified");
    let began = Instant::now();
    // Without a database its tests fail there and are not skipped, which the build's own variable sees to.
    let dockerfile = fs::read_to_string(project.join("Dockerfile")).expect("reads");
    assert!(dockerfile.contains("REQUIRE_BACKENDS=1"), "{dockerfile}");
    engine.build(&project, &format!("{tag}-test"), Some("test"));
    eprintln!("{language}: its tests pass in a build of {:.0} s", began.elapsed().as_secs_f64());
    engine.build(&project, &tag, None);
    let began = Instant::now();
    let mut command = place.command(&["verify", "--image", &tag, "--jobs", "4"]);
    engine.point(&mut command);
    command.current_dir(&project);
    let run = Background::start(command).end();
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(!run.out.contains("could not be run"), "{run:#?}");
    eprintln!("{language}: a container keeps the contract, seen in {:.0} s", began.elapsed().as_secs_f64());
}

const LANGUAGES: [&str; 3] = ["python", "rust", "typescript"];

#[test]
fn every_language_is_tried_in_a_container() {
    for language in listed("languages") {
        assert!(LANGUAGES.contains(&language.as_str()), "{language} has no test in tests/docker/main.rs");
    }
}

#[test]
fn a_python_image_is_small_and_unprivileged_and_serves_without_a_place_to_write() {
    in_a_container("python");
}

#[test]
fn a_rust_image_is_small_and_unprivileged_and_serves_without_a_place_to_write() {
    in_a_container("rust");
}

#[test]
fn a_typescript_image_is_small_and_unprivileged_and_serves_without_a_place_to_write() {
    in_a_container("typescript");
}

fn is_small_and_unprivileged(engine: &Engine, tag: &str, language: &str, bases: &[String]) {
    let image = Image::of(engine, tag);
    let user = image.facts["Config"]["User"].as_str().expect("a user").to_owned();
    assert!(user.parse::<u32>().is_ok_and(|id| id > 0), "{language} runs as `{user}`");

    // The base it stands on is the one whose layers it begins with.
    let layers = image.layers();
    let bases = bases.iter().map(|base| Image::of(engine, base));
    let base = bases.filter(|base| layers.starts_with(&base.layers())).max_by_key(|base| base.layers().len());
    let base = base.map_or(0.0, |base| base.megabytes());
    let (whole, beyond) = (image.megabytes(), image.megabytes() - base);
    eprintln!("{language}: {whole:.1} MB, {beyond:.1} MB of it beyond its base");
    let expected = expected(language);
    let weighed = if expected.with_base { whole } else { beyond };
    assert!(
        weighed <= expected.megabytes,
        "{language}: {weighed:.1} MB are more than {}",
        expected.megabytes
    );
}

fn serves_and_leaves(engine: &Engine, tag: &str, kinds: &[String]) {
    let mut environment = vec![("AWS_REGION", "eu-central-1"), ("PAVE_RELEASE", "r7")];
    environment.extend([("AWS_ACCESS_KEY_ID", "nobody"), ("AWS_SECRET_ACCESS_KEY", "nothing")]);
    environment.extend(kinds.iter().flat_map(|kind| absent(kind).1));
    let service = Container::start(engine, tag, &environment);
    until(&format!("{tag} answers: {}", service.logs()), || {
        assert_eq!(service.fact("/State/Running"), true, "{}", service.logs());
        service.ask("GET", "/livez", "").is_some_and(|(status, _)| status == 200)
    });
    let ask =
        |method, path, body| service.ask(method, path, body).unwrap_or_else(|| panic!("{path}: silence"));

    let (status, live) = ask("GET", "/livez", "");
    assert_eq!((status, &live["release"]), (200, &"r7".into()), "{live}");
    let (status, ready) = ask("GET", "/readyz", "");
    assert_eq!((status, &ready["status"]), (200, &"ok".into()), "{ready}");
    let (status, note) = ask("POST", "/v1/notes", r#"{"title":"In a box","text":"read-only"}"#);
    assert_eq!((status, &note["title"]), (201, &"In a box".into()), "{note}");
    let (status, notes) = ask("GET", "/v1/notes", "");
    assert_eq!((status, &notes["items"][0]), (200, &note), "{notes}");

    // The image's own check, as the engine would run it.
    let check = service.fact("/Config/Healthcheck/Test");
    let check = check.as_array().expect("a check").iter().map(|word| word.as_str().expect("text"));
    let check = check.collect::<Vec<_>>();
    assert_eq!(check[0], "CMD", "a check needs no shell: {check:?}");
    engine.run(&[&["exec", &service.id], &check[1..]].concat());

    let files = service.files();
    let program = |name: &str| {
        let folders = ["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];
        folders.iter().any(|folder| files.contains(&Path::new(folder).join(name)))
    };
    let found = TOOLS.iter().filter(|tool| program(tool)).collect::<Vec<_>>();
    assert!(found.is_empty(), "{tag} has {found:?}");
    let installers = files.iter().filter(|path| path.ends_with("site-packages/pip") || path.ends_with("npm"));
    assert_eq!(installers.count(), 0, "{tag} has a package manager's modules");
    for private in ["/app/.env", "/app/tests", "/app/.git", "/app/pave.toml"] {
        assert!(!files.contains(Path::new(private)), "{tag} has {private}");
    }

    let asked = Instant::now();
    engine.run(&["kill", "--signal", "TERM", &service.id]);
    let status = engine.run(&["wait", &service.id]);
    assert_eq!(status, "0", "{}", service.logs());
    assert!(asked.elapsed() < Duration::from_secs(10), "it took {:?} to leave", asked.elapsed());
    assert_eq!(service.fact("/State/OOMKilled"), false);
}

fn rebuilds_only_its_source(engine: &Engine, tag: &str, language: &str, project: &Path) {
    let before = Image::of(engine, tag).layers();
    touch(project, expected(language).source);
    let began = Instant::now();
    let said = engine.build_alone(project, tag);
    eprintln!("{language}: a change of its code is built in {:.1} s", began.elapsed().as_secs_f64());
    let after = Image::of(engine, tag).layers();
    assert_eq!(after.len(), before.len());
    let changed = (0..after.len()).filter(|&layer| after[layer] != before[layer]).collect::<Vec<_>>();
    assert_eq!(changed, [after.len() - 1], "only the last layer, the source, is new\n{said}");
    let dependencies = steps(&said, "dependencies");
    assert!(
        !dependencies.is_empty() && dependencies.iter().all(|(_, cached)| *cached),
        "{dependencies:#?}\n{said}"
    );
}

#[test]
fn every_compose_file_is_valid() {
    if !chosen() {
        return;
    }
    let plugin = || {
        let mut command = Command::new("docker");
        command.arg("compose");
        command
    };
    let alone = || Command::new("docker-compose");
    let with_plugin = answers(&mut plugin(), "version");
    if !have("Docker Compose", with_plugin || answers(&mut alone(), "version")) {
        return;
    }
    let place = Place::new();
    for language in listed("languages") {
        for (kinds, services) in [(vec![], 3), (listed("dependencies"), 3)] {
            let project = make(&place, &language, &kinds);
            let mut command = if with_plugin { plugin() } else { alone() };
            let output = command.args(["--file", "compose.yaml", "config", "--services"]);
            let output = output.current_dir(&project).output().expect("compose runs");
            let (out, err) =
                (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert!(output.status.success(), "{language}, {kinds:?}: {err}");
            assert!(out.lines().count() >= services, "{language}, {kinds:?}: {out}");
            fs::remove_dir_all(project).expect("removes");
        }
    }
}
