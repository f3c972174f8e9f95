//! `pave new` and what it refuses.

mod support;

use std::{collections::BTreeMap, fs, path::Path};

use support::Place;

fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, dir: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(dir).expect("reads") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                let name = path.strip_prefix(root).expect("inside").display().to_string();
                found.insert(name, fs::read(&path).expect("reads"));
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(root, root, &mut found);
    found
}

#[test]
fn two_runs_give_identical_bytes() {
    let place = Place::new();
    for language in ["python", "typescript"] {
        let trees = ["one", "two"].map(|dir| {
            let dir = format!("{language}-{dir}");
            let http = "stripe=https://api.stripe.com";
            place
                .pave(&[
                    "new",
                    "orders",
                    "--language",
                    language,
                    "--owner",
                    "me",
                    "--http",
                    http,
                    "--dir",
                    &dir,
                ])
                .expect(0);
            tree(&place.path().join(dir))
        });
        assert_eq!(trees[0], trees[1]);
        assert!(trees[0].len() > 35, "{} files", trees[0].len());
    }
}

#[test]
fn a_projects_own_spec_makes_that_project_again() {
    let place = Place::new();
    place.pave(&["new", "orders", "--language", "python", "--owner", "me"]).expect(0);
    let spec = place.path().join("orders/pave.toml");
    let text = fs::read_to_string(&spec).expect("reads");
    for (index, arguments) in
        [&["-C", "orders", "new", "--spec", "pave.toml"][..], &["new", "--spec", "orders/pave.toml"]]
            .iter()
            .enumerate()
    {
        let text = format!("{text}[[dependencies]]\nname = \"cache{index}\"\nkind = \"redis\"\n");
        fs::write(&spec, text).expect("writes");
        place.pave(arguments).expect(0).says(" unchanged");
        let settings = fs::read_to_string(place.path().join("orders/.env.example")).expect("reads");
        assert!(settings.contains(&format!("CACHE{index}_URL")), "{settings}");
    }
    let made: Vec<_> =
        fs::read_dir(place.path()).expect("reads").map(|e| e.expect("entry").file_name()).collect();
    assert!(!place.path().join("orders/orders").exists(), "{made:?}");
}

#[test]
fn a_spec_file_keeps_its_comments_and_takes_another_name() {
    let place = Place::new();
    let text = "# mine\n[service]\nname = \"orders\" # the name\nowner = \"me\"\nlanguage = \"python\"\n";
    fs::write(place.path().join("spec.toml"), text).expect("writes");
    place.pave(&["new", "billing", "--spec", "spec.toml"]).expect(0);
    let written = fs::read_to_string(place.path().join("billing/pave.toml")).expect("reads");
    assert_eq!(written, text.replace("\"orders\"", "\"billing\""));
}

#[test]
fn mistakes_are_shown_with_their_lines_and_nothing_is_written() {
    let place = Place::new();
    let text = "[service]\nname = \"Orders!\"\nowner = \"me\"\nlanguage = \"python\"\n[scale]\ncpu = \"3\"\n[htp]\nport = 1\n";
    fs::write(place.path().join("spec.toml"), text).expect("writes");
    let run = place.pave(&["new", "--spec", "spec.toml"]).expect(3);
    run.says("unknown key `htp`");
    run.says("did you mean `http`?");
    run.says("spec.toml:7");
    fs::write(place.path().join("spec.toml"), text.replace("[htp]\nport = 1\n", "")).expect("writes");
    let run = place.pave(&["new", "--spec", "spec.toml"]).expect(3);
    run.says("try `orders`");
    run.says("App Runner has no instance with 3 vCPU");
    assert_eq!(fs::read_dir(place.path()).expect("reads").count(), 1);
    let json = place.json(&["new", "--spec", "spec.toml"]);
    assert_eq!(json["code"], 3);
    assert_eq!(json["mistakes"][0]["line"], 2);
}

#[test]
fn a_directory_with_something_in_it_is_refused() {
    let place = Place::new();
    fs::create_dir(place.path().join("orders")).expect("dir");
    fs::write(place.path().join("orders/thesis.txt"), "x").expect("writes");
    place.pave(&["new", "orders", "--language", "python", "--owner", "me"]).expect(4).says("is not empty");
    assert_eq!(tree(&place.path().join("orders")).len(), 1);
}

#[test]
fn a_second_run_keeps_what_was_edited() {
    let place = Place::new();
    let new = ["new", "orders", "--language", "python", "--owner", "me"];
    place.pave(&new).expect(0);
    let readme = place.path().join("orders/README.md");
    fs::write(&readme, "mine").expect("writes");
    place.pave(&new).expect(0).says("kept README.md");
    assert_eq!(fs::read_to_string(readme).expect("reads"), "mine");
    let spec = fs::read_to_string(place.path().join("orders/pave.toml")).expect("reads");
    let other = [&new[..], &["--description", "another"]].concat();
    place.pave(&other).expect(4).says("is a project already");
    assert_eq!(fs::read_to_string(place.path().join("orders/pave.toml")).expect("reads"), spec);
}

#[test]
fn what_is_missing_or_not_there_yet_is_said() {
    let place = Place::new();
    place.pave(&["new", "orders"]).expect(64).says("--language, --owner");
    place
        .pave(&["new", "orders", "--language", "pyton", "--owner", "me"])
        .expect(3)
        .says("did you mean `python`?");
    place
        .pave(&["new", "orders", "--blueprint", "ai-api", "--language", "python", "--owner", "me"])
        .expect(3)
        .says("--with bedrock");
    place.pave(&["new", "--spec", "none.toml"]).expect(3).says("none.toml cannot be read");
    place.pave(&["deploi"]).expect(64).says("deploy");
    place.pave(&["deploy"]).expect(3).says("there is no pave.toml");
}

#[test]
fn a_tree_that_cannot_be_packed_is_refused_before_anything_is_sent() {
    let place = Place::new();
    let _mini = support::Mini::new(&place, "1s");
    fs::write(place.project().join(".env"), "KEY=1").expect("writes");
    place.pave(&["deploy"]).expect(4).says("look like secrets: .env");
    fs::remove_file(place.project().join(".env")).expect("removes");
    std::os::unix::fs::symlink("/etc/passwd", place.project().join("leak")).expect("links");
    place.pave(&["deploy"]).expect(3).says("points out of");
}
