//! Writes down which crates are linked into the program, for its bill of materials (`src/sbom.rs`).

use std::{collections::BTreeSet, env, fs, path::Path, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=Cargo.lock");
    println!("cargo::rerun-if-changed=Cargo.toml");
    let set = |name: &str| env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    let tree = Command::new(set("CARGO"))
        .args(["tree", "--frozen", "--prefix=none", "--format={p} |{l}"])
        .args(["--edges=normal,no-proc-macro", "--target", &set("TARGET")])
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&tree.stderr);
    assert!(tree.status.success(), "cargo tree: {said}");
    let lines = String::from_utf8_lossy(&tree.stdout);
    // The first line is this program itself; a crate that was named before is marked.
    let crates: BTreeSet<&str> = lines
        .lines()
        .skip(1)
        .map(|line| line.trim_end_matches(" (*)"))
        .collect();
    let crates: Vec<&str> = crates.into_iter().collect();
    let file = Path::new(&set("OUT_DIR")).join("crates.txt");
    fs::write(file, crates.join("\n")).expect("the folder of a build can be written");
}
