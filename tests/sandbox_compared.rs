//! The same calls on the sandbox and on moto, another maker's stand-in for AWS: whatever differs has to be explained.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use support::{
    Place, have,
    python::{self, CLIENT, ask},
};

/// The other stand-in, from PyPI.
const MOTO: &str = "moto[server]==5.2.5";

/// Services that moto has not, or not so that an answer could be compared, by the names that requests are signed for:
/// it knows no App Runner; of CloudFront's key value stores not the data; of Bedrock no conversation.
const NOT_IN_MOTO: &[&str] = &["apprunner", "bedrock", "cloudfront", "cloudfront-keyvaluestore"];

fn by_service(value: &Value) -> BTreeMap<String, BTreeSet<String>> {
    serde_json::from_value(value.clone()).expect("operations by service")
}

#[test]
fn answers_are_those_of_moto_or_it_is_said_why_not() {
    let python = python::with("compared", &[MOTO, CLIENT]);
    if !have("moto, from PyPI", python.is_some()) {
        return;
    }
    let place = Place::new();
    place.pave(&["sandbox", "up"]).expect(0);
    let said = ask(&python.expect("is there"), "compared", &place);
    let mut there = by_service(&place.json(&["sandbox", "operations"])["operations"]);
    there.retain(|service, _| !NOT_IN_MOTO.contains(&service.as_str()));
    let seen = by_service(&said["seen"]);
    for (service, operations) in &there {
        let compared =
            seen.get(service).unwrap_or_else(|| panic!("{service} is not compared: tests/compared/drives"));
        let left: Vec<_> = operations.difference(compared).collect();
        assert!(left.is_empty(), "{service}: {left:?} are not compared");
    }
}
