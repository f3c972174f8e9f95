//! What can be set of a server, as the program itself tells it.

use std::{collections::BTreeMap, process::Stdio};

use tokio::process::Command;

use super::{Installed, PostgresError, blame};

/// What values a setting has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// On or off.
    Flag,
    /// A whole number.
    Integer,
    /// A number.
    Real,
    /// A word of a few, which the program does not tell.
    Word,
    /// A text.
    Text,
}

/// One setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// What values it has.
    pub kind: Kind,
    /// Whether a change waits for the next start.
    pub fixed: bool,
    /// Least and greatest number.
    pub bounds: Option<(f64, f64)>,
    /// For people.
    pub description: String,
}

/// Reads a line of `--describe-config`: name, context, group, type, value, least, greatest, descriptions.
fn line(text: &str) -> Option<(String, Setting)> {
    let fields: Vec<&str> = text.split('\t').collect();
    let [name, context, _, kind, _, least, greatest, description, ..] = fields[..] else { return None };
    let kind = match kind {
        "BOOLEAN" => Kind::Flag,
        "INTEGER" => Kind::Integer,
        "REAL" => Kind::Real,
        "ENUM" => Kind::Word,
        "STRING" => Kind::Text,
        _ => return None,
    };
    let bounds = least.parse().ok().zip(greatest.parse().ok());
    let fixed = context == "postmaster";
    Some((name.to_owned(), Setting { kind, fixed, bounds, description: description.to_owned() }))
}

/// Every setting by its name.
///
/// # Errors
/// When the program does not tell them.
pub async fn catalogue(installed: &Installed) -> Result<BTreeMap<String, Setting>, PostgresError> {
    let program = installed.bin.join("postgres");
    let mut command = Command::new(&program);
    let out = command.arg("--describe-config").stdin(Stdio::null()).output().await;
    let out = out.map_err(blame(program))?;
    let known: BTreeMap<_, _> = String::from_utf8_lossy(&out.stdout).lines().filter_map(line).collect();
    if known.is_empty() {
        let reason = String::from_utf8_lossy(&out.stderr).trim().to_owned();
        return Err(PostgresError::Failed { program: "postgres --describe-config", reason });
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_the_program_writes_them() {
        let (name, setting) =
            line("max_connections\tpostmaster\tConnections\tINTEGER\t0\t1\t262143\tMost connections.\t")
                .expect("one");
        assert_eq!((name.as_str(), setting.kind, setting.fixed), ("max_connections", Kind::Integer, true));
        assert_eq!(setting.bounds, Some((1.0, 262143.0)));
        let (_, setting) = line("ssl\tsighup\tSSL\tBOOLEAN\tFALSE\t\t\tEnables SSL.\t").expect("one");
        assert_eq!((setting.kind, setting.fixed, setting.bounds), (Kind::Flag, false, None));
        assert!(line("no such line").is_none());
    }
}
