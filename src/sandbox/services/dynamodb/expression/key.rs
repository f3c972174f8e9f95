//! Key conditions: the partition key equals a value, and the sort key, if there is one, compares with another.

use super::{super::value::Attribute, ExpressionError, Placeholders, parser::Parser, token::Token};

/// What a query asks of the keys.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyCondition {
    /// Name and test of each key that it names, in the order written.
    pub tests: Vec<(String, RangeTest)>,
}

/// What is asked of one key.
#[derive(Debug, Clone, PartialEq)]
pub enum RangeTest {
    /// Equals.
    Equal(Attribute),
    /// Is less.
    Less(Attribute),
    /// Is less or equals.
    AtMost(Attribute),
    /// Is greater.
    Greater(Attribute),
    /// Is greater or equals.
    AtLeast(Attribute),
    /// Lies between two values, or is one of them.
    Between(Attribute, Attribute),
    /// Begins with a text or bytes.
    Begins(Attribute),
}

impl KeyCondition {
    /// Reads a key condition.
    ///
    /// # Errors
    /// [`ExpressionError`].
    pub fn parse(text: &str, placeholders: &mut Placeholders) -> Result<Self, ExpressionError> {
        Ok(Self { tests: Parser::new(text, placeholders)?.conjunction(test)? })
    }
}

fn test(parser: &mut Parser<'_>) -> Result<(String, RangeTest), ExpressionError> {
    if let Some(function) = parser.call() {
        if function != "begins_with" {
            return Err(ExpressionError::NoFunction(function));
        }
        let name = parser.path()?;
        parser.expect(",")?;
        let value = parser.value()?;
        parser.expect(")")?;
        if !matches!(value, Attribute::S(_) | Attribute::B(_)) {
            return Err(ExpressionError::WrongType("begins_with", value.kind()));
        }
        return Ok((name, RangeTest::Begins(value)));
    }
    if parser.at_value() {
        return Err(ExpressionError::NotInSandbox("a key condition that begins with a value".to_owned()));
    }
    let name = parser.path()?;
    if parser.take_keyword("BETWEEN") {
        let low = parser.value()?;
        if !parser.take_keyword("AND") {
            return Err(parser.unexpected());
        }
        return Ok((name, RangeTest::Between(low, parser.value()?)));
    }
    let make = match parser.peek() {
        Some(Token::Sign("=")) => RangeTest::Equal,
        Some(Token::Sign("<")) => RangeTest::Less,
        Some(Token::Sign("<=")) => RangeTest::AtMost,
        Some(Token::Sign(">")) => RangeTest::Greater,
        Some(Token::Sign(">=")) => RangeTest::AtLeast,
        _ => return Err(parser.unexpected()),
    };
    parser.skip();
    Ok((name, make(parser.value()?)))
}
