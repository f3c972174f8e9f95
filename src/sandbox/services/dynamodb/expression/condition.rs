//! Conditions: `attribute_exists(a)`, `attribute_not_exists(a)` and `a = b`, joined by AND.

use super::{
    super::value::{Attribute, Item},
    ExpressionError, Placeholders,
    parser::Parser,
    token::Token,
};

/// Functions of the language that are not understood here.
const OTHER_FUNCTIONS: [&str; 4] = ["attribute_type", "begins_with", "contains", "size"];

/// A condition on an item.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition(Vec<Test>);

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Exists(String),
    Missing(String),
    Equal(Operand, Operand),
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Path(String),
    Value(Attribute),
}

impl Operand {
    fn of<'a>(&'a self, item: Option<&'a Item>) -> Option<&'a Attribute> {
        match self {
            Self::Path(name) => item?.get(name),
            Self::Value(value) => Some(value),
        }
    }
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// [`ExpressionError`].
    pub fn parse(text: &str, placeholders: &mut Placeholders) -> Result<Self, ExpressionError> {
        Ok(Self(Parser::new(text, placeholders)?.conjunction(test)?))
    }

    /// Whether an item, or the lack of one, meets it. What is not there equals nothing.
    pub fn holds(&self, item: Option<&Item>) -> bool {
        self.0.iter().all(|test| match test {
            Test::Exists(name) => item.is_some_and(|item| item.contains_key(name)),
            Test::Missing(name) => !item.is_some_and(|item| item.contains_key(name)),
            Test::Equal(left, right) => {
                matches!((left.of(item), right.of(item)), (Some(left), Some(right)) if left == right)
            }
        })
    }
}

fn test(parser: &mut Parser<'_>) -> Result<Test, ExpressionError> {
    if let Some(function) = parser.call() {
        let test = match function.as_str() {
            "attribute_exists" => Test::Exists(parser.path()?),
            "attribute_not_exists" => Test::Missing(parser.path()?),
            other if OTHER_FUNCTIONS.contains(&other) => {
                return Err(ExpressionError::NotInSandbox(format!("the function {other}")));
            }
            _ => return Err(ExpressionError::NoFunction(function)),
        };
        parser.expect(")")?;
        return Ok(test);
    }
    let left = operand(parser)?;
    match parser.peek() {
        Some(Token::Sign(sign @ ("<>" | "<=" | ">=" | "<" | ">"))) => {
            return Err(ExpressionError::NotInSandbox(format!("the comparison {sign}")));
        }
        _ if parser.at_keyword("BETWEEN") || parser.at_keyword("IN") => {
            return Err(ExpressionError::NotInSandbox("a comparison with several values".to_owned()));
        }
        _ => parser.expect("=")?,
    }
    Ok(Test::Equal(left, operand(parser)?))
}

fn operand(parser: &mut Parser<'_>) -> Result<Operand, ExpressionError> {
    if parser.at_value() {
        return Ok(Operand::Value(parser.value()?));
    }
    match parser.call() {
        Some(function) if OTHER_FUNCTIONS.contains(&function.as_str()) => {
            Err(ExpressionError::NotInSandbox(format!("the function {function}")))
        }
        Some(function) => Err(ExpressionError::NoFunction(function)),
        None => Ok(Operand::Path(parser.path()?)),
    }
}
