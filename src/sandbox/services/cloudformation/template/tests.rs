use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const WHOLE: &str = r#"
AWSTemplateFormatVersion: 2010-09-09
Description: all of it
Parameters:
  Stage: { Type: String, Default: dev, AllowedValues: [dev, prod] }
  Ports: { Type: List<Number>, Default: "80, 443" }
Mappings:
  Sizes:
    dev: { memory: 512 }
    prod: { memory: 2048 }
Conditions:
  Large: !Equals [!Ref Stage, prod]
  Small: !Not [!Condition Large]
  Either: !Or [!Condition Large, !Condition Small]
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: !Sub "${AWS::StackName}-${Stage}-${!kept}"
      Tags: !If [Large, [a], !Ref AWS::NoValue]
  Queue:
    Type: AWS::SQS::Queue
    Condition: Small
    DependsOn: Bucket
    DeletionPolicy: Retain
    Properties:
      QueueName: !Join ['-', [!GetAtt Bucket.Arn, !Select [1, !Ref Ports]]]
      Size: !FindInMap [Sizes, !Ref Stage, memory]
      Last: !Select [2, !Split [':', !GetAtt Bucket.Arn]]
      Other: !Sub ['${a}/${Bucket.Arn}', { a: !ImportValue there }]
      Data: !Base64 hello
Outputs:
  Name: { Value: !Ref Bucket, Export: { Name: !Sub '${AWS::StackName}:Name' } }
"#;

fn pseudo() -> BTreeMap<String, Value> {
    BTreeMap::from([("AWS::StackName".to_owned(), json!("tour"))])
}

fn context(template: &Template) -> Context<'_> {
    let mut context = Context::new(template, &BTreeMap::new(), pseudo()).expect("a context");
    let attributes = json!({ "Arn": "arn:aws:s3:::b" }).as_object().cloned().expect("a map");
    context.made.insert("Bucket".to_owned(), Made { physical: "b".to_owned(), attributes });
    context.exports.insert("there".to_owned(), "imported".to_owned());
    context
}

fn evaluated(context: &Context<'_>, template: &Template, id: &str) -> Value {
    let properties = template.resource(id).expect("a resource").properties.clone();
    context.evaluate(&properties.into()).expect("evaluates").expect("a value")
}

#[test]
fn functions_and_conditions_have_the_values_of_their_reference() {
    let template = Template::read(WHOLE).expect("a template");
    let context = context(&template);
    assert_eq!(evaluated(&context, &template, "Bucket"), json!({ "BucketName": "tour-dev-${kept}" }));
    assert_eq!(
        evaluated(&context, &template, "Queue"),
        json!({ "QueueName": "arn:aws:s3:::b-443", "Size": 512, "Last": "s3", "Other": "imported/arn:aws:s3:::b", "Data": "aGVsbG8=" })
    );
    assert!(context.holds(Some(&"Small".to_owned())) && !context.holds(Some(&"Large".to_owned())));
    assert!(context.holds(Some(&"Either".to_owned())));
    assert_eq!(context.imported.borrow().iter().collect::<Vec<_>>(), ["there"]);
    assert_eq!(template.resource("Queue").and_then(|queue| queue.deletion), Some(Policy::Retain));
    assert_eq!(in_order(&dependencies(&template)), Ok(vec!["Bucket".to_owned(), "Queue".to_owned()]));
}

#[test]
fn json_and_yaml_say_the_same() {
    let json = r#"{"Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Fn::GetAtt": ["C", "Arn"]}}},
        "C": {"Type": "AWS::SQS::Queue"}}}"#;
    let yaml = "Resources:\n  B:\n    Type: AWS::S3::Bucket\n    Properties:\n      BucketName: !GetAtt C.Arn\n  C:\n    Type: AWS::SQS::Queue\n";
    let properties = |text| Template::read(text).expect("a template").resources[0].properties.clone();
    assert_eq!(properties(json), properties(yaml));
}

fn refused(text: &str) -> String {
    Template::read(text).expect_err("is refused").0
}

fn one(body: &str) -> String {
    format!("Resources:\n  A:\n    Type: AWS::SQS::Queue\n{body}")
}

