//! SQL text -> statements, each with its words and lines.

use std::ops::RangeInclusive;

use sqlparser::{
    dialect::PostgreSqlDialect,
    keywords::Keyword,
    tokenizer::{Token, TokenWithSpan, Tokenizer, Word},
};

/// One statement without its semicolon and comments.
pub(super) struct Statement {
    pub(super) tokens: Vec<TokenWithSpan>,
    /// Line it begins in, 1-based.
    pub(super) line: usize,
    /// Its lines, with the comments before it and beside its end.
    pub(super) lines: RangeInclusive<usize>,
}

/// Splits at semicolons outside strings, dollar quotes and comments.
pub(super) fn split(text: &str) -> Result<Vec<Statement>, (usize, String)> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text)
        .tokenize_with_location()
        .map_err(|error| (as_line(error.location.line).max(1), error.message))?;
    let mut statements = Vec::new();
    let mut current: Vec<TokenWithSpan> = Vec::new();
    let (mut from, mut last) = (1, 1);
    for token in tokens {
        let line = as_line(token.span.end.line).max(last);
        match token.token {
            Token::Whitespace(_) | Token::EOF => {}
            Token::SemiColon => {
                statements.extend(finish(&mut current, from, line));
                from = line;
            }
            _ => current.push(token),
        }
        last = line;
    }
    statements.extend(finish(&mut current, from, last));
    Ok(statements)
}

fn finish(tokens: &mut Vec<TokenWithSpan>, from: usize, to: usize) -> Option<Statement> {
    let first = tokens.first()?;
    let line = as_line(first.span.start.line);
    // A comment beside the statement before belongs to that one.
    let from = if from < line && from > 1 { from + 1 } else { from };
    Some(Statement { tokens: std::mem::take(tokens), line, lines: from..=to })
}

fn as_line(line: u64) -> usize {
    usize::try_from(line).unwrap_or(usize::MAX)
}

impl Statement {
    fn word(&self, at: usize) -> Option<&Word> {
        match &self.tokens.get(at)?.token {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }

    /// Whether the words at a place are these keywords.
    pub(super) fn says(&self, at: usize, keywords: &[Keyword]) -> bool {
        keywords.iter().enumerate().all(|(offset, keyword)| self.keyword(at + offset, *keyword))
    }

    fn keyword(&self, at: usize, keyword: Keyword) -> bool {
        self.word(at).is_some_and(|word| word.quote_style.is_none() && word.keyword == keyword)
    }

    /// Place of a keyword.
    pub(super) fn find(&self, keyword: Keyword) -> Option<usize> {
        (0..self.tokens.len()).find(|at| self.keyword(*at, keyword))
    }

    /// Whether a word occurs, whatever its case.
    pub(super) fn has_word(&self, text: &str) -> bool {
        (0..self.tokens.len())
            .any(|at| self.word(at).is_some_and(|word| word.value.eq_ignore_ascii_case(text)))
    }

    /// The place after keywords that may be left out.
    pub(super) fn skip(&self, mut at: usize, optional: &[Keyword]) -> usize {
        while optional.iter().any(|keyword| self.keyword(at, *keyword)) {
            at += 1;
        }
        at
    }

    /// The name at a place as PostgreSQL compares names, and the place after it.
    pub(super) fn name(&self, mut at: usize) -> Option<(String, usize)> {
        let mut parts = vec![folded(self.word(at)?)];
        at += 1;
        while matches!(self.tokens.get(at).map(|t| &t.token), Some(Token::Period)) {
            parts.push(folded(self.word(at + 1)?));
            at += 2;
        }
        if parts.len() == 2 && parts[0] == "public" {
            parts.remove(0);
        }
        Some((parts.join("."), at))
    }

    /// The names at a place, separated by commas.
    pub(super) fn names(&self, mut at: usize) -> Vec<String> {
        let mut names = Vec::new();
        while let Some((name, after)) = self.name(at) {
            names.push(name);
            if !matches!(self.tokens.get(after).map(|t| &t.token), Some(Token::Comma)) {
                break;
            }
            at = after + 1;
        }
        names
    }
}

fn folded(word: &Word) -> String {
    if word.quote_style.is_some() { word.value.clone() } else { word.value.to_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_dollar_quotes_and_comments_hold_semicolons() {
        let text = "-- a; b\nSELECT ';';\n/* ; */ DO $$ BEGIN x; END $$; -- beside\n-- before\nDROP TABLE \"A\".b,\n public.C;\n";
        let statements = split(text).expect("SQL");
        let lines: Vec<_> = statements.iter().map(|s| (s.line, s.lines.clone())).collect();
        assert_eq!(lines, [(2, 1..=2), (3, 3..=3), (5, 4..=6)]);
        assert_eq!(statements[2].names(2), ["A.b", "c"]);
    }

    #[test]
    fn what_never_ends_is_an_error_with_a_line() {
        let (line, _) = split("SELECT 1;\nSELECT 'x").err().expect("no end");
        assert_eq!(line, 2);
    }
}
