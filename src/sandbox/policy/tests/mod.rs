//! The language by its documentation: examples, and tables of operators.

mod grammar;

use serde_json::{Value, json};

use super::*;

fn policy(statements: Value) -> Policy {
    let text = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    Policy::read(&text, Kind::Identity).expect("a policy")
}

fn allows(all: &[Policy], action: &str, resource: &str, context: &Context) -> Decision {
    decide(Policies { identity: all, ..Policies::default() }, &Request { action, resource, context })
}

#[test]
fn explicit_denies_win_and_what_nothing_allows_is_denied() {
    // The example of "Policy evaluation logic": Carlos and his bucket.
    let all = [policy(json!([
        { "Sid": "AllowS3ListRead", "Effect": "Allow",
          "Action": ["s3:GetBucketLocation", "s3:ListAllMyBuckets"], "Resource": "*" },
        { "Sid": "AllowS3Self", "Effect": "Allow", "Action": "s3:*",
          "Resource": ["arn:aws:s3:::${aws:username}", "arn:aws:s3:::${aws:username}/*"] },
        { "Sid": "DenyS3Logs", "Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::*log*" },
    ]))];
    let carlos = Context::default().with("aws:username", "carlossalazar");
    let of = |action: &str, resource: &str| allows(&all, action, resource, &carlos);
    assert_eq!(of("s3:PutObject", "arn:aws:s3:::carlossalazar/a"), Ok(()));
    assert_eq!(of("S3:putobject", "arn:aws:s3:::carlossalazar/a"), Ok(()));
    assert_eq!(of("s3:ListAllMyBuckets", "*"), Ok(()));
    assert_eq!(of("s3:PutObject", "arn:aws:s3:::other/a"), Err(Reason::Implicit(Layer::Identity)));
    let logs = of("s3:PutObject", "arn:aws:s3:::carlossalazar-logs/a");
    assert_eq!(logs, Err(Reason::Explicit(Layer::Identity)));
    let nobody = Context::default();
    assert!(allows(&all, "s3:PutObject", "arn:aws:s3:::carlossalazar/a", &nobody).is_err());
}

#[test]
fn boundaries_and_sessions_only_take_away() {
    let all = policy(json!({ "Effect": "Allow", "Action": "*", "Resource": "*" }));
    let s3 = policy(json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "*" }));
    let sqs = policy(json!({ "Effect": "Allow", "Action": "sqs:*", "Resource": "*" }));
    let no_s3 = policy(json!({ "Effect": "Deny", "Action": "s3:*", "Resource": "*" }));
    let context = Context::default();
    let request = Request { action: "s3:GetObject", resource: "arn:aws:s3:::a/b", context: &context };
    let of = |identity: &Policy, boundary: Option<&Policy>, session: Option<&Policy>| {
        let one = |policy: Option<&Policy>| policy.map(|policy| vec![policy.clone()]);
        let (identity, boundary, session) = (vec![identity.clone()], one(boundary), one(session));
        let (boundary, session) = (boundary.as_deref(), session.as_deref());
        decide(Policies { identity: &identity, boundary, session, resource: None }, &request)
    };
    assert_eq!(of(&all, Some(&s3), Some(&s3)), Ok(()));
    assert_eq!(of(&sqs, Some(&s3), None), Err(Reason::Implicit(Layer::Identity)));
    assert_eq!(of(&all, Some(&sqs), None), Err(Reason::Implicit(Layer::Boundary)));
    assert_eq!(of(&all, None, Some(&sqs)), Err(Reason::Implicit(Layer::Session)));
    assert_eq!(of(&all, Some(&no_s3), None), Err(Reason::Explicit(Layer::Boundary)));
    assert_eq!(of(&all, None, Some(&no_s3)), Err(Reason::Explicit(Layer::Session)));
    assert_eq!(of(&no_s3, Some(&sqs), None), Err(Reason::Explicit(Layer::Identity)));
    let nothing =
        Policies { identity: std::slice::from_ref(&all), session: Some(&[]), ..Policies::default() };
    assert_eq!(decide(nothing, &request), Err(Reason::Implicit(Layer::Session)));
}