#[test]
fn what_is_wrong_is_said_in_the_words_of_cloudformation() {
    let cases = [
        (
            one("    DependsOn: X"),
            "Template format error: Unresolved resource dependencies [X] in the Resources block of the template",
        ),
        (
            one("    Properties: { QueueName: !Ref Y }"),
            "Template format error: Unresolved resource dependencies [Y] in the Resources block of the template",
        ),
        (
            one("    Properties: { QueueName: !GetAtt Y.Arn }"),
            "Template error: instance of Fn::GetAtt references undefined resource Y",
        ),
        (one("    Properties: { QueueName: !Sub '${A.Arn}' }"), "Circular dependency between resources: [A]"),
        (
            one(
                "  B:\n    Type: T\n    DependsOn: A\n  C:\n    Type: T\n    DependsOn: [D, B]\n  D:\n    Type: T\n    DependsOn: C",
            ),
            "Circular dependency between resources: [C, D]",
        ),
        (
            one("    Condition: No"),
            "Template format error: Unresolved condition dependency No in the Resources block of the template",
        ),
        (
            one("Outputs: { O: { Value: !Ref Z } }"),
            "Template format error: Unresolved resource dependencies [Z] in the Outputs block of the template",
        ),
        (
            one("    Properties: { Q: { 'Fn::Cidr': [] } }"),
            "Template error: Encountered unsupported function: Fn::Cidr",
        ),
        (
            one("    Colour: red"),
            "Template format error: [/Resources/A] Invalid template property or properties [Colour]",
        ),
        (
            one("Conditions: { C: !Equals [!Ref A, x] }"),
            "Template format error: Unresolved dependencies [A]. Cannot reference resources in the Conditions block of the template",
        ),
        (
            one("Conditions: { C: !Not [!Condition D], D: !Not [!Condition C] }"),
            "Template format error: Circular dependency between conditions: [C, D]",
        ),
        (
            "Resources: { A: { Properties: {} } }".to_owned(),
            "Template format error: [/Resources/A] Every Resources object must contain a Type member.",
        ),
        (
            "Parameters: {}".to_owned(),
            "Template format error: At least one Resources member must be defined.",
        ),
        (
            "Extra: 1\nResources: { A: { Type: T } }".to_owned(),
            "Invalid template property or properties [Extra]",
        ),
        ("{\"Resources\": ".to_owned(), "Template format error: JSON not well-formed. (line 1, column 14)"),
        ("a: b: c".to_owned(), "Template format error: YAML not well-formed. (line 1, column 5)"),
        ("text".to_owned(), "Template format error: unsupported structure."),
        (
            "Resources: { A: &a { Type: T }, B: *a }".to_owned(),
            "Template error: YAML aliases are not allowed in CloudFormation templates",
        ),
        ("Resources: { A: !Nothing x }".to_owned(), "Template format error: Unknown tag !Nothing"),
        (one("    Properties: { A: 1, A: 2 }"), "Template format error: YAML not well-formed."),
        (
            format!("Description: {}", "x".repeat(MOST_BYTES)),
            "Template may not exceed 1048576 bytes in size.",
        ),
    ];
    for (text, words) in cases {
        let said = refused(&text);
        assert!(said.starts_with(words), "{said} is not {words}");
    }
}

#[test]
fn a_star_in_a_word_is_no_alias() {
    let text = one("    Properties: { Policy: 'arn:*', Glob: 'a *b', Plain: x *y }");
    let template = Template::read(&text).expect("a template");
    assert_eq!(template.resources[0].properties["Plain"], "x *y");
}

#[test]
fn limits_are_those_of_the_quotas() {
    let many = |section: &str, count: usize, item: &str| {
        let items: Vec<String> = (0..count).map(|n| format!("X{n}: {item}")).collect();
        format!("Resources: {{ A: {{ Type: T }} }}\n{section}: {{ {} }}", items.join(", "))
    };
    assert!(Template::read(&many("Parameters", 200, "{ Type: String }")).is_ok());
    assert!(
        refused(&many("Parameters", 201, "{ Type: String }")).contains("greater than maximum allowed, 200")
    );
    let resources =
        |count| many("Resources", count, "{ Type: T }").replacen("Resources: { A: { Type: T } }\n", "", 1);
    assert!(Template::read(&resources(500)).is_ok());
    assert!(refused(&resources(501)).contains("greater than maximum allowed, 500"));
}

fn parameter(declared: &str, value: &str) -> Result<(), String> {
    let text = format!("Parameters: {{ P: {{ {declared} }} }}\nResources: {{ A: {{ Type: T }} }}");
    let template = Template::read(&text).map_err(|error| error.0)?;
    let given = BTreeMap::from([("P".to_owned(), value.to_owned())]);
    Context::new(&template, &given, pseudo()).map(|_| ()).map_err(|error| error.0)
}

