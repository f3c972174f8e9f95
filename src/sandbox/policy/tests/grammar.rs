//! What is a policy and what is not, whom it trusts, and what no text may do.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::*;

#[test]
fn a_policy_that_breaks_the_grammar_is_told_how() {
    let base = json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "*" });
    let with = |name: &str, value: Value| {
        let mut statement = base.clone();
        statement[name] = value;
        json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
    };
    let without = |name: &str| {
        let mut statement = base.as_object().cloned().expect("a map");
        statement.remove(name);
        json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
    };
    let twice = json!({ "Sid": "a", "Effect": "Allow", "Action": "a:b", "Resource": "*" });
    for (text, expected) in [
        ("words".to_owned(), PolicyError::Json),
        ("[]".to_owned(), PolicyError::Json),
        ("{}".to_owned(), PolicyError::Missing("Statement")),
        (json!({ "Version": "2012-10-18", "Statement": base }).to_string(), PolicyError::Version),
        (json!({ "Statement": [] }).to_string(), PolicyError::Syntax),
        (json!({ "Statement": base, "Other": 1 }).to_string(), PolicyError::Syntax),
        (json!({ "Statement": [twice, twice] }).to_string(), PolicyError::SameSid),
        (without("Effect"), PolicyError::Missing("Effect")),
        (without("Action"), PolicyError::NoActions),
        (without("Resource"), PolicyError::NoResources),
        (with("Effect", json!("allow")), PolicyError::Syntax),
        (with("NotAction", json!("a:b")), PolicyError::Syntax),
        (with("Action", json!("GetObject")), PolicyError::Vendor),
        (with("Action", json!("s 3:Get")), PolicyError::BadVendor("s 3".to_owned())),
        (with("Action", json!([])), PolicyError::NoActions),
        (with("Resource", json!("bucket")), PolicyError::Resource("bucket".to_owned())),
        (with("Principal", json!("*")), PolicyError::NoPrincipal),
        (with("Sid", json!("a b")), PolicyError::Sid),
        (with("Colour", json!("red")), PolicyError::Syntax),
        (with("Condition", json!({ "Equals": { "a:b": "c" } })), PolicyError::Operator("Equals".to_owned())),
        (with("Condition", json!({ "StringEquals": { "b": "c" } })), PolicyError::Vendor),
        (with("Condition", json!({ "StringEquals": "c" })), PolicyError::Syntax),
    ] {
        assert_eq!(Policy::read(&text, Kind::Identity).err(), Some(expected), "{text}");
    }
}

#[test]
fn trust_is_in_principals() {
    let read = |statement: Value| {
        let text = json!({ "Version": "2012-10-17", "Statement": statement }).to_string();
        Policy::read(&text, Kind::Trust)
    };
    let trust = |principal: Value| {
        read(json!({ "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" }))
    };
    let account = "123456789012".to_owned();
    let (arn, role) = ("arn:aws:sts::123456789012:assumed-role/a/s", "arn:aws:iam::123456789012:role/a");
    let session = Identity::Aws { account, arn: arn.to_owned(), role: Some(role.to_owned()) };
    let service = Identity::Service("tasks.apprunner.amazonaws.com".to_owned());
    let context = Context::default();
    let request = Request { action: "sts:AssumeRole", resource: "*", context: &context };
    for (principal, who, expected) in [
        (json!({ "AWS": "123456789012" }), &session, Some(Match::Account)),
        (json!({ "AWS": ["arn:aws:iam::123456789012:root", arn] }), &session, Some(Match::Itself)),
        (json!({ "AWS": role }), &session, Some(Match::Itself)),
        (json!("*"), &session, Some(Match::Itself)),
        (json!({ "AWS": "999999999999" }), &session, None),
        (json!({ "Service": "tasks.apprunner.amazonaws.com" }), &service, Some(Match::Itself)),
        (json!({ "Service": "build.apprunner.amazonaws.com" }), &service, None),
        (json!({ "Service": "tasks.apprunner.amazonaws.com" }), &session, None),
    ] {
        let stance = trust(principal.clone()).expect("a policy").stance(&request, Some(who));
        assert_eq!(stance.map(|stance| stance.named), expected, "{principal}");
    }
    let refused = |statement: Value| read(statement).err();
    assert_eq!(
        refused(json!({ "Effect": "Allow", "Principal": { "AWS": "nobody" }, "Action": "sts:AssumeRole" })),
        Some(PolicyError::Principal("\"AWS\":\"nobody\"".to_owned()))
    );
    assert_eq!(
        refused(json!({ "Effect": "Allow", "Principal": "*", "Action": "s3:Get*" })),
        Some(PolicyError::NotAssumeRole)
    );
    assert_eq!(
        refused(json!({ "Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*" })),
        Some(PolicyError::Prohibited("Resource"))
    );
    let nobody = json!({ "Effect": "Allow", "Action": "sts:AssumeRole" });
    assert_eq!(refused(nobody), Some(PolicyError::Missing("Principal")));
}

/// JSON of any shape with words of the language in it.
fn documents() -> impl Strategy<Value = Value> {
    let words = prop_oneof![
        Just("Allow"),
        Just("*"),
        Just("s3:*"),
        Just("arn:aws:s3:::${a:b"),
        Just("${a:b}"),
        Just("2012-10-17"),
        Just("Statement"),
        Just("Action"),
        Just("Resource"),
        Just("Effect"),
        Just("Condition"),
        Just("Principal"),
        Just("StringLike"),
        Just("ForAnyValue:ArnLike"),
        Just("AWS"),
        Just("aws:SourceIp"),
        Just("Sid"),
    ];
    let word = prop_oneof![words.prop_map(str::to_owned), "\\PC{0,6}"];
    let leaf = prop_oneof![
        word.clone().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        Just(Value::Null)
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..5)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

#[test]
fn no_pattern_runs_long() {
    let stars = "*a".repeat(500) + "b";
    assert!(!like(&stars, &"a".repeat(2000)));
}

proptest! {
    #[test]
    fn no_text_makes_reading_panic(document in documents(), text in "\\PC{0,80}") {
        let context = Context::default().with("a:b", text.clone());
        let request = Request { action: &text, resource: &text, context: &context };
        for text in [document.to_string(), json!({ "Statement": document }).to_string(), text.clone()] {
            for kind in [Kind::Identity, Kind::Trust] {
                if let Ok(policy) = Policy::read(&text, kind) {
                    let _ = policy.stance(&request, None);
                }
            }
        }
    }

    #[test]
    fn no_pattern_makes_matching_panic(pattern in "[a*?:${},' ]{0,60}", text in "[a:]{0,60}") {
        let context = Context::default().with("a:a", text.clone());
        let tokens = pattern::compile(&pattern, Some(&context));
        if let Some(tokens) = tokens {
            let _ = pattern::matches(&pattern::in_segments(tokens), &text, true);
        }
    }
}