#[test]
fn a_resource_lets_in_whom_it_names_and_keeps_out_everybody_whom_it_denies() {
    let all = policy(json!({ "Effect": "Allow", "Action": "*", "Resource": "*" }));
    let sqs = policy(json!({ "Effect": "Allow", "Action": "sqs:*", "Resource": "*" }));
    let role = "arn:aws:iam::123456789012:role/reader".to_owned();
    let who = Identity::Aws {
        account: "123456789012".to_owned(),
        arn: "arn:aws:sts::123456789012:assumed-role/reader/ci".to_owned(),
        role: Some(role.clone()),
    };
    let context = Context::default().with("aws:SecureTransport", "true").with("aws:PrincipalArn", &role);
    let request = Request { action: "s3:GetObject", resource: "arn:aws:s3:::a/b", context: &context };
    let of = |identity: &Policy,
              boundary: Option<&Policy>,
              effect: &str,
              principal: Value,
              condition: Value| {
        let statement = json!({ "Sid": "a new statement", "Effect": effect, "Principal": principal, "Action": "s3:*",
            "Resource": "arn:aws:s3:::a/*", "Condition": condition });
        let text = json!({ "Statement": statement }).to_string();
        let own = Policy::read(&text, Kind::Resource).expect("a policy");
        let boundary = boundary.map(std::slice::from_ref);
        let resource = own.stance(&request, Some(&who));
        decide(
            Policies { identity: std::slice::from_ref(identity), boundary, session: None, resource },
            &request,
        )
    };
    let (itself, account, anybody) = (json!({ "AWS": role }), json!({ "AWS": "123456789012" }), json!("*"));
    let always = || json!({});
    assert_eq!(of(&sqs, None, "Allow", itself.clone(), always()), Ok(()));
    assert_eq!(of(&sqs, None, "Allow", anybody.clone(), always()), Ok(()));
    assert_eq!(of(&sqs, None, "Allow", account.clone(), always()), Err(Reason::Implicit(Layer::Identity)));
    assert_eq!(of(&sqs, Some(&sqs), "Allow", itself, always()), Err(Reason::Implicit(Layer::Boundary)));
    assert_eq!(of(&all, None, "Deny", account, always()), Err(Reason::Explicit(Layer::Resource)));
    let insecure = json!({ "Bool": { "aws:SecureTransport": "false" } });
    assert_eq!(of(&all, None, "Deny", anybody.clone(), insecure), Ok(()));
    let others = json!({ "ArnNotEquals": { "aws:PrincipalArn": "arn:aws:iam::123456789012:role/reader" } });
    assert_eq!(of(&all, None, "Deny", anybody, others), Ok(()));
}

#[test]
fn what_is_excepted_is_not_allowed_by_that() {
    let all = [policy(
        json!({ "Effect": "Allow", "NotAction": ["iam:*", "sts:*"], "NotResource": "arn:aws:s3:::a/*" }),
    )];
    let context = Context::default();
    assert!(allows(&all, "s3:GetObject", "arn:aws:s3:::b/c", &context).is_ok());
    assert!(allows(&all, "s3:GetObject", "arn:aws:s3:::a/c", &context).is_err());
    assert!(allows(&all, "iam:GetRole", "*", &context).is_err());
}

/// Whether a block of one condition is met, by a statement that has it.
fn met(operator: &str, key: &str, values: Value, context: &Context) -> bool {
    let condition = json!({ operator: { key: values } });
    let all = [policy(json!({ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition }))];
    allows(&all, "s3:GetObject", "*", context).is_ok()
}

