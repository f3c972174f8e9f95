//! Experiments that need nothing but an address: they change nothing there, so that they may be tried on what is live.

use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::verify::{
    client::{Answer, Caller, PATIENCE},
    contract::Id,
    report::{Observed, broken},
    requests::Requests,
};

/// A path that no service has.
const NOWHERE: &str = "/pave-verify/there-is-nothing-here";

/// Words that only the inside of a service knows.
const INSIDES: [&str; 6] =
    ["Traceback (most recent", "    at ", "node_modules/", "panicked at", ".py\", line", "src/main.rs"];

/// Headers every answer has, with what their value must hold.
const HEADERS: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("content-security-policy", "default-src '"),
    ("referrer-policy", "no-referrer"),
    ("strict-transport-security", "max-age="),
    ("cache-control", "no-store"),
];

type Run = for<'a> fn(&'a Caller, &'a Requests) -> BoxFuture<'a, Observed>;

/// One experiment on an address.
#[derive(Clone, Copy)]
pub struct Outside {
    /// The promise it tries.
    pub id: Id,
    /// What is done.
    pub name: &'static str,
    /// What should be seen.
    pub expected: &'static str,
    run: Run,
}

impl Outside {
    /// Tries it.
    ///
    /// # Errors
    /// [`crate::verify::report::Miss`] when the promise is not shown.
    pub async fn run(&self, caller: &Caller, requests: &Requests) -> Observed {
        (self.run)(caller, requests).await
    }
}

/// All of them, in the order of the contract.
pub(super) fn all() -> Vec<Outside> {
    let one = |id, name, expected, run: Run| Outside { id: Id::of(id), name, expected, run };
    vec![
        one(7, "/livez and /readyz", "200 and 200 with the state of each dependency", |c, _| {
            Box::pin(health(c))
        }),
        one(12, "a request with an id of its own", "it comes back as x-request-id", |c, r| {
            Box::pin(request_id(c, r))
        }),
        one(13, "an address that is not there", "404 as a problem document", |c, _| Box::pin(nowhere(c))),
        one(13, "a method that is not there", "404 or 405 as a problem document", |c, r| {
            Box::pin(method(c, r))
        }),
        one(13, "a write of broken JSON", "400 or 422 as a problem document", |c, r| {
            Box::pin(malformed(c, r))
        }),
        one(13, "a write of the wrong types", "422 as a problem document that names the field", |c, r| {
            Box::pin(invalid(c, r))
        }),
        one(13, "/openapi.json", "an OpenAPI 3 document that has the paths asked for", |c, r| {
            Box::pin(openapi(c, r))
        }),
        one(15, "headers of an answer and of an error", "the security headers, no server banner", |c, r| {
            Box::pin(security(c, r))
        }),
        one(15, "what errors say", "nothing of the inside", |c, r| Box::pin(insides(c, r))),
    ]
}

async fn get(caller: &Caller, path: &str) -> Result<Answer, crate::verify::client::NoAnswer> {
    caller.send("GET", path, &[], "", PATIENCE).await
}

/// The answer is an RFC 9457 document with one of these statuses.
fn problem(answer: &Answer, statuses: &[u16]) -> Observed {
    let json = answer.json();
    let typed = answer.header("content-type").starts_with("application/problem+json");
    let whole = json["title"].is_string() && json["status"] == answer.status && json["type"].is_string();
    let words = format!("{}, {}", answer.status, answer.header("content-type"));
    if statuses.contains(&answer.status) && typed && whole { Ok(words) } else { broken(words) }
}

async fn health(caller: &Caller) -> Observed {
    let (live, ready) = (get(caller, "/livez").await?, get(caller, "/readyz").await?);
    let words = format!("/livez {}, /readyz {}", live.status, ready.status);
    if live.status == 200 && ready.status == 200 && ready.json()["dependencies"].is_object() {
        Ok(words)
    } else {
        broken(format!("{words}: {}", String::from_utf8_lossy(&ready.body)))
    }
}

async fn request_id(caller: &Caller, requests: &Requests) -> Observed {
    let id = format!("verify-{:016x}", rand::random::<u64>());
    let path = &requests.read.request.path;
    let answer = caller.send("GET", path, &[("x-request-id", &id)], "", PATIENCE).await?;
    let back = answer.header("x-request-id");
    if back == id { Ok("it did".to_owned()) } else { broken(format!("what came back is `{back}`")) }
}

async fn nowhere(caller: &Caller) -> Observed {
    problem(&get(caller, NOWHERE).await?, &[404])
}

