//! What a member or a field is compared with.

use regex::{Regex, RegexBuilder};

#[derive(Debug)]
pub(super) enum Wanted {
    /// A text in which `*` stands for any other.
    Text(String),
    /// A number, and how it was written: a text of the same writing is meant by `=`, too.
    Number(f64, String),
    Regex(Regex),
}

/// A regular expression of limited size, so that none takes long.
///
/// # Errors
/// Why the text is none.
pub(super) fn regex(text: &str) -> Result<Regex, String> {
    let mut builder = RegexBuilder::new(text);
    builder.size_limit(1 << 20).build().map_err(|_| format!("%{text}% is no regular expression"))
}

/// Whether a text is a pattern's, where `*` stands for any text.
pub(super) fn like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The operator that a text begins with, and what follows it.
pub(super) fn operator(text: &str) -> Option<(&'static str, &str)> {
    ["!=", ">=", "<=", "=", ">", "<"]
        .into_iter()
        .find_map(|operator| Some((operator, text.strip_prefix(operator)?)))
}

/// Reads what follows an operator, and tells what follows that.
///
/// # Errors
/// Why there is nothing to compare with, or nothing that has an order.
pub(super) fn wanted<'a>(operator: &str, text: &'a str) -> Result<(Wanted, &'a str), String> {
    let text = text.trim_start();
    let (wanted, rest) = if let Some(inner) = text.strip_prefix('"') {
        let (text, rest) = super::terms::quoted(inner).ok_or("a quote does not end")?;
        (Wanted::Text(text), rest)
    } else if let Some(inner) = text.strip_prefix('%') {
        let (text, rest) = inner.split_once('%').ok_or("a regular expression does not end with %")?;
        (Wanted::Regex(regex(text)?), rest)
    } else {
        let ends = |c: char| c.is_whitespace() || "(){}[],&|=<>!".contains(c);
        let (word, rest) = text.split_at(text.find(ends).unwrap_or(text.len()));
        if word.is_empty() {
            return Err(format!("there is nothing to compare with before \"{text}\""));
        }
        match word.parse::<f64>() {
            Ok(number) if number.is_finite() => (Wanted::Number(number, word.to_owned()), rest),
            _ => (Wanted::Text(word.to_owned()), rest),
        }
    };
    if !matches!(wanted, Wanted::Number(..)) && operator != "=" && operator != "!=" {
        return Err(format!("{operator} compares numbers only"));
    }
    Ok((wanted, rest))
}

impl Wanted {
    /// Whether a text is meant, which is a number where it reads as one.
    pub fn holds(&self, operator: &str, text: &str) -> bool {
        let same = match self {
            Self::Text(pattern) => like(pattern, text),
            Self::Regex(regex) => regex.is_match(text),
            Self::Number(wanted, written) => {
                let found = text.parse::<f64>();
                match (operator, found) {
                    (">", Ok(found)) => return found > *wanted,
                    ("<", Ok(found)) => return found < *wanted,
                    (">=", Ok(found)) => return found >= *wanted,
                    ("<=", Ok(found)) => return found <= *wanted,
                    (_, Ok(found)) => found == *wanted,
                    ("=" | "!=", Err(_)) => text == written,
                    _ => return false,
                }
            }
        };
        if operator == "!=" { !same } else { same }
    }
}