#[test]
fn conditions_are_met_as_the_table_of_operators_says() {
    let context = Context::default()
        .with("a:Text", "Value")
        .with("a:Star", "*")
        .with("a:Number", "10")
        .with("a:Date", "2020-04-01T00:00:00Z")
        .with("a:Flag", "true")
        .with("aws:SourceIp", "203.0.113.7")
        .with("a:Arn", "arn:aws:sns:eu-west-1:123456789012:topic:one")
        .with("aws:username", "Value");
    for (operator, key, value, expected) in [
        ("StringEquals", "a:text", json!("Value"), true),
        ("StringEquals", "a:Text", json!("value"), false),
        ("StringEquals", "a:Text", json!(["no", "Value"]), true),
        ("StringEquals", "a:Text", json!("V*"), false),
        ("StringEquals", "a:Text", json!("${aws:username}"), true),
        ("StringEquals", "a:Star", json!("${*}"), true),
        ("StringEquals", "a:Star", json!("*"), true),
        ("StringNotEquals", "a:Text", json!(["no", "Value"]), false),
        ("StringNotEquals", "a:Text", json!(["no", "other"]), true),
        ("StringNotEquals", "a:none", json!("x"), true),
        ("StringEqualsIgnoreCase", "a:Text", json!("vALUE"), true),
        ("StringNotEqualsIgnoreCase", "a:Text", json!("vALUE"), false),
        ("StringLike", "a:Text", json!("V?l*"), true),
        ("StringLike", "a:Text", json!("v*"), false),
        ("StringLike", "a:Text", json!("${*}"), false),
        ("StringNotLike", "a:Text", json!("V*"), false),
        ("NumericEquals", "a:Number", json!("10.0"), true),
        ("NumericNotEquals", "a:Number", json!(10), false),
        ("NumericLessThan", "a:Number", json!(10), false),
        ("NumericLessThanEquals", "a:Number", json!(10), true),
        ("NumericGreaterThan", "a:Number", json!(9), true),
        ("NumericGreaterThanEquals", "a:Number", json!("11"), false),
        ("NumericEquals", "a:Text", json!(1), false),
        ("DateGreaterThan", "a:Date", json!("2020-03-31T23:59:59Z"), true),
        ("DateLessThan", "a:Date", json!("2020-04-01"), false),
        ("DateLessThanEquals", "a:Date", json!("1585699200"), true),
        ("DateEquals", "a:Date", json!("2020-04-01T02:00:00+02:00"), true),
        ("Bool", "a:Flag", json!(true), true),
        ("Bool", "a:Flag", json!("FALSE"), false),
        ("Bool", "a:none", json!("false"), false),
        ("BoolIfExists", "a:none", json!("false"), true),
        ("IpAddress", "aws:SourceIp", json!("203.0.113.0/24"), true),
        ("NotIpAddress", "aws:SourceIp", json!(["203.0.113.0/24", "10.0.0.0/8"]), false),
        ("ArnLike", "a:Arn", json!("arn:aws:sns:*:*:topic:*"), true),
        ("ArnEquals", "a:Arn", json!("arn:aws:sns:*:topic:one"), false),
        ("ArnNotLike", "a:Arn", json!("arn:aws:sqs:*:*:*"), true),
        ("Null", "a:none", json!("true"), true),
        ("Null", "a:Text", json!("true"), false),
        ("Null", "a:Text", json!(false), true),
        ("StringEqualsIfExists", "a:none", json!("x"), true),
        ("StringEqualsIfExists", "a:Text", json!("x"), false),
        ("StringEquals", "a:none", json!("x"), false),
    ] {
        assert_eq!(met(operator, key, value.clone(), &context), expected, "{operator} {key} {value}");
    }
}

#[test]
fn sets_of_values_are_held_against_sets() {
    let mut context = Context::default();
    context.set("aws:TagKeys", vec!["team".to_owned(), "cost".to_owned()]);
    for (operator, values, expected) in [
        ("ForAllValues:StringEquals", json!(["team", "cost", "env"]), true),
        ("ForAllValues:StringEquals", json!(["team"]), false),
        ("ForAnyValue:StringEquals", json!(["team"]), true),
        ("ForAnyValue:StringEquals", json!(["env"]), false),
        ("ForAllValues:StringNotEquals", json!(["env"]), true),
        ("ForAllValues:StringNotEquals", json!(["team"]), false),
        ("ForAnyValue:StringNotLike", json!(["t*"]), true),
    ] {
        assert_eq!(met(operator, "aws:TagKeys", values.clone(), &context), expected, "{operator} {values}");
    }
    let none = Context::default();
    assert!(met("ForAllValues:StringEquals", "aws:TagKeys", json!("a"), &none));
    assert!(!met("ForAnyValue:StringEquals", "aws:TagKeys", json!("a"), &none));
}

#[test]
fn versions_before_2012_have_no_variables() {
    let statement = json!({ "Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::${aws:username}" });
    let text = json!({ "Version": "2008-10-17", "Statement": statement }).to_string();
    let old = [Policy::read(&text, Kind::Identity).expect("a policy")];
    let context = Context::default().with("aws:username", "a");
    assert!(allows(&old, "s3:ListBucket", "arn:aws:s3:::a", &context).is_err());
    assert!(allows(&old, "s3:ListBucket", "arn:aws:s3:::${aws:username}", &context).is_ok());
}
