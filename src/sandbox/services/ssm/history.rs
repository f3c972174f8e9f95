//! The versions of a parameter, oldest first.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{call::Answer, page::page, protocol::input};

use super::{Call, name::Wanted, no_page, no_parameter};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct History {
    name: String,
    with_decryption: Option<bool>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

pub(super) fn history(call: &Call<'_>, value: Value) -> Answer {
    let asked: History = input::read(value)?;
    let limit = input::limit(asked.max_results, 50, 50)?;
    let wanted = Wanted::read(&asked.name, call.caller)?;
    if wanted.selector.is_some() {
        return Err(no_parameter(&asked.name));
    }
    call.look(&wanted, |parameter, _| {
        let told = |version| parameter.told(version, asked.with_decryption == Some(true));
        let all = parameter.versions.iter().map(|version| (format!("{:020}", version.number), told(version)));
        let (shown, next) =
            page(all.collect(), false, limit, asked.next_token.as_deref()).ok_or_else(no_page)?;
        let mut answer = json!({ "Parameters": shown });
        if let Some(next) = next {
            answer["NextToken"] = next.into();
        }
        Ok(answer)
    })
}
