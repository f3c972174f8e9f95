//! The words of an expression.

use super::ExpressionError;

/// Longest expression. Source: DynamoDB developer guide, quotas.
const LONGEST: usize = 4096;

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or keyword.
    Word(String),
    /// `#name`, with its sign.
    Name(String),
    /// `:value`, with its sign.
    Value(String),
    /// An operator or a piece of punctuation.
    Sign(&'static str),
    /// Digits: only an index of a list has them.
    Digits(String),
}

impl Token {
    /// As it was written.
    pub fn text(&self) -> &str {
        match self {
            Self::Word(text) | Self::Name(text) | Self::Value(text) | Self::Digits(text) => text,
            Self::Sign(sign) => sign,
        }
    }
}

/// Longer signs first: `<=` is not `<` and `=`.
const SIGNS: [&str; 14] = ["<>", "<=", ">=", "=", "<", ">", "(", ")", ",", "+", "-", ".", "[", "]"];

/// Reads all words.
pub(super) fn split(text: &str) -> Result<Vec<Token>, ExpressionError> {
    if text.len() > LONGEST {
        return Err(ExpressionError::TooLong(text.len()));
    }
    let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (mut tokens, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let sigil = usize::from(matches!(first, '#' | ':'));
        let length = sigil + rest[sigil..].find(|c| !in_word(c)).unwrap_or(rest.len() - sigil);
        let word = || rest[..length].to_owned();
        let token = match first {
            '#' if length > 1 => Token::Name(word()),
            ':' if length > 1 => Token::Value(word()),
            c if c.is_ascii_digit() => Token::Digits(word()),
            c if in_word(c) => Token::Word(word()),
            _ => match SIGNS.iter().find(|sign| rest.starts_with(*sign)) {
                Some(sign) => Token::Sign(sign),
                None => {
                    let near = rest.chars().take(20).collect();
                    return Err(ExpressionError::Syntax(first.to_string(), near));
                }
            },
        };
        rest = rest[token.text().len()..].trim_start();
        tokens.push(token);
    }
    if tokens.is_empty() { Err(ExpressionError::Empty) } else { Ok(tokens) }
}
