//! Rendering a project in memory, and writing it.

use criterion::{Criterion, criterion_group, criterion_main};
use pave::{blueprint, scaffold, spec};

const SPEC: &str = "[service]\nname = \"orders\"\nowner = \"payments\"\nlanguage = \"python\"\n\
    [[dependencies]]\nname = \"stripe\"\nkind = \"http\"\nurl = \"https://api.stripe.com\"\n\
    [[dependencies]]\nname = \"tax\"\nkind = \"http\"\nurl = \"https://tax.example.com\"\n\
    [[dependencies]]\nname = \"rates\"\nkind = \"http\"\nurl = \"https://rates.example.com\"\n";

fn render(c: &mut Criterion) {
    let parsed = spec::parse("pave.toml", SPEC).expect("parses");
    let bound = blueprint::bind(&parsed.spec).expect("binds");
    let files = scaffold::render(&parsed, &bound).expect("renders").len();
    c.bench_function(&format!("parse and render {files} files"), |b| {
        b.iter(|| {
            let parsed = spec::parse("pave.toml", SPEC).expect("parses");
            scaffold::render(&parsed, &blueprint::bind(&parsed.spec).expect("binds")).expect("renders")
        });
    });
    let plan = scaffold::render(&parsed, &bound).expect("renders");
    c.bench_function(&format!("write {files} files"), |b| {
        b.iter_with_large_drop(|| {
            let dir = tempfile::tempdir().expect("temp");
            scaffold::write(&plan, &dir.path().join("orders")).expect("writes");
            dir
        });
    });
}

criterion_group! { name = benches; config = Criterion::default().sample_size(30); targets = render }
criterion_main!(benches);
