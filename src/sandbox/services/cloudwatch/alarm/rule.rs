//! Rules of composite alarms: states of other alarms with AND, OR and NOT.
//!
//! Source: CloudWatch API reference, `PutCompositeAlarm`, `AlarmRule`. NOT binds tighter than AND, and that than OR.

use super::State;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rule {
    Fixed(bool),
    /// Whether an alarm, by its name, is in a state.
    Is(State, String),
    Not(Box<Rule>),
    And(Box<Rule>, Box<Rule>),
    Or(Box<Rule>, Box<Rule>),
}

/// Deepest nesting that is read.
const DEEPEST: usize = 60;

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

/// Reads a rule.
///
/// # Errors
/// Why the text is none.
pub(super) fn parse(text: &str) -> Result<Rule, String> {
    let mut parser = Parser { rest: text, depth: 0 };
    let rule = parser.either()?;
    parser.rest = parser.rest.trim_start();
    if parser.rest.is_empty() { Ok(rule) } else { Err(format!("\"{}\" is not understood", parser.rest)) }
}

impl Rule {
    /// Names of the alarms it looks at.
    pub fn children(&self) -> Vec<&str> {
        match self {
            Self::Fixed(_) => Vec::new(),
            Self::Is(_, name) => vec![name],
            Self::Not(inner) => inner.children(),
            Self::And(a, b) | Self::Or(a, b) => a.children().into_iter().chain(b.children()).collect(),
        }
    }

    /// Whether it holds; an alarm that is gone is in no state.
    pub fn holds(&self, state: &dyn Fn(&str) -> Option<State>) -> bool {
        match self {
            Self::Fixed(yes) => *yes,
            Self::Is(wanted, name) => state(name) == Some(*wanted),
            Self::Not(inner) => !inner.holds(state),
            Self::And(a, b) => a.holds(state) && b.holds(state),
            Self::Or(a, b) => a.holds(state) || b.holds(state),
        }
    }
}

impl Parser<'_> {
    fn word(&mut self, word: &str) -> bool {
        self.rest = self.rest.trim_start();
        let Some(rest) = self.rest.strip_prefix(word) else { return false };
        if word.ends_with(char::is_alphabetic) && rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
        {
            return false;
        }
        self.rest = rest;
        true
    }

    fn either(&mut self) -> Result<Rule, String> {
        let mut left = self.both()?;
        while self.word("OR") {
            left = Rule::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Rule, String> {
        let mut left = self.one()?;
        while self.word("AND") {
            left = Rule::And(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Rule, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("it is nested too deeply".to_owned());
        }
        let rule = self.inner();
        self.depth -= 1;
        rule
    }

    fn inner(&mut self) -> Result<Rule, String> {
        if self.word("NOT") {
            return Ok(Rule::Not(Box::new(self.one()?)));
        }
        if self.word("(") {
            let inner = self.either()?;
            return if self.word(")") { Ok(inner) } else { Err("\")\" is missing".to_owned()) };
        }
        for (word, yes) in [("TRUE", true), ("FALSE", false)] {
            if self.word(word) {
                return Ok(Rule::Fixed(yes));
            }
        }
        for state in [State::Alarm, State::Ok, State::InsufficientData] {
            if self.word(state.name()) {
                return Ok(Rule::Is(state, self.name()?));
            }
        }
        Err(format!("an alarm's state is missing before \"{}\"", self.rest))
    }

    /// `("name")`, `(name)`, or the same with the ARN of the alarm.
    fn name(&mut self) -> Result<String, String> {
        if !self.word("(") {
            return Err("\"(\" is missing".to_owned());
        }
        self.rest = self.rest.trim_start();
        let (text, rest) = match self.rest.strip_prefix(['"', '\'']) {
            Some(inner) => {
                let quote = &self.rest[..1];
                let (text, rest) = inner.split_once(quote).ok_or("a quote does not end")?;
                (text, rest.trim_start().strip_prefix(')').ok_or("\")\" is missing")?)
            }
            None => {
                self.rest.split_once(')').map(|(text, rest)| (text.trim(), rest)).ok_or("\")\" is missing")?
            }
        };
        let name = match text.starts_with("arn:") {
            true => {
                text.split_once(":alarm:").map(|(_, name)| name).ok_or("an ARN is not that of an alarm")?
            }
            false => text,
        };
        if name.is_empty() {
            return Err("an alarm has no name".to_owned());
        }
        self.rest = rest;
        Ok(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Alarms named after the state they are in.
    fn holds(text: &str) -> Result<bool, String> {
        Ok(parse(text)?.holds(&|name| match name {
            "bad" => Some(State::Alarm),
            "good" => Some(State::Ok),
            "blind" => Some(State::InsufficientData),
            _ => None,
        }))
    }

    #[test]
    fn rules_are_as_documented() {
        for (text, expected) in [
            ("ALARM(bad)", true),
            ("ALARM(\"good\")", false),
            ("OK('good') AND INSUFFICIENT_DATA( blind )", true),
            ("ALARM(good) OR ALARM(bad)", true),
            ("NOT ALARM(good) AND NOT ALARM(bad)", false),
            ("NOT (ALARM(good) AND ALARM(bad))", true),
            ("ALARM(bad) OR ALARM(bad) AND FALSE", true),
            ("(ALARM(bad) OR ALARM(bad)) AND FALSE", false),
            ("TRUE", true),
            ("ALARM(\"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:bad\")", true),
            ("OK(gone) OR ALARM(gone)", false),
        ] {
            assert_eq!(holds(text), Ok(expected), "{text}");
        }
        for text in
            ["", "ALARM", "ALARM()", "ALARM(bad", "ALARM(bad) OK(good)", "AND TRUE", "ALARM(\"bad)", "XOK(a)"]
        {
            assert!(holds(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(ALARM|OK|NOT|AND|OR|TRUE|[()\"' a-cé:]){0,80}") {
            let _ = holds(&text);
        }
    }
}
