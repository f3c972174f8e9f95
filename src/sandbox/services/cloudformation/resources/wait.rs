//! `AWS::CloudFormation::WaitConditionHandle`: an address, and nothing behind it without a `WaitCondition`.

use async_trait::async_trait;

use crate::sandbox::services::cloudformation::{diff::Recreation, template::Made};

use super::{At, Kind, Naming, Outcome, Properties};

pub(super) struct WaitConditionHandle;

fn made(at: &At, name: &str) -> Made {
    let physical = format!("http://{}/cloudformation-waitcondition/{name}", at.world.addresses.api);
    Made { physical, ..Made::default() }
}

#[async_trait]
impl Kind for WaitConditionHandle {
    fn name(&self) -> &'static str {
        "AWS::CloudFormation::WaitConditionHandle"
    }

    fn properties(&self) -> &'static [(&'static str, Recreation)] {
        &[]
    }

    fn naming(&self) -> Option<Naming> {
        None
    }

    async fn find(&self, _: &At, _: &str) -> Outcome<Option<Made>> {
        Ok(None)
    }

    async fn create(&self, at: &At, name: &str, _: &Properties) -> Outcome<Made> {
        Ok(made(at, name))
    }

    async fn update(&self, _: &At, physical: &str, _: &Properties, _: &Properties) -> Outcome<Made> {
        Ok(Made { physical: physical.to_owned(), ..Made::default() })
    }

    async fn delete(&self, _: &At, _: &str, _: &Properties) -> Outcome<()> {
        Ok(())
    }

    async fn read(&self, _: &At, _: &str) -> Outcome<Option<Properties>> {
        Ok(Some(Properties::new()))
    }
}
