//! Queues and messages.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::aws::Aws;

#[test]
fn a_message_is_given_once_until_it_is_visible_again_and_goes_when_deleted() {
    let Some(aws) = Aws::start() else { return };
    let made =
        aws.ok(&["sqs", "create-queue", "--queue-name", "work", "--attributes", "VisibilityTimeout=60"]);
    let url = made["QueueUrl"].as_str().expect("a URL").to_owned();
    let endpoint = &aws.env["AWS_ENDPOINT_URL"];
    assert!(url.starts_with(endpoint.as_str()) && url.ends_with("/work"), "{url}");
    assert_eq!(aws.ok(&["sqs", "get-queue-url", "--queue-name", "work"])["QueueUrl"], url);
    assert_eq!(aws.ok(&["sqs", "list-queues", "--queue-name-prefix", "wo"])["QueueUrls"], json!([url]));

    let attributes = r#"{"kind":{"DataType":"String","StringValue":"note"},"n":{"DataType":"Number","StringValue":"7"},"raw":{"DataType":"Binary","BinaryValue":"raw"}}"#;
    let send = ["sqs", "send-message", "--queue-url", &url, "--message-body", "grüße"];
    let sent = aws.ok(&[&send[..], &["--message-attributes", attributes]].concat());
    // Computed apart from this project, from the rules of the developer guide.
    assert_eq!(sent["MD5OfMessageBody"], "fee40dc24d0ad6a90c608052aa4e9e66");
    assert_eq!(sent["MD5OfMessageAttributes"], "65473a660e4db453cc00f7c853f24fbe");
    aws.restart();

    let receive = |more: &[&str]| {
        let fixed = ["sqs", "receive-message", "--queue-url", &url];
        aws.ok(&[&fixed[..], more].concat())
    };
    let first = receive(&["--message-attribute-names", "All", "--message-system-attribute-names", "All"]);
    let message = &first["Messages"][0];
    assert_eq!(message["Body"], "grüße");
    assert_eq!(message["MessageId"], sent["MessageId"]);
    assert_eq!(message["MD5OfBody"], sent["MD5OfMessageBody"]);
    assert_eq!(message["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"]);
    assert_eq!(message["MessageAttributes"]["raw"]["BinaryValue"], "cmF3");
    assert_eq!(message["Attributes"]["ApproximateReceiveCount"], "1");
    assert_eq!(receive(&[]), Value::Null);
    let counts = aws.ok(&["sqs", "get-queue-attributes", "--queue-url", &url, "--attribute-names", "All"]);
    assert_eq!(counts["Attributes"]["ApproximateNumberOfMessagesNotVisible"], "1");
    assert_eq!(counts["Attributes"]["ApproximateNumberOfMessages"], "0");
    assert_eq!(counts["Attributes"]["VisibilityTimeout"], "60");

    let handle = message["ReceiptHandle"].as_str().expect("a handle");
    let visible = ["sqs", "change-message-visibility", "--queue-url", &url, "--receipt-handle", handle];
    aws.ok(&[&visible[..], &["--visibility-timeout", "0"]].concat());
    aws.refused(&[&visible[..], &["--visibility-timeout", "0"]].concat(), &["MessageNotInflight"]);
    let again = receive(&["--message-system-attribute-names", "ApproximateReceiveCount"]);
    assert_eq!(again["Messages"][0]["Attributes"], json!({ "ApproximateReceiveCount": "2" }));
    assert_eq!(again["Messages"][0].get("MessageAttributes"), None);

    let delete = |handle: &Value| {
        let handle = handle.as_str().expect("a handle");
        aws.ask(&["sqs", "delete-message", "--queue-url", &url, "--receipt-handle", handle])
    };
    delete(&message["ReceiptHandle"]).expect("an old handle is no error");
    let held = aws.ok(&["sqs", "get-queue-attributes", "--queue-url", &url, "--attribute-names", "All"]);
    assert_eq!(held["Attributes"]["ApproximateNumberOfMessagesNotVisible"], "1");
    delete(&again["Messages"][0]["ReceiptHandle"]).expect("deletes");
    let none = aws.ok(&["sqs", "get-queue-attributes", "--queue-url", &url, "--attribute-names", "All"]);
    assert_eq!(none["Attributes"]["ApproximateNumberOfMessagesNotVisible"], "0");

    aws.ok(&["sqs", "delete-queue", "--queue-url", &url]);
    aws.refused(&send, &["AWS.SimpleQueueService.NonExistentQueue"]);
}

