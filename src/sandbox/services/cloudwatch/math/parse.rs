//! Reads an expression of metric math. Source: CloudWatch user guide, "Metric math syntax and functions".

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) enum Expr {
    Number(f64),
    Text(String),
    /// The id of another query, or a word that a function knows.
    Name(String),
    Call(String, Vec<Expr>),
    /// `[a, b]`.
    List(Vec<Expr>),
    Negate(Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
}

/// Deepest nesting; an expression has at most 2 048 characters, and a hostile one shall not use up the stack.
const DEEPEST: usize = 60;

/// Operators from the loosest to the tightest; `^` alone goes from right to left.
const LEVELS: &[&[&str]] =
    &[&["OR", "||"], &["AND", "&&"], &["==", "!=", "<=", ">=", "<", ">"], &["+", "-"], &["*", "/"], &["^"]];

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

/// Reads an expression.
///
/// # Errors
/// Why the text is none.
pub(in super::super) fn parse(text: &str) -> Result<Expr, String> {
    let mut parser = Parser { rest: text, depth: 0 };
    let expr = parser.level(0)?;
    parser.space();
    if parser.rest.is_empty() {
        Ok(expr)
    } else {
        Err(format!("there is no operator before \"{}\"", parser.rest))
    }
}

impl Parser<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, what: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(what) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn operator(&mut self, level: &'static [&'static str]) -> Option<&'static str> {
        self.space();
        let found = level.iter().find(|operator| {
            let Some(rest) = self.rest.strip_prefix(**operator) else { return false };
            // A word is one only where no longer word begins with it.
            !operator.starts_with(char::is_alphabetic)
                || !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
        })?;
        self.rest = &self.rest[found.len()..];
        Some(match *found {
            "&&" => "AND",
            "||" => "OR",
            other => other,
        })
    }

    fn level(&mut self, level: usize) -> Result<Expr, String> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.level(level + 1)?;
        while let Some(operator) = self.operator(operators) {
            let right =
                if operator == "^" { self.deeper(|p| p.level(level))? } else { self.level(level + 1)? };
            left = Expr::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("it is nested too deeply".to_owned());
        }
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn unary(&mut self) -> Result<Expr, String> {
        if self.take("-") {
            return self.deeper(|p| Ok(Expr::Negate(Box::new(p.unary()?))));
        }
        self.atom()
    }

    fn until(&mut self, end: &str) -> Result<Vec<Expr>, String> {
        let mut items = Vec::new();
        if self.take(end) {
            return Ok(items);
        }
        loop {
            items.push(self.deeper(|p| p.level(0))?);
            if self.take(end) {
                return Ok(items);
            }
            if !self.take(",") {
                return Err(format!("\",\" or \"{end}\" is missing before \"{}\"", self.rest));
            }
        }
    }

    fn atom(&mut self) -> Result<Expr, String> {
        if self.take("(") {
            let inner = self.deeper(|p| p.level(0))?;
            return if self.take(")") { Ok(inner) } else { Err("\")\" is missing".to_owned()) };
        }
        if self.take("[") {
            return Ok(Expr::List(self.until("]")?));
        }
        for quote in ["\"", "'"] {
            if self.take(quote) {
                let (text, rest) = self.rest.split_once(quote).ok_or("a quote does not end")?;
                self.rest = rest;
                return Ok(Expr::Text(text.to_owned()));
            }
        }
        let first = self.rest.chars().next().ok_or("it ends too early")?;
        if first.is_ascii_digit() || first == '.' {
            return self.number();
        }
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        if end == 0 {
            return Err(format!("\"{first}\" is not understood"));
        }
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        if self.take("(") {
            return Ok(Expr::Call(name.to_ascii_uppercase(), self.until(")")?));
        }
        Ok(Expr::Name(name.to_owned()))
    }

    fn number(&mut self) -> Result<Expr, String> {
        let bytes = self.rest.as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let mut end = digits(0);
        if bytes.get(end) == Some(&b'.') {
            end += 1 + digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let more = bytes.get(end + 1 + sign).map_or(0, |_| digits(end + 1 + sign));
            if more > 0 {
                end += 1 + sign + more;
            }
        }
        let (text, rest) = self.rest.split_at(end);
        let number = text.parse().map_err(|_| format!("\"{text}\" is not a number"))?;
        self.rest = rest;
        Ok(Expr::Number(number))
    }
}
