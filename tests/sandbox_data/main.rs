//! DynamoDB, SQS and Bedrock Runtime of the sandbox, seen by the AWS CLI and by a service that runs in it.

#[path = "../support/mod.rs"]
mod support;

mod bedrock;
mod dynamodb;
mod sqs;

use support::{Mini, Place};

#[test]
fn an_instance_with_a_role_reaches_the_services_of_its_sandbox() {
    use std::io::{Read as _, Write as _};
    let place = Place::new();
    let mini = Mini::new(&place, "1s");
    mini.edit(
        "\"release\": os.environ.get(\"PAVE_RELEASE\")",
        "k: os.environ.get(k) for k in [\"AWS_ENDPOINT_URL\", \"AWS_REGION\"]",
    );
    place.pave(&["deploy"]).expect(0);
    let (env, edge) = (place.aws_env(), place.edge());
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", edge)).expect("connects");
    write!(stream, "GET /work HTTP/1.1\r\nhost: mini.sandbox.localhost:{edge}\r\nconnection: close\r\n\r\n")
        .expect("writes");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("reads");
    for name in ["AWS_ENDPOINT_URL", "AWS_REGION"] {
        assert!(answer.contains(&format!("{:?}", env[name])), "{name}: {answer}");
    }
}
