//! Every operation that the sandbox says it has, driven by AWS's own client and held against AWS's own models of the answers.

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::Value;
use support::{
    Place, have,
    python::{self, ask},
};

fn operations(value: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let texts = |list: &Value| {
        list.as_array().expect("a list").iter().map(|one| one.as_str().expect("text").to_owned()).collect()
    };
    let services = value.as_object().expect("services");
    services.iter().map(|(service, list)| (service.clone(), texts(list))).collect()
}

#[test]
fn every_operation_answers_as_the_models_of_aws_say() {
    let python = python::botocore();
    if !have("botocore, from PyPI", python.is_some()) {
        return;
    }
    let place = Place::new();
    place.pave(&["sandbox", "up"]).expect(0);
    let said = ask(&python.expect("is there"), "conformance", &place);
    let there = operations(&place.json(&["sandbox", "operations"])["operations"]);
    assert_eq!(operations(&said["seen"]), there, "each operation is driven, and no other answers");
}

#[test]
fn the_list_of_operations_in_the_documentation_is_fresh() {
    let place = Place::new();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sandbox-operations.md");
    let written = std::fs::read_to_string(file).expect("reads");
    let now = place.pave(&["sandbox", "operations"]).out;
    assert_eq!(written, now, "write it anew: cargo run -- sandbox operations > docs/sandbox-operations.md");
}
