//! The operations of CodeBuild.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::sandbox::{
    call::{Answer, Caller, ServiceError},
    server::uuid,
    world::World,
};

use super::{now, run};

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidInputException", message)
}

fn text<'a>(input: &'a Map<String, Value>, key: &str) -> Result<&'a str, ServiceError> {
    input.get(key).and_then(Value::as_str).ok_or_else(|| invalid(format!("{key} is required")))
}

/// Names that CodeBuild takes. Source: CodeBuild API reference, CreateProject.
fn valid_name(name: &str) -> bool {
    (2..=150).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn names(input: &Map<String, Value>, key: &str) -> Vec<String> {
    let list = input.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Answers one operation.
pub(super) fn handle(
    world: &Arc<World>,
    operation: &str,
    input: Map<String, Value>,
    caller: &Caller,
) -> Answer {
    let index = &world.codebuild.index;
    match operation {
        "CreateProject" | "UpdateProject" => {
            let name = text(&input, "name")?.to_owned();
            if !valid_name(&name) {
                return Err(invalid(format!("Invalid project name: {name}")));
            }
            let creating = operation == "CreateProject";
            if creating {
                for required in ["source", "artifacts", "environment", "serviceRole"] {
                    if !input.contains_key(required) {
                        return Err(invalid(format!("{required} is required")));
                    }
                }
            }
            let role = input.get("serviceRole").and_then(Value::as_str);
            if role.is_some_and(|role| !role.starts_with(&format!("arn:aws:iam::{}:role/", caller.account))) {
                return Err(invalid("Invalid service role: it is no role of the caller's account"));
            }
            let arn = format!("arn:aws:codebuild:{}:{}:project/{name}", caller.region, caller.account);
            index.update(|index| {
                let mut project = match (index.projects.get(&name), creating) {
                    (Some(_), true) => {
                        let text = format!("Project already exists: {arn}");
                        return Err(ServiceError::client("ResourceAlreadyExistsException", text));
                    }
                    (None, false) => {
                        let text = format!("Project cannot be found: {arn}");
                        return Err(ServiceError::client("ResourceNotFoundException", text));
                    }
                    (existing, _) => existing.cloned().unwrap_or_else(|| with_defaults(&arn, caller)),
                };
                for (key, value) in input {
                    project[key] = value;
                }
                let source = &project["source"];
                if source["type"] == "NO_SOURCE" && source["buildspec"].as_str().is_none_or(str::is_empty) {
                    return Err(invalid("A project with the source type NO_SOURCE needs a buildspec"));
                }
                project.pointer_mut("/environment/environmentVariables").into_iter().for_each(typed);
                project["lastModified"] = json!(now());
                index.projects.insert(name, project.clone());
                Ok(json!({ "project": project }))
            })
        }
        "BatchGetProjects" => index.read(|index| {
            let (found, missing): (Vec<_>, Vec<_>) =
                names(&input, "names").into_iter().partition(|name| index.projects.contains_key(name));
            let projects: Vec<&Value> = found.iter().map(|name| &index.projects[name]).collect();
            Ok(json!({ "projects": projects, "projectsNotFound": missing }))
        }),
        "ListProjects" => {
            index.read(|index| Ok(json!({ "projects": index.projects.keys().collect::<Vec<_>>() })))
        }
        "DeleteProject" => {
            let name = text(&input, "name")?;
            index.update(|index| {
                index.projects.remove(name);
                Ok(json!({}))
            })
        }
        "StartBuild" => start(world, &input, caller),
        "BatchGetBuilds" => index.read(|index| {
            let (found, missing): (Vec<_>, Vec<_>) =
                names(&input, "ids").into_iter().partition(|id| index.builds.contains_key(id));
            let builds: Vec<&Value> = found.iter().map(|id| &index.builds[id]).collect();
            Ok(json!({ "builds": builds, "buildsNotFound": missing }))
        }),
        "ListBuilds" => index.read(|index| Ok(json!({ "ids": newest_first(&index.builds, None) }))),
        "ListBuildsForProject" => {
            let name = text(&input, "projectName")?;
            index.read(|index| {
                if !index.projects.contains_key(name) {
                    let text = format!(
                        "The provided project arn:aws:codebuild:{}:{}:project/{name} does not exist",
                        caller.region, caller.account
                    );
                    return Err(ServiceError::client("ResourceNotFoundException", text));
                }
                Ok(json!({ "ids": newest_first(&index.builds, Some(name)) }))
            })
        }
        "StopBuild" => {
            let id = text(&input, "id")?;
            let build = index.read(|index| index.builds.get(id).cloned());
            let build = build.ok_or_else(|| {
                ServiceError::client("ResourceNotFoundException", format!("Build cannot be found: {id}"))
            })?;
            if let Some(stop) = world.codebuild.running().get(id) {
                let _ = stop.send(true);
            }
            Ok(json!({ "build": build }))
        }
        _ => Err(ServiceError::not_in_sandbox("CodeBuild", operation)),
    }
}

fn newest_first(builds: &std::collections::BTreeMap<String, Value>, project: Option<&str>) -> Vec<String> {
    let mut wanted: Vec<(&String, f64)> = builds
        .iter()
        .filter(|(_, build)| project.is_none_or(|name| build["projectName"] == name))
        .map(|(id, build)| (id, build["startTime"].as_f64().unwrap_or_default()))
        .collect();
    wanted.sort_by(|a, b| b.1.total_cmp(&a.1));
    wanted.into_iter().map(|(id, _)| id.clone()).collect()
}

/// A variable that does not say what its value is has it as it is. Source: CodeBuild API reference, EnvironmentVariable.
fn typed(variables: &mut Value) {
    for variable in variables.as_array_mut().into_iter().flatten() {
        if variable["type"].is_null() {
            variable["type"] = json!("PLAINTEXT");
        }
    }
}

/// Environment variables of the project with those of the build laid over them.
fn variables(project: &Value, input: &Map<String, Value>) -> Vec<Value> {
    let of = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let mut all = of(project["environment"].get("environmentVariables"));
    for variable in of(input.get("environmentVariablesOverride")) {
        all.retain(|existing| existing["name"] != variable["name"]);
        all.push(variable);
    }
    all
}

fn start(world: &Arc<World>, input: &Map<String, Value>, caller: &Caller) -> Answer {
    let name = text(input, "projectName")?.to_owned();
    let mut bare = input.clone();
    let token = bare.remove("idempotencyToken").and_then(|t| t.as_str().map(str::to_owned));
    let request = Value::Object(bare).to_string();
    let uuid = uuid();
    let id = format!("{name}:{uuid}");
    let build = world.codebuild.index.update(|index| {
        if let Some((earlier, id)) = token.as_ref().and_then(|token| index.tokens.get(token)) {
            if *earlier != request {
                return Err(invalid("The idempotency token was used with other parameters"));
            }
            return Ok((index.builds[id].clone(), false));
        }
        let project = index.projects.get(&name).ok_or_else(|| {
            ServiceError::client("ResourceNotFoundException", format!("Project cannot be found: {name}"))
        })?;
        let mut source = project["source"].clone();
        for (key, target) in [("sourceTypeOverride", "type"), ("sourceLocationOverride", "location"), ("buildspecOverride", "buildspec")] {
            if let Some(value) = input.get(key) {
                source[target] = value.clone();
            }
        }
        if source["type"] != "S3" {
            return Err(invalid("only a source of type S3 is in the sandbox"));
        }
        let mut environment = project["environment"].clone();
        environment["environmentVariables"] = json!(variables(project, input));
        typed(&mut environment["environmentVariables"]);
        let number = index.numbers.entry(name.clone()).or_default();
        *number += 1;
        let group = format!("/aws/codebuild/{name}");
        let at = now();
        let build = json!({
            "id": id,
            "arn": format!("arn:aws:codebuild:{}:{}:build/{id}", caller.region, caller.account),
            "buildNumber": number,
            "startTime": at,
            "currentPhase": "QUEUED",
            "buildStatus": "IN_PROGRESS",
            "buildComplete": false,
            "projectName": name,
            "source": source,
            "environment": environment,
            "serviceRole": project["serviceRole"],
            "timeoutInMinutes": project.get("timeoutInMinutes").cloned().unwrap_or(json!(60)),
            "initiator": "user/sandbox",
            "logs": {
                "groupName": group,
                "streamName": uuid,
                "deepLink": format!("https://console.aws.amazon.com/cloudwatch/home?region={}#logEvent:group={group};stream={uuid}", caller.region),
                "cloudWatchLogsArn": format!("arn:aws:logs:{}:{}:log-group:{group}:log-stream:{uuid}", caller.region, caller.account),
            },
            "phases": [{ "phaseType": "SUBMITTED", "phaseStatus": "SUCCEEDED", "startTime": at, "endTime": at, "durationInSeconds": 0 }],
        });
        if let Some(token) = &token {
            index.tokens.insert(token.clone(), (request.clone(), id.clone()));
        }
        index.builds.insert(id.clone(), build.clone());
        Ok((build, true))
    })?;
    let (build, fresh) = build;
    if fresh {
        run::spawn(world, id, build.clone());
    }
    Ok(json!({ "build": build }))
}

/// A new project as it is when nothing more was said of it. Source: AWS CodeBuild API reference, CreateProject.
fn with_defaults(arn: &str, caller: &Caller) -> Value {
    json!({
        "arn": arn,
        "created": now(),
        "timeoutInMinutes": 60,
        "queuedTimeoutInMinutes": 480,
        "encryptionKey": format!("arn:aws:kms:{}:{}:alias/aws/s3", caller.region, caller.account),
        "cache": { "type": "NO_CACHE" },
        "badge": { "badgeEnabled": false },
    })
}
