//! How an operation of a stack begins: what it would change, whose token it has, and the engine that is started.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::sandbox::{
    access::Actor,
    call::{Answer, ServiceError},
    server::uuid,
};

use super::{
    super::{
        diff,
        engine::{self, context, graph, outputs},
        model::{Definition, OnFailure, Stack, now},
        resources,
        store::Changes,
        template::{Template, TemplateError},
    },
    Request, invalid,
};

/// What is told of a change: whether anything differs, and the changes.
pub(super) struct Preview {
    pub changes: Vec<diff::Change>,
    pub tags_differ: bool,
    pub outputs_differ: bool,
}

impl Request<'_> {
    /// What a definition would change of a stack.
    pub(super) fn preview(
        &self,
        stack: &Stack,
        made: bool,
        definition: &Definition,
        template: &Template,
    ) -> Result<Preview, ServiceError> {
        let wrong = |error: TemplateError| invalid(error.0);
        let records = self.store().read(|view| view.resources(&stack.id));
        let mut after = context(&self.at, stack, definition, template, &records).map_err(wrong)?;
        after.foresee = true;
        outputs(&after).map_err(wrong)?;
        let old_template =
            if made { engine::read_template(self.store(), &stack.definition)? } else { Template::default() };
        let before = made.then(|| context(&self.at, stack, &stack.definition, &old_template, &records));
        let mut before = before.transpose().map_err(wrong)?;
        if let Some(before) = &mut before {
            before.foresee = true;
        }
        let told = |template: &Template| format!("{:?} {:?}", template.outputs, template.description);
        let outputs_differ = made
            && (told(&old_template) != told(template)
                || stack.definition.parameters != definition.parameters && !template.outputs.is_empty() && {
                    let old = before.as_ref().map(outputs).transpose().map_err(wrong)?;
                    let new = outputs(&after).map_err(wrong)?;
                    old.is_none_or(|old| old.outputs != new.outputs)
                });
        let changes = diff::changes(before.as_ref(), &mut after, &resources::recreation).map_err(wrong)?;
        let tags_differ = made && stack.definition.tags != definition.tags;
        if graph(&after).is_empty() {
            return Err(invalid("Template format error: At least one Resources member must be defined."));
        }
        Ok(Preview { changes, tags_differ, outputs_differ })
    }

    /// What identifies this request among those with the same token.
    pub(super) fn digest(&self, operation: &str) -> String {
        format!("{operation} {}", hex::encode(Sha256::digest(self.input.to_string().as_bytes())))
    }

    /// Whether this very request was made before with its token.
    pub(super) fn repeated(&self, stack: &Stack, operation: &str) -> Result<bool, ServiceError> {
        let Some(token) = self.text("ClientRequestToken") else { return Ok(false) };
        match stack.tokens.get(token) {
            None => Ok(false),
            Some(digest) if *digest == self.digest(operation) => Ok(true),
            Some(_) => {
                let text = format!("Token {token} was used with another request");
                Err(ServiceError::client("TokenAlreadyExistsException", text))
            }
        }
    }

    /// A new operation of a stack.
    pub(super) fn begin(&self, stack: &mut Stack, operation: &str) {
        stack.operation = uuid();
        stack.actor = Actor::calling(&self.at.world, &self.at.caller);
        stack.started = now();
        stack.cancelled = false;
        stack.token = self.text("ClientRequestToken").map(str::to_owned);
        if let Some(token) = stack.token.clone() {
            stack.tokens.insert(token, self.digest(operation));
        }
    }

    /// Keeps a stack with its new status and lets the engine go on with it.
    pub(super) fn turn(
        &self,
        changes: &mut Changes,
        mut stack: Stack,
        status: &str,
        reason: &str,
    ) -> Result<String, ServiceError> {
        let event = stack.turn(status, Some(reason.to_owned()));
        changes.stack(&stack);
        changes.event(&stack.id, event);
        Ok(stack.id)
    }

    pub(super) fn started(&self, id: String) -> Answer {
        engine::start(&self.at.world, &id);
        Ok(json!({ "StackId": id }))
    }

    pub(super) fn on_failure(&self, name: &str) -> Result<Option<OnFailure>, ServiceError> {
        match self.text(name) {
            None => Ok(None),
            Some("ROLLBACK") => Ok(Some(OnFailure::Rollback)),
            Some("DELETE") => Ok(Some(OnFailure::Delete)),
            Some("DO_NOTHING") => Ok(Some(OnFailure::Nothing)),
            Some(other) => Err(invalid(format!(
                "1 validation error detected: Value '{other}' at 'onFailure' failed to satisfy constraint: Member must satisfy enum value set: [DO_NOTHING, ROLLBACK, DELETE]"
            ))),
        }
    }

    /// A stack that is not there yet.
    pub(super) fn new_stack(&self, name: &str) -> Stack {
        let caller = &self.at.caller;
        Stack {
            id: format!(
                "arn:aws:cloudformation:{}:{}:stack/{name}/{}",
                caller.region,
                caller.account,
                uuid()
            ),
            name: name.to_owned(),
            created: now(),
            ..Stack::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use super::*;
    use crate::sandbox::testing;

    #[tokio::test(flavor = "multi_thread", worker_threads = 8)]
    async fn the_same_call_at_once_is_one_stack() {
        let dir = tempfile::tempdir().expect("dir");
        let world = testing::world(dir.path());
        for round in 0..20 {
            let input = json!({
                "StackName": format!("same-{round}"),
                "TemplateBody": "Resources: { W: { Type: AWS::CloudFormation::WaitConditionHandle } }",
                "ClientRequestToken": "token",
            });
            let begin = Arc::new(tokio::sync::Barrier::new(16));
            let calls = (0..16).map(|_| {
                let (world, input, begin) = (Arc::clone(&world), input.clone(), Arc::clone(&begin));
                tokio::spawn(async move {
                    begin.wait().await;
                    super::super::handle(&world, "CreateStack", &input, &world.own_caller()).await
                })
            });
            let mut made = BTreeSet::new();
            for call in calls.collect::<Vec<_>>() {
                let answer = call.await.expect("no panic").expect("is made or was");
                made.insert(answer["StackId"].to_string());
            }
            assert_eq!(made.len(), 1);
        }
    }
}
