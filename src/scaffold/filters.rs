//! Escaping of a user's words for the place they land in.

use minijinja::Environment;

/// Adds every filter templates may use beside the engine's own.
pub(super) fn add(environment: &mut Environment<'_>) {
    // A JSON string with a few more escapes is a string literal in JavaScript, Python, YAML and TOML alike;
    // the four names say which one a template means.
    for name in ["tojson", "pystr", "tomlstr", "yamlstr"] {
        environment.add_filter(name, literal);
    }
    environment.add_filter("oneline", |text: String| oneline(&text));
}

fn literal(value: minijinja::Value) -> Result<String, minijinja::Error> {
    let json = serde_json::to_string(&value).map_err(|error| {
        minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, "value cannot be written as a literal")
            .with_source(error)
    })?;
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            // Legal in JSON strings, but a line break in older JavaScript and not printable in YAML or TOML.
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => out.push(c),
        }
    }
    Ok(out)
}

/// One line of prose that can close no comment and open no markup.
fn oneline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        for c in word.chars() {
            match c {
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '&' => out.push_str("&amp;"),
                '`' => out.push('\''),
                // Invisible direction marks can make text read differently from what it is.
                '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
                _ => out.push(c),
            }
        }
    }
    out.replace("*/", "* /").replace("\"\"\"", "\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_holds_any_text() {
        let text = "say \"hi\" \\ \n \u{2028} \u{7f} {{ x }} é";
        let json = literal(minijinja::Value::from(text)).expect("text");
        assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text);
        assert!(json.is_ascii() || !json.contains('\u{2028}'));
    }

    #[test]
    fn a_line_of_prose_cannot_break_out() {
        assert_eq!(oneline(" a\r\n*/ <b> `x` \u{202e}\"\"\""), "a * / &lt;b&gt; 'x' \"");
    }
}
