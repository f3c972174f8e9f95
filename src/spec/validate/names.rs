//! Names that become AWS names, code identifiers and host names.

/// App Runner's limit on a service name.
/// Source: App Runner API reference, CreateService, `ServiceName` (4 to 40 characters).
pub const MAX_SLOT_NAME: usize = 40;

/// What is wrong with a name and what to do.
type Wrong = (String, String);

/// Checks a service name: 3 to 32 of a-z, 0-9 and single hyphens, starting with a letter.
///
/// # Errors
/// What is wrong and what to do about it.
pub fn service_name(name: &str) -> Result<(), Wrong> {
    label(name, 3, 32, "service")
}

/// Checks an environment name: 2 to 12 of a-z and 0-9, starting with a letter. It has no hyphen, so that
/// `<service>-<environment>` can be read in only one way and two services never share a resource name.
///
/// # Errors
/// What is wrong and what to do about it.
pub fn environment_name(name: &str) -> Result<(), Wrong> {
    if name.contains('-') {
        return Err((
            format!("environment `{name}` has a hyphen"),
            format!("hyphens part service and environment in AWS names; try `{}`", name.replace('-', "")),
        ));
    }
    label(name, 2, 12, "environment")
}

/// Checks a dependency's name, which also becomes an identifier in three languages.
///
/// # Errors
/// What is wrong and what to do about it.
pub(super) fn dependency_name(name: &str) -> Result<(), Wrong> {
    label(name, 2, 32, "dependency")?;
    if RESERVED.contains(&name) {
        return Err((
            format!("`{name}` is a reserved word in a language of the generated code"),
            format!("try `{name}-api`"),
        ));
    }
    Ok(())
}

/// Words that are keywords or built-in names in Python, TypeScript or Rust and would not do as identifiers.
const RESERVED: [&str; 68] = [
    "abstract", "and", "any", "as", "assert", "async", "await", "become", "box", "break", "case", "catch",
    "class", "const", "continue", "crate", "def", "default", "del", "delete", "do", "elif", "else", "enum",
    "except", "export", "extends", "extern", "false", "finally", "fn", "for", "from", "function", "global",
    "if", "impl", "import", "in", "is", "lambda", "let", "loop", "match", "mod", "move", "mut", "new",
    "none", "not", "null", "or", "pass", "pub", "raise", "ref", "return", "self", "static", "super",
    "switch", "this", "true", "try", "type", "while", "with", "yield",
];

fn label(name: &str, min: usize, max: usize, what: &str) -> Result<(), Wrong> {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--");
    if plain && (min..=max).contains(&name.len()) {
        return Ok(());
    }
    let rule =
        format!("use {min} to {max} characters of a-z, 0-9 and single hyphens, starting with a letter");
    let better = tidy(name, max);
    let help = if better.len() >= min && better != name { format!("{rule}; try `{better}`") } else { rule };
    Err((format!("`{}` is not a {what} name that AWS accepts", name.escape_debug()), help))
}

/// The nearest plain name.
fn tidy(name: &str, max: usize) -> String {
    let mut out = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_lowercase() || (c.is_ascii_digit() && !out.is_empty()) {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.truncate(max);
    out.trim_end_matches('-').to_owned()
}
