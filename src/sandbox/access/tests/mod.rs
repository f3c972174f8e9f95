//! What calls need, and what sessions of roles may do, in a world of its own.

mod needs;

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::sandbox::{
    server,
    testing::{self, ACCOUNT},
    world::World,
};

struct Place {
    world: Arc<World>,
    own: Caller,
    _dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("dir");
        let world = testing::world(dir.path());
        Self { own: world.own_caller(), world, _dir: dir }
    }

    async fn call(&self, service: &str, operation: &str, input: Value) -> Value {
        let answer = server::call(&self.world, service, operation, input, &self.own).await;
        answer.unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    /// A role with one inline policy.
    async fn role(&self, name: &str, trusted: Value, statement: Value) {
        let trust =
            json!({ "Statement": { "Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole" } });
        let input = json!({ "RoleName": name, "AssumeRolePolicyDocument": trust.to_string() });
        self.call("iam", "CreateRole", input).await;
        let document = json!({ "Version": "2012-10-17", "Statement": statement }).to_string();
        let input = json!({ "RoleName": name, "PolicyName": "own", "PolicyDocument": document });
        self.call("iam", "PutRolePolicy", input).await;
    }

    async fn assume(&self, by: &Caller, role: &str, more: Value) -> Result<Caller, ServiceError> {
        let mut input = json!({ "RoleArn": arn(role), "RoleSessionName": "ci" });
        input.as_object_mut().expect("a map").extend(more.as_object().cloned().unwrap_or_default());
        let made = server::call(&self.world, "sts", "AssumeRole", input, by).await?;
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        Ok(Caller {
            access_key_id: text(&made["Credentials"]["AccessKeyId"]),
            arn: text(&made["AssumedRoleUser"]["Arn"]),
            user_id: text(&made["AssumedRoleUser"]["AssumedRoleId"]),
            ..by.clone()
        })
    }

    fn may(&self, caller: &Caller, service: &str, operation: &str, input: Value) -> Result<(), String> {
        permit(&self.world, caller, service, operation, &input).map_err(|error| error.message)
    }
}

fn arn(role: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{role}")
}

fn root() -> Value {
    json!({ "AWS": format!("arn:aws:iam::{ACCOUNT}:root") })
}

#[tokio::test]
async fn a_session_may_do_what_its_role_allows_and_nothing_else() {
    let place = Place::new();
    let jobs = json!({ "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:*:*:jobs" });
    place.role("sender", root(), json!([jobs])).await;
    let session = place.assume(&place.own, "sender", json!({})).await.expect("is trusted");
    let to = |queue: &str| json!({ "QueueUrl": format!("http://x/{ACCOUNT}/{queue}") });
    assert_eq!(place.may(&session, "sqs", "SendMessage", to("jobs")), Ok(()));
    assert_eq!(place.may(&place.own, "sqs", "SendMessage", to("other")), Ok(()));
    let refused = place.may(&session, "sqs", "SendMessage", to("other"));
    assert_eq!(
        refused.err().as_deref(),
        Some(
            "User: arn:aws:sts::123456789012:assumed-role/sender/ci is not authorized to perform: sqs:sendmessage on resource: arn:aws:sqs:eu-west-1:123456789012:other because no identity-based policy allows the sqs:sendmessage action"
        )
    );
    // A policy of the session only takes away, a boundary too; who is gone may nothing.
    let nothing = json!({ "Statement": { "Effect": "Deny", "Action": "*", "Resource": "*" } }).to_string();
    let less = place.assume(&place.own, "sender", json!({ "Policy": nothing })).await.expect("is trusted");
    let refused = place.may(&less, "sqs", "SendMessage", to("jobs")).expect_err("is refused");
    assert!(refused.ends_with("with an explicit deny in a session policy"), "{refused}");
    let boundary = "arn:aws:iam::aws:policy/AmazonS3FullAccess";
    let input = json!({ "RoleName": "sender", "PermissionsBoundary": boundary });
    place.call("iam", "PutRolePermissionsBoundary", input).await;
    let refused = place.may(&session, "sqs", "SendMessage", to("jobs")).expect_err("is refused");
    assert!(refused.contains("because no permissions boundary allows"), "{refused}");
    place.call("iam", "DeleteRolePermissionsBoundary", json!({ "RoleName": "sender" })).await;
    assert_eq!(place.may(&session, "sqs", "SendMessage", to("jobs")), Ok(()));
    place.call("iam", "DeleteRolePolicy", json!({ "RoleName": "sender", "PolicyName": "own" })).await;
    place.call("iam", "DeleteRole", json!({ "RoleName": "sender" })).await;
    place.role("sender", root(), json!([jobs])).await;
    assert!(place.may(&session, "sqs", "SendMessage", to("jobs")).is_err(), "another role of its name");
}