#[test]
fn a_long_poll_ends_with_the_message_that_it_waits_for() {
    let Some(aws) = Aws::start() else { return };
    let made = aws.ok(&["sqs", "create-queue", "--queue-name", "slow"]);
    let url = made["QueueUrl"].as_str().expect("a URL").to_owned();
    let poll = |seconds: &str| {
        aws.ok(&[
            "sqs",
            "receive-message",
            "--queue-url",
            &url,
            "--wait-time-seconds",
            seconds,
            "--visibility-timeout",
            "1",
        ])
    };
    let began = Instant::now();
    assert_eq!(poll("2"), Value::Null);
    assert!(began.elapsed() >= Duration::from_secs(2));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let began = Instant::now();
            (poll("20"), began.elapsed())
        });
        let send =
            ["sqs", "send-message", "--queue-url", &url, "--message-body", "here", "--delay-seconds", "2"];
        let sent = aws.ok(&send);
        let (received, waited) = waiting.join().expect("no panic");
        assert_eq!(received["Messages"][0]["MessageId"], sent["MessageId"]);
        assert!(waited < Duration::from_secs(20), "it did not wait for the whole time");
    });
    // It was hidden for a second and is not deleted, so that it comes again.
    assert_eq!(poll("20")["Messages"][0]["Body"], "here");
    aws.ok(&["sqs", "purge-queue", "--queue-url", &url]);
    assert_eq!(poll("0"), Value::Null);
}

#[test]
fn a_batch_is_taken_entry_by_entry_and_what_sqs_does_not_do_is_refused() {
    let Some(aws) = Aws::start() else { return };
    let made = aws.ok(&["sqs", "create-queue", "--queue-name", "batches"]);
    let url = made["QueueUrl"].as_str().expect("a URL").to_owned();
    let batch = |entries: Value| {
        let entries = entries.to_string();
        aws.ask(&["sqs", "send-message-batch", "--queue-url", &url, "--entries", &entries])
    };
    let sent = batch(json!([
        { "Id": "one", "MessageBody": "1" },
        { "Id": "two", "MessageBody": "2", "DelaySeconds": 901 },
        { "Id": "three", "MessageBody": "3" },
    ]))
    .expect("is taken");
    let ids = |part: &str| -> Vec<&str> {
        sent[part].as_array().expect("entries").iter().filter_map(|entry| entry["Id"].as_str()).collect()
    };
    assert_eq!((ids("Successful"), ids("Failed")), (vec!["one", "three"], vec!["two"]));
    assert_eq!(sent["Failed"][0]["SenderFault"], true);
    let received = aws.ok(&["sqs", "receive-message", "--queue-url", &url, "--max-number-of-messages", "10"]);
    assert_eq!(received["Messages"].as_array().map(Vec::len), Some(2));

    let twice = batch(json!([{ "Id": "a", "MessageBody": "1" }, { "Id": "a", "MessageBody": "2" }]));
    assert!(twice.is_err_and(|error| error.contains("BatchEntryIdsNotDistinct")));
    let set = ["sqs", "set-queue-attributes", "--queue-url", &url, "--attributes"];
    aws.ok(&[&set[..], &["DelaySeconds=5"]].concat());
    let create = ["sqs", "create-queue", "--queue-name"];
    let cases: [(&[&str], &[&str]); 7] = [
        (
            &[&create[..], &["line.fifo", "--attributes", "FifoQueue=true"]].concat(),
            &["FIFO queues are not in the sandbox"],
        ),
        (&[&create[..], &["batches", "--attributes", "DelaySeconds=1"]].concat(), &["QueueAlreadyExists"]),
        (&[&create[..], &["a b"]].concat(), &["InvalidParameterValue", "alphanumeric"]),
        (&[&set[..], &["VisibilityTimeout=43201"]].concat(), &["InvalidAttributeValue"]),
        (
            &[&set[..], &[r#"{"RedrivePolicy":"{}"}"#]].concat(),
            &["InvalidAttributeName", "RedrivePolicy cannot be set"],
        ),
        (
            &["sqs", "delete-message", "--queue-url", &url, "--receipt-handle", "no"],
            &["ReceiptHandleIsInvalid"],
        ),
        (
            &["sqs", "list-queue-tags", "--queue-url", &url],
            &["UnknownOperationException", "not in the sandbox"],
        ),
    ];
    for (arguments, words) in cases {
        aws.refused(arguments, words);
    }
    aws.refused_with_another_secret(&["sqs", "list-queues"]);
}