#[test]
fn parameters_are_held_to_their_declaration() {
    let cases = [
        ("Type: Number, MinValue: 2", "1", "Parameter 'P' must be a number not less than 2"),
        ("Type: Number, MaxValue: 2", "3", "Parameter 'P' must be a number not greater than 2"),
        ("Type: Number", "x", "Parameter 'P' must be a number."),
        ("Type: List<Number>", "1,x", "Parameter 'P' must be a list of numbers."),
        ("Type: String, AllowedValues: [a, b]", "c", "Parameter 'P' must be one of AllowedValues [a, b]"),
        ("Type: String, AllowedPattern: '[a-z]+'", "ab1", "Parameter 'P' must match pattern [a-z]+"),
        (
            "Type: String, AllowedPattern: '[a-z]+', ConstraintDescription: letters",
            "1",
            "Parameter P failed to satisfy constraint: letters",
        ),
        ("Type: String, MinLength: 2", "a", "Parameter 'P' must contain at least 2 characters"),
        ("Type: String, MaxLength: 2", "abc", "Parameter 'P' must contain at most 2 characters"),
        ("Type: Colour", "red", "Template format error: Unrecognized parameter type: Colour"),
    ];
    for (declared, value, words) in cases {
        assert_eq!(parameter(declared, value), Err(words.to_owned()), "{declared} {value}");
    }
    assert_eq!(parameter("Type: Number, MinValue: 2, MaxValue: '4'", "3"), Ok(()));
    assert_eq!(parameter("Type: CommaDelimitedList, AllowedValues: [a, b]", "a, b"), Ok(()));
    let template = Template::read(
        "Parameters: { P: { Type: String }, Q: { Type: String } }\nResources: { A: { Type: T } }",
    );
    let template = template.expect("a template");
    let missing = Context::new(&template, &BTreeMap::new(), pseudo()).expect_err("is refused");
    assert_eq!(missing.0, "Parameters: [P, Q] must have values");
    let strange = BTreeMap::from([("R".to_owned(), String::new())]);
    let strange = Context::new(&template, &strange, pseudo()).expect_err("is refused");
    assert_eq!(strange.0, "Parameters: [R] do not exist in the template");
}

#[test]
fn short_text_does_not_come_to_a_large_value() {
    let names = "${P}".repeat(10_000);
    let text = format!(
        "Parameters: {{ P: {{ Type: String }} }}\nResources: {{ A: {{ Type: T, Properties: {{ N: !Sub '{names}' }} }} }}"
    );
    let template = Template::read(&text).expect("a template");
    let given = BTreeMap::from([("P".to_owned(), "x".repeat(4096))]);
    let context = Context::new(&template, &given, pseudo()).expect("a context");
    let properties = template.resources[0].properties.clone();
    assert!(context.evaluate(&properties.into()).expect_err("is refused").0.contains("may not exceed"));
    let mut bomb = "a0: &a0 [x, x]\n".to_owned();
    for n in 1..30 {
        bomb.push_str(&format!("a{n}: &a{n} [*a{}, *a{}]\n", n - 1, n - 1));
    }
    assert!(refused(&bomb).contains("aliases"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        let _ = Template::read(&text);
    }

    #[test]
    fn nothing_like_a_template_makes_it_panic(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("Resources:\n"), Just("  A:\n"), Just("    Type: T\n"), Just("    Properties:\n"), Just("      X: "),
                Just("!Sub "), Just("!GetAtt "), Just("!If "), Just("!Join "), Just("[a, b]"), Just("'${A.B}'"), Just("{ Ref: A }"),
                Just("&x "), Just("*x"), Just("\n"), Just("Conditions:\n"), Just("  C: !Equals [1, 1]\n"), Just("- "), Just(": "), Just("${"), Just("}"), Just("!"),
            ],
            0..30,
        )
    ) {
        let started = std::time::Instant::now();
        if let Ok(template) = Template::read(&parts.concat())
            && let Ok(context) = Context::new(&template, &BTreeMap::new(), pseudo())
        {
            for resource in &template.resources {
                let _ = context.evaluate(&resource.properties.clone().into());
            }
        }
        prop_assert!(started.elapsed().as_secs() < 5);
    }

    #[test]
    fn no_functions_make_evaluation_panic(name in "Fn::(And|Base64|Equals|FindInMap|GetAtt|If|ImportValue|Join|Not|Or|Select|Split|Sub)|Ref", argument in "(\\[|\\{|\"|a|A|\\$|,|:|1|\\]|\\}|\\.){0,12}") {
        let argument: Value = serde_json::from_str(&argument).unwrap_or_else(|_| argument.clone().into());
        let text = json!({ "Conditions": { "C": { name.clone(): argument } }, "Resources": { "A": { "Type": "T", "Properties": { "X": { name.clone(): argument } } } } });
        if let Ok(template) = Template::read(&text.to_string()) {
            let _ = Context::new(&template, &BTreeMap::new(), pseudo()).map(|context| context.evaluate(&template.resources[0].properties.clone().into()).is_ok());
        }
    }
}
