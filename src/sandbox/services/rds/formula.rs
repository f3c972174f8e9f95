//! Values of parameters that follow from an instance's class, as `LEAST({DBInstanceClassMemory/9531392},5000)`.
//!
//! Source: RDS user guide, "Specifying DB parameters".

/// Deepest call in a call.
const DEEPEST: usize = 8;

/// What a call does with two of its values.
type Apply = fn(f64, f64) -> f64;

struct Reader<'a> {
    text: &'a str,
    memory: f64,
}

impl Reader<'_> {
    fn skip(&mut self, prefix: &str) -> bool {
        match self.text.trim_start().strip_prefix(prefix) {
            Some(rest) => {
                self.text = rest;
                true
            }
            None => false,
        }
    }

    fn number(&mut self) -> Option<f64> {
        self.text = self.text.trim_start();
        let end = self.text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(self.text.len());
        let (number, rest) = self.text.split_at(end);
        self.text = rest;
        number.parse().ok()
    }

    /// What stands between braces: a variable or number, multiplied and divided from left to right.
    fn product(&mut self) -> Option<f64> {
        let mut value = self.factor()?;
        loop {
            if self.skip("*") {
                value *= self.factor()?;
            } else if self.skip("/") {
                value /= self.factor()?;
            } else {
                return Some(value);
            }
        }
    }

    fn factor(&mut self) -> Option<f64> {
        if self.skip("DBInstanceClassMemory") { Some(self.memory) } else { self.number() }
    }

    fn value(&mut self, depth: usize) -> Option<f64> {
        if depth > DEEPEST {
            return None;
        }
        if self.skip("{") {
            let value = self.product()?;
            return self.skip("}").then_some(value);
        }
        let calls: [(&str, Apply); 3] =
            [("GREATEST(", f64::max), ("LEAST(", f64::min), ("SUM(", |a, b| a + b)];
        let Some((_, apply)) = calls.into_iter().find(|(name, _)| self.skip(name)) else {
            return self.number();
        };
        let mut value = self.value(depth + 1)?;
        while self.skip(",") {
            value = apply(value, self.value(depth + 1)?);
        }
        self.skip(")").then_some(value)
    }
}

/// Whether a value is a formula.
pub(super) fn is_one(text: &str) -> bool {
    text.contains('{') || ["GREATEST(", "LEAST(", "SUM("].iter().any(|name| text.starts_with(name))
}

/// The number that a formula comes to for a class with so many bytes of memory.
pub(super) fn evaluate(text: &str, memory: u64) -> Option<u64> {
    let mut reader = Reader { text, memory: memory as f64 };
    let value = reader.value(0)?;
    (reader.text.trim().is_empty() && value.is_finite() && value >= 0.0).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_evaluated_and_broken_ones_are_not() {
        let of = |text: &str| evaluate(text, 1 << 30);
        assert_eq!(of("LEAST({DBInstanceClassMemory/9531392},5000)"), Some(112));
        assert_eq!(of("GREATEST({DBInstanceClassMemory*1024/63963136},65536)"), Some(65536));
        assert_eq!(of("SUM({DBInstanceClassMemory/12038},-50003)"), None);
        assert_eq!(of("100"), Some(100));
        for wrong in ["LEAST(", "{DBInstanceClassMemory/0}", "{x}", "1)", &"SUM(".repeat(99)] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
