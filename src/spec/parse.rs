//! `pave.toml` text -> [`Spec`], with every mistake pointed at in the file.
//!
//! Unknown keys are found by walking the document beside the JSON Schema, so that all of them are
//! reported at once and each gets a suggestion; types and missing keys are found by serde.

use std::ops::Range;

use serde_json::Value;
use toml_edit::{Document, Item, TableLike};

use super::types::Spec;

/// One mistake in a `pave.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Where, as bytes of the text.
    pub span: Option<Range<usize>>,
}

/// A `pave.toml` that cannot be used, with all that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} in {file}", count(mistakes.len()))]
pub struct SpecError {
    /// Name of the file, for people.
    pub file: String,
    /// Its text, which the spans point into.
    pub text: String,
    /// What is wrong, in the order of the file.
    pub mistakes: Vec<Mistake>,
}

fn count(mistakes: usize) -> String {
    if mistakes == 1 { "1 mistake".to_owned() } else { format!("{mistakes} mistakes") }
}

/// A parsed spec with the document it came from, for spans.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The spec.
    pub spec: Spec,
    /// The document.
    pub source: Source,
}

/// The text of a `pave.toml` and where its keys stand.
#[derive(Debug, Clone)]
pub struct Source {
    /// Name of the file, for people.
    pub file: String,
    /// Its text.
    pub text: String,
    document: Document<String>,
}

impl Source {
    /// Where the value at a path such as `["dependencies", "0", "url"]` stands, else its closest parent.
    pub fn span(&self, path: &[&str]) -> Option<Range<usize>> {
        let mut best = None;
        let mut item = self.document.as_item();
        for segment in path {
            let next = match segment.parse::<usize>() {
                Ok(index) => item.get(index),
                Err(_) => item.get(*segment),
            };
            let Some(next) = next else { break };
            item = next;
            best = item.span().or(best);
        }
        best
    }

    /// The 1-based line of the value at exactly this path, if the file has it.
    pub fn line(&self, path: &[&str]) -> Option<usize> {
        let mut item = self.document.as_item();
        for segment in path {
            item = match segment.parse::<usize>() {
                Ok(index) => item.get(index)?,
                Err(_) => item.get(*segment)?,
            };
        }
        let start = item.span()?.start;
        Some(self.text[..start].matches('\n').count() + 1)
    }

    /// An error that carries this source.
    pub fn error(&self, mistakes: Vec<Mistake>) -> SpecError {
        SpecError { file: self.file.clone(), text: self.text.clone(), mistakes }
    }
}

/// Parses the text of a `pave.toml`; `file` is only its name for messages.
///
/// # Errors
/// All unknown keys at once, else the first syntax or type mistake. The meaning of values is
/// checked by [`super::validate`].
pub fn parse(file: &str, text: &str) -> Result<Parsed, SpecError> {
    let fail = |mistakes| SpecError { file: file.to_owned(), text: text.to_owned(), mistakes };
    let document = Document::parse(text.to_owned()).map_err(|error| {
        fail(vec![Mistake { message: error.message().to_owned(), help: None, span: error.span() }])
    })?;
    let schema = schema();
    let mut unknown = Vec::new();
    walk(document.as_table(), &schema, &schema, "", &mut unknown);
    if !unknown.is_empty() {
        return Err(fail(unknown));
    }
    let spec = toml_edit::de::from_str::<Spec>(text).map_err(|error| {
        let message = error.message().to_owned();
        let help = help_for(&message);
        fail(vec![Mistake { message, help, span: error.span() }])
    })?;
    Ok(Parsed { spec, source: Source { file: file.to_owned(), text: text.to_owned(), document } })
}

/// The JSON Schema of `pave.toml`, generated from the types.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Spec).to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), "pave.toml".into());
    }
    schema
}

/// Follows `$ref` and the non-null branch of `anyOf`.
fn deref<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let pointer = target.trim_start_matches('#');
        return root.pointer(pointer).map_or(schema, |found| deref(found, root));
    }
    if let Some(branches) = schema.get("anyOf").and_then(Value::as_array) {
        let branch = branches.iter().find(|b| b.get("type").and_then(Value::as_str) != Some("null"));
        return branch.map_or(schema, |b| deref(b, root));
    }
    schema
}

