//! Names of parameters, and what stands for one: an ARN, or a name with the version or the label that is meant.
//!
//! Source: Systems Manager user guide, "Parameter names: requirements and constraints"; API reference, PutParameter.

use crate::sandbox::{
    call::{Caller, ServiceError},
    protocol::input::{invalid, length},
};

use super::{
    Call, no_parameter, no_version,
    parameter::{Parameter, Version},
    refused,
};

/// Parts of a hierarchy, the name at its end among them.
const LEVELS: usize = 15;

/// Longest ARN, and so name.
const LONGEST_ARN: usize = 1011;

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._-".contains(c)
}

/// Checks how a name is written, which holds also for one that is asked for.
pub(super) fn check(name: &str) -> Result<(), ServiceError> {
    length("name", name, 1, 2048)?;
    let parts = name.strip_prefix('/').unwrap_or(name);
    let is_path = name.contains('/');
    if parts.split('/').all(|part| !part.is_empty() && part.chars().all(is_plain))
        && (!is_path || name.starts_with('/'))
    {
        return Ok(());
    }
    Err(invalid(
        "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist of \
         sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following \
         3 symbols .-_",
    ))
}

pub(super) fn arn(name: &str, caller: &Caller) -> String {
    let slash = if name.starts_with('/') { "" } else { "/" };
    format!("arn:aws:ssm:{}:{}:parameter{slash}{name}", caller.region, caller.account)
}

/// Checks the name of a parameter that is to be made.
pub(super) fn check_new(name: &str, caller: &Caller) -> Result<(), ServiceError> {
    check(name)?;
    let start = name.strip_prefix('/').unwrap_or(name).to_ascii_lowercase();
    if name.starts_with("/") && start.starts_with("aws") {
        return Err(refused(
            "AccessDeniedException",
            format!("No access to reserved parameter name: {name}."),
        ));
    }
    if start.starts_with("aws") || start.starts_with("ssm") {
        return Err(invalid("Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive)."));
    }
    if name.split('/').filter(|part| !part.is_empty()).count() > LEVELS {
        let text = format!("A hierarchy can have a maximum of {LEVELS} levels.");
        return Err(refused("HierarchyLevelLimitExceededException", text));
    }
    if arn(name, caller).len() > LONGEST_ARN {
        return Err(invalid(format!("The ARN of a parameter has at most {LONGEST_ARN} characters.")));
    }
    Ok(())
}

/// Checks where in the hierarchy to look.
pub(super) fn check_path(path: &str) -> Result<(), ServiceError> {
    let inner = path.strip_prefix('/').map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let fits =
        |inner: &str| inner.is_empty() || inner.split('/').all(|p| !p.is_empty() && p.chars().all(is_plain));
    if path == "/" || inner.is_some_and(|inner| path != "//" && fits(inner)) {
        return Ok(());
    }
    Err(invalid(
        "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash \
         \"/\". It can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). It must use only letters, numbers, or \
         the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. All \
         sub-paths, if specified, must use the forward slash symbol \"/\". Valid example: /get/parameters2-/by1./path0_.",
    ))
}

/// Whether a name is below a path: anywhere, or directly. A name without a slash is directly below `/`.
pub(super) fn is_below(name: &str, path: &str, recursive: bool) -> bool {
    let name = name.strip_prefix('/').unwrap_or(name);
    let path = path.trim_matches('/');
    let rest = match path {
        "" => Some(name),
        path => name.strip_prefix(path).and_then(|rest| rest.strip_prefix('/')),
    };
    rest.is_some_and(|rest| recursive || !rest.contains('/'))
}

/// What a caller asks for.
pub(super) struct Wanted {
    /// Of an ARN one cannot tell whether the name begins with a slash.
    names: Vec<String>,
    /// The version or label.
    pub selector: Option<String>,
    given: String,
}

impl Wanted {
    pub fn read(given: &str, caller: &Caller) -> Result<Self, ServiceError> {
        let given = given.trim();
        let start = format!("arn:aws:ssm:{}:{}:parameter/", caller.region, caller.account);
        let (text, from_arn) = match given.strip_prefix(&start) {
            Some(name) => (name, true),
            None if given.starts_with("arn:") => return Err(no_parameter(given)),
            None => (given, false),
        };
        let (name, selector) = match text.split_once(':') {
            Some((name, selector)) => (name, Some(selector.to_owned())),
            None => (text, None),
        };
        let names = match from_arn {
            true => vec![format!("/{name}"), name.to_owned()],
            false => vec![name.to_owned()],
        };
        check(&names[0])?;
        Ok(Self { names, selector, given: given.to_owned() })
    }
}

impl Call<'_> {
    /// Looks at the parameter and the version that are asked for.
    pub fn look<R>(
        &self,
        wanted: &Wanted,
        look: impl FnOnce(&Parameter, &Version) -> Result<R, ServiceError>,
    ) -> Result<R, ServiceError> {
        self.parameters.read(|all| {
            let found = wanted.names.iter().find_map(|name| all.get(name));
            let parameter = found.ok_or_else(|| no_parameter(&wanted.given))?;
            let version = match wanted.selector.as_deref() {
                None => Some(parameter.latest()),
                Some(selector) => match selector.parse() {
                    Ok(number) => parameter.version(number),
                    Err(_) => parameter.versions.iter().find(|version| version.labels.contains(selector)),
                },
            };
            let selector = wanted.selector.as_deref().unwrap_or_default();
            look(parameter, version.ok_or_else(|| no_version(&parameter.name, selector))?)
        })
    }

    /// Changes a parameter that is named, and by nothing but its name.
    pub fn change<R>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Parameter) -> Result<R, ServiceError>,
    ) -> Result<R, ServiceError> {
        let name = name.trim();
        check(name)?;
        self.parameters.update(name, |there| change(there.as_mut().ok_or_else(|| no_parameter(name))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::testing::caller;

    #[test]
    fn names_are_as_documented() {
        let code = |name: &str| check_new(name, &caller()).err().map(|error| error.code);
        let deep = |levels: usize| "/l".repeat(levels);
        for name in
            ["a", "/a", "/a/b.c-d_E9", "sample", "law", "/x/aws/ssm", &deep(15), &"n".repeat(1000 - 40)]
        {
            assert_eq!(code(name), None, "{name}");
        }
        for name in
            ["", "a/b", "/a//b", "/a/", "/", "a b", "ä", "a:1", "ssm_x", "/SSM/x", "Aws", &"n".repeat(1000)]
        {
            assert_eq!(code(name), Some("ValidationException"), "{name}");
        }
        assert_eq!(code("/aws/x"), Some("AccessDeniedException"));
        assert_eq!(code(&deep(16)), Some("HierarchyLevelLimitExceededException"));
    }

    #[test]
    fn a_path_holds_what_is_below_it() {
        for (name, path, directly, below) in [
            ("plain", "/", true, true),
            ("/plain", "/", true, true),
            ("/a/b", "/", false, true),
            ("/a/b", "/a", true, true),
            ("/a/b", "/a/", true, true),
            ("/a/b/c", "/a", false, true),
            ("/ab/c", "/a", false, false),
            ("/a", "/a", false, false),
        ] {
            assert_eq!(
                (is_below(name, path, false), is_below(name, path, true)),
                (directly, below),
                "{name}"
            );
        }
        for path in ["a", "", "//", "/a//b", "/###"] {
            assert!(check_path(path).is_err(), "{path}");
        }
    }
}
