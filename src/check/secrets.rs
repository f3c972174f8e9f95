//! Keys, tokens and passwords in the tree. What is found is named by its place and its first characters, never shown.

use std::sync::LazyLock;

use regex::bytes::{Captures, Regex};

use crate::package::looks_secret;

use super::{Finding, Rule, rules, tree::Tree};

/// So much of a file is searched; what is longer is data.
const SEARCHED: u64 = 16 * 1024 * 1024;

const TODO: &str =
    "revoke it where it was issued, take it out of the history, and keep the new one outside the tree";

/// A shape of secrets.
struct Shape {
    rule: &'static Rule,
    pattern: LazyLock<Regex>,
    /// Whether what has the shape is meant.
    meant: fn(&str) -> bool,
}

macro_rules! shape {
    ($rule:expr, $pattern:literal, $meant:expr) => {
        Shape {
            rule: &$rule,
            pattern: LazyLock::new(|| Regex::new($pattern).expect("a fixed pattern")),
            meant: $meant,
        }
    };
}

/// Every shape; the group `s` is the secret itself.
static SHAPES: [Shape; 9] = [
    shape!(rules::SECRET_AWS, r"\b(?<s>(?:AKIA|ASIA)[A-Z0-9]{16})\b", |found| !found.contains("EXAMPLE")),
    shape!(
        rules::SECRET_PRIVATE_KEY,
        r"(?<s>-----BEGIN (?:[A-Z0-9]+ ){0,2}PRIVATE KEY(?: BLOCK)?-----)(?:\s|\\n|\\r){1,8}[A-Za-z0-9+/=:, -]{16}",
        |_| true
    ),
    shape!(
        rules::SECRET_GITHUB,
        r"\b(?<s>gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255})\b",
        |_| true
    ),
    shape!(
        rules::SECRET_SLACK,
        r"\b(?<s>xox[abprs]-[0-9A-Za-z-]{20,255}|hooks\.slack\.com/services/T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/[A-Za-z0-9]{20,})",
        |_| true
    ),
    shape!(rules::SECRET_STRIPE, r"\b(?<s>(?:sk|rk)_live_[0-9a-zA-Z]{20,255})\b", |_| true),
    shape!(
        rules::SECRET_TOKEN,
        r"\b(?<s>AIza[0-9A-Za-z_-]{35}|npm_[A-Za-z0-9]{36}|pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}|sk-ant-[A-Za-z0-9_-]{40,}|glpat-[A-Za-z0-9_-]{20})",
        random
    ),
    shape!(
        rules::SECRET_URL,
        r#"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@"'<>]{0,64}:(?<s>[^\s@/"'<>${}]{8,128})@[A-Za-z0-9][A-Za-z0-9.-]*"#,
        random
    ),
    shape!(
        rules::SECRET_ASSIGNED,
        r#"(?i)["']?[a-z0-9_.-]{0,40}(?:password|passwd|secret|api_?-?key|access_?-?key|private_?-?key|auth_?-?token|access_?-?token|credential)[a-z0-9_.-]{0,20}["']?\s{0,8}(?::=|:|=>|=)\s{0,8}["'](?<s>[A-Za-z0-9+/=_.~!@#%^&*-]{16,256})["']"#,
        random
    ),
    shape!(
        rules::SECRET_ASSIGNED,
        r#"(?im)^\s{0,16}(?:export )?[A-Z0-9_.-]{0,40}(?:PASSWORD|PASSWD|SECRET|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|AUTH_?TOKEN|ACCESS_?TOKEN|CREDENTIAL)[A-Z0-9_.-]{0,20}(?: {0,8}= {0,8}|:\s{1,4})(?<s>[A-Za-z0-9+/=_~!@#%^*-]{16,256})\s*$"#,
        random
    ),
];

/// Files full of digests, in which random-looking values are what is wanted.
const DIGESTS: [&str; 8] =
    [".lock", "lock.json", ".sum", ".svg", ".map", ".snap", "manifest.json", "lock.yaml"];

pub(super) fn check(tree: &Tree, found: &mut Vec<Finding>) {
    for path in tree.paths() {
        if looks_secret(path) {
            let todo = "add it to .gitignore, and revoke what it holds if it was ever pushed";
            found.push(rules::SECRET_FILE.on(path, "is a file in which keys or passwords are kept", todo));
            continue;
        }
        let Some(bytes) = tree.head(path, SEARCHED) else { continue };
        let digests = DIGESTS.iter().any(|ending| path.ends_with(ending));
        for shape in SHAPES.iter().filter(|shape| !digests || shape.rule.id != rules::SECRET_ASSIGNED.id) {
            search(path, &bytes, shape, found);
        }
    }
}

fn search(path: &str, bytes: &[u8], shape: &Shape, found: &mut Vec<Finding>) {
    let secret = |captures: &Captures<'_>| {
        let secret = captures.name("s")?;
        let text = std::str::from_utf8(secret.as_bytes()).ok()?;
        (shape.meant)(text).then(|| (secret.start(), text.chars().take(4).collect::<String>()))
    };
    let (mut line, mut counted) = (1, 0);
    // Whoever put a hundred into one file knows.
    for (at, start) in shape.pattern.captures_iter(bytes).filter_map(|captures| secret(&captures)).take(100) {
        line += bytes[counted..at].iter().filter(|byte| **byte == b'\n').count();
        counted = at;
        let what = format!("a value that begins with `{start}` breaks the rule: {}", shape.rule.asks);
        found.push(shape.rule.at(path, line, what, TODO));
    }
}

/// Words that no random value holds.
const WORDS: [&str; 17] = [
    "example",
    "changeme",
    "change-me",
    "password",
    "passwd",
    "secret",
    "placeholder",
    "dummy",
    "sample",
    "your",
    "xxxx",
    "test",
    "12345",
    "token",
    "default",
    "local",
    "abcdef",
];

/// Whether a text looks drawn at random: letters and digits, no common word, 3.5 bits a character or more.
fn random(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let letters = text.bytes().any(|b| b.is_ascii_alphabetic());
    let digits = text.bytes().filter(u8::is_ascii_digit).count() >= 2;
    letters
        && digits
        && !WORDS.iter().any(|word| lower.contains(word))
        && entropy(text) >= threshold(text.len())
}

/// Short texts cannot reach the entropy that long ones do.
fn threshold(length: usize) -> f64 {
    if length < 16 { 2.7 } else { 3.5 }
}

/// Shannon entropy in bits a character.
fn entropy(text: &str) -> f64 {
    let mut counts = [0u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let total = text.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / total)
        .map(|p| -p * p.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_does_not_look_random() {
        for text in [
            "correct-horse-battery-staple",
            "aaaaaaaaaaaaaaaa1111",
            "my-service-password-1",
            "0000000000000000",
            "com.company.service.Class",
        ] {
            assert!(!random(text), "{text}");
        }
        assert!(random("kJ8v2mQx7PzR4wTn9LbY") && random("9f86d081884c7d659a2feaa0c55ad015"));
    }
}
