//! Languages x blueprints x kinds of dependency: every project is generated, built, linted, passes its own tests, and keeps the contract.
//!
//! The matrix is read from `blueprints/` and `examples/`. By default the examples are tried; with `PAVE_TEST_WHOLE=1` every cell, with
//! `PAVE_TEST_SLICE=K` one cell in nine of each language, another one for each K.

mod support;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use serde::Deserialize;
use support::{Background, Place, Run, languages};

/// Folders of libraries that know which lock file they are of, and what a type checker knows of them.
const LIBRARIES: [&str; 5] = [".deps", ".deps-test", ".deps-lint", ".mypy_cache", "node_modules"];

/// So many runs with slices are the whole.
const SLICES: usize = 9;

#[derive(Deserialize)]
struct Blueprint {
    name: String,
    languages: Vec<String>,
    dependencies: Vec<String>,
    #[serde(default)]
    requires: Vec<String>,
}

/// One cell in so many, and one more, may need a second try: three languages share the machine, and the time limits of a service
/// that is built, tested and verified meanwhile are real. What failed first is shown.
const AGAIN: usize = 20;

/// One project to make.
struct Cell {
    name: String,
    spec: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of this name one folder below `folder`, in order.
fn found(folder: &str, file: &str) -> Vec<PathBuf> {
    let folders = fs::read_dir(root().join(folder)).expect("reads");
    let mut files: Vec<PathBuf> =
        folders.map(|entry| entry.expect("entry").path().join(file)).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

fn section(kind: &str) -> String {
    let name = format!("my-{kind}");
    let more = match kind {
        "http" => "url = \"https://api.example.com/v2\"\nfallback = \"stale\"\n",
        "dynamodb" => "fallback = \"default\"\n",
        "bedrock" => "timeout = \"8s\"\nfallback = \"default\"\n",
        "postgres" => "critical = true\n",
        _ => "",
    };
    format!("[[dependencies]]\nname = \"{name}\"\nkind = \"{kind}\"\n{more}")
}

/// The cells of one language: without a dependency, with each kind, with all.
fn cells(language: &str) -> Vec<Cell> {
    let mut cells = Vec::new();
    for file in found("blueprints", "blueprint.toml") {
        let text = fs::read_to_string(&file).expect("reads");
        let blueprint: Blueprint = toml_edit::de::from_str(&text).expect("a blueprint");
        if !blueprint.languages.iter().any(|one| one == language) {
            continue;
        }
        let mut choices: Vec<(String, Vec<&String>)> = vec![("none".to_owned(), Vec::new())];
        choices.extend(blueprint.dependencies.iter().map(|kind| (kind.clone(), vec![kind])));
        choices.push(("all".to_owned(), blueprint.dependencies.iter().collect()));
        for (word, mut kinds) in choices {
            kinds.extend(&blueprint.requires);
            kinds.sort();
            kinds.dedup();
            let sections: Vec<String> = kinds.iter().map(|kind| section(kind)).collect();
            let spec = format!(
                "[service]\nname = \"cell\"\nowner = \"tests\"\nlanguage = \"{language}\"\nblueprint = \"{}\"\n{}",
                blueprint.name,
                sections.concat()
            );
            cells.push(Cell { name: format!("{language} {} {word}", blueprint.name), spec });
        }
    }
    cells
}

fn examples(language: &str) -> Vec<Cell> {
    let line = format!("language = \"{language}\"");
    found("examples", "pave.toml")
        .into_iter()
        .map(|file| Cell {
            name: file.display().to_string(),
            spec: fs::read_to_string(&file).expect("reads"),
        })
        .filter(|cell| cell.spec.contains(&line))
        .collect()
}

/// What tests of AWS kinds need, and the project that was tried last.
struct Bench {
    place: Place,
    path: OsString,
    aws: BTreeMap<String, String>,
    built: Option<PathBuf>,
}

impl Bench {
    fn run(&self, mut command: Command, dir: &Path) -> Run {
        command.env("PATH", &self.path).envs(languages::rust_settings()).current_dir(dir);
        // What a project's tests need is on this machine: none of them may be skipped.
        command.env("REQUIRE_BACKENDS", "1");
        let began = Instant::now();
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        let run = Background::start(command).end();
        eprintln!("    {:>5.1} s  {}", began.elapsed().as_secs_f32(), words.join(" "));
        run
    }

    /// What is wrong with a cell.
    fn tried(&mut self, number: usize, cell: &Cell) -> Result<(), String> {
        let spec = self.place.path().join(format!("{number}.toml"));
        fs::write(&spec, &cell.spec).expect("writes");
        let dir = self.place.path().join(number.to_string());
        let words = |run: Run| format!("{}\n{}", run.out, run.err);
        let arguments =
            ["new", "--spec", spec.to_str().expect("UTF-8"), "--dir", dir.to_str().expect("UTF-8")];
        let made = self.run(self.place.command(&arguments), self.place.path());
        if made.code != 0 {
            return Err(words(made));
        }
        // Only one project is kept at a time: each brings hundreds of megabytes of libraries. What its lock files do not name is installed anew.
        if let Some(before) = self.built.replace(dir.clone()) {
            for libraries in LIBRARIES.iter().filter(|name| before.join(name).is_dir()) {
                fs::rename(before.join(libraries), dir.join(libraries)).expect("moves");
            }
            fs::remove_dir_all(before).expect("removes");
        }
        let image = fs::read_to_string(dir.join(".pave/process/image.json")).expect("there");
        let image: serde_json::Value = serde_json::from_str(&image).expect("JSON");
        for list in ["prepare", "check"] {
            for line in image[list].as_array().unwrap_or_else(|| panic!("image.json has no `{list}`")) {
                let mut command = Command::new("sh");
                command.args(["-c", line.as_str().expect("text")]).envs(&self.aws);
                command
                    .env("TEST_AWS_ENDPOINT_URL", &self.aws["AWS_ENDPOINT_URL"])
                    .env_remove("AWS_ENDPOINT_URL");
                let ran = self.run(command, &dir);
                if ran.code != 0 {
                    return Err(format!("{line}: {}", words(ran)));
                }
            }
        }
        // One at a time: the experiments measure time.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let verified = self.run(self.place.command(&["verify", "--no-prepare", "--jobs", "10"]), &dir);
        if verified.code != 0 || verified.out.contains("could not be run") {
            return Err(words(verified));
        }
        Ok(())
    }
}

fn whole_matrix(language: &str) {
    let Some(path) = languages::path(language) else { return };
    let place = Place::new();
    place.pave(&["sandbox", "up"]).expect(0);
    let aws = place.aws_env();
    let mut bench = Bench { place, path, aws, built: None };
    let mut all = examples(language);
    let slice = std::env::var("PAVE_TEST_SLICE").ok().map(|text| text.parse::<usize>().expect("a number"));
    if std::env::var_os("PAVE_TEST_WHOLE").is_some() {
        all.extend(cells(language));
    } else if let Some(slice) = slice {
        let cells = cells(language).into_iter().enumerate();
        all.extend(cells.filter(|(number, _)| number % SLICES == slice % SLICES).map(|(_, cell)| cell));
    }
    assert!(!all.is_empty(), "there is an example in {language}");
    // Single cells can be tried again by their names, or what is in them, with commas between.
    let only = std::env::var("PAVE_TEST_CELL").unwrap_or_default();
    let chosen = |cell: &Cell| only.split(',').any(|part| cell.name.contains(part));
    let (mut wrong, mut again) = (Vec::new(), 0);
    for (number, cell) in all.iter().enumerate().filter(|(_, cell)| chosen(cell)) {
        let began = Instant::now();
        let mut result = bench.tried(number, cell);
        if let Err(words) = &result {
            eprintln!("{}: tried again, because\n{words}", cell.name);
            again += 1;
            result = bench.tried(all.len() + number, cell);
        }
        let word = if result.is_ok() { "ok" } else { "WRONG" };
        eprintln!("{}: {word} after {} s", cell.name, began.elapsed().as_secs());
        if let Err(words) = result {
            eprintln!("{words}");
            wrong.push(format!("=== {}\n{words}", cell.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(again <= 1 + all.len() / AGAIN, "{again} of {} cells had to be tried again", all.len());
}

#[test]
fn every_python_project_is_sound() {
    whole_matrix("python");
}

#[test]
fn every_rust_project_is_sound() {
    whole_matrix("rust");
}

#[test]
fn every_typescript_project_is_sound() {
    whole_matrix("typescript");
}
