//! Updates: SET (with `+`, `-`, `if_not_exists`, `list_append`), REMOVE and ADD of whole attributes.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{
        number::NumberError,
        value::{Attribute, Item},
    },
    ExpressionError, Placeholders,
    parser::Parser,
};

/// How deep functions are looked into.
const DEPTH: usize = 20;

/// Why an update cannot be made to an item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// It reads an attribute that is not there.
    #[error("The provided expression refers to an attribute that does not exist in the item")]
    NoAttribute,
    /// It computes with a value of another type.
    #[error("An operand in the update expression has an incorrect data type")]
    WrongType,
    /// The result is no number that can be kept.
    #[error(transparent)]
    Number(#[from] NumberError),
}

/// An update of an item.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Update {
    set: Vec<(String, Term)>,
    remove: Vec<String>,
    add: Vec<(String, Attribute)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Term {
    Path(String),
    Value(Attribute),
    IfNotExists(String, Box<Term>),
    ListAppend(Box<Term>, Box<Term>),
    Plus(Box<Term>, Box<Term>),
    Minus(Box<Term>, Box<Term>),
}

impl Update {
    /// Reads an update.
    ///
    /// # Errors
    /// [`ExpressionError`].
    pub fn parse(text: &str, placeholders: &mut Placeholders) -> Result<Self, ExpressionError> {
        let mut parser = Parser::new(text, placeholders)?;
        let (mut update, mut sections) = (Self::default(), BTreeSet::new());
        while parser.peek().is_some() {
            let section = ["SET", "REMOVE", "ADD", "DELETE"].into_iter().find(|s| parser.take_keyword(s));
            let section = section.ok_or_else(|| parser.unexpected())?;
            if !sections.insert(section) {
                return Err(ExpressionError::Twice(section));
            }
            loop {
                match section {
                    "SET" => {
                        let name = parser.path()?;
                        parser.expect("=")?;
                        update.set.push((name, sum(&mut parser)?));
                    }
                    "REMOVE" => update.remove.push(parser.path()?),
                    "ADD" => update.add.push((parser.path()?, addend(&mut parser)?)),
                    _ => return Err(ExpressionError::NotInSandbox("DELETE".to_owned())),
                }
                if !parser.take(",") {
                    break;
                }
            }
        }
        let mut seen = BTreeSet::new();
        let twice = update.touched().find(|name| !seen.insert(*name)).map(str::to_owned);
        twice.map_or(Ok(update), |name| Err(ExpressionError::Overlap(name)))
    }

    /// The attributes that it changes.
    pub fn touched(&self) -> impl Iterator<Item = &str> {
        let set = self.set.iter().map(|(name, _)| name.as_str());
        let add = self.add.iter().map(|(name, _)| name.as_str());
        set.chain(self.remove.iter().map(String::as_str)).chain(add)
    }

    /// The item after the update; everything it reads is read from the item as it was.
    ///
    /// # Errors
    /// [`UpdateError`].
    pub fn apply(&self, old: &Item) -> Result<Item, UpdateError> {
        let mut changed = BTreeMap::new();
        for (name, term) in &self.set {
            changed.insert(name.clone(), term.of(old)?);
        }
        for (name, value) in &self.add {
            changed.insert(name.clone(), added(old.get(name), value)?);
        }
        let mut item = old.clone();
        item.extend(changed);
        item.retain(|name, _| !self.remove.contains(name));
        Ok(item)
    }
}

impl Term {
    fn of(&self, item: &Item) -> Result<Attribute, UpdateError> {
        match self {
            Self::Path(name) => item.get(name).cloned().ok_or(UpdateError::NoAttribute),
            Self::Value(value) => Ok(value.clone()),
            Self::IfNotExists(name, other) => match item.get(name) {
                Some(value) => Ok(value.clone()),
                None => other.of(item),
            },
            Self::ListAppend(first, second) => match (first.of(item)?, second.of(item)?) {
                (Attribute::L(mut list), Attribute::L(more)) => {
                    list.extend(more);
                    Ok(Attribute::L(list))
                }
                _ => Err(UpdateError::WrongType),
            },
            Self::Plus(first, second) => match (first.of(item)?, second.of(item)?) {
                (Attribute::N(a), Attribute::N(b)) => Ok(Attribute::N(a.plus(&b)?)),
                _ => Err(UpdateError::WrongType),
            },
            Self::Minus(first, second) => match (first.of(item)?, second.of(item)?) {
                (Attribute::N(a), Attribute::N(b)) => Ok(Attribute::N(a.minus(&b)?)),
                _ => Err(UpdateError::WrongType),
            },
        }
    }
}

fn added(old: Option<&Attribute>, value: &Attribute) -> Result<Attribute, UpdateError> {
    match (old, value) {
        (None, value) => Ok(value.clone()),
        (Some(Attribute::N(a)), Attribute::N(b)) => Ok(Attribute::N(a.plus(b)?)),
        (Some(Attribute::Ss(a)), Attribute::Ss(b)) => Ok(Attribute::Ss(a | b)),
        (Some(Attribute::Ns(a)), Attribute::Ns(b)) => Ok(Attribute::Ns(a | b)),
        (Some(Attribute::Bs(a)), Attribute::Bs(b)) => Ok(Attribute::Bs(a | b)),
        _ => Err(UpdateError::WrongType),
    }
}

fn sum(parser: &mut Parser<'_>) -> Result<Term, ExpressionError> {
    let first = term(parser, 0)?;
    if parser.take("+") {
        Ok(Term::Plus(Box::new(first), Box::new(term(parser, 0)?)))
    } else if parser.take("-") {
        Ok(Term::Minus(Box::new(first), Box::new(term(parser, 0)?)))
    } else {
        Ok(first)
    }
}

fn term(parser: &mut Parser<'_>, depth: usize) -> Result<Term, ExpressionError> {
    if depth > DEPTH {
        return Err(ExpressionError::NotInSandbox(format!("an expression in {depth} brackets")));
    }
    if parser.at_value() {
        return Ok(Term::Value(parser.value()?));
    }
    if parser.take("(") {
        return Err(ExpressionError::NotInSandbox("an operand in brackets".to_owned()));
    }
    let Some(function) = parser.call() else { return Ok(Term::Path(parser.path()?)) };
    let made = match function.as_str() {
        "if_not_exists" => {
            let name = parser.path()?;
            parser.expect(",")?;
            Term::IfNotExists(name, Box::new(term(parser, depth + 1)?))
        }
        "list_append" => {
            let first = term(parser, depth + 1)?;
            parser.expect(",")?;
            Term::ListAppend(Box::new(first), Box::new(term(parser, depth + 1)?))
        }
        _ => return Err(ExpressionError::NoFunction(function)),
    };
    parser.expect(")")?;
    Ok(made)
}

fn addend(parser: &mut Parser<'_>) -> Result<Attribute, ExpressionError> {
    let value = parser.value()?;
    match value {
        Attribute::N(_) | Attribute::Ss(_) | Attribute::Ns(_) | Attribute::Bs(_) => Ok(value),
        other => Err(ExpressionError::WrongType("ADD", other.kind())),
    }
}
