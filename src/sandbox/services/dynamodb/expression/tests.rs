use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn placeholders() -> Placeholders {
    serde_json::from_value(json!({
        "ExpressionAttributeNames": { "#n": "name", "#o": "other" },
        "ExpressionAttributeValues": {
            ":a": { "S": "a" }, ":one": { "N": "1" }, ":list": { "L": [{ "S": "z" }] }, ":set": { "SS": ["p"] },
        },
    }))
    .expect("placeholders")
}

fn item(value: Value) -> Item {
    serde_json::from_value(value).expect("an item")
}

fn condition(text: &str) -> Result<Condition, String> {
    Condition::parse(text, &mut placeholders()).map_err(|error| error.to_string())
}

fn update(text: &str, old: Value) -> Result<Value, String> {
    let update = Update::parse(text, &mut placeholders()).map_err(|error| error.to_string())?;
    update.apply(&item(old)).map(super::super::value::shown).map_err(|error| error.to_string())
}

#[test]
fn conditions_hold_as_written() {
    let there = item(json!({ "pk": { "S": "a" }, "name": { "S": "a" }, "n": { "N": "1.0" } }));
    for (text, of_item, of_nothing) in [
        ("attribute_exists(pk)", true, false),
        ("attribute_not_exists(pk)", false, true),
        ("attribute_not_exists(absent)", true, true),
        ("pk = :a", true, false),
        (":a = pk", true, false),
        ("n = :one", true, false),
        ("n = :a", false, false),
        ("#n = pk", true, false),
        ("absent = absent", false, false),
        ("attribute_exists(pk) and #n = :a", true, false),
        ("(attribute_exists(pk)) AND (#n = :a AND n = :one)", true, false),
        ("attribute_exists(pk) AND attribute_exists(absent)", false, false),
    ] {
        let condition = condition(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(condition.holds(Some(&there)), of_item, "{text}");
        assert_eq!(condition.holds(None), of_nothing, "{text} of nothing");
    }
}

#[test]
fn what_is_not_understood_is_refused_and_named() {
    for (text, words) in [
        ("", "can not be empty"),
        ("   ", "can not be empty"),
        ("pk = ", "Syntax error; token: \"<EOF>\""),
        ("pk :a", "Syntax error; token: \":a\""),
        ("pk = :a pk", "Syntax error; token: \"pk\""),
        ("(pk = :a", "Syntax error"),
        ("pk = :a)", "Syntax error"),
        ("pk ~ :a", "Syntax error; token: \"~\""),
        ("name = :a", "reserved keyword: name"),
        ("pk = :b", "not defined; attribute value: :b"),
        ("#m = :a", "not defined; attribute name: #m"),
        ("exists(pk)", "Invalid function name; function: exists"),
        ("begins_with(pk, :a)", "begins_with is not in the sandbox"),
        ("size(pk) = :one", "size is not in the sandbox"),
        ("pk = :a OR pk = :a", "OR is not in the sandbox"),
        ("NOT pk = :a", "NOT is not in the sandbox"),
        ("pk <> :a", "<> is not in the sandbox"),
        ("pk >= :a", ">= is not in the sandbox"),
        ("pk IN (:a)", "several values is not in the sandbox"),
        ("pk BETWEEN :a AND :a", "several values is not in the sandbox"),
        ("a.b = :a", "a path into the attribute a is not in the sandbox"),
        ("a[0] = :a", "a path into the attribute a is not in the sandbox"),
    ] {
        let error = condition(text).expect_err(text);
        assert!(error.contains(words), "{text}: {error}");
    }
    let deep = format!("{}pk = :a{}", "(".repeat(1000), ")".repeat(1000));
    assert!(condition(&deep).expect_err("deep").contains("brackets"));
    assert!(condition(&"a".repeat(5000)).expect_err("long").contains("expression size: 5000"));
}

#[test]
fn updates_compute_from_the_item_as_it_was() {
    let old =
        json!({ "a": { "N": "1" }, "b": { "N": "5" }, "l": { "L": [{ "S": "x" }] }, "s": { "SS": ["q"] } });
    for (text, name, expected) in [
        ("SET c = :a", "c", json!({ "S": "a" })),
        ("SET a = b, b = a", "a", json!({ "N": "5" })),
        ("SET a = b, b = a", "b", json!({ "N": "1" })),
        ("SET a = a + :one", "a", json!({ "N": "2" })),
        ("set a = a - b", "a", json!({ "N": "-4" })),
        ("SET #n = if_not_exists(#n, :one)", "name", json!({ "N": "1" })),
        ("SET a = if_not_exists(b, :one) + :one", "a", json!({ "N": "6" })),
        ("SET l = list_append(l, :list)", "l", json!({ "L": [{ "S": "x" }, { "S": "z" }] })),
        (
            "SET m = list_append(if_not_exists(m, :list), l)",
            "m",
            json!({ "L": [{ "S": "z" }, { "S": "x" }] }),
        ),
        ("REMOVE a", "a", Value::Null),
        ("REMOVE a, absent SET c = a", "c", json!({ "N": "1" })),
        ("ADD a :one", "a", json!({ "N": "2" })),
        ("ADD fresh :one", "fresh", json!({ "N": "1" })),
        ("ADD s :set", "s", json!({ "SS": ["p", "q"] })),
    ] {
        let new = update(text, old.clone()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(new.get(name).cloned().unwrap_or_default(), expected, "{text}");
    }
}

#[test]
fn updates_that_cannot_be_made_are_refused() {
    for (text, words) in [
        ("SET a = absent", "does not exist in the item"),
        ("SET a = a + :a", "incorrect data type"),
        ("SET a = list_append(a, :list)", "incorrect data type"),
        ("ADD s :one", "incorrect data type"),
        ("ADD a :a", "Incorrect operand type"),
        ("SET a = :one, a = :a", "paths overlap"),
        ("SET a = :one REMOVE a", "paths overlap"),
        ("SET a = :one SET b = :one", "can only be used once"),
        ("DELETE s :set", "DELETE is not in the sandbox"),
        ("SET a.b = :one", "is not in the sandbox"),
        ("SET a = (a)", "in brackets is not in the sandbox"),
        ("SET a = size(b)", "Invalid function name"),
        ("PUT a :one", "Syntax error"),
        ("SET", "Syntax error"),
        ("SET a = :one,", "Syntax error"),
    ] {
        let error = update(text, json!({ "a": { "N": "1" }, "s": { "SS": ["q"] } })).expect_err(text);
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn key_conditions_name_what_is_asked_of_each_key() {
    let parse = |text: &str| {
        KeyCondition::parse(text, &mut placeholders()).map(|k| k.tests).map_err(|error| error.to_string())
    };
    let a = || Attribute::S("a".to_owned());
    assert_eq!(
        parse("pk = :a AND begins_with(sk, :a)"),
        Ok(vec![("pk".to_owned(), RangeTest::Equal(a())), ("sk".to_owned(), RangeTest::Begins(a()))])
    );
    assert_eq!(
        parse("(#n BETWEEN :a AND :a AND pk = :a)"),
        Ok(vec![("name".to_owned(), RangeTest::Between(a(), a())), ("pk".to_owned(), RangeTest::Equal(a()))])
    );
    for text in
        ["pk", "pk = :a OR sk = :a", "begins_with(pk, :one)", "contains(pk, :a)", ":a = pk", "pk <> :a"]
    {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn what_is_given_has_to_be_used() {
    let mut given = placeholders();
    Condition::parse("#n = :a", &mut given).expect("parses");
    assert_eq!(
        given.unused().as_deref(),
        Some("Value provided in ExpressionAttributeNames unused in expressions: keys: {#o}")
    );
    Projection::parse("#o, plain", &mut given).expect("parses");
    assert!(
        given
            .unused()
            .is_some_and(|words| words.contains("ExpressionAttributeValues") && words.contains(":one"))
    );
}

/// Texts made of the words of the language, so that the reader gets beyond the first of them.
fn plausible() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "SET",
        "ADD",
        "REMOVE",
        "DELETE",
        "AND",
        "OR",
        "NOT",
        "BETWEEN",
        "IN",
        "pk",
        "name",
        "#n",
        "#x",
        ":a",
        ":one",
        ":list",
        ":x",
        "=",
        "<>",
        "<=",
        "<",
        ">",
        "(",
        ")",
        ",",
        "+",
        "-",
        ".",
        "[",
        "]",
        "0",
        "9x",
        "if_not_exists(",
        "list_append(",
        "attribute_exists(",
        "attribute_not_exists(",
        "begins_with(",
        "size(",
        "#",
        ":",
        "é",
        "\u{0}",
    ]);
    prop::collection::vec(word, 0..24).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in prop_oneof![plausible(), "\\PC{0,80}"]) {
        let old = item(json!({ "pk": { "S": "a" }, "name": { "N": "1" } }));
        if let Ok(condition) = Condition::parse(&text, &mut placeholders()) {
            let _ = condition.holds(Some(&old));
        }
        if let Ok(update) = Update::parse(&text, &mut placeholders()) {
            let _ = update.apply(&old);
        }
        let _ = KeyCondition::parse(&text, &mut placeholders());
        let _ = Projection::parse(&text, &mut placeholders());
    }

    #[test]
    fn conjunctions_hold_when_all_their_terms_do(terms in prop::collection::vec((any::<bool>(), any::<bool>()), 1..12)) {
        let old = item(json!({ "there": { "S": "a" } }));
        let written: Vec<String> = terms
            .iter()
            .map(|(exists, of_it)| {
                let function = if *exists { "attribute_exists" } else { "attribute_not_exists" };
                format!("({function}({}))", if *of_it { "there" } else { "gone" })
            })
            .collect();
        let condition = condition(&written.join(" AND ")).expect("parses");
        prop_assert_eq!(condition.holds(Some(&old)), terms.iter().all(|(exists, of_it)| exists == of_it));
    }
}
