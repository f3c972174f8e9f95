//! Projections: the names of the attributes that are wanted.

use super::{super::value::Item, ExpressionError, Placeholders, parser::Parser};

/// A projection.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection(Vec<String>);

impl Projection {
    /// Reads a projection.
    ///
    /// # Errors
    /// [`ExpressionError`].
    pub fn parse(text: &str, placeholders: &mut Placeholders) -> Result<Self, ExpressionError> {
        let mut parser = Parser::new(text, placeholders)?;
        let mut names = Vec::new();
        loop {
            let name = parser.path()?;
            if names.contains(&name) {
                return Err(ExpressionError::Overlap(name));
            }
            names.push(name);
            if !parser.take(",") {
                parser.end()?;
                return Ok(Self(names));
            }
        }
    }

    /// What of an item is wanted.
    pub fn of(&self, mut item: Item) -> Item {
        item.retain(|name, _| self.0.contains(name));
        item
    }
}