fn walk(table: &dyn TableLike, schema: &Value, root: &Value, path: &str, found: &mut Vec<Mistake>) {
    let schema = deref(schema, root);
    let properties = schema.get("properties").and_then(Value::as_object);
    let additional = schema.get("additionalProperties").filter(|a| a.is_object());
    for (key, item) in table.iter() {
        let here = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        let inner = properties.and_then(|p| p.get(key)).or(additional);
        match inner {
            Some(inner) => descend(item, inner, root, &here, found),
            None => {
                let known: Vec<&str> =
                    properties.map(|p| p.keys().map(String::as_str).collect()).unwrap_or_default();
                let place = if path.is_empty() { "at the top".to_owned() } else { format!("in [{path}]") };
                found.push(Mistake {
                    message: format!("unknown key `{key}` {place}"),
                    help: Some(suggest(key, &known)),
                    span: table.key(key).and_then(|k| k.span()).or_else(|| item.span()),
                });
            }
        }
    }
}

fn descend(item: &Item, schema: &Value, root: &Value, path: &str, found: &mut Vec<Mistake>) {
    if let Some(table) = item.as_table_like() {
        walk(table, schema, root, path, found);
    } else if let Some(items) = deref(schema, root).get("items") {
        if let Some(tables) = item.as_array_of_tables() {
            for table in tables {
                walk(table, items, root, path, found);
            }
        } else if let Some(array) = item.as_array() {
            for table in array.iter().filter_map(|value| value.as_inline_table()) {
                walk(table, items, root, path, found);
            }
        }
    }
}

/// "did you mean", or the list of what is known.
pub fn suggest(word: &str, known: &[&str]) -> String {
    match closest(word, known) {
        Some(best) => format!("did you mean `{best}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// The known word that `word` was probably meant to be.
pub fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |word: &str| word.to_lowercase().replace('-', "_");
    known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(&plain(word), &plain(candidate)), *candidate))
        .filter(|(score, _)| *score >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// A suggestion for serde's "unknown variant `x`, expected one of `a`, `b`".
fn help_for(message: &str) -> Option<String> {
    let mut words = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown variant") {
        let word = words.next()?;
        let known: Vec<&str> = words.collect();
        return Some(suggest(word, &known));
    }
    if message.starts_with("missing field") {
        return Some(format!("add `{}`", words.next()?));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "[service]\nname = \"orders\"\nowner = \"payments\"\nlanguage = \"python\"\n\n[environments.sandbox]\ntarget = \"sandbox\"\n";

    #[test]
    fn the_smallest_file_takes_defaults_for_the_rest() {
        let parsed = parse("pave.toml", SMALL).expect("parses");
        assert_eq!(parsed.spec.http.port, 8080);
        assert_eq!(parsed.spec.rollout.steps, [5, 25, 50, 100]);
    }

    #[test]
    fn every_unknown_key_is_reported_at_its_place_with_a_suggestion() {
        let text = SMALL.replace("owner", "ownr")
            + "\n[[dependencies]]\nname = \"a\"\nkidn = \"http\"\n[htp]\nport = 1\n";
        let error = parse("pave.toml", &text).expect_err("three typos");
        let found: Vec<_> = error
            .mistakes
            .iter()
            .map(|m| (&text[m.span.clone().expect("span")], m.help.as_deref().expect("help")))
            .collect();
        assert!(found.contains(&("ownr", "did you mean `owner`?")), "{found:?}");
        assert!(found.contains(&("kidn", "did you mean `kind`?")), "{found:?}");
        assert!(found.iter().any(|(_, help)| *help == "did you mean `http`?"), "{found:?}");
    }

    #[test]
    fn a_wrong_type_and_a_wrong_word_point_at_the_value() {
        let text = SMALL.to_owned() + "[http]\nport = \"eighty\"\n";
        let error = parse("pave.toml", &text).expect_err("wrong type");
        assert_eq!(&text[error.mistakes[0].span.clone().expect("span")], "\"eighty\"");
        let text = SMALL.replace("\"python\"", "\"pyton\"");
        let error = parse("pave.toml", &text).expect_err("wrong word");
        assert_eq!(error.mistakes[0].help.as_deref(), Some("did you mean `python`?"));
    }

    #[test]
    fn overrides_in_an_environment_are_closed_too() {
        let text = SMALL.to_owned() + "scale = { cpuu = \"1\" }\n";
        let error = parse("pave.toml", &text).expect_err("typo");
        assert_eq!(error.mistakes[0].help.as_deref(), Some("did you mean `cpu`?"));
    }

    #[test]
    fn text_that_is_not_toml_is_a_mistake_with_a_place() {
        let error = parse("pave.toml", "[service\n").expect_err("not TOML");
        assert!(error.mistakes[0].span.is_some());
    }
}
