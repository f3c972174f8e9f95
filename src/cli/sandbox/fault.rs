//! `pave sandbox fault`.

use std::path::Path;

use serde_json::json;

use crate::{
    cli::{
        Failure,
        args::{FaultToAdd, SandboxFault},
        code,
        output::{Output, Tone},
    },
    sandbox::{
        faults::{Fault, Faults, Kind},
        services::{OPERATIONS, apprunner::AppRunner, codebuild::CodeBuild},
    },
    spec::{closest, suggest},
};

/// Adds, lists or clears faults of the sandbox in `dir`, whether it runs or not.
pub(super) fn run(dir: &Path, command: &SandboxFault, output: &Output) -> Result<(), Failure> {
    let faults = Faults::of(dir);
    let failed = |error: crate::sandbox::faults::FaultsError| {
        Failure::new(code::INVALID, error.to_string(), "start the sandbox first with `pave sandbox up`")
    };
    match command {
        SandboxFault::Add(wanted) => {
            let fault = faults.add(checked(wanted)?).map_err(failed)?;
            if let Some(text) = not_there(dir, &fault) {
                output.progress(&output.paint(Tone::Note, &format!("warning: {text}")));
            }
            output.json(&json!({ "type": "fault", "fault": fault }));
            output.say(&format!("fault {}: {}", fault.id, described(&fault)));
            output.next(&format!("pave sandbox fault clear {}", fault.id));
        }
        SandboxFault::List => {
            let all = faults.list().map_err(failed)?;
            output.json(&json!({ "type": "faults", "faults": all }));
            if all.is_empty() {
                output.say("nothing goes wrong on purpose");
            }
            for fault in &all {
                output.say(&format!("{:>3}  {}", fault.id, described(fault)));
            }
        }
        SandboxFault::Clear { id } => {
            let cleared = faults.clear(*id).map_err(failed)?;
            if let Some(id) = id.filter(|_| cleared == 0) {
                let what = format!("there is no fault {id}");
                return Err(Failure::new(
                    code::INVALID,
                    what,
                    "`pave sandbox fault list` shows what there is",
                ));
            }
            output.json(&json!({ "type": "faults", "cleared": cleared }));
            output.say(&format!("{cleared} taken away"));
        }
    }
    Ok(())
}

fn checked(wanted: &FaultToAdd) -> Result<Fault, Failure> {
    let usage = |what: String, todo: String| Failure::new(code::USAGE, what, todo);
    let kind: Kind = wanted.kind.parse().map_err(|()| {
        let kinds = Kind::ALL.map(Kind::name);
        usage(format!("`{}` is nothing that can go wrong", wanted.kind), suggest(&wanted.kind, &kinds))
    })?;
    if !(wanted.share > 0.0 && wanted.share <= 1.0) {
        let what = format!("a share of {} is not possible", wanted.share);
        return Err(usage(what, "use more than 0, and at most 1 for always".to_owned()));
    }
    if (kind == Kind::Delay) != wanted.delay.is_some() {
        let what = if kind == Kind::Delay {
            "a delay needs to be told how long"
        } else {
            "only a delay takes --delay"
        };
        return Err(usage(what.to_owned(), "as in `pave sandbox fault add delay --delay 2s`".to_owned()));
    }
    if !kind.is_of_calls() && wanted.operation.is_some() {
        let what = format!("`{kind}` strikes what runs, and not an operation");
        return Err(usage(what, "leave --operation out".to_owned()));
    }
    if let (None, Some(operation)) = (&wanted.service, wanted.operation.as_deref()) {
        let known: Vec<&str> = OPERATIONS.iter().flat_map(|(_, known)| known.iter().copied()).collect();
        if !known.contains(&operation) {
            let todo = closest(operation, &known).map_or_else(
                || "`pave sandbox operations` shows what there is".to_owned(),
                |best| format!("did you mean `{best}`?"),
            );
            return Err(usage(format!("no service of the sandbox has an operation `{operation}`"), todo));
        }
    }
    if let Some(service) = wanted.service.as_deref().filter(|_| kind.is_of_calls()) {
        let Some((_, known)) = OPERATIONS.iter().find(|(name, _)| *name == service) else {
            let services: Vec<&str> = OPERATIONS.iter().map(|(name, _)| *name).collect();
            let what = format!("the sandbox has no service `{service}`");
            return Err(usage(what, suggest(service, &services)));
        };
        if let Some(operation) = wanted.operation.as_deref().filter(|operation| !known.contains(operation)) {
            let what = format!("{service} has no operation `{operation}` in the sandbox");
            return Err(usage(what, suggest(operation, known)));
        }
    }
    Ok(Fault {
        id: 0,
        kind,
        service: wanted.service.clone(),
        operation: wanted.operation.clone(),
        share: wanted.share,
        left: wanted.times,
        delay_ms: wanted.delay.map(crate::spec::units::Duration::as_millis),
    })
}

/// What is to be told of a fault of what runs, where nothing runs that it could strike. It may be made later.
fn not_there(dir: &Path, fault: &Fault) -> Option<String> {
    let name = fault.service.as_deref().filter(|_| !fault.kind.is_of_calls())?;
    let (what, known) = match fault.kind {
        Kind::BuildFailure => ("build project", CodeBuild::names(&dir.join("codebuild"))),
        _ => ("App Runner service", AppRunner::names(&dir.join("apprunner"))),
    };
    let known = known.ok()?;
    if known.iter().any(|known| known == name) {
        return None;
    }
    let there = if known.is_empty() { "none" } else { &known.join(", ") };
    Some(format!("there is no {what} `{name}` yet; those that are there: {there}"))
}

fn described(fault: &Fault) -> String {
    let any = if fault.kind.is_of_calls() { "every service" } else { "all" };
    let mut words = format!("{} of {}", fault.kind, fault.service.as_deref().unwrap_or(any));
    if let Some(operation) = &fault.operation {
        words += &format!(" {operation}");
    }
    if let Some(delay) = fault.delay_ms {
        words += &format!(", {delay} ms");
    }
    if fault.share < 1.0 {
        words += &format!(", {} % of the time", (fault.share * 1000.0).round() / 10.0);
    }
    match fault.left {
        Some(0) => words += ", used up",
        Some(left) => words += &format!(", {left} times yet"),
        None => {}
    }
    words
}
