//! Packing a tree, beside `tar | gzip` on the same tree in the same run.

use std::{fs, path::Path, process::Command};

use criterion::{Criterion, criterion_group, criterion_main};
use pave::package;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

/// A tree of text-like files: words from a small vocabulary, as source code is.
fn tree(files: usize, bytes: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("temp");
    let mut rng = StdRng::seed_from_u64(1);
    let words: Vec<String> = (0..4000).map(|_| format!("{:x} ", rng.random::<u32>())).collect();
    for file in 0..files {
        let folder = dir.path().join(format!("src/{}", file % 12));
        fs::create_dir_all(&folder).expect("dirs");
        let mut text = String::new();
        while text.len() < bytes {
            text.push_str(&words[rng.random_range(0..words.len())]);
        }
        fs::write(folder.join(format!("{file}.txt")), text).expect("writes");
    }
    dir
}

fn peer(root: &Path) {
    let script = "tar --sort=name --mtime=@0 --owner=0 --group=0 -cf - . | gzip -n -6 > /dev/null";
    assert!(Command::new("bash").args(["-c", script]).current_dir(root).status().expect("runs").success());
}

fn pack(c: &mut Criterion) {
    for (name, files, bytes) in [("60 files of 2 KB", 60, 2_000), ("500 files of 100 KB", 500, 100_000)] {
        let dir = tree(files, bytes);
        let mut group = c.benchmark_group(name);
        group.sample_size(10);
        group.bench_function("pave", |b| {
            b.iter(|| package::pack(dir.path(), std::io::sink(), Path::new("sink")).expect("packs"));
        });
        group.bench_function("tar and gzip -6", |b| b.iter(|| peer(dir.path())));
        group.finish();
    }
}

criterion_group!(benches, pack);
criterion_main!(benches);
