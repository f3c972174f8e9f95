//! Rules over `[[dependencies]]`.

use std::collections::BTreeSet;

use crate::spec::{
    types::{Dependency, DependencyKind, Fallback, Spec},
    units::Duration,
};

use super::{Findings, names::dependency_name};

pub(super) fn check(spec: &Spec, found: &mut Findings) {
    let mut seen = BTreeSet::new();
    let mut databases = 0;
    for (index, dependency) in spec.dependencies.iter().enumerate() {
        let index = index.to_string();
        let at = |key: &'static str| ["dependencies".to_owned(), index.clone(), key.to_owned()];
        let mut add = |key: &'static str, message: String, help: String| {
            let path = at(key);
            found.add(&path.each_ref().map(String::as_str), message, help);
        };
        let name = &dependency.name;
        if let Err((message, help)) = dependency_name(name) {
            add("name", message, help);
        }
        if !seen.insert(name.replace('-', "_")) {
            add(
                "name",
                format!("two dependencies are called `{name}`"),
                "give each a name of its own".to_owned(),
            );
        }
        if !(1..=10).contains(&dependency.attempts) {
            add(
                "attempts",
                format!("{} attempts make no sense", dependency.attempts),
                "use 1 to 10; 3 is usual".to_owned(),
            );
        }
        if dependency.timeout < Duration::from_millis(10) || dependency.timeout >= spec.http.request_timeout {
            add(
                "timeout",
                format!("a timeout of {} does not fit into a request", dependency.timeout),
                format!(
                    "use 10ms up to less than http.request_timeout, which is {}",
                    spec.http.request_timeout
                ),
            );
        }
        if let Err((message, help)) = url(dependency) {
            add("url", message, help);
        }
        if let Some(why) = no_fallback(dependency.kind).filter(|_| dependency.fallback != Fallback::Fail) {
            add(
                "fallback",
                format!("`{name}` has no fallback: {why}"),
                "use \"fail\", or leave it out".to_owned(),
            );
        }
        if dependency.kind == DependencyKind::Postgres {
            databases += 1;
            if databases > 1 {
                add(
                    "kind",
                    "a service has one database at most".to_owned(),
                    "put the tables into one, or make two services".to_owned(),
                );
            }
        }
    }
}

/// Why calls of a kind cannot be answered without it.
fn no_fallback(kind: DependencyKind) -> Option<&'static str> {
    match kind {
        DependencyKind::Postgres => Some("it is where the data is"),
        DependencyKind::S3 => Some("a file is the right one or none"),
        DependencyKind::Sqs => Some("a message is sent or not"),
        DependencyKind::Redis => Some("the store behind a cache always answers for it"),
        DependencyKind::Http | DependencyKind::Dynamodb | DependencyKind::Bedrock => None,
    }
}

fn url(dependency: &Dependency) -> Result<(), (String, String)> {
    let example = "as in url = \"https://api.example.com\"".to_owned();
    let Some(url) = &dependency.url else {
        return if dependency.kind == DependencyKind::Http {
            Err((format!("`{}` is an HTTP API without a URL", dependency.name), format!("add it, {example}")))
        } else {
            Ok(())
        };
    };
    if dependency.kind != DependencyKind::Http {
        return Err((
            format!("`{}` is not an HTTP API and takes no URL", dependency.name),
            "remove `url`; pave finds the address by itself".to_owned(),
        ));
    }
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest else {
        return Err((format!("`{url}` is not an HTTP URL"), example));
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err((
            "the URL holds credentials".to_owned(),
            "take them out of the file: it goes into version control".to_owned(),
        ));
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let host_ok =
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
    let port_ok = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let path_ok = path.bytes().all(|b| b.is_ascii_graphic() && !b"\"'`\\<>{}?#".contains(&b));
    if host_ok && port_ok && path_ok {
        Ok(())
    } else {
        Err((
            format!("`{}` is not a base URL", url.escape_debug()),
            format!("use scheme, host and path only, {example}"),
        ))
    }
}
