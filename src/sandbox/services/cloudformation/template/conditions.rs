//! Conditions: which hold, by name, and which side of `Fn::If` is taken.

use serde_json::Value;

use super::{
    TemplateError,
    evaluate::{Context, LARGEST},
    functions::wrong,
    graph,
    parameters::text_of,
};

impl Context<'_> {
    /// The value of a condition by name; each is found once.
    pub(super) fn named(&mut self, name: &str) -> Result<bool, TemplateError> {
        if let Some(known) = self.conditions.get(name) {
            return Ok(*known);
        }
        let value = self.template.and_then(|template| template.conditions.get(name).cloned());
        let value = value.ok_or_else(|| wrong(format!("there is no condition {name}")))?;
        // A template without circles was read before this, so each of these ends.
        let mut needs = graph::references(&value).conditions;
        graph::named_conditions(&value, &mut needs);
        for need in needs {
            self.named(&need)?;
        }
        self.left.set(LARGEST);
        let known = self.condition(&value)?;
        self.conditions.insert(name.to_owned(), known);
        Ok(known)
    }

    /// Whether a condition holds; what has none always is.
    pub fn holds(&self, condition: Option<&String>) -> bool {
        condition.is_none_or(|name| self.conditions.get(name).copied().unwrap_or(false))
    }

    fn condition(&self, value: &Value) -> Result<bool, TemplateError> {
        if let Value::Bool(flag) = value {
            return Ok(*flag);
        }
        let Some((name, argument)) =
            value.as_object().filter(|map| map.len() == 1).and_then(|map| map.iter().next())
        else {
            return Err(TemplateError(
                "Template format error: Every Conditions member must be a boolean function".to_owned(),
            ));
        };
        let items = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        match name.as_str() {
            "Condition" => {
                let name = argument.as_str().unwrap_or_default();
                self.conditions
                    .get(name)
                    .copied()
                    .ok_or_else(|| wrong(format!("there is no condition {name}")))
            }
            "Fn::Equals" => {
                let [left, right] = items else {
                    return Err(wrong("every Fn::Equals object requires a list of 2 string parameters."));
                };
                let (left, right) = (self.value(left)?, self.value(right)?);
                let plain = |value: &Option<Value>| value.as_ref().and_then(text_of);
                Ok(match (plain(&left), plain(&right)) {
                    (Some(left), Some(right)) => left == right,
                    _ => left == right,
                })
            }
            "Fn::Not" => match items {
                [one] => Ok(!self.condition(one)?),
                _ => Err(wrong("every Fn::Not object requires a list of 1 boolean parameter.")),
            },
            "Fn::And" | "Fn::Or" if (2..=10).contains(&items.len()) => {
                let values: Vec<bool> =
                    items.iter().map(|item| self.condition(item)).collect::<Result<_, _>>()?;
                Ok(if name == "Fn::And" { values.iter().all(|v| *v) } else { values.iter().any(|v| *v) })
            }
            "Fn::And" | "Fn::Or" => Err(wrong(format!(
                "every {name} object requires a list of at least 2 and at most 10 boolean parameters."
            ))),
            "Fn::If" => self.chosen(argument).and_then(|chosen| self.condition(chosen)),
            other => Err(wrong(format!("{other} cannot be used in a condition"))),
        }
    }

    pub(super) fn chosen<'v>(&self, argument: &'v Value) -> Result<&'v Value, TemplateError> {
        let malformed = || wrong("Fn::If requires a list argument with three elements");
        let [name, then, otherwise] = argument.as_array().map(Vec::as_slice).unwrap_or_default() else {
            return Err(malformed());
        };
        let name = name.as_str().map(str::to_owned).ok_or_else(malformed)?;
        Ok(if self.holds(Some(&name)) { then } else { otherwise })
    }
}
