//! The variables of an environment: names that a process and App Runner take, and no passwords on an account.

use super::{Environment, Findings, Target, at};

/// Set by pave itself from other keys, or by App Runner.
const TAKEN: [&str; 6] =
    ["HOST", "MAX_CONCURRENCY", "PAVE_ENVIRONMENT", "PAVE_RELEASE", "PORT", "REQUEST_TIMEOUT_MS"];

/// App Runner keeps names that begin so for itself.
/// Source: App Runner API reference, ImageConfiguration, `RuntimeEnvironmentVariables`.
const RESERVED: &str = "AWSAPPRUNNER";

/// Longest name and value, in characters. Source: as above.
const LONGEST: usize = 51_200;

pub(super) fn check(environment: &Environment, path: &[&str], found: &mut Findings) {
    for (name, value) in &environment.variables {
        let place = at(path, name);
        let start = name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_');
        let plain = name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        found.require(
            start && plain && name.len() <= LONGEST,
            &place,
            format!("`{name}` is not the name of a variable"),
            "use capitals, digits and underscores, as in LOG_LEVEL",
        );
        found.require(
            !TAKEN.contains(&name.as_str()) && !name.starts_with(RESERVED),
            &place,
            format!("`{name}` is set by pave or by App Runner"),
            "leave it out; it comes from http.port, http.request_timeout and scale.concurrency",
        );
        found.require(
            value.len() <= LONGEST && !value.contains(char::is_control),
            &place,
            format!("the value of `{name}` is not one line of at most {LONGEST} bytes"),
            "put what is longer into a file of the project",
        );
        let secret = if holds_password(value) {
            Some("the address has a password")
        } else if names_a_secret(name) {
            Some("it is named as a secret is")
        } else {
            None
        };
        if let Some(why) = secret.filter(|_| environment.target != Some(Target::Sandbox)) {
            found.add(
                &place,
                format!("`{name}` would be there to read for everyone who may see the service, and {why}"),
                "leave it out: only a sandbox takes passwords here",
            );
        }
    }
}

/// Whether a value is an address with a password, as in `scheme://user:password@host`.
fn holds_password(value: &str) -> bool {
    let authority = value.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    let user = authority.and_then(|authority| authority.rsplit_once('@')).map(|(user, _)| user);
    user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| !password.is_empty())
}

/// Whether a variable is named as a secret would be.
pub fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let words: Vec<&str> = name.split('_').collect();
    // What only says where a secret is, is none.
    let place = ["file", "path", "url", "arn", "id", "name"].contains(words.last().unwrap_or(&""));
    let single = ["password", "passwd", "secret", "token", "apikey", "credentials"];
    let pairs = [["api", "key"], ["access", "key"], ["private", "key"]];
    let named = words.iter().any(|word| single.contains(word))
        || words.windows(2).any(|two| pairs.iter().any(|pair| pair == two));
    named && !place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_says_where_a_secret_is_is_no_secret() {
        assert!(names_a_secret("DB_PASSWORD") && names_a_secret("npm_token"));
        assert!(
            !names_a_secret("SECRET_ARN")
                && !names_a_secret("PASSWORD_FILE")
                && !names_a_secret("MAX_OUTPUT_TOKENS")
        );
    }
}
