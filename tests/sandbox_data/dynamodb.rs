//! Tables and items.

use serde_json::{Value, json};

use crate::support::aws::{Answer, Aws};

fn table(aws: &Aws, name: &str, keys: &[(&str, &str, &str)]) -> Value {
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
    aws.ok(&arguments)
}

const ITEM: &str = r#"{"pk":{"S":"note#1"},"labels":{"L":[{"S":"a"},{"S":"b"}]},"count":{"N":"1.50"},"payload":{"B":"raw"}}"#;
const KEY: &str = r#"{"pk":{"S":"note#1"}}"#;

#[test]
fn items_are_written_under_conditions_and_survive_a_restart() {
    let Some(aws) = Aws::start() else { return };
    let made = table(&aws, "notes", &[("pk", "S", "HASH")]);
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
    table(&aws, "events", &[("who", "S", "HASH"), ("at", "N", "RANGE")]);
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
    table(&aws, "notes", &[("pk", "S", "HASH")]);
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
    table(&aws, "races", &[("pk", "S", "HASH")]);
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
