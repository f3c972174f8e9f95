//! Any course of updates, some of which fail and some of which are cut off: what is there afterwards is what the template
//! of the last that succeeded says, and nothing else.

use std::{sync::Arc, time::Duration};

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::sandbox::{
    call::Answer,
    services::{cloudformation, sqs},
    testing,
};

const IDS: [&str; 4] = ["A", "B", "C", "D"];

/// A queue: its name, if it has one, and its visibility timeout.
type Queue = (Option<u8>, u8);

/// What a template says of each queue.
type Plan = [Option<Queue>; 4];

#[derive(Debug, Clone)]
struct Step {
    plan: Plan,
    /// Whether there is also a queue that cannot be made.
    broken: bool,
    /// Whether that stays as it is, and is then rolled back by hand.
    left: bool,
    /// Whether the engine is cut off in the midst, after so many microseconds.
    cut: Option<u16>,
}

fn queue_name(id: &str, name: u8) -> String {
    format!("{id}-{name}")
}

fn text(step: &Step) -> String {
    let mut resources = json!({ "Keeper": { "Type": "AWS::CloudFormation::WaitConditionHandle" } });
    let mut last = "Keeper";
    for (id, queue) in IDS.iter().zip(step.plan).filter_map(|(id, queue)| Some((id, queue?))) {
        let (name, visible) = queue;
        resources[id] = json!({
            "Type": "AWS::SQS::Queue",
            "DependsOn": last,
            "Properties": { "VisibilityTimeout": visible, "QueueName": name.map_or(json!({ "Ref": "AWS::NoValue" }), |name| json!(queue_name(id, name))) },
        });
        last = id;
    }
    if step.broken {
        resources["Broken"] =
            json!({ "Type": "AWS::SQS::Queue", "DependsOn": last, "Properties": { "DelaySeconds": 5000 } });
    }
    json!({ "Resources": resources }).to_string()
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

async fn call(world: &Arc<World>, operation: &str, input: Value) -> Answer {
    cloudformation::handle(world, operation, &input, &world.own_caller()).await
}

async fn settled(world: &Arc<World>) -> Stack {
    loop {
        let stack = world.cloudformation.store.read(|view| view.stack("s")).expect("the stack");
        if !stack.is_busy() && !world.cloudformation.tasks().by_stack.contains_key(&stack.id) {
            return stack;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn ask(world: &Arc<World>, operation: &str, input: Value) -> Value {
    sqs::handle(world, operation, input, &world.own_caller(), "127.0.0.1:1").await.expect("an answer")
}

/// The queues that are there, as far as the stack tells which is which, and how many there are in all.
async fn there(world: &Arc<World>) -> (Plan, usize) {
    let stack = settled(world).await;
    let resources = world.cloudformation.store.read(|view| view.resources(&stack.id));
    let mut plan: Plan = [None; 4];
    for (id, queue) in IDS.iter().zip(&mut plan) {
        let Some(resource) = resources.get(*id) else { continue };
        let url = resource.physical.clone().expect("a queue");
        let input = json!({ "QueueUrl": url, "AttributeNames": ["VisibilityTimeout"] });
        let visible =
            ask(world, "GetQueueAttributes", input).await["Attributes"]["VisibilityTimeout"].clone();
        let name = (0..3).find(|name| url.ends_with(&format!("/{}", queue_name(id, *name))));
        *queue = Some((name, visible.as_str().and_then(|text| text.parse().ok()).expect("a number")));
    }
    let all = ask(world, "ListQueues", json!({})).await;
    (plan, all["QueueUrls"].as_array().map_or(0, Vec::len))
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let queue = proptest::option::weighted(0.7, (proptest::option::of(0_u8..3), 0_u8..3));
    let cut = proptest::option::weighted(0.5, 0_u16..3000);
    let step = (proptest::array::uniform4(queue), proptest::bool::weighted(0.4), any::<bool>(), cut);
    let step = step.prop_map(|(plan, broken, left, cut)| Step { plan, broken, left, cut });
    proptest::collection::vec(step, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_there_is_what_the_last_success_says(steps in steps()) {
        let dir = tempfile::tempdir().expect("dir");
        let mut expected: Plan = [None; 4];
        let first = Step { plan: expected, broken: false, left: false, cut: None };
        let (mut running, mut world) = (runtime(), testing::world(dir.path()));
        running.block_on(async {
            call(&world, "CreateStack", json!({ "StackName": "s", "TemplateBody": text(&first) })).await.expect("begins");
            assert_eq!(settled(&world).await.status, "CREATE_COMPLETE");
        });
        for step in &steps {
            let input = json!({ "StackName": "s", "TemplateBody": text(step), "DisableRollback": step.left.to_string() });
            let begun = running.block_on(call(&world, "UpdateStack", input));
            if let Err(error) = begun {
                prop_assert_eq!(error.message, "No updates are to be performed.");
                continue;
            }
            if let Some(micros) = step.cut {
                running.block_on(async { tokio::time::sleep(Duration::from_micros(micros.into())).await });
                // Tasks end where they wait; what is on disk is all that the next life has.
                running.block_on(cloudformation::shutdown(&world));
                drop(running);
                drop(world);
                (running, world) = (runtime(), testing::world(dir.path()));
                let again = Arc::clone(&world);
                running.block_on(async move { cloudformation::resume(&again) });
            }
            let (status, found, count) = running.block_on(async {
                let mut status = settled(&world).await.status;
                if status == "UPDATE_FAILED" {
                    call(&world, "RollbackStack", json!({ "StackName": "s" })).await.expect("begins");
                    status = settled(&world).await.status;
                }
                let (found, count) = there(&world).await;
                (status, found, count)
            });
            if !step.broken {
                expected = step.plan;
            }
            let events = world.cloudformation.store.read(|view| view.stack("s").map(|stack| view.events(&stack.id)));
            let told: Vec<String> = events
                .unwrap_or_default()
                .iter()
                .take(40)
                .map(|(_, event)| format!("{} {} {:?} {:?}", event.logical, event.status, event.physical, event.reason))
                .collect();
            let wanted = if step.broken { "UPDATE_ROLLBACK_COMPLETE" } else { "UPDATE_COMPLETE" };
            prop_assert_eq!(status, wanted, "{:#?}", told);
            prop_assert_eq!((found, count), (expected, expected.iter().flatten().count()), "{:#?}", told);
        }
    }
}
