//! Making a stack, and changing one.

use crate::sandbox::call::ServiceError;

use super::{
    super::model::{OnFailure, Stack, now},
    Job, attempt, check_exports, context, graph, outputs, undo,
    walk::{After, walk},
};

/// Makes every resource of the template such as it wants them, and evaluates the outputs. Nothing where the stack has
/// been given another status meanwhile; else why it failed, if it did.
async fn apply(job: &Job) -> Result<Option<Result<super::Told, String>>, ServiceError> {
    let template = job.template()?;
    let known = context(&job.at, &job.stack, &job.stack.definition, &template, &job.resources());
    let arrows = match &known {
        Ok(known) => graph(known),
        Err(error) => return Ok(Some(Err(error.0.clone()))),
    };
    drop(known);
    // What shall be left as it is, is made as far as it can be. Source: CloudFormation user guide, "Choose how to handle
    // failures when provisioning resources".
    let after = if keeps(job) { After::GoOn } else { After::Stop };
    let failed = walk(arrows, after, || job.goes_on(), |id| attempt::apply(job, &template, id)).await;
    let Some(stack) = job.store().read(|view| view.stack(&job.stack.id)) else { return Ok(None) };
    if stack.status != job.stack.status {
        return Ok(None);
    }
    if stack.cancelled {
        return Ok(Some(Err("User Initiated".to_owned())));
    }
    if !failed.is_empty() {
        let verb = if job.stack.status == "CREATE_IN_PROGRESS" { "create" } else { "update" };
        return Ok(Some(Err(format!(
            "The following resource(s) failed to {verb}: [{}]. ",
            failed.join(", ")
        ))));
    }
    if !job.goes_on() {
        return Ok(Some(Err("Stack creation time exceeded the specified timeout. ".to_owned())));
    }
    let told = context(&job.at, &stack, &stack.definition, &template, &job.resources())
        .and_then(|known| outputs(&known))
        .and_then(|told| check_exports(job.store(), &stack, &told.exports).map(|()| told));
    Ok(Some(told.map_err(|error| error.0)))
}

/// Whether what was made stays when something fails.
fn keeps(job: &Job) -> bool {
    match job.stack.status.as_str() {
        "CREATE_IN_PROGRESS" => job.stack.on_failure == OnFailure::Nothing,
        _ => job.stack.disable_rollback,
    }
}

fn tell(stack: &mut Stack, told: super::Told) {
    stack.outputs = told.outputs;
    stack.exports = told.exports;
    stack.imports = told.imports;
}

pub(super) async fn create(job: &Job) -> Result<(), ServiceError> {
    let Some(done) = apply(job).await? else { return Ok(()) };
    let why = match done {
        Ok(told) => return job.turn("CREATE_COMPLETE", None, |stack| tell(stack, told)),
        Err(why) => why,
    };
    match job.stack.on_failure {
        OnFailure::Nothing => job.turn("CREATE_FAILED", Some(why), |_| {}),
        OnFailure::Delete => {
            let why = format!("{why}Delete requested by user.");
            job.turn("DELETE_IN_PROGRESS", Some(why), |stack| stack.cancelled = false)
        }
        OnFailure::Rollback => {
            let why = format!("{why}Rollback requested by user.");
            job.turn("ROLLBACK_IN_PROGRESS", Some(why), |stack| stack.cancelled = false)
        }
    }
}

pub(super) async fn update(job: &Job) -> Result<(), ServiceError> {
    let Some(done) = apply(job).await? else { return Ok(()) };
    match done {
        Ok(told) => job.turn("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None, |stack| {
            tell(stack, told);
            stack.former = None;
            stack.updated = Some(now());
        }),
        Err(why) if job.stack.disable_rollback && why != "User Initiated" => {
            undo::restore_failed(job).await?;
            job.turn("UPDATE_FAILED", Some(why), |_| {})
        }
        Err(why) => job.turn("UPDATE_ROLLBACK_IN_PROGRESS", Some(why), |stack| stack.cancelled = false),
    }
}
