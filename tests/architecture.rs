//! Which module may look at which, held against the `use crate::` lines.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Each module and the modules it may use, beside itself.
const TABLE: &[(&str, &[&str])] = &[
    ("spec", &[]),
    ("blueprint", &["spec"]),
    ("scaffold", &["spec", "blueprint"]),
    ("package", &[]),
    ("check", &["spec", "blueprint", "scaffold", "package"]),
    ("judge", &[]),
    ("rollout", &[]),
    ("engine", &["spec", "package", "judge", "rollout"]),
    ("aws", &["engine", "rollout"]),
    ("sandbox", &[]),
    ("verify", &["spec"]),
    (
        "cli",
        &[
            "aws",
            "blueprint",
            "check",
            "engine",
            "judge",
            "package",
            "rollout",
            "sandbox",
            "scaffold",
            "spec",
            "verify",
        ],
    ),
];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("reads") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Every `crate::name` in a text, also inside `use crate::{a::x, b::y}`.
fn used(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let word =
            |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        match rest.strip_prefix('{') {
            None => names.push(word(rest)),
            Some(group) => {
                let (mut depth, mut start) = (0, true);
                for (i, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if start && c.is_alphabetic() => {
                            names.push(word(&group[i..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    names
}

#[test]
fn arrows_run_one_way() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let table: BTreeMap<_, _> = TABLE.iter().copied().collect();
    let mut wrong = Vec::new();
    for entry in fs::read_dir(&src).expect("reads") {
        let dir = entry.expect("entry").path();
        if !dir.is_dir() {
            continue;
        }
        let module = dir.file_name().and_then(|n| n.to_str()).expect("a name").to_owned();
        let allowed = table.get(module.as_str()).unwrap_or_else(|| panic!("`{module}` is not in the table"));
        let mut files = Vec::new();
        sources(&dir, &mut files);
        for file in files {
            let text = fs::read_to_string(&file).expect("reads");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for name in used(code) {
                if name != module && !allowed.contains(&name.as_str()) {
                    wrong.push(format!("{} uses {name}", file.strip_prefix(&src).expect("inside").display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_reader_of_use_lines_sees_groups() {
    assert_eq!(used("use crate::{a::x, b::{y, z}, c};\nuse crate::d::e;"), ["a", "b", "c", "d"]);
}

#[test]
fn nothing_outside_the_composition_root_asks_whom_it_talks_to() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for module in ["engine", "aws"] {
        let mut files = Vec::new();
        sources(&src.join(module), &mut files);
        for file in files {
            let text = fs::read_to_string(&file).expect("reads");
            let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            assert!(!code.to_lowercase().contains("sandbox"), "{} speaks of the sandbox", file.display());
        }
    }
}

#[test]
fn nothing_outside_the_command_line_prints() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    for file in files.iter().filter(|file| !file.starts_with(src.join("cli"))) {
        let text = fs::read_to_string(file).expect("reads");
        for word in ["println!(", "print!(", "eprintln!(", "eprint!(", "dbg!("] {
            assert!(!text.contains(word), "{} has {word}", file.display());
        }
    }
}
