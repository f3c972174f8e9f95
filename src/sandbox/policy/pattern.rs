//! Patterns: `*` is any text, `?` any character, `${key}` a value of the request.
//!
//! Sources: IAM user guide, "IAM JSON policy elements: Resource" (wildcards and the segments of an ARN), "Variables and
//! tags" (default values, `${*}`, `${?}` and `${$}`).

use super::Context;

/// A part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Char(char),
    One,
    /// Any text; unless `over`, none with a colon.
    Many {
        over: bool,
    },
}

const ANY: Token = Token::Many { over: true };

/// Reads a pattern; nothing where a variable has no value. Without a context, `${` is text like any other.
pub(super) fn compile(text: &str, context: Option<&Context>) -> Option<Vec<Token>> {
    let mut tokens = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(context) = context
            && let Some((inner, after)) = rest.strip_prefix("${").and_then(|inner| inner.split_once('}'))
        {
            match inner {
                "*" | "?" | "$" => tokens.extend(inner.chars().map(Token::Char)),
                _ => tokens.extend(variable(inner, context)?.chars().map(Token::Char)),
            }
            rest = after;
            continue;
        }
        match first {
            '*' => tokens.push(ANY),
            '?' => tokens.push(Token::One),
            other => tokens.push(Token::Char(other)),
        }
        rest = &rest[first.len_utf8()..];
    }
    Some(tokens)
}

/// `key` or `key, 'default'`.
fn variable<'a>(inner: &'a str, context: &'a Context) -> Option<&'a str> {
    let (key, default) = match inner.split_once(',') {
        Some((key, default)) => (key, default.trim().strip_prefix('\'').and_then(|d| d.strip_suffix('\''))),
        None => (inner, None),
    };
    context.single(key.trim()).or(default)
}

/// Keeps `*` within its segment, unless it is the last of it.
pub(super) fn in_segments(mut tokens: Vec<Token>) -> Vec<Token> {
    for at in 0..tokens.len() {
        let ends = matches!(tokens.get(at + 1), None | Some(Token::Char(':')));
        if tokens[at] == ANY && !ends {
            tokens[at] = Token::Many { over: false };
        }
    }
    tokens
}

/// Whether all of a text is what a pattern says. Time: the product of their lengths, at most.
pub(super) fn matches(tokens: &[Token], text: &str, fold: bool) -> bool {
    // `reached[n]`: the first n tokens can be all of what was seen of the text.
    let mut reached = vec![false; tokens.len() + 1];
    reached[0] = true;
    let skip = |reached: &mut Vec<bool>| {
        for (n, token) in tokens.iter().enumerate() {
            if matches!(token, Token::Many { .. }) && reached[n] {
                reached[n + 1] = true;
            }
        }
    };
    skip(&mut reached);
    for seen in text.chars() {
        let mut next = vec![false; tokens.len() + 1];
        for (n, token) in tokens.iter().enumerate() {
            match token {
                Token::Char(wanted) => {
                    let same = *wanted == seen || fold && wanted.to_lowercase().eq(seen.to_lowercase());
                    next[n + 1] |= reached[n] && same;
                }
                Token::One => next[n + 1] |= reached[n],
                Token::Many { over } => next[n + 1] |= reached[n + 1] && (*over || seen != ':'),
            }
        }
        reached = next;
        skip(&mut reached);
        if !reached.contains(&true) {
            return false;
        }
    }
    reached[tokens.len()]
}

/// Whether a text is what a plain pattern with `*` and `?` says.
pub fn exactly(pattern: &str, text: &str) -> bool {
    compile(pattern, None).is_some_and(|tokens| matches(&tokens, text, false))
}

/// Whether a text is what a plain pattern with `*` and `?` says, whatever the case of its letters.
pub fn like(pattern: &str, text: &str) -> bool {
    compile(pattern, None).is_some_and(|tokens| matches(&tokens, text, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_any_text_and_any_character() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "ab", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("**a**", "bab", true),
            ("s3:Get*", "S3:GETObject", true),
            ("", "", true),
            ("", "a", false),
            ("*a*b*c*", "xxaxxbxxcxx", true),
            ("*a*b*c*", "xxaxxcxxbxx", false),
        ] {
            assert_eq!(like(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_star_leaves_its_segment_only_at_the_end_of_it() {
        let of = |pattern: &str, text: &str| {
            matches(&in_segments(compile(pattern, None).expect("a pattern")), text, false)
        };
        let group = "arn:aws:logs:eu-west-1:123456789012:log-group:one:log-stream:two";
        assert!(of("arn:aws:logs:*:*:log-group:one:*", group));
        assert!(of("arn:aws:logs:*", group));
        assert!(of("arn:*", group));
        assert!(!of("arn:aws:logs:e*1:123456789012:log-group:o*two", group));
        assert!(of("arn:aws:logs:e*1:123456789012:log-group:o*e:log-stream:two", group));
    }

    #[test]
    fn variables_are_values_and_never_patterns() {
        let context = Context::default().with("aws:username", "a*b");
        let of = |pattern: &str, text: &str| {
            compile(pattern, Some(&context)).map(|tokens| matches(&tokens, text, false))
        };
        assert_eq!(of("x/${aws:username}/*", "x/a*b/c"), Some(true));
        assert_eq!(of("x/${AWS:UserName}/*", "x/a*b/c"), Some(true));
        assert_eq!(of("x/${aws:username}/*", "x/aab/c"), Some(false));
        assert_eq!(of("${aws:other}", "x"), None);
        assert_eq!(of("${aws:other, 'x'}", "x"), Some(true));
        assert_eq!(of("${*}${?}${$}", "*?$"), Some(true));
        assert_eq!(of("${unfinished", "${unfinished"), Some(true));
    }
}
