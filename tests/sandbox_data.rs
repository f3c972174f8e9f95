//! DynamoDB, SQS and Bedrock Runtime of the sandbox, seen by the AWS CLI.

mod support;

use std::{
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use support::{Place, have};

/// The AWS CLI, pointed at a sandbox.
struct Aws {
    place: Place,
    env: std::collections::BTreeMap<String, String>,
}

/// What a call came to: its JSON, or the text of its error.
type Answer = Result<Value, String>;

impl Aws {
    /// Starts a sandbox, if there is an AWS CLI.
    fn start() -> Option<Self> {
        let found = Command::new("aws").arg("--version").output().is_ok_and(|out| out.status.success());
        if !have("the AWS CLI", found) {
            return None;
        }
        let place = Place::new();
        place.pave(&["sandbox", "up"]).expect(0);
        let mut env = place.aws_env();
        // Bytes are given raw, as version 1 of the CLI takes them in any case.
        let config = place.path().join("aws.config");
        std::fs::write(&config, "[default]\ncli_binary_format = raw-in-base64-out\n").expect("writes");
        env.insert("AWS_CONFIG_FILE".to_owned(), config.display().to_string());
        Some(Self { place, env })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("aws");
        command.args(arguments).args(["--output", "json"]).envs(&self.env);
        if arguments[0] == "sqs" {
            // Version 1 of the CLI has an endpoint of its own for SQS, which only this flag overrides.
            command.args(["--endpoint-url", &self.env["AWS_ENDPOINT_URL"]]);
        }
        command.env("AWS_PAGER", "").env("HOME", self.place.path()).env("AWS_MAX_ATTEMPTS", "1");
        command
    }

    fn answer(mut command: Command) -> Answer {
        let out = command.output().expect("the AWS CLI runs");
        if !out.status.success() {
            return Err(String::from_utf8_lossy(&out.stderr).into_owned());
        }
        let text = String::from_utf8_lossy(&out.stdout);
        if text.trim().is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(&text).expect("JSON")) }
    }

    fn ask(&self, arguments: &[&str]) -> Answer {
        Self::answer(self.command(arguments))
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> Value {
        self.ask(arguments).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str], words: &[&str]) {
        let error = self.ask(arguments).expect_err("is refused");
        for word in words {
            assert!(error.contains(word), "`{word}` is not in {arguments:?}: {error}");
        }
    }

    #[track_caller]
    fn refused_with_another_secret(&self, arguments: &[&str]) {
        let mut command = self.command(arguments);
        command.env("AWS_SECRET_ACCESS_KEY", "wrong");
        let error = Self::answer(command).expect_err("is refused");
        assert!(error.contains("InvalidSignatureException"), "{error}");
    }

    fn restart(&self) {
        self.place.pave(&["sandbox", "down"]).expect(0);
        self.place.pave(&["sandbox", "up"]).expect(0);
    }

    fn table(&self, name: &str, keys: &[(&str, &str, &str)]) -> Value {
        let mut arguments =
            vec!["dynamodb", "create-table", "--table-name", name, "--billing-mode", "PAY_PER_REQUEST"];
        let definitions: Vec<String> =
            keys.iter().map(|(key, kind, _)| format!("AttributeName={key},AttributeType={kind}")).collect();
        let schema: Vec<String> =
            keys.iter().map(|(key, _, role)| format!("AttributeName={key},KeyType={role}")).collect();
        arguments.push("--attribute-definitions");
        arguments.extend(definitions.iter().map(String::as_str));
        arguments.push("--key-schema");
        arguments.extend(schema.iter().map(String::as_str));
        self.ok(&arguments)
    }
}

const ITEM: &str = r#"{"pk":{"S":"note#1"},"labels":{"L":[{"S":"a"},{"S":"b"}]},"count":{"N":"1.50"},"payload":{"B":"raw"}}"#;
const KEY: &str = r#"{"pk":{"S":"note#1"}}"#;

