//! What all kinds of expressions have in common: names, values, calls, and terms joined by AND.

use super::{
    super::value::Attribute,
    ExpressionError, Placeholders,
    token::{self, Token},
};

/// Words that must not stand for themselves as names. Source: DynamoDB developer guide, "Reserved words".
const RESERVED: &str = include_str!("reserved.txt");

/// How deep brackets are looked into.
const DEPTH: usize = 50;

/// An expression that is being read.
pub(super) struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    placeholders: &'a mut Placeholders,
}

impl<'a> Parser<'a> {
    pub fn new(text: &str, placeholders: &'a mut Placeholders) -> Result<Self, ExpressionError> {
        Ok(Self { tokens: token::split(text)?, at: 0, placeholders })
    }

    pub fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn follows(&self, sign: &str) -> bool {
        matches!(self.tokens.get(self.at + 1), Some(Token::Sign(s)) if *s == sign)
    }

    /// The error of a word that should not be where it is.
    pub fn unexpected(&self) -> ExpressionError {
        let token = self.peek().map_or("<EOF>", Token::text).to_owned();
        let around = &self.tokens[self.at.saturating_sub(1)..(self.at + 2).min(self.tokens.len())];
        ExpressionError::Syntax(token, around.iter().map(Token::text).collect::<Vec<_>>().join(" "))
    }

    /// Passes over the next word.
    pub fn skip(&mut self) {
        self.at += 1;
    }

    /// Takes a sign if it is next.
    pub fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(s)) if *s == sign);
        self.at += usize::from(found);
        found
    }

    pub fn expect(&mut self, sign: &str) -> Result<(), ExpressionError> {
        if self.take(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub fn end(&self) -> Result<(), ExpressionError> {
        if self.peek().is_none() { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Whether a keyword, in any case, is next.
    pub fn at_keyword(&self, keyword: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword))
    }

    /// Takes a keyword if it is next.
    pub fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self.at_keyword(keyword);
        self.at += usize::from(found);
        found
    }

    /// Takes the name of a function and its opening bracket, if that is next.
    pub fn call(&mut self) -> Option<String> {
        let Some(Token::Word(word)) = self.peek() else { return None };
        if !self.follows("(") {
            return None;
        }
        let word = word.clone();
        self.at += 2;
        Some(word)
    }

    /// The name of one attribute of the item itself.
    pub fn path(&mut self) -> Result<String, ExpressionError> {
        let name = match self.peek() {
            Some(Token::Word(word)) => {
                if RESERVED.split_whitespace().any(|reserved| reserved.eq_ignore_ascii_case(word)) {
                    return Err(ExpressionError::Reserved(word.clone()));
                }
                word.clone()
            }
            Some(Token::Name(placeholder)) => {
                let placeholder = placeholder.clone();
                self.placeholders.name(&placeholder)?
            }
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        match self.peek() {
            Some(Token::Sign("." | "[")) => {
                Err(ExpressionError::NotInSandbox(format!("a path into the attribute {name}")))
            }
            _ => Ok(name),
        }
    }

    /// A given value.
    pub fn value(&mut self) -> Result<Attribute, ExpressionError> {
        let Some(Token::Value(placeholder)) = self.peek() else { return Err(self.unexpected()) };
        let placeholder = placeholder.clone();
        self.at += 1;
        self.placeholders.value(&placeholder)
    }

    /// Whether a given value is next.
    pub fn at_value(&self) -> bool {
        matches!(self.peek(), Some(Token::Value(_)))
    }

    /// Terms joined by AND, in any brackets.
    pub fn conjunction<T>(
        &mut self,
        term: fn(&mut Self) -> Result<T, ExpressionError>,
    ) -> Result<Vec<T>, ExpressionError> {
        let mut terms = Vec::new();
        self.joined(term, &mut terms, 0)?;
        self.end()?;
        Ok(terms)
    }

    fn joined<T>(
        &mut self,
        term: fn(&mut Self) -> Result<T, ExpressionError>,
        terms: &mut Vec<T>,
        depth: usize,
    ) -> Result<(), ExpressionError> {
        if depth > DEPTH {
            return Err(ExpressionError::NotInSandbox(format!("an expression in {depth} brackets")));
        }
        loop {
            if self.take("(") {
                self.joined(term, terms, depth + 1)?;
                self.expect(")")?;
            } else if self.at_keyword("NOT") {
                return Err(ExpressionError::NotInSandbox("NOT".to_owned()));
            } else {
                terms.push(term(self)?);
            }
            if self.at_keyword("OR") {
                return Err(ExpressionError::NotInSandbox("OR".to_owned()));
            }
            if !self.take_keyword("AND") {
                return Ok(());
            }
        }
    }
}
