//! What identifiers, users, passwords and classes may be.
//!
//! Source: RDS API reference, CreateDBInstance and CreateDBSnapshot; RDS user guide, "Quotas and constraints", "DB
//! instance classes" and "Creating a DB instance" (reserved words).

use crate::sandbox::call::ServiceError;

use super::input::{combination, invalid};

/// Checks an identifier and returns it as it is kept, in small letters.
pub(super) fn identifier(member: &str, given: &str, most: usize) -> Result<String, ServiceError> {
    let good = (1..=most).contains(&given.len())
        && given.starts_with(|c: char| c.is_ascii_alphabetic())
        && given.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !given.ends_with('-')
        && !given.contains("--");
    if good {
        return Ok(given.to_lowercase());
    }
    Err(invalid(format!(
        "The parameter {member} is not a valid identifier. Identifiers must begin with a letter; must contain only \
         ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens."
    )))
}

/// Names that PostgreSQL or RDS keeps for itself.
const RESERVED: [&str; 16] = [
    "admin",
    "all",
    "analyse",
    "analyze",
    "authorization",
    "default",
    "group",
    "none",
    "order",
    "primary",
    "public",
    "rdsadmin",
    "references",
    "select",
    "table",
    "user",
];

fn word(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn reserved(text: &str) -> bool {
    let small = text.to_lowercase();
    RESERVED.contains(&small.as_str()) || small.starts_with("pg_") || small.starts_with("rds_")
}

/// Checks the name of a master user.
pub(super) fn user(name: &str) -> Result<(), ServiceError> {
    if reserved(name) {
        let text =
            format!("MasterUsername {name} cannot be used as it is a reserved word used by the engine");
        return Err(invalid(text));
    }
    if word(name) {
        return Ok(());
    }
    Err(invalid(
        "The parameter MasterUsername is not a valid identifier. It must begin with a letter and contain 1 to 63 \
         letters, digits or underscores.",
    ))
}

/// Checks the name of a database that is made with an instance.
pub(super) fn database(name: &str) -> Result<(), ServiceError> {
    let taken = ["postgres", "template0", "template1"].contains(&name);
    if reserved(name) || taken && name != "postgres" {
        let text = format!("DBName {name} cannot be used. It is a reserved word for this engine.");
        return Err(invalid(text));
    }
    if name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && word(name.trim_start_matches('_'))
    {
        return Ok(());
    }
    Err(invalid(
        "DBName must begin with a letter or underscore and contain only alphanumeric characters and underscores.",
    ))
}

/// Checks a master user's password. It is not told what it was.
pub(super) fn password(password: &str) -> Result<(), ServiceError> {
    const NAME: &str = "The parameter MasterUserPassword is not a valid password";
    if password.chars().count() < 8 {
        return Err(invalid(format!("{NAME} because it is shorter than 8 characters.")));
    }
    if password.chars().count() > 128 {
        return Err(invalid(format!("{NAME} because it is longer than 128 characters.")));
    }
    if password.chars().all(|c| c.is_ascii_graphic() && !"/@\"".contains(c)) {
        return Ok(());
    }
    Err(invalid(format!("{NAME}. Only printable ASCII characters besides '/', '@', '\"', ' ' may be used.")))
}

/// Families of classes, memory of their `large` in GiB, and their sizes as factors of it.
const FAMILIES: [(&[&str], u64, &[&str]); 3] = [
    (&["t3", "t4g"], 8, &["micro", "small", "medium", "large", "xlarge", "2xlarge"]),
    (
        &["m5", "m5d", "m6g", "m6gd", "m6i", "m6id", "m7g", "m7i", "m8g"],
        8,
        &["large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge"],
    ),
    (
        &["r5", "r5d", "r6g", "r6gd", "r6i", "r6id", "r7g", "r7i", "r8g"],
        16,
        &["large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge"],
    ),
];

/// Memory of a size, in eighths of a family's `large`.
fn eighths(size: &str) -> u64 {
    match size {
        "micro" => 1,
        "small" => 2,
        "medium" => 4,
        "large" => 8,
        "xlarge" => 16,
        other => other.strip_suffix("xlarge").and_then(|n| n.parse::<u64>().ok()).unwrap_or_default() * 16,
    }
}

/// Every class there is.
pub(super) fn classes() -> Vec<String> {
    let of = |(names, _, sizes): &(&[&str], u64, &[&str])| -> Vec<String> {
        names.iter().flat_map(|name| sizes.iter().map(move |size| format!("db.{name}.{size}"))).collect()
    };
    FAMILIES.iter().flat_map(of).collect()
}

/// Memory of a class, in bytes.
pub(super) fn memory(class: &str) -> Result<u64, ServiceError> {
    let wrong = || invalid(format!("Invalid DB Instance class: {class}"));
    let (name, size) = class.strip_prefix("db.").and_then(|rest| rest.split_once('.')).ok_or_else(wrong)?;
    let family = FAMILIES.iter().find(|(names, _, sizes)| names.contains(&name) && sizes.contains(&size));
    family.map(|(_, large, _)| large * (eighths(size) << 30) / 8).ok_or_else(wrong)
}

/// Checks a size and kind of storage. Source: RDS user guide, "Amazon RDS DB instance storage".
pub(super) fn storage(kind: &str, gib: i64) -> Result<(), ServiceError> {
    let (least, most) = match kind {
        "gp2" | "gp3" => (20, 65_536),
        "io1" | "io2" => (100, 65_536),
        "standard" => (5, 3072),
        _ => return Err(invalid(format!("Invalid storage type: {kind}"))),
    };
    if (least..=most).contains(&gib) {
        return Ok(());
    }
    Err(combination(format!("Invalid storage size for engine name postgres and storage type {kind}: {gib}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_as_documented_and_kept_small() {
        assert_eq!(identifier("X", "My-Db1", 63).expect("is one"), "my-db1");
        for wrong in ["", "1a", "a-", "a--b", "a_b", "ä", "../x"] {
            assert!(identifier("X", wrong, 63).is_err(), "{wrong}");
        }
    }

    #[test]
    fn users_databases_and_passwords_are_as_documented() {
        assert!(user("owner_1").is_ok() && database("app").is_ok() && database("_app").is_ok());
        for wrong in ["admin", "rdsadmin", "1a", "a-b", "pg_x", "", "user"] {
            assert!(user(wrong).is_err(), "{wrong}");
        }
        assert!(password("correct-horse").is_ok());
        for wrong in ["sh0rt", "with space 1", "with/slash1", "with@sign12", "with\"quote1", "ünïcödé12"]
        {
            assert!(password(wrong).is_err_and(|error| !error.message.contains(wrong)));
        }
    }

    #[test]
    fn classes_have_the_memory_of_their_instances() {
        let gib = |class: &str| memory(class).map(|bytes| bytes >> 30).ok();
        assert_eq!(
            [
                gib("db.t3.micro"),
                gib("db.m5.xlarge"),
                gib("db.r6g.2xlarge"),
                gib("db.t3.12xlarge"),
                gib("t3.micro")
            ],
            [Some(1), Some(16), Some(64), None, None]
        );
        assert!(classes().iter().all(|class| memory(class).is_ok_and(|bytes| bytes >= 1 << 30)));
    }
}