#[tokio::test]
async fn what_a_secret_says_itself_holds_for_everybody() {
    let place = Place::new();
    let nothing = json!([{ "Effect": "Deny", "Action": "s3:*", "Resource": "*" }]);
    place.role("reader", root(), nothing).await;
    let reader = place.assume(&place.own, "reader", json!({})).await.expect("is trusted");
    let token = "0123456789abcdef0123456789abcdef";
    let secret = json!({ "Name": "s", "SecretString": "x", "ClientRequestToken": token });
    place.call("secretsmanager", "CreateSecret", secret).await;
    let may =
        |caller: &Caller| place.may(caller, "secretsmanager", "GetSecretValue", json!({ "SecretId": "s" }));
    assert!(may(&place.own).is_ok() && may(&reader).is_err());
    for (effect, named, expected) in [
        ("Allow", json!({ "AWS": arn("reader") }), (true, true)),
        ("Allow", root(), (true, false)),
        ("Deny", root(), (false, false)),
    ] {
        let statement =
            json!({ "Effect": effect, "Principal": named, "Action": "secretsmanager:*", "Resource": "*" });
        let policy = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
        let input = json!({ "SecretId": "s", "ResourcePolicy": policy });
        place.call("secretsmanager", "PutResourcePolicy", input).await;
        assert_eq!((may(&place.own).is_ok(), may(&reader).is_ok()), expected, "{policy}");
    }
    let refused = may(&place.own).expect_err("is denied");
    assert!(refused.ends_with("with an explicit deny in a resource-based policy"), "{refused}");
}

#[tokio::test]
async fn a_role_is_taken_by_whom_it_trusts() {
    let place = Place::new();
    let may_take = json!([{ "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn("account") }]);
    place.role("first", root(), may_take).await;
    let nothing = json!([{ "Effect": "Deny", "Action": "s3:*", "Resource": "*" }]);
    place.role("account", root(), nothing.clone()).await;
    place.role("other", root(), nothing.clone()).await;
    place.role("named", json!({ "AWS": arn("first") }), nothing.clone()).await;
    place.role("service", json!({ "Service": "tasks.apprunner.amazonaws.com" }), nothing).await;
    let first = place.assume(&place.own, "first", json!({})).await.expect("is trusted");
    place.assume(&first, "account", json!({})).await.expect("its policy allows it");
    place.assume(&first, "named", json!({})).await.expect("is named itself");
    let code = |result: Result<Caller, ServiceError>| result.map(|_| ()).map_err(|error| error.code);
    assert_eq!(code(place.assume(&first, "other", json!({})).await), Err("AccessDenied"));
    assert_eq!(code(place.assume(&place.own, "named", json!({})).await), Err("AccessDenied"));
    assert_eq!(code(place.assume(&place.own, "service", json!({})).await), Err("AccessDenied"));
    assert_eq!(code(place.assume(&place.own, "unknown", json!({})).await), Err("AccessDenied"));
    assert_eq!(code(place.assume(&first, "unknown", json!({})).await), Err("AccessDenied"));
    let long = json!({ "DurationSeconds": "7200" });
    assert_eq!(code(place.assume(&place.own, "first", long).await), Err("ValidationError"));
    let build = |role: &str| {
        let input = json!({ "serviceRole": arn(role) });
        usable(&place.world, "codebuild", "CreateProject", &input).map_err(|error| error.code)
    };
    assert_eq!((build("service"), build("unknown")), (Err("InvalidInputException"), Ok(())));
    let keys = |role: &str| of_instance(&place.world, &arn(role), "shop");
    let one = keys("service").expect("is trusted").expect("is there");
    let again = keys("service").expect("is trusted").expect("is there");
    assert_eq!(one.access_key_id, again.access_key_id);
    assert!(place.world.sts.role_session(&one.access_key_id).is_some());
    assert!(keys("account").is_err());
    assert!(keys("unknown").is_ok_and(|keys| keys.is_none()));
}
