//! Random passwords. Source of the characters and limits: API reference, GetRandomPassword.

use rand::{
    rngs::ThreadRng,
    seq::{IndexedRandom as _, SliceRandom as _},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    call::Answer,
    protocol::input::{self, length, within},
};

use super::invalid_parameter;

const USUAL_LENGTH: i64 = 32;
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Wanted {
    password_length: Option<i64>,
    exclude_characters: Option<String>,
    exclude_numbers: Option<bool>,
    exclude_punctuation: Option<bool>,
    exclude_uppercase: Option<bool>,
    exclude_lowercase: Option<bool>,
    include_space: Option<bool>,
    require_each_included_type: Option<bool>,
}

pub(super) fn random(value: Value) -> Answer {
    let wanted: Wanted = input::read(value)?;
    let long = wanted.password_length.unwrap_or(USUAL_LENGTH);
    within("passwordLength", "have value", long, 1, 4096)?;
    let excluded = wanted.exclude_characters.unwrap_or_default();
    length("excludeCharacters", &excluded, 0, 4096)?;
    let kinds = [
        (wanted.exclude_lowercase, ('a'..='z').collect::<Vec<char>>()),
        (wanted.exclude_uppercase, ('A'..='Z').collect()),
        (wanted.exclude_numbers, ('0'..='9').collect()),
        (wanted.exclude_punctuation, PUNCTUATION.chars().collect()),
    ];
    let left = |(exclude, all): (Option<bool>, Vec<char>)| {
        let left = all.into_iter().filter(|c| !excluded.contains(*c)).collect::<Vec<char>>();
        (exclude != Some(true)).then_some(left)
    };
    let kinds: Vec<Vec<char>> = kinds.into_iter().filter_map(left).collect();
    let mut all: Vec<char> = kinds.concat();
    if wanted.include_space == Some(true) && !excluded.contains(' ') {
        all.push(' ');
    }
    let mut dice: ThreadRng = rand::rng();
    let mut password: Vec<char> = Vec::new();
    // The space is no type of which there must be one.
    if wanted.require_each_included_type != Some(false) {
        for kind in &kinds {
            let text = "The excluded characters leave none of a type that the password must have.";
            password.push(*kind.choose(&mut dice).ok_or_else(|| invalid_parameter(text))?);
        }
    }
    let long = long as usize;
    if password.len() > long {
        let text = format!("Password length {long} is too short based on the required types.");
        return Err(invalid_parameter(text));
    }
    while password.len() < long {
        let text = "No characters are left to make a password of.";
        password.push(*all.choose(&mut dice).ok_or_else(|| invalid_parameter(text))?);
    }
    password.shuffle(&mut dice);
    Ok(json!({ "RandomPassword": password.into_iter().collect::<String>() }))
}
