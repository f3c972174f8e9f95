//! Passwords of master users that RDS keeps in Secrets Manager.
//!
//! Source: RDS user guide, "Password management with Amazon RDS and AWS Secrets Manager". The rotation every seven days
//! that RDS sets up is left out: a password changes when it is asked for.

use rand::{Rng as _, distr::Uniform};
use serde_json::json;

use crate::sandbox::{
    call::{Caller, ServiceError},
    hidden::Hidden,
    postgres::verifier,
    services::secretsmanager::managed,
    tags::Tag,
    world::World,
};

use super::{
    model::{Instance, Managed},
    show::Place,
};

/// Characters of a password that RDS makes: no caller has to escape one in an address or a shell.
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
const LONG: usize = 32;

/// A record of a secret that is not there yet.
pub(super) fn fresh() -> Managed {
    let id = crate::sandbox::server::uuid();
    let version = crate::sandbox::server::uuid();
    Managed { name: format!("rds!db-{id}"), arn: None, version, status: "creating".to_owned() }
}

fn value(user: &str) -> Hidden {
    let mut dice = rand::rng();
    let password: String = match Uniform::new(0, LETTERS.len()) {
        Ok(any) => (0..LONG).map(|_| char::from(LETTERS[dice.sample(any)])).collect(),
        Err(_) => String::new(),
    };
    Hidden(json!({ "username": user, "password": password }).to_string())
}

fn password(value: &Hidden) -> Hidden {
    let value: serde_json::Value = serde_json::from_str(&value.0).unwrap_or_default();
    Hidden(value["password"].as_str().unwrap_or_default().to_owned())
}

/// Makes the secret, or its next version, and returns what the server is to know of the password. Doing it again, after
/// a kill, comes to the same.
pub(super) fn prepare(
    world: &World,
    caller: &Caller,
    instance: &Instance,
    kept: &Managed,
) -> Result<(String, Hidden), ServiceError> {
    let value = value(&instance.user);
    let (arn, value) = match &kept.arn {
        Some(arn) => (arn.clone(), managed::propose(world, caller, &kept.name, &kept.version, value)?),
        None => {
            let arn = Place::own(world).arn("db", &instance.id);
            let tag = |key: &str, value: String| Tag { key: key.to_owned(), value };
            let wanted = managed::Managed {
                owner: "rds",
                name: kept.name.clone(),
                description: format!("The secret associated with the primary RDS DB instance: {arn}"),
                tags: vec![
                    tag("aws:rds:primaryDBInstanceArn", arn),
                    tag("aws:secretsmanager:owningService", "rds".to_owned()),
                ],
            };
            managed::make(world, caller, wanted, &kept.version, value)?
        }
    };
    Ok((arn, verifier(&password(&value).0)))
}
