//! `{ $.status = 500 && $.path = "/x*" }`: by members of events that are JSON.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    DEEPEST,
    condition::{Wanted, operator, wanted},
};

#[derive(Debug)]
enum Step {
    Member(String),
    Item(usize),
    /// `[*]`: any item.
    Any,
}

#[derive(Debug)]
struct Selector {
    text: String,
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Expr {
    Compare(Selector, &'static str, Wanted),
    /// `IS TRUE`, `IS FALSE`, `IS NULL`.
    Is(Selector, Value),
    Exists(Selector, bool),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
}

#[derive(Debug)]
pub(in super::super) struct Json(Expr);

/// Reads it, with its braces.
///
/// # Errors
/// Why the text is none.
pub(super) fn parse(text: &str) -> Result<Json, String> {
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).ok_or("\"}\" is missing")?;
    let mut parser = Parser { rest: inner, depth: 0 };
    let expr = parser.either()?;
    parser.space();
    if parser.rest.is_empty() {
        Ok(Json(expr))
    } else {
        Err(format!("\"{}\" is not understood", parser.rest))
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, what: &str) -> bool {
        self.space();
        let taken = self.rest.strip_prefix(what);
        self.rest = taken.unwrap_or(self.rest);
        taken.is_some()
    }

    fn either(&mut self) -> Result<Expr, String> {
        let mut left = self.both()?;
        while self.take("||") {
            left = Expr::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Expr, String> {
        let mut left = self.one()?;
        while self.take("&&") {
            left = Expr::And(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Expr, String> {
        if self.take("(") {
            self.depth += 1;
            if self.depth > DEEPEST {
                return Err("it is nested too deeply".to_owned());
            }
            let inner = self.either()?;
            self.depth -= 1;
            return if self.take(")") { Ok(inner) } else { Err("\")\" is missing".to_owned()) };
        }
        let (selector, rest) = selector(self.rest.trim_start())?;
        self.rest = rest;
        for (words, value) in
            [("IS TRUE", Value::Bool(true)), ("IS FALSE", Value::Bool(false)), ("IS NULL", Value::Null)]
        {
            if self.take(words) {
                return Ok(Expr::Is(selector, value));
            }
        }
        for (words, there) in [("NOT EXISTS", false), ("EXISTS", true)] {
            if self.take(words) {
                return Ok(Expr::Exists(selector, there));
            }
        }
        self.space();
        let (operator, rest) =
            operator(self.rest).ok_or_else(|| format!("there is no comparison after {}", selector.text))?;
        let (wanted, rest) = wanted(operator, rest)?;
        self.rest = rest;
        Ok(Expr::Compare(selector, operator, wanted))
    }
}

/// Reads `$.a.b[0]['c']`, and tells what follows it.
fn selector(text: &str) -> Result<(Selector, &str), String> {
    let mut rest = text
        .strip_prefix('$')
        .ok_or_else(|| format!("a selector that begins with $. is missing before \"{text}\""))?;
    let mut steps = Vec::new();
    loop {
        if let Some(inner) = rest.strip_prefix('.') {
            let ends = |c: char| c.is_whitespace() || ".[]=!<>(){}&|,\"'%".contains(c);
            let (name, after) = inner.split_at(inner.find(ends).unwrap_or(inner.len()));
            if name.is_empty() {
                return Err("a selector has no name after a dot".to_owned());
            }
            steps.push(Step::Member(name.to_owned()));
            rest = after;
        } else if let Some(inner) = rest.strip_prefix('[') {
            let (inside, after) = inner.split_once(']').ok_or("\"]\" is missing")?;
            let inside = inside.trim();
            let name =
                ['"', '\''].into_iter().find_map(|quote| inside.strip_prefix(quote)?.strip_suffix(quote));
            steps.push(match (name, inside) {
                (Some(name), _) => Step::Member(name.to_owned()),
                (None, "*") => Step::Any,
                (None, number) => {
                    Step::Item(number.parse().map_err(|_| format!("[{inside}] is no place in an array"))?)
                }
            });
            rest = after;
        } else if steps.is_empty() {
            return Err("a selector has nothing after $".to_owned());
        } else {
            return Ok((Selector { text: text[..text.len() - rest.len()].to_owned(), steps }, rest));
        }
    }
}

impl Selector {
    fn find<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![value];
        for step in &self.steps {
            found = found
                .into_iter()
                .flat_map(|value| match step {
                    Step::Member(name) => value.get(name).into_iter().collect::<Vec<_>>(),
                    Step::Item(at) => value.get(at).into_iter().collect(),
                    Step::Any => value.as_array().into_iter().flatten().collect(),
                })
                .collect();
        }
        found
    }
}

/// A value that can be compared, as text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}

impl Expr {
    fn holds(&self, value: &Value) -> bool {
        match self {
            Self::And(a, b) => a.holds(value) && b.holds(value),
            Self::Or(a, b) => a.holds(value) || b.holds(value),
            Self::Exists(selector, there) => selector.find(value).is_empty() != *there,
            Self::Is(selector, wanted) => selector.find(value).contains(&wanted),
            // A member that is not there is neither like a text nor unlike it.
            Self::Compare(selector, operator, wanted) => {
                let found = selector.find(value);
                found.iter().any(|value| text(value).is_some_and(|text| wanted.holds(operator, &text)))
            }
        }
    }

    fn selectors(&self) -> Vec<&Selector> {
        match self {
            Self::And(a, b) | Self::Or(a, b) => a.selectors().into_iter().chain(b.selectors()).collect(),
            Self::Compare(selector, ..) | Self::Is(selector, _) | Self::Exists(selector, _) => vec![selector],
        }
    }
}

/// An event as an object or array, which alone have members.
fn read(message: &str) -> Option<Value> {
    let start = message.trim_start();
    if !start.starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str(start).ok()
}

impl Json {
    pub fn matches(&self, message: &str) -> bool {
        read(message).is_some_and(|value| self.0.holds(&value))
    }

    pub fn extract(&self, message: &str) -> BTreeMap<String, String> {
        let Some(value) = read(message) else { return BTreeMap::new() };
        let found = self.0.selectors().into_iter();
        found.filter_map(|one| Some((one.text.clone(), text(one.find(&value).first()?)?))).collect()
    }
}

/// What a selector alone finds.
pub(super) fn select(path: &str, message: &str) -> Option<String> {
    let (selector, rest) = selector(path.trim()).ok()?;
    if !rest.is_empty() {
        return None;
    }
    text(selector.find(&read(message)?).first()?)
}
