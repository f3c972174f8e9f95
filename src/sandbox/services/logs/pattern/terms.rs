//! Terms: all that are plain, none that begin with `-`, and one of those that begin with `?`.

use regex::Regex;

use super::condition::regex;

#[derive(Debug)]
enum Term {
    Text(String),
    Regex(Regex),
}

impl Term {
    fn is_in(&self, message: &str) -> bool {
        match self {
            Self::Text(text) => message.contains(text.as_str()),
            Self::Regex(regex) => regex.is_match(message),
        }
    }
}

#[derive(Debug, Default)]
pub(in super::super) struct Terms {
    all: Vec<Term>,
    any: Vec<Term>,
    none: Vec<Term>,
}

/// Reads them.
///
/// # Errors
/// Why the text holds none; a term with more than letters, digits and `_` has to be in quotes.
pub(super) fn parse(text: &str) -> Result<Terms, String> {
    let mut terms = Terms::default();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { return Ok(terms) };
        let list = match first {
            '-' => &mut terms.none,
            '?' => &mut terms.any,
            _ => &mut terms.all,
        };
        if first == '-' || first == '?' {
            rest = &rest[1..];
        }
        if let Some(inner) = rest.strip_prefix('"') {
            let (text, after) = quoted(inner).ok_or("a quote does not end")?;
            list.push(Term::Text(text));
            rest = after;
        } else if let Some(inner) = rest.strip_prefix('%') {
            let (text, after) = inner.split_once('%').ok_or("a regular expression does not end with %")?;
            list.push(Term::Regex(regex(text)?));
            rest = after;
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if word.is_empty() || !word.chars().all(|c| c.is_alphanumeric() || c == '_') {
                return Err(format!(
                    "\"{word}\" has characters other than letters, digits and _, so it has to be in quotes"
                ));
            }
            list.push(Term::Text(word.to_owned()));
            rest = after;
        }
        if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
            return Err(format!("there is no space before \"{rest}\""));
        }
    }
}

/// The text until the closing quote, and what follows it; `\"` and `\\` stand for themselves.
pub(super) fn quoted(text: &str) -> Option<(String, &str)> {
    let mut found = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((found, &text[at + 1..])),
            '\\' => match chars.next() {
                Some((_, next @ ('"' | '\\'))) => found.push(next),
                Some((_, next)) => found.extend(['\\', next]),
                None => return None,
            },
            c => found.push(c),
        }
    }
    None
}

impl Terms {
    pub fn matches(&self, message: &str) -> bool {
        // Beside terms that have to be there, those that may be mean nothing.
        let any =
            !self.all.is_empty() || self.any.is_empty() || self.any.iter().any(|term| term.is_in(message));
        any && self.all.iter().all(|term| term.is_in(message))
            && !self.none.iter().any(|term| term.is_in(message))
    }
}