async fn method(caller: &Caller, requests: &Requests) -> Observed {
    let path = requests.read.request.path.split('?').next().unwrap_or("/");
    problem(&caller.send("DELETE", path, &[], "", PATIENCE).await?, &[404, 405])
}

async fn refused(
    caller: &Caller,
    requests: &Requests,
    body: String,
) -> Result<Answer, crate::verify::report::Miss> {
    use crate::verify::report::Miss;
    let write =
        requests.write.as_ref().ok_or_else(|| Miss::NotRun("verify.toml names no write".to_owned()))?;
    let headers = [("content-type", "application/json")];
    Ok(caller.send(&write.request.method, &write.request.path, &headers, body, PATIENCE).await?)
}

async fn malformed(caller: &Caller, requests: &Requests) -> Observed {
    problem(&refused(caller, requests, "{\"title\": ".to_owned()).await?, &[400, 422])
}

async fn invalid(caller: &Caller, requests: &Requests) -> Observed {
    let body = requests.write.as_ref().map(|write| write.invalid.to_string()).unwrap_or_default();
    let answer = refused(caller, requests, body).await?;
    let words = problem(&answer, &[422])?;
    let named = answer.json()["errors"].as_array().is_some_and(|errors| !errors.is_empty());
    if named { Ok(words) } else { broken(format!("{words}, without `errors`")) }
}

async fn openapi(caller: &Caller, requests: &Requests) -> Observed {
    let answer = get(caller, "/openapi.json").await?;
    let document = answer.json();
    let version = document["openapi"].as_str().unwrap_or_default().to_owned();
    if answer.status != 200 || !version.starts_with("3.") {
        return broken(format!("{}, openapi `{version}`", answer.status));
    }
    let asked = requests.read.request.path.split('?').next().unwrap_or("/");
    let paths = document["paths"].as_object().map(|paths| paths.len()).unwrap_or_default();
    match document["paths"].get(asked) {
        Some(Value::Object(_)) => Ok(format!("openapi {version} with {paths} paths")),
        _ => broken(format!("openapi {version} with {paths} paths, {asked} is not one of them")),
    }
}

async fn security(caller: &Caller, requests: &Requests) -> Observed {
    for path in [requests.read.request.path.as_str(), NOWHERE] {
        let answer = get(caller, path).await?;
        for (name, held) in HEADERS {
            if !answer.header(name).contains(held) {
                return broken(format!("{path}: {name} is `{}`", answer.header(name)));
            }
        }
        let policy = answer.header("content-security-policy");
        if policy.contains("unsafe-") || policy.contains('*') {
            return broken(format!("{path}: content-security-policy is `{policy}`"));
        }
        let age = answer.header("strict-transport-security").split("max-age=").nth(1).unwrap_or_default();
        let age: String = age.chars().take_while(char::is_ascii_digit).collect();
        if age.parse::<u64>().unwrap_or(0) == 0 {
            return broken(format!("{path}: strict-transport-security lasts no time"));
        }
        for banner in ["server", "x-powered-by"] {
            // A balancer in front may add its own; what tells a version tells an attacker.
            let value = answer.header(banner);
            if banner == "x-powered-by" && !value.is_empty() || value.contains(|c: char| c.is_ascii_digit()) {
                return broken(format!("{path}: {banner} is `{value}`"));
            }
            let first = value.split([' ', '/']).next().unwrap_or_default();
            if ["uvicorn", "hypercorn", "gunicorn", "fastify", "express", "axum"].contains(&first) {
                return broken(format!("{path}: {banner} is `{value}`"));
            }
        }
    }
    Ok("all there, no banner".to_owned())
}

async fn insides(caller: &Caller, requests: &Requests) -> Observed {
    let mut answers = vec![get(caller, NOWHERE).await?, get(caller, "/%00%ff/..%2f").await?];
    if requests.write.is_some() {
        answers.push(refused(caller, requests, "[[[".to_owned()).await?);
        answers.push(refused(caller, requests, "\u{0}".to_owned()).await?);
    }
    for answer in &answers {
        let text = String::from_utf8_lossy(&answer.body);
        if let Some(word) = INSIDES.iter().find(|word| text.contains(**word)) {
            return broken(format!("{} with `{}`", answer.status, word.trim()));
        }
        if answer.status >= 500 {
            return broken(format!("a broken request was answered {}", answer.status));
        }
    }
    Ok(format!("{} errors, all plain", answers.len()))
}
