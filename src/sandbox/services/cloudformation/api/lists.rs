//! Lists across stacks.

use serde_json::{Value, json};

use crate::sandbox::call::Answer;

use super::{
    super::{
        engine,
        model::{Stack, told},
    },
    Request,
    describe::{PAGE, drift},
    input::page,
    invalid,
};

pub(super) fn stacks(request: &Request<'_>) -> Answer {
    let wanted = request.texts("StackStatusFilter");
    let mut found: Vec<Stack> = request.store().read(|view| {
        let wanted = |stack: &&Stack| wanted.is_empty() || wanted.contains(&stack.status);
        view.stacks().filter(wanted).cloned().collect()
    });
    found.sort_by(|a, b| b.created.total_cmp(&a.created));
    let keyed = found.into_iter().map(|stack| (stack.id.clone(), stack)).collect();
    let (some, next) = page(keyed, request.text("NextToken"), PAGE)?;
    let mut shown: Vec<Value> = Vec::new();
    for stack in &some {
        let description = match stack.definition.template.is_empty() {
            true => None,
            false => engine::read_template(request.store(), &stack.definition)?.description,
        };
        shown.push(json!({
            "StackId": stack.id,
            "StackName": stack.name,
            "TemplateDescription": description,
            "CreationTime": told(stack.created),
            "LastUpdatedTime": stack.updated.map(told),
            "DeletionTime": stack.deleted.map(told),
            "StackStatus": stack.status,
            "StackStatusReason": stack.reason,
            "DriftInformation": drift(stack),
        }));
    }
    Ok(json!({ "StackSummaries": shown, "NextToken": next }))
}

pub(super) fn exports(request: &Request<'_>) -> Answer {
    let keyed = request.store().read(|view| {
        let one = |(name, (value, stack)): (String, (String, &Stack))| {
            let shown = json!({ "ExportingStackId": stack.id, "Name": name, "Value": value });
            (name, shown)
        };
        view.exports().into_iter().map(one).collect()
    });
    let (some, next) = page(keyed, request.text("NextToken"), PAGE)?;
    Ok(json!({ "Exports": some, "NextToken": next }))
}

pub(super) fn imports(request: &Request<'_>) -> Answer {
    let name = request.required("ExportName")?;
    let users = request.store().read(|view| view.importers(name));
    if users.is_empty() {
        return Err(invalid(format!("Export '{name}' is not imported by any stack.")));
    }
    let keyed = users.into_iter().map(|user| (user.clone(), user)).collect();
    let (some, next) = page(keyed, request.text("NextToken"), PAGE)?;
    Ok(json!({ "Imports": some, "NextToken": next }))
}