#[test]
fn items_are_written_under_conditions_and_survive_a_restart() {
    let Some(aws) = Aws::start() else { return };
    let made = aws.table("notes", &[("pk", "S", "HASH")]);
    assert!(made["TableDescription"]["TableArn"].as_str().is_some_and(|arn| arn.ends_with(":table/notes")));
    aws.ok(&["dynamodb", "wait", "table-exists", "--table-name", "notes"]);

    let put = ["dynamodb", "put-item", "--table-name", "notes", "--item", ITEM];
    let once = [&put[..], &["--condition-expression", "attribute_not_exists(pk)"]].concat();
    aws.ok(&once);
    aws.refused(&once, &["ConditionalCheckFailedException", "The conditional request failed"]);

    let get = ["dynamodb", "get-item", "--table-name", "notes", "--key", KEY];
    let stored = json!({
        "pk": { "S": "note#1" }, "labels": { "L": [{ "S": "a" }, { "S": "b" }] },
        "count": { "N": "1.5" }, "payload": { "B": "cmF3" },
    });
    assert_eq!(aws.ok(&get)["Item"], stored);
    aws.restart();
    assert_eq!(aws.ok(&get)["Item"], stored);
    assert_eq!(aws.ok(&["dynamodb", "list-tables"])["TableNames"], json!(["notes"]));
    assert_eq!(aws.ok(&["dynamodb", "describe-table", "--table-name", "notes"])["Table"]["ItemCount"], 1);

    let update =
        ["dynamodb", "update-item", "--table-name", "notes", "--key", KEY, "--return-values", "ALL_NEW"];
    let change = [
        &update[..],
        &[
            "--update-expression",
            "SET #s = :done, tally = if_not_exists(tally, :n) + :n ADD #c :n REMOVE payload",
        ],
        &["--condition-expression", "attribute_exists(pk) AND #c = :old"],
        &["--expression-attribute-names", r##"{"#s":"status","#c":"count"}"##],
        &["--expression-attribute-values", r#"{":done":{"S":"done"},":n":{"N":"2"},":old":{"N":"1.500"}}"#],
    ]
    .concat();
    let changed = aws.ok(&change);
    assert_eq!(
        changed["Attributes"],
        json!({
            "pk": { "S": "note#1" }, "labels": { "L": [{ "S": "a" }, { "S": "b" }] },
            "count": { "N": "3.5" }, "tally": { "N": "4" }, "status": { "S": "done" },
        })
    );
    aws.refused(&change, &["ConditionalCheckFailedException"]);

    let delete =
        ["dynamodb", "delete-item", "--table-name", "notes", "--key", KEY, "--return-values", "ALL_OLD"];
    assert_eq!(aws.ok(&delete)["Attributes"]["tally"], json!({ "N": "4" }));
    assert_eq!(aws.ok(&get), Value::Null);
    aws.ok(&["dynamodb", "delete-table", "--table-name", "notes"]);
    aws.refused(&get, &["ResourceNotFoundException"]);
}

#[test]
fn queries_give_a_partition_in_order_and_page_by_page() {
    let Some(aws) = Aws::start() else { return };
    aws.table("events", &[("who", "S", "HASH"), ("at", "N", "RANGE")]);
    let put = |who: &str, at: &str| {
        let item = json!({ "who": { "S": who }, "at": { "N": at }, "what": { "S": format!("{who} {at}") } })
            .to_string();
        aws.ok(&["dynamodb", "put-item", "--table-name", "events", "--item", &item]);
    };
    for at in ["10", "9", "-1", "100.5"] {
        put("a", at);
    }
    put("b", "1");
    let query = |condition: &str, values: Value, more: &[&str]| {
        let values = values.to_string();
        let fixed = [
            "dynamodb",
            "query",
            "--table-name",
            "events",
            "--key-condition-expression",
            condition,
            "--expression-attribute-values",
            &values,
        ];
        aws.ok(&[&fixed[..], more].concat())
    };
    let times = |answer: &Value| -> Vec<String> {
        let items = answer["Items"].as_array().expect("items");
        items.iter().map(|item| item["at"]["N"].as_str().expect("a number").to_owned()).collect()
    };
    let a = json!({ ":who": { "S": "a" } });
    // The CLI asks for page after page, of three items each.
    let whole = query("who = :who", a.clone(), &["--page-size", "3"]);
    assert_eq!(times(&whole), ["-1", "9", "10", "100.5"]);
    let backwards = query("who = :who", a.clone(), &["--page-size", "1", "--no-scan-index-forward"]);
    assert_eq!(times(&backwards), ["100.5", "10", "9", "-1"]);
    let between = json!({ ":who": { "S": "a" }, ":low": { "N": "9" }, ":high": { "N": "10.0" } });
    let some = query(
        "(who = :who) AND (#at BETWEEN :low AND :high)",
        between,
        &[
            "--expression-attribute-names",
            r##"{"#at":"at","#w":"what"}"##,
            "--projection-expression",
            "#at, #w",
        ],
    );
    assert_eq!(
        some["Items"],
        json!([{ "at": { "N": "9" }, "what": { "S": "a 9" } }, { "at": { "N": "10" }, "what": { "S": "a 10" } }])
    );
    let counted = query("who = :who", json!({ ":who": { "S": "b" } }), &["--select", "COUNT"]);
    assert_eq!((&counted["Count"], counted.get("Items")), (&json!(1), None));
}

#[test]
fn what_dynamodb_refuses_and_what_is_not_here_is_said() {
    let Some(aws) = Aws::start() else { return };
    aws.table("notes", &[("pk", "S", "HASH")]);
    let put = ["dynamodb", "put-item", "--table-name", "notes", "--item"];
    let big = json!({ "pk": { "S": "big" }, "text": { "S": "x".repeat(100 * 1024) } });
    let mut bigger = big.clone();
    for name in ["b", "c", "d"] {
        bigger[name] = big["text"].clone();
    }
    let file = |name: &str, item: &Value| {
        let path = aws.place.path().join(name);
        std::fs::write(&path, item.to_string()).expect("writes");
        format!("file://{}", path.display())
    };
    let bigger = file("bigger.json", &bigger);
    aws.ok(&[&put[..], &[&file("big.json", &big)]].concat());
    let cases: [(&[&str], &[&str]); 9] = [
        (
            &[
                "dynamodb",
                "create-table",
                "--table-name",
                "notes",
                "--billing-mode",
                "PAY_PER_REQUEST",
                "--attribute-definitions",
                "AttributeName=pk,AttributeType=S",
                "--key-schema",
                "AttributeName=pk,KeyType=HASH",
            ],
            &["ResourceInUseException", "Table already exists: notes"],
        ),
        (
            &["dynamodb", "describe-table", "--table-name", "gone"],
            &["ResourceNotFoundException", "Table: gone not found"],
        ),
        (&[&put[..], &[&bigger]].concat(), &["ValidationException", "Item size has exceeded"]),
        (
            &[&put[..], &[r#"{"pk":{"N":"1"}}"#]].concat(),
            &["ValidationException", "Type mismatch for key pk"],
        ),
        (&[&put[..], &[r#"{"id":{"S":"1"}}"#]].concat(), &["ValidationException", "Missing the key pk"]),
        (
            &[
                &put[..],
                &[
                    ITEM,
                    "--condition-expression",
                    "size(pk) > :n",
                    "--expression-attribute-values",
                    r#"{":n":{"N":"1"}}"#,
                ],
            ]
            .concat(),
            &["ValidationException", "size is not in the sandbox"],
        ),
        (
            &[
                "dynamodb",
                "get-item",
                "--table-name",
                "notes",
                "--key",
                KEY,
                "--return-consumed-capacity",
                "TOTAL",
            ],
            &["ValidationException", "ReturnConsumedCapacity"],
        ),
        (
            &[
                "dynamodb",
                "query",
                "--table-name",
                "notes",
                "--index-name",
                "other",
                "--key-condition-expression",
                "pk = :v",
                "--expression-attribute-values",
                r#"{":v":{"S":"x"}}"#,
            ],
            &["ValidationException", "does not have the member `IndexName`"],
        ),
        (
            &["dynamodb", "scan", "--table-name", "notes"],
            &["UnknownOperationException", "not in the sandbox"],
        ),
    ];
    for (arguments, words) in cases {
        aws.refused(arguments, words);
    }
    aws.refused_with_another_secret(&["dynamodb", "list-tables"]);
}

#[test]
fn of_many_conditional_writers_of_an_item_exactly_one_wins() {
    let Some(aws) = Aws::start() else { return };
    aws.table("races", &[("pk", "S", "HASH")]);
    let writers: Vec<Answer> = std::thread::scope(|scope| {
        let writer = |number: usize| {
            let item = json!({ "pk": { "S": "one" }, "by": { "N": number.to_string() } }).to_string();
            let put = ["dynamodb", "put-item", "--table-name", "races", "--item", &item];
            aws.ask(&[&put[..], &["--condition-expression", "attribute_not_exists(pk)"]].concat())
        };
        let threads: Vec<_> = (0..6).map(|number| scope.spawn(move || writer(number))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let (won, lost): (Vec<_>, Vec<_>) = writers.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    assert!(
        lost.into_iter().all(|answer| answer.is_err_and(|e| e.contains("ConditionalCheckFailedException")))
    );
}

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
        let waiting = scope.spawn(|| (poll("20"), Instant::now()));
        let sent = aws.ok(&[
            "sqs",
            "send-message",
            "--queue-url",
            &url,
            "--message-body",
            "here",
            "--delay-seconds",
            "2",
        ]);
        let at = Instant::now();
        let (received, until) = waiting.join().expect("no panic");
        assert_eq!(received["Messages"][0]["MessageId"], sent["MessageId"]);
        assert!(until.duration_since(at) < Duration::from_secs(15), "it did not wait for the whole time");
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

#[test]
fn a_conversation_is_answered_as_the_sandbox_and_fails_as_bedrock_does() {
    let Some(aws) = Aws::start() else { return };
    let converse = |model: &'static str, more: &'static [&'static str]| {
        let messages = r#"[{"role":"user","content":[{"text":"Say it in short. The rest is not needed."}]}]"#;
        [&["bedrock-runtime", "converse", "--model-id", model, "--messages", messages], more].concat()
    };
    let answer =
        aws.ok(&converse("amazon.nova-lite-v1:0", &["--inference-config", "maxTokens=256,temperature=0.2"]));
    assert_eq!(answer["output"]["message"]["content"][0]["text"], "[sandbox] Say it in short.");
    assert_eq!(answer["output"]["message"]["role"], "assistant");
    assert_eq!(answer["stopReason"], "end_turn");
    assert_eq!(answer["usage"]["outputTokens"], 6);
    assert!(answer["metrics"]["latencyMs"].is_u64());
    let cut = aws.ok(&converse("amazon.nova-lite-v1:0", &["--inference-config", "maxTokens=2"]));
    assert_eq!(cut["output"]["message"]["content"][0]["text"], "[sandbox] Say");
    assert_eq!(cut["stopReason"], "max_tokens");

    aws.refused(&converse("nova", &[]), &["ValidationException", "model identifier is invalid"]);
    aws.refused(&converse("sandbox.throttled", &[]), &["ThrottlingException"]);
    aws.refused(&converse("sandbox.not-ready", &[]), &["ModelNotReadyException"]);
    let tools = r#"{"tools":[{"toolSpec":{"name":"t","inputSchema":{"json":{}}}}]}"#;
    let with_tools = [converse("amazon.nova-lite-v1:0", &[]), vec!["--tool-config", tools]].concat();
    aws.refused(&with_tools, &["ValidationException", "toolConfig is not in the sandbox"]);
    aws.refused_with_another_secret(&converse("amazon.nova-lite-v1:0", &[]));
}
