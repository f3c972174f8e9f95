use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::*;
use crate::sandbox::services::cloudformation::template::{Made, Template};

fn recreation(_: &str, property: &str) -> Recreation {
    match property {
        "Name" => Recreation::Always,
        "Maybe" => Recreation::Conditionally,
        _ => Recreation::Never,
    }
}

const BEFORE: &str = "
Parameters: { Size: { Type: String, Default: '1' } }
Resources:
  A: { Type: T, Properties: { Name: a, Size: !Ref Size } }
  B: { Type: T, Properties: { From: !Ref A, Arn: !GetAtt A.Arn } }
  C: { Type: T, DeletionPolicy: Retain }
  D: { Type: T, Properties: { Maybe: 1 } }
";

fn compare(after: &str, size: &str) -> Vec<Change> {
    let templates = [BEFORE, after].map(|text| Template::read(text).expect("a template"));
    let pseudo = BTreeMap::new;
    let mut before = Context::new(&templates[0], &BTreeMap::new(), pseudo()).expect("a context");
    for id in ["A", "B", "C", "D"] {
        let attributes = Map::from_iter([("Arn".to_owned(), json!(format!("arn-{id}")))]);
        before.made.insert(id.to_owned(), Made { physical: format!("{id}-1"), attributes });
    }
    let given = BTreeMap::from([("Size".to_owned(), size.to_owned())]);
    let mut context = Context::new(&templates[1], &given, pseudo()).expect("a context");
    context.made = before.made.clone();
    context.foresee = true;
    changes(Some(&before), &mut context, &recreation).expect("changes")
}

fn one(changes: &[Change], id: &str) -> Value {
    let found = changes.iter().find(|change| change.shown["LogicalResourceId"] == id);
    found.unwrap_or_else(|| panic!("no change of {id}: {changes:?}")).shown.clone()
}

#[test]
fn nothing_changes_where_nothing_differs() {
    assert_eq!(compare(BEFORE, "1"), []);
}

#[test]
fn a_parameter_is_the_cause_of_what_reads_it() {
    let changes = compare(BEFORE, "2");
    assert_eq!(changes.len(), 1);
    assert_eq!(
        one(&changes, "A"),
        json!({
            "Action": "Modify", "LogicalResourceId": "A", "ResourceType": "T", "Replacement": "False", "Scope": ["Properties"],
            "Details": [{
                "Target": { "Attribute": "Properties", "RequiresRecreation": "Never", "Name": "Size" },
                "Evaluation": "Static", "ChangeSource": "ParameterReference", "CausingEntity": "Size",
            }],
            "PhysicalResourceId": "A-1",
        })
    );
}

#[test]
fn what_refers_to_a_replaced_resource_may_change_with_it() {
    let changes = compare(&BEFORE.replace("Name: a", "Name: b"), "1");
    let first = one(&changes, "A");
    assert_eq!((&first["Replacement"], &first["PolicyAction"]), (&json!("True"), &json!("ReplaceAndDelete")));
    let follower = one(&changes, "B");
    let causes: Vec<(&str, &str)> = follower["Details"]
        .as_array()
        .expect("details")
        .iter()
        .map(|detail| {
            (detail["ChangeSource"].as_str().expect("text"), detail["CausingEntity"].as_str().expect("text"))
        })
        .collect();
    assert_eq!(causes, [("ResourceAttribute", "A.Arn"), ("ResourceReference", "A")]);
    assert_eq!(follower["Replacement"], "False");
    assert_eq!(follower["Details"][0]["Evaluation"], "Dynamic");
}

#[test]
fn resources_come_and_go_and_keep_their_type() {
    let after = BEFORE
        .replace("  C: { Type: T, DeletionPolicy: Retain }", "  E: { Type: U }")
        .replace("Maybe: 1", "Maybe: 2");
    let changes = compare(&after, "1");
    assert_eq!(one(&changes, "C")["Action"], "Remove");
    assert_eq!(one(&changes, "C")["PolicyAction"], "Retain");
    assert_eq!(one(&changes, "E")["Action"], "Add");
    assert_eq!(one(&changes, "D")["Replacement"], "Conditional");
    let policy = compare(&BEFORE.replace("DeletionPolicy: Retain", "DeletionPolicy: Delete"), "1");
    assert_eq!(one(&policy, "C")["Scope"], json!(["DeletionPolicy"]));
    let templates =
        [BEFORE, "Resources: { A: { Type: U } }"].map(|text| Template::read(text).expect("a template"));
    let mut before = Context::new(&templates[0], &BTreeMap::new(), BTreeMap::new()).expect("a context");
    before.foresee = true;
    let mut after = Context::new(&templates[1], &BTreeMap::new(), BTreeMap::new()).expect("a context");
    let refused = changes_of(&before, &mut after).expect_err("is refused");
    assert!(refused.0.contains("modifies resource type of the following resources: [A]"), "{refused}");
}

fn changes_of(before: &Context<'_>, after: &mut Context<'_>) -> Result<Vec<Change>, TemplateError> {
    changes(Some(before), after, &recreation)
}
