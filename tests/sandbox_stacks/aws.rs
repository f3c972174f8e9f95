//! What the tests ask of stacks.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::aws::Aws;

/// What the tests do with stacks.
pub trait Stacks {
    fn cloudformation(&self, arguments: &[&str]) -> Value;
    fn make(&self, name: &str, template: &str, more: &[&str]) -> Value;
    fn update(&self, name: &str, template: &str, more: &[&str]);
    fn settled(&self, name: &str, status: &str) -> Value;
    fn remove(&self, name: &str);
    fn reasons(&self, name: &str, status: &str) -> Vec<String>;
}

impl Stacks for Aws {
    #[track_caller]
    fn cloudformation(&self, arguments: &[&str]) -> Value {
        self.ok(&[&["cloudformation"], arguments].concat())
    }

    #[track_caller]
    fn make(&self, name: &str, template: &str, more: &[&str]) -> Value {
        let fixed = ["create-stack", "--stack-name", name, "--template-body", template];
        self.cloudformation(&[&fixed[..], more].concat())
    }

    #[track_caller]
    fn update(&self, name: &str, template: &str, more: &[&str]) {
        let fixed = ["update-stack", "--stack-name", name, "--template-body", template];
        self.cloudformation(&[&fixed[..], more].concat());
    }

    /// Waits until nothing is under way, which must leave the stack in this status.
    #[track_caller]
    fn settled(&self, name: &str, status: &str) -> Value {
        let started = Instant::now();
        loop {
            let stack = self.cloudformation(&["describe-stacks", "--stack-name", name])["Stacks"][0].clone();
            let now = stack["StackStatus"].as_str().expect("a status").to_owned();
            if !now.ends_with("_IN_PROGRESS") {
                assert_eq!(now, status, "{stack:#}\n{:#?}", self.reasons(name, "FAILED"));
                return stack;
            }
            assert!(started.elapsed() < Duration::from_secs(120), "{stack:#}");
        }
    }

    /// Removes a stack, and waits until it is gone; the waiters of the CLI look twice a minute.
    #[track_caller]
    fn remove(&self, name: &str) {
        let stack = self.cloudformation(&["describe-stacks", "--stack-name", name]);
        self.cloudformation(&["delete-stack", "--stack-name", name]);
        self.settled(stack["Stacks"][0]["StackId"].as_str().expect("an ARN"), "DELETE_COMPLETE");
    }

    /// Why things of a stack came to a status that ends so.
    fn reasons(&self, name: &str, status: &str) -> Vec<String> {
        let events = self.cloudformation(&["describe-stack-events", "--stack-name", name]);
        let events = events["StackEvents"].as_array().expect("events").clone();
        let ends = |event: &&Value| event["ResourceStatus"].as_str().is_some_and(|is| is.ends_with(status));
        let told =
            |event: &Value| format!("{}: {}", event["LogicalResourceId"], event["ResourceStatusReason"]);
        events.iter().filter(ends).map(told).collect()
    }
}

pub fn output<'a>(stack: &'a Value, key: &str) -> &'a str {
    let outputs = stack["Outputs"].as_array().expect("outputs");
    let found = outputs.iter().find(|output| output["OutputKey"] == key).expect("the output");
    found["OutputValue"].as_str().expect("text")
}

/// Queues, two of which are named by a parameter.
pub const QUEUES: &str = "
Parameters: { Name: { Type: String, Default: one }, Visible: { Type: String, Default: '30' } }
Resources:
  A: { Type: AWS::SQS::Queue, Properties: { QueueName: !Ref Name, VisibilityTimeout: !Ref Visible } }
  B: { Type: AWS::SQS::Queue, Properties: { QueueName: !Sub '${A.QueueName}-b' } }
  C: { Type: AWS::SQS::Queue, Properties: { QueueName: kept } }
";

pub fn queues(aws: &Aws) -> Vec<String> {
    let list = aws.ok(&["sqs", "list-queues"]);
    let urls = list["QueueUrls"].as_array().cloned().unwrap_or_default();
    urls.iter()
        .map(|url| url.as_str().and_then(|url| url.rsplit('/').next()).expect("a URL").to_owned())
        .collect()
}
