//! Conditions: an operator, a key of the request, and the values that it is compared with.
//!
//! Sources: IAM user guide, "IAM JSON policy elements: Condition operators" and "Set operators for multivalued context
//! keys".

use super::{Context, pattern, values};

/// One key of a condition block.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub operator: Operator,
    pub key: String,
    pub values: Vec<String>,
}

/// What is written before the values: `ForAnyValue:StringNotLikeIfExists`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operator {
    set: Option<Set>,
    test: Test,
    negated: bool,
    if_exists: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    All,
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Text,
    TextFolded,
    Like,
    Number(Order),
    Date(Order),
    Bool,
    Binary,
    Ip,
    Arn,
    Null,
}

impl Order {
    fn holds<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

impl Operator {
    /// Reads a name; nothing where there is no such operator.
    pub(super) fn read(name: &str) -> Option<Self> {
        let (set, rest) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(Set::All), rest),
            Some(("ForAnyValue", rest)) => (Some(Set::Any), rest),
            Some(_) => return None,
            None => (None, name),
        };
        let (base, if_exists) = match rest.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (rest, false),
        };
        let (test, negated) = match base {
            "StringEquals" => (Test::Text, false),
            "StringNotEquals" => (Test::Text, true),
            "StringEqualsIgnoreCase" => (Test::TextFolded, false),
            "StringNotEqualsIgnoreCase" => (Test::TextFolded, true),
            "StringLike" => (Test::Like, false),
            "StringNotLike" => (Test::Like, true),
            "NumericEquals" => (Test::Number(Order::Equal), false),
            "NumericNotEquals" => (Test::Number(Order::Equal), true),
            "NumericLessThan" => (Test::Number(Order::Less), false),
            "NumericLessThanEquals" => (Test::Number(Order::LessOrEqual), false),
            "NumericGreaterThan" => (Test::Number(Order::Greater), false),
            "NumericGreaterThanEquals" => (Test::Number(Order::GreaterOrEqual), false),
            "DateEquals" => (Test::Date(Order::Equal), false),
            "DateNotEquals" => (Test::Date(Order::Equal), true),
            "DateLessThan" => (Test::Date(Order::Less), false),
            "DateLessThanEquals" => (Test::Date(Order::LessOrEqual), false),
            "DateGreaterThan" => (Test::Date(Order::Greater), false),
            "DateGreaterThanEquals" => (Test::Date(Order::GreaterOrEqual), false),
            "Bool" => (Test::Bool, false),
            "BinaryEquals" => (Test::Binary, false),
            "IpAddress" => (Test::Ip, false),
            "NotIpAddress" => (Test::Ip, true),
            "ArnEquals" | "ArnLike" => (Test::Arn, false),
            "ArnNotEquals" | "ArnNotLike" => (Test::Arn, true),
            // It asks whether there is a key, so that neither addition means anything.
            "Null" if set.is_none() && !if_exists => (Test::Null, false),
            _ => return None,
        };
        Some(Self { set, test, negated, if_exists })
    }
}

impl Condition {
    /// Whether it is met; `variables` says whether values may hold some.
    pub(super) fn is_met(&self, context: &Context, variables: bool) -> bool {
        let operator = self.operator;
        let found = context.get(&self.key);
        if operator.test == Test::Null {
            let absent = found.is_none_or(<[String]>::is_empty);
            return self.values.iter().any(|value| value.eq_ignore_ascii_case(&absent.to_string()));
        }
        let Some(found) = found.filter(|values| !values.is_empty()) else {
            return operator.if_exists
                || match operator.set {
                    Some(Set::All) => true,
                    Some(Set::Any) => false,
                    None => operator.negated,
                };
        };
        let scope = variables.then_some(context);
        let passes = |value: &String| {
            self.values.iter().any(|wanted| operator.compare(wanted, value, scope)) != operator.negated
        };
        match operator.set {
            Some(Set::All) => found.iter().all(passes),
            Some(Set::Any) => found.iter().any(passes),
            None if operator.negated => found.iter().all(passes),
            None => found.iter().any(passes),
        }
    }
}

impl Operator {
    fn compare(self, wanted: &str, value: &str, scope: Option<&Context>) -> bool {
        let by = |compare: fn(&str, &str) -> Option<bool>| compare(wanted, value).unwrap_or(false);
        match self.test {
            Test::Text | Test::TextFolded => {
                let literal = scope.map_or_else(|| Some(wanted.to_owned()), |scope| expand(wanted, scope));
                literal.is_some_and(|literal| match self.test {
                    Test::Text => literal == value,
                    _ => literal.to_lowercase() == value.to_lowercase(),
                })
            }
            Test::Like => pattern::compile(wanted, scope).is_some_and(|t| pattern::matches(&t, value, false)),
            Test::Number(order) => match (value.parse::<f64>(), wanted.parse::<f64>()) {
                (Ok(value), Ok(wanted)) => order.holds(&value, &wanted),
                _ => false,
            },
            Test::Date(order) => match (values::time(value), values::time(wanted)) {
                (Some(value), Some(wanted)) => order.holds(&value, &wanted),
                _ => false,
            },
            Test::Bool => wanted.eq_ignore_ascii_case(value),
            Test::Binary => wanted == value,
            Test::Ip => by(values::within),
            Test::Arn => arn_like(wanted, value, scope),
            Test::Null => false,
        }
    }
}

/// A value with its variables replaced; wildcards are letters like any other.
fn expand(text: &str, context: &Context) -> Option<String> {
    let tokens = pattern::compile(text, Some(context))?;
    let letter = |token| match token {
        pattern::Token::Char(letter) => letter,
        pattern::Token::One => '?',
        pattern::Token::Many { .. } => '*',
    };
    Some(tokens.into_iter().map(letter).collect())
}

/// Each of the six parts is compared by itself.
fn arn_like(wanted: &str, value: &str, scope: Option<&Context>) -> bool {
    let Some(value) = values::arn(value) else { return false };
    // Variables hold colons: parts are told apart before they are replaced.
    let Some(wanted) = arn_parts(wanted) else { return wanted == "*" };
    wanted.iter().zip(value).all(|(wanted, value)| {
        pattern::compile(wanted, scope).is_some_and(|tokens| pattern::matches(&tokens, value, false))
    })
}

/// The six parts of a pattern of ARNs; a colon in `${...}` is no end of one.
fn arn_parts(text: &str) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut inside) = (Vec::new(), 0, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '{' if text[..at].ends_with('$') => inside = true,
            '}' => inside = false,
            ':' if !inside && parts.len() < 5 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (parts.len() == 6).then_some(parts)
}
